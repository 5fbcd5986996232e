"""The padlock of one-click trading. It is locked at every start, and locks itself. No Qt."""

from __future__ import annotations

IDLE_LIMIT = 600 * 1_000_000_000
"""Nanoseconds without use after which the lock closes."""


class Lock:
    """Open only by the trader's own hand; anything doubtful closes it.

    Attributes:
        armed: True while a click sends an order.
    """

    def __init__(self) -> None:
        self.armed = False
        self._used = 0

    def arm(self, now: int, obstacle: str) -> str:
        """Open the lock at `now` (ns), unless there is an obstacle; returns why not, or ''."""
        if obstacle:
            return f"One-click stays off: {obstacle}"
        self.armed, self._used = True, now
        return ""

    def use(self, now: int) -> None:
        """A click was made."""
        self._used = now

    def disarm(self, why: str) -> str:
        """Close the lock; returns the sentence to say, or '' if it was closed already."""
        if not self.armed:
            return ""
        self.armed = False
        return f"One-click is off: {why}"

    def check(self, now: int, obstacle: str) -> str:
        """Close the lock if it was long unused or there is an obstacle; the sentence, or ''."""
        if not self.armed:
            return ""
        if obstacle:
            return self.disarm(obstacle)
        if now - self._used >= IDLE_LIMIT:
            return self.disarm("10 minutes without use.")
        return ""
