"""The terminal's own process on a running engine, telling what is on its screen.

``python -m tests.faults.terminal ENDPOINT DATA SCREEN INSTRUMENT`` writes what it shows into the
file SCREEN (JSON) ten times a second ("-": it does not); it ends with SIGTERM. The token is in the
environment.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

ACCOUNT = "A1"


def main() -> int:
    """See the module."""
    endpoint, data, screen, instrument = sys.argv[1:5]
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    os.environ["QT_API"] = "pyside6"
    from PySide6.QtWidgets import QApplication

    from app.loop import Loop
    from app.reporter import Reporter
    from app.terminal import make_window
    from core.client.stores import Stores
    from tests.faults import census

    census.install()
    words = argparse.Namespace(
        seed=1, instruments=None, rate=None, replay=None, speed=1.0, start=None, theme="dark",
        placement="remote", endpoint=endpoint,
    )  # fmt: skip
    app = QApplication(sys.argv[:1])
    stores = Stores()
    loop = Loop(app, Reporter(stores.add_notice).report)
    reporter = Reporter(stores.add_notice)
    window = make_window(words, Path(data), None, stores, reporter)
    window.resize(1600, 1000)
    window.show()
    window.desk.start()
    window.frames.start()
    ended = asyncio.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())

    async def day() -> int:
        chosen = False
        try:
            while not ended.is_set():
                if not chosen and instrument in stores.tickers:
                    window.choose_instrument(instrument)
                    chosen = True
                if screen != "-":
                    write(Path(screen), shown(window))
                await asyncio.sleep(0.1)
        finally:
            await window.history.finish()
            window.close_now()
            window.desk.stop()
            window.docks.clear()
            window.deleteLater()
        return 0

    return int(loop.run(day()) or 0)


def shown(window: Any) -> dict[str, Any]:
    """What can be read on the screen now."""
    ticker = window.stores.tickers.get(window.instrument)
    position = window.stores.position(ACCOUNT, window.instrument)
    panels = {panel.KIND: panel for panel in window.docks.panels.values()}
    return {
        "at": time.monotonic(),
        "connection": window.status.connection.text(),
        "connected": window.stores.connected,
        "trading": window.stores.can_trade(ACCOUNT)[1],
        "bid": 0 if ticker is None else ticker.bid,
        "ask": 0 if ticker is None else ticker.ask,
        "orders": rows(panels["orders"]),
        "held": 0 if position is None else position.qty,
    }


def rows(panel: Any) -> list[list[str]]:
    """The texts of a blotter's rows."""
    model = panel.model
    return [
        [str(model.index(row, column).data() or "") for column in range(model.columnCount())]
        for row in range(min(model.rowCount(), 200))
    ]


def write(path: Path, state: dict[str, Any]) -> None:
    """Put it there whole."""
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(state))
    fresh.replace(path)


if __name__ == "__main__":
    sys.exit(main())
