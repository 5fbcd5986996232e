"""A dialog that asks for a name and says what is wrong with it while it is typed."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QLineEdit, QVBoxLayout, QWidget

from widgets.border import draw_border

_Problem = Callable[[str], str]
"""What is wrong with a name, as a sentence; empty when nothing is."""


class NameDialog(QDialog):
    """Asks for a name; nothing waits for the answer.

    Args:
        title: what the window says on top.
        what: whose name it is, for who listens to the screen: ``workspace``.
        name: the name to begin with.
        check: asked after each letter.
        choose: takes the name; the dialog stays open when it finds something wrong.
        parent: the window to stay above.
        about: a sentence or two above the name.
    """

    def __init__(
        self,
        title: str,
        what: str,
        name: str,
        check: _Problem,
        choose: _Problem,
        parent: QWidget,
        about: str = "",
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(title)
        self._problem_of, self._choose = check, choose
        self.name = QLineEdit(name, self)
        self.name.setAccessibleName(f"Name of the {what}")
        self.name.selectAll()
        self.name.textChanged.connect(self._check)
        self.problem = QLabel(self)
        self.problem.setAccessibleName("What is wrong with the name")
        self.problem.setWordWrap(True)
        self.problem.setMinimumHeight(2 * self.fontMetrics().lineSpacing())
        self.buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel, self
        )
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        if about:
            sentence = QLabel(about, self)
            sentence.setWordWrap(True)
            layout.addWidget(sentence)
        for widget in (self.name, self.problem, self.buttons):
            layout.addWidget(widget)
        self.resize(400, self.sizeHint().height())

    def accept(self) -> None:
        """Take the name, or stay open and say why not."""
        problem = self._choose(self.name.text())
        self.problem.setText(problem)
        if not problem:
            super().accept()

    def paintEvent(self, event: QPaintEvent) -> None:
        """With a line around it."""
        super().paintEvent(event)
        draw_border(self)

    def _check(self, text: str) -> None:
        problem = self._problem_of(text)
        self.problem.setText(problem)
        self.buttons.button(QDialogButtonBox.StandardButton.Ok).setEnabled(not problem)
