"""What is traded: venue, symbol, steps, money and hours."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from zoneinfo import ZoneInfo

from core.model.contracts import Contract, inverse_cost
from core.model.enums import OrdType, TimeInForce
from core.model.message import Part
from core.model.numbers import EXACT, from_steps, to_steps

_SECOND = 1_000_000_000


class Session(Part, frozen=True):
    """One continuous session: `weekday` 0 is Monday; minutes since local midnight."""

    weekday: int
    open_minute: int
    close_minute: int


class TradingHours(Part, frozen=True):
    """When an instrument trades. No sessions means always.

    Sessions are in the exchange's own time zone, so daylight saving needs no upkeep. Each opens and
    closes once: at a time of day that comes twice when it comes first, and at one that is skipped
    as long after the hour before it as on any other day.
    """

    timezone: str = "UTC"
    sessions: tuple[Session, ...] = ()

    def is_open(self, ts: int) -> bool:
        """Is the market in a session at `ts` (UTC nanoseconds)?"""
        if not self.sessions:
            return True
        zone = _zone(self.timezone)
        day = datetime.fromtimestamp(ts // _SECOND, UTC).astimezone(zone).date()
        return any(since <= ts < until for since, until in self._on(day, zone))

    def open_within(self, begin: int, end: int) -> list[tuple[int, int]]:
        """The stretches between two times (UTC ns) in which the market is open, in order."""
        if end <= begin:
            return []
        if not self.sessions:
            return [(begin, end)]
        zone = _zone(self.timezone)
        day = datetime.fromtimestamp(begin // _SECOND, UTC).astimezone(zone).date()
        last = datetime.fromtimestamp(end // _SECOND, UTC).astimezone(zone).date()
        found: list[tuple[int, int]] = []
        while day <= last:
            for since, until in self._on(day, zone):
                if max(since, begin) < min(until, end):
                    found.append((max(since, begin), min(until, end)))
            day += timedelta(days=1)
        return found

    def _on(self, day: date, zone: ZoneInfo) -> list[tuple[int, int]]:
        """When the sessions of a day in the exchange's time zone open and close (UTC ns)."""
        midnight = datetime(day.year, day.month, day.day)
        found: list[tuple[int, int]] = []
        for session in self.sessions:
            if session.weekday == day.weekday():
                since, until = (
                    int((midnight + timedelta(minutes=m)).replace(tzinfo=zone).timestamp())
                    for m in (session.open_minute, session.close_minute)
                )
                found.append((since * _SECOND, until * _SECOND))
        return sorted(found)


@lru_cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


WEEKDAYS_NEW_YORK = TradingHours(
    "America/New_York", tuple(Session(day, 9 * 60 + 30, 16 * 60) for day in range(5))
)


class Instrument(Part, frozen=True):
    """A thing that trades on one venue.

    `id` is ``SYMBOL.VENUE`` and the key everywhere. `tick` and `lot` are the steps of price and
    quantity; one lot times one tick times `multiplier` is `point`, the money in `currency` that
    one tick moves one lot, and the unit of every cost. `max_qty` is in lots. A derivative has a
    `contract`; the `point` of an inverse one is its quantum, and its cost is not price x quantity
    but what `cost` makes of them. `display`: the venue takes orders that show a part of themselves.
    """

    id: str
    symbol: str
    venue: str
    tick: Decimal
    lot: Decimal
    currency: str
    multiplier: Decimal = Decimal(1)
    name: str = ""
    kind: str = "spot"
    max_qty: int = 1 << 40
    hours: TradingHours = TradingHours()
    order_types: tuple[OrdType, ...] = (OrdType.LIMIT, OrdType.MARKET)
    tifs: tuple[TimeInForce, ...] = (TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK)
    post_only: bool = True
    maker_fee: Decimal = Decimal(0)
    taker_fee: Decimal = Decimal(0)
    contract: Contract | None = None
    display: bool = False

    @property
    def inverse(self) -> bool:
        """Is it settled in what it is a contract on, at multiplier / price?"""
        return self.contract is not None and self.contract.inverse

    @property
    def face(self) -> int:
        """What one lot of an inverse contract is worth at one tick, in `point`s; else 0."""
        contract = self.contract
        if contract is None or not contract.inverse:
            return 0
        return _face(self.lot, self.multiplier, self.tick, contract.quantum)

    @property
    def point(self) -> Decimal:
        """The unit of costs: money that one tick is worth on one lot, or an inverse's quantum."""
        contract = self.contract
        if contract is not None and contract.inverse:
            return contract.quantum
        return EXACT.multiply(EXACT.multiply(self.tick, self.lot), self.multiplier)

    def price(self, ticks: int) -> Decimal:
        """The price of a number of ticks."""
        return from_steps(ticks, self.tick)

    def ticks(self, price: Decimal) -> int:
        """The ticks of a price; raises `NotExactError` off the grid."""
        return to_steps(price, self.tick)

    def quantity(self, lots: int) -> Decimal:
        """The quantity of a number of lots."""
        return from_steps(lots, self.lot)

    def lots(self, quantity: Decimal) -> int:
        """The lots of a quantity; raises `NotExactError` off the grid."""
        return to_steps(quantity, self.lot)

    def money(self, points: int) -> Decimal:
        """Money of a sum of costs, price x quantity in ticks x lots unless it is inverse."""
        return EXACT.multiply(Decimal(points), self.point)

    def cost(self, price: int, lots: int) -> int:
        """What `lots` (signed) cost at a price in ticks, in `point`s; what a position is worth.

        Of an inverse contract it has the other sign (`inverse_cost`).
        """
        face = self.face
        return inverse_cost(face, price, lots) if face else price * lots

    def average(self, cost: int, lots: int) -> Decimal | None:
        """The average price of `lots` that cost so many `point`s, to 28 digits; None: none.

        Of an inverse contract it is the harmonic mean, at which the lots cost as much, whatever
        the signs.
        """
        if not lots:
            return None
        face = self.face
        if not face:
            return Decimal(cost) / lots * self.tick
        return Decimal(face * abs(lots)) / abs(cost) * self.tick if cost else None


def session_ended(instrument: Instrument, since: int, now: int) -> bool:
    """Was the instrument's market closed at any time from `since` to `now` (UTC ns)?"""
    at = since
    for begin, end in instrument.hours.open_within(since, now):
        if begin > at:
            return True
        at = end
    return at < now or not instrument.hours.is_open(now)


def instrument_id(symbol: str, venue: str) -> str:
    """The key of an instrument."""
    return f"{symbol}.{venue}"


@lru_cache
def _face(lot: Decimal, multiplier: Decimal, tick: Decimal, quantum: Decimal) -> int:
    return int(_quanta(lot, multiplier, tick, quantum))


def _quanta(lot: Decimal, multiplier: Decimal, tick: Decimal, quantum: Decimal) -> Fraction:
    return Fraction(lot) * Fraction(multiplier) / Fraction(tick) / Fraction(quantum)


_MOST_LOTS = 1 << 40
_MOST_DIGITS = 18


def listing_problem(instrument: Instrument) -> str:
    """Why an instrument cannot be traded as its venue lists it; empty when it can."""
    steps = (
        ("tick", instrument.tick),
        ("lot", instrument.lot),
        ("multiplier", instrument.multiplier),
    )
    for word, step in steps:
        if not _usual(step) or step <= 0:
            return f"its {word} {step:.4g} is no step of prices or quantities"
    contract = instrument.contract
    if contract is not None and contract.inverse:
        problem = _inverse_problem(instrument, contract)
        if problem:
            return problem
    amounts = [instrument.maker_fee, instrument.taker_fee]
    amounts += [] if contract is None else [contract.strike]
    if not all(_usual(amount) for amount in amounts):
        return "a fee or strike is no amount"
    if not (instrument.id and instrument.venue and instrument.currency):
        return "it has no id, venue or currency"
    if not 0 < instrument.max_qty <= _MOST_LOTS:
        return f"its largest order of {instrument.max_qty} lots cannot be"
    try:
        _zone(instrument.hours.timezone)
    except (OSError, ValueError, KeyError):
        return f"nobody knows the time zone “{instrument.hours.timezone[:40]}”"
    if not all(
        0 <= s.weekday <= 6 and 0 <= s.open_minute < s.close_minute <= 1440
        for s in instrument.hours.sessions
    ):
        return "one of its sessions cannot be"
    return ""


def _inverse_problem(instrument: Instrument, contract: Contract) -> str:
    if contract.right is not None:
        return "inverse options are not known here"
    quantum = contract.quantum
    if not _usual(quantum) or quantum <= 0:
        return f"its quantum {quantum:.4g} is no step of money"
    whole = _quanta(instrument.lot, instrument.multiplier, instrument.tick, quantum)
    if whole.denominator != 1:
        return f"its lot x multiplier / tick is no whole number of its quantum {quantum:.4g}"
    return ""


def _usual(value: Decimal) -> bool:
    """Is it a number with which money can be reckoned exactly?"""
    if not value.is_finite():
        return False
    smallest = value.adjusted() - len(value.as_tuple().digits)
    return not value or (smallest >= -_MOST_DIGITS and value.adjusted() <= _MOST_DIGITS)
