from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QAbstractItemModelTester, QTest

from core.client.stores import NOTICE_LIMIT, Stores
from core.model.enums import Severity
from core.model.events import Notice
from core.model.ids import IdMaker
from widgets.log import panel as module
from widgets.log.panel import LogPanel
from widgets.theme import DARK, apply_theme

SECOND = 1_000_000_000
START = 1_750_000_000 * SECOND


@pytest.fixture
def stores() -> Stores:
    return Stores()


@pytest.fixture
def panel(qtbot, qapp, stores):
    apply_theme(qapp, "dark")
    made = LogPanel(stores, IdMaker("T"))
    qtbot.addWidget(made)
    mode = QAbstractItemModelTester.FailureReportingMode.Warning
    made.tester = QAbstractItemModelTester(made.view.model(), mode, made)
    made.resize(640, 300)
    made.show()
    made.activateWindow()
    qtbot.waitUntil(made.isActiveWindow)
    return made


def say(stores: Stores, text: str, severity: Severity = Severity.INFO, n: int = 0) -> None:
    stores.add_notice(Notice(START + n * SECOND, severity, "engine", text))


def texts(panel) -> list[str]:
    model = panel.view.model()
    return [model.index(row, 3).data() for row in range(model.rowCount())]


def test_newest_first_and_each_once(panel, stores):
    for n in range(3):
        say(stores, f"line {n}", n=n)
        panel.flush()
        panel.flush()
    assert texts(panel) == ["line 2", "line 1", "line 0"]
    row = [panel.view.model().index(0, c).data() for c in range(4)]
    assert row == ["15:06:42.000", "info", "engine", "line 2"]


def test_only_as_loud_as_chosen(panel, stores):
    for severity in Severity:
        say(stores, severity.name, severity)
    panel.flush()
    changes: list[None] = []
    panel.state_changed.connect(lambda: changes.append(None))
    panel.level.setFocus()
    QTest.keyClick(panel.level, Qt.Key.Key_Down)
    assert texts(panel) == ["CRITICAL", "ERROR", "WARNING"]
    assert changes
    say(stores, "quiet")
    say(stores, "loud", Severity.ERROR)
    panel.flush()
    assert texts(panel)[0] == "loud"
    assert "quiet" not in texts(panel)
    panel.level.setCurrentIndex(0)
    assert texts(panel)[:2] == ["loud", "quiet"]


def test_the_choice_is_kept(qtbot, panel, stores):
    panel.level.setCurrentIndex(2)
    other = LogPanel(stores, IdMaker("T"))
    qtbot.addWidget(other)
    other.restore_state(panel.save_state())
    assert other.level.currentIndex() == 2
    other.restore_state({"level": 77})
    other.restore_state({"level": "loud"})
    other.restore_state({})
    assert other.level.currentIndex() == 0


def test_it_never_grows_without_end(panel, stores, monkeypatch):
    monkeypatch.setattr(module, "MOST_ROWS", 50)
    for n in range(200):
        say(stores, f"{n}", n=n)
        if n % 7 == 0:
            panel.flush()
    panel.flush()
    assert texts(panel) == [f"{n}" for n in range(199, 149, -1)]


def test_more_than_the_store_kept_between_two_looks_loses_no_new_line(panel, stores):
    for n in range(2 * NOTICE_LIMIT + 10):
        say(stores, f"{n}", n=n)
    panel.flush()
    assert texts(panel)[0] == f"{2 * NOTICE_LIMIT + 9}"
    assert len(texts(panel)) == len(stores.notices)


def test_loudness_has_a_colour_and_a_word(panel, stores):
    for severity in (Severity.INFO, Severity.WARNING, Severity.ERROR):
        say(stores, "x", severity)
    panel.flush()
    model, role = panel.view.model(), Qt.ItemDataRole.ForegroundRole
    assert [model.index(r, 1).data() for r in range(3)] == ["error", "warning", "info"]
    assert [model.index(r, 0).data(role) for r in range(3)] == [
        DARK.danger,
        DARK.warning,
        DARK.text,
    ]


def test_lines_are_copied(panel, stores):
    for n in range(3):
        say(stores, f"line {n}", n=n)
    panel.flush()
    panel.view.setFocus()
    panel.view.selectRow(0)
    QTest.keyClick(panel.view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == "15:06:42.000\tinfo\tengine\tline 2"


@pytest.mark.parametrize("width", [160, 220, 260])
def test_in_a_narrow_panel_the_text_comes_first_and_the_rest_is_told(panel, stores, width):
    say(stores, "all is well")
    say(stores, "careful", Severity.WARNING)
    say(stores, "broken", Severity.ERROR)
    panel.flush()
    panel.resize(width, 300)
    model, view = panel.view.model(), panel.view
    assert texts(panel) == ["✖ broken", "⚠ careful", "all is well"]
    assert [view.isColumnHidden(n) for n in range(4)] == [False, True, True, False]
    assert model.index(0, 0).data() == "15:06:40"
    tip = model.index(0, 3).data(Qt.ItemDataRole.ToolTipRole)
    assert tip == "15:06:40.000 UTC  error  engine\nbroken"
    assert view.columnViewportPosition(3) + 40 < view.viewport().width()
    view.selectRow(0)
    view.setFocus()
    QTest.keyClick(view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == "15:06:40.000\terror\tengine\tbroken"


def test_columns_come_back_as_wide_as_they_were(panel, stores):
    panel.view.horizontalHeader().resizeSection(0, 133)
    panel.resize(200, 300)
    assert panel.view.columnWidth(0) < 133
    panel.resize(640, 300)
    assert panel.view.columnWidth(0) == 133
    assert not any(panel.view.isColumnHidden(n) for n in range(4))
