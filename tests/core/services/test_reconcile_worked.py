"""Orders that the engine works by itself, compared with what their venue says of them."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec
import pytest

from core.model.commands import CancelOrder
from core.model.enums import ExecType, OrdType, Side
from core.model.market import Trade
from core.services.rules import RULES
from tests.core.services.comparing import (
    CANCELED,
    NEW,
    PART,
    UNKNOWN,
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
from tests.core.services.helpers import IDS, Bench
from tests.core.services.keeper import ALL, Keeper

SILENT = ALL - {"executions"}


@pytest.mark.parametrize("restart", [False, True], ids=["reconnect", "restart"])
def test_a_missed_fill_of_a_slice_is_booked_for_what_was_paid(
    tmp_path: Path, restart: bool
) -> None:
    """Its venue tells the worth of the slice; part of it, and other slices, are booked already."""

    async def before(b: Bench, v: Keeper) -> str:
        name = await sent(b, display_qty=4)
        v.trade(f"{name}/1", 4, 10_000)
        assert await b.until(lambda: f"{name}/2" in v.orders)
        v.trade(f"{name}/2", 2, 10_000)
        assert await b.until(lambda: position(b) == 6)
        v.cut()
        v.trade(f"{name}/2", 1, 9_990)
        return name

    def after(b: Bench, v: Keeper, name: str) -> None:
        assert rules(b) == ["MISSED_FILL_SYNTHETIC"]
        assert (state(b, name), position(b)) == (PART, 7)
        assert notional(b, name) == sum(o.notional for o in v.orders.values()) == 69_990

    async def work() -> None:
        v = Keeper(offers=SILENT)
        async with engine(tmp_path, v) as b:
            name = await before(b, v)
            if not restart:
                v.mend()
                await settled(b)
                after(b, v, name)
        if restart:
            v.mute = v.deaf = False
            async with engine(tmp_path, v) as c:
                after(c, v, name)

    run(work())


def test_a_missed_fill_of_a_stop_that_went_out_is_booked_for_what_was_paid(tmp_path: Path) -> None:
    """At its venue it is a market order, here still the stop that it was."""

    async def work() -> None:
        v = Keeper(offers=SILENT)
        async with engine(tmp_path, v) as b:
            name = await sent(b, side=Side.SELL, ord_type=OrdType.STOP, price=0, stop_price=9_950)
            assert await b.until(lambda: b.engine.feed.watching)
            now = time.time_ns()
            v.market(Trade("ABC.V", now, now, 9_950, 1, 2))
            assert await b.until(lambda: name in v.orders)
            v.trade(name, 2, 9_950)
            assert await b.until(lambda: position(b) == -2)
            v.cut()
            v.trade(name, 3, 9_900)
            v.mend()
            await settled(b)
            assert (rules(b), position(b)) == (["MISSED_FILL_SYNTHETIC"], -5)
            assert notional(b, name) == v.orders[name].notional

    run(work())


def test_a_slice_that_works_there_beside_the_one_that_followed_it_is_shown(tmp_path: Path) -> None:
    """An execution of it was taken back, and the venue works it on: together they may buy more
    than was ordered."""

    async def work() -> None:
        v = Keeper()
        async with engine(tmp_path, v) as b:
            name = await sent(b, display_qty=4)
            old = f"{name}/1"
            v.trade(old, 1, 10_000)
            told = v.trade(old, 3, 10_000)
            assert await b.until(lambda: f"{name}/2" in v.orders)
            v.executions.remove(told)
            v.held["PAPER-1", "ABC.V"] -= 3
            v.change(old, cum_qty=1, notional=10_000, status=PART)
            taken = v.report_of(old, ExecType.TRADE_CANCEL, "", "bust", 3, 10_000)
            v.say(msgspec.structs.replace(taken, exec_ref=told.exec_id))
            assert await b.until(lambda: position(b) == 1)
            await b.engine.links["V"].audit.agree(settling=True)
            [found] = differences(b)
            assert (found.rule, found.subject, found.stands) == ("WORKS_THERE", old, True)
            assert "1 of 4 filled" in found.theirs
            assert "slice" in RULES[found.rule].when
            assert state(b, name) is PART, "the order itself goes on"
            v.change(old, status=CANCELED)
            await b.engine.links["V"].audit.agree(settling=True)
            assert rules(b) == ["STATE_DIFFERS", "WORKS_THERE"]
            assert not any(d.stands for d in differences(b))
            assert state(b, name) is PART
            b.send(CancelOrder(IDS.next(), name))
            assert await b.until(lambda: b.status(name) is CANCELED)
            assert v.orders[f"{name}/2"].status is CANCELED

    run(work())


@pytest.mark.parametrize("ended", [False, True], ids=["works", "over"])
@pytest.mark.parametrize("restart", [False, True], ids=["reconnect", "restart"])
def test_what_a_slice_traded_that_others_followed_is_booked(
    tmp_path: Path, restart: bool, ended: bool
) -> None:
    """Its venue took an execution back and works it on; what it trades then is not heard of."""

    async def work() -> None:
        v = Keeper(offers=SILENT)
        async with engine(tmp_path, v) as b:
            name = await sent(b, display_qty=4)
            old = f"{name}/1"
            told = v.trade(old, 4, 10_000)
            assert await b.until(lambda: f"{name}/2" in v.orders)
            v.held["PAPER-1", "ABC.V"] -= 4
            v.change(old, cum_qty=0, notional=0, status=NEW)
            taken = v.report_of(old, ExecType.TRADE_CANCEL, "", "bust", 4, 10_000)
            v.say(msgspec.structs.replace(taken, exec_ref=told.exec_id))
            assert await b.until(lambda: position(b) == 0)
            v.cut()
            v.trade(old, 3, 9_990)
            if ended:
                v.change(old, status=CANCELED)
            if not restart:
                v.mend()
                await settled(b)
                after(b, v, name, ended)
        if restart:
            v.mute = v.deaf = False
            async with engine(tmp_path, v) as c:
                after(c, v, name, ended)

    def after(b: Bench, v: Keeper, name: str, ended: bool) -> None:
        assert rules(b) == ["MISSED_FILL_SYNTHETIC", "STATE_DIFFERS" if ended else "WORKS_THERE"]
        assert (state(b, name), position(b), notional(b, name)) == (PART, 3, 29_970)
        left = {o.cl_ord_id: o.qty - o.cum_qty for o in b.engine.kernel.left_behind()}
        assert left == ({} if ended else {f"{name}/1": 1})

    run(work())


def test_a_slice_without_an_answer_is_unknown_until_its_venue_says(tmp_path: Path) -> None:
    async def work() -> None:
        v = Keeper()
        async with engine(tmp_path, v, answer_seconds=0.05) as b:
            name = await sent(b, display_qty=4)
            v.before_send = lambda _: setattr(v, "mute", True)
            told = v.trade(f"{name}/1", 4, 10_000)
            assert told.last_qty == 4
            assert await b.until(lambda: b.status(name) is UNKNOWN)
            assert await b.until(lambda: b.status(name) is PART)
            assert rules(b) == ["ARRIVED", "UNANSWERED"]
            assert list(v.orders) == [f"{name}/1", f"{name}/2"], "nothing was sent again"

    run(work())


def test_an_order_that_is_held_here_and_works_there_is_shown(tmp_path: Path) -> None:
    """It was not sent: whoever sent it there, it would be traded twice."""

    async def work() -> None:
        v = Keeper()
        async with engine(tmp_path, v) as b:
            name = await sent(b, side=Side.SELL, ord_type=OrdType.STOP, price=0, stop_price=9_950)
            v.enter(name, Side.SELL, 10, 9_990)
            await b.engine.links["V"].audit.agree(settling=True)
            [found] = differences(b)
            assert (found.rule, found.subject, found.stands) == ("WORKS_THERE", name, True)
            assert state(b, name) is NEW
            assert b.client.stores.orders[name].held

    run(work())
