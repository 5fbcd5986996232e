"""A compressed soak: ``python -m tests.faults.soak --minutes 20`` is a day of the market.

An exchange makes the quotes and trades of 24 h in that time (72 times as fast: four lively
instruments with eight messages a second) for the real processes: engine, records' writer, a
strategy that trades by itself, and the terminal's window, off the screen. A desk sends some 70,000
orders, changes and cancels meanwhile. That is far from what the engine can take, so that what is
timed is the way of an order and not a queue; the table tells how busy each process was.

It begins with as many finished orders as the engine keeps, so that from then on it forgets as many
as come. In each window memory, descriptors, threads, tasks, Qt objects and the time in which orders
are answered are measured; in the end it says what grew (`tests.faults.trend`). The exit code is 1
when anything did, or when anything was reported as an error. It wants a machine that does nothing
else, and no terminal.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import psutil

from core.model.commands import SetStrategyMode
from core.model.enums import OrdStatus, Severity, Side, StrategyMode
from core.model.events import Notice
from core.model.session import Subscribe
from tests.faults import census
from tests.faults.rig import Desk, Engine, Venue, process
from tests.faults.watching import HEAD, MB, SAMPLE_SECONDS, Times, Watched, slower

MARKET_RATE = 8 * 72
COMMANDS = 60
"""Orders, changes and cancels a second; every sixth is an order that is timed."""

WINDOWS = 24
KEPT_ORDERS = 20_000
STRATEGY = "Quoter"

SETTINGS = """
[[strategies]]
name = "Quoter"
kind = "quoter"
instrument = "E1.X"
account = "A1"
start = "advise"
[[limits]]
name = "max_repeats"
value = 1000000
scope = "strategy"
[[limits]]
name = "max_position"
value = 1000000
"""


class Soak(NamedTuple):
    """The processes."""

    venue: Venue
    engine: Engine
    desk: Desk
    watched: list[Watched]
    errors: list[str]


@contextlib.contextmanager
def started(home: Path, window: bool) -> Iterator[Soak]:
    """All processes, warm: with as many orders as are kept, the strategy trading."""
    os.environ[census.VARIABLE] = str(home)
    venue = Venue()
    engine = Engine(home, venue.endpoint, "power", 100_000, SETTINGS)
    desk = Desk(engine)
    errors: list[str] = []
    desk.client.on_event.append(lambda event: _note(event, errors))
    terminal = None
    try:
        engine.start()
        desk.ready()
        if window:
            endpoint, folder = engine.options.endpoint, home / "terminal"
            folder.mkdir()
            terminal = process("tests.faults.terminal", endpoint, str(folder), "-", "E0.X")
        desk.client.subscribe(Subscribe(quotes=("*",), trades=("E0.X",), bars=(("E0.X", "1m"),)))
        fill_up(desk)
        desk.send(SetStrategyMode(desk.ids.next(), STRATEGY, StrategyMode.AUTO))
        desk.until(lambda: _trades(desk), "a strategy that trades by itself")
        yield Soak(venue, engine, desk, _watched(home, engine, terminal and terminal.pid), errors)
    finally:
        if terminal is not None:
            terminal.terminate()
            terminal.wait(20)
        desk.close()
        try:
            engine.stop()
        finally:
            venue.stop()


def _note(event: object, errors: list[str]) -> None:
    if isinstance(event, Notice) and event.severity >= Severity.ERROR:
        errors.append(event.text)


def _trades(desk: Desk) -> bool:
    state = desk.stores.strategies.get(STRATEGY)
    return state is not None and state.mode is StrategyMode.AUTO


def _watched(home: Path, engine: Engine, terminal: int | None) -> list[Watched]:
    found = [Watched("engine", engine.pid, home, speaks=True)]
    names = {"bookkeeper_main": "records", "strategy_host": "strategy"}
    for child in psutil.Process(engine.pid).children():
        words = " ".join(child.cmdline())
        found += [Watched(n, child.pid, home) for word, n in names.items() if word in words]
    if terminal is not None:
        found.append(Watched("terminal", terminal, home, speaks=True))
    return [*found, Watched("desk", os.getpid(), home)]


def fill_up(desk: Desk) -> None:
    """As many finished orders and fills as the engine keeps."""
    for number in range(KEPT_ORDERS // 50):
        last = ""
        for _ in range(50):
            last = desk.order(Side.BUY if number % 2 else Side.SELL, 1, 0)
        desk.until(lambda last=last: desk.status(last) is not None, "answers")
    behind = 1_000
    desk.until(lambda: 0 <= desk.stores.engine.records_behind < behind, "the records", 120)


def one_window(soak: Soak, seconds: float) -> tuple[Times, int]:
    """Trade at an even pace; every sixth time wait for the answer and take its time."""
    desk = soak.desk
    taken: list[float] = []
    began = sampled = time.monotonic()
    count = 0
    while (now := time.monotonic()) - began < seconds:
        if now - sampled > SAMPLE_SECONDS:
            sampled = now
            for each in soak.watched:
                each.sample()
        if count > (now - began) * COMMANDS:
            desk.client.poll()
            time.sleep(0.0005)
            continue
        count += 1
        if count % 6:
            desk.trade()
        else:
            count += 1
            taken += _timed(desk, 9_700 - count % 50)
    return Times.of(taken), count


def _timed(desk: Desk, price: int) -> list[float]:
    """How long an order took to be answered (ms), unless it was refused; it is canceled again."""
    sent = time.perf_counter()
    name = desk.order(price=price)
    _wait(desk, lambda: desk.status(name) in _ANSWERS)
    passed = (time.perf_counter() - sent) * 1e3
    if desk.status(name) is OrdStatus.REJECTED:
        return []
    desk.cancel(name)
    return [passed]


_ANSWERS = frozenset(OrdStatus) - {OrdStatus.PENDING_NEW, OrdStatus.UNKNOWN}


def _wait(desk: Desk, true: Callable[[], bool]) -> None:
    """`Desk.until` with a finer grain."""
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline, "an order was not answered for 30 s"
        if not desk.client.poll():
            time.sleep(0.0001)


def run(minutes: float, windows: int = WINDOWS, window: bool = True) -> list[str]:
    """Measure and print all windows; returns what is wrong."""
    seconds = minutes * 60 / windows
    warm = windows // 4
    times: list[Times] = []
    orders = 0
    with tempfile.TemporaryDirectory() as home, started(Path(home), window) as soak:
        soak.venue.ask("rate", MARKET_RATE)
        names = [each.name for each in soak.watched]
        print(f"{'window':>6} {'commands':>9} {'p50 ms':>8} {'p99 ms':>8}  MB: {' '.join(names)}")
        for number in range(windows):
            found, count = one_window(soak, seconds)
            times.append(found)
            orders += count
            rows = [each.close_window() for each in soak.watched]
            sizes = "  ".join(f"{row.rss / MB:.1f}" for row in rows)
            print(f"{number + 1:>6} {count:>9,} {found.p50:>8.2f} {found.p99:>8.2f}  {sizes}",
                  flush=True)  # fmt: skip
        soak.venue.ask("rate", 0)
        errors = list(soak.errors)
        watched = soak.watched
    told = MARKET_RATE * minutes * 60
    print(f"\n{orders:,} commands, {told:,.0f} messages of the market. After window {warm}:")
    print(f"\n{HEAD}")
    for each in watched:
        print(each.line(warm))
    problems = [text for each in watched for text in each.problems(warm)]
    problems += slower(times[warm:], max(row.busy for row in watched[0].rows[warm:]))
    if not all(window.count for window in times):
        problems.append("a window had no order that was taken; nothing was timed in it")
    return problems + errors


def main() -> int:
    """See the module."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=20.0, help="how long to measure")
    parser.add_argument("--no-window", action="store_true", help="without the terminal")
    given = parser.parse_args()
    problems = run(given.minutes, window=not given.no_window)
    print("\n" + ("\n".join(problems) or "Nothing grew."))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
