"""The ladder's menus: its columns from the header, its habits from the gear."""

from __future__ import annotations

from PySide6.QtCore import QPoint
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QMenu, QWidget

from widgets.ladder.canvas import LadderCanvas
from widgets.ladder.columns import ALWAYS, COLUMNS


def columns_menu(canvas: LadderCanvas, column: str, parent: QWidget) -> QMenu:
    """Which columns are shown, and where `column` stands. Data: (what, column)."""
    menu = QMenu(parent)
    _add_columns(menu, canvas)
    menu.addSeparator()
    for text, by in (("left", -1), ("right", 1)):
        action = menu.addAction(f"Move “{COLUMNS[column].title}” to the {text}")
        action.setData((by, column))
    return _ready(menu)


def gear_menu(canvas: LadderCanvas, parent: QWidget) -> QMenu:
    """When a click sends, the bracket, the columns. Data: (what, column)."""
    menu = QMenu(parent)
    menu.addSection("A click places its order")
    one = QActionGroup(menu)
    for at_press, text, tip in (
        (
            False,
            "when the button is let go in the same cell",
            "Pull the pointer out of the cell before letting go, and nothing is placed.",
        ),
        (
            True,
            "when the button is pressed (mouse-down)",
            "Faster by the length of a click; a slip of the hand cannot be taken back.",
        ),
    ):
        action = menu.addAction(text)
        action.setCheckable(True)
        action.setChecked(canvas.at_press is at_press)
        action.setToolTip(tip)
        action.setData(("at_press", at_press))
        one.addAction(action)
    menu.addSeparator()
    menu.addAction("Bracket of Alt+click…").setData(("bracket", ""))
    menu.addSection("Columns")
    _add_columns(menu, canvas)
    return _ready(menu)


def show_menu(menu: QMenu, point: QPoint) -> None:
    """Open a menu at a global point; it is gone when it is closed."""
    menu.aboutToHide.connect(menu.deleteLater)
    menu.popup(point)


def _add_columns(menu: QMenu, canvas: LadderCanvas) -> None:
    for name in canvas.order:
        action = menu.addAction(COLUMNS[name].title)
        action.setCheckable(True)
        action.setChecked(name not in canvas.hidden)
        action.setEnabled(name not in ALWAYS)
        action.setToolTip(COLUMNS[name].meaning)
        action.setData(("toggle", name))


def _ready(menu: QMenu) -> QMenu:
    menu.setToolTipsVisible(True)
    return menu
