"""The screen after a restart is the screen as it was left."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from tests.e2e.rig import Trader, trade


@pytest.mark.timeout(90)
def test_size_and_tabs_come_back(qapp: QApplication, tmp_path: Path) -> None:
    left: dict[str, object] = {}
    size: list[int] = []

    def seen(t: Trader) -> dict[str, object]:
        docks = t.window.docks.panels
        return {
            "shown": sorted(k for k, p in docks.items() if p.isVisible()),
            "all": sorted(docks),
        }

    async def arranges(t: Trader) -> None:
        await t.until(lambda: t.stores.connected, "the engine")
        t.window.resize(1400, 800)
        t.panel("positions")
        t.panel("risk")
        await asyncio.sleep(0.3)
        left.update(seen(t))
        size.append(t.window.height())

    async def finds_it(t: Trader) -> None:
        await t.until(lambda: t.stores.connected, "the engine")
        await t.until(lambda: seen(t)["shown"] == left["shown"], "the same panels in front")
        await asyncio.sleep(0.3)
        assert seen(t) == left
        # never larger than it was; smaller only where the screen is
        assert t.window.height() <= size[0]

    trade(qapp, tmp_path, arranges)
    trade(qapp, tmp_path, finds_it)
