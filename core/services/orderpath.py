"""The way of every input: written down, worked on by the kernel, acted on. In this order, always.

One input is finished before the next begins, also when a venue answers from within `send`: what
arrives meanwhile waits in the order in which it came.

With durability "power" all that follows from an input - requests to venues, cancels among them,
and what clients are told - waits, in memory and in order, until the disk has confirmed the input.
So nothing leaves and nothing is shown that a loss of power could take back. The loop does not wait:
a thread of the journal asks the disk once for all that was written by then, and wakes the loop.
With "process" nothing waits. Either way commands that others than the kernel carry out (`note`)
are on record before they are, but do not wait for the disk: no order follows from them alone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from time import monotonic
from typing import NamedTuple

from core.journal.errors import JournalError
from core.journal.journal import Journal
from core.kernel.kernel import Input, Kernel
from core.model.commands import Command, NewOrder, NewOrderList
from core.model.enums import ExecType, LinkState, OrdStatus, Severity
from core.model.events import (
    JOURNAL,
    CancelReject,
    CommandRefused,
    Difference,
    Event,
    ExecutionReport,
    LinkUpdate,
    Notice,
)
from core.model.inputs import Covariance, Facts, Setup, Tick, TurnedAway
from core.model.market import Quote, StatusUpdate, Trade
from core.model.requests import VenueCancel, VenueNew, VenueReplace, VenueRequest
from core.services.statistics import Statistics

MOST_WAIT = 2.0
"""Seconds that an order may wait for the disk. Then trading halts, and it is not sent any more."""

MOST_DENIALS = 1000
"""So many orders that were refused meanwhile are put on record when the journal can be written."""

_REQUESTS = frozenset({VenueNew, VenueCancel, VenueReplace})


class _Held(NamedTuple):
    """What follows from input `seq`, while the disk has not confirmed that.

    `since` is monotonic seconds; `arrived` when the command came (monotonic ns), 0 if none did.
    """

    seq: int
    since: float
    arrived: int
    requests: list[VenueRequest]
    events: list[Event]


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
            memory and in order, until it can be written down; each `Tick` tries. Orders and
            changes that waited for longer than `MOST_WAIT` are not sent any more when it can:
            they are told as refused. Cancels are sent.
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
        self._waits = journal.durability == "power"
        self._held: deque[_Held] = deque()
        self._inbox: deque[Input] = deque()
        self._kept: deque[Input] = deque()
        self._denials = 0
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
            self._work_off()
        finally:
            self._busy = False

    def confirmed(self) -> None:
        """The disk said something: let go what it confirmed, halt, or go on. Never raises.

        To be called on the loop whenever the journal's thread wakes it.
        """
        if self._journal.failed and not self._journal.resume():
            self._halt(self._journal.failed)
            return
        self._busy = True
        try:
            self._let_go()
            self._work_off()
        finally:
            self._busy = False

    def flush(self) -> None:
        """Wait for the disk and let go what it confirms: at the end of the engine's life.

        Raises:
            JournalError: when the disk failed; what waits stays here, and a restart finds out.
        """
        self._journal.commit()
        self.confirmed()

    def note(self, command: Command) -> bool:
        """Put a command on record that others than the kernel carry out; False when that fails."""
        ts = self.clock()
        try:
            self._journal.append(ts, command)
        except JournalError as error:
            self._halt(str(error))
            self._publish([refusal(ts, command, "JOURNAL_FAILED", self.halted)])
            return False
        return True

    def record(self, difference: Difference) -> None:
        """Put on record where a venue and our books differ; the kernel knows nothing of it."""
        try:
            self._journal.append(self.clock(), difference)
        except JournalError as error:
            self._halt(str(error))

    def _work_off(self) -> None:
        while self._inbox:
            message = self._inbox.popleft()
            try:
                self._one(message)
            except Exception as error:
                self._failed(message, error)

    def _one(self, message: Input) -> None:
        if self._held and type(message) is Tick and self._overdue():
            self._halt(
                f"The disk has not answered for {MOST_WAIT:g} s; nothing is sent until then."
            )
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
            self._halt(str(error))
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
        statistics = self._statistics
        if self._waits:
            arrived = 0
            if requests:
                arrived, statistics.arrived = statistics.arrived, 0
            self._held.append(_Held(seq, monotonic(), arrived, requests, events))
            self._journal.ask()
            return True
        if requests:
            for request in requests:
                statistics.sent(request)
                self._send(request)
            statistics.decided()
        if events:
            self._publish(events)
        return True

    # -- while the disk is asked -------------------------------------------------------------

    def _let_go(self) -> None:
        """Act on all inputs that the disk has confirmed."""
        held, until = self._held, self._journal.synced_seq
        while held and held[0].seq <= until:
            found = held.popleft()
            late = monotonic() - found.since > MOST_WAIT
            for request in found.requests:
                if self._may_leave(request, late):
                    self._statistics.sent(request)
                    self._send(request)
                else:
                    self._work_off()  # before what else waits is looked at: cancels of it are moot
            if found.requests:
                self._statistics.decided(found.arrived)
            if found.events:
                self._publish(found.events)

    def _may_leave(self, request: VenueRequest, late: bool) -> bool:
        """May this still be sent, after it waited? If not, the kernel is told what became of it."""
        order = self.kernel.order(request.order.cl_ord_id)
        if order is None:
            return False
        if isinstance(request, VenueCancel) and request.order.cl_ord_id != order.cl_ord_id:
            return True  # perhaps a slice that its order left behind
        if order.status.terminal:
            return False
        if isinstance(request, VenueCancel):
            return True
        if late or order.status is OrdStatus.UNKNOWN:
            text = "It was not sent: the disk took too long to confirm that it is on record."
        elif self.kernel.halted(order):
            text = "It was not sent: trading was halted before the disk confirmed it."
        elif isinstance(request, VenueNew) and order.status is OrdStatus.PENDING_CANCEL:
            text = "It was canceled before the disk confirmed it, and never sent."
        else:
            return True
        gone = order.status is OrdStatus.PENDING_CANCEL
        kind = ExecType.CANCELED if gone else ExecType.REJECTED
        venue = self._venue(order.instrument)
        self._inbox.append(_unsent(request, venue, self.clock(), text, kind))
        return False

    def _venue(self, instrument: str) -> str:
        return next((i.venue for i in self.kernel.instruments() if i.id == instrument), "")

    def _overdue(self) -> bool:
        return bool(self._held) and monotonic() - self._held[0].since > MOST_WAIT

    def _failed(self, message: Input, error: Exception) -> None:
        """An input that cannot even be written down (a number beyond all bounds): left out."""
        self._statistics.errors += 1
        text = f"A {type(message).__name__} could not be worked off and was left out: {error!r}."
        self._publish([Notice(self.clock(), Severity.CRITICAL, "engine", text)])

    # -- while the journal cannot be written -------------------------------------------------

    def _halt(self, why: str) -> None:
        self._statistics.errors += 1
        self._faults += 1
        if self.halted:
            return
        self.halted = f"Trading is halted. {why}"
        ts = self.clock()
        self._publish(
            [
                Notice(ts, Severity.CRITICAL, JOURNAL, self.halted),
                LinkUpdate(JOURNAL, ts, LinkState.DOWN, self.halted),
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
            self._denials -= isinstance(self._kept.popleft(), TurnedAway)
        if self._work(message) and self._faults == before and not self._overdue():
            self.halted = ""
            ts = self.clock()
            text = "The journal can be written again; trading goes on."
            self._publish(
                [
                    Notice(ts, Severity.WARNING, JOURNAL, text),
                    LinkUpdate(JOURNAL, ts, LinkState.UP, text),
                ]
            )

    def _put_off(self, message: Input) -> None:
        """Keep what a venue said, refuse what somebody asked; markets and timers come anew.

        A new order is told as refused at once, and becomes one in the books later.
        """
        if isinstance(message, ExecutionReport | CancelReject | LinkUpdate):
            self._kept.append(message)
        elif not isinstance(
            message, Tick | Quote | Trade | StatusUpdate | Setup | Facts | Covariance
        ):
            command = message.command if isinstance(message, TurnedAway) else message
            self._publish([refusal(self.clock(), command, "JOURNAL_FAILED", self.halted)])
            if isinstance(command, NewOrder | NewOrderList) and self._denials < MOST_DENIALS:
                self._denials += 1
                self._kept.append(TurnedAway(command, "JOURNAL_FAILED", self.halted, JOURNAL))


_STATUS = {ExecType.CANCELED: OrdStatus.CANCELED, ExecType.REJECTED: OrdStatus.REJECTED}


def _unsent(
    request: VenueNew | VenueReplace, venue: str, ts: int, text: str, kind: ExecType
) -> ExecutionReport | CancelReject:
    """What became of a request that never left, in the words in which a venue would refuse it."""
    order = request.order
    if isinstance(request, VenueReplace):
        return CancelReject(
            venue, ts, ts, order.cl_ord_id, request.request, order.status, True, text
        )
    return ExecutionReport(
        venue=venue,
        ts=ts,
        received=ts,
        cl_ord_id=order.cl_ord_id,
        exec_type=kind,
        status=_STATUS[kind],
        exec_id=f"unsent-{order.cl_ord_id}",
        request=order.cl_ord_id,
        instrument=order.instrument,
        side=order.side,
        qty=order.qty,
        price=order.price,
        text=text,
    )


def refusal(ts: int, command: Command, code: str, text: str) -> CommandRefused:
    """The answer to a command that was not carried out."""
    name = command.cl_ord_id if isinstance(command, NewOrder) else command.id
    return CommandRefused(ts, name, code, text)
