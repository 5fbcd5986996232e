"""Positions whose long and short legs stand apart."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from core.model.commands import Flatten
from core.model.enums import PositionEffect, Side
from core.model.orders import Position
from tests.widgets.blotter.conftest import column
from tests.widgets.trading_world import ASK, BID, BTC


def hold(world, long: int, short: int) -> None:
    """The account's net position and its legs."""
    for leg, lots in (("", long - short), ("long", long), ("short", -short)):
        cost = lots * BID
        world.stores.take_event(
            Position(1, 1, world.account, BTC.id, lots, cost, 0, Decimal(0), leg=leg)
        )


@pytest.fixture
def hedging(world):
    world.stores.take_event(replace(world.stores.accounts["PAPER"], hedging=True))
    return world


def rows(panel) -> list[tuple[str, int]]:
    return [(p.leg, p.qty) for p in panel.model.rows()]


def test_both_legs_stand_beside_the_net(qtbot, opened, hedging):
    hold(hedging, 300, 100)
    panel = opened("positions")
    names = [c.id for c in panel.model.columns]
    assert not panel.view.isColumnHidden(names.index("leg"))
    assert sorted(rows(panel)) == [("", 200), ("long", 300), ("short", -100)]
    hedging.quote(BID + 10, ASK + 10)
    panel.flush()
    profit = dict(zip(column(panel, "leg"), column(panel, "open_profit"), strict=True))
    assert profit["long"] == "+15.00"  # 3 BTC, ten ticks of 0.5 up
    assert profit["short"] == "-5.50"  # 1 BTC, eleven ticks to the offer
    assert [p.leg for p in hedging.stores.held()] == ["long", "short"]


def test_where_nothing_stands_apart_there_is_no_column_of_legs(qtbot, opened, world):
    world.hold(200, BID)
    panel = opened("positions")
    names = [c.id for c in panel.model.columns]
    assert panel.view.isColumnHidden(names.index("leg"))
    assert [p.qty for p in world.stores.held()] == [200]


def test_close_and_reverse_act_on_the_leg(qtbot, opened, hedging):
    hold(hedging, 300, 300)
    panel = opened("positions")
    commands: list[object] = []
    said: list[str] = []
    panel.requested.connect(commands.append)
    panel.said.connect(said.append)
    for leg in ("short", ""):
        panel.view.clearSelection()
        panel.view.selectRow([name for name, _ in rows(panel)].index(leg))
        panel.close_position()
        panel.reverse()
    short, closing, opening, both = commands
    assert isinstance(short, Flatten)
    assert (short.leg, both.leg) == ("short", "")
    assert [(o.side, o.qty, o.position_effect) for o in (closing, opening)] == [
        (Side.BUY, 300, PositionEffect.CLOSE),
        (Side.BUY, 300, PositionEffect.OPEN),
    ]
    assert closing.cl_ord_id != opening.cl_ord_id
    assert said == ["Select a leg to reverse it."]
    panel.view.clearSelection()
    panel.view.selectRow([name for name, _ in rows(panel)].index("long"))
    panel.view.setFocus()
    QTest.keyClick(panel.view, Qt.Key.Key_Delete)
    assert commands[-1].leg == "long"
    assert "to close" in panel.reverse_action.toolTip()


def test_legs_that_cancel_out_are_no_flat_position(qtbot, opened, hedging):
    hold(hedging, 300, 300)
    hedging.stores.take_event(
        Position(1, 1, hedging.account, "ACME.SIM", 0, 0, 5, Decimal(0), bought=1, sold=1)
    )
    panel = opened("positions")
    assert [p.instrument for p in panel.model.rows()] == [BTC.id] * 3 + ["ACME.SIM"]
    assert len(hedging.stores.held()) == 2
    assert [p.leg for p in hedging.stores.held_in("PAPER", BTC.id)] == ["long", "short"]


def test_files_have_the_leg(qtbot, opened, hedging):
    hold(hedging, 300, 100)
    panel = opened("positions")
    asked: list[tuple[str, list[Position], list[object]]] = []
    panel.export_requested.connect(lambda *what: asked.append(what))
    panel.export_everything()
    ((_, exported, columns),) = asked
    leg = next(c for c in columns if c.id == "leg")
    assert sorted(leg.value(p, BTC) for p in exported) == ["", "long", "short"]
