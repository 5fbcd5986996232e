"""The records' writer as a process of its own: ``python -m core.services.bookkeeper_main``.

It ends when its standard input does (the engine stopped or died), after it has read the journal to
its end. What it has to say goes to its standard output, a word and a text on each line: ``at`` (the
last input recorded), ``note`` (something was mended), ``trouble`` (it cannot go on and tries
again; empty: it can again).
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import psutil

from core.journal.errors import JournalError
from core.services.bookkeeper import POLL_SECONDS, Bookkeeper
from core.storage.errors import HeldError, StorageError

RETRY_SECONDS = 2.0


def main(words: Sequence[str] | None = None) -> int:
    """Keep records until standard input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("home", type=Path)
    parser.add_argument("--avoid", type=int, default=-1, metavar="CORE")
    given = parser.parse_args(words)
    _step_aside(given.avoid)
    ended = threading.Event()
    threading.Thread(target=_listen, args=(ended,), daemon=True).start()
    _keep(given.home, ended)
    return 0


def _keep(home: Path, ended: threading.Event) -> None:
    keeper: Bookkeeper | None = None
    trouble = ""
    last = False
    while not last:
        # What was written before the end is still recorded, so the end is looked at first.
        last = ended.wait(RETRY_SECONDS if trouble else POLL_SECONDS)
        try:
            if keeper is None:
                keeper = Bookkeeper(home)
                for note in keeper.notes:
                    _say("note", note)
                _say("at", str(keeper.seq))
            while keeper.step():
                _say("at", str(keeper.seq))
        except HeldError:
            continue  # a command brings them up to date just now
        except (StorageError, JournalError) as error:
            if keeper is not None:
                keeper.close()
                keeper = None
            if str(error) != trouble:
                trouble = str(error)
                _say("trouble", trouble)
            continue
        if trouble:
            trouble = ""
            _say("trouble", "")
    if keeper is not None:
        keeper.close()


def _say(word: str, text: str) -> None:
    with contextlib.suppress(OSError):  # nobody listens any more
        print(word, " ".join(text.split()), flush=True)


def _listen(ended: threading.Event) -> None:
    with contextlib.suppress(OSError):
        while sys.stdin.buffer.read(1):
            pass
    ended.set()


def _step_aside(core: int) -> None:
    """Leave the engine its core, and the journal the first turn at the disk."""
    process = psutil.Process()
    with contextlib.suppress(AttributeError, OSError, ValueError, psutil.Error):
        others = [n for n in range(os.cpu_count() or 1) if n != core]
        process.cpu_affinity(others)
    with contextlib.suppress(AttributeError, OSError, ValueError, psutil.Error):
        process.ionice(psutil.IOPRIO_CLASS_IDLE)  # the journal's disk comes first


if __name__ == "__main__":
    sys.exit(main())
