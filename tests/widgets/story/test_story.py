"""An order's story as a trader reads, follows and copies it."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QAbstractItemModelTester, QTest

from core.kernel.kernel import Kernel
from core.model.commands import CancelOrder, NewOrder
from core.model.enums import ExecType, LinkState, OrdStatus, OrdType, Side, Source
from core.model.events import ExecutionReport, LinkUpdate
from core.model.ids import IdMaker
from core.model.inputs import AccountSetup
from core.model.market import Quote
from core.model.orders import Fill, OrderUpdate
from tests.widgets.trading_world import ASK, BID, BTC, START, World
from widgets.blotter.fills import FillsPanel
from widgets.blotter.orders import OrdersPanel
from widgets.story.panel import StoryPanel
from widgets.story.steps import COLUMNS, merged

MS = 1_000_000
TITLES = [title for title, _ in COLUMNS]


class Desk(World):
    """A world whose events come from a real kernel."""

    def __init__(self) -> None:
        super().__init__()
        self.kernel = Kernel([BTC], [AccountSetup(self.account, {"USD": Decimal(10**7)})])
        self.seq = 0
        self.now = START
        self.apply(LinkUpdate("SIM", START, LinkState.UP))
        self.apply(Quote(BTC.id, START, START, BID, 100, ASK, 100))

    def apply(self, message: object, after: int = MS) -> None:
        self.seq += 1
        self.now += after
        for output in self.kernel.apply(self.seq, self.now, message):
            self.stores.take_event(output)

    def send(self, name: str, qty: int = 50, **more: object) -> None:
        self.apply(NewOrder(name, self.account, BTC.id, Side.BUY, OrdType.LIMIT, qty, BID, **more))

    def report(self, name: str, kind: ExecType, status: OrdStatus, **more: object) -> None:
        """The venue's word, 1.5 ms on its way."""
        sent = self.now - 500_000
        self.apply(ExecutionReport("SIM", sent, self.now, name, kind, status, **more))


@pytest.fixture
def desk():
    return Desk()


@pytest.fixture
def story(qtbot, desk):
    panel = StoryPanel(desk.stores, IdMaker("T"))
    panel.tester = QAbstractItemModelTester(
        panel.model, QAbstractItemModelTester.FailureReportingMode.Warning, panel
    )
    qtbot.addWidget(panel)
    panel.resize(1_200, 300)
    panel.show()
    return panel


def column(panel, title: str) -> list[str]:
    number = TITLES.index(title)
    return [panel.model.index(r, number).data() for r in range(panel.model.rowCount())]


def trade(desk: Desk) -> None:
    """An order that is sent, accepted, filled in part and cancelled by a hot key."""
    desk.send("O1", source=Source.STRATEGY, strategy="quoter", trader="anna")
    desk.report("O1", ExecType.NEW, OrdStatus.NEW, order_id="V1")
    desk.report(
        "O1", ExecType.TRADE, OrdStatus.PARTIALLY_FILLED, order_id="V1", exec_id="E1",
        qty=50, price=BID, cum_qty=20, last_qty=20, last_price=BID,
    )  # fmt: skip
    desk.apply(CancelOrder("C1", "O1", source=Source.HOTKEY, trader="anna"))
    desk.report("O1", ExecType.CANCELED, OrdStatus.CANCELED, request="C1", text="by request")


def test_every_step_with_times_numbers_and_who(desk, story):
    trade(desk)
    story.show_order("O1")
    assert column(story, "State") == [
        "Pending new", "Working", "Partly filled", "Pending cancel", "Cancelled",
    ]  # fmt: skip
    assert column(story, "What") == ["pending new", "new", "trade", "pending cancel", "canceled"]
    assert column(story, "Who") == ["strategy quoter", "SIM", "SIM", "hotkey anna", "SIM"]
    assert column(story, "Δ ms") == ["", "1.500", "1.500", "", "1.500"]
    assert column(story, "Step ms") == ["", "1.000", "1.000", "1.000", "1.000"]
    assert column(story, "Quantity") == ["0.50", "0.50", "0.20", "0.50", "0.50"]
    assert column(story, "Filled") == ["0.00", "0.00", "0.20", "0.20", "0.20"]
    assert column(story, "Price") == ["64,210.5"] * 5
    assert column(story, "Text")[-1] == "by request"
    assert [bool(text) for text in column(story, "Venue time")] == [False, True, True, False, True]
    assert all(column(story, "Local time"))
    assert "BUY 0.50 BTC-USD @ 64,210.5" in story.title.text()
    assert "Cancelled" in story.title.text()


def test_it_grows_while_it_is_open(desk, story):
    desk.send("O1")
    story.show_order("O1")
    assert story.model.rowCount() == 1
    kept = []
    story.model.rowsInserted.connect(lambda *_: kept.append("added"))
    story.model.modelReset.connect(lambda: kept.append("anew"))
    desk.report("O1", ExecType.NEW, OrdStatus.NEW, order_id="V1")
    story.flush()
    story.flush()
    assert column(story, "State") == ["Pending new", "Working"]
    assert kept == ["added"]


def test_a_denial_shows_its_raw_text(desk, story):
    desk.send("O1", qty=0)
    story.show_order("O1")
    assert column(story, "What") == ["denied"]
    assert column(story, "Who") == ["user"]
    assert column(story, "Text")[0] == desk.stores.orders["O1"].text != ""


def test_copied_as_one_block_with_exact_values(desk, story):
    trade(desk)
    story.show_order("O1")
    story.view.setFocus()
    story.copy_button.click()
    lines = QGuiApplication.clipboard().text().splitlines()
    assert lines[0].startswith("BUY 0.50 BTC-USD @ 64,210.5")
    assert "order O1, venue id V1, account PAPER" in lines[1]
    assert lines[2].split("\t") == TITLES
    rows = [line.split("\t") for line in lines[3:]]
    assert len(rows) == 5
    assert {len(row) for row in rows} == {len(TITLES)}
    assert rows[2][TITLES.index("Price")] == "64210.5"
    at = desk.stores.stories["O1"][2]
    assert rows[2][TITLES.index("Local time")].endswith(f"{at.ts % 10**9:09d}+00:00")
    QGuiApplication.clipboard().clear()
    QTest.keyClick(story.view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text().splitlines() == lines


def test_the_past_is_asked_for_and_joined(desk, story):
    trade(desk)
    steps = list(desk.stores.stories["O1"])
    # the terminal joined after the fill: it was told the state, then came the rest
    late = msgspec.structs.replace(steps[2], exec_type=ExecType.ORDER_STATUS, last_qty=0)
    desk.stores.stories["O1"] = [late, *steps[3:]]
    asked = []
    story.past_wanted.connect(asked.append)
    story.show_order("O1")
    assert asked == ["O1"]
    assert story.model.rowCount() == 3
    story.take_past("another", steps[:3], BTC)
    assert story.model.rowCount() == 3
    story.take_past("O1", steps[:3], BTC)
    assert column(story, "What") == ["pending new", "new", "trade", "pending cancel", "canceled"]
    assert merged(steps, desk.stores.stories["O1"]) == steps


def test_an_order_of_which_only_the_records_know(desk, story):
    trade(desk)
    steps = desk.stores.stories.pop("O1")
    desk.stores.instruments.drop(BTC.id)
    story.show_order("O1")
    assert "Nothing is known of the order O1" in story.title.text()
    story.copy_story()
    story.take_past("O1", steps, BTC)
    assert story.model.rowCount() == 5


def test_the_workspace_keeps_the_order(qtbot, desk, story):
    trade(desk)
    story.show_order("O1")
    other = StoryPanel(desk.stores, IdMaker("U"))
    qtbot.addWidget(other)
    other.restore_state(story.save_state())
    assert other.model.rowCount() == 5
    assert other.story() == story.story()


@pytest.mark.parametrize("how", ["double click", "Enter", "Return", "menu"])
def test_opened_from_the_orders_table(qtbot, desk, how):
    desk.send("O1")
    panel = OrdersPanel(desk.stores, IdMaker("T"))
    qtbot.addWidget(panel)
    panel.resize(900, 300)
    panel.show()
    panel.activateWindow()
    qtbot.waitUntil(panel.isActiveWindow)
    panel.flush()
    wanted, instruments = [], []
    panel.story_requested.connect(wanted.append)
    panel.instrument_chosen.connect(instruments.append)
    panel.view.setFocus()
    panel.view.selectRow(0)
    if how == "double click":
        at = panel.view.visualRect(panel.model.index(0, panel.view.columnAt(5))).center()
        QTest.mouseClick(panel.view.viewport(), Qt.MouseButton.LeftButton, pos=at)
        QTest.mouseDClick(panel.view.viewport(), Qt.MouseButton.LeftButton, pos=at)
    elif how == "menu":
        next(a for a in panel.view.actions() if "tory" in a.text()).trigger()
    else:
        key = Qt.Key.Key_Enter if how == "Enter" else Qt.Key.Key_Return
        pad = Qt.KeyboardModifier.KeypadModifier
        plain = Qt.KeyboardModifier.NoModifier
        QTest.keyClick(panel.view, key, pad if how == "Enter" else plain)
    assert wanted == ["O1"]
    assert instruments == []
    QTest.keyClick(panel.view, Qt.Key.Key_I, Qt.KeyboardModifier.ControlModifier)
    assert instruments == [BTC.id]


def test_opened_from_a_fill(qtbot, desk):
    trade(desk)
    assert any(isinstance(fill, Fill) for fill in desk.stores.fills)
    panel = FillsPanel(desk.stores, IdMaker("T"))
    qtbot.addWidget(panel)
    panel.show()
    panel.flush()
    wanted = []
    panel.story_requested.connect(wanted.append)
    panel.view.selectRow(0)
    panel.show_story()
    assert wanted == ["O1"]


def test_steps_say_who_asked(desk):
    desk.send("O1", source=Source.USER, trader="anna")
    desk.apply(CancelOrder("C1", "O1", source=Source.ENGINE))
    steps = desk.stores.stories["O1"]
    assert [step.by for step in steps if isinstance(step, OrderUpdate)] == ["user anna", "engine"]
