"""The ticket's fields in a window that is too low for them: scrolled, never squeezed."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QApplication, QFrame, QScrollArea, QSizePolicy, QWidget

from widgets.panel import show_through

LINES = 7
"""So many lines of text high are the fields at least, whatever stands beneath them."""


class Fitting(QScrollArea):
    """As high as what is inside as long as there is room, with a scroll bar when there is not.

    The field that has the keyboard is always in sight.
    """

    def __init__(self, inside: QWidget, parent: QWidget) -> None:
        super().__init__(parent)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWidgetResizable(True)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.setWidget(inside)
        show_through(self)
        inside.installEventFilter(self)
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        app.focusChanged.connect(self._follow)

    def sizeHint(self) -> QSize:
        """That of what is inside."""
        return self.widget().sizeHint()

    def minimumSizeHint(self) -> QSize:
        """As wide as what is inside with a scroll bar beside it, and a few lines high."""
        least = self.widget().minimumSizeHint()
        width = least.width() + self.verticalScrollBar().sizeHint().width()
        return QSize(width, min(least.height(), LINES * self.fontMetrics().lineSpacing()))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Fields come and go: ask for the room that they need now."""
        done = super().eventFilter(watched, event)
        if event.type() == QEvent.Type.LayoutRequest:
            self.updateGeometry()
        return done

    def resizeEvent(self, event: QResizeEvent) -> None:
        """With less room than before, too."""
        super().resizeEvent(event)
        self._follow(None, QApplication.focusWidget())

    def _follow(self, _old: QWidget | None, new: QWidget | None) -> None:
        if new is not None and self.widget().isAncestorOf(new):
            # not `ensureWidgetVisible`, which is content with the line of the cursor
            for corner in (new.rect().topLeft(), new.rect().bottomLeft()):
                self.ensureVisible(0, new.mapTo(self.widget(), corner).y(), 0, 2)
