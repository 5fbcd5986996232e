"""Where the real engine meets the simulated computer: clocks, files, threads, sockets.

Only what a module takes from the operating system is changed, for as long as a simulation runs.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, NamedTuple

import core.client.client
import core.journal.files
import core.journal.journal
import core.journal.opening
import core.journal.syncing
import core.services.bookkeeper
import core.services.bookkeeper_main
import core.services.dispatch
import core.services.drafts
import core.services.orderpath
import core.services.recovery
import core.services.sessions
import core.services.snapshots
import core.services.statistics
import core.services.strategies
import core.services.strategy_hosts
import core.services.strategy_params
import core.services.strategy_running
import core.services.timers
import core.venues.remote.host
import core.venues.remote.link
import core.venues.remote.venue
from core.journal.errors import JournalError
from core.simulation.disk import Disk, DiskPath
from core.simulation.loop import VirtualLoop
from core.simulation.programs import Programs
from core.simulation.threads import Threads
from core.simulation.venues import incarnations
from core.simulation.wire import Network
from core.storage.book import Book

BEGIN = 1_750_000_000_000_000_000
"""UTC nanoseconds at which every simulation begins: a Sunday in June."""


class WallClock:
    """What stands for the module `time`. `shift` is how wrong the computer's clock is, in ns."""

    def __init__(self, loop: VirtualLoop, begin: int = BEGIN) -> None:
        self._loop = loop
        self._begin = begin
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
        return self._begin + round(self._loop.now * 1e9)


class _Lock:
    """One writer at a time: here, one program."""

    def __init__(self, path: DiskPath) -> None:
        pass

    def release(self) -> None:
        """Nothing to give back."""


class Seams(NamedTuple):
    """What stands for the computer: its clock, disk and threads, the network, the programs of
    strategies, the file of the records (None: there is none) and what their writer says."""

    clock: WallClock
    disk: Disk
    paths: type[DiskPath]
    threads: Threads
    network: Network
    programs: Programs
    book: Callable[[Path], Book] | None
    said: Callable[[str, str], None]


class _Ids:
    """What stands for `core.model.ids.IdMaker`: the same ids in every run."""

    def __init__(self, numbers: Iterator[int], prefix: str) -> None:
        self._head = f"{prefix}{next(numbers)}"
        self._count = 0

    def next(self) -> str:
        """A new id."""
        self._count += 1
        return f"{self._head}-{self._count}"


def changes(seams: Seams) -> list[tuple[ModuleType, str, Any]]:
    """What is put in the place of what."""
    clock, disk, paths, threads, network = seams[:5]
    services, remote, journal = core.services, core.venues.remote, core.journal
    makers, clients = itertools.count(1), itertools.count(1)
    names = SimpleNamespace(token_hex=lambda size: f"{next(clients)}")
    random = SimpleNamespace(token_bytes=lambda size: b"simulated journal."[:size])
    rss = SimpleNamespace(rss=0)
    programs = SimpleNamespace(Process=lambda pid: SimpleNamespace(memory_info=lambda: rss))
    found: list[tuple[ModuleType, str, Any]] = [
        (services.orderpath, "monotonic", clock.monotonic),
        (services.recovery, "monotonic", clock.monotonic),
        (services.statistics, "psutil", programs),
        (services.snapshots, "_run", _beside(clock, paths)),
        (services.snapshots, "FileLock", _Lock),
        (journal.journal, "os", disk),
        (journal.files, "os", disk),
        (journal.opening, "os", disk),
        (journal.journal, "_sync_data", disk.fsync),
        (journal.journal, "Path", paths),
        (journal.journal, "WriterLock", _Lock),
        (journal.journal, "threading", threads),
        (journal.syncing, "threading", threads),
        (journal.syncing, "os", disk),
        (journal.opening, "secrets", random),
        (remote.link, "connect", network.connect),
        (remote.host, "EngineChannel", network.host),
        (remote.host, "new_token", incarnations()),
        (services.strategies, "IdMaker", partial(_Ids, makers)),
        (services.strategy_hosts, "HostProcess", seams.programs),
        (services.strategy_hosts, "secrets", names),
        (services.bookkeeper_main, "_say", seams.said),
    ]
    if seams.book is not None:
        found.append((services.bookkeeper, "Book", seams.book))
    found += [(module, "time", clock) for module in _TIMED]
    return found


_TIMED: tuple[ModuleType, ...] = (
    core.services.sessions,
    core.services.dispatch,
    core.services.drafts,
    core.services.strategies,
    core.services.strategy_params,
    core.services.strategy_running,
    core.services.statistics,
    core.services.timers,
    core.services.snapshots,
    core.venues.remote.venue,
    core.client.client,
)


def _beside(clock: WallClock, paths: type[DiskPath]) -> Callable[[Sequence[str]], tuple[int, str]]:
    """A program that makes a snapshot beside the engine."""

    def run(words: Sequence[str]) -> tuple[int, str]:
        try:
            made: Callable[..., object] = core.services.snapshots.make
            made(paths(words[3]), int(words[4]), int(words[5]), clock.time_ns())
        except (JournalError, OSError) as error:
            return 1, str(error)
        return 0, ""

    return run


@contextlib.contextmanager
def installed(seams: Seams) -> Iterator[None]:
    """Put all of it in place, and take it out again."""
    wanted = changes(seams)
    before = [(module, name, getattr(module, name)) for module, name, _ in wanted]
    try:
        for module, name, value in wanted:
            setattr(module, name, value)
        yield
    finally:
        for module, name, value in before:
            setattr(module, name, value)
