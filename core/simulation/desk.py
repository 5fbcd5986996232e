"""Strategies that run within the simulated engine, through the real runner, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from core.book.bars import BarBuilder
from core.bus.local import LocalBus
from core.model.commands import AnswerDraft, Command, Kill, NewOrder, NewOrderList
from core.model.events import Draft, StrategyState
from core.model.instruments import Instrument
from core.model.market import Quote, Trade
from core.model.orders import OrderUpdate, Position
from core.services.desk import EnginePort, StrategyCommand
from core.strategy import api
from core.strategy.api import Bar, Strategy, no_bars
from core.strategy.runner import Runner

_TRADES = 3  # in a bar


class _Port:
    """What one strategy may do: send orders under ids of its own."""

    def __init__(self, head: str, submit: Callable[[Command], None]) -> None:
        self._head = head
        self._submit = submit
        self._count = 0

    def new_id(self) -> str:
        """An id that no other strategy and no other life of this one makes."""
        self._count += 1
        return f"{self._head}-{self._count}"

    def send(self, command: api.StrategyCommand) -> None:
        """Straight into the engine."""
        if not isinstance(command, AnswerDraft):
            self._submit(command)

    def signal(self, text: str) -> None:
        """Nobody looks."""


class InProcessDesk:
    """The desk of a simulated engine (a `core.services.desk.StrategyDesk`).

    Args:
        made: the strategies, new ones, with what they trade.
        life: which start of the engine this is.
        sent: told of every order that a strategy sends.
    """

    def __init__(
        self,
        made: Sequence[tuple[Strategy, Instrument]],
        life: int,
        sent: Callable[[Command], None],
    ) -> None:
        self._runners = {s.name: (Runner(s), i) for s, i in made}
        self._bars = {s.name: BarBuilder("tick", _TRADES) for s, _ in made}
        self._stopped: set[str] = set()
        self._life = life
        self._sent = sent
        self._port: EnginePort | None = None
        self.bus: LocalBus | None = None

    def states(self) -> Sequence[StrategyState]:
        """Not shown."""
        return ()

    def drafts(self) -> Sequence[Draft]:
        """There are none."""
        return ()

    async def start(self, port: EnginePort) -> None:
        """Begin with what works already."""
        self._port = port
        bus = self.bus
        assert bus is not None
        for name, (runner, instrument) in self._runners.items():
            strategy = runner.strategy
            strategy.attach(_Port(f"{name}-{self._life}", self._submit))
            for order in port.working():
                if order.strategy == name:
                    strategy.working[order.cl_ord_id] = order
            bus.subscribe(Quote, self._on_quote(runner), instrument.id)
            bus.subscribe(Trade, self._on_trade(runner), instrument.id)
            runner.start(port.clock(), 0, no_bars())
        bus.subscribe(OrderUpdate, self._on_order)
        bus.subscribe(Position, self._on_position)

    async def stop(self) -> None:
        """The engine ends."""
        for name, (runner, _) in self._runners.items():
            if name not in self._stopped and self._port is not None:
                runner.stop(self._port.clock())
        self._stopped.update(self._runners)

    def command(self, command: StrategyCommand) -> None:
        """Switches are not turned here."""

    def allow(self, command: Command, client: str) -> Command | None:
        """Clients of the kind ``strategy`` do not come."""
        return None

    def kill(self, command: Kill) -> None:
        """Its strategies trade no more in this life."""
        for name, (runner, _) in self._runners.items():
            if command.account in ("", runner.strategy.account):
                self._stopped.add(name)

    def tick(self, now: int) -> None:
        """Time passed."""
        for name, (runner, _) in self._runners.items():
            if name not in self._stopped:
                runner.tick(now)

    def rest(self) -> None:
        """All strategies stand still; what they sent stays where it is."""
        self._stopped.update(self._runners)

    def _submit(self, command: Command) -> None:
        assert self._port is not None
        first = command.orders[0] if isinstance(command, NewOrderList) else command
        if isinstance(first, NewOrder) and first.strategy in self._stopped:
            return
        self._sent(command)
        self._port.submit(command)

    def _now(self) -> int:
        return 0 if self._port is None else self._port.clock()

    def _on_quote(self, runner: Runner) -> Callable[[Quote], None]:
        def take(quote: Quote) -> None:
            if runner.strategy.name not in self._stopped:
                seen = api.Quote(quote.ts, quote.bid, quote.bid_qty, quote.ask, quote.ask_qty, 0)
                runner.quote(self._now(), seen)

        return take

    def _on_trade(self, runner: Runner) -> Callable[[Trade], None]:
        def take(trade: Trade) -> None:
            name = runner.strategy.name
            builder = self._bars[name]
            if builder.on_trade(trade.ts, trade.price, trade.qty, 0) and name not in self._stopped:
                columns = builder.columns()
                columns["ts"] = columns["start_ts"]
                closed = {field: columns[field][: builder.closed] for field in Bar._fields}
                bar = Bar(*(int(closed[field][-1]) for field in Bar._fields))
                runner.bar(self._now(), bar, closed)

        return take

    def _on_order(self, update: OrderUpdate) -> None:
        found = self._runners.get(update.order.strategy)
        if found is not None and update.order.strategy not in self._stopped:
            found[0].order(update)

    def _on_position(self, position: Position) -> None:
        found = self._runners.get(position.strategy)
        if found is not None:
            found[0].position(position)
