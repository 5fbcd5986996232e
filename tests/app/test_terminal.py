from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from app import cli
from app.reporter import Reporter
from app.terminal import make_window
from core.client.client import EngineClient
from core.client.stores import Stores
from core.journal.lock import FileLock
from core.model.enums import Mode

ROOT = Path(__file__).resolve().parents[2]


def outcry(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "main.py", *map(str, words)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_second_terminal_on_the_same_folder_is_refused_with_a_sentence(tmp_path, capsys):
    home = tmp_path / "engines" / "paper"
    home.mkdir(parents=True)
    lock = FileLock(home / "terminal.lock")
    try:
        assert cli.main(["terminal", "--data-dir", str(tmp_path)]) == 1
    finally:
        lock.release()
    said = capsys.readouterr().err
    assert f"already trades this market in {tmp_path}" in said
    assert "--data-dir" in said
    assert not (home / "engine.log").exists(), "no engine was started"


@pytest.mark.parametrize("address", ["foo", "tcp://127.0.0.1", "http://host:80", ""])
def test_what_is_no_address_is_said_before_a_window_opens(address, capsys):
    words = ["terminal", "--placement", "remote", "--endpoint", address]
    with pytest.raises(SystemExit) as ended:
        cli.main(words)
    assert ended.value.code == 2
    assert "tcp://127.0.0.1:5555" in capsys.readouterr().err


def test_a_recording_that_cannot_be_played_is_said_on_the_terminal_too(tmp_path):
    recording = tmp_path / "empty.csv"
    recording.touch()
    words = ("--offscreen", "--exit-after", 60, "--data-dir", tmp_path / "data")
    result = outcry("replay", recording, *words)
    assert f"{recording} cannot be read: it is empty." in result.stderr
    assert result.returncode == 1, "nobody sees the window, so nobody can act: it ended by itself"


def test_what_nobody_caught_is_said_on_the_terminal_too(capsys):
    shown: list[object] = []
    Reporter(shown.append).report("A thing failed", ValueError("seven"))
    assert capsys.readouterr().err == "outcry: A thing failed: seven\n"
    assert len(shown) == 1


def test_a_lock_is_free_again_when_it_was_given_back(tmp_path):
    for _ in range(2):
        lock = FileLock(tmp_path / "one.lock")
        lock.release()


@pytest.mark.parametrize(("own", "mode"), [(True, Mode.PAPER), (False, None)])
def test_what_money_it_is_is_known_before_the_engine_speaks_only_of_ones_own(
    qtbot, tmp_path, own, mode
):
    stores = Stores()
    words = ["terminal", "--endpoint", "tcp://127.0.0.1:9"]
    options = cli.build_parser("terminal").parse_args(words)
    client = EngineClient("line", "t", "test", "terminal", stores) if own else None
    window = make_window(options, tmp_path, None, stores, Reporter(lambda _: None), client)
    qtbot.addWidget(window)
    assert stores.known_mode is mode
    assert window.windowTitle() == ("Paper — Outcry" if own else "Outcry")
    window.close_now()
    window.desk.stop()
    window.docks.clear()
