"""Journal first: what happens when it fails, on the real journal."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from core.journal import journal as journal_module
from core.model.commands import CancelOrder
from core.model.enums import ExecType, OrdStatus
from core.model.requests import VenueNew, VenueRequest
from core.services.config import load_config
from tests.core.services.helpers import IDS, Bench, ScriptedVenue, order


def test_a_disk_that_does_not_confirm_lets_nothing_leave(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = load_config(None, tmp_path)
    config.durability = "power"

    async def test() -> None:
        async with Bench(tmp_path, config=config) as b:
            b.venue.quote()
            good = order()
            b.send(good)
            assert await b.until(lambda: b.status(good.cl_ord_id) is OrdStatus.NEW)

            def failing(fd: int) -> None:
                raise OSError(5, "Input/output error")

            with monkeypatch.context() as patch:
                patch.setattr(journal_module, "_sync_data", failing)
                lost = order()
                b.send(lost)
                assert await b.until(lambda: "did not confirm" in b.notices())
                assert len(b.venue.sent) == 1
                assert b.status(lost.cl_ord_id) is OrdStatus.PENDING_NEW
            later = order()
            b.send(later)
            assert await b.until(lambda: b.client.stores.refusals.get(later.cl_ord_id))
            assert len(b.venue.sent) == 1
        # A start finds out what became of them.
        again = ScriptedVenue()
        async with Bench(tmp_path, again) as c:
            assert c.status(lost.cl_ord_id) is OrdStatus.CANCELED
            assert again.sent == []

    asyncio.run(test())


def test_with_power_durability_the_disk_has_it_before_the_wire(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = load_config(None, tmp_path)
    config.durability = "power"
    steps: list[str] = []
    real = journal_module._sync_data

    def synced(fd: int) -> None:
        real(fd)
        steps.append("disk")

    async def test() -> None:
        async with Bench(tmp_path, config=config) as b:
            b.venue.quote()
            b.venue.before_send = lambda request: steps.append("wire")
            monkeypatch.setattr(journal_module, "_sync_data", synced)
            b.send(order())
            assert await b.until(lambda: "wire" in steps)

    asyncio.run(test())
    assert steps[: steps.index("wire") + 1] == ["disk", "wire"]


def test_an_answer_from_within_send_does_not_overtake_what_came_before(tmp_path: Path) -> None:
    async def test() -> None:
        async with Bench(tmp_path) as b:
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
