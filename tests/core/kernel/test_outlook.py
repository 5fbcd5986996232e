"""What an order leaves: position and average, what the book costs, how far the price may go."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from core.kernel.exposure import equity_units
from core.model.commands import NewOrder
from core.model.enums import OrdType, PositionEffect
from core.model.inputs import MarginBracket, MarginSetup, PerpetualSetup
from core.model.market import Taking
from tests.core.kernel.controls import limit, with_policy
from tests.core.kernel.driver import AAPL, BUY, FUT, SELL, Driver

WIDE = (limit("max_order_notional", 10**9), limit("max_exposure", 10**9))
OPEN, CLOSE = PositionEffect.OPEN, PositionEffect.CLOSE


def asked(d, side=BUY, qty=10, price=0, fills=None, *, thin=False, **more):
    instrument = more.pop("instrument", AAPL)
    kind = more.pop("kind", OrdType.LIMIT if price else OrdType.MARKET)
    order = NewOrder("", "P", instrument.id, side, kind, qty, price, **more)
    digest = d.kernel.digest()
    taking = None if fills is None else Taking(tuple(fills), thin)
    found = d.kernel.appraise(order, d.now, taking)
    assert d.kernel.digest() == digest, "a question changes nothing"
    return found


def margined(model="reg_t", **more):
    return with_policy(Driver(*WIDE), margins=(MarginSetup("P", model, **more),))


class TestSlippage:
    def test_against_the_best_price_that_is_there(self):
        d = Driver(*WIDE)
        found = asked(d, qty=10, fills=[(20_010, 4), (20_020, 6)])
        assert found.slippage == Decimal("0.60")  # 6 shares, 10 cents each
        assert (found.taken, found.thin) == (10, False)
        assert found.value == Decimal("2001.6"), "it costs what the book asks"
        found = asked(d, SELL, 10, fills=[(19_990, 4), (19_980, 6)])
        assert found.slippage == Decimal("0.60")
        assert asked(d, qty=4, fills=[(20_010, 4)]).slippage == 0

    def test_a_limit_that_rests_slips_nothing(self):
        found = asked(Driver(*WIDE), price=20_000, fills=())
        assert (found.slippage, found.taken) == (0, 0)

    def test_a_book_too_thin_is_not_made_up_for(self):
        found = asked(Driver(*WIDE), qty=10, fills=[(20_010, 4)], thin=True)
        assert (found.slippage, found.taken, found.thin) == (None, 4, True)
        assert (found.position, found.average, found.liquidation) == (None, None, None)

    def test_unknown_without_a_book_and_where_prices_are_old(self):
        d = Driver(*WIDE)
        assert (asked(d).slippage, asked(d).taken) == (None, None)
        d.wait(60)
        found = asked(d, qty=1, fills=[(20_010, 4)])
        assert "STALE_MARKET_DATA" in [v.code for v in found.violations]
        assert (found.slippage, found.taken, found.average) == (None, None, None)

    def test_in_the_currency_of_the_books(self):
        found = asked(Driver(*WIDE), qty=2, fills=[(20_001, 1), (20_005, 1)], instrument=FUT)
        assert found.slippage == 4 * Decimal("0.25") * 50


class TestPosition:
    @pytest.mark.parametrize(
        ("held", "side", "qty", "position", "average"),
        [
            (0, BUY, 10, 10, "200"),
            (10, BUY, 30, 40, "197.5"),  # 10 at 190, 30 at 200
            (10, SELL, 4, 6, "190"),
            (10, SELL, 10, 0, None),
            (10, SELL, 25, -15, "200"),  # a flip: the rest is at the order's price
            (-10, SELL, 10, -20, "195"),
            (-10, BUY, 4, -6, "190"),
            (-10, BUY, 25, 15, "200"),
        ],
    )
    def test_after_the_order(self, held, side, qty, position, average):
        d = Driver(*WIDE)
        if held:
            d.held(held, 19_000)
        found = asked(d, side, qty, 20_000)
        assert found.position == position
        assert found.average == (None if average is None else Decimal(average))

    def test_what_the_book_gives_counts_and_the_rest_at_the_limit(self):
        found = asked(Driver(*WIDE), BUY, 10, 20_020, [(20_010, 4), (20_020, 2)])
        assert found.average == (Decimal("200.10") * 4 + Decimal("200.20") * 6) / 10

    def test_of_a_stop_at_its_price_and_of_what_follows_the_market_nobody_knows(self):
        d = Driver(*WIDE)
        assert asked(d, kind=OrdType.STOP, stop_price=20_100).average == 201
        assert asked(d, kind=OrdType.PEGGED).average is None

    @pytest.mark.parametrize(
        ("kind", "side", "stop"),
        [
            (OrdType.STOP, BUY, 20_010),
            (OrdType.STOP, SELL, 19_990),
            (OrdType.MARKET_IF_TOUCHED, BUY, 20_010),
            (OrdType.MARKET_IF_TOUCHED, SELL, 19_990),
        ],
    )
    def test_of_what_would_go_off_at_once_it_is_not_known(self, kind, side, stop):
        away = side.sign if kind is OrdType.STOP else -side.sign
        d = Driver(*WIDE)
        assert asked(d, side, kind=kind, stop_price=stop).average is None
        there = stop + away
        assert asked(d, side, kind=kind, stop_price=there).average == AAPL.price(there)

    def test_legs_stand_apart_where_the_account_hedges(self):
        d = Driver(*WIDE, hedging=True)
        d.held(10, 19_000)
        d.held(-10, 20_500, position_effect=OPEN)
        found = asked(d, BUY, 10, 20_000)
        assert (found.position, found.average) == (20, 195)
        found = asked(d, SELL, 10, 20_000, position_effect=OPEN)
        assert (found.position, found.average) == (-20, Decimal("202.5"))
        found = asked(d, SELL, 4, 20_000, position_effect=CLOSE)
        assert (found.position, found.average) == (6, 190)


class TestReach:
    def test_of_a_long_position_on_margin(self):
        # 10,000 shares for 2,000,000, half of it borrowed: 25 % must be left of the value.
        found = asked(margined(), BUY, 10_000, 20_000)
        assert found.liquidation == Decimal("133.33")
        assert found.distance == Decimal(6_667) / 20_000
        assert not found.safe

    def test_of_a_short_one(self):
        # 1,000,000 and 2,000,000 got for it; 30 % of the value must be left.
        found = asked(margined(), SELL, 10_000, 20_000)
        assert found.liquidation == Decimal("230.77")
        assert found.distance == Decimal(3_077) / 20_000

    def test_what_is_paid_in_full_is_never_closed_by_others(self):
        found = asked(margined(), BUY, 10, 20_000)
        assert (found.liquidation, found.safe) == (None, True)
        d = margined()
        d.held(10)
        assert asked(d, SELL, 10, 20_000).safe, "nothing is left"

    def test_too_little_at_once(self):
        found = asked(margined(), BUY, 25_000, 20_000)  # 5,000,000 on 1,000,000
        assert (found.liquidation, found.distance) == (200, 0)

    def test_not_known_without_margin_nor_of_an_isolated_position(self):
        assert asked(Driver(*WIDE), BUY, 10, 20_000).liquidation is None
        brackets = (MarginBracket(Decimal(0), Decimal("0.005"), Decimal(100)),)
        for isolated in (False, True):
            perpetual = PerpetualSetup(AAPL.id, brackets, Decimal(10), isolated)
            found = asked(margined("perpetual", perpetuals=(perpetual,)), BUY, 10_000, 20_000)
            assert (found.liquidation is None) is isolated
            assert not found.safe

    @settings(deadline=None, max_examples=60)
    @given(
        st.integers(-8_000, 8_000),
        st.sampled_from((BUY, SELL)),
        st.integers(1, 12_000),
        st.integers(19_000, 21_000),
    )
    def test_at_that_price_there_is_too_little_and_one_tick_nearer_enough(
        self, held, side, qty, price
    ):
        d = margined()
        if held:
            d.held(held, 20_000)
        found = asked(d, side, qty, price)
        assume(not found.violations)
        d.held(side.sign * qty, price)
        if found.liquidation is None:
            assert found.safe
            return
        at = AAPL.ticks(found.liquidation)
        assert not enough(d, at)
        if found.distance:
            assert enough(d, at + (1 if found.position > 0 else -1))


def enough(d, price):
    """Has the account its maintenance margin at a price?"""
    d.wait(1)
    d.quote(AAPL, price, price)
    state = d.kernel._state
    account = state.accounts["P"]
    need = state.risk.margin("P").refresh(account)
    return equity_units(state, account.holdings[AAPL.id]) >= need.maintenance
