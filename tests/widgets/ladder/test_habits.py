"""Sending at mouse-down, how long orders live, brackets, stops by hand: real events."""

import pytest
from msgspec.structs import replace
from PySide6.QtCore import QEvent, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu

from core.model.commands import NewOrder, NewOrderList, ReplaceOrder
from core.model.enums import Contingency, MarketStatus, OrdStatus, OrdType, Side, TimeInForce
from core.model.events import CommandRefused
from core.model.ids import IdMaker
from tests.widgets.ladder_bench import ALT, LEFT, NONE, RIGHT, SHIFT, Bench
from tests.widgets.trading_world import ASK, BID, BTC, SHARE
from widgets.ladder.bracketpopup import BracketPopup
from widgets.ladder.panel import LadderPanel


@pytest.fixture
def bench(qtbot):
    bench = Bench(qtbot)
    yield bench
    bench.panel.brackets.close_popup()


def press_mode(bench):
    """Choose mouse-down in the gear's menu, as a hand does."""
    bench.qtbot.mouseClick(bench.panel.top.gear, LEFT)
    menu = bench.panel.findChildren(QMenu)[-1]
    next(a for a in menu.actions() if "mouse-down" in a.text()).trigger()
    menu.close()
    QApplication.processEvents()
    assert bench.canvas.at_press


# -- mouse-down ----------------------------------------------------------------------------------


def test_at_mouse_down_the_order_leaves_at_the_press_and_only_then(bench):
    press_mode(bench)
    bench.arm()
    bench.press("bids", BID - 3)
    assert [order.price for order in bench.orders] == [BID - 3]
    bench.release("bids", BID - 3)
    bench.rest()
    bench.press("asks", ASK + 3)
    bench.release("bids", BID - 5)
    assert [order.price for order in bench.orders] == [BID - 3, ASK + 3]
    assert len({order.cl_ord_id for order in bench.orders}) == 2


def test_the_padlock_says_when_a_click_sends(bench):
    bench.arm()
    assert "let go in the same cell" in bench.panel.top.padlock.toolTip()
    press_mode(bench)
    assert "pressed (mouse-down)" in bench.panel.top.padlock.toolTip()


def test_the_choice_is_kept_and_the_padlock_is_not(bench, qtbot):
    press_mode(bench)
    bench.arm()
    other = LadderPanel(bench.world.stores, IdMaker("P"), clock=bench.world.clock)
    qtbot.addWidget(other)
    assert not other.canvas.at_press
    other.restore_state(bench.panel.save_state())
    assert other.canvas.at_press
    assert not other.lock.armed


def test_unarmed_a_press_only_fills_the_draft(bench):
    press_mode(bench)
    bench.press("bids", BID - 3)
    assert bench.asked == []
    assert [draft.price for draft in bench.drafts] == [BID - 3]
    bench.release("bids", BID - 3)
    assert len(bench.drafts) == 1


def test_a_press_after_the_rows_shifted_only_flashes(bench):
    press_mode(bench)
    bench.arm()
    bench.panel._scroll(bench.canvas.rows.scrolled(2))
    bench.press("bids", BID - 3)
    bench.release("bids", BID - 3)
    assert bench.orders == []
    assert bench.canvas.flash == BID - 3
    bench.rest(0.31)
    bench.press("bids", BID - 3)
    assert len(bench.orders) == 1


def test_a_bouncing_button_sends_once_in_whatever_cell(bench, qtbot):
    press_mode(bench)
    bench.arm()
    point = bench.point("bids", BID - 3)
    qtbot.mouseClick(bench.canvas, LEFT, NONE, point)
    qtbot.mouseDClick(bench.canvas, LEFT, NONE, point)
    qtbot.mouseClick(bench.canvas, LEFT, NONE, point)
    bench.click("bids", BID - 4)
    bench.click("asks", ASK + 4)
    assert [order.price for order in bench.orders] == [BID - 3]
    assert bench.canvas.flash == ASK + 4
    bench.rest(0.3)
    bench.click("asks", ASK + 4)
    assert len(bench.orders) == 2


def test_at_mouse_up_a_third_click_in_the_same_cell_is_a_bounce_too(bench, qtbot):
    bench.arm()
    point = bench.point("bids", BID - 3)
    qtbot.mouseClick(bench.canvas, LEFT, NONE, point)
    qtbot.mouseDClick(bench.canvas, LEFT, NONE, point)
    qtbot.mouseClick(bench.canvas, LEFT, NONE, point)
    assert len(bench.orders) == 1
    bench.click("bids", BID - 4)
    assert len(bench.orders) == 2


def test_a_second_button_while_one_is_down_sends_nothing_more(bench, qtbot):
    press_mode(bench)
    bench.arm()
    bench.press("bids", BID - 3)
    bench.world.clock.forward(1)
    bench.world.quote()
    qtbot.mousePress(bench.canvas, RIGHT, NONE, bench.point("bids", BID - 4))
    qtbot.mouseRelease(bench.canvas, RIGHT, NONE, bench.point("bids", BID - 4))
    bench.release("bids", BID - 3)
    assert len(bench.orders) == 1


def test_stale_prices_disarm_at_the_press(bench):
    press_mode(bench)
    bench.arm()
    bench.world.clock.forward(6)
    bench.press("bids", BID - 3)
    assert bench.asked == []
    assert not bench.panel.lock.armed


def test_rows_stay_while_the_button_is_down(bench):
    press_mode(bench)
    bench.arm()
    bench.press("bids", BID - 3)
    bench.canvas.inside = False
    top = bench.canvas.rows.top
    bench.world.quote(BID + 40, ASK + 40)
    bench.panel.flush()
    assert bench.canvas.rows.top == top
    bench.release("bids", BID - 3)
    bench.canvas.inside = False
    bench.panel.flush()
    assert bench.canvas.rows.top != top


# -- how long orders live ------------------------------------------------------------------------


def choose(bench, name):
    life = bench.panel.top.life
    life.setCurrentIndex(life.findData(name))


def test_ioc_fok_and_a_date_go_with_the_order(bench):
    bench.arm()
    choose(bench, "IOC")
    bench.click("bids", ASK)
    choose(bench, "FOK")
    bench.click("asks", BID)
    choose(bench, "GTD-10m")
    bench.click("bids", BID - 4)
    ioc, fok, dated = bench.orders
    assert (ioc.tif, fok.tif, dated.tif) == (TimeInForce.IOC, TimeInForce.FOK, TimeInForce.GTD)
    assert dated.expire - bench.world.clock.wall() == 600 * 1_000_000_000
    assert ioc.expire == fok.expire == 0
    assert bench.panel.save_state()["life"] == "GTD-10m"


def test_a_stop_rests_whatever_is_chosen_for_limits(bench):
    bench.arm()
    choose(bench, "FOK")
    bench.click("bids", ASK + 3, modifiers=SHIFT)
    assert [(o.ord_type, o.tif) for o in bench.orders] == [(OrdType.STOP, TimeInForce.GTC)]


def test_a_choice_that_the_instrument_has_not_is_greyed_and_gives_way(bench):
    choose(bench, "FOK")
    share = replace(SHARE, tifs=(TimeInForce.GTC,))
    bench.world.stores.instruments.put(share.id, share)
    bench.world.quote(instrument=share)
    bench.panel.set_instrument(share.id)
    life = bench.panel.top.life
    row = life.findData("FOK")
    assert not life.model().item(row).isEnabled()
    assert life.itemData(row, Qt.ItemDataRole.ToolTipRole) == "SIM takes no FOK orders in ACME."
    assert bench.panel.top.chosen_life().tif is TimeInForce.GTC


# -- brackets ------------------------------------------------------------------------------------


def test_alt_click_sends_the_entry_with_stop_and_target_as_one_list(bench):
    bench.arm()
    bench.click("bids", BID - 3, modifiers=ALT)
    (sent,) = bench.asked
    assert isinstance(sent, NewOrderList)
    assert sent.contingency is Contingency.BRACKET
    entry, stop, target = sent.orders
    assert (entry.side, entry.ord_type, entry.price, entry.qty) == (
        Side.BUY,
        OrdType.LIMIT,
        BID - 3,
        10,
    )
    assert (stop.side, stop.ord_type, stop.stop_price, stop.price, stop.qty) == (
        Side.SELL,
        OrdType.STOP,
        BID - 23,
        0,
        10,
    )
    assert (target.side, target.ord_type, target.price, target.qty) == (
        Side.SELL,
        OrdType.LIMIT,
        BID + 37,
        10,
    )
    ids = {sent.id, entry.cl_ord_id, stop.cl_ord_id, target.cl_ord_id}
    assert len(ids) == 4
    assert all(name.startswith("P-") for name in ids)
    assert {order.ts for order in sent.orders} == {bench.world.clock.wall()}
    assert bench.canvas.pictures[bench.canvas.rows.row_at(BID - 3)].buys.stage.name == "SENT"


def test_a_sale_has_its_stop_above_and_alt_with_shift_brackets_a_stop(bench):
    bench.arm()
    bench.click("asks", ASK + 3, modifiers=ALT)
    bench.click("bids", ASK + 5, modifiers=ALT | SHIFT)
    sale, breakout = bench.asked
    assert [o.stop_price or o.price for o in sale.orders] == [ASK + 3, ASK + 23, ASK - 37]
    assert [o.stop_price or o.price for o in breakout.orders] == [ASK + 5, ASK - 15, ASK + 45]
    assert breakout.orders[0].ord_type is OrdType.STOP


def test_alt_enter_is_the_same_by_key(bench):
    bench.arm()
    bench.click("price", BID - 3)
    bench.key(Qt.Key.Key_Return, ALT)
    (sent,) = bench.asked
    assert isinstance(sent, NewOrderList)
    assert sent.orders[0].price == BID - 3


def test_unarmed_it_drafts_the_whole_bracket_without_ids(bench):
    bench.click("bids", BID - 3, modifiers=ALT)
    assert bench.asked == []
    (draft,) = bench.drafts
    assert isinstance(draft, NewOrderList)
    assert [o.cl_ord_id for o in draft.orders] == ["", "", ""]
    assert draft.id == ""


def test_a_list_that_is_refused_is_said_once_and_its_marks_go(bench):
    bench.arm()
    bench.click("bids", BID - 3, modifiers=ALT)
    bench.said.clear()
    refusal = CommandRefused(1, bench.asked[0].id, "NO_LISTS", "No lists today.")
    bench.world.stores.take_event(refusal)
    bench.rest(0.1)
    assert bench.said == ["No lists today."]
    assert bench.canvas.pictures[bench.canvas.rows.row_at(BID - 3)].buys is None


def test_the_bracket_in_use_stands_on_the_ladder_and_is_changed_in_its_window(bench, qtbot):
    top = bench.panel.top
    assert top.bracket.text() == "Alt −20/+40 t"
    qtbot.mouseClick(top.bracket, LEFT)
    popup = bench.panel.brackets._popup
    assert popup.isVisible()
    assert not popup.isModal()
    popup.name.setEditText("Wide")
    popup.unit.setCurrentIndex(1)
    popup.stop.setFocus()
    popup.stop.lineEdit().selectAll()
    qtbot.keyClicks(popup.stop, "0.5")
    popup.target.lineEdit().selectAll()
    qtbot.keyClicks(popup.target, "1.25")
    popup.level.setCurrentIndex(2)
    assert "stop 63,889.5 target 65,013.0" in popup.note.text().replace("\n", " ")
    qtbot.mouseClick(popup.keep, LEFT)
    QApplication.processEvents()
    bench.rest()
    assert top.bracket.text() == "Alt −0.50/+1.25 %"
    assert bench.panel.brackets._popup is None
    bench.arm()
    bench.click("bids", BID - 3, modifiers=ALT)
    _, stop, target = bench.orders or bench.asked[0].orders
    assert (stop.stop_price, target.price) == (BID - 3 - 642, BID - 3 + 1605)


def test_a_second_press_opens_no_second_window_and_a_second_keep_keeps_once(bench, qtbot):
    button = bench.panel.top.bracket
    qtbot.mouseClick(button, LEFT)
    popup = bench.panel.brackets._popup
    popup.name.setEditText("Mine")
    for _ in range(2):
        qtbot.mouseDClick(button, LEFT)
        qtbot.mouseClick(button, LEFT)
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        assert bench.panel.brackets._popup is popup
        assert bench.panel.findChildren(BracketPopup) == [popup]
    assert popup.name.currentText() == "Mine", "what was typed is still there"
    changes = []
    bench.panel.brackets.changed.connect(lambda: changes.append(1))
    qtbot.mouseClick(popup.keep, LEFT)
    qtbot.mouseDClick(popup.keep, LEFT)
    assert changes == [1]
    assert not popup.isVisible()
    # at once again, before the closed one is gone
    qtbot.mouseClick(button, LEFT)
    again = bench.panel.brackets._popup
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert bench.panel.findChildren(BracketPopup) == [again]
    assert again.isVisible()
    assert bench.panel.brackets._popup is again
    bench.panel.set_instrument(SHARE.id)
    assert not again.isVisible()
    assert bench.asked == []


def test_a_double_click_with_alt_sends_one_bracket(bench, qtbot):
    bench.arm()
    point = bench.point("bids", BID - 3)
    qtbot.mouseClick(bench.canvas, LEFT, ALT, point)
    qtbot.mouseDClick(bench.canvas, LEFT, ALT, point)
    (one,) = bench.asked
    assert isinstance(one, NewOrderList)


def test_brackets_are_kept_with_the_panel(bench, qtbot):
    qtbot.mouseClick(bench.panel.top.bracket, LEFT)
    popup = bench.panel.brackets._popup
    popup.name.setEditText("Tight")
    popup.stop.set_steps(5)
    popup.target.set_steps(None)
    qtbot.mouseClick(popup.keep, LEFT)
    other = LadderPanel(bench.world.stores, IdMaker("P"), clock=bench.world.clock)
    qtbot.addWidget(other)
    other.restore_state(bench.panel.save_state())
    other.set_account("PAPER")
    other.set_instrument(BTC.id)
    assert other.top.bracket.text() == "Alt −5 t"


def test_escape_or_another_instrument_close_the_window(bench, qtbot):
    for close in (
        lambda popup: qtbot.keyClick(popup, Qt.Key.Key_Escape),
        lambda popup: bench.panel.set_instrument(SHARE.id),
    ):
        qtbot.mouseClick(bench.panel.top.bracket, LEFT)
        popup = bench.panel.brackets._popup
        assert popup is not None
        close(popup)
        qtbot.waitUntil(lambda: bench.panel.brackets._popup is None)


def bracket_orders(world, **changes):
    """A resting entry with its two exits, as the engine tells of them."""
    common = {"list_id": "L", "contingency": Contingency.BRACKET}
    world.order("entry", Side.BUY, BID - 2, 50, **common)
    waiting = {"status": OrdStatus.SUSPENDED, "parent": "entry", "held": True, **common, **changes}
    world.order("stop", Side.SELL, 0, 50, ord_type=OrdType.STOP, stop_price=BID - 8, **waiting)
    world.order("target", Side.SELL, BID + 8, 50, **waiting)


def test_exits_are_drawn_joined_and_say_who_holds_them(bench):
    bracket_orders(bench.world)
    bench.rest()
    rows, pictures = bench.canvas.rows, bench.canvas.pictures
    stop, target = pictures[rows.row_at(BID - 8)], pictures[rows.row_at(BID + 8)]
    assert (stop.sells.text, stop.sells.stage.name) == ("S 0.50", "WAITING")
    assert (target.sells.text, target.sells.stage.name) == ("0.50", "WAITING")
    assert "Waits for its entry, held here" in stop.sells.tip
    assert (target.sells_link, pictures[rows.row_at(BID)].sells_link, stop.sells_link) == (2, 3, 1)
    assert pictures[rows.row_at(BID - 9)].sells_link == 0
    assert pictures[rows.row_at(BID - 2)].buys.stage.name == "WORKING"
    assert pictures[rows.row_at(BID - 2)].buys_link == 0
    bracket_orders(bench.world, status=OrdStatus.NEW)
    bench.rest()
    stop = bench.canvas.pictures[rows.row_at(BID - 8)]
    assert stop.sells.stage.name == "HELD"
    assert stop.sells.tip.endswith("Working, held here")


# -- stops by hand -------------------------------------------------------------------------------


def test_a_stop_is_dragged_and_its_change_is_shown_until_it_is_answered(bench):
    order = bench.world.order("a", Side.SELL, 0, 50, ord_type=OrdType.STOP, stop_price=BID - 4)
    bench.rest()
    bench.drag("my_sells", BID - 4, BID - 9)
    (command,) = bench.asked
    assert isinstance(command, ReplaceOrder)
    assert (command.order, command.qty, command.price, command.stop_price) == ("a", 50, 0, BID - 9)
    rows = bench.canvas.rows
    assert bench.canvas.pictures[rows.row_at(BID - 9)].sells.stage.name == "TARGET"
    pending = replace(order, status=OrdStatus.PENDING_REPLACE, pending_stop=BID - 9)
    bench.world.tell(pending)
    bench.rest(0.1)
    assert bench.canvas.pictures[rows.row_at(BID - 9)].sells.stage.name == "TARGET"
    bench.world.tell(replace(order, stop_price=BID - 9))
    bench.rest(0.1)
    assert bench.canvas.pictures[rows.row_at(BID - 9)].sells.text == "S 0.50"
    assert bench.canvas.pictures[rows.row_at(BID - 4)].sells is None


def test_a_stop_beyond_the_market_flashes_and_says_why(bench):
    bench.arm()
    bench.click("asks", ASK + 2, modifiers=SHIFT)
    assert bench.asked == []
    assert bench.canvas.flash == ASK + 2
    assert "must lie below the bid" in bench.said[-1]


def test_a_stop_dragged_beyond_the_market_is_refused(bench):
    bench.world.order("a", Side.SELL, 0, 50, ord_type=OrdType.STOP, stop_price=BID - 4)
    bench.rest()
    bench.drag("my_sells", BID - 4, ASK + 2)
    assert bench.asked == []
    assert "go off at once" in bench.said[-1]


def test_a_partly_filled_order_shows_what_is_left(bench):
    bench.world.order("a", Side.SELL, ASK + 3, 50, cum_qty=20, status=OrdStatus.PARTIALLY_FILLED)
    bench.rest()
    assert bench.canvas.pictures[bench.canvas.rows.row_at(ASK + 3)].sells.text == "0.30"
    assert bench.canvas.pictures[bench.canvas.rows.row_at(ASK + 3)].sells.filled == 40
    assert (
        "Partly filled, 0.20 filled"
        in bench.canvas.pictures[bench.canvas.rows.row_at(ASK + 3)].sells.tip
    )


def test_a_key_held_down_at_mouse_down_mode_still_sends_once(bench):
    press_mode(bench)
    bench.arm()
    bench.click("price", BID - 3)
    for _ in range(5):
        QTest.keyClick(bench.canvas, Qt.Key.Key_B)
    assert len([c for c in bench.asked if isinstance(c, NewOrder)]) == 1


def test_a_halt_stands_over_the_ladder_and_cancels_still_work(bench):
    bench.world.order("a", Side.BUY, BID - 3)
    ticker = bench.world.stores.tickers[BTC.id]
    bench.world.stores.tickers.put(BTC.id, replace(ticker, status=MarketStatus.HALTED))
    before = bench.canvas.grab().toImage()
    bench.panel.flush()
    assert bench.canvas.status == "halted"
    assert bench.canvas.grab().toImage() != before
    bench.click("my_buys", BID - 3, cross=True)
    assert [c.order for c in bench.asked] == ["a"]
    bench.rest()
    assert bench.canvas.status == ""


@pytest.mark.parametrize("width", [244, 340])
@pytest.mark.parametrize("working", [False, True])
def test_a_hint_is_read_whole(bench, width, working):
    bench.panel.resize(width, 600)
    if working:
        bench.world.order("a", Side.BUY, BID - 3)
    bench.rest()
    bench.arm()
    bench.click("asks", ASK + 2, modifiers=SHIFT)
    foot = bench.panel.foot
    assert foot.hint.isVisible()
    assert foot.hint.text() == foot.hint.toolTip() == bench.said[-1]
    inside = foot.hint.fontMetrics().boundingRect(
        foot.hint.rect(), Qt.TextFlag.TextWordWrap, foot.hint.text()
    )
    assert foot.hint.rect().contains(inside)
    assert foot.hint.geometry().intersects(foot.cancel.geometry()) is not working
    assert foot.cancel.isEnabled() is working
    bench.rest(6.1)
    assert not foot.hint.isVisible()
    assert foot.words.text() == "Flat"
    assert foot.words.toolTip() == "Flat"


def test_a_hint_too_long_is_cut_and_whole_under_the_pointer(bench):
    bench.panel.resize(244, 600)
    bench.rest()
    foot, sentence = bench.panel.foot, "a sentence that nobody can end " * 20
    foot.show_hint(sentence, bench.panel.clock.monotonic())
    assert foot.hint.text().endswith("…")
    assert foot.hint.toolTip() == sentence
