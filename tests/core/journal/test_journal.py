"""The journal: what was appended comes back, and no damage passes silently."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import textwrap
import time
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.journal import journal as module
from core.journal.errors import JournalError
from core.journal.files import journal_files, snapshot_files
from core.journal.journal import Journal
from core.journal.records import HEADER_SIZE, MAX_PAYLOAD, RECORD_SIZE
from core.model.commands import CancelOrder, NewOrder, SetLimit
from core.model.enums import LinkState, OrdType, Side
from core.model.events import LinkUpdate
from core.model.inputs import Tick
from core.model.market import Quote

texts = st.text(max_size=40)
times = st.integers(0, 2**62)
messages = st.one_of(
    st.builds(Tick, times, texts),
    st.builds(CancelOrder, texts, texts),
    st.builds(LinkUpdate, texts, times, st.sampled_from(list(LinkState)), texts),
    st.builds(Quote, texts, times, times, *[st.integers(-(2**62), 2**62)] * 4),
    st.builds(SetLimit, texts, texts, st.decimals(allow_nan=False, allow_infinity=False)),
    st.builds(
        NewOrder,
        texts,
        texts,
        texts,
        st.sampled_from(list(Side)),
        st.sampled_from(list(OrdType)),
        st.integers(-(2**62), 2**62),
    ),
)


def fill(journal, count, start=0):
    for n in range(start, start + count):
        journal.append(1000 + n, CancelOrder(f"c{n}", "o" * (n % 50)))


def whole(directory):
    """Everything recorded, as another start would see it; the journal is left as it was found."""
    with Journal.open(directory, sync_every=0) as journal:
        return list(journal.replay()), journal.repairs


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(stream=st.lists(st.tuples(times, messages), max_size=30), size=st.integers(100, 2000))
def test_what_was_appended_comes_back(tmp_path_factory, stream, size):
    directory = tmp_path_factory.mktemp("journal")
    with Journal.open(directory, sync_every=0, max_bytes=size) as journal:
        for seq, (ts, message) in enumerate(stream, 1):
            assert journal.append(ts, message) == seq
        half = len(stream) // 2
        expected = [(seq, ts, message) for seq, (ts, message) in enumerate(stream, 1)]
        assert list(journal.replay()) == expected
        assert list(journal.replay(half + 1)) == expected[half:]
        assert journal.size == sum(p.stat().st_size for p in journal_files(directory))
    assert whole(directory) == (expected, [])
    with Journal.open(directory, sync_every=0) as journal:
        assert journal.append(1, Tick(1)) == len(stream) + 1


def test_sizes_rotate_into_files_named_by_their_first_record(tmp_path):
    with Journal.open(tmp_path, sync_every=0, max_bytes=500) as journal:
        fill(journal, 50)
        assert journal.path.name == journal_files(tmp_path)[-1].name
    files = journal_files(tmp_path)
    assert len(files) > 5
    assert files[0].name == "00000000000000000001.journal"
    assert all(p.stat().st_size <= 500 for p in files)
    read, repairs = whole(tmp_path)
    assert [seq for seq, _, _ in read] == list(range(1, 51))
    assert repairs == []


def test_truncated_at_every_byte(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda fd: None)
    with Journal.open(tmp_path, sync_every=0) as journal:
        ends = [journal.path.stat().st_size]
        for n in range(40):
            fill(journal, 1, n)
            ends.append(journal.path.stat().st_size)
        path = journal.path
    data = path.read_bytes()
    for cut in range(len(data)):
        path.write_bytes(data[:cut])
        read, repairs = whole(tmp_path)
        kept = sum(end <= cut for end in ends[1:])
        assert [seq for seq, _, _ in read] == list(range(1, kept + 1))
        if cut in ends:
            assert repairs == []
            continue
        (told,) = repairs
        (torn,) = tmp_path.glob("*.torn")
        if cut < HEADER_SIZE:
            assert torn.read_bytes() == data[:cut]
            assert "header" in told
        else:
            end = ends[kept]
            assert torn.read_bytes() == data[end:cut]
            assert f"{path}: cut back to offset {end}, the end of record {kept}" in told
            assert f"The {cut - end} bytes dropped are kept in {torn.name}." in told
        assert torn.name in told
        torn.unlink()


def test_every_bit_flipped(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda fd: None)
    with Journal.open(tmp_path, sync_every=0) as journal:
        fill(journal, 8)
        journal.sync()
        last = journal.path.stat().st_size
        fill(journal, 1, 8)
        path = journal.path
    data = path.read_bytes()
    good, _ = whole(tmp_path)
    for bit in range(len(data) * 8):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        if bit // 8 < last:
            with pytest.raises(JournalError, match=path.name):
                whole(tmp_path)
            assert path.read_bytes() == flipped, "something was changed"
            assert not list(tmp_path.glob("*.torn"))
            continue
        # A last record that is damaged looks like a torn end.
        read, repairs = whole(tmp_path)
        assert read == good[:-1]
        assert len(repairs) == 1
        (torn,) = tmp_path.glob("*.torn")
        assert torn.read_bytes() == flipped[last:]
        torn.unlink()


def test_damage_names_file_offset_and_remedy(tmp_path):
    with Journal.open(tmp_path, sync_every=0) as journal:
        fill(journal, 1)
        at = journal.path.stat().st_size
        fill(journal, 4, 1)
        journal.sync()
        fill(journal, 1, 5)
        path = journal.path
    data = bytearray(path.read_bytes())
    data[at + RECORD_SIZE] ^= 1
    path.write_bytes(data)
    with pytest.raises(JournalError) as caught:
        Journal.open(tmp_path)
    text = str(caught.value)
    assert f"{path}: damaged at offset {at}, where record 2 should be" in text
    assert "Nothing was changed." in text
    assert "backup" in text
    path.write_bytes(data[:at])
    assert whole(tmp_path)[1] == [], "the lock was given back"


@pytest.mark.parametrize("change", ["drop", "swap", "double"])
def test_records_missing_moved_or_doubled(tmp_path, change):
    with Journal.open(tmp_path, sync_every=0) as journal:
        ends = [HEADER_SIZE]
        for n in range(4):
            fill(journal, 1, n)
            ends.append(journal.path.stat().st_size)
        path = journal.path
    data = path.read_bytes()
    head = data[:HEADER_SIZE]
    a, b, c, e = (data[x:y] for x, y in pairwise(ends))
    path.write_bytes(
        head + {"drop": a + c + e, "swap": a + c + b + e, "double": a + b + b + c + e}[change]
    )
    with pytest.raises(JournalError, match="does not follow the record before it"):
        Journal.open(tmp_path)


def test_damage_in_an_older_file_shows_when_it_is_read(tmp_path):
    with Journal.open(tmp_path, sync_every=0, max_bytes=500) as journal:
        fill(journal, 30)
    first, second, *_ = journal_files(tmp_path)
    data = first.read_bytes()
    first.write_bytes(data[:-1])
    with Journal.open(tmp_path, sync_every=0) as journal:
        with pytest.raises(JournalError, match=first.name):
            list(journal.replay())
        later = int(second.stem)
        assert [s for s, _, _ in journal.replay(later)] == list(range(later, 31))
    first.unlink()
    with (
        Journal.open(tmp_path, sync_every=0) as journal,
        pytest.raises(JournalError, match="record 1 is wanted"),
    ):
        list(journal.replay())
    first.write_bytes(data)
    second.unlink()
    with (
        Journal.open(tmp_path, sync_every=0) as journal,
        pytest.raises(JournalError, match="does not follow record"),
    ):
        list(journal.replay())


def test_unknown_version_is_refused_and_left_alone(tmp_path):
    with Journal.open(tmp_path, sync_every=0) as journal:
        fill(journal, 2)
        path = journal.path
    data = path.read_bytes()
    from core.journal.records import Header, read_header

    header = read_header(data)
    newer = Header(header.journal, header.first, header.chain, 3).pack()
    path.write_bytes(newer + data[HEADER_SIZE:])
    with pytest.raises(JournalError, match="version 3 and this program reads version 2 and older"):
        Journal.open(tmp_path)
    assert path.read_bytes() == newer + data[HEADER_SIZE:]


def test_record_of_an_unknown_kind(tmp_path):
    from core.journal.records import make_record, read_header

    with Journal.open(tmp_path, sync_every=0) as journal:
        path = journal.path
    header = read_header(path.read_bytes())
    record, _ = make_record(1, 5, b"\x91\xa4Soon", header.chain)
    with path.open("ab") as file:
        file.write(record)
    with (
        Journal.open(tmp_path, sync_every=0) as journal,
        pytest.raises(JournalError, match="newer program wrote it"),
    ):
        list(journal.replay())


def test_one_writer(tmp_path):
    with Journal.open(tmp_path, sync_every=0):
        with pytest.raises(JournalError) as caught:
            Journal.open(tmp_path)
        assert f"process {os.getpid()} writes this journal" in str(caught.value)
    Journal.open(tmp_path, sync_every=0).close()


def test_snapshots(tmp_path):
    with Journal.open(tmp_path, sync_every=0) as journal:
        assert journal.newest_snapshot() is None
        fill(journal, 9)
        with pytest.raises(ValueError, match="no record 10"):
            journal.write_snapshot(10, 1, b"")
        for seq in (3, 6, 9):
            journal.write_snapshot(seq, seq * 10, b"state %d" % seq)
        assert len(snapshot_files(tmp_path)) == 2
        found = journal.newest_snapshot()
        assert (found.seq, found.ts, found.data) == (9, 90, b"state 9")
    newest = snapshot_files(tmp_path)[0]
    data = newest.read_bytes()
    for damaged in (data[:-1], data[:10], data[:40] + b"?" + data[41:], b"x" + data[1:]):
        newest.write_bytes(damaged)
        with Journal.open(tmp_path, sync_every=0) as journal:
            assert journal.newest_snapshot().seq == 6
            assert any(newest.name in text for text in journal.repairs)


def test_snapshot_of_another_journal_is_passed_over(tmp_path):
    with Journal.open(tmp_path / "a", sync_every=0) as one:
        fill(one, 3)
        path = one.write_snapshot(3, 1, b"a")
    with Journal.open(tmp_path / "b", sync_every=0) as other:
        fill(other, 1)
    (tmp_path / "b" / path.name).write_bytes(path.read_bytes())
    with Journal.open(tmp_path / "b", sync_every=0) as other:
        assert other.last_seq == 1
        assert other.newest_snapshot() is None
        assert "another journal" in other.repairs[0]


def test_end_lost_that_a_snapshot_covers(tmp_path):
    with Journal.open(tmp_path, sync_every=0) as journal:
        fill(journal, 5)
        end = journal.path.stat().st_size
        fill(journal, 5, 5)
        journal.write_snapshot(10, 1, b"ten")
        path = journal.path
    path.write_bytes(path.read_bytes()[:end])
    with Journal.open(tmp_path, sync_every=0) as journal:
        assert journal.last_seq == 10
        assert "records 6 to 10 are lost; the snapshot at 10 holds" in journal.repairs[0]
        assert journal.append(1, Tick(1)) == 11
        assert [s for s, _, _ in journal.replay(11)] == [11]
    assert [s for s, _, _ in whole(tmp_path)[0]] == [1, 2, 3, 4, 5, 11]


def test_all_lost_but_the_snapshot(tmp_path):
    with Journal.open(tmp_path, sync_every=0) as journal:
        fill(journal, 5)
        journal.write_snapshot(5, 1, b"five")
        path = journal.path
    path.unlink()
    with Journal.open(tmp_path, sync_every=0) as journal:
        assert journal.append(1, Tick(1)) == 6
        assert journal.newest_snapshot().data == b"five"


def test_full_disk_loses_nothing_and_goes_on_by_itself(tmp_path, monkeypatch):
    real = os.write
    room = [10_000]

    def write(fd, data):
        """A disk that takes only so many bytes, and tells so only when nothing fits."""
        if room[0] == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        part = bytes(data[: room[0]])
        room[0] -= len(part)
        return real(fd, part)

    with Journal.open(tmp_path, sync_every=0) as journal:
        fill(journal, 3)
        before = journal.path.stat().st_size
        journal.append(1, CancelOrder("abc", "def"))
        length = journal.path.stat().st_size - before
        for space in range(length + 10):
            monkeypatch.setattr(os, "write", write)
            room[0] = space
            before = journal.path.stat().st_size
            if space < length:
                with pytest.raises(JournalError, match=r"No space left on device.*Nothing was"):
                    journal.append(1, CancelOrder("abc", "def"))
                assert journal.path.stat().st_size == before
            else:
                journal.append(1, CancelOrder("abc", "def"))
            monkeypatch.setattr(os, "write", real)
        recorded = journal.last_seq
        fill(journal, 2)
    read, repairs = whole(tmp_path)
    assert [seq for seq, _, _ in read] == list(range(1, recorded + 3))
    assert recorded == 14
    assert repairs == []


def test_partial_record_that_cannot_be_taken_back_is_remembered(tmp_path, monkeypatch):
    real_write, real_cut = os.write, os.ftruncate

    def write(fd, data):
        real_write(fd, bytes(data[:5]))
        raise OSError(errno.EIO, "Input/output error")

    def cut(fd, size):
        raise OSError(errno.EIO, "Input/output error")

    with Journal.open(tmp_path, sync_every=0) as journal:
        fill(journal, 2)
        monkeypatch.setattr(os, "write", write)
        monkeypatch.setattr(os, "ftruncate", cut)
        with pytest.raises(JournalError, match="Input/output error"):
            fill(journal, 1)
        monkeypatch.setattr(os, "write", real_write)
        with pytest.raises(JournalError, match="cannot be taken back"):
            fill(journal, 1)
        monkeypatch.setattr(os, "ftruncate", real_cut)
        fill(journal, 1)
    read, repairs = whole(tmp_path)
    assert [seq for seq, _, _ in read] == [1, 2, 3]
    assert repairs == []


def test_no_room_for_the_next_file(tmp_path, monkeypatch):
    with Journal.open(tmp_path, sync_every=0, max_bytes=300) as journal:
        fill(journal, 2)
        monkeypatch.setattr(module, "write_whole", _no_space)
        with pytest.raises(JournalError, match="a new file could not be begun"):
            fill(journal, 10)
        count = journal.last_seq
        monkeypatch.undo()
        fill(journal, 3)
    assert [seq for seq, _, _ in whole(tmp_path)[0]] == list(range(1, count + 4))


def _no_space(path, data, *, durable=True):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_commit_syncs_only_what_the_setting_asks_for(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(module, "_sync_data", synced.append)
    with Journal.open(tmp_path / "a", durability="power", sync_every=0) as journal:
        fill(journal, 5)
        assert synced == []
        journal.commit()
        journal.commit()
        assert len(synced) == 1
        assert journal.synced_seq == 5
    synced.clear()
    with Journal.open(tmp_path / "b", durability="process", sync_every=0) as journal:
        fill(journal, 5)
        journal.commit()
        assert synced == []
    assert len(synced) == 1, "closing syncs"
    with pytest.raises(ValueError, match="durability"):
        Journal.open(tmp_path / "c", durability="hope")


def test_background_sync(tmp_path):
    with Journal.open(tmp_path, sync_every=0.01) as journal:
        fill(journal, 5)
        # The thread syncs within moments; the test's own time-out is the deadline.
        while journal.synced_seq != 5:
            time.sleep(0.01)


def test_closed_and_oversized(tmp_path):
    journal = Journal.open(tmp_path, sync_every=0)
    with pytest.raises(JournalError, match="too long"):
        journal.append(1, CancelOrder("x" * MAX_PAYLOAD, ""))
    fill(journal, 1)
    journal.close()
    journal.close()
    with pytest.raises(JournalError, match="closed"):
        fill(journal, 1)


def test_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match="cannot be opened"):
        Journal.open(tmp_path / "file")


WRITER = """
    import sys
    from core.journal.journal import Journal
    from core.model.commands import SetLimit
    from decimal import Decimal

    journal = Journal.open(sys.argv[1], max_bytes=20_000)
    n = journal.last_seq
    while True:
        n += 1
        seq = journal.append(n, SetLimit("x" * (n % 97), "y", Decimal(n)))
        sys.stdout.write(f"{seq}\\n")
        sys.stdout.flush()
"""


def test_killed_at_random_points(tmp_path):
    """What a writer said it had recorded is there after kill -9, whole and in order."""
    recorded = 0
    for round_number in range(8):
        writer = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(WRITER), str(tmp_path)],
            stdout=subprocess.PIPE,
            text=True,
        )
        said = recorded
        for line in writer.stdout:
            said = int(line)
            if said >= recorded + 50 + 37 * round_number:
                break
        writer.kill()
        rest = writer.stdout.read().split("\n")[:-1]
        writer.stdout.close()
        writer.wait()
        said = int(rest[-1]) if rest else said
        with Journal.open(tmp_path, sync_every=0) as journal:
            read = list(journal.replay())
            assert journal.last_seq in (said, said + 1)
        assert [seq for seq, _, _ in read] == list(range(1, len(read) + 1))
        assert all(m == SetLimit("x" * (n % 97), "y", Decimal(n)) for n, _, m in read)
        recorded = len(read)
