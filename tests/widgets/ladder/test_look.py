"""Text is readable on everything it is written on, in both themes and with every up/down choice."""

import pytest
from PySide6.QtWidgets import QApplication

from widgets.colors import contrast, mix
from widgets.ladder.look import Look
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


def test_mixing_is_exact_at_the_ends():
    assert mix(DARK.bid, LIGHT.panel, 1.0) == DARK.bid
    assert mix(DARK.bid, LIGHT.panel, 0.0) == LIGHT.panel
    assert contrast(LIGHT.panel, LIGHT.panel) == 1.0
