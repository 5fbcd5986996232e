"""A keyed store that remembers in which order its rows changed.

Readers keep a cursor and ask what changed since; a reader that looks once a frame sees each
changed row once, however often it changed in between.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar

V = TypeVar("V")

_GONE = 1_000
"""Removed keys that are always told to readers; of more, as many as there are rows."""


class Board(Generic[V]):
    """Rows by key, newest state only.

    Args:
        most: with more rows than this those that first came are removed; 0: never.

    Attributes:
        version: grows by one with each change; a reader's cursor is the version it has seen.
        epoch: grows when everything was thrown away (a new snapshot); cursors of an older epoch
            must start again from nothing.
        forgotten: the version up to which `changed_since` tells of no removals any more; a reader
            whose cursor is older looks for itself which of its rows are gone.
    """

    __slots__ = ("_came", "_changed", "_gone", "_most", "_rows", "epoch", "forgotten", "version")

    def __init__(self, most: int = 0) -> None:
        self._rows: dict[str, V] = {}
        self._changed: dict[str, int] = {}
        self._most = most
        self._came: deque[str] = deque()
        self._gone = 0
        self.version = 0
        self.epoch = 0
        self.forgotten = 0

    def put(self, key: str, row: V) -> None:
        """Set a row's newest state."""
        if self._most and key not in self._rows:
            self._came.append(key)
            if len(self._came) > self._most:
                self.drop(self._came.popleft())
        self.version += 1
        self._rows[key] = row
        self._changed.pop(key, None)
        self._changed[key] = self.version

    def drop(self, key: str) -> None:
        """Remove a row; readers see the key as changed and find no row."""
        if self._rows.pop(key, None) is not None:
            self.version += 1
            self._changed.pop(key, None)
            self._changed[key] = self.version
            self._gone += 1
            if self._gone > max(_GONE, len(self._rows)):
                self._forget()

    def _forget(self) -> None:
        """Keys that are gone must not pile up."""
        self._changed = {k: v for k, v in self._changed.items() if k in self._rows}
        self._gone = 0
        self.forgotten = self.version

    def clear(self) -> None:
        """Throw everything away and begin a new epoch."""
        self._rows.clear()
        self._changed.clear()
        self._came.clear()
        self._gone = 0
        self.version += 1
        self.epoch += 1

    def get(self, key: str) -> V | None:
        """The newest state of a row, or None."""
        return self._rows.get(key)

    def __getitem__(self, key: str) -> V:
        return self._rows[key]

    def __contains__(self, key: object) -> bool:
        return key in self._rows

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[V]:
        return iter(self._rows.values())

    def keys(self) -> Iterator[str]:
        """Keys in the order in which they first came."""
        return iter(self._rows)

    def changed_since(self, cursor: int) -> list[str]:
        """Keys changed after version `cursor`, in the order of their last change."""
        if cursor >= self.version:
            return []
        keys: list[str] = []
        for key in reversed(self._changed):
            if self._changed[key] <= cursor:
                break
            keys.append(key)
        keys.reverse()
        return keys
