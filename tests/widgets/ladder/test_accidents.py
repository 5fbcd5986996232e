"""Accidents at the ladder: what nobody meant sends no order."""

from msgspec.structs import replace
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from core.model.enums import (
    LinkState,
    TradingState,
)
from core.model.events import LinkUpdate
from core.model.orders import AccountState
from tests.widgets.ladder_bench import LEFT, NONE
from tests.widgets.trading_world import ASK, BID, BTC
from widgets.ladder.lock import IDLE_LIMIT


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
