"""A terminal that hangs: the engine that it took over from one that died does not end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import core
from core.bus.endpoint import TOKEN_VARIABLE, free_port

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


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
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
