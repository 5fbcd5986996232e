"""The trader's name on every command of this terminal, so that limits of traders act."""

from __future__ import annotations

from msgspec.structs import replace

from core.model.commands import Command, NewOrderList


def signed(command: Command, trader: str) -> Command:
    """The command in the name of `trader`, unless it carries a name or bears none."""
    if isinstance(command, NewOrderList):
        orders = tuple(
            order if order.trader else replace(order, trader=trader) for order in command.orders
        )
        command = replace(command, orders=orders)
    if getattr(command, "trader", trader):
        return command
    return replace(command, trader=trader)
