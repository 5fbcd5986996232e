"""The watchlist under a real mouse and real keys, and its model."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QEnterEvent
from PySide6.QtTest import QAbstractItemModelTester, QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QInputDialog, QLineEdit

from core.model.enums import MarketStatus
from core.model.ids import IdMaker
from core.model.instruments import Instrument
from core.model.session import Frame, Snapshot, Ticker
from tests.widgets.trading_world import BTC, SHARE, World
from widgets.theme import apply_theme
from widgets.watchlist.lists import ALL
from widgets.watchlist.panel import WatchlistPanel
from widgets.watchlist.quotes import AGE, ASK, BID, CHANGE, LAST, SYMBOL, Quote, ordered

LEFT = Qt.MouseButton.LeftButton
NONE = Qt.KeyboardModifier.NoModifier


@pytest.fixture
def world():
    return World()


@pytest.fixture
def panel(qtbot, qapp, world):
    apply_theme(qapp, "dark")
    made = WatchlistPanel(world.stores, IdMaker("W"), clock=world.clock)
    QAbstractItemModelTester(
        made.model, QAbstractItemModelTester.FailureReportingMode.Fatal, made.model
    )
    qtbot.addWidget(made)
    made.resize(700, 400)
    made.show()
    made.flush()
    made.words, made.chosen = [], []
    made.said.connect(made.words.append)
    made.instrument_chosen.connect(made.chosen.append)
    QApplication.processEvents()
    return made


def many(world, count=40):
    """A world with many instruments, priced 1, 2, 3 and so on."""
    stores = world.stores
    made = [
        Instrument(f"S{n:03d}.SIM", f"S{n:03d}", "SIM", Decimal("0.01"), Decimal(1), "USD")
        for n in range(count)
    ]
    stores.take_snapshot(
        Snapshot("engine", world.mode, 0, 1, tuple(made), (), (), (), (), (), (), (), (), ())
    )
    stores.connected = True
    for n, instrument in enumerate(made):
        quote(world, instrument.id, last=100 + n)
    return made


def quote(world, key, last, reference=100, **fields):
    now = world.clock.wall()
    ticker = Ticker(key, now, now, last - 1, 5, last + 1, 5, last, reference=reference, **fields)
    world.stores.take_frame(Frame(1, now, tickers=(ticker,)))


def text(panel, key, column):
    return panel.model.index(panel.model.row_of(key), column).data()


def keys(panel):
    return [panel.model.key_at(row) for row in range(panel.model.rowCount())]


def test_the_first_list_is_every_instrument(panel):
    assert keys(panel) == [BTC.id, SHARE.id]
    assert panel.wants() == {"quotes": {BTC.id, SHARE.id}}


def test_cells_say_price_change_and_age_with_a_sign(panel, world):
    quote(world, SHARE.id, last=110)
    panel.flush()
    assert text(panel, SHARE.id, LAST) == "1.10"
    assert text(panel, SHARE.id, CHANGE) == "▲ +10.00 %"
    assert text(panel, SHARE.id, BID) == "1.09"
    assert text(panel, SHARE.id, ASK) == "1.11"
    assert text(panel, SHARE.id, AGE) == "now"
    world.clock.forward(3)
    panel.flush()
    assert text(panel, SHARE.id, AGE) == "3 s"
    quote(world, SHARE.id, last=110, status=MarketStatus.HALTED)
    world.clock.forward(0.1)
    panel.flush()
    assert text(panel, SHARE.id, AGE) == "HALTED"


def test_an_unknown_price_is_a_dash(panel):
    assert text(panel, SHARE.id, LAST) == "—"
    assert text(panel, SHARE.id, CHANGE) == "—"


def test_a_changed_cell_flashes_and_stops_by_itself(panel, world):
    quote(world, SHARE.id, last=110)
    panel.flush()
    world.clock.forward(1)
    quote(world, SHARE.id, last=105)
    panel.flush()
    found = panel.model.quote_at(panel.model.row_of(SHARE.id))
    assert found.flashes[LAST][1] == -1
    world.clock.forward(0.31)
    panel.flush()
    assert found.flashes == {}
    panel.flash_action.setChecked(False)
    world.clock.forward(0.1)
    quote(world, SHARE.id, last=106)
    panel.flush()
    assert found.flashes == {}


def test_one_signal_for_many_changes_and_only_for_rows_in_view(panel, world):
    made = many(world, 300)
    panel.flush()
    QApplication.processEvents()
    told = []
    panel.model.dataChanged.connect(lambda a, b, roles: told.append((a.row(), b.row())))
    for n, instrument in enumerate(made):
        quote(world, instrument.id, last=500 + n)
    world.clock.forward(0.1)
    panel.flush()
    first, last = panel.table.visible_rows()
    assert told == [(first, last)]
    assert last < 60
    unseen = panel.model.quote_at(250)
    assert not unseen.made
    assert text(panel, unseen.instrument.id, LAST) == "7.50"


def test_sorting_is_by_value_and_waits_for_the_pointer(panel, world, qtbot):
    many(world, 12)
    panel.flush()
    header = panel.table.horizontalHeader()
    spot = QPoint(header.sectionViewportPosition(LAST) + 20, header.height() // 2)
    for _ in range(2):
        QTest.mouseClick(header.viewport(), LEFT, NONE, spot)
    assert keys(panel)[0] == "S011.SIM"
    port = panel.table.viewport()
    at = QPointF(30, 30)
    QApplication.sendEvent(port, QEnterEvent(at, at, QPointF(port.mapToGlobal(at.toPoint()))))
    port.setAttribute(Qt.WidgetAttribute.WA_UnderMouse, True)
    quote(world, "S000.SIM", last=9_000)
    world.clock.forward(0.1)
    panel.flush()
    qtbot.waitUntil(panel.badge.isVisible, timeout=3_000)
    assert keys(panel)[0] == "S011.SIM"
    QTest.mouseClick(panel.badge, LEFT)
    assert keys(panel)[0] == "S000.SIM"
    port.setAttribute(Qt.WidgetAttribute.WA_UnderMouse, False)
    quote(world, "S001.SIM", last=9_900)
    panel.flush()
    qtbot.waitUntil(lambda: keys(panel)[0] == "S001.SIM", timeout=3_000)


def test_click_and_enter_choose(panel):
    row = panel.table.visualRect(panel.model.index(1, SYMBOL)).center()
    QTest.mouseClick(panel.table.viewport(), LEFT, NONE, row)
    assert panel.chosen == [SHARE.id]
    QTest.keyClick(panel.table, Qt.Key.Key_Up)
    QTest.keyClick(panel.table, Qt.Key.Key_Return)
    assert panel.chosen == [SHARE.id, BTC.id]


def test_typing_on_the_list_adds_the_best_match_to_a_list_of_ones_own(panel):
    QTest.mouseClick(panel.add_list, LEFT)
    assert keys(panel) == []
    panel.table.setFocus()
    QTest.keyClick(panel.table, Qt.Key.Key_A)
    assert panel.entry.text() == "a"
    QTest.keyClicks(panel.entry, "cm")
    QTest.keyClick(panel.entry, Qt.Key.Key_Return)
    assert keys(panel) == [SHARE.id]
    assert panel.entry.text() == ""
    QTest.keyClicks(panel.entry, "zzz")
    QTest.keyClick(panel.entry, Qt.Key.Key_Return)
    assert "“zzz”" in panel.words[-1]
    QTest.keyClick(panel.entry, Qt.Key.Key_Escape)
    panel.entry.completer().popup().hide()


def test_lists_are_made_named_and_deleted_and_nothing_waits_for_a_name(panel, qtbot):
    entries = {a.text(): a for a in panel.menu_button.menu().actions()}
    for name in ("R&ename list…", "&Delete list"):
        entries[name].trigger()
        assert f"“{ALL}”" in panel.words[-1]
    QTest.mouseClick(panel.add_list, LEFT)
    entries["&New list"].trigger()
    assert [panel.tabs.tabText(n) for n in range(3)] == [ALL, "List", "List 2"]
    panel.tabs.setCurrentIndex(1)
    panel.add_text("acme")
    entries["R&ename list…"].trigger()
    dialog = panel.findChild(QInputDialog)
    assert dialog.isVisible()
    assert not dialog.isModal()
    panel.tabs.setCurrentIndex(2)
    dialog.setTextValue("Stocks & more")
    dialog.accept()
    assert panel.lists.names == [ALL, "Stocks & more", "List 2"]
    assert panel.tabs.tabText(1) == "Stocks && more"
    assert keys(panel) == []
    entries["&Delete list"].trigger()
    assert keys(panel) == [SHARE.id]
    # a list that is gone when its name comes
    entries["R&ename list…"].trigger()
    dialog = next(d for d in panel.findChildren(QInputDialog) if d.isVisible())
    entries["&Delete list"].trigger()
    dialog.setTextValue("Too late")
    dialog.accept()
    assert panel.lists.names == [ALL]
    assert len(keys(panel)) == 2


def test_del_removes_from_ones_own_list_but_never_from_all(panel):
    panel.table.selectRow(0)
    QTest.keyClick(panel.table, Qt.Key.Key_Delete)
    assert len(keys(panel)) == 2
    assert "every instrument" in panel.words[-1]
    panel.add_text("acme btc-usd")
    assert panel.tabs.count() == 2
    assert keys(panel) == [SHARE.id, BTC.id]
    panel.table.selectRow(0)
    QTest.keyClick(panel.table, Qt.Key.Key_Delete)
    assert keys(panel) == [BTC.id]
    assert panel.wants() == {"quotes": {BTC.id}}


def test_paste_adds_and_says_what_was_not_known(panel):
    QApplication.clipboard().setText("ACME\nWRONG\n")
    QTest.keyClick(panel.table, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    assert keys(panel) == [SHARE.id]
    assert panel.words == ["1 added. Line 2: “WRONG” names no known symbol."]


def test_files_are_read_or_refused_with_a_sentence(panel, tmp_path):
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text("Symbol,Note\nBTC-USD.SIM,x\n", encoding="utf-8-sig")
    bad.write_bytes(b"\xff\xfe\x00A")
    panel.read_file(str(good))
    assert keys(panel) == [BTC.id]
    panel.read_file(str(bad))
    assert "not UTF-8" in panel.words[-1]
    panel.read_file(str(tmp_path / "none.csv"))
    assert "could not be read" in panel.words[-1]


def test_rows_are_moved_by_keys_and_by_dragging(panel, world):
    many(world, 5)
    panel.flush()
    panel.table.selectRow(0)
    QTest.keyClick(panel.table, Qt.Key.Key_Down, Qt.KeyboardModifier.AltModifier)
    assert keys(panel)[:2] == ["S001.SIM", "S000.SIM"]
    data = panel.model.mimeData([panel.model.index(4, 0)])
    root = panel.model.index(-1, -1)
    assert panel.model.dropMimeData(data, Qt.DropAction.MoveAction, 0, 0, root)
    assert keys(panel)[0] == "S004.SIM"
    assert panel.save_state()["lists"][0]["ids"][0] == "S004.SIM"


def test_state_comes_back(panel, qtbot, world):
    panel.add_text("acme")
    panel.table.setColumnHidden(BID, True)
    panel.model.sort_by(LAST, True)
    panel.flash_action.setChecked(False)
    state = panel.save_state()
    other = WatchlistPanel(world.stores, IdMaker("W"), clock=world.clock)
    qtbot.addWidget(other)
    other.restore_state(state)
    other.flush()
    assert keys(other) == [SHARE.id]
    assert other.table.isColumnHidden(BID)
    assert other.model.sort == (LAST, True)
    assert not other.model.flash
    assert other.save_state() == state


@pytest.mark.parametrize(
    "state",
    [{}, {"hidden": 3, "order": [1], "widths": [], "sort": ["x", 1]}, {"sort": "last", "lists": 1}],
)
def test_damaged_state_is_survived(panel, state):
    panel.restore_state(state)
    panel.flush()
    assert len(keys(panel)) == 2


def test_another_engine_with_other_instruments(panel, world):
    many(world, 3)
    panel.flush()
    assert keys(panel) == ["S000.SIM", "S001.SIM", "S002.SIM"]


def test_every_control_has_a_name(panel):
    for kind in (QAbstractButton, QLineEdit):
        found = [w for w in panel.findChildren(kind) if w.objectName() != "qt_tableview_corner"]
        named = [w for w in found if w.accessibleName() or w.text() or w.parent() is not panel]
        assert found == named


@given(
    prices=st.lists(st.integers(0, 50), max_size=25),
    descending=st.booleans(),
)
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_sorting_is_stable_and_unknown_comes_last(prices, descending):
    quotes = []
    for n, price in enumerate(prices):
        made = Quote(Instrument(f"{n}", f"{n}", "X", Decimal(1), Decimal(1), "USD"), 1)
        if n % 4:
            made.take(Ticker(f"{n}", 0, 0, last=price), 0, False, 0)
        quotes.append(made)
    result = ordered(quotes, LAST, descending)
    values = [q.ticker.last if q.ticker is not None and q.ticker.last else None for q in result]
    known = [v for v in values if v is not None]
    assert values[len(known) :] == [None] * (len(values) - len(known))
    assert known == sorted(known, reverse=descending)
    for one, other in pairwise(result):
        same = values[result.index(one)] == values[result.index(other)]
        if same:
            assert quotes.index(one) < quotes.index(other)


def test_prices_of_a_dead_engine_are_dim(panel, world):
    quote(world, SHARE.id, last=110)
    quote(world, SHARE.id, last=111)
    panel.flush()
    cells, row, now = panel.table.cells, panel.model.row_of(SHARE.id), world.clock.monotonic()
    columns = (LAST, CHANGE, BID, ASK)
    assert cells._dim not in [cells._color(c, row, now) for c in columns]
    before = panel.table.grab().toImage()
    world.stores.connected = False
    panel.flush()
    assert {cells._color(c, row, now).name() for c in columns} == {cells._dim.name()}
    QApplication.processEvents()
    assert panel.table.grab().toImage() != before


def test_columns_follow_the_size_of_the_font(panel, qapp):
    header = panel.table.horizontalHeader()
    header.resizeSection(LAST, 150)
    before = [header.sectionSize(n) for n in range(header.count())]
    font = panel.font()
    font.setPointSizeF(font.pointSizeF() * 2)
    panel.setFont(font)
    after = [header.sectionSize(n) for n in range(header.count())]
    assert all(1.6 < b / a < 2.4 for a, b in zip(before, after, strict=True)), (before, after)


@pytest.mark.parametrize("width", [190, 210, 240])
def test_in_a_narrow_panel_the_last_price_is_whole(panel, width):
    panel.resize(width, 400)
    QApplication.processEvents()
    table = panel.table
    right = table.columnViewportPosition(LAST) + table.columnWidth(LAST)
    assert right <= table.viewport().width()
    assert table.columnWidth(SYMBOL) >= table.fontMetrics().horizontalAdvance("000000")
    assert BTC.id in panel.model.index(0, SYMBOL).data(Qt.ItemDataRole.ToolTipRole)


def test_a_narrow_panel_does_not_change_what_is_saved(panel):
    wide = panel.save_state()["widths"]
    panel.resize(190, 400)
    QApplication.processEvents()
    assert panel.table.columnWidth(SYMBOL) < wide["symbol"]
    assert panel.save_state()["widths"] == wide
    panel.resize(700, 400)
    QApplication.processEvents()
    assert panel.table.columnWidth(SYMBOL) == wide["symbol"]
