"""Journals for tests: quick to fill, read as another start would."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.journal.journal import Journal
from core.model.commands import CancelOrder

DAY = 86_400_000_000_000


def fill(journal: Journal, count: int, start: int = 0) -> None:
    """Append so many records, all different."""
    for n in range(start, start + count):
        journal.append(1000 + n, CancelOrder(f"c{n}", "o" * (n % 50)))


def whole(directory: Path) -> tuple[list[Any], list[str]]:
    """Everything recorded, and what opening had to mend."""
    with Journal.open(directory, sync_every=0) as journal:
        return list(journal.replay()), journal.repairs


def numbers(directory: Path) -> list[int]:
    """The numbers of all records, as another start reads them."""
    return [seq for seq, _, _ in whole(directory)[0]]


def eventually(done: Callable[[], object], seconds: float = 10.0) -> None:
    """Wait until it is so."""
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, "in vain"
        time.sleep(0.002)
