"""The built-in arrangements of panels: what a new workspace begins with."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

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
    for kind in ("fills", "positions", "balances", "log"):
        open_panel(kind, area="center", beside=orders)
    open_panel("ticket", area="bottom", beside=watchlist)
    strategies = open_panel("strategies", area="bottom", beside=tape)
    open_panel("risk", area="center", beside=strategies)
    docks.show(orders)
    docks.show(strategies)
    docks.split(watchlist, [290, 610])  # the whole preview in sight in a window of 720 lines
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
    _intervals(window, (first, second, third, fourth), ("5s", "1m", "5m", "1h"))
    docks.show(watchlist)


def scalp(window: MainWindow) -> None:
    """A tall ladder between fast charts and the tape; orders and positions below the charts."""
    open_panel, docks = window.open_panel, window.docks
    fast = open_panel("chart")
    ladder = open_panel("ladder", area="right")
    tape = open_panel("tape", area="right")
    slow = open_panel("chart", area="bottom", beside=fast)
    orders = open_panel("orders", area="bottom", beside=slow)
    for kind in ("positions", "fills"):
        open_panel(kind, area="center", beside=orders)
    risk = open_panel("risk", area="bottom", beside=tape)
    open_panel("ticket", area="center", beside=risk)
    docks.show(orders)
    docks.show(risk)
    docks.split(fast, [360, 300, 240])
    docks.split(tape, [480, 420])
    docks.split(ladder, [760, 480, 360])
    _intervals(window, (fast, slow), ("5s", "1m"))


def swing(window: MainWindow) -> None:
    """A long list and a large chart with the next longer one beside it; ticket and positions."""
    open_panel, docks = window.open_panel, window.docks
    near = open_panel("chart")
    watchlist = open_panel("watchlist", area="left")
    far = open_panel("chart", area="right", beside=near)
    positions = open_panel("positions", area="bottom")
    for kind in ("orders", "fills"):
        open_panel(kind, area="center", beside=positions)
    ticket = open_panel("ticket", area="bottom", beside=watchlist)
    open_panel("risk", area="center", beside=ticket)
    docks.show(positions)
    docks.show(ticket)
    docks.split(positions, [680, 220])
    docks.split(watchlist, [240, 440])
    docks.split(near, [430, 690, 480])
    _intervals(window, (near, far), ("5m", "1h"))


def strategy_desk(window: MainWindow) -> None:
    """Strategies with their drafts first, risk and log in sight, the market beside them."""
    open_panel, docks = window.open_panel, window.docks
    strategies = open_panel("strategies")
    chart = open_panel("chart", area="right")
    risk = open_panel("risk", area="right")
    docks.split(risk, [480, 740, 380])  # before each of the three gets one below it
    log = open_panel("log", area="bottom", beside=risk)
    orders = open_panel("orders", area="bottom", beside=chart)
    for kind in ("fills", "positions"):
        open_panel(kind, area="center", beside=orders)
    watchlist = open_panel("watchlist", area="bottom", beside=strategies)
    docks.show(orders)
    docks.split(chart, [520, 380])
    docks.split(watchlist, [560, 340])
    docks.split(log, [480, 420])
    _intervals(window, (chart,), ("1m",))


def _intervals(window: MainWindow, charts: tuple[str, ...], intervals: tuple[str, ...]) -> None:
    for panel_id, interval in zip(charts, intervals, strict=True):
        panel = window.docks.panels.get(panel_id)
        if panel is not None:
            panel.restore_state({"interval": interval})


class Layout(NamedTuple):
    """A built-in arrangement: the name it begins with, and what opens its panels."""

    title: str
    build: Callable[[MainWindow], None]


LAYOUTS: dict[str, Layout] = {
    "default": Layout("Default", default),
    "four_charts": Layout("Four charts", four_charts),
    "scalp": Layout("Scalp", scalp),
    "swing": Layout("Swing", swing),
    "strategy_desk": Layout("Strategy desk", strategy_desk),
}
