"""What the soak calls growth, and what it does not."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from core.model.enums import Severity
from core.model.events import Notice
from tests.faults import census, soak, trend
from tests.faults.rig import ROOT
from tests.faults.watching import Row, Times, Watched, slower

WARM = 6


def watched(tmp_path: Path, row: Callable[[int], Row]) -> Watched:
    """This process, with rows as they might have been measured."""
    made = Watched("engine", os.getpid(), tmp_path)
    made.rows = [row(number) for number in range(24)]
    return made


def test_growth_is_that_of_the_line_through_most_windows():
    assert trend.growth([100.0 + n for n in range(11)]) == pytest.approx(10 / 105)
    assert trend.growth([100.0] * 5 + [900.0] + [100.0] * 5) == 0
    assert trend.growth([5.0]) == trend.growth([]) == 0


def test_chance_is_no_trend():
    rng = random.Random(7)
    assert not trend.certain([rng.gauss(5, 2) for _ in range(18)])
    assert trend.certain([rng.gauss(5 + n, 2) for n in range(18)])
    assert not trend.certain([1.0] * 18)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (lambda n: Row(1e8 + n % 3 * 1e6, 30 + n % 2, 5, 3, 100, 0.2), []),
        (lambda n: Row(1e8 + n * 1e6, 30, 5, 3, 100, 0.2), ["memory grew by"]),
        (lambda n: Row(1e8 + min(n, 6) * 1e7, 30, 5, 3, 100, 0.2), []),
        (lambda n: Row(1e8, 30 + n, 5, 3, 100, 0.2), ["descriptors grew from"]),
        (lambda n: Row(1e8, 30, 5 + n, 3, 100, 0.2), ["threads grew from"]),
        (lambda n: Row(1e8, 30, 5, 3 + n, 100, 0.2), ["tasks grew from"]),
        (lambda n: Row(1e8, 30, 5, 3, 100 + 9 * n, 0.2), ["objects grew from"]),
    ],
)
def test_what_grows_is_told(tmp_path, row, said):
    problems = watched(tmp_path, row).problems(WARM)
    assert len(problems) == len(said)
    assert all(word in problem for word, problem in zip(said, problems, strict=True))


def test_a_process_that_ends_is_told(tmp_path):
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        one = Watched("child", child.pid, tmp_path)
        one.close_window()
        one.close_window()
        assert len(one.rows) == 2
        assert not one.problems(0)
        child.communicate(b"\n")
    one.close_window()
    assert one.problems(0) == ["child: it ended"]


def test_answers_that_take_longer_are_told_unless_the_load_itself_was_too_much():
    rng = random.Random(7)
    flat = [Times(50, rng.uniform(1, 2), rng.uniform(3, 9)) for _ in range(18)]
    worse = [Times(50, 1 + n / 9, 5 + n) for n in range(18)]
    assert not slower(flat, 0.3)
    assert [text.split(":")[1].split()[0] for text in slower(worse, 0.3)] == ["p50", "p99"]
    assert "too much" in slower(flat, 0.9)[0]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such signal")
def test_a_process_tells_of_its_tasks(tmp_path):
    text = (
        "import asyncio; from tests.faults import census; census.install()\n"
        "async def main():\n"
        "    tasks = [asyncio.create_task(asyncio.sleep(60)) for _ in range(3)]\n"
        "    print('ready', flush=True)\n"
        "    while True:\n"
        "        await asyncio.sleep(0.005)\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", text],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        env={**os.environ, census.VARIABLE: str(tmp_path)},
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline().strip() == b"ready"
        told = census.ask(tmp_path, child.pid)
        child.kill()
    assert told == {"tasks": 4, "qobjects": 0}


LEAKED = 8 << 20
LEAKS = (
    f"LEAKED = {LEAKED}"
    + """
import asyncio, os, sys, threading
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication
from tests.faults import census
census.install()
app, kept, what = QApplication([]), [], set(sys.argv[1:])
async def line():
    return await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
async def main():
    print("ready", flush=True)
    while await line():
        if "memory" in what:
            kept.append(os.urandom(LEAKED))
        for _ in range(3):
            if "descriptors" in what:
                kept.append(os.open(os.devnull, os.O_RDONLY))
            if "threads" in what:
                threading.Thread(target=threading.Event().wait, daemon=True).start()
            if "tasks" in what:
                kept.append(asyncio.create_task(asyncio.sleep(600)))
        if "objects" in what:
            kept.extend(QObject(app) for _ in range(30))
        print("done", flush=True)
asyncio.run(main())
"""
)
KINDS = ("memory", "descriptors", "threads", "tasks", "objects")


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such signal")
@pytest.mark.parametrize("what", [(), *((kind,) for kind in KINDS), KINDS], ids="-".join)
def test_a_process_that_leaks_is_told(tmp_path, what):
    """A real process, measured as in a soak, leaks so much a window: this is told, and no more."""
    with subprocess.Popen(
        [sys.executable, "-c", LEAKS, *what],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, census.VARIABLE: str(tmp_path), "QT_QPA_PLATFORM": "offscreen"},
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        one = Watched("child", child.pid, tmp_path, speaks=True)
        for _ in range(10):
            child.stdin.write(b"\n")
            child.stdin.flush()
            assert child.stdout.readline() == b"done\n"
            one.close_window()
        child.kill()
    assert [text.split()[1] for text in one.problems(1)] == list(what)
    grown = one.rows[-1].rss - one.rows[0].rss
    assert ("memory" in what) is (grown > 8 * LEAKED), "each window has its own figure"


def test_what_a_soak_says_in_the_end(tmp_path):
    rng = random.Random(7)
    flat = [Times(50, rng.uniform(1, 2), rng.uniform(3, 9)) for _ in range(24)]
    fine = watched(tmp_path, lambda n: Row(1e8, 30, 5, 3, 100, 0.2))
    leaks = watched(tmp_path, lambda n: Row(1e8, 30 + n, 5, 3, 100, 0.2))
    busy = watched(tmp_path, lambda n: Row(1e8, 30, 5, 3, 100, 0.9 if n == 20 else 0.2))
    slow = [Times(50, 1 + n / 9, 5 + n) for n in range(24)]
    assert soak.judged([fine, fine], flat, WARM, []) == []
    assert "descriptors grew" in soak.judged([fine, leaks], flat, WARM, [])[0]
    assert len(soak.judged([fine, fine], slow, WARM, [])) == 2
    assert "too much" in soak.judged([busy, fine], flat, WARM, [])[0]
    assert soak.judged([fine, busy], flat, WARM, []) == [], "only the engine is asked to be idle"
    assert "no order that was taken" in soak.judged([fine], [Times(0, 0, 0), *flat], WARM, [])[0]
    assert soak.judged([fine], flat, WARM, ["an error"]) == ["an error"]


def test_a_soak_takes_note_of_errors_and_ends_with_them(monkeypatch, capsys):
    errors = list[str]()
    for severity in Severity:
        soak._note(Notice(1, severity, "engine", severity.name), errors)
    assert errors == ["ERROR", "CRITICAL"]
    for problems in (errors, []):
        monkeypatch.setattr(sys, "argv", ["soak"])
        monkeypatch.setattr(soak, "run", lambda *_, found=problems, **__: found)
        assert soak.main() == (1 if problems else 0)
    assert capsys.readouterr().out.split("\n\n")[-1].strip() == "Nothing grew."
