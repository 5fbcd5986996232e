"""One strategy's row: name, three-way switch, health, own position and profit, last words."""

from __future__ import annotations

from decimal import Decimal

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import (
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
from widgets.theme import tokens
from widgets.words import NOTHING, format_money, format_qty

MODES = (
    (StrategyMode.OFF, "Off", "Does nothing; its orders are cancelled."),
    (StrategyMode.ADVISE, "Advise", "Proposes orders for you to accept or skip."),
    (StrategyMode.AUTO, "Auto", "Sends orders by itself, within its own limits."),
)


class PositionQuestion(QDialog):
    """What becomes of the position of a strategy that is switched off?

    Signals:
        answered(str): ``keep``, ``flatten`` or ``hand_over``; nothing when it was closed.
    """

    answered = Signal(str)

    CHOICES = (
        ("keep", "&Keep it with the strategy"),
        ("flatten", "&Flatten it"),
        ("hand_over", "&Hand it over to me"),
    )

    def __init__(self, text: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Switch off")
        layout = QVBoxLayout(self)
        layout.addWidget(QLabel(text, self))
        for answer, label in self.CHOICES:
            button = QPushButton(label, self)
            button.setProperty("answer", answer)
            button.clicked.connect(self._on_click)
            layout.addWidget(button)

    def _on_click(self) -> None:
        button = self.sender()
        if button is not None:
            self.answered.emit(str(button.property("answer")))
        self.close()


class StrategyRow(QFrame):
    """Shows what the engine says; a click only asks for another mode.

    Signals:
        mode_asked(str, object, str): strategy, `StrategyMode`, what becomes of its position.
    """

    mode_asked = Signal(str, object, str)

    def __init__(self, strategy: str, stores: Stores, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.strategy = strategy
        self._stores = stores
        self._asked: StrategyMode | None = None
        self._mode = StrategyMode.OFF
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.name = QLabel(strategy, self)
        self.name.setAccessibleName(f"{strategy}: market")
        self.health = QLabel(self)
        self.health.setAccessibleName(f"{strategy}: state")
        self.figures = QLabel(self)
        self.figures.setTextFormat(Qt.TextFormat.RichText)
        self.figures.setAccessibleName(f"{strategy}: position and profit")
        self.words = QLabel(self)
        self.words.setAccessibleName(f"{strategy}: last signal or error")
        self.words.setWordWrap(True)
        self._group = QButtonGroup(self)
        self._group.setExclusive(True)
        self.buttons: dict[StrategyMode, QPushButton] = {}
        switch = QHBoxLayout()
        switch.setSpacing(0)
        for mode, label, tip in MODES:
            button = QPushButton(label, self)
            button.setCheckable(True)
            button.setObjectName(f"{strategy}.{mode.value}")
            button.setAccessibleName(f"{strategy}: {label}")
            button.setToolTip(tip)
            button.setProperty("mode", mode.value)
            button.clicked.connect(self._on_click)
            self._group.addButton(button)
            self.buttons[mode] = button
            button.setMinimumWidth(button.fontMetrics().horizontalAdvance(label) + 20)
            switch.addWidget(button)
        layout = QGridLayout(self)
        layout.setContentsMargins(8, 6, 8, 6)
        layout.setVerticalSpacing(2)
        layout.addWidget(self.name, 0, 0)
        layout.addLayout(switch, 0, 1, Qt.AlignmentFlag.AlignRight)
        layout.addWidget(self.health, 1, 0)
        layout.addWidget(self.figures, 1, 1, Qt.AlignmentFlag.AlignRight)
        layout.addWidget(self.words, 2, 0, 1, 2)
        layout.setColumnStretch(0, 1)

    def refresh(self) -> None:
        """Show the newest state."""
        state = self._stores.strategies.get(self.strategy)
        if state is None:
            return
        t = tokens()
        if state.mode is self._asked or state.last_error:
            self._asked = None
        self._mode = state.mode
        self.buttons[self._asked or state.mode].setChecked(True)
        for mode, button in self.buttons.items():
            button.setStyleSheet(self._style(mode) if button.isChecked() else "")
        self.name.setText(f"<b>{state.strategy}</b>")
        self.name.setToolTip(
            f"{state.kind}\n" + "\n".join(f"{k} = {v}" for k, v in state.params.items())
        )
        colour = t.good if state.health == "running" else t.dim
        if state.last_error:
            colour = t.danger
        waiting = " · asked, waiting for the engine" if self._asked is not None else ""
        dot = f'<span style="color:{colour.name()}">● {state.health}</span>'
        self.health.setText(f"{state.instrument} {dot}{waiting}")
        self.figures.setText(self._figures(state))
        if state.last_error:
            self.words.setText(f'<span style="color:{t.danger.name()}">{state.last_error}</span>')
        else:
            self.words.setText(f'<span style="color:{t.dim.name()}">{state.last_signal}</span>')
        self.words.setVisible(bool(state.last_error or state.last_signal))

    def changeEvent(self, event: QEvent) -> None:
        """Show in the new colours."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "words"):
            self.refresh()

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
        instrument = self._stores.instruments.get(state.instrument)
        position = self._stores.positions.get(
            position_key(state.account, state.instrument, state.strategy)
        )
        if instrument is None or position is None:
            return f"pos 0 · P&amp;L {NOTHING}"
        t = tokens()
        closed = self._stores.realised_profit(position)
        opened = self._stores.open_profit(position)
        total = None if closed is None or opened is None else closed + opened
        colour = t.text if total is None else (t.up if total >= Decimal(0) else t.down)
        quantity = format_qty(position.qty, instrument, signed=True)
        return (
            f"pos {quantity} · P&amp;L "
            f'<span style="color:{colour.name()}">{format_money(total)}</span>'
        )

    def _on_click(self) -> None:
        button = self.sender()
        if button is None:
            return
        mode = StrategyMode(str(button.property("mode")))
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
        if mode is StrategyMode.OFF and position is not None and position.qty:
            self.refresh()
            question = PositionQuestion(
                f"{self.strategy} holds a position. What should become of it?", self
            )
            question.answered.connect(self._on_answer)
            question.open()
            return
        self._ask(mode, "keep")

    def _on_answer(self, answer: str) -> None:
        self._ask(StrategyMode.OFF, answer)

    def _ask(self, mode: StrategyMode, on_position: str) -> None:
        self._asked = mode
        self.mode_asked.emit(self.strategy, mode, on_position)
        self.refresh()
