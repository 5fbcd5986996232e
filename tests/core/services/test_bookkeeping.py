"""The records' writer as a process: behind the engine, and killed at any time."""

from __future__ import annotations

import random
import time

import psutil
import pytest

from core.journal.journal import Journal
from core.services.bookkeeper import Bookkeeper, catch_up
from core.services.bookkeeping import Bookkeeping
from core.storage.errors import HeldError
from core.storage.reading import Records, Span
from core.storage.schema import RECORDS
from tests.core.kernel.driver import Driver
from tests.core.services.helpers import Bench
from tests.core.services.journals import trade_a_while, write
from tests.core.services.test_bookkeeper import all_rows, whole


def until(true, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "in time"
        time.sleep(0.01)


@pytest.fixture
def books(tmp_path):
    made = Bookkeeping(tmp_path)
    yield made
    made.end()
    assert made.wait(30)


def reached(books, seq):
    def look():
        books.look()
        return books.seq >= seq

    return look


def test_it_follows_a_journal_that_is_written_and_ends_at_its_end(tmp_path, books):
    driver = trade_a_while(Driver(), 20)
    journal = write(tmp_path / "journal", driver)
    books.start()
    until(reached(books, journal.last_seq))
    trade_a_while(driver, 20, seed=2)
    write(tmp_path / "journal", driver, journal)
    until(reached(books, journal.last_seq))
    trade_a_while(driver, 20, seed=3)
    write(tmp_path / "journal", driver, journal).close()
    books.end()  # at once: it still reads to the end
    assert books.wait(30)
    with Records(tmp_path / RECORDS) as records:
        assert records.seq() == driver.seq
        assert whole(records.positions(Span())) == whole(driver.kernel.positions())


def test_killed_at_random_moments_it_neither_loses_nor_doubles_a_row(tmp_path):
    rng = random.Random(5)
    driver = trade_a_while(Driver(), 1_500, seed=7)
    journal = write(tmp_path / "journal", driver)
    books = Bookkeeping(tmp_path)
    kills = 0
    while kills < 8:
        books.start()
        process = psutil.Process(books.pid)
        time.sleep(rng.uniform(0.15, 0.8))  # the moment is what this test is about
        process.kill()
        books.end()
        assert books.wait(30)
        kills += 1
        trade_a_while(driver, 200, seed=kills)
        write(tmp_path / "journal", driver, journal)
    journal.close()
    catch_up(tmp_path)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "journal").symlink_to(tmp_path / "journal")
    catch_up(tmp_path / "other")
    assert all_rows(tmp_path) == all_rows(tmp_path / "other")


def test_one_that_died_is_started_again_and_said(tmp_path, books, monkeypatch):
    monkeypatch.setattr("core.services.bookkeeping._BACK_OFF", (0.05,))
    driver = trade_a_while(Driver(), 5)
    journal = write(tmp_path / "journal", driver)
    books.start()
    until(reached(books, journal.last_seq))
    first = books.pid
    psutil.Process(first).kill()
    said = []

    def again():
        said.extend(books.look())
        return books.pid not in (0, first)

    until(again)
    journal.close()
    assert len(said) == 1
    assert "ended" in said[0]
    assert "journal has everything" in said[0]


def test_trouble_is_said_once_and_when_it_is_over(tmp_path, books):
    (tmp_path / RECORDS).write_text("in the way of the folder")
    driver = trade_a_while(Driver(), 5)
    journal = write(tmp_path / "journal", driver)
    books.start()
    said = []

    def troubled():
        said.extend(books.look())
        return bool(books.trouble)

    until(troubled)
    (tmp_path / RECORDS).unlink()

    def over():
        said.extend(books.look())
        return books.seq == journal.last_seq and not books.trouble

    until(over)
    journal.close()
    assert len(said) == 2
    assert said[0].startswith("The records are behind; trading goes on.")
    assert said[1] == "The records are written again."


async def test_an_engine_says_that_its_records_are_behind(tmp_path):
    (tmp_path / RECORDS).write_text("in the way of the folder")
    async with Bench(tmp_path, bookkeeping=Bookkeeping(tmp_path)) as b:
        assert await b.until(lambda: "The records are behind" in b.notices(), 30)
        (tmp_path / RECORDS).unlink()
        assert await b.until(lambda: "The records are written again." in b.notices(), 30)


def test_a_command_waits_for_the_writer_that_is_at_work(tmp_path, books):
    driver = trade_a_while(Driver(), 50)
    with write(tmp_path / "journal", driver):
        books.start()
        until(lambda: (tmp_path / RECORDS).exists())
        catch_up(tmp_path)
    with Records(tmp_path / RECORDS) as records:
        assert records.seq() == driver.seq


def test_two_writers_at_once_are_refused(tmp_path):
    with Journal.open(tmp_path / "journal", sync_every=0):
        keeper = Bookkeeper(tmp_path)
        with pytest.raises(HeldError, match="writes the records"):
            Bookkeeper(tmp_path)
        keeper.close()
        Bookkeeper(tmp_path).close()
