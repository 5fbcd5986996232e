"""One simulation: the real engine, its venues and its terminal on virtual time, after a plan."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from hashlib import blake2b
from typing import NamedTuple

from core.kernel.kernel import Kernel
from core.model.commands import Command, HandOver, NewOrder, SetStrategyMode
from core.model.enums import ExecType, OrdStatus, StrategyMode
from core.model.events import ExecutionReport, VenueEvent
from core.services.engine import Engine
from core.simulation import acting, setting
from core.simulation.checks import Watch
from core.simulation.computer import Computer, short
from core.simulation.covering import Covered
from core.simulation.exchange import Exchange
from core.simulation.loop import VirtualLoop
from core.simulation.plan import Draws, Step
from core.simulation.seams import installed
from core.simulation.terminal import Terminal
from core.simulation.venues import VenueProgram
from core.simulation.wire import ROOM, Network
from core.venues.venue import EventSink

_SETTLE = 90.0  # virtual seconds in which everything must come to rest
_CALM = 0.6  # so long nothing may be under way
_OCCASIONS = (0, 0, 0, setting.OPENING, setting.CLOSING, setting.MIDNIGHT)
_BUSY = (
    OrdStatus.PENDING_NEW,
    OrdStatus.PENDING_CANCEL,
    OrdStatus.PENDING_REPLACE,
    OrdStatus.UNKNOWN,
)


class Outcome(NamedTuple):
    """What became of one simulation.

    `broken` is a sentence on what was wrong, empty when nothing was, and `step` the number of the
    step after which it was seen (-1: at the end). `faults` counts what really happened of what
    goes wrong, `covered` of all else; `trace` is a hash of all that was sent and of the kernel's
    last state.
    """

    seed: int
    broken: str
    step: int
    steps: int
    turns: int
    seconds: float
    faults: dict[str, int]
    trace: str
    covered: dict[str, int]


class World:
    """One computer, one engine, two venues.

    Attributes:
        broken: the first thing that was wrong, as a sentence.
        faults, covered: counts of what happened.
        commands: what people sent; `names` the ids of all orders.
        occasion: what the clock on the wall brings (see `core.simulation.setting`).
    """

    def __init__(self, seed: int, say: Callable[[str], None] | None = None) -> None:
        self.seed = seed
        self.draw = Draws(seed)
        self.loop = VirtualLoop()  # type: ignore[abstract]
        self.faults: Counter[str] = Counter()
        self.covered = Covered()
        self.broken = ""
        self.commands: list[Command] = []
        self.names: list[str] = []
        self._say = say
        self._hash = blake2b(digest_size=16)
        self._late: list[tuple[float, str]] = []
        self._cut_after = -1
        self._arrived = 0.0
        self._stopped = False
        self.occasion = _OCCASIONS[self.draw(len(_OCCASIONS))]
        self.instruments = setting.instruments(self.occasion)
        self.network = Network(
            self.loop, self._point, self._hash.update, partial(self.hit, "engine does not read")
        )
        self.computer = Computer(self)
        self.terminal = Terminal(self)
        self.venues: dict[str, VenueProgram] = {}
        for name in ("ALPHA", "BETA"):
            program = self.venues[name] = VenueProgram(self.loop, self.network)
            program.exchange = Exchange(
                name,
                [i for i in self.instruments if i.venue == name],
                self.loop,
                self.computer.clock.true_ns,
                partial(self._emit, program),
                self.draw(2) == 0,
            )
        self.exchanges = {name: program.exchange for name, program in self.venues.items()}
        self.watch = Watch(
            self.instruments,
            dict.fromkeys(setting.ACCOUNTS, setting.CASH),
            self.exchanges.values(),
            self.fail,
            self.computer.on_record,
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
            with installed(self.computer.seams()):
                try:
                    self._begin()
                    step = self._carry_out(plan)
                    if not self.broken:
                        self._settle()
                finally:
                    self.computer.end()
                    self.loop.end()
        finally:
            asyncio._set_running_loop(None)
            quiet.disabled = disabled
            engine_log.setLevel(level)
        for name in sorted(self.exchanges):
            self._hash.update(repr(sorted(self.exchanges[name].truth.orders)).encode())
        if self.engine is not None and hasattr(self.engine, "kernel"):
            self._hash.update(repr(self.engine.kernel.digest()).encode())
        return Outcome(
            self.seed,
            self.broken,
            step,
            len(plan),
            self.loop.turns,
            self.loop.now,
            dict(self.faults),
            self._hash.hexdigest(),
            dict(self.covered),
        )

    def _carry_out(self, plan: Sequence[Step]) -> int:
        """All steps; returns the number of the one after which something was wrong, or -1."""
        for step in plan:
            self._run_until(step.at / 1e3)
            if not self.broken:
                self.note(f"step {step.number}: {step.kind}")
                acting.act(self, step)
                self.computer.bury()
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

    def hit(self, what: str) -> None:
        """Something went wrong on purpose."""
        self.faults[what] += 1

    @property
    def engine(self) -> Engine | None:
        """The engine that runs."""
        return self.computer.engine

    @property
    def owner(self) -> str:
        """The name of the engine's program."""
        return self.computer.owner

    @property
    def kernel(self) -> Kernel | None:
        """The kernel of the engine that runs, once it has one."""
        return self.computer.kernel

    def _begin(self) -> None:
        for program in self.venues.values():
            program.start()
        self.terminal.start()
        self.computer.boot()
        self._run_until(0.25)

    def _run_until(self, until: float) -> None:
        while not self.broken and self.loop.turn(until):
            if self.computer.dying:
                self.computer.bury()
            if self.loop.problems:
                self.fail(self.loop.problems[0])

    def _point(self, word: str) -> None:
        self.computer.point(word)

    # -- checks ------------------------------------------------------------------------------

    def _check(self) -> None:
        kernel = self.kernel
        if kernel is not None:
            self.watch.state(kernel)
            if self.watch.checks % 8 == 0:
                self.computer.remember()

    def _settle(self) -> None:
        self.note("faults are over")
        self.computer.disk.heal()
        self.computer.countdown = 0
        self.network.stalled = 0.0
        self.network.room = ROOM
        self.terminal.polling = True
        for name in self.computer.wanted:
            self.computer.wanted[name] = StrategyMode.OFF
        for program in self.venues.values():
            exchange = program.exchange
            exchange.refusing = 0
            for name in list(exchange.halted):
                exchange.halt(name, False)
        end, calm, number = self.loop.now + _SETTLE, 0.0, 0
        while calm < _CALM and self.loop.now < end and not self.broken:
            number += 1
            self._switch_off(number)
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
        self.loop.later(self.owner, 0.0, self._stop, engine)
        self._run_until(self.loop.now + 1.0)
        if not self._stopped:
            self.fail("the engine does not stop.")
        self.computer.remember()
        self.computer.compare_replay()
        self.computer.compare_records(engine.kernel)

    def _switch_off(self, number: int) -> None:
        """All strategies stand still."""
        engine = self.engine
        if engine is None or not engine.ready:
            return
        for state in engine.strategies.states():
            if state.mode is not StrategyMode.OFF:
                name = f"Z{self.computer.life}-{state.strategy}-{number}"
                self.send(SetStrategyMode(name, state.strategy, StrategyMode.OFF))

    def _stop(self, engine: Engine) -> None:
        async def stop() -> None:
            await engine.stop()
            self._stopped = True

        self.loop.create_task(stop())

    def _restless(self) -> str:
        engine = self.engine
        if engine is None or not engine.ready:
            return "the engine is not ready."
        if engine.path.halted:
            return engine.path.halted
        if not all(program.attended for program in self.venues.values()):
            return "a venue is not there, or has given the engine up."
        if self._arrived > self.loop.now or any(
            pipe.late for link in self.network.connections for pipe in (link.up, link.down)
        ):
            return "a report of a venue is on its way."
        for link in engine.links.values():
            if not link.settled:
                return f"{link.venue.name} is not settled."
        for state in engine.strategies.states():
            if state.mode is not StrategyMode.OFF:
                return f"{state.strategy} is not off."
        for order in engine.kernel.working():
            if order.status in _BUSY:
                return f"order {order.cl_ord_id} is {order.status.name}."
        return self.terminal.differs(engine)

    # -- what happens ------------------------------------------------------------------------

    def ask(self, command: Command) -> None:
        """A person or a strategy is about to send a command."""
        self.covered.sent(command)
        if isinstance(command, NewOrder):
            self.intend(command)
        elif isinstance(command, HandOver) or (
            isinstance(command, SetStrategyMode) and command.on_position == "hand_over"
        ):
            self.watch.handed.add(command.strategy)

    def intend(self, order: NewOrder) -> None:
        """Somebody is about to send an order, by itself or in a list."""
        self.watch.asked.add(order.cl_ord_id)
        self.names.append(order.cl_ord_id)

    def send(self, command: Command) -> None:
        """A person at the terminal sends a command."""
        self.commands.append(command)
        self.ask(command)
        self.terminal.send(command)

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
            self.hit("link cut")
            if lost:
                self.hit("messages lost")

    def _emit(self, program: VenueProgram, sink: EventSink, event: VenueEvent) -> None:
        delay = 0.0
        kind = event.exec_type if isinstance(event, ExecutionReport) else None
        if kind in (ExecType.TRADE_CANCEL, ExecType.TRADE_CORRECT):
            # A venue may change an execution only after it has told it.
            delay = max(0.0, self._arrived - self.loop.now)
        elif self._late:
            delay, word = self._late.pop(0)
            self.hit(word)
            if word == "report twice":
                program.deliver(delay, self._arrive, sink, event)
                delay = 0.0
        self._arrived = max(self._arrived, self.loop.now + delay)
        program.deliver(delay, self._arrive, sink, event)
        if self._cut_after >= 0:
            self._cut_after -= 1
            if self._cut_after < 0:
                self.loop.later("world", self.draw(20) / 1e4, self.cut, self.draw(2), 0)

    def _arrive(self, sink: EventSink, event: VenueEvent) -> None:
        self.note(f"<- {short(event)}")
        sink(event)


def simulate(seed: int, plan: Sequence[Step], say: Callable[[str], None] | None = None) -> Outcome:
    """Run one plan in a world of its own."""
    return World(seed, say).run(plan)
