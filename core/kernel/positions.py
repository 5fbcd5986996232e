"""What is held and what it cost, in exact integers; every change is O(1)."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from core.kernel.desks import Desk
from core.kernel.duplicates import Recent
from core.kernel.markets import RATE, Market
from core.kernel.resting import Resting
from core.model.commands import NewOrder
from core.model.numbers import EXACT, ZERO
from core.model.orders import AccountState, Position, leg_of

if TYPE_CHECKING:
    from core.kernel.closing_state import Leg
    from core.kernel.orders import Live
    from core.kernel.rules import Rules

_add = EXACT.add


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
