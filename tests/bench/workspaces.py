"""Switching between two reference workspaces while the market goes on."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
RATE, INSTRUMENTS = 5_000, 500


def rows(quick: bool = False) -> list[dict[str, Any]]:
    """From the key to the other four charts, ladder, watchlist and blotter on the screen."""
    command = [sys.executable, "-m", "tests.bench.workspaces", "--times", "6" if quick else "30"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False
    )
    if done.returncode:
        raise RuntimeError(f"the terminal failed: {done.stderr.strip().splitlines()[-1:]}")
    times: list[float] = json.loads(done.stdout.strip().splitlines()[-1])
    return [
        {
            "name": "switch to another reference workspace, painted",
            "value": statistics.median(times),
            "spread": (min(times), max(times)),
            "unit": "ms",
            "goal": 500,
            "must": 500,
            "better": "lower",
        }
    ]


def drive(times: int) -> list[float]:
    """Switch so many times on the real window and engine process; milliseconds of each."""
    from app.offscreen import choose_platform

    choose_platform(unseen=True)
    os.environ["QT_API"] = "pyside6"
    from PySide6.QtWidgets import QApplication

    from tests.e2e.rig import Trader, trade

    app = QApplication(sys.argv[:1])
    found: list[float] = []

    async def script(t: Trader) -> None:
        await t.until(lambda: t.stores.connected, "the engine", 60)
        bench = t.window.workbench
        bench.arrange("four_charts")
        bench.duplicate()
        await asyncio.sleep(4.0)
        for _ in range(times):
            other = bench.library.neighbour()
            assert other is not None
            began = time.perf_counter()
            bench.switch(other)
            t.window._frame()
            app.processEvents()  # layouts and paints whatever is asked for
            t.window.repaint()
            found.append((time.perf_counter() - began) * 1e3)
            await asyncio.sleep(0.5)
            assert len(t.window.docks.panels) == 9

    with tempfile.TemporaryDirectory(prefix="outcry-bench-") as data:
        trade(app, Path(data), script, instruments=INSTRUMENTS, rate=RATE)
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--times", type=int, required=True)
    print(json.dumps(drive(parser.parse_args().times)))
