"""Files that are never half written and never thrown away."""

from __future__ import annotations

import os
import time
from pathlib import Path


def write_atomically(path: Path, data: bytes) -> None:
    """Replace a file's content as a whole: after a crash it is the old or the new, never a mix.

    Raises:
        OSError: when the directory cannot be written; the old content is untouched.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def set_aside(path: Path) -> Path:
    """Rename an unreadable file so that nothing overwrites it; returns its new name."""
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    for count in range(1000):
        aside = path.with_name(f"{path.name}.unreadable-{stamp}{f'-{count}' if count else ''}")
        if not aside.exists():
            path.replace(aside)
            return aside
    raise OSError(f"{path} cannot be set aside: too many unreadable copies beside it.")
