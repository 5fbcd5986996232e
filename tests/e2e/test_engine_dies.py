"""The engine is killed under the trader's hands: said at once, frozen, back, nothing lost."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from core.model.commands import NewOrder
from core.model.enums import OrdStatus, OrdType, Side, TimeInForce
from tests.e2e.rig import Trader, trade

BTC = "BTC-USD.ALPHA"
ACCOUNT = "PAPER-1"


@pytest.mark.timeout(120)
def test_engine_killed(qapp: QApplication, tmp_path: Path) -> None:
    trade(qapp, tmp_path, its_death)


def readiness(t: Trader) -> int:
    """How often the engine has said that it takes orders."""
    return sum("The engine is ready" in notice.text for notice in t.stores.notices)


async def its_death(t: Trader) -> None:
    await t.until(lambda: t.stores.connected and BTC in t.stores.tickers, "prices")
    await t.until(lambda: readiness(t) == 1, "an engine that takes orders")
    t.window.choose_instrument(BTC)
    bid = t.stores.tickers[BTC].bid
    far = NewOrder("E2E-1", ACCOUNT, BTC, Side.BUY, OrdType.LIMIT, 100, bid - 400)
    now = NewOrder("E2E-2", ACCOUNT, BTC, Side.SELL, OrdType.MARKET, 20, tif=TimeInForce.IOC)
    assert t.window.desk.send(far)
    assert t.window.desk.send(now)
    await t.until(lambda: t.stores.orders.get("E2E-1") is not None, "the order")
    await t.until(lambda: t.stores.orders["E2E-1"].status is OrdStatus.NEW, "it to rest")
    await t.until(lambda: t.stores.position(ACCOUNT, BTC) is not None, "the fill")
    await t.until(lambda: t.stores.orders["E2E-2"].status is OrdStatus.FILLED, "all of it")
    orders = {o.cl_ord_id: (o.status, o.cum_qty, o.price, o.notional) for o in t.stores.orders}
    held = t.stores.position(ACCOUNT, BTC)
    fills = {f.exec_id for f in t.stores.fills}
    cash = t.stores.accounts[ACCOUNT].cash

    ready = readiness(t)
    os.kill(t.process.pid, signal.SIGKILL)
    killed = time.monotonic()
    await t.until(lambda: not t.stores.connected, "the window to notice", 3.0)
    assert "FROZEN" in t.window.status.connection.text()
    late = NewOrder("E2E-3", ACCOUNT, BTC, Side.BUY, OrdType.LIMIT, 100, bid - 400)
    assert not t.window.desk.send(late), "nothing is sent while the engine is away"

    await t.until(lambda: t.stores.connected, "the engine to be back")
    print(f"back after {time.monotonic() - killed:.1f} s")
    assert {
        o.cl_ord_id: (o.status, o.cum_qty, o.price, o.notional) for o in t.stores.orders
    } == orders
    again = t.stores.position(ACCOUNT, BTC)
    assert (again.qty, again.cost, again.realised, again.fees) == (
        held.qty,
        held.cost,
        held.realised,
        held.fees,
    )
    assert {f.exec_id for f in t.stores.fills} == fills
    assert t.stores.accounts[ACCOUNT].cash == cash
    await t.until(lambda: t.stores.tickers.get(BTC) is not None, "prices again")
    # the order still works at the venue: it can be cancelled
    await t.until(lambda: readiness(t) > ready, "the engine to take orders")
    t.window.cancel_all()
    await t.until(lambda: t.stores.orders["E2E-1"].status is OrdStatus.CANCELED, "the cancel")
    assert "E2E-3" not in t.stores.orders
