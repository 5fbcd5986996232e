"""Options, addresses, timers, statistics: the small parts of a service."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from pathlib import Path

import msgspec
import pytest

from core.model.enums import Mode
from core.services import affinity
from core.services.address import (
    FILE_NAME,
    my_address,
    read_address,
    remove_address,
    write_address,
)
from core.services.options import EngineOptions, parse_options
from core.services.timers import Every, SteadyClock


def test_options_survive_a_command_line(tmp_path: Path) -> None:
    options = EngineOptions(
        data_dir=tmp_path,
        endpoint="tcp://127.0.0.1:5555",
        config=tmp_path / "e.toml",
        seed=7,
        instruments=500,
        replay=tmp_path / "a b.gz",
        speed=2.5,
        start=1_723_161_600_000_000_000,
        record=tmp_path / "r.rec",
        core=1,
        parent=99,
    )
    assert parse_options(options.arguments()) == options
    plain = EngineOptions(data_dir=tmp_path)
    assert parse_options(plain.arguments()) == plain


def test_each_market_has_a_folder_of_its_own(tmp_path: Path) -> None:
    homes = {
        EngineOptions(data_dir=tmp_path).home,
        EngineOptions(data_dir=tmp_path, seed=2).home,
        EngineOptions(data_dir=tmp_path, instruments=50).home,
        EngineOptions(data_dir=tmp_path, replay=Path("x.gz"), session="1").home,
        EngineOptions(data_dir=tmp_path, replay=Path("x.gz"), session="2").home,
        EngineOptions(data_dir=tmp_path, replay=Path("y/x.gz"), session="1").home,
    }
    assert len(homes) == 6
    assert EngineOptions().mode is Mode.PAPER
    assert EngineOptions(replay=Path("x")).mode is Mode.REPLAY


def test_the_address_is_for_its_user_only_and_true_while_the_process_lives(tmp_path: Path) -> None:
    address = my_address("ipc:///x", "secret")
    write_address(tmp_path, address)
    assert read_address(tmp_path) == address
    if sys.platform != "win32":
        assert (tmp_path / FILE_NAME).stat().st_mode & 0o077 == 0
    write_address(tmp_path, msgspec.structs.replace(address, born=address.born - 100))
    assert read_address(tmp_path) is None  # a process id that another program has now
    write_address(tmp_path, address)
    remove_address(tmp_path)
    remove_address(tmp_path)
    assert read_address(tmp_path) is None
    for damage in (b"nonsense", b'{"endpoint": "\xff"}', b'{"x":' * 5_000):
        (tmp_path / FILE_NAME).write_bytes(damage)
        assert read_address(tmp_path) is None


def test_cores_are_shared_without_overlap() -> None:
    shared = affinity.plan()
    assert shared.engine not in shared.others
    assert not affinity.pin(())
    assert not affinity.pin((100_000,))


@pytest.mark.skipif(not affinity.may_be_urgent(), reason="the system does not permit it")
def test_a_thread_that_is_let_run_first_starts_ordinary_ones() -> None:
    seen: list[int] = []

    def other() -> None:
        seen.append(os.sched_getscheduler(0))

    def first() -> None:
        assert affinity.urgent()
        seen.append(os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK)
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()

    thread = threading.Thread(target=first)
    thread.start()
    thread.join()
    assert seen == [os.SCHED_RR, os.SCHED_OTHER]


def test_a_timer_goes_on_after_an_error_and_stops_when_told() -> None:
    async def test() -> None:
        calls: list[float] = []
        errors: list[str] = []

        def work() -> None:
            calls.append(time.monotonic())
            if len(calls) == 2:
                raise RuntimeError("once")

        timer = Every(0.005, work, lambda text, error: errors.append(f"{text} {error}"), "Work")
        timer.start()
        deadline = time.monotonic() + 5
        while len(calls) < 6 and time.monotonic() < deadline:
            await asyncio.sleep(0.002)
        timer.stop()
        count = len(calls)
        assert count >= 6
        assert errors == ["Work failed. once"]
        await asyncio.sleep(0.03)
        assert len(calls) == count

    asyncio.run(test())


def test_calls_that_were_missed_are_not_made_up_for() -> None:
    async def test() -> None:
        calls: list[float] = []
        timer = Every(0.001, lambda: calls.append(0), lambda text, error: None, "x")
        timer.start()
        await asyncio.sleep(0)
        time.sleep(0.05)  # the loop is held up for fifty calls
        for _ in range(3):
            await asyncio.sleep(0)
        timer.stop()
        assert len(calls) <= 3

    asyncio.run(test())


class Computer:
    """A computer's clocks: what its processor counts, and what somebody set."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.counted = 5_000
        self.wall = 1_700_000_000_000_000_000
        patch.setattr(time, "clock_gettime_ns", lambda number: self.counted)
        patch.setattr(time, "monotonic_ns", lambda: self.counted)
        patch.setattr(time, "time_ns", lambda: self.wall)

    def passes(self, seconds: float) -> None:
        self.counted += int(seconds * 1e9)
        self.wall += int(seconds * 1e9)


HOUR = 3_600_000_000_000


@pytest.mark.parametrize("jump", [HOUR, -HOUR, -24 * HOUR, 3_000_000, -3_000_000])
def test_the_clock_goes_on_evenly_when_the_computers_is_moved(
    monkeypatch: pytest.MonkeyPatch, jump: int
) -> None:
    computer = Computer(monkeypatch)
    clock = SteadyClock()
    computer.passes(1)
    before = clock()
    assert before == computer.wall
    assert clock.off == 0
    computer.wall += jump
    assert clock() == before
    assert clock.off == jump
    for _ in range(100):
        computer.passes(1)
        passed = clock() - before
        before += passed
        assert 950_000_000 <= passed <= 1_050_000_000
    follows = 5_000_000_000
    assert abs(clock.off) == max(0, abs(jump) - follows)
    assert before + clock.off == computer.wall


def test_the_clock_is_right_after_the_computer_slept(monkeypatch: pytest.MonkeyPatch) -> None:
    computer = Computer(monkeypatch)
    clock = SteadyClock()
    computer.passes(8 * 3600)
    assert clock() == computer.wall


def test_this_process_is_alive() -> None:
    assert my_address("x", "y").pid == os.getpid()
    assert my_address("x", "y").alive
