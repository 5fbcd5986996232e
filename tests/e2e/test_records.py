"""What was traded is on record: an order's story and its day, also after everything ended."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication

from app import cli
from core.model.commands import NewOrder
from core.model.enums import OrdStatus, OrdType, Side, TimeInForce
from core.model.ids import IdMaker
from core.reporting.csv_file import read_rows
from core.storage.reading import DAY
from tests.e2e.rig import LEFT, NO_KEYS, Trader, trade


@pytest.mark.timeout(120)
def test_a_day_and_an_order_s_story_outlive_the_program(qapp: QApplication, tmp_path: Path) -> None:
    name = IdMaker("E").next()
    told: list[str] = []
    day = time.time_ns() - time.time_ns() % DAY

    async def buys(t: Trader) -> None:
        window = t.window
        await t.engine()
        await t.until(lambda: t.stores.tickers.get(window.instrument) is not None, "a price")
        order = NewOrder(
            name,
            window.account,
            window.instrument,
            Side.BUY,
            OrdType.MARKET,
            1,
            tif=TimeInForce.IOC,
            trader="anna",
            ts=time.time_ns(),
        )
        window.desk.send(order)
        await t.until(
            lambda: (o := t.stores.orders.get(name)) is not None and o.status is OrdStatus.FILLED,
            "the fill",
        )
        orders = t.panel("orders")
        await t.until(lambda: orders.model.find(name) >= 0, "the order's row")
        double_click(orders, orders.model.find(name))
        await t.until(lambda: window.panel("story") is not None, "the story's panel")
        story = window.panel("story")
        await t.until(lambda: story.model.rowCount() >= 3, "its steps")
        told.extend(texts(story))
        assert story.model.index(0, 9).data() == "user anna"
        await t.until(lambda: 0 <= t.stores.engine.records_behind < 1_000, "the records")

    async def looks_back(t: Trader) -> None:
        window = t.window
        await t.engine()
        story = window.panel("story")  # the workspace kept it
        await t.until(lambda: texts(story) == told, "the same story out of the records")
        fills = t.panel("fills")
        fills.show_day(day)
        await t.until(lambda: fills.day == day, "the day out of the records")
        assert [f.cl_ord_id for f in fills.model.rows()] == [name]
        fills.show_day(None)
        await t.until(lambda: fills.model.rowCount() == 1, "today")

    trade(qapp, tmp_path, buys)
    trade(qapp, tmp_path, looks_back)
    output = tmp_path / "cash.csv"
    words = ["export", "cash", "--data-dir", str(tmp_path), "--output", str(output)]
    assert cli.main(words) == 0
    moves = list(read_rows(output))
    assert "opening" in {move["kind"] for move in moves}
    assert [move["cl_ord_id"] for move in moves if move["kind"] == "trade"] == [name]


def texts(story) -> list[str]:
    return [
        " ".join(story.model.index(r, c).data() for c in range(story.model.columnCount()))
        for r in range(story.model.rowCount())
    ]


def double_click(panel, row: int) -> None:
    """As a mouse does it on the first visible cell of a row."""
    view = panel.view
    header = view.horizontalHeader()
    column = header.logicalIndex(
        next(n for n in range(header.count()) if not view.isColumnHidden(header.logicalIndex(n)))
    )
    at = QPointF(view.visualRect(panel.model.index(row, column)).center())
    where = QPointF(view.viewport().mapToGlobal(at))
    for kind in (
        QEvent.Type.MouseButtonPress,
        QEvent.Type.MouseButtonRelease,
        QEvent.Type.MouseButtonDblClick,
        QEvent.Type.MouseButtonRelease,
    ):
        held = LEFT if kind is not QEvent.Type.MouseButtonRelease else Qt.MouseButton.NoButton
        event = QMouseEvent(kind, at, where, LEFT, held, NO_KEYS)
        QApplication.sendEvent(view.viewport(), event)
