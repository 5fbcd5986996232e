"""The tables as a person uses them."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMenu

from core.model.commands import CancelOrder, Flatten, NewOrder, ReplaceOrder
from core.model.enums import OrdStatus, OrdType, Side, TimeInForce
from core.model.orders import Position
from core.model.session import EngineView, Frame
from core.reporting.csv_file import as_text
from tests.widgets.blotter.conftest import column
from tests.widgets.trading_world import ASK, BID, BTC, SHARE
from widgets.blotter.cells import DAY, since_text
from widgets.blotter.change import ChangeOrder
from widgets.blotter.panel import SETTLE_SECONDS
from widgets.theme import DARK, apply_theme

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def asked(opened):
    """A table and the list of what it asks for."""

    def open_panel(kind: str):
        panel = opened(kind)
        commands: list[object] = []
        panel.requested.connect(commands.append)
        return panel, commands

    return open_panel


def test_typing_filters_and_says_how_many(qtbot, opened, world):
    for n in range(340):
        world.fill(n, strategy="quoter" if n % 100 < 4 else "")
    panel = opened("fills")
    assert panel.count.text() == "340"
    panel.view.setFocus()
    QTest.keyClicks(panel.view, "quot")
    assert panel.query.text() == "quot"
    assert panel.count.text() == "16 of 340"
    QTest.keyClicks(panel.query, " buy")
    assert panel.count.text() == "8 of 340"
    QTest.keyClick(panel.query, Qt.Key.Key_Escape)
    assert panel.count.text() == "340"
    assert panel.model.rowCount() == 340


def test_a_hidden_column_is_not_searched(qtbot, opened, world):
    world.fill(7)
    panel = opened("fills")
    QTest.keyClicks(panel.query, "E7")
    assert panel.count.text() == "0 of 1"
    number = [c.id for c in panel.model.columns].index("exec_id")
    panel.view.setColumnHidden(number, False)
    panel._filter()
    assert panel.count.text() == "1 of 1"


def chip(panel, name: str, text: str) -> None:
    """Choose a value in the filter's menu as the mouse does."""
    panel.chips.menu.aboutToShow.emit()
    sub = next(m for m in panel.chips.menu.findChildren(QMenu) if m.objectName() == name)
    sub.aboutToShow.emit()
    next(a for a in sub.actions() if a.text() == text).trigger()


def test_chips_narrow_and_are_taken_off(qtbot, opened, world):
    for n in range(10):
        world.fill(n)
    panel = opened("fills")
    chip(panel, "side", "BUY")
    assert panel.count.text() == "5 of 10"
    chip(panel, "instrument", BTC.id)
    chips = [panel.chips.row.itemAt(n).widget() for n in range(panel.chips.row.count())]
    qtbot.waitUntil(lambda: all(b.isVisible() for b in chips))
    assert [b.text() for b in chips] == ["BUY ✕", f"{BTC.id} ✕"]
    assert all(b.accessibleName() for b in chips)
    QTest.mouseClick(chips[0], LEFT)
    assert panel.count.text() == "10 of 10"


def test_a_time_filter_leaves_out_what_was_before(qtbot, opened, world):
    for n in range(10):
        world.fill(n, ts=1_750_000_000_000_000_000 + n * 1_000_000_000)
    panel = opened("fills")
    panel.restore_state({"chips": {"ts": since_text(1_750_000_006_000_000_000)}})
    assert panel.count.text() == "4 of 10"
    panel.chips.chosen.clear()
    chip(panel, "ts", "Last hour")
    assert panel.count.text() == "0 of 10"


def test_new_rows_pass_the_filter_or_stay_away(qtbot, opened, world):
    panel = opened("fills")
    panel.query.setText("buy")
    for n in range(9):
        world.fill(n)
    panel.flush()
    assert panel.count.text() == "4 of 9"
    assert set(column(panel, "side")) == {"BUY"}


def test_header_sorts_by_value_and_keeps_the_sort_before(qtbot, opened, world):
    for n, (ticks, qty) in enumerate([(9, 3), (100_000, 2), (9, 20), (100_000, 1)]):
        world.fill(n, price=ticks, qty=qty)
    panel = opened("fills")
    header = panel.view.horizontalHeader()
    panel.resize(1_600, 400)

    def press(name: str) -> None:
        number = [c.id for c in panel.model.columns].index(name)
        x = header.sectionViewportPosition(number) + 10
        QTest.mouseClick(header.viewport(), LEFT, pos=QPoint(x, header.height() // 2))

    press("qty")
    assert column(panel, "qty") == ["0.01", "0.02", "0.03", "0.20"]
    press("price")
    assert column(panel, "qty") == ["0.03", "0.20", "0.01", "0.02"]
    press("price")
    assert column(panel, "price") == ["50,000.0", "50,000.0", "4.5", "4.5"]
    assert column(panel, "qty") == ["0.01", "0.02", "0.03", "0.20"]


def test_working_orders_stay_on_top_and_dead_ones_are_dim(qtbot, qapp, opened, world):
    apply_theme(qapp, "dark")
    world.order("old", Side.BUY, BID, created=1)
    world.order("dead", Side.BUY, BID, created=2, status=OrdStatus.FILLED)
    world.order("new", Side.SELL, ASK, created=3)
    world.order("no", Side.SELL, ASK, created=4, status=OrdStatus.REJECTED, text="Too large.")
    panel = opened("orders")
    assert [o.cl_ord_id for o in panel.model.rows()] == ["new", "old", "no", "dead"]
    assert column(panel, "text")[2] == "Too large."
    names = [c.id for c in panel.model.columns]
    colour = Qt.ItemDataRole.ForegroundRole
    assert panel.model.index(3, 0).data(colour) == DARK.dim
    assert panel.model.index(2, names.index("text")).data(colour) == DARK.danger


def test_rows_never_move_under_the_pointer(qtbot, opened, world):
    for n in range(5):
        world.order(f"O{n}", Side.BUY, BID - n, created=1_000 + n)
    panel = opened("orders")
    viewport = panel.view.viewport()
    QTest.mouseMove(viewport, QPoint(40, 40))
    qtbot.waitUntil(viewport.underMouse)
    before = [o.cl_ord_id for o in panel.model.rows()]
    world.order("O9", Side.BUY, BID, created=9_000)
    world.order("O4", Side.BUY, BID - 4, created=1_004, status=OrdStatus.CANCELED)
    panel._settled = -SETTLE_SECONDS
    panel.flush()
    assert [o.cl_ord_id for o in panel.model.rows()] == [*before, "O9"]
    assert column(panel, "status")[0] == "canceled"
    assert panel.waiting.text() == "1 new below · resort waits"
    assert panel.waiting.isVisible()
    QTest.mouseMove(panel.count)
    qtbot.waitUntil(lambda: not viewport.underMouse())
    panel.flush()
    assert [o.cl_ord_id for o in panel.model.rows()] == ["O9", "O3", "O2", "O1", "O0", "O4"]
    assert not panel.waiting.isVisible()


def test_columns_hide_move_and_come_back(qtbot, opened, world):
    panel = opened("orders")
    header = panel.view.horizontalHeader()
    names = [c.id for c in panel.model.columns]
    changes: list[None] = []
    panel.state_changed.connect(lambda: changes.append(None))
    panel.view._on_header_menu(QPoint(10, 5))
    menu = next(m for m in panel.findChildren(QMenu) if m.isVisible())
    next(a for a in menu.actions() if a.text() == "TIF").trigger()
    menu.close()
    assert panel.view.isColumnHidden(names.index("tif"))
    header.moveSection(header.visualIndex(names.index("price")), 0)
    header.resizeSection(names.index("side"), 123)
    panel.model.sort_by("price", descending=True)
    panel.query.setText("btc")
    assert changes
    state = panel.save_state()
    other = opened("orders")
    other.restore_state({**state, "order": [*state["order"], "no such"], "future": 1})
    assert other.save_state() == state
    assert other.view.horizontalHeader().logicalIndex(0) == names.index("price")
    assert other.query.text() == "btc"


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"sort": [["no such", True]], "hidden": [], "widths": {"nothing": 3}},
        {"chips": {"no such": "x"}, "order": []},
    ],
)
def test_states_of_other_versions_do_no_harm(qtbot, opened, world, state):
    world.fill(1)
    panel = opened("fills")
    panel.restore_state(state)
    assert panel.model.rowCount() == 1


def test_cancel_and_change_from_the_row(qtbot, asked, world):
    for n in range(3):
        world.order(f"O{n}", Side.BUY, BID - n, created=1_000 + n)
    world.order("dead", Side.BUY, BID, created=1, status=OrdStatus.FILLED)
    panel, commands = asked("orders")
    panel.view.setFocus()
    panel.view.selectAll()
    QTest.keyClick(panel.view, Qt.Key.Key_Delete)
    assert [c.order for c in commands] == ["O2", "O1", "O0"]
    assert all(isinstance(c, CancelOrder) for c in commands)
    commands.clear()
    panel.view.selectRow(0)
    QTest.keyClick(panel.view, Qt.Key.Key_F2)
    form = panel.findChild(ChangeOrder)
    assert not form.ok.isEnabled()
    form.price.clear()
    QTest.keyClicks(form.price, "64,000.25")
    assert "not a multiple" in form.note.text()
    assert not form.ok.isEnabled()
    form.price.setText("64000.5")
    form.quantity.setText("0.75")
    assert form.ok.isEnabled()
    QTest.mouseClick(form.ok, LEFT)
    (command,) = commands
    assert isinstance(command, ReplaceOrder)
    assert (command.order, command.qty, command.price) == ("O2", 75, 128_001)


def test_a_change_is_not_below_what_is_filled(qtbot, asked, world):
    world.order("O1", Side.BUY, BID, cum_qty=30, status=OrdStatus.PARTIALLY_FILLED)
    panel, commands = asked("orders")
    panel.view.selectRow(0)
    panel.change()
    form = panel.findChild(ChangeOrder)
    form.quantity.setText("0.3")
    assert "0.30" in form.note.text()
    assert not form.ok.isEnabled()
    form.reject()
    assert commands == []


def test_copy_takes_what_is_shown(qtbot, opened, world):
    world.fill(1, price=200_000, qty=5)
    panel = opened("fills")
    panel.view.selectRow(0)
    panel.view.setFocus()
    QTest.keyClick(panel.view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    titles, cells = QGuiApplication.clipboard().text().split("\n")
    assert titles.split("\t")[:2] == ["Time", "Account"]
    assert "100,000.0" in cells.split("\t")


def test_double_click_chooses_the_instrument(qtbot, opened, world):
    world.fill(1, SHARE)
    panel = opened("fills")
    chosen: list[str] = []
    panel.instrument_chosen.connect(chosen.append)
    at = panel.view.visualRect(panel.model.index(0, 0)).center()
    QTest.mouseClick(panel.view.viewport(), LEFT, pos=at)
    QTest.mouseDClick(panel.view.viewport(), LEFT, pos=at)
    assert chosen == [SHARE.id]


def test_profit_lives_with_the_market(qtbot, asked, world):
    world.hold(200, BID)
    panel, commands = asked("positions")
    assert column(panel, "open_profit") == ["0.00"]
    world.quote(BID + 10, ASK + 10)
    panel.flush()
    # 2 BTC, ten ticks of 0.5 up
    assert column(panel, "open_profit") == ["+10.00"]
    assert column(panel, "mark") == ["64,215.5"]
    assert panel.wants() == {"quotes": {BTC.id}}
    panel.view.selectRow(0)
    panel.view.setFocus()
    QTest.keyClick(panel.view, Qt.Key.Key_Delete)
    QTest.keyClick(panel.view, Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier)
    closing, reversing = commands
    assert isinstance(closing, Flatten)
    assert (closing.account, closing.instrument) == ("PAPER", BTC.id)
    assert isinstance(reversing, NewOrder)
    assert (reversing.side, reversing.qty, reversing.ord_type) == (Side.SELL, 400, OrdType.MARKET)
    assert reversing.tif is TimeInForce.IOC
    assert "SELL 4.00 BTC-USD" in panel.reverse_action.toolTip()


def test_an_unknown_price_is_a_dash_never_zero(qtbot, opened, world):
    world.stores.tickers.clear()
    world.hold(200, BID)
    panel = opened("positions")
    assert column(panel, "open_profit") == ["—"]
    assert column(panel, "profit") == ["—"]


def test_strategy_parts_and_flat_rows_stand_below(qtbot, opened, world):
    for strategy, lots in (("quoter", 5), ("", 0), ("cross", 0)):
        world.stores.take_event(
            Position(1, 1, "PAPER", BTC.id, lots, lots * BID, 0, Decimal(0), strategy)
        )
    world.stores.take_event(Position(1, 1, "PAPER", SHARE.id, 3, 3_000, 0, Decimal(0)))
    panel = opened("positions")
    rows = [(p.instrument, p.strategy) for p in panel.model.rows()]
    assert rows == [(SHARE.id, ""), (BTC.id, ""), (BTC.id, "quoter"), (BTC.id, "cross")]


def test_exports_take_rows_and_columns_as_shown(qtbot, opened, world):
    for n in range(6):
        world.fill(n, price=100 + n)
    panel = opened("fills")
    asked: list[tuple] = []
    panel.export_requested.connect(lambda *a: asked.append(a))
    header = panel.view.horizontalHeader()
    names = [c.id for c in panel.model.columns]
    header.moveSection(header.visualIndex(names.index("price")), 0)
    panel.model.sort_by("price", descending=False)
    panel.query.setText("buy")
    shown, selected, everything = panel.export.menu().actions()
    shown.trigger()
    panel.view.selectRow(1)
    selected.trigger()
    everything.trigger()
    kinds, rows, columns = zip(*asked, strict=True)
    assert set(kinds) == {"fills"}
    assert [f.price for f in rows[0]] == [101, 103, 105]
    assert [f.price for f in rows[1]] == [103]
    assert len(rows[2]) == 6
    visible = [c.id for c in columns[0]]
    assert visible[0] == "price"
    assert "exec_id" not in visible
    every = [c.id for c in columns[2]]
    assert every == names


def test_exported_profit_is_that_of_the_moment_of_asking(qtbot, opened, world):
    world.hold(200, BID)
    world.quote(BID + 10, ASK + 10)
    panel = opened("positions")
    asked: list[tuple] = []
    panel.export_requested.connect(lambda *a: asked.append(a))
    panel.export_shown()
    world.quote(BID - 10, ASK - 10)
    _, rows, columns = asked[0]
    header, line = as_text(columns, rows, {BTC.id: BTC}).splitlines()
    cells = dict(zip(header.split(","), line.split(","), strict=True))
    assert Decimal(cells["open_profit"]) == 10
    assert Decimal(cells["mark"]) == Decimal("64215.5")


def test_orders_stand_in_the_order_they_are_read_and_fit_the_usual_width(qtbot, opened, world):
    world.order("O1", Side.BUY, BID, created=time.time_ns())
    panel = opened("orders")
    panel.resize(580, 300)
    names = [panel.model.columns[n].id for n in panel.view.visible_columns()]
    assert names[:10] == [
        *("created", "instrument", "side", "qty", "price"),
        *("status", "stop_price", "cum_qty", "avg_price", "text"),
    ]
    header = panel.view.horizontalHeader()
    ids = [c.id for c in panel.model.columns]
    for name in names[:6]:
        number = ids.index(name)
        end = header.sectionViewportPosition(number) + header.sectionSize(number)
        assert end <= panel.view.viewport().width(), name
        text = panel.model.index(0, number).data()
        assert panel.fontMetrics().horizontalAdvance(text) + 8 <= header.sectionSize(number), name


def test_the_day_of_a_replay_is_that_of_its_recording(qtbot, opened, world):
    now = world.clock.wall()
    world.order("O1", Side.BUY, BID, created=now)
    world.order("O2", Side.BUY, BID, created=now - 2 * DAY)
    panel = opened("orders")
    when = datetime.fromtimestamp(now // 1_000_000_000, UTC)
    assert column(panel, "created")[0] == f"{when:%H:%M:%S %Y-%m-%d}", "the time is never cut off"
    world.stores.take_frame(Frame(9, now, engine=EngineView(now, replay_ts=now)))
    assert column(panel, "created")[0] == f"{when:%H:%M:%S}"
    assert column(panel, "created")[1].startswith(f"{when:%H:%M:%S} 20")


def test_fees_have_four_decimals_and_all_of_them_in_the_tool_tip(qtbot, opened, world):
    world.fill(1, fee=Decimal("0.0598349171"))
    panel = opened("fills")
    assert column(panel, "fee") == ["0.0598"]
    number = [c.id for c in panel.model.columns].index("fee")
    tip = panel.model.index(0, number).data(Qt.ItemDataRole.ToolTipRole)
    assert tip == "0.0598349171"


def test_the_form_to_change_an_order_has_a_line_around_it(qtbot, qapp, asked, world):
    apply_theme(qapp, "dark")
    world.order("O1", Side.BUY, BID)
    panel, _ = asked("orders")
    panel.view.selectRow(0)
    panel.change()
    form = panel.findChild(ChangeOrder)
    picture = form.grab().toImage()
    for x, y in ((0, 0), (picture.width() - 1, picture.height() - 1), (5, 0), (0, 5)):
        assert picture.pixelColor(x, y) == DARK.line


def test_orders_of_one_moment_keep_their_places_over_a_restart(opened, world):
    """However their first words came, and in whatever order the engine tells them anew."""
    born = world.clock.wall()
    names = [f"P-0SESSION-{n}" for n in (8, 9, 10, 11)]
    panel = opened("orders")
    key = [c.id for c in panel.model.columns].index("cl_ord_id")

    def shown() -> list[str]:
        panel.flush()
        rows = range(panel.model.rowCount())
        return [panel.model.index(row, key).data() for row in rows]

    for told in (names, names[::-1], [*names[2:], *names[:2]]):
        world.stores.orders.clear()
        for name in told:
            world.order(name, Side.BUY, BID, created=born)
        assert shown() == names[::-1]
