"""The real program, off-screen: where its engine runs, its picture, and its end by Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from PySide6.QtGui import QImage

from app import cli
from core.bus.endpoint import free_port
from core.services.address import read_address

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGINT to send"),
    pytest.mark.timeout(120),
]


@pytest.fixture
def begin():
    """Starts the program; what still runs at the end of a test is ended."""
    begun: list[subprocess.Popen[str]] = []

    def start(*words: object, **environment: str) -> subprocess.Popen[str]:
        usual = {k: v for k, v in os.environ.items() if k not in ("QT_QPA_PLATFORM", "DISPLAY")}
        usual.pop("WAYLAND_DISPLAY", None)
        process = subprocess.Popen(
            [sys.executable, "main.py", *map(str, words)],
            cwd=ROOT,
            env={**usual, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        begun.append(process)
        return process

    yield start
    for process in begun:
        if process.poll() is None:
            process.terminate()  # it ends its engine, too
        process.communicate(timeout=30)


def until(true: Callable[[], object], process: subprocess.Popen[str], what: str) -> None:
    deadline = time.monotonic() + 60
    while not true():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise AssertionError(f"no {what}: {process.communicate()[0]}")
        time.sleep(0.05)


def interrupt(process: subprocess.Popen[str]) -> str:
    """Press Ctrl-C: what the program said, once it has ended well."""
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 0, said
    assert "Traceback" not in said
    return said


def test_without_a_display_it_says_so_keeps_a_picture_and_ends_by_ctrl_c(begin, tmp_path):
    shot = tmp_path / "shot.png"
    process = begin("--data-dir", tmp_path / "data", "--screenshot", shot)
    picture = tmp_path / "data" / "terminal.png"
    until(lambda: shot.exists() and picture.exists(), process, "picture")
    engine = read_address(tmp_path / "data" / "engines" / "paper")
    assert engine is not None
    assert engine.pid != process.pid
    first = picture.stat().st_mtime_ns
    until(lambda: picture.stat().st_mtime_ns > first, process, "fresh picture")
    said = interrupt(process)
    display, kept = said.strip().splitlines()
    assert display.startswith("There is no display here")
    assert display.endswith("Ctrl-C ends it.")
    assert str(picture) in kept
    image = QImage(str(shot))
    assert image.width() > 800
    assert len({image.pixel(x, y) for x in range(0, 800, 9) for y in range(0, 600, 9)}) > 20
    assert not psutil.pid_exists(engine.pid)
    assert (tmp_path / "data" / "workspaces" / "paper" / "default.json").exists()
    # the off-screen platform's remarks do not fill the log
    assert "does not support" not in (tmp_path / "data" / "terminal.log").read_text()


def test_a_display_that_does_not_answer_is_no_display(begin, tmp_path):
    words = ("--data-dir", tmp_path, "--exit-after", 1)
    process = begin(*words, DISPLAY=":4242")
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert "There is no display here" in said
    assert str(tmp_path / "terminal.png") in said


def test_inline_the_engine_is_in_this_very_process(begin, tmp_path):
    shot = tmp_path / "shot.png"
    process = begin(
        *("--offscreen", "--placement", "inline", "--instruments", 4),
        *("--data-dir", tmp_path / "data", "--screenshot", shot),
    )
    until(shot.exists, process, "prices")
    programs = [" ".join(c.cmdline()) for c in psutil.Process(process.pid).children()]
    assert not any("engine_main" in program for program in programs)
    log = tmp_path / "data" / "terminal.log"
    assert "The engine is ready: 4 instruments." in log.read_text()
    # one journal, one engine: a second one is refused with a sentence
    second = begin("--offscreen", "--placement", "inline", "--data-dir", tmp_path / "data",
                   "--instruments", 4)  # fmt: skip
    said, _ = second.communicate(timeout=60)
    assert second.returncode == 1
    assert said.startswith("outcry: ")
    assert "Traceback" not in said
    interrupt(process)
    assert not list((tmp_path / "data").rglob("engine.json"))


def test_remote_it_attaches_and_leaves_the_engine_running(begin, tmp_path):
    endpoint = f"tcp://127.0.0.1:{free_port()}"
    engine = begin("engine", "--data-dir", tmp_path / "engine", "--endpoint", endpoint,
                   OUTCRY_TOKEN="a secret")  # fmt: skip
    shot = tmp_path / "shot.png"
    words = ("--offscreen", "--placement", "remote", "--endpoint", endpoint)
    process = begin(*words, "--data-dir", tmp_path / "data", "--screenshot", shot,
                    OUTCRY_TOKEN="a secret")  # fmt: skip
    until(shot.exists, process, "prices")
    interrupt(process)
    assert engine.poll() is None
    wrong = begin(*words, "--data-dir", tmp_path / "other", "--screenshot", tmp_path / "no",
                  "--exit-after", 3, OUTCRY_TOKEN="another")  # fmt: skip
    said, _ = wrong.communicate(timeout=60)
    assert wrong.returncode == 1
    assert "no prices came" in said


def test_remote_without_the_secret_is_refused_with_a_sentence(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("OUTCRY_TOKEN", raising=False)
    words = [
        "--placement",
        "remote",
        "--endpoint",
        "tcp://127.0.0.1:1",
        "--data-dir",
        str(tmp_path),
    ]
    assert cli.main(["terminal", *words]) == 1
    assert "OUTCRY_TOKEN" in capsys.readouterr().err


def test_a_picture_that_cannot_be_written_is_said(begin, tmp_path):
    shot = tmp_path / "pictures" / "shot.png"
    shot.parent.mkdir()
    words = ("--offscreen", "--instruments", 2, "--exit-after", 45, "--screenshot", shot)
    process = begin(*words, "--data-dir", tmp_path / "data")
    while not (tmp_path / "data" / "engines").exists():  # its words were looked at before
        assert process.poll() is None
        time.sleep(0.02)
    shot.parent.rmdir()
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "shot.png cannot be written" in said


def test_a_replay_says_so_in_its_folder(begin, tmp_path):
    trades = tmp_path / "trades.csv"
    lines = [f"2024-08-09T00:00:{n:02d}Z,{60_000 + n % 7}.5,0.01,buy" for n in range(60)]
    trades.write_text("\n".join(["time,price,qty,side", *lines]) + "\n")
    shot = tmp_path / "shot.png"
    process = begin("replay", trades, "--offscreen", "--data-dir", tmp_path / "data",
                    "--screenshot", shot)  # fmt: skip
    until(shot.exists, process, "prices of the recording")
    interrupt(process)
    assert (tmp_path / "data" / "workspaces" / "replay" / "default.json").exists()
