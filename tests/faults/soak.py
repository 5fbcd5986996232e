"""A compressed soak: ``python -m tests.faults.soak --minutes 20`` is a day of the market.

An exchange makes the quotes and trades of 24 h in that time (72 times as fast: four lively
instruments with eight messages a second) for the real processes: engine, records' writer, a
strategy that trades by itself, and the terminal's window, off the screen. A desk sends some 70,000
orders, changes and cancels meanwhile. That is far from what the engine can take, so that what is
timed is the way of an order and not a queue; the table tells how busy each process was.

It begins with as many finished orders and fills as any process keeps (a minute), so that from then
on each forgets as many as come. In each window memory, descriptors, threads, tasks, Qt objects and
the time in which orders are answered are measured; in the end it says what grew
(`tests.faults.trend`). The exit code is 1 when anything did, or when anything was reported as an
error. It wants a machine that does nothing else, and no display.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import psutil

from core.client.stores import KEPT_ORDERS
from core.model.commands import SetStrategyMode
from core.model.enums import OrdStatus, Severity, StrategyMode
from core.model.events import Notice
from core.model.session import Subscribe
from tests.faults import census
from tests.faults.rig import Desk, Engine, Venue, process
from tests.faults.watching import HEAD, MB, SAMPLE_SECONDS, Times, Watched, slower

MARKET_RATE = 8 * 72
COMMANDS = 60
"""Orders, changes and cancels a second; every sixth is an order that is timed."""

AT_ONCE = 25
"""Commands under way while the memories are filled."""

MOST_WAIT = 30.0
"""Seconds that an order may go unanswered."""

WINDOWS = 24
STRATEGY = "Quoter"

SETTINGS = """
[[strategies]]
name = "Quoter"
kind = "quoter"
instrument = "E1.X"
account = "A1"
start = "off"
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
        fill_up(venue, desk, errors)
        desk.send(SetStrategyMode(desk.ids.next(), STRATEGY, StrategyMode.AUTO))
        desk.until(lambda: _trades(desk), "a strategy that trades by itself")
        watched = _watched(home, engine, terminal and terminal.pid)
        yield Soak(venue, engine, desk, watched, errors)
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
        with contextlib.suppress(psutil.Error):  # one that made a snapshot and is gone
            words = " ".join(child.cmdline())
            found += [Watched(n, child.pid, home) for word, n in names.items() if word in words]
    if terminal is not None:
        found.append(Watched("terminal", terminal, home, speaks=True))
    return [*found, Watched("desk", os.getpid(), home)]


def fill_up(venue: Venue, desk: Desk, errors: list[str]) -> None:
    """Trade as fast as it goes, until no finished order and no fill is kept for another one."""
    orders, fills = desk.stores.orders, desk.stores.fills
    venue.ask("rate", MARKET_RATE)
    while len(orders) < KEPT_ORDERS or len(fills) < KEPT_ORDERS:
        for _ in range(AT_ONCE):
            desk.trade()
        _timed(desk, 9_700, errors)
    behind = 1_000
    desk.until(lambda: 0 <= desk.stores.engine.records_behind < behind, "the records", 600)


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
            taken += _timed(desk, 9_700 - count % 50, soak.errors)
    return Times.of(taken), count


def _timed(desk: Desk, price: int, errors: list[str]) -> list[float]:
    """How long an order took to be answered (ms), unless it was refused; it is canceled again."""
    sent = time.perf_counter()
    name = desk.order(price=price)
    if not name:
        errors.append(f"an order could not be sent. {desk.stores.connection_text}")
        return []
    while desk.status(name) not in _ANSWERS and name not in desk.stores.refusals:
        if time.perf_counter() - sent > MOST_WAIT:
            errors.append(
                f"an order was not answered for {MOST_WAIT:g} s; the desk was connected anew"
                f" {desk.client.reconnects} times ({desk.stores.connection_text})"
            )
            return []
        if not desk.client.poll():  # `Desk.until` has too coarse a grain
            time.sleep(0.0001)
    passed = (time.perf_counter() - sent) * 1e3
    if desk.status(name) in (None, OrdStatus.REJECTED):
        return []
    desk.cancel(name)
    return [passed]


_ANSWERS = frozenset(OrdStatus) - {OrdStatus.PENDING_NEW, OrdStatus.UNKNOWN}


def run(minutes: float, windows: int = WINDOWS, window: bool = True) -> list[str]:
    """Measure and print all windows; returns what is wrong."""
    seconds = minutes * 60 / windows
    warm = windows // 4
    times: list[Times] = []
    orders = 0
    with tempfile.TemporaryDirectory() as home, started(Path(home), window) as soak:
        for each in soak.watched:
            each.begin()
        names = [each.name for each in soak.watched]
        print(f"{'window':>6} {'commands':>9} {'p50 ms':>8} {'p99 ms':>8}  MB: {' '.join(names)}")
        for number in range(windows):
            found, count = one_window(soak, seconds)
            times.append(found)
            orders += count
            for each in soak.watched:
                each.close_window()
            sizes = "  ".join(f"{each.rows[-1].rss / MB:.1f}" for each in soak.watched if each.rows)
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
    return judged(watched, times, warm, errors)


def judged(watched: list[Watched], times: list[Times], warm: int, errors: list[str]) -> list[str]:
    """What is wrong, as sentences: what grew after `warm` windows, and what was told as an error.

    The first of `watched` is the engine.
    """
    problems = [text for each in watched for text in each.problems(warm)]
    problems += slower(times[warm:], max((row.busy for row in watched[0].rows[warm:]), default=0))
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
