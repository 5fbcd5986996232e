"""The ladder as a person uses it: real mouse and key events on a shown panel."""

import gc

import pytest
from msgspec.structs import replace
from PySide6.QtCore import QEvent, QObject, QPoint, Qt
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu

from core.model.commands import CancelOrder
from core.model.enums import (
    OrdStatus,
    OrdType,
    Side,
    Source,
)
from core.model.ids import IdMaker
from tests.widgets.ladder_bench import ALT, CTRL, LEFT, MIDDLE, NONE, RIGHT, SHIFT, Bench
from tests.widgets.trading_world import ASK, BID, BTC
from widgets.ladder.panel import LadderPanel
from widgets.theme import apply_theme

# -- placing -----------------------------------------------------------------------------------


def test_one_click_is_off_at_first_and_a_click_only_fills_the_draft(bench):
    assert not bench.panel.lock.armed
    bench.click("bids", BID - 3)
    bench.click("asks", ASK + 2, RIGHT)
    assert bench.asked == []
    first, second = bench.drafts
    assert (first.side, first.price, first.qty, first.cl_ord_id) == (Side.BUY, BID - 3, 10, "")
    assert (second.side, second.price, second.qty) == (Side.SELL, ASK + 2, 30)


def test_armed_clicks_send_limits_stops_and_the_second_size(bench):
    bench.arm()
    assert bench.panel.frame.armed
    bench.click("bids", BID - 3)
    bench.click("asks", ASK + 3, RIGHT)
    bench.click("bids", ASK + 2, LEFT, SHIFT)
    buy, sell, stop = bench.asked
    assert (buy.side, buy.ord_type, buy.price, buy.qty) == (Side.BUY, OrdType.LIMIT, BID - 3, 10)
    assert (sell.side, sell.price, sell.qty) == (Side.SELL, ASK + 3, 30)
    assert (stop.ord_type, stop.stop_price, stop.price) == (OrdType.STOP, ASK + 2, 0)
    assert len({buy.cl_ord_id, sell.cl_ord_id, stop.cl_ord_id}) == 3
    assert all(order.cl_ord_id.startswith("P-") for order in bench.asked)
    assert {order.account for order in bench.asked} == {"PAPER"}
    assert buy.source is Source.USER
    assert buy.ts == bench.world.clock.wall()


def test_a_stop_where_none_can_be_only_says_why(bench):
    bench.arm()
    bench.click("bids", BID - 2, LEFT, SHIFT)
    assert bench.asked == []
    assert "buy stop must lie above" in bench.said[-1]


def test_the_price_is_that_of_mouse_down_and_sent_at_mouse_up_in_the_same_cell(bench):
    bench.arm()
    bench.press("bids", BID - 3)
    assert bench.asked == []
    bench.release("bids", BID - 4)
    bench.press("bids", BID - 3)
    bench.release("asks", BID - 3)
    assert bench.asked == []
    bench.press("bids", BID - 3)
    bench.release("bids", BID - 3)
    assert [order.price for order in bench.asked] == [BID - 3]


def test_what_was_sent_is_marked_until_the_engine_answers(bench):
    bench.arm()
    bench.click("bids", BID - 3)
    picture = bench.canvas.pictures[bench.canvas.rows.row_at(BID - 3)]
    assert picture.buys.stage.name == "SENT"
    bench.world.accept(bench.asked[0])
    bench.rest(0.1)
    picture = bench.canvas.pictures[bench.canvas.rows.row_at(BID - 3)]
    assert picture.buys.stage.name == "WORKING"


def test_a_denial_is_said_and_the_mark_goes(bench):
    bench.arm()
    bench.click("bids", BID - 3)
    bench.world.deny(bench.asked[0], "PRICE_COLLAR", "Too far.")
    bench.rest(0.1)
    assert bench.said[-1] == "Refused: BUY 0.10 BTC-USD @ 64,209.0 GTC. PRICE_COLLAR: Too far."
    assert bench.canvas.pictures[bench.canvas.rows.row_at(BID - 3)].buys is None


# -- rows --------------------------------------------------------------------------------------


def test_prices_stay_while_the_pointer_is_inside_and_the_arrow_tells_the_distance(bench):
    top = bench.canvas.rows.top
    bench.canvas.inside = True
    bench.world.quote(BID + 40, ASK + 40)
    bench.rest()
    assert bench.canvas.rows.top == top
    assert bench.canvas.away > 0
    bench.canvas.inside = False
    bench.rest()
    assert bench.canvas.rows.top > top
    assert bench.canvas.away == 0


def test_a_scroll_sets_it_free_and_space_or_the_middle_button_bring_it_back(bench):
    top = bench.canvas.rows.top
    bench.wheel(2)
    bench.rest()
    assert bench.canvas.rows.top == top + 6
    assert bench.canvas.free
    bench.key(Qt.Key.Key_Space)
    assert not bench.canvas.free
    middle = bench.canvas.rows.count // 2
    assert abs(bench.canvas.rows.row_at(BID) - middle) <= 1
    bench.wheel(-3)
    assert bench.canvas.free
    bench.click("price", BID, MIDDLE)
    assert not bench.canvas.free


def test_ctrl_wheel_groups_prices_around_the_pointer(bench):
    before = bench.canvas.rows
    bench.wheel(1, CTRL, BID)
    after = bench.canvas.rows
    assert after.group == 2
    assert after.price(before.row_at(BID)) in (BID, BID - 1)
    assert bench.panel.save_state()["group"] == 2
    bench.wheel(-1, CTRL, BID)
    assert bench.canvas.rows.group == 1


def test_a_grouped_row_sends_the_price_that_is_written_in_it(bench):
    bench.wheel(2, CTRL, BID)
    bench.rest()
    bench.arm()
    row = bench.canvas.rows.row_at(BID - 15)
    price = bench.canvas.rows.price(row)
    bench.click("bids", price)
    assert [order.price for order in bench.orders] == [price]
    assert price % 5 == 0


# -- keys --------------------------------------------------------------------------------------


def test_the_ladder_is_usable_by_keys_alone(bench):
    bench.arm()
    bench.click("price", BID - 3)
    bench.key(Qt.Key.Key_Down)
    bench.key(Qt.Key.Key_Left)
    bench.key(Qt.Key.Key_Return)
    bench.rest()
    bench.key(Qt.Key.Key_S)
    bench.rest()
    bench.click("price", ASK + 3)
    bench.key(Qt.Key.Key_B, SHIFT)
    limit, sell, stop = bench.orders
    assert (limit.side, limit.price, limit.source) == (Side.BUY, BID - 4, Source.HOTKEY)
    assert (sell.side, sell.price) == (Side.SELL, BID - 4)
    assert (stop.side, stop.ord_type, stop.stop_price) == (Side.BUY, OrdType.STOP, ASK + 3)


def test_unarmed_keys_only_fill_the_draft(bench):
    bench.click("price", BID - 3)
    bench.key(Qt.Key.Key_B)
    assert bench.asked == []
    assert bench.drafts[-1].price == BID - 3


def test_keys_cancel_shrink_list_and_move_the_orders_of_the_row(bench):
    bench.world.order("a", Side.BUY, BID - 3, 50)
    bench.rest()
    bench.click("price", BID - 3)
    bench.key(Qt.Key.Key_Left)
    bench.key(Qt.Key.Key_Minus)
    assert [(c.order, c.qty) for c in bench.asked] == [("a", 40)]
    bench.world.tell(replace(bench.world.stores.orders["a"], qty=40))
    bench.rest()
    bench.key(Qt.Key.Key_Down, ALT)
    assert (bench.asked[1].order, bench.asked[1].price) == ("a", BID - 4)
    bench.world.tell(replace(bench.world.stores.orders["a"], price=BID - 4))
    bench.rest()
    bench.key(Qt.Key.Key_L)
    assert bench.panel._popup is not None
    bench.panel._popup.close()
    QApplication.processEvents()
    bench.key(Qt.Key.Key_X)
    assert isinstance(bench.asked[2], CancelOrder)
    bench.key(Qt.Key.Key_Right)
    bench.key(Qt.Key.Key_Minus)
    assert "No order of yours" in bench.said[-1]


def test_a_row_out_of_view_takes_no_key(bench):
    bench.arm()
    bench.click("price", BID - 3)
    bench.panel._scroll(bench.canvas.rows.scrolled(500))
    bench.key(Qt.Key.Key_B)
    assert bench.asked == []
    assert "out of view" in bench.said[-1]


def test_the_keyboards_row_is_told_to_screen_readers(bench):
    bench.click("price", BID)
    told = QAccessible.queryAccessibleInterface(bench.canvas)
    assert told.text(QAccessible.Text.Name) == "Price ladder"
    assert told.text(QAccessible.Text.Value).startswith("buy side, 64,210.5, bid 1.00")
    bench.key(Qt.Key.Key_Right)
    assert told.text(QAccessible.Text.Value).startswith("sell side")
    for widget in bench.panel.findChildren(type(bench.panel.foot.cancel)):
        assert widget.accessibleName()


# -- state -------------------------------------------------------------------------------------


def test_columns_are_hidden_and_moved_by_the_header_menu_and_kept(bench, qtbot):
    menu_before = bench.panel.findChildren(QMenu)
    assert menu_before == []
    look = bench.canvas._look
    span = next(s for s in bench.canvas.spans if s.column == "profile")
    qtbot.mouseClick(bench.canvas, RIGHT, NONE, QPoint(span.x + 5, look.header // 2))
    (menu,) = bench.panel.findChildren(QMenu)
    actions = {action.text(): action for action in menu.actions() if action.text()}
    assert not actions["Price"].isEnabled()
    actions["Trades"].trigger()
    actions["Move “Volume” to the left"].trigger()
    menu.close()
    shown = [s.column for s in bench.canvas.spans]
    assert shown == ["my_buys", "bids", "price", "asks", "profile", "my_sells"]
    state = bench.panel.save_state()
    other = LadderPanel(bench.world.stores, IdMaker("P"), clock=bench.world.clock)
    qtbot.addWidget(other)
    other.restore_state(state)
    assert other.save_state() == state
    assert not other.lock.armed


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"columns": 5, "hidden": "x", "group": "many", "sizes": [], "presets": {"a": 1}},
        {"columns": ["price", "price", "nothing", 7], "hidden": ["price", "trades"], "group": 3},
    ],
)
def test_a_spoilt_state_is_harmless(bench, state):
    bench.panel.restore_state(state)
    assert sorted(bench.canvas.order) == sorted(
        ["my_buys", "bids", "price", "asks", "my_sells", "profile", "trades"]
    )
    assert "price" in [s.column for s in bench.canvas.spans]
    assert bench.canvas.rows.group == 1


def test_sizes_are_kept_for_each_instrument(bench, qtbot):
    bench.panel.top.first.set_steps(77)
    state = bench.panel.save_state()
    other = LadderPanel(bench.world.stores, IdMaker("P"), clock=bench.world.clock)
    qtbot.addWidget(other)
    other.restore_state(state)
    other.set_account("PAPER")
    other.set_instrument(BTC.id)
    assert other.top.first.steps == 77
    assert other.top.second.steps == 30


def test_size_buttons_set_subtract_and_store(bench, qtbot):
    sizes = bench.panel.top.buttons
    second = sizes._buttons[1]
    qtbot.mouseClick(second, LEFT)
    assert bench.panel.top.first.steps == 2
    bench.panel.top.first.set_steps(50)
    qtbot.mouseClick(second, LEFT, SHIFT)
    assert bench.panel.top.first.steps == 48
    qtbot.mouseClick(second, RIGHT)
    assert sizes.sizes[1] == 48
    assert second.text() == "0.48"
    assert bench.panel.save_state()["presets"] == {BTC.id: ["0.01", "0.48", "0.05", "0.10", "0.25"]}


def test_the_position_stands_below(bench):
    assert bench.panel.foot.words.text() == "Flat"
    bench.world.hold(150, BID - 9)
    bench.rest()
    assert bench.panel.foot.words.toolTip() == "Long 1.50 ø 64,206.00"
    assert bench.panel.foot.profit.toolTip() == "+6.75 USD"


def test_the_average_is_not_cut_at_the_usual_width(bench):
    bench.panel.resize(300, 660)
    bench.world.hold(150, BID - 9)
    bench.rest()
    for label in (bench.panel.foot.words, bench.panel.foot.profit):
        assert label.width() >= label.fontMetrics().horizontalAdvance(label.text())


def test_it_wants_the_market_of_its_instrument_only(bench):
    assert bench.panel.wants() == {"quotes": {BTC.id}, "depth": {BTC.id}, "trades": {BTC.id}}


# -- drawing -----------------------------------------------------------------------------------


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("width", [200, 262, 400, 900])
def test_it_draws_in_both_themes_at_any_width(qtbot, theme, width):
    app = QApplication.instance()
    apply_theme(app, theme, points=9)
    bench = Bench(qtbot)
    bench.world.order("a", Side.BUY, BID - 3)
    bench.world.order("b", Side.SELL, ASK + 3, status=OrdStatus.PENDING_NEW)
    bench.world.trade((BID, 5, 2))
    bench.panel.resize(width, 500)
    bench.rest()
    image = bench.panel.grab().toImage()
    assert not image.isNull()
    span = next(s for s in bench.canvas.spans if s.column == "my_buys")
    assert span.width > 20
    high = bench.canvas._look.row_height
    cells = []
    for price in (BID - 3, BID - 6):
        middle = bench.canvas.mapTo(bench.panel, bench.point("my_buys", price))
        cells.append(image.copy(middle.x() - 9, middle.y() - high // 2 + 1, 18, high - 2))
    assert cells[0] != cells[1]


class Paints(QObject):
    """Sees the paint events of a widget: the heights of what is repainted."""

    def __init__(self):
        super().__init__()
        self.heights = []

    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Paint:
            self.heights.append(event.region().boundingRect().height())
        return False


def test_a_change_of_theme_repaints_with_the_new_colours(qtbot):
    app = QApplication.instance()
    apply_theme(app, "dark", points=9)
    bench = Bench(qtbot)
    backgrounds = []
    for theme in ("dark", "light", "dark"):
        apply_theme(app, theme, points=9)
        QApplication.processEvents()
        image = bench.canvas.grab().toImage()
        backgrounds.append(image.pixelColor(3, image.height() - 2).lightness())
    assert backgrounds[0] == backgrounds[2] < 60
    assert backgrounds[1] > 200


def test_only_changed_rows_are_repainted(bench):
    QApplication.processEvents()
    paints = Paints()
    bench.canvas.installEventFilter(paints)
    bench.panel.flush()
    QApplication.processEvents()
    assert paints.heights == []
    bench.world.order("a", Side.BUY, BID - 3)
    bench.panel.flush()
    QApplication.processEvents()
    assert paints.heights
    assert max(paints.heights) <= 2 * bench.canvas._look.row_height


def test_it_leaves_nothing_behind(qtbot):
    before = len(QApplication.topLevelWidgets())
    bench = Bench(qtbot)
    panel = bench.panel
    panel.close()
    panel.deleteLater()
    QTest.qWait(0)
    gc.collect()
    assert len(QApplication.topLevelWidgets()) <= before + 1
