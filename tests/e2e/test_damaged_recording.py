"""A recording that is damaged: what is good plays, what is wrong stands in the log by its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from core.model.enums import Severity
from tests.e2e.rig import Trader, trade

RECORDING = """time,price,qty,side
2024-08-09T00:00:00Z,100.0,1,BUY
2024-08-09T00:00:01Z,nonsense,1,BUY
2024-08-09T00:00:02Z,100.5,2,SELL
2024-08-09T00:00:03Z,101.0,1,BUY
"""


@pytest.mark.timeout(90)
def test_what_is_wrong_is_said_and_the_rest_plays(qapp: QApplication, tmp_path: Path) -> None:
    recording = tmp_path / "day.csv"
    recording.write_text(RECORDING)

    async def watches(t: Trader) -> None:
        await t.until(lambda: t.stores.connected and list(t.stores.instruments), "the recording")
        warned = [n.text for n in t.stores.notices if n.severity is Severity.WARNING]
        assert any("day.csv, line 3" in text for text in warned), warned
        name = next(t.stores.instruments.keys())
        await t.until(lambda: t.stores.tickers.get(name) is not None, "prices")
        ladder = t.panel("ladder")
        await t.until(lambda: "ended" in ladder.fresh.why, "the word at the end")
        speed = t.window.playback.speed
        await t.until(lambda: speed.currentText() == "3×", "the speed that was asked for")

    trade(qapp, tmp_path / "data", watches, replay=recording, speed=3.0)
