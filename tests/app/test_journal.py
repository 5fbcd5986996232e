"""The journal's commands, on real journals, in this process and in one of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from app.cli import main
from core.journal.files import journal_files, read_snapshot, write_snapshot
from core.journal.journal import Journal
from core.model.commands import CancelOrder, NewOrder, NewOrderList
from core.model.enums import Contingency, OrdType, Side
from core.native import BUILD
from core.services.snapshots import main as make_snapshot
from tests.core.kernel.test_dump import busy
from tests.core.services.test_recovery import record

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A journal of one file and a busy while, confirmed but for the last few records."""
    driver = busy()
    with Journal.open(tmp_path / "j", sync_every=0) as journal:
        for _, ts, message in driver.inputs:
            journal.append(ts, message)
        journal.sync()
        later = 1_700_000_100_000_000_000
        journal.append(
            later, NewOrder("SHOWN", "P", "AAPL.SIM", Side.BUY, OrdType.LIMIT, 3, 19_000)
        )
        journal.append(later + 1, CancelOrder("its-cancel", "SHOWN"))
    return tmp_path / "j"


COUNT = busy().seq + 2


def run(*words: str) -> int:
    return main(["journal", *words])


def said(capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    found = capsys.readouterr()
    return found.out, found.err


def flip(path: Path, at: int) -> bytes:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)
    return bytes(data)


def test_verify(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("verify", "--folder", str(folder)) == 0
    out, _ = said(capsys)
    count = COUNT
    assert f"1 file, {count} records (1 to {count}), 2023-11-14T22:13:20" in out
    anchor = next(line.removeprefix("Anchor: ") for line in out.splitlines() if "Anchor" in line)
    assert run("verify", "--folder", str(folder), "--anchor", anchor) == 0
    assert "The noted anchor is in it" in said(capsys)[0]
    path = journal_files(folder)[0]
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    assert run("verify", "--folder", str(folder), "--anchor", anchor) == 1
    out, _ = said(capsys)
    assert f"TORN END: {path.name}, offset" in out
    assert f"record {count}, after 2023-11-14T22:15:00" in out
    assert "the noted anchor is not in it" in out
    flip(path, 700)
    assert run("verify", "--folder", str(folder)) == 1
    out, _ = said(capsys)
    assert f"DAMAGE: {path.name}, offset" in out
    assert "its checksum is wrong" in out


def test_show(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("show", "--folder", str(folder)) == 0
    lines = said(capsys)[0].splitlines()
    assert len(lines) == COUNT
    assert lines[0].split()[:3] == ["1", "2023-11-14T22:13:20.000000000Z", "Setup"]
    assert run("show", "--folder", str(folder), "--type", "neworder", "--order", "SHOWN") == 0
    (line,) = said(capsys)[0].splitlines()
    assert "cl_ord_id=SHOWN  account=P  instrument=AAPL.SIM  side=BUY" in line
    assert run("show", "--folder", str(folder), "--order", "SHOWN", "--json") == 0
    found = [json.loads(line) for line in said(capsys)[0].splitlines()]
    assert [one["type"] for one in found] == ["NewOrder", "CancelOrder"]
    assert found[0]["message"]["cl_ord_id"] == "SHOWN"
    assert found[0]["message"]["side"] == "BUY"
    whole = ["show", "--folder", str(folder), "--json"]
    assert run(*whole, "--from", "2023-11-14T22:15:00") == 0
    late = len(said(capsys)[0].splitlines())
    assert run(*whole, "--to", "2023-11-14T22:15:00") == 0
    assert late == 2
    assert late + len(said(capsys)[0].splitlines()) == len(lines)
    assert run("show", "--folder", str(folder), "--type", "Nonsense") == 1
    wrong = said(capsys)[1]
    assert "'Nonsense' is no type of message. Use one of: " in wrong
    assert "AnswerDraft" in wrong


def test_an_order_of_a_list_is_found_and_what_is_not_there_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = NewOrder("ENTRY", "P", "AAPL.SIM", Side.BUY, OrdType.LIMIT, 3, 19_000)
    stop = NewOrder("STOP", "P", "AAPL.SIM", Side.SELL, OrdType.STOP, 3, stop_price=18_000)
    with Journal.open(tmp_path / "j", sync_every=0) as journal:
        journal.append(1, NewOrderList("LIST", Contingency.BRACKET, (entry, stop)))
    for name in ("LIST", "ENTRY", "STOP"):
        assert run("show", "--folder", str(tmp_path / "j"), "--order", name) == 0
        out, err = said(capsys)
        assert out.count("\n") == 1
        assert err == ""
    assert run("show", "--folder", str(tmp_path / "j"), "--order", "NONE") == 0
    assert said(capsys) == ("", "outcry: no record is like that.\n")


def test_replay(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert make_snapshot([str(folder), "12", "0"]) == 0
    assert run("replay", "--folder", str(folder), "--check") == 0
    out, _ = said(capsys)
    state = next(line for line in out.splitlines() if line.startswith("State: "))
    assert "Snapshot 12: the same" in out
    assert run("replay", "--folder", str(folder), "--snapshot") == 0
    out, _ = said(capsys)
    assert state in out
    assert "from 13 to" in out
    assert run("replay", "--folder", str(folder), "--until", "12") == 0
    assert state not in said(capsys)[0]
    # A snapshot of another state is whole in itself; only the replay shows it.
    assert make_snapshot([str(folder), "10", "0"]) == 0
    ten = folder / f"{10:020d}.snapshot"
    wrong = read_snapshot(folder / f"{12:020d}.snapshot")
    assert not isinstance(wrong, str)
    write_snapshot(folder, wrong.journal, wrong._replace(seq=10))
    assert ten.exists()
    assert run("replay", "--folder", str(folder), "--check") == 1
    assert "Snapshot 10: DIFFERENT" in said(capsys)[0]


@pytest.mark.parametrize("build", ["of yesterday", ""], ids=["stamped", "of before stamps"])
def test_replay_names_snapshots_of_another_version(
    folder: Path, capsys: pytest.CaptureFixture[str], build: str
) -> None:
    """Another version may come to another state; that is no damage, and no fault of this one."""
    assert make_snapshot([str(folder), "12", "0"]) == 0
    assert make_snapshot([str(folder), "10", "0"]) == 0
    wrong = read_snapshot(folder / f"{12:020d}.snapshot")
    assert not isinstance(wrong, str)
    memory = msgspec.msgpack.decode(wrong.data)
    assert memory[-1] == BUILD
    data = msgspec.msgpack.encode([*memory[:-1], build] if build else memory[:-1])
    write_snapshot(folder, wrong.journal, wrong._replace(seq=10, data=data))
    assert run("replay", "--folder", str(folder), "--check") == 0
    out, _ = said(capsys)
    assert "Snapshot 10: another version of this program wrote it" in out
    assert "Snapshot 12: the same" in out
    assert "DIFFERENT" not in out
    write_snapshot(folder, wrong.journal, wrong._replace(seq=10, data=b"of tomorrow"))
    assert run("replay", "--folder", str(folder), "--check") == 0
    assert "Snapshot 10: another version" in said(capsys)[0]


def test_repair_of_a_torn_end(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("repair", "--folder", str(folder)) == 0
    assert "nothing was changed" in said(capsys)[0]
    path = journal_files(folder)[0]
    torn = path.read_bytes()[:-3]
    path.write_bytes(torn)
    assert run("repair", "--folder", str(folder)) == 0
    out, _ = said(capsys)
    assert f"the end of record {COUNT - 1}." in out
    assert "No whole record was cut off." in out
    (kept,) = folder.glob("*.original")
    assert kept.read_bytes() == torn
    assert run("verify", "--folder", str(folder)) == 0


def test_repair_gives_whole_records_up_only_when_told(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = journal_files(folder)[0]
    offset = path.stat().st_size // 2
    damaged = flip(path, offset)
    assert run("verify", "--folder", str(folder)) == 1
    out, _ = said(capsys)
    record_number = int(out.partition(", record ")[2].partition(",")[0])
    for words in ([], ["--cut", "2"]):
        assert run("repair", "--folder", str(folder), *words) == 1
        assert f"--cut {record_number}." in said(capsys)[1]
        assert path.read_bytes() == damaged
    assert run("repair", "--folder", str(folder), "--cut", str(record_number)) == 0
    out, _ = said(capsys)
    assert out.count("cut off: ") == COUNT - record_number
    (kept,) = folder.glob("*.original")
    assert kept.read_bytes() == damaged
    assert run("verify", "--folder", str(folder)) == 0


def test_repair_refuses_what_is_not_an_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record(tmp_path, busy())
    first, *_, last = journal_files(tmp_path)
    damaged = flip(first, 300)
    assert run("repair", "--folder", str(tmp_path)) == 1
    assert "later files go on from there: nothing can be cut off safely" in said(capsys)[1]
    assert first.read_bytes() == damaged
    flip(first, 300)
    damaged = flip(last, 4)
    assert run("repair", "--folder", str(tmp_path)) == 1
    assert "header" in said(capsys)[1]
    assert last.read_bytes() == damaged


def test_a_journal_in_use(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Journal.open(folder, sync_every=0) as journal:
        for words in (["verify"], ["show"], ["replay"]):
            assert run(*words, "--folder", str(folder)) == 0
        path = journal.path
        with path.open("ab") as file:
            file.write(b"a record that is being written")
        assert run("verify", "--folder", str(folder)) == 0
        out, _ = said(capsys)
        assert "An engine is writing it" in out
        assert run("repair", "--folder", str(folder)) == 1
        assert "writes this journal" in said(capsys)[1]
        os.truncate(path, journal.size)


def test_places_that_are_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("verify", "--folder", str(tmp_path / "none")) == 1
    assert "is no folder" in said(capsys)[1]
    for action in ("verify", "show", "replay", "repair"):
        assert run(action, "--folder", str(tmp_path)) == 1
        assert "there is no journal here" in said(capsys)[1]
    (tmp_path / "engines" / "other" / "journal").mkdir(parents=True)
    assert run("verify", "--data-dir", str(tmp_path)) == 1
    assert "there are: other." in said(capsys)[1]


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["mend"],
        ["show", "--from", "noon"],
        ["repair", "--cut", "-1"],
        ["verify", "--anchor", "xyz"],
    ],
)
def test_wrong_words(words: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        run(*words)
    assert caught.value.code == 2


@pytest.mark.skipif(sys.platform == "win32", reason="interrupts as a terminal does")
def test_show_follows_a_writer_until_interrupted(folder: Path) -> None:
    words = [sys.executable, "main.py", "journal", "show", "--follow", "--folder", str(folder)]
    with (
        Journal.open(folder, sync_every=0) as journal,
        subprocess.Popen(
            words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as shown,
    ):
        assert shown.stdout is not None
        assert shown.stderr is not None
        for _ in range(journal.last_seq):
            shown.stdout.readline()
        journal.append(1_700_000_200_000_000_000, CancelOrder("the-new-one", "x"))
        assert "CancelOrder" in shown.stdout.readline()
        shown.send_signal(signal.SIGINT)
        assert shown.wait(20) == 128 + signal.SIGINT
        assert shown.stderr.read() == ""
