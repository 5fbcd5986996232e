"""The ladder as a person uses it: real mouse and key events on a shown panel."""

import gc

import pytest
from msgspec.structs import replace
from PySide6.QtCore import QEvent, QObject, QPoint, Qt
from PySide6.QtGui import QAccessible, QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QMenu

from core.model.commands import CancelAll, CancelOrder, ReplaceOrder
from core.model.enums import (
    LinkState,
    OrdStatus,
    OrdType,
    Side,
    Source,
    TradingState,
)
from core.model.events import CommandRefused, LinkUpdate
from core.model.ids import IdMaker
from core.model.orders import AccountState
from tests.widgets.ladder_bench import ALT, CTRL, LEFT, MIDDLE, NONE, RIGHT, SHIFT, Bench
from tests.widgets.trading_world import ASK, BID, BTC, SHARE
from widgets.ladder.lock import IDLE_LIMIT
from widgets.ladder.panel import LadderPanel
from widgets.ladder.popup import OrdersPopup
from widgets.theme import apply_theme


@pytest.fixture
def bench(qtbot):
    bench = Bench(qtbot)
    yield bench
    popup = bench.panel._popup
    if popup is not None:
        popup.close()


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


# -- accidents: no order may leave ---------------------------------------------------------------


def test_recentring_during_a_click_sends_nothing(bench):
    bench.arm()
    point = bench.point("bids", BID - 3)
    bench.press("bids", BID - 3)
    bench.key(Qt.Key.Key_Space)
    bench.panel._scroll(bench.canvas.rows.scrolled(5))
    bench.qtbot.mouseRelease(bench.canvas, LEFT, NONE, point)
    bench.press("bids", BID - 3)
    bench.panel._scroll(bench.canvas.rows.scrolled(-2))
    bench.release("bids", BID - 3)
    assert bench.orders == []
    bench.click("bids", BID - 3)
    assert bench.orders == []
    assert bench.canvas.flash == BID - 3
    bench.rest(1)
    assert bench.canvas.flash == 0
    bench.click("bids", BID - 3)
    assert len(bench.orders) == 1


def test_the_wheel_drops_a_press(bench):
    bench.arm()
    bench.press("bids", BID - 3)
    bench.wheel(1)
    bench.rest(1)
    bench.release("bids", BID - 3)
    assert bench.orders == []


def test_a_double_click_sends_once(bench):
    bench.arm()
    point = bench.point("bids", BID - 3)
    bench.qtbot.mouseClick(bench.canvas, LEFT, NONE, point)
    bench.qtbot.mouseDClick(bench.canvas, LEFT, NONE, point)
    bench.qtbot.mouseRelease(bench.canvas, LEFT, NONE, point)
    assert len(bench.orders) == 1


def test_a_key_held_down_sends_once(bench):
    bench.arm()
    bench.click("price", BID - 3)
    QTest.keyPress(bench.canvas, Qt.Key.Key_B)
    for _ in range(20):
        bench.world.clock.forward(0.1)
        again = QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_B, NONE, "b", True)
        QApplication.sendEvent(bench.canvas, again)
    assert len(bench.orders) == 1


def test_another_instrument_under_the_pointer_sends_nothing(bench):
    bench.arm()
    bench.world.quote(BID, ASK, instrument=replace(BTC, id="ACME.SIM"))
    bench.press("bids", BID - 3)
    bench.panel.set_instrument("ACME.SIM")
    point = bench.point("bids", BID - 3)
    bench.qtbot.mouseRelease(bench.canvas, LEFT, NONE, point)
    bench.qtbot.mouseClick(bench.canvas, LEFT, NONE, point)
    assert bench.asked == []
    assert bench.drafts == []


def test_prices_of_the_instrument_before_are_gone_at_once(bench):
    bench.arm()
    point = bench.point("bids", BID - 3)
    bench.panel.set_instrument("ACME.SIM")
    assert {picture.price for picture in bench.canvas.pictures} == {""}
    bench.world.clock.forward(1)
    bench.qtbot.mouseClick(bench.canvas, LEFT, NONE, point)
    bench.key(Qt.Key.Key_B)
    assert bench.asked == []
    assert bench.drafts == []
    bench.panel.set_instrument(BTC.id)
    assert bench.canvas.pictures[bench.canvas.rows.row_at(BID)].price == "64,210.5"


def test_stale_prices_disarm_and_nothing_is_sent(bench):
    bench.arm()
    bench.world.clock.forward(6)
    bench.click("bids", BID - 3)
    assert bench.asked == []
    assert not bench.panel.lock.armed
    assert "stale" in bench.said[-1]
    assert bench.canvas.stale.startswith("stale 6")
    assert not bench.panel.frame.armed


def test_it_cannot_be_armed_before_the_venue_and_our_books_agree(bench):
    venue = bench.world.stores.instruments[bench.panel.instrument].venue
    text = "Back. Orders are being compared."
    bench.world.stores.take_event(LinkUpdate(venue, 1, LinkState.CONNECTING, text))
    bench.panel._padlock()
    assert not bench.panel.lock.armed
    assert bench.said[-1].startswith("One-click stays off")
    bench.world.stores.take_event(LinkUpdate(venue, 2, LinkState.UP, text))
    bench.panel._padlock()
    assert bench.panel.lock.armed


def test_a_lost_engine_disarms_and_its_return_does_not_arm(bench):
    bench.arm()
    bench.world.stores.connected = False
    bench.world.stores.connection_text = "The engine is being restarted."
    bench.click("bids", BID - 3)
    assert bench.asked == []
    assert bench.said[-1] == "One-click is off: The engine is being restarted."
    bench.world.connect()
    bench.rest()
    bench.click("bids", BID - 3)
    assert bench.asked == []
    assert not bench.panel.lock.armed


def test_a_reconnect_between_two_looks_disarms(bench):
    bench.arm()
    bench.world.connect()
    bench.world.quote()
    bench.click("bids", BID - 3)
    assert bench.asked == []
    assert "connected anew" in bench.said[-1]


def test_an_order_lost_with_the_engine_is_told(bench):
    bench.arm()
    bench.click("bids", BID - 3)
    bench.world.connect()
    bench.rest()
    assert "knows nothing" in bench.said[0] + bench.said[-1]


def test_ten_idle_minutes_another_account_and_a_halt_disarm(bench):
    bench.arm()
    bench.rest(IDLE_LIMIT / 1e9 - 1)
    assert bench.panel.lock.armed
    bench.rest(2)
    assert not bench.panel.lock.armed
    bench.arm()
    bench.panel.set_account("OTHER")
    assert not bench.panel.lock.armed
    bench.qtbot.mouseClick(bench.panel.top.padlock, LEFT)
    assert not bench.panel.lock.armed
    assert "does not know the account" in bench.said[-1]
    bench.panel.set_account("PAPER")
    bench.arm()
    halted = AccountState(1, 1, "PAPER", {}, TradingState.HALTED, "killed")
    bench.world.stores.take_event(halted)
    bench.panel.flush()
    assert not bench.panel.lock.armed


def test_a_kill_closes_the_lock_says_so_and_keeps_it_closed(bench):
    bench.arm()
    bench.world.stores.take_event(
        AccountState(1, 1, "PAPER", {}, TradingState.REDUCING, "kill switch")
    )
    bench.panel.flush()
    assert not bench.panel.top.padlock.isChecked()
    assert bench.said[-1] == "One-click is off: PAPER is reduce-only: kill switch."
    assert bench.panel.foot.hint.text() == bench.said[-1]
    bench.click("bids", BID - 3)
    assert bench.asked == []
    bench.qtbot.mouseClick(bench.panel.top.padlock, LEFT)
    assert not bench.panel.lock.armed
    assert "stays off" in bench.said[-1]
    bench.world.stores.take_event(AccountState(1, 2, "PAPER", {}, TradingState.ACTIVE))
    bench.panel.flush()
    assert not bench.panel.lock.armed, "only a hand opens it again"
    bench.arm()


def test_arming_needs_fresh_prices(bench):
    bench.world.clock.forward(9)
    bench.qtbot.mouseClick(bench.panel.top.padlock, LEFT)
    assert not bench.panel.lock.armed
    assert not bench.panel.top.padlock.isChecked()
    assert "stays off" in bench.said[-1]


def test_without_a_size_nothing_is_sent(bench):
    bench.arm()
    bench.panel.top.first.lineEdit().setText("abc")
    bench.panel.top.first._typed()
    bench.click("bids", BID - 3)
    assert bench.asked == []
    assert "size" in bench.said[-1]


# -- own orders --------------------------------------------------------------------------------


def test_the_cross_cancels_all_at_the_price_once(bench):
    bench.world.order("a", Side.BUY, BID - 3)
    bench.world.order("b", Side.BUY, BID - 3)
    bench.world.order("c", Side.SELL, ASK + 3)
    bench.rest()
    bench.click("my_buys", BID - 3, cross=True)
    assert [(type(c), c.order) for c in bench.asked] == [(CancelOrder, "a"), (CancelOrder, "b")]
    bench.click("my_buys", BID - 3, cross=True)
    assert len(bench.asked) == 2
    bench.click("my_sells", ASK + 3, cross=True)
    assert bench.asked[2].order == "c"


def test_cancelling_works_with_stale_prices(bench):
    bench.world.order("a", Side.BUY, BID - 3)
    bench.rest()
    bench.world.clock.forward(60)
    bench.panel.flush()
    bench.click("my_buys", BID - 3, cross=True)
    assert [c.order for c in bench.asked] == ["a"]


def test_a_drag_moves_all_and_with_ctrl_the_last_one(bench):
    bench.world.order("a", Side.BUY, BID - 3, 50, created=1)
    bench.world.order("b", Side.BUY, BID - 3, 70, created=2)
    bench.rest()
    bench.drag("my_buys", BID - 3, BID - 7)
    assert [(c.order, c.qty, c.price) for c in bench.asked] == [
        ("a", 50, BID - 7),
        ("b", 70, BID - 7),
    ]
    assert all(isinstance(c, ReplaceOrder) for c in bench.asked)
    assert len({c.id for c in bench.asked}) == 2
    bench.asked.clear()
    for name in ("a", "b"):
        bench.world.tell(replace(bench.world.stores.orders[name], updated=5))
    bench.rest()
    bench.drag("my_buys", BID - 3, BID - 5, CTRL)
    assert [(c.order, c.price) for c in bench.asked] == [("b", BID - 5)]


def test_while_dragging_the_target_is_shown_and_escape_restores(bench):
    bench.world.order("a", Side.BUY, BID - 3)
    bench.rest()
    bench.press("my_buys", BID - 3)
    bench.move("my_buys", BID - 6)
    row = bench.canvas.rows.row_at(BID - 6)
    assert bench.canvas.pictures[row].buys.text == "-3t"
    bench.key(Qt.Key.Key_Escape)
    assert bench.canvas.pictures[row].buys is None
    bench.release("my_buys", BID - 6)
    assert bench.asked == []


def test_a_drag_across_the_spread_is_refused_unless_flip_is_on(bench):
    bench.world.order("a", Side.BUY, BID - 3)
    bench.rest()
    bench.drag("my_buys", BID - 3, ASK + 1)
    assert bench.asked == []
    assert "Flip" in bench.said[-1]
    bench.panel.top.flip.setChecked(True)
    bench.drag("my_buys", BID - 3, ASK + 1)
    assert bench.asked == []
    bench.arm()
    bench.drag("my_buys", BID - 3, ASK + 1)
    assert [(c.order, c.price) for c in bench.asked] == [("a", ASK + 1)]


def test_no_second_change_before_the_first_is_answered(bench):
    bench.world.order("a", Side.BUY, BID - 3)
    bench.rest()
    bench.drag("my_buys", BID - 3, BID - 5)
    bench.drag("my_buys", BID - 3, BID - 7)
    assert len(bench.asked) == 1
    assert "not been answered" in bench.said[-1]
    bench.world.stores.take_event(CommandRefused(1, bench.asked[0].id, "NO", "Not now."))
    bench.rest(0.1)
    assert bench.said[-1] == "Not now."
    bench.drag("my_buys", BID - 3, BID - 7)
    assert len(bench.asked) == 2


def test_nothing_is_dragged_on_stale_prices(bench):
    bench.world.order("a", Side.BUY, BID - 3)
    bench.rest()
    bench.world.clock.forward(60)
    bench.drag("my_buys", BID - 3, BID - 5)
    assert bench.asked == []
    assert "Cancelling still works" in bench.said[-1]


def test_the_middle_button_lists_the_single_orders(bench):
    bench.world.order("a", Side.BUY, BID - 3, 50, created=bench.world.clock.wall())
    bench.world.order("b", Side.BUY, BID - 3, 8, created=bench.world.clock.wall() + 1)
    bench.rest(65)
    bench.click("my_buys", BID - 3, MIDDLE)
    popup = bench.panel._popup
    assert isinstance(popup, OrdersPopup)
    texts = [label.text() for label in popup.findChildren(QLabel)]
    assert {"64,209.0", "0.50", "0.08", "GTC", "1 m 05 s", "Working"} <= set(texts)
    buttons = {
        b.accessibleName(): b
        for b in popup.findChildren(type(popup._grid.itemAtPosition(1, 5).widget()))
    }
    bench.qtbot.mouseClick(buttons["Cancel the order of 0.08"], LEFT)
    assert [(type(c), c.order) for c in bench.asked] == [(CancelOrder, "b")]
    shrink = next(b for name, b in buttons.items() if name.startswith("Make the order of 0.50"))
    bench.qtbot.mouseClick(shrink, LEFT)
    assert [(c.order, c.qty, c.price) for c in bench.asked[1:]] == [("a", 40, BID - 3)]
    for name in ("a", "b"):
        order = bench.world.stores.orders[name]
        bench.world.tell(replace(order, status=OrdStatus.CANCELED))
    bench.rest(0.1)
    QApplication.processEvents()
    assert bench.panel._popup is None


def test_a_list_opened_after_another_goes_with_the_instrument(bench):
    for price in (BID - 3, BID - 5):
        bench.world.order(f"at {price}", Side.BUY, price)
    bench.rest()
    bench.click("my_buys", BID - 3, MIDDLE)
    bench.click("my_buys", BID - 5, MIDDLE)
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    (popup,) = bench.panel.findChildren(OrdersPopup)
    assert (popup.price, popup.isVisible()) == (BID - 5, True)
    assert bench.panel._popup is popup
    bench.panel.set_instrument(SHARE.id)
    assert not popup.isVisible()


def test_the_button_below_cancels_what_it_counts(bench):
    assert not bench.panel.foot.cancel.isEnabled()
    bench.world.order("a", Side.BUY, BID - 3)
    bench.rest()
    assert bench.panel.foot.cancel.text() == "Cancel 1"
    bench.qtbot.mouseClick(bench.panel.foot.cancel, LEFT)
    (command,) = bench.asked
    assert isinstance(command, CancelAll)
    assert (command.account, command.instrument) == ("PAPER", BTC.id)


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
