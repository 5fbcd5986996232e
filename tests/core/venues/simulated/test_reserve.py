"""What a simulated venue holds itself: a time to expire at, and a quantity that is kept back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from core.model.enums import OrdStatus, OrdType, Side, TimeInForce
from core.model.instruments import Session, TradingHours, session_ended
from core.venues.simulated import SimulatedVenue
from core.venues.simulated.livebook import SELL as AGENT_SELLS
from core.venues.simulated.livebook import TAKER
from tests.core.venues.simulated.conftest import ACME as LISTED
from tests.core.venues.simulated.conftest import SECOND, T0, Rig

BUY, SELL = Side.BUY, Side.SELL
ACME = "ACME.TEST"
GTD = TimeInForce.GTD


@pytest.fixture
def make(make_rig: Callable[..., Any]) -> Callable[..., Any]:
    """Makes a rig at whose venue orders may expire and keep a part of themselves back."""

    def made(**fields: Any) -> Rig:
        rig = make_rig(**fields)
        (listing,) = rig.venue.listings
        one = msgspec.structs.replace(
            listing.instrument, display=True, tifs=(GTD, *listing.instrument.tifs)
        )
        listing = type(listing)(one, *(getattr(listing, f) for f in _REST))
        fields = {k: v for k, v in fields.items() if k in ("latency", "seed")}
        return Rig(SimulatedVenue("TEST", [listing], halts_a_day=0.0, **fields))

    return made


_REST = ("start", "annual_vol", "rate", "size", "round_lot", "resting", "history_rate",
         "history_seconds")  # fmt: skip


def take(rig: Any, price: int, qty: int) -> None:
    """Somebody else sells at once."""
    live = rig.venue._floor.market(ACME).live
    live.ts = live.received = rig.venue.now
    live.take(TAKER, AGENT_SELLS, price, qty)
    live.publish()
    rig.run(0)


def listed(rig: Any) -> dict[str, Any]:
    return {one.cl_ord_id: one for one in asyncio.run(rig.venue.working_orders())}


def test_a_part_is_shown_and_the_next_one_waits_behind_the_others(make: Any) -> None:
    rig = make().open()
    bid, bid_qty, *_ = rig.top()
    order = rig.new(BUY, 50, bid, display_qty=20)
    rig.run(0)
    assert rig.top()[:2] == (bid, bid_qty + 20)
    behind = rig.new(BUY, 7, bid)
    rig.run(0)
    # All before it and all that is shown: the next part stands behind the seven.
    take(rig, bid, bid_qty + 20)
    assert [r.last_qty for r in rig.story(order)[1:]] == [20]
    assert rig.top()[:2] == (bid, 27)
    take(rig, bid, 8)
    assert rig.story(behind)[-1].status is OrdStatus.FILLED
    assert rig.story(order)[-1].cum_qty == 21
    assert listed(rig)[order.cl_ord_id].cum_qty == 21
    rig.check_stories()


def test_a_large_taker_meets_all_that_is_kept_back_before_a_worse_price(make: Any) -> None:
    rig = make().open()
    bid, bid_qty, *_ = rig.top()
    order = rig.new(BUY, 50, bid, display_qty=20)
    rig.run(0)
    take(rig, bid - 1, bid_qty + 45)
    assert [r.last_qty for r in rig.story(order)[1:]] == [20, 20, 5]
    assert rig.top()[:2] == (bid, 5)
    take(rig, 1, 6)
    assert rig.story(order)[-1].status is OrdStatus.FILLED
    assert rig.venue._floor.market(ACME).live.reserves == 0
    assert rig.top()[0] < bid
    rig.check_stories()


def test_it_takes_with_all_of_itself_and_shows_a_part_of_the_rest(make: Any) -> None:
    rig = make().open()
    _, _, ask, ask_qty = rig.top()
    order = rig.new(BUY, ask_qty + 30, ask, display_qty=10)
    crossing = rig.new(BUY, 30, ask, display_qty=10, post_only=True)
    rig.run(0)
    assert rig.story(order)[-1].cum_qty == ask_qty
    assert rig.top()[:2] == (ask, 20)
    assert rig.kinds(crossing) == ["NEW"]
    again = rig.new(BUY, 30, rig.top()[2], display_qty=10, post_only=True)
    rig.run(0)
    assert rig.kinds(again) == ["REJECTED"]
    rig.check_stories()


def test_changes_keep_or_lose_its_place(make: Any) -> None:
    rig = make().open()
    bid, bid_qty, *_ = rig.top()
    order = rig.new(BUY, 50, bid, display_qty=20)
    rig.run(0)
    rig.replace(order, 90, bid)  # more is kept back: nobody sees it
    rig.run(0)
    assert rig.top()[:2] == (bid, bid_qty + 20)
    rig.replace(order, 15, bid)  # less than is shown
    rig.run(0)
    assert rig.top()[:2] == (bid, bid_qty + 15)
    rig.replace(order, 60, bid - 1)
    rig.run(0)
    assert rig.top()[:2] == (bid, bid_qty)
    assert rig.books[ACME].sides[1][bid - 1] >= 20
    rig.cancel(order)
    rig.run(0)
    assert rig.kinds(order) == ["NEW", "REPLACED", "REPLACED", "REPLACED", "CANCELED"]
    assert rig.venue._floor.market(ACME).live.reserves == 0
    rig.check_stories()


def test_it_never_trades_with_its_own_account(make: Any) -> None:
    rig = make().open()
    bid, _, ask, _ = rig.top()
    assert ask == bid + 1
    rig.new(BUY, 10**6, ask, account="A2", tif=TimeInForce.IOC)  # nobody offers that any more
    rig.new(SELL, 5, ask)
    order = rig.new(BUY, 50, ask, display_qty=20)
    rig.run(0)
    assert rig.kinds(order) == ["NEW", "CANCELED"]
    assert "same account" in rig.story(order)[-1].text
    rig.check_stories()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_among_busy_people_no_lot_is_lost(make: Any, seed: int) -> None:
    rig = make(rate=400.0, seed=seed).open()
    orders = []
    for step in range(30):
        bid, _, ask, _ = rig.top()
        side, price = ((BUY, bid + 1), (SELL, ask - 1))[step % 2]
        account = f"A{step % 3}"
        orders.append(rig.new(side, 400, price, display_qty=30 + step, account=account))
        rig.run(1)
        if step % 5 == 4:
            rig.cancel(orders[step // 2])
    rig.run(5)
    assert any("TRADE" in rig.kinds(o) for o in orders)
    live = rig.venue._floor.market(ACME).live
    assert live.reserves == len(listed(rig))
    for own in rig.venue._desk._working.values():
        assert live.book.order(own.book_id)[3] == own.shown <= own.order.display_qty
    rig.check_stories()


def test_a_good_till_date_order_expires_at_its_time(make: Any) -> None:
    rig = make(latency=2_000_000).open()
    bid, _, ask, _ = rig.top()
    order = rig.new(BUY, 10, bid, tif=GTD, expire=T0 + 3 * SECOND)
    stop = rig.new(
        BUY, 10, 0, ord_type=OrdType.STOP, stop_price=ask + 50, tif=GTD, expire=T0 + 4 * SECOND
    )
    late = rig.new(BUY, 10, bid, tif=GTD, expire=T0)
    rig.run(2.9)
    assert rig.kinds(order) == ["NEW"]
    assert rig.kinds(late) == ["REJECTED"]
    rig.run(2)
    assert (rig.kinds(order), rig.kinds(stop)) == (["NEW", "EXPIRED"], ["NEW", "EXPIRED"])
    assert rig.story(order)[-1].ts == T0 + 3 * SECOND
    assert listed(rig) == {}
    rig.check_stories()


def test_a_market_that_skips_what_it_missed_forgets_no_expiry(make: Any) -> None:
    rig = make().open()
    order = rig.new(BUY, 10, rig.top()[0], tif=GTD, expire=T0 + 3 * SECOND)
    rig.run(0)
    rig.venue._timeline.skip(T0 + 60 * SECOND)
    rig.run(0)
    assert rig.kinds(order) == ["NEW", "EXPIRED"]


def test_what_comes_back_after_a_restart_is_kept_back_and_expires(make: Any) -> None:
    rig = make()
    bid = 9_900
    order = rig.order(
        BUY, 50, bid, status=OrdStatus.NEW, display_qty=20, tif=GTD, expire=T0 + 9 * SECOND
    )
    gone = rig.order(BUY, 50, bid, status=OrdStatus.NEW, tif=GTD, expire=T0 - 1)
    for each in (order, gone):
        rig.sent[each.cl_ord_id] = each
    rig.venue.resume([order, gone], {ACME: 10_000})
    rig.open()
    rig.run(0)
    assert rig.venue._floor.market(ACME).live.reserves == 1
    assert rig.kinds(gone) == ["EXPIRED"]
    rig.run(10)
    assert rig.kinds(order) == ["EXPIRED"]
    rig.check_stories()


def test_a_day_order_does_not_come_back_on_another_day(make: Any) -> None:
    # T0 is a Tuesday, 22:13 UTC.
    open_now = TradingHours("UTC", (Session(0, 0, 600), Session(1, 1320, 1439)))
    rig = make(hours=open_now)
    orders = [
        msgspec.structs.replace(
            rig.order(BUY, 5, 9_900, status=OrdStatus.NEW, tif=TimeInForce.DAY),
            created=T0 - seconds * SECOND,
        )
        for seconds in (60, 2 * 86_400)
    ]
    for each in orders:
        rig.sent[each.cl_ord_id] = each
    rig.venue.resume(orders, {ACME: 10_000})
    rig.open()
    rig.run(0)
    assert rig.kinds(orders[0]) == []
    assert rig.kinds(orders[1]) == ["EXPIRED"]


def test_a_session_that_goes_on_over_midnight_has_not_ended() -> None:
    round_the_clock = TradingHours("UTC", tuple(Session(day, 0, 1440) for day in range(5)))
    instrument = msgspec.structs.replace(LISTED, hours=round_the_clock)
    assert not session_ended(instrument, T0 - 86_400 * SECOND, T0)
    assert session_ended(instrument, T0 - 3 * 86_400 * SECOND, T0)  # over a week-end
    assert not session_ended(LISTED, 0, T0)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"display_qty": 11}, "11 of 10 lots"),
        ({"display_qty": 5, "tif": TimeInForce.IOC}, "may rest"),
        ({"display_qty": 5, "price": 0, "ord_type": OrdType.MARKET}, "limit order"),
    ],
)
def test_what_cannot_be_kept_back_is_refused(make: Any, fields: Any, words: str) -> None:
    rig = make().open()
    order = rig.new(BUY, 10, fields.pop("price", 5), **fields)
    rig.run(0)
    assert words in rig.story(order)[0].text


def test_a_venue_that_does_not_keep_back_says_so(still: Any) -> None:
    order = still.new(BUY, 10, 5, display_qty=5)
    still.run(0)
    assert "show a part" in still.story(order)[0].text
