"""A recording of quotes without a single trade is a market too."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from app.terminal import _shows_prices
from tests.e2e.rig import Trader, trade


@pytest.mark.timeout(60)
def test_quotes_alone_are_prices(qapp: QApplication, tmp_path: Path) -> None:
    rows = "".join(f"{1_709_649_000 + n},ACME,99.99,100,100.01,200\n" for n in range(60))
    recording = tmp_path / "quotes.csv"
    recording.write_text("timestamp,symbol,bid,bid_qty,ask,ask_qty\n" + rows)

    async def look(t: Trader) -> None:
        await t.until(lambda: "ACME.FILE" in t.stores.tickers, "a quote")
        head = t.panel("ticket").head
        await t.until(lambda: head.bid.text() == "99.99 bid", "the bid in the ticket")
        assert t.stores.tickers["ACME.FILE"].last == 0
        assert _shows_prices(t.window)
        legend = t.panel("chart").view.legend
        words = "No trades of ACME in this recording so far, so no bars"
        await t.until(lambda: legend.message.startswith(words), "why there are no bars")
        t.click(t.window.playback.next)
        said = "There is no later trade of ACME.FILE in the recording."
        await t.until(lambda: said in t.window.status.message.text(), "that none will come")

    trade(qapp, tmp_path / "data", look, replay=recording)
