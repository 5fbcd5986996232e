"""Perpetuals against the figures exchanges publish."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.model.contracts import Contract
from core.model.instruments import Instrument
from core.risk.margin.base import Line
from core.risk.margin.perpetual import (
    Bracket,
    Held,
    PerpetualMargin,
    PerpetualTerms,
    bankruptcy_price,
    liquidation_at_entry,
    liquidation_price,
)
from tests.core.risk.margin.examples import money

# Binance's brackets of BTCUSDT (2019) and, from their amounts, those of its worked example.
BTC_2019 = (
    Bracket(Decimal(0), Decimal("0.004"), Decimal(125)),
    Bracket(Decimal(50_000), Decimal("0.005"), Decimal(100)),
    Bracket(Decimal(250_000), Decimal("0.01"), Decimal(50)),
    Bracket(Decimal(1_000_000), Decimal("0.025"), Decimal(20)),
    Bracket(Decimal(5_000_000), Decimal("0.05"), Decimal(10)),
)
BTC = (
    Bracket(Decimal(0), Decimal("0.004"), Decimal(125)),
    Bracket(Decimal(50_000), Decimal("0.005"), Decimal(100)),
    Bracket(Decimal(250_000), Decimal("0.01"), Decimal(50)),
    Bracket(Decimal(1_000_000), Decimal("0.025"), Decimal(20)),
    Bracket(Decimal(10_000_000), Decimal("0.05"), Decimal(10)),
)
ETH = (
    Bracket(Decimal(0), Decimal("0.005"), Decimal(100)),
    Bracket(Decimal(10_000), Decimal("0.0065"), Decimal(75)),
    Bracket(Decimal(100_000), Decimal("0.01"), Decimal(50)),
    Bracket(Decimal(500_000), Decimal("0.02"), Decimal(25)),
    Bracket(Decimal(1_000_000), Decimal("0.05"), Decimal(10)),
    Bracket(Decimal(2_000_000), Decimal("0.1"), Decimal(5)),
)
FLAT = (Bracket(Decimal(0), Decimal("0.005"), Decimal(100)),)


def perpetual(name: str = "BTCUSDT", lot: str = "0.001", *, inverse: bool = False) -> Instrument:
    return Instrument(
        f"{name}.X",
        name,
        "X",
        Decimal("0.01"),
        Decimal(1) if inverse else Decimal(lot),
        "BTC" if inverse else "USDT",
        kind="perpetual",
        contract=Contract(name, inverse=inverse),
    )


def test_the_amounts_are_binances() -> None:
    # "the Maintenance Amount on Level 5 = 250,000 * (1% - 0.5%) + 50 USDT = 1,300 USDT"
    assert PerpetualTerms(BTC_2019).amounts()[:4] == [
        Decimal(0),
        Decimal(50),
        Decimal(1300),
        Decimal(16_300),
    ]
    # COIN-M: "BTCUSD ... Level 5 = 50 BTC * (5% - 2.5%) + 0.56 BTC = 1.81 BTC"; 300 BTC: 11.81.
    coin = (
        Bracket(Decimal(0), Decimal("0.004"), Decimal(125)),
        Bracket(Decimal(5), Decimal("0.005"), Decimal(100)),
        Bracket(Decimal(20), Decimal("0.01"), Decimal(50)),
        Bracket(Decimal(30), Decimal("0.025"), Decimal(20)),
        Bracket(Decimal(50), Decimal("0.05"), Decimal(10)),
        Bracket(Decimal(100), Decimal("0.1"), Decimal(5)),
        Bracket(Decimal(200), Decimal("0.125"), Decimal(4)),
    )
    amounts = PerpetualTerms(coin).amounts()
    assert amounts[-4:] == [Decimal(n) for n in ("0.555", "1.805", "6.805", "11.805")]
    # 10,000,000 USD at 45,000 with 101 BTC: 33,578.86 (Binance developers' forum, topic 6292),
    # with the published amount 11.81, which is rounded.
    held = Held(Decimal(100_000), Decimal(45_000), Decimal(100), inverse=True, tick=Decimal("0.1"))
    assert liquidation_price(held, Decimal("101.005"), coin) == Decimal("33578.9")


def test_the_cross_example_of_binance() -> None:
    # "How to Calculate Liquidation Price of USDⓈ-M Futures Contracts", one-way mode: wallet
    # 1,535,443.01; 109.488 BTC at 32,481.980 (mark 31,967.27), 3,683.979 ETH at 1,456.84 (mark
    # 1,335.18); maintenance 71,200.81144 and 356,512.508.
    wallet = Decimal("1535443.01")
    btc_mark, eth_mark = Decimal("31967.27"), Decimal("1335.18")
    btc, eth = (
        Held(Decimal("109.488"), Decimal("32481.980")),
        Held(Decimal("3683.979"), Decimal("1456.84")),
    )
    btc_keep = PerpetualTerms(BTC).maintenance(btc.qty * btc_mark)
    assert btc_keep == pytest.approx(Decimal("71200.81144"), abs=Decimal("0.001"))
    # The published ETH amount is 135,365, a little more than these brackets give.
    eth_keep = eth.qty * eth_mark * Decimal("0.1") - Decimal(135_365)
    assert eth_keep == pytest.approx(Decimal("356512.508"), abs=Decimal("0.001"))
    eth_pnl = eth.qty * (eth_mark - eth.entry)
    price = liquidation_price(btc, wallet, BTC, eth_keep, eth_pnl)
    assert price is not None
    assert price == Decimal("26316.90")  # published: 26,316.89, here rounded up


@pytest.mark.parametrize(
    ("held", "margin", "maintenance", "published"),
    [
        # "Liquidation Price (USDT Contract)", example 1: 1 BTC at 20,000, 50x.
        (Held(Decimal(1), Decimal(20_000)), Decimal(400), Decimal(100), Decimal(19_700)),
        (Held(Decimal(-1), Decimal(20_000)), Decimal(400), Decimal(100), Decimal(20_300)),
        # "... under Isolated Mode": 60,000 USD at 50,000 10x: value 1.2, margin 0.12, 0.006.
        (
            Held(Decimal(60_000), Decimal(50_000), inverse=True),
            Decimal("0.12"),
            Decimal("0.006"),
            Decimal("45662.11"),
        ),
        (
            Held(Decimal(-60_000), Decimal(50_000), inverse=True),
            Decimal("0.12"),
            Decimal("0.006"),
            Decimal("55248.61"),
        ),
    ],
)
def test_the_isolated_examples_of_bybit(
    held: Held, margin: Decimal, maintenance: Decimal, published: Decimal
) -> None:
    assert liquidation_at_entry(held, margin, maintenance) == published


def test_bankruptcy_prices_of_bybit() -> None:
    # 1 BTC at 10,000 with 50x: 9,800; inverse cross 10,000 at 8,000 with 0.5 BTC: 5,718.57.
    assert bankruptcy_price(Held(Decimal(1), Decimal(10_000)), Decimal(200)) == Decimal(9800)
    assert bankruptcy_price(Held(Decimal(-1), Decimal(10_000)), Decimal(200)) == Decimal(10_200)
    inverse = Held(Decimal(10_000), Decimal(8000), inverse=True)
    assert bankruptcy_price(inverse, Decimal("0.5"), Decimal("0.00075")) == Decimal("5718.58")
    # A fully paid inverse short, and a linear long at 1x, cannot go bankrupt.
    assert bankruptcy_price(Held(Decimal(-8000), Decimal(8000), inverse=True), Decimal(1)) is None
    assert bankruptcy_price(Held(Decimal(1), Decimal(10_000)), Decimal(10_000)) is None
    assert bankruptcy_price(Held(Decimal(0), Decimal(10_000)), Decimal(1)) is None
    assert liquidation_price(Held(Decimal(0), Decimal(10_000)), Decimal(1), FLAT) is None


def test_initial_margin_linear_and_inverse() -> None:
    # Bybit, "Initial Margin (Inverse Contract)": 12,000 at 8,000 with 50x: 0.03 BTC.
    coin = perpetual("BTCUSD", inverse=True)
    model = PerpetualMargin({coin.id: PerpetualTerms(FLAT, Decimal(50))})
    model.add(Line(coin).put(12_000, 2 * 800_000))
    assert model.requirement()[:2] == (money("0.03"), money("0.0075"))
    # Binance: BTCUSDT 500,000 USDT: rate 1 %, amount 1,300.
    linear = perpetual()
    model = PerpetualMargin({linear.id: PerpetualTerms(BTC_2019, Decimal(20))})
    line = Line(linear).put(-10_000, 2 * 5_000_000)
    model.add(line)
    assert model.requirement()[:2] == (money(25_000), money(3700))
    # More than the bracket allows is cut down: 1,100,000 at 20x at most.
    line.put(-22_000, 2 * 5_000_000)
    model.touch(line)
    assert model.requirement().initial == money(55_000)
    assert model.after(line, 1, 22_000, 0).initial == money(55_000)
    assert model.after(line, -1, 1000, 0).initial == money(57_500)
    # A sale 10.00 below the mark loses 10.00 on each.
    assert model.after(line, -1, 1000, 2 * 4_999_000).initial == money(57_510)


def test_an_isolated_position_keeps_its_own() -> None:
    linear = perpetual()
    model = PerpetualMargin({linear.id: PerpetualTerms(FLAT, Decimal(10), isolated=True)})
    line = Line(linear).put(1000, 2 * 5_000_000)
    line.pnl = money(300)
    model.add(line)
    # 50,000 at 10x, and the profit is not to be lent to others.
    assert model.requirement()[:2] == (money(5300), money(5300))
    line.margin, line.pnl = money(6000), money(-500)
    model.touch(line)
    assert model.requirement()[:2] == (money(5500), money(5500))
    assert model.after(line, 1, 1000, 0).initial == money(10_500)


def test_the_initial_margin_is_never_below_the_maintenance_margin() -> None:
    linear = perpetual()
    steep = (Bracket(Decimal(0), Decimal("0.05"), Decimal(50)),)
    model = PerpetualMargin({linear.id: PerpetualTerms(steep, Decimal(50))})
    model.add(Line(linear).put(1000, 2 * 1_000_000))
    assert model.requirement()[:2] == (money(500), money(500))


def test_what_is_lost_at_every_price_has_no_liquidation_price() -> None:
    # 100 of the other currency bought, and 110 lost elsewhere.
    held = Held(Decimal(1_000_000), Decimal(10_000), inverse=True)
    assert liquidation_price(held, Decimal(0), BTC, other_pnl=Decimal(-110)) is None


def test_brackets_are_checked() -> None:
    with pytest.raises(ValueError, match="begin at 0"):
        PerpetualTerms((Bracket(Decimal(1), Decimal("0.01"), Decimal(5)),))
    with pytest.raises(ValueError, match="its rate no lower"):
        PerpetualTerms((*FLAT, Bracket(Decimal(10), Decimal("0.001"), Decimal(5))))
    with pytest.raises(ValueError, match="Leverage must be"):
        PerpetualTerms(FLAT, Decimal("0.5"))
    with pytest.raises(ValueError, match="no margin brackets"):
        PerpetualMargin({}).add(Line(perpetual()))


@given(
    st.integers(1, 10**6),
    st.booleans(),
    st.integers(100, 10**6),
    st.integers(1, 10**7),
    st.booleans(),
)
def test_at_the_liquidation_price_the_maintenance_margin_is_left(
    lots: int, long: bool, entry: int, margin: int, inverse: bool
) -> None:
    qty = Decimal(lots if long else -lots)
    wallet = Decimal(margin) / (1000 if inverse else 1)
    tick = Decimal("0.000000000001")
    held = Held(qty, Decimal(entry), inverse=inverse, tick=tick)
    price = liquidation_price(held, wallet, BTC)
    terms = PerpetualTerms(BTC)
    size = abs(Fraction(qty))

    def left(at: Fraction) -> Fraction:
        if inverse:
            value, pnl = size / at, Fraction(qty) * (1 / Fraction(entry) - 1 / at)
        else:
            value, pnl = size * at, Fraction(qty) * (at - entry)
        i = max(i for i, b in enumerate(BTC) if b.floor <= value)
        keep = value * Fraction(BTC[i].rate) - Fraction(terms.amounts()[i])
        return Fraction(wallet) + pnl - keep

    if price is None:
        # It is safe at every price, or lost at every price already.
        signs = {left(Fraction(at)) > 0 for at in (1, 10**3, 10**9)}
        assert len(signs) == 1 or (long and left(Fraction(1, 10**9)) > 0)
        return
    # Not yet liquidated only on the safe side of it, and at once a tick beyond it.
    step = Fraction(tick) * (1 if long else -1)
    assert left(Fraction(price)) >= 0
    if Fraction(price) - step > 0:
        assert left(Fraction(price) - step) <= 0
