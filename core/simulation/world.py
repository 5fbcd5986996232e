"""One simulation: the real engine, its venues and its terminal on virtual time, after a plan."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from decimal import Decimal
from hashlib import blake2b
from typing import NamedTuple

from core.bus.inline import InlineChannel
from core.client.client import EngineClient
from core.journal.errors import JournalError
from core.journal.reader import NO_END, replay
from core.kernel.kernel import Kernel
from core.model.commands import Command, NewOrder
from core.model.contracts import Contract
from core.model.enums import ExecType, OrdStatus
from core.model.events import ExecutionReport, Notice, VenueEvent
from core.model.instruments import Instrument
from core.model.orders import AccountState, OrderUpdate
from core.model.requests import VenueNew, VenueRequest
from core.model.session import Subscribe
from core.services.config import AccountConfig, EngineConfig
from core.services.config_risk import LimitConfig
from core.services.engine import Engine
from core.services.link import VenueLink
from core.services.timers import SteadyClock
from core.simulation import acting
from core.simulation.checks import MOST_LOTS, MOST_OPEN, MOST_POSITION, Watch
from core.simulation.desk import InProcessDesk
from core.simulation.disk import Disk, folder_of
from core.simulation.exchange import Exchange
from core.simulation.loop import CrashError, VirtualLoop
from core.simulation.plan import Draws, Step
from core.simulation.seams import WallClock, installed, seams
from core.simulation.threads import Threads
from core.simulation.wire import Network
from core.strategy.builtin.crossover import Crossover, CrossoverParams
from core.strategy.builtin.quoter import Quoter, QuoterParams
from core.venues.remote.host import VenueHost
from core.venues.remote.messages import Description
from core.venues.remote.venue import RemoteVenue
from core.venues.venue import EventSink

CASH = Decimal(100_000_000)
_OPENING = {"USD": CASH, "COIN": CASH}
_INVERSE = "CCC"
"""What is settled in coins."""
ACCOUNTS = ("A1", "A2", "A3")
_TOKEN = "simulated"  # noqa: S105
_SETTLE = 90.0  # virtual seconds in which everything must come to rest
_CALM = 0.6  # so long nothing may be under way
_QUICK = 0.002  # a disk this fast is mostly not waited for
_BUSY = (
    OrdStatus.PENDING_NEW,
    OrdStatus.PENDING_CANCEL,
    OrdStatus.PENDING_REPLACE,
    OrdStatus.UNKNOWN,
)


class Outcome(NamedTuple):
    """What became of one simulation.

    `broken` is a sentence on what was wrong, empty when nothing was, and `step` the number of the
    step after which it was seen (-1: at the end). `faults` counts what really happened, `trace`
    is a hash of all that was sent and recorded.
    """

    seed: int
    broken: str
    step: int
    steps: int
    turns: int
    seconds: float
    faults: dict[str, int]
    trace: str


class _TerminalChannel(InlineChannel):
    """A terminal's connection to an engine that may be dead."""

    def __init__(self, world: World, engine: Engine) -> None:
        super().__init__(engine.server, world.loop, 60)
        self._world = world
        self._engine = world.life
        self._to = engine.server

    def lost(self) -> str:
        """Also over when the engine died."""
        if self._world.life != self._engine or not self._world.alive:
            return "The engine closed the connection or died."
        return super().lost()

    def send(self, data: bytes) -> bool:
        """What arrives is the engine's work."""
        if self.lost():
            return False
        self._world.loop.later(self._world.owner, 0.0, self._to.receive, self._peer, [data])
        return True


class World:
    """One computer, one engine, two venues.

    Attributes:
        engine: the one that runs; None while there is none.
        life: how many engines there were.
        broken: the first thing that was wrong, as a sentence.
    """

    def __init__(self, seed: int, say: Callable[[str], None] | None = None) -> None:
        self.seed = seed
        self.draw = Draws(seed)
        self.loop = VirtualLoop()  # type: ignore[abstract]
        self.clock = WallClock(self.loop)
        self.threads = Threads(self.loop)
        self.faults: Counter[str] = Counter()
        self.disk = Disk(self.point, self._rest, self.draw, self._hit)
        self.paths = folder_of(self.disk)
        self.network = Network(self.loop, self.point, self._sent)
        self.engine: Engine | None = None
        self.client: EngineClient | None = None
        self.polling = True
        self.life = 0
        self.broken = ""
        self.power = self.draw(3) > 0
        self.commands: list[Command] = []
        self.names: list[str] = []
        self.countdown = 0
        self.countdown_power = False
        self._say = say
        self._hash = blake2b(digest_size=16)
        self._dying = ""
        self._digests: dict[int, str] = {}
        self._late: list[tuple[float, str]] = []
        self._desk: InProcessDesk | None = None
        self._cut_after = -1
        self._arrived = 0.0
        self.instruments = [_listed(s, v) for s, v in acting.LISTED]
        self.exchanges = {
            name: Exchange(
                name,
                [i for i in self.instruments if i.venue == name],
                self.loop,
                self.clock.true_ns,
                self._emit,
            )
            for name in ("ALPHA", "BETA")
        }
        self.watch = Watch(
            self.instruments,
            dict.fromkeys(ACCOUNTS, _OPENING),
            self.exchanges.values(),
            self.fail,
            self._on_record,
        )

    # -- from beginning to end ---------------------------------------------------------------

    def run(self, plan: Sequence[Step]) -> Outcome:
        """Carry out a plan and let everything settle."""
        asyncio._set_running_loop(self.loop)
        quiet = logging.getLogger("outcry")
        disabled, quiet.disabled = quiet.disabled, True
        engine_log = logging.getLogger("outcry.engine")
        level = engine_log.level
        engine_log.setLevel(logging.CRITICAL + 1)
        step = -1
        try:
            with installed(seams(self.clock, self.disk, self.paths, self.threads, self.network)):
                try:
                    self._begin()
                    step = self._carry_out(plan)
                    if not self.broken:
                        self._settle()
                finally:
                    self.threads.kill()
                    self.loop.end()
        finally:
            asyncio._set_running_loop(None)
            quiet.disabled = disabled
            engine_log.setLevel(level)
        for name in sorted(self.exchanges):
            self._hash.update(repr(sorted(self.exchanges[name].orders)).encode())
        return Outcome(
            self.seed,
            self.broken,
            step,
            len(plan),
            self.loop.turns,
            self.loop.now,
            dict(self.faults),
            self._hash.hexdigest(),
        )

    def _carry_out(self, plan: Sequence[Step]) -> int:
        """All steps; returns the number of the one after which something was wrong, or -1."""
        for step in plan:
            self._run_until(step.at / 1e3)
            if not self.broken:
                self.note(f"step {step.number}: {step.kind}")
                acting.act(self, step)
                self._bury()
                self._check()
            if self.broken:
                return step.number
        return -1

    def fail(self, text: str) -> None:
        """Something is wrong; the first thing counts."""
        if not self.broken:
            self.broken = text
            self.note(f"WRONG: {text}")

    def note(self, text: str) -> None:
        """A line of the trace."""
        if self._say is not None:
            self._say(f"{self.loop.now:9.4f}  {text}")

    @property
    def owner(self) -> str:
        """The name of the engine's program in this life."""
        return f"engine-{self.life}"

    @property
    def alive(self) -> bool:
        """Does the engine's program run?"""
        return self.engine is not None and not self._dying

    @property
    def ready(self) -> bool:
        """Does the engine take orders?"""
        return self.alive and self.engine is not None and self.engine.ready

    def _begin(self) -> None:
        for name, exchange in self.exchanges.items():
            host = VenueHost(exchange, f"sim://{name}", _TOKEN)
            self.loop.create_task(host.start())
        self.client = EngineClient(
            "engine", _TOKEN, "terminal", "terminal", None, self._open_channel
        )
        self.client.subscribe(Subscribe(("*",), (self.instruments[0].id,)))
        self.client.connect()
        self.loop.later("terminal", 0.02, self._poll)
        self.boot()
        self._run_until(0.25)

    def _run_until(self, until: float) -> None:
        while not self.broken and self.loop.turn(until):
            if self._dying:
                self._bury()
            if self.loop.problems:
                self.fail(self.loop.problems[0])

    # -- the engine's lives ------------------------------------------------------------------

    def boot(self) -> None:
        """Start the engine; where the disk does not let it, try again soon."""
        self._compare_replay()
        self.life += 1
        clock = SteadyClock()
        venues = [
            RemoteVenue(
                Description(e.name, e.mode, tuple(e.instruments())), f"sim://{name}", _TOKEN, clock
            )
            for name, e in self.exchanges.items()
        ]
        desk = InProcessDesk(self._strategies(), self.life, self.ask)
        before, self.loop.owner = self.loop.owner, self.owner
        try:
            engine = Engine(
                self._config(),
                venues,
                self.paths("/home"),  # type: ignore[arg-type]
                clock=clock,
                token=_TOKEN,
                strategies=desk,
                name="simulated",
            )
            desk.bus = engine.bus
            self._desk = desk
            engine.bus.subscribe(OrderUpdate, self.watch.told)
            engine.bus.subscribe(AccountState, self.watch.told)
            engine.bus.subscribe(Notice, self._on_notice)
            self.engine = engine
            self.note(f"engine {self.life} starts")
            self.loop.create_task(self._start(engine))
        finally:
            self.loop.owner = before

    async def _start(self, engine: Engine) -> None:
        try:
            start = engine.start()
            build = engine._build

            def built(recovered: object) -> None:
                build(recovered)  # type: ignore[arg-type]
                for link in engine.links.values():
                    self._tap(engine, link)
                self.watch.back(engine.kernel)

            engine._build = built  # type: ignore[method-assign]
            await start
        except JournalError as error:
            self.engine = None
            if self.disk.failing or self.disk.space is not None or self.disk.short:
                self.note(f"engine {self.life} cannot start: {error}")
                self.loop.kill(self.owner)
                self.loop.later("world", 0.3, self.boot)
            else:
                self.fail(f"the engine cannot start again: {error}")

    def _tap(self, engine: Engine, link: VenueLink) -> None:
        send = link.send

        def sends(request: VenueRequest) -> None:
            self.note(f"-> {link.venue.name}: {_short(request)}")
            if isinstance(request, VenueNew):
                self.watch.leaves(request, engine.kernel)
            send(request)

        link.send = sends  # type: ignore[method-assign]

    def die(self, power: bool) -> None:
        """The engine's program ends here and now, perhaps with its whole computer."""
        if self.alive:
            self._dying = "power" if power and self.power else "crash"
            self.countdown = 0

    def point(self, word: str) -> None:
        """The engine touches the world: a place to die at."""
        if not self.loop.owner.startswith("engine"):
            return
        if self._dying:
            raise CrashError
        if self.countdown > 0:
            self.countdown -= 1
            if self.countdown == 0:
                self._hit(f"crash at {word}")
                self.die(self.countdown_power)
                raise CrashError

    def _bury(self) -> None:
        """Make what died gone, and start another engine soon."""
        if not self._dying:
            return
        how, self._dying = self._dying, ""
        self._hit("power lost" if how == "power" else "crash")
        self.note(f"engine {self.life} dies ({how})")
        self._remember()
        self.engine = None
        self.loop.owner = "world"
        self.loop.kill(self.owner)
        self._dying = how
        self.threads.kill()
        for connection in list(self.network.connections):
            under_way = connection.up.waiting
            connection.break_at(self.draw(under_way + 1) if how == "power" else under_way, 0, 9.0)
        self._dying = ""
        if how == "power":
            self.disk.lose_power()
        else:
            self.disk.close_all()
        self.loop.later("world", 0.05 + self.draw(400) / 1e3, self.boot)

    def _remember(self) -> None:
        """Note what the state is now, to compare a replay with."""
        engine = self.engine
        if engine is not None and hasattr(engine, "kernel"):
            self._digests[engine.kernel.seq] = engine.kernel.digest()

    def _compare_replay(self) -> None:
        """Invariant 8: what is on record is gapless and leads to what was."""
        folder = self.paths("/home/journal")
        if self.disk.inode(str(folder)) is None and not list(folder.glob("*.journal")):
            return
        kernel, last = Kernel(), 0
        try:
            for seq, ts, message in replay(folder, 1, NO_END):  # type: ignore[arg-type]
                if seq != last + 1:
                    self.fail(f"(8) record {seq} follows record {last}.")
                last = seq
                if kernel.takes(message):
                    kernel.apply(seq, ts, message)  # type: ignore[arg-type]
                    known = self._digests.get(seq)
                    if known is not None and known != kernel.digest():
                        self.fail(f"(8) a replay up to record {seq} leads to another state.")
        except JournalError as error:
            self.fail(f"(8) the journal cannot be read: {error}")
        self._digests = {seq: d for seq, d in self._digests.items() if seq <= last}

    # -- checks ------------------------------------------------------------------------------

    def _check(self) -> None:
        engine = self.engine
        if self.alive and engine is not None and hasattr(engine, "kernel"):
            self.watch.state(engine.kernel)
            if self.watch.checks % 8 == 0:
                self._remember()
        if self.loop.problems:
            self.fail(self.loop.problems[0])

    def _settle(self) -> None:
        self.note("faults are over")
        self.disk.heal()
        self.network.stalled = 0.0
        self.countdown = 0
        self.polling = True
        for exchange in self.exchanges.values():
            exchange.refusing = 0
            for name in list(exchange.halted):
                exchange.halt(name, False)
        end, calm = self.loop.now + _SETTLE, 0.0
        while calm < _CALM and self.loop.now < end and not self.broken:
            if self._desk is not None:
                self._desk.rest()
            self._run_until(self.loop.now + 0.1)
            calm = 0.0 if self._restless() else calm + 0.1
        if self.broken:
            return
        why = self._restless()
        engine = self.engine
        if why or engine is None:
            self.fail(f"it does not come to rest: {why}")
            return
        self._check()
        self.watch.settled(engine.kernel)
        self._remember()
        self.loop.later(self.owner, 0.0, self._stop, engine)
        self._run_until(self.loop.now + 1.0)
        self._compare_replay()

    def _stop(self, engine: Engine) -> None:
        self.loop.create_task(engine.stop())

    def _restless(self) -> str:
        engine = self.engine
        if engine is None or not engine.ready:
            return "the engine is not ready."
        if engine.path.halted:
            return engine.path.halted
        if self._arrived > self.loop.now or any(
            pipe.late for link in self.network.connections for pipe in (link.up, link.down)
        ):
            return "a report of a venue is on its way."
        for link in engine.links.values():
            if not link.settled:
                return f"{link.venue.name} is not settled."
        for order in engine.kernel.working():
            if order.status in _BUSY:
                return f"order {order.cl_ord_id} is {order.status.name}."
        return self._other_screen(engine)

    def _other_screen(self, engine: Engine) -> str:
        """How what the terminal shows differs from what the engine has; empty: not at all."""
        client = self.client
        if client is None or not client.connected:
            return "the terminal did not find back to the engine."
        shown = client.stores.orders
        for order in engine.kernel.working():
            seen = shown.get(order.cl_ord_id)
            if seen is None or (seen.status, seen.cum_qty) != (order.status, order.cum_qty):
                return (
                    f"the terminal shows order {order.cl_ord_id} as"
                    f" {'nothing' if seen is None else seen.status.name} and the engine has it as"
                    f" {order.status.name}."
                )
        return ""

    def _on_record(self, name: str) -> bool:
        """Would the order's intent survive what may happen now?"""
        word = name.encode()
        for file in self.disk.names("/home/journal"):
            inode = self.disk.inode(file)
            if inode is not None and word in (inode.durable if self.power else inode.data):
                return True
        return False

    # -- what happens ------------------------------------------------------------------------

    def ask(self, command: Command) -> None:
        """Somebody is about to send a command."""
        self.commands.append(command)
        if isinstance(command, NewOrder):
            self.watch.asked.add(command.cl_ord_id)
            self.names.append(command.cl_ord_id)

    def send(self, command: Command) -> None:
        """A person at the terminal sends a command, if there is an engine to send it to."""
        self.ask(command)
        client = self.client
        if client is not None and client.connected:
            client.send(command)
        elif self.alive and self.engine is not None and hasattr(self.engine, "dispatch"):
            self.loop.later(self.owner, 0.0, self.engine.submit, command)

    def make_late(self, delay: float, word: str) -> None:
        """The next report of a venue comes so much later; with the word ``twice``, again."""
        self._late.append((delay, word))

    def cut_after(self, reports: int) -> None:
        """The connections break right after so many reports more."""
        self._cut_after = reports

    def cut(self, which: int, how: int) -> None:
        """A connection breaks at some byte."""
        whole = [c for c in self.network.connections if c.whole]
        if whole:
            chosen = whole[which % len(whole)]
            up, down = self.draw(chosen.up.waiting + 1), self.draw(chosen.down.waiting + 1)
            lost = chosen.break_at(up, down, (0.0, 0.01, 0.5)[how % 3])
            self._hit("link cut")
            if lost:
                self._hit("messages lost")

    def _emit(self, sink: EventSink, event: VenueEvent) -> None:
        delay = 0.0
        kind = event.exec_type if isinstance(event, ExecutionReport) else None
        if kind in (ExecType.TRADE_CANCEL, ExecType.TRADE_CORRECT):
            # A venue may change an execution only after it has told it.
            delay = max(0.0, self._arrived - self.loop.now)
        elif self._late:
            delay, word = self._late.pop(0)
            self._hit(word)
            if word == "report twice":
                self.loop.later("world", delay, self._arrive, sink, event)
                delay = 0.0
        self._arrived = max(self._arrived, self.loop.now + delay)
        self.loop.later("world", delay, self._arrive, sink, event)
        if self._cut_after >= 0:
            self._cut_after -= 1
            if self._cut_after < 0:
                self.loop.later("world", self.draw(20) / 1e4, self.cut, self.draw(2), 0)

    def _arrive(self, sink: EventSink, event: VenueEvent) -> None:
        self.note(f"<- {_short(event)}")
        sink(event)

    def _on_notice(self, notice: Notice) -> None:
        self.note(f"   {notice.severity.name}: {notice.text}")

    def _poll(self) -> None:
        if self.polling and self.client is not None:
            self.client.poll()
        self.loop.later("terminal", 0.02, self._poll)

    def _open_channel(self, endpoint: str) -> _TerminalChannel:
        if not self.alive or self.engine is None or not hasattr(self.engine, "sessions"):
            raise OSError("No engine listens.")
        return _TerminalChannel(self, self.engine)

    def _rest(self, seconds: float) -> None:
        """The disk takes its time: a thread waits; the loop stands still."""
        if self.threads.current is None:
            self.loop.now += seconds
        elif seconds > _QUICK or not self.draw(4):
            self.threads.current.park(seconds)  # changing threads is what costs most here

    def _sent(self, data: bytes) -> None:
        self._hash.update(data)

    def _hit(self, what: str) -> None:
        self.faults[what] += 1

    # -- what there is -----------------------------------------------------------------------

    def _config(self) -> EngineConfig:
        limits = {
            "max_position": MOST_POSITION,
            "max_order_qty": MOST_LOTS,
            "max_open_orders": MOST_OPEN,
            "daily_loss": 10_000_000,
            "max_order_notional": 10_000_000,
            "max_exposure": 100_000_000,
        }
        return EngineConfig(
            [AccountConfig(name, dict(_OPENING)) for name in ACCOUNTS],
            [LimitConfig(name, Decimal(value)) for name, value in limits.items()],
            loosen_delay=2,
            durability="power" if self.power else "process",
            snapshot_every=120,
        )

    def _strategies(self) -> list[tuple[Quoter | Crossover, Instrument]]:
        one, two, three = self.instruments
        quoting = QuoterParams(distance=1, tolerance=1, quantity=Decimal(2), inventory=Decimal(8))
        crossing = CrossoverParams(interval="3t", fast=1, slow=2, quantity=Decimal(3))
        return [
            (Quoter("quoter", "A1", one, quoting), one),
            (Quoter("second", "A2", three, quoting), three),
            (Crossover("cross", "A2", two, crossing), two),
        ]


def _listed(symbol: str, venue: str) -> Instrument:
    tick, lot = Decimal("0.01"), Decimal(1)
    name = f"{symbol}.{venue}"
    if symbol != _INVERSE:
        return Instrument(name, symbol, venue, tick, lot, "USD")
    contract = Contract("COIN-USD", inverse=True)
    return Instrument(name, symbol, venue, tick, lot, "COIN", Decimal(30), contract=contract)


def _short(message: VenueRequest | VenueEvent) -> str:
    text = repr(message)
    return text if len(text) < 400 else text[:400] + "..."


def simulate(seed: int, plan: Sequence[Step], say: Callable[[str], None] | None = None) -> Outcome:
    """Run one plan in a world of its own."""
    return World(seed, say).run(plan)
