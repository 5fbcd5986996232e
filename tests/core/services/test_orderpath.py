"""Journal first: what happens when it fails, on the real journal."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path

import pytest

from core.journal import journal as journal_module
from core.journal.errors import JournalError
from core.journal.files import journal_files
from core.journal.journal import Durability
from core.journal.reader import replay
from core.model.commands import (
    CancelOrder,
    Kill,
    NewOrder,
    ReplaceOrder,
    SetTradingState,
    VenueControl,
)
from core.model.enums import ExecType, LinkState, OrdStatus, TradingState
from core.model.orders import OrderUpdate
from core.model.requests import VenueNew, VenueRequest
from core.services import orderpath
from core.services.config import EngineConfig, load_config
from tests.core.services.helpers import IDS, Bench, order


class Disk:
    """A disk that can be told to confirm nothing, or to take its time."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.works = threading.Event()
        self.works.set()
        self.broken = False
        self.steps: list[str] = []
        self._data, self._all = journal_module._sync_data, os.fsync
        patch.setattr(journal_module, "_sync_data", self.data)
        patch.setattr(os, "fsync", self.all)

    def data(self, fd: int) -> None:
        self._wait()
        self._data(fd)
        self.steps.append("disk")

    def all(self, fd: int) -> None:
        self._wait()
        self._all(fd)
        self.steps.append("disk")

    def _wait(self) -> None:
        if self.broken:
            raise OSError(5, "Input/output error")
        self.works.wait()


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


def with_power(home: Path) -> EngineConfig:
    config = load_config(None, home)
    assert config.durability == "power", "it is the default"
    return config


def test_a_disk_that_does_not_confirm_lets_nothing_leave_until_it_does(
    tmp_path: Path, disk: Disk
) -> None:
    async def test() -> None:
        async with Bench(tmp_path, config=with_power(tmp_path)) as b:
            b.venue.quote()
            good = order()
            b.send(good)
            assert await b.until(lambda: b.status(good.cl_ord_id) is OrdStatus.NEW)
            disk.broken = True
            waits = order()
            b.send(waits)
            assert await b.until(lambda: "did not confirm" in b.notices())
            assert b.client.stores.links["journal"].state is LinkState.DOWN
            later = order()
            b.send(later)
            assert await b.until(lambda: b.client.stores.refusals.get(later.cl_ord_id))
            assert len(b.venue.sent) == 1
            assert b.status(waits.cl_ord_id) is None, "nothing is shown that may be lost"
            disk.broken = False
            assert await b.until(lambda: b.status(waits.cl_ord_id) is OrdStatus.NEW)
            assert await b.until(lambda: b.client.stores.links["journal"].state is LinkState.UP), (
                "it clears by itself"
            )
            assert len(b.venue.sent) == 2
            again = order()
            b.send(again)
            assert await b.until(lambda: b.status(again.cl_ord_id) is OrdStatus.NEW)
        assert len(journal_files(tmp_path / "journal")) == 2, "written anew into a new file"
        async with Bench(tmp_path) as c:
            for one in (good, waits, again):
                assert c.status(one.cl_ord_id) is not None
            assert "cut back" not in c.notices()

    asyncio.run(test())


def test_an_order_that_waited_too_long_is_refused_and_its_cancel_moot(
    tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orderpath, "MOST_WAIT", 0.05)

    async def test() -> None:
        async with Bench(tmp_path, config=with_power(tmp_path)) as b:
            b.venue.quote()
            good = order()
            b.send(good)
            assert await b.until(lambda: b.status(good.cl_ord_id) is OrdStatus.NEW)
            disk.works.clear()
            stale = order()
            b.send(stale)
            b.send(CancelOrder(IDS.next(), good.cl_ord_id))
            assert await b.until(lambda: "has not answered" in b.notices())
            refused = order()
            b.send(refused)
            assert await b.until(lambda: b.client.stores.refusals.get(refused.cl_ord_id))
            disk.works.set()
            assert await b.until(lambda: b.status(stale.cl_ord_id) is OrdStatus.REJECTED)
            assert await b.until(lambda: b.status(good.cl_ord_id) is OrdStatus.CANCELED)
            assert [type(request).__name__ for request in b.venue.sent] == [
                "VenueNew",
                "VenueCancel",
            ]
            text = b.client.stores.orders[stale.cl_ord_id].text
            assert "not sent" in text
            assert await b.until(lambda: b.client.stores.links["journal"].state is LinkState.UP)

    asyncio.run(test())


def test_the_disk_has_it_before_the_wire_and_before_the_screen(tmp_path: Path, disk: Disk) -> None:
    async def test() -> None:
        async with Bench(tmp_path, config=with_power(tmp_path)) as b:
            b.venue.quote()
            b.venue.before_send = lambda request: disk.steps.append("wire")
            b.engine.bus.subscribe(OrderUpdate, lambda update: disk.steps.append("screen"))
            first = order()
            await asyncio.sleep(0.05)
            disk.steps.clear()
            b.send(first)
            assert await b.until(lambda: b.status(first.cl_ord_id) is OrdStatus.NEW)

    asyncio.run(test())
    wire = disk.steps.index("wire")
    assert "disk" in disk.steps[:wire]
    assert "screen" not in disk.steps[:wire]
    assert "disk" in disk.steps[wire : disk.steps.index("screen", wire + 2)], "the answer as well"


def test_every_request_is_confirmed_before_it_is_sent(tmp_path: Path) -> None:
    """Orders and cancels, in a rush: at each one's sending the disk has confirmed its record."""
    confirmed: dict[str, int] = {}

    async def test() -> None:
        async with Bench(tmp_path, config=with_power(tmp_path)) as b:
            journal = b.engine.journal

            def tap(request: VenueRequest) -> None:
                name = request.order.cl_ord_id if isinstance(request, VenueNew) else ""
                confirmed[name or getattr(request, "request", "")] = journal.synced_seq

            b.venue.quote()
            b.venue.before_send = tap
            names = []
            for n in range(60):
                new = order(qty=10 + n, price=9_000 + n)
                names.append(new.cl_ord_id)
                b.engine.submit(new)
                if n % 3 == 2:
                    b.engine.submit(CancelOrder(f"C{n}", names[n - 1]))
                if n % 7 == 0:
                    await asyncio.sleep(0.001)
            statuses = (OrdStatus.NEW, OrdStatus.CANCELED)
            assert await b.until(lambda: all(b.status(name) in statuses for name in names))

    asyncio.run(test())
    recorded: dict[str, int] = {}
    cancels: list[CancelOrder] = []
    for seq, _, message in replay(tmp_path / "journal", 1, 2**62):
        if isinstance(message, CancelOrder):
            cancels.append(message)
        if isinstance(message, NewOrder | CancelOrder):
            recorded[getattr(message, "cl_ord_id", "") or getattr(message, "id", "")] = seq
    assert set(confirmed) <= set(recorded)
    assert all(confirmed[name] >= recorded[name] for name in confirmed)
    # What is canceled before the disk has it never leaves, and neither does its cancel.
    canceled = {message.order: message.id for message in cancels}
    for name in recorded:
        if name not in confirmed:
            assert name in canceled or name in canceled.values()
            assert canceled.get(name, "") not in confirmed


def test_many_orders_share_one_word_of_the_disk_and_keep_their_order(
    tmp_path: Path, disk: Disk
) -> None:
    async def test() -> None:
        async with Bench(tmp_path, config=with_power(tmp_path)) as b:
            b.venue.quote()
            b.venue.answers = False
            # The thread is with the disk while all of these come.
            disk.works.clear()
            orders = [order(qty=1 + n) for n in range(40)]
            for one in orders:
                b.engine.submit(one)
            disk.steps.clear()
            assert b.venue.sent == []
            disk.works.set()
            assert await b.until(lambda: len(b.venue.sent) == 40)
            assert [r.order.cl_ord_id for r in b.venue.sent] == [o.cl_ord_id for o in orders]
            assert len(disk.steps) <= 4

    asyncio.run(test())


def test_with_process_durability_nothing_waits(tmp_path: Path, disk: Disk) -> None:
    config = load_config(None, tmp_path)
    config.durability = "process"

    async def test() -> None:
        async with Bench(tmp_path, config=config) as b:
            b.venue.quote()
            disk.works.clear()
            first = order()
            b.engine.submit(first)
            assert [r.order.cl_ord_id for r in b.venue.sent] == [first.cl_ord_id]
            disk.works.set()

    asyncio.run(test())


@pytest.mark.parametrize("durability", ["power", "process"])
def test_an_answer_from_within_send_does_not_overtake_what_came_before(
    tmp_path: Path, durability: Durability
) -> None:
    config = load_config(None, tmp_path)
    config.durability = durability

    async def test() -> None:
        async with Bench(tmp_path, config=config) as b:
            venue = b.venue
            venue.quote()

            def fill_at_once(request: VenueRequest) -> None:
                if isinstance(request, VenueNew):
                    venue.report(request.order, ExecType.NEW, OrdStatus.NEW)
                    venue.fill(request.order, 10, 10_000, 10)

            venue.answers = False
            venue.before_send = fill_at_once
            new = order(qty=10)
            b.send(new)
            assert await b.until(lambda: b.status(new.cl_ord_id) is OrdStatus.FILLED)
            story = [u.exec_type for u in b.client.stores.stories[new.cl_ord_id]]
            assert story == [ExecType.PENDING_NEW, ExecType.NEW, ExecType.TRADE]
            seqs = [u.seq for u in b.client.stores.stories[new.cl_ord_id]]
            assert seqs == sorted(seqs)

    asyncio.run(test())


def test_what_cannot_be_written_down_is_left_out_and_the_rest_goes_on(tmp_path: Path) -> None:
    async def test() -> None:
        async with Bench(tmp_path) as b:
            b.venue.quote()
            b.engine.submit(order(qty=2**70))
            assert await b.until(lambda: "could not be worked off" in b.notices())
            assert b.venue.sent == []
            good = order()
            b.send(good)
            assert await b.until(lambda: b.status(good.cl_ord_id) is OrdStatus.NEW)

    asyncio.run(test())


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_while_halted_cancels_are_refused_too_and_the_order_of_reports_is_kept(
    tmp_path: Path,
) -> None:
    async def test() -> None:
        async with Bench(tmp_path) as b:
            venue = b.venue
            venue.quote()
            new = order(qty=10)
            b.send(new)
            assert await b.until(lambda: b.status(new.cl_ord_id) is OrdStatus.NEW)
            there = venue.sent[0].order
            journal = b.engine.journal
            disk, journal._fd = journal._fd, os.open("/dev/full", os.O_RDWR)
            cancel = CancelOrder(IDS.next(), new.cl_ord_id)
            b.send(cancel)
            assert await b.until(lambda: b.client.stores.refusals.get(cancel.id))
            for cum in (3, 6, 10):
                venue.fill(there, cum - (0, 3, 6)[(cum - 1) // 4], 10_000, cum)
            full, journal._fd = journal._fd, disk
            os.close(full)
            assert await b.until(lambda: b.status(new.cl_ord_id) is OrdStatus.FILLED)
            assert [f.qty for f in b.client.stores.fills] == [3, 3, 4]

    asyncio.run(test())


def test_what_cannot_be_put_on_record_is_not_carried_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(ts: int, message: object) -> int:
        raise JournalError("The disk is full.")

    async def test() -> None:
        async with Bench(tmp_path) as b:
            with monkeypatch.context() as patch:
                patch.setattr(b.engine.journal, "append", full)
                pause = VenueControl(IDS.next(), "V", "pause")
                b.send(pause)
                assert await b.until(lambda: b.client.stores.refusals.get(pause.id))
                assert b.client.stores.refusals[pause.id].code == "JOURNAL_FAILED"
                assert b.venue.controls == []
            again = VenueControl(IDS.next(), "V", "pause")
            b.send(again)
            assert await b.until(lambda: b.venue.controls)
            assert [c.id for c in b.venue.controls] == [again.id]

    asyncio.run(test())


@pytest.mark.parametrize("kill", [False, True])
@pytest.mark.parametrize("scope", ["strategy", "trader", "venue"])
def test_whose_strategy_trader_or_venue_was_halted_while_the_disk_was_asked_never_leaves(
    tmp_path: Path, disk: Disk, scope: str, kill: bool
) -> None:
    name = {"strategy": "S", "trader": "ann", "venue": "V"}[scope]

    async def test() -> None:
        async with Bench(tmp_path, config=with_power(tmp_path)) as b:
            b.venue.quote()
            first = order(trader="ann", strategy="S")
            b.send(first)
            assert await b.until(lambda: b.status(first.cl_ord_id) is OrdStatus.NEW)
            disk.works.clear()
            halted = order(trader="ann", strategy="S")
            change = ReplaceOrder("R1", first.cl_ord_id, 11, 10_000)
            other = order(trader="bob", strategy="T")
            for command in (halted, change, other):
                b.engine.submit(command)
            if kill:
                b.engine.submit(Kill("K1", 1, scope=scope, scope_id=name, reason="enough"))
            else:
                state = TradingState.HALTED
                b.engine.submit(
                    SetTradingState("T1", "", state, "enough", scope=scope, scope_id=name)
                )
            disk.works.set()
            assert await b.until(lambda: b.status(halted.cl_ord_id) is OrdStatus.REJECTED)
            assert await b.until(lambda: b.status(first.cl_ord_id) is OrdStatus.NEW)
            free = scope != "venue"
            wanted = OrdStatus.NEW if free else OrdStatus.REJECTED
            assert await b.until(lambda: b.status(other.cl_ord_id) is wanted)
            left = [first.cl_ord_id, other.cl_ord_id][: 1 + free]
            assert [request.order.cl_ord_id for request in b.venue.sent] == left
            assert "halted before the disk" in b.client.stores.orders[halted.cl_ord_id].text

    asyncio.run(test())


def test_what_was_halted_or_canceled_while_the_disk_was_asked_never_leaves(
    tmp_path: Path, disk: Disk
) -> None:
    async def test() -> None:
        async with Bench(tmp_path, config=with_power(tmp_path)) as b:
            b.venue.quote()
            first = order()
            b.send(first)
            assert await b.until(lambda: b.status(first.cl_ord_id) is OrdStatus.NEW)
            disk.works.clear()
            canceled, halted = order(), order()
            b.engine.submit(canceled)
            b.engine.submit(halted)
            b.engine.submit(CancelOrder("C1", canceled.cl_ord_id))
            account = halted.account
            b.engine.submit(SetTradingState("T1", account, TradingState.HALTED, "enough"))
            disk.works.set()
            assert await b.until(lambda: b.status(halted.cl_ord_id) is OrdStatus.REJECTED)
            assert b.status(canceled.cl_ord_id) is not OrdStatus.NEW
            assert await b.until(lambda: b.status(canceled.cl_ord_id).terminal)
            assert [request.order.cl_ord_id for request in b.venue.sent] == [first.cl_ord_id]
            assert "halted before the disk" in b.client.stores.orders[halted.cl_ord_id].text

    asyncio.run(test())


def test_what_was_canceled_while_the_disk_was_asked_is_neither_sent_nor_canceled_there(
    tmp_path: Path, disk: Disk
) -> None:
    async def test() -> None:
        async with Bench(tmp_path, config=with_power(tmp_path)) as b:
            b.venue.quote()
            disk.works.clear()
            canceled = order()
            b.engine.submit(canceled)
            b.engine.submit(CancelOrder("C1", canceled.cl_ord_id))
            disk.works.set()
            assert await b.until(lambda: b.status(canceled.cl_ord_id) is OrdStatus.CANCELED)
            assert "never sent" in b.client.stores.orders[canceled.cl_ord_id].text
            assert await b.until(lambda: not b.engine.path._held)
            assert b.venue.sent == []

    asyncio.run(test())


def test_an_order_whose_link_broke_while_the_disk_was_asked_is_not_sent_when_it_is_back(
    tmp_path: Path, disk: Disk
) -> None:
    async def test() -> None:
        async with Bench(tmp_path, config=with_power(tmp_path)) as b:
            b.venue.quote()
            disk.works.clear()
            lost = order()
            b.engine.submit(lost)
            b.venue.link(LinkState.DOWN, "Cable cut.")
            b.venue.link(LinkState.UP, "Back.")
            disk.works.set()
            assert await b.until(lambda: (b.status(lost.cl_ord_id) or OrdStatus.NEW).terminal)
            assert await b.until(lambda: b.engine.links["V"].settled)
            assert await b.until(lambda: not b.engine.path._held)
            assert b.venue.sent == []

    asyncio.run(test())
