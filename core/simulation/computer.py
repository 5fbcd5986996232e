"""The computer that the engine runs on: its lives one after the other, its disk, its deaths."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.journal.errors import JournalError
from core.journal.reader import NO_END, replay
from core.kernel.kernel import Kernel
from core.model.commands import SetStrategyMode
from core.model.enums import StrategyMode
from core.model.events import Notice, StrategyState
from core.model.orders import AccountState, OrderUpdate
from core.model.requests import VenueNew, VenueRequest
from core.services.config import EngineConfig
from core.services.engine import Engine
from core.services.link import VenueLink
from core.services.strategies import Strategies
from core.services.strategy_running import Bounds
from core.services.timers import SteadyClock
from core.simulation import setting
from core.simulation.disk import Disk, folder_of
from core.simulation.loop import CrashError
from core.simulation.programs import Programs
from core.simulation.records import Store, Writer, differs
from core.simulation.seams import Seams, WallClock
from core.simulation.threads import Threads
from core.simulation.venues import TOKEN
from core.venues.remote.messages import Description
from core.venues.remote.venue import RemoteVenue

if TYPE_CHECKING:
    from core.simulation.world import World

_HOME = "/home"
_JOURNAL = f"{_HOME}/journal"
_QUICK = 0.002  # a disk this fast is mostly not waited for
_SWITCH = 0.05  # seconds after a start until people turn their strategies on again
_BOUNDS = Bounds(draft=1.5)
_TRIES = 300  # virtual hundredths of a second that the records' writer has for its last words


class Computer:
    """One computer and its engines.

    Attributes:
        engine: the one that runs; None while there is none.
        life: how many engines there were.
        power: its journal promises to outlive a loss of power.
        records: the records are written beside the engine.
        wanted: what people turned each strategy's switch to last.
        version: how often the settings file was changed.
        countdown: so many touches of the world more until it dies; 0: it does not.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._loop = world.loop
        draw = world.draw
        self.clock = WallClock(world.loop, setting.begin(world.occasion))
        self.threads = Threads(world.loop)
        self.disk = Disk(self.point, self._rest, draw, world.hit)
        self.paths = folder_of(self.disk)
        self.programs = Programs(world)
        self.engine: Engine | None = None
        self.life = 0
        self.power = draw(3) > 0
        self.records = draw(4) == 0
        self.countdown = 0
        self.countdown_power = False
        self.version = 0
        self.wanted = {
            name: (StrategyMode.AUTO, StrategyMode.AUTO, StrategyMode.ADVISE)[draw(3)]
            for name in setting.STRATEGIES
        }
        self.dying = ""
        self._store = Store() if self.records else None
        self._writers = Threads(world.loop, "records")
        self._writer: Writer | None = None
        self._digests: dict[int, str] = {}

    def seams(self) -> Seams:
        """What the engine finds in the place of its computer."""
        return Seams(
            self.clock,
            self.disk,
            self.paths,
            self.threads,
            self._world.network,
            self.programs,
            None if self._store is None else self._store.book,
            self._said,
        )

    @property
    def owner(self) -> str:
        """The name of the engine's program in this life."""
        return f"engine-{self.life}"

    @property
    def alive(self) -> bool:
        """Does the engine's program run?"""
        return self.engine is not None and not self.dying

    @property
    def kernel(self) -> Kernel | None:
        """The kernel of the engine that runs, once it has one."""
        engine = self.engine
        return engine.kernel if self.alive and hasattr(engine, "kernel") else None  # type: ignore[union-attr]

    # -- starting ----------------------------------------------------------------------------

    def boot(self) -> None:
        """Start the engine; where the disk does not let it, try again soon."""
        self.compare_replay()
        world, self.life = self._world, self.life + 1
        before, self._loop.owner = self._loop.owner, self.owner
        try:
            clock = SteadyClock()
            venues = [
                RemoteVenue(
                    Description(e.name, e.mode, tuple(e.instruments())),
                    f"sim://{name}",
                    TOKEN,
                    clock,
                )
                for name, e in world.exchanges.items()
            ]
            config = self._settings()
            self._writer = self._new_writer()
            engine = Engine(
                config,
                venues,
                self.paths(_HOME),  # type: ignore[arg-type]
                clock=clock,
                token=TOKEN,
                strategies=Strategies(config.strategies, self.paths("/strategies"), _BOUNDS),  # type: ignore[arg-type]
                bookkeeping=self._writer,  # type: ignore[arg-type]
                name="simulated",
                settings=self._settings,
            )
            engine.bus.subscribe(OrderUpdate, world.watch.told)
            engine.bus.subscribe(AccountState, world.watch.told)
            engine.bus.subscribe(Notice, self._on_notice)
            engine.bus.subscribe(StrategyState, self._on_strategy)
            world.covered.follow(engine.bus)
            self.engine = engine
            world.note(f"engine {self.life} starts")
            self._loop.create_task(self._start(engine))
        finally:
            self._loop.owner = before

    def _settings(self) -> EngineConfig:
        return setting.config(self.power, self.version)

    async def _start(self, engine: Engine) -> None:
        world = self._world
        try:
            start = engine.start()
            build = engine._build

            def built(recovered: object) -> None:
                build(recovered)  # type: ignore[arg-type]
                for link in engine.links.values():
                    self._tap(engine, link)
                world.watch.back(engine.kernel)

            engine._build = built  # type: ignore[method-assign]
            await start
            self._loop.later("terminal", _SWITCH, self._switch_on, self.life)
        except JournalError as error:
            self.engine = None
            if self.disk.failing or self.disk.space is not None or self.disk.short:
                world.note(f"engine {self.life} cannot start: {error}")
                self._loop.kill(self.owner)
                self._loop.later("world", 0.3, self.boot)
            else:
                world.fail(f"the engine cannot start again: {error}")

    def _switch_on(self, life: int) -> None:
        """People turn the strategies on again, as they had them."""
        for name, mode in self.wanted.items():
            if self.life == life and mode is not StrategyMode.OFF:
                self._world.send(SetStrategyMode(f"W{life}-{name}", name, mode))

    def _tap(self, engine: Engine, link: VenueLink) -> None:
        send = link.send

        def sends(request: VenueRequest) -> None:
            self._world.note(f"-> {link.venue.name}: {short(request)}")
            if isinstance(request, VenueNew):
                self._world.watch.leaves(request, engine.kernel, self._loop.now)
            send(request)

        link.send = sends  # type: ignore[method-assign]

    def _on_strategy(self, state: StrategyState) -> None:
        self._world.watch.turned(state, self._loop.now)

    def _on_notice(self, notice: Notice) -> None:
        self._world.note(f"   {notice.severity.name}: {notice.text}")

    # -- dying -------------------------------------------------------------------------------

    def die(self, power: bool) -> None:
        """The engine's program ends here and now, perhaps with its whole computer."""
        if self.alive:
            self.dying = "power" if power and self.power else "crash"
            self.countdown = 0

    def point(self, word: str) -> None:
        """The engine touches the world: a place to die at."""
        if not self._loop.owner.startswith("engine"):
            return
        if self.dying:
            raise CrashError
        if self.countdown > 0:
            self.countdown -= 1
            if self.countdown == 0:
                self._world.hit(f"crash at {word}")
                self.die(self.countdown_power)
                raise CrashError

    def bury(self) -> None:
        """Make what died gone, and start another engine soon."""
        if not self.dying:
            return
        world = self._world
        how, self.dying = self.dying, ""
        lost = how == "power"
        world.hit("power lost" if lost else "crash")
        if self.clock.shift:
            world.hit(f"{how} with the clock {'ahead' if self.clock.shift > 0 else 'behind'}")
        world.note(f"engine {self.life} dies ({how})")
        self.remember()
        self.engine = None
        self._loop.owner = "world"
        self._loop.kill(self.owner)
        self.programs.kill()
        self.dying = how
        self.threads.kill()
        for connection in list(world.network.connections):
            under_way = connection.up.waiting
            connection.break_at(world.draw(under_way + 1) if lost else under_way, 0, 9.0)
        self.dying = ""
        if lost:
            self._writers.kill()
            self.disk.lose_power()
            if self._store is not None:
                self._store.lose_power(world.draw(4))
        else:
            self.disk.close_all()
            if self._writer is not None:
                self._writer.end()
        self._loop.later("world", 0.05 + world.draw(400) / 1e3, self.boot)

    def end(self) -> None:
        """The simulation is over: nothing goes on."""
        self.programs.kill()
        self.threads.kill()
        self._writers.kill()

    # -- what is on record -------------------------------------------------------------------

    def remember(self) -> None:
        """Note what the state is now, to compare a replay with."""
        engine = self.engine
        if engine is not None and hasattr(engine, "kernel"):
            self._digests[engine.kernel.seq] = engine.kernel.digest()

    def compare_replay(self) -> None:
        """Invariant 8: what is on record is gapless and leads to what was."""
        fail = self._world.fail
        folder = self.paths(_JOURNAL)
        if self.disk.inode(str(folder)) is None and not list(folder.glob("*.journal")):
            return
        kernel, last = Kernel(), 0
        try:
            for seq, ts, message in replay(folder, 1, NO_END):  # type: ignore[arg-type]
                if seq != last + 1:
                    fail(f"(8) record {seq} follows record {last}.")
                last = seq
                if kernel.takes(message):
                    kernel.apply(seq, ts, message)  # type: ignore[arg-type]
                    known = self._digests.get(seq)
                    if known is not None and known != kernel.digest():
                        fail(f"(8) a replay up to record {seq} leads to another state.")
        except JournalError as error:
            fail(f"(8) the journal cannot be read: {error}")
        self._digests = {seq: d for seq, d in self._digests.items() if seq <= last}

    def on_record(self, name: str) -> bool:
        """Would the order's intent survive what may happen now?"""
        word = name.encode()
        for file in self.disk.names(_JOURNAL):
            inode = self.disk.inode(file)
            if inode is not None and word in (inode.durable if self.power else inode.data):
                return True
        return False

    def compare_records(self, kernel: Kernel) -> None:
        """What the records' writer made of the journal is what the engine had."""
        writer, tries = self._writer, 0
        while writer is not None and not writer.gone and tries < _TRIES:
            until, tries = self._loop.now + 0.01, tries + 1
            while self._loop.turn(until):
                pass
        if writer is not None and not writer.gone:
            self._world.fail("the records' writer does not leave.")
        elif self._store is not None:
            differs(self.paths(_HOME), kernel, self._world.fail)  # type: ignore[arg-type]

    def _new_writer(self) -> Writer | None:
        if self._store is None:
            return None
        return Writer(self.paths(_HOME), self._writers, self._store)  # type: ignore[arg-type]

    def _said(self, word: str, text: str) -> None:
        if self._writer is not None:
            self._writer.said(word, text)
        if word == "note":
            self._world.hit("records made anew")
            self._world.note(f"   records: {text}")
        elif word == "trouble" and text:
            self._world.note(f"   records: {text}")

    def _rest(self, seconds: float) -> None:
        """The disk takes its time: a thread waits; the loop stands still."""
        if self.threads.current is None:
            self._loop.now += seconds
        elif seconds > _QUICK or not self._world.draw(4):
            self.threads.current.park(seconds)  # changing threads is what costs most here


def short(message: object) -> str:
    """A message in a line of a trace."""
    text = repr(message)
    return text if len(text) < 400 else text[:400] + "..."
