"""Mending a journal by hand: its end is cut off where it is damaged, and nothing else is done."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NamedTuple

import msgspec

from core.journal.errors import JournalError
from core.journal.files import FLAGS, journal_files, sync_directory
from core.journal.lock import WriterLock
from core.journal.reader import Recorded, read_file
from core.journal.verify import Problem, verify, whole_after
from core.model.wire import decode_recorded


class Repaired(NamedTuple):
    """What was done: `path` ends at `offset` with record `last`; `kept` is the original file.

    `dropped` are the records that were cut off though they were whole in themselves.
    """

    path: Path
    offset: int
    last: int
    kept: Path
    dropped: list[tuple[int, int, Recorded]]


def repair(directory: Path, cut: int = 0) -> Repaired | None:
    """Cut the newest file back to its last good record; None when nothing is damaged.

    Whole records behind the damage are given up only when `cut` is the number of the first one
    that is lost: the caller says so in full knowledge.

    Raises:
        JournalError: when an engine writes it, or when this cannot be mended safely. Nothing is
            changed then.
    """
    lock = WriterLock(directory)
    try:
        return _repair(directory, cut)
    finally:
        lock.release()


def _repair(directory: Path, cut: int) -> Repaired | None:
    path = journal_files(directory)[-1] if journal_files(directory) else directory
    problems = [p for p in verify(directory).problems if p.path.suffix == path.suffix]
    if not problems:
        return None
    first = problems[0]
    if first.path != path:
        raise JournalError(
            f"{first.path}: damaged at offset {first.offset} (record {first.seq}), and later files"
            " go on from there: nothing can be cut off safely, and nothing was changed. Put the"
            " file back from a backup. An engine still starts while a good snapshot stands behind"
            " the damage."
        )
    if first.offset == 0:
        raise JournalError(
            f"{path}: its header is damaged; there is nothing to cut back to. Nothing was changed."
            " Put the file back from a backup, or move it out of the folder: what it holds is"
            " lost then."
        )
    data = memoryview(read_file(path))
    dropped: list[tuple[int, int, Recorded]] = []
    for found in whole_after(path, data, first.offset):
        try:
            dropped.append((found.seq, found.ts, decode_recorded(found.payload)))
        except msgspec.DecodeError:
            raise JournalError(
                f"{path}: record {found.seq} is whole but not understood; a newer program wrote"
                " it. Nothing was changed. Use that program."
            ) from None
    if dropped and cut != first.seq:
        raise JournalError(
            f"{path}: damaged at offset {first.offset} (record {first.seq}: {first.text}), but"
            f" {len(dropped)} whole records stand behind it, up to {dropped[-1][0]}. Nothing was"
            " changed. Put the file back from a backup; if there is none, give them up with"
            f" --cut {first.seq}."
        )
    return _cut(path, first, dropped)


def _cut(path: Path, first: Problem, dropped: list[tuple[int, int, Recorded]]) -> Repaired:
    number = 0
    while (kept := path.with_name(f"{path.name}.{number}.original")).exists():
        number += 1
    shutil.copy2(path, kept)
    for file, length in ((kept, path.stat().st_size), (path, first.offset)):
        fd = os.open(file, FLAGS)
        try:
            os.ftruncate(fd, length)
            os.fsync(fd)
        finally:
            os.close(fd)
        # Nothing is cut off before the disk has the whole of it under the other name.
        sync_directory(path.parent)
    return Repaired(path, first.offset, first.seq - 1, kept, dropped)
