"""Words on a button with a menu are never under its arrow."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QMenu

from widgets.menubutton import MenuButton
from widgets.theme import apply_theme


def picture(qtbot, text, arrow, size=None):
    made = MenuButton(arrow=arrow)
    qtbot.addWidget(made)
    made.setText(text)
    made.setMenu(QMenu(made))
    made.resize(size or made.sizeHint())
    return made.grab().toImage()


def columns(one, two):
    """Where two pictures of one size differ."""
    return {
        x
        for x in range(one.width())
        for y in range(one.height())
        if one.pixel(x, y) != two.pixel(x, y)
    }


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_arrow_stands_beside_the_words(qtbot, qapp, theme):
    apply_theme(qapp, theme)
    whole = picture(qtbot, "Today", True)
    empty = picture(qtbot, "", True, whole.size())
    bare = picture(qtbot, "", False, whole.size())
    words, arrow = columns(whole, empty), columns(empty, bare)
    assert words
    assert arrow
    assert max(words) < min(arrow)
    assert max(arrow) < whole.width() - 2


def test_where_no_arrow_is_needed_none_takes_room(qtbot):
    assert picture(qtbot, "»", True).width() == picture(qtbot, "»", False).width() + 12
