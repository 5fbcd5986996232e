"""What really happened in a simulation: which commands were sent, and what became of them."""

from __future__ import annotations

from collections import Counter

from core.bus.local import LocalBus
from core.model.commands import (
    CancelAll,
    Command,
    Flatten,
    Kill,
    NewOrder,
    NewOrderList,
    SetLimit,
    SetStrategyMode,
    SetTradingState,
)
from core.model.enums import ExecType, OrdStatus
from core.model.events import CommandRefused, Difference, Draft, StrategyState
from core.model.orders import Order, OrderUpdate


class Covered(Counter[str]):
    """Counts by what it is: ``sent Kill 3``, ``order STOP GTD``, ``report TRADE_CORRECT``..."""

    def sent(self, command: Command) -> None:
        """A command is on its way."""
        match command:
            case NewOrder():
                what = f"{command.ord_type.name} {command.tif.name}"
            case NewOrderList():
                what = command.contingency.name
            case Kill():
                what = f"{command.scope or 'account'} {command.level}"
            case SetTradingState():
                what = f"{command.scope or 'account'} {command.state.name}"
            case SetStrategyMode():
                what = f"{command.mode.name} {command.on_position}"
            case Flatten():
                what = command.leg or ("strategy" if command.strategy else "account")
            case CancelAll():
                what = next(
                    (w for w in ("instrument", "strategy", "side") if getattr(command, w)),
                    "account",
                )
            case SetLimit():
                what = f"{command.scope} {command.name}"
            case _:
                what = ""
        self[f"sent {type(command).__name__} {what}".rstrip()] += 1

    def follow(self, bus: LocalBus) -> None:
        """Count what an engine says."""
        bus.subscribe(OrderUpdate, self._update)
        bus.subscribe(CommandRefused, self._refused)
        bus.subscribe(Difference, self._difference)
        bus.subscribe(Draft, self._draft)
        bus.subscribe(StrategyState, self._strategy)

    def _update(self, update: OrderUpdate) -> None:
        order, kind = update.order, update.exec_type
        self[f"report {kind.name}"] += 1
        if kind is ExecType.DENIED:
            self[f"denied {order.code}"] += 1
        elif kind is ExecType.NEW:
            self[f"order {order.ord_type.name} {order.tif.name}"] += 1
            if order.contingency is not None:
                self[f"list {order.contingency.name}"] += 1
        elif kind is ExecType.TRADE:
            self._traded(order)
        if order.status is OrdStatus.UNKNOWN:
            self["order UNKNOWN"] += 1

    def _traded(self, order: Order) -> None:
        self[f"filled {order.ord_type.name} {order.tif.name}"] += 1
        if order.position_effect is not None:
            self[f"filled leg {order.position_effect.name}"] += 1
        if order.contingency is not None:
            self[f"filled {order.contingency.name}"] += 1

    def _refused(self, refused: CommandRefused) -> None:
        self[f"refused {refused.code}"] += 1

    def _difference(self, difference: Difference) -> None:
        self[f"rule {difference.rule}"] += 1

    def _draft(self, draft: Draft) -> None:
        self[f"draft {draft.answer or 'opened'}"] += 1

    def _strategy(self, state: StrategyState) -> None:
        self[f"strategy {state.mode.name} {state.health}"] += 1
