"""The built-in arrangements of panels."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.window import MainWindow


def default(window: MainWindow) -> None:
    """Watchlist and ticket, chart over blotter, ladder, time and sales with risk below."""
    open_panel, docks = window.open_panel, window.docks
    chart = open_panel("chart")
    watchlist = open_panel("watchlist", area="left")
    ladder = open_panel("ladder", area="right")
    tape = open_panel("tape", area="right")
    orders = open_panel("orders", area="bottom", beside=chart)
    for kind in ("fills", "positions", "log"):
        open_panel(kind, area="center", beside=orders)
    open_panel("ticket", area="bottom", beside=watchlist)
    strategies = open_panel("strategies", area="bottom", beside=tape)
    open_panel("risk", area="center", beside=strategies)
    docks.show(orders)
    docks.show(strategies)
    docks.split(watchlist, [430, 470])  # the ticket with a reason of five lines
    docks.split(chart, [560, 340])
    docks.split(tape, [440, 460])
    docks.split(ladder, [320, 660, 300, 320])


def four_charts(window: MainWindow) -> None:
    """Four charts, ladder, watchlist and blotter: the reference workspace of the benchmark."""
    open_panel, docks = window.open_panel, window.docks
    first = open_panel("chart")
    second = open_panel("chart", area="right", beside=first)
    docks.split(first, [490, 490])  # before each of the two gets one below it
    third = open_panel("chart", area="bottom", beside=first)
    fourth = open_panel("chart", area="bottom", beside=second)
    watchlist = open_panel("watchlist", area="left")
    ladder = open_panel("ladder", area="right")
    orders = open_panel("orders", area="bottom")
    for kind in ("fills", "positions"):
        open_panel(kind, area="center", beside=orders)
    docks.show(orders)
    docks.split(ladder, [300, 980, 320])
    docks.split(orders, [650, 250])
    for chart in (first, second):
        docks.split(chart, [325, 325])
    for panel_id, interval in zip(
        (first, second, third, fourth), ("5s", "1m", "5m", "1h"), strict=True
    ):
        panel = docks.panels.get(panel_id)
        if panel is not None:
            panel.restore_state({"interval": interval})
    docks.show(watchlist)


LAYOUTS: dict[str, Callable[[MainWindow], None]] = {
    "default": default,
    "four_charts": four_charts,
}
