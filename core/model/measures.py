"""What the checks of an order reckon with: markets, holdings, limits, all as whole numbers."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple, Protocol

from core.model.enums import MarketStatus
from core.model.instruments import Instrument
from core.model.numbers import EXACT, plain

UNIT_DIGITS = 24
"""Money is compared as integers of 10 to the minus this."""


class Reference(Protocol):
    """What is known of a market; `core.model.session.Ticker` is one. Prices ticks, 0: unknown."""

    @property
    def bid(self) -> int: ...
    @property
    def bid_qty(self) -> int: ...
    @property
    def ask(self) -> int: ...
    @property
    def ask_qty(self) -> int: ...
    @property
    def last(self) -> int: ...
    @property
    def received(self) -> int: ...
    @property
    def status(self) -> MarketStatus: ...


class Held(Protocol):
    """What an account (or a strategy) holds of one instrument, in lots.

    `open_buy` and `open_sell` are all that its working orders may still trade.
    """

    @property
    def qty(self) -> int: ...
    @property
    def open_buy(self) -> int: ...
    @property
    def open_sell(self) -> int: ...


class Holding(NamedTuple):
    """A plain `Held`, for callers that have the numbers only."""

    qty: int = 0
    open_buy: int = 0
    open_sell: int = 0


class OrderLimits:
    """The limits that hold for one order, turned into integers of its instrument.

    `values` maps a name of `core.model.limits` to its value and the words for its scope, for
    example ``{"max_order_qty": (Decimal(500), "account:PAPER")}``; what is missing is not limited.
    """

    __slots__ = (
        "collar",
        "max_exposure",
        "max_notional",
        "max_orders",
        "max_position",
        "max_qty",
        "rate",
        "scopes",
        "shown",
        "stale",
        "units",
    )

    def __init__(self, instrument: Instrument, values: Mapping[str, tuple[Decimal, str]]) -> None:
        self.units = money_units(instrument)
        self.scopes = {name: scope for name, (_, scope) in values.items()}
        self.shown = {name: plain(value) for name, (value, _) in values.items()}
        self.max_qty = _whole(values, "max_order_qty")
        self.max_position = _whole(values, "max_position")
        self.max_orders = _whole(values, "max_open_orders")
        self.rate = _whole(values, "max_order_rate")
        self.max_notional = _units(values, "max_order_notional")
        self.max_exposure = _units(values, "max_exposure")
        stale = values.get("stale_after")
        self.stale = None if stale is None else int(stale[0] * 1_000_000_000)
        collar = values.get("price_collar")
        self.collar: tuple[int, int, int] | None = None
        if collar is not None:
            above, below = collar[0].as_integer_ratio()
            self.collar = (100 * below + above, 100 * below - above, 100 * below)


def money_units(instrument: Instrument) -> int:
    """One tick on one lot, as an integer of 10^-24 of the currency.

    Raises:
        ValueError: when that is not a whole number.
    """
    count = EXACT.scaleb(instrument.point, UNIT_DIGITS)
    if count != count.to_integral_value():
        raise ValueError(
            f"{instrument.id}: tick x lot x multiplier is {plain(instrument.point)}, finer than"
            f" {UNIT_DIGITS} decimal places; use a coarser tick or lot."
        )
    return int(count)


def units_of(money: Decimal) -> int:
    """Money as an integer of 10^-24, cut off below that."""
    return int(EXACT.scaleb(money, UNIT_DIGITS))


def money_of(units: int) -> Decimal:
    """The money of an integer of 10^-24, to the 12th decimal place and without idle zeros."""
    value = EXACT.normalize(EXACT.scaleb(Decimal(units // 10 ** (UNIT_DIGITS - 12)), -12))
    return EXACT.quantize(value, Decimal(1)) if value == value.to_integral_value() else value


def reference2(market: Reference) -> int:
    """Twice the reference price in ticks (so that a mid price stays whole); 0: there is none.

    The mid of bid and ask; where a side is empty the last trade, or else the side there is. A
    crossed quote is no reference.
    """
    bid = market.bid if market.bid_qty > 0 else 0
    ask = market.ask if market.ask_qty > 0 else 0
    if bid > 0 and ask > 0:
        return bid + ask if bid <= ask else 0
    if market.last > 0:
        return 2 * market.last
    return 2 * (bid if bid > 0 else ask)


def _whole(values: Mapping[str, tuple[Decimal, str]], name: str) -> int | None:
    entry = values.get(name)
    return None if entry is None else int(entry[0])


def _units(values: Mapping[str, tuple[Decimal, str]], name: str) -> int | None:
    entry = values.get(name)
    return None if entry is None else units_of(entry[0])
