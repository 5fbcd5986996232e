"""What a process under test says of itself when it is asked: tasks, Qt objects, objects by type.

`install` makes a process answer the signal SIGUSR1 with a file of JSON; `ask` asks and reads it.
Where there is no such signal (Windows) nothing is asked. With PYTHONTRACEMALLOC set, the answer
also tells where memory was taken.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import signal
import sys
import time
import tracemalloc
from collections import Counter
from pathlib import Path
from typing import Any

VARIABLE = "OUTCRY_CENSUS"
"""The environment variable that names the folder of the answers; unset: nobody will ask."""

_MOST = 60
_SECONDS = 20.0


def install() -> None:
    """Answer from now on, if anybody will ask."""
    folder = os.environ.get(VARIABLE)
    if not folder or not hasattr(signal, "SIGUSR1"):
        return
    path = Path(folder) / f"{os.getpid()}.json"
    signal.signal(signal.SIGUSR1, lambda *_: _write(path))


def ask(folder: Path, pid: int) -> dict[str, Any]:
    """The newest answer of a process; empty when it gives none."""
    path = folder / f"{pid}.json"
    path.unlink(missing_ok=True)
    if not hasattr(signal, "SIGUSR1"):
        return {}
    os.kill(pid, signal.SIGUSR1)
    deadline = time.monotonic() + _SECONDS
    while not path.exists():
        if time.monotonic() > deadline:
            return {}
        time.sleep(0.005)
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def _write(path: Path) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(taken()))
    fresh.replace(path)


def taken() -> dict[str, Any]:
    """The census of this process."""
    told: dict[str, Any] = {"tasks": _tasks(), "qobjects": _qobjects()}
    if tracemalloc.is_tracing():
        types = Counter(type(each).__qualname__ for each in gc.get_objects())
        told["types"] = dict(types.most_common(_MOST))
        found = tracemalloc.take_snapshot().statistics("lineno")
        told["traced"] = [[str(s.traceback), s.size, s.count] for s in found[:_MOST]]
    return told


def _tasks() -> int:
    with contextlib.suppress(RuntimeError):
        return len(asyncio.all_tasks())
    return 0


def _qobjects() -> int:
    widgets = sys.modules.get("PySide6.QtWidgets")
    if widgets is None:
        return 0
    from PySide6.QtCore import QObject

    app = widgets.QApplication.instance()
    owners = [] if app is None else [app, *app.topLevelWidgets()]
    return sum(1 + len(owner.findChildren(QObject)) for owner in owners)
