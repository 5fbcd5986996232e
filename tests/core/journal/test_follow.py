"""A journal read while it is written."""

from __future__ import annotations

import errno
import random
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest

from core.journal import journal as module
from core.journal.errors import JournalError
from core.journal.files import journal_files
from core.journal.follow import Follower
from core.journal.journal import Journal
from core.model.commands import CancelOrder
from tests.core.journal.journals import DAY, fill


def test_over_files_days_and_a_disk_that_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = random.Random(3)
    follower = Follower(tmp_path)
    assert follower.poll() == []
    found: list[Any] = []
    written: list[Any] = []
    ts = 0
    with Journal.open(tmp_path, durability="power", max_bytes=700, sync_every=0) as journal:
        for n in range(300):
            ts += DAY if rng.random() < 0.02 else 1
            message = CancelOrder(f"c{n}", "o" * rng.randrange(60))
            written.append((journal.append(ts, message), ts, message))
            if rng.random() < 0.3:
                journal.commit()
            if rng.random() < 0.05:
                with monkeypatch.context() as patch:
                    patch.setattr(module, "_sync_data", _fails)
                    journal.append(ts, CancelOrder("more", ""))
                    written.append((journal.last_seq, ts, CancelOrder("more", "")))
                    patch.setattr("os.fsync", _fails)
                    with pytest.raises(JournalError):
                        journal.sync()
            if rng.random() < 0.4:
                found += follower.poll(rng.randrange(1, 20))
        while more := follower.poll():
            found += more
    assert found == written
    assert follower.next_seq == len(written) + 1


def _fails(fd: int) -> None:
    raise OSError(errno.EIO, "Input/output error")


def test_a_file_is_filled_and_the_next_begun_between_two_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Journal.open(tmp_path, sync_every=0, max_bytes=700) as journal:
        follower = Follower(tmp_path)
        assert follower.poll() == []  # the first file is open and empty

        def written_meanwhile(directory: Path) -> list[Path]:
            while len(journal_files(directory)) == 1:
                journal.append(1, CancelOrder("c", "o"))
            return journal_files(directory)

        monkeypatch.setattr("core.journal.follow.journal_files", written_meanwhile)
        found = follower.poll()
        assert [seq for seq, _, _ in found] == list(range(1, journal.last_seq + 1))


def test_from_somewhere_on_and_over_what_a_snapshot_stands_for(tmp_path: Path) -> None:
    with Journal.open(tmp_path, sync_every=0, max_bytes=600) as journal:
        fill(journal, 20)
        assert [s for s, _, _ in Follower(tmp_path, 15).poll()] == [15, 16, 17, 18, 19, 20]
        ahead = Follower(tmp_path, 23)
        assert ahead.poll() == []
        fill(journal, 5, 20)
        assert [s for s, _, _ in ahead.poll()] == [23, 24, 25]
        journal.write_snapshot(25, 1, b"state")
        path = journal.path
    follower = Follower(tmp_path)
    path.write_bytes(path.read_bytes()[:-1])
    assert len(follower.poll()) == 24
    with Journal.open(tmp_path, sync_every=0) as journal:
        fill(journal, 2)
    assert [s for s, _, _ in follower.poll()] == [26, 27]


WRITER = """
    import sys
    from core.journal.journal import Journal
    from core.model.commands import CancelOrder

    with Journal.open(sys.argv[1], max_bytes=30_000, sync_every=0.005) as journal:
        for n in range(3000):
            journal.append(n, CancelOrder(f"c{n}", "o" * (n % 97)))
"""


def test_while_another_process_writes(tmp_path: Path) -> None:
    found: list[Any] = []
    follower = Follower(tmp_path)
    command = [sys.executable, "-c", textwrap.dedent(WRITER), str(tmp_path)]
    with subprocess.Popen(command) as writer:
        deadline = time.monotonic() + 30
        while len(found) < 3000 and time.monotonic() < deadline:
            found += follower.poll(97)
    assert writer.returncode == 0
    assert found == [(n + 1, n, CancelOrder(f"c{n}", "o" * (n % 97))) for n in range(3000)]
