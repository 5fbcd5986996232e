"""A terminal that hangs or is stopped in its shell: the engine goes on."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

import core
from core.bus.endpoint import TOKEN_VARIABLE, free_port
from core.client.client import EngineClient
from core.services.address import read_address

SETTINGS = """orphan_seconds = 2
[[accounts]]
id = "PAPER-1"
cash = { USD = 1000000 }
"""

TERMINAL = """
import sys, time
from core.client.client import EngineClient
client = EngineClient(sys.argv[1], "of-this-test", "second terminal")
client.connect()
told = False
while True:
    client.poll()
    if client.connected and not told:
        told = True
        print("up", flush=True)
    time.sleep(0.01)
"""


FIRST = """
import sys, time
from pathlib import Path
from core.services.process import EngineProcess
process = EngineProcess(Path(sys.argv[1]))
process.start()
while not (process.home / "engine.json").exists():
    assert process.poll() == ""
    time.sleep(0.01)
print(process.home, flush=True)
sys.stdin.readline()
"""
posix = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")


@posix
@pytest.mark.timeout(60)
def test_what_stops_the_terminal_in_its_shell_does_not_stop_the_engine(tmp_path: Path) -> None:
    (tmp_path / "engine.toml").write_text(SETTINGS)
    root = str(Path(core.__file__).parent.parent)
    terminal = subprocess.Popen(
        [sys.executable, "-c", FIRST, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "PYTHONPATH": root},
        text=True,
        start_new_session=True,
    )
    client: EngineClient | None = None
    try:
        assert terminal.stdout is not None
        home = Path(terminal.stdout.readline().strip())
        address = read_address(home)
        assert address is not None
        os.killpg(terminal.pid, signal.SIGSTOP)  # Ctrl-Z
        client = EngineClient(address.endpoint, address.token, "tester")
        client.connect()
        deadline = time.monotonic() + 20
        while not client.connected and time.monotonic() < deadline:
            client.poll()
            time.sleep(0.01)
        assert client.connected
        os.killpg(terminal.pid, signal.SIGINT)  # Ctrl-C, and the shell's window is closed
        os.killpg(terminal.pid, signal.SIGHUP)
        os.killpg(terminal.pid, signal.SIGCONT)
        written = terminal.stdout.read()  # to the end: the engine does not hold what it reads
        assert terminal.wait(20) != 0
        assert "The engine is ready" not in written
        assert "The engine is ready" in (home / "engine.log").read_text()
        client.poll()
        assert client.connected
        assert address.alive
    finally:
        if client is not None:
            client.close(stop_engine=True)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(terminal.pid, signal.SIGKILL)
        terminal.communicate()
    psutil.wait_procs([psutil.Process(address.pid)] if address.alive else [], timeout=15)
    assert not address.alive


@posix
@pytest.mark.timeout(60)
def test_it_is_not_alone_while_the_terminal_that_took_it_over_hangs(tmp_path: Path) -> None:
    (tmp_path / "engine.toml").write_text(SETTINGS)
    first = subprocess.Popen([sys.executable, "-c", ""])
    first.wait()
    endpoint = f"tcp://127.0.0.1:{free_port()}"
    root = str(Path(core.__file__).parent.parent)
    environment = {**os.environ, TOKEN_VARIABLE: "of-this-test", "PYTHONPATH": root}
    second = subprocess.Popen(
        [sys.executable, "-c", TERMINAL, endpoint],
        stdout=subprocess.PIPE,
        env=environment,
        text=True,
    )
    words = ("--data-dir", str(tmp_path), "--endpoint", endpoint, "--parent", str(first.pid))
    engine = subprocess.Popen(
        [sys.executable, "-m", "core.services.engine_main", *words], env=environment
    )
    try:
        assert second.stdout is not None
        assert second.stdout.readline() == "up\n"
        second.send_signal(signal.SIGSTOP)
        with pytest.raises(subprocess.TimeoutExpired):
            engine.wait(6.0)  # three times as long as an engine stays alone
        second.kill()
        second.wait()
        killed = time.monotonic()
        assert engine.wait(20) == 0
        assert time.monotonic() - killed >= 1.0, "it stays for whoever comes back"
    finally:
        for process in (second, engine):
            process.kill()
            process.communicate()
