"""A compressed soak: ``python -m tests.faults.soak --minutes 20`` is a day of the market.

An exchange makes 24 h of quotes and trades in that time on the real engine process, while a desk
sends, changes and cancels orders and another client looks on. Once a slice it measures the
engine's memory, descriptors and threads, and how long an order takes to be answered; at the end it
prints a table and says what grew. The exit code is 1 when anything did.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import psutil

from core.model.commands import CancelAll
from core.model.enums import OrdStatus, Severity, Side
from core.model.session import Subscribe
from tests.faults.rig import Desk, Engine, Venue, session

DAY_EVENTS = 24 * 3_600 * 8  # of a market with some eight quotes and trades a second
SLICES = 12
WARM = SLICES // 4  # slices in which memory may still settle
MOST_GROWTH = 0.05
MOST_SLOWER = 1.2
KEPT_ORDERS = 20_000


class Slice(NamedTuple):
    """What was measured in one part of the soak. Times in ms, memory in bytes."""

    minutes: float
    events: int
    orders: int
    rss: int
    descriptors: int
    threads: int
    p50: float
    p99: float


def fill_up(desk: Desk) -> None:
    """As many orders and fills as the engine keeps in memory, so that from then on it forgets as
    many as come."""
    for number in range(KEPT_ORDERS // 50):
        last = ""
        for _ in range(50):
            side = Side.BUY if number % 2 else Side.SELL
            last = desk.order(side, 1, 0)
        desk.until(lambda last=last: desk.status(last) is not None, "answers")


def measure(
    venue: Venue, engine: Engine, desk: Desk, watcher: Desk, seconds: float, rate: float
) -> Slice:
    """One slice: trade, and every tenth time wait for the answer and take its time."""
    began = time.monotonic()
    taken: list[float] = []
    count = 0
    while time.monotonic() - began < seconds:
        for _ in range(4):
            desk.trade()
        watcher.client.poll()
        sent = time.perf_counter()
        name = desk.order(price=9_700 - count % 50)
        desk.until(lambda name=name: desk.status(name) is not None, "an answer")
        if desk.status(name) is not OrdStatus.REJECTED:
            taken.append((time.perf_counter() - sent) * 1e3)
        count += 1
        pause = time.monotonic() + 0.03
        while time.monotonic() < pause:
            desk.client.poll()
            time.sleep(0.001)
        if count % 20 == 0:
            _tidy(desk)
    process = psutil.Process(engine.pid)
    taken.sort()
    return Slice(
        (time.monotonic() - began) / 60,
        int(rate * seconds),
        count * 5,
        process.memory_info().rss,
        process.num_fds() if hasattr(process, "num_fds") else process.num_handles(),
        process.num_threads(),
        taken[len(taken) // 2],
        taken[len(taken) * 99 // 100],
    )


def _tidy(desk: Desk) -> None:
    """The desk itself must not grow: what is over need not be kept here."""
    desk.send(CancelAll(desk.ids.next(), account="A1"))
    for store in (desk.stores.stories, desk.stores.notices):
        store.clear()


def run(minutes: float, slices: int = SLICES) -> tuple[list[Slice], list[str]]:
    """All slices, and what is wrong with them."""
    found: list[Slice] = []
    seconds = minutes * 60 / slices
    rate = max(200.0, DAY_EVENTS / (20 * 60))
    with tempfile.TemporaryDirectory() as home, session(Path(home), "power", 100_000) as running:
        venue, engine, desk = running
        watcher = Desk(engine, "watcher", 2)
        watcher.client.subscribe(Subscribe(quotes=("*",), trades=("E0.X",), bars=(("E0.X", "1m"),)))
        try:
            fill_up(desk)
            venue.ask("rate", rate)
            for number in range(slices):
                found.append(measure(venue, engine, desk, watcher, seconds, rate))
                print(_row(found[-1], number + 1), flush=True)
            venue.ask("rate", 0)
            errors = [n.text for n in desk.stores.notices if n.severity >= Severity.ERROR]
        finally:
            watcher.close()
    return found, [*judge(found), *errors]


def judge(slices: list[Slice]) -> list[str]:
    """What grew after the warm-up, as sentences."""
    warm = slices[len(slices) * WARM // SLICES :]
    half = len(warm) // 2
    first, last = warm[:half] or warm, warm[half:]
    problems = []
    rss = [max(s.rss for s in part) for part in (first, last)]
    if rss[1] > rss[0] * (1 + MOST_GROWTH):
        problems.append(f"memory grew by {rss[1] / rss[0] - 1:.1%}")
    for word in ("descriptors", "threads"):
        before, after = (max(getattr(s, word) for s in part) for part in (first, last))
        if after > before + 2:  # a file that is being written comes and goes
            problems.append(f"{word} grew from {before} to {after}")
    p99 = [sorted(s.p99 for s in part)[len(part) // 2] for part in (first, last)]
    if p99[1] > p99[0] * MOST_SLOWER:
        problems.append(f"p99 grew from {p99[0]:.1f} to {p99[1]:.1f} ms")
    return problems


def _row(s: Slice, number: int) -> str:
    return (
        f"{number:>5} {s.minutes:>7.1f} {s.events:>9,} {s.orders:>8,} {s.rss / (1 << 20):>8.1f}"
        f" {s.descriptors:>5} {s.threads:>8} {s.p50:>8.2f} {s.p99:>8.2f}"
    )


def main() -> int:
    """See the module."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=20.0)
    given = parser.parse_args()
    print("slice minutes    events   orders   rss MB   fds  threads   p50 ms   p99 ms")
    _, problems = run(given.minutes)
    print("\n".join(problems) or "Nothing grew.")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
