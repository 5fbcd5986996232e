"""Which bars the chart shows: the right edge, how wide a bar is, and whether it follows. No Qt."""

from __future__ import annotations

USUAL_BAR = 8.0
"""Width of a bar in pixels when a chart is opened."""

MARGIN = 56.0
"""Room in pixels kept free right of the newest bar."""

WIDEST_BAR = 120.0


class Window:
    """The visible part of the x axis, in bar indices.

    Attributes:
        count: number of slots that the bars known and the gaps between them take.
        width: width of the plot in pixels.
        pitch: pixels from one bar to the next.
        right: bar index under the right edge.
        following: the newest bar stays where it is while new ones come.
    """

    def __init__(self) -> None:
        self.count = 0
        self.width = 100.0
        self.pitch = USUAL_BAR
        self.right = MARGIN / USUAL_BAR
        self.following = True
        self._margin = MARGIN

    @property
    def left(self) -> float:
        """Bar index under the left edge."""
        return self.right - self.width / self.pitch

    def x(self, index: float) -> float:
        """Pixel of a place on the x axis."""
        return self.width - (self.right - index) * self.pitch

    def index(self, x: float) -> float:
        """Place on the x axis under a pixel."""
        return self.right - (self.width - x) / self.pitch

    def set_count(self, count: int) -> None:
        """So many slots are taken now; a following window moves along with the newest."""
        self.count = count
        if self.following:
            self._stick()

    def set_width(self, width: float) -> None:
        """The plot became wider or narrower; the right edge and the width of bars stay."""
        self.width = max(width, 1.0)
        if self.following:
            self._margin = min(self._margin, self.width * 0.8)
            self._stick()

    def pan(self, pixels: float) -> None:
        """Move the bars right by so many pixels."""
        self._go(self.right - pixels / self.pitch)

    def zoom(self, factor: float, x: float | None = None) -> None:
        """Make bars `factor` times as wide about a pixel.

        The newest bar stays under its pixel while the window follows it; without a pixel,
        otherwise, the right edge stays.
        """
        pitch = min(max(self.pitch * factor, self.least_pitch()), WIDEST_BAR)
        if self.following:
            self.pitch = pitch
            self._stick()
            return
        anchor = self.width if x is None else x
        index = self.index(anchor)
        self.pitch = pitch
        self._go(index + (self.width - anchor) / pitch)

    def least_pitch(self) -> float:
        """The narrowest bar: all bars fit into three quarters of the width."""
        return min(self.width * 0.75 / max(self.count, 20), 1.0)

    def reset(self) -> None:
        """Bars of usual width again, and the newest in view."""
        self.pitch = USUAL_BAR
        self.go_now()

    def set_pitch(self, pitch: float) -> None:
        """Make bars this many pixels wide and show the newest."""
        self.pitch = min(max(pitch, 1e-4), WIDEST_BAR)
        self.go_now()

    def go_home(self) -> None:
        """Show the oldest bars."""
        self._go(-1.0 + self.width / self.pitch)

    def go_now(self) -> None:
        """Show the newest bar and follow it."""
        self.following = True
        self._margin = min(MARGIN, self.width * 0.25)
        self._stick()

    def show_right(self, index: float) -> None:
        """Put this place under the right edge."""
        self.following = False
        self._go(index)

    def keep_right(self, right: float) -> None:
        """The same bars have other places now: put this one under the right edge as it was."""
        self.right = right

    def _stick(self) -> None:
        self.right = self.count - 1 + self._margin / self.pitch

    def _go(self, right: float) -> None:
        """Move the right edge, but never so far that no bar can be seen."""
        bars = self.width / self.pitch
        low, high = bars * 0.1 - 0.5, self.count - 1 + bars * 0.9
        self.right = min(max(right, min(low, high)), high)
        self.following = self.right >= self.count - 1
        self._margin = (self.right - (self.count - 1)) * self.pitch
