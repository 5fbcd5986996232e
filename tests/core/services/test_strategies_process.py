"""Strategies under the real engine process: killed, stopped, started again; one in 20 lines."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from core.client.client import EngineClient
from core.model.commands import AnswerDraft, SetStrategyMode, SetStrategyParams
from core.model.enums import OrdStatus, StrategyMode
from core.model.ids import IdMaker
from core.services.process import EngineProcess, ProcessState

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
OFF, ADVISE, AUTO = StrategyMode.OFF, StrategyMode.ADVISE, StrategyMode.AUTO

# The very strategy that the README shows.
EXAMPLE = (
    (Path(__file__).resolve().parents[3] / "README.md")
    .read_text("utf-8")
    .split("```python\n")[1]
    .split("```")[0]
)
RESTING = """
from core.strategy.api import Strategy

class Mine(Strategy):
    def on_start(self):
        self.buy(1, int(self.quote.bid * 0.97))
"""
SOFT = RESTING + "    def on_quote(self, quote):\n        while True: pass\n"
HARD = RESTING + (
    "    def on_quote(self, quote):\n        import re; re.match('(a*)*b', 'a' * 90)\n"
)
CONFIG = """
orphan_seconds = 1
[[accounts]]
id = "PAPER-1"
cash = { USD = 1000000 }
"""
ROW = """
[[strategies]]
name = "%s"
kind = "%s"
instrument = "BTC-USD.ALPHA"
account = "PAPER-1"
start = "%s"
"""


class Desk:
    """An engine process and a client of it."""

    def __init__(self, home: Path, files: dict[str, tuple[str, str]]) -> None:
        folder = home / "strategies"
        folder.mkdir()
        rows = []
        for name, (source, start) in files.items():
            if source:
                (folder / f"{name}.py").write_text(source)
            kind = f"{name}.py:{'Dip' if 'Dip' in source else 'Mine'}" if source else name
            rows.append(ROW % (name, kind, start))
        (home / "engine.toml").write_text(CONFIG + "".join(rows))
        self.process = EngineProcess(home, ())
        self.process.start()
        self.client = EngineClient(self.process.endpoint, self.process.token, "tester")
        self.client.connect()
        self.ids = IdMaker("T")
        notices = self.client.stores.notices
        self.until(lambda: any("is ready" in n.text for n in notices), "the engine is ready")

    def until(self, true: Callable[[], object], what: str, seconds: float = 60.0) -> None:
        deadline = time.monotonic() + seconds
        while True:
            self.client.poll()
            with contextlib.suppress(KeyError, psutil.Error):
                if true():
                    return
            rows = [(r.strategy, r.health, r.last_error) for r in self.client.stores.strategies]
            assert time.monotonic() < deadline, f"in vain: {what}; {rows}; {self.process.poll()}"
            time.sleep(0.005)

    def row(self, name: str):
        return self.client.stores.strategies[name]

    def run(self, name: str, mode: StrategyMode) -> psutil.Process:
        """Turn a switch and wait until the strategy runs; returns its process."""
        assert self.client.send(SetStrategyMode(self.ids.next(), name, mode)) == ""
        self.until(lambda: self.row(name).health == "running", f"{name} runs")
        return psutil.Process(self.row(name).pid)

    def working(self, name: str) -> list[str]:
        orders = self.client.stores.working.get("BTC-USD.ALPHA", {}).values()
        return [o.cl_ord_id for o in orders if o.strategy == name]

    def said(self, part: str, words: str) -> bool:
        return any(n.part == part and words in n.text for n in self.client.stores.notices)

    def restart(self) -> None:
        """Wait until the engine is back after it was killed."""
        old, restarts = self.client.engine_pid, self.process.restarts
        self.until(
            lambda: self.process.poll() == "" and self.process.restarts > restarts, "a new process"
        )
        self.until(lambda: self.client.connected and self.client.engine_pid != old, "it answers")

    def close(self) -> None:
        self.client.close(stop_engine=True)
        self.process.stop()


@pytest.fixture
def desks(tmp_path: Path) -> Iterator[Callable[..., Desk]]:
    made: list[Desk] = []

    def make(**files: tuple[str, str]) -> Desk:
        made.append(Desk(tmp_path, files))
        return made[-1]

    yield make
    for desk in made:
        desk.close()


def gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


@posix
def test_a_killed_engine_leaves_no_strategy_behind_and_starts_none_in_auto(desks) -> None:
    desk = desks(
        one=(RESTING, "off"), soft=(SOFT, "off"), hard=(HARD, "off"), crossover=("", "advise")
    )
    hosts = [desk.run(name, AUTO) for name in ("one", "soft", "hard")]
    desk.until(lambda: desk.row("crossover").health == "running", "one in Advise")
    hosts.append(psutil.Process(desk.row("crossover").pid))
    desk.until(lambda: desk.working("one") and desk.working("soft"), "orders rest")
    (order,) = desk.working("one")
    os.kill(desk.process.pid, signal.SIGKILL)
    desk.until(lambda: all(gone(host) for host in hosts), "no strategy outlives its engine", 15.0)
    desk.restart()
    desk.until(lambda: desk.row("crossover").mode is ADVISE, "as the settings say")
    assert [desk.row(name).mode for name in ("one", "soft", "hard")] == [OFF, OFF, OFF]
    # What they had sent came back with the market, and goes, since nobody looks after it.
    desk.until(lambda: order in desk.client.stores.orders, "the order is known")
    desk.until(lambda: not desk.working("one") and not desk.working("soft"), "nothing rests")
    assert desk.client.stores.orders[order].status is OrdStatus.CANCELED


@posix
def test_parameters_that_were_set_on_the_screen_outlive_the_engine(desks, tmp_path) -> None:
    desk = desks(crossover=("", "advise"))

    def params() -> dict[str, str]:
        return desk.row("crossover").params

    def kill_engine() -> None:
        os.kill(desk.process.pid, signal.SIGKILL)
        desk.restart()

    def runs() -> bool:
        return desk.row("crossover").health == "running"

    desk.until(runs, "as the settings say")
    assert desk.client.send(SetStrategyMode(desk.ids.next(), "crossover", OFF)) == ""
    desk.until(lambda: desk.row("crossover").mode is OFF, "it is off")
    assert desk.client.send(SetStrategyParams(desk.ids.next(), "crossover", {"fast": "7"})) == ""
    desk.until(lambda: params()["fast"] == "7", "it is set")
    kill_engine()
    desk.until(runs, "it runs again")
    assert params()["fast"] == "7", "the process itself says so"
    assert desk.said("crossover", "set on the screen, not those of the settings")

    settings = tmp_path / "engine.toml"
    settings.write_text(settings.read_text() + 'params = { fast = "9" }\n')
    kill_engine()
    desk.until(runs, "it runs again")
    assert params()["fast"] == "9", "who writes it into the settings means it"
    assert desk.said("crossover", "The settings have changed it")


@posix
def test_an_engine_that_is_stopped_ends_its_strategies(desks) -> None:
    desk = desks(one=(RESTING, "off"), soft=(SOFT, "off"))
    hosts = [desk.run(name, AUTO) for name in ("one", "soft")]
    desk.client.close(stop_engine=True)
    desk.until(lambda: all(gone(host) for host in hosts), "no strategy is left", 15.0)
    desk.until(
        lambda: desk.process.poll() and desk.process.state is ProcessState.STOPPED, "it ends"
    )


@posix
def test_a_killed_strategy_is_told_of_and_its_orders_go(desks) -> None:
    desk = desks(one=(RESTING, "off"))
    host = desk.run("one", AUTO)
    desk.until(lambda: desk.working("one"), "an order")
    host.kill()
    desk.until(lambda: desk.row("one").health == "failed", "it failed")
    assert desk.row("one").last_error == "Its process ended with code -9."
    desk.until(lambda: not desk.working("one"), "its order is gone")


def test_the_example_trades(desks) -> None:
    desk = desks(dip=(EXAMPLE.replace("fall: int = 20", "fall: int = 1"), "advise"))
    stores = desk.client.stores
    desk.until(lambda: desk.row("dip").params == {"fall": "1", "quantity": "0.01"}, "parameters")
    desk.until(lambda: [d for d in stores.drafts if not d.answer], "a draft")
    draft = next(d for d in stores.drafts if not d.answer)
    assert draft.why == "it has fallen"
    desk.client.send(AnswerDraft(desk.ids.next(), draft.draft, True))
    desk.until(lambda: draft.draft in stores.orders, "an order")
    desk.until(lambda: stores.orders[draft.draft].status.terminal, "it is over")
    order = stores.orders[draft.draft]
    assert (order.strategy, order.cum_qty) == ("dip", order.qty)
    desk.until(lambda: any(p.strategy == "dip" and p.qty for p in stores.positions), "it holds")
