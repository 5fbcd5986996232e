"""Snapshots made by a process of their own: the engine's loop does not wait, a kill spoils none."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from core.journal.errors import JournalError
from core.journal.files import journal_files, read_snapshot, snapshot_files
from core.journal.journal import Journal
from core.journal.lock import FileLock
from core.kernel.kernel import Kernel
from core.model.commands import CancelOrder
from core.model.enums import OrdStatus
from core.services import engine as engine_module
from core.services.affinity import NICE, give_way
from core.services.config import load_config
from core.services.recovery import check_replay, rebuild, state_at
from core.services.snapshots import Snapshots, main
from tests.core.kernel.test_dump import busy
from tests.core.services.helpers import Bench, order
from tests.core.services.test_recovery import digest_of, record

DAY = 86_400_000_000_000


def test_the_state_after_any_record(tmp_path: Path) -> None:
    driver = busy()
    record(tmp_path, driver, snapshot_at=9)
    kernel = Kernel()
    for seq, ts, message in driver.inputs:
        kernel.apply(seq, ts, message)
        if seq in (3, 9, 20, driver.seq):
            found = state_at(tmp_path, seq)
            assert found.kernel.seq == seq
            assert found.start == (9 if seq >= 9 else 0)
            if not found.start:
                assert found.kernel.digest() == kernel.digest()
    with Journal.open(tmp_path, sync_every=0) as journal:
        assert rebuild(journal)[0].digest() == state_at(tmp_path).kernel.digest()


def test_a_snapshot_of_another_version_is_passed_over(tmp_path: Path) -> None:
    driver = busy()
    record(tmp_path, driver, snapshot_at=9)
    with Journal.open(tmp_path, sync_every=0) as journal:
        journal.write_snapshot(20, 20, b"of another age")
    found = state_at(tmp_path)
    assert found.start == 9
    assert found.kernel.digest() == driver.kernel.digest()


def test_made_beside_a_writer(tmp_path: Path) -> None:
    driver = busy()
    record(tmp_path, driver)
    before = digest_of(tmp_path)
    with Journal.open(tmp_path, sync_every=0) as journal:
        assert main([str(tmp_path), str(driver.seq), "0"]) == 0
        assert journal.newest_snapshot().seq == driver.seq
        kernel, start, replayed = rebuild(journal)
    assert (start, replayed) == (driver.seq, 0)
    assert kernel.digest() == before
    assert check_replay(tmp_path, check=True).compared == [(driver.seq, True)]


def test_old_files_go_with_it(tmp_path: Path) -> None:
    driver = busy()
    record(tmp_path, driver)
    with Journal.open(tmp_path, sync_every=0) as journal:
        for n in range(5):
            journal.append(driver.now + n * DAY, CancelOrder(f"x{n}", "none"))
    last = driver.seq + 5
    assert main([str(tmp_path), str(last - 2), "1"]) == 0
    assert int(journal_files(tmp_path)[0].stem) == 1, "one snapshot covers nothing"
    assert main([str(tmp_path), str(last - 1), "1"]) == 0
    first = int(journal_files(tmp_path)[0].stem)
    assert first > 1
    assert first - 1 <= last - 2
    assert digest_of(tmp_path) == state_at(tmp_path).kernel.digest()
    assert check_replay(tmp_path).start == last - 2


def test_the_newest_two_stay(tmp_path: Path) -> None:
    driver = busy()
    record(tmp_path, driver)
    for seq in (5, 10, 15, 20):
        assert main([str(tmp_path), str(seq), "0"]) == 0
    assert [int(path.stem) for path in snapshot_files(tmp_path)] == [20, 15]


def test_damage_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    driver = busy()
    record(tmp_path, driver)
    first = journal_files(tmp_path)[0]
    data = bytearray(first.read_bytes())
    data[200] ^= 1
    first.write_bytes(data)
    assert main([str(tmp_path), str(driver.seq), "0"]) == 1
    assert "damaged at offset" in capsys.readouterr().err
    said: list[str] = []

    async def test() -> None:
        snapshots = Snapshots(tmp_path, 0, 0, lambda text, error: said.append(text))
        snapshots.take(driver.seq)
        snapshots.take(driver.seq + 1)
        assert snapshots.seq == driver.seq, "one at a time"
        await snapshots.finish()

    asyncio.run(test())
    (text,) = said
    assert "No snapshot of the engine's state could be made." in text
    assert "damaged at offset" in text
    with pytest.raises(JournalError):
        state_at(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="stops a process where it stands")
def test_killed_in_the_middle_of_it(tmp_path: Path) -> None:
    """However far it came: no half a snapshot ever counts, and the next one works."""
    driver = busy()
    record(tmp_path, driver)
    before = digest_of(tmp_path)
    program = (
        "import os, signal, sys; from core.journal import files; real = files.os.{call}\n"
        "def killed(*a, **b):\n    {act}\n    os.kill(os.getpid(), signal.SIGKILL)\n"
        "files.os.{call} = killed\nfrom core.services.snapshots import main\nmain(sys.argv[1:])"
    )
    for call, act in (
        ("write", "real(a[0], bytes(a[1][:100]))"),
        ("fsync", "pass"),
        ("replace", "pass"),
        ("replace", "real(*a)"),
    ):
        words = [str(tmp_path), str(driver.seq), "0"]
        code = program.format(call=call, act=act)
        done = subprocess.run([sys.executable, "-c", code, *words], check=False)
        assert done.returncode == -signal.SIGKILL
        for path in snapshot_files(tmp_path):
            assert not isinstance(read_snapshot(path), str)
        assert digest_of(tmp_path) == before
    assert not list(tmp_path.glob("*.new")), "opening tidied up"


def test_an_engine_has_them_made(tmp_path: Path) -> None:
    config = load_config(None, tmp_path)
    config.snapshot_every = 20

    async def test() -> None:
        async with Bench(tmp_path, config=config) as b:
            b.venue.quote()
            for _ in range(10):
                new = order()
                b.send(new)
                assert await b.until(lambda name=new.cl_ord_id: b.status(name) is OrdStatus.NEW)
            assert await b.until(lambda: snapshot_files(tmp_path / "journal"), 30)
            assert "snapshot" not in b.notices()

    asyncio.run(test())
    (newest, *_) = snapshot_files(tmp_path / "journal")
    found = check_replay(tmp_path / "journal", check=True)
    assert found.compared
    assert all(same for _, same in found.compared)
    assert int(newest.stem) == found.last


def test_nobody_writes_where_the_journal_is_once_an_engine_has_stopped(tmp_path: Path) -> None:
    """The folder may be copied or taken away then, and the next start meets nobody there."""

    async def test() -> int:
        async with Bench(tmp_path) as b:
            b.venue.quote()
            new = order()
            b.send(new)
            assert await b.until(lambda: b.status(new.cl_ord_id) is OrdStatus.NEW)
            b.engine.journal.sync()
            asked = b.engine.journal.synced_seq
            b.engine._snapshots.take(asked)
            # Who makes it is at work, and far from done.
            assert await b.until(lambda: _makers(tmp_path))
        assert not _makers(tmp_path)
        return asked

    asked = asyncio.run(test())
    assert asked in [int(path.stem) for path in snapshot_files(tmp_path / "journal")]


def _makers(home: Path) -> list[psutil.Process]:
    """The processes that make snapshots for an engine."""
    found = []
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            if str(home / "journal") in child.cmdline():
                found.append(child)
    return found


def test_none_is_made_of_what_the_disk_has_not_confirmed(tmp_path: Path) -> None:
    """A loss of power could leave it ahead of the journal."""

    config = load_config(None, tmp_path)
    config.snapshot_every = 1

    async def test() -> None:
        async with Bench(tmp_path, config=config) as b:
            await b.engine._snapshots.finish()
            for _ in range(20):
                b.engine.submit(order())
            list(b.engine._second())
            assert b.engine._snapshots.seq <= b.engine.journal.synced_seq

    asyncio.run(test())


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can mount")
def test_an_engine_on_a_full_disk_halts_and_goes_on(tmp_path: Path) -> None:
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("a file system cannot be mounted here")
    try:
        asyncio.run(_fill_the_disk(place))
    finally:
        subprocess.run(["umount", str(place)], check=True, capture_output=True)


async def _fill_the_disk(place: Path) -> None:
    async with Bench(place) as b:
        b.venue.quote()
        good = order()
        b.send(good)
        assert await b.until(lambda: b.status(good.cl_ord_id) is OrdStatus.NEW)
        ballast = place / "ballast"
        _fill(ballast)
        deadline = time.monotonic() + 20
        quantities = itertools.count(11)
        while "Trading is halted" not in b.notices():
            b.send(order(qty=next(quantities)))
            await b.until(lambda: False, 0.02)
            assert time.monotonic() < deadline
        assert "No space left on device" in b.notices()
        sent = len(b.venue.sent)
        late = order(qty=2)
        b.send(late)
        assert await b.until(lambda: b.client.stores.refusals.get(late.cl_ord_id))
        assert len(b.venue.sent) == sent
        ballast.unlink()
        assert await b.until(lambda: "trading goes on" in b.notices(), 10)
        last = order(qty=3)
        b.send(last)
        assert await b.until(lambda: b.status(last.cl_ord_id) is OrdStatus.NEW), b.notices()
        sent_names = [request.order.cl_ord_id for request in b.venue.sent]
    recorded = {
        message.cl_ord_id
        for _, _, message in _replayed(place / "journal")
        if type(message).__name__ == "NewOrder"
    }
    assert set(sent_names) <= recorded, "nothing left that is not on record"
    assert late.cl_ord_id not in recorded


def _fill(path: Path) -> None:
    """Leave no room at all."""
    with path.open("wb", buffering=0) as file:
        for size in (4096, 1):
            try:
                while file.write(bytes(size)) == size:
                    pass
            except OSError:
                continue


def _replayed(directory: Path):  # type: ignore[no-untyped-def]
    with Journal.open(directory, sync_every=0) as journal:
        return list(journal.replay())


def test_one_process_at_a_time_makes_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An engine that dies again and again leaves one at work, not one for each life."""
    driver = busy()
    record(tmp_path, driver)
    words = [str(tmp_path), str(driver.seq), "0"]
    lock = FileLock(tmp_path / "snapshot.lock")
    assert main(words) == 0
    assert not snapshot_files(tmp_path)
    lock.release()
    assert main(words) == 0
    assert [int(p.stem) for p in snapshot_files(tmp_path)] == [driver.seq]
    assert capsys.readouterr().err == ""


def test_a_start_that_read_much_has_one_made_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever becomes of that engine: it outlives it, and the next start reads less."""
    monkeypatch.setattr(engine_module, "SOON", 20)

    async def life(orders: int) -> tuple[int, int]:
        async with Bench(tmp_path) as b:
            begun_with = b.engine.journal.last_seq
            for _ in range(orders):
                new = order()
                b.send(new)
                assert await b.until(lambda name=new.cl_ord_id: b.status(name) is not None)
            monkeypatch.setattr(b.engine._snapshots, "leave", lambda *_: None)  # as if killed
            made = [int(p.stem) for p in snapshot_files(tmp_path / "journal")]
            if begun_with >= 20:
                assert await b.until(lambda: snapshot_files(tmp_path / "journal"), 30)
                made = [int(p.stem) for p in snapshot_files(tmp_path / "journal")]
            return begun_with, max(made, default=0)

    assert asyncio.run(life(20))[1] == 0
    begun_with, made = asyncio.run(life(0))
    assert begun_with >= 20
    assert begun_with <= made <= begun_with + 10, "it waited for more records"


def test_who_makes_them_gives_way(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        child = psutil.Process(process.pid)
        if sys.platform == "win32":
            give_way(process.pid)
            assert child.nice() == psutil.BELOW_NORMAL_PRIORITY_CLASS
        else:
            own = child.nice()
            give_way(process.pid)
            assert child.nice() == max(own, NICE)
            child.nice(NICE + 5)
            give_way(process.pid)
            assert child.nice() == NICE + 5, "it never comes before who started it"
    give_way(process.pid)  # one that is gone is no trouble
