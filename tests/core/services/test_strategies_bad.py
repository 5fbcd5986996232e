"""Strategies that misbehave: stopped within seconds, and nothing else notices."""

from __future__ import annotations

import sys
from decimal import Decimal
from pathlib import Path

import pytest

from core.model.enums import ExecType, OrdStatus
from core.model.requests import VenueReplace
from core.services.config import LimitConfig
from core.services.strategy_running import Bounds
from tests.core.services.helpers import order
from tests.core.services.strategy_rig import AUTO, BUYER, OFF, Rig, go, on_quote

LOOP = "while True: pass"
# Holds the interpreter's lock the whole time: no thread of that process runs on.
HARD_LOOP = "import re; re.match('(a*)*b', 'a' * 60)"
HUNGER = "self.eaten = [bytearray(b'x') * 10_000_000 for _ in range(%d)]"

BAD = {
    "raises": (on_quote("1 / 0"), "ZeroDivisionError: division by zero (raises.py, line 10)."),
    "loops": (on_quote(LOOP), "It did not answer for 4 s (an endless loop or a hang)."),
    "loops_hard": (on_quote(HARD_LOOP), "It did not answer for 4 s"),
    "sleeps": (on_quote("import time; time.sleep(60)"), "It did not answer for 4 s"),
    "deaf": (
        on_quote(
            "import signal, time",
            "signal.signal(signal.SIGTERM, signal.SIG_IGN)",
            "while True:",
            "    try: time.sleep(9)",
            "    except BaseException: pass",
        ),
        "It did not answer for 4 s",
    ),
    "exits": (on_quote("raise SystemExit(0)"), "It ended itself (exits.py, line 10)."),
    "vanishes": (on_quote("import os; os._exit(7)"), "Its process ended with code 7."),
    "dies": (
        on_quote("import os; os.kill(os.getpid(), 11)"),
        "Its process ended with code -11.",
    ),
    "recurses": (on_quote("self.on_quote(quote)"), "RecursionError"),
    "floods": (on_quote("while True: self.buy(1, 9_900)"), "commands in a second"),
    "cancels_for_ever": (
        on_quote("while True: self.cancel(self.first)"),
        "commands in a second",
    ),
    "babbles": (
        on_quote(
            "import core.services.strategy_guard as g, os",
            "while True: os.write(g._words, b'x' * 10 + b'\\n')",
        ),
        "It wrote too much to the engine.",
    ),
    "one_long_line": (
        on_quote(
            "import core.services.strategy_guard as g, os",
            "while True: os.write(g._words, b'x' * 10_000)",
        ),
        "It wrote too much to the engine.",
    ),
    "sends_rubbish": (
        on_quote("self._port._client._channel.send(b'rubbish')", "1 / 0"),
        "ZeroDivisionError",
    ),
    "loads_badly": ("import nothing_of_that_name", "loads_badly.py does not load: ModuleNot"),
    "exits_as_it_loads": ("raise SystemExit", "does not load"),
    "is_no_python": ("def broken(:\n    pass\n", "is_no_python.py, line 1)"),
    "starts_badly": (BUYER.replace("self.buy(3", "self.nothing(3"), "starts_badly.py, line 6)"),
}


GROUPS = {names[0]: names for names in (list(BAD)[i::4] for i in range(4))}


@pytest.mark.parametrize("group", GROUPS)
def test_they_are_stopped_their_orders_go_and_the_others_trade_on(
    tmp_path: Path, group: str
) -> None:
    bad = {n: BAD[n] for n in GROUPS[group] if sys.platform != "win32" or n != "dies"}

    async def test() -> None:
        good = on_quote("self.replace(self.first, 3, quote.bid - 100)")
        bounds = Bounds(hang=4.0, start=40.0, stop=0.3)
        limits = (LimitConfig("max_open_orders", Decimal(20), "strategy"),)
        files = {"good": good} | {name: source for name, (source, _) in bad.items()}
        async with Rig(tmp_path, files, bounds=bounds, limits=limits) as r:
            await r.run("good", AUTO)
            await r.wait(lambda: r.working("good"), "the good one trades")
            for name, (source, _) in bad.items():
                r.turn(name, AUTO)
                if "self.first = self.buy" in source:
                    await r.wait(lambda n=name: r.working(n), f"{name} trades")
            r.venue.quote(10_001, 10_002)
            for name, (_, why) in bad.items():
                await r.wait(lambda n=name: r.row(n).health == "failed", f"{name} is stopped")
                row = r.row(name)
                assert (row.mode, row.pid) == (OFF, 0)
                assert why in row.last_error
                assert f"{name} was stopped" in r.notices()
            await r.wait(lambda: len(r.working()) == 1, "their orders are gone")
            await r.wait(lambda: len(r.hosts()) == 1, "their processes are gone")

            changes = sum(isinstance(q, VenueReplace) for q in r.venue.sent)
            for request in [q for q in r.venue.sent if isinstance(q, VenueReplace)]:
                r.venue.report(
                    request.order,
                    ExecType.REPLACED,
                    OrdStatus.NEW,
                    request=request.request,
                )
            r.venue.quote(10_003, 10_004)
            await r.wait(
                lambda: sum(isinstance(q, VenueReplace) for q in r.venue.sent) > changes,
                "the good one goes on",
            )
            assert r.row("good").health == "running"
            own = order(price=9_000)
            r.send(own)
            await r.wait(lambda: r.status(own.cl_ord_id) is OrdStatus.NEW, "so does the trader")

    go(test())


def test_one_that_never_loads_is_stopped(tmp_path: Path) -> None:
    async def test() -> None:
        bounds = Bounds(start=2.0, stop=0.3)
        async with Rig(tmp_path, {"mine": "while True: pass"}, bounds=bounds) as r:
            await r.wait(lambda: "endless loop" in r.row("mine").last_error, "noticed when off")
            r.turn("mine", AUTO)
            await r.wait(lambda: r.row("mine").health == "failed", "stopped when on")
            await r.wait(lambda: not r.hosts(), "its process is gone")

    go(test())


def test_one_that_eats_memory_is_stopped(tmp_path: Path) -> None:
    async def test() -> None:
        bounds = Bounds(memory=250_000_000, stop=0.3)
        files = {"some": on_quote(HUNGER % 25), "all": on_quote(HUNGER % 900)}
        async with Rig(tmp_path, files, bounds=bounds) as r:
            for name in files:
                await r.run(name, AUTO)
                await r.wait(lambda n=name: r.working(n), "it trades")
            r.venue.quote(10_001, 10_002)
            for name in files:
                await r.wait(lambda n=name: r.row(n).health == "failed", f"{name} is stopped")
                await r.wait(lambda n=name: not r.working(n), "its orders are gone")
                assert "a strategy may" in r.row(name).last_error
            assert "MB; a strategy may use 250 MB." in r.row("some").last_error

    go(test())


def test_what_it_prints_goes_to_its_log_which_stays_short(tmp_path: Path) -> None:
    source = on_quote(
        "self.n = getattr(self, 'n', 0) + 1",
        "for i in range(2000): print('{}', 'x' * 100)",
        "self.signal(f'printed {self.n}')",
    )

    async def test() -> None:
        bounds = Bounds(log=100_000, stop=0.3)
        async with Rig(tmp_path, {"mine": source}, bounds=bounds) as r:
            await r.run("mine", AUTO)
            log = tmp_path / "engine" / "strategies" / "mine.log"
            for n in (1, 2, 3):
                r.venue.quote(10_000 + n, 10_001 + n)
                await r.wait(lambda n=n: r.row("mine").last_signal == f"printed {n}", "printed")
            await r.wait(lambda: log.stat().st_size <= 100_000, "the log is short again")
            assert r.row("mine").health == "running"

    go(test())


def test_many_signals_do_not_reach_the_engine_one_by_one(tmp_path: Path) -> None:
    source = on_quote("for i in range(100_000): self.signal(f'signal {i}')")

    async def test() -> None:
        async with Rig(tmp_path, {"mine": source}) as r:
            await r.run("mine", AUTO)
            r.venue.quote(10_001, 10_002)
            await r.wait(lambda: r.row("mine").last_signal == "signal 99999", "the newest one")
            assert r.row("mine").health == "running"

    go(test())


def test_one_that_failed_can_be_switched_on_again(tmp_path: Path) -> None:
    source = on_quote("if quote.bid == 10_001: raise ValueError('no')")

    async def test() -> None:
        async with Rig(tmp_path, {"mine": source}) as r:
            await r.run("mine", AUTO)
            r.venue.quote(10_001, 10_002)
            await r.wait(lambda: r.row("mine").health == "failed", "it failed")
            r.venue.quote(10_002, 10_003)
            await r.run("mine", AUTO)
            assert r.row("mine").last_error == ""
            await r.wait(lambda: r.working("mine"), "it trades again")

    go(test())
