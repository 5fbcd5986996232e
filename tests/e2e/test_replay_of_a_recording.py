"""The terminal's own recording of two venues is a market to trade in."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from core.model.enums import OrdStatus, OrdType, Side
from tests.e2e.rig import Trader, trade

SETTINGS = 'record = true\n[[accounts]]\nid = "PAPER-1"\ncash = { USD = 1000000 }\n'
BTC = "BTC-USD.ALPHA"


async def sees_a_price(t: Trader) -> None:
    await t.until(lambda: t.stores.connected, "the engine")
    t.window.choose_instrument(BTC)
    await t.until(lambda: BTC in t.stores.tickers and t.stores.tickers[BTC].ask, "a price")


async def records(t: Trader) -> None:
    await sees_a_price(t)
    await asyncio.sleep(4.0)


async def buys(t: Trader) -> None:
    await sees_a_price(t)
    assert {i.venue for i in t.stores.instruments} == {"REPLAY"}
    ticket = t.panel("ticket")
    ticket.fields.choose_type(OrdType.MARKET)
    line = ticket.fields.quantity.lineEdit()
    line.selectAll()
    QTest.keyClicks(line, "0.01")
    QTest.keyClick(line, Qt.Key.Key_Tab)
    button = ticket.buttons[Side.BUY]
    await t.until(button.isEnabled, "the button")
    await asyncio.sleep(0.7)  # a press just after the words on the button changed only flashes
    t.click(button)
    await t.until(lambda: list(t.stores.orders), "the order", 5.0)
    [order] = t.stores.orders
    name = order.cl_ord_id
    await t.until(lambda: t.stores.orders[name].status is OrdStatus.FILLED, "the fill", 5.0)


@pytest.mark.timeout(60)
def test_an_order_in_a_recording_of_two_venues_is_filled(qapp: QApplication, tmp_path: Path):
    (tmp_path / "engine.toml").write_text(SETTINGS)
    trade(qapp, tmp_path, records)
    [recording] = (tmp_path / "engines" / "paper").glob("*.rec")
    trade(qapp, tmp_path / "again", buys, replay=recording)
