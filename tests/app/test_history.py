"""Panels ask for the past and get it out of real records, beside the screen's own time."""

from __future__ import annotations

import asyncio
import time

from PySide6.QtWidgets import QApplication, QWidget

from app.exporting import Exporter
from app.history import ELSEWHERE, History
from app.loop import Loop
from core.journal.journal import Journal
from core.model.ids import IdMaker
from core.model.orders import Fill, OrderUpdate
from core.reporting.csv_file import read_rows
from core.services.bookkeeper import JOURNAL, catch_up
from core.storage.schema import RECORDS
from tests.core.kernel.driver import AAPL, START, Driver
from tests.core.services.journals import trade_a_while, write
from tests.widgets.trading_world import World
from widgets.blotter.cells import DAY
from widgets.blotter.fills import FillsPanel
from widgets.blotter.orders import OrdersPanel
from widgets.story.panel import StoryPanel

FIRST = START - START % DAY


class Desk:
    """A window's worth of parts on the program's own loop."""

    def __init__(self, app, directory, exports) -> None:
        self.world = World()
        self.window = QWidget()
        self.said: list[str] = []
        self.errors: list[str] = []
        self.loop = Loop(app, lambda what, error: self.errors.append(f"{what}: {error}"))
        self.history = History(directory, self.said.append, self.window)
        self.exporter = Exporter(self.world.stores, exports, self.said.append, self.window)

    def panel(self, kind):
        made = kind(self.world.stores, IdMaker("T"), self.window)
        made.said.connect(self.said.append)
        self.history.attach(made)
        return made

    def run(self, script) -> None:
        async def main() -> int:
            await script(self)
            await self.history.finish()
            await self.exporter.finish()
            return 0

        self.loop.run(main())
        for box in QApplication.topLevelWidgets():
            box.close()
        self.window.deleteLater()
        assert self.errors == []


async def until(true, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "in time"
        await asyncio.sleep(0.01)


def traded(tmp_path) -> Driver:
    driver = trade_a_while(Driver(), 40)
    driver.now += DAY
    trade_a_while(driver, 5, seed=2)
    write(tmp_path / JOURNAL, driver).close()
    catch_up(tmp_path)
    return driver


def test_a_past_day_in_the_tables_and_in_a_file(qapp, tmp_path):
    driver = traded(tmp_path)
    of_day = [e for e in driver.everything if isinstance(e, Fill) and e.ts < FIRST + DAY]

    async def script(desk):
        panel = desk.panel(FillsPanel)
        panel.days.menu.aboutToShow.emit()
        await until(lambda: len(panel.days.menu.actions()) == 4)
        panel.show_day(FIRST)
        await until(lambda: panel.day == FIRST)
        assert panel.model.rows(shown_only=False) == of_day  # of instruments not traded now
        assert panel.model.rowCount() == len(of_day) > 20
        asked = []
        panel.export_requested.connect(lambda *what: asked.append(what))
        panel.export_everything()
        kind, rows, columns = asked[0]
        path = tmp_path / "fills.csv"
        desk.exporter.write(kind, path, rows, columns)
        await desk.exporter.finish()
        found = list(read_rows(path))
        assert [row["exec_id"] for row in found] == [fill.exec_id for fill in of_day]
        orders = desk.panel(OrdersPanel)
        orders.show_day(FIRST + DAY)
        await until(lambda: orders.day == FIRST + DAY)
        assert orders.model.rowCount() == 5

    Desk(qapp, tmp_path / RECORDS, tmp_path).run(script)


def test_the_story_of_an_order_of_a_past_day(qapp, tmp_path):
    driver = traded(tmp_path)
    name = next(e.cl_ord_id for e in driver.everything if isinstance(e, Fill))
    steps = [
        e for e in driver.everything if isinstance(e, OrderUpdate) and e.order.cl_ord_id == name
    ]

    async def script(desk):
        assert AAPL.id not in desk.world.stores.instruments
        panel = desk.panel(StoryPanel)
        panel.show_order(name)
        await until(lambda: panel.model.rowCount() == len(steps))
        assert panel.story() == steps
        panel.show_order("never was")
        await desk.history.finish()
        assert panel.model.rowCount() == 0

    Desk(qapp, tmp_path / RECORDS, tmp_path).run(script)


def test_a_story_that_is_recorded_a_moment_later_is_told(qapp, tmp_path, monkeypatch):
    monkeypatch.setattr("app.history.AGAIN_MS", 250)
    driver = Driver()
    write(tmp_path / JOURNAL, driver).close()
    catch_up(tmp_path)
    name = driver.working()

    async def script(desk):
        panel = desk.panel(StoryPanel)
        panel.show_order(name)
        await desk.history.finish()
        assert panel.model.rowCount() == 0
        write(tmp_path / JOURNAL, driver, Journal.open(tmp_path / JOURNAL, sync_every=0)).close()
        catch_up(tmp_path)
        await until(lambda: panel.model.rowCount() == 2)

    Desk(qapp, tmp_path / RECORDS, tmp_path).run(script)


def test_a_panel_that_is_closed_meanwhile_harms_nobody(qapp, tmp_path):
    traded(tmp_path)

    async def script(desk):
        panel = desk.panel(FillsPanel)
        panel.show_day(FIRST)
        panel.setParent(None)
        panel.deleteLater()
        qapp.sendPostedEvents(panel, 52)  # QEvent.DeferredDelete
        await desk.history.finish()

    Desk(qapp, tmp_path / RECORDS, tmp_path).run(script)


def test_no_records_and_records_elsewhere_are_sentences(qapp, tmp_path):
    async def none_yet(desk):
        panel = desk.panel(FillsPanel)
        panel.show_day(FIRST)
        await desk.history.finish()
        assert ["no records here yet" in text for text in desk.said] == [True]
        assert panel.day is None
        assert panel.days.button.text() == "&Today"

    Desk(qapp, tmp_path / RECORDS, tmp_path).run(none_yet)

    async def elsewhere(desk):
        panel = desk.panel(FillsPanel)
        panel.days.menu.aboutToShow.emit()
        panel.show_day(FIRST)
        await desk.history.finish()
        assert desk.said == [ELSEWHERE, ELSEWHERE]

    Desk(qapp, None, tmp_path).run(elsewhere)
