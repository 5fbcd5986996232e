from decimal import Decimal

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QKeyEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QLineEdit, QVBoxLayout, QWidget

from widgets.entry import StepSpinBox
from widgets.expressions import Scope


@pytest.fixture
def box(qtbot):
    holder = QWidget()
    layout = QVBoxLayout(holder)
    spin, other = StepSpinBox("Price", holder), QLineEdit(holder)
    layout.addWidget(spin)
    layout.addWidget(other)
    spin.other = other
    qtbot.addWidget(holder)
    spin.set_grid(Decimal("0.5"), 1_000_000)
    spin.scope_maker = lambda: Scope(Decimal("0.5"), {"bid": Decimal(100)}, None, "100.5")
    holder.show()
    holder.activateWindow()
    spin.setFocus()
    spin.holder = holder
    return spin


def wheel(spin, up, modifiers=Qt.KeyboardModifier.NoModifier):
    event = QWheelEvent(
        QPointF(5, 5),
        QPointF(5, 5),
        QPoint(),
        QPoint(0, 120 if up else -120),
        Qt.MouseButton.NoButton,
        modifiers,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(spin, event)


def test_keys_and_wheel_go_by_exact_steps(qtbot, box):
    box.set_steps(10)
    assert box.lineEdit().text() == "5.0"
    qtbot.keyClick(box, Qt.Key.Key_Up)
    assert (box.steps, box.value) == (11, Decimal("5.5"))
    qtbot.keyClick(box, Qt.Key.Key_PageDown)
    assert box.steps == 1
    qtbot.keyClick(box, Qt.Key.Key_Down)
    assert box.steps == 1
    wheel(box, True)
    assert box.steps == 2
    wheel(box, True, Qt.KeyboardModifier.ControlModifier)
    assert box.lineEdit().text() == "6.0"
    box.set_steps(1_000_000)
    wheel(box, True)
    assert box.steps == 1_000_000


def test_typing_is_followed_at_each_key_and_settled_on_leaving(qtbot, box):
    changes = []
    box.changed.connect(lambda: changes.append(box.steps))
    qtbot.keyClicks(box, "bid+2t")
    assert box.steps == 202
    assert not box.settled
    assert box.lineEdit().text() == "bid+2t"
    box.other.setFocus()
    assert box.lineEdit().text() == "101.0"
    assert box.settled
    assert changes[-1] == 202


def test_a_wrong_text_stays_and_is_marked(qtbot, box):
    box.set_steps(20)
    box.lineEdit().selectAll()
    qtbot.keyClicks(box, "10.3")
    qtbot.keyClick(box, Qt.Key.Key_Return)
    box.other.setFocus()
    assert box.lineEdit().text() == "10.3"
    assert box.steps is None
    assert box.error == "“10.3”: 10.3 is not a multiple of 0.5."
    assert box.accessibleDescription() == box.error
    qtbot.keyClick(box, Qt.Key.Key_Up)
    assert box.lineEdit().text() == "10.3"
    box.setFocus()
    qtbot.keyClick(box, Qt.Key.Key_Escape)
    assert (box.steps, box.error) == (20, "")
    assert box.lineEdit().text() == "10.0"


def test_beyond_the_largest_is_wrong(qtbot, box):
    qtbot.keyClicks(box, "600k")
    assert "largest allowed, 500,000.0" in box.error


def test_an_emptied_field_is_empty_and_not_wrong(qtbot, box):
    box.set_steps(20)
    box.lineEdit().selectAll()
    qtbot.keyClick(box, Qt.Key.Key_Delete)
    assert (box.steps, box.error) == (None, "")


def test_another_grid_empties_the_field(box):
    box.set_steps(20)
    box.set_grid(Decimal("0.5"), 1_000_000)
    assert box.steps == 20
    box.set_grid(Decimal("0.01"), 1_000_000)
    assert box.steps is None
    assert box.lineEdit().text() == ""


def test_a_space_that_is_still_held_from_a_button_types_nothing(box):
    box.set_steps(5)
    text = box.lineEdit().text()
    none = Qt.KeyboardModifier.NoModifier
    held = QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_Space, none, " ", True)
    QApplication.sendEvent(box, held)
    assert box.lineEdit().text() == text
