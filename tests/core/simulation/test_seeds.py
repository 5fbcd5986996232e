"""Seeds repeat themselves exactly, exercise every fault, and end well."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from app import cli
from core.model.requests import VenueRequest
from core.simulation.plan import FAULTS, make_plan
from core.simulation.seeds import replay, run_seed, run_seeds
from core.simulation.shrink import kind_of
from core.venues.remote.venue import RemoteVenue

SEEDS = (3, 7, 11, 20)
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
    planned = {step.kind for seed in range(60) for step in make_plan(seed)}
    assert set(FAULTS) <= planned
    totals = run_seeds(0, 60)
    assert not totals.failed, totals.failed[0]
    happened = set(totals.faults)
    for wanted in (
        "bust",
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
    said = capsys.readouterr().out
    assert "FAILED: (4)" in said
    command = next(line for line in said.splitlines() if line.startswith("shorter:"))
    words = command.partition("main.py ")[2].split()
    assert cli.main(words) == 1
    assert "WRONG: (4)" in capsys.readouterr().out
    assert cli.main(words[:3]) == 1
