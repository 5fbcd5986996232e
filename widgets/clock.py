"""The two clocks a panel needs, in one thing that a test can replace. No Qt."""

from __future__ import annotations

from time import monotonic_ns, time_ns


class Clock:
    """Nanoseconds: `monotonic` for intervals on the screen, `wall` (UTC) for what is sent."""

    def monotonic(self) -> int:
        """Never goes back; its zero means nothing."""
        return monotonic_ns()

    def wall(self) -> int:
        """UTC since 1970."""
        return time_ns()
