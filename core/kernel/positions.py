"""What is held and what it cost, in exact integers; every change is O(1)."""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from typing import TYPE_CHECKING

from core.kernel.desks import Desk, Meter
from core.kernel.duplicates import Recent
from core.kernel.resting import Resting
from core.model.checks import Known, reference2
from core.model.commands import NewOrder
from core.model.contracts import inverse_cost
from core.model.enums import MarketStatus
from core.model.instruments import Instrument
from core.model.numbers import EXACT, ZERO
from core.model.orders import AccountState, Position, leg_of

if TYPE_CHECKING:
    from core.kernel.closing_state import Leg
    from core.kernel.orders import Live
    from core.kernel.rules import Rules

_MINUTE = 60_000_000_000
_SAMPLE = 15_000_000_000
WINDOW = 300_000_000_000
"""How far back the price is remembered, in ns."""
RATE = 10**9
"""Exchange rates are whole numbers of one over this."""
_add = EXACT.add


class Gearing:
    """What one lot of an option counts for in exposures, as twice a price in ticks.

    `weight2` is the delta times twice the price of the underlying; -1 while that is not known, then
    `strike2`, twice the strike, takes part. A `put` that is bought takes the net down.
    """

    __slots__ = ("put", "strike2", "weight2")

    def __init__(self, put: bool, strike2: int) -> None:
        self.put = put
        self.strike2 = strike2
        self.weight2 = -1


class Market:
    """What the kernel knows of one instrument's market (a `core.model.checks.Reference`).

    `units` is one tick on one lot in 10^-24 of the instrument's currency. Exposure and profit are
    reckoned in `unit`, the currency of the books: `worth` is the same in that, at `rate` (0: there
    is no rate). `past` are the prices of the last minutes: time and twice the price. `volume` is
    the average lots a day (0: not known). `each` is what one lot counts for in exposures, by its
    `gearing` where it is an option; `falls`: buying it takes the net down. `face` is what one lot
    of an inverse contract is worth at one tick, in its quantum (then the point); else 0.
    """

    __slots__ = (
        "_known",
        "ask",
        "ask_qty",
        "bid",
        "bid_qty",
        "blocked",
        "each",
        "face",
        "falls",
        "gearing",
        "half",
        "holdings",
        "instrument",
        "last",
        "locked",
        "mark2",
        "meter",
        "minute",
        "open",
        "past",
        "point",
        "rate",
        "received",
        "status",
        "status_text",
        "ts",
        "unit",
        "units",
        "volume",
        "worth",
    )

    def __init__(
        self, instrument: Instrument, units: int, meter: Meter | None = None, unit: str = ""
    ) -> None:
        self.instrument = instrument
        self.meter = meter or Meter(instrument.venue)
        self.point = instrument.point
        self.face = instrument.face
        self.units = units
        self.unit = unit or instrument.currency
        self.mark2 = self.each = 0
        self.gearing: Gearing | None = None
        self.falls = False
        self.set_rate(RATE if self.unit == instrument.currency else 0)
        self.past: deque[tuple[int, int]] = deque()
        self._known = Known()
        self.locked = self.volume = 0
        self.bid = self.bid_qty = self.ask = self.ask_qty = self.last = 0
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

    def set_rate(self, rate: int) -> None:
        """Reckon with this exchange rate; whatever is held must be valued anew."""
        self.rate = rate
        self.worth = self.units * rate // RATE
        self.half = self.worth // 2
        self.weigh()

    def weigh(self) -> None:
        """Work out anew what one lot counts for in exposures."""
        gearing = self.gearing
        if gearing is None:
            self.each = self.value(1, self.mark2)
            return
        self.falls = gearing.put
        weight2 = gearing.weight2
        if weight2 < 0:
            weight2 = gearing.strike2 + (0 if gearing.put else self.mark2)
        self.each = weight2 * self.half

    def value(self, lots: int, price2: int) -> int:
        """What lots are worth at half of `price2`, unsigned, in 10^-24 of the books' currency."""
        face = self.face
        if not face:
            return lots * price2 * self.half
        return -(-2 * lots * face * self.worth // price2) if price2 > 0 else 0

    def cost(self, price: int, lots: int) -> int:
        """What `lots` (signed) cost at a price in ticks, in points."""
        face = self.face
        return inverse_cost(face, price, lots) if face else price * lots

    def remember(self, ts: int) -> None:
        """Keep the price as it is at `ts`, four times a minute, for as long as `WINDOW`."""
        past = self.past
        if past and not 0 <= ts - past[-1][0] < WINDOW * 2:
            past.clear()
        if self.mark2 and (not past or ts - past[-1][0] >= _SAMPLE):
            past.append((ts, self.mark2))
            while len(past) > 1 and ts - past[1][0] >= WINDOW:
                past.popleft()

    def known(self, ts: int) -> Known:
        """What is known beside prices; it says nothing of what was traded today."""
        past = self.past
        while len(past) > 1 and ts - past[1][0] >= WINDOW:
            past.popleft()
        before2 = past[0][1] if past else 0
        known = self._known
        if known.before2 != before2 or known.locked != self.locked or known.volume != self.volume:
            known = self._known = Known(before2, self.locked, self.volume)
        return known

    def mark(self) -> None:
        """Work out the reference price anew; when there is none the old one stays."""
        mark2 = reference2(self)
        if mark2:
            self.mark2 = mark2
            if self.gearing is None and not self.face:
                self.each = mark2 * self.half
            else:
                self.weigh()

    def revalue(self) -> None:
        """The market moved: value anew whatever is held or may be."""
        self.mark()
        for holding in self.holdings:
            if holding.qty or holding.live:
                holding.revalue()
            for parts in (holding.parts, holding.hands):
                for part in parts.values():
                    if (part.qty or part.live) and part.desk.strategy:
                        part.revalue()


class Account(Desk):
    """An account: cash, what it may do, and what it holds.

    `stamp` changes whenever a position, its price or its working orders do. `cash_units` is the
    cash as whole numbers of 10^-24, each with the amount that it was made from. `hedging`: the
    legs of its holdings stand apart.
    """

    __slots__ = (
        "cash",
        "cash_units",
        "fees",
        "hedging",
        "holdings",
        "id",
        "opening",
        "realised",
        "stamp",
        "strategies",
        "traders",
    )

    def __init__(self, name: str, cash: dict[str, Decimal]) -> None:
        super().__init__("", "account")
        self.id = name
        self.hedging = False
        self.cash = dict(cash)
        self.opening: dict[str, Decimal] | None = dict(cash)
        self.realised: dict[str, Decimal] = {}
        self.fees: dict[str, Decimal] = {}
        self.stamp = 0
        self.cash_units: dict[str, tuple[Decimal, int]] = {}
        self.holdings: dict[str, Holding] = {}
        self.strategies: dict[str, Desk] = {}
        self.traders: dict[str, Desk] = {}

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

    def hand(self, holding: Holding, trader: str) -> Holding:
        """A new part of a holding for a trader (empty: for no trader)."""
        desk = self.traders.get(trader)
        if desk is None:
            desk = self.traders[trader] = Desk(trader, "trader")
        made = holding.hands[trader] = Holding(self, desk, holding.market)
        return made

    def copy(self) -> Account:
        """A copy to try something on."""
        made = Account(self.id, self.cash)
        made.hedging = self.hedging
        self.copy_to(made)
        made.stamp = -1
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
            self.hedging,
        )

    def begin_day(self) -> bool:
        """A session begins: what is earned and paid counts from here. False: it did before."""
        if self.opening == self.cash and not self.realised and not self.fees:
            return False
        self.opening = dict(self.cash)
        self.realised = {}
        self.fees = {}
        return True


class Holding:
    """A position with its open orders: an account's, or a strategy's part of it.

    `cost` follows the average cost method. When `q` of `Q` lots with open cost `C` are closed,
    the removed cost is ``C*q/Q`` rounded up, so that profit is never overstated while a position
    is open; when it is flat the cost is exactly 0. ``realised - cost`` is always the exact sum of
    the cash flows of all fills, and the parts of a holding sum up to its own, also when one part
    hands its position over to another. All of it is in points: ticks x lots, or quanta of an
    inverse contract, whose executions are worth a whole number of them (`inverse_cost`).

    In a hedging account a holding, each part of it too, has `legs`, which sum up to it as well;
    `side` is the name of such a leg. A leg counts what it holds and its open orders; exposure,
    profit and money are those of the whole.
    """

    __slots__ = (
        "account",
        "bought",
        "closing",
        "cost",
        "day",
        "desk",
        "exposure",
        "fee_units",
        "fees",
        "hands",
        "legs",
        "live",
        "long",
        "market",
        "open_buy",
        "open_sell",
        "parts",
        "pnl",
        "purse",
        "qty",
        "realised",
        "recent",
        "resting",
        "rules",
        "short",
        "side",
        "sold",
        "value",
    )

    def __init__(self, account: Account, desk: Desk, market: Market, side: str = "") -> None:
        self.account = account
        self.side = side
        self.desk = desk
        self.market = market
        self.purse = desk.purse(market.unit)
        self.qty = self.cost = self.realised = self.bought = self.sold = 0
        self.fees = ZERO
        self.fee_units = 0
        self.open_buy = self.open_sell = 0
        self.exposure = self.long = self.short = self.value = self.pnl = self.day = 0
        self.live: dict[str, Live] = {}
        self.parts: dict[str, Holding] = {}
        self.hands: dict[str, Holding] = {}
        self.legs: dict[str, Holding] = {}
        self.closing: Leg | None = None
        self.rules: dict[tuple[str, str], Rules] = {}
        self.recent = Recent()
        self.resting = Resting()

    def leg(self, side: str) -> Holding:
        """One of the two legs; made when first asked for."""
        found = self.legs.get(side)
        if found is None:
            found = self.legs[side] = Holding(self.account, self.desk, self.market, side)
        return found

    def at(self, order: NewOrder) -> Holding:
        """What an order opens or closes of this: in a hedging account one of the legs."""
        if not self.account.hedging:
            return self
        side = leg_of(order.side, order.position_effect)
        return self.legs.get(side) or Holding(self.account, self.desk, self.market, side)

    def empty(self) -> bool:
        """Is nothing held, nor any order open, by any part or leg?"""
        parts = (*self.parts.values(), *self.hands.values(), *self.legs.values())
        legs = [leg for part in parts for leg in part.legs.values()]
        return not any(each.qty or each.live for each in (self, *parts, *legs))

    def fill(self, sign: int, price: int, qty: int) -> None:
        """Take in one execution: `sign` +1 for a buy, -1 for a sale."""
        held = self.qty
        signed = sign * qty
        if sign > 0:
            self.bought += qty
        else:
            self.sold += qty
        if self.market.face:
            self.receive(signed, self.market.cost(price, signed))
            return
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
        market, purse, qty = self.market, self.purse, self.qty
        each = market.each
        long, short = (qty + self.open_buy) * each, (self.open_sell - qty) * each
        exposure = long if long > short else short
        if market.falls:
            long, short = short, long
        purse.gross += exposure - self.exposure
        purse.long += long - self.long
        purse.short += short - self.short
        self.exposure, self.long, self.short = exposure, long, short
        self.account.stamp += 1

    def revalue(self) -> None:
        """Bring exposure and profit up to date: after a mark or a fill."""
        self.expose()
        market, purse, qty = self.market, self.purse, self.qty
        gain, value = self.realised, 0
        if qty:
            worse = market.bid if qty > 0 else market.ask
            # Twice the price, so that a mid price stays a whole number.
            mark2 = 2 * worse if worse else market.mark2
            if not market.face:
                gain += qty * mark2 // 2 - self.cost
                value = qty * mark2 * market.half
            elif mark2:
                points = -2 * qty * market.face // mark2
                gain += points - self.cost
                value = points * market.worth
        pnl = gain * market.worth - self.fee_units * market.rate // RATE
        purse.pnl += pnl - self.pnl
        if purse.pnl > purse.high:
            purse.rise()
        purse.value += value - self.value
        self.pnl, self.value = pnl, value

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
            self.side,
        )
