"""The chart: what a pan, a zoom and a tick cost with 500,000 bars loaded."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator
from decimal import Decimal

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from PySide6.QtWidgets import QApplication

from core.client.stores import Stores
from core.model.enums import Mode
from core.model.ids import IdMaker
from core.model.instruments import Instrument
from core.model.session import BarsView, Frame, Snapshot
from tests.bench.table import Row
from widgets.chart.panel import ChartPanel
from widgets.chart.sheet import Kind
from widgets.theme import apply_theme

BARS = 500_000
MINUTE = 60_000_000_000
FIRST = 1_600_000_000_000_000_000 // MINUTE * MINUTE
BTC = Instrument("BTC-USD.SIM", "BTC-USD", "SIM", Decimal("0.5"), Decimal("0.01"), "USD")


def rows(quick: bool = False) -> Iterator[Row]:
    """Milliseconds to work out and paint one step, 1600 x 900 pixels."""
    app = QApplication.instance() or QApplication([])
    assert isinstance(app, QApplication)
    apply_theme(app, "dark")
    stores = Stores()
    stores.take_snapshot(
        Snapshot("bench", Mode.PAPER, 0, 0, (BTC,), (), (), (), (), (), (), (), (), ())
    )
    stores.connected = True
    columns = _columns(BARS)
    _give(stores, 0, columns)
    panel = ChartPanel(stores, IdMaker("B"))
    panel.resize(1600, 900)
    panel.set_instrument(BTC.id)
    panel.show()
    app.processEvents()
    times = 20 if quick else 80
    view = panel.view
    paint = app.processEvents  # what is due and only that, as on the screen

    def measured(step: Callable[[int], object]) -> list[float]:
        costs = []
        for n in range(times):
            began = time.perf_counter()
            step(n)
            paint()
            costs.append((time.perf_counter() - began) * 1e3)
        return costs

    def tick(n: int) -> None:
        last = {name: column[-1:].copy() for name, column in columns.items()}
        last["close"] += n % 3 - 1
        _give(stores, BARS - 1, last)
        panel.flush()

    def pan(n: int) -> None:
        view.pan(7 if n % 2 else -5)

    def zoom(n: int) -> None:
        view.zoom(0.97 if n % 2 else 1.04, 700)

    for name, pitch, kind in (
        ("candles, 190 in view", 8.0, Kind.CANDLES),
        ("candles, 50,000 in view", 1500 / 50_000, Kind.CANDLES),
        ("candles, 500,000 in view", 0.0, Kind.CANDLES),
        ("line, 500,000 in view", 0.0, Kind.LINE),
    ):
        panel.set_kind(kind)
        window = view.sheet.window
        window.set_pitch(pitch or window.least_pitch())
        view.redraw()
        paint()
        for what, step, goal, must in (
            ("pan", pan, 8.0, 16.0),
            ("zoom", zoom, 8.0, 16.0),
            ("tick", tick, 4.0, 16.0),
        ):
            costs = measured(step)
            yield {
                "name": f"chart, {name}: {what} step",
                "value": statistics.median(costs),
                "spread": (min(costs), max(costs)),
                "unit": "ms",
                "goal": goal,
                "must": must,
                "better": "lower",
            }
    panel.close()
    panel.deleteLater()
    app.processEvents()


def _columns(count: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(5)
    close = 128_000 + np.cumsum(rng.integers(-9, 10, count))
    opened = np.roll(close, 1)
    opened[0] = close[0]
    volume = rng.integers(1, 4_000, count)
    return {
        "ts": FIRST + np.arange(count) * MINUTE,
        "open": opened,
        "high": np.maximum(opened, close) + rng.integers(0, 8, count),
        "low": np.minimum(opened, close) - rng.integers(0, 8, count),
        "close": close,
        "volume": volume,
        "buy_volume": volume // 2,
        "notional": volume * close,
    }


def _give(stores: Stores, start: int, columns: dict[str, np.ndarray]) -> None:
    parts = {name: column.astype("<i8").tobytes() for name, column in columns.items()}
    view = BarsView(BTC.id, "1m", start, **parts)
    stores.take_frame(Frame(1, 0, bars=(view,)))
