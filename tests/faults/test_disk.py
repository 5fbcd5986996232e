"""The journal's disk is full or fails, under the real engine: halted with a clear message, nothing
is sent that is not on record, and all goes on in the same process when the disk is well again."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.journal.reader import NO_END, replay
from core.model.commands import NewOrder
from core.model.enums import LinkState, OrdStatus, Severity
from tests.faults.rig import LONG, Desk, Engine, Venue, agree, session

ROUNDS = 20 if LONG else 2
SIZE = 1 << 20


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder for a journal, on a file system of one megabyte."""
    place = tmp_path / "engines" / "paper" / "journal"
    place.mkdir(parents=True)
    try:
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(place)],
            check=True,
            capture_output=True,
        )
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"a file system cannot be mounted here ({error})")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True, capture_output=True)


def fill_up(place: Path) -> None:
    """Take all the space there is."""
    with open(place / "ballast", "ab", buffering=0) as ballast:
        size = 1 << 16
        while size:
            try:
                ballast.write(bytes(size))
            except OSError:
                size //= 2


@pytest.mark.timeout(600 if LONG else 120)
@pytest.mark.parametrize("durability", ["power", "process"])
def test_the_disk_is_full(small_disk: Path, tmp_path: Path, durability: str) -> None:
    venue = Venue()
    engine = Engine(tmp_path, venue.endpoint, durability)
    assert engine.home / "journal" == small_disk
    desk = Desk(engine)
    try:
        engine.start()
        desk.ready()
        for number in range(ROUNDS):
            once(
                venue, engine, desk, number, "No space left on device",
                lambda: fill_up(small_disk), (small_disk / "ballast").unlink,
            )  # fmt: skip
        sent = {m.cl_ord_id for _, _, m in replay(small_disk, 1, NO_END) if type(m) is NewOrder}
        arrived = set(venue.ask("truth")["arrived"])
        assert arrived <= sent, "the exchange has orders that are on no record"
    finally:
        desk.close()
        (small_disk / "ballast").unlink(missing_ok=True)
        engine.stop()
        venue.stop()


@pytest.mark.timeout(600 if LONG else 120)
@pytest.mark.parametrize("durability", ["power", "process"])
def test_the_disk_fails(tmp_path: Path, durability: str) -> None:
    """It takes what is written and then says that it cannot confirm it."""
    broken = tmp_path / "broken"
    with session(tmp_path, durability) as (venue, engine, desk):
        for number in range(ROUNDS):
            once(
                venue, engine, desk, number, "Input/output error", broken.touch, broken.unlink
            )  # fmt: skip
        records = replay(engine.home / "journal", 1, NO_END)
        sent = {m.cl_ord_id for _, _, m in records if type(m) is NewOrder}
        arrived = set(venue.ask("truth")["arrived"])
        assert arrived <= sent, "the exchange has orders that are on no record"


def once(
    venue: Venue,
    engine: Engine,
    desk: Desk,
    number: int,
    says: str,
    hurt: Callable[[], object],
    heal: Callable[[], object],
) -> None:
    """Trade until the disk has had it, look at what happens, heal it, trade again."""
    pid = engine.pid
    resting = desk.order(price=9_800)
    desk.until(lambda: desk.status(resting) is OrdStatus.NEW, "an order at rest")
    venue.ask("rate", 100)
    hurt()

    def halted() -> bool:
        desk.trade()
        return desk.link("journal") is LinkState.DOWN

    desk.until(halted, "trading to halt")
    notice = [n for n in desk.stores.notices if n.severity is Severity.CRITICAL][-1]
    assert notice.part == "journal"
    assert "Trading is halted" in notice.text
    assert says in notice.text
    before = set(venue.ask("truth")["arrived"])
    refused = [desk.order(price=9_800 - n) for n in range(5)]
    desk.until(lambda: desk.stores.refusals.get(refused[-1]), "a refusal")
    assert {desk.stores.refusals[name].code for name in refused} == {"JOURNAL_FAILED"}
    assert set(venue.ask("truth")["arrived"]) == before, "something left while nothing is on record"
    heal()
    desk.until(lambda: desk.link("journal") is LinkState.UP, "trading to go on")
    assert any("trading goes on" in text for text in desk.notices())
    venue.ask("rate", 0)
    agree(desk, venue, f"{says}, for the {number + 1}. time")
    again = desk.order(price=9_800)
    desk.until(lambda: desk.status(again) is OrdStatus.NEW, "an order as usual")
    assert engine.pid == pid
    assert engine.running
    assert not set(refused) & set(venue.ask("truth")["arrived"])
