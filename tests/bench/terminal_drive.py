"""The reference workspace measured from inside: run as a program, prints one JSON object.

Four charts, ladder, a watchlist of all instruments and the blotter, off-screen, on the real
engine process; the market acts `--rate` times a second.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

CLICKS = 60


def drive(
    rate: float, instruments: int, seconds: float, began: float, attach: str = ""
) -> dict[str, Any]:
    """Run the terminal for `seconds` after a warm-up; returns the figures.

    Args:
        began: `time.monotonic()` at which the process was started.
        attach: endpoint of an engine to look on; its token is in the environment. A line
            ``ready`` is printed when the workspace paints.
    """
    with tempfile.TemporaryDirectory(prefix="outcry-bench-") as data:
        return _drive(Path(data), rate, instruments, seconds, began, attach)


def _drive(
    data: Path, rate: float, instruments: int, seconds: float, began: float, attach: str
) -> dict[str, Any]:
    from app.offscreen import choose_platform
    from app.terminal import engine_arguments
    from core.services import affinity
    from core.services.process import EngineProcess

    words = argparse.Namespace(
        seed=1,
        instruments=instruments,
        rate=rate,
        replay=None,
        speed=1.0,
        start=None,
        theme="dark",
        placement="remote" if attach else "embedded",
        endpoint=attach or None,
    )
    process = None if attach else EngineProcess(data, engine_arguments(words))
    if process is not None:
        process.start()
    affinity.pin(affinity.plan().others)
    choose_platform(unseen=True)
    os.environ["QT_API"] = "pyside6"
    from PySide6.QtWidgets import QApplication

    from app.loop import Loop
    from app.reporter import Reporter
    from app.terminal import make_window
    from core.client.stores import Stores

    app = QApplication(sys.argv[:1])
    stores = Stores()
    reporter = Reporter(stores.add_notice)
    loop = Loop(app, reporter.report)
    window = make_window(words, data, process, stores, reporter)
    window.show()
    window.desk.start()
    window.frames.start()
    app.processEvents()
    figures: dict[str, Any] = {"window_s": time.monotonic() - began}

    async def day() -> int:
        try:
            await _measure(window, process, seconds, began, figures)
        finally:
            window.close_now()
            window.desk.stop()
            window.docks.clear()
            window.deleteLater()
        return 0

    try:
        loop.run(day())
    finally:
        if process is not None:
            process.stop()
    return figures


async def _measure(
    window: Any, process: Any, seconds: float, began: float, figures: dict[str, Any]
) -> None:
    stores = window.stores
    while not (ticker := stores.tickers.get(window.instrument)) or not ticker.last:
        if time.monotonic() - began > 60:
            raise TimeoutError("no price within a minute")
        await asyncio.sleep(0.002)
    figures["price_s"] = time.monotonic() - began
    window.workbench.arrange("four_charts")
    window.choose_instrument(next(stores.instruments.keys()))
    await asyncio.sleep(6.0)
    if process is None:
        print("ready", flush=True)
    window.frames.forget()
    cpu = psutil.Process().cpu_times()
    started = time.monotonic()
    busy = sum(cpu[:2])
    await asyncio.sleep(seconds)
    elapsed = time.monotonic() - started
    intervals = sorted(window.frames.intervals_ms())
    rate, p99, cost = window.frames.summary()
    cpu = psutil.Process().cpu_times()
    figures |= {
        "fps": rate,
        "frame_p99_ms": p99,
        "frame_max_ms": intervals[-1],
        "frame_cost_ms": cost,
        "terminal_cpu": (sum(cpu[:2]) - busy) / elapsed,
        "events_s": stores.engine.events,
        "clicks_ms": await _clicks(window) if process is not None else [],
        "terminal_rss": psutil.Process().memory_info().rss,
        "engine_rss": psutil.Process(window.desk.client.engine_pid).memory_info().rss,
    }


async def _clicks(window: Any) -> list[float]:
    """Times from a click entering Qt's queue to its command leaving for the engine, in ms."""
    from PySide6.QtCore import QEvent, QPointF, Qt
    from PySide6.QtGui import QMouseEvent
    from PySide6.QtWidgets import QApplication

    ladder = window.panel("ladder")
    canvas = ladder.canvas
    ladder.top.padlock.click()
    span = next(s for s in canvas.spans if s.column == "bids")
    point = QPointF(span.x + span.width * 0.7, canvas.height() - 40)
    sent: list[float] = []
    send = window.desk.client.send

    def noted(command: Any) -> str:
        problem: str = send(command)
        sent.append(time.perf_counter())
        return problem

    window.desk.client.send = noted
    times: list[float] = []
    left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    try:
        for number in range(CLICKS):
            await asyncio.sleep(0.05 + 0.0137 * (number % 7))
            sent.clear()
            asked = time.perf_counter()
            for kind, held in (
                (QEvent.Type.MouseButtonPress, left),
                (QEvent.Type.MouseButtonRelease, none),
            ):
                event = QMouseEvent(
                    kind,
                    point,
                    QPointF(canvas.mapToGlobal(point.toPoint())),
                    left,
                    held,
                    Qt.KeyboardModifier.NoModifier,
                )
                QApplication.postEvent(canvas, event)
            until = asked + 1.0
            while not sent and time.perf_counter() < until:
                await asyncio.sleep(0.001)
            if sent:
                times.append((sent[0] - asked) * 1e3)
            if number % 20 == 19:
                window.cancel_all()
    finally:
        window.desk.client.send = send
    return times


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--instruments", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--began", type=float, required=True)
    parser.add_argument("--attach", default="")
    given = parser.parse_args()
    print(json.dumps(drive(**vars(given))))
