"""What the ticket says before an order is sent is the real engine's word."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from core.model.enums import Side
from tests.e2e.rig import Trader, trade

BTC = "BTC-USD.ALPHA"
SETTINGS = """
[[accounts]]
id = "PAPER-1"
cash = { USD = 1000000 }

[[limits]]
name = "max_order_qty"
value = 3
scope = "trader"
scope_id = "ann"

[risk]
currency = "USD"

[[risk.margins]]
account = "PAPER-1"
model = "reg_t"
"""


@pytest.mark.timeout(120)
def test_the_engine_says_what_an_order_needs(qapp: QApplication, tmp_path: Path) -> None:
    (tmp_path / "engine.toml").write_text(SETTINGS)
    trade(qapp, tmp_path, asks)


async def asks(t: Trader) -> None:
    t.window.trader.choose("ann")
    await t.engine()
    t.window.choose_instrument(BTC)
    await t.until(lambda: BTC in t.stores.tickers, "a price")
    ticket = t.panel("ticket")
    ticket.fields.use_price(t.stores.tickers[BTC].bid)
    preview = ticket.notes.previews[Side.BUY]
    await t.until(lambda: "Margin 0.00 → " in preview.text(), "the engine's word")
    cost, slippage, margin, free, stop, position, average, liquidation = preview.text().split("\n")
    assert "USD" in cost
    assert slippage == "Slippage none, it rests"
    assert position.startswith("Position 0.")
    assert "—" not in average
    assert liquidation == "Liquidation none", "it is paid in full"
    assert "—" not in cost + margin + free
    assert stop == "Loss at stop —"
    ticket.fields.quantity.set_steps(4)
    await t.until(
        lambda: "MAX_ORDER_QTY: " in ticket.notes.reasons[Side.BUY].text(),
        "the limit of the trader, of which only the engine knows",
    )
    assert not ticket.buttons[Side.BUY].isEnabled()
    assert not list(t.stores.orders.keys()), "nothing was sent"
