"""A restart changes nothing, also where a definition, a rate or a setting changed before it.

Beside this, `restarting` restarts every story of this directory after each of its inputs.
"""

from __future__ import annotations

from decimal import Decimal

from msgspec.structs import replace

from core.model.enums import TradingState
from core.model.inputs import Facts, Setup
from tests.core.kernel.controls import refused, state_of, with_policy
from tests.core.kernel.driver import AAPL, BTC, SECOND, SELL, Driver
from tests.core.kernel.test_margins import CALL_100, VOL, trading


def define(d, instrument):
    d.apply(Setup((instrument,), loosen_delay=30 * SECOND))
    assert not d.notices()


def exposed(d):
    return d.kernel._state.accounts["P"].purse("USD").gross


def test_profit_that_was_taken_follows_the_rate_of_its_currency():
    d = Driver()
    with_policy(d, currency="USD", rates={"EUR": Decimal("1.1")})
    d.held(10, 600_000, BTC, strategy="S", trader="tom")
    d.fill(d.working(SELL, 10, 599_000, BTC, strategy="S", trader="tom"), 10, 599_000)
    d.apply(Facts(d.now, rates={"EUR": Decimal("1.2")}))
    account = d.kernel._state.accounts["P"]
    # 10 lots of 0.001 BTC, 1000 ticks of 0.1 EUR down: one EUR is lost.
    for desk in (account, account.strategies["S"], account.traders["tom"]):
        assert desk.purse("USD").pnl == -12 * 10**23
    d.restart()


def test_an_instrument_that_moves_to_a_venue_that_is_stopped():
    d = Driver()
    d.held(10)
    state_of(d, TradingState.HALTED, "venue", "XCH")
    define(d, replace(AAPL, venue="XCH"))
    d.new()
    refused(d, "TRADING_HALTED", "venue XCH")
    d.restart()


def test_an_option_whose_strike_was_wrong_counts_for_the_right_one():
    d = trading(None)
    d.held(10, 168, CALL_100)
    assert exposed(d) == 10 * (10_000 + 168) * 10**24
    define(d, replace(CALL_100, contract=replace(CALL_100.contract, strike=Decimal(110))))
    assert exposed(d) == 10 * (11_000 + 168) * 10**24
    d.restart()


def test_a_price_that_is_too_old_by_the_new_settings_counts_no_more():
    d = trading(None)
    d.held(10, 168, CALL_100)
    d.apply(Facts(d.now, underlyings={"ACME.X": Decimal("97.73")}, vols={CALL_100.id: VOL}))
    d.wait(20)
    d.apply(Facts(d.now, underlyings={"OTHER": Decimal(1)}))
    assert exposed(d) < 10 * 7_000 * 10**24, "by its delta"
    with_policy(d, stale_risk=10)
    assert exposed(d) == 10 * (10_000 + 168) * 10**24
    d.restart()
