"""What is held and what it cost, in exact integers; every change is O(1)."""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from typing import TYPE_CHECKING

from core.model.checks import reference2
from core.model.enums import MarketStatus, TradingState
from core.model.instruments import Instrument
from core.model.numbers import EXACT, ZERO
from core.model.orders import AccountState, Position

if TYPE_CHECKING:
    from core.kernel.closing_state import Leg
    from core.kernel.limits import Rules
    from core.kernel.orders import Live

_MINUTE = 60_000_000_000
_add = EXACT.add


class Market:
    """What the kernel knows of one instrument's market (a `core.model.checks.Reference`)."""

    __slots__ = (
        "ask",
        "ask_qty",
        "bid",
        "bid_qty",
        "blocked",
        "half",
        "holdings",
        "instrument",
        "last",
        "mark2",
        "minute",
        "open",
        "point",
        "received",
        "status",
        "status_text",
        "ts",
        "units",
    )

    def __init__(self, instrument: Instrument, units: int) -> None:
        self.instrument = instrument
        self.point = instrument.point
        self.units = units
        self.half = units // 2
        self.bid = self.bid_qty = self.ask = self.ask_qty = self.last = 0
        self.mark2 = 0
        self.ts = self.received = 0
        self.status = MarketStatus.UNKNOWN
        self.status_text = ""
        self.blocked = ""
        self.holdings: list[Holding] = []
        self.minute = -1
        self.open = True

    def is_open(self, ts: int) -> bool:
        """Is the market in session, by the clock of the venue (in a replay, the recording's)?"""
        hours = self.instrument.hours
        if not hours.sessions:
            return True
        venue_now = ts + self.ts - self.received if self.ts else ts
        minute = venue_now // _MINUTE
        if minute != self.minute:
            self.minute = minute
            self.open = 0 <= venue_now < 1 << 62 and hours.is_open(venue_now)
        return self.open

    def mark(self) -> None:
        """Work out the reference price anew; when there is none the old one stays."""
        mark2 = reference2(self)
        if mark2:
            self.mark2 = mark2

    def revalue(self) -> None:
        """The market moved: value anew whatever is held or may be."""
        self.mark()
        for holding in self.holdings:
            if holding.qty or holding.live:
                holding.revalue()
            for part in holding.parts.values():
                if (part.qty or part.live) and part.desk.strategy:
                    part.revalue()


class Purse:
    """Profit, loss and exposure of an account or strategy in one currency, in 10^-24.

    `floor` is the profit and loss at which the daily loss limit is reached.
    """

    __slots__ = ("base", "floor", "gross", "pnl")

    def __init__(self) -> None:
        self.gross = self.pnl = self.base = 0
        self.floor: int | None = None

    def low(self) -> bool:
        """Has the daily loss limit been reached?"""
        return self.floor is not None and self.pnl <= self.floor and self.pnl < self.base


class Desk:
    """An account, or a strategy within an account: what its limits are counted against."""

    __slots__ = ("purses", "sent", "strategy", "working")

    def __init__(self, strategy: str) -> None:
        self.strategy = strategy
        self.working = 0
        self.purses: dict[str, Purse] = {}
        self.sent: deque[int] = deque()

    def purse(self, currency: str) -> Purse:
        """The purse of one currency."""
        found = self.purses.get(currency)
        if found is None:
            found = self.purses[currency] = Purse()
        return found

    def copy(self) -> Desk:
        """A copy to try something on."""
        made = Desk(self.strategy)
        made.working, made.sent, made.purses = self.working, self.sent, dict(self.purses)
        return made


class Account(Desk):
    """An account: cash, what it may do, and what it holds."""

    __slots__ = (
        "cash",
        "code",
        "fees",
        "holdings",
        "id",
        "opening",
        "realised",
        "reason",
        "state",
        "strategies",
    )

    def __init__(self, name: str, cash: dict[str, Decimal]) -> None:
        super().__init__("")
        self.id = name
        self.cash = dict(cash)
        self.opening: dict[str, Decimal] | None = dict(cash)
        self.realised: dict[str, Decimal] = {}
        self.fees: dict[str, Decimal] = {}
        self.state = TradingState.ACTIVE
        self.reason = ""
        self.code = ""
        self.holdings: dict[str, Holding] = {}
        self.strategies: dict[str, Desk] = {}

    def holding(self, market: Market, listed: bool = True) -> Holding:
        """A new, empty holding of an instrument."""
        made = Holding(self, self, market)
        if listed:
            self.holdings[market.instrument.id] = made
            market.holdings.append(made)
        return made

    def part(self, holding: Holding, strategy: str) -> Holding:
        """A new part of a holding for a strategy (empty: for no strategy)."""
        desk = self.strategies.get(strategy)
        if desk is None:
            desk = self.strategies[strategy] = Desk(strategy)
        made = holding.parts[strategy] = Holding(self, desk, holding.market)
        return made

    def copy(self) -> Account:
        """A copy to try something on."""
        made = Account(self.id, self.cash)
        made.state, made.reason, made.code = self.state, self.reason, self.code
        made.working, made.sent, made.purses = self.working, self.sent, dict(self.purses)
        return made

    def view(self, seq: int, ts: int) -> AccountState:
        """The account as everyone sees it."""
        return AccountState(
            seq,
            ts,
            self.id,
            dict(self.cash),
            self.state,
            self.reason,
            None if self.opening is None else dict(self.opening),
            dict(self.realised),
            dict(self.fees),
        )

    def begin_day(self) -> None:
        """A session begins: what is earned and paid counts from here."""
        self.opening = dict(self.cash)
        self.realised = {}
        self.fees = {}


class Holding:
    """A position with its open orders: an account's, or a strategy's part of it.

    `cost` follows the average cost method. When `q` of `Q` lots with open cost `C` are closed,
    the removed cost is ``C*q/Q`` rounded up, so that profit is never overstated while a position
    is open; when it is flat the cost is exactly 0. ``realised - cost`` is always the exact sum of
    the cash flows of all fills, and the parts of a holding sum up to its own, also when one part
    hands its position over to another.
    """

    __slots__ = (
        "account",
        "bought",
        "cost",
        "desk",
        "exposure",
        "fee_units",
        "fees",
        "leg",
        "live",
        "market",
        "open_buy",
        "open_sell",
        "parts",
        "pnl",
        "purse",
        "qty",
        "realised",
        "rules",
        "sold",
        "version",
    )

    def __init__(self, account: Account, desk: Desk, market: Market) -> None:
        self.account = account
        self.desk = desk
        self.market = market
        self.purse = desk.purse(market.instrument.currency)
        self.qty = self.cost = self.realised = self.bought = self.sold = 0
        self.fees = ZERO
        self.fee_units = 0
        self.open_buy = self.open_sell = 0
        self.exposure = self.pnl = 0
        self.live: dict[str, Live] = {}
        self.parts: dict[str, Holding] = {}
        self.leg: Leg | None = None
        self.rules: Rules | None = None
        self.version = -1

    def fill(self, sign: int, price: int, qty: int) -> None:
        """Take in one execution: `sign` +1 for a buy, -1 for a sale."""
        held = self.qty
        signed = sign * qty
        if sign > 0:
            self.bought += qty
        else:
            self.sold += qty
        if held * sign >= 0:
            self.cost += signed * price
            self.qty = held + signed
            return
        size = abs(held)
        if qty < size:
            removed = -(-self.cost * qty // size)
            self.realised += -signed * price - removed
            self.cost -= removed
        else:
            self.realised += -sign * size * price - self.cost
            self.cost = sign * (qty - size) * price
        self.qty = held + signed

    def receive(self, qty: int, cost: int) -> None:
        """Take over a position of `qty` lots that cost `cost`, as if bought (sold) for that.

        Where it closes lots on the other side, the cost that goes with them is rounded up, so
        that profit is never overstated.
        """
        held = self.qty
        if held * qty >= 0:
            self.cost += cost
        elif abs(qty) < abs(held):
            removed = -(-self.cost * abs(qty) // abs(held))
            self.realised -= cost + removed
            self.cost -= removed
        else:
            closing = -(-cost * abs(held) // abs(qty))
            self.realised -= closing + self.cost
            self.cost = cost - closing
        self.qty = held + qty

    def pay(self, fee: Decimal, units: int) -> None:
        """Add a fee in the instrument's currency; `units` is the same in 10^-24."""
        self.fees = _add(self.fees, fee)
        self.fee_units += units

    def expose(self) -> None:
        """Bring the exposure up to date: after a mark, a fill, an order."""
        market, qty = self.market, self.qty
        long, short = qty + self.open_buy, self.open_sell - qty
        exposure = (long if long > short else short) * market.mark2 * market.half
        self.purse.gross += exposure - self.exposure
        self.exposure = exposure

    def revalue(self) -> None:
        """Bring exposure and profit up to date: after a mark or a fill."""
        self.expose()
        market, purse, qty = self.market, self.purse, self.qty
        gain = self.realised
        if qty:
            worse = market.bid if qty > 0 else market.ask
            # Twice the price, so that a mid price stays a whole number.
            mark2 = 2 * worse if worse else market.mark2
            gain += qty * mark2 // 2 - self.cost
        pnl = gain * market.units - self.fee_units
        purse.pnl += pnl - self.pnl
        self.pnl = pnl

    def view(self, seq: int, ts: int, strategy: str = "") -> Position:
        """The position as everyone sees it."""
        return Position(
            seq,
            ts,
            self.account.id,
            self.market.instrument.id,
            self.qty,
            self.cost,
            self.realised,
            self.fees,
            strategy,
            self.bought,
            self.sold,
        )
