"""What a person with a mouse does on the first day, on the real window and the real engine."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QMessageBox, QPushButton

from core.model.enums import OrdStatus, Side, StrategyMode, TradingState
from core.reporting.csv_file import read_rows
from tests.e2e.rig import LEFT, NO_KEYS, Trader, trade

PROPOSER = '''
from core.strategy.api import Strategy


class Proposer(Strategy):
    """Proposes to buy once, a moment after it was switched on."""

    def on_start(self):
        self.timer_seconds = 0.3
        self.done = False

    def on_timer(self):
        if not self.done and self.quote.ask:
            self.done = True
            self.buy(100, price=self.quote.ask + 20, why="an example")
'''

SETTINGS = """
[[accounts]]
id = "PAPER-1"
cash = { USD = 1000000, EUR = 250000 }

[[strategies]]
name = "proposer"
kind = "proposer.py:Proposer"
instrument = "BTC-USD.ALPHA"
account = "PAPER-1"
"""

BTC = "BTC-USD.ALPHA"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "strategies").mkdir()
    (tmp_path / "strategies" / "proposer.py").write_text(PROPOSER)
    (tmp_path / "engine.toml").write_text(SETTINGS)
    return tmp_path


@pytest.mark.timeout(240)
def test_a_day(qapp: QApplication, data: Path) -> None:
    trade(qapp, data, a_day)


async def a_day(t: Trader) -> None:
    await sees_prices_move(t)
    await clicks_ladder_and_order_rests(t)
    await drags_it(t)
    await sees_it_fill(t)
    await accepts_a_draft(t)
    await numbers_add_up(t)
    await exports_the_blotter(t)
    await hits_the_kill_switch(t)


async def sees_prices_move(t: Trader) -> None:
    await t.engine()
    t.window.choose_instrument(BTC)
    await t.until(lambda: BTC in t.stores.tickers, "a price")
    first = t.stores.tickers[BTC]
    await t.until(lambda: t.stores.tickers[BTC].ts > first.ts, "a moving price")
    await t.until(lambda: t.panel("ladder").canvas.rows.count > 5, "a ladder")


def resting(t: Trader) -> list:
    return [o for o in t.stores.working_orders(BTC) if o.status is OrdStatus.NEW]


async def clicks_ladder_and_order_rests(t: Trader) -> None:
    ladder = t.panel("ladder")
    await asyncio.sleep(0.2)
    # unarmed, the same click only fills the draft
    await t.settled_ladder()
    t.click(ladder.canvas, t.ladder_point(Side.BUY, t.stores.tickers[BTC].bid - 3))
    await asyncio.sleep(0.3)
    assert not list(t.stores.orders)
    t.click(ladder.top.padlock)
    for _ in range(10):
        await t.settled_ladder()
        wanted = t.stores.tickers[BTC].bid - 4
        t.click(ladder.canvas, t.ladder_point(Side.BUY, wanted))
        try:
            await t.until(lambda: resting(t), "the order to rest", 2.0)
            break
        except AssertionError:
            assert len(t.stores.orders) <= 1, "one click, one order"
    [order] = resting(t)
    assert (order.side, order.price) == (Side.BUY, wanted)


async def drags_it(t: Trader) -> None:
    ladder = t.panel("ladder")
    [order] = resting(t)
    wanted = order.price - 3
    for _ in range(10):
        await t.settled_ladder(wanted)
        start = t.ladder_point(Side.BUY, order.price, "my_buys")
        await t.drag(ladder.canvas, start, t.ladder_point(Side.BUY, wanted, "my_buys"))
        try:
            await t.until(lambda: [o for o in resting(t) if o.price == wanted], "the move", 2.0)
            break
        except AssertionError:
            continue
    [order] = resting(t)
    assert order.price == wanted


async def sees_it_fill(t: Trader) -> None:
    """Keep dragging the order to the best bid until somebody sells to us."""
    ladder = t.panel("ladder")
    [order] = t.stores.working_orders(BTC)
    name = order.cl_ord_id

    def filled() -> bool:
        return t.stores.orders[name].status is OrdStatus.FILLED

    for _ in range(60):
        if filled():
            break
        best = t.stores.tickers[BTC].bid
        order = t.stores.orders[name]
        if order.status is OrdStatus.NEW and order.price < best:
            await t.settled_ladder(order.price)
            best = t.stores.tickers[BTC].bid
            rows = ladder.canvas.rows
            if rows.visible(rows.row_at(order.price)) and rows.visible(rows.row_at(best)):
                start = t.ladder_point(Side.BUY, order.price, "my_buys")
                await t.drag(ladder.canvas, start, t.ladder_point(Side.BUY, best, "my_buys"))
        await asyncio.sleep(0.5)
    assert filled(), t.stores.orders[name]
    await t.until(lambda: t.stores.position("PAPER-1", BTC), "the position")
    position = t.stores.position("PAPER-1", BTC)
    assert position.qty == t.stores.orders[name].qty
    positions = t.panel("positions")
    await t.until(lambda: positions.model.rowCount() >= 1, "the position's row")
    texts = set()

    def profit_moves() -> bool:
        column = [c.id for c in positions.model.columns].index("open_profit")
        texts.add(positions.model.index(0, column).data())
        return len(texts) > 1

    await t.until(profit_moves, "open profit that changes with the market")


async def accepts_a_draft(t: Trader) -> None:
    panel = t.panel("strategies")
    await t.until(lambda: "proposer" in panel.rows, "the strategy's row")
    before = t.stores.position("PAPER-1", BTC).qty
    t.click(panel.rows["proposer"].buttons[StrategyMode.ADVISE])
    await t.until(lambda: panel.cards, "a draft", 30.0)
    [card] = panel.cards.values()
    fills = len(t.stores.fills)
    t.click(card.accept)
    await t.until(lambda: len(t.stores.fills) > fills, "the draft's fill")
    await t.until(lambda: not panel.cards, "the card to go")
    order = t.stores.orders[card.draft.draft]
    await t.until(lambda: t.stores.orders[order.cl_ord_id].status is OrdStatus.FILLED, "all of it")
    await t.until(
        lambda: t.stores.position("PAPER-1", BTC).qty == before + order.qty, "the position to grow"
    )
    assert order.strategy == "proposer"


async def numbers_add_up(t: Trader) -> None:
    """Positions, cash and profit equal the sum of the fills exactly."""
    instrument = t.stores.instruments[BTC]
    fills = list(t.stores.fills)
    position = t.stores.position("PAPER-1", BTC)
    assert position.qty == sum(f.side.sign * f.qty for f in fills)
    flows = -sum(f.side.sign * f.price * f.qty for f in fills)
    assert position.realised - position.cost == flows
    fees = sum((f.fee for f in fills), Decimal(0))
    assert position.fees == fees
    cash = t.stores.accounts["PAPER-1"].cash["USD"]
    assert cash == Decimal(1_000_000) + instrument.money(flows) - fees


async def exports_the_blotter(t: Trader) -> None:
    panel = t.panel("fills")
    await t.until(lambda: panel.model.rowCount() == len(t.stores.fills), "all fills shown")
    panel.export_everything()
    dialog = None

    def opened() -> bool:
        nonlocal dialog
        dialog = t.window.findChild(QFileDialog, "export")
        return dialog is not None and dialog.isVisible()

    await t.until(opened, "the file dialog")
    path = Path(dialog.directory().absolutePath()) / "mine.csv"
    dialog.selectFile(str(path))
    save = next(b for b in dialog.findChildren(QPushButton) if b.text().replace("&", "") == "Save")
    t.click(save)
    await t.until(path.exists, "the file")
    rows = list(read_rows(path))
    known = {f.exec_id: f for f in t.stores.fills}
    instrument = t.stores.instruments[BTC]
    assert {r["exec_id"] for r in rows} == set(known)
    for row in rows:
        fill = known[row["exec_id"]]
        assert Decimal(row["price"]) == instrument.price(fill.price)
        assert Decimal(row["qty"]) == instrument.quantity(fill.qty)
        assert Decimal(row["value"]) == instrument.money(fill.price * fill.qty)
        assert Decimal(row["fee"]) == fill.fee
    box = None

    def told() -> bool:
        nonlocal box
        box = t.window.findChild(QMessageBox, "exported")
        return box is not None

    await t.until(told, "the word that it is written")
    t.click(box.button(QMessageBox.StandardButton.Ok))


async def hits_the_kill_switch(t: Trader) -> None:
    button = t.window.kill_button
    QTest.mousePress(button, LEFT, NO_KEYS, QPoint(10, 10))
    await t.until(
        lambda: t.stores.accounts["PAPER-1"].state is not TradingState.ACTIVE, "the account to stop"
    )
    QTest.mouseRelease(button, LEFT, NO_KEYS, QPoint(10, 10))
    await t.until(
        lambda: t.stores.strategies["proposer"].mode is StrategyMode.OFF, "strategies to stop"
    )
    # cancelling and closing still work
    await t.until(t.window.topbar.flatten.isEnabled, "Flatten to be on offer")
    t.click(t.window.topbar.flatten)
    await t.until(lambda: t.stores.position("PAPER-1", BTC).qty == 0, "the position to be closed")
    await numbers_add_up(t)
