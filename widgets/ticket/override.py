"""Letting one order pass limits that refuse it: named, with a reason that is typed twice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QFormLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from core.model.checks import Violation
from core.model.commands import NewOrder, NewOrderList, Override
from core.model.enums import Mode, Side
from core.model.limits import OVERRIDABLE
from widgets.answers import answers
from widgets.modeframe import ModeFrame


class Wish(NamedTuple):
    """An order without an id, its sentence, and all that speaks against it."""

    order: NewOrder
    words: str
    against: tuple[Violation, ...]

    def override(self, name: str, order: str, reason: str, ts: int) -> Override:
        """The command, to be sent before the order with the id `order`; its own is `name`."""
        codes = tuple(dict.fromkeys(v.code for v in self.against if v.hard))
        # Its end is the engine's to reckon: in a replay that has another time.
        return Override(name, order, codes, 0, reason, reason, ts=ts)


def wish_of(
    order: NewOrder | NewOrderList | None, words: str, against: Iterable[Violation]
) -> Wish | None:
    """What can be asked for; None: nothing refuses the order, or something that stays."""
    found = tuple(against)
    hard = [v.code for v in found if v.hard]
    if isinstance(order, NewOrder) and hard and OVERRIDABLE.issuperset(hard):
        return Wish(order, words, found)
    return None


class OverrideButton(QPushButton):
    """Stands beneath the reasons while an override could let an order pass.

    Signals:
        agreed(object, str): the `Wish` and the reason.
    """

    agreed = Signal(object, str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__("&Override…", parent)
        self.setAccessibleName("Override the limits that refuse the order")
        self.setToolTip("Let this one order pass; the reason is typed twice and kept")
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._wishes: dict[Side, Wish] = {}
        self._mode: Mode | None = None
        self.clicked.connect(self._open)
        self.hide()

    def offer(self, wishes: Mapping[Side, Wish | None], mode: Mode | None) -> None:
        """What could be asked for on each side now."""
        self._wishes = {side: wish for side, wish in wishes.items() if wish is not None}
        self._mode = mode
        self.setVisible(bool(self._wishes))

    def _open(self) -> None:
        dialog = OverrideDialog(list(self._wishes.values()), self._mode, self)
        dialog.agreed.connect(self.agreed)
        dialog.show()  # not modal: the kill switch stays within reach


class OverrideDialog(QDialog):
    """Asks which order and why. The orders stay as they were when it was opened.

    It goes with its `parent`: without the ticket nobody would send what is agreed here.

    Signals:
        agreed(object, str): the `Wish` and the reason.
    """

    agreed = Signal(object, str)

    def __init__(self, wishes: list[Wish], mode: Mode | None, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Override limits for one order")
        self._wishes = wishes
        frame = ModeFrame(mode, self)
        outside = QVBoxLayout(self)
        outside.setContentsMargins(0, 0, 0, 0)
        outside.addWidget(frame)
        self.choice = QComboBox(self)
        self.choice.setAccessibleName("Which order")
        self.choice.setPlaceholderText("Which order?")
        self.choice.addItems([wish.words for wish in wishes])
        self.choice.setCurrentIndex(0 if len(wishes) == 1 else -1)
        self.choice.currentIndexChanged.connect(self._check)
        frame.body.addWidget(self.choice)
        self.against = QLabel(self)
        self.against.setTextFormat(Qt.TextFormat.PlainText)
        self.against.setWordWrap(True)
        self.against.setAccessibleName("What speaks against the order")
        frame.body.addWidget(self.against)
        self.reason = QLineEdit(self)
        self.reason.setAccessibleName("Reason")
        self.again = QLineEdit(self)
        self.again.setAccessibleName("The same reason again")
        self.note = QLabel(self)
        self.note.setWordWrap(True)
        self.note.setAccessibleName("What will happen")
        buttons, self.ok = answers(self, "&Send with override", self._send)
        form = QFormLayout()
        form.addRow("&Reason", self.reason)
        form.addRow("The same &again", self.again)
        form.addRow(self.note)
        form.addRow(buttons)
        frame.body.addLayout(form)
        self.reason.textChanged.connect(self._check)
        self.again.textChanged.connect(self._check)
        self.resize(460, self.sizeHint().height())
        self._check()
        self.reason.setFocus()

    def _chosen(self) -> Wish | None:
        at = self.choice.currentIndex()
        return self._wishes[at] if at >= 0 else None

    def _check(self) -> None:
        wish, reason = self._chosen(), self.reason.text().strip()
        problem = ""
        if wish is None:
            problem = "Choose which order is meant."
        elif not reason:
            problem = "Type the reason; it is kept in the journal."
        elif self.again.text().strip() != reason:
            problem = "Type the same reason again."
        against = () if wish is None else wish.against
        self.against.setText("\n".join(f"{v.code}: {v.text}" for v in against))
        self.note.setText(
            problem or "Only this order passes, and only these limits, with your reason on record."
        )
        self.ok.setEnabled(not problem)

    def _send(self) -> None:
        wish = self._chosen()
        if wish is not None:
            self.agreed.emit(wish, self.reason.text().strip())
            self.accept()
