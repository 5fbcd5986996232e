"""Which ids were ever used, in little memory."""

from __future__ import annotations

from bisect import bisect_right

_MAX_DIGITS = 15
_TOO_LARGE = 10**_MAX_DIGITS


class UsedIds:
    """A set of ids that only grows.

    Ids that end in ``-<number>`` are kept as runs of numbers for each beginning, since whoever
    makes ids counts them: a million orders of one session are one run. Others are kept whole.
    """

    __slots__ = ("_next", "_others", "_runs")

    def __init__(self) -> None:
        self._runs: dict[str, list[int]] = {}
        self._next: dict[str, str] = {}
        self._others: dict[str, None] = {}

    def add(self, text: str) -> bool:
        """Remember an id; False when it was used before."""
        head, dash, tail = text.rpartition("-")
        if dash and self._next.get(head) == tail:
            # Nearly always: the number after the last one.
            runs = self._runs[head]
            runs[-1] += 1
            self._expect(head, runs[-1])
            return True
        if not dash or not _counts(tail):
            if text in self._others:
                return False
            self._others[text] = None
            return True
        number = int(tail)
        runs = self._runs.setdefault(head, [])
        new = _insert(runs, number)
        self._expect(head, runs[-1])
        return new

    def __contains__(self, text: str) -> bool:
        head, dash, tail = text.rpartition("-")
        if not dash or not _counts(tail):
            return text in self._others
        runs = self._runs.get(head)
        return runs is not None and bisect_right(runs, int(tail)) % 2 == 1

    def _expect(self, head: str, number: int) -> None:
        self._next[head] = str(number) if number < _TOO_LARGE else ""

    def dump(self) -> tuple[list[tuple[str, list[int]]], list[str]]:
        """Runs ``[start, end, start, end, ...]`` by beginning, and the other ids; both sorted."""
        return [(h, list(r)) for h, r in sorted(self._runs.items())], sorted(self._others)

    def load(self, runs: list[tuple[str, list[int]]], others: list[str]) -> None:
        """Take the place of what is here with what `dump` gave."""
        self._runs = {head: list(run) for head, run in runs}
        self._next = {}
        for head, run in runs:
            self._expect(head, run[-1])
        self._others = dict.fromkeys(others)


def _counts(tail: str) -> bool:
    return (
        tail.isascii()
        and tail.isdigit()
        and len(tail) <= _MAX_DIGITS
        and (tail[0] != "0" or tail == "0")
    )


def _insert(runs: list[int], number: int) -> bool:
    """Put a number into ``[start, end, start, end, ...]`` (ends not included)."""
    at = bisect_right(runs, number)
    if at % 2 == 1:
        return False
    joins_before = at > 0 and runs[at - 1] == number
    joins_after = at < len(runs) and runs[at] == number + 1
    if joins_before and joins_after:
        del runs[at - 1 : at + 1]
    elif joins_before:
        runs[at - 1] = number + 1
    elif joins_after:
        runs[at] = number
    else:
        runs[at:at] = (number, number + 1)
    return True
