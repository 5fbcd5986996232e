"""The same journal leads to the same state: twice, under every hash seed, on every Python."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from core.journal.journal import Journal
from core.services.snapshots import main
from tests.core.kernel.test_dump import busy, finish
from tests.core.services.test_recovery import record

ROOT = Path(__file__).parents[3]
REPLAY = """
import sys
from pathlib import Path
from core.services.recovery import check_replay
found = check_replay(Path(sys.argv[1]), check=True)
print(found.digest, found.last, all(same for _, same in found.compared), len(found.compared))
"""
OTHERS = ("3.11", "3.12", "3.13")


def replayed(python: str, seed: str, journal: Path) -> str:
    done = subprocess.run(
        [python, "-c", REPLAY, str(journal)],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def other_python(version: str) -> str:
    """Another interpreter that has what the engine needs; empty when there is none."""
    found = shutil.which(f"python{version}")
    if found is None:
        return ""
    look = subprocess.run([found, "-c", "import msgspec"], capture_output=True, check=False)
    return "" if look.returncode else found


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("journal")
    driver = busy()
    finish(driver)
    record(directory, driver)
    assert main([str(directory), "15", "0"]) == 0
    return directory


def test_twice_and_under_two_hash_seeds(journal: Path) -> None:
    found = [replayed(sys.executable, seed, journal) for seed in ("1", "1", "2")]
    assert found[0] == found[1] == found[2]
    digest, last, same, count = found[0].split()
    assert len(digest) == 32
    with Journal.open(journal, sync_every=0) as opened:
        assert int(last) == opened.last_seq
    assert (same, count) == ("True", "1"), "and the snapshot on the way is the same state"


@pytest.mark.parametrize("version", OTHERS)
def test_on_other_pythons(journal: Path, version: str) -> None:
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        pytest.skip("this very Python")
    python = other_python(version)
    if not python:
        pytest.skip(f"there is no Python {version} with msgspec here")
    assert replayed(python, "3", journal) == replayed(sys.executable, "4", journal)
