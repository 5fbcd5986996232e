"""Says once when a limit is nearly used, and again only after it had room."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal

from core.model.events import LimitUse
from core.model.limits import LIMIT_KINDS
from core.model.numbers import plain

WARN_AT = Decimal("0.8")
"""The used part of a limit at which it is said."""

_ROOM = Decimal("0.7")
_GROUPS = ("loss", "position")


class LimitAlarms:
    """Looks at the limits that are counted over time; rates come and go too fast to be said.

    Args:
        say: takes a sentence for the log.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._said: set[tuple[str, str, str]] = set()

    def look(self, uses: Iterable[LimitUse]) -> None:
        """Take in how much of each limit is used."""
        for use in uses:
            kind = LIMIT_KINDS.get(use.name)
            if kind is None or kind.group not in _GROUPS or use.limit <= 0:
                continue
            key, part = (use.name, use.scope, use.scope_id), use.used / use.limit
            if part < _ROOM:
                self._said.discard(key)
            elif part >= WARN_AT and key not in self._said:
                self._said.add(key)
                self._say(
                    f"{kind.title} of {use.scope} {use.scope_id}: {part * 100:.0f} % is"
                    f" used, {plain(use.used)} of {plain(use.limit)}. At 100 %: {use.action}."
                )
