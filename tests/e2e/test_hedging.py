"""A hedging account at the real window and engine: long and short at once, closed leg by leg."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from PySide6.QtCore import QRect
from PySide6.QtWidgets import QApplication

from core.model.commands import NewOrder
from core.model.enums import OrdType, PositionEffect, Side, TimeInForce
from core.model.ids import IdMaker
from tests.e2e.rig import Trader, trade

IDS = IdMaker("HEDGE")
BTC = "BTC-USD.ALPHA"
SETTINGS = """
[[accounts]]
id = "HEDGE"
cash = { USD = 1000000 }
positions = "hedging"
"""


@pytest.mark.timeout(240)
def test_long_and_short_at_once(qapp: QApplication, tmp_path: Path) -> None:
    (tmp_path / "engine.toml").write_text(SETTINGS)
    trade(qapp, tmp_path, both_legs)


def at_market(t: Trader, side: Side, qty: int, effect: PositionEffect | None = None) -> str:
    name = IDS.next()
    order = NewOrder(
        name,
        "HEDGE",
        BTC,
        side,
        OrdType.MARKET,
        qty,
        tif=TimeInForce.IOC,
        ts=time.time_ns(),
        position_effect=effect,
    )
    assert t.window.desk.send(order)
    return name


def legs(t: Trader) -> dict[str, int]:
    return {p.leg: p.qty for p in t.stores.held_in("HEDGE", BTC)}


async def close_leg(t: Trader, leg: str) -> None:
    """Click on a leg's row and close it, as a trader does."""
    table = t.panel("positions")
    view = table.view

    def row() -> QRect:
        number = [p.leg for p in table.model.rows()].index(leg)
        return view.visualRect(table.model.index(number, 0))

    await t.until(lambda: view.viewport().rect().contains(row().center()), "its row in view")
    t.click(view.viewport(), row().center())
    assert [p.leg for p in table.selected()] == [leg]
    table.close_action.trigger()


async def both_legs(t: Trader) -> None:
    await t.engine()
    t.window.choose_instrument(BTC)
    await t.until(lambda: BTC in t.stores.tickers and t.stores.tickers[BTC].ask, "a price")
    at_market(t, Side.BUY, 10)
    at_market(t, Side.SELL, 4)
    await t.until(lambda: legs(t) == {"long": 10, "short": -4}, "both legs")
    assert t.stores.position("HEDGE", BTC).qty == 6
    denied = at_market(t, Side.BUY, 5, PositionEffect.CLOSE)
    await t.until(lambda: denied in t.stores.orders, "the answer")
    assert t.stores.orders[denied].code == "REDUCE_ONLY_MODE"
    at_market(t, Side.BUY, 1, PositionEffect.CLOSE)
    await t.until(lambda: legs(t) == {"long": 10, "short": -3}, "a smaller short leg")

    table = t.panel("positions")
    await t.until(lambda: len(table.model.rows()) == 3, "the net and its legs")
    await close_leg(t, "long")
    await t.until(lambda: legs(t) == {"short": -3}, "the long leg to be closed")

    at_market(t, Side.BUY, 3)
    await t.until(lambda: legs(t) == {"long": 3, "short": -3}, "legs that cancel out")
    assert t.stores.position("HEDGE", BTC).qty == 0
    await close_leg(t, "")
    await t.until(lambda: not legs(t), "both legs to be closed")
    assert not t.stores.held()
