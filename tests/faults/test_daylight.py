"""The clocks are changed where an exchange stands: sessions, orders for them and the trading day
keep to their instants, whatever time zone the computer is set to.

The engine runs on a clock that the test moves, so that a weekend passes in a moment; its timers go
by the monotonic one as ever.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from core.journal.reader import NO_END, replay
from core.model.commands import SetTradingState
from core.model.enums import MarketStatus, OrdStatus, Side, TimeInForce, TradingState
from core.model.inputs import Tick
from core.model.instruments import WEEKDAYS_NEW_YORK, Instrument
from core.model.market import Quote, StatusUpdate
from core.services.config import parse_config
from tests.core.services.helpers import Bench, ScriptedVenue, instrument, order

SECOND = 1_000_000_000
DAY = 86_400 * SECOND
PENDING = OrdStatus.PENDING_NEW
SETTINGS = """
[[accounts]]
id = "PAPER-1"
cash = { USD = 1000000 }
[[limits]]
name = "daily_loss"
value = 50
[[limits]]
name = "price_collar"
value = 50
"""


def utc(month: int, day: int, hour: int, minute: int = 0) -> int:
    return int(datetime(2024, month, day, hour, minute, tzinfo=UTC).timestamp()) * SECOND


CHANGES = {
    # Friday's close; midnight of the day that the clocks change; Monday's opening and close
    "spring": (utc(3, 8, 21), utc(3, 10, 0), utc(3, 11, 13, 30), utc(3, 11, 20)),
    "autumn": (utc(11, 1, 20), utc(11, 3, 0), utc(11, 4, 14, 30), utc(11, 4, 21)),
}


CONFIG = parse_config(SETTINGS, "daylight")


class NewYork(ScriptedVenue):
    """A venue with New York's hours, on the clock of the test."""

    def __init__(self, clock: Wall) -> None:
        super().__init__()
        self.clock = clock

    def instruments(self) -> Sequence[Instrument]:
        return (msgspec.structs.replace(instrument(), hours=WEEKDAYS_NEW_YORK),)

    def quote(self, bid: int = 10_000, ask: int = 10_001, symbol: str = "ABC") -> None:
        now = self.clock()
        name = f"{symbol}.{self.name}"
        self.market(StatusUpdate(name, now, now, MarketStatus.OPEN))
        self.market(Quote(name, now, now, bid, 100, ask, 100))


class Wall:
    """A clock that stands where it was put, but for a microsecond with each look."""

    def __init__(self, at: int) -> None:
        self.at = at

    def __call__(self) -> int:
        self.at += 1_000
        return self.at

    def move(self, at: int) -> None:
        assert at > self.at, "the test goes forward"
        self.at = at


@pytest.fixture(params=["UTC", "America/New_York"])
def _zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The computer's own time zone, which is nobody's business."""
    if not hasattr(time, "tzset"):
        pytest.skip("the time zone of a program cannot be set here")
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("_zone")
@pytest.mark.parametrize("change", CHANGES)
def test_a_weekend_on_which_the_clocks_change(tmp_path: Path, change: str) -> None:
    asyncio.run(_weekend(tmp_path, *CHANGES[change]))
    ticks = [m for _, _, m in replay(tmp_path / "journal", 1, NO_END) if isinstance(m, Tick)]
    days = [datetime.fromtimestamp(t.ts // SECOND, UTC).date().isoformat() for t in ticks]
    assert [t.session for t in ticks] == days, "a trading day begins early or late"
    assert len(set(days)) >= 4
    assert all(a.ts < b.ts for a, b in itertools.pairwise(ticks))


async def _weekend(home: Path, friday: int, sunday: int, monday: int, close: int) -> None:
    wall = Wall(friday - 60 * SECOND)
    venue = NewYork(wall)
    async with Bench(home, venue, config=CONFIG, clock=wall) as b:

        async def at(when: int, bid: int = 10_000) -> None:
            """It is that time; what is due at it has been done."""
            wall.move(when)
            venue.quote(bid, bid + 1)
            quarters = b.engine._quarters
            assert await b.until(lambda: b.engine._quarters > quarters + 1)

        async def sent(side: Side = Side.BUY, **more: object) -> str:
            new = order(side, **more)  # type: ignore[arg-type]
            b.send(new)
            assert await b.until(lambda: b.status(new.cl_ord_id) not in (None, PENDING))
            return new.cl_ord_id

        async def closed() -> None:
            found = b.client.stores.orders.get(await sent())
            assert found is not None
            assert (found.status, found.code) == (OrdStatus.REJECTED, "NOT_TRADABLE"), found.text
            assert "is closed now" in found.text

        async def state(wanted: TradingState) -> bool:
            return await b.until(lambda: b.client.stores.accounts["PAPER-1"].state is wanted)

        assert await b.until(lambda: b.engine.links["V"].settled)
        await at(friday - SECOND)
        bought = await sent()
        assert b.status(bought) is OrdStatus.NEW
        venue.fill(venue.sent[-1].order, 10, 10_000, 10)
        assert await b.until(lambda: b.status(bought) is OrdStatus.FILLED)
        later = await sent(price=9_000, tif=TimeInForce.GTD, expire=sunday + 12 * 3_600 * SECOND)
        await at(friday)
        await closed()
        # On the Sunday, which has 23 or 25 hours over there, the position loses.
        await at(sunday)
        await at(sunday + 6 * 3_600 * SECOND, 9_000)
        assert await state(TradingState.REDUCING)
        await at(sunday + 12 * 3_600 * SECOND - SECOND, 9_000)
        assert b.status(later) is OrdStatus.NEW
        await at(sunday + 12 * 3_600 * SECOND, 9_000)
        assert await b.until(lambda: b.status(later) is OrdStatus.EXPIRED)
        await at(sunday + DAY - SECOND, 9_000)
        b.send(SetTradingState("EARLY", "PAPER-1", TradingState.ACTIVE, "go on"))
        assert await b.until(lambda: b.client.stores.refusals.get("EARLY")), b.notices()
        await at(sunday + DAY, 9_000)
        b.send(SetTradingState("LATER", "PAPER-1", TradingState.ACTIVE, "a new day"))
        assert await state(TradingState.ACTIVE)
        await at(monday - SECOND)
        await closed()
        await at(monday)
        day = await sent(price=9_990, tif=TimeInForce.DAY)
        assert b.status(day) is OrdStatus.NEW
        await at(close - SECOND)
        assert b.status(await sent(price=9_990)) is OrdStatus.NEW
        await at(close)
        await closed()
        await at(sunday + 2 * DAY - SECOND)
        assert b.status(day) is OrdStatus.NEW
        await at(sunday + 2 * DAY)
        assert await b.until(lambda: b.status(day) is OrdStatus.EXPIRED)
