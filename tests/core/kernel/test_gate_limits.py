"""The limits of the gate: the order just inside passes, the next one is denied, the day ends."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from core.model.commands import NewOrder
from core.model.enums import (
    OrdType,
    TradingState,
)
from core.model.inputs import AccountSetup, LimitValue, Setup
from core.model.instruments import Instrument
from tests.core.kernel.controls import limit
from tests.core.kernel.driver import AAPL, BTC, BUY, FUT, SECOND, SELL, Driver


def test_the_tightest_scope_wins_and_is_named():
    d = Driver(
        limit("price_collar", 3),
        limit("price_collar", "1.5", "instrument", AAPL.id),
        limit("price_collar", "0.5", "strategy", "S"),
    )
    d.new(BUY, 1, 20_301)
    assert "scope=instrument:AAPL.SIM" in d.denial().text
    d.new(BUY, 1, 20_300)
    d.accepted()
    d.new(BUY, 1, 20_101, strategy="S")
    assert "limit=0.5 %" in d.denial().text
    assert "scope=strategy:S" in d.denial().text


def test_order_quantity_in_the_traders_units():
    d = Driver(limit("max_order_qty", 5000, "instrument", BTC.id))
    name = d.new(BUY, 5001, 600_000, BTC)
    denied = d.denial()
    assert denied.code == "MAX_ORDER_QTY"
    assert denied.text.startswith(
        f"MAX_ORDER_QTY: limit=5.000, value=5.001, scope=instrument:BTC.XCH, order={name}."
    )
    d.new(BUY, 5000, 600_000, BTC)
    d.accepted()


def test_order_value_with_multiplier():
    d = Driver()
    # One contract at 5,000.00 is worth 250,000 USD.
    d.new(BUY, 4, 20_000, FUT)
    d.accepted()
    d.new(BUY, 4, 20_001, FUT)
    denied = d.denial()
    assert denied.code == "MAX_ORDER_NOTIONAL"
    assert "The order is worth 1000050 USD, more than 1000000 USD." in denied.text


def test_market_order_is_valued_at_the_far_side_and_the_collar():
    d = Driver(limit("max_order_notional", 100_000))
    # 200.10 x 1.05 = 210.105, rounded up in half ticks.
    d.new(BUY, 475, 0)
    d.accepted()
    d.new(BUY, 476, 0)
    assert d.denial().code == "MAX_ORDER_NOTIONAL"


def test_a_sale_below_the_market_is_valued_at_the_market():
    d = Driver(limit("max_order_notional", 100_000))
    d.new(SELL, 500, 19_500)
    d.accepted()
    d.new(SELL, 501, 19_500)
    assert d.denial().code == "MAX_ORDER_NOTIONAL"


def test_worst_case_position_per_side():
    d = Driver(limit("max_position", 100))
    d.held(40)
    d.new(BUY, 50)
    d.accepted()
    d.new(BUY, 11)
    denied = d.denial()
    assert denied.code == "MAX_POSITION"
    assert "could be long 101; 100 is the most" in denied.text
    d.new(SELL, 141)
    assert d.denial().code == "MAX_POSITION", "open buys do not net against sales"
    d.new(SELL, 140)
    d.accepted()
    d.new(BUY, 10)
    d.accepted()


def test_a_position_beyond_a_tightened_limit_can_be_closed():
    d = Driver()
    d.held(100)
    d.set_limit("max_position", 10)
    d.new(BUY, 1)
    assert d.denial().code == "MAX_POSITION"
    d.new(SELL, 100)
    d.accepted()


def test_strategys_own_position_limit():
    d = Driver(limit("max_position", 10, "strategy", "S"))
    d.held(100)
    d.new(BUY, 11, strategy="S")
    assert d.denial().code == "MAX_POSITION"
    d.new(BUY, 10, strategy="S")
    d.accepted()
    d.new(BUY, 11, strategy="R")
    d.accepted()


def test_gross_exposure_over_instruments_of_one_currency():
    d = Driver(limit("max_exposure", 1_000_000))
    d.held(2500)  # 500,000 USD
    d.new(BUY, 3, 20_000, FUT)  # 750,000 USD
    denied = d.denial()
    assert denied.code == "MAX_GROSS_EXPOSURE"
    assert "Gross 1250000 USD would be more than 1000000 USD." in denied.text
    d.new(SELL, 2, 20_000, FUT)
    d.accepted()
    d.new(SELL, 2500)
    d.accepted()
    d.new(BUY, 1, 600_000, BTC)
    d.accepted()


def test_gross_exposure_of_an_instrument_and_a_strategy():
    d = Driver(
        limit("max_exposure", 20_000, "instrument", AAPL.id),
        limit("max_exposure", 10_000, "strategy", "S"),
    )
    d.new(BUY, 50, strategy="S")
    d.accepted()
    d.new(BUY, 1, strategy="S")
    assert "scope=strategy:S" in d.denial().text
    d.new(BUY, 50)
    d.accepted()
    d.new(BUY, 1)
    assert "scope=instrument:AAPL.SIM" in d.denial().text


def test_open_orders_per_account_strategy_and_instrument():
    d = Driver(
        limit("max_open_orders", 4),
        limit("max_open_orders", 3, "instrument", AAPL.id),
        limit("max_open_orders", 1, "strategy", "S"),
    )
    first = d.working(strategy="S")
    d.new(strategy="S")
    assert d.denial().code == "MAX_OPEN_ORDERS"
    d.working()
    d.working()
    d.new()
    assert "scope=instrument:AAPL.SIM" in d.denial().text
    d.working(instrument=FUT, qty=1)
    d.new(instrument=FUT, qty=1)
    assert "scope=account:P" in d.denial().text
    d.canceled(first)
    d.new(strategy="S")
    d.accepted()


def test_rate_in_a_sliding_second():
    d = Driver(limit("max_order_rate", 2), limit("max_order_rate", 1, "strategy", "S"))
    d.new(strategy="S")
    d.accepted()
    d.wait(0.4)
    d.new(strategy="S")
    assert "scope=strategy:S" in d.denial().text
    resting = d.working()
    d.replace(resting, 5, 20_000)
    assert d.replaces(), "changes have a rate of their own"
    d.new()
    denied = d.denial()
    assert denied.code == "RATE_LIMIT"
    assert "Order 3 within one second; 2 are the most." in denied.text
    d.cancel(resting)
    assert d.cancels(), "cancels are free"
    d.wait(0.6)
    d.new()
    d.accepted()


def test_rate_survives_a_clock_that_jumps_back():
    d = Driver(limit("max_order_rate", 1))
    d.new()
    d.wait(-3600)
    d.quote()
    d.new()
    d.accepted()
    d.new()
    assert d.denial().code == "RATE_LIMIT"


def test_daily_loss_makes_the_account_reduce_only():
    d = Driver(limit("daily_loss", 1000))
    d.held(100)
    d.quote(bid=19_001, ask=19_100)
    assert d.account().state is TradingState.ACTIVE
    d.quote(bid=19_000, ask=19_100)
    assert d.account().state is TradingState.REDUCING
    assert any(
        "Today -1000 USD has reached the daily loss limit of -1000" in n.text for n in d.notices()
    )
    d.new(BUY, 1, 19_050)
    assert d.denial().code == "DAILY_LOSS_LIMIT"
    assert "limit of -1000. With all" in d.denial().text
    d.set_state(TradingState.ACTIVE)
    assert d.refusal().code == "DAILY_LOSS_LIMIT"
    d.new(SELL, 100, 19_000)
    d.accepted()


def test_daily_loss_counts_fees_and_closed_trades():
    d = Driver(limit("daily_loss", 10))
    name = d.working(BUY, 1)
    d.fill(name, 1, fee=Decimal("9.89"))
    assert d.account().state is TradingState.ACTIVE, "9.89 of fees and 0.10 to the bid"
    d.quote(bid=19_989, ask=20_010)
    assert d.account().state is TradingState.REDUCING


def test_a_new_session_starts_the_day_anew():
    d = Driver(limit("daily_loss", 1000))
    d.tick(0, "Tuesday")
    d.held(100)
    d.quote(bid=19_001, ask=19_100)
    d.tick(0, "Tuesday")
    d.tick(0, "Wednesday")
    d.quote(bid=18_500, ask=18_600)
    assert d.account().state is TradingState.ACTIVE
    d.quote(bid=18_001, ask=18_600)
    assert d.account().state is TradingState.REDUCING
    d.tick(0, "Thursday")
    assert d.account().state is TradingState.REDUCING, "only a person arms an account again"
    d.set_state(TradingState.ACTIVE)
    assert d.account().state is TradingState.ACTIVE


def test_daily_loss_of_a_strategy_stops_only_that_strategy():
    d = Driver(limit("daily_loss", 100, "strategy", "S"))
    d.held(10, strategy="S")
    d.quote(bid=18_999, ask=19_100)
    d.new(BUY, 1, 19_050, strategy="S")
    assert d.denial().code == "DAILY_LOSS_LIMIT"
    d.new(SELL, 10, 19_050, strategy="S")
    d.accepted()
    d.new(BUY, 1, 19_050)
    d.accepted()


def test_replace_passes_the_gate_with_its_new_remainder():
    d = Driver(limit("max_order_qty", 100), limit("max_position", 100))
    name = d.working(BUY, 60)
    d.fill(name, 20)
    d.replace(name, 101, 20_000)
    assert d.refusal().code == "MAX_POSITION"
    d.replace(name, 60, 21_100)
    assert d.refusal().code == "PRICE_COLLAR"
    d.replace(name, 100, 20_000)
    assert d.replaces()
    d.new(BUY, 1)
    assert d.denial().code == "MAX_POSITION", "a pending replace counts at once"


def test_replace_down_passes_on_old_prices_but_not_up():
    d = Driver()
    name = d.working(BUY, 60)
    d.wait(10)
    d.replace(name, 61, 20_000)
    assert d.refusal().code == "STALE_MARKET_DATA"
    d.replace(name, 60, 20_001)
    assert d.refusal().code == "STALE_MARKET_DATA"
    d.replace(name, 59, 20_000)
    assert d.replaces()


def test_preview_says_what_the_gate_would_and_changes_nothing():
    d = Driver(limit("max_order_qty", 5))
    before = d.kernel.digest()
    order = NewOrder("X-1", "P", AAPL.id, BUY, OrdType.LIMIT, 6, 22_000, strategy="S")
    found = d.kernel.preview(order, d.now)
    assert [v.code for v in found] == ["PRICE_COLLAR", "MAX_ORDER_QTY"]
    assert all(v.hard and v.text for v in found)
    assert d.kernel.preview(msgspec.structs.replace(order, qty=1, price=20_000), d.now) == []
    stale = d.kernel.preview(
        msgspec.structs.replace(order, qty=1, price=20_000), d.now + 9 * SECOND
    )
    assert [v.code for v in stale] == ["STALE_MARKET_DATA"]
    assert d.kernel.preview(msgspec.structs.replace(order, account="?"), d.now)
    assert d.kernel.digest() == before


def test_every_denial_says_limit_value_scope_order_and_remedy():
    d = Driver(limit("max_order_qty", 5))
    name = d.new(BUY, 6)
    assert d.denial().text == (
        f"MAX_ORDER_QTY: limit=5, value=6, scope=account:P, order={name}."
        " 6 is more than the largest order of 5. Make the order smaller."
    )


def test_an_instrument_too_fine_for_exact_money_is_refused():
    d = Driver()
    fine = Instrument("X.SIM", "X", "SIM", Decimal("1E-20"), Decimal("1E-9"), "USD")
    d.apply(Setup((fine,)))
    assert "coarser tick" in d.notices()[0].text
    d.new(instrument=fine)
    assert d.denial().code == "UNKNOWN_INSTRUMENT"


def test_changed_steps_of_a_held_instrument_stop_its_trading():
    d = Driver()
    d.held(1)
    d.apply(Setup((msgspec.structs.replace(AAPL, lot=Decimal(10)),)))
    d.new(SELL, 1)
    assert d.denial().code == "NOT_TRADABLE"
    d.apply(Setup((AAPL,)))
    d.new(SELL, 1)
    d.accepted()


def test_setup_keeps_cash_and_limits_that_commands_have_changed():
    d = Driver(limit("max_order_qty", 5))
    d.set_limit("max_order_qty", 3)
    setup = Setup(
        (AAPL,),
        (AccountSetup("P", {"USD": Decimal(1)}),),
        (LimitValue("max_order_qty", Decimal(5), "account", "P"),),
        30 * SECOND,
    )
    assert d.kernel.wants(setup) is None
    d.apply(setup)
    assert d.account().cash == {"USD": Decimal(1_000_000)}
    d.new(BUY, 4)
    assert d.denial().code == "MAX_ORDER_QTY"
    other = msgspec.structs.replace(setup, limits=(LimitValue("price_collar", Decimal("NaN")),))
    d.apply(d.kernel.wants(other))
    assert "not a number from 0" in d.notices()[0].text
