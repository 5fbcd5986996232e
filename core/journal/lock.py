"""One writer at a time: a lock on a file that the system gives back when the process ends."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from core.journal.errors import JournalError


class FileHeldError(Exception):
    """Another program holds the file; the text says which, as far as it is known."""


class FileLock:
    """Holds one file for this process, until `release` or the process's end.

    Raises:
        FileHeldError: when another program holds it.
    """

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        if not _take(self._fd):
            pid = os.pread(self._fd, 32, 1).decode("ascii", "replace").strip() if _POSIX else ""
            os.close(self._fd)
            raise FileHeldError(f"process {pid}" if pid else "another program")
        # On Windows the first byte is what is locked; the number after it is for people.
        os.write(self._fd, f"#{os.getpid():<20}\n".encode())

    def release(self) -> None:
        """Give the file back."""
        os.close(self._fd)


class WriterLock(FileLock):
    """Holds a directory for one writer.

    Raises:
        JournalError: when another program holds it.
    """

    def __init__(self, directory: Path) -> None:
        try:
            super().__init__(directory / "writer.lock")
        except FileHeldError as held:
            raise JournalError(
                f"{directory}: {held} writes this journal. Close that program first, or choose"
                " another folder for the journal."
            ) from None


def is_written(directory: Path) -> bool:
    """Does a program write this directory's journal now?"""
    if not (directory / "writer.lock").exists():
        return False
    try:
        FileLock(directory / "writer.lock").release()
    except (FileHeldError, OSError):
        return True
    return False


_POSIX = sys.platform != "win32"

if sys.platform == "win32":
    import msvcrt

    def _take(fd: int) -> bool:
        try:
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _take(fd: int) -> bool:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
