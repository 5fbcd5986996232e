"""While it runs: when books are compared, and what a comparison must not do."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import msgspec
import pytest

from core.model.commands import CancelOrder, NewOrderList, ReplaceOrder
from core.model.enums import Contingency, ExecType, LinkState, OrdStatus, Side
from core.model.events import ExecutionReport
from tests.core.services.comparing import (
    CANCELED,
    FILLED,
    NEW,
    engine,
    full_disk,
    notional,
    position,
    rules,
    run,
    sent,
    settled,
    state,
)
from tests.core.services.helpers import IDS, Bench, ScriptedVenue, order
from tests.core.services.keeper import ALL, Keeper

HOUR = 3_600 * 10**9


def test_a_fill_that_the_end_of_its_order_tells_of_is_asked_for_at_once(tmp_path: Path) -> None:
    """Not when the timer comes round: half a minute is long with a position nobody knows of."""

    async def work() -> None:
        v = Keeper()
        async with engine(tmp_path, v, reconcile_seconds=1_000.0) as b:
            name = await sent(b)
            v.mute = True
            v.trade(name, 4, 10_000)
            v.mute = False
            v.change(name, status=CANCELED)
            v.tell(name, ExecType.CANCELED)
            assert await b.until(lambda: position(b) == 4)
            assert rules(b) == ["MISSED_FILL"]

    run(work())


def test_there_is_one_comparison_at_a_time(tmp_path: Path) -> None:
    async def work() -> None:
        v = Keeper()
        async with engine(tmp_path, v) as b:
            link, before = b.engine.links["V"], v.statements
            for _ in range(3):
                link.compare()
            assert await b.until(lambda: v.statements > before and link._task is None)
            assert v.statements == before + 1

    run(work())


def test_a_comparison_that_a_break_cut_short_changes_nothing(tmp_path: Path) -> None:
    async def work() -> None:
        v = Keeper()
        async with engine(tmp_path, v) as b:
            link = b.engine.links["V"]
            link.compare()
            task = link._task
            v.cut()
            link.compare()
            assert link._task is None, "nothing is compared while the link is down"
            assert task is not None
            await asyncio.wait([task])
            assert task.cancelled()
            assert not link.settled

    run(work())


@pytest.mark.parametrize("differs", [False, True])
def test_executions_are_asked_for_by_the_venues_clock_while_it_runs(
    tmp_path: Path, differs: bool
) -> None:
    """And from before the last comparison on, when that left something open."""

    async def work() -> None:
        v = Keeper()
        later = 0
        v.clock = lambda: time.time_ns() - HOUR + later
        async with engine(tmp_path, v) as b:
            audit = b.engine.links["V"].audit
            if differs:
                v.held["PAPER-1", "ABC.V"] = 5  # too new to be believed
            later = HOUR // 2
            await audit.agree(settling=False)
            assert audit.waiting == differs
            assert (audit.told_at == 0) == differs
            await audit.agree(settling=False)
            from_here = v.clock() - v.since[-1] - 300 * 10**9
            assert (HOUR // 2 <= from_here < HOUR) if differs else (from_here < HOUR // 60)
            v.mute = True
            v.enter("", Side.SELL, 4, 10_001, order_id="elsewhere")
            v.trade("V:elsewhere", 4, 10_001)
            v.orders.pop("V:elsewhere")
            await audit.agree(settling=False)
            assert position(b) == -4

    run(work())


def test_what_was_asked_before_a_break_is_not_unanswered_after_it(tmp_path: Path) -> None:
    """The comparison has told what became of it; it is not overdue any more."""

    async def work() -> None:
        v = Keeper()
        async with engine(tmp_path, v, answer_seconds=0.05) as b:
            name = await sent(b)
            link = b.engine.links["V"]
            link._timer.stop()
            v.mute = True
            b.engine.submit(order(name="T-1"))
            assert await b.until(lambda: len(v.sent) == 2)
            v.cut()
            v.mend()
            assert await b.until(lambda: link.settled)
            assert (state(b, name), state(b, "T-1")) == (NEW, NEW)
            v.deaf = True
            await asyncio.sleep(0.06)
            assert not link.audit.overdue()
            assert rules(b) == ["ARRIVED"]

    run(work())


def test_what_was_answered_is_not_waited_for(tmp_path: Path) -> None:
    async def work() -> None:
        v = Keeper()
        async with engine(tmp_path, v) as b:
            asked = b.engine.links["V"].audit._asked
            name = await sent(b)
            assert asked == {}
            b.send(ReplaceOrder(IDS.next(), name, 12, 9_990))
            assert await b.until(lambda: b.engine.kernel.order(name).qty == 12)
            assert asked == {}
            v.change(name, status=FILLED)  # so that it refuses
            b.send(CancelOrder("too late", name))
            assert await b.until(lambda: len(v.sent) == 3)
            assert asked == {}
            v.change(name, status=NEW)
            b.send(CancelOrder(IDS.next(), name))
            assert await b.until(lambda: b.status(name) is CANCELED)
            assert asked == {}

    run(work())


def test_a_cancel_that_comes_too_late_has_the_fill_asked_for(tmp_path: Path) -> None:
    async def work() -> None:
        v = Keeper()
        async with engine(tmp_path, v, reconcile_seconds=1_000.0) as b:
            name = await sent(b)
            v.mute = True
            v.trade(name, 10, 10_000)
            v.mute = False
            b.send(CancelOrder(IDS.next(), name))
            assert await b.until(lambda: position(b) == 10)
            assert (rules(b), state(b, name)) == (["MISSED_FILL"], FILLED)

    run(work())


def test_a_venue_that_lists_no_executions_is_asked_about_orders_that_ended(tmp_path: Path) -> None:
    async def work() -> None:
        v = Keeper(offers=frozenset({"asked"}))
        async with engine(tmp_path, v, reconcile_seconds=1_000.0, answer_seconds=0.05) as b:
            name = await sent(b)
            v.mute = True
            v.trade(name, 4, 9_999)
            v.mute = False
            v.change(name, status=CANCELED)
            v.tell(name, ExecType.CANCELED)
            assert await b.until(lambda: position(b) == 4)
            assert rules(b) == ["MISSED_FILL_SYNTHETIC"]
            assert notional(b, name) == v.orders[name].notional

    run(work())


def test_executions_that_are_listed_later_take_the_place_of_those_made_here(
    tmp_path: Path,
) -> None:
    async def work() -> None:
        v = Keeper(offers=frozenset({"asked"}))
        async with engine(tmp_path, v) as b:
            name = await sent(b)
            v.cut()
            v.trade(name, 4, 9_999)
            v.trade(name, 3, 10_000)
            v.mend()
            await settled(b)
            assert position(b) == 7
            v.offers = ALL
            audit = b.engine.links["V"].audit
            audit._since -= HOUR
            await audit.agree(settling=True)
            assert (position(b), notional(b, name)) == (7, v.orders[name].notional)
            counted = b.engine.kernel.counted
            assert all(counted("V", told.exec_id) for told in v.executions)

    run(work())


def test_an_execution_that_is_booked_takes_no_others_place(tmp_path: Path) -> None:
    """It is told again by a venue that says nothing of totals."""

    async def work() -> None:
        v = Keeper(offers=frozenset({"asked"}))
        async with engine(tmp_path, v) as b:
            name = await sent(b)
            told = v.trade(name, 4, 9_999)
            assert await b.until(lambda: position(b) == 4)
            v.cut()
            v.trade(name, 3, 10_000)
            v.mend()
            await settled(b)
            assert position(b) == 7
            v.say(msgspec.structs.replace(told, cum_qty=0))
            await b.engine.links["V"].audit.agree(settling=False)
            assert (position(b), rules(b)) == (7, ["MISSED_FILL_SYNTHETIC"])

    run(work())


def test_a_fill_without_an_execution_is_waited_for_before_one_is_made_here(tmp_path: Path) -> None:
    async def work() -> None:
        v = Keeper(offers=frozenset({"asked"}))
        async with engine(tmp_path, v) as b:
            name = await sent(b)
            v.mute = True
            told = v.trade(name, 4, 9_999)
            audit = b.engine.links["V"].audit
            await audit.agree(settling=False)
            assert (position(b), rules(b), audit.waiting) == (0, [], True)
            v.mute = False
            v.say(told)
            await audit.agree(settling=False)
            assert (position(b), rules(b), audit.waiting) == (4, [], False)

    run(work())


@pytest.mark.parametrize(
    ("kind", "found"), [(object, ["MISSED_FILL"]), (ExecutionReport, [])], ids=["any", "reports"]
)
def test_what_cannot_be_put_on_record_is_not_compared_and_not_doubled(
    tmp_path: Path, kind: type, found: list[str]
) -> None:
    """Where only reports find no room, the missing execution waits, and none is made for it."""

    async def work() -> None:
        v = Keeper()
        async with engine(tmp_path, v) as b:
            name = await sent(b)
            v.cut()
            v.trade(name, 10, 9_999)
            with full_disk(b, kind):
                asked = v.statements
                v.mend()
                assert await b.until(lambda: v.statements > asked + 4)
                assert b.engine.path.halted
                assert not b.engine.links["V"].settled
                assert rules(b) == []
            await settled(b)
            assert (position(b), state(b, name), rules(b)) == (10, FILLED, found)
            assert [f.exec_id for f in b.engine.kernel.fills()] == [v.executions[0].exec_id]

    run(work())


@pytest.mark.parametrize("named", [False, True], ids=["under no id", "under the execution's"])
def test_an_execution_that_was_taken_back_while_we_were_away(tmp_path: Path, named: bool) -> None:
    async def work() -> None:
        v = Keeper()
        async with engine(tmp_path, v) as b:
            name = await sent(b)
            told = v.trade(name, 4, 9_999)
            assert await b.until(lambda: position(b) == 4)
            v.cut()
            v.executions.append(
                msgspec.structs.replace(
                    told,
                    exec_type=ExecType.TRADE_CANCEL,
                    exec_id=told.exec_id if named else "",
                    exec_ref=told.exec_id,
                )
            )
            v.change(name, cum_qty=0, notional=0, status=NEW)
            v.held.clear()
            v.mend()
            await settled(b)
            assert (position(b), notional(b, name), rules(b)) == (0, 0, ["MISSED_FILL"])
            seq = b.engine.kernel.seq
            await b.engine.links["V"].audit.agree(settling=True)
            assert (position(b), b.engine.kernel.fills()[2:]) == (0, [])
            assert b.engine.kernel.seq - seq < 10

    run(work())


def test_an_order_without_an_id_of_ours_ends_by_the_venues_word(tmp_path: Path) -> None:
    async def work() -> None:
        v = Keeper()
        v.enter("", order_id="elsewhere")
        async with engine(tmp_path, v) as b:
            assert state(b, "V:elsewhere") is NEW
            v.change("V:elsewhere", status=CANCELED)
            v.tell("V:elsewhere", ExecType.CANCELED)
            assert await b.until(lambda: state(b, "V:elsewhere") is CANCELED)

    run(work())


async def test_a_list_waits_for_the_comparison_with_each_of_its_venues(tmp_path: Path) -> None:
    one, two = ScriptedVenue("V"), ScriptedVenue("W")
    async with Bench(tmp_path, one, two) as b:
        one.quote()
        two.quote()
        two.fail_list = OSError("not now")
        two.link(LinkState.DOWN)
        two.link(LinkState.UP)
        first, second = order(name="T-1"), order(name="T-2", instrument="ABC.W")
        b.send(NewOrderList(IDS.next(), Contingency.OTO, (first, second)))
        assert await b.until(lambda: b.status("T-1") is OrdStatus.REJECTED)
        assert b.client.stores.orders["T-1"].code == "STREAM_RECONCILING"
        assert b.status("T-2") is OrdStatus.REJECTED
        assert one.sent == []
