"""A keyed store that remembers in which order its rows changed.

Readers keep a cursor and ask what changed since; a reader that looks once a frame sees each
changed row once, however often it changed in between.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

V = TypeVar("V")


class Board(Generic[V]):
    """Rows by key, newest state only.

    Attributes:
        version: grows by one with each change; a reader's cursor is the version it has seen.
        epoch: grows when everything was thrown away (a new snapshot); cursors of an older epoch
            must start again from nothing.
    """

    __slots__ = ("_changed", "_rows", "epoch", "version")

    def __init__(self) -> None:
        self._rows: dict[str, V] = {}
        self._changed: dict[str, int] = {}
        self.version = 0
        self.epoch = 0

    def put(self, key: str, row: V) -> None:
        """Set a row's newest state."""
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

    def clear(self) -> None:
        """Throw everything away and begin a new epoch."""
        self._rows.clear()
        self._changed.clear()
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
