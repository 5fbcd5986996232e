"""Every control of the gate: the order just inside the limit passes, the next one is denied."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from core.model.enums import (
    LinkState,
    MarketStatus,
    OrdStatus,
    OrdType,
    TimeInForce,
    TradingState,
)
from core.model.inputs import Setup
from core.model.instruments import WEEKDAYS_NEW_YORK
from core.model.market import Quote
from tests.core.kernel.controls import limit
from tests.core.kernel.driver import AAPL, BTC, BUY, SECOND, SELL, START, Driver


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


def test_a_quote_is_as_old_as_its_arrival_whenever_the_gate_hears_of_it():
    d = Driver()
    d.apply(Quote(AAPL.id, d.now, d.now - 6 * SECOND, 19_990, 100, 20_010, 100))
    d.new(BUY, 1)
    assert d.denial().code == "STALE_MARKET_DATA"


def test_a_stale_price_is_no_reference_for_a_collar():
    d = Driver()
    d.held(10)
    d.wait(6)
    d.new(SELL, 10, 18_500)  # within the collar of minutes ago
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
