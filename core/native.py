"""The kernel as machine code: the same sources, compiled, two and a half times as fast.

`python -m app.compile` makes it with mypyc, from the Python files and their types alone. What it
made is kept under a name made of the sources' hash, so that it is used exactly as long as it is of
these sources; otherwise, or when `OUTCRY_INTERPRETED` is set (as the tests do), Python runs the
sources themselves. Either way the same inputs give the same outputs and the same digest.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "build" / "native"

MODULES = (
    *(
        f"core.kernel.{name}"
        for name in (
            "commands", "desks", "duplicates", "executions", "exposure", "gate", "ids", "kernel",
            "losses", "margins", "markets", "orders", "portfolio", "positions", "rates", "reports",
            "resting", "rules", "state",
        )
    ),
    *(
        f"core.risk.margin.{name}"
        for name in (
            "base", "cash", "legs", "options", "pairing", "perpetual", "regt", "scan", "strategies",
        )
    ),
    "core.risk.var",
    "core.model.checks",
    "core.model.measures",
)  # fmt: skip
"""What every order goes through. The rest of the kernel is Python as ever."""

_PACKAGES = ("core.kernel", "core.model", "core.risk", "core.risk.margin")
_TYPES = ("core/kernel", "core/model", "core/risk")
_OFF = "OUTCRY_INTERPRETED"


def fingerprint() -> str:
    """A hash of the sources that are compiled and of those whose types they build on."""
    digest = hashlib.sha256(",".join(MODULES).encode())
    for folder in _TYPES:
        for path in sorted((ROOT / folder).rglob("*.py")):
            digest.update(b"\0" + path.relative_to(ROOT).as_posix().encode() + b"\0")
            digest.update(path.read_bytes())
    return digest.hexdigest()[:24]


BUILD = fingerprint()
"""Of the sources that this process began with: what makes the kernel come to its state."""


def folder(of: str) -> Path:
    """Where the machine code of sources with this fingerprint is kept, for this Python."""
    return FOLDER / f"{of}{EXTENSION_SUFFIXES[0].rpartition('.')[0]}"


def attach() -> None:
    """Have the compiled modules imported from now on, if there are any of these sources."""
    if os.environ.get(_OFF, "0") != "0" or not FOLDER.is_dir():
        return
    made = folder(BUILD)
    if not made.is_dir():
        return
    sys.path.append(str(made))
    for package in _PACKAGES:
        places = importlib.import_module(package).__path__
        places.insert(0, str(made.joinpath(*package.split("."))))


def attached() -> bool:
    """Is the kernel of this process machine code?"""
    module = importlib.import_module("core.kernel.kernel")
    return not str(module.__file__).endswith(".py")
