"""Our books against a venue's: every kind of difference under its rule, at a start, after a cut and
while it runs. The scenarios are those that live engines are known to meet."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from core.journal.reader import NO_END, replay
from core.model.commands import AdjustPosition, CancelOrder, Flatten, ReplaceOrder
from core.model.enums import (
    ExecType,
    LinkState,
    OrdStatus,
    OrdType,
    Side,
    Source,
    TimeInForce,
)
from core.model.events import Difference, VenueBalance
from core.services.config import EngineConfig, load_config
from core.services.recovery import check_replay
from core.services.rules import RULES
from core.storage.rows import Rows
from tests.core.services.helpers import IDS, Bench, order
from tests.core.services.keeper import ALL, Keeper

Story = Callable[[Bench, Keeper], Awaitable[None]]
NEW, PART, FILLED = OrdStatus.NEW, OrdStatus.PARTIALLY_FILLED, OrdStatus.FILLED
CANCELED, UNKNOWN, REJECTED = OrdStatus.CANCELED, OrdStatus.UNKNOWN, OrdStatus.REJECTED


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.services.audit.BETWEEN", 0.005)
    monkeypatch.setattr("core.services.link._RETRY", 0.02)
    monkeypatch.setattr("core.services.link._LOOK_SECONDS", 0.02)


def settings(home: Path, **terms: float) -> EngineConfig:
    given = {"reconcile_seconds": 0.0, "answer_seconds": 60.0, "lost_seconds": 60.0} | terms
    return msgspec.structs.replace(load_config(None, home), **given)


@asynccontextmanager
async def engine(home: Path, venue: Keeper, **terms: float) -> AsyncIterator[Bench]:
    async with Bench(home, venue, config=settings(home, **terms)) as b:
        assert await b.until(lambda: b.engine.links["V"].settled)
        venue.quote()
        yield b


def run(work: Awaitable[None]) -> None:
    async def go() -> None:
        await work

    asyncio.run(go())


def differences(b: Bench) -> list[Difference]:
    return list(b.engine.records.differences.values())


def rules(b: Bench) -> list[str]:
    return sorted(d.rule for d in differences(b))


async def sent(b: Bench, status: OrdStatus = NEW, **terms: Any) -> str:
    new = order(**terms)
    b.send(new)
    assert await b.until(lambda: b.status(new.cl_ord_id) is status)
    return new.cl_ord_id


async def settled(b: Bench) -> None:
    assert await b.until(lambda: b.engine.links["V"].settled, 10.0)
    b.client.poll()


def position(b: Bench, instrument: str = "ABC.V") -> int:
    held = b.engine.kernel.positions()
    return sum(p.qty for p in held if p.instrument == instrument and not p.strategy)


def notional(b: Bench, name: str) -> int:
    found = b.engine.kernel.order(name)
    assert found is not None
    return found.notional


def state(b: Bench, name: str) -> OrdStatus:
    found = b.engine.kernel.order(name)
    assert found is not None
    return found.status


def books(b: Bench) -> tuple[object, ...]:
    """Everything but the time."""
    kernel = b.engine.kernel
    return (
        [u.order for u in kernel.order_updates()],
        kernel.fills(),
        [msgspec.structs.replace(p, seq=0, ts=0) for p in kernel.positions()],
        [msgspec.structs.replace(a, seq=0, ts=0) for a in kernel.accounts()],
    )


# -- what happens while the link is cut: one story, one rule, the state that must follow ------

Case = tuple[Callable[[Keeper, str], object], list[str], OrdStatus, int]


def _fill(qty: int) -> Callable[[Keeper, str], object]:
    return lambda v, name: v.trade(name, qty, 9_999)


def _fill_and_cancel(v: Keeper, name: str) -> None:
    v.trade(name, 4, 9_999)
    v.change(name, status=CANCELED)


def _two_fills(v: Keeper, name: str) -> None:
    v.trade(name, 4, 9_999)
    v.trade(name, 3, 10_000)


def _became(status: OrdStatus) -> Callable[[Keeper, str], object]:
    return lambda v, name: v.change(name, status=status)


CUT: dict[str, Case] = {
    "nothing": (lambda v, n: None, [], NEW, 0),
    "missed fill": (_fill(4), ["MISSED_FILL"], PART, 4),
    "missed last fill": (_fill(10), ["MISSED_FILL"], FILLED, 10),
    "multiple fills": (_two_fills, ["MISSED_FILL", "MISSED_FILL"], PART, 7),
    "partly filled, then canceled": (
        _fill_and_cancel,
        ["MISSED_FILL", "STATE_DIFFERS"],
        CANCELED,
        4,
    ),
    "canceled": (_became(CANCELED), ["STATE_DIFFERS"], CANCELED, 0),
    "expired": (_became(OrdStatus.EXPIRED), ["STATE_DIFFERS"], OrdStatus.EXPIRED, 0),
    "rejected after all": (_became(REJECTED), ["STATE_DIFFERS"], REJECTED, 0),
    "suspended": (_became(OrdStatus.SUSPENDED), ["STATE_DIFFERS"], OrdStatus.SUSPENDED, 0),
    "done for day": (
        _became(OrdStatus.DONE_FOR_DAY),
        ["STATE_DIFFERS"],
        OrdStatus.DONE_FOR_DAY,
        0,
    ),
    "lost by the venue": (lambda v, n: v.forget(), ["LOST_ORDER"], CANCELED, 0),
    "repriced": (lambda v, n: v.change(n, price=9_990), ["RESTATED"], NEW, 0),
    "resized": (lambda v, n: v.change(n, qty=6), ["RESTATED"], NEW, 0),
}


@pytest.mark.parametrize("case", CUT.values(), ids=CUT.keys())
@pytest.mark.parametrize("restart", [False, True], ids=["reconnect", "restart"])
def test_what_happened_while_we_were_away(tmp_path: Path, case: Case, restart: bool) -> None:
    happens, expected, status, filled = case

    async def look(b: Bench, v: Keeper, name: str) -> None:
        assert rules(b) == expected
        assert all(d.ours and d.theirs and d.done for d in differences(b))
        found = b.engine.kernel.order(name)
        assert found is not None
        assert (found.status, found.cum_qty) == (status, filled)
        if not found.status.terminal:
            assert (found.price, found.qty) == (v.orders[name].price, v.orders[name].qty)
        assert position(b) == filled == sum(v.held.values())
        if filled:
            assert notional(b, name) == v.orders[name].notional
            assert found.fees == Decimal("0.25") * len(v.executions)
        before = books(b)
        await b.engine.links["V"].audit.agree(settling=True)
        assert books(b) == before, "the second time there is nothing to do"

    async def work() -> None:
        v = Keeper()
        async with engine(tmp_path, v) as b:
            name = await sent(b)
            v.cut()
            assert await b.until(lambda: b.client.stores.down_links())
            happens(v, name)
            if not restart:
                v.mend()
                await settled(b)
                await look(b, v, name)
        if restart:
            v.mute = v.deaf = False
            async with engine(tmp_path, v) as c:
                await look(c, v, name)
        assert [type(r).__name__ for r in v.sent] == ["VenueNew"], "nothing was sent again"
        assert check_replay(tmp_path / "journal", from_snapshot=False).digest == (
            (c if restart else b).engine.kernel.digest()
        )

    run(work())


@pytest.mark.parametrize("offers", [frozenset({"asked", "positions"}), frozenset({"asked"})])
@pytest.mark.parametrize(
    ("fills", "cum"),
    [([(4, 9_999)], 4), ([(3, 9_998), (4, 10_000)], 7), ([(1, 9_999), (9, 10_000)], 10)],
)
def test_fills_that_no_execution_tells_of_are_made_here_at_the_exact_average(
    tmp_path: Path, offers: frozenset[str], fills: list[tuple[int, int]], cum: int
) -> None:
    async def work() -> None:
        v = Keeper(offers=offers)
        async with engine(tmp_path, v) as b:
            name = await sent(b)
            v.cut()
            for qty, price in fills:
                v.trade(name, qty, price)
            v.mend()
            await settled(b)
            assert rules(b) == ["MISSED_FILL_SYNTHETIC"]
            assert notional(b, name) == v.orders[name].notional
            assert position(b) == cum
            assert state(b, name) is (FILLED if cum == 10 else PART)
            ids = [f.exec_id for f in b.engine.kernel.fills()]
            assert ids[0].startswith(f"reconcile/{name}/0-")
            assert ids[-1].endswith(f"-{cum}")
            before = books(b)
            await b.engine.links["V"].audit.agree(settling=True)
            assert books(b) == before
        async with engine(tmp_path, v) as c:
            assert position(c) == cum
            assert rules(c) == []

    run(work())


@pytest.mark.parametrize("told_average", [True, False])
def test_without_an_average_the_orders_own_price_is_taken(
    tmp_path: Path, told_average: bool
) -> None:
    async def work() -> None:
        v = Keeper(offers=frozenset({"asked"}))
        async with engine(tmp_path, v) as b:
            name = await sent(b)
            v.cut()
            v.trade(name, 10, 9_950)
            if not told_average:
                v.change(name, notional=0)
            v.mend()
            await settled(b)
            assert notional(b, name) == 10 * (9_950 if told_average else 10_000)

    run(work())


@pytest.mark.parametrize("says_total", [True, False])
def test_a_late_execution_takes_the_place_of_the_one_made_here(
    tmp_path: Path, says_total: bool
) -> None:
    """The fill is reconciled before its report comes: it must not count twice."""

    async def work() -> None:
        v = Keeper(offers=frozenset({"asked"}))
        async with engine(tmp_path, v) as b:
            name = await sent(b)
            v.cut()
            told = v.trade(name, 4, 9_998)
            v.change(name, notional=0)
            v.mend()
            await settled(b)
            assert (position(b), notional(b, name)) == (4, 40_000)
            late = told if says_total else msgspec.structs.replace(told, cum_qty=0)
            v.events(late)
            v.events(late)
            assert position(b) == 4
            assert notional(b, name) == 4 * 9_998
            assert "LATE_EXECUTION" in rules(b)
            v.trade(name, 6, 9_999)
            assert (position(b), state(b, name)) == (10, FILLED)
        async with engine(tmp_path, v) as c:
            v.events(late)
            assert position(c) == 10

    run(work())


def test_two_late_executions_for_one_made_here(tmp_path: Path) -> None:
    async def work() -> None:
        v = Keeper(offers=frozenset({"asked"}))
        async with engine(tmp_path, v, reconcile_seconds=0.05, answer_seconds=0.05) as b:
            name = await sent(b)
            v.cut()
            first = v.trade(name, 3, 9_998)
            second = v.trade(name, 4, 9_990)
            v.change(name, notional=0)
            v.mend()
            await settled(b)
            assert position(b) == 7
        async with engine(tmp_path, v) as c:  # the one made here is known after a restart, too
            v.events(first)
            assert position(c) == 3, "what is missing now is found by the next look"
            v.events(second)
            assert position(c) == 7
            assert notional(c, name) == 3 * 9_998 + 4 * 9_990

    run(work())


def test_an_execution_counts_once_however_often_and_by_whichever_way_it_is_told(
    tmp_path: Path,
) -> None:
    async def work() -> None:
        v = Keeper()
        async with engine(tmp_path, v) as b:
            name = await sent(b)
            v.cut()
            told = v.trade(name, 4, 9_999)
            second = v.trade(name, 2, 10_000)
            v.mend()
            await settled(b)
            for again in (second, told, msgspec.structs.replace(told, received=5, text="copy")):
                v.events(again)
            v.executions += [told, second]
            await b.engine.links["V"].audit.agree(settling=True)
            assert position(b) == 6
            assert len(b.engine.kernel.fills()) == 2

    run(work())


# -- ambiguous requests ----------------------------------------------------------------------


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


# -- from elsewhere --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["THEIRS-1", ""])
@pytest.mark.parametrize("when", ["start", "reconnect", "timer"])
@pytest.mark.parametrize("filled", [0, 4])
@pytest.mark.parametrize("executions", [True, False])
def test_orders_placed_elsewhere_are_adopted(
    tmp_path: Path, name: str, when: str, filled: int, executions: bool
) -> None:
    async def work() -> None:
        v = Keeper(offers=ALL if executions else ALL - {"executions"})
        known = name or "V:X9"

        def place() -> None:
            v.enter(name, Side.SELL, 10, 10_020, order_id="X9")
            if filled:
                v.mute = True
                v.trade(known, filled, 10_020)
                v.mute = False

        if when == "start":
            async with engine(tmp_path, v):
                pass
            place()
        async with engine(tmp_path, v, reconcile_seconds=0.05) as b:
            if when == "reconnect":
                v.cut()
                place()
                v.mend()
            elif when == "timer":
                place()
            assert await b.until(lambda: known in b.client.stores.orders)
            adopted = b.client.stores.orders[known]
            assert adopted.source is Source.EXTERNAL
            assert (adopted.qty, adopted.cum_qty, adopted.price) == (10, filled, 10_020)
            assert position(b) == -filled
            expected = "EXTERNAL_EXECUTION" if filled and executions else "EXTERNAL_ORDER"
            assert rules(b) == [expected]
            v.trade(known, 1, 10_020)
            assert position(b) == -filled - 1
            b.send(CancelOrder(IDS.next(), known))
            assert await b.until(lambda: len(v.sent) == 1)
            assert v.sent[0].order.order_id == "X9"

    run(work())


def test_what_fits_no_account_is_shown_and_not_booked(tmp_path: Path) -> None:
    async def work() -> None:
        v = Keeper()
        async with engine(tmp_path, v) as b:
            v.enter("x", account="SOMEBODY")
            v.enter("y", instrument="NONE.V")
            for _ in range(2):
                await b.engine.links["V"].audit.agree(settling=False)
            assert rules(b) == ["NOT_ADOPTED", "NOT_ADOPTED"]
            assert b.engine.kernel.working() == []

    run(work())


def test_an_order_that_ended_here_and_works_there_is_shown_until_it_is_gone(
    tmp_path: Path,
) -> None:
    async def work() -> None:
        v = Keeper()
        async with engine(tmp_path, v) as b:
            name = await sent(b)
            b.send(CancelOrder(IDS.next(), name))
            assert await b.until(lambda: b.status(name) is CANCELED)
            v.change(name, status=NEW)
            await b.engine.links["V"].audit.agree(settling=True)
            [found] = differences(b)
            assert (found.rule, found.stands) == ("WORKS_THERE", True)
            assert b.status(name) is CANCELED
            v.change(name, status=CANCELED)
            await b.engine.links["V"].audit.agree(settling=True)
            [found] = differences(b)
            assert not found.stands

    run(work())


def test_two_orders_under_one_id(tmp_path: Path) -> None:
    async def work() -> None:
        v = Keeper()
        async with engine(tmp_path, v) as b:
            name = await sent(b)
            v.orders["copy"] = msgspec.structs.replace(v.orders[name], order_id="OTHER")
            await b.engine.links["V"].audit.agree(settling=True)
            assert rules(b) == ["DUPLICATE_ID"]
            assert len(b.engine.kernel.working()) == 1

    run(work())


def test_an_execution_told_otherwise_the_second_time(tmp_path: Path) -> None:
    async def work() -> None:
        v = Keeper()
        async with engine(tmp_path, v) as b:
            name = await sent(b)
            told = v.trade(name, 4, 9_999)
            v.executions[0] = msgspec.structs.replace(told, last_price=9_000)
            before = books(b)
            await b.engine.links["V"].audit.agree(settling=True)
            assert rules(b) == ["EXECUTION_DIFFERS"]
            assert books(b) == before

    run(work())


def test_less_filled_there_than_here(tmp_path: Path) -> None:
    async def work() -> None:
        v = Keeper(offers=frozenset({"asked"}))
        async with engine(tmp_path, v) as b:
            name = await sent(b)
            v.trade(name, 4, 9_999)
            v.change(name, cum_qty=1)
            await b.engine.links["V"].audit.agree(settling=True)
            assert rules(b) == ["FILLS_DIFFER"]
            assert position(b) == 4

    run(work())


# -- positions and balances ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ours", "theirs"), [(5, 8), (-5, -8), (8, 5), (5, -3), (5, 0), (0, 4), (0, -4)]
)
def test_a_position_that_differs_is_shown_with_both_figures_and_left_alone(
    tmp_path: Path, ours: int, theirs: int
) -> None:
    async def work() -> None:
        v = Keeper()
        async with engine(tmp_path, v) as b:
            if ours:
                side = Side.BUY if ours > 0 else Side.SELL
                name = await sent(b, side=side, qty=abs(ours))
                v.trade(name, abs(ours), 10_000)
            v.held[("PAPER-1", "ABC.V")] = theirs
            before = books(b)
            await b.engine.links["V"].audit.agree(settling=True)
            [found] = differences(b)
            assert (found.rule, found.subject) == ("POSITION_DIFFERS", "PAPER-1 ABC.V")
            assert (found.ours, found.theirs, found.stands) == (str(ours), str(theirs), True)
            assert books(b) == before
            assert position(b) == ours
            await b.engine.links["V"].audit.agree(settling=True)
            said = [n for n in b.engine.records.notices if "POSITION_DIFFERS" in n.text]
            assert len(said) == 1
            v.held[("PAPER-1", "ABC.V")] = ours
            await b.engine.links["V"].audit.agree(settling=True)
            [found] = differences(b)
            assert not found.stands

    run(work())


@pytest.mark.parametrize("gap", [3, -8])
def test_a_position_is_adjusted_by_a_command_with_a_reason(tmp_path: Path, gap: int) -> None:
    async def work() -> None:
        v = Keeper()
        async with engine(tmp_path, v) as b:
            name = await sent(b)
            v.trade(name, 5, 10_000)

            async def refused(qty: int, price: int = 9_990, reason: str = "?") -> str:
                command = AdjustPosition(IDS.next(), "PAPER-1", "ABC.V", qty, price, reason)
                b.send(command)
                assert await b.until(lambda: command.id in b.client.stores.refusals)
                return b.client.stores.refusals[command.id].text

            assert "does not say" in await refused(gap)
            v.held[("PAPER-1", "ABC.V")] = 5 + gap
            await b.engine.links["V"].audit.agree(settling=True)
            assert "reason" in await refused(gap, reason=" ")
            assert "price" in await refused(gap, price=0)
            assert f"by {gap} lots" in await refused(gap + 1)
            assert position(b) == 5
            given = AdjustPosition(IDS.next(), "PAPER-1", "ABC.V", gap, 9_990, "corporate action")
            b.send(given)
            assert await b.until(lambda: position(b) == 5 + gap)
            assert await b.until(lambda: not [d for d in differences(b) if d.stands])
            made = b.engine.kernel.order(f"adjust/{given.id}")
            assert made is not None
            assert (made.source, made.status) == (Source.EXTERNAL, FILLED)
            assert notional(b, made.cl_ord_id) == abs(gap) * 9_990
        v.held[("PAPER-1", "ABC.V")] = 5 + gap
        async with engine(tmp_path, v) as c:
            assert position(c) == 5 + gap

    run(work())


def test_an_account_that_the_venue_does_not_tell_apart(tmp_path: Path) -> None:
    async def work() -> None:
        v = Keeper()
        async with engine(tmp_path, v) as b:
            name = await sent(b)
            v.trade(name, 4, 10_000)
            v.held = {("", "ABC.V"): 4}
            await b.engine.links["V"].audit.agree(settling=True)
            assert rules(b) == []
            v.held = {("", "ABC.V"): 5}
            await b.engine.links["V"].audit.agree(settling=True)
            assert rules(b) == ["POSITION_DIFFERS"]

    run(work())


def test_a_balance_that_differs_is_shown(tmp_path: Path) -> None:
    async def work() -> None:
        v = Keeper(offers=ALL | {"balances"})
        v.balances = [VenueBalance("USD", Decimal(1_000_000), "PAPER-1")]
        async with engine(tmp_path, v) as b:
            assert rules(b) == []
            v.balances = [VenueBalance("USD", Decimal("999999.5"), "PAPER-1")]
            await b.engine.links["V"].audit.agree(settling=True)
            [found] = differences(b)
            assert (found.rule, found.ours, found.theirs) == (
                "BALANCE_DIFFERS",
                "1000000",
                "999999.5",
            )

    run(work())


def test_a_stop_price_that_differs_is_taken_as_the_venue_lists_it(tmp_path: Path) -> None:
    async def work() -> None:
        v = Keeper()
        v.listing = msgspec.structs.replace(
            v.instruments()[0], order_types=(OrdType.LIMIT, OrdType.STOP)
        )
        async with engine(tmp_path, v) as b:
            name = await sent(b, price=0, ord_type=OrdType.STOP, stop_price=10_050)
            v.change(name, stop_price=10_060)
            await b.engine.links["V"].audit.agree(settling=True)
            assert b.engine.kernel.order(name).stop_price == 10_060
            [found] = differences(b)
            assert (found.rule, found.stands) == ("RESTATED", False)
            assert "stop 100.50" in found.ours
            assert "stop 100.60" in found.theirs
            await b.engine.links["V"].audit.agree(settling=True)
            assert len(differences(b)) == 1

    run(work())


@pytest.mark.parametrize(
    ("told", "ours", "theirs"),
    [
        ({"ord_type": OrdType.MARKET}, "LIMIT", "MARKET"),
        ({"tif": TimeInForce.DAY}, "GTD", "DAY"),
        (
            {"tif": TimeInForce.GTD, "expire": 4_102_444_801 * 10**9},
            "until 2100-01-01 00:00:00 UTC",
            "until 2100-01-01 00:00:01 UTC",
        ),
        ({"display_qty": 5}, "2 shown", "5 shown"),
        ({"display_qty": 0}, "2 shown", "all shown"),
    ],
)
def test_terms_that_differ_are_shown_until_they_agree(
    tmp_path: Path, told: dict[str, Any], ours: str, theirs: str
) -> None:
    async def work() -> None:
        v = Keeper()
        tifs = (TimeInForce.GTC, TimeInForce.GTD)
        v.listing = msgspec.structs.replace(v.instruments()[0], tifs=tifs, display=True)
        async with engine(tmp_path, v) as b:
            name = await sent(b, tif=TimeInForce.GTD, expire=4_102_444_800 * 10**9, display_qty=2)
            await b.engine.links["V"].audit.agree(settling=True)
            assert differences(b) == [], "what is not told does not differ"
            v.change(name, **told)
            await b.engine.links["V"].audit.agree(settling=True)
            [found] = differences(b)
            assert (found.rule, found.subject, found.stands) == ("TERMS_DIFFER", name, True)
            assert (found.ours, found.theirs) == (ours, theirs)
            same = {"ord_type": OrdType.LIMIT, "tif": TimeInForce.GTD, "display_qty": 2}
            v.change(name, **same, expire=4_102_444_800 * 10**9)
            await b.engine.links["V"].audit.agree(settling=True)
            assert not [d for d in differences(b) if d.stands]

    run(work())


# -- blocking --------------------------------------------------------------------------------


def test_trading_waits_for_the_comparison_and_cancels_pass(tmp_path: Path) -> None:
    async def work() -> None:
        v = Keeper()
        async with engine(tmp_path, v) as b:
            name = await sent(b)
            v.cut()
            assert await b.until(lambda: b.client.stores.down_links())
            v.fail_list = ConnectionError("busy")
            v.mend()
            new = order()
            b.send(new)
            assert await b.until(lambda: new.cl_ord_id in b.client.stores.orders)
            assert b.client.stores.orders[new.cl_ord_id].code == "STREAM_RECONCILING"
            [link] = b.client.stores.down_links()
            assert link.state is LinkState.CONNECTING
            assert "being compared" in link.text
            b.send(CancelOrder(IDS.next(), name))
            assert await b.until(lambda: b.status(name) is CANCELED)
            v.fail_list = None
            await settled(b)
            assert await b.until(lambda: not b.client.stores.down_links())
            assert await sent(b)

    run(work())


def test_what_the_engine_would_send_by_itself_waits_for_the_comparison(tmp_path: Path) -> None:
    async def work() -> None:
        v = Keeper()
        async with engine(tmp_path, v) as b:
            name = await sent(b)
            v.trade(name, 10, 10_000, "E-1")
            assert await b.until(lambda: position(b) == 10)
            stop = order(side=Side.SELL, ord_type=OrdType.STOP, price=0, stop_price=9_900, qty=4)
            b.send(stop)
            assert await b.until(lambda: b.status(stop.cl_ord_id) is NEW)
            v.cut()
            assert await b.until(lambda: b.client.stores.down_links())
            v.fail_list = ConnectionError("busy")
            v.mend()
            before = len(v.sent)
            v.quote(9_800, 9_801)  # beyond the stop
            await b.until(lambda: len(v.sent) > before, 0.2)
            assert v.sent[before:] == []
            b.send(Flatten(IDS.next(), "PAPER-1"))
            assert await b.until(
                lambda: any("cancels wait" in n.text for n in b.client.stores.notices)
            )
            assert not b.engine.links["V"].settled
            assert v.sent[before:] == []
            v.fail_list = None
            await settled(b)
            assert await b.until(lambda: len(v.sent) > before)
            assert v.sent[before].order.source is Source.ENGINE

    run(work())


def test_a_client_that_comes_later_is_told_of_the_differences(tmp_path: Path) -> None:
    async def work() -> None:
        v = Keeper()
        v.held[("PAPER-1", "ABC.V")] = 3
        async with engine(tmp_path, v) as b:
            late = b.engine.client("late")
            late.connect()
            try:
                assert await b.until(lambda: (late.poll(), late.connected)[1])
                [found] = late.stores.differences
                assert found.rule == "POSITION_DIFFERS"
            finally:
                late.close()

    run(work())


def test_differences_are_in_the_records(tmp_path: Path) -> None:
    async def work() -> None:
        v = Keeper()
        async with engine(tmp_path, v) as b:
            name = await sent(b)
            v.cut()
            v.trade(name, 4, 9_999, "E-4")
            v.held[("PAPER-1", "ABC.V")] = 9
            v.mend()
            await settled(b)
            shown = {d.key: d for d in differences(b)}
        rows = Rows((), ())
        for seq, ts, message in replay(tmp_path / "journal", 1, NO_END):
            rows.take(seq, ts, message, ())
        assert [row[2:6] for row in rows.tables["differences"]] == [
            ("V", "MISSED_FILL", "E-4", "not booked"),
            ("V", "POSITION_DIFFERS", "PAPER-1 ABC.V", "4"),
        ]
        assert len(shown) == 2
        assert [row[-1] for row in rows.tables["differences"]] == [0, 1]

    run(work())


def test_what_a_venue_does_not_tell_is_said_once(tmp_path: Path) -> None:
    async def work() -> None:
        v = Keeper(offers=frozenset())
        async with engine(tmp_path, v) as b:
            await b.engine.links["V"].audit.agree(settling=True)
            text = "V does not tell orders that are over, executions, positions, balances"
            assert b.notices().count(text) == 1
            name = await sent(b)
            v.forget()
            await b.engine.links["V"].audit.agree(settling=True)
            assert state(b, name) is CANCELED

    run(work())


def test_every_rule_says_when_and_what() -> None:
    for name, rule in RULES.items():
        assert rule.name == name
        assert rule.when.endswith(".")
        assert rule.done.endswith(".")
