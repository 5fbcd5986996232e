"""Margin by option strategies and by scenarios in the gate, and options in exposures."""

from __future__ import annotations

from decimal import Decimal

import pytest

from core.kernel.kernel import Kernel
from core.model.commands import NewOrder
from core.model.enums import OrdType
from core.model.inputs import (
    AccountSetup,
    Facts,
    MarginSetup,
    OptionSetup,
    Policy,
    ProductSetup,
    Setup,
    StockSetup,
    Tick,
)
from core.risk.margin.black import delta76
from core.risk.margin.scenarios import YEAR
from tests.core.kernel.controls import limit, refused, with_policy
from tests.core.kernel.driver import BUY, SECOND, SELL, START, Driver
from tests.core.risk.margin.examples import CALL, DAY, PUT, future, option, stock

ACME = stock()
TODAY = START // DAY
CALL_100, PUT_100 = option(CALL, 100, TODAY + 30), option(PUT, 100, TODAY + 30)
FUTURE, LATER = future(expiry=TODAY + 30), future(expiry=TODAY + 120)
FUTURE_CALL = option(CALL, 410, TODAY + 30, "SP", 500)
VOL = 200_000_000  # 20 % a year
WIDE = (limit("max_order_notional", 10**9), limit("max_exposure", 10**12))


def quote(d, instrument, price):
    """A quote one tick to each side of a price."""
    ticks = instrument.ticks(Decimal(price))
    d.quote(instrument, ticks - 1, ticks + 1, 10**6)


def trading(setup, *limits, underlyings=None, vols=None):
    d = Driver(*WIDE, *limits)
    d.apply(Setup((ACME, CALL_100, PUT_100, FUTURE, LATER, FUTURE_CALL)))
    with_policy(d, margins=() if setup is None else (setup,))
    for instrument, price in (
        (ACME, "97.73"),
        (CALL_100, "1.68"),
        (PUT_100, "3.18"),
        (FUTURE, 405),
        (LATER, 410),
        (FUTURE_CALL, 9),
    ):
        quote(d, instrument, price)
    if underlyings is not None:
        d.apply(Facts(d.now, underlyings=underlyings, vols=vols or {}))
    return d


def strategies(**more):
    return trading(MarginSetup("P", "strategies", **more), underlyings={"ACME.X": Decimal("97.73")})


def scan(**more):
    ranges = {"price_scan": Decimal(20), "vol_scan": Decimal("0.02"), **more}
    return trading(
        MarginSetup("P", "scan", products=(ProductSetup("SP", **ranges),)),
        underlyings={"SP": Decimal(405)},
        vols={FUTURE_CALL.id: VOL},
    )


class TestStrategies:
    """The Cboe's "Margin Requirement Examples", IBM at 97.73; the account has 1,000,000."""

    def test_a_naked_call(self):
        d = strategies()
        d.new(SELL, 579, 168, CALL_100)  # 1,727.60 each after the proceeds
        refused(d, "INSUFFICIENT_MARGIN", "needs 1000280.4 USD, free are 1000000 USD")
        d.new(SELL, 578, 168, CALL_100)
        d.accepted()

    def test_stock_covers_a_call(self):
        d = strategies()
        d.held(18_000, 9773, ACME)  # 879,570 of stock need 439,785
        d.new(SELL, 180, 168, CALL_100)
        d.accepted()
        d.new(SELL, 350, 168, CALL_100)
        refused(d, "INSUFFICIENT_MARGIN")

    def test_a_long_put_makes_a_short_one_cheap(self):
        d = strategies()
        d.held(1000, 318, PUT_100)
        low = option(PUT, 95, TODAY + 30)
        d.apply(Setup((low,)))
        quote(d, low, "1.02")
        d.new(SELL, 1000, 102, low)  # the long one covers all of it
        d.accepted()

    def test_a_houses_own_rates(self):
        d = strategies(options=(OptionSetup("ACME.X", rate=Decimal("0.4")),))
        d.new(SELL, 578, 168, CALL_100)
        refused(d, "INSUFFICIENT_MARGIN")
        d = strategies(stocks=(StockSetup(ACME.id, initial_long=Decimal(1)),))
        d.new(BUY, 10_233, 9773, ACME)
        refused(d, "INSUFFICIENT_MARGIN", "needs 1000071.09 USD")
        d.new(BUY, 10_232, 9773, ACME)
        d.accepted()

    def test_without_the_price_of_the_underlying_only_reducing_passes(self):
        d = strategies()
        d.held(10, 168, CALL_100)
        d.wait(121)
        quote(d, CALL_100, "1.68")
        d.new(SELL, 11, 168, CALL_100)
        refused(d, "RISK_UNAVAILABLE", "price of ACME.X", "is 121 s old", "scope=account:P")
        d.new(SELL, 10, 168, CALL_100)
        d.accepted()
        d = trading(MarginSetup("P", "strategies"))
        d.new(SELL, 1, 168, CALL_100)
        refused(d, "RISK_UNAVAILABLE", "price of ACME.X is not known")


class TestScan:
    def test_a_future_needs_its_scan_range(self):
        d = scan()
        d.new(BUY, 101, 40_500, FUTURE)  # 20 x 500 each
        refused(d, "INSUFFICIENT_MARGIN", "needs 1010000 USD, free are 1000000 USD")
        d.new(BUY, 100, 40_500, FUTURE)
        d.accepted()
        d.new(BUY, 1, 40_500, FUTURE)
        refused(d, "INSUFFICIENT_MARGIN", "needs 10000 USD, free are 0 USD")

    def test_months_make_up_for_each_other_but_for_the_charge(self):
        d = scan(spread_charge=Decimal(200))
        d.held(90, 40_500, FUTURE)
        d.new(SELL, 90, 41_000, LATER)
        d.accepted()
        d.new(SELL, 191, 41_000, LATER)
        refused(d, "INSUFFICIENT_MARGIN")

    def test_a_short_option_by_its_array(self):
        d = scan()
        worst = next(n for n in range(1, 1000) if not passes(d, SELL, n, 900, FUTURE_CALL))
        # Far fewer scenarios lose with the price further away: the arrays are of the new price.
        d.apply(Facts(d.now, underlyings={"SP": Decimal(300)}))
        assert passes(d, SELL, 5 * worst, 900, FUTURE_CALL)
        wild = {FUTURE_CALL.id: 5 * VOL}
        d.apply(Facts(d.now, underlyings={"SP": Decimal(405)}, vols=wild))
        assert passes(d, SELL, worst - 1, 900, FUTURE_CALL)

    def test_what_has_no_ranges_is_refused(self):
        d = scan()
        d.new(BUY, 1, 9773, ACME)
        refused(d, "INSUFFICIENT_MARGIN", "ACME.X has no scan ranges; add its product")

    def test_a_loaded_kernel_reckons_the_same(self):
        d = scan()
        d.held(-5, 900, FUTURE_CALL)
        d.apply(Facts(d.now, underlyings={"SP": Decimal(430)}, vols={FUTURE_CALL.id: 2 * VOL}))
        edge = next(n for n in range(1, 1000) if not passes(d, SELL, n, 900, FUTURE_CALL))
        digest = d.kernel.digest()
        d.restart()
        assert d.kernel.digest() == digest
        assert passes(d, SELL, edge - 1, 900, FUTURE_CALL)
        assert not passes(d, SELL, edge, 900, FUTURE_CALL)

    def test_a_question_changes_nothing(self):
        d = trading(MarginSetup("P", "scan", products=(ProductSetup("SP", Decimal(20)),)))
        digest = d.kernel.digest()
        assert not passes(d, SELL, 1, 900, FUTURE_CALL), "its underlying has no price"
        assert d.kernel.digest() == digest
        d.new(BUY, 1, 40_500, FUTURE)
        d.accepted()


def passes(d, side, qty, price, instrument):
    """Would the gate let an order pass?"""
    order = NewOrder("probe", "P", instrument.id, side, OrdType.LIMIT, qty, price)
    return not d.kernel.preview(order, d.now)


def test_a_model_that_knows_stocks_only_refuses_derivatives():
    d = trading(MarginSetup("P", "reg_t"), underlyings={"ACME.X": Decimal("97.73")})
    d.new(BUY, 1, 168, CALL_100)
    refused(d, "INSUFFICIENT_MARGIN", "is a derivative", "Use “strategies” for options")


def test_wrong_margin_settings_change_nothing():
    d = Driver()
    for setup, words in (
        (MarginSetup("P", "scan", products=(ProductSetup("SP", Decimal(0)),)), "price_scan is 0"),
        (MarginSetup("P", "strategies", options=(OptionSetup("A", long_term=Decimal(2)),)), "0.75"),
        (MarginSetup("P", "spam"), "“spam” is no margin model"),
    ):
        d.apply(Setup(policy=Policy(margins=(setup,))))
        assert words in d.notices()[0].text


class TestDeltas:
    """Options count in exposures by delta times the price of their underlying."""

    def exposed(self, d):
        purse = d.kernel._state.accounts["P"].purse("USD")
        return [round(x / 10**24, 2) for x in (purse.gross, purse.long, purse.short)]

    def priced(self, right, d):
        years = ((TODAY + 30) * DAY - d.now) / YEAR
        return abs(delta76(right is CALL, 97.73, 100.0, years, 0.2)) * 97.73 * 100

    @pytest.mark.parametrize(("right", "instrument"), [(CALL, CALL_100), (PUT, PUT_100)])
    def test_by_delta_as_soon_as_the_price_is_known(self, right, instrument):
        d = trading(None)
        d.held(10, 168 if right is CALL else 318, instrument)
        # Not known: no more than strike and, for a call, premium.
        most = 10_000 + (168 if right is CALL else 0)
        assert self.exposed(d)[0] == 10 * most
        d.apply(Facts(d.now, underlyings={"ACME.X": Decimal("97.73")}, vols={instrument.id: VOL}))
        each = self.priced(right, d)
        assert 3000 < each < 7000
        gross, long, short = self.exposed(d)
        assert gross == pytest.approx(10 * each, abs=10), "to half a tick"
        assert (long if right is CALL else short) == gross
        assert (short if right is CALL else long) == -gross
        digest = d.kernel.digest()
        before = self.exposed(d)
        d.restart()
        assert (d.kernel.digest(), self.exposed(d)) == (digest, before)
        d.wait(200)
        d.apply(Facts(d.now, underlyings={"OTHER": Decimal(1)}))
        assert self.exposed(d)[0] == 10 * most, "the price is old"

    def test_limits_go_by_it(self):
        d = trading(
            None,
            limit("max_net_exposure", 50_000),
            underlyings={"ACME.X": Decimal("97.73")},
            vols={CALL_100.id: VOL, PUT_100.id: VOL},
        )
        each = self.priced(PUT, d)
        most = int(50_000 // each)
        d.new(BUY, most + 1, 318, PUT_100)
        refused(d, "MAX_NET_EXPOSURE", "Net short", "more than 50000 USD")
        d.new(BUY, most, 318, PUT_100)
        d.accepted()
        # Calls sold go the same way, calls bought do not.
        d.new(SELL, 2, 168, CALL_100)
        refused(d, "MAX_NET_EXPOSURE", "Net short")
        d.new(BUY, 2, 168, CALL_100)
        d.accepted()


def test_old_memory_without_prices_opens():
    kernel = Kernel([CALL_100], [AccountSetup("P", {"USD": Decimal(1)})])
    kernel.apply(1, START, Tick(START))
    assert Kernel.load(kernel.dump()).digest() == kernel.digest()


def test_seconds_are_those_of_the_settings():
    d = strategies()
    d.wait(120)
    quote(d, CALL_100, "1.68")
    d.new(SELL, 1, 168, CALL_100)
    d.accepted()
    d.now += SECOND
    quote(d, CALL_100, "1.68")
    d.new(SELL, 1, 168, CALL_100)
    refused(d, "RISK_UNAVAILABLE")
