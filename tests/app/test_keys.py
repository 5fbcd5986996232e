"""The keys that the program knows, in its help and in the README."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PySide6.QtWidgets import QWidget

from app.actions import ACTIONS, Actions
from app.messages import PANEL_KEYS, keys_text

README = (Path(__file__).resolve().parents[2] / "README.md").read_text("utf-8")
TABLE = README.partition("\n## Keys\n")[2].partition("\n## ")[0]


def test_the_readme_has_the_keys_of_the_panels_as_the_help_does(qtbot):
    window = QWidget()
    qtbot.addWidget(window)
    shown = keys_text(Actions(window))
    for place, keys in PANEL_KEYS:
        assert f"| {place} | {keys} |" in TABLE
        assert keys.replace("; ", "<br>") in shown


@pytest.mark.parametrize("spec", [s for s in ACTIONS if s.keys], ids=lambda spec: spec.id)
def test_the_readme_has_every_short_cut(spec):
    first = re.sub(r"^Ctrl\+([+-])$", lambda key: key[1].replace("-", "−"), spec.keys[0])
    cells = [cell.strip() for row in TABLE.splitlines() for cell in row.split("|")[1:2]]
    known = {word for cell in cells for word in re.split(r", | or |\s", cell)}
    assert first.removeprefix("Ctrl+") in known if first == "Ctrl+0" else first in known
