"""One writer at a time: a lock on a file that the system gives back when the process ends."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from core.journal.errors import JournalError


class WriterLock:
    """Holds a directory for one writer.

    Raises:
        JournalError: when another program holds it.
    """

    def __init__(self, directory: Path) -> None:
        self._path = directory / "writer.lock"
        self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        if not _take(self._fd):
            pid = os.pread(self._fd, 32, 1).decode("ascii", "replace").strip() if _POSIX else ""
            os.close(self._fd)
            who = f"process {pid}" if pid else "another program"
            raise JournalError(
                f"{directory}: {who} writes this journal. Close that program first, or choose"
                " another folder for the journal."
            )
        # On Windows the first byte is what is locked; the number after it is for people.
        os.write(self._fd, f"#{os.getpid():<20}\n".encode())

    def release(self) -> None:
        """Give the directory back."""
        os.close(self._fd)


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
