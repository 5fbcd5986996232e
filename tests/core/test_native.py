"""The compiled kernel: used as long as it is of these sources, and the same in all it does."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from core import native

ROOT = Path(__file__).resolve().parent.parent.parent
MADE = native.folder(native.fingerprint())

compiled = pytest.mark.skipif(
    not MADE.is_dir() or not any(MADE.iterdir()), reason="the kernel is not compiled here"
)

_REPLAY = """
import hashlib, msgspec
from core import native
from tests.bench.kernel import _inputs, _started
kernel, seq, told = _started(), 1, hashlib.sha256()
for ts, *messages in _inputs(500):
    for message in messages:
        seq += 1
        told.update(msgspec.msgpack.encode(kernel.apply(seq, ts, message)))
print(native.attached(), kernel.digest(), told.hexdigest())
"""


def run(words, interpreted):
    environment = {**os.environ, "OUTCRY_INTERPRETED": interpreted}
    done = subprocess.run(
        [sys.executable, *words], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.split()


@compiled
def test_a_replay_gives_the_same_outputs_and_the_same_digest():
    native_now, *fast = run(["-c", _REPLAY], "0")
    native_then, *slow = run(["-c", _REPLAY], "1")
    assert (native_now, native_then) == ("True", "False")
    assert fast == slow


@compiled
def test_the_compiled_kernel_passes_the_tests_of_the_kernel():
    # One writes into memories what compiled ones would not take.
    words = ["-q", "-x", "-p", "no:cacheprovider", "--ignore=tests/core/kernel/test_memory.py"]
    run(["-m", "pytest", *words, "tests/core/kernel"], "0")


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    for folder in ("core/kernel", "core/model", "core/risk/margin"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "core/model/words.py").write_text("x: int = 1\n")
    monkeypatch.setattr(native, "ROOT", tmp_path)
    monkeypatch.setattr(native, "FOLDER", tmp_path / "native")
    monkeypatch.delenv("OUTCRY_INTERPRETED")
    monkeypatch.setattr(sys, "path", list(sys.path))
    for package in ("core.kernel", "core.model", "core.risk.margin"):
        module = importlib.import_module(package)
        monkeypatch.setattr(module, "__path__", list(module.__path__))
    return tmp_path


def attach(monkeypatch):
    """As a process does that begins now."""
    monkeypatch.setattr(native, "BUILD", native.fingerprint())
    native.attach()


def places():
    packages = [sys.modules[name] for name in ("core.kernel", "core.model", "core.risk.margin")]
    return [*sys.path, *(place for package in packages for place in package.__path__)]


def test_machine_code_of_these_sources_comes_first(elsewhere, monkeypatch):
    made = native.folder(native.fingerprint())
    made.mkdir(parents=True)
    attach(monkeypatch)
    assert sys.modules["core.kernel"].__path__[0] == str(made / "core" / "kernel")
    assert sys.modules["core.model"].__path__[0] == str(made / "core" / "model")
    assert str(made) in sys.path


@pytest.mark.parametrize("change", ["another word", "a new file", "another name"])
def test_machine_code_of_other_sources_is_left_alone(elsewhere, change, monkeypatch):
    native.folder(native.fingerprint()).mkdir(parents=True)
    words = elsewhere / "core/model/words.py"
    if change == "another word":
        words.write_text("x: int = 2\n")
    elif change == "a new file":
        words.with_name("more.py").write_text("")
    else:
        words.rename(words.with_name("others.py"))
    before = places()
    attach(monkeypatch)
    assert places() == before


def test_it_can_be_turned_off(elsewhere, monkeypatch):
    native.folder(native.fingerprint()).mkdir(parents=True)
    monkeypatch.setenv("OUTCRY_INTERPRETED", "1")
    before = places()
    attach(monkeypatch)
    assert places() == before


def test_every_module_that_is_compiled_is_there():
    for name in native.MODULES:
        assert (ROOT / f"{name.replace('.', '/')}.py").is_file()
