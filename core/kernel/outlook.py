"""How an account would stand with one more order filled: what is held, its average, how far to go.

Everything here is asked beforehand and changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from core.kernel.margins import Margin
from core.kernel.markets import Market
from core.kernel.positions import Account, Holding
from core.model.checks import MAX_TICKS
from core.model.commands import NewOrder
from core.model.enums import OrdType, Side
from core.model.market import Taking
from core.model.numbers import EXACT
from core.risk.margin.base import Line

Fills = Sequence[tuple[int, int]]
"""Price (ticks) and lots, one after the other."""

_PRICED = (OrdType.LIMIT, OrdType.STOP_LIMIT, OrdType.LIMIT_IF_TOUCHED)
_TOUCHED = (OrdType.STOP, OrdType.MARKET_IF_TOUCHED)


class Reach(NamedTuple):
    """How far the price may go: below `price` (above it, when short) the account has too little.

    `far` is how far that is from now, as a part of the price now. `price` 0: no price does it.
    """

    price: int
    far: Decimal


def fills_of(order: NewOrder, market: Market, taking: Taking | None) -> Fills | None:
    """At which prices an order would be filled, all of it in the end; None: not known.

    What it does not take at once trades at its limit, what waits for a price at that, unless
    the price has been there already: then it trades wherever the market is.
    """
    if order.ord_type is OrdType.MARKET:
        return None if taking is None or taking.thin else taking.fills
    price = order.price if order.ord_type in _PRICED else 0
    if order.ord_type in _TOUCHED:
        far = market.ask if order.side is Side.BUY else market.bid
        beyond = order.side.sign * (far - order.stop_price)
        reached = beyond >= 0 if order.ord_type is OrdType.STOP else beyond <= 0
        price = order.stop_price if far and not reached else 0
    if price <= 0:
        return None
    taken = () if taking is None else taking.fills
    rest = order.qty - sum(lots for _, lots in taken)
    return (*taken, (price, rest)) if rest else taken


def slippage(order: NewOrder, market: Market, taking: Taking | None) -> int | None:
    """What is lost against the best price by what an order takes at once, in points."""
    if taking is None or taking.thin:
        return None
    sign = order.side.sign
    lots = sum(each for _, each in taking.fills)
    if not lots:
        return 0
    worst = sum(market.cost(price, sign * each) for price, each in taking.fills)
    return max(0, worst - market.cost(taking.fills[0][0], sign * lots))


def received(account: Account, held: Holding, sign: int, fills: Fills) -> tuple[int, int]:
    """Lots and cost (points) of a holding or one of its legs after some fills."""
    after = Holding(account.copy(), held.desk.copy(), held.market, held.side)
    after.qty, after.cost = held.qty, held.cost
    for price, lots in fills:
        after.fill(sign, price, lots)
    return after.qty, after.cost


def reach(
    model: Margin, line: Line, holding: Holding, equity: int, order: NewOrder, fills: Fills
) -> Reach | None:
    """How far the price may go with the order filled before the maintenance margin is not met.

    All other prices stay as they are, no other order in the instrument is filled, and the taker's
    fee is paid. None: that cannot be said, as of options, whose prices hang on each other's, and
    of positions with margin of their own.
    """
    market = holding.market
    if not market.mark2 or not model.moves(holding):
        return None
    sign = order.side.sign
    qty = holding.qty + sign * order.qty
    if not qty:
        return Reach(0, Decimal(0))
    cost = sum(market.cost(price, sign * lots) for price, lots in fills) * market.worth
    fee = int(EXACT.multiply(Decimal(abs(cost)), market.instrument.taker_fee))
    rest = equity - holding.value - cost - max(0, fee)

    def enough(price: int) -> bool | None:
        need = model.maintenance(line, qty, 2 * price)
        return None if need is None else rest + _worth(market, qty, price) >= need

    now = max(1, market.mark2 // 2)
    end = 1 if qty > 0 else MAX_TICKS
    ends = enough(now), enough(end)
    if None in ends:
        return None
    if not ends[0]:
        return Reach(now, Decimal(0))
    if ends[1]:
        return Reach(0, Decimal(0))
    good, bad = now, end
    while abs(good - bad) > 1:
        middle = (good + bad) // 2
        if enough(middle):
            good = middle
        else:
            bad = middle
    return Reach(bad, Decimal(abs(now - bad)) / now)


def _worth(market: Market, qty: int, price: int) -> int:
    """What a position is worth at a price, signed, in 10^-24 of the books' currency."""
    return market.cost(price, qty) * market.worth
