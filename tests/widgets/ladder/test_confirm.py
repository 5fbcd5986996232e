"""A click that only soft rules spoke against: a second one sends it, and never by accident."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from core.model.commands import NewOrder, NewOrderList
from core.model.denials import CONFIRM, Violation
from core.model.enums import OrdStatus, Side
from tests.widgets.ladder_bench import LEFT, Bench
from tests.widgets.trading_world import BID

SOFT = Violation("SELF_TRADE", "It would trade with your own SELL.", CONFIRM)
PRICE = BID - 3


@pytest.fixture
def bench(qtbot):
    made = Bench(qtbot)
    made.arm()
    return made


def refuse(bench, violation=SOFT, order=None):
    """The engine denies the newest order."""
    order = order or bench.asked[-1]
    bench.world.order(
        order.cl_ord_id,
        order.side,
        order.price,
        qty=order.qty,
        status=OrdStatus.REJECTED,
        code=violation.code,
        text=violation.line(order.cl_ord_id),
    )
    bench.panel.flush()


def asked_about(bench):
    return bench.canvas.question[:2]


def doubt(bench, **more):
    """A click that was refused by a soft rule."""
    bench.click("bids", PRICE, **more)
    refuse(bench)
    assert asked_about(bench) == (PRICE, "SELF_TRADE: click again to send")


def wait(bench, seconds):
    bench.world.clock.forward(seconds)
    bench.panel.flush()


def test_the_same_click_again_sends_it_confirmed(bench):
    doubt(bench)
    wait(bench, 0.6)
    bench.click("bids", PRICE)
    first, second = bench.asked
    assert (first.confirmed, second.confirmed) == ((), ("SELF_TRADE",))
    assert second.cl_ord_id != first.cl_ord_id
    assert (second.side, second.price, second.qty) == (first.side, first.price, first.qty)
    assert asked_about(bench) == (0, "")


def test_a_double_click_or_one_soon_after_sends_nothing(bench):
    doubt(bench)
    QTest.mouseDClick(bench.canvas, LEFT, pos=bench.point("bids", PRICE))
    wait(bench, 0.45)
    bench.click("bids", PRICE)
    assert len(bench.asked) == 1
    assert bench.canvas.flash == PRICE
    assert asked_about(bench)[0] == PRICE, "the question stands"


def test_a_button_that_was_down_before_the_question_answers_nothing(bench):
    bench.click("bids", PRICE)
    wait(bench, 0.3)
    bench.press("bids", PRICE)
    refuse(bench, order=bench.asked[0])
    wait(bench, 0.9)
    bench.release("bids", PRICE)
    assert len(bench.asked) == 1


def test_a_held_key_answers_nothing_and_a_new_press_does(bench):
    bench.canvas.setFocus()
    bench.canvas._set_cursor(bench.canvas.rows.row_at(PRICE), Side.BUY)
    QTest.keyClick(bench.canvas, Qt.Key.Key_B)
    refuse(bench)
    for _ in range(30):
        wait(bench, 0.033)
        again = QKeyEvent(
            QEvent.Type.KeyPress, Qt.Key.Key_B, Qt.KeyboardModifier.NoModifier, "b", True
        )
        QApplication.sendEvent(bench.canvas, again)
    assert len(bench.asked) == 1
    QTest.keyClick(bench.canvas, Qt.Key.Key_B)
    assert bench.asked[1].confirmed == ("SELF_TRADE",)


def test_the_question_goes_after_two_seconds(bench):
    doubt(bench)
    wait(bench, 2.1)
    assert asked_about(bench) == (0, "")
    bench.rest(0.1)
    bench.click("bids", PRICE)
    assert bench.asked[1].confirmed == ()


@pytest.mark.parametrize("other", ["row", "side", "size", "stop"])
def test_another_order_is_no_answer(bench, other):
    doubt(bench)
    wait(bench, 0.6)
    if other == "row":
        bench.click("bids", PRICE - 1)
    elif other == "side":
        bench.click("asks", PRICE)
    elif other == "size":
        bench.panel.top.first.set_steps(20)
        bench.click("bids", PRICE)
    else:
        bench.click("bids", PRICE, button=Qt.MouseButton.RightButton)
    assert all(order.confirmed == () for order in bench.asked)


def test_closing_the_padlock_takes_the_question_away(bench):
    doubt(bench)
    bench.qtbot.mouseClick(bench.panel.top.padlock, LEFT)
    assert asked_about(bench) == (0, "")


def test_hard_rules_ask_nothing(bench):
    bench.click("bids", PRICE)
    refuse(bench, Violation("MAX_ORDER_QTY", "Too large.", "Make it smaller."))
    assert asked_about(bench) == (0, "")


def test_one_soft_rule_after_another(bench):
    doubt(bench)
    wait(bench, 0.6)
    bench.click("bids", PRICE)
    refuse(bench, Violation("DUPLICATE_ORDER", "Third alike.", CONFIRM))
    wait(bench, 0.6)
    bench.click("bids", PRICE)
    assert bench.asked[2].confirmed == ("SELF_TRADE", "DUPLICATE_ORDER")
    refuse(bench, SOFT)
    assert asked_about(bench) == (0, ""), "what was confirmed already is not asked again"


def test_a_bracket_is_asked_about_by_its_entry(bench):
    bench.click("bids", PRICE, modifiers=Qt.KeyboardModifier.AltModifier)
    (whole,) = bench.asked
    assert isinstance(whole, NewOrderList)
    for order in whole.orders[1:]:
        bench.world.order(
            order.cl_ord_id,
            order.side,
            order.price,
            status=OrdStatus.REJECTED,
            code="LIST_REFUSED",
            text=f"LIST_REFUSED: order=x. Another order of its list was refused. {CONFIRM}",
        )
    refuse(bench, order=whole.orders[0])
    wait(bench, 0.6)
    bench.click("bids", PRICE)
    assert isinstance(bench.asked[1], NewOrder)
    assert bench.asked[1].confirmed == (), "a click without the bracket is another order"
    refuse(bench)
    wait(bench, 0.6)
    bench.click("bids", PRICE, modifiers=Qt.KeyboardModifier.AltModifier)
    assert bench.asked[2].orders[0].confirmed == ()
    refuse(bench, order=bench.asked[2].orders[0])
    wait(bench, 0.6)
    bench.click("bids", PRICE, modifiers=Qt.KeyboardModifier.AltModifier)
    assert bench.asked[3].orders[0].confirmed == ("SELF_TRADE",)
    assert len({o.cl_ord_id for each in bench.asked[2:] for o in each.orders}) == 6
