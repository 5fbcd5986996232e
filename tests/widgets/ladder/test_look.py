"""Text is readable on everything it is written on, in both themes and with every up/down choice."""

import pytest
from PySide6.QtCore import QRect
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QApplication

from widgets.colors import contrast, mix
from widgets.ladder.columns import CANCEL_WIDTH, Span
from widgets.ladder.look import Look
from widgets.ladder.paint import RowPainter
from widgets.ladder.picture import Mine, RowPicture, Stage
from widgets.theme import DARK, LIGHT, UP_DOWN, apply_theme

TEXT = 4.5
FADED = 3.0


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("up_down", UP_DOWN)
def test_contrast(qapp, theme, up_down):
    apply_theme(QApplication.instance(), theme, up_down, points=9)
    look = Look(qapp.font())
    for ground in (
        look.panel,
        look.price,
        look.bid_side,
        look.ask_side,
        look.bid_bar,
        look.ask_bar,
    ):
        assert contrast(look.text, ground) >= TEXT
    for text, ground in (
        (look.best_bid_text, look.best_bid),
        (look.best_ask_text, look.best_ask),
        (look.flash_text, look.flash),
        (look.text, look.poc_bar),
        (look.dim, look.head),
        (look.dim, look.panel),
    ):
        assert contrast(text, ground) >= TEXT
    assert contrast(look.dim, look.volume_bar) >= FADED
    assert contrast(look.stale_text, look.panel) >= FADED
    for side, fills in look.own_fill.items():
        for stage, text in look.own_text[side].items():
            assert contrast(text, fills.get(stage, look.panel)) >= TEXT
    apply_theme(QApplication.instance(), "dark", points=9)


def test_condensed_letters_are_narrower(qapp):
    assert Look(qapp.font(), condensed=True).digit < Look(qapp.font()).digit


@pytest.mark.parametrize("text", ["0.004 ×2", "S 0.0041 ×12", "? S 12,345.678 ×3", "0.25", "+105t"])
def test_an_own_size_is_shown_whole_or_not_at_all(qapp, text):
    look = Look(qapp.font(), condensed=True)
    digits = sum(letter.isdigit() for letter in text.partition("×")[0])
    for room in range(8, 90, 3):
        shown, wide, squeeze = look.fit(text, room)
        assert wide * squeeze <= room + 1e-6
        size, _, count = shown.partition("×")
        assert count == text.partition("×")[2], "how many orders there are is always said"
        kept = sum(letter.isdigit() for letter in size)
        assert kept == digits or (kept == 0 and "…" in size), f"{shown} in {room}"
        if "…" not in shown:
            assert squeeze >= 0.65
        assert ("S" in shown, "?" in shown) == ("S" in text, "?" in text)


@pytest.mark.parametrize("width", [34, 44, 56, 72])
def test_an_own_size_leaves_its_cell_nowhere(qapp, width):
    look = Look(qapp.font(), condensed=True)
    image = QImage(width, look.header + look.row_height, QImage.Format.Format_RGB32)
    mine = Mine("S 0.0041 ×2", Stage.TARGET, False)  # its cell is an outline without a fill
    ink = {}
    for text in (mine.text, ""):
        image.fill(QColor("black"))
        painter = QPainter(image)
        rows = RowPainter(painter, look, [Span("my_buys", 0, width)], stale=False)
        rows.rows([RowPicture(buys=mine._replace(text=text))], [0], width)
        painter.end()
        ink[text] = image.copy()
    area = QRect(0, look.header, width, look.row_height - 1)
    differ = [
        x
        for x in range(area.left(), area.right() + 1)
        if any(
            ink[mine.text].pixel(x, y) != ink[""].pixel(x, y)
            for y in range(area.top(), area.bottom() + 1)
        )
    ]
    assert differ
    assert min(differ) >= CANCEL_WIDTH - 1
    assert max(differ) <= width - 2


def test_mixing_is_exact_at_the_ends():
    assert mix(DARK.bid, LIGHT.panel, 1.0) == DARK.bid
    assert mix(DARK.bid, LIGHT.panel, 0.0) == LIGHT.panel
    assert contrast(LIGHT.panel, LIGHT.panel) == 1.0
