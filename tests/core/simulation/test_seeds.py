"""Seeds repeat themselves exactly, exercise every fault, and end well."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app import cli
from core.model.enums import Contingency, OrdType, StrategyMode, TradingState
from core.model.requests import VenueRequest
from core.simulation.plan import FAULTS, make_plan
from core.simulation.seeds import replay, run_seed, run_seeds
from core.simulation.shrink import kind_of
from core.venues.remote.venue import RemoteVenue

SEEDS = (3, 7, 11, 20)
SOME = 120
USUAL = (
    *(f"order {kind.name} GTC" for kind in OrdType if kind is not OrdType.MARKET),
    "order MARKET IOC",
    *(f"order LIMIT {word}" for word in ("IOC", "FOK", "DAY", "GTD")),
    *(f"list {kind.name}" for kind in Contingency),
    *(f"filled {word}" for word in ("BRACKET", "OTO", "leg OPEN", "leg CLOSE")),
    *(f"sent Kill account {level}" for level in (1, 2, 3)),
    *(f"sent Kill strategy {level}" for level in (1, 2)),
    *(f"sent SetTradingState account {state.name}" for state in TradingState),
    *(f"sent SetStrategyMode OFF {word}" for word in ("keep", "flatten", "hand_over")),
    *(f"sent Flatten {leg}" for leg in ("long", "short", "account")),
    *(f"strategy {mode.name} running" for mode in (StrategyMode.ADVISE, StrategyMode.AUTO)),
    *(f"draft {answer}" for answer in ("opened", "accepted", "skipped", "withdrawn")),
    "strategy OFF failed",
    "sent ReloadSettings",
    "sent SetLimit account max_position",
    "sent SetRestriction",
    "sent Override",
    "report TRADE_CANCEL",
    "report TRADE_CORRECT",
    "denied MAX_POSITION",
    "denied MAX_OPEN_ORDERS",
    "denied TRADING_HALTED",
    "denied REDUCE_ONLY_MODE",
    "rule MISSED_FILL",
    "rule EXTERNAL_EXECUTION",
    "rule NEVER_ARRIVED",
    "rule STATE_DIFFERS",
)
"""What so few seeds cannot be without."""
_TRACES = (
    "from core.simulation.seeds import run_seed\n"
    f"print([(o.trace, o.turns, o.broken) for o in map(run_seed, {SEEDS})])"
)


def traces(hash_seed: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", _TRACES],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_a_seed_does_the_same_in_every_process_and_under_every_hash_seed() -> None:
    first = traces("1")
    assert first == traces("2")
    assert first == f"{[(o.trace, o.turns, o.broken) for o in map(run_seed, SEEDS)]}\n"


def test_seeds_differ() -> None:
    assert len({run_seed(seed).trace for seed in SEEDS}) == len(SEEDS)
    assert make_plan(1) != make_plan(2)
    assert make_plan(1) == make_plan(1)


def test_every_fault_happens_and_all_ends_well() -> None:
    planned = {step.kind for seed in range(SOME) for step in make_plan(seed)}
    assert set(FAULTS) <= planned
    totals = run_seeds(0, SOME)
    assert not totals.failed, totals.failed[0]
    happened = set(totals.faults)
    assert not [what for what in USUAL if not totals.covered.get(what)]
    for wanted in (
        "bust",
        "power with the clock ahead",
        "power with the clock behind",
        "crash with the clock ahead",
        "crash with the clock behind",
        "engine slow",
        "strategy dies",
        "strategy floods",
        "strategy hangs",
        "strategy raises",
        "venue drops DAY orders",
        "venue restarted",
        "cancel unasked",
        "client gone",
        "client slow",
        "clock jumped",
        "correction",
        "crash",
        "crash at write",
        "disk full",
        "fsync failed",
        "link cut",
        "market halted",
        "messages lost",
        "network stalled",
        "order from elsewhere",
        "overfill",
        "power lost",
        "report late",
        "report twice",
        "request refused",
        "short write",
        "slow disk",
        "unsynced bytes lost",
        "write failed",
    ):
        assert wanted in happened


def test_one_seed_tells_all_that_happens() -> None:
    lines: list[str] = []
    outcome = replay(5, say=lines.append)
    assert outcome.trace == run_seed(5).trace
    assert any("engine 1 starts" in line for line in lines)
    assert any("-> ALPHA: VenueNew" in line for line in lines)


def test_fewer_steps_may_be_asked_for() -> None:
    assert replay(3, only=[]).steps == 0
    assert replay(3, only=[1, 2, 5]).steps == 3


def test_a_kind_of_failure_is_its_words_without_names() -> None:
    assert kind_of("(1) order O3 of 5 lots") == kind_of("(1) order quoter-1-1 of 2 lots")
    assert kind_of("(1) order O3 of 5 lots") != kind_of("(2) order O3 of 5 lots")


def test_the_command_says_what_was_done(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["simulate", "--seeds", "4", "--jobs", "1"]) == 0
    said = capsys.readouterr().out
    assert "4 of 4 seeds" in said
    assert "0 failed" in said


def test_the_command_prints_how_to_see_a_failure_again(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    send = RemoteVenue.send

    def again(self: RemoteVenue, request: VenueRequest) -> None:
        send(self, request)
        send(self, request)

    monkeypatch.setattr(RemoteVenue, "send", again)
    assert cli.main(["simulate", "--seeds", "150", "--jobs", "1"]) == 1
    said, told = capsys.readouterr()
    assert "FAILED: (4)" in said
    assert "FAILED: (4)" in told, "a long run says so at once"
    command = next(line for line in said.splitlines() if line.startswith("shorter:"))
    words = command.partition("main.py ")[2].split()
    assert cli.main(words) == 1
    assert "WRONG: (4)" in capsys.readouterr().out
    assert cli.main(words[:3]) == 1


def test_a_long_run_goes_on_where_it_was_ended(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "seeds.json"
    words = ["simulate", "--jobs", "1", "--resume", str(file), "--seeds"]
    assert cli.main([*words, "3"]) == 0
    assert cli.main([*words, "5", "--verbose"]) == 0
    said = capsys.readouterr().out
    assert "5 of 5 seeds" in said
    assert "sent NewOrder" in said
    whole = run_seeds(0, 5, jobs=1)
    again = run_seeds(0, 5, jobs=1, file=file)
    assert (again.turns, again.faults, again.covered) == (whole.turns, whole.faults, whole.covered)
    assert cli.main([*words, "5", "--steps", "3"]) == 1
    assert "another state of the program" in capsys.readouterr().err
    file.write_text("no")
    assert cli.main([*words, "5"]) == 1
    assert "is no file of a simulation" in capsys.readouterr().err
