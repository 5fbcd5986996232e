"""A checkable word is as wide as what it shows."""

from __future__ import annotations

import pytest

from widgets.chip import Chip


@pytest.mark.parametrize(
    ("text", "seen"),
    [("&Iceberg", "Iceberg"), ("Stop && t&arget", "Stop & target"), ("&R&&D", "R&D")],
)
def test_the_words_have_room(qtbot, text, seen):
    chip = Chip(text)
    qtbot.addWidget(chip)
    assert chip.accessibleName() == seen
    metrics = chip.fontMetrics()
    box = round(metrics.height() * 0.8)
    assert chip.sizeHint().width() >= box + 5 + metrics.horizontalAdvance(seen)
