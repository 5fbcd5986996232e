"""Requests whose answer is lost: asked about, never repeated, refused by a refusal only."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from core.model.commands import CancelOrder, ReplaceOrder
from core.model.enums import (
    ExecType,
    LinkState,
    OrdStatus,
)
from tests.core.services.comparing import (
    CANCELED,
    NEW,
    REJECTED,
    UNKNOWN,
    engine,
    rules,
    run,
    sent,
    settled,
    state,
)
from tests.core.services.helpers import IDS, order
from tests.core.services.keeper import Keeper


@pytest.mark.parametrize("arrived", [True, False])
@pytest.mark.parametrize("restart", [False, True], ids=["reconnect", "restart"])
def test_a_send_whose_answer_is_lost_is_resolved_by_query(
    tmp_path: Path, arrived: bool, restart: bool
) -> None:
    async def work() -> None:
        v = Keeper()
        async with engine(tmp_path, v) as b:
            v.mute, v.deaf = True, not arrived
            name = await sent(b, OrdStatus.PENDING_NEW)
            v.cut()
            assert await b.until(lambda: b.status(name) is UNKNOWN)
            if not restart:
                v.mend()
                await settled(b)
                end, found = state(b, name), rules(b)
        if restart:
            v.mute = v.deaf = False
            async with engine(tmp_path, v) as c:
                end, found = state(c, name), rules(c)
        assert (end, found) == ((NEW, ["ARRIVED"]) if arrived else (CANCELED, ["NEVER_ARRIVED"]))
        assert len(v.sent) == 1
        assert len(v.orders) == int(arrived)

    run(work())


def test_a_request_without_an_answer_is_unknown_and_only_the_venue_resolves_it(
    tmp_path: Path,
) -> None:
    async def work() -> None:
        v = Keeper()
        async with engine(tmp_path, v, answer_seconds=0.05) as b:
            v.mute = True
            v.fail_list = ConnectionError("busy")
            name = await sent(b, UNKNOWN)
            assert "UNANSWERED" in rules(b)
            assert b.client.stores.unknown_orders()
            v.fail_list = None
            v.mute = False
            await b.engine.links["V"].audit.agree(settling=False)
            assert await b.until(lambda: b.status(name) is NEW)
            assert [type(r).__name__ for r in v.sent] == ["VenueNew"]

    run(work())


def test_an_order_the_venue_does_not_know_stays_unknown_until_it_counts_as_lost(
    tmp_path: Path,
) -> None:
    async def work() -> None:
        v = Keeper()
        async with engine(
            tmp_path, v, answer_seconds=0.05, reconcile_seconds=0.05, lost_seconds=0.5
        ) as b:
            v.deaf = True
            name = await sent(b, UNKNOWN)
            asked = v.statements
            assert await b.until(lambda: v.statements > asked + 8)
            assert b.status(name) is UNKNOWN
            assert await b.until(lambda: b.status(name) is CANCELED)
            assert "NEVER_ARRIVED" in rules(b)
            assert len(v.sent) == 1

    run(work())


def test_one_that_arrives_late_is_not_given_up(tmp_path: Path) -> None:
    async def work() -> None:
        v = Keeper()
        async with engine(
            tmp_path, v, answer_seconds=0.05, reconcile_seconds=0.05, lost_seconds=30.0
        ) as b:
            v.deaf = True
            name = await sent(b, UNKNOWN)
            v.deaf = False
            v.enter(name)
            assert await b.until(lambda: b.status(name) is NEW)
            assert "ARRIVED" in rules(b)

    run(work())


@pytest.mark.parametrize("done", [True, False])
def test_a_cancel_without_an_answer(tmp_path: Path, done: bool) -> None:
    async def work() -> None:
        v = Keeper()
        async with engine(tmp_path, v, answer_seconds=0.05, reconcile_seconds=0.05) as b:
            name = await sent(b)
            v.mute, v.deaf = True, not done
            b.send(CancelOrder(IDS.next(), name))
            steps = b.client.stores.stories[name]
            assert await b.until(lambda: any(u.order.status is UNKNOWN for u in steps))
            assert await b.until(lambda: b.status(name) is (CANCELED if done else NEW))
            v.mute = v.deaf = False
            if not done:
                b.send(CancelOrder(IDS.next(), name))
                assert await b.until(lambda: b.status(name) is CANCELED)

    run(work())


@pytest.mark.parametrize("done", [True, False])
def test_a_replace_without_an_answer(tmp_path: Path, done: bool) -> None:
    async def work() -> None:
        v = Keeper()
        async with engine(tmp_path, v, answer_seconds=0.05, reconcile_seconds=0.05) as b:
            name = await sent(b)
            v.mute, v.deaf = True, not done
            b.send(ReplaceOrder(IDS.next(), name, 12, 9_990))
            steps = b.client.stores.stories[name]
            assert await b.until(lambda: any(u.order.status is UNKNOWN for u in steps))
            assert await b.until(lambda: b.status(name) is NEW)
            found = b.engine.kernel.order(name)
            assert found is not None
            assert (found.qty, found.price) == ((12, 9_990) if done else (10, 10_000))

    run(work())


def test_a_cancel_of_an_order_in_doubt_that_got_lost_can_be_sent_again(tmp_path: Path) -> None:
    async def work() -> None:
        v = Keeper()
        async with engine(tmp_path, v, answer_seconds=0.05) as b:
            v.mute = True
            v.fail_list = ConnectionError("busy")
            name = await sent(b, UNKNOWN)
            v.deaf = True
            b.send(CancelOrder(IDS.next(), name))
            audit = b.engine.links["V"].audit
            assert await b.until(lambda: len(v.sent) == 2 and not audit._asked)
            assert rules(b) == ["UNANSWERED"], "that it is in doubt was said before"
            v.fail_list = None
            v.mute = v.deaf = False
            await audit.agree(settling=False)
            assert state(b, name) is NEW
            b.send(CancelOrder(IDS.next(), name))
            assert await b.until(lambda: b.status(name) is CANCELED)
            assert v.orders[name].status is CANCELED

    run(work())


@pytest.mark.parametrize("state_told", [LinkState.DOWN, LinkState.CONNECTING])
def test_a_cancel_that_was_sent_into_a_broken_link_can_be_sent_again(
    tmp_path: Path, state_told: LinkState
) -> None:
    async def work() -> None:
        v = Keeper()
        async with engine(tmp_path, v) as b:
            name = await sent(b)
            v.deaf = True
            v.link(state_told, "The link breaks.")
            b.send(CancelOrder(IDS.next(), name))
            assert await b.until(lambda: len(v.sent) == 2)
            v.mend()
            await settled(b)
            assert state(b, name) is NEW
            b.send(CancelOrder(IDS.next(), name))
            assert await b.until(lambda: b.status(name) is CANCELED)
            assert v.orders[name].status is CANCELED

    run(work())


def test_an_order_that_arrived_while_the_link_was_made_anew(tmp_path: Path) -> None:
    """A venue may say that it connects anew without having said that it is down."""

    async def work() -> None:
        v = Keeper()
        async with engine(tmp_path, v) as b:
            v.mute = True
            name = await sent(b, OrdStatus.PENDING_NEW)
            assert await b.until(lambda: v.sent)
            v.link(LinkState.CONNECTING, "Again.")
            v.mend()
            await settled(b)
            assert state(b, name) is NEW
            assert "ARRIVED" in rules(b)

    run(work())


def test_what_is_on_its_way_is_not_compared(tmp_path: Path) -> None:
    async def work() -> None:
        v = Keeper()
        async with engine(tmp_path, v) as b:
            resting = await sent(b)
            v.mute = True
            name = await sent(b, OrdStatus.PENDING_NEW, price=9_990)
            b.send(ReplaceOrder(IDS.next(), resting, 12, 9_991))
            assert await b.until(lambda: len(v.sent) == 3)
            seq = b.engine.kernel.seq
            await b.engine.links["V"].audit.agree(settling=False)
            assert rules(b) == []
            assert state(b, name) is OrdStatus.PENDING_NEW
            assert state(b, resting) is OrdStatus.PENDING_REPLACE
            assert not [o for o in b.engine.kernel.order_updates() if o.seq > seq]
            v.mute = False
            v.tell(name, ExecType.NEW)
            v.tell(resting, ExecType.REPLACED, v.sent[2].request)
            assert await b.until(lambda: b.status(resting) is NEW and b.status(name) is NEW)

    run(work())


def test_what_is_on_its_way_is_not_lost_while_its_answer_may_come(tmp_path: Path) -> None:
    async def work() -> None:
        v = Keeper()
        async with engine(tmp_path, v, lost_seconds=0.01) as b:
            v.deaf = True
            name = await sent(b, OrdStatus.PENDING_NEW)
            assert await b.until(lambda: v.sent)
            audit = b.engine.links["V"].audit
            for _ in range(3):
                await audit.agree(settling=False)
                await asyncio.sleep(0.02)
            assert (state(b, name), rules(b)) == (OrdStatus.PENDING_NEW, [])

    run(work())


def test_a_word_that_it_waits_is_no_answer(tmp_path: Path) -> None:
    async def work() -> None:
        v = Keeper()
        async with engine(tmp_path, v, answer_seconds=0.05) as b:
            v.mute = v.deaf = True
            v.fail_list = ConnectionError("busy")
            new = order()
            b.send(new)
            assert await b.until(lambda: v.sent)
            v.report(v.sent[0].order, ExecType.PENDING_NEW, OrdStatus.PENDING_NEW)
            assert await b.until(lambda: b.status(new.cl_ord_id) is UNKNOWN)

    run(work())


def test_only_a_refusal_is_a_reject(tmp_path: Path) -> None:
    async def work() -> None:
        v = Keeper()
        async with engine(tmp_path, v) as b:
            v.deaf = True
            new = order()
            b.send(new)
            assert await b.until(lambda: v.sent)
            v.enter(new.cl_ord_id)
            v.change(new.cl_ord_id, status=REJECTED)
            v.tell(new.cl_ord_id, ExecType.REJECTED)
            assert await b.until(lambda: b.status(new.cl_ord_id) is REJECTED)

    run(work())
