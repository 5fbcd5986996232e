"""Strategies, traders, instruments and accounts add up, exactly, whatever is filled."""

from __future__ import annotations

import random
from decimal import Decimal

from core.kernel.markets import RATE
from core.model.inputs import Policy, Setup
from tests.core.kernel.driver import AAPL, BTC, BUY, FUT, SECOND, SELL, Driver

FILLS = 10_000
PRICES = {AAPL: 20_000, BTC: 600_000, FUT: 20_000}


def profit(holding):
    """Closed and open profit at the reference price, twice, in 10^-24."""
    market = holding.market
    gain2 = 2 * (holding.realised - holding.cost) + holding.qty * market.mark2
    return gain2 * market.worth - 2 * (holding.fee_units * market.rate // RATE)


def net(holding):
    """What is held now and what open orders could add to each side, in 10^-24."""
    mark = holding.market.mark2 * holding.market.half
    return holding.qty * mark, holding.open_buy * mark, holding.open_sell * mark


def check(state):
    for account in state.accounts.values():
        for holding in account.holdings.values():
            for children in (holding.parts, holding.hands):
                found = list(children.values())
                for what in ("qty", "bought", "sold", "fee_units"):
                    assert sum(getattr(c, what) for c in found) == getattr(holding, what)
                assert sum(c.fees for c in found) == holding.fees
                assert sum(c.realised - c.cost for c in found) == holding.realised - holding.cost
                assert sum(map(profit, found)) == profit(holding)
            named = [c for name, c in holding.parts.items() if name]
            free = [o for o in holding.live.values() if not o.command.strategy]
            buys = sum(o.exposed for o in free if o.command.side is BUY)
            assert sum(c.open_buy for c in named) + buys == holding.open_buy
        desks = [(account, list(account.holdings.values()))]
        for name, desk in account.strategies.items():
            if name:
                parts = [h.parts[name] for h in account.holdings.values() if name in h.parts]
                desks.append((desk, parts))
        for name, desk in account.traders.items():
            if name:
                hands = [h.hands[name] for h in account.holdings.values() if name in h.hands]
                desks.append((desk, hands))
        for desk, holdings in desks:
            for unit, purse in desk.purses.items():
                mine = [h for h in holdings if h.market.unit == unit]
                assert purse.pnl == sum(h.pnl for h in mine)
                assert purse.gross == sum(h.exposure for h in mine)
                assert purse.value == sum(h.value for h in mine)
                nets = [net(h) for h in mine]
                assert purse.long == sum(held + buys for held, buys, _ in nets)
                assert purse.short == sum(sells - held for held, _, sells in nets)


def test_ten_thousand_random_fills():
    rng = random.Random(7)
    high = [
        (name, Decimal(10) ** 15, "account", account)
        for name in ("max_exposure", "max_order_notional", "daily_loss", "max_order_rate")
        for account in ("P", "Q")
    ]
    wide = [("price_collar", Decimal(90)), ("window_collar", Decimal(900))]
    d = Driver(*high, *wide, keep=500)
    rates = {"EUR": Decimal("1.0873")}
    d.apply(Setup(loosen_delay=30 * SECOND, policy=Policy("USD", rates)))
    state = d.kernel._state
    fills = 0
    while fills < FILLS:
        d.everything.clear()
        d.inputs.clear()
        d.wait(0.01)
        instrument = rng.choice(list(PRICES))
        around = PRICES[instrument]
        price = around + rng.randint(-around // 50, around // 50)
        d.quote(instrument, price - rng.randint(0, 5), price + rng.randint(1, 5))
        name = d.working(
            rng.choice((BUY, SELL)),
            rng.randint(1, 400),
            price,
            instrument,
            account=rng.choice("PQ"),
            strategy=rng.choice(("", "S", "R")),
            trader=rng.choice(("", "ann", "bob")),
        )
        order = d.order(name)
        assert not order.code, order.text
        left = order.qty
        while left and rng.random() < 0.85:
            qty = rng.randint(1, left)
            fee = Decimal(rng.randint(-50, 500)).scaleb(-4)
            currency = instrument.currency if rng.random() < 0.9 else "BNB"
            d.fill(name, qty, price + rng.randint(-9, 9), f"f{fills}", fee=fee, currency=currency)
            left -= qty
            fills += 1
        if left and rng.random() < 0.9:
            d.canceled(name)
        if fills % 50 == 0:
            check(state)
    check(state)
    again = d.kernel.load(d.kernel.dump())
    check(again._state)
    assert again.digest() == d.kernel.digest()
