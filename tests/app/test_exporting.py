"""Exports asked on the screen and written behind it, through the real loop."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from decimal import Decimal
from pathlib import Path

import psutil
import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QFileDialog, QMessageBox, QPushButton, QWidget

from app import exporting
from app.exporting import Exporter, default_name, unhurried
from app.loop import Loop
from core.model.enums import Liquidity, Side
from core.model.orders import Fill
from core.model.tables import FILLS
from core.reporting.csv_file import read_rows
from tests.widgets.trading_world import BID, BTC, START, World


def fills(world: World, count: int) -> None:
    for n in range(count):
        world.stores.fills.put(
            str(n),
            Fill(n, START + n, f"E{n}", "O", "PAPER", BTC.id, Side.BUY, BID + n % 99, 1 + n,
                 Decimal("0.01"), "USD", Liquidity.ADDED, "", "", START),
        )  # fmt: skip


class Desk:
    """An exporter, what it said, and the loop it works on."""

    def __init__(self, app: QApplication, directory: Path) -> None:
        self.world = World()
        self.window = QWidget()
        self.said: list[str] = []
        self.errors: list[str] = []
        self.loop = Loop(app, lambda what, error: self.errors.append(f"{what}: {error}"))
        self.exporter = Exporter(self.world.stores, directory, self.said.append, self.window)

    def run(self, script) -> None:
        async def main() -> int:
            await script(self)
            await self.exporter.finish()
            return 0

        self.loop.run(main())
        for box in QApplication.topLevelWidgets():
            box.close()
        self.window.deleteLater()
        assert self.errors == []


async def until(true, seconds: float = 30.0):
    deadline = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)
    return found


@pytest.fixture
def desk(qapp, tmp_path):
    return Desk(qapp, tmp_path / "exports")


def test_names_say_what_when_and_whose():
    assert re.fullmatch(
        r"orders_\d{4}-\d\d-\d\d_LIVE-1\.csv", default_name("orders", "LIVE-1", "live")
    )
    assert default_name("fills", "", "paper").endswith("_paper.csv")


def test_the_dialog_proposes_a_name_and_the_rows_of_then_are_written(desk, tmp_path):
    async def script(d: Desk) -> None:
        fills(d.world, 3)
        d.exporter.ask("fills", None, None, "PAPER")
        dialog = d.window.findChild(QFileDialog, "export")
        assert not dialog.isModal()
        name = Path(dialog.selectedFiles()[0])
        assert name.parent == tmp_path / "exports"
        assert name.name == default_name("fills", "PAPER", "paper")
        dialog.accept()
        box = await until(lambda: d.window.findChild(QMessageBox, "exported"))
        assert "3 rows" in box.text()
        assert str(name) in box.text()
        assert "&Show in folder" in [b.text() for b in box.findChildren(QPushButton)]
        rows = list(read_rows(name))
        assert [Decimal(r["qty"]) for r in rows] == [
            Decimal("0.01"),
            Decimal("0.02"),
            Decimal("0.03"),
        ]
        assert list(rows[0]) == [c.id for c in FILLS.columns]
        assert d.said == [f"3 rows written to {name}"]

    desk.run(script)


@pytest.mark.parametrize(("answer", "replaced"), [("replace", True), ("", False)])
def test_a_file_that_is_there_is_not_replaced_without_a_question(qapp, tmp_path, answer, replaced):
    """The question blocks nothing, unlike the dialog's own."""
    path = tmp_path / "mine.csv"
    path.write_text("mine")

    async def script(d):
        fills(d.world, 3)
        d.exporter.ask("fills", None, None, "PAPER")
        dialog = d.window.findChild(QFileDialog, "export")
        dialog.selectFile(str(path))
        dialog.accept()
        (box,) = [b for b in d.window.findChildren(QMessageBox) if b.isVisible()]
        assert not box.isModal()
        assert "is there already" in box.text()
        assert path.read_text() == "mine"
        if answer:
            box.findChild(QPushButton, answer).click()
        else:
            box.reject()
        await d.exporter.finish()

    Desk(qapp, tmp_path).run(script)
    assert (path.read_text() != "mine") is replaced


def test_what_cannot_be_written_is_said_and_the_old_file_stays(desk, tmp_path):
    async def script(d: Desk) -> None:
        fills(d.world, 1)
        blocked = tmp_path / "file"
        blocked.write_text("old")
        d.exporter.write("fills", blocked / "fills.csv")
        box = await until(lambda: d.window.findChild(QMessageBox, "export_failed"))
        assert str(blocked / "fills.csv") in box.text()
        assert "Choose another folder" in box.text()
        assert ".." not in box.text()
        assert blocked.read_text() == "old"

    desk.run(script)


def test_a_folder_that_cannot_be_made_still_asks(desk, tmp_path):
    async def script(d: Desk) -> None:
        (tmp_path / "exports").write_text("in the way")
        d.exporter.ask("orders", [], None, "P")
        dialog = d.window.findChild(QFileDialog, "export")
        assert Path(dialog.selectedFiles()[0]).parent == Path.home()

    desk.run(script)


def test_the_screen_goes_on_while_a_long_file_is_written(desk, tmp_path):
    beats: list[float] = []
    timer = QTimer()
    timer.setInterval(5)
    timer.timeout.connect(lambda: beats.append(time.monotonic()))

    async def script(d: Desk) -> None:
        fills(d.world, 20_000)
        before = psutil.Process().memory_info().rss
        timer.start()
        d.exporter.write("fills", tmp_path / "long.csv")
        await until(lambda: d.said)
        timer.stop()
        # the rows are written one by one: what grows is the file, not the program
        size = (tmp_path / "long.csv").stat().st_size
        assert size > 2_000_000
        assert psutil.Process().memory_info().rss - before < 4 * size
        assert len(beats) > 20
        assert sum(1 for _ in read_rows(tmp_path / "long.csv")) == 20_000

    desk.run(script)


def test_rows_come_with_rests_until_there_is_hurry(monkeypatch):
    rests: list[float] = []
    monkeypatch.setattr(exporting.time, "sleep", rests.append)
    hurry = threading.Event()
    assert list(unhurried(range(100), hurry)) == list(range(100))
    assert len(rests) == 3
    hurry.set()
    assert list(unhurried(range(100), hurry)) == list(range(100))
    assert len(rests) == 3


def test_closing_waits_for_the_file(desk, tmp_path):
    async def script(d: Desk) -> None:
        fills(d.world, 5_000)
        d.exporter.write("fills", tmp_path / "last.csv")

    desk.run(script)
    assert sum(1 for _ in read_rows(tmp_path / "last.csv")) == 5_000
