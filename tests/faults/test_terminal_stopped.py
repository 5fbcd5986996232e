"""The terminal's process is stopped: the engine goes on, the kill switch of another client works,
and when the terminal goes on its screen is right at once."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from core.model.commands import Kill, SetTradingState
from core.model.enums import OrdStatus, TradingState
from core.model.session import Subscribe
from tests.faults.rig import ACCOUNT, LONG, Desk, agree, process, session

STATUS = 10  # the column of the orders' state
OVER = {"filled", "canceled", "rejected"}
SECONDS = 60.0 if LONG else 5.0


class Screen:
    """A terminal's process, and what can be read on its screen."""

    def __init__(self, desk: Desk, endpoint: str, data: Path) -> None:
        self._file = data / "screen.json"
        self._desk = desk
        with open(data / "terminal.log", "wb") as log:
            self.process = process(
                "tests.faults.terminal", endpoint, str(data), str(self._file), "E0.X",
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip

    def now(self) -> dict[str, Any]:
        try:
            return json.loads(self._file.read_text())  # type: ignore[no-any-return]
        except FileNotFoundError:
            return {
                "connected": False,
                "orders": [],
                "positions": [],
                "bid": 0,
                "at": 0.0,
                "trading": "",
            }

    def until(
        self,
        true: Callable[[dict[str, Any]], object],
        what: str,
        why: Callable[[dict[str, Any]], object] = str,
    ) -> float:
        try:
            return self._desk.until(lambda: true(self.now()), f"{what} on the screen")
        except AssertionError as error:
            raise AssertionError(f"{error}\nOn the screen: {why(self.now())}") from None


@contextlib.contextmanager
def terminal(desk: Desk, endpoint: str, data: Path) -> Iterator[Screen]:
    screen = Screen(desk, endpoint, data)
    try:
        yield screen
    finally:
        screen.process.send_signal(signal.SIGCONT)
        screen.process.terminate()
        try:
            screen.process.wait(20)
        finally:
            screen.process.kill()
            screen.process.wait()


@pytest.mark.timeout(240 if LONG else 120)
def test_the_terminal_is_stopped(tmp_path: Path) -> None:
    data = tmp_path / "terminal"
    data.mkdir()
    with (
        session(tmp_path) as (venue, engine, desk),
        terminal(desk, engine.options.endpoint, data) as screen,
    ):
        venue.ask("rate", 200)
        desk.client.subscribe(Subscribe(quotes=("*",)))
        resting = desk.order(price=9_500)
        screen.until(lambda s: s["connected"] and s["bid"] > 0, "prices")
        screen.until(lambda s: any("9500" in "".join(r) or "95.00" in r for r in s["orders"]), "it")

        os.kill(screen.process.pid, signal.SIGSTOP)
        size = journal_bytes(engine.home)
        memory = psutil.Process(engine.pid).memory_info().rss
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            for _ in range(4):
                desk.trade()
            time.sleep(0.01)
        assert desk.stores.connected
        assert journal_bytes(engine.home) > size + 10_000
        assert psutil.Process(engine.pid).memory_info().rss < memory + (50 << 20)
        assert desk.status(resting) in (OrdStatus.NEW, OrdStatus.CANCELED)

        last = desk.order(price=9_400)
        desk.until(lambda: desk.status(last) is OrdStatus.NEW, "an order for the kill switch")
        desk.send(Kill(desk.ids.next(), 2, reason="the screen hangs"))
        desk.until(lambda: not any(o.working for o in desk.stores.orders), "all to be canceled")
        late = desk.order(qty=10_000, price=9_400)
        desk.until(lambda: desk.status(late) is OrdStatus.REJECTED, "the order to be denied")
        venue.ask("rate", 0)
        agree(desk, venue)
        at = screen.now()["at"]
        assert time.monotonic() - at > SECONDS, "it was not stopped"

        os.kill(screen.process.pid, signal.SIGCONT)
        position = desk.stores.position(ACCOUNT, "E0.X")
        held = 0 if position is None else position.qty

        def wrong(s: dict[str, Any]) -> list[str]:
            ticker = desk.stores.tickers["E0.X"]
            checks = {
                "not running": s["at"] > at,
                "not connected": s["connected"],
                "prices": (s["bid"], s["ask"]) == (ticker.bid, ticker.ask),
                "trading state": "killed" in s["trading"],
                "orders": {row[STATUS] for row in s["orders"]} <= OVER,
                "position": s["held"] == held,
            }
            return [what for what, fine in checks.items() if not fine]

        took = screen.until(lambda s: not wrong(s), "the truth", wrong)
        print(f"the screen is right {took:.2f} s after the terminal went on")
        # no backlog: what happens now is seen now
        desk.send(SetTradingState(desk.ids.next(), ACCOUNT, TradingState.ACTIVE, "go on"))
        fresh = desk.order(price=9_300)
        desk.until(lambda: desk.status(fresh) is OrdStatus.NEW, "an order after it all")
        took = screen.until(lambda s: any("93.00" in row for row in s["orders"]), "the new order")
        print(f"a new order is seen {took:.2f} s after it was accepted")
        assert screen.process.poll() is None


def journal_bytes(home: Path) -> int:
    return sum(path.stat().st_size for path in (home / "journal").glob("*.journal"))
