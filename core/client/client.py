"""A client of the engine, without Qt and without threads.

`EngineClient.poll` does everything that takes turns: it reads what the engine sent into the
stores, asks for the next frame, beats, notices that the engine is gone, and connects again.
Call it whenever `fd` becomes readable and at least about every 50 ms (a frame timer does).
"""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec

from core.bus.channel import Channel, ClientChannel
from core.client.stores import Stores
from core.model.commands import Command
from core.model.enums import Severity
from core.model.events import Event, Notice
from core.model.session import (
    Appraisal,
    Appraise,
    Events,
    Frame,
    Goodbye,
    Heartbeat,
    Hello,
    OlderBars,
    Ready,
    Refused,
    Snapshot,
    Submit,
    Subscribe,
    ToEngine,
)
from core.model.wire import decode_from_engine, encode

SILENCE = 2.0
"""Seconds without a word from the engine after which it counts as dead or hung."""

_BEAT = 1.0
_RETRY = 0.25  # seconds between attempts to connect
_PATIENCE = 10.0  # seconds that a connected engine may take for its snapshot
_MOST = 2_000  # messages taken in one poll, so that a screen is never held up for long


class EngineClient:
    """Speaks with one engine and keeps `stores` up to date.

    Args:
        endpoint: where the engine listens; empty when `open_channel` knows.
        token: the engine's secret.
        name: who this is, for the engine's log.
        kind: ``terminal``, ``strategy`` or ``tool``.
        stores: what to fill; new ones by default.
        open_channel: makes a connection to an endpoint; ZeroMQ by default.

    Attributes:
        on_event: called with every event (orders, fills, risk, notices), after the stores.
        on_snapshot: called when a whole new state was taken in.
        on_fd_changed: called when `fd` is another one (a connection was made or ended).
        reconnects: how many times the connection was lost after it had stood.
    """

    def __init__(
        self,
        endpoint: str,
        token: str,
        name: str,
        kind: str = "terminal",
        stores: Stores | None = None,
        open_channel: Callable[[str], Channel] = ClientChannel,
    ) -> None:
        self.endpoint = endpoint
        self.token = token
        self.name = name
        self.kind = kind
        self.stores = stores if stores is not None else Stores()
        self.on_event: list[Callable[[Event], None]] = []
        self.on_snapshot: list[Callable[[Snapshot], None]] = []
        self.on_fd_changed: list[Callable[[], None]] = []
        self.reconnects = 0
        self.engine_pid = 0
        self._open_channel = open_channel
        self._channel: Channel | None = None
        self._wanted = False
        self._greeted = False
        self._joined = False
        self._refused = ""
        self._subscription = Subscribe()
        self._opened_at = 0.0
        self._heard_at = 0.0
        self._beat_at = 0.0
        self._retry_at = 0.0

    # -- what the owner calls ----------------------------------------------------------------

    @property
    def fd(self) -> int:
        """Descriptor for a notifier, perhaps edge-triggered; -1 when there is none now."""
        return self._channel.fd if self._channel is not None else -1

    @property
    def connected(self) -> bool:
        """True while the engine answers."""
        return self._joined

    def connect(self, endpoint: str = "", token: str = "") -> None:
        """Begin to connect, and keep connecting until `close`; with arguments, to another engine.

        Returns at once; `poll` does the work and `stores.connected` tells when it is done.
        """
        if endpoint and (endpoint, token or self.token) != (self.endpoint, self.token):
            self.endpoint, self.token = endpoint, token or self.token
            self._drop("Connecting to the engine.")
        self._wanted = True
        self._retry_at = 0.0
        self.poll()

    def send(self, command: Command) -> str:
        """Send a command. Returns an empty text, or the sentence why it was not sent.

        A command is never kept back for later: without a connection it is refused here.
        """
        channel = self._channel
        if channel is None or not self._joined:
            return f"Not sent, the engine is not connected. {self.stores.connection_text}"
        if channel.lost() or not channel.send(encode(Submit(command))):
            return "Not sent, the engine does not take messages right now; try again."
        return ""

    def subscribe(self, wanted: Subscribe) -> None:
        """Want this market data from now on, through reconnects too."""
        self._subscription = wanted
        if self._joined:
            self._say(wanted)

    def ask(self, wanted: OlderBars) -> bool:
        """Ask for older bars of a series that is subscribed to; False when nobody hears it.

        They come with the next frames, a piece in each. Who is connected anew asks again.
        """
        return self._joined and self._say(wanted)

    def appraise(self, wanted: Appraise) -> bool:
        """Ask what an order would cost; False when nobody hears it.

        The answer comes to `stores.appraisals`.
        """
        return self._joined and self._say(wanted)

    def poll(self) -> int:
        """Take in what the engine sent and do what is due; returns the number of messages."""
        now = time.monotonic()
        channel = self._channel
        if channel is None:
            if self._wanted and now >= self._retry_at:
                self._open(now)
            return 0
        taken = 0
        while taken < _MOST and (data := channel.receive()) is not None:
            taken += 1
            self._heard_at = now
            self._take(data)
            if self._channel is not channel:
                return taken
        self._check(channel, now)
        return taken

    def close(self, stop_engine: bool = False) -> None:
        """Say goodbye and stop connecting; with `stop_engine` the engine ends too."""
        self._wanted = False
        if self._channel is not None:
            self._say(Goodbye(stop_engine))
        self._drop("Disconnected.")

    # -- the connection ----------------------------------------------------------------------

    def _open(self, now: float) -> None:
        try:
            self._channel = self._open_channel(self.endpoint)
        except OSError as error:
            self.stores.connection_text = str(error)
            self._retry_at = now + 4 * _RETRY
            return
        self._greeted = False
        self._opened_at = self._heard_at = now
        self._fd_changed()
        self._check(self._channel, now)

    def _check(self, channel: Channel, now: float) -> None:
        lost = channel.lost()
        if lost:
            self._drop(self._refused or lost)
        elif not self._greeted:
            if channel.connected and self._say(Hello(self.name, self.kind, self.token)):
                self._greeted = True
                self._opened_at = now
            elif now - self._opened_at > 4 * _RETRY:
                self._drop(f"No engine answers at {self.endpoint}; still trying.")
        elif not self._joined:
            if now - self._opened_at > _PATIENCE:
                self._drop("The engine took the connection but does not answer; still trying.")
        elif now - self._heard_at > SILENCE:
            self._drop(f"The engine has been silent for {SILENCE:g} s: it is dead or hung.")
        elif now - self._beat_at >= _BEAT:
            self._beat_at = now
            self._say(Heartbeat(time.time_ns()))

    def _drop(self, text: str) -> None:
        if self._joined:
            self.reconnects += 1
        self._joined = self.stores.connected = False
        self.stores.connection_text = text
        self._retry_at = time.monotonic() + (8 * _RETRY if self._refused else _RETRY)
        if self._channel is not None:
            channel, self._channel = self._channel, None
            self._fd_changed()  # while the descriptor still is what it was
            channel.close()

    def _fd_changed(self) -> None:
        for notify in self.on_fd_changed:
            notify()

    def _say(self, message: ToEngine) -> bool:
        return self._channel is not None and self._channel.send(encode(message))

    # -- what the engine says ----------------------------------------------------------------

    def _take(self, data: bytes) -> None:
        try:
            message = decode_from_engine(data)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            self._refused = (
                f"The engine sent what this client does not understand ({error}); use the same "
                "version of Outcry for both."
            )
            self._drop(self._refused)
            return
        match message:
            case Frame():
                self.stores.take_frame(message)
                self._say(Ready(message.frame))
            case Events():
                for event in message.events:
                    self._tell(event)
            case Appraisal():
                self.stores.take_appraisal(message)
            case Snapshot():
                self._take_snapshot(message)
            case Refused():
                self._take_refusal(message.text)
            case Heartbeat():
                pass

    def _tell(self, event: Event) -> None:
        self.stores.take_event(event)
        for handler in self.on_event:
            handler(event)

    def _take_snapshot(self, snapshot: Snapshot) -> None:
        self.stores.take_snapshot(snapshot)
        self.engine_pid = snapshot.pid
        self._refused = ""
        self._joined = self.stores.connected = True
        self.stores.connection_text = f"Connected to {snapshot.engine}."
        self._say(self._subscription)
        self._say(Ready(0))
        for handler in self.on_snapshot:
            handler(snapshot)

    def _take_refusal(self, text: str) -> None:
        if self._joined:
            # One message was refused, or the engine forgot this client: begin anew at once.
            self.stores.add_notice(Notice(time.time_ns(), Severity.ERROR, "client", text))
        else:
            self._refused = text
        self._drop(text)
