"""Orders that the engine works because their venue cannot."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from core.model.enums import (
    ExecType,
    LinkState,
    MarketStatus,
    OrdStatus,
    OrdType,
    PegReference,
    Severity,
    Source,
    TimeInForce,
)
from core.model.instruments import Session, TradingHours
from core.model.orders import OrderUpdate
from tests.core.kernel.driver import AAPL, BTC, BUY, SECOND, SELL, START, Driver

STOP, STOP_LIMIT = OrdType.STOP, OrdType.STOP_LIMIT
MIT, LIT = OrdType.MARKET_IF_TOUCHED, OrdType.LIMIT_IF_TOUCHED
TRAIL, TRAIL_LIMIT = OrdType.TRAILING_STOP, OrdType.TRAILING_STOP_LIMIT


def sent_order(d):
    (request,) = d.sent()
    return request.order


@pytest.mark.parametrize(
    ("kind", "side", "stop", "price", "quiet", "reached", "becomes"),
    [
        (STOP, BUY, 20_100, 0, (20_000, 20_500), (20_100, 20_110), OrdType.MARKET),
        (STOP, SELL, 19_900, 0, (19_000, 19_950), (19_890, 19_900), OrdType.MARKET),
        (STOP_LIMIT, BUY, 20_100, 20_120, (20_099, 20_300), (20_101, 20_110), OrdType.LIMIT),
        (STOP_LIMIT, SELL, 19_900, 19_880, (19_500, 19_901), (19_800, 19_899), OrdType.LIMIT),
        (MIT, BUY, 19_900, 0, (19_800, 19_901), (19_880, 19_900), OrdType.MARKET),
        (MIT, SELL, 20_100, 0, (20_099, 20_200), (20_100, 20_110), OrdType.MARKET),
        (LIT, BUY, 19_900, 19_905, (19_800, 19_901), (19_880, 19_900), OrdType.LIMIT),
        (LIT, SELL, 20_100, 20_095, (20_099, 20_200), (20_100, 20_110), OrdType.LIMIT),
    ],
)
def test_waits_for_its_price_then_goes_out(kind, side, stop, price, quiet, reached, becomes):
    d = Driver()
    name = d.new(side, kind=kind, price=price, stop_price=stop)
    assert not d.sent()
    order = d.order(name)
    assert (order.status, order.held, order.triggered) == (OrdStatus.NEW, True, 0)
    assert d.kernel.at_venues() == []
    assert list(d.kernel.triggers()) == [AAPL.id]
    d.quote(AAPL, *quiet)
    assert d.out == [], "a wide quote alone triggers nothing"
    d.restart()
    d.quote(AAPL, *reached)
    order = sent_order(d)
    assert (order.cl_ord_id, order.ord_type, order.price) == (name, becomes, price)
    assert (order.stop_price, order.qty) == (0, 10)
    order = d.order(name)
    assert (order.status, order.held, order.ord_type) == (OrdStatus.PENDING_NEW, False, kind)
    assert order.triggered == d.now
    assert not d.kernel.triggers()
    d.ack(name)
    d.fill(name, 10, stop)
    assert d.status_of(name) is OrdStatus.FILLED
    d.quote(AAPL, *quiet)
    d.quote(AAPL, *reached)
    assert not d.sent(), "once only"
    d.replayed()


def test_a_trade_triggers():
    d = Driver()
    name = d.new(SELL, kind=STOP, price=0, stop_price=19_950)
    d.trade(AAPL, 19_951)
    assert not d.sent()
    d.trade(AAPL, 19_950)
    assert sent_order(d).cl_ord_id == name


def test_what_is_reached_already_goes_out_at_once():
    d = Driver()
    d.new(BUY, kind=STOP, price=0, stop_price=19_900)
    assert sent_order(d).ord_type is OrdType.MARKET


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (ExecType.NEW, OrdStatus.NEW),
        (ExecType.CANCELED, OrdStatus.CANCELED),
        (ExecType.EXPIRED, OrdStatus.EXPIRED),
        (ExecType.REJECTED, OrdStatus.REJECTED),
        (ExecType.REPLACED, OrdStatus.NEW),
        (ExecType.SUSPENDED, OrdStatus.SUSPENDED),
        (ExecType.ORDER_STATUS, OrdStatus.CANCELED),
    ],
)
def test_no_word_of_a_venue_changes_a_stop_that_it_was_not_sent(kind, status):
    """It protects a position: whatever the venue means by that id, the stop stays and goes out."""
    d = Driver()
    d.held(10)
    name = d.new(SELL, kind=STOP, price=0, stop_price=19_900)
    before = d.order(name)
    d.report(name, kind, status, qty=3, price=19_000, order_id="v9")
    assert d.order(name) == before
    (notice,) = d.notices()
    assert (notice.severity, kind.name in notice.text) == (Severity.WARNING, True)
    d.restart()
    d.quote(AAPL, 19_890, 19_899)
    order = sent_order(d)
    assert (order.cl_ord_id, order.qty) == (name, 10)


def test_a_venue_that_takes_stops_gets_them():
    d = Driver()
    every = msgspec.structs.replace(AAPL, id="EVERY.SIM", order_types=tuple(OrdType))
    d.kernel.add_instruments([every])
    d.quote(every)
    d.new(SELL, kind=STOP, price=0, stop_price=19_900, instrument=every)
    order = d.accepted()
    assert (order.ord_type, order.stop_price, order.held) == (STOP, 19_900, False)
    d.new(SELL, kind=TRAIL, price=0, trail=50, instrument=every)
    order = d.accepted()
    assert (order.ord_type, order.trail, order.held) == (TRAIL, 50, False)


def test_the_new_price_of_a_stop_at_its_venue_outlives_a_restart():
    """The venue's word of it need not name the price again."""
    d = Driver()
    every = msgspec.structs.replace(AAPL, id="EVERY.SIM", order_types=tuple(OrdType))
    d.kernel.add_instruments([every])
    d.quote(every)
    name = d.working(SELL, kind=STOP, price=0, stop_price=19_900, instrument=every)
    request = d.replace(name, 10, 0, stop=19_800)
    assert d.replaces()[0].order.cl_ord_id == name
    d.restart()
    d.replaced(name, request, qty=10)
    assert d.order(name).stop_price == 19_800


def test_a_gap_over_a_restart_triggers_at_once_and_says_so():
    d = Driver()
    name = d.new(SELL, kind=STOP, price=0, stop_price=19_900)
    d.restart()
    d.down()
    d.restart()
    assert d.status_of(name) is OrdStatus.NEW, "nothing of it is at the venue"
    d.link(LinkState.UP)
    d.wait(3600)
    d.quote(AAPL, 19_000, 19_010)
    assert sent_order(d).cl_ord_id == name
    assert any(
        n.severity is Severity.WARNING and "jumped over its price 199" in n.text
        for n in d.notices()
    )


def test_a_triggered_order_waits_for_its_link_and_its_market():
    d = Driver()
    name = d.new(SELL, kind=STOP, price=0, stop_price=19_900)
    d.down()
    d.quote(AAPL, 19_880, 19_890)
    assert not d.sent()
    assert "waits" in d.notices()[-1].text
    assert d.order(name).triggered
    d.quote(AAPL, 19_870, 19_880)
    assert d.out == [], "said once"
    d.link(LinkState.UP)
    assert sent_order(d).cl_ord_id == name
    other = d.new(SELL, kind=STOP, price=0, stop_price=19_800)
    d.status(MarketStatus.HALTED)
    d.quote(AAPL, 19_780, 19_790)
    assert d.out == [], "prices of a halted market trigger nothing"
    d.status(MarketStatus.OPEN)
    d.quote(AAPL, 19_770, 19_780)
    assert sent_order(d).cl_ord_id == other


def test_crossed_quotes_trigger_nothing():
    d = Driver()
    d.new(SELL, kind=STOP, price=0, stop_price=19_900)
    d.quote(AAPL, 20_000, 19_800)
    assert not d.sent()


def test_the_gate_looks_again_when_it_is_triggered():
    d = Driver()
    name = d.new(BUY, kind=STOP, price=0, stop_price=20_100)
    d.halt()
    d.quote(AAPL, 20_100, 20_110)
    assert not d.sent()
    order = d.order(name)
    assert (order.status, order.code) == (OrdStatus.REJECTED, "TRADING_HALTED")
    (notice,) = d.notices()
    assert notice.severity is Severity.CRITICAL
    assert "NOT sent" in notice.text
    assert d.kernel.working() == []


def test_held_orders_count_in_the_limits():
    d = Driver(("max_position", Decimal(15)))
    d.new(BUY, kind=STOP, price=0, stop_price=20_100)
    d.new(BUY)
    assert d.denial().code == "MAX_POSITION"


def test_cancel_and_change_of_a_held_order_need_no_venue():
    d = Driver()
    name = d.new(SELL, kind=STOP, price=0, stop_price=19_900)
    d.replace(name, 12, 0, stop=19_800)
    assert not d.replaces()
    order = d.order(name)
    assert (order.qty, order.stop_price, order.status) == (12, 19_800, OrdStatus.NEW)
    d.quote(AAPL, 19_880, 19_890)
    assert not d.sent()
    d.replace(name, 12, 0)
    assert d.refusal().code == "NO_CHANGE"
    d.replace(name, 12, 20_000)
    assert d.refusal().code == "INVALID_PRICE"
    d.cancel(name)
    assert not d.cancels()
    assert d.status_of(name) is OrdStatus.CANCELED
    d.quote(AAPL, 19_780, 19_790)
    assert not d.sent()
    d.new(SELL, kind=STOP, price=0, stop_price=19_000)
    d.cancel_all()
    assert d.kernel.working() == []
    d.new(SELL, kind=STOP, price=0, stop_price=19_000)
    d.kill(3)
    assert d.kernel.working() == []


def test_a_triggered_market_order_cannot_be_changed():
    d = Driver()
    name = d.new(SELL, kind=STOP, price=0, stop_price=19_900)
    d.quote(AAPL, 19_880, 19_890)
    d.replace(name, 5, 0)
    assert d.refusal().code == "BAD_ORD_TYPE"
    limit = d.new(SELL, kind=STOP_LIMIT, price=19_700, stop_price=19_800)
    d.quote(AAPL, 19_780, 19_790)
    d.ack(limit)
    request = d.replace(limit, 5, 19_750)
    (change,) = d.replaces()
    assert (change.qty, change.price, change.order.ord_type) == (5, 19_750, OrdType.LIMIT)
    d.replaced(limit, request, qty=5, price=19_750)
    assert (d.order(limit).qty, d.order(limit).price) == (5, 19_750)


@pytest.mark.parametrize("terms", [{"trail": 100}, {"trail_bp": 50}])
def test_trailing_stop_for_a_long_position(terms):
    d = Driver()
    name = d.new(SELL, kind=TRAIL, price=0, **terms)
    assert d.order(name).stop_price == 19_990 - (100 if "trail" in terms else 99)
    d.quote(AAPL, 20_200, 20_210)
    stop = d.order(name).stop_price
    assert stop == 20_200 - (100 if "trail" in terms else 101)
    (update,) = d.of(OrderUpdate)
    assert update.exec_type is ExecType.RESTATED
    d.quote(AAPL, 20_150, 20_160)
    assert d.order(name).stop_price == stop, "it never goes back"
    d.restart()
    d.quote(AAPL, stop - 10, stop)
    assert sent_order(d).ord_type is OrdType.MARKET


def test_trailing_stop_for_a_short_position():
    d = Driver()
    name = d.new(BUY, kind=TRAIL_LIMIT, price=0, trail=50, limit_offset=5, stop_price=20_100)
    assert d.order(name).stop_price == 20_060
    d.quote(AAPL, 19_890, 19_900)
    assert d.order(name).stop_price == 19_950
    d.trade(AAPL, 19_950)
    order = sent_order(d)
    assert (order.ord_type, order.price) == (OrdType.LIMIT, 19_955)
    assert d.order(name).price == 19_955


def test_a_trailing_stop_is_not_moved_by_hand():
    d = Driver()
    name = d.new(SELL, kind=TRAIL, price=0, trail=100)
    d.replace(name, 10, 0, stop=19_000)
    assert d.refusal().code == "FOLLOWS_MARKET"
    d.replace(name, 7, 0)
    assert d.order(name).qty == 7


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({"kind": TRAIL, "price": 0}, "INVALID_PRICE"),
        ({"kind": TRAIL, "price": 0, "trail": 5, "trail_bp": 5}, "INVALID_PRICE"),
        ({"kind": TRAIL, "price": 0, "trail": -5}, "INVALID_PRICE"),
        ({"kind": TRAIL, "price": 0, "trail": 5, "limit_offset": 5}, "INVALID_PRICE"),
        ({"trail": 5}, "INVALID_PRICE"),
        ({"peg": PegReference.MID}, "BAD_PEG"),
        ({"kind": OrdType.PEGGED, "price": 0}, "BAD_PEG"),
        ({"display_qty": 11}, "BAD_DISPLAY_QTY"),
        ({"display_qty": -1}, "BAD_DISPLAY_QTY"),
        ({"display_qty": 2, "tif": TimeInForce.IOC}, "BAD_DISPLAY_QTY"),
        ({"display_qty": 2, "price": 0, "kind": OrdType.MARKET}, "BAD_DISPLAY_QTY"),
        ({"tif": TimeInForce.GTD}, "BAD_TIF"),
        ({"expire": START + 10**12}, "BAD_TIF"),
        ({"tif": TimeInForce.AT_THE_OPENING}, "BAD_TIF"),
        ({"kind": STOP, "price": 0, "stop_price": 19_000, "tif": TimeInForce.IOC}, "BAD_TIF"),
        ({"kind": STOP, "price": 0}, "INVALID_PRICE"),
        ({"kind": MIT, "price": 5, "stop_price": 19_000}, "INVALID_PRICE"),
    ],
)
def test_terms_that_make_no_sense(terms, code):
    d = Driver()
    d.new(**terms)
    assert d.denial().code == code


def test_good_till_date_is_kept_here():
    d = Driver()
    name = d.new(tif=TimeInForce.GTD, expire=d.now + 60 * SECOND)
    order = sent_order(d)
    assert (order.tif, order.expire) == (TimeInForce.GTC, 0)
    assert (d.order(name).held, d.order(name).expire) == (True, START + 60 * SECOND)
    d.ack(name)
    d.tick(59)
    assert not d.cancels()
    d.restart()
    d.tick(2)
    (request,) = d.cancels()
    d.tick()
    assert not d.cancels()
    d.canceled(name, request=request.request)
    assert d.status_of(name) is OrdStatus.EXPIRED


def test_a_held_stop_expires_here():
    d = Driver()
    terms = {"tif": TimeInForce.GTD, "expire": d.now + 5 * SECOND}
    name = d.new(SELL, kind=STOP, price=0, stop_price=19_000, **terms)
    d.tick(6)
    assert not d.cancels()
    assert d.status_of(name) is OrdStatus.EXPIRED


def test_a_venue_that_does_not_cancel_in_time_is_told_five_times():
    d = Driver()
    name = d.new(tif=TimeInForce.GTD, expire=d.now + SECOND)
    d.ack(name)
    for _ in range(5):
        d.tick(2)
        (request,) = d.cancels()
        d.cancel_reject(name, request.request)
    d.tick(2)
    assert not d.cancels()
    assert d.notices()[0].severity is Severity.CRITICAL
    d.tick(2)
    assert not d.notices()


def test_what_is_over_while_its_venue_is_away_is_canceled_when_it_is_back():
    d = Driver()
    name = d.new(tif=TimeInForce.GTD, expire=d.now + SECOND)
    d.ack(name)
    d.down()
    for _ in range(10):
        d.tick(2)
        assert not d.cancels(), "nobody is there to be asked"
        assert not d.notices()
    d.link(LinkState.UP)
    d.tick()
    (request,) = d.cancels()
    d.canceled(name, request=request.request)
    assert d.status_of(name) is OrdStatus.EXPIRED


def test_day_orders_end_with_the_session_and_others_go_on():
    d = Driver()
    d.tick(session="monday")
    quote = {"instrument": BTC, "price": 599_000}
    day = d.new(tif=TimeInForce.DAY, **quote)
    gtc = d.new(**quote)
    assert d.order(day).held
    d.tick(session="monday")
    assert not d.cancels()
    d.tick(session="tuesday")
    assert [c.order.cl_ord_id for c in d.cancels()] == [day]
    d.canceled(day, venue="XCH")
    assert d.status_of(day) is OrdStatus.EXPIRED
    assert d.order(gtc).working


DAY_NS = 86_400 * SECOND
MONDAY = (START // DAY_NS + 7) * DAY_NS
HOURS = TradingHours("UTC", tuple(Session(day, 9 * 60, 17 * 60) for day in range(7)))


def with_hours():
    d = Driver()
    d.now = MONDAY + 8 * 3600 * SECOND
    listed = msgspec.structs.replace(
        AAPL, id="HOURS.SIM", hours=HOURS, tifs=(TimeInForce.GTC, TimeInForce.IOC)
    )
    d.kernel.add_instruments([listed])
    d.quote(listed)
    return d, listed


def test_at_the_opening():
    d, listed = with_hours()
    name = d.new(instrument=listed, tif=TimeInForce.AT_THE_OPENING)
    assert not d.sent()
    assert d.order(name).held
    d.tick(60)
    assert not d.sent()
    d.restart()
    d.now = MONDAY + 9 * 3600 * SECOND
    d.quote(listed)
    d.tick()
    order = sent_order(d)
    assert (order.cl_ord_id, order.tif) == (name, TimeInForce.IOC)
    late = d.new(instrument=listed, tif=TimeInForce.AT_THE_OPENING)
    d.tick()
    assert not d.sent(), "it waits for the next opening"
    assert d.order(late).working


def test_at_the_close():
    d, listed = with_hours()
    d.now = MONDAY + 16 * 3600 * SECOND
    d.quote(listed)
    first = d.new(instrument=listed, tif=TimeInForce.AT_THE_CLOSE)
    d.tick()
    assert not d.sent()
    d.now = MONDAY + 17 * 3600 * SECOND - 10 * SECOND
    d.quote(listed)
    d.tick()
    assert sent_order(d).cl_ord_id == first
    d.now = MONDAY + 16 * 3600 * SECOND
    d.quote(listed)
    missed = d.new(instrument=listed, tif=TimeInForce.AT_THE_CLOSE)
    d.tick()
    d.now = MONDAY + 18 * 3600 * SECOND
    d.tick()
    assert d.status_of(missed) is OrdStatus.EXPIRED


def test_held_orders_carry_who_sent_them():
    d = Driver()
    d.new(SELL, kind=STOP, price=0, stop_price=19_900, trader="ann", source=Source.HOTKEY)
    d.quote(AAPL, 19_880, 19_890)
    order = sent_order(d)
    assert (order.trader, order.source) == ("ann", Source.HOTKEY)
