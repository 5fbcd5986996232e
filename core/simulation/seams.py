"""Where the real engine meets the simulated computer: clocks, files, threads, sockets.

Only what a module takes from the operating system is changed, for as long as a simulation runs.
"""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Callable, Iterator, Sequence
from types import ModuleType, SimpleNamespace
from typing import Any

import core.client.client
import core.journal.files
import core.journal.journal
import core.journal.opening
import core.services.dispatch
import core.services.orderpath
import core.services.recovery
import core.services.sessions
import core.services.snapshots
import core.services.statistics
import core.services.timers
import core.venues.remote.host
import core.venues.remote.link
import core.venues.remote.venue
from core.journal.errors import JournalError
from core.simulation.disk import Disk, DiskPath
from core.simulation.loop import VirtualLoop
from core.simulation.threads import Threads
from core.simulation.wire import Network

BEGIN = 1_750_000_000_000_000_000
"""UTC nanoseconds at which every simulation begins: a Sunday in June."""


class WallClock:
    """What stands for the module `time`. `shift` is how wrong the computer's clock is, in ns."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self.shift = 0

    def monotonic(self) -> float:
        """Seconds; never shifted."""
        return self._loop.now

    def monotonic_ns(self) -> int:
        """The same in ns."""
        return round(self._loop.now * 1e9)

    def time_ns(self) -> int:
        """UTC nanoseconds, as far as the computer knows."""
        return self.true_ns() + self.shift

    def true_ns(self) -> int:
        """UTC nanoseconds as they are."""
        return BEGIN + round(self._loop.now * 1e9)


class _Lock:
    """One writer at a time: here, one program."""

    def __init__(self, directory: DiskPath) -> None:
        pass

    def release(self) -> None:
        """Nothing to give back."""


def seams(
    clock: WallClock, disk: Disk, paths: type[DiskPath], threads: Threads, network: Network
) -> list[tuple[ModuleType, str, Any]]:
    """What is put in the place of what."""
    services, remote, journal = core.services, core.venues.remote, core.journal
    random = SimpleNamespace(token_bytes=lambda size: b"simulated journal."[:size])
    rss = SimpleNamespace(rss=0)
    programs = SimpleNamespace(Process=lambda pid: SimpleNamespace(memory_info=lambda: rss))
    found: list[tuple[ModuleType, str, Any]] = [
        (services.orderpath, "monotonic", clock.monotonic),
        (services.recovery, "monotonic", clock.monotonic),
        (services.statistics, "psutil", programs),
        (services.snapshots, "subprocess", _beside(clock, paths)),
        (journal.journal, "os", disk),
        (journal.files, "os", disk),
        (journal.opening, "os", disk),
        (journal.journal, "_sync_data", disk.fsync),
        (journal.journal, "Path", paths),
        (journal.journal, "WriterLock", _Lock),
        (journal.journal, "threading", threads),
        (journal.opening, "secrets", random),
        (remote.link, "connect", network.connect),
        (remote.host, "EngineChannel", network.host),
        (remote.host, "new_token", lambda: "life"),
    ]
    found += [(module, "time", clock) for module in _TIMED]
    return found


_TIMED: tuple[ModuleType, ...] = (
    core.services.sessions,
    core.services.dispatch,
    core.services.statistics,
    core.services.timers,
    core.services.snapshots,
    core.venues.remote.venue,
    core.client.client,
)


def _beside(clock: WallClock, paths: type[DiskPath]) -> SimpleNamespace:
    """A program that makes a snapshot beside the engine."""

    def run(words: Sequence[str], **_: object) -> SimpleNamespace:
        try:
            made: Callable[..., object] = core.services.snapshots.make
            made(paths(words[3]), int(words[4]), int(words[5]), clock.time_ns())
        except (JournalError, OSError) as error:
            return SimpleNamespace(returncode=1, stderr=str(error).encode())
        return SimpleNamespace(returncode=0, stderr=b"")

    return SimpleNamespace(
        run=run, PIPE=subprocess.PIPE, SubprocessError=subprocess.SubprocessError
    )


@contextlib.contextmanager
def installed(changes: list[tuple[ModuleType, str, Any]]) -> Iterator[None]:
    """Put all of it in place, and take it out again."""
    before = [(module, name, getattr(module, name)) for module, name, _ in changes]
    try:
        for module, name, value in changes:
            setattr(module, name, value)
        yield
    finally:
        for module, name, value in before:
            setattr(module, name, value)
