"""Records follow from the journal: the same sums, whatever happened on the way."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from decimal import Decimal

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.journal.errors import JournalError
from core.journal.files import journal_files
from core.journal.journal import Journal
from core.model.commands import CancelAll
from core.model.enums import Source
from core.model.orders import Fill, OrderUpdate
from core.services import bookkeeper
from core.services.bookkeeper import JOURNAL, Bookkeeper, catch_up
from core.storage.errors import StorageError
from core.storage.reading import DAY, Records, Span
from core.storage.schema import FILE, RECORDS, ROWS
from tests.core.kernel.driver import AAPL, BTC, BUY, FUT, SELL, START, Driver
from tests.core.services.journals import trade_a_while, write

TABLES = (*ROWS, "orders", "instruments")


def all_rows(home) -> dict[str, list[tuple]]:
    """Every row of every table, but not where the writer stood."""
    with closing(sqlite3.connect(home / RECORDS / FILE)) as db, db:
        return {name: db.execute(f"SELECT * FROM {name} ORDER BY 1").fetchall() for name in TABLES}


def events(driver, kind):
    return [event for event in driver.everything if isinstance(event, kind)]


def whole(positions):
    """Positions without the time of their last change."""
    return sorted(
        (
            p.account,
            p.instrument,
            p.strategy,
            p.leg,
            p.qty,
            p.cost,
            p.realised,
            p.fees,
            p.bought,
            p.sold,
        )
        for p in positions
    )


def check(home, driver):
    """The records say what the kernel says, and their parts add up to it."""
    with Records(home / RECORDS) as records:
        assert records.seq() == driver.seq
        fills = list(records.fills(Span()))
        assert fills == events(driver, Fill)
        last = {u.order.cl_ord_id: u.order for u in events(driver, OrderUpdate)}
        assert {o.cl_ord_id: o for o in records.orders(Span())} == last
        assert {o.cl_ord_id: o for o in records.orders(Span(end=2**62))} == last
        for name in list(last)[:20]:
            steps = [u for u in events(driver, OrderUpdate) if u.order.cl_ord_id == name]
            assert records.story(name) == steps
        positions = list(records.positions(Span()))
        assert whole(positions) == whole(driver.kernel.positions())
        held: dict[tuple[str, str], int] = {}
        for fill in fills:
            key = fill.account, fill.instrument
            held[key] = held.get(key, 0) + fill.side.sign * fill.qty
        assert held == {(p.account, p.instrument): p.qty for p in positions if p.whole}
        cash: dict[tuple[str, str], Decimal] = {}
        for move in records.cash(Span()):
            key = move.account, move.currency
            cash[key] = cash.get(key, Decimal(0)) + move.amount
            assert cash[key] == move.balance
            assert move.kind in ("opening", "trade", "fee")
        told = {(a.account, c): v for a in driver.kernel.accounts() for c, v in a.cash.items()}
        assert {k: v for k, v in cash.items() if v} == {k: v for k, v in told.items() if v}


def exhaust(keeper):
    while keeper.step():
        pass


fill_plans = st.lists(
    st.tuples(
        st.sampled_from([AAPL, BTC, FUT]),
        st.sampled_from([BUY, SELL]),
        st.integers(1, 30),
        st.integers(0, 30),
        st.sampled_from(["P", "Q"]),
        st.sampled_from(["", "quoter"]),
        st.sampled_from(["0", "0.25", "-0.1", "0.000000001"]),
    ),
    max_size=12,
)


@settings(max_examples=25, deadline=None)
@given(plan=fill_plans, batch=st.integers(1, 40), hedging=st.booleans())
@example(
    plan=[(AAPL, BUY, 1, 1, "P", "", "0"), (AAPL, SELL, 1, 0, "P", "", "0")],
    batch=1,
    hedging=True,
)
def test_records_are_what_the_kernel_is(tmp_path_factory, plan, batch, hedging):
    home = tmp_path_factory.mktemp("home")
    driver = Driver(hedging=hedging)
    for instrument, side, qty, done, account, strategy, fee in plan:
        price = {AAPL: 20_000, BTC: 600_000, FUT: 20_000}[instrument]
        name = driver.working(side, qty, price, instrument, account=account, strategy=strategy)
        if done and driver.kernel.order(name).working:
            driver.fill(name, min(done, qty), price, fee=Decimal(fee), venue=instrument.venue)
    write(home / JOURNAL, driver).close()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bookkeeper, "BATCH", batch)
        catch_up(home)
    check(home, driver)


def test_reopened_after_every_batch_the_rows_are_the_same(tmp_path, monkeypatch):
    driver = trade_a_while(Driver(), 60)
    write(tmp_path / JOURNAL, driver, max_bytes=8_192).close()
    assert len(journal_files(tmp_path / JOURNAL)) > 2
    monkeypatch.setattr(bookkeeper, "BATCH", 37)
    monkeypatch.setattr(bookkeeper, "CHECKPOINT", 100)
    while True:
        keeper = Bookkeeper(tmp_path)
        done = keeper.step()
        assert keeper.notes == []
        keeper.close()
        if not done:
            break
    check(tmp_path, driver)
    piecewise = all_rows(tmp_path)
    (tmp_path / RECORDS / FILE).unlink()
    monkeypatch.undo()
    catch_up(tmp_path)
    assert all_rows(tmp_path) == piecewise


def test_a_write_that_fails_leaves_nothing_and_is_made_up_for(tmp_path, monkeypatch):
    driver = trade_a_while(Driver(), 30)
    write(tmp_path / JOURNAL, driver).close()
    monkeypatch.setattr(bookkeeper, "BATCH", 50)
    keeper = Bookkeeper(tmp_path)
    keeper.step()
    before = keeper.seq
    rows = all_rows(tmp_path)
    connection = keeper._book._connection
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")  # as if the disk were full
    with pytest.raises(StorageError, match=r"full.*journal has everything"):
        exhaust(keeper)
    assert keeper.seq >= before
    keeper.close()
    kept = all_rows(tmp_path)
    assert all(kept[name][: len(rows[name])] == rows[name] for name in ROWS)
    catch_up(tmp_path)
    check(tmp_path, driver)


def test_a_journal_that_lost_its_end_takes_its_records_back(tmp_path, monkeypatch):
    """As after a loss of power: the records know more than what the disk kept of the journal."""
    monkeypatch.setattr(bookkeeper, "BATCH", 20)
    monkeypatch.setattr(bookkeeper, "CHECKPOINT", 40)
    driver = trade_a_while(Driver(), 40)
    inputs = list(driver.inputs)
    write(tmp_path / JOURNAL, driver).close()
    catch_up(tmp_path)
    for path in journal_files(tmp_path / JOURNAL):
        path.unlink()
    other = Driver()
    other.inputs.clear()
    other.everything.clear()
    other.kernel, other.seq = type(other.kernel)(keep=1_000), 0
    kept = len(inputs) - 30
    for seq, ts, message in inputs[:kept]:
        other.now = ts
        other.apply(message)
        assert other.seq == seq
    other.count = 10_000
    trade_a_while(other, 10, seed=9)
    write(tmp_path / JOURNAL, other).close()
    keeper = Bookkeeper(tmp_path)
    assert "made anew" in keeper.notes[0]
    assert 0 < keeper.seq <= kept
    keeper.close()
    catch_up(tmp_path)
    check(tmp_path, other)
    assert not list((tmp_path / RECORDS).glob("*.old.db"))


def test_another_journal_is_another_book_and_the_old_one_is_kept(tmp_path):
    write(tmp_path / JOURNAL, trade_a_while(Driver(), 20)).close()
    catch_up(tmp_path)
    before = all_rows(tmp_path)
    for path in journal_files(tmp_path / JOURNAL):
        path.unlink()
    other = trade_a_while(Driver(), 15, seed=3)
    write(tmp_path / JOURNAL, other).close()
    keeper = Bookkeeper(tmp_path)
    assert "records.1.old.db" in keeper.notes[0]
    keeper.close()
    catch_up(tmp_path)
    check(tmp_path, other)
    (tmp_path / RECORDS / FILE).unlink()
    (tmp_path / RECORDS / "records.1.old.db").rename(tmp_path / RECORDS / FILE)
    assert all_rows(tmp_path) == before


def test_where_older_files_are_gone_their_records_stay_and_a_snapshot_fills_in(tmp_path):
    driver = trade_a_while(Driver(), 20)
    journal = write(tmp_path / JOURNAL, driver)
    catch_up(tmp_path)
    early = all_rows(tmp_path)
    trade_a_while(driver, 20, seed=2)  # nobody keeps records of these
    write(tmp_path / JOURNAL, driver, journal)
    journal.write_snapshot(driver.seq, driver.now, driver.kernel.dump())
    journal.close()
    for path in journal_files(tmp_path / JOURNAL):
        path.unlink()
    journal = Journal.open(tmp_path / JOURNAL, sync_every=0)
    trade_a_while(driver, 20, seed=3)
    write(tmp_path / JOURNAL, driver, journal).close()
    catch_up(tmp_path)
    with Records(tmp_path / RECORDS) as records:
        found = list(records.fills(Span()))
        assert sorted(found, key=lambda f: f.seq) == events(driver, Fill)
        assert whole(records.positions(Span())) == whole(driver.kernel.positions())
        assert {o.cl_ord_id for o in records.orders(Span())} == {
            u.order.cl_ord_id for u in events(driver, OrderUpdate)
        }
        balance = {(m.account, m.currency): m.balance for m in records.cash(Span())}
        told = {(a.account, c): v for a in driver.kernel.accounts() for c, v in a.cash.items()}
        assert balance == told
    late = all_rows(tmp_path)
    assert all(set(early[name]) <= set(late[name]) for name in ROWS)


def test_denials_and_commands_say_who_why_and_which_limit(tmp_path):
    driver = Driver()
    driver.set_limit("max_order_notional", 1_000, reason="smaller today")
    version = driver.kernel._state.limits.version
    name = driver.new(qty=10, source=Source.STRATEGY, strategy="quoter", trader="anna", why="wide")
    driver.apply(CancelAll("C1", source=Source.HOTKEY, trader="bert"))
    driver.apply(CancelAll("C1"))
    write(tmp_path / JOURNAL, driver).close()
    catch_up(tmp_path)
    with closing(sqlite3.connect(tmp_path / RECORDS / FILE)) as db, db:
        db.row_factory = sqlite3.Row
        (denial,) = db.execute("SELECT * FROM risk_decisions").fetchall()
        commands = db.execute("SELECT * FROM commands ORDER BY id").fetchall()
    assert (denial["cl_ord_id"], denial["action"]) == (name, "denied")
    assert (denial["trader"], denial["strategy"]) == ("anna", "quoter")
    assert denial["code"] == "MAX_ORDER_NOTIONAL"
    assert (denial["limit_value"], denial["value"]) == ("1000", "2000")
    assert denial["scope"].startswith("account")
    assert denial["limit_version"] == version
    assert [c["kind"] for c in commands] == [
        "Setup", "SetLimit", "NewOrder", "CancelAll", "CancelAll",
    ]  # fmt: skip
    _, limit, order, cancel, _ = commands
    assert limit["why"] == "smaller today"
    assert (order["source"], order["trader"], order["strategy"]) == ("strategy", "anna", "quoter")
    assert (order["why"], order["code"]) == ("wide", "MAX_ORDER_NOTIONAL")
    assert (cancel["source"], cancel["trader"], cancel["code"]) == ("hotkey", "bert", "")


def test_money_is_text_and_exact(tmp_path):
    driver = Driver()
    driver.fill(driver.working(price=20_001), 3, 20_001, fee=Decimal("0.123456789012345678"))
    write(tmp_path / JOURNAL, driver).close()
    catch_up(tmp_path)
    with closing(sqlite3.connect(tmp_path / RECORDS / FILE)) as db, db:
        for table in TABLES:
            for row in db.execute(f"SELECT * FROM {table}"):
                assert not any(isinstance(value, float) for value in row)
        assert db.execute("SELECT price, value, fee FROM executions").fetchone() == (
            "200.01", "600.03", "0.123456789012345678",
        )  # fmt: skip


def test_any_day_page_by_page_and_the_days_there_are(tmp_path):
    driver = trade_a_while(Driver(), 60)
    driver.now += 3 * DAY
    first = len(events(driver, Fill))
    trade_a_while(driver, 40, seed=2)
    write(tmp_path / JOURNAL, driver).close()
    catch_up(tmp_path)
    day = START - START % DAY
    with Records(tmp_path / RECORDS) as records:
        assert records.days() == [day + 3 * DAY, day]
        pages = [records.page("fills", day, offset, 7) for offset in range(0, first, 7)]
        assert {total for _, total in pages} == {first}
        assert [f for rows, _ in pages for f in rows] == events(driver, Fill)[:first][::-1]
        orders, total = records.page("orders", day + 3 * DAY, 0, 500)
        assert total == len(orders) == 40
        assert all(o.created >= day + 3 * DAY for o in orders)
        left, _ = records.page("positions", day, 0, 500)
        held = {}
        for fill in events(driver, Fill)[:first]:
            held[fill.instrument] = held.get(fill.instrument, 0) + fill.side.sign * fill.qty
        assert {p.instrument: p.qty for p in left} == held
        assert records.page("fills", day + DAY, 0, 500) == ([], 0)


def test_a_damaged_journal_and_none_at_all_are_sentences(tmp_path):
    with pytest.raises(JournalError, match="no journal here"):
        catch_up(tmp_path)
    driver = trade_a_while(Driver(), 20)
    journal = write(tmp_path / JOURNAL, driver)
    journal.sync()  # what comes after it says that this was on the disk
    write(tmp_path / JOURNAL, trade_a_while(driver, 5), journal)
    path = journal.path
    journal.close()
    data = path.read_bytes()
    path.write_bytes(data[:500] + bytes(8) + data[508:])
    with pytest.raises(JournalError, match="damaged at offset"):
        catch_up(tmp_path)


def test_an_update_decodes_as_it_was(tmp_path):
    driver = trade_a_while(Driver(), 5)
    write(tmp_path / JOURNAL, driver).close()
    catch_up(tmp_path)
    with closing(sqlite3.connect(tmp_path / RECORDS / FILE)) as db, db:
        data = [row[0] for row in db.execute("SELECT data FROM order_events ORDER BY id")]
    assert [msgspec.msgpack.decode(d, type=OrderUpdate) for d in data] == events(
        driver, OrderUpdate
    )
