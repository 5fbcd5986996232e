"""Themes, colours, sizes: switched while running, readable in both."""

from __future__ import annotations

import re
from itertools import product

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QImage, QPalette
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel

from app.settings import SettingsFile
from widgets.colors import contrast, readable_on
from widgets.theme import DARK, LIGHT, UP_DOWN, apply_theme, tokens

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
TEXTS = ("text", "dim", "accent", "up", "down", "bid", "ask", "warning", "danger", "good")
GROUNDS = ("window", "panel", "raised")


@pytest.mark.parametrize(("theme", "text", "ground"), list(product((DARK, LIGHT), TEXTS, GROUNDS)))
def test_every_text_reads_on_every_ground(theme, text, ground):
    assert contrast(getattr(theme, text), getattr(theme, ground)) >= 4.5


@pytest.mark.parametrize(
    ("theme", "mode"), list(product((DARK, LIGHT), ("paper", "replay", "live")))
)
def test_the_mode_s_word_reads_on_its_colour(theme, mode):
    colour = getattr(theme, mode)
    ink = readable_on(colour, QColor("white"), QColor("black"))
    assert contrast(ink, colour) >= 4.5


@pytest.mark.parametrize("name", ["dark", "light"])
def test_what_is_selected_and_disabled_reads_too(qapp, name):
    apply_theme(qapp, name)
    palette, role = qapp.palette(), QPalette.ColorRole
    chosen = contrast(palette.color(role.HighlightedText), palette.color(role.Highlight))
    assert chosen >= 4.5
    grey = palette.color(QPalette.ColorGroup.Disabled, role.ButtonText)
    assert contrast(grey, palette.color(role.Button)) >= 4.5


def grounds(picture: QImage) -> set[str]:
    """Colours that cover much of a picture."""
    counts: dict[str, int] = {}
    for x in range(0, picture.width(), 7):
        for y in range(0, picture.height(), 7):
            name = picture.pixelColor(x, y).name()
            counts[name] = counts.get(name, 0) + 1
    total = sum(counts.values())
    return {name for name, count in counts.items() if count > total / 25}


def test_the_theme_changes_both_ways_without_restart(terminal, qtbot):
    t = terminal()
    t.settings.values.theme = "dark"
    t.window.look.apply()
    t.connect()
    t.quote()
    for theme in (LIGHT, DARK, LIGHT):
        QTest.keyClick(t.window, Qt.Key.Key_D, CTRL | SHIFT)
        assert tokens().dark is theme.dark
        t.frame()
        qtbot.wait(30)  # the change goes round all widgets
        other = DARK if theme is LIGHT else LIGHT
        strangers = {getattr(other, g).name() for g in GROUNDS}
        for widget in (
            t.window,
            t.window.menu_bar,
            t.window.topbar,
            t.window.status,
            *t.window.docks.panels.values(),
        ):
            if widget.isVisible():
                seen = grounds(widget.grab().toImage())
                assert not seen & strangers, (widget.objectName(), seen & strangers)
        assert SettingsFile(t.data / "settings").values.theme == ("dark" if theme.dark else "light")


def test_coloured_words_follow_the_theme(terminal, qtbot):
    t = terminal()
    t.settings.values.theme = "dark"
    t.window.look.apply()
    t.connect()
    t.quote()
    for theme in (LIGHT, DARK, LIGHT):
        QTest.keyClick(t.window, Qt.Key.Key_D, CTRL | SHIFT)
        qtbot.wait(30)
        t.frame()
        other = DARK if theme is LIGHT else LIGHT
        own, strange = (
            {getattr(x, f).name() for f in x.__slots__ if f != "dark"} for x in (theme, other)
        )
        assert theme.good.name() in t.window.status.connection.text()
        assert theme.paper.name() in t.window.topbar.mode.styleSheet()
        for bar in (t.window.status, t.window.topbar):
            for label in bar.findChildren(QLabel):
                said = set(re.findall(r"#[0-9a-f]{6}", label.text() + label.styleSheet()))
                said.add(label.palette().color(QPalette.ColorRole.WindowText).name())
                assert not said & (strange - own), (label.accessibleName(), said)


def test_up_and_down_are_chosen_in_the_menu(terminal):
    t = terminal()
    t.settings.values.theme = "dark"
    for choice, swap in UP_DOWN.items():
        t.window.actions_by_id[f"colours.{choice}"].trigger()
        up, down = swap or ("up", "down")
        assert tokens().up == getattr(DARK, up)
        assert tokens().down == getattr(DARK, down)
        checked = [c for c in UP_DOWN if t.window.actions_by_id[f"colours.{c}"].isChecked()]
        assert checked == [choice]
    assert SettingsFile(t.data / "settings").values.up_down == "blue/orange"
    titles = [a.text() for a in t.window.menu_bar.actions()]
    view = t.window.menu_bar.actions()[titles.index("&View")].menu()
    assert any(a.text() == "&Colours" and a.menu() for a in view.actions())


def test_text_grows_shrinks_and_comes_back(terminal):
    t = terminal()
    usual = round(QApplication.font().pointSizeF())
    height = t.window.panel("orders").view.verticalHeader().defaultSectionSize()
    for _ in range(4):
        QTest.keyClick(t.window, Qt.Key.Key_Plus, CTRL)
    assert QApplication.font().pointSize() == usual + 4
    assert t.window.panel("orders").view.verticalHeader().defaultSectionSize() > height
    QTest.keyClick(t.window, Qt.Key.Key_Minus, CTRL)
    assert QApplication.font().pointSize() == usual + 3
    assert SettingsFile(t.data / "settings").values.font_points == usual + 3
    t.settings.values.font_points = 7
    t.window.look.apply()
    for _ in range(3):
        t.window.look.resize_text(-1)
    assert QApplication.font().pointSize() == 6
    t.settings.values.font_points = 31
    t.window.look.apply()
    for _ in range(3):
        t.window.look.resize_text(1)
    assert QApplication.font().pointSize() == 32
    QTest.keyClick(t.window, Qt.Key.Key_0, CTRL)
    assert round(QApplication.font().pointSizeF()) == usual


def test_the_system_s_theme_is_followed_when_chosen(terminal):
    t = terminal()
    t.window.actions_by_id["view.theme_system"].trigger()
    assert SettingsFile(t.data / "settings").values.theme == "system"
    t.window.look.on_system_theme()
    scheme = QApplication.styleHints().colorScheme()
    assert tokens().dark is (scheme is not Qt.ColorScheme.Light)


def test_an_unknown_theme_names_the_known_ones(qapp):
    with pytest.raises(ValueError, match="dark, light"):
        apply_theme(qapp, "pink")
    with pytest.raises(ValueError, match="blue/orange"):
        apply_theme(qapp, "dark", "pink/purple")
