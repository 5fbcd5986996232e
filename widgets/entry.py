"""Input fields that speak in exact steps: prices in ticks, quantities in lots, never floats."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QValidator,
    QWheelEvent,
)
from PySide6.QtWidgets import QAbstractSpinBox, QWidget

from core.model.numbers import decimals, from_steps
from widgets.colors import mix
from widgets.expressions import ExpressionError, Scope, evaluate
from widgets.theme import tokens
from widgets.words import format_number

BIG_STEPS = 10
"""How many steps Page Up, Page Down and Ctrl with the wheel take."""


class StepSpinBox(QAbstractSpinBox):
    """A field for a whole number of steps, shown as an exact decimal; takes typed expressions.

    What is typed is evaluated at each key, so that a sentence elsewhere can follow, and settled
    on focus-out or Enter. A text that is not an amount stays as it was typed, the field is
    marked, and `error` holds the sentence; `steps` is then None.

    Attributes:
        steps: the amount in steps, or None while empty or wrong.
        error: why the text is not an amount; empty when it is.
        note: how the amount was computed, when it was.
        scope_maker: gives the `Scope` for an expression at this moment.

    Signals:
        changed(): `steps`, `error` or `note` may have changed.
    """

    changed = Signal()

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.steps: int | None = None
        self.error = ""
        self.note = ""
        self.scope_maker: Callable[[], Scope] = self._plain_scope
        self._step = Decimal(1)
        self._maximum = 1 << 62
        self._settled = ""
        self._last_good: int | None = None
        self.setAccessibleName(name)
        self.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.setKeyboardTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.lineEdit().textEdited.connect(self._typed)

    # -- for the owner -----------------------------------------------------------------------

    def set_grid(self, step: Decimal, maximum: int = 1 << 62) -> None:
        """The size of one step, and the most steps allowed. Empties the field if it differs."""
        if step != self._step or maximum != self._maximum:
            self._step, self._maximum = step, maximum
            self.set_steps(None)

    def set_steps(self, steps: int | None) -> None:
        """Show an amount, or nothing. Whatever was being typed is replaced."""
        self._take(steps, "", "")
        self._show()

    @property
    def value(self) -> Decimal | None:
        """The amount as an exact decimal, or None."""
        return None if self.steps is None else from_steps(self.steps, self._step)

    @property
    def settled(self) -> bool:
        """False while something is being typed that focus-out or Enter has yet to settle."""
        return self.lineEdit().text() == self._settled

    def settle(self) -> None:
        """Evaluate what was typed, as focus-out does."""
        if not self.settled:
            self._evaluate()
            if not self.error:
                self._show()

    # -- Qt ----------------------------------------------------------------------------------

    def stepBy(self, steps: int) -> None:
        """Up and down by whole steps, never below one or above the maximum."""
        self.settle()
        if self.error:
            return
        amount = (self.steps or 0) + steps
        self._take(min(max(amount, 1), self._maximum), "", "")
        self._show()

    def stepEnabled(self) -> QAbstractSpinBox.StepEnabledFlag:
        """Both directions, unless read-only or wrong."""
        if self.isReadOnly() or self.error:
            return QAbstractSpinBox.StepEnabledFlag.StepNone
        return (
            QAbstractSpinBox.StepEnabledFlag.StepUpEnabled
            | QAbstractSpinBox.StepEnabledFlag.StepDownEnabled
        )

    def validate(self, text: str, pos: int) -> tuple[QValidator.State, str, int]:
        """Anything may be typed; `settle` judges it."""
        return QValidator.State.Acceptable, text, pos

    def fixup(self, text: str) -> str:
        """Nothing typed is ever replaced by something else."""
        return text

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.settle()
            self.lineEdit().selectAll()
            event.accept()
        elif event.key() == Qt.Key.Key_Space and event.isAutoRepeat():
            event.accept()  # still held from the button that was pressed with it
        elif event.key() == Qt.Key.Key_Escape and not self.settled:
            self.set_steps(self._last_good)
            event.accept()
        elif event.key() in (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown):
            self.stepBy(BIG_STEPS if event.key() == Qt.Key.Key_PageUp else -BIG_STEPS)
            event.accept()
        else:
            super().keyPressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        turns = event.angleDelta().y() or event.angleDelta().x()
        if turns:
            big = event.modifiers() & Qt.KeyboardModifier.ControlModifier
            self.stepBy((1 if turns > 0 else -1) * (BIG_STEPS if big else 1))
        event.accept()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.settle()
        super().focusOutEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.ApplicationPaletteChange:
            self._mark()

    def paintEvent(self, event: QPaintEvent) -> None:
        """A border that can be seen in both themes: grey, accent with the focus, red if wrong."""
        super().paintEvent(event)
        t = tokens()
        color = t.accent if self.hasFocus() else mix(t.dim, t.panel, 0.4)
        if self.error:
            color = t.danger
        painter = QPainter(self)
        painter.setPen(color)
        painter.drawRect(0, 0, self.width() - 1, self.height() - 1)
        painter.end()

    def sizeHint(self) -> QSize:
        """Room for ten digits."""
        hint = super().sizeHint()
        hint.setWidth(self.fontMetrics().horizontalAdvance("0") * 10 + 30)
        return hint

    def minimumSizeHint(self) -> QSize:
        """Room for six digits."""
        hint = super().minimumSizeHint()
        hint.setWidth(self.fontMetrics().horizontalAdvance("0") * 6 + 28)
        return hint

    # -- inside ------------------------------------------------------------------------------

    def _plain_scope(self) -> Scope:
        return Scope(self._step)

    def _typed(self) -> None:
        self._evaluate()

    def _evaluate(self) -> None:
        text = self.lineEdit().text()
        if not text.strip():
            self._take(None, "", "")
            return
        try:
            amount = evaluate(text, self.scope_maker())
        except ExpressionError as error:
            self._take(None, str(error), "")
            return
        if amount.steps > self._maximum:
            most = format_number(from_steps(self._maximum, self._step), decimals(self._step))
            self._take(None, f"“{text.strip()}” is above the largest allowed, {most}.", "")
        else:
            self._take(amount.steps, "", amount.note)

    def _take(self, steps: int | None, error: str, note: str) -> None:
        if (steps, error, note) != (self.steps, self.error, self.note):
            self.steps, self.error, self.note = steps, error, note
            self.setAccessibleDescription(error or note)
            self._mark()
            self.changed.emit()

    def _show(self) -> None:
        value = self.value
        text = "" if value is None else format_number(value, decimals(self._step))
        self._settled = text
        self._last_good = self.steps
        if self.lineEdit().text() != text:
            self.lineEdit().setText(text)

    def _mark(self) -> None:
        palette = QPalette()
        if self.error:
            palette.setColor(QPalette.ColorRole.Text, tokens().danger)
            palette.setColor(QPalette.ColorRole.Base, mix(tokens().danger, tokens().panel, 0.16))
        self.lineEdit().setPalette(palette)
        self.setPalette(palette)
