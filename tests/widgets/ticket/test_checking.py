"""The order that a form means, and what speaks against it, without a window."""

from dataclasses import replace as other
from decimal import Decimal

import pytest
from msgspec.structs import replace

from core.model.enums import (
    OrdType,
    PegReference,
    PositionEffect,
    Side,
    TimeInForce,
    TradingState,
)
from core.model.events import LimitUse
from core.model.held import check_terms
from core.model.instruments import WEEKDAYS_NEW_YORK
from core.model.orders import AccountState, Position
from tests.widgets.trading_world import ASK, BID, BTC, SECOND, SHARE, World
from widgets.brackets import Bracket, Unit
from widgets.expressions import ExpressionError, evaluate
from widgets.kinds import tif_obstacle, type_obstacle
from widgets.ticket.checking import at_once, holding_of, violations
from widgets.ticket.form import (
    Form,
    missing,
    order_of,
    post_only_obstacle,
    price_scope,
    quantity_scope,
)

FORM = Form(OrdType.LIMIT, TimeInForce.GTC, 50, BID, None, False, False)


@pytest.fixture
def world():
    return World()


def check(world, side=Side.BUY, age=0, recent=(), **changes):
    order = order_of(other(FORM, **changes), side, "PAPER", BTC)
    return violations(order, BTC, world.stores, age, recent)


def codes(found):
    return [violation.code for violation in found]


def test_a_good_order_breaks_no_rule(world):
    assert check(world) == []


def test_what_is_missing_is_said_in_order():
    assert missing(FORM) == ""
    assert missing(other(FORM, qty=None)) == "Enter a quantity."
    assert "price" in missing(other(FORM, price=None))
    assert "stop price" in missing(other(FORM, ord_type=OrdType.STOP))
    assert missing(other(FORM, ord_type=OrdType.MARKET, price=None)) == ""
    assert order_of(other(FORM, price=None), Side.BUY, "A", BTC) is None


def test_only_what_the_type_has_gets_into_the_order():
    full = other(FORM, stop_price=ASK + 5, post_only=True)
    limit = order_of(full, Side.SELL, "A", BTC)
    assert (limit.price, limit.stop_price, limit.post_only) == (BID, 0, True)
    market = order_of(other(full, ord_type=OrdType.MARKET), Side.SELL, "A", BTC)
    assert (market.price, market.stop_price, market.post_only) == (0, 0, False)
    stop = order_of(other(full, ord_type=OrdType.STOP), Side.SELL, "A", BTC)
    assert (stop.price, stop.stop_price) == (0, ASK + 5)


def test_what_cannot_be_chosen_says_why():
    assert type_obstacle(OrdType.LIMIT, SHARE) == ""
    assert type_obstacle(OrdType.STOP, SHARE) == ""
    limits = replace(SHARE, order_types=(OrdType.LIMIT,))
    assert type_obstacle(OrdType.MARKET, limits) == "SIM takes no market orders in ACME."
    assert type_obstacle(OrdType.STOP_LIMIT, limits) == ""
    stop = type_obstacle(OrdType.STOP, limits)
    assert stop == "SIM takes no market orders in ACME, which a stop order becomes."
    assert tif_obstacle(TimeInForce.GTD, BTC) == ""
    resting = replace(BTC, tifs=(TimeInForce.GTC,))
    assert tif_obstacle(TimeInForce.FOK, resting) == "SIM takes no FOK orders in BTC-USD."
    assert "waits for its price" in tif_obstacle(TimeInForce.IOC, SHARE, OrdType.STOP)
    assert "around the clock" in tif_obstacle(TimeInForce.AT_THE_CLOSE, BTC)
    assert post_only_obstacle(FORM, BTC) == ""
    assert "no post-only" in post_only_obstacle(FORM, replace(BTC, post_only=False))


@pytest.mark.parametrize("kind", list(OrdType))
@pytest.mark.parametrize("tif", list(TimeInForce))
@pytest.mark.parametrize("hours", [BTC.hours, WEEKDAYS_NEW_YORK])
def test_what_can_be_chosen_is_what_the_engine_takes(kind, tif, hours):
    """The greying of choices and the engine's own check of terms say the same."""
    instrument = replace(BTC, order_types=(OrdType.LIMIT, OrdType.MARKET), hours=hours)
    order = order_of(
        other(
            FORM,
            ord_type=kind,
            tif=tif,
            stop_price=ASK + 5,
            trail=20,
            expire=5,
            peg=PegReference.MID,
        ),
        Side.BUY,
        "A",
        instrument,
    )
    shut = type_obstacle(kind, instrument) or tif_obstacle(tif, instrument, kind)
    assert bool(shut) is (check_terms(order, instrument) is not None), shut


def test_fields_of_each_type_get_into_the_order():
    trailing = order_of(
        other(FORM, ord_type=OrdType.TRAILING_STOP_LIMIT, trail_bp=50, limit_offset=3),
        Side.SELL,
        "A",
        BTC,
    )
    assert (trailing.trail, trailing.trail_bp, trailing.limit_offset) == (0, 50, 3)
    assert (trailing.price, trailing.stop_price, trailing.peg) == (0, 0, None)
    pegged = order_of(
        other(FORM, ord_type=OrdType.PEGGED, price=None, peg=PegReference.MID, peg_offset=-2),
        Side.BUY,
        "A",
        BTC,
    )
    assert (pegged.peg, pegged.peg_offset, pegged.price, pegged.trail) == (
        PegReference.MID,
        -2,
        0,
        0,
    )
    slices = order_of(other(FORM, iceberg=True, display_qty=5), Side.BUY, "A", BTC)
    assert slices.display_qty == 5
    ioc = other(FORM, iceberg=True, display_qty=5, tif=TimeInForce.IOC)
    assert order_of(ioc, Side.BUY, "A", BTC).display_qty == 0
    assert order_of(other(FORM, expire=9), Side.BUY, "A", BTC).expire == 0
    assert order_of(other(FORM, expire=9, tif=TimeInForce.GTD), Side.BUY, "A", BTC).expire == 9
    assert "trails" in missing(other(FORM, ord_type=OrdType.TRAILING_STOP))
    assert "touched" in missing(other(FORM, ord_type=OrdType.MARKET_IF_TOUCHED))
    assert "shown" in missing(other(FORM, iceberg=True))
    empty = Bracket("", Unit.TICKS, Decimal(0), Decimal(0))
    assert missing(other(FORM, exits=empty)) == "Enter a stop, a target, or both."


@pytest.mark.parametrize(
    ("kind", "side", "stop", "soon"),
    [
        (OrdType.STOP, Side.BUY, ASK, True),
        (OrdType.STOP, Side.BUY, ASK + 1, False),
        (OrdType.STOP, Side.SELL, BID, True),
        (OrdType.STOP, Side.SELL, BID - 1, False),
        (OrdType.MARKET_IF_TOUCHED, Side.BUY, ASK, True),
        (OrdType.MARKET_IF_TOUCHED, Side.BUY, ASK - 1, False),
        (OrdType.MARKET_IF_TOUCHED, Side.SELL, BID, True),
        (OrdType.MARKET_IF_TOUCHED, Side.SELL, BID + 1, False),
    ],
)
def test_what_would_go_off_at_once_is_asked_about(world, kind, side, stop, soon):
    order = order_of(other(FORM, ord_type=kind, stop_price=stop), side, "PAPER", BTC)
    found = at_once(order, BTC, world.stores.tickers[BTC.id])
    assert codes(found) == ["TRIGGERED_AT_ONCE"] * soon
    assert not any(violation.hard for violation in found)


def test_the_rule_and_the_number_are_named(world):
    (collar,) = check(world, price=141_000)
    assert collar.code == "PRICE_COLLAR"
    assert collar.hard
    assert "9.79 % above the reference 64210.75 (limit 5 %)" in collar.text
    assert codes(check(world, qty=100_000)) == ["MAX_ORDER_NOTIONAL"]


def test_stale_prices_stop_opening_orders_but_not_closing_ones(world):
    assert codes(check(world, age=6 * SECOND)) == ["STALE_MARKET_DATA"]
    assert codes(check(world, age=5 * SECOND)) == []
    world.hold(50, BID)
    assert codes(check(world, Side.SELL, age=6 * SECOND)) == []


def test_without_engine_account_or_permission_nothing_goes(world):
    halted = AccountState(1, 1, "PAPER", {}, TradingState.HALTED, "killed")
    world.stores.take_event(halted)
    (found,) = check(world)
    assert (found.code, found.hard) == ("TRADING_HALTED", True)
    assert "killed" in found.text
    world.stores.take_event(replace(halted, state=TradingState.REDUCING, reason="loss"))
    assert codes(check(world)) == ["REDUCE_ONLY_MODE"]
    world.stores.accounts.clear()
    assert codes(check(world)) == ["UNKNOWN_ACCOUNT"]
    world.stores.connected = False
    assert codes(check(world)) == ["NOT_CONNECTED"]


def test_limits_are_those_that_the_engine_reports(world):
    def limit(name, value, used=0):
        value, used = Decimal(value), Decimal(used)
        world.stores.take_event(LimitUse(1, name, "account", "PAPER", used, value, "", ""))

    limit("max_order_qty", 49)
    assert codes(check(world)) == ["MAX_ORDER_QTY"]
    limit("max_order_qty", 50)
    limit("max_open_orders", 1)
    assert check(world) == []
    world.order("a", Side.BUY, BID - 9)
    assert codes(check(world)) == ["MAX_OPEN_ORDERS"]
    limit("max_open_orders", 5)
    limit("max_exposure", 100_000, 90_000)
    assert codes(check(world)) == ["MAX_GROSS_EXPOSURE"]
    limit("max_exposure", 1_000_000, 90_000)
    limit("max_position", 99)
    assert codes(check(world)) == ["MAX_POSITION"]


def test_in_a_hedging_account_an_order_is_judged_by_its_leg(world):
    account = replace(world.stores.accounts["PAPER"], hedging=True)
    world.stores.take_event(account)
    for leg, lots in (("", -30), ("long", 20), ("short", -50)):
        world.stores.take_event(
            Position(1, 1, "PAPER", BTC.id, lots, lots * BID, 0, Decimal(0), leg=leg)
        )
    assert codes(check(world, Side.SELL, reduce_only=True, qty=20)) == []
    assert codes(check(world, Side.SELL, reduce_only=True, qty=21)) == ["REDUCE_ONLY_MODE"]
    assert codes(check(world, Side.BUY, reduce_only=True, qty=50)) == []
    world.order("c", Side.SELL, ASK + 9, 5, position_effect=PositionEffect.CLOSE)
    world.order("o", Side.SELL, ASK + 9, 500, position_effect=PositionEffect.OPEN)
    assert codes(check(world, Side.SELL, reduce_only=True, qty=16)) == ["REDUCE_ONLY_MODE"]
    assert codes(check(world, Side.SELL, reduce_only=True, qty=15)) == []
    world.stores.take_event(replace(account, state=TradingState.REDUCING))
    assert codes(check(world, Side.BUY, qty=5)) == ["REDUCE_ONLY_MODE"], "it opens"


def test_soft_rules_ask_for_a_longer_press(world):
    again = order_of(FORM, Side.BUY, "PAPER", BTC)
    (found,) = check(world, recent=[replace(again, cl_ord_id="x")])
    assert (found.code, found.hard) == ("DUPLICATE_ORDER", False)
    assert check(world, qty=51, recent=[again]) == []
    world.order("a", Side.SELL, ASK + 2)
    assert check(world, price=ASK + 1) == []
    (found,) = check(world, price=ASK + 2)
    assert (found.code, found.hard) == ("SELF_TRADE", False)
    assert "SELL 0.50 @ 64,212.0" in found.text
    assert codes(check(world, ord_type=OrdType.MARKET)) == ["SELF_TRADE"]
    stop = {"ord_type": OrdType.STOP, "stop_price": ASK + 9}
    assert check(world, **stop) == []


def test_hard_rules_come_first(world):
    world.order("a", Side.SELL, ASK + 2)
    assert codes(check(world, price=141_000)) == ["PRICE_COLLAR", "SELF_TRADE"]


def test_all_working_orders_count_as_held(world):
    world.hold(-7, BID)
    world.order("a", Side.BUY, BID - 1, 50, cum_qty=20)
    world.order("b", Side.SELL, ASK + 1, 5)
    assert holding_of(world.stores, "PAPER", BTC.id) == (-7, 30, 5)


# -- expressions -------------------------------------------------------------------------------


def test_prices_by_name(world):
    ticker = world.stores.tickers[BTC.id]
    scope = price_scope(BTC, ticker, Decimal("64000.25"))
    assert evaluate("bid+2t", scope).steps == BID + 2
    assert evaluate("mid", scope).note == "rounded down to 64,210.5"
    assert evaluate("avg", scope).steps == 128_000
    with pytest.raises(ExpressionError, match="no bid price now"):
        evaluate("bid", price_scope(BTC, None, None))


def test_a_percentage_is_of_the_position_else_of_the_cash(world):
    scope = quantity_scope(BTC, world.stores, "PAPER", lambda: BID)
    amount = evaluate("25%", scope)
    assert amount.steps == 38
    assert amount.note == "25 % of 100,000.00 USD at 64,210.5, rounded down to 0.38"
    world.hold(-150, BID)
    amount = evaluate("25%", scope)
    assert (amount.steps, amount.note) == (
        37,
        "25 % of the position of 1.50, rounded down to 0.37",
    )


def test_a_percentage_of_nothing_is_a_sentence(world):
    with pytest.raises(ExpressionError, match="no position and no price"):
        evaluate("25%", quantity_scope(BTC, world.stores, "PAPER", lambda: 0))
    with pytest.raises(ExpressionError, match="no cash in USD"):
        evaluate("25%", quantity_scope(BTC, world.stores, "OTHER", lambda: BID))
