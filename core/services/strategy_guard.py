"""What keeps a strategy's process in its place: its pipes, its end, its memory."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable

import psutil

from core.strategy.hostwords import HostWord, write_word

STOP_SECONDS = 1.0
"""How long a strategy may take to end once it was asked to."""


def say(word: HostWord) -> None:
    """Write a word to the engine; a closed pipe means that the engine is gone."""
    try:
        os.write(_words, write_word(word))
    except OSError:
        os._exit(1)


_words = 1


def keep_pipes() -> int:
    """Keep the pipes to the engine for ourselves: prints go to the log, reads find nothing.

    Returns the descriptor whose end means that this process shall end.
    """
    global _words
    _words = os.dup(1)
    engine = os.dup(0)
    os.dup2(2, 1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return engine


def end_with(engine: int, stop: Callable[[], None]) -> None:
    """Wait until the pipe from the engine ends; then stop, if need be by force."""
    while True:
        try:
            if not os.read(engine, 1):
                break
        except OSError:
            break
    stop()
    time.sleep(STOP_SECONDS)
    os._exit(1)


def die_with_parent() -> None:
    """Have the system end this process with its parent, where it can: the last resort for code
    that never lets another thread run."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(1, int(signal.SIGKILL), 0, 0, 0)  # PR_SET_PDEATHSIG


def limit_memory(most: int) -> None:
    """Ask the system to refuse what would go far beyond `most` bytes at once, where it can; the
    engine measures what is really used."""
    if sys.platform == "win32":
        return
    import resource

    with contextlib.suppress(ValueError, OSError, psutil.Error):
        most = psutil.Process().memory_info().vms + 2 * most
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
