"""Positions, balances and terms of orders that differ: shown, adjusted by a person, or taken."""

from __future__ import annotations

import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from core.model.commands import AdjustPosition
from core.model.enums import (
    OrdType,
    Severity,
    Side,
    Source,
    TimeInForce,
)
from core.model.events import ExecutionReport, Notice, VenueBalance
from tests.core.services.comparing import (
    FILLED,
    books,
    differences,
    engine,
    full_disk,
    notional,
    position,
    rules,
    run,
    sent,
)
from tests.core.services.helpers import IDS
from tests.core.services.keeper import ALL, Keeper


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


def test_a_difference_stands_at_every_look_until_it_is_gone(tmp_path: Path) -> None:
    """Also at the looks in between, when the link was never broken."""

    async def work() -> None:
        v = Keeper()
        async with engine(tmp_path, v, answer_seconds=0.2) as b:
            audit = b.engine.links["V"].audit
            name = await sent(b)
            v.trade(name, 5, 10_000)

            async def standing(theirs: int) -> None:
                async def stands() -> bool:
                    await audit.agree(settling=False)
                    return [(d.ours, d.theirs) for d in differences(b) if d.stands] == [
                        (str(position(b)), str(theirs))
                    ]

                deadline = time.monotonic() + 10
                while not await stands():
                    assert time.monotonic() < deadline
                for _ in range(4):
                    assert await stands()
                assert not audit.waiting

            def told() -> list[str]:
                return [n.text for n in b.engine.records.notices if "DIFFERS" in n.text]

            v.held[("PAPER-1", "ABC.V")] = 8
            await standing(8)
            assert len(told()) == 1
            v.held[("PAPER-1", "ABC.V")] = 9
            await standing(9)
            assert len(told()) == 2, "other figures are told; it was resolved at no time"
            v.held[("PAPER-1", "ABC.V")] = 5
            await audit.agree(settling=False)
            assert not [d for d in differences(b) if d.stands]
            assert "not differ any more" in told()[-1]

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

            def told() -> list[Notice]:
                return [n for n in b.engine.records.notices if "corporate action" in n.text]

            assert await b.until(told)
            assert [n.severity for n in told()] == [Severity.WARNING], "asked for: no alarm"
            assert f"changed by {gap} lots" in told()[0].text
            assert not [n for n in b.engine.records.notices if "not sent from here" in n.text]
        v.held[("PAPER-1", "ABC.V")] = 5 + gap
        async with engine(tmp_path, v) as c:
            assert position(c) == 5 + gap

    run(work())


def test_a_position_is_not_adjusted_twice_while_the_first_time_waits_for_the_disk(
    tmp_path: Path,
) -> None:
    async def work() -> None:
        v = Keeper()
        async with engine(tmp_path, v) as b:
            v.held[("PAPER-1", "ABC.V")] = 3
            await b.engine.links["V"].audit.agree(settling=True)

            def adjusted() -> str:
                name = IDS.next()
                b.send(AdjustPosition(name, "PAPER-1", "ABC.V", 3, 9_990, "split"))
                return name

            with full_disk(b, ExecutionReport):
                adjusted()
                assert await b.until(lambda: b.engine.path.halted)
                again = adjusted()
                assert await b.until(lambda: again in b.client.stores.refusals)
                assert "The disk is full" in b.client.stores.refusals[again].text
            assert await b.until(lambda: position(b) == 3)
            assert await b.until(lambda: not b.engine.path.halted)
            assert position(b) == 3

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
