"""What can be wrong with a source's messages: crossed, late, repeated, silent."""

from __future__ import annotations

from core.marketdata.latency import Rolling
from core.model.enums import LinkState
from core.model.events import LinkUpdate
from core.model.session import SourceView

_SECOND = 1_000_000_000

STALE_AFTER = 5 * _SECOND
"""Nanoseconds of silence after which a source that is up counts as stale."""


class Source:
    """One source of market data, its link and its faults.

    Attributes:
        messages, last: how many messages came, and when the last one did (UTC ns).
        crossed: quotes whose bid stood above their ask.
        late: messages older than one of the same kind before them; late quotes are dropped.
        repeated: messages that came twice; they are dropped.
        unknown: messages about instruments that the source does not list; they are dropped.
        malformed: messages with numbers out of range; they are dropped.
    """

    __slots__ = (
        "_messages_before",
        "_reported",
        "_state",
        "_text",
        "ages",
        "crossed",
        "last",
        "late",
        "malformed",
        "messages",
        "name",
        "rate",
        "repeated",
        "stale",
        "unknown",
    )

    def __init__(self, name: str) -> None:
        self.name = name
        self.messages = self.last = 0
        self.crossed = self.late = self.repeated = self.unknown = self.malformed = 0
        self.ages = Rolling()
        self.rate = 0.0
        self.stale = False
        self._state = LinkState.CONNECTING
        self._text = ""
        self._messages_before = 0
        self._reported = 0

    def link(self, update: LinkUpdate) -> None:
        """The connector says how its link is."""
        self._state = update.state
        self._text = update.text
        self.stale = False

    def look(self, now: int, seconds: float) -> LinkUpdate | None:
        """Once a second: work out the rate; a link update when silence begins or ends."""
        self.rate = (self.messages - self._messages_before) / seconds
        self._messages_before = self.messages
        silent = (
            self._state is LinkState.UP
            and self.last > 0
            and self.rate == 0.0
            and now - self.last > STALE_AFTER
        )
        if silent == self.stale:
            return None
        self.stale = silent
        return self.update(now)

    def update(self, now: int) -> LinkUpdate:
        """The state of the link as it is to be shown."""
        state, text = self._shown(now)
        return LinkUpdate(self.name, now, state, text)

    def view(self, now: int) -> SourceView:
        """Its health over the last minute."""
        state, text = self._shown(now)
        p50, p99 = self.ages.quantiles(0.5, 0.99)
        faults = self.faults()
        return SourceView(
            self.name,
            state,
            " ".join(part for part in (text, faults) if part),
            self.last,
            p50,
            p99,
            self.rate,
        )

    def faults(self) -> str:
        """What was wrong so far, in words; empty when nothing was."""
        counts = (
            (self.crossed, "crossed"),
            (self.late, "out of order"),
            (self.repeated, "repeated"),
            (self.unknown, "of unknown instruments"),
            (self.malformed, "malformed"),
        )
        words = ", ".join(f"{count} {word}" for count, word in counts if count)
        return f"Messages: {words}." if words else ""

    def _shown(self, now: int) -> tuple[LinkState, str]:
        if self.stale:
            return LinkState.STALE, f"No message for {(now - self.last) / _SECOND:.0f} s."
        return self._state, self._text
