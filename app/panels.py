"""Which panels there are and how one is made; titles, menus and workspaces all read this."""

from __future__ import annotations

import importlib
from typing import NamedTuple

from core.client.stores import Stores
from core.model.ids import IdMaker
from widgets.panel import Panel


class PanelKind(NamedTuple):
    """One kind of panel: its class is imported when the first one is opened."""

    kind: str
    title: str
    module: str
    class_name: str
    several: bool = False


PANEL_KINDS: dict[str, PanelKind] = {
    kind.kind: kind
    for kind in (
        PanelKind("chart", "Chart", "widgets.chart.panel", "ChartPanel", several=True),
        PanelKind("ladder", "Ladder", "widgets.ladder.panel", "LadderPanel", several=True),
        PanelKind("ticket", "Ticket", "widgets.ticket.panel", "TicketPanel"),
        PanelKind("watchlist", "Watchlist", "widgets.watchlist.panel", "WatchlistPanel"),
        PanelKind("tape", "Time and sales", "widgets.tape.panel", "TapePanel", several=True),
        PanelKind("orders", "Orders", "widgets.blotter.orders", "OrdersPanel"),
        PanelKind("fills", "Fills", "widgets.blotter.fills", "FillsPanel"),
        PanelKind("positions", "Positions", "widgets.blotter.positions", "PositionsPanel"),
        PanelKind("balances", "Balances", "widgets.blotter.balances", "BalancesPanel"),
        PanelKind("story", "Order story", "widgets.story.panel", "StoryPanel"),
        PanelKind("risk", "Risk", "widgets.risk.panel", "RiskPanel"),
        PanelKind("strategies", "Strategies", "widgets.strategies.panel", "StrategiesPanel"),
        PanelKind("log", "Log", "widgets.log.panel", "LogPanel"),
    )
}


def make_panel(kind: str, stores: Stores, ids: IdMaker) -> Panel:
    """A new panel of a kind.

    Raises:
        KeyError: when no such kind exists.
    """
    entry = PANEL_KINDS[kind]
    made = getattr(importlib.import_module(entry.module), entry.class_name)(stores, ids)
    if not isinstance(made, Panel):
        raise TypeError(f"{entry.class_name} is not a panel")
    return made
