"""A recorded market as a venue: plays events at their pace and fills orders against them.

Recorded time: every message carries the venue's own time in `ts` and, in `received`, the moment
it reached the recorder. `ReplayVenue.now()` is on that same scale, so an age is ``now() - ts``
and a quote is as old in a replay as it was when it was recorded, at any speed and in a pause.
Reports of orders carry recorded time too.
"""

from __future__ import annotations

import asyncio
import heapq
import math
import time
from collections.abc import Mapping, Sequence
from decimal import Decimal

import msgspec

from core.model.commands import VenueControl
from core.model.enums import LinkState, MarketStatus, Mode, TimeInForce
from core.model.events import LinkUpdate, VenueEvent, VenueOrder, VenueStatement
from core.model.instruments import Instrument
from core.model.market import BookUpdate, MarketData, Quote, StatusUpdate
from core.model.orders import Order
from core.model.requests import VenueNew, VenueRequest
from core.venues.replay.clock import AS_FAST_AS_POSSIBLE, FASTEST, SLOWEST, ReplayClock
from core.venues.replay.desk import Desk
from core.venues.replay.events import Event
from core.venues.replay.exact import shown
from core.venues.replay.own import listed
from core.venues.replay.recording import Recording
from core.venues.venue import EventSink, MarketSink

LATENCY = 1_000_000
_TIFS = (TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK)
BATCH = 1_000_000  # ns of work before the loop gets its turn
BLOCK = 64  # events decoded at a time
SHORTEST_SLEEP = 0.001
SLACK = 1_000_000  # ns that a seek may miss the ends by: its time travels as a float


class ReplayVenue:
    """Plays a recording.

    Args:
        recording: what to play.
        speed: 0.1 to 1000 times recorded time, or `AS_FAST_AS_POSSIBLE` (infinity).
        start: UTC ns to start at; the recording's start when None.
        paused: stand still at the start until told to play.
        latency: recorded ns from sending an order to its arrival at the market. While the replay
            stands still requests arrive at once.
        maker_fee, taker_fee: share of the value traded, instead of the instruments' own.

    Raises:
        ValueError: for a speed, start or latency that cannot be.
    """

    mode = Mode.REPLAY

    def __init__(
        self,
        recording: Recording,
        *,
        speed: float = 1.0,
        start: int | None = None,
        paused: bool = False,
        latency: int = LATENCY,
        maker_fee: Decimal | None = None,
        taker_fee: Decimal | None = None,
    ) -> None:
        wrong = _wrong_speed(speed) or (start is not None and _wrong_place(recording, start))
        if wrong or latency < 0:
            raise ValueError(wrong or "The latency cannot be negative.")
        self.name = recording.venue
        self.recording = recording
        self._instruments = tuple(
            msgspec.structs.replace(
                instrument,
                maker_fee=instrument.maker_fee if maker_fee is None else maker_fee,
                taker_fee=instrument.taker_fee if taker_fee is None else taker_fee,
            )
            for instrument in recording.instruments
        )
        self._desk = Desk(self.name, self._instruments, recording.knowledge)
        begin = recording.start if start is None else _clamped(recording, start)
        self._clock = ReplayClock(begin, speed)
        # Standing still from the start on, it shows what there was at the start.
        self._seek: int | None = begin if paused or start is not None else None
        self._paused = paused
        self._ended = False
        self._latency = latency
        self._place = 0  # index of the next event
        self._block: list[Event] = []
        self._block_start = 0
        self._requests: list[tuple[int, int, VenueRequest]] = []
        self._sent = 0
        self._resumed: Sequence[Order] = ()
        self._market: MarketSink = _nowhere
        self._events: EventSink = _nowhere
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()

    # -- the venue --

    def instruments(self) -> Sequence[Instrument]:
        """Everything in the recording."""
        return self._instruments

    def resume(self, working: Sequence[Order], marks: Mapping[str, int]) -> None:
        """Orders that worked before a restart go to the end of their queues at the start."""
        self._resumed = working

    async def start(self, market: MarketSink, events: EventSink) -> None:
        """Begin to play. The first messages are the market's state at the start."""
        self._market, self._events = market, events
        self._desk.connect(events)
        if self._seek is None:
            self._open()
        else:
            await self._go_to(self._seek)
        self._desk.take_back(self._resumed, self.now())
        self._resumed = ()
        self._link(LinkState.UP, "Replay of " + self.recording.summary())
        if not self._paused:
            self._clock.run()
        self._task = asyncio.create_task(self._run(), name=f"replay {self.name}")

    def send(self, request: VenueRequest) -> None:
        """Send a request; it arrives after the latency and is answered then."""
        self._sent += 1
        heapq.heappush(self._requests, (self.now() + self._latency, self._sent, request))
        self._wake.set()

    async def working_orders(self) -> Sequence[VenueOrder]:
        """Orders at the market and those on their way to it."""
        return self._with_those_on_their_way(self._desk.working())

    async def statement(self, since: int, orders: Sequence[str]) -> VenueStatement:
        """Orders and executions; a recording keeps no positions and no cash.

        `since` is recorded time.
        """
        told = self._desk.statement(since, orders)
        here = self._with_those_on_their_way(list(told.orders))
        return msgspec.structs.replace(told, orders=tuple(here), ts=self.now())

    def _with_those_on_their_way(self, working: list[VenueOrder]) -> list[VenueOrder]:
        known = {order.cl_ord_id for order in working}
        for _, _, request in sorted(self._requests, key=lambda waiting: waiting[:2]):
            if isinstance(request, VenueNew) and request.order.cl_ord_id not in known:
                known.add(request.order.cl_ord_id)
                working.append(listed(request.order))
        return working

    def control(self, command: VenueControl) -> str:
        """``pause``, ``play``, ``speed`` (factor), ``seek`` (UTC ns) or ``next`` (trade).

        ``next`` is a seek to the next trade of the command's instrument. A seek cancels working
        orders and then sends for every instrument, as of that time: its `StatusUpdate`, a
        `TradeHistory` that replaces all earlier trades, a snapshot `BookUpdate` and a `Quote`.
        """
        if command.action == "pause":
            self._paused = True
            self._clock.hold()
            self._link(self._state, f"Paused at {shown(self.now())}.")
        elif command.action == "play":
            if self._ended and self._seek is None:
                return "The recording has ended; seek to an earlier time first."
            self._paused = False
            self._clock.run()
            self._link(self._state, f"Playing at {_speed_words(self.speed)}.")
        elif command.action == "speed":
            wrong = _wrong_speed(command.value)
            if wrong:
                return wrong
            self._clock.change_speed(command.value)
            self._link(self._state, f"Playing at {_speed_words(self.speed)}.")
        elif command.action == "seek":
            wrong = _wrong_place(self.recording, command.value)
            if wrong:
                return wrong
            self._seek = _clamped(self.recording, int(command.value))
        elif command.action == "next":
            log = self.recording.log
            index = self._place if self._seek is None else log.index_at(self._seek)
            at = log.next_trade(index, command.instrument)
            if at is None:
                what = command.instrument or "anything"
                return f"There is no later trade of {what} in the recording."
            self._seek = at
        else:
            return f"“{command.action}” is not pause, play, speed, seek or next."
        self._wake.set()
        return ""

    async def stop(self) -> None:
        """End the playing."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    # -- the replay --

    def now(self) -> int:
        """Recorded time now, UTC ns."""
        return self._clock.now()

    @property
    def speed(self) -> float:
        """How many times faster than recorded; infinite: as fast as possible."""
        return self._clock.speed

    @property
    def paused(self) -> bool:
        """Does it stand still because someone said so?"""
        return self._paused

    @property
    def ended(self) -> bool:
        """Has everything been played?"""
        return self._ended

    @property
    def start_time(self) -> int:
        """UTC ns of the recording's first event."""
        return self.recording.start

    @property
    def end_time(self) -> int:
        """UTC ns of the recording's last event."""
        return self.recording.end

    @property
    def _state(self) -> LinkState:
        return LinkState.ENDED if self._ended else LinkState.UP

    async def _run(self) -> None:
        try:
            await self._play()
        except Exception as error:
            self._clock.hold()
            self._link(LinkState.DOWN, f"The replay stopped on an error: {error!r}.")
            raise

    async def _play(self) -> None:
        while True:
            self._wake.clear()
            if self._seek is not None:
                await self._go_to(self._seek)
            if self._paused or self._ended:
                self._answer_now()
                await self._wake.wait()
                continue
            begin = time.perf_counter_ns()
            due = self._set_barrier()
            while self._clock.barrier <= due:
                if not self._step():
                    break
                due = self._set_barrier()
                if time.perf_counter_ns() - begin > BATCH:
                    break
            if self._ended or self._seek is not None or self._paused:
                continue
            if self._clock.barrier <= self._clock.due():
                await asyncio.sleep(0)
            else:
                await self._sleep(self._clock.delay())

    async def _sleep(self, seconds: float) -> None:
        """Until it is time, or something was asked for."""
        timer = asyncio.get_running_loop().call_later(max(seconds, SHORTEST_SLEEP), self._wake.set)
        try:
            await self._wake.wait()
        finally:
            timer.cancel()

    def _set_barrier(self) -> int:
        """Set the time of what comes next; returns the time up to which it is due."""
        event = self._next_event()
        barrier = event.at if event is not None else self.recording.end
        if self._requests:
            barrier = min(barrier, max(self._requests[0][0], self._clock.now()))
        self._clock.barrier = barrier
        return self._clock.due()

    def _step(self) -> bool:
        """The next event or request happens; False when there is none."""
        event = self._next_event()
        if self._requests and (event is None or self._requests[0][0] < event.at):
            at, _, request = heapq.heappop(self._requests)
            self._clock.reached(at)
            self._desk.request(request, max(at, self._clock.now()))
            return True
        if event is None:
            self._finish()
            return False
        self._place += 1
        self._clock.reached(event.at)
        self._market(event.message)
        self._desk.market(event.message, event.off_book, event.at)
        return True

    def _next_event(self) -> Event | None:
        offset = self._place - self._block_start
        if offset >= len(self._block):
            if self._place >= len(self.recording):
                return None
            self._block = self.recording.log.events(self._place, self._place + BLOCK)
            self._block_start, offset = self._place, 0
        return self._block[offset]

    def _answer_now(self) -> None:
        """While recorded time stands still, requests do not wait for it to pass."""
        while self._requests:
            _, _, request = heapq.heappop(self._requests)
            if self._ended:
                text = "The recording has ended; seek to an earlier time to trade."
                self._desk.refuse(request, self.now(), text)
            else:
                self._desk.request(request, self.now())

    def _finish(self) -> None:
        self._ended = True
        self._clock.hold()
        self._desk.cancel_all(self.now(), "The recording has ended.")
        self._answer_now()
        self._link(LinkState.ENDED, f"The recording ended at {shown(self.recording.end)}.")

    def _open(self) -> None:
        """The state before the first event: open markets, and what was traded before."""
        for owner, instrument in enumerate(self._instruments):
            if self.recording.has_history(owner):
                self._market(self.recording.history_before(owner, 0))
            self._pass_on(self._status(owner, instrument.id, self.now()))

    async def _go_to(self, at: int) -> None:
        """Continue at another time; gives way to the loop between instruments."""
        self._clock.hold()
        text = f"The replay moved to {shown(at)}."
        self._desk.moved(self.now(), text)
        while self._requests:
            self._desk.refuse(heapq.heappop(self._requests)[2], self.now(), text)
        index = self.recording.log.index_at(at)
        self._clock.jump(at)
        self._place = index
        self._block, self._block_start = [], index
        was_ended, self._ended = self._ended, False
        if was_ended:
            self._link(LinkState.UP, f"Playing at {_speed_words(self.speed)}.")
        books = self.recording.books_at(index)
        for owner, instrument in enumerate(self._instruments):
            name = instrument.id
            status = self.recording.log.last_status(owner, index)
            self._pass_on(status or self._status(owner, name, at))
            self._market(self.recording.history_before(owner, index))
            ts = self.recording.log.book_time(owner, index)
            self._pass_on(BookUpdate(name, ts, at, books[owner], True))
            quote = self.recording.log.last_quote(owner, index)
            self._market(quote or Quote(name, at, at, 0, 0, 0, 0))
            await asyncio.sleep(0)
        if self._seek == at:  # not asked for another place meanwhile
            self._seek = None
        if not self._paused and self._task is not None:
            self._clock.run()

    def _status(self, owner: int, name: str, at: int) -> StatusUpdate:
        """Before the first status: open when the recording never tells one, else unknown."""
        silent = self.recording.log.last_status(owner, len(self.recording)) is None
        status = MarketStatus.OPEN if silent else MarketStatus.UNKNOWN
        return StatusUpdate(name, at, at, status, "Replay")

    def _pass_on(self, message: MarketData) -> None:
        self._desk.market(message, False, self.now())
        self._market(message)

    def _link(self, state: LinkState, text: str) -> None:
        self._events(LinkUpdate(self.name, self.now(), state, text))


def _nowhere(message: MarketData | VenueEvent) -> None:
    """Where messages go before `start`."""


def _wrong_speed(speed: float) -> str:
    if speed == AS_FAST_AS_POSSIBLE or SLOWEST <= speed <= FASTEST:
        return ""
    return f"A speed of {speed:g} is not possible; give {SLOWEST:g} to {FASTEST:g}, or inf."


def _wrong_place(recording: Recording, at: float) -> str:
    if math.isfinite(at) and recording.start - SLACK <= at <= recording.end + SLACK:
        return ""
    moment = shown(int(at)) if math.isfinite(at) else str(at)
    return (
        f"{moment} is not in the recording, which goes from {shown(recording.start)} to"
        f" {shown(recording.end)}."
    )


def _clamped(recording: Recording, at: int) -> int:
    return min(max(at, recording.start), recording.end)


def _speed_words(speed: float) -> str:
    return "full speed" if speed == AS_FAST_AS_POSSIBLE else f"{speed:g} x recorded time"
