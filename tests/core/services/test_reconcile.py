"""Our books against a venue's: every kind of difference under its rule, at a start, after a cut and
while it runs. The scenarios are those that live engines are known to meet."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from core.journal.reader import NO_END, replay
from core.model.commands import CancelOrder, Flatten
from core.model.enums import (
    LinkState,
    OrdStatus,
    OrdType,
    Side,
    Source,
)
from core.services.recovery import check_replay
from core.services.rules import RULES
from core.storage.rows import Rows
from tests.core.services.comparing import (
    CANCELED,
    FILLED,
    NEW,
    PART,
    REJECTED,
    books,
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
from tests.core.services.helpers import IDS, Bench, order
from tests.core.services.keeper import Keeper

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
