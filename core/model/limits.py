"""The limits a risk gate enforces, as data: name, unit, meaning, default.

A limit's value is a `Decimal` in the unit that the trader reads. `None` means not limited.
Values belong to a scope: ``account``, ``strategy`` or ``instrument`` with an id, or an empty id
for the default of all in that scope.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple


class LimitKind(NamedTuple):
    """One kind of limit. `code` is what a denial by it is called."""

    name: str
    code: str
    unit: str
    title: str
    meaning: str
    default: Decimal | None


LIMIT_KINDS: dict[str, LimitKind] = {
    kind.name: kind
    for kind in (
        LimitKind(
            "max_order_qty", "MAX_ORDER_QTY", "lots", "Order size", "Largest single order.", None
        ),
        LimitKind(
            "max_order_notional",
            "MAX_ORDER_NOTIONAL",
            "money",
            "Order value",
            "Largest value of a single order: quantity x price x multiplier.",
            Decimal(1_000_000),
        ),
        LimitKind(
            "price_collar",
            "PRICE_COLLAR",
            "%",
            "Price collar",
            "How far beyond the market an order's price may be.",
            Decimal(5),
        ),
        LimitKind(
            "stale_after",
            "STALE_MARKET_DATA",
            "s",
            "Stale price",
            "Oldest quote on which an opening order may be sent.",
            Decimal(5),
        ),
        LimitKind(
            "max_position",
            "MAX_POSITION",
            "lots",
            "Position",
            "Largest worst-case position: held plus all open orders of the same side.",
            None,
        ),
        LimitKind(
            "max_exposure",
            "MAX_GROSS_EXPOSURE",
            "money",
            "Exposure",
            "Largest gross value of positions and open orders in one currency.",
            Decimal(5_000_000),
        ),
        LimitKind(
            "max_open_orders",
            "MAX_OPEN_ORDERS",
            "orders",
            "Open orders",
            "Most orders working at once.",
            Decimal(200),
        ),
        LimitKind(
            "max_order_rate",
            "RATE_LIMIT",
            "orders/s",
            "Order rate",
            "Most new orders and changes in one second; cancels are free.",
            Decimal(100),
        ),
        LimitKind(
            "daily_loss",
            "DAILY_LOSS_LIMIT",
            "money",
            "Daily loss",
            "Largest loss since the session began, realised and open; beyond it reduce only.",
            Decimal(25_000),
        ),
    )
}
