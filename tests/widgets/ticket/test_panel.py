"""The ticket as a person uses it: real mouse and key events on a shown panel."""

from itertools import pairwise

import pytest
from msgspec.structs import replace
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QTextEdit, QWidget

from core.model.commands import NewOrder
from core.model.enums import Mode, OrdStatus, OrdType, Side, Source, TimeInForce
from core.model.events import CommandRefused
from core.model.ids import IdMaker
from tests.widgets.ticket_bench import LEFT, NONE, Bench
from tests.widgets.trading_world import ASK, BID, BTC, SHARE
from widgets.entry import StepSpinBox
from widgets.theme import apply_theme
from widgets.ticket.panel import TicketPanel


@pytest.fixture
def bench(qtbot):
    return Bench(qtbot)


def test_it_starts_without_a_price_and_cannot_send(bench):
    assert bench.fields.quantity.steps == 1
    assert not bench.buy.isEnabled()
    assert bench.panel.notes.missing.text() == "Enter a price, or click the bid or the ask."
    bench.click(bench.buy)
    assert bench.asked == []


def test_both_buttons_say_the_whole_order_and_send_it_once(bench):
    bench.click(bench.panel.head.bid)
    bench.rest()
    assert bench.buy.sentence == "BUY 0.01 BTC-USD @ 64,210.5 GTC"
    assert bench.sell.accessibleName() == "SELL 0.01 BTC-USD @ 64,210.5 GTC"
    bench.click(bench.sell)
    (order,) = bench.asked
    assert isinstance(order, NewOrder)
    assert (order.side, order.price, order.qty, order.account) == (Side.SELL, BID, 1, "PAPER")
    assert order.cl_ord_id.startswith("P-")
    assert order.source is Source.USER
    assert order.ts == bench.world.clock.wall()


def test_typed_expressions_are_followed_and_settled(bench):
    bench.type(bench.fields.price, "bid+2t")
    bench.type(bench.fields.quantity, "1.5k")
    assert "above the largest allowed, 1,000.00" in bench.panel.notes.missing.text()
    bench.type(bench.fields.quantity, "25%")
    assert bench.buy.sentence == "BUY 0.38 BTC-USD @ 64,211.5 GTC"
    bench.fields.price.setFocus()
    assert bench.fields.price.lineEdit().text() == "64,211.5"
    assert "25 % of 100,000.00 USD" in bench.fields._notes[bench.fields.quantity].text()


def test_a_wrong_field_keeps_its_text_and_shuts_the_buttons(bench):
    bench.type(bench.fields.price, "64210.3")
    bench.fields.quantity.setFocus()
    assert bench.fields.price.lineEdit().text() == "64210.3"
    sentence = "“64210.3”: 64210.3 is not a multiple of 0.5."
    assert bench.fields._notes[bench.fields.price].text() == sentence
    assert bench.panel.notes.missing.text() == sentence
    assert not bench.buy.isEnabled()
    bench.click(bench.buy)
    assert bench.asked == []


def test_a_hard_rule_shuts_the_button_and_names_the_number(bench):
    bench.type(bench.fields.price, "70500")
    assert not bench.buy.isEnabled()
    assert bench.sell.isEnabled()
    assert bench.reason(Side.BUY).startswith("PRICE_COLLAR: Price 70500.0 is 9.79 % above")
    assert bench.reason(Side.SELL) == ""


def test_a_soft_rule_asks_to_hold(bench, qtbot):
    bench.world.order("mine", Side.SELL, ASK + 2)
    bench.type(bench.fields.price, "ask+2t")
    assert bench.buy.hold
    assert bench.reason(Side.BUY).startswith("SELF_TRADE")
    bench.click(bench.buy)
    assert bench.asked == []
    qtbot.mousePress(bench.buy, LEFT)
    bench.world.clock.forward(0.7)
    QTest.qWait(60)
    assert bench.asked == []
    qtbot.mouseRelease(bench.buy, LEFT)
    bench.world.clock.forward(0.2)
    QTest.qWait(60)
    assert bench.asked == []
    qtbot.mousePress(bench.buy, LEFT)
    bench.world.clock.forward(0.81)
    qtbot.waitUntil(lambda: len(bench.asked) == 1)
    qtbot.mouseRelease(bench.buy, LEFT)
    assert len(bench.asked) == 1
    assert bench.asked[0].confirmed == ("SELF_TRADE",)
    assert not bench.buy._timer.isActive()


# -- accidents: no second order, no order unseen -------------------------------------------------


def test_a_double_click_sends_once(bench, qtbot):
    bench.click(bench.panel.head.bid)
    bench.rest()
    qtbot.mouseClick(bench.buy, LEFT)
    bench.world.accept(bench.asked[0])
    bench.panel.flush()
    qtbot.mouseDClick(bench.buy, LEFT)
    qtbot.mouseRelease(bench.buy, LEFT)
    assert len(bench.asked) == 1


def test_the_buttons_are_shut_until_the_answer_or_two_seconds(bench):
    bench.click(bench.panel.head.bid)
    bench.rest()
    bench.click(bench.buy)
    bench.rest(0.5)
    assert not bench.buy.isEnabled()
    assert not bench.sell.isEnabled()
    bench.click(bench.sell)
    assert len(bench.asked) == 1
    assert bench.panel.notes.missing.text() == "Sent; waiting for the engine."
    bench.world.accept(bench.asked[0])
    bench.rest(0.1)
    assert bench.sell.isEnabled()
    bench.click(bench.panel.head.ask)
    bench.rest(0.5)
    bench.click(bench.sell)
    assert len(bench.asked) == 2
    bench.rest(2.1)
    assert bench.buy.isEnabled()


def test_the_same_order_again_within_ten_seconds_must_be_held(bench):
    bench.click(bench.panel.head.bid)
    bench.rest()
    bench.click(bench.buy)
    bench.world.accept(bench.asked[0])
    bench.rest()
    assert bench.buy.hold
    assert bench.reason(Side.BUY).startswith("DUPLICATE_ORDER")
    bench.click(bench.buy)
    assert len(bench.asked) == 1
    bench.rest(10)
    assert not bench.buy.hold


def test_a_press_right_after_the_sentence_changed_only_flashes(bench):
    bench.click(bench.panel.head.bid)
    bench.rest()
    bench.click(bench.panel.head.ask)
    bench.click(bench.buy)
    assert bench.asked == []
    assert bench.buy.flashing
    bench.rest(0.4)
    assert not bench.buy.flashing
    bench.click(bench.buy)
    assert [order.price for order in bench.asked] == [ASK]


def test_an_order_that_changes_while_pressed_is_not_sent(bench, qtbot):
    bench.click(bench.panel.head.bid)
    bench.rest()
    qtbot.mousePress(bench.buy, LEFT)
    bench.fields.price.set_steps(BID - 5)
    qtbot.mouseRelease(bench.buy, LEFT)
    assert bench.asked == []


def test_letting_go_outside_sends_nothing(bench, qtbot):
    bench.click(bench.panel.head.bid)
    bench.rest()
    qtbot.mousePress(bench.buy, LEFT)
    qtbot.mouseRelease(bench.buy, LEFT, NONE, QPoint(-20, -20))
    assert bench.asked == []


def test_a_key_held_down_sends_once(bench):
    bench.click(bench.panel.head.bid)
    bench.rest()
    bench.buy.setFocus()
    QTest.keyPress(bench.buy, Qt.Key.Key_Return)
    for kind in (QEvent.Type.KeyRelease, QEvent.Type.KeyPress) * 10:
        again = QKeyEvent(kind, Qt.Key.Key_Return, NONE, "\r", True)
        QApplication.sendEvent(bench.buy, again)
    assert bench.asked == []
    QTest.keyRelease(bench.buy, Qt.Key.Key_Return)
    assert len(bench.asked) == 1


def test_another_symbol_clears_the_draft_and_sends_nothing(bench, qtbot):
    draft = NewOrder("", "PAPER", BTC.id, Side.BUY, OrdType.LIMIT, 50, BID - 3)
    bench.panel.take_draft(draft)
    bench.rest()
    qtbot.mousePress(bench.buy, LEFT)
    bench.panel.set_instrument(SHARE.id)
    qtbot.mouseRelease(bench.buy, LEFT)
    bench.click(bench.buy)
    assert bench.asked == []
    assert bench.panel.draft is None
    assert bench.fields.price.steps is None


def test_stale_prices_shut_the_buttons(bench):
    bench.click(bench.panel.head.bid)
    bench.rest()
    bench.world.clock.forward(6)
    bench.panel.flush()
    assert not bench.buy.isEnabled()
    assert bench.reason(Side.BUY).startswith("STALE_MARKET_DATA")
    assert bench.panel.head.stale.text() == "stale 6.0 s"


def test_a_lost_engine_shuts_the_buttons_and_its_return_tells_what_it_does_not_know(bench):
    bench.click(bench.panel.head.bid)
    bench.rest()
    bench.click(bench.buy)
    bench.world.stores.connected = False
    bench.world.stores.connection_text = "The engine is being restarted."
    bench.panel.flush()
    assert not bench.sell.isEnabled()
    assert "restarted" in bench.reason(Side.SELL)
    bench.world.connect()
    bench.rest()
    assert "knows nothing of the last order" in bench.panel.notes.message.text()
    assert len(bench.asked) == 1


# -- drafts, answers, choices --------------------------------------------------------------------


def test_a_draft_fills_the_fields_and_is_marked(bench):
    draft = NewOrder("", "PAPER", BTC.id, Side.SELL, OrdType.STOP, 30, 0, BID - 3)
    bench.panel.take_draft(draft)
    assert bench.asked == []
    assert bench.sell.drafted
    assert not bench.buy.drafted
    assert bench.sell.sentence == "SELL 0.30 BTC-USD stop 64,209.0 GTC"
    assert bench.panel.head.badge.isVisible()
    bench.click(bench.panel.head.badge)
    assert bench.panel.draft is None
    assert bench.fields.stop.steps is None
    assert not bench.panel.head.badge.isVisible()


def test_a_sent_draft_is_a_draft_no_more(bench):
    bench.panel.take_draft(NewOrder("", "PAPER", BTC.id, Side.BUY, OrdType.LIMIT, 50, BID - 3))
    bench.rest()
    bench.click(bench.buy)
    assert bench.panel.draft is None
    assert [order.price for order in bench.asked] == [BID - 3]


def test_a_draft_for_another_instrument_goes_there_or_is_dropped_with_a_word(bench):
    bench.world.quote(20_000, 20_001, instrument=SHARE)
    bench.panel.take_draft(NewOrder("", "PAPER", SHARE.id, Side.BUY, OrdType.LIMIT, 5, 20_000))
    assert bench.panel.instrument == SHARE.id
    assert bench.buy.sentence == "BUY 5 ACME @ 200.00 GTC"
    bench.panel.take_draft(NewOrder("", "PAPER", "NO.SUCH", Side.BUY, OrdType.LIMIT, 5, 5))
    assert bench.said == ["The engine does not know NO.SUCH; the draft was dropped."]


def test_what_became_of_it_stands_in_the_ticket(bench):
    bench.click(bench.panel.head.bid)
    bench.rest()
    bench.click(bench.buy)
    bench.world.deny(bench.asked[0], "MAX_POSITION", "Too much.")
    bench.rest(0.1)
    message = bench.panel.notes.message
    assert message.text() == "Refused: BUY 0.01 BTC-USD @ 64,210.5 GTC. MAX_POSITION: Too much."
    bench.click(bench.panel.head.ask)
    bench.rest()
    bench.click(bench.sell)
    assert message.text() == ""
    bench.world.accept(bench.asked[1])
    bench.rest(0.1)
    assert message.text() == "Taken: SELL 0.01 BTC-USD @ 64,211.0 GTC"
    bench.click(bench.panel.head.bid)
    bench.rest(11)
    bench.click(bench.buy)
    bench.world.stores.take_event(CommandRefused(1, bench.asked[2].cl_ord_id, "X", "No journal."))
    bench.rest(0.1)
    assert message.text() == "No journal."


def test_only_what_venue_and_instrument_have_can_be_chosen(bench):
    limits = replace(SHARE, order_types=(OrdType.LIMIT,), tifs=(TimeInForce.GTC,))
    bench.world.stores.instruments.put(limits.id, limits)
    bench.panel.set_instrument(SHARE.id)
    model = bench.fields.kind.model()
    kinds = {kind: model.item(index) for index, kind in enumerate(OrdType)}
    assert kinds[OrdType.LIMIT].isEnabled()
    assert not kinds[OrdType.STOP].isEnabled()
    assert "takes no market orders in ACME, which a stop" in kinds[OrdType.STOP].toolTip()
    assert kinds[OrdType.STOP_LIMIT].isEnabled()
    assert "only while the engine runs" in kinds[OrdType.STOP_LIMIT].toolTip()
    tifs = {tif: bench.fields.tif.model().item(i) for i, tif in enumerate(TimeInForce)}
    assert not tifs[TimeInForce.FOK].isEnabled()
    assert tifs[TimeInForce.FOK].toolTip() == "SIM takes no FOK orders in ACME."
    assert tifs[TimeInForce.DAY].isEnabled()
    assert tifs[TimeInForce.GTC].toolTip() == "Good till cancelled"
    assert bench.fields.post_only.isEnabled()
    bench.fields.choose_type(OrdType.MARKET)
    assert not bench.fields.post_only.isEnabled()
    assert bench.fields.post_only.toolTip() == "Post-only needs a limit order."


def test_a_type_that_the_next_instrument_has_not_is_left(bench):
    bench.fields.choose_type(OrdType.STOP)
    limits = replace(SHARE, order_types=(OrdType.LIMIT,))
    bench.world.stores.instruments.put(limits.id, limits)
    bench.panel.set_instrument(SHARE.id)
    assert bench.fields.form().ord_type is OrdType.LIMIT


def test_prices_are_shown_that_the_type_has(bench):
    assert bench.fields.price.isVisible()
    assert not bench.fields.stop.isVisible()
    bench.fields.choose_type(OrdType.STOP_LIMIT)
    assert bench.fields.price.isVisible()
    assert bench.fields.stop.isVisible()
    bench.fields.choose_type(OrdType.MARKET)
    assert not bench.fields.price.isVisible()
    bench.rest()
    assert bench.buy.sentence == "BUY 0.01 BTC-USD at market GTC"


def test_size_presets_set_the_quantity_and_are_kept(bench, qtbot):
    buttons = bench.fields.sizes._buttons
    qtbot.mouseClick(buttons[3], LEFT)
    assert bench.fields.quantity.steps == 10
    qtbot.mouseClick(buttons[1], LEFT, Qt.KeyboardModifier.ShiftModifier)
    assert bench.fields.quantity.steps == 8
    qtbot.mouseClick(buttons[4], Qt.MouseButton.RightButton)
    bench.fields.choose_tif(TimeInForce.IOC)
    state = bench.panel.save_state()
    assert state["presets"] == {BTC.id: ["0.01", "0.02", "0.05", "0.10", "0.08"]}
    other = TicketPanel(bench.world.stores, IdMaker("P"), clock=bench.world.clock)
    qtbot.addWidget(other)
    other.restore_state(state)
    other.set_instrument(BTC.id)
    assert other.fields.sizes.sizes == (1, 2, 5, 10, 8)
    assert other.fields.form().tif is TimeInForce.IOC
    other.restore_state({"type": 5, "tif": "NEVER", "presets": ["x"]})
    assert other.fields.form().tif is TimeInForce.IOC


def test_it_wants_the_quote_only(bench):
    assert bench.panel.wants() == {"quotes": {BTC.id}}


def test_every_control_has_a_name(bench):
    for widget in bench.panel.findChildren(QWidget):
        if widget.focusPolicy() != Qt.FocusPolicy.NoFocus and not isinstance(widget, QTextEdit):
            parent = widget.parent()
            assert widget.accessibleName() or parent.accessibleName(), widget


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("width", [262, 420])
def test_nothing_is_cut_off(qtbot, theme, width):
    apply_theme(QApplication.instance(), theme, points=9)
    bench = Bench(qtbot, mode=Mode.LIVE, width=width)
    assert bench.panel.minimumSizeHint().width() <= 262
    bench.click(bench.panel.head.bid)
    bench.rest()
    image = bench.panel.grab().toImage()
    frame = image.pixelColor(1, image.height() // 2)
    assert frame == bench.panel.head.word.grab().toImage().pixelColor(2, 8)
    for button in (bench.panel.head.bid, bench.panel.head.ask, *bench.fields.sizes._buttons):
        assert button.fontMetrics().horizontalAdvance(button.text()) < button.width()
    draft = replace(bench.panel.buttons[Side.BUY].order, cl_ord_id="")
    assert draft.price == BID


def test_buttons_stand_still_while_words_come_and_go(bench):
    bench.panel.resize(260, bench.panel.minimumSizeHint().height())
    bench.type(bench.fields.price, "64210")
    places = {side: button.geometry() for side, button in bench.buttons.items()}
    bench.type(bench.fields.price, "90000")
    assert "PRICE_COLLAR" in bench.reason(Side.BUY)
    assert {side: button.geometry() for side, button in bench.buttons.items()} == places
    assert bench.panel.notes.reasons[Side.BUY].toolTip().endswith(bench.reason(Side.BUY))


def test_what_ended_unfilled_is_not_told_as_taken(bench):
    """A venue may refuse, and an order that must trade at once may end, after it was accepted."""
    said = []
    for status, text in (
        (OrdStatus.CANCELED, "Not at once."),
        (OrdStatus.REJECTED, "Post-only: the order would trade at once."),
    ):
        bench.click(bench.panel.head.bid)
        bench.rest(11)
        bench.click(bench.buy)
        order = bench.world.accept(bench.asked[-1])
        bench.rest(0.1)
        assert bench.panel.notes.message.text().startswith("Taken: ")
        bench.world.tell(replace(order, status=status, text=text))
        bench.rest(0.1)
        said.append(bench.panel.notes.message.text())
    assert said == [
        "Cancelled: BUY 0.01 BTC-USD @ 64,210.5 GTC. Not at once.",
        "Refused: BUY 0.01 BTC-USD @ 64,210.5 GTC. Post-only: the order would trade at once.",
    ]


@pytest.mark.parametrize("by", ["mouse", "key"])
def test_after_an_order_the_keyboard_stays_in_the_ticket(bench, by):
    # without care the keyboard goes on to the panel beside it, whose letters mean other things
    bench.click(bench.panel.head.bid)
    bench.rest()
    if by == "mouse":
        bench.click(bench.buy)
    else:
        bench.buy.setFocus()
        bench.qtbot.keyClick(bench.buy, Qt.Key.Key_Space)
    assert len(bench.asked) == 1
    assert not bench.buy.isEnabled()
    assert bench.fields.quantity.hasFocus()
    line = bench.fields.quantity.lineEdit()
    assert line.selectedText() == line.text()


def test_a_button_that_shuts_by_itself_leaves_the_keyboard_in_the_ticket(bench):
    bench.click(bench.panel.head.bid)
    bench.rest()
    bench.sell.setFocus()
    bench.world.clock.forward(60)
    bench.panel.flush()
    assert not bench.sell.isEnabled()
    assert bench.fields.quantity.hasFocus()


def test_in_a_narrow_window_the_instrument_is_whole_beside_a_draft(bench):
    bench.panel.resize(190, 520)
    head = bench.panel.head
    before = head.bid.mapTo(bench.panel, QPoint()).y()
    head.show_draft(True)
    QApplication.processEvents()
    assert head.badge.isVisible()
    assert head.symbol.width() >= head.symbol.fontMetrics().horizontalAdvance(head.symbol.text())
    assert head.badge.height() >= head.badge.fontMetrics().height()
    assert head.bid.mapTo(bench.panel, QPoint()).y() == before, "no field moves"


def test_in_a_low_window_no_line_beneath_the_buttons_is_cut_or_covered(bench):
    bench.panel.resize(230, 420)
    before = bench.panel.buttons[Side.BUY].geometry()
    sentence = "The same order was sent less than 10 s ago. Hold to send it again. " * 2
    labels = (
        bench.panel.notes.reasons[Side.BUY],
        bench.panel.notes.previews[Side.BUY],
        bench.panel.notes.message,
    )
    for label in labels:
        label.setText(sentence)
        label.show()
    for _ in range(3):  # a layout's request is answered by another
        QApplication.processEvents()
    for label in labels:
        assert label.height() >= label.heightForWidth(label.width())
    for above, below in pairwise(labels):
        assert below.geometry().top() > above.geometry().bottom()
    assert bench.panel.buttons[Side.BUY].geometry().top() == before.top()


def test_what_speaks_against_one_side_leaves_the_others_figures_their_room(bench):
    bench.panel.resize(240, 640)
    bench.click(bench.panel.head.bid)
    bench.panel.notes.reasons[Side.SELL].setText(
        "SELL: INSUFFICIENT_BUYING_POWER: too little of it."
    )
    bench.panel.notes.reasons[Side.SELL].show()
    for _ in range(3):
        QApplication.processEvents()
    buy, sell = (bench.panel.notes.previews[side] for side in Side)
    assert abs(buy.width() - sell.width()) <= 1
    for label in (buy, sell):
        assert label.height() >= label.heightForWidth(label.width())


def test_what_speaks_against_both_sides_is_said_once(bench):
    bench.click(bench.panel.head.bid)
    bench.world.clock.forward(60)
    bench.panel.flush()
    first, second = (bench.panel.notes.reasons[side] for side in Side)
    assert first.text().startswith("BUY and SELL: STALE_MARKET_DATA: ")
    assert second.text() == ""
    assert second.isHidden()


@pytest.mark.parametrize("kind", [OrdType.LIMIT, OrdType.PEGGED, OrdType.TRAILING_STOP_LIMIT])
def test_in_a_low_window_the_fields_are_scrolled_never_squeezed(bench, kind):
    bench.panel.resize(240, 260)
    bench.fields.choose_type(kind)
    bench.fields.bracket.setChecked(True)
    for _ in range(3):
        QApplication.processEvents()
    shown = [w for w in bench.fields.findChildren(StepSpinBox) if w.isVisible()]
    assert len(shown) > 2
    for field in (bench.fields.kind, bench.fields.tif, *shown):
        assert field.height() >= field.minimumSizeHint().height(), field.accessibleName()
    buy = bench.panel.buttons[Side.BUY]
    assert bench.panel.rect().contains(buy.geometry()), "the buttons stay in sight"
    last = shown[-1]
    last.setFocus()
    QApplication.processEvents()
    view = bench.fields.parentWidget()
    top = last.mapTo(view, QPoint()).y()
    assert 0 <= top <= view.height() - last.height(), "so does the field that has the keyboard"
