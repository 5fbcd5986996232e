"""The screen is found as it was left, and no file is ever lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PySide6.QtCore import QByteArray, QRect
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel, QWidget

from app.files import set_aside, write_atomically
from app.workspace import KEPT, SavedPanel, SavedWorkspace, WorkspaceFile
from core.model.enums import Severity
from tests.widgets.trading_world import BTC

ROOT = Path(__file__).resolve().parents[2]


def saved(number: int) -> SavedWorkspace:
    return SavedWorkspace(panels=[SavedPanel("log-1", "log", {"n": number})])


# -- the file --------------------------------------------------------------------------------


def test_what_was_saved_is_read(tmp_path):
    file = WorkspaceFile(tmp_path, "w")
    assert file.load() is None
    assert file.problem == ""
    assert file.save(saved(1))
    assert not file.save(saved(1))  # nothing changed, nothing written
    again = WorkspaceFile(tmp_path, "w").load()
    assert again == saved(1)


def test_ten_older_versions_are_kept(tmp_path):
    file = WorkspaceFile(tmp_path, "w")
    for number in range(15):
        file.save(saved(number))
    kept = [json.loads((tmp_path / f"w.{n}.json").read_text()) for n in range(1, KEPT + 1)]
    assert [k["panels"][0]["state"]["n"] for k in kept] == list(range(13, 3, -1))
    assert len(list(tmp_path.iterdir())) == KEPT + 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"panels": 3}',
        b'{"panels": [{"id": 1}]}',
        b'{"docks": "\xff\xfe"}',
        b"[" * 100_000,
        b"\0" * 100,
    ],
)
def test_an_unreadable_file_is_set_aside_and_said(tmp_path, content):
    path = tmp_path / "w.json"
    path.write_bytes(content)
    file = WorkspaceFile(tmp_path, "w")
    assert file.load() is None
    (aside,) = tmp_path.iterdir()
    assert aside.read_bytes() == content
    assert aside.name in file.problem
    assert "w.json was not understood" in file.problem
    file.save(saved(1))
    assert aside.read_bytes() == content
    assert WorkspaceFile(tmp_path, "w").load() == saved(1)


@pytest.mark.parametrize("content", ["", '{"panels": [', '{"version": 99}'])
def test_instead_of_an_unreadable_file_the_newest_kept_version_is_shown(tmp_path, content):
    file = WorkspaceFile(tmp_path, "w")
    for number in range(4):
        file.save(saved(number))
    (tmp_path / "w.json").write_text(content)
    (tmp_path / "w.1.json").write_text("{")
    file = WorkspaceFile(tmp_path, "w")
    assert file.load() == saved(1)
    assert "the version saved before it is shown" in file.problem
    (aside,) = tmp_path.glob("w.json.unreadable-*")
    assert aside.read_text() == content
    file.save(saved(9))
    assert WorkspaceFile(tmp_path, "w").load() == saved(9)


FULL = """
import resource, sys
from pathlib import Path
from app.workspace import SavedPanel, SavedWorkspace, WorkspaceFile
file = WorkspaceFile(Path(sys.argv[1]), "w")
file.load()
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, 1_000))
for number in range(20):
    try:
        panel = SavedPanel("log-1", "log", {"n": number, "filler": "x" * 20_000})
        file.save(SavedWorkspace(panels=[panel]))
    except OSError as error:
        print(error.strerror)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no limit of a file's size")
def test_a_disk_that_stays_full_pushes_no_kept_version_out(tmp_path):
    file = WorkspaceFile(tmp_path, "w")
    for number in range(15):
        file.save(saved(number))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == ["File too large"] * 20
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_missing_and_unknown_fields_do_no_harm(tmp_path):
    (tmp_path / "w.json").write_text('{"future": 1, "panels": [{"id": "a", "kind": "log"}]}')
    file = WorkspaceFile(tmp_path, "w")
    assert file.load() == SavedWorkspace(panels=[SavedPanel("a", "log")])
    assert file.problem == ""


def test_a_newer_file_is_kept_and_said(tmp_path):
    (tmp_path / "w.json").write_text('{"version": 99}')
    file = WorkspaceFile(tmp_path, "w")
    assert file.load() is None
    assert "newer Outcry (version 99" in file.problem
    assert [p.read_text() for p in tmp_path.iterdir()] == ['{"version": 99}']


def test_what_cannot_even_be_renamed_is_left_alone(tmp_path):
    (tmp_path / "w.json").mkdir()  # reads as an error, for root too
    (tmp_path / "w.json" / "inside").write_text("precious")
    file = WorkspaceFile(tmp_path, "w")
    assert file.load() is None
    assert "cannot be read" in file.problem
    file.save(saved(1)) if not (tmp_path / "w.json").exists() else None
    kept = list(tmp_path.rglob("inside"))
    assert [p.read_text() for p in kept] == ["precious"]


def test_a_locked_file_is_not_overwritten(tmp_path, monkeypatch):
    (tmp_path / "w.json").write_text("{")

    def refuse(_path, _aside):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "replace", refuse)
    file = WorkspaceFile(tmp_path, "w")
    assert file.load() is None
    assert "left alone" in file.problem
    with pytest.raises(OSError, match="mend or remove"):
        file.save(saved(1))
    assert (tmp_path / "w.json").read_text() == "{"


def test_set_aside_never_overwrites(tmp_path, monkeypatch):
    monkeypatch.setattr(time, "strftime", lambda *_: "now")
    names = set()
    for content in ("a", "b", "c"):
        (tmp_path / "w.json").write_text(content)
        names.add(set_aside(tmp_path / "w.json"))
    assert len(names) == 3
    assert sorted(p.read_text() for p in tmp_path.iterdir()) == ["a", "b", "c"]


def test_a_disk_that_refuses_leaves_the_old_content(tmp_path, monkeypatch):
    path = tmp_path / "f"
    write_atomically(path, b"old")

    def full(_fd):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


WRITER = """
import sys
from pathlib import Path
from app.workspace import SavedPanel, SavedWorkspace, WorkspaceFile
file = WorkspaceFile(Path(sys.argv[1]), "w")
file.load()
number = 0
while True:
    number += 1
    state = {"n": number, "filler": "x" * 20_000}
    file.save(SavedWorkspace(panels=[SavedPanel("log-1", "log", state)]))
    if number == 3:
        print("saving", flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no kill -9")
def test_killed_while_saving_there_is_a_whole_file(tmp_path):
    newest = 0
    for _ in range(6):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE
        ) as writer:
            assert writer.stdout.readline() == b"saving\n"
            time.sleep(0.02)
            writer.send_signal(signal.SIGKILL)
        for path in tmp_path.glob("w*.json"):
            number = json.loads(path.read_bytes())["panels"][0]["state"]["n"]
            assert number > 0
            if path.name == "w.json":
                newest = number
        file = WorkspaceFile(tmp_path, "w")
        assert file.load().panels[0].state["n"] == newest
        assert file.problem == ""


# -- the window ------------------------------------------------------------------------------


def written(terminal) -> dict:
    return json.loads((terminal.data / "workspaces" / "default.json").read_text())


def test_a_change_is_on_the_disk_within_seconds(terminal, qtbot):
    t = terminal()
    t.connect()
    path = t.data / "workspaces" / "default.json"
    qtbot.waitUntil(path.exists, timeout=5_000)
    t.window.panel("orders").query.setText("btc")

    def there() -> bool:
        states = {p["id"]: p["state"] for p in written(t)["panels"]}
        return states["orders-1"]["query"] == "btc"

    qtbot.waitUntil(there, timeout=5_000)


def test_even_what_nobody_announces_is_saved(terminal, qtbot):
    t = terminal()
    t.connect()
    t.window.workbench.save()
    qtbot.waitUntil((t.data / "workspaces" / "default.json").exists)
    t.window.workbench._soon.stop()
    before = written(t)["docks"]
    t.window.docks.split("chart-1", [200, 500])
    t.window.workbench._soon.stop()
    qtbot.waitUntil(lambda: written(t)["docks"] != before, timeout=6_000)


def test_panels_and_their_states_come_back(terminal, qtbot):
    t = terminal()
    t.connect()
    t.window.workbench.arrange("four_charts")
    t.window.panel("orders").query.setText("btc")
    panels = list(t.window.docks.panels)
    t.window.close_now()
    t = terminal()
    t.connect()
    assert list(t.window.docks.panels) == panels
    assert t.window.panel("orders").query.text() == "btc"
    assert t.window.instrument == BTC.id
    t.window.workbench.arrange("default")
    assert "ticket-1" in t.window.docks.panels
    assert sum(p.KIND == "chart" for p in t.window.docks.panels.values()) == 1


def put(tmp_path, **fields) -> None:
    (tmp_path / "workspaces").mkdir()
    (tmp_path / "workspaces" / "default.json").write_text(json.dumps(fields))


def test_an_unknown_panel_keeps_its_place_and_its_state(terminal, tmp_path):
    hologram = {"id": "hologram-1", "kind": "hologram", "state": {"angle": 45}}
    put(tmp_path, panels=[hologram, {"id": "log-1", "kind": "log"}])
    t = terminal()
    t.connect()
    t.window.docks.show("hologram-1")
    texts = [label.text() for label in t.window.findChildren(QLabel)]
    assert any("no panel “hologram”" in text for text in texts)
    t.window.close_now()
    assert hologram in written(t)["panels"]


def test_twice_the_same_id_is_one_panel(terminal, tmp_path):
    put(tmp_path, panels=[{"id": "log-1", "kind": "log"}] * 2)
    t = terminal()
    assert list(t.window.docks.panels) == ["log-1"]


def test_a_state_that_is_not_understood_leaves_the_panel(terminal, tmp_path, capsys):
    put(tmp_path, panels=[{"id": "orders-1", "kind": "orders", "state": {"widths": 7}}])
    t = terminal()
    t.connect()
    assert t.window.panel("orders") is not None
    assert "saved state of orders-1" in t.shown[0].text


@pytest.mark.qt_log_ignore("qUncompress")
def test_garbage_in_the_dock_state_is_said(terminal, tmp_path, qtbot):
    put(tmp_path, panels=[{"id": "log-1", "kind": "log"}], docks="Z2FyYmFnZQ==")
    t = terminal()
    t.connect()
    qtbot.waitUntil(lambda: any("did not fit" in n.text for n in t.stores.notices))
    assert t.window.panel("log").isVisible()


def test_an_unreadable_workspace_is_said_in_the_log(terminal, tmp_path):
    (tmp_path / "workspaces").mkdir()
    (tmp_path / "workspaces" / "default.json").write_text("{")
    t = terminal()
    assert t.stores.notices[0].severity is Severity.WARNING
    assert "was not understood" in t.stores.notices[0].text
    assert len(t.window.docks.panels) > 5


@pytest.mark.parametrize(("x", "y"), [(9_000, 9_000), (-5_000, 10), (10, -4_000)])
def test_a_screen_that_is_gone_does_not_take_the_window_along(terminal, tmp_path, qtbot, x, y):
    away = QWidget()
    qtbot.addWidget(away)
    away.setGeometry(x, y, 700, 500)
    geometry = bytes(away.saveGeometry().toBase64().data()).decode()
    assert QByteArray.fromBase64(geometry.encode()).size()
    put(tmp_path, panels=[{"id": "log-1", "kind": "log"}], geometry=geometry)
    t = terminal()
    room: QRect = QGuiApplication.primaryScreen().availableGeometry()
    seen = t.window.frameGeometry().intersected(room)
    assert seen.width() >= 200
    assert seen.height() >= 100


def test_a_disk_that_refuses_is_said_once_and_asked_again(terminal, qtbot):
    t = terminal()
    t.connect()
    folder = t.data / "workspaces"
    assert not folder.exists()
    folder.write_text("in the way")

    def said() -> list[str]:
        return [n.text for n in t.stores.notices if "could not be saved" in n.text]

    for _ in range(3):
        t.window.workbench.save()
        t.window.workbench._saver.finish()
        qtbot.wait(10)
    (text,) = said()
    assert "Outcry goes on trying" in text
    folder.unlink()
    qtbot.waitUntil(lambda: (folder / "default.json").exists(), timeout=6_000)
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    folder.write_text("again")
    t.window.panel("orders").query.setText("btc")
    t.window.workbench.save()
    qtbot.waitUntil(lambda: len(said()) == 2)


def test_taking_the_window_apart_changes_no_file(terminal, qtbot):
    t = terminal()
    t.connect()
    t.window.close_now()
    before = written(t)
    t.window.docks.clear()
    t.window.workbench.save()
    qtbot.wait(50)
    assert not t.window.workbench._soon.isActive()
    assert written(t) == before
