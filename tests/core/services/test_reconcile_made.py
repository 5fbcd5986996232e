"""Executions made here for what a venue does not list, at exact prices and never twice."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from core.model.enums import ExecType, OrdStatus
from core.model.events import VenueStatement
from tests.core.services.comparing import (
    CANCELED,
    NEW,
    differences,
    engine,
    notional,
    position,
    rules,
    run,
    sent,
    settled,
    state,
)
from tests.core.services.keeper import Keeper

ASKED = frozenset({"asked"})


def test_one_after_others_makes_the_whole_average_exact(tmp_path: Path) -> None:
    async def work() -> None:
        v = Keeper(offers=ASKED)
        async with engine(tmp_path, v) as b:
            name = await sent(b)
            v.trade(name, 4, 9_990)
            assert await b.until(lambda: position(b) == 4)
            v.cut()
            v.trade(name, 3, 9_998)
            v.mend()
            await settled(b)
            assert (position(b), notional(b, name)) == (7, 4 * 9_990 + 3 * 9_998)

    run(work())


def test_what_a_late_execution_leaves_open_is_looked_for_at_once(tmp_path: Path) -> None:
    async def work() -> None:
        v = Keeper(offers=ASKED)
        async with engine(tmp_path, v, reconcile_seconds=1_000.0, answer_seconds=0.05) as b:
            name = await sent(b)
            v.cut()
            first = v.trade(name, 4, 10_000)
            v.trade(name, 2, 10_000)
            v.mend()
            await settled(b)
            assert position(b) == 6
            v.say(first)
            assert await b.until(lambda: "LATE_EXECUTION" in rules(b))
            assert await b.until(lambda: position(b) == 6)

    run(work())


def test_one_that_was_taken_back_is_not_taken_back_again_after_a_restart(tmp_path: Path) -> None:
    async def work() -> None:
        v = Keeper(offers=ASKED)
        async with engine(tmp_path, v) as b:
            name = await sent(b)
            v.cut()
            first, last = v.trade(name, 4, 10_000), v.trade(name, 6, 10_000)
            v.mend()
            await settled(b)
            assert position(b) == 10
            v.say(first)
            assert await b.until(lambda: "LATE_EXECUTION" in rules(b))
            assert await b.until(lambda: position(b) == 4)
        async with engine(tmp_path, v) as c:
            v.say(last)
            assert await c.until(lambda: position(c) == 10)
            assert notional(c, name) == v.orders[name].notional
            assert "still hold the first version" not in c.notices()

    run(work())


@pytest.mark.parametrize("restart", [False, True], ids=["at once", "restart"])
@pytest.mark.parametrize("shown", [0, 4], ids=["whole", "slices"])
def test_fills_missed_of_an_order_that_was_canceled_are_found(
    tmp_path: Path, shown: int, restart: bool
) -> None:
    """Its venue told how much was filled when it ended; a crash may come before it is asked."""

    async def work() -> None:
        v = Keeper(offers=ASKED)
        async with engine(tmp_path, v) as b:
            name = await sent(b, display_qty=shown)
            there, before = name, 0
            if shown:
                v.trade(f"{name}/1", 4, 10_000)
                there, before = f"{name}/2", 4
                assert await b.until(lambda: there in v.orders)
                assert await b.until(lambda: position(b) == 4)
            v.mute = True
            v.trade(there, 3, 9_990)
            v.mute = False
            link = b.engine.links["V"]
            if restart:
                link.compare = lambda: None  # type: ignore[method-assign]
            v.change(there, status=CANCELED)
            v.tell(there, ExecType.CANCELED)
            assert await b.until(lambda: b.status(name) is CANCELED)
            if not restart:
                await link.audit.agree(settling=True)
                assert rules(b) == ["MISSED_FILL_SYNTHETIC"]
                assert position(b) == before + 3
        async with engine(tmp_path, v) as c:
            assert (state(c, name), position(c)) == (CANCELED, before + 3)
            assert notional(c, name) == sum(o.notional for o in v.orders.values())
            asked = v.statements
            await c.engine.links["V"].audit.agree(settling=True)
            assert rules(c) == (["MISSED_FILL_SYNTHETIC"] if restart else [])
            assert v.statements == asked + 1, "nothing is left to look for"

    run(work())


def test_a_correction_of_what_was_never_heard_is_not_said_to_be_booked(tmp_path: Path) -> None:
    """Its venue lists the corrected execution alone; what it amounts to is made here."""

    async def work() -> None:
        v = Keeper()
        async with engine(tmp_path, v) as b:
            name = await sent(b)
            v.cut()
            told = v.trade(name, 4, 10_000)
            now = v.report_of(name, ExecType.TRADE_CORRECT, "", "now", 4, 9_999)
            v.executions[:] = [msgspec.structs.replace(now, exec_ref=told.exec_id)]
            v.change(name, notional=4 * 9_999)
            v.mend()
            await settled(b)
            assert (position(b), notional(b, name)) == (4, 4 * 9_999)
            found = {d.rule: d for d in differences(b)}
            assert set(found) == {"MISSED_FILL", "MISSED_FILL_SYNTHETIC"}
            assert found["MISSED_FILL"].stands
            assert "Not booked" in found["MISSED_FILL"].done

    run(work())


def test_an_execution_that_is_listed_after_it_was_taken_back_is_not_booked(tmp_path: Path) -> None:
    async def work() -> None:
        v = Keeper()
        async with engine(tmp_path, v) as b:
            name = await sent(b)
            v.cut()
            told = v.trade(name, 4, 10_000)
            v.change(name, cum_qty=0, notional=0, status=NEW)
            v.held.clear()
            back = v.report_of(name, ExecType.TRADE_CANCEL, "", "back", 4, 10_000)
            v.executions.insert(0, msgspec.structs.replace(back, exec_ref=told.exec_id))
            v.mend()
            await settled(b)
            assert (position(b), state(b, name)) == (0, NEW)
            assert not any(d.stands for d in differences(b))
            assert "came after" not in b.notices()
            assert b.engine.kernel.fills() == []

    run(work())


def test_what_ends_while_its_venue_answers_is_asked_for_next(tmp_path: Path) -> None:
    """It was not asked for in that question; it has to be in the next one."""

    async def work() -> None:
        v = Keeper(offers=ASKED)
        async with engine(tmp_path, v, reconcile_seconds=1_000.0, answer_seconds=0.05) as b:
            name, link = await sent(b), b.engine.links["V"]
            answer = v.statement

            async def late(since: int, orders: Sequence[str]) -> VenueStatement:
                if v.orders[name].status is not CANCELED:
                    v.mute = True
                    v.trade(name, 3, 10_000)
                    v.mute = False
                    v.change(name, status=CANCELED)
                    v.tell(name, ExecType.CANCELED)
                    link._look()
                return await answer(since, orders)

            v.statement = late  # type: ignore[method-assign]
            link.compare()
            assert await b.until(lambda: position(b) == 3)
            assert rules(b) == ["MISSED_FILL_SYNTHETIC"]

    run(work())


def test_executions_that_are_listed_again_under_other_ids_are_not_booked_again(
    tmp_path: Path,
) -> None:
    """What its venue says is filled of the order is in the books already."""

    async def work() -> None:
        v = Keeper()
        async with engine(tmp_path, v) as b:
            name = await sent(b)
            v.trade(name, 3, 10_000)
            assert await b.until(lambda: position(b) == 3)
            v.cut()
            [told] = v.executions
            v.executions[:] = [msgspec.structs.replace(told, exec_id="again")]
            v.mend()
            await settled(b)
            assert position(b) == 3
            [found] = differences(b)
            assert (found.rule, found.subject, found.stands) == ("TOLD_TWICE", "again", True)
            v.trade(name, 2, 10_000)
            assert await b.until(lambda: position(b) == 5)

    run(work())


@pytest.mark.parametrize("status", [OrdStatus.SUSPENDED, OrdStatus.DONE_FOR_DAY])
def test_an_order_that_works_again_is_shown_so(tmp_path: Path, status: OrdStatus) -> None:
    async def work() -> None:
        v = Keeper()
        async with engine(tmp_path, v) as b:
            name = await sent(b)
            v.change(name, status=status)
            await b.engine.links["V"].audit.agree(settling=True)
            assert state(b, name) is status
            v.cut()
            v.change(name, status=NEW)
            v.mend()
            await settled(b)
            assert (state(b, name), rules(b)) == (NEW, ["STATE_DIFFERS"])

    run(work())
