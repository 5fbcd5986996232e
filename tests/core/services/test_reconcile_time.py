"""From when on a venue is asked for executions: by its own clock, noted when all agreed."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec
import pytest

from core.kernel.kernel import Kernel
from core.model.enums import LinkState, Side
from core.model.events import LinkUpdate
from core.model.wire import decode_recorded, encode
from core.services.recovery import check_replay
from tests.core.services.comparing import engine, position, run, sent
from tests.core.services.keeper import ALL, Keeper

HOUR = 3_600 * 10**9


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.services.audit.BETWEEN", 0.005)


def test_executions_elsewhere_are_found_though_our_clock_was_ahead(tmp_path: Path) -> None:
    """Nothing of ours was ever filled: only what the venue's own clock said tells since when
    executions may be missing. Ours, which a crash ends, runs an hour ahead of it."""

    async def work() -> None:
        v = Keeper()
        v.clock = lambda: time.time_ns() - 3_600 * 10**9
        async with engine(tmp_path, v) as b:
            await sent(b)  # at rest, since a time that is long to come for the venue
            agreed = b.engine.kernel.agreed("V")
            assert abs(v.clock() - agreed) < 60 * 10**9
            v.cut()
            v.enter("", Side.SELL, 4, 10_001, order_id="elsewhere")
            v.trade("V:elsewhere", 4, 10_001)
            v.orders.pop("V:elsewhere")
        v.mute = v.deaf = False
        async with engine(tmp_path, v) as c:
            assert position(c) == -4
            assert c.engine.kernel.agreed("V") > agreed

    run(work())


def test_a_running_engine_notes_now_and_then_that_all_agreed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work() -> None:
        v = Keeper()
        later = 0
        v.clock = lambda: time.time_ns() + later
        async with engine(tmp_path, v) as b:
            first = b.engine.kernel.agreed("V")

            async def compared() -> int:
                asked = v.statements
                b.engine.links["V"].compare()
                assert await b.until(lambda: v.statements > asked and not b.engine.links["V"]._task)
                return b.engine.kernel.agreed("V")

            assert await compared() == first, "not with each comparison"
            later = 601 * 10**9
            assert await compared() >= first + later
        assert check_replay(tmp_path / "journal").digest == b.engine.kernel.digest()

    run(work())


def test_what_was_executed_by_a_clock_that_is_behind_is_found(tmp_path: Path) -> None:
    async def work() -> None:
        v = Keeper()
        async with engine(tmp_path, v) as b:
            audit = b.engine.links["V"].audit
            await audit.agree(settling=False)
            v.clock = lambda: time.time_ns() - 290 * 10**9
            v.mute = True
            v.enter("", Side.SELL, 4, 10_001, order_id="elsewhere")
            v.trade("V:elsewhere", 4, 10_001)
            v.orders.pop("V:elsewhere")
            await audit.agree(settling=False)
            assert position(b) == -4

    run(work())


@pytest.mark.parametrize("filled", [False, True])
def test_without_any_word_of_the_venue_the_oldest_order_or_the_last_fill_tells_since_when(
    tmp_path: Path, filled: bool
) -> None:
    """A venue that tells no time is looked at again an hour after the last time."""

    async def work() -> None:
        v = Keeper(offers=ALL - {"time"})
        later = 0
        v.clock = lambda: time.time_ns() + later
        async with engine(tmp_path, v) as b:
            name = await sent(b)
            if filled:
                v.trade(name, 10, 10_000)
                assert await b.until(lambda: position(b) == 10)
            v.cut()
            assert b.engine.kernel.agreed("V") == 0
            later = HOUR // 2
            v.enter("", Side.SELL, 4, 10_001, order_id="elsewhere")
            v.trade("V:elsewhere", 4, 10_001)
            v.orders.pop("V:elsewhere")
        v.mute = v.deaf = False
        later = HOUR
        async with engine(tmp_path, v, clock=v.clock) as c:
            assert position(c) == (6 if filled else -4)

    run(work())


def test_a_clock_of_ours_that_was_ahead_and_is_set_right_hides_nothing(tmp_path: Path) -> None:
    async def work() -> None:
        v = Keeper(offers=ALL - {"time"})
        ahead = HOUR
        async with engine(tmp_path, v, clock=lambda: time.time_ns() + ahead) as b:
            audit = b.engine.links["V"].audit
            await audit.agree(settling=False)
            ahead = 0
            v.mute = True
            v.enter("", Side.SELL, 4, 10_001, order_id="elsewhere")
            v.trade("V:elsewhere", 4, 10_001)
            v.orders.pop("V:elsewhere")
            await audit.agree(settling=False)
            assert position(b) == -4

    run(work())


def test_a_venue_that_tells_no_time_is_asked_by_ours(tmp_path: Path) -> None:
    async def work() -> None:
        v = Keeper(offers=ALL - {"time"})
        async with engine(tmp_path, v) as b:
            assert b.engine.kernel.agreed("V") == 0
            await b.engine.links["V"].audit.agree(settling=True)
            assert v.since[-1] > time.time_ns() - 310 * 10**9

    run(work())


def test_what_was_written_before_is_read() -> None:
    """Records and snapshots of a program that knew nothing of it."""
    link = LinkUpdate("V", 1, LinkState.UP, "up", 7)
    plain = msgspec.msgpack.decode(encode(link))
    assert decode_recorded(msgspec.msgpack.encode(plain[:-1])) == LinkUpdate(
        *plain[1:3], LinkState.UP, "up"
    )
    kernel = Kernel()
    kernel.apply(1, 1, link)
    assert kernel.agreed("V") == 7
    assert Kernel.load(kernel.dump()).agreed("V") == 7
    kernel.apply(2, 2, LinkUpdate("V", 2, LinkState.DOWN))
    assert kernel.agreed("V") == 7, "a break takes nothing back"
    dumped = msgspec.msgpack.decode(kernel.dump())
    assert Kernel.load(msgspec.msgpack.encode(dumped[:-2])).agreed("V") == 0
