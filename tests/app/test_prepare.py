"""The set-up's decisions. That it works on a bare machine is tried in a clean root."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from app import prepare, system
from core import native


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A small checkout; what would be run is noted in the returned list instead."""
    (tmp_path / "pyproject.toml").write_text('[build-system]\nrequires = ["setuptools"]\n')
    (tmp_path / "core" / "book").mkdir(parents=True)
    (tmp_path / "core" / "book" / "fast.pyx").write_text("x = 1\n")
    (tmp_path / "core" / "book" / "fast.h").write_text("int x;\n")
    venv = tmp_path / ".venv"
    monkeypatch.setattr(prepare, "ROOT", tmp_path)
    monkeypatch.setattr(prepare, "VENV", venv)
    monkeypatch.setattr(prepare, "PYTHON", venv / "bin" / "python")
    monkeypatch.setattr(prepare, "STATE", venv / "outcry.json")
    monkeypatch.setattr(prepare, "LOG", venv / "prepare.log")
    monkeypatch.setattr(native, "FOLDER", tmp_path / "native")
    return tmp_path


@pytest.fixture
def steps(checkout, monkeypatch):
    """Notes each step of the set-up; making the environment and building are quick stand-ins."""
    taken = []

    def make_environment():
        taken.append("environment")
        prepare.PYTHON.parent.mkdir(parents=True, exist_ok=True)
        prepare.PYTHON.write_text("")

    def install(dev):
        taken.append("install dev" if dev else "install")
        (checkout / "core" / "book" / "fast.so").write_text("")

    def libraries():
        taken.append("libraries")
        return True

    monkeypatch.setattr(prepare, "_make_environment", make_environment)
    monkeypatch.setattr(prepare, "_install", install)
    monkeypatch.setattr(prepare, "_ensure_system_libraries", libraries)
    native.folder(native.fingerprint()).mkdir(parents=True)
    return taken


ALL = ["environment", "install", "libraries"]


def test_the_second_time_nothing_is_done(steps):
    prepare.prepare(dev=False)
    assert steps == ALL
    prepare.prepare(dev=False)
    assert steps == ALL


def test_tools_of_the_tests_are_added_once_and_stay(steps, checkout):
    prepare.prepare(dev=False)
    prepare.prepare(dev=True)
    assert steps[3:] == ["environment", "install dev", "libraries"]
    prepare.prepare(dev=False)
    assert len(steps) == 6
    (checkout / "pyproject.toml").write_text("")
    prepare.prepare(dev=False)
    assert steps[6:] == ["environment", "install dev", "libraries"]


@pytest.mark.parametrize("name", ["pyproject.toml", "core/book/fast.pyx", "core/book/fast.h"])
def test_a_changed_source_is_built_again(steps, checkout, name):
    prepare.prepare(dev=False)
    (checkout / name).write_text("# changed\n")
    prepare.prepare(dev=False)
    assert steps == ALL * 2


def test_ordinary_python_is_not_built(steps, checkout):
    prepare.prepare(dev=False)
    (checkout / "core" / "book" / "slow.py").write_text("x = 2\n")
    prepare.prepare(dev=False)
    assert steps == ALL


@pytest.mark.parametrize("name", ["core/book/fast.so", ".venv/bin/python", ".venv/outcry.json"])
def test_what_was_deleted_is_made_again(steps, checkout, name):
    prepare.prepare(dev=False)
    (checkout / name).unlink()
    prepare.prepare(dev=False)
    assert steps == ALL * 2


def test_a_half_written_state_counts_as_none(steps):
    prepare.prepare(dev=False)
    prepare.STATE.write_text('{"dev": fal')
    prepare.prepare(dev=False)
    assert steps == ALL * 2


def test_missing_libraries_are_looked_for_again_without_installing_again(steps, monkeypatch):
    monkeypatch.setattr(prepare, "_ensure_system_libraries", lambda: steps.append("none") or False)
    prepare.prepare(dev=False)
    prepare.prepare(dev=False)
    assert steps == ["environment", "install", "none", "none"]


def test_a_step_that_fails_is_a_sentence_and_done_again_next_time(steps, monkeypatch, capsys):
    install = prepare._install

    def fails(dev):
        raise prepare.PrepareError("the installation failed: no network")

    monkeypatch.setattr(prepare, "_install", fails)
    assert prepare.main([]) == 1
    assert capsys.readouterr().err == "outcry: the installation failed: no network\n"
    monkeypatch.setattr(prepare, "_install", install)
    assert prepare.main([]) == 0
    assert steps == ["environment", *ALL]


def test_a_command_that_fails_shows_the_end_of_its_output(checkout, capsys):
    code = "import sys; print('line of the log'); sys.exit('why it failed')"
    with pytest.raises(prepare.PrepareError, match=r"it broke: .*prepare\.log"):
        prepare._run([sys.executable, "-c", code], "it broke")
    shown = capsys.readouterr().err
    assert "why it failed" in shown
    assert "line of the log" in shown


@pytest.mark.parametrize("code", [0, 1])
def test_the_kernel_is_compiled_once_for_its_sources(checkout, monkeypatch, capsys, code):
    ran = []

    def compiles(command):
        ran.append(command[1:])
        native.folder(native.fingerprint()).mkdir(parents=True)
        return code

    monkeypatch.setattr(prepare, "_run_logged", compiles)
    prepare.compile_kernel()
    prepare.compile_kernel()
    assert ran == [["-m", "app.compile"]]
    assert ("runs slower" in capsys.readouterr().out) is bool(code)


def test_this_python_will_do():
    path, version = prepare._find_python()
    shown = subprocess.run([path, "--version"], capture_output=True, text=True, check=True)
    assert shown.stdout.split()[1] == version


def test_another_python_is_looked_for(monkeypatch):
    probed = {"python3.12": ((3, 12, 1), True, True)}
    monkeypatch.setattr(prepare.shutil, "which", lambda name: name)
    monkeypatch.setattr(prepare, "_probe", probed.get)
    assert prepare._find_python() == ("python3.12", "3.12.1")


def test_without_a_python_that_will_do_one_sentence_says_which(monkeypatch):
    monkeypatch.setattr(prepare, "_probe", lambda python: ((3, 10, 2), True, True))
    with pytest.raises(prepare.PrepareError, match=r"3\.11, 3\.12 or 3\.13") as error:
        prepare._find_python()
    assert str(error.value).count(". ") == 0, "one sentence"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks apt's kind of systems")
def test_missing_build_packages_are_one_line_to_type(monkeypatch):
    monkeypatch.setattr(system, "apt_prefix", lambda: None)
    monkeypatch.setattr(prepare.shutil, "which", lambda name: None if "c" in name[-2:] else name)
    with pytest.raises(prepare.PrepareError) as error:
        prepare._ensure_build_tools("python3", "3.12.4", has_header=False, has_ensurepip=False)
    assert "python3.12-venv python3.12-dev gcc" in str(error.value)


def test_a_program_that_is_no_python_is_passed_over():
    assert prepare._probe(shutil.which("true") or "true") is None
    assert prepare._probe("/no/such/python") is None


@pytest.mark.parametrize(
    ("missing", "display", "raises"),
    [("off", False, True), ("off", True, True), ("on", True, True), ("on", False, False)],
)
def test_missing_qt_libraries_stop_only_where_they_are_needed(
    checkout, monkeypatch, capsys, missing, display, raises
):
    def libraries(folder, files):
        needed = system.QT_OFF_SCREEN if missing == "off" else system.QT_ON_SCREEN
        return ["libfoo.so.1"] if set(needed) <= set(files) else []

    monkeypatch.setattr(prepare, "_output", lambda code: str(checkout))
    monkeypatch.setattr(system, "missing_libraries", libraries)
    monkeypatch.setattr(system, "has_display", lambda: display)
    monkeypatch.setattr(system, "apt_prefix", lambda: None)
    line = system.install_line(system.QT_PACKAGES)
    if raises:
        with pytest.raises(prepare.PrepareError, match=r"libfoo\.so\.1") as error:
            prepare._ensure_system_libraries()
        assert str(error.value).endswith(line)
    else:
        assert prepare._ensure_system_libraries() is False
        assert capsys.readouterr().out.strip().endswith(line)


def test_libraries_are_found_missing_by_name(tmp_path):
    if shutil.which("ldd") is None or shutil.which("cc") is None:
        pytest.skip("needs ldd and a C compiler")
    source = tmp_path / "a.c"
    source.write_text("int f(void); int g(void) { return f(); }\n")
    (tmp_path / "gone.c").write_text("int f(void) { return 1; }\n")
    cc = ["cc", "-shared", "-fPIC"]
    subprocess.run([*cc, "-o", "libgone.so", "gone.c"], cwd=tmp_path, check=True)
    subprocess.run([*cc, "-o", "a.so", "a.c", "-L.", "-lgone"], cwd=tmp_path, check=True)
    assert system.missing_libraries(tmp_path, ("a.so", "not_there.so")) == ["libgone.so"]
    assert system.missing_libraries(tmp_path, ("libgone.so",)) == []


def test_the_set_up_is_readable_for_an_older_python():
    """It must get as far as saying which Python is needed, wherever `python3` leads."""
    names = ("app/__init__.py", "app/prepare.py", "app/system.py")
    root = Path(__file__).resolve().parents[2]
    for name in names:
        ast.parse((root / name).read_text(), feature_version=(3, 8))


def test_the_words_are_checked(capsys):
    assert prepare.main(["--development"]) == 2
    assert "usage" in capsys.readouterr().err


def test_the_state_is_what_decides(steps):
    prepare.prepare(dev=False)
    state = json.loads(prepare.STATE.read_text())
    assert state == {"dev": False, "fingerprint": prepare.fingerprint(), "system": True}
