"""Brackets, stops and orders that must trade at once, by hand on the real window and engine."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from core.model.enums import Contingency, OrdStatus, OrdType, Side, TimeInForce
from core.model.orders import Order
from tests.e2e.rig import LEFT, NO_KEYS, Trader, trade

BTC = "BTC-USD.ALPHA"
SETTINGS = """
[[accounts]]
id = "PAPER-1"
cash = { USD = 1000000 }
"""
ALT, SHIFT = Qt.KeyboardModifier.AltModifier, Qt.KeyboardModifier.ShiftModifier


@pytest.mark.timeout(240)
def test_brackets_and_stops(qapp: QApplication, tmp_path: Path) -> None:
    (tmp_path / "engine.toml").write_text(SETTINGS)
    trade(qapp, tmp_path, by_hand)


async def by_hand(t: Trader) -> None:
    await t.engine()
    t.window.choose_instrument(BTC)
    await t.until(lambda: BTC in t.stores.tickers, "a price")
    ladder = t.panel("ladder")
    await t.until(lambda: ladder.canvas.rows.count > 5, "a ladder")
    await asyncio.sleep(0.2)
    await t.settled_ladder()
    t.click(ladder.top.padlock)
    await places_a_bracket_and_drags_its_stop(t)
    await takes_at_once_or_not_at_all(t)
    await fills_a_bracket_at_mouse_down(t)


def orders(t: Trader) -> list[Order]:
    return [t.stores.orders[name] for name in t.stores.orders.keys()]  # noqa: SIM118


async def click(t: Trader, side: Side, away: int, keys: Qt.KeyboardModifier = NO_KEYS) -> Order:
    """Click `away` ticks from the best price of the side until an order comes of it."""
    canvas = t.panel("ladder").canvas
    for _ in range(15):
        known = {order.cl_ord_id for order in orders(t)}
        await t.settled_ladder()
        ticker = t.stores.tickers[BTC]
        price = (ticker.bid if side is Side.BUY else ticker.ask) + away
        await t.settled_ladder(price)
        QTest.mouseClick(canvas, LEFT, keys, t.ladder_point(side, price))
        try:
            await t.until(lambda known=known: len(orders(t)) > len(known), "an order", 1.5)
        except AssertionError:
            continue  # rows moved under the pointer, or the market did
        new = [o for o in orders(t) if o.cl_ord_id not in known and not o.parent]
        return new[0]
    raise AssertionError("no click made an order")


def exits(t: Trader, entry: Order) -> list[Order]:
    return [order for order in orders(t) if order.parent == entry.cl_ord_id]


async def places_a_bracket_and_drags_its_stop(t: Trader) -> None:
    entry = await click(t, Side.BUY, -12, ALT)
    await t.until(lambda: len(exits(t, entry)) == 2, "both exits")
    assert entry.contingency is Contingency.BRACKET
    stop, target = sorted(exits(t, entry), key=lambda o: o.stop_price, reverse=True)
    assert (stop.ord_type, stop.stop_price) == (OrdType.STOP, entry.price - 20)
    assert (target.ord_type, target.price) == (OrdType.LIMIT, entry.price + 40)
    if t.stores.orders[entry.cl_ord_id].status is OrdStatus.NEW:
        assert {stop.status, target.status} == {OrdStatus.SUSPENDED}
        assert stop.held
    canvas = t.panel("ladder").canvas
    wanted = stop.stop_price - 3
    for _ in range(10):
        await t.settled_ladder(wanted)
        begin = t.ladder_point(Side.SELL, stop.stop_price, "my_sells")
        await t.drag(canvas, begin, t.ladder_point(Side.SELL, wanted, "my_sells"))
        try:
            moved = lambda: t.stores.orders[stop.cl_ord_id].stop_price == wanted  # noqa: E731
            await t.until(moved, "the stop to move", 2.0)
            break
        except AssertionError:
            continue
    assert t.stores.orders[stop.cl_ord_id].stop_price == wanted
    t.click(canvas, t.ladder_point(Side.SELL, wanted, "my_sells"))
    assert t.stores.orders[stop.cl_ord_id].working, "only the × cancels"


async def takes_at_once_or_not_at_all(t: Trader) -> None:
    life = t.panel("ladder").top.life
    life.setCurrentIndex(life.findData("IOC"))
    away = await click(t, Side.BUY, -4)
    await t.until(lambda: t.stores.orders[away.cl_ord_id].status.terminal, "the end of an IOC")
    life.setCurrentIndex(life.findData("FOK"))
    whole = await click(t, Side.BUY, +8)
    await t.until(lambda: t.stores.orders[whole.cl_ord_id].status.terminal, "the end of a FOK")
    assert t.stores.orders[whole.cl_ord_id].cum_qty in (0, whole.qty)
    assert (away.tif, whole.tif) == (TimeInForce.IOC, TimeInForce.FOK)
    resting = await click(t, Side.BUY, +14, SHIFT)
    assert (resting.ord_type, resting.tif) == (OrdType.STOP, TimeInForce.GTC)
    life.setCurrentIndex(life.findData("GTC"))


async def fills_a_bracket_at_mouse_down(t: Trader) -> None:
    ladder = t.panel("ladder")
    ladder.restore_state({**ladder.save_state(), "send_on": "press"})
    if not ladder.lock.armed:
        t.click(ladder.top.padlock)
    entry = await click(t, Side.BUY, +8, ALT)
    filled = lambda: t.stores.orders[entry.cl_ord_id].status is OrdStatus.FILLED  # noqa: E731
    await t.until(filled, "the entry to fill")
    await t.until(
        lambda: all(o.status is not OrdStatus.SUSPENDED for o in exits(t, entry)),
        "the exits to go out",
    )
    assert {o.qty for o in exits(t, entry)} == {entry.qty}
