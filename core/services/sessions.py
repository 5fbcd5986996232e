"""The engine's clients: what each is sent, and when.

Events (orders, fills, risk) go out at once and whole. Market data goes out as frames, at most one
under way for each client and none before it asked. A client whose queue is full is *lagging*: it
is told nothing more, but that the engine lives, until it speaks again, and then a new snapshot. So
no client can make the engine wait or grow, and none ever misses an order event without being told
everything anew.

A client is there as long as its connection stands, however long it says nothing: a screen that
hangs goes on where it was, and meanwhile the engine is not without a terminal.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence

from core.bus.server import Peer, Sent
from core.marketdata.cache import MarketCache
from core.marketdata.frames import ClientView
from core.marketdata.trades import BarSeries
from core.model.commands import Command
from core.model.events import CommandRefused, Event
from core.model.session import (
    Appraisal,
    Appraise,
    EngineView,
    Events,
    Frame,
    Goodbye,
    Heartbeat,
    Hello,
    OlderBars,
    Ready,
    Snapshot,
    SourceView,
    Submit,
    Subscribe,
    ToEngine,
)
from core.model.wire import encode

FRAME_SECONDS = 1 / 60
"""How often it is looked whether there is a new frame for a client."""

EAGER_SECONDS = 0.001
"""The shortest time between two frames to a strategy, which gets one as soon as anything is new."""

_ALL_BARS = 1 << 62
_AGAIN_SECONDS = 0.5  # the shortest time between two new snapshots for one lagging client

Backlog = Iterator[tuple[Event, ...]]
"""The older part of the engine's state, in pieces that are sent after the snapshot."""


class Session:
    """One client.

    Attributes:
        kind: ``terminal``, ``strategy`` or ``tool``.
        lagging: its queue is full; it gets a new snapshot when it speaks again.
        welcomed_at: when it was last asked whether there is room for one (monotonic seconds).
    """

    __slots__ = (
        "backlog",
        "frame",
        "framed_at",
        "kind",
        "lagging",
        "name",
        "peer",
        "ready",
        "view",
        "welcomed_at",
    )

    def __init__(self, peer: Peer, hello: Hello, cache: MarketCache) -> None:
        self.peer = peer
        self.name = hello.client
        self.kind = hello.kind
        self.view = self.new_view(cache)
        self.backlog: Backlog | None = None
        self.ready = False
        self.lagging = True  # until it is welcomed: nothing comes before the snapshot
        self.frame = 0
        self.framed_at = self.welcomed_at = 0.0

    def new_view(self, cache: MarketCache) -> ClientView:
        """What it has seen, when it has seen nothing. A strategy gets all the bars there are."""
        return ClientView(cache, _ALL_BARS) if self.kind == "strategy" else ClientView(cache)


class Sessions:
    """All clients.

    Args:
        cache: the market data that they are shown.
        snapshot: makes the engine's whole state, and the older rest of it.
        on_command: called with a client and its command.
        on_stop: called when a terminal asks that the engine end.
        on_error: called with a sentence and perhaps the exception behind it.
        appraise: says what an order would cost and what speaks against it.

    Attributes:
        lags: how many times a client began to lag.
    """

    def __init__(
        self,
        cache: MarketCache,
        snapshot: Callable[[], tuple[Snapshot, Backlog]],
        on_command: Callable[[Session, Command], None],
        on_stop: Callable[[Session], None],
        on_error: Callable[[str, Exception | None], None],
        appraise: Callable[[Appraise], Appraisal],
    ) -> None:
        self._appraise = appraise
        self._cache = cache
        self._snapshot = snapshot
        self._on_command = on_command
        self._on_stop = on_stop
        self._on_error = on_error
        self._sessions: dict[Peer, Session] = {}
        self._unfinished: deque[BarSeries] = deque()
        self._advancing = False
        self._eager: dict[str, list[Session]] = {}
        self._due: dict[Session, None] = {}
        self._health: tuple[tuple[SourceView, ...], EngineView | None] = ((), None)
        self._untold: list[Event] = []
        self.lags = 0

    def __iter__(self) -> Iterator[Session]:
        return iter(list(self._sessions.values()))

    def __len__(self) -> int:
        return len(self._sessions)

    # -- what clients say --------------------------------------------------------------------

    def receive(self, peer: Peer, message: ToEngine) -> None:
        """Take in a message of an admitted client."""
        if isinstance(message, Hello):
            if (old := self._sessions.get(peer)) is not None:
                old.view.close()
            session = self._sessions[peer] = Session(peer, message, self._cache)
            self._welcome(session)
            return
        found = self._sessions.get(peer)
        if found is None:
            return
        if isinstance(message, Submit):
            self._on_command(found, message.command)
        elif isinstance(message, Ready):
            found.ready = True
            if found.kind == "strategy":
                self._hurry(found)
        elif isinstance(message, Subscribe):
            self._subscribe(found, message)
        elif isinstance(message, OlderBars):
            found.view.older(message)
        elif isinstance(message, Appraise):
            self._write(found, encode(self._appraise(message)))
        elif isinstance(message, Goodbye):
            self._forget(found)
            if message.stop_engine and found.kind == "terminal":
                self._on_stop(found)
            return
        now = time.monotonic()
        if found.lagging and now - found.welcomed_at >= _AGAIN_SECONDS:
            found.welcomed_at = now
            # A word first: whose queue is still full is not worth the work of a snapshot.
            if peer.send(Heartbeat(time.time_ns())) is Sent.OK:
                self._welcome(found)

    def _welcome(self, session: Session) -> None:
        """Send the whole state; from there on the client misses nothing."""
        self.tell()  # what the snapshot holds already must not come after it
        snapshot, session.backlog = self._snapshot()
        session.view.close()
        session.view = session.new_view(self._cache)
        session.view.sources, session.view.engine = self._health
        session.ready = False
        session.lagging = False
        self._write(session, encode(snapshot))

    def _subscribe(self, session: Session, wanted: Subscribe) -> None:
        problems = session.view.subscribe(wanted)
        if problems:
            now = time.time_ns()
            told = tuple(CommandRefused(now, "subscribe", "UNKNOWN", text) for text in problems)
            self._write(session, encode(Events(told)))
        self._make_bars(session)
        if session.kind == "strategy":
            self._list_eager()

    def _list_eager(self) -> None:
        self._eager.clear()
        for session in self._sessions.values():
            if session.kind == "strategy":
                for name in session.view.instruments():
                    self._eager.setdefault(name, []).append(session)

    def _make_bars(self, session: Session) -> None:
        self._unfinished.extend(session.view.unfinished)
        session.view.unfinished.clear()
        if self._unfinished and not self._advancing:
            self._advancing = True
            asyncio.get_running_loop().call_soon(self._advance)

    def _advance(self) -> None:
        """Make one slice of the bars that somebody waits for, and let others run in between."""
        if self._unfinished[0].advance():
            self._unfinished.popleft()
        self._advancing = bool(self._unfinished)
        if self._advancing:
            asyncio.get_running_loop().call_soon(self._advance)

    # -- what clients are sent ---------------------------------------------------------------

    def publish(self, events: Sequence[Event]) -> None:
        """Send events to every client, in order, before the loop's next turn."""
        if not events or not self._sessions:
            return
        if not self._untold:
            asyncio.get_running_loop().call_soon(self.tell)
        self._untold.extend(events)

    def tell(self) -> None:
        """Send what was published, from all inputs of this turn of the loop, as one message."""
        events, self._untold = self._untold, []
        if not events:
            return
        data = encode(Events(tuple(events)))
        for session in list(self._sessions.values()):
            if not session.lagging:
                self._write(session, data)

    def frames(self) -> None:
        """Send each client that is ready the newest of what it wants; call about 60 times a second.

        A bit of a client's backlog goes out as well.
        """
        now = time.monotonic()
        for session in list(self._sessions.values()):
            if session.lagging:
                continue
            if session.backlog is not None:
                piece = next(session.backlog, None)
                if piece is None:
                    session.backlog = None
                else:
                    self._write(session, encode(Events(piece)))
            if session.ready:
                self._make_frame(session, now)

    def market(self, instrument: str) -> None:
        """Something happened in a market: strategies that wait for it get a frame at once, that
        is, when the messages that are being taken in now are through."""
        for session in self._eager.get(instrument, ()):
            if session.ready and session not in self._due:
                self._hurry(session)

    def _hurry(self, session: Session) -> None:
        if not self._due:
            asyncio.get_running_loop().call_soon(self._send_due)
        self._due[session] = None

    def _send_due(self) -> None:
        due, self._due = self._due, {}
        now = time.monotonic()
        for session in due:
            if now - session.framed_at < EAGER_SECONDS:
                self._due[session] = None
            elif session.ready and not session.lagging:
                self._make_frame(session, now)
        if self._due:
            asyncio.get_running_loop().call_later(EAGER_SECONDS, self._send_due)

    def _make_frame(self, session: Session, now: float) -> None:
        """A frame in slices, one in each turn of the loop, so that no order waits for all of it."""
        if session.view.changed():
            session.ready = False
            making = session.view.make(session.frame + 1, time.time_ns())
            self._slice(session, session.view, making, now)

    def _slice(
        self,
        session: Session,
        view: ClientView,
        making: Generator[None, None, Frame | None],
        now: float,
    ) -> None:
        if session.view is not view:
            return  # the client was told everything anew meanwhile
        try:
            next(making)
        except StopIteration as made:
            self._made(session, made.value, now)
        except Exception as error:
            self._not_made(session, error)
        else:
            asyncio.get_running_loop().call_soon(self._slice, session, view, making, now)

    def _made(self, session: Session, frame: Frame | None, now: float) -> None:
        if session.view.unfinished:
            self._make_bars(session)
        if frame is None:
            session.ready = True
            return
        try:
            data = encode(frame)
        except Exception as error:
            self._not_made(session, error)
            return
        session.frame += 1
        session.framed_at = now
        self._write(session, data)

    def _not_made(self, session: Session, error: Exception) -> None:
        """It is not ready until it asks again, so that one fault is reported once."""
        self._on_error(f"The frame of client {session.name} could not be made.", error)

    def health(self, sources: tuple[SourceView, ...], engine: EngineView) -> None:
        """Put the health of sources and engine into everyone's next frame."""
        self._health = (sources, engine)
        for session in self._sessions.values():
            session.view.sources = sources
            session.view.engine = engine

    def beat(self) -> None:
        """Tell everyone that the engine lives, and so find out whose connection is over."""
        data = encode(Heartbeat(time.time_ns()))
        for session in list(self._sessions.values()):
            self._write(session, data)

    def guests(self) -> int:
        """How many clients there are besides the engine's own strategies."""
        return sum(session.kind != "strategy" for session in self._sessions.values())

    def _write(self, session: Session, data: bytes) -> None:
        sent = session.peer.write(data)
        if sent is Sent.GONE:
            self._forget(session)
        elif sent is Sent.FULL and not session.lagging:
            session.lagging = True
            self.lags += 1

    def _forget(self, session: Session) -> None:
        self._sessions.pop(session.peer, None)
        session.view.close()
        session.peer.admitted = False
