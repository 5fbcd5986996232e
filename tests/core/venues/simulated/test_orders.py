"""Orders at the simulated venue: every kind of answer, in a book that stands still."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from core.model.enums import ExecType, Liquidity, OrdStatus, OrdType, Side, TimeInForce
from core.model.events import CancelReject, ExecutionReport
from core.model.requests import VenueNew

BUY, SELL = Side.BUY, Side.SELL
ACME = "ACME.TEST"


def working(rig: Any) -> dict[str, Any]:
    listed = asyncio.run(rig.venue.working_orders())
    return {order.cl_ord_id: order for order in listed}


def test_a_limit_order_rests_behind_the_others_and_is_listed(still: Any) -> None:
    bid, bid_qty, _, _ = still.top()
    order = still.new(BUY, 10, bid)
    still.run(0)
    assert still.kinds(order) == ["NEW"]
    assert still.top()[:2] == (bid, bid_qty + 10)
    listed = working(still)[order.cl_ord_id]
    assert (listed.qty, listed.price, listed.cum_qty, listed.side) == (10, bid, 0, BUY)
    assert listed.order_id == still.story(order)[0].order_id
    other = still.new(SELL, bid_qty + 4, bid, account="A2", tif=TimeInForce.IOC)
    still.run(0)
    assert sum(r.last_qty for r in still.story(order)) == 4
    assert still.kinds(other)[-1] == "TRADE"
    still.check_stories()


def test_a_taker_fills_through_levels_at_the_makers_prices(still: Any) -> None:
    asks = sorted(still.books[ACME].sides[2].items())
    qty = asks[0][1] + asks[1][1] + 1
    order = still.new(BUY, qty, asks[5][0])
    still.run(0)
    by_price: dict[int, int] = {}
    for report in still.story(order)[1:]:
        assert report.liquidity is Liquidity.REMOVED
        by_price[report.last_price] = by_price.get(report.last_price, 0) + report.last_qty
    assert by_price == {asks[0][0]: asks[0][1], asks[1][0]: asks[1][1], asks[2][0]: 1}
    assert still.story(order)[-1].status is OrdStatus.FILLED
    assert sum(trade.qty for trade in still.trades()) == qty
    still.check_stories()


def test_fees_are_exact_and_a_rebate_is_negative(still: Any) -> None:
    bid, _, ask, _ = still.top()
    maker = still.new(BUY, 7, bid + 1 if ask > bid + 1 else bid)
    still.run(0)
    taker = still.new(SELL, 10**6, 1, account="A2", tif=TimeInForce.IOC)
    still.run(0)
    for report in still.story(maker) + still.story(taker):
        if report.exec_type is not ExecType.TRADE:
            assert report.fee == 0
            continue
        rate = Decimal("-0.0001") if report.cl_ord_id == maker.cl_ord_id else Decimal("0.00033")
        value = Decimal(report.last_price) * report.last_qty * Decimal("0.01")
        assert report.fee == round(value * rate, 8)
        assert report.currency == "USD"
    assert still.story(maker)[-1].liquidity is Liquidity.ADDED


def test_immediate_or_cancel_and_market_leave_nothing(still: Any) -> None:
    _, _, ask, ask_qty = still.top()
    ioc = still.new(BUY, ask_qty + 5, ask, tif=TimeInForce.IOC)
    still.run(0)
    assert still.kinds(ioc)[-1] == "CANCELED"
    assert still.story(ioc)[-1].cum_qty == ask_qty
    everything = still.new(BUY, 10**6)
    still.run(0)
    assert still.kinds(everything)[-1] == "CANCELED"
    assert still.top()[2:] == (0, 0)
    nothing = still.new(BUY, 10)
    still.run(0)
    assert still.kinds(nothing) == ["NEW", "CANCELED"]
    assert not working(still)
    still.check_stories()


@pytest.mark.parametrize("kind", [OrdType.LIMIT, OrdType.MARKET])
def test_fill_or_kill(still: Any, kind: OrdType) -> None:
    asks = still.books[ACME].sides[2]
    price = max(asks) if kind is OrdType.LIMIT else 0
    total = sum(asks.values())
    killed = still.new(BUY, total + 1, price, ord_type=kind, tif=TimeInForce.FOK)
    still.run(0)
    assert still.kinds(killed) == ["NEW", "CANCELED"]
    assert still.story(killed)[-1].text
    filled = still.new(BUY, total, price, ord_type=kind, tif=TimeInForce.FOK)
    still.run(0)
    assert still.story(filled)[-1].status is OrdStatus.FILLED
    still.check_stories()


def test_post_only_is_rejected_when_it_would_trade(still: Any) -> None:
    bid, _, ask, _ = still.top()
    crossing = still.new(BUY, 10, ask, post_only=True)
    resting = still.new(BUY, 10, bid, post_only=True)
    still.run(0)
    assert still.kinds(crossing) == ["REJECTED"]
    assert "Post-only" in still.story(crossing)[0].text
    assert still.kinds(resting) == ["NEW"]
    request = still.replace(resting, 10, ask)
    still.run(0)
    refused = still.story(resting)[-1]
    assert isinstance(refused, CancelReject)
    assert (refused.request, refused.replace, refused.status) == (request, True, OrdStatus.NEW)
    still.check_stories()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"instrument": "NONE.TEST"}, "TEST does not list NONE.TEST"),
        ({"qty": 0}, "Quantity 0 lots"),
        ({"qty": 1_000_001}, "Quantity 1000001 lots"),
        ({"price": -3, "ord_type": OrdType.LIMIT}, "Price -3 ticks"),
        ({"price": 0, "ord_type": OrdType.LIMIT}, "Price 0 ticks"),
        ({"price": 2**31, "ord_type": OrdType.LIMIT}, "Price 2147483648 ticks"),
        ({"tif": TimeInForce.DAY}, "does not take DAY orders"),
        ({"ord_type": OrdType.STOP, "price": 0}, "Stop price 0 ticks"),
        ({"ord_type": OrdType.STOP_LIMIT, "stop_price": 5, "price": 0}, "Price 0 ticks"),
        ({"ord_type": OrdType.STOP, "stop_price": 5, "tif": TimeInForce.FOK}, "A stop order"),
        ({"price": 0, "ord_type": OrdType.MARKET, "post_only": True}, "Post-only needs"),
        ({"post_only": True, "tif": TimeInForce.IOC}, "Post-only needs"),
    ],
)
def test_rejects_say_what_is_wrong(still: Any, fields: dict[str, Any], words: str) -> None:
    fields = {"qty": 10, "price": 5} | fields
    order = still.new(BUY, fields.pop("qty"), fields.pop("price"), **fields)
    still.run(0)
    assert still.kinds(order) == ["REJECTED"]
    assert words in still.story(order)[0].text
    assert not working(still)
    still.check_stories()


def test_cancel_and_too_late(still: Any) -> None:
    bid, _, ask, _ = still.top()
    order = still.new(BUY, 10, bid)
    still.run(0)
    first, second = still.cancel(order), still.cancel(order)
    still.run(0)
    assert still.kinds(order) == ["NEW", "CANCELED", "REFUSED"]
    done, late = still.story(order)[1:]
    assert isinstance(done, ExecutionReport)
    assert done.request == first
    assert (late.request, late.status) == (second, OrdStatus.CANCELED)
    filled = still.new(BUY, 1, ask)
    still.run(0)
    still.cancel(filled)
    still.replace(filled, 5, ask)
    never = still.order(BUY, 1, bid)
    still.cancel(never)
    still.run(0)
    assert [event.status for event in still.story(filled)[-2:]] == [OrdStatus.FILLED] * 2
    assert "Too late: the order is filled" in still.story(filled)[-1].text
    assert still.story(never)[0].status is OrdStatus.REJECTED
    assert "knows no order" in still.story(never)[0].text
    still.check_stories()


def test_replace_keeps_or_loses_the_place_and_may_trade(still: Any) -> None:
    bid, _, ask, ask_qty = still.top()
    order = still.new(BUY, 30, bid)
    behind = still.new(BUY, 5, bid, account="A2")
    still.run(0)
    still.replace(order, 20, bid)
    still.run(0)
    report = still.story(order)[-1]
    assert (report.exec_type, report.qty, report.price) == (ExecType.REPLACED, 20, bid)
    ahead = still.top()[1] - 25
    sweep = still.new(SELL, ahead + 20, bid, account="A3", tif=TimeInForce.IOC)
    still.run(0)
    assert still.story(order)[-1].status is OrdStatus.FILLED
    assert still.kinds(behind) == ["NEW"]
    assert still.story(sweep)[-1].status is OrdStatus.FILLED
    still.replace(behind, 5, ask)
    still.run(0)
    assert still.kinds(behind) == ["NEW", "REPLACED", *["TRADE"] * (len(still.kinds(behind)) - 2)]
    assert still.story(behind)[-1].status is OrdStatus.FILLED
    assert still.story(behind)[-1].last_price == ask
    assert still.top()[3] == ask_qty - 5
    still.check_stories()


def test_replace_to_what_is_filled_already_is_refused(still: Any) -> None:
    bid, bid_qty, _, _ = still.top()
    order = still.new(BUY, 30, bid)
    still.new(SELL, bid_qty + 10, bid, account="A2", tif=TimeInForce.IOC)
    still.run(0)
    still.replace(order, 10, bid)
    still.run(0)
    refused = still.story(order)[-1]
    assert isinstance(refused, CancelReject)
    assert refused.status is OrdStatus.PARTIALLY_FILLED
    assert "the 10 filled" in refused.text
    still.replace(order, 11, bid)
    still.run(0)
    assert working(still)[order.cl_ord_id].qty == 11
    still.check_stories()


def test_own_orders_do_not_trade_with_each_other(still: Any) -> None:
    bid, _, ask, ask_qty = still.top()
    resting = still.new(SELL, 10, ask)
    taker = still.new(BUY, ask_qty + 10, ask)
    still.run(0)
    assert still.kinds(resting) == ["NEW"]
    assert still.kinds(taker)[-1] == "CANCELED"
    assert still.story(taker)[-1].cum_qty == ask_qty
    assert "same account" in still.story(taker)[-1].text
    mine = still.new(BUY, 10, bid)
    still.run(0)
    still.replace(mine, 10, ask)
    still.run(0)
    assert still.kinds(mine) == ["NEW", "REPLACED", "CANCELED"]
    assert list(working(still)) == [resting.cl_ord_id]
    still.check_stories()


def test_the_same_order_sent_twice_is_entered_once(still: Any) -> None:
    bid, _, _, _ = still.top()
    order = still.new(BUY, 10, bid)
    still.venue.send(VenueNew(order))
    still.run(0)
    assert still.kinds(order) == ["NEW", "ORDER_STATUS"]
    assert len(working(still)) == 1
    still.cancel(order)
    still.venue.send(VenueNew(order))
    still.run(0)
    assert still.kinds(order) == ["NEW", "ORDER_STATUS", "CANCELED", "ORDER_STATUS"]
    assert not working(still)


def test_stops_wait_for_their_price(still: Any) -> None:
    _, _, ask, ask_qty = still.top()
    stop = still.new(BUY, 5, 0, ord_type=OrdType.STOP, stop_price=ask + 1)
    limited = still.new(BUY, 5, ask + 1, ord_type=OrdType.STOP_LIMIT, stop_price=ask + 1)
    sold = still.new(SELL, 5, 0, ord_type=OrdType.STOP, stop_price=1)
    still.run(0)
    assert still.kinds(stop) == still.kinds(limited) == ["NEW"]
    assert set(working(still)) == {stop.cl_ord_id, limited.cl_ord_id, sold.cl_ord_id}
    still.replace(limited, 6, ask + 2)
    larger = still.replace(stop, 6, 0)
    still.run(0)
    assert still.story(limited)[-1].exec_type is ExecType.REPLACED
    assert still.story(stop)[-1].request == larger
    assert (still.story(stop)[-1].qty, still.story(stop)[-1].stop_price) == (6, ask + 1)
    prices = sorted(still.books[ACME].sides[2])
    still.new(BUY, ask_qty + 1, prices[1], account="A2", tif=TimeInForce.IOC)
    still.run(0)
    assert still.story(stop)[-1].status is OrdStatus.FILLED
    assert still.story(limited)[-1].exec_type is not ExecType.NEW
    still.cancel(sold)
    still.run(0)
    assert still.kinds(sold) == ["NEW", "CANCELED"]
    still.check_stories()


def test_a_stop_is_moved_while_it_waits_and_not_after(still: Any) -> None:
    _, _, ask, ask_qty = still.top()
    stop = still.new(BUY, 5, 0, ord_type=OrdType.STOP, stop_price=ask + 1)
    limited = still.new(BUY, 5, 2, ord_type=OrdType.STOP_LIMIT, stop_price=ask + 1)
    still.run(0)
    still.replace(stop, 5, 0, ask + 50)
    still.run(0)
    moved = still.story(stop)[-1]
    assert (moved.exec_type, moved.stop_price, moved.price) == (ExecType.REPLACED, ask + 50, 0)
    prices = sorted(still.books[ACME].sides[2])
    still.new(BUY, ask_qty + 1, prices[1], account="A2", tif=TimeInForce.IOC)
    still.run(0)
    assert still.story(stop)[-1] is moved
    late = still.replace(limited, 5, 2, ask + 9)
    still.run(0)
    answer = still.story(limited)[-1]
    assert answer.request == late
    assert "was reached" in answer.text
    still.replace(stop, 5, 0, ask)
    still.run(0)
    assert still.story(stop)[-1].status is OrdStatus.FILLED
    still.check_stories()


def test_a_stop_that_is_reached_already_trades_at_once(still: Any) -> None:
    stop = still.new(SELL, 5, 0, ord_type=OrdType.STOP, stop_price=20_000)
    still.run(0)
    assert still.story(stop)[-1].status is OrdStatus.FILLED
    still.check_stories()


def test_latency_both_ways_and_a_lost_race(make_rig: Callable[..., Any]) -> None:
    rig = make_rig(latency=2_000_000).open()
    bid, _, ask, _ = rig.top()
    order = rig.new(BUY, 10, bid)
    rig.run(0.0007)
    assert not rig.story(order)
    rig.run(0.01)
    ack = rig.story(order)[0]
    assert ack.ts > rig.market[-1].ts - 20_000_000
    assert ack.received > ack.ts
    racer = rig.new(BUY, 10, ask)
    rig.cancel(racer)
    rig.run(0.02)
    assert rig.kinds(racer)[0] == "NEW"
    assert rig.kinds(racer)[-1] == "REFUSED"
    assert rig.story(racer)[-1].status is OrdStatus.FILLED
    rig.check_stories()
