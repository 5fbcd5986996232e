"""One strategy's row: name, three-way switch, health, own position and profit, last words."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from html import escape

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QFont, QFontMetrics, QKeyEvent, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QButtonGroup,
    QDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from core.client.stores import Stores, position_key
from core.model.enums import StrategyMode
from core.model.events import StrategyState
from core.model.orders import Position
from widgets.border import draw_border
from widgets.strategies.params import ParamsForm
from widgets.strategies.texts import breakable, clock
from widgets.theme import tokens
from widgets.words import NOTHING, format_money, format_qty

MODES = (
    (StrategyMode.OFF, "Off", "Does nothing; its orders are cancelled."),
    (StrategyMode.ADVISE, "Advise", "Proposes orders for you to accept or skip."),
    (StrategyMode.AUTO, "Auto", "Sends orders by itself, within its own limits."),
)

_NARROW = 40
_LONG_NAME = 120
_USUAL_NAME = "crossover"
_USUAL_STATE = "BTC-USD.BETA ● running"
_STEP = 24
_EDGES = 32


class PositionQuestion(QDialog):
    """What becomes of the position of a strategy that is switched off?

    Signals:
        answered(str): ``keep``, ``flatten`` or ``hand_over``; nothing when it was closed.
    """

    answered = Signal(str)

    CHOICES = (
        (
            "keep",
            "&Keep it with the strategy",
            "It stays as it is; the strategy may go on with it.",
        ),
        ("flatten", "&Flatten it", "Its orders are canceled and its position is closed."),
        ("hand_over", "&Hand it over to me", "It becomes yours, at what it cost."),
    )

    def __init__(self, text: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Switch off")
        self.setModal(False)  # the kill switch stays within reach
        layout = QVBoxLayout(self)
        about = QLabel(text, self)
        about.setTextFormat(Qt.TextFormat.PlainText)
        about.setWordWrap(True)
        layout.addWidget(about)
        for answer, label, tip in self.CHOICES:
            button = QPushButton(label, self)
            button.setObjectName(answer)
            button.setToolTip(tip)
            button.clicked.connect(partial(self._choose, answer))
            layout.addWidget(button)

    def paintEvent(self, event: QPaintEvent) -> None:
        """With a line around it."""
        super().paintEvent(event)
        draw_border(self)

    def _choose(self, answer: str, _checked: bool = False) -> None:
        self.answered.emit(answer)
        self.close()


class StrategyRow(QFrame):
    """Shows what the engine says; a click only asks for another mode.

    Signals:
        mode_asked(str, object, str): strategy, `StrategyMode`, what becomes of its position.
        params_asked(str, dict): strategy and its parameters that were typed anew.
    """

    mode_asked = Signal(str, object, str)
    params_asked = Signal(str, dict)

    def __init__(self, strategy: str, stores: Stores, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.strategy = strategy
        self.setObjectName(f"strategy.{strategy}")
        self._stores = stores
        self._asked: StrategyMode | None = None
        self._asked_in: StrategyState | None = None
        self._refusal = ""
        self._expired = ""
        self._params_in: StrategyState | None = None
        self._question: PositionQuestion | None = None
        self._mode = StrategyMode.OFF
        self._plain_figures = ""
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.name = QLabel(strategy, self)
        self.name.setAccessibleName(f"{strategy}: market")
        self.health = QLabel(self)
        self.health.setAccessibleName(f"{strategy}: state")
        self.health.setWordWrap(True)  # the switch must stay in view in a narrow panel
        self.figures = QLabel(self)
        self.figures.setTextFormat(Qt.TextFormat.RichText)
        self.figures.setAccessibleName(f"{strategy}: position and profit")
        self.words = QLabel(self)
        self.words.setAccessibleName(f"{strategy}: last signal or error")
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.by_hand = QLabel(self)
        self.by_hand.setAccessibleName(f"{strategy}: what you do by hand in its market")
        self._group = QButtonGroup(self)
        self._group.setExclusive(True)
        self.buttons: dict[StrategyMode, QPushButton] = {}
        self._switch = QWidget(self)
        switch = QHBoxLayout(self._switch)
        switch.setContentsMargins(0, 0, 0, 0)
        switch.setSpacing(0)
        for mode, label, tip in MODES:
            button = QPushButton(label, self._switch)
            button.setCheckable(True)
            button.setObjectName(f"{strategy}.{mode.value}")
            button.setAccessibleName(f"{strategy}: {label}")
            button.setToolTip(tip)
            button.clicked.connect(partial(self._turn, mode))
            self._group.addButton(button)
            self.buttons[mode] = button
            switch.addWidget(button)
        self.params = QPushButton("…", self)
        self.params.setCheckable(True)
        self.params.setObjectName(f"{strategy}.params")
        self.params.setAccessibleName(f"{strategy}: parameters")
        self.params.setToolTip("Parameters (F2)")
        self.params.clicked.connect(self._show_form)
        self.form: ParamsForm | None = None
        self._narrow: tuple[bool, bool] | None = None
        self._head = QGridLayout()
        self._head.setColumnStretch(0, 1)
        self._head.addWidget(self.name, 0, 0)
        self._head.addWidget(self._switch, 0, 1)
        self._head.addWidget(self.params, 0, 2)
        self._state_line = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._state_line.addWidget(self.health, 1)
        self._state_line.addWidget(self.figures)
        self._layout = layout = QVBoxLayout(self)
        layout.setSpacing(2)
        layout.addLayout(self._head)
        layout.addLayout(self._state_line)
        layout.addWidget(self.words)
        layout.addWidget(self.by_hand)
        for text in (self.name, self.health, self.words, self.by_hand):
            text.setWordWrap(True)
            text.setMinimumWidth(_NARROW)  # a long word must never push the switch out of view
        self._measure()

    def _measure(self) -> None:
        """Give buttons the room of their words, which the style makes wider than need be."""
        bold = QFont(self.font())
        bold.setBold(True)
        metrics = QFontMetrics(bold)
        for button in self.buttons.values():
            button.setFixedWidth(metrics.horizontalAdvance(button.text()) + 14)
        self.params.setFixedWidth(metrics.horizontalAdvance("…") + 12)
        self._arrange()

    def _arrange(self) -> None:
        """Beside each other where there is room, else below each other."""
        room = self.width() - _EDGES
        metrics = self.fontMetrics()
        # bold is a tenth wider; short names are treated alike, so that rows look alike
        name = max(metrics.horizontalAdvance(text) for text in (self.strategy, _USUAL_NAME)) * 1.1
        switch = sum(b.width() for b in (*self.buttons.values(), self.params))
        # of the text on one line, not of the label: its own hint depends on how it is arranged,
        # and an arrangement that follows from itself goes to and fro without end
        figures = metrics.horizontalAdvance(self._plain_figures)
        figures = -(-figures // _STEP) * _STEP  # digits come and go
        state = metrics.horizontalAdvance(_USUAL_STATE) + _STEP
        narrow = (room < min(name, _LONG_NAME) + switch, room < state + figures)
        if narrow == self._narrow:
            return
        self._narrow = narrow
        self._head.removeWidget(self._switch)
        if narrow[0]:
            self._head.addWidget(self._switch, 1, 0, 1, 3, Qt.AlignmentFlag.AlignLeft)
        else:
            self._head.addWidget(self._switch, 0, 1)
        directions = QBoxLayout.Direction
        self._state_line.setDirection(
            directions.TopToBottom if narrow[1] else directions.LeftToRight
        )
        self.figures.setWordWrap(narrow[1])
        self.figures.setMinimumWidth(_NARROW if narrow[1] else 0)
        edge = 4 if narrow[0] else 8
        self._layout.setContentsMargins(edge, 6, edge, 6)
        self.updateGeometry()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Another arrangement at another width."""
        super().resizeEvent(event)
        self._arrange()

    def refresh(self) -> None:
        """Show the newest state."""
        state = self._stores.strategies.get(self.strategy)
        if state is None:
            return
        t = tokens()
        if self._asked is not None and state is not self._asked_in:
            self._asked = None
        self._mode = state.mode
        self.buttons[self._asked or state.mode].setChecked(True)
        for mode, button in self.buttons.items():
            button.setStyleSheet(self._style(mode) if button.isChecked() else "")
        self.name.setText(f"<b>{escape(breakable(state.strategy))}</b>")
        self.name.setToolTip(
            f"{state.kind}\n" + "\n".join(f"{k} = {v}" for k, v in state.params.items())
        )
        if self.form is not None:
            self.form.show_params(state.params, state.mode is StrategyMode.OFF)
            if self.form.waiting and state is not self._params_in:
                self.form.taken()
        # without the engine nobody knows what runs
        connected = self._stores.connected
        health = state.health if connected else "engine not connected"
        colour = t.good if health == "running" else t.dim
        if state.last_error:
            colour = t.danger
        self._switch.setEnabled(connected)
        asked = self._asked is not None and connected
        waiting = " · asked, waiting for the engine" if asked else ""
        dot = f'<span style="color:{colour.name()}">● {health}</span>'
        self.health.setText(f"{escape(breakable(state.instrument))} {dot}{waiting}")
        self.figures.setText(self._figures(state))
        self._arrange()
        wrong = self._refusal or state.last_error
        said = "\n".join(filter(None, (state.last_signal, self._expired)))
        self.words.setStyleSheet(f"color:{(t.danger if wrong else t.dim).name()}")
        self.words.setText(breakable(wrong or said))
        self.words.setVisible(bool(wrong or said))
        self.by_hand.setText(self._by_hand(state))
        self.by_hand.setVisible(bool(self.by_hand.text()))
        self.by_hand.setStyleSheet(f"color:{t.warning.name()}")

    def expired(self, at: int) -> None:
        """Nobody answered its last draft; 0 when there is a newer one."""
        self._expired = f"signal expired {clock(at)}" if at else ""
        self.refresh()

    def focus_switch(self) -> None:
        """Put the keys on the switch, where it stands."""
        self.buttons[self._mode].setFocus(Qt.FocusReason.OtherFocusReason)

    def refused(self, text: str) -> None:
        """The engine did not turn the switch."""
        self._asked = None
        self._refusal = text
        self.refresh()

    def changeEvent(self, event: QEvent) -> None:
        """Show in the new colours, or at the new size."""
        super().changeEvent(event)
        if not hasattr(self, "_layout"):
            return
        if event.type() == QEvent.Type.PaletteChange:
            self.refresh()
        elif event.type() == QEvent.Type.FontChange:
            self._measure()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """F2 shows and hides the parameters."""
        if event.key() == Qt.Key.Key_F2 and not event.isAutoRepeat():
            self.params.click()
        else:
            super().keyPressEvent(event)

    def _style(self, mode: StrategyMode) -> str:
        t = tokens()
        colour = {
            StrategyMode.OFF: t.faint,
            StrategyMode.ADVISE: t.warning,
            StrategyMode.AUTO: t.good,
        }[mode]
        ink = t.text if mode is StrategyMode.OFF else t.window
        return f"background:{colour.name()}; color:{ink.name()}; font-weight:bold;"

    def _figures(self, state: StrategyState) -> str:
        t = tokens()
        instrument = self._stores.instruments.get(state.instrument)
        position = self._stores.positions.get(
            position_key(state.account, state.instrument, state.strategy)
        )
        quantity, profit, colour = "0", NOTHING, t.text
        if instrument is not None and position is not None:
            closed = self._stores.realised_profit(position)
            opened = self._stores.open_profit(position)
            total = None if closed is None or opened is None else closed + opened
            if total is not None:
                colour = t.up if total >= Decimal(0) else t.down
            quantity = format_qty(position.qty, instrument, signed=True)
            profit = format_money(total)
        self._plain_figures = f"pos {quantity} · P&L {profit}"
        return f'pos {quantity} · P&amp;L <span style="color:{colour.name()}">{profit}</span>'

    def _by_hand(self, state: StrategyState) -> str:
        """What the trader has in this market that is not the strategy's: it never touches that."""
        s = self._stores
        instrument = s.instruments.get(state.instrument)
        whole = s.position(state.account, state.instrument)
        if instrument is None:
            return ""
        held = 0 if whole is None else whole.qty
        held -= sum(
            p.qty
            for p in s.positions
            if p.strategy and (p.account, p.instrument) == (state.account, state.instrument)
        )
        orders = sum(not o.strategy for o in s.working_orders(state.instrument, state.account))
        parts = [f"{format_qty(held, instrument, signed=True)} held"] if held else []
        if orders:
            parts.append(f"{orders} order{'s' if orders > 1 else ''}")
        return f"By hand, besides it: {', '.join(parts)}" if parts else ""

    def _show_form(self) -> None:
        if self.form is None:
            self.form = ParamsForm(self.strategy, self)
            self.form.changed.connect(self._on_params)
            self.form.closed.connect(self._hide_form)
            self._layout.addWidget(self.form)
            self.form.show()
        else:
            self.form.setVisible(not self.form.isVisible())
        self.params.setChecked(not self.form.isHidden())
        self.refresh()
        if self.form.isHidden():
            self.params.setFocus()
        elif self.form.fields:
            next(iter(self.form.fields.values())).setFocus()

    def _hide_form(self) -> None:
        if self.form is not None and not self.form.isHidden():
            self._show_form()

    def _on_params(self, strategy: str, params: dict[str, str]) -> None:
        self._params_in = self._stores.strategies.get(strategy)
        self.params_asked.emit(strategy, params)

    def _turn(self, mode: StrategyMode, _checked: bool = False) -> None:
        if mode is self._mode:
            self.refresh()
            return
        state = self._stores.strategies.get(self.strategy)
        position = (
            self._stores.positions.get(
                position_key(state.account, state.instrument, state.strategy)
            )
            if state is not None
            else None
        )
        if self._question is not None:
            self._question.close()
        if mode is StrategyMode.OFF and position is not None and position.qty:
            self.refresh()
            self._question = PositionQuestion(self._question_text(position), self)
            self._question.answered.connect(self._on_answer)
            self._question.finished.connect(self._on_question_gone)
            self._question.show()
            return
        self._ask(mode, "keep")

    def _question_text(self, position: Position) -> str:
        instrument = self._stores.instruments.get(position.instrument)
        quantity = "a position in"
        if instrument is not None:
            quantity = format_qty(position.qty, instrument, signed=True)
        return (
            f"{breakable(self.strategy)} holds {quantity} {breakable(position.instrument)} in"
            f" {breakable(position.account)}. What should become of it? Until you choose it stays"
            f" {self._mode.name.title()}."
        )

    def _on_question_gone(self, _result: int) -> None:
        self._question = None

    def _on_answer(self, answer: str) -> None:
        self._ask(StrategyMode.OFF, answer)

    def _ask(self, mode: StrategyMode, on_position: str) -> None:
        self._asked = mode
        self._asked_in = self._stores.strategies.get(self.strategy)
        self._refusal = ""
        self.mode_asked.emit(self.strategy, mode, on_position)
        self.refresh()
