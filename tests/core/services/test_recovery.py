"""The kernel comes back as it was: from the journal, from a snapshot, in another process."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from decimal import Decimal

import msgspec
import pytest

from core.journal.errors import JournalError
from core.journal.files import SNAPSHOT, file_name, snapshot_files
from core.journal.journal import Journal
from core.kernel.kernel import Kernel
from core.model.commands import SetStrategyMode
from core.model.enums import LinkState, OrdStatus, StrategyMode, TradingState
from core.model.events import LinkUpdate
from core.model.inputs import AccountSetup, LimitValue, Setup
from core.model.orders import AccountState, OrderUpdate
from core.model.requests import VenueCancel, VenueRequest
from core.services import recovery
from core.services.recovery import rebuild, recover
from tests.core.kernel.driver import AAPL, BTC, SECOND, START, Driver
from tests.core.kernel.test_dump import busy

SETUP = Setup((AAPL, BTC), (AccountSetup("P", {"USD": Decimal(100)}),))


def record(directory, driver, snapshot_at=0):
    """Put a driver's inputs into a journal, as an engine would have."""
    kernel = Kernel(keep=driver.keep)
    with Journal.open(directory, sync_every=0, max_bytes=2000) as journal:
        for seq, ts, message in driver.inputs:
            assert journal.append(ts, message) == seq
            kernel.apply(seq, ts, message)
            if seq == snapshot_at:
                journal.write_snapshot(seq, ts, kernel.dump())


def digest_of(directory):
    with Journal.open(directory, sync_every=0) as journal:
        return rebuild(journal)[0].digest()


def same_kernel(driver):
    """What the driver's kernel is, remembering as many orders as a recovered one does."""
    kernel = Kernel()
    for seq, ts, message in driver.inputs:
        kernel.apply(seq, ts, message)
    return kernel


def test_a_first_start_puts_the_setup_on_record(tmp_path):
    with Journal.open(tmp_path, sync_every=0) as journal:
        found = recover(journal, SETUP, START)
        assert journal.last_seq == 1
        assert [a.cash for a in found.kernel.accounts()] == [{"USD": Decimal(100)}]
        assert (found.replayed, found.snapshot_seq, found.notes) == (0, 0, [])
    with Journal.open(tmp_path, sync_every=0) as journal:
        again = recover(journal, SETUP, START)
        assert journal.last_seq == 1, "nothing is new"
        assert again.kernel.digest() == found.kernel.digest()
        assert again.replayed == 1


def test_only_what_is_new_in_a_setup_is_recorded(tmp_path):
    with Journal.open(tmp_path, sync_every=0) as journal:
        recover(journal, SETUP, START)
    more = Setup(
        SETUP.instruments,
        (*SETUP.accounts, AccountSetup("Z", {})),
        (LimitValue("max_order_qty", Decimal(3)),),
    )
    with Journal.open(tmp_path, sync_every=0) as journal:
        found = recover(journal, more, START)
        ((_, _, setup),) = journal.replay(2)
        assert setup == msgspec.structs.replace(more, instruments=(), accounts=more.accounts[1:])
        assert [o.account for o in found.outputs] == ["Z"]


@pytest.mark.parametrize("snapshot_at", [0, 1, 7, 20])
def test_state_after_recovery_is_the_state_before(tmp_path, snapshot_at):
    driver = busy()
    record(tmp_path, driver, snapshot_at)
    with Journal.open(tmp_path, sync_every=0) as journal:
        kernel, start, replayed = rebuild(journal)
    assert start == snapshot_at
    assert replayed == len(driver.inputs) - snapshot_at
    assert kernel.positions() == driver.kernel.positions()
    assert kernel.working() == driver.kernel.working()
    assert kernel.accounts() == driver.kernel.accounts()
    assert kernel.fills() == driver.kernel.fills()
    if not snapshot_at:
        assert kernel.digest() == same_kernel(driver).digest()
    else:
        assert kernel.digest() == driver.kernel.digest()


def test_the_disk_has_what_starting_put_on_record_before_anything_follows_from_it(tmp_path):
    with Journal.open(tmp_path, sync_every=0, durability="power") as journal:
        recover(journal, SETUP, START)
        assert journal.synced_seq == journal.last_seq == 1


def test_orders_that_a_crash_left_unanswered_become_unknown(tmp_path):
    driver = Driver()
    driver.link(LinkState.UP)
    driver.link(LinkState.UP, "XCH")
    unanswered, resting = driver.new(), driver.working()
    record(tmp_path, driver)
    with Journal.open(tmp_path, sync_every=0) as journal:
        found = recover(journal, Setup(), driver.now + SECOND)
        recorded = [m for _, _, m in journal.replay(driver.seq + 1)]
    downs = [m for m in recorded if isinstance(m, LinkUpdate)]
    assert [(m.source, m.state) for m in downs] == [
        ("SIM", LinkState.DOWN),
        ("XCH", LinkState.DOWN),
    ]
    assert found.kernel.order(unanswered).status is OrdStatus.UNKNOWN
    assert found.kernel.order(resting).status is OrdStatus.NEW
    (update,) = [o for o in found.outputs if isinstance(o, OrderUpdate)]
    assert update.order.cl_ord_id == unanswered


def test_starting_asks_nothing_of_a_venue(tmp_path):
    """Until a venue was heard nobody knows what became of what was asked before, so that anything
    asked for now might be asked for twice: what is being closed goes on when the link is up."""
    driver = busy()
    driver.link(LinkState.UP)
    driver.link(LinkState.UP, "XCH")
    _, stop, _ = driver.bracket()
    iceberg = driver.new(display_qty=4)
    driver.fill(f"{iceberg}/1", 4)
    driver.held(8, strategy="X")
    resting = driver.working(strategy="X")
    driver.flatten(strategy="X")
    assert [asked.order.cl_ord_id for asked in driver.cancels()] == [resting]
    driver.quote(AAPL, 19_990, 20_010)
    record(tmp_path, driver)
    bounds = (LimitValue("daily_loss", Decimal(0)), LimitValue("max_open_orders", Decimal(1)))
    # Other settings for all there is, among them a loss limit that is reached already.
    policy = msgspec.structs.replace(SETUP, limits=bounds, loosen_delay=SECOND)
    with Journal.open(tmp_path, sync_every=0) as journal:
        found = recover(journal, policy, driver.now + 100 * SECOND)
    assert found.kernel.order(stop) is not None
    states = {a.account: a.state for a in found.outputs if isinstance(a, AccountState)}
    assert states["P"] is TradingState.REDUCING
    assert [type(o) for o in found.outputs if isinstance(o, VenueRequest)] == []
    went_on = found.kernel.apply(
        found.kernel.seq + 1, driver.now, LinkUpdate("SIM", driver.now, LinkState.UP)
    )
    assert resting in [o.order.cl_ord_id for o in went_on if isinstance(o, VenueCancel)]


def test_commands_that_are_not_the_kernels_are_passed_over(tmp_path):
    driver = Driver()
    driver.held(3)
    record(tmp_path, driver)
    with Journal.open(tmp_path, sync_every=0) as journal:
        journal.append(driver.now, SetStrategyMode("m", "s", StrategyMode.AUTO))
        kernel, _, replayed = rebuild(journal)
    assert replayed == driver.seq
    assert kernel.digest() == same_kernel(driver).digest()


def test_a_long_replay_leaves_a_snapshot_for_the_next_start(tmp_path, monkeypatch):
    monkeypatch.setattr(recovery, "SNAPSHOT_AFTER", 5)
    driver = busy()
    record(tmp_path, driver)
    with Journal.open(tmp_path, sync_every=0) as journal:
        found = recover(journal, Setup(), driver.now)
    assert (found.snapshot_seq, found.replayed) == (driver.seq, driver.seq)
    assert [int(p.stem) for p in snapshot_files(tmp_path)] == [driver.seq]
    before = digest_of(tmp_path)
    for path in snapshot_files(tmp_path):
        path.unlink()
    assert digest_of(tmp_path) == before


def test_a_snapshot_that_the_disk_does_not_take_is_told_and_the_start_goes_on(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(recovery, "SNAPSHOT_AFTER", 5)
    driver = busy()
    record(tmp_path, driver)
    with Journal.open(tmp_path, sync_every=0) as journal:
        file_name(tmp_path, driver.seq, SNAPSHOT).mkdir()  # it cannot take the name
        found = recover(journal, Setup(), driver.now)
    assert found.kernel.seq >= driver.seq
    assert found.snapshot_seq == 0
    assert any("the snapshot could not be written" in note for note in found.notes)


def test_garbage_is_collected_again_after_a_replay(tmp_path):
    record(tmp_path, busy())
    assert gc.isenabled()
    digest_of(tmp_path)
    assert gc.isenabled()
    newest = max(tmp_path.glob("*.journal"))
    newest.write_bytes(newest.read_bytes()[:-1] + b"\0")
    with Journal.open(tmp_path, sync_every=0) as journal:
        first = min(tmp_path.glob("*.journal"))
        first.write_bytes(first.read_bytes()[:-40])
        with pytest.raises(JournalError):
            rebuild(journal)
    assert gc.isenabled()


def test_an_unreadable_snapshot_is_told_and_the_journal_read_instead(tmp_path):
    driver = busy()
    record(tmp_path, driver)
    with Journal.open(tmp_path, sync_every=0) as journal:
        journal.write_snapshot(9, 9, b"of another age")
        kernel, start, _ = rebuild(journal)
        assert start == 0
        assert any("snapshot 9" in note for note in journal.repairs)
    assert kernel.digest() == same_kernel(driver).digest()


def test_damage_is_refused(tmp_path):
    driver = busy()
    record(tmp_path, driver)
    first = min(tmp_path.glob("*.journal"))
    data = bytearray(first.read_bytes())
    data[100] ^= 1
    first.write_bytes(data)
    with Journal.open(tmp_path, sync_every=0) as journal, pytest.raises(JournalError):
        recover(journal, Setup(), START)


PROGRAM = """
import sys
from tests.core.kernel.test_dump import busy, finish
from tests.core.services.test_recovery import digest_of, record
if sys.argv[1] == "write":
    driver = busy()
    finish(driver)
    record(sys.argv[2], driver, snapshot_at=int(sys.argv[3]))
print(digest_of(sys.argv[2]))
"""


def test_same_digest_under_every_hash_seed(tmp_path):
    def run(seed, action, folder, snapshot_at=0):
        return subprocess.run(
            [sys.executable, "-c", PROGRAM, action, str(folder), str(snapshot_at)],
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    digests = {
        run(1, "write", tmp_path / "a"),
        run(2, "read", tmp_path / "a"),
        run(3, "write", tmp_path / "b"),
        run(4, "read", tmp_path / "b"),
    }
    assert len(digests) == 1
    assert (tmp_path / "a").exists()
    first, second = (
        b"".join(p.read_bytes()[44:] for p in sorted((tmp_path / name).glob("*.journal")))
        for name in "ab"
    )
    assert len(first) > 1000
    assert first == second
