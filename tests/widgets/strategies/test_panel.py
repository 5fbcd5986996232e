"""The strategies panel as a person uses it: real mouse and key events on a shown panel."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest
from msgspec.structs import replace
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel, QPushButton

from core.model.commands import (
    AnswerDraft,
    NewOrder,
    NewOrderList,
    SetStrategyMode,
    SetStrategyParams,
)
from core.model.enums import Contingency, OrdType, Side, Source, StrategyMode
from core.model.events import CommandRefused, Draft, StrategyState
from core.model.ids import IdMaker
from core.model.orders import Position
from tests.widgets.trading_world import BID, BTC, World
from widgets.strategies.drafts import BOUNCE_SECONDS
from widgets.strategies.panel import StrategiesPanel
from widgets.strategies.params import RUNS, TAKEN, WAITING
from widgets.strategies.row import PositionQuestion
from widgets.strategies.texts import breakable
from widgets.theme import apply_theme

LEFT = Qt.MouseButton.LeftButton
OFF, ADVISE, AUTO = StrategyMode.OFF, StrategyMode.ADVISE, StrategyMode.AUTO
PARAMS = {"interval": "5s", "fast": "5", "slow": "20", "quantity": "0.05", "short": "True"}
LONG = (
    "StrategyError: /home/someone/very/long/path/to/strategies/mean_reversion_of_pairs_v2.py does "
    "not load: ModuleNotFoundError: No module named 'a_module_with_an_extraordinarily_long_name' "
    "(mean_reversion_of_pairs_v2.py, line 12). <b>not bold</b>"
)


class Bench:
    """A shown panel, the engine's side of it, and what the panel asked for."""

    def __init__(self, qtbot, width=400):
        self.qtbot = qtbot
        self.world = World()
        self.panel = StrategiesPanel(self.world.stores, IdMaker("P"))
        self.asked = []
        self.panel.requested.connect(self.asked.append)
        qtbot.addWidget(self.panel)
        self.panel.resize(width, 640)
        self.panel.show()
        self.panel.activateWindow()
        self.state = StrategyState(
            1, "crossover", "crossover", BTC.id, "PAPER", OFF, params=dict(PARAMS)
        )
        self.tell()

    @property
    def row(self):
        return self.panel.rows["crossover"]

    def tell(self, **changes):
        """The engine says how the strategy stands."""
        self.state = replace(self.state, ts=self.state.ts + 1, **changes)
        self.take(self.state)

    def take(self, *events):
        for event in events:
            self.world.stores.take_event(event)
        self.flush()

    def flush(self):
        self.panel.flush()
        QApplication.processEvents()

    def draft(self, name="D-1", seconds=30.0, why="SMA 5 crossed above SMA 20", **changes):
        """The strategy proposes an order; returns its card."""
        order = NewOrder(
            name, "PAPER", BTC.id, Side.BUY, OrdType.LIMIT, 5, BID,
            source=Source.STRATEGY, strategy="crossover",
        )  # fmt: skip
        expires = time.time_ns() + int(seconds * 1e9)
        self.take(Draft(1, name, "crossover", replace(order, **changes), why, expires))
        return self.panel.cards[name]

    def position(self, qty, strategy="crossover", cost=None):
        self.take(
            Position(
                1, 1, "PAPER", BTC.id, qty, qty * BID if cost is None else cost, 0, Decimal(0),
                strategy, abs(qty), 0,
            )
        )  # fmt: skip

    def click(self, widget):
        self.qtbot.mouseClick(widget, LEFT)
        QApplication.processEvents()

    def refuse(self, text):
        self.take(CommandRefused(1, self.asked[-1].id, "NO", text))


@pytest.fixture
def bench(qtbot):
    return Bench(qtbot)


def test_a_click_asks_and_the_engine_decides(bench):
    bench.click(bench.row.buttons[ADVISE])
    (command,) = bench.asked
    assert isinstance(command, SetStrategyMode)
    assert (command.strategy, command.mode, command.on_position) == ("crossover", ADVISE, "keep")
    assert "waiting for the engine" in bench.row.health.text()
    bench.world.quote()
    bench.flush()
    assert "waiting for the engine" in bench.row.health.text()
    bench.tell(mode=ADVISE, health="running", pid=1)
    assert "waiting" not in bench.row.health.text()
    assert "running" in bench.row.health.text()
    assert bench.row.buttons[ADVISE].isChecked()
    bench.click(bench.row.buttons[ADVISE])
    assert len(bench.asked) == 1  # it is there already


def test_a_refused_switch_goes_back_and_says_why(bench):
    bench.click(bench.row.buttons[AUTO])
    bench.refuse("The engine is reconciling; try again in a moment.")
    assert bench.row.buttons[OFF].isChecked()
    assert "reconciling" in bench.row.words.text()
    assert "waiting" not in bench.row.health.text()
    bench.click(bench.row.buttons[AUTO])
    bench.tell(mode=AUTO, health="running")
    assert "reconciling" not in bench.row.words.text()


def test_a_strategy_that_failed_again_at_once_does_not_wait(bench):
    bench.tell(health="failed", last_error="No.")
    bench.click(bench.row.buttons[AUTO])
    assert "waiting" in bench.row.health.text()
    bench.tell(health="failed", last_error="No.")
    assert "waiting" not in bench.row.health.text()
    assert bench.row.buttons[OFF].isChecked()


@pytest.mark.parametrize("answer", ["keep", "flatten", "hand_over"])
def test_off_asks_about_a_position(bench, answer):
    bench.tell(mode=AUTO, health="running")
    bench.position(5)
    bench.click(bench.row.buttons[OFF])
    assert bench.asked == []
    assert bench.row.buttons[AUTO].isChecked()
    (question,) = bench.row.findChildren(PositionQuestion)
    bench.click(question.findChild(QPushButton, answer))
    (command,) = bench.asked
    assert (command.mode, command.on_position) == (OFF, answer)


def test_the_question_holds_nothing_up_and_is_asked_once(bench):
    bench.tell(mode=AUTO, health="running")
    bench.position(5)
    bench.click(bench.row.buttons[OFF])
    (question,) = bench.row.findChildren(PositionQuestion)
    assert not question.isModal(), "the kill switch stays within reach"
    (said,) = (label.text().replace("\u200b", "") for label in question.findChildren(QLabel))
    assert f"holds +0.05 {BTC.id} in" in said
    assert said.endswith("Until you choose it stays Auto.")
    bench.click(bench.row.buttons[OFF])
    assert [q for q in bench.row.findChildren(PositionQuestion) if q.isVisible()] != [question]
    assert len([q for q in bench.row.findChildren(PositionQuestion) if q.isVisible()]) == 1
    bench.click(bench.row.buttons[ADVISE])
    QApplication.processEvents()
    assert not [q for q in bench.row.findChildren(PositionQuestion) if q.isVisible()]
    assert bench.asked[-1].mode is ADVISE


def test_off_does_not_ask_without_a_position(bench):
    bench.tell(mode=AUTO, health="running")
    bench.position(5, strategy="")
    bench.click(bench.row.buttons[OFF])
    assert not bench.row.findChildren(PositionQuestion)
    assert bench.asked[0].mode is OFF


def test_a_question_that_is_closed_changes_nothing(bench):
    bench.tell(mode=AUTO, health="running")
    bench.position(5)
    bench.click(bench.row.buttons[OFF])
    (question,) = bench.row.findChildren(PositionQuestion)
    question.reject()
    QApplication.processEvents()
    assert bench.asked == []
    assert bench.row.buttons[AUTO].isChecked()


def test_position_profit_and_what_is_done_by_hand(bench):
    bench.tell(mode=AUTO, health="running")
    bench.position(5, cost=5 * (BID - 10))
    bench.position(12, strategy="", cost=12 * BID)
    assert "pos +0.05" in bench.row.figures.text()
    # five lots of 0.01 that are up ten ticks of 0.5
    assert "+0.25" in bench.row.figures.text()
    assert bench.row.by_hand.text() == "By hand, besides it: +0.07 held"
    bench.world.order("own", Side.SELL, BID + 50)
    bench.flush()
    assert bench.row.by_hand.text() == "By hand, besides it: +0.07 held, 1 order"


def test_state_is_a_word_and_a_colour_and_the_last_words_are_plain(bench):
    bench.tell(mode=AUTO, health="running", last_signal="a < b & c")
    assert bench.row.words.text() == "a < b & c"
    bench.tell(mode=OFF, health="failed", last_error=LONG)
    assert "failed" in bench.row.health.text()
    assert "<b>not bold</b>" in bench.row.words.text().replace("\u200b", "")
    assert bench.row.words.textFormat() is Qt.TextFormat.PlainText


@pytest.mark.parametrize("width", [160, 200, 280, 400])
def test_long_texts_wrap_and_never_widen_the_panel(qtbot, width):
    bench = Bench(qtbot, width)
    bench.tell(mode=OFF, health="failed", last_error=LONG)
    bench.draft(why=LONG)
    bench.click(bench.row.params)
    bench.click(bench.row.form.apply)
    inside = bench.row.parentWidget()
    assert inside.width() <= width
    assert inside.minimumSizeHint().width() <= width
    for child in (*bench.row.findChildren(QPushButton), *bench.row.findChildren(QLabel)):
        if child.isVisible():
            right = child.mapTo(bench.panel, child.rect().topRight()).x()
            assert right <= width, child.text()


def test_a_draft_is_accepted_by_enter_and_skipped_by_esc(bench):
    first, second = bench.draft("D-1"), bench.draft("D-2")
    first.setFocus()
    bench.qtbot.keyClick(first, Qt.Key.Key_Return)
    bench.qtbot.keyClick(first, Qt.Key.Key_Return)
    second.setFocus()
    bench.qtbot.keyClick(second, Qt.Key.Key_Escape)
    assert [(c.draft, c.accept) for c in bench.asked] == [("D-1", True), ("D-2", False)]
    assert all(isinstance(c, AnswerDraft) for c in bench.asked)
    assert "crossover" in first.why.text()


def test_a_draft_goes_when_it_is_answered_and_can_not_be_accepted_late(bench):
    card = bench.draft("D-1")
    late = bench.draft("D-2", seconds=-1)
    assert late.left.text() == "0 s"
    bench.click(late.accept)
    bench.qtbot.keyClick(late, Qt.Key.Key_Return)
    assert bench.asked == []
    bench.take(replace(card.draft, answer="expired"))
    assert list(bench.panel.cards) == ["D-2"]
    assert card.isHidden()


def test_a_card_shows_the_stop_and_the_target(bench):
    card = bench.draft("D-1")
    assert "Stop" not in card.sentence.text()
    entry = card.draft.order
    stop = replace(
        entry, cl_ord_id="D-3", side=Side.SELL, ord_type=OrdType.STOP, price=0, stop_price=BID - 100
    )
    target = replace(entry, cl_ord_id="D-4", side=Side.SELL, price=BID + 100)
    entry = replace(entry, cl_ord_id="D-2")
    whole = NewOrderList("L-1", Contingency.BRACKET, (entry, stop, target))
    bench.take(replace(card.draft, draft="D-2", order=entry, whole=whole))
    card = bench.panel.cards["D-2"]
    assert "Stop 64,160.5 · Target 64,260.5" in card.sentence.text()
    assert card.accessibleName().endswith("Stop 64,160.5 · Target 64,260.5")
    other = replace(whole, contingency=Contingency.OCO)
    bench.take(replace(card.draft, draft="D-5", whole=other))
    assert "SELL 0.05 BTC-USD" in bench.panel.cards["D-5"].sentence.text()


def test_an_answered_card_hands_the_keys_on(bench):
    first, second = bench.draft("D-1"), bench.draft("D-2")
    first.setFocus()
    bench.qtbot.keyClick(first, Qt.Key.Key_Return)
    assert second.hasFocus()
    bench.qtbot.keyClick(second, Qt.Key.Key_Return)  # bounced: meant for the card before
    assert [c.draft for c in bench.asked] == ["D-1"]
    bench.qtbot.waitUntil(lambda: second._since + BOUNCE_SECONDS < time.monotonic())
    bench.qtbot.keyClick(second, Qt.Key.Key_Return)
    assert [c.draft for c in bench.asked] == ["D-1", "D-2"]
    assert bench.row.buttons[OFF].hasFocus()


def test_a_card_that_expires_under_the_keys_gives_them_to_the_row(bench):
    first, second = bench.draft("D-1"), bench.draft("D-2")
    first.accept.setFocus()
    bench.take(replace(first.draft, answer="expired"))
    assert not second.has_keys
    assert bench.row.buttons[OFF].hasFocus()


def test_a_draft_that_expired_is_told_in_its_row_until_the_next(bench):
    bench.tell(mode=ADVISE, health="running", last_signal="SMA 5 crossed above SMA 20")
    card = bench.draft("D-1")
    at = 1_750_000_000_000_000_000
    bench.take(replace(card.draft, answer="expired", expires=at))
    words = bench.row.words.text().replace("\u200b", "")
    assert words == "SMA 5 crossed above SMA 20\nsignal expired 15:06:40 UTC"
    card = bench.draft("D-2")
    assert "expired" not in bench.row.words.text()
    bench.take(replace(card.draft, answer="skipped"))
    assert "expired" not in bench.row.words.text()


@pytest.mark.parametrize("width", [160, 180, 220, 260, 300, 360])
def test_the_switch_figures_and_answers_are_whole_at_any_width(qtbot, width):
    bench = Bench(qtbot, width)
    bench.tell(mode=AUTO, health="running")
    bench.position(5, cost=5 * (BID - 10_000))
    card = bench.draft()
    QApplication.processEvents()
    bench.flush()
    bold = bench.row.fontMetrics()
    for button in (*bench.row.buttons.values(), bench.row.params, card.accept, card.skip):
        assert button.mapTo(bench.panel, button.rect().topLeft()).x() >= 0
        assert button.mapTo(bench.panel, button.rect().topRight()).x() <= width
        assert button.width() > bold.horizontalAdvance(button.text().replace("&", ""))
    figures = bench.row.figures
    assert figures.mapTo(bench.panel, figures.rect().topRight()).x() <= width
    assert figures.height() >= figures.heightForWidth(figures.width())


def test_everything_is_taken_anew_after_a_reconnect(bench):
    bench.draft()
    bench.world.connect()
    bench.flush()
    assert not bench.panel.cards
    assert not bench.panel.rows
    bench.tell()
    assert list(bench.panel.rows) == ["crossover"]


def test_parameters_are_shown_changed_and_taken(bench):
    bench.row.buttons[OFF].setFocus()
    bench.qtbot.keyClick(bench.row.buttons[OFF], Qt.Key.Key_F2)
    form = bench.row.form
    assert form.isVisible()
    assert {name: field.text() for name, field in form.fields.items()} == PARAMS
    fast = form.fields["fast"]
    assert fast.accessibleName() == "crossover: fast"
    fast.setText("7")
    bench.tell(last_signal="anything")
    assert fast.text() == "7"  # nobody types over the trader
    bench.qtbot.keyClick(fast, Qt.Key.Key_Return)
    (command,) = bench.asked
    assert isinstance(command, SetStrategyParams)
    assert (command.strategy, command.params) == ("crossover", {"fast": "7"})
    assert form.message.text() == WAITING
    bench.qtbot.keyClick(fast, Qt.Key.Key_Return)
    assert len(bench.asked) == 1
    bench.tell(params=PARAMS | {"fast": "7"})
    assert form.message.text() == TAKEN
    assert "fast = 7" in bench.row.name.toolTip()
    bench.qtbot.keyClick(fast, Qt.Key.Key_Escape)
    assert form.isHidden()
    assert not bench.row.params.isChecked()


def test_a_refusal_stands_in_the_form_and_what_was_typed_stays(bench):
    bench.click(bench.row.params)
    form = bench.row.form
    form.fields["fast"].setText("fast")
    bench.click(form.apply)
    bench.refuse("Crossover: Expected `int`, got `str` - at `$.fast`")
    assert "Expected `int`" in form.message.text()
    assert form.fields["fast"].text() == "fast"
    assert form.apply.isEnabled()


def test_parameters_are_read_only_while_it_runs(bench):
    bench.tell(mode=ADVISE, health="running")
    bench.click(bench.row.params)
    form = bench.row.form
    assert form.message.text() == RUNS
    assert not form.apply.isEnabled()
    assert form.fields["fast"].isReadOnly()
    bench.qtbot.keyClick(form.fields["fast"], Qt.Key.Key_Return)
    assert bench.asked == []
    bench.tell(mode=OFF, health="stopped")
    assert form.apply.isEnabled()
    assert form.message.isHidden()


def test_nothing_changed_is_not_sent(bench):
    bench.click(bench.row.params)
    bench.click(bench.row.form.apply)
    assert bench.asked == []
    assert "Nothing" in bench.row.form.message.text()


def test_a_strategy_without_parameters_says_so(bench):
    bench.tell(params={})
    bench.click(bench.row.params)
    assert bench.row.form.message.text() == "It has no parameters."
    assert not bench.row.form.apply.isEnabled()


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_both_themes_draw(qtbot, qapp, theme):
    apply_theme(qapp, theme)
    bench = Bench(qtbot)
    bench.tell(mode=ADVISE, health="running", last_signal="SMA 5 crossed above SMA 20")
    bench.draft()
    image = bench.panel.grab().toImage()
    colours = {image.pixel(x, y) for x in range(0, 400, 7) for y in range(0, 640, 7)}
    assert len(colours) > 3


def test_breakable_texts_lose_nothing():
    assert breakable(LONG).replace("\u200b", "") == LONG
    assert max(map(len, breakable("x" * 100).split("\u200b"))) <= 24


def test_without_the_engine_nothing_is_said_to_run_and_nothing_can_be_accepted(bench):
    bench.tell(mode=ADVISE, health="running")
    card = bench.draft()
    assert "running" in bench.row.health.text()
    bench.world.stores.connected = False
    bench.flush()
    assert "engine not connected" in bench.row.health.text()
    assert "running" not in bench.row.health.text()
    assert not any(b.isEnabled() for b in bench.row.buttons.values())
    bench.click(card.accept)
    bench.qtbot.keyClick(card, Qt.Key.Key_Return)
    assert bench.asked == []
    bench.world.stores.connected = True
    bench.flush()
    assert "running" in bench.row.health.text()
    bench.click(card.accept)
    assert [type(c) for c in bench.asked] == [AnswerDraft]
