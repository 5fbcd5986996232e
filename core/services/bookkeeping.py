"""The records' writer as the engine sees it: a process that is started, listened to, started again.

The engine never waits for it. How far it is behind is a figure of the engine's health; while it
does not run nothing is lost, since all that it writes follows from the journal.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections import deque
from pathlib import Path
from typing import IO

import core
from core.services import affinity

_BACK_OFF = (1.0, 5.0, 30.0, 120.0)
_STEADY = 60.0  # seconds after which a process counts as one that runs


class Bookkeeping:
    """A process of `core.services.bookkeeper_main`.

    Attributes:
        seq: the last input of the journal that is recorded; -1 before the process has said it.
        trouble: a sentence while it cannot go on, else empty.
    """

    def __init__(self, home: Path, engine_core: int = -1) -> None:
        self.seq = -1
        self.trouble = ""
        self._home = home
        self._core = engine_core
        self._process: subprocess.Popen[bytes] | None = None
        self._leaving: threading.Thread | None = None
        self._heard: deque[tuple[str, str]] = deque(maxlen=1_000)
        self._born = self._again_at = 0.0
        self._deaths = 0

    @property
    def pid(self) -> int:
        """Its process id; 0 while there is none."""
        return self._process.pid if self._process is not None else 0

    def start(self) -> None:
        """Start it; when that fails `look` says so and tries again."""
        self._born = time.monotonic()
        root = str(Path(core.__file__).parent.parent)
        before = os.environ.get("PYTHONPATH", "")
        command = [sys.executable, "-m", "core.services.bookkeeper_main", str(self._home)]
        try:
            self._process = subprocess.Popen(
                [*command, "--avoid", str(self._core)],
                # Nothing is ever written there: its end tells the process to end.
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={
                    **os.environ,
                    "PYTHONPATH": os.pathsep.join(part for part in (root, before) if part),
                },
                # Ctrl-C in a shell is not for it: it ends with the engine, and not before.
                start_new_session=sys.platform != "win32",
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as error:
            self._died(f"The records' writer could not be started ({error}).")
            return
        affinity.give_way(self._process.pid)
        assert self._process.stdout is not None
        # A thread, as not every system's event loop can wait for pipes.
        threading.Thread(
            target=self._read, args=(self._process.stdout,), name="records", daemon=True
        ).start()

    def look(self) -> list[str]:
        """Sentences for the log since the last time; starts the process again when it died."""
        said: list[str] = []
        while self._heard:
            word, text = self._heard.popleft()
            if word == "at":
                self.seq = int(text)
            elif word == "note":
                said.append(text)
            elif word == "trouble":
                if text:
                    said.append(f"The records are behind; trading goes on. {text}")
                elif self.trouble:
                    said.append("The records are written again.")
                self.trouble = text
        now = time.monotonic()
        process = self._process
        if process is not None and process.poll() is not None:
            if process.stdin is not None:
                process.stdin.close()
            self._process = None
            said.append(self._died(f"The records' writer ended (exit code {process.returncode})."))
        elif process is None and self._again_at and now >= self._again_at:
            self._again_at = 0.0
            self.start()
            if self._process is None:
                said.append(self.trouble)
        return said

    def end(self) -> None:
        """Tell it to read the journal to its end and to leave; does not wait for that."""
        process, self._process = self._process, None
        self._again_at = 0.0
        if process is not None and process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()
            self._leaving = threading.Thread(target=process.wait, daemon=True)
            self._leaving.start()

    def wait(self, seconds: float) -> bool:
        """Wait for it to leave after `end`; True when it is gone."""
        if self._leaving is not None:
            self._leaving.join(seconds)
        return self._leaving is None or not self._leaving.is_alive()

    def _died(self, how: str) -> str:
        now = time.monotonic()
        self._deaths = 1 if now - self._born > _STEADY else self._deaths + 1
        self._again_at = now + _BACK_OFF[min(self._deaths, len(_BACK_OFF)) - 1]
        self.trouble = f"{how} It is being started again; the journal has everything."
        return self.trouble

    def _read(self, pipe: IO[bytes]) -> None:
        with pipe, contextlib.suppress(OSError, ValueError):
            for line in pipe:
                word, _, text = line.decode(errors="replace").strip().partition(" ")
                if word in ("at", "note", "trouble"):
                    self._heard.append((word, text))
