"""The market-data book's C core under a coverage-guided fuzzer, with sanitizers.

By hand, for longer: build as `build` does and run ``fuzz 1000000 7``; with clang the target links
with ``-fsanitize=fuzzer`` alone.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent / "fuzz"
ROOT = Path(__file__).resolve().parents[3]

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("gcc") is None,
    reason="The fuzzer needs gcc with its sanitizers, as on Linux; install gcc to run it.",
)


def build(folder: Path, *flags: str) -> Path:
    """Compile the target with coverage and sanitizers, small first capacities, and the driver."""
    common = ["gcc", "-std=c11", "-g", "-O1", "-Wall", "-Wextra", "-Werror", "-fno-pie"]
    sanitize = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    small = ["-DML_FIRST=4", "-DMO_FIRST_ORDERS=2", "-DMO_FIRST_BITS=2"]
    target, driver, fuzz = folder / "target.o", folder / "driver.o", folder / "fuzz"
    include = ["-I", str(ROOT / "core" / "book")]
    traced = [*common, *sanitize, "-fsanitize-coverage=trace-pc", *small, *flags, *include]
    for command in (
        [*traced, "-c", str(HERE / "market_target.c"), "-o", str(target)],
        [*common, "-c", str(HERE / "coverage_driver.c"), "-o", str(driver)],
        ["gcc", "-no-pie", *sanitize, str(target), str(driver), "-o", str(fuzz)],
    ):
        subprocess.run(command, check=True, timeout=100)
    return fuzz


def run(fuzz: Path, runs: int, seed: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(fuzz), str(runs), str(seed)],
        env={"ASAN_OPTIONS": "abort_on_error=1", "UBSAN_OPTIONS": "abort_on_error=1"},
        capture_output=True,
        text=True,
        timeout=100,
    )


def test_core_survives_the_fuzzer(tmp_path: Path) -> None:
    result = run(build(tmp_path), runs=3000, seed=20)
    assert result.returncode == 0, result.stderr[-4000:]
    found = re.fullmatch(r"runs=3000 corpus=(\d+) edges=(\d+)\n", result.stdout)
    assert found is not None
    assert int(found[1]) > 100, "the corpus hardly grew: coverage does not guide"
    assert int(found[2]) > 500


def test_fuzzer_finds_a_planted_fault(tmp_path: Path) -> None:
    result = run(build(tmp_path, "-DPLANTED_FAULT"), runs=3000, seed=20)
    assert result.returncode != 0
    assert "not true: ids[at] == list[k].id" in result.stderr
    assert "crash (signal 6) on input " in result.stderr
