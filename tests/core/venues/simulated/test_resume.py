"""Coming back: our orders return to the new book, and prices go on where they stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec

from core.model.enums import OrdStatus, OrdType, Side, TimeInForce

BUY, SELL = Side.BUY, Side.SELL
ACME = "ACME.TEST"
T1 = 1_700_000_500_000_000_000


def resting(rig: Any, side: Side, qty: int, price: int, **fields: Any) -> Any:
    order = rig.order(side, qty, price, status=fields.pop("status", OrdStatus.NEW), **fields)
    order = msgspec.structs.replace(order, order_id=f"TEST-old-{order.cl_ord_id}")
    rig.sent[order.cl_ord_id] = order
    return order


def test_prices_start_at_the_mark(make_rig: Callable[..., Any]) -> None:
    rig = make_rig()
    rig.venue.resume([], {ACME: 7_654, "NONE.TEST": 5})
    rig.open()
    bid, _, ask, _ = rig.top()
    assert bid - 3 <= 7_654 <= ask + 3


def test_orders_come_back_with_what_is_left_behind_the_others(
    make_rig: Callable[..., Any],
) -> None:
    empty = make_rig().open()
    rig = make_rig()
    bid, bid_qty, _ask, _ = empty.top()
    order = msgspec.structs.replace(
        resting(rig, BUY, 30, bid, status=OrdStatus.PARTIALLY_FILLED), cum_qty=10
    )
    rig.sent[order.cl_ord_id] = order
    stop = resting(rig, SELL, 5, 0, ord_type=OrdType.STOP, stop_price=bid - 50)
    gone = resting(rig, BUY, 5, bid, tif=TimeInForce.IOC, status=OrdStatus.UNKNOWN)
    filled = msgspec.structs.replace(resting(rig, BUY, 5, bid), status=OrdStatus.FILLED)
    elsewhere = resting(rig, BUY, 5, bid, instrument="NONE.TEST")
    for absent in (gone, filled, elsewhere, stop):
        del rig.sent[absent.cl_ord_id]
    rig.venue.resume([order, stop, gone, filled, elsewhere], {ACME: 10_000})
    rig.open(T1)
    assert rig.top()[:2] == (bid, bid_qty + 20)
    listed = {one.cl_ord_id: one for one in asyncio.run(rig.venue.working_orders())}
    assert set(listed) == {order.cl_ord_id, stop.cl_ord_id}
    assert (listed[order.cl_ord_id].qty, listed[order.cl_ord_id].cum_qty) == (30, 10)
    assert listed[order.cl_ord_id].order_id == order.order_id
    rig.new(SELL, bid_qty + 20, bid, account="A2", tif=TimeInForce.IOC)
    rig.run(0)
    report = rig.story(order)[-1]
    assert (report.status, report.cum_qty, report.order_id) == (
        OrdStatus.FILLED,
        30,
        order.order_id,
    )
    rig.check_stories()


def test_the_first_price_leaves_our_orders_resting(make_rig: Callable[..., Any]) -> None:
    rig = make_rig()
    buy = resting(rig, BUY, 10, 10_040)
    rig.venue.resume([buy], {ACME: 10_000})
    rig.open()
    rig.run(0)
    assert not rig.story(buy)
    assert rig.top()[0] >= 10_040
    assert rig.books[ACME].sides[1][10_040] >= 10


def test_an_order_far_through_the_market_trades_as_it_enters(make_rig: Callable[..., Any]) -> None:
    rig = make_rig()
    buy = resting(rig, BUY, 10, 11_000)
    rig.venue.resume([buy], {ACME: 10_000})
    rig.open()
    rig.run(0)
    assert rig.story(buy)[-1].status is OrdStatus.FILLED
    assert rig.story(buy)[-1].last_price < 10_050
    rig.check_stories()


def test_execution_ids_differ_between_incarnations(make_rig: Callable[..., Any]) -> None:
    seen = set()
    for ts in (T1, T1 + 1):
        rig = make_rig().open(ts)
        rig.new(BUY, 1, 5_000)
        rig.run(0)
        seen.add(rig.events[-1].exec_id)
        seen.add(rig.events[-1].order_id)
    assert len(seen) == 4
