"""Every control of the gate: the order just inside the limit passes, the next one is denied."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from core.model.commands import NewOrder
from core.model.enums import (
    LinkState,
    MarketStatus,
    OrdStatus,
    OrdType,
    TimeInForce,
    TradingState,
)
from core.model.inputs import AccountSetup, LimitValue, Setup
from core.model.instruments import WEEKDAYS_NEW_YORK, Instrument
from core.model.market import Quote
from tests.core.kernel.driver import AAPL, BTC, BUY, FUT, SECOND, SELL, START, Driver


def limit(name, value, scope="account", scope_id="P"):
    return (name, Decimal(value), scope, scope_id)


def test_a_good_order_passes():
    d = Driver()
    name = d.new(BUY, 10, 20_000)
    order = d.accepted()
    assert (order.cl_ord_id, order.status, order.qty, order.price) == (
        name,
        OrdStatus.PENDING_NEW,
        10,
        20_000,
    )


def test_unknown_account():
    d = Driver()
    d.new(account="nobody")
    assert d.denial().code == "UNKNOWN_ACCOUNT"
    assert "P, Q" in d.denial().text


def test_unknown_instrument():
    d = Driver()
    d.new(instrument=msgspec.structs.replace(AAPL, id="ZZZ.SIM"))
    assert d.denial().code == "UNKNOWN_INSTRUMENT"


@pytest.mark.parametrize("status", [MarketStatus.HALTED, MarketStatus.CLOSED])
def test_market_halted_or_closed(status):
    d = Driver()
    d.status(status)
    d.new()
    assert d.denial().code == "NOT_TRADABLE"
    assert status.value in d.denial().text
    d.status(MarketStatus.OPEN)
    d.new()
    d.accepted()


def test_outside_trading_hours():
    d = Driver()
    shop = msgspec.structs.replace(AAPL, id="SHOP.SIM", hours=WEEKDAYS_NEW_YORK)
    d.kernel.add_instruments([shop])
    # START is a Tuesday, 22:13 UTC: New York has closed.
    d.quote(shop)
    d.new(instrument=shop)
    assert d.denial().code == "NOT_TRADABLE"
    d.wait(17 * 3600)
    d.quote(shop)
    d.new(instrument=shop)
    d.accepted()


def test_hours_follow_the_venues_clock_in_a_replay():
    d = Driver()
    shop = msgspec.structs.replace(AAPL, id="SHOP.SIM", hours=WEEKDAYS_NEW_YORK)
    d.kernel.add_instruments([shop])
    recorded = START - 7 * 3600 * SECOND
    d.apply(Quote(shop.id, recorded, d.now, 19_990, 1, 20_010, 1))
    d.new(instrument=shop)
    d.accepted()


@pytest.mark.parametrize("state", [LinkState.DOWN, LinkState.ENDED, LinkState.CONNECTING])
def test_venue_not_connected(state):
    d = Driver()
    d.link(state, text="the line is cut")
    d.new()
    assert d.denial().code == "NOT_TRADABLE"
    assert "the line is cut" in d.denial().text
    d.new(instrument=BTC, price=600_000)
    d.accepted()
    d.link(LinkState.UP)
    d.new()
    d.accepted()


@pytest.mark.parametrize("qty", [0, -1, 1_000_001])
def test_invalid_quantity(qty):
    d = Driver(limit("max_order_notional", 10**12), limit("max_exposure", 10**12))
    d.new(qty=qty)
    assert d.denial().code == "INVALID_QTY"
    d.new(qty=1_000_000)
    d.accepted()


def test_a_position_too_large_to_count_in_64_bits():
    huge = [limit(n, 10**18) for n in ("max_order_notional", "max_exposure")]
    d = Driver(*huge)
    grain = msgspec.structs.replace(AAPL, id="GRAIN.SIM", lot=Decimal("1E-9"), max_qty=1 << 40)
    d.apply(Setup((grain,)))
    d.quote(grain, 2_099_990, 2_100_010)
    d.new(BUY, 1 << 39, 2_097_152, grain)
    assert d.denial().code == "INVALID_QTY"
    d.new(BUY, (1 << 39) - 1, 2_097_152, grain)
    d.accepted()
    d.new(BUY, 1, 2_097_152, grain)
    assert d.denial().code == "INVALID_QTY"
    d.new(SELL, (1 << 39) - 1, 2_000_000, grain)
    assert d.denial().code == "INVALID_QTY", "a sale may be filled at the reference"


@pytest.mark.parametrize(
    ("kind", "price", "stop"),
    [
        (OrdType.LIMIT, 0, 0),
        (OrdType.LIMIT, -5, 0),
        (OrdType.LIMIT, 2**31 - 1, 0),
        (OrdType.MARKET, 20_000, 0),
        (OrdType.LIMIT, 20_000, 20_000),
        (OrdType.STOP, 0, 0),
        (OrdType.STOP, 20_000, 20_000),
        (OrdType.STOP_LIMIT, 0, 20_000),
    ],
)
def test_invalid_price(kind, price, stop):
    d = Driver()
    every = msgspec.structs.replace(AAPL, id="EVERY.SIM", order_types=tuple(OrdType))
    d.kernel.add_instruments([every])
    d.quote(every)
    d.new(kind=kind, price=price, stop_price=stop, instrument=every)
    assert d.denial().code == "INVALID_PRICE"
    good = {OrdType.LIMIT: (20_000, 0), OrdType.MARKET: (0, 0), OrdType.STOP: (0, 20_000)}
    price, stop = good.get(kind, (20_000, 20_000))
    d.new(kind=kind, price=price, stop_price=stop, instrument=every)
    d.accepted()


def test_order_type_and_time_in_force_not_taken():
    d = Driver()
    limits = msgspec.structs.replace(AAPL, id="LIMITS.SIM", order_types=(OrdType.LIMIT,))
    d.kernel.add_instruments([limits])
    d.quote(limits)
    d.new(kind=OrdType.STOP, price=0, stop_price=20_000, instrument=limits)
    assert d.denial().code == "BAD_ORD_TYPE", "it would go out as a market order"
    d.new(tif=TimeInForce.GTD)
    assert d.denial().code == "BAD_TIF"
    d.new(tif=TimeInForce.DAY)
    d.accepted()


def test_post_only_must_be_able_to_rest():
    d = Driver()
    d.new(post_only=True, tif=TimeInForce.IOC)
    assert d.denial().code == "BAD_POST_ONLY"
    d.new(post_only=True, price=0)
    assert d.denial().code == "BAD_POST_ONLY"
    d.new(post_only=True)
    d.accepted()
    never = msgspec.structs.replace(AAPL, id="NEVER.SIM", post_only=False)
    d.kernel.add_instruments([never])
    d.quote(never)
    d.new(post_only=True, instrument=never)
    assert d.denial().code == "BAD_POST_ONLY"


def test_halted_account_takes_cancels_only():
    d = Driver()
    resting = d.working()
    d.halt()
    assert d.account().state is TradingState.HALTED
    d.new()
    denied = d.denial()
    assert denied.code == "TRADING_HALTED"
    assert "by ann: test" in denied.text
    d.replace(resting, 5, 20_000)
    assert d.refusal().code == "TRADING_HALTED"
    d.cancel(resting)
    assert len(d.cancels()) == 1
    d.set_state(TradingState.ACTIVE)
    d.new()
    d.accepted()


def test_reducing_account_may_close_but_not_open_or_flip():
    d = Driver()
    d.held(10)
    d.set_state(TradingState.REDUCING)
    d.new(BUY, 1)
    assert d.denial().code == "REDUCE_ONLY_MODE"
    d.new(SELL, 11)
    assert d.denial().code == "REDUCE_ONLY_MODE"
    d.new(SELL, 6)
    d.accepted()
    d.new(SELL, 5)
    assert d.denial().code == "REDUCE_ONLY_MODE", "six of ten are being sold already"
    d.new(SELL, 4)
    d.accepted()


def test_reduce_only_order():
    d = Driver()
    d.held(-10)
    d.new(BUY, 11, reduce_only=True)
    assert d.denial().code == "REDUCE_ONLY_MODE"
    d.new(SELL, 1, reduce_only=True)
    assert d.denial().code == "REDUCE_ONLY_MODE"
    d.new(BUY, 10, reduce_only=True)
    d.accepted()


def test_no_price_no_order():
    d = Driver(quoted=False)
    d.new()
    assert d.denial().code == "NO_REFERENCE_PRICE"
    d.quote(bid=0, ask=0)
    d.new()
    assert d.denial().code == "NO_REFERENCE_PRICE"
    d.trade(AAPL, 20_000)
    d.new()
    d.accepted()


def test_crossed_quote_is_no_price():
    d = Driver()
    d.quote(bid=20_010, ask=19_990)
    d.new()
    assert d.denial().code == "NO_REFERENCE_PRICE"
    assert "crossed" in d.denial().text


def test_without_price_a_reducing_order_passes():
    d = Driver()
    d.held(10)
    d.quote(bid=20_010, ask=19_990)
    d.new(SELL, 10)
    d.accepted()
    d.new(SELL, 1)
    assert d.denial().code == "NO_REFERENCE_PRICE"


def test_stale_price():
    d = Driver()
    d.held(10)
    d.wait(5)
    d.new(BUY, 1)
    d.accepted()
    d.wait(0.1)
    d.new(BUY, 1)
    denied = d.denial()
    assert denied.code == "STALE_MARKET_DATA"
    assert "5.1 s old (limit 5 s)" in denied.text
    d.new(SELL, 10)
    d.accepted()
    d.quote()
    d.new(BUY, 1)
    d.accepted()


def test_a_trade_does_not_freshen_an_old_quote():
    d = Driver()
    d.wait(6)
    d.trade(AAPL, 20_000)
    d.new(BUY, 1)
    assert d.denial().code == "STALE_MARKET_DATA"


def test_price_from_the_future_is_stale():
    d = Driver()
    d.wait(-3600)
    d.new()
    assert d.denial().code == "STALE_MARKET_DATA"


def test_collar_on_both_sides():
    d = Driver()
    d.new(BUY, 1, 21_001)
    denied = d.denial()
    assert denied.code == "PRICE_COLLAR"
    assert "Price 210.01 is 5.00 % above the reference 200.00 (limit 5 %)." in denied.text
    d.new(BUY, 1, 21_000)
    d.accepted()
    d.new(SELL, 1, 18_999)
    assert d.denial().code == "PRICE_COLLAR"
    d.new(SELL, 1, 19_000)
    d.accepted()
    d.new(BUY, 1, 100)
    d.accepted()


def test_collar_uses_the_last_trade_where_a_side_is_empty():
    d = Driver(limit("window_collar", 1000))
    d.trade(AAPL, 30_000)
    d.quote(bid=0, ask=20_010)
    d.new(BUY, 1, 31_500)
    d.accepted()
    d.new(BUY, 1, 31_501)
    assert d.denial().code == "PRICE_COLLAR"


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
