"""Going from one workspace to another in the middle of trading."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from core.model.commands import CancelAll
from core.model.enums import Side
from tests.e2e.rig import Trader, trade

CTRL, ALT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.AltModifier


@pytest.mark.timeout(120)
def test_orders_work_on_and_no_click_trades_unasked(qapp: QApplication, tmp_path: Path) -> None:
    async def day(t: Trader) -> None:
        window, stores = t.window, t.stores
        await t.until(lambda: stores.connected and stores.instruments, "the engine")
        await t.until(
            lambda: (tick := stores.tickers.get(window.instrument)) and tick.bid, "a price"
        )
        pid = window.desk.client.engine_pid
        ladder = t.panel("ladder")
        await asyncio.sleep(0.2)
        t.click(ladder.top.padlock)
        await t.until(lambda: ladder.frame.armed, "an open padlock")
        for _ in range(10):
            await t.settled_ladder()
            wanted = stores.tickers[window.instrument].bid - 14
            await t.settled_ladder(wanted)
            t.click(ladder.canvas, t.ladder_point(Side.BUY, wanted))
            try:
                await t.until(lambda: any(stores.working.values()), "a working order", 2.0)
                break
            except AssertionError:
                assert len(stores.orders) <= 1, "one click, one order"
        (order,) = (name for names in stores.working.values() for name in names)
        sent = []
        send = window.desk.client.send
        window.desk.client.send = lambda command: (sent.append(command), send(command))[1]

        # a copy is the same screen under another name; going back is another screen
        window.actions_by_id["workspace.duplicate"].trigger()
        QTest.keyClick(window, Qt.Key.Key_1, CTRL | ALT)
        await asyncio.sleep(0.1)
        other = t.panel("ladder")
        assert other is not ladder
        assert not other.frame.armed
        window.actions_by_id["workspace.new.scalp"].trigger()
        await asyncio.sleep(0.1)
        scalp = t.panel("ladder")
        assert not scalp.frame.armed
        # where the trader's click sent an order a moment ago, it sends none
        await t.until(lambda: scalp.canvas.rows is not None, "a ladder")
        await t.settled_ladder()
        t.click(scalp.canvas, t.ladder_point(Side.BUY, stores.tickers[window.instrument].bid - 3))
        for number in (2, 1, 3, 2, 3):
            QTest.keyClick(window, Qt.Key(Qt.Key.Key_0 + number), CTRL | ALT)
            await asyncio.sleep(0.05)
        assert sent == []
        assert window.desk.client.engine_pid == pid
        assert stores.connected
        assert [o.cl_ord_id for o in stores.orders] == [order]
        rows = t.panel("orders").model
        await t.until(lambda: [o.cl_ord_id for o in rows.board] == [order], "the same order")
        # the new panels get prices, bars and depth, and the order can be cancelled from there
        chart = t.panel("chart")
        await t.until(lambda: chart.view.sheet.series and len(chart.view.sheet.series), "bars")
        if any(stores.working.values()):  # the market may have come to it meanwhile
            await t.until(window.topbar.cancel.isEnabled, "the way out")
            t.click(window.topbar.cancel)
            await t.until(lambda: not any(stores.working.values()), "no order")
            assert all(isinstance(command, CancelAll) for command in sent)

    trade(qapp, tmp_path, day)
