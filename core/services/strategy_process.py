"""One strategy's process as the engine sees it: started, listened to, measured, ended.

Nothing here waits: a thread reads what the process says and keeps the newest of it; the engine
looks at that a few times a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import msgspec
import psutil

import core
from core.bus.endpoint import TOKEN_VARIABLE
from core.services.strategy_host import HostSettings
from core.strategy.hostwords import Failed, Loaded, Signal, Started, read_word

_CHUNK = 1 << 16
_MOST_WORDS = 200  # in one chunk; an honest process says a dozen a second
_PAUSE = 0.02  # seconds between chunks, so that no process can keep the engine reading


class HostProcess:
    """A process of `core.services.strategy_host`.

    Attributes:
        heard: when it last said something (monotonic seconds).
        params: all parameters of the strategy once its class was loaded, else None.
        started: the strategy runs.
        signal: its last signal.
        failed: why it cannot go on, in its own words.
        babbled: it said more than an honest process does.
    """

    def __init__(self, settings: HostSettings, token: str, home: Path) -> None:
        """Start it; its log is ``<name>.log`` in the folder `home`.

        Raises:
            OSError: when it cannot be started.
        """
        self.params: dict[str, str] | None = None
        self.started = False
        self.signal = ""
        self.failed = ""
        self.babbled = False
        self.born = self.heard = time.monotonic()
        self.log = home / f"{settings.name}.log"
        self._ended = 0.0
        self._usage: psutil.Process | None = None
        home.mkdir(parents=True, exist_ok=True)
        root = str(Path(core.__file__).parent.parent)
        before = os.environ.get("PYTHONPATH", "")
        environment = {
            **os.environ,
            TOKEN_VARIABLE: token,
            "PYTHONPATH": os.pathsep.join(part for part in (root, before) if part),
            "PYTHONUNBUFFERED": "1",
            # One strategy needs no threads for its sums; each would cost memory.
            "OPENBLAS_NUM_THREADS": "1",
            "OMP_NUM_THREADS": "1",
        }
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "core.services.strategy_host",
                    msgspec.json.encode(settings).decode(),
                ],
                # Nothing is ever written there: its end tells the process to end.
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment,
                cwd=home,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        # A thread, as not every system's event loop can wait for pipes.
        self._reader = threading.Thread(target=self._read, name=settings.name, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def code(self) -> int | None:
        """Its exit code; None while it runs, and until all that it said was taken in."""
        code = self._process.poll()
        if code is None:
            return None
        self._ended = self._ended or time.monotonic()
        # Not for ever: a child of its own may hold the pipe open.
        return None if self._reader.is_alive() and time.monotonic() < self._ended + 1 else code

    def memory(self) -> int:
        """Resident bytes; 0 when not known."""
        try:
            if self._usage is None:
                self._usage = psutil.Process(self.pid)
            return int(self._usage.memory_info().rss)
        except psutil.Error:
            return 0

    def keep_log_short(self, most: int) -> None:
        """Begin its log anew when it is longer than `most` bytes."""
        with contextlib.suppress(OSError):
            if self.log.stat().st_size > most:
                os.truncate(self.log, 0)

    async def end(self, seconds: float) -> None:
        """Ask it to end, and after `seconds` end it by force. Never raises."""
        process = self._process
        with contextlib.suppress(OSError):
            if process.stdin is not None:
                process.stdin.close()
        if not await _gone(process, seconds):
            with contextlib.suppress(OSError):
                process.kill()
            await _gone(process, 10.0)

    def _read(self) -> None:
        pipe = self._process.stdout
        assert pipe is not None
        rest = b""
        with pipe, contextlib.suppress(OSError, ValueError):
            while chunk := os.read(pipe.fileno(), _CHUNK):
                *lines, rest = (rest + chunk).split(b"\n")
                if len(lines) > _MOST_WORDS or len(rest) > _CHUNK:
                    self.babbled = True
                    lines, rest = lines[-1:], b""
                for line in lines:
                    self._take(line)
                time.sleep(_PAUSE)

    def _take(self, line: bytes) -> None:
        word = read_word(line)
        if word is None:
            return
        self.heard = time.monotonic()
        match word:
            case Loaded(params=params):
                self.params = params
            case Started():
                self.started = True
            case Signal(text=text):
                self.signal = text
            case Failed(text=text):
                self.failed = text


async def _gone(process: subprocess.Popen[bytes], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while process.poll() is None:
        if time.monotonic() >= deadline:
            return False
        await asyncio.sleep(0.02)
    return True
