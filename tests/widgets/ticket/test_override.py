"""Letting one order pass limits, by mouse and keys, and what the engine makes of it."""

from __future__ import annotations

from decimal import Decimal

import pytest
import shiboken6
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QWidget

from core.model.checks import Violation
from core.model.commands import NewOrder, NewOrderList, Override
from core.model.enums import Contingency, OrdType, Side, TradingState
from core.model.events import LimitUse
from core.model.orders import AccountState
from tests.core.kernel.driver import BUY, Driver
from tests.widgets.ticket_bench import LEFT, Bench
from widgets.ticket.override import OverrideButton, OverrideDialog, wish_of

ABOVE = "70500"
"""A price beyond the collar for who buys."""


@pytest.fixture
def bench(qtbot):
    return Bench(qtbot)


def dialogs():
    return [w for w in QApplication.topLevelWidgets() if isinstance(w, OverrideDialog)]


def opened(bench):
    bench.click(bench.panel.notes.override)
    (dialog,) = [d for d in dialogs() if d.isVisible()]
    return dialog


def fill(bench, dialog, reason="client block", again="client block"):
    for field, text in ((dialog.reason, reason), (dialog.again, again)):
        field.clear()
        bench.qtbot.keyClicks(field, text)


def test_it_is_offered_only_while_a_limit_refuses(bench):
    button = bench.panel.notes.override
    assert not button.isVisible()
    bench.type(bench.fields.price, ABOVE)
    assert not bench.buy.isEnabled()
    assert button.isVisible()
    bench.type(bench.fields.price, "64210")
    assert not button.isVisible()
    halted = AccountState(1, 1, "PAPER", {}, TradingState.HALTED, "killed")
    bench.world.stores.take_event(halted)
    bench.type(bench.fields.price, ABOVE)
    assert not button.isVisible(), "a halt is nobody's to override"


def test_one_order_with_a_reason_typed_twice(bench):
    bench.type(bench.fields.price, ABOVE)
    dialog = opened(bench)
    assert dialog.choice.currentText() == "PAPER BUY 0.01 BTC-USD @ 70,500.0 GTC"
    assert dialog.against.text().startswith("PRICE_COLLAR: Price 70500.0 is ")
    assert not dialog.ok.isEnabled()
    fill(bench, dialog, again="client")
    assert dialog.note.text() == "Type the same reason again."
    assert not dialog.ok.isEnabled()
    fill(bench, dialog)
    bench.type(bench.fields.price, "70600")
    bench.qtbot.mouseClick(dialog.ok, LEFT)
    grant, order = bench.asked
    assert isinstance(grant, Override)
    assert isinstance(order, NewOrder)
    assert (order.side, order.price) == (Side.BUY, 141_000), "as the dialog had it"
    assert grant.order == order.cl_ord_id
    assert grant.id not in ("", grant.order)
    assert grant.codes == ("PRICE_COLLAR",)
    assert (grant.reason, grant.again) == ("client block", "client block")
    assert bench.panel.notes.missing.text() == "Sent; waiting for the engine."
    assert not bench.panel.notes.override.isVisible()


def test_nothing_is_sent_while_an_order_has_no_answer(bench):
    bench.type(bench.fields.price, ABOVE)
    dialog = opened(bench)
    fill(bench, dialog)
    bench.type(bench.fields.price, "64210")
    bench.click(bench.sell)
    sent = list(bench.asked)
    bench.qtbot.mouseClick(dialog.ok, LEFT)
    assert bench.asked == sent
    assert "no answer yet" in bench.panel.notes.message.text()


def test_of_two_one_must_be_chosen(bench):
    five = LimitUse(1, "max_order_qty", "account", "PAPER", Decimal(0), Decimal(5), "lots", "")
    bench.world.stores.take_event(five)
    bench.type(bench.fields.quantity, "0.10")
    bench.type(bench.fields.price, "64210")
    dialog = opened(bench)
    fill(bench, dialog)
    assert dialog.note.text() == "Choose which order is meant."
    assert not dialog.ok.isEnabled()
    bench.qtbot.keyClick(dialog.choice, Qt.Key.Key_End)
    bench.qtbot.mouseClick(dialog.ok, LEFT)
    assert bench.asked[-1].side is Side.SELL


def test_escape_sends_nothing(bench):
    bench.type(bench.fields.price, ABOVE)
    dialog = opened(bench)
    fill(bench, dialog)
    bench.qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert bench.asked == []
    assert not any(d.isVisible() for d in dialogs())


HARD = Violation("MAX_ORDER_QTY", "Too large.", "Make it smaller.")
SOFT = Violation("SELF_TRADE", "Your own.", "Hold.", hard=False)
LOSS = Violation("DAILY_LOSS_LIMIT", "Lost.", "Stop.")
ORDER = NewOrder("", "P", "AAPL.SIM", BUY, OrdType.LIMIT, 6, price=20_000)


def test_what_can_be_asked_for():
    assert wish_of(ORDER, "w", [HARD, SOFT]).against == (HARD, SOFT)
    assert wish_of(ORDER, "w", [HARD, LOSS]) is None
    assert wish_of(ORDER, "w", [SOFT]) is None
    assert wish_of(ORDER, "w", []) is None
    assert wish_of(None, "w", [HARD]) is None
    assert wish_of(NewOrderList("", Contingency.OCO, (ORDER, ORDER)), "w", [HARD]) is None


def test_the_question_goes_with_the_ticket_that_would_send_the_order(qtbot):
    window, other = QWidget(), QWidget()
    qtbot.addWidget(window)
    qtbot.addWidget(other)
    ticket = QWidget(window)
    button = OverrideButton(ticket)
    button.offer({Side.BUY: wish_of(ORDER, "w", [HARD])}, None)
    button.click()
    (dialog,) = dialogs()
    ticket.setParent(other)
    assert dialog.isVisible(), "moved into another window it is the same ticket still"
    shiboken6.delete(ticket)
    assert not shiboken6.isValid(dialog)


@pytest.mark.parametrize("hours", [0, 24], ids=["the present", "a replay of yesterday"])
def test_the_kernel_takes_it(hours):
    d = Driver()
    d.set_limit("max_order_qty", 5)
    wish = wish_of(ORDER, "w", [HARD, SOFT])
    d.apply(wish.override("O-1", "BIG", "client block", d.now + hours * 3_600_000_000_000))
    d.new(BUY, 6, id="BIG")
    assert [r.order.cl_ord_id for r in d.sent()] == ["BIG"]


def test_it_does_not_last_for_ever():
    d = Driver()
    d.set_limit("max_order_qty", 5)
    d.apply(wish_of(ORDER, "w", [HARD]).override("O-1", "BIG", "client block", d.now))
    d.tick(61)
    d.quote()
    d.new(BUY, 6, id="BIG")
    assert not d.sent()
    assert d.order("BIG").code == "MAX_ORDER_QTY"
