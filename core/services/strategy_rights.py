"""What a strategy's process may ask for: its own orders only, and nothing else."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from core.model.commands import CancelOrder, NewOrder, NewOrderList, ReplaceOrder
from core.model.enums import Source, StrategyMode
from core.model.orders import Order
from core.services.strategy_running import Running

NOT_FOR_STRATEGIES = "NOT_FOR_STRATEGIES"


class Wrong(NamedTuple):
    """Why a command may not be: the code and the sentence of its refusal."""

    code: str
    text: str


def own_order(running: Running, order: NewOrder) -> NewOrder | Wrong:
    """An order as one of the strategy, whatever its process said of who sends it."""
    config = running.config
    mine = (config.name, config.account, config.instrument)
    if (order.strategy, order.account, order.instrument) == mine:
        return msgspec.structs.replace(order, source=Source.STRATEGY, trader="")
    return Wrong(
        NOT_FOR_STRATEGIES,
        f"{config.name} may trade {config.instrument} for {config.account} under its own"
        f" name only; its order for {order.instrument}, {order.account} as"
        f" “{order.strategy}” was not sent.",
    )


def own_list(running: Running, command: NewOrderList) -> NewOrderList | Wrong:
    """Orders that hang together: all of them are its own, or none of them goes."""
    orders = []
    for order in command.orders:
        own = own_order(running, order)
        if isinstance(own, Wrong):
            return own
        orders.append(own)
    if not orders:
        return Wrong("BAD_LIST", "There is no order in the list.")
    return msgspec.structs.replace(
        command, orders=tuple(orders), source=Source.STRATEGY, trader=running.name
    )


def own_change(
    running: Running, command: CancelOrder | ReplaceOrder, order: Order | None
) -> CancelOrder | ReplaceOrder | Wrong:
    """What may be done about `order`, the one that is meant; None: there is no such order."""
    if order is None or (order.strategy, order.account) != (running.name, running.config.account):
        text = f"Order {command.order} is not one of {running.name}; it was not changed."
        return Wrong(NOT_FOR_STRATEGIES, text)
    if isinstance(command, ReplaceOrder) and running.mode is not StrategyMode.AUTO:
        # In Advise nobody was asked about the new terms: the order goes, and the strategy
        # proposes another one.
        return CancelOrder(command.id, command.order, Source.STRATEGY, running.name, command.ts)
    return msgspec.structs.replace(command, source=Source.STRATEGY, trader=running.name)
