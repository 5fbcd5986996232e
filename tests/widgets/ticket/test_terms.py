"""What only some orders have: trails, pegs, slices, expiries, stop and target. Real events."""

import pytest
from msgspec.structs import replace
from PySide6.QtWidgets import QApplication

from core.model.commands import NewOrder, NewOrderList
from core.model.enums import (
    Contingency,
    Mode,
    OrdStatus,
    OrdType,
    PegReference,
    Side,
    TimeInForce,
)
from core.model.events import CommandRefused
from tests.widgets.ticket_bench import LEFT, Bench
from tests.widgets.trading_world import ASK, BID, BTC, SHARE
from widgets.brackets import Exits, Unit, bracket_list
from widgets.theme import apply_theme
from widgets.words import format_instant


@pytest.fixture
def bench(qtbot):
    return Bench(qtbot)


def shown(bench):
    fields = bench.fields
    return {
        name
        for name in ("price", "stop", "trail", "offset", "peg", "display", "expiry", "exits")
        if getattr(fields, name).isVisible()
    }


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (OrdType.MARKET, set()),
        (OrdType.LIMIT, {"price"}),
        (OrdType.STOP, {"stop"}),
        (OrdType.STOP_LIMIT, {"stop", "price"}),
        (OrdType.MARKET_IF_TOUCHED, {"stop"}),
        (OrdType.LIMIT_IF_TOUCHED, {"stop", "price"}),
        (OrdType.TRAILING_STOP, {"stop", "trail"}),
        (OrdType.TRAILING_STOP_LIMIT, {"stop", "trail", "offset"}),
        (OrdType.PEGGED, {"price", "peg"}),
    ],
)
def test_fields_appear_only_where_the_type_needs_them(bench, kind, fields):
    bench.fields.choose_type(kind)
    assert shown(bench) == fields
    bench.fields.choose_tif(TimeInForce.GTD)
    assert shown(bench) == fields | {"expiry"}


def test_a_trailing_stop_is_said_whole(bench):
    bench.fields.choose_type(OrdType.TRAILING_STOP)
    assert bench.panel.notes.missing.text() == "Enter how far behind the market the stop trails."
    bench.type(bench.fields.trail.away, "25")
    assert bench.sell.sentence == "SELL 0.01 BTC-USD trailing 25 ticks GTC"
    bench.fields.trail.unit.setCurrentIndex(1)
    bench.type(bench.fields.trail.away, "0.75")
    assert bench.sell.sentence == "SELL 0.01 BTC-USD trailing 0.75 % GTC"
    order = bench.sell.order
    assert (order.trail, order.trail_bp, order.stop_price) == (0, 75, 0)
    bench.fields.choose_type(OrdType.TRAILING_STOP_LIMIT)
    bench.type(bench.fields.offset, "4")
    bench.type(bench.fields.stop, "64000")
    assert bench.sell.sentence == (
        "SELL 0.01 BTC-USD trailing 0.75 % from 64,000.0 limit 4 ticks beyond GTC"
    )


def test_a_peg_and_an_iceberg_are_said_whole(bench, qtbot):
    bench.fields.choose_type(OrdType.PEGGED)
    bench.fields.peg.take(PegReference.MID, -2)
    bench.rest()
    assert bench.buy.sentence == "BUY 0.01 BTC-USD pegged to mid -2t GTC"
    bench.fields.choose_type(OrdType.LIMIT)
    bench.click(bench.panel.head.bid)
    bench.type(bench.fields.quantity, "1")
    qtbot.mouseClick(bench.fields.iceberg, LEFT)
    assert bench.panel.notes.missing.text() == "Enter how much of the quantity is shown at a time."
    bench.type(bench.fields.display, "0.1")
    assert bench.buy.sentence == "BUY 1.00 BTC-USD @ 64,210.5 GTC showing 0.10"
    assert bench.buy.order.display_qty == 10
    assert "Held here" in bench.panel.held.text()
    bench.fields.choose_tif(TimeInForce.FOK)
    assert not bench.fields.iceberg.isEnabled()
    assert bench.buy.order.display_qty == 0


def test_an_expiry_is_offered_in_utc_and_goes_with_the_order(bench):
    bench.click(bench.panel.head.bid)
    bench.fields.choose_tif(TimeInForce.GTD)
    bench.rest()
    expire = bench.fields.expiry.instant()
    now = bench.world.clock.wall()
    assert now < expire < now + 3 * 3_600 * 1_000_000_000
    assert bench.fields.expiry.text().endswith("UTC")
    assert bench.buy.sentence == f"BUY 0.01 BTC-USD @ 64,210.5 GTD {format_instant(expire)}"
    assert bench.buy.order.expire == expire
    assert "Held here: it works only while the engine runs" in bench.panel.held.text()


def test_what_the_venue_holds_is_not_said_to_be_held_here(bench):
    bench.fields.choose_type(OrdType.STOP)
    bench.type(bench.fields.stop, "ask+9t")
    assert bench.panel.held.text() == ""
    assert not bench.panel.held.isVisible()


def bracket(bench, unit, stop, target):
    bench.click(bench.panel.head.bid)
    bench.qtbot.mouseClick(bench.fields.bracket, LEFT)
    exits = bench.fields.exits
    exits.unit.setCurrentIndex(exits.unit.findData(unit))
    bench.type(exits.stop, stop)
    bench.type(exits.target, target)


@pytest.mark.parametrize(
    ("unit", "stop", "target"),
    [
        (Unit.TICKS, "20", "40"),
        (Unit.PRICE, "64200.5", "64230.5"),
        (Unit.MONEY, "0.1", "0.2"),
    ],
)
def test_stop_and_target_in_every_unit_come_out_as_prices_and_risk(bench, unit, stop, target):
    bracket(bench, unit, stop, target)
    sentence = "BUY 0.01 BTC-USD @ 64,210.5 GTC, stop 64,200.5 target 64,230.5"
    assert bench.buy.sentence == sentence
    assert bench.buy.accessibleName() == sentence
    note = bench.fields.exits.note.text()
    assert "Buy: stop 64,200.5 target 64,230.5" in note
    assert "−0.10 / +0.20 USD, 1 : 2.0" in note
    assert "held here until the entry fills" in bench.panel.held.text()


def test_per_cent_count_from_the_entrys_price(bench):
    bracket(bench, Unit.PERCENT, "0.5", "1")
    assert bench.buy.sentence.endswith("stop 63,889.5 target 64,852.5")
    assert bench.sell.sentence.endswith("stop 64,531.5 target 63,568.5")


def test_the_bracket_is_sent_as_one_list_with_ids_of_its_own(bench):
    bracket(bench, Unit.TICKS, "20", "40")
    bench.click(bench.buy)
    (sent,) = bench.asked
    assert isinstance(sent, NewOrderList)
    assert sent.contingency is Contingency.BRACKET
    assert [(o.side, o.ord_type, o.price, o.stop_price) for o in sent.orders] == [
        (Side.BUY, OrdType.LIMIT, BID, 0),
        (Side.SELL, OrdType.STOP, 0, BID - 20),
        (Side.SELL, OrdType.LIMIT, BID + 40, 0),
    ]
    assert len({sent.id, *(o.cl_ord_id for o in sent.orders)}) == 4
    assert {o.ts for o in sent.orders} == {bench.world.clock.wall()}
    bench.rest(0.3)
    assert not bench.buy.isEnabled()
    for order in sent.orders:
        bench.world.accept(order)
    bench.rest(0.1)
    assert bench.panel.notes.message.text() == "Taken: BUY 0.01 BTC-USD @ 64,210.5 GTC"
    assert bench.buy.isEnabled()


def test_a_refused_bracket_is_told_once(bench):
    bracket(bench, Unit.TICKS, "20", "40")
    bench.click(bench.buy)
    refusal = CommandRefused(1, bench.asked[0].id, "NO_LISTS", "No lists today.")
    bench.world.stores.take_event(refusal)
    bench.rest(0.1)
    assert bench.panel.notes.message.text() == "No lists today."


def test_a_stop_on_the_wrong_side_shuts_that_button_only(bench):
    bracket(bench, Unit.PRICE, "64200.5", "64230.5")
    assert bench.buy.isEnabled()
    assert not bench.sell.isEnabled()
    assert bench.reason(Side.SELL) == (
        "BRACKET: The stop must lie above the entry, 64,210.5. Change it, or take the other side."
    )
    assert "Sell:" not in bench.fields.exits.note.text()
    bench.type(bench.fields.exits.stop, "64300")
    bench.type(bench.fields.exits.target, "64400")
    assert not bench.buy.isEnabled()
    assert not bench.sell.isEnabled()
    bench.click(bench.buy)
    assert bench.asked == []


def test_an_empty_bracket_sends_nothing(bench, qtbot):
    bench.click(bench.panel.head.bid)
    qtbot.mouseClick(bench.fields.bracket, LEFT)
    bench.rest()
    assert bench.panel.notes.missing.text() == "Enter a stop, a target, or both."
    bench.click(bench.buy)
    assert bench.asked == []


def test_the_bracket_of_a_market_order_can_be_pressed_while_prices_move(bench, qtbot):
    bench.fields.choose_type(OrdType.MARKET)
    qtbot.mouseClick(bench.fields.bracket, LEFT)
    bench.type(bench.fields.exits.stop, "20")
    bench.type(bench.fields.exits.target, "40")
    assert bench.buy.sentence == "BUY 0.01 BTC-USD at market GTC, bracket −20 / +40 t"
    bench.world.clock.forward(0.1)
    bench.world.quote(BID + 5, ASK + 5)
    bench.panel.flush()
    assert bench.buy.order.orders[1].stop_price == ASK - 15
    bench.click(bench.buy)
    assert not bench.buy.flashing
    (sent,) = bench.asked
    assert [o.stop_price or o.price for o in sent.orders] == [0, ASK - 15, ASK + 45]


def test_a_drafted_bracket_fills_the_fields_as_prices(bench):
    entry = NewOrder("", "PAPER", BTC.id, Side.SELL, OrdType.LIMIT, 30, ASK + 3)
    bench.panel.take_draft(bracket_list(entry, Exits(ASK + 23, ASK - 37), BTC, str))
    bench.rest()
    assert bench.sell.drafted
    assert bench.sell.sentence == (
        "SELL 0.30 BTC-USD @ 64,212.5 GTC, stop 64,222.5 target 64,192.5"
    )
    assert bench.panel.head.badge.isVisible()
    bench.panel.take_draft(replace(entry, price=ASK + 4))
    assert not bench.fields.bracket.isChecked()


def test_another_symbol_takes_no_distance_along(bench):
    bracket(bench, Unit.TICKS, "20", "40")
    bench.panel.set_instrument(SHARE.id)
    assert not bench.fields.bracket.isChecked()
    assert bench.fields.exits.stop.steps is None
    assert bench.fields.display.steps is None


def test_a_stop_beyond_the_market_must_be_held(bench):
    bench.fields.choose_type(OrdType.STOP)
    bench.type(bench.fields.stop, "bid")
    assert bench.buy.hold
    assert bench.reason(Side.BUY) == (
        "TRIGGERED_AT_ONCE: It would go off at once: the ask is 64,211.0. Hold to send."
    )
    bench.click(bench.buy)
    assert bench.asked == []


def test_a_post_only_order_that_would_trade_gets_a_remedy(bench, qtbot):
    qtbot.mouseClick(bench.fields.post_only, LEFT)
    bench.click(bench.panel.head.bid)
    bench.rest()
    bench.click(bench.buy)
    order = bench.world.accept(bench.asked[0])
    bench.rest(0.1)
    refused = replace(
        order,
        post_only=True,
        status=OrdStatus.REJECTED,
        text="Post-only: the order would trade at once.",
    )
    bench.world.tell(refused)
    bench.rest(0.1)
    assert bench.panel.notes.message.text().endswith(
        "Post-only: the order would trade at once."
        " Send it without post-only, or one tick or more further away."
    )


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_widest_fields_fit_a_narrow_ticket(qtbot, theme):
    apply_theme(QApplication.instance(), theme, points=9)
    bench = Bench(qtbot, mode=Mode.LIVE, width=262)
    bracket(bench, Unit.TICKS, "20", "40")
    for kind in (OrdType.TRAILING_STOP_LIMIT, OrdType.PEGGED):
        bench.fields.choose_type(kind)
        bench.fields.choose_tif(TimeInForce.GTD)
        bench.rest()
        assert bench.panel.minimumSizeHint().width() <= 262
