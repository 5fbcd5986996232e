"""A button that opens a menu, with its arrow beside the words: the style's own covers them."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QSize
from PySide6.QtGui import QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QStyle, QStyleOptionToolButton, QStylePainter, QToolButton, QWidget

_ARROW = 12


class MenuButton(QToolButton):
    """Opens its menu at once. `arrow`: where the words alone do not say that there is one."""

    def __init__(self, parent: QWidget | None = None, arrow: bool = True) -> None:
        super().__init__(parent)
        self._arrow = _ARROW if arrow else 0
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)

    def sizeHint(self) -> QSize:
        """Room for the arrow."""
        return super().sizeHint() + QSize(self._arrow, 0)

    def minimumSizeHint(self) -> QSize:
        """The same."""
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The style's button, with another arrow."""
        option = QStyleOptionToolButton()
        self.initStyleOption(option)
        option.features &= ~QStyleOptionToolButton.ToolButtonFeature.HasMenu
        painter = QStylePainter(self)
        frame = QStyleOptionToolButton(option)
        frame.text = ""
        painter.drawComplexControl(QStyle.ComplexControl.CC_ToolButton, frame)
        option.rect = self.rect().adjusted(0, 0, -self._arrow, 0)
        painter.drawControl(QStyle.ControlElement.CE_ToolButtonLabel, option)
        if self._arrow:
            role = QPalette.ColorRole.ButtonText
            group = QPalette.ColorGroup.Normal if self.isEnabled() else QPalette.ColorGroup.Disabled
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(self.palette().color(group, role), 1.3))
            middle = QPointF(self.width() - self._arrow + 1.5, self.height() / 2 + 1.5)
            for sign in (-1, 1):
                painter.drawLine(middle, middle + QPointF(3 * sign, -3))
        painter.end()
