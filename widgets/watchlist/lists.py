"""The trader's lists of instruments. No Qt."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

ALL = "All"
"""Name of the first list, which always holds every instrument."""

_MOST_LISTS = 50
_LONGEST_NAME = 40


class Lists:
    """Named lists in the order of their tabs; the first one is `ALL` and is not edited.

    Attributes:
        current: number of the list shown.
    """

    def __init__(self) -> None:
        self._names = [ALL]
        self._ids: list[list[str]] = [[]]
        self.current = 0

    @property
    def names(self) -> list[str]:
        """Names of the tabs."""
        return list(self._names)

    @property
    def editable(self) -> bool:
        """Is the list shown one of the trader's own?"""
        return self.current > 0

    def ids(self, everything: Iterable[str]) -> list[str]:
        """Instruments of the list shown; `everything` is all there are.

        The first list may be reordered: what it does not know yet comes last.
        """
        own = self._ids[self.current]
        if self.editable:
            return list(own)
        known = dict.fromkeys(everything)
        return [
            *(key for key in own if key in known),
            *(key for key in known if key not in set(own)),
        ]

    def set_ids(self, ids: Iterable[str]) -> None:
        """Replace the list shown (for the first one: its order)."""
        self._ids[self.current] = list(dict.fromkeys(ids))

    def add(self, name: str) -> int:
        """A new empty list; returns its number. A name that is taken gets a number."""
        self._names.append(self._free_name(name))
        self._ids.append([])
        return len(self._names) - 1

    def rename(self, number: int, name: str) -> None:
        """Call a list something else."""
        if 0 < number < len(self._names) and name.strip() and name != self._names[number]:
            self._names[number] = self._free_name(name)

    def remove(self, number: int) -> None:
        """Drop a list of the trader's own."""
        if 0 < number < len(self._names):
            del self._names[number], self._ids[number]
            self.current = min(self.current, len(self._names) - 1)

    def save(self) -> dict[str, Any]:
        """Plain values for the workspace."""
        lists = [
            {"name": name, "ids": list(ids)}
            for name, ids in zip(self._names, self._ids, strict=True)
        ]
        return {"lists": lists, "current": self.current}

    def restore(self, state: dict[str, Any]) -> None:
        """Take back what `save` gave; what is not understood is passed over."""
        saved = state.get("lists")
        if not isinstance(saved, list):
            return
        self._names, self._ids, self.current = [ALL], [[]], 0
        for number, entry in enumerate(saved[:_MOST_LISTS]):
            if not isinstance(entry, dict):
                continue
            ids = entry.get("ids")
            good = [i for i in ids if isinstance(i, str)] if isinstance(ids, list) else []
            if number == 0:
                self._ids[0] = good
            else:
                self._ids[self.add(str(entry.get("name") or "List"))] = good
        current = state.get("current")
        if isinstance(current, int) and 0 <= current < len(self._names):
            self.current = current

    def _free_name(self, name: str) -> str:
        name = " ".join(name.split())[:_LONGEST_NAME] or "List"
        free, count = name, 1
        while free in self._names:
            count += 1
            free = f"{name} {count}"
        return free
