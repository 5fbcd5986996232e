"""The terminal: start-up, frames under load, click to command, memory."""

from __future__ import annotations

import json
import os
import select
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from core.bus.endpoint import TOKEN_VARIABLE
from core.journal.journal import Durability
from tests.bench.engine import DURABILITIES, WORDS, TickToWire, wire_rows

ROOT = Path(__file__).resolve().parents[2]
STARTS = 5


def rows(quick: bool = False) -> list[dict[str, Any]]:
    """Start-up medians, orders while the workspace paints, and the workspace under load."""
    found = _starts(2 if quick else STARTS)
    for durability in DURABILITIES:
        found += _wire(durability, 3 if quick else 5, 2.0 if quick else 4.0)
    for rate in (10_000,) if quick else (10_000, 50_000):
        found += _load(rate, 5.0 if quick else 30.0)
    return found


def run_drive(rate: float, instruments: int, seconds: float) -> dict[str, Any]:
    """One run of `tests.bench.terminal_drive` in a process of its own."""
    words = ["--rate", str(rate), "--instruments", str(instruments), "--seconds", str(seconds)]
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.bench.terminal_drive",
            *words,
            "--began",
            str(time.monotonic()),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"the terminal failed: {done.stderr.strip().splitlines()[-1:]}")
    figures: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return figures


def _row(
    name: str,
    value: float,
    unit: str,
    goal: float | None,
    must: float | None,
    better: str = "lower",
    spread: tuple[float, float] | None = None,
) -> dict[str, Any]:
    return {
        "name": name,
        "value": value,
        "spread": spread,
        "unit": unit,
        "goal": goal,
        "must": must,
        "better": better,
    }


def _starts(times: int) -> list[dict[str, Any]]:
    runs = [run_drive(1_500, 12, 0.1) for _ in range(times + 1)][1:]
    found = []
    for key, name, goal, must in (
        ("window_s", "start to first window", 1.5, 1.5),
        ("price_s", "start to first live price", 3.0, 3.0),
    ):
        values = [run[key] for run in runs]
        spread = (min(values), max(values))
        found.append(_row(name, statistics.median(values), "s", goal, must, spread=spread))
    return found


def _wire(durability: Durability, runs: int, seconds: float) -> list[dict[str, Any]]:
    """Tick to order at 5,000 ticks/s while the reference workspace looks on and paints."""
    with TickToWire(durability) as wire:
        words = ["--rate", "1", "--instruments", "2", "--seconds", str((runs + 1) * seconds)]
        with subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.bench.terminal_drive",
                *words,
                "--began",
                str(time.monotonic()),
                "--attach",
                wire.endpoint,
            ],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, TOKEN_VARIABLE: wire.token},
            text=True,
        ) as terminal:
            assert terminal.stdout is not None
            # prices come only while the exchange runs, and the terminal waits for one
            while True:
                wire.measure(1.0)
                if select.select([terminal.stdout], [], [], 0)[0]:
                    break
            if terminal.stdout.readline().strip() != "ready":
                raise RuntimeError("the terminal did not paint")
            measured = [wire.measure(seconds) for _ in range(runs)]
            seen = json.loads(terminal.stdout.readline())
    name = f"tick -> order on the wire while the terminal paints, {WORDS[durability]}"
    fps = _row(f"{name}, frames a second", seen["fps"], "fps", 60, None, "higher")
    return [*wire_rows(name, measured, durability), fps]


def _load(rate: int, seconds: float) -> list[dict[str, Any]]:
    run = run_drive(rate, 500, seconds)
    at = f"{rate // 1000}k events/s"
    clicks = sorted(run["clicks_ms"])
    found = [
        _row(f"{at}: events/s the engine took", run["events_s"], "1/s", None, None, "higher"),
        _row(f"{at}: frames a second", run["fps"], "fps", 60, 55, "higher"),
        _row(f"{at}: frame interval p99", run["frame_p99_ms"], "ms", 25, 40),
        _row(f"{at}: frame interval max", run["frame_max_ms"], "ms", 100, None),
        _row(f"{at}: cost of a frame, median", run["frame_cost_ms"], "ms", None, None),
        _row(f"{at}: terminal's share of a core", run["terminal_cpu"] * 100, "%", None, None),
        _row(f"{at}: terminal memory", run["terminal_rss"] / 1e6, "MB", None, None),
        _row(f"{at}: engine memory", run["engine_rss"] / 1e6, "MB", None, None),
    ]
    if clicks:
        p99 = clicks[min(len(clicks) - 1, int(0.99 * len(clicks)))]
        middle = statistics.median(clicks)
        spread = (clicks[0], clicks[-1])
        found.append(_row(f"{at}: click to command sent, median", middle, "ms", None, None))
        found.append(_row(f"{at}: click to command sent, p99", p99, "ms", 20, None, spread=spread))
    return found
