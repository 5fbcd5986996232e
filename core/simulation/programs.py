"""Strategies in programs of their own, as the engine's real strategy desk starts and watches them.

What is real: the desk with its switches, drafts, rules and refusals (`core.services.strategies`),
the runner, and the strategies themselves. What is simulated is the process between them: it hears
of the engine a moment later, and it dies, hangs, raises and floods.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Protocol

from core.book.bars import BarBuilder
from core.kernel.kernel import Kernel
from core.model.commands import AnswerDraft, Command, NewOrder
from core.model.events import CommandRefused, Draft
from core.model.market import Quote, Trade
from core.model.orders import OrderUpdate, Position
from core.services.engine import Engine
from core.services.strategy_host import HostSettings
from core.simulation.loop import VirtualLoop
from core.strategy import api
from core.strategy.api import Bar, make_params, no_bars, params_texts
from core.strategy.registry import BUILTIN
from core.strategy.runner import Runner

_TRADES = 3  # in a bar
_START = 0.03
_DELAY = 0.0005
_TICK = 0.25
_FLOOD = 250  # commands, more than the desk allows in a second


class Place(Protocol):
    """What a program needs of the world around it."""

    loop: VirtualLoop

    @property
    def engine(self) -> Engine | None:
        """The engine that runs."""
        ...

    @property
    def owner(self) -> str:
        """The name of the engine's program."""
        ...

    def ask(self, command: Command) -> None:
        """Told of what is about to be sent."""
        ...


class Program:
    """What stands for `core.services.strategy_process.HostProcess`."""

    def __init__(self, place: Place, settings: HostSettings, number: int) -> None:
        self.params: dict[str, str] | None = None
        self.started = False
        self.signal = ""
        self.failed = ""
        self.babbled = False
        self.pid = number
        self.code: int | None = None
        self.owner = f"strategy-{number}"
        self.name = settings.name
        self._place = place
        self._loop = place.loop
        self._settings = settings
        self._session: Any = SimpleNamespace(kind="strategy", name=settings.client)
        self._hangs_until = 0.0
        self._heard = self._loop.now
        self._count = 0
        self._runner: Runner | None = None
        self._bars = BarBuilder("tick", _TRADES)
        self._inbox: list[object] = []
        self._quote: Quote | None = None
        self._awake = False
        self._ends: list[Callable[[], None]] = []
        self._loop.later(self.owner, _START, self._begin)

    # -- what the desk asks of it ------------------------------------------------------------

    @property
    def heard(self) -> float:
        """When it last said something: just now, unless it hangs."""
        return self._heard if self._loop.now < self._hangs_until else self._loop.now

    @heard.setter
    def heard(self, when: float) -> None:
        self._heard = when

    def memory(self) -> int:
        """Not measured."""
        return 0

    def keep_log_short(self, most: int) -> None:
        """There is none."""

    async def end(self, seconds: float) -> None:
        """Asked to end; one that does not hang says its last words."""
        if seconds and self.code is None and self._loop.now >= self._hangs_until:
            self._loop.later(self.owner, 0.0, self._stop)
        else:
            self.die()

    # -- what goes wrong ---------------------------------------------------------------------

    @property
    def runs(self) -> bool:
        """Is it there, and at work?"""
        return self.code is None and not self.failed and self.started

    def die(self, code: int = -9) -> None:
        """It ends at once."""
        if self.code is None:
            self.code = code
            self._loop.kill(self.owner)
            for end in self._ends:
                end()
            self._ends.clear()

    def hang(self, seconds: float) -> None:
        """It does nothing for so long, and then all that waited for it."""
        self._hangs_until = self._loop.now + seconds
        self._heard = self._loop.now
        self._loop.later(self.owner, seconds, self._work)

    def flood(self) -> None:
        """It sends more than anybody may."""
        for _ in range(_FLOOD):
            self._deliver(AnswerDraft(self.new_id(), "nothing", False))

    # -- the strategy's port -----------------------------------------------------------------

    def new_id(self) -> str:
        """An id that no other program makes."""
        self._count += 1
        return f"{self.name}-{self.pid}-{self._count}"

    def send(self, command: api.StrategyCommand) -> None:
        """On its way to the engine."""
        if isinstance(command, NewOrder):
            self._place.ask(command)
        self._deliver(command)

    def _deliver(self, command: Command) -> None:
        engine = self._place.engine
        if engine is not None:
            self._loop.later(self._place.owner, _DELAY, engine._on_command, self._session, command)

    def signal_(self, text: str) -> None:
        """Kept for the desk."""
        self.signal = text

    # -- its own loop ------------------------------------------------------------------------

    def _begin(self) -> None:
        settings, engine = self._settings, self._place.engine
        assert engine is not None
        kernel: Kernel = engine.kernel
        kind = BUILTIN[settings.kind]
        params = make_params(kind, settings.params)
        self.params = params_texts(params)
        listed = next(i for i in kernel.instruments() if i.id == settings.instrument)
        strategy = kind(settings.name, settings.account, listed, params)
        strategy.attach(_Port(self))
        strategy.hedging = any(p.leg for p in kernel.positions() if p.account == settings.account)
        for order in kernel.working():
            if order.strategy == settings.name:
                strategy.working[order.cl_ord_id] = order
        held = [
            p.qty
            for p in kernel.positions()
            if (p.account, p.instrument, p.strategy, p.leg)
            == (settings.account, settings.instrument, settings.name, "")
        ]
        self._runner = Runner(strategy)
        for kinds, key in (
            ((Quote, Trade), listed.id),
            ((OrderUpdate, Position, Draft, CommandRefused), None),
        ):
            for each in kinds:
                self._ends.append(engine.bus.subscribe(each, self._hear, key))
        self._runner.start(self._now(), sum(held), no_bars())
        self.started = True
        self._tick()

    def _now(self) -> int:
        engine = self._place.engine
        return 0 if engine is None else engine._clock()

    def _hear(self, message: object) -> None:
        """On the engine's side of the pipe: of many quotes only the newest counts."""
        if isinstance(message, Quote):
            self._quote = message
        elif isinstance(message, OrderUpdate):
            if message.order.strategy != self.name:
                return
            self._inbox.append(message)
        elif isinstance(message, Position | Draft):
            if message.strategy != self.name:
                return
            self._inbox.append(message)
        else:
            self._inbox.append(message)
        if not self._awake:
            self._awake = True
            self._loop.later(self.owner, _DELAY, self._work)

    def _work(self) -> None:
        if self._loop.now < self._hangs_until:
            return
        self._awake = False
        inbox, self._inbox = self._inbox, []
        runner = self._runner
        if runner is None:
            return
        for message in inbox:
            self._take(runner, message)
        quote, self._quote = self._quote, None
        if quote is not None:
            seen = api.Quote(quote.ts, quote.bid, quote.bid_qty, quote.ask, quote.ask_qty, 0)
            runner.quote(self._now(), seen)

    def _take(self, runner: Runner, message: object) -> None:
        if isinstance(message, Trade):
            self._trade(runner, message)
        elif isinstance(message, OrderUpdate):
            runner.order(message)
        elif isinstance(message, Position):
            runner.position(message)
        elif isinstance(message, Draft):
            runner.draft(message)
        elif isinstance(message, CommandRefused) and not runner.strategy.working.get(message.id):
            runner.lost(message.id)

    def _trade(self, runner: Runner, trade: Trade) -> None:
        builder = self._bars
        if builder.on_trade(trade.ts, trade.price, trade.qty, 0):
            columns = builder.columns()
            columns["ts"] = columns["start_ts"]
            closed = {field: columns[field][: builder.closed] for field in Bar._fields}
            bar = Bar(*(int(closed[field][-1]) for field in Bar._fields))
            runner.bar(self._now(), bar, closed)

    def _tick(self) -> None:
        if self._runner is not None and self._loop.now >= self._hangs_until:
            self._runner.tick(self._now())
        self._loop.later(self.owner, _TICK, self._tick)

    def _stop(self) -> None:
        if self._runner is not None:
            self._runner.stop(self._now())
        self.die(0)


class _Port:
    """What a strategy may do."""

    def __init__(self, program: Program) -> None:
        self.new_id = program.new_id
        self.send = program.send
        self.signal = program.signal_


class Programs:
    """All programs of strategies on one computer.

    Attributes:
        all: those of the present life of the engine.
    """

    def __init__(self, place: Place) -> None:
        self.all: list[Program] = []
        self._place = place
        self._numbers = 0

    def __call__(self, settings: HostSettings, token: str, home: Path) -> Program:
        """Start one, as `HostProcess` does."""
        self._numbers += 1
        program = Program(self._place, settings, self._numbers)
        self.all.append(program)
        return program

    def running(self) -> Sequence[Program]:
        """Those that are at work."""
        return [program for program in self.all if program.runs]

    def kill(self) -> None:
        """Their engine is gone: all of them end."""
        for program in self.all:
            program.die()
        self.all.clear()
