"""The terminal's side of the engine: starts it, watches it, sends commands, keeps the stores.

The desk never assumes success. A command that cannot reach the engine is refused here at once,
with a sentence; nothing waits to be sent later.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from PySide6.QtCore import QObject, QSocketNotifier, QTimer, Signal

from core.bus.channel import NOBODY
from core.client.client import EngineClient
from core.client.stores import Stores
from core.model.commands import Command, NewOrder
from core.model.enums import Severity
from core.model.events import CommandRefused, Notice
from core.model.session import OlderBars, Subscribe
from core.services.process import EngineProcess, ProcessState

WATCH_MS = 200


class Desk(QObject):
    """One engine seen from the Qt thread.

    Signals:
        connection_changed(bool, str): the engine answers or not, and a sentence about it.
        event_arrived(object): an event of `core.model.events`, after the stores took it in.
        refused(object, str): a command that was not sent, and why.
        failed(str): the engine will not be started again; the sentence that says why.
    """

    connection_changed = Signal(bool, str)
    event_arrived = Signal(object)
    refused = Signal(object, str)
    failed = Signal(str)

    def __init__(
        self,
        client: EngineClient,
        stores: Stores,
        process: EngineProcess | None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.stores = stores
        self.client = client
        self.process = process
        self._known = (False, "")
        self._said_process = self._told = ""
        self._wanted = Subscribe()
        self._notifier: QSocketNotifier | None = None
        self._watch = QTimer(self)
        self._watch.setInterval(WATCH_MS)
        self._watch.timeout.connect(self._look)
        client.on_event.append(self.event_arrived.emit)
        client.on_fd_changed.append(self._notify)

    def start(self) -> None:
        """Connect (the engine's process was started before) and begin to watch."""
        self.client.connect()
        self._watch.start()
        self._look()

    def ask(self, wanted: OlderBars) -> None:
        """Ask for older bars; without a connection nothing comes, and a chart asks anew later."""
        self.client.ask(wanted)

    def send(self, command: Command) -> bool:
        """Send a command now; False (and `refused`) when the engine cannot be reached."""
        # the process may be known to be dead before the connection is
        frozen = "" if self.stores.connected else f"Not sent. {self.stores.connection_text}"
        problem = frozen or self.client.send(command)
        if problem:
            what = command.cl_ord_id if isinstance(command, NewOrder) else command.id
            refusal = CommandRefused(time.time_ns(), what, "NOT_CONNECTED", problem)
            self.stores.take_event(refusal)
            self.refused.emit(command, problem)
            return False
        return True

    def subscribe(self, wants: Iterable[dict[str, set[Any]]]) -> None:
        """Ask the engine for the market data of all open panels together."""
        together: dict[str, set[Any]] = {"quotes": set(), "depth": set(), "trades": set()}
        together["bars"] = set()
        for want in wants:
            for what, keys in want.items():
                together[what] |= {k for k in keys if self._trades(k)}
        wanted = Subscribe(**{what: tuple(sorted(keys)) for what, keys in together.items()})
        if wanted != self._wanted:
            self._wanted = wanted
            self.client.subscribe(wanted)

    def _trades(self, key: Any) -> bool:
        """Is this instrument, or (instrument, interval), of a market that is connected?"""
        name = key[0] if isinstance(key, tuple) else key
        return name == "*" or name in self.stores.instruments

    def poll(self) -> None:
        """Take in whatever the engine has sent."""
        self.client.poll()
        if self._said_process and not self.stores.connected:
            # that it died says more than that nobody answers
            self.stores.connection_text = self._said_process
        elif self.process is not None and self.stores.connection_text.startswith(NOBODY):
            # it was started and does not listen yet; its address says nothing to a trader
            self.stores.connection_text = self._told or "The engine is being started."
        now = (self.stores.connected, self.stores.connection_text)
        if now != self._known:
            self._known = now
            self.connection_changed.emit(*now)

    @property
    def engine_failed(self) -> bool:
        """Will our engine not be started again? `failed` said why."""
        return self.process is not None and self.process.state is ProcessState.FAILED

    def stop(self) -> None:
        """Say goodbye; an engine that we started ends too."""
        self._watch.stop()
        self._quiet()
        self.client.close(stop_engine=self.process is not None)
        if self.process is not None:
            self.process.stop()

    def _look(self) -> None:
        if self.process is not None:
            said = self.process.poll()
            if said and said != self._said_process:
                self.say(Severity.ERROR, said)
                if self.engine_failed:
                    self.failed.emit(said)
            self._said_process = said
            self._told = said or self._told
        self.poll()

    def say(self, severity: Severity, text: str) -> None:
        """A line of the terminal's own in the log."""
        notice = Notice(time.time_ns(), severity, "terminal", text)
        self.stores.add_notice(notice)
        self.event_arrived.emit(notice)

    def _notify(self) -> None:
        """Wake on what the engine sends at once, not only with the next frame."""
        self._quiet()
        if self.client.fd >= 0:
            self._notifier = QSocketNotifier(self.client.fd, QSocketNotifier.Type.Read, self)
            self._notifier.activated.connect(self.poll)

    def _quiet(self) -> None:
        if self._notifier is not None:
            self._notifier.setEnabled(False)
            self._notifier.deleteLater()
            self._notifier = None
