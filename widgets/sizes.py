"""Five buttons with sizes: click sets, Shift with click subtracts, right click stores."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSizePolicy, QWidget

from core.model.instruments import Instrument
from core.model.numbers import decimals
from widgets.words import format_number


class SizeButtons(QWidget):
    """A row of size presets.

    Attributes:
        sizes: the presets in lots.

    Signals:
        chosen(object): use this many lots.
        subtracted(object): take this many lots off the size.
        stored(int): the preset of this index should become the size now in the field.
    """

    chosen = Signal(object)
    subtracted = Signal(object)
    stored = Signal(int)

    def __init__(self, count: int = 5, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.sizes: tuple[int, ...] = ()
        self._buttons = [_SizeButton(index, self) for index in range(count)]
        box = QHBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(3)
        for button in self._buttons:
            box.addWidget(button)
            button.pressed_with.connect(self._pressed)

    def set_sizes(self, sizes: Sequence[int], instrument: Instrument) -> None:
        """Show these presets."""
        self.sizes = tuple(sizes)
        for button, lots in zip(self._buttons, sizes, strict=True):
            value = instrument.quantity(lots)
            text = format_number(value, decimals(value))
            button.setText(text)
            button.setAccessibleName(f"Size {text}")
            button.setToolTip(
                f"Click: size {text}.\nShift+click: take {text} off.\n"
                "Right click: keep the size in the field on this button."
            )

    def _pressed(self, index: int, how: str) -> None:
        if not self.sizes:
            return
        if how == "store":
            self.stored.emit(index)
        elif how == "subtract":
            self.subtracted.emit(self.sizes[index])
        else:
            self.chosen.emit(self.sizes[index])


class _SizeButton(QPushButton):
    """One preset. Tells its index and how it was used: ``set``, ``subtract`` or ``store``."""

    pressed_with = Signal(int, str)

    def __init__(self, index: int, parent: QWidget) -> None:
        super().__init__("—", parent)
        self._index = index
        self._shift = False
        self.setAutoDefault(False)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(f"Size preset {index + 1}")
        self.clicked.connect(self._clicked)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.RightButton:
            self.pressed_with.emit(self._index, "store")
            event.accept()
            return
        super().mousePressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        super().mouseReleaseEvent(event)
        self._shift = False

    def _clicked(self) -> None:
        self.pressed_with.emit(self._index, "subtract" if self._shift else "set")
