"""The engine: venues, market data, kernel, journal and clients, wired together on one loop.

`Engine` runs inline in a program's own loop or alone in a process (`core.services.engine_main`);
it is the same code. Start-up is recovery: the journal is read, venues are connected and compared
with our books, and only then orders are taken.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Generator, Sequence
from datetime import UTC, datetime
from functools import lru_cache, partial
from pathlib import Path

from core.bus.endpoint import new_token
from core.bus.inline import InlineChannel
from core.bus.listener import EngineChannel
from core.bus.local import Handler, LocalBus
from core.bus.server import Peer, Server
from core.client.client import EngineClient
from core.client.stores import Stores
from core.journal.errors import JournalError
from core.journal.journal import Journal
from core.kernel.kernel import KEEP
from core.marketdata.cache import MarketCache
from core.model.commands import Command
from core.model.enums import Mode, Severity
from core.model.events import Event, Notice
from core.model.inputs import Tick, TurnedAway
from core.model.market import MarketData
from core.model.requests import VenueCancel, VenueNew, VenueReplace, VenueRequest
from core.model.session import Appraisal, Appraise, Snapshot, ToEngine
from core.services import riskfeed
from core.services.alarms import LimitAlarms
from core.services.appraising import Appraiser
from core.services.audit import Terms
from core.services.bookkeeping import Bookkeeping
from core.services.config import EngineConfig
from core.services.desk import EnginePort, NoStrategies, StrategyDesk
from core.services.dispatch import Dispatch
from core.services.feed import KernelFeed
from core.services.link import VenueLink
from core.services.listings import listings
from core.services.orderpath import OrderPath
from core.services.past import SAVE_SECONDS, Past, PastKeeper
from core.services.records import Records
from core.services.recovery import Recovered, recover
from core.services.sessions import FRAME_SECONDS, Backlog, Session, Sessions
from core.services.snapshots import SOON, Snapshots
from core.services.statistics import Statistics
from core.services.timers import ClockWatch, Every, SteadyClock, batched
from core.venues.replay.venue import ReplayVenue
from core.venues.venue import Clock, Venue

LOG = logging.getLogger("outcry.engine")

TRIGGER_SECONDS = 0.02
"""How often the kernel is told the prices that orders wait for there."""
_DAY = 86_400_000_000_000  # ns
_ERRORS_SHOWN = 20  # error notices a second at most; all are counted and logged


class Engine:
    """One engine.

    Args:
        config: accounts, limits, durability.
        venues: where it trades; they are started and stopped here.
        home: folder of the journal.
        clock: UTC nanoseconds: `core.services.timers.SteadyClock`, or a replay's own time.
        mode: what the money is.
        token: what clients must show; a new one by default.
        strategies: keeps the strategies; none by default.
        record: called with every market message that passed the checks.
        past: keeps the newest trades over a restart, for venues that live inside this engine.
        settings: reads the settings anew when that is asked for; raises `ConfigError`.
        bookkeeping: writes the records; without it there are none.

    Attributes:
        ready: orders are taken; False while starting, reconciling and stopping.
        bus: market data (keyed by instrument) and events, for parts within this process.
        endpoint: where clients of other processes connect, once `listen` was called.
    """

    def __init__(
        self,
        config: EngineConfig,
        venues: Sequence[Venue],
        home: Path,
        *,
        clock: Clock | None = None,
        mode: Mode = Mode.PAPER,
        token: str = "",
        strategies: StrategyDesk | None = None,
        record: Callable[[MarketData], None] | None = None,
        past: Past | None = None,
        bookkeeping: Bookkeeping | None = None,
        name: str = "",
        settings: Callable[[], EngineConfig] | None = None,
    ) -> None:
        self.config = config
        self.mode = mode
        self.name = name or f"engine on {', '.join(v.name for v in venues)}"
        self.token = token or new_token()
        self.home = home
        self.endpoint = ""
        self.ready = False
        self.statistics = Statistics()
        self.bus = LocalBus(self._handler_failed)
        self.strategies: StrategyDesk = strategies or NoStrategies()
        self._venues = tuple(venues)
        self._clock = clock or SteadyClock()
        self._record = record
        self._past = past
        self._settings = settings
        self._bookkeeping = bookkeeping
        self._channel: EngineChannel | None = None
        self._stop_asked: asyncio.Event | None = None
        self._errors_left = _ERRORS_SHOWN
        self._quarters = self._looked_seq = 0
        self._timers: list[Every] = []
        self._clock_watch = ClockWatch(self._clock, self.say)
        self.server = Server(self.token, self._on_message, self._complain)

    # -- life --------------------------------------------------------------------------------

    async def start(self) -> None:
        """Recover, let clients in, connect the venues, agree with them, take orders.

        Raises:
            JournalError: when the journal cannot be used; nothing was started then.
            OSError: when the endpoint of `listen` cannot be used.
        """
        instruments, unusable = listings(self._venues)
        self.journal = Journal.open(self.home / "journal", durability=self.config.durability)
        try:
            recovered = recover(self.journal, self.config.setup(instruments), self._clock())
        except JournalError:
            self.journal.close()
            raise
        recovered.notes.extend(unusable)
        self._build(recovered)
        loop = asyncio.get_running_loop()
        self.journal.watch(lambda: loop.call_soon_threadsafe(self.path.confirmed))
        if self._channel is not None:
            self._channel.open(asyncio.get_running_loop())
            self.endpoint = self._channel.endpoint
        for timer in self._timers:
            timer.start()
        for link in self.links.values():
            await link.start()
        await self.strategies.start(
            EnginePort(
                self._submit,
                self.publish,
                self.kernel.order,
                self.kernel.working,
                self.kernel.stopped,
                self._clock,
                self.endpoint,
                self.token,
                self.home,
            )
        )
        if self._bookkeeping is not None:
            self._bookkeeping.start()
        self._flush()  # what was found when comparing with the venues is told before
        self.ready = True
        self.dispatch.open()
        count = len(self.cache.markets)
        plural = "" if count == 1 else "s"
        self.say(Severity.INFO, f"The engine is ready: {count} instrument{plural}.")
        self._snapshots.keep_up(self.journal.synced_seq, min(SOON, self.config.snapshot_every))

    def listen(self, endpoint: str) -> None:
        """Let clients of other processes in at `endpoint`, from `start` on."""
        self._channel = EngineChannel(self.server, endpoint)

    async def run(self, on_ready: Callable[[], None] | None = None) -> None:
        """Start, run until `request_stop`, and stop."""
        self._stop_asked = asyncio.Event()
        try:
            await self.start()
            if on_ready is not None:
                on_ready()
            await self._stop_asked.wait()
        finally:
            await self.stop()

    def request_stop(self, why: str) -> None:
        """End `run` soon. `why` is a sentence for the log."""
        LOG.info("stopping: %s", why)
        if self._stop_asked is not None:
            self._stop_asked.set()

    async def stop(self) -> None:
        """Stop strategies and venues, leave a snapshot, close the journal. Working orders stay
        where they are. Never raises."""
        self.ready = False
        if not hasattr(self, "kernel"):
            return
        try:
            await self.strategies.stop()
        except Exception as error:
            self.report("The strategies could not be stopped cleanly.", error)
        self._flush()  # what the strategies still asked of their venues
        for link in self.links.values():
            await link.stop()
        for timer in self._timers:
            timer.stop()
        self._flush()
        await self._snapshots.finish()
        self._snapshots.leave(self.journal, self.kernel)
        await self._keeper.finish()
        self.sessions.tell()
        if self._channel is not None:
            self._channel.close()
        try:
            self.journal.close()
        except JournalError as error:
            self.report("The journal could not be closed cleanly.", error)
        if self._bookkeeping is not None:
            self._bookkeeping.end()  # it reads to the end of what was just closed

    def _flush(self) -> None:
        try:
            self.path.flush()
        except JournalError as error:
            self.report("The journal could not be confirmed; what waited for it stays.", error)

    def client(
        self, name: str, kind: str = "terminal", stores: Stores | None = None
    ) -> EngineClient:
        """A client on this engine's own loop and thread, without a socket."""
        loop = asyncio.get_running_loop()
        return EngineClient(
            "inline", self.token, name, kind, stores, lambda _: InlineChannel(self.server, loop)
        )

    # -- wiring ------------------------------------------------------------------------------

    def _build(self, recovered: Recovered) -> None:
        self.kernel = recovered.kernel
        self.records = Records(KEEP)
        self.records.load(self.kernel)
        self.cache = MarketCache(self.kernel.instruments(), self._on_market)
        self.sessions = Sessions(
            self.cache,
            self._snapshot,
            self._on_command,
            self._on_goodbye,
            self.report,
            self._appraise,
        )
        self.path = OrderPath(
            self.kernel, self.journal, self._send, self.publish, self._clock, self.statistics
        )
        self.feed = KernelFeed(self.cache, self.path)
        self._alarms = LimitAlarms(partial(self.say, Severity.WARNING))
        self._risk = riskfeed.RiskFeed(self.cache, self.feed, self.path)
        self._keeper = PastKeeper(self._past, self.cache, self._clock, self.report)
        past = {} if self._past is None else self._past.load()
        config = self.config
        terms = Terms(config.reconcile_seconds, config.answer_seconds, config.lost_seconds)
        self.links = {
            venue.name: VenueLink(
                venue,
                self.cache,
                self.path,
                self.publish,
                self.report,
                self.statistics,
                past,
                terms,
            )
            for venue in self._venues
        }
        # by the instrument's own word: a recording of several venues comes from one
        self.routes = {
            i.id: self.links[i.venue] for i in self.kernel.instruments() if i.venue in self.links
        }
        self._appraiser = Appraiser(self.kernel, self.cache, self.feed, self.routes, self.report)
        self.dispatch = Dispatch(
            self.path,
            self.feed,
            self.links,
            self.routes,
            self.strategies,
            self.publish,
            self.statistics,
            self._settings,
        )
        self._timers = [
            Every(FRAME_SECONDS, self.sessions.frames, self.report, "Sending frames"),
            Every(TRIGGER_SECONDS, self._triggers, self.report, "Looking after held orders"),
            Every(0.25, self._quarter, self.report, "Looking after limits"),
            Every(1.0, self._second, self.report, "Looking after health"),
            Every(riskfeed.SECONDS, self._risk.steps, self.report, "Looking after risk"),
            Every(riskfeed.PRICE_SECONDS, self._risk.price, self.report, "Pricing options"),
            Every(SAVE_SECONDS, self._keep_past, self.report, "Keeping the market's past"),
        ]
        self._snapshots = Snapshots(
            self.journal.directory, self.config.keep_days, recovered.snapshot_seq, self.report
        )
        self.publish([o for o in recovered.outputs if not isinstance(o, _REQUESTS)])
        for note in recovered.notes:
            self.say(Severity.WARNING, note)
        if self._past is not None and self._past.problem:
            self.say(Severity.WARNING, self._past.problem)
        if recovered.replayed or recovered.snapshot_seq:
            orders, entries = len(self.kernel.working()), recovered.replayed
            self.say(
                Severity.INFO,
                f"Recovered {orders} working order{'' if orders == 1 else 's'} from {entries}"
                f" journal entr{'y' if entries == 1 else 'ies'} in {recovered.seconds:.2f} s.",
            )

    def _on_market(self, message: MarketData) -> None:
        self.statistics.events += 1
        if self._record is not None:
            self._record(message)
        self.bus.publish(message, message.instrument)
        self.sessions.market(message.instrument)

    def _send(self, request: VenueRequest) -> None:
        instrument = request.order.instrument
        link = self.routes.get(instrument)
        if link is None:
            text = f"No venue is connected for {instrument}; the request was not sent."
            self.say(Severity.ERROR, text)
        else:
            link.send(request)

    # -- clients -----------------------------------------------------------------------------

    def publish(self, events: Sequence[Event]) -> None:
        """Tell all clients and whoever listens on the bus."""
        self.records.take(events)
        self.sessions.publish(events)
        for event in events:
            self.bus.publish(event)

    def say(self, severity: Severity, text: str) -> None:
        """Put a line in the log of all clients."""
        LOG.log(_LEVELS[severity], "%s", text)
        self.publish([Notice(self._clock(), severity, "engine", text)])

    def report(self, text: str, error: Exception | None) -> None:
        """An error that was caught: counted, logged, shown (not more often than can be read)."""
        self.statistics.errors += 1
        LOG.error("%s", text, exc_info=error)
        if self._errors_left > 0:
            self._errors_left -= 1
            what = f"{text} {type(error).__name__}: {error}" if error is not None else text
            event = Notice(self._clock(), Severity.ERROR, "engine", what)
            self.records.take([event])
            self.sessions.publish([event])

    def submit(self, command: Command) -> None:
        """A command from within this process, treated like any client's."""
        self.dispatch.command(command, self.ready)

    def _submit(self, command: Command) -> None:
        self.dispatch.command(command, True)

    def _on_message(self, peer: Peer, message: ToEngine | TurnedAway) -> None:
        if isinstance(message, TurnedAway):
            self.path.take(message)
        else:
            self.sessions.receive(peer, message)

    def _on_command(self, session: Session, command: Command) -> None:
        self.dispatch.command(command, self.ready, session)

    def _appraise(self, message: Appraise) -> Appraisal:
        return self._appraiser.appraise(message, self._clock(), self.ready)

    def _on_goodbye(self, session: Session) -> None:
        self.request_stop(f"{session.name} asked for it.")

    def _complain(self, text: str) -> None:
        if self._errors_left > 0:
            self._errors_left -= 1
            LOG.warning("%s", text)

    def _handler_failed(self, handler: Handler, message: object, error: Exception) -> None:
        name = getattr(handler, "__qualname__", repr(handler))
        self.report(f"{name} failed on {type(message).__name__}.", error)

    def _snapshot(self) -> tuple[Snapshot, Backlog]:
        return self.records.snapshot(
            self.name, self.mode, self._clock(), self.kernel, self.strategies
        )

    # -- now and then ------------------------------------------------------------------------

    def _triggers(self) -> None:
        """Tell the kernel the newest prices that orders wait for there."""
        waiting = self.kernel.triggers()
        if waiting or self.feed.watching:
            self.feed.feed_triggers([i for i in waiting if self._settled(i)])

    def _settled(self, instrument: str) -> bool:
        link = self.routes.get(instrument)
        return link is None or link.settled

    def _quarter(self) -> Generator[None, None, None]:
        """Four times a second: marks, limits in use, strategies; time, at least once a second."""
        for some in batched(self.kernel.watched()):
            self.feed.feed_all(some)
            yield
        now = self._clock()
        self._quarters += 1
        if self.kernel.seq != self._looked_seq or self._quarters % 4 == 0:
            self.path.take(Tick(now, _trading_day(now // _DAY)))
            self._looked_seq = self.kernel.seq
            yield
            changed = self.records.limits_changed(self.kernel.limit_uses(self._clock()))
            if changed:
                self.publish(changed)
                self._alarms.look(changed)
            yield
        self.strategies.tick(now)

    def _second(self) -> Generator[None, None, None]:
        passed = self.statistics.second()
        now = self._clock()
        self._errors_left = _ERRORS_SHOWN
        self._clock_watch.look()
        if self._bookkeeping is not None:
            for text in self._bookkeeping.look():
                self.say(Severity.WARNING, text)
        for link in self.links.values():
            update = link.source.look(now, passed)
            if update is not None:
                self.publish([update])
        yield
        views = []
        for link in self.links.values():
            views.append(link.source.view(now))
            yield
        replay = next((v for v in self._venues if isinstance(v, ReplayVenue)), None)
        self.sessions.health(
            tuple(views),
            self.statistics.view(
                now,
                self.bus.errors,
                self.journal.size,
                self._records_behind(),
                self.kernel.denials(),
                replay,
            ),
        )
        self.sessions.beat()
        self._snapshots.keep_up(self.journal.synced_seq, self.config.snapshot_every)

    def _keep_past(self) -> None:
        if self.ready:  # before, the market's own past may not be in the cache yet
            self._keeper.save()

    def _records_behind(self) -> int:
        books = self._bookkeeping
        if books is None:
            return 0
        return -1 if books.seq < 0 else max(0, self.kernel.seq - books.seq)


@lru_cache(maxsize=2)
def _trading_day(day: int) -> str:
    """The date (UTC) of a day since 1970."""
    return datetime.fromtimestamp(day * 86_400, UTC).date().isoformat()


_REQUESTS = (VenueNew, VenueCancel, VenueReplace)
_LEVELS = {
    Severity.INFO: logging.INFO,
    Severity.WARNING: logging.WARNING,
    Severity.ERROR: logging.ERROR,
    Severity.CRITICAL: logging.CRITICAL,
}
