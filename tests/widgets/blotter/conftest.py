"""A trader's fills and orders of any number, and tables on them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from PySide6.QtTest import QAbstractItemModelTester

from core.model.enums import Liquidity, Side
from core.model.ids import IdMaker
from core.model.instruments import Instrument
from core.model.orders import Fill
from tests.widgets.trading_world import BID, BTC, World
from widgets.blotter.balances import BalancesPanel
from widgets.blotter.fills import FillsPanel
from widgets.blotter.orders import OrdersPanel
from widgets.blotter.positions import PositionsPanel


class Blotters(World):
    """A world with tables of it."""

    def fill(self, number: int, instrument: Instrument = BTC, **changes: object) -> Fill:
        """Execution `number`, told to the stores."""
        fields: dict[str, object] = {
            "side": Side.BUY if number % 2 else Side.SELL,
            "price": BID + number % 50,
            "qty": 1 + number % 7,
            "fee": Decimal("0.0123"),
            "strategy": "",
            "ts": self.clock.wall() + number * 1_000_000,
        }
        fields |= changes
        fill = Fill(
            seq=number,
            exec_id=f"E{number}",
            cl_ord_id=f"O{number}",
            account=self.account,
            instrument=instrument.id,
            currency="USD",
            liquidity=Liquidity.ADDED,
            trader="",
            venue_ts=self.clock.wall(),
            **fields,  # type: ignore[arg-type]
        )
        self.stores.take_event(fill)
        return fill


@pytest.fixture
def world() -> Blotters:
    return Blotters()


@pytest.fixture
def opened(qtbot, world):
    """Opens a table of a kind; its model is watched for mistakes."""
    kinds = {
        "orders": OrdersPanel,
        "fills": FillsPanel,
        "positions": PositionsPanel,
        "balances": BalancesPanel,
    }

    def open_panel(kind: str, watched: bool = True):
        panel = kinds[kind](world.stores, IdMaker("T"))
        qtbot.addWidget(panel)
        if watched:
            mode = QAbstractItemModelTester.FailureReportingMode.Warning
            panel.tester = QAbstractItemModelTester(panel.model, mode, panel)
        panel.resize(1_000, 400)
        panel.show()
        panel.activateWindow()
        qtbot.waitUntil(panel.isActiveWindow)
        panel.flush()
        return panel

    return open_panel


def column(panel, name: str) -> list[str]:
    """The texts of a column, top to bottom."""
    number = [c.id for c in panel.model.columns].index(name)
    return [panel.model.index(r, number).data() for r in range(panel.model.rowCount())]
