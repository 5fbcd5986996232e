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


class Known(NamedTuple):
    """What the engine knows of a market beside its prices.

    `before2` is twice the price of some minutes ago (0: not known), `locked` since when bid and ask
    are equal (UTC ns, 0: they are not), `volume` the average lots a day (0: not known), `today`
    the lots that the account has traded since the session began.
    """

    before2: int = 0
    locked: int = 0
    volume: int = 0
    today: int = 0


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
    Limits in money are in `currency`; `units` is one tick on one lot in it, when that is not the
    instrument's own. With `by_last` the last trade is the reference price, else the mid.
    """

    __slots__ = (
        "adv",
        "by_last",
        "collar",
        "confirm_collar",
        "confirm_notional",
        "currency",
        "face",
        "locked",
        "max_exposure",
        "max_notional",
        "max_orders",
        "max_position",
        "max_qty",
        "max_short",
        "scopes",
        "shown",
        "special",
        "stale",
        "units",
        "window",
    )

    def __init__(
        self,
        instrument: Instrument,
        values: Mapping[str, tuple[Decimal, str]],
        currency: str = "",
        units: int = -1,
        by_last: bool = False,
    ) -> None:
        self.currency = currency or instrument.currency
        self.units = units if units >= 0 else money_units(instrument)
        self.face = instrument.face
        self.by_last = by_last
        self.scopes = {name: scope for name, (_, scope) in values.items()}
        self.shown = {name: plain(value) for name, (value, _) in values.items()}
        self.max_qty = _whole(values, "max_order_qty")
        self.max_position = _whole(values, "max_position")
        self.max_orders = _whole(values, "max_open_orders")
        self.max_short = _whole(values, "max_short")
        self.max_notional = _units(values, "max_order_notional")
        self.confirm_notional = _units(values, "confirm_order_notional")
        self.max_exposure = _units(values, "max_exposure")
        self.stale = _nanoseconds(values, "stale_after")
        self.locked = _nanoseconds(values, "locked_after")
        self.collar = _collar(values, "price_collar")
        self.confirm_collar = _collar(values, "confirm_price_collar")
        self.window = _collar(values, "window_collar")
        adv = values.get("max_adv")
        self.adv = None if adv is None else adv[0].as_integer_ratio()
        # One look instead of five: most orders have none of these limits.
        self.special = any(
            name in values
            for name in ("max_adv", "max_short", "confirm_order_notional", "confirm_price_collar")
        )

    def points2(self, lots: int, price2: int, ref2: int) -> int:
        """Twice what lots are worth at half of `price2`, in points.

        An inverse contract is worth the more the lower the price, so there the reference counts
        where it is lower.
        """
        if not self.face:
            return lots * price2
        low2 = ref2 if 0 < ref2 < price2 else price2
        return -(-4 * lots * self.face // low2) if low2 > 0 else 0


def money_units(instrument: Instrument) -> int:
    """The point of an instrument (one tick on one lot), as an integer of 10^-24 of the currency.

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


def reference2(market: Reference, by_last: bool = False) -> int:
    """Twice the reference price in ticks (so that a mid price stays whole); 0: there is none.

    The mid of bid and ask; where a side is empty the last trade, or else the side there is. A
    crossed quote is no reference. With `by_last` the last trade comes first, where there is one.
    """
    bid = market.bid if market.bid_qty > 0 else 0
    ask = market.ask if market.ask_qty > 0 else 0
    if bid > 0 and ask > 0:
        if bid > ask:
            return 0
        return 2 * market.last if by_last and market.last > 0 else bid + ask
    if market.last > 0:
        return 2 * market.last
    return 2 * (bid if bid > 0 else ask)


def _nanoseconds(values: Mapping[str, tuple[Decimal, str]], name: str) -> int | None:
    entry = values.get(name)
    return None if entry is None else int(entry[0] * 1_000_000_000)


def _collar(values: Mapping[str, tuple[Decimal, str]], name: str) -> tuple[int, int, int] | None:
    """A percentage as three whole numbers: 100 % and it, 100 % less it, and 100 %."""
    entry = values.get(name)
    if entry is None:
        return None
    above, below = entry[0].as_integer_ratio()
    return 100 * below + above, 100 * below - above, 100 * below


def _whole(values: Mapping[str, tuple[Decimal, str]], name: str) -> int | None:
    entry = values.get(name)
    return None if entry is None else int(entry[0])


def _units(values: Mapping[str, tuple[Decimal, str]], name: str) -> int | None:
    entry = values.get(name)
    return None if entry is None else units_of(entry[0])
