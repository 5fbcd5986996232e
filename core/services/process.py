"""The engine as a child process: started, watched, restarted, stopped. No Qt, no threads.

Call `EngineProcess.poll` a few times a second. A terminal that died and was started again finds
the engine that it left behind and takes it over.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import BinaryIO

import psutil

import core
from core.bus.endpoint import TOKEN_VARIABLE, default_endpoint, new_token
from core.services import affinity
from core.services.address import read_address
from core.services.options import parse_options

CLEAN_EXIT = 0
CONFIG_EXIT = 2
"""The engine ended because of what it was started with; starting it again would not help."""

_BACK_OFF = (0.1, 0.2, 0.5, 1.0, 2.0)  # seconds
_STEADY = 10.0  # seconds of life after which a death counts as the first again
_LOG_LIMIT = 5_000_000


class ProcessState(Enum):
    """Where the child is in its life."""

    STOPPED = "stopped"
    RUNNING = "running"
    WAITING = "waiting"  # died; to be started again in a moment
    FAILED = "failed"  # will not be started again; `last_error` says why


class EngineProcess:
    """Keeps one engine process alive.

    Args:
        data_dir: the folder of all engines of this user.
        arguments: words of ``main.py engine`` that say which market it is on.

    Attributes:
        state: see `ProcessState`.
        endpoint, token: for an `EngineClient`; known once `start` was called, and the same after
            the process was started again.
        restarts: how often it died and was started again.
        last_error: a sentence about the last death, else empty.
        log_path: where the engine's own log goes.
    """

    def __init__(self, data_dir: Path, arguments: Sequence[str] = ()) -> None:
        given = parse_options(["--data-dir", str(data_dir), *arguments])
        self.options = replace(given, core=affinity.plan().engine, parent=os.getpid())
        self.home = given.home
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.state = ProcessState.STOPPED
        self.endpoint = given.endpoint or default_endpoint(self.home)
        self.token = new_token()
        self.restarts = 0
        self.last_error = ""
        self.log_path = self.home / "engine.log"
        self._process: subprocess.Popen[bytes] | psutil.Process | None = None
        self._log_start = 0
        self._born = 0.0
        self._deaths = 0
        self._again_at = 0.0

    @property
    def pid(self) -> int:
        """The child's process id; 0 when there is none."""
        return self._process.pid if self._process is not None else 0

    def start(self) -> None:
        """Start the engine, or take over one that already runs in its folder."""
        self._deaths = 0
        self._launch()

    def poll(self) -> str:
        """Look after the child: notice its death, start it again when it is time.

        Returns an empty text while it runs, else the sentence that says what became of it.
        """
        now = time.monotonic()
        if self.state is ProcessState.RUNNING and not self._alive():
            self._died(now)
        if self.state is ProcessState.WAITING and now >= self._again_at:
            self.restarts += 1
            self._launch()
        match self.state:
            case ProcessState.RUNNING:
                return ""
            case ProcessState.WAITING:
                return f"{self.last_error} It is being started again."
            case ProcessState.FAILED:
                return self.last_error
            case ProcessState.STOPPED:
                return "The engine is stopped."

    def stop(self, timeout: float = 5.0) -> None:
        """End the child and wait for it: first politely, then by force after `timeout` seconds.

        A terminal says `EngineClient.close(stop_engine=True)` before, which is as good as a
        signal and works on every system.
        """
        process, self._process = self._process, None
        self.state = ProcessState.STOPPED
        if process is None:
            return
        with contextlib.suppress(OSError, psutil.Error):
            if sys.platform == "win32":
                _wait(process, timeout)  # no polite signal there; Goodbye was said
            process.terminate()
            if not _wait(process, timeout):
                process.kill()
                _wait(process, timeout)

    # -- inside ------------------------------------------------------------------------------

    def _launch(self) -> None:
        self.state = ProcessState.RUNNING
        self._born = time.monotonic()
        running = read_address(self.home)
        if running is not None:
            with contextlib.suppress(psutil.Error):
                self._process = psutil.Process(running.pid)
                self.endpoint, self.token = running.endpoint, running.token
                return
        arguments = replace(self.options, endpoint=self.endpoint).arguments()
        environment = dict(os.environ)
        environment[TOKEN_VARIABLE] = self.token
        root = str(Path(core.__file__).parent.parent)
        environment["PYTHONPATH"] = os.pathsep.join(
            part for part in (root, environment.get("PYTHONPATH", "")) if part
        )
        try:
            with self._open_log() as log:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "core.services.engine_main", *arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=environment,
                    # Ctrl-C in a shell is the terminal's to handle; it then stops the engine.
                    start_new_session=sys.platform != "win32",
                    creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
                )
        except OSError as error:
            self._process = None
            self.state = ProcessState.FAILED
            self.last_error = f"The engine could not be started: {error}."

    def _open_log(self) -> BinaryIO:
        with contextlib.suppress(FileNotFoundError):
            if self.log_path.stat().st_size > _LOG_LIMIT:
                self.log_path.replace(self.log_path.with_suffix(".old.log"))
        log = open(self.log_path, "ab")  # noqa: SIM115 - the caller closes it
        self._log_start = log.tell()
        return log

    def _alive(self) -> bool:
        process = self._process
        if isinstance(process, subprocess.Popen):
            return process.poll() is None
        if process is None:
            return False
        try:
            return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
        except psutil.Error:
            return False

    def _died(self, now: float) -> None:
        process, self._process = self._process, None
        code = process.returncode if isinstance(process, subprocess.Popen) else None
        if code == CLEAN_EXIT:
            self.state = ProcessState.STOPPED
            self.last_error = ""
            return
        words = self._last_words()
        if code == CONFIG_EXIT:
            self.state = ProcessState.FAILED
            self.last_error = words or "The engine refused what it was started with."
            return
        self._deaths = 1 if now - self._born > _STEADY else self._deaths + 1
        how = "ended" if code is None else f"was killed (signal {-code})"
        how = f"failed (exit code {code})" if code is not None and code > 0 else how
        self.last_error = f"The engine {how}. {words}".strip()
        self._again_at = now + _BACK_OFF[min(self._deaths, len(_BACK_OFF)) - 1]
        self.state = ProcessState.WAITING

    def _last_words(self) -> str:
        """The last line of this run in the log that tells of trouble."""
        try:
            with open(self.log_path, "rb") as log:
                size = log.seek(0, os.SEEK_END)
                log.seek(max(self._log_start, size - 4_096))
                lines = log.read().decode(errors="replace").strip().splitlines()
        except OSError:
            return ""
        bad = [line.strip() for line in lines if " INFO " not in line]
        return bad[-1] if bad else ""


def _wait(process: subprocess.Popen[bytes] | psutil.Process, timeout: float) -> bool:
    try:
        process.wait(timeout)
    except (subprocess.TimeoutExpired, psutil.TimeoutExpired):
        return False
    return True
