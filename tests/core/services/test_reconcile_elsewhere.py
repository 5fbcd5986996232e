"""Orders and executions that were not ours, or not as we had them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from core.model.commands import CancelOrder
from core.model.enums import (
    Side,
    Source,
)
from core.model.events import VenueOrder
from tests.core.services.comparing import (
    CANCELED,
    FILLED,
    NEW,
    books,
    differences,
    engine,
    position,
    rules,
    run,
    sent,
    settled,
    state,
)
from tests.core.services.helpers import IDS
from tests.core.services.keeper import ALL, Keeper


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


def test_an_order_that_a_change_from_elsewhere_filled_is_over(tmp_path: Path) -> None:
    async def work() -> None:
        v = Keeper()
        async with engine(tmp_path, v) as b:
            name = await sent(b)
            v.trade(name, 6, 10_000)
            assert await b.until(lambda: position(b) == 6)
            v.cut()
            v.change(name, qty=6, status=FILLED)
            v.mend()
            await settled(b)
            assert (state(b, name), rules(b)) == (FILLED, ["RESTATED"])

    run(work())


def test_orders_that_are_over_are_not_taken_in_though_they_are_listed(tmp_path: Path) -> None:
    class Old(Keeper):
        async def working_orders(self) -> Sequence[VenueOrder]:
            return list(self.orders.values())

    async def work() -> None:
        v = Old()
        v.enter("ELSE-1")
        v.change("ELSE-1", status=CANCELED)
        async with engine(tmp_path, v) as b:
            name = await sent(b)
            v.cut()
            v.change(name, status=CANCELED)
            v.mend()
            await settled(b)
            assert (state(b, name), rules(b)) == (CANCELED, ["STATE_DIFFERS"])
            assert b.engine.kernel.order("ELSE-1") is None

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
