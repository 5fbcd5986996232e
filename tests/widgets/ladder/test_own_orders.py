"""One's own orders in the ladder: cancelled, moved, made smaller, listed, by mouse."""

from msgspec.structs import replace
from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QApplication, QLabel

from core.model.commands import CancelAll, CancelOrder, ReplaceOrder
from core.model.enums import (
    OrdStatus,
    Side,
)
from core.model.events import CommandRefused
from tests.widgets.ladder_bench import CTRL, LEFT, MIDDLE
from tests.widgets.trading_world import ASK, BID, BTC, SHARE
from widgets.ladder.popup import OrdersPopup


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
