from __future__ import annotations

import random

import pytest

from core.journal.errors import JournalError
from core.journal.files import journal_files, snapshot_files
from core.journal.journal import Journal
from core.model.orders import Fill, OrderUpdate
from core.services.history import read_history
from tests.core.kernel.driver import AAPL, BUY, FUT, SELL, START, Driver


def trade_a_while(driver, rounds, seed=1):
    """Orders that fill, rest, are cancelled, on both sides and in two instruments."""
    rng = random.Random(seed)
    for _ in range(rounds):
        driver.wait(1)
        instrument = rng.choice((AAPL, FUT))
        driver.quote(instrument, 19_990, 20_010)
        side, qty = rng.choice((BUY, SELL)), rng.randint(1, 20)
        name = driver.working(side, qty, 20_000, instrument)
        if rng.random() < 0.7:
            first = rng.randint(1, qty)
            driver.fill(name, first, 20_000 + rng.randint(-3, 3))
            if first < qty:
                driver.fill(name, qty - first, 20_000)
        elif rng.random() < 0.5:
            driver.cancel(name)
            driver.canceled(name)
    return driver


def write(directory, driver, journal=None, **options):
    """Put what the driver's kernel took in on record."""
    journal = journal or Journal.open(directory, sync_every=0, **options)
    for _, ts, message in driver.inputs[journal.last_seq :]:
        journal.append(ts, message)
    return journal


def said(driver):
    fills = [event for event in driver.everything if isinstance(event, Fill)]
    orders = {e.order.cl_ord_id: e.order for e in driver.everything if isinstance(e, OrderUpdate)}
    return orders, fills


def test_everything_that_ever_happened_is_told_while_the_writer_goes_on(tmp_path):
    driver = trade_a_while(Driver(), 60)
    with write(tmp_path, driver, max_bytes=4096):
        assert len(journal_files(tmp_path)) > 2
        history = read_history(tmp_path)
    orders, fills = said(driver)
    assert len(fills) > 40
    assert history.fills == fills
    assert history.orders == orders
    assert history.positions == driver.kernel.positions()
    assert set(history.instruments) == {"AAPL.SIM", "BTC.XCH", "FUT.SIM"}


def test_before_a_time_the_books_are_as_they_were_then(tmp_path):
    driver = trade_a_while(Driver(), 20)
    orders, fills = said(driver)
    positions = driver.kernel.positions()
    trade_a_while(driver, 20, seed=2)
    write(tmp_path, driver).close()
    # the second half began one second after the last event of the first
    middle = max(order.updated for order in orders.values()) + 1
    history = read_history(tmp_path, middle)
    assert history.fills == fills
    assert history.orders == orders
    assert [p.qty for p in history.positions] == [p.qty for p in positions]
    assert read_history(tmp_path, START).orders == {}


def test_where_older_files_are_gone_the_snapshot_stands_for_them(tmp_path):
    driver = trade_a_while(Driver(), 20)
    _, early = said(driver)
    journal = write(tmp_path, driver)
    journal.write_snapshot(driver.seq, driver.now, driver.kernel.dump())
    journal.close()
    for path in journal_files(tmp_path):
        path.unlink()
    journal = Journal.open(tmp_path, sync_every=0)
    trade_a_while(driver, 20, seed=2)
    write(tmp_path, driver, journal).close()
    history = read_history(tmp_path)
    orders, fills = said(driver)
    assert history.fills == fills
    assert len(history.fills) > len(early)
    assert history.orders == orders
    assert history.positions == driver.kernel.positions()
    for path in snapshot_files(tmp_path):
        path.write_bytes(b"")
    with pytest.raises(JournalError, match=r"snapshot is cut off.*restore"):
        read_history(tmp_path)


def test_a_torn_end_is_no_error_and_damage_in_the_middle_is(tmp_path):
    driver = trade_a_while(Driver(), 20)
    journal = write(tmp_path, driver)
    path = journal.path
    journal.close()
    whole = path.read_bytes()
    path.write_bytes(whole[:-3])
    assert len(read_history(tmp_path).orders) >= 19
    path.write_bytes(whole[:500] + bytes(8) + whole[508:])
    with pytest.raises(JournalError, match="damaged at offset"):
        read_history(tmp_path)


def test_no_journal_is_a_sentence(tmp_path):
    with pytest.raises(JournalError, match="no journal here"):
        read_history(tmp_path)
