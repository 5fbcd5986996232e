"""A past day in a table: pages out of the records, nothing of it can be traded."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from core.model.enums import Side
from core.model.instruments import Instrument
from core.model.orders import Position
from tests.widgets.blotter.conftest import column
from tests.widgets.trading_world import BID, BTC, START
from widgets.blotter.cells import DAY
from widgets.blotter.daybar import NEAR, PAGE, DayPage, day_text

YESTERDAY = START - START % DAY - DAY
OLD = Instrument("OLD.SIM", "OLD", "SIM", Decimal("0.01"), Decimal(1), "USD")


def page(rows, number=0, total=None, day=YESTERDAY):
    return DayPage(day, number, rows, total or len(rows), {OLD.id: OLD}, ["all", "of", "it"])


def entries(menu):
    return [a.text() for a in menu.actions() if a.text()]


def test_a_day_is_chosen_asked_for_and_shown_and_today_comes_back(opened, world):
    world.fill(1)
    panel = opened("fills")
    asked = []
    panel.page_wanted.connect(lambda *what: asked.append(what))
    opens = []
    panel.days_wanted.connect(lambda: opens.append(True))
    panel.days.menu.aboutToShow.emit()
    assert opens == [True]
    panel.take_days([YESTERDAY, YESTERDAY - DAY])
    assert entries(panel.days.menu) == [
        "Today (live)", day_text(YESTERDAY), day_text(YESTERDAY - DAY),
    ]  # fmt: skip
    next(a for a in panel.days.menu.actions() if a.text() == day_text(YESTERDAY)).trigger()
    assert asked == [("fills", YESTERDAY, 0)]
    assert column(panel, "exec_id") == ["E1"]  # until it is there
    old = msgspec.structs.replace(world.stores.fills["BTC-USD.SIM|E1"], exec_id="E0", ts=YESTERDAY)
    gone = msgspec.structs.replace(old, exec_id="E9", instrument=OLD.id)
    panel.take_page(page([old, gone]))
    assert sorted(column(panel, "exec_id")) == ["E0", "E9"]
    assert panel.days.button.text() == day_text(YESTERDAY)
    world.fill(2)
    panel.flush()
    assert panel.model.rowCount() == 2  # what happens now is not of that day
    panel.days.menu.actions()[0].trigger()
    assert column(panel, "exec_id") == ["E2", "E1"]
    assert panel.count.text() == "2"
    world.fill(3)
    panel.flush()
    assert panel.model.rowCount() == 3


def test_pages_are_turned(opened, world):
    fill = world.fill(1)
    panel = opened("fills")
    asked = []
    panel.page_wanted.connect(lambda *what: asked.append(what))
    rows = [msgspec.structs.replace(fill, exec_id=f"E{n}") for n in range(3)]
    panel.take_page(page(rows, 0, 2 * PAGE + 3))
    assert panel.days.where.text() == f"page 1 of 3 · {2 * PAGE + 3:,} rows"
    assert not panel.days.newer.isEnabled()
    panel.days.older.click()
    assert asked == [("fills", YESTERDAY, 1)]
    panel.take_page(page(rows, 2, 2 * PAGE + 3))
    assert not panel.days.older.isEnabled()
    panel.days.newer.click()
    assert asked[-1] == ("fills", YESTERDAY, 1)


def test_nothing_of_the_past_can_be_cancelled_or_closed(opened, world):
    order = world.order("O1", Side.BUY, BID)
    panel = opened("orders")
    commands = []
    panel.requested.connect(commands.append)
    trading = [a for a in panel.view.actions() if a in panel._live_actions]
    assert [a.text() for a in trading] == ["&Cancel", "C&hange…"]
    panel.take_page(page([order]))
    panel.view.selectRow(0)
    for action in trading:
        assert not action.isEnabled()
        action.trigger()
    assert commands == []
    stories = []
    panel.story_requested.connect(stories.append)
    panel.show_story()
    assert stories == ["O1"]
    panel.show_day(None)
    assert all(a.isEnabled() for a in trading)


def test_past_positions_have_no_price_of_now(opened, world):
    world.hold(10, BID)
    panel = opened("positions")
    assert column(panel, "open_profit")[0] == "0.00"
    held = Position(1, YESTERDAY, world.account, BTC.id, 5, 5 * BID, 0, Decimal(0))
    panel.take_page(page([held]))
    assert column(panel, "qty") == ["0.05"]
    for live in ("mark", "open_profit", "profit"):
        assert column(panel, live) == ["—"]
    assert not panel.close_action.isEnabled()
    assert not panel.reverse_action.isEnabled()
    world.quote(BID + 9, BID + 10)
    panel.flush()
    assert column(panel, "mark") == ["—"]


def test_everything_is_the_whole_day_and_filters_work(opened, world):
    fills = [world.fill(n) for n in range(4)]
    panel = opened("fills")
    asked = []
    panel.export_requested.connect(lambda *what: asked.append(what))
    panel.take_page(page(fills))
    panel.query.setText("buy")
    assert panel.count.text() == "2 of 4"
    panel.export_shown()
    panel.export_everything()
    assert len(asked[0][1]) == 2
    assert asked[1][1] == ["all", "of", "it"]


def test_many_days_stand_by_month(opened):
    panel = opened("orders")
    panel.take_days([YESTERDAY - n * DAY for n in range(NEAR + 60)])
    texts = entries(panel.days.menu)
    assert len(texts) < NEAR + 6
    months = [a.menu() for a in panel.days.menu.actions() if a.menu() is not None]
    assert sum(len(entries(m)) for m in months) == 60
    asked = []
    panel.page_wanted.connect(lambda *what: asked.append(what[1]))
    months[-1].actions()[-1].trigger()
    assert asked == [YESTERDAY - (NEAR + 59) * DAY]


@pytest.mark.parametrize("kind", ["orders", "fills", "positions", "balances"])
def test_tables_with_a_past_say_so(opened, kind):
    panel = opened(kind)
    assert panel.days.isVisible() is (kind != "balances")
    assert panel.days.button.accessibleName() == "Day shown"


def test_a_day_that_cannot_be_read_is_said_and_nothing_changes(opened, world):
    world.fill(1)
    panel = opened("fills")
    said = []
    panel.said.connect(said.append)
    panel.show_day(YESTERDAY)
    panel.past_failed("There are no records here yet.")
    assert said == ["There are no records here yet."]
    assert panel.days.button.text() == "&Today"
    assert panel.model.rowCount() == 1
