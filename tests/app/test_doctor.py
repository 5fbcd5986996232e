from __future__ import annotations

import json
import os
import shutil
import sys
from importlib import metadata
from pathlib import Path

import pytest
import zmq

from app import doctor, prepare, system


def statuses(checks):
    return [check.status for check in checks]


def test_this_installation_is_well(tmp_path, capsys):
    assert doctor.run(tmp_path) == 0, capsys.readouterr().out
    lines = capsys.readouterr().out.splitlines()
    assert all(line.split()[0] in ("ok", "warn") for line in lines)
    names = {line.split()[1] for line in lines}
    assert {"python", "libraries", "qt", "font", "sockets", "clock", "cores"} <= names


def test_json_carries_the_same_checks(tmp_path, capsys):
    doctor.run(tmp_path, as_json=True)
    checks = json.loads(capsys.readouterr().out)
    assert {"name", "status", "detail", "remedy"} == set(checks[0])


def test_a_failed_check_is_exit_code_1_with_its_remedy(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(system, "has_font", lambda: False)
    assert doctor.run(tmp_path) == 1
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("fail")]
    assert "font" in line
    assert "fonts-dejavu-core" in line


def test_a_check_that_breaks_does_not_hide_the_others(monkeypatch, tmp_path, capsys):
    def broken():
        raise ImportError("no zmq")

    monkeypatch.setattr(doctor, "check_sockets", broken)
    assert doctor.run(tmp_path) == 1
    out = capsys.readouterr().out
    assert "fail  sockets" in out
    assert "no zmq" in out
    assert "ok    cores" in out or "warn  cores" in out


def test_an_unsupported_python_fails(monkeypatch):
    monkeypatch.setattr(prepare, "SUPPORTED", ((2, 7),))
    assert statuses(doctor.check_python()) == ["fail"]


@pytest.mark.parametrize(
    ("requirements", "expected"),
    [
        (["numpy>=1"], {"libraries": "ok"}),
        (["numpy>=1", "numpy<1"], {"libraries": "ok", "numpy": "fail"}),
        (["no-such-library>=1"], {"no-such-library": "fail"}),
        (["no-such-library; sys_platform == 'plan9'", "numpy"], {"libraries": "ok"}),
        (["no-such-library; extra == 'dev'", "numpy"], {"libraries": "ok"}),
    ],
)
def test_libraries_are_held_to_the_bounds_of_the_package(monkeypatch, requirements, expected):
    monkeypatch.setattr(metadata, "requires", lambda name: requirements)
    assert {check.name: check.status for check in doctor.check_libraries()} == expected


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout with one module that includes a header, which includes another."""
    folder = tmp_path / "core" / "outcry_doctor_test"
    folder.mkdir(parents=True)
    for name, text in {
        "__init__.py": "",
        "mod.pyx": 'cdef extern from "outer.h": pass\n',
        "outer.h": '#include "inner.h"\n',
        "inner.h": "",
        "other.h": "",
    }.items():
        (folder / name).write_text(text)
    monkeypatch.setattr(prepare, "ROOT", tmp_path)
    monkeypatch.setattr(sys.modules["core"], "__path__", [str(tmp_path / "core")])
    yield folder
    for name in [n for n in sys.modules if n.startswith("core.outcry_doctor_test")]:
        del sys.modules[name]


def built(folder: Path) -> Path:
    """Any real extension will do in place of the built one: only its age counts here."""
    library = folder / "mod.so"
    library.write_bytes(b"")
    return library


def test_inputs_of_a_module_are_followed_through_headers(checkout):
    names = {path.name for path in doctor.build_inputs(checkout / "mod.pyx")}
    assert names == {"mod.pyx", "outer.h", "inner.h"}


@pytest.mark.parametrize(("newer", "status"), [("inner.h", "fail"), ("other.h", "ok"), ("", "ok")])
def test_a_module_older_than_its_sources_is_stale(checkout, monkeypatch, newer, status):
    for path in checkout.iterdir():
        os.utime(path, (1000, 1000))
    library = built(checkout)
    os.utime(library, (2000, 2000))
    if newer:
        os.utime(checkout / newer, (3000, 3000))

    class Module:
        __file__ = str(library)

    monkeypatch.setattr(doctor.importlib, "import_module", lambda name: Module)
    (check,) = doctor.check_extensions()
    assert check.status == status
    assert newer in check.detail or status == "ok"


def test_a_module_that_was_not_built_fails(checkout):
    (check,) = doctor.check_extensions()
    assert check.status == "fail"
    assert check.name == "core.outcry_doctor_test.mod"


def test_missing_system_libraries_are_named_with_the_line_to_type(monkeypatch):
    monkeypatch.setattr(system, "missing_libraries", lambda folder, files: ["libEGL.so.1"])
    (check,) = doctor.check_qt()
    assert check.status == "fail"
    assert "libEGL.so.1" in check.detail
    assert system.install_line(system.QT_PACKAGES) in check.remedy


def test_what_only_a_screen_needs_is_a_warning_without_one(monkeypatch):
    def missing(folder, files):
        return ["libxcb-cursor.so.0"] if files == system.QT_ON_SCREEN else []

    monkeypatch.setattr(system, "missing_libraries", missing)
    monkeypatch.setattr(system, "has_display", lambda: False)
    assert statuses(doctor.check_qt()) == ["warn", "ok"]


def test_a_window_that_cannot_be_made_fails(monkeypatch):
    monkeypatch.setattr(system, "has_display", lambda: True)
    monkeypatch.setenv("QT_QPA_PLATFORM", "no_such_platform")
    assert statuses(doctor.check_qt())[-1] == "fail"


def test_the_data_folder_may_not_exist_yet(tmp_path):
    wanted = tmp_path / "a" / "b"
    (check,) = doctor.check_data_dir(wanted)
    assert check.status == "ok"
    assert not wanted.exists()


def test_a_data_folder_that_is_a_file_fails(tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    (check,) = doctor.check_data_dir(file)
    assert check.status == "fail"
    assert "--data-dir" in check.remedy


@pytest.mark.parametrize(("free", "status"), [(10**12, "ok"), (5 * 10**8, "warn"), (10**6, "fail")])
def test_room_on_the_disk(tmp_path, monkeypatch, free, status):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(free, 0, free))
    assert statuses(doctor.check_data_dir(tmp_path)) == [status]


def test_a_socket_that_does_not_work_is_an_error():
    with pytest.raises(zmq.ZMQError):
        doctor._round_trip("ipc:///no/such/folder/at/all")
    doctor._round_trip("tcp://127.0.0.1:*")


def test_a_clock_before_the_program_was_installed_fails(monkeypatch):
    monkeypatch.setattr(doctor.time, "time", lambda: 0.0)
    assert statuses(doctor.check_clock()) == ["fail"]


def test_one_core_is_a_warning(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0}, raising=False)
    assert statuses(doctor.check_cores()) == ["warn"]


def test_no_uvloop_is_a_warning(monkeypatch):
    monkeypatch.setitem(sys.modules, "uvloop", None)
    assert statuses(doctor.check_event_loop()) == (["ok"] if sys.platform == "win32" else ["warn"])
