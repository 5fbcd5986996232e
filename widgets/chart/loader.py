"""From the stores onto the chart: the bars, and older ones when the trader goes where they are.

Older bars come in pieces while the chart goes on; what is under a pixel stays there.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto

from core.client.series import Bars
from core.client.stores import Stores
from core.model.enums import Mode
from core.model.session import OlderBars
from widgets.chart.series import Series
from widgets.chart.sheet import Edge
from widgets.chart.view import ChartView

PAGE = 2_000
"""Fewest older bars asked for at once."""

_AHEAD = 0.5  # screens of bars to have left of the window before they are looked at
_DAY = 86_400_000_000_000


class Change(Enum):
    """What taking in the stores' bars did."""

    NONE = auto()
    TICK = auto()
    MOVED = auto()
    GONE = auto()


class BarLoader:
    """The bars of one chart.

    Args:
        view: where they are shown.
        wish: called with what the engine is to be asked.
    """

    def __init__(self, view: ChartView, wish: Callable[[OlderBars], None]) -> None:
        self._view = view
        self._wish = wish
        self._bars: Bars | None = None
        self._epoch = -1
        self._asked = 0
        self._right_time: int | None = None
        self._instrument = self._interval = ""

    def show(self, stores: Stores, instrument: str, interval: str) -> None:
        """Another series from now on; the time at the right edge stays with the instrument."""
        self._right_time = None
        if instrument == self._instrument:
            self._remember_right()
        self._view.homing = False
        self._instrument, self._interval = instrument, interval
        self._forget(stores)

    def take(self, stores: Stores, whole_day: bool) -> Change:
        """Take in what changed and show it; `whole_day`: the days in view must be all there."""
        bars = stores.bars.get((self._instrument, self._interval))
        if bars is None or not len(bars):
            change = Change.NONE
            if self._bars is not None:
                self._remember_right()
                self._forget(stores)
                change = Change.GONE
            self._say_why(stores, bars)
            return change
        change = self._take(bars)
        self._look_left(stores, bars, whole_day)
        return change

    def _take(self, bars: Bars) -> Change:
        view, sheet = self._view, self._view.sheet
        window = sheet.window
        fresh = bars is not self._bars or bars.epoch != self._epoch
        if fresh:
            if self._bars is not None:
                self._remember_right()
            self._bars, self._epoch, self._asked = bars, bars.epoch, bars.first
            sheet.series = Series(self._interval)
            view.legend.show_message("")
        series = sheet.series
        assert series is not None
        before = (len(series), series.span, series.first)
        anchor = None
        if len(series) and not window.following:
            bar = min(max(series.bars_between(window.right, window.right)[0], 0), before[0] - 1)
            anchor = series.first + bar, window.right - series.x_of(bar)
        if not series.take(bars):
            return Change.NONE
        view.studies.take(series)
        if not fresh and before == (len(series), series.span, series.first):
            view.redraw_last()
            return Change.TICK
        window.set_count(series.span)
        if fresh and self._right_time is not None and not window.following:
            window.show_right(series.index_at(self._right_time))
            self._right_time = None
        elif anchor is not None and not fresh:
            window.keep_right(series.x_of(anchor[0] - series.first) + anchor[1])
        if view.homing and series.first == 0 and before[2]:
            view.go_home()
        view.redraw()
        return Change.MOVED

    def _look_left(self, stores: Stores, bars: Bars, whole_day: bool) -> None:
        """Say what is left of the oldest bar, and ask for it where it is about to be seen."""
        sheet = self._view.sheet
        window, series = sheet.window, sheet.series
        assert series is not None
        edge = Edge.END
        if bars.first:
            edge = Edge.LOADING if stores.connected else Edge.CUT_OFF
        if edge is not sheet.edge:
            sheet.edge = edge
            self._view.viewport().update()
        if not bars.first or not stores.connected:
            return
        screen = window.width / window.pitch
        missing = screen * _AHEAD - (window.left + 0.5)
        wanted = max(PAGE, int(missing + screen)) if missing > 0 else 0
        if whole_day:
            day = series.time_at(max(window.left, 0.0)) // _DAY * _DAY
            if day < series.ts[0]:
                wanted = max(wanted, PAGE, int(series.ts[0] - day) // series.step)
        if self._view.homing:
            wanted = bars.first
        start = max(bars.first - wanted, 0)
        # one request at a time: what is on its way may be enough
        if wanted and start < self._asked and (self._asked == bars.first or start == 0):
            self._asked = start
            self._wish(OlderBars(self._instrument, self._interval, start))

    def _remember_right(self) -> None:
        """Keep the time at the right edge, to show it there again with other bars."""
        sheet = self._view.sheet
        if sheet.series is not None and len(sheet.series) and not sheet.window.following:
            self._right_time = sheet.series.time_at(sheet.window.right)

    def _forget(self, stores: Stores) -> None:
        self._bars = None
        self._view.sheet.series = None
        self._view.legend.show_words(())
        self._say_why(stores, None)
        self._view.redraw()

    def _say_why(self, stores: Stores, bars: Bars | None) -> None:
        """No bars, and why."""
        sheet, legend = self._view.sheet, self._view.legend
        edge = Edge.UNKNOWN
        known = stores.instruments.get(self._instrument)
        name = known.symbol if known is not None else self._instrument
        if not self._instrument:
            legend.show_message("Choose a symbol")
        elif bars is None:
            edge = Edge.WAITING
            legend.show_message(f"Waiting for bars of {name} {self._interval}")
        elif stores.known_mode is Mode.REPLAY:
            legend.show_message(
                f"No trades of {name} in this recording so far, so no bars.\n"
                "Ctrl+Shift+N, or “Next trade” above, goes to the next one."
            )
        else:
            legend.show_message(f"No trades of {name} yet, so no bars")
        if edge is not sheet.edge:
            sheet.edge = edge
            self._view.viewport().update()
