from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest
from PySide6.QtCore import QRect, Qt
from PySide6.QtTest import QTest

from core.client.stores import Stores
from core.model.commands import AdjustPosition
from core.model.enums import Severity, TradingState
from core.model.events import Difference
from core.model.ids import IdMaker
from core.model.instruments import Instrument
from core.model.orders import AccountState
from core.model.session import Ticker
from widgets.status.bar import StatusBar
from widgets.status.differences import HEADERS, Differences

ABC = Instrument("ABC.V", "ABC", "V", Decimal("0.01"), Decimal("0.1"), "USD")


def difference(rule: str, subject: str, stands: bool, ts: int = 10**9, **more) -> Difference:
    given = {"ours": "5", "theirs": "8"} | more
    return Difference(
        ts, "V", rule, subject, given["ours"], given["theirs"], "Done.", Severity.ERROR, stands
    )


@pytest.fixture
def stores() -> Stores:
    made = Stores()
    made.connected = True
    made.instruments.put("ABC.V", ABC)
    made.accounts.put("P", AccountState(1, 1, "P", {}, TradingState.ACTIVE))
    made.tickers.put("ABC.V", Ticker("ABC.V", 1, 1, last=10_000))
    return made


def test_the_bar_counts_what_stands_and_a_click_asks_for_the_list(qtbot, stores):
    bar = StatusBar(stores)
    qtbot.addWidget(bar)
    bar.show()
    bar.flush(lambda: (60.0, 17.0, 2.0))
    assert bar.differences.isHidden()
    stores.take_event(difference("MISSED_FILL", "E1", False))
    bar._written = 0.0
    bar.flush(lambda: (60.0, 17.0, 2.0))
    assert not bar.differences.isHidden()
    assert "1 resolved" in bar.differences.text()
    stores.take_event(difference("POSITION_DIFFERS", "P ABC.V", True))
    bar._written = 0.0
    bar.flush(lambda: (60.0, 17.0, 2.0))
    assert "⚠ 1 differ" in bar.differences.text()
    for widget in (bar.differences, bar.sources):
        bar.sources.resize(80, 20)
        with qtbot.waitSignal(bar.differences_asked):
            QTest.mouseClick(widget, Qt.MouseButton.LeftButton)


def test_what_stands_comes_first_and_both_figures_are_shown(qtbot, stores):
    stores.take_event(difference("POSITION_DIFFERS", "P ABC.V", True, 10**9))
    stores.take_event(difference("MISSED_FILL", "E1", False, 2 * 10**9))
    dialog = Differences(stores, IdMaker("T"))
    qtbot.addWidget(dialog)
    dialog.show()
    model = dialog.view.model()
    rows = [[model.index(r, c).data() for c in range(7)] for r in range(model.rowCount())]
    assert rows[0] == ["00:00:01", "V", "⚠ POSITION_DIFFERS", "P ABC.V", "5", "8", "Done."]
    assert rows[1][2] == "MISSED_FILL"
    assert "1 of 2 stand" in dialog.head.text()
    assert not dialog.adjust.isVisible()
    stores.take_event(difference("POSITION_DIFFERS", "P ABC.V", False))
    dialog.flush()
    assert "resolved" in dialog.head.text()
    assert not dialog.isModal()


@pytest.mark.parametrize("subject", ["P ABC.V", "ABC.V"])
def test_a_position_is_adjusted_with_a_price_and_a_reason(qtbot, stores, subject):
    stores.take_event(difference("POSITION_DIFFERS", subject, True, ours="5.5", theirs="-0.2"))
    dialog = Differences(stores, IdMaker("T"))
    qtbot.addWidget(dialog)
    dialog.show()
    dialog.view.selectRow(0)
    assert dialog.adjust.isVisible()
    assert dialog.price.text() == "100.00"
    assert not dialog.adjust.isEnabled(), "without a reason nothing is booked"
    dialog.reason.setText("transfer")
    for wrong in ("0", "-1", "1.001", "x", ""):
        dialog.price.setText(wrong)
        assert not dialog.adjust.isEnabled(), wrong
    dialog.price.setText("99.5")
    with qtbot.waitSignal(dialog.requested) as asked:
        QTest.mouseClick(dialog.adjust, Qt.MouseButton.LeftButton)
    [command] = asked.args
    assert isinstance(command, AdjustPosition)
    assert (command.account, command.instrument, command.qty, command.price, command.reason) == (
        "P", "ABC.V", -57, 9_950, "transfer",
    )  # fmt: skip


def test_what_is_no_position_cannot_be_adjusted(qtbot, stores):
    stores.take_event(difference("BALANCE_DIFFERS", "P USD", True))
    stores.take_event(difference("POSITION_DIFFERS", "Q ABC.V", True))
    dialog = Differences(stores, IdMaker("T"))
    qtbot.addWidget(dialog)
    dialog.show()
    for row in range(2):
        dialog.view.selectRow(row)
        assert not dialog.adjust.isVisible()


def test_what_was_done_is_never_cut(qtbot, stores):
    dialog = Differences(stores, IdMaker("T"))
    qtbot.addWidget(dialog)
    long = msgspec.structs.replace(
        difference("BALANCE_DIFFERS", "P USD", True),
        done="Nothing; look at deposits, fees and interest at the venue, and at what was paid out.",
    )
    stores.take_event(long)
    dialog.show()
    dialog.flush()
    view, last = dialog.view, len(HEADERS) - 1
    metrics = view.fontMetrics()
    room = QRect(0, 0, view.columnWidth(last) - 8, 1_000)
    flags = Qt.TextFlag.TextWordWrap.value
    assert metrics.horizontalAdvance(long.done) > view.columnWidth(last), "it needs two lines"
    assert view.rowHeight(0) >= metrics.boundingRect(room, flags, long.done).height()
