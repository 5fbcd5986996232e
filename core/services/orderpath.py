"""The way of every input: written down, worked on by the kernel, acted on. In this order, always.

One input is finished before the next begins, also when a venue answers from within `send`: what
arrives meanwhile waits in the order in which it came.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from core.journal.errors import JournalError
from core.journal.journal import Journal
from core.kernel.kernel import Input, Kernel
from core.model.commands import Command, NewOrder
from core.model.enums import LinkState, Severity
from core.model.events import (
    CancelReject,
    CommandRefused,
    Event,
    ExecutionReport,
    LinkUpdate,
    Notice,
)
from core.model.inputs import Setup, Tick
from core.model.market import Quote, StatusUpdate, Trade
from core.model.requests import VenueCancel, VenueNew, VenueReplace, VenueRequest
from core.services.statistics import Statistics

LINK = "journal"
"""Name under which the journal's health is shown beside the venues' links."""

_REQUESTS = frozenset({VenueNew, VenueCancel, VenueReplace})


class OrderPath:
    """Journal, kernel, venues, clients: the one way from an input to what follows from it.

    Args:
        send: hands a request to its venue; must not raise.
        publish: tells the clients.
        clock: UTC nanoseconds; a replay's may go back.

    Attributes:
        clock: the engine's time.
        halted: why nothing can be traded now, as a sentence; empty while the journal can be
            written. Nothing is sent that is not journaled. What venues say meanwhile is kept, in
            memory and in order, until it can be written down; each `Tick` tries.
    """

    def __init__(
        self,
        kernel: Kernel,
        journal: Journal,
        send: Callable[[VenueRequest], None],
        publish: Callable[[Sequence[Event]], None],
        clock: Callable[[], int],
        statistics: Statistics,
    ) -> None:
        self.kernel = kernel
        self._journal = journal
        self._send = send
        self._publish = publish
        self.clock = clock
        self._statistics = statistics
        self._inbox: deque[Input] = deque()
        self._kept: deque[Input] = deque()
        self._busy = False
        self._faults = 0
        self.halted = ""

    def take(self, message: Input) -> None:
        """Work off one input, and whatever it makes arrive meanwhile. Never raises."""
        self._inbox.append(message)
        if self._busy:
            return
        self._busy = True
        try:
            while self._inbox:
                next_one = self._inbox.popleft()
                try:
                    self._one(next_one)
                except Exception as error:
                    self._failed(next_one, error)
        finally:
            self._busy = False

    def note(self, command: Command) -> bool:
        """Put a command on record that others than the kernel carry out; False when that fails."""
        ts = self.clock()
        try:
            self._journal.append(ts, command)
        except JournalError as error:
            self._halt(error)
            self._publish([refusal(ts, command, "JOURNAL_FAILED", self.halted)])
            return False
        return True

    def _one(self, message: Input) -> None:
        if self.halted:
            self._while_halted(message)
        elif not self._work(message):
            self._put_off(message)

    def _work(self, message: Input) -> bool:
        """Write down, work off, act; False when it could not be written down."""
        ts = self.clock()
        try:
            seq = self._journal.append(ts, message)
        except JournalError as error:
            self._halt(error)
            return False
        outputs = self.kernel.apply(seq, ts, message)
        self._statistics.events += 1
        if not outputs:
            return True
        requests: list[VenueRequest] = []
        events: list[Event] = []
        for output in outputs:
            if type(output) in _REQUESTS:
                requests.append(output)  # type: ignore[arg-type]
            else:
                events.append(output)  # type: ignore[arg-type]
        if requests:
            self._pass_on(requests)
        if events:
            self._publish(events)
        return True

    def _pass_on(self, requests: list[VenueRequest]) -> None:
        try:
            self._journal.commit()
        except JournalError as error:
            # On record but perhaps not on the disk: they stay here, and a restart finds out.
            self._halt(error)
            return
        for request in requests:
            self._statistics.sent(request)
            self._send(request)
        self._statistics.decided()

    def _failed(self, message: Input, error: Exception) -> None:
        """An input that cannot even be written down (a number beyond all bounds): left out."""
        self._statistics.errors += 1
        text = f"A {type(message).__name__} could not be worked off and was left out: {error!r}."
        self._publish([Notice(self.clock(), Severity.CRITICAL, "engine", text)])

    # -- while the journal cannot be written -------------------------------------------------

    def _halt(self, error: JournalError) -> None:
        self._statistics.errors += 1
        self._faults += 1
        if self.halted:
            return
        self.halted = f"Trading is halted. {error}"
        ts = self.clock()
        self._publish(
            [
                Notice(ts, Severity.CRITICAL, LINK, self.halted),
                LinkUpdate(LINK, ts, LinkState.DOWN, self.halted),
            ]
        )

    def _while_halted(self, message: Input) -> None:
        if not isinstance(message, Tick):
            self._put_off(message)
            return
        before = self._faults
        while self._kept:
            if not self._work(self._kept[0]):
                return
            self._kept.popleft()
        if self._work(message) and self._faults == before:
            self.halted = ""
            ts = self.clock()
            text = "The journal can be written again; trading goes on."
            self._publish(
                [
                    Notice(ts, Severity.WARNING, LINK, text),
                    LinkUpdate(LINK, ts, LinkState.UP, text),
                ]
            )

    def _put_off(self, message: Input) -> None:
        """Keep what a venue said, refuse what somebody asked; markets and timers come anew."""
        if isinstance(message, ExecutionReport | CancelReject | LinkUpdate):
            self._kept.append(message)
        elif not isinstance(message, Tick | Quote | Trade | StatusUpdate | Setup):
            self._publish([refusal(self.clock(), message, "JOURNAL_FAILED", self.halted)])


def refusal(ts: int, command: Command, code: str, text: str) -> CommandRefused:
    """The answer to a command that was not carried out."""
    name = command.cl_ord_id if isinstance(command, NewOrder) else command.id
    return CommandRefused(ts, name, code, text)
