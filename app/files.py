"""Files that are never half written and never thrown away."""

from __future__ import annotations

import errno
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


def set_aside(path: Path) -> tuple[bool, str]:
    """Rename an unreadable file so that nothing overwrites it.

    Returns:
        Whether that was possible, and what became of the file: the end of a sentence.
    """
    try:
        return True, f"your file is kept as {_renamed(path).name}."
    except OSError as error:
        return False, f"your file, which cannot be renamed ({error.strerror}), is left alone."


def _renamed(path: Path) -> Path:
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    for count in range(1000):
        aside = path.with_name(f"{path.name}.unreadable-{stamp}{f'-{count}' if count else ''}")
        if not aside.exists():
            path.replace(aside)
            return aside
    raise OSError(errno.EEXIST, "too many unreadable copies beside it", str(path))
