"""What a simulated venue says of us when it is asked for all of it."""

from __future__ import annotations

import asyncio
from typing import Any

from core.model.enums import ExecType, OrdStatus, Side
from core.model.events import VenuePosition, VenueStatement
from core.venues.simulated import desk
from core.venues.venue import Accountable

BUY, SELL = Side.BUY, Side.SELL
ACME = "ACME.TEST"


def ask(rig: Any, since: int = 0, *orders: Any) -> VenueStatement:
    assert isinstance(rig.venue, Accountable)
    names = [order.cl_ord_id for order in orders]
    return asyncio.run(rig.venue.statement(since, names))


def test_orders_executions_and_positions_are_those_of_its_reports(still: Any) -> None:
    bid, bid_qty, ask_price, _ = still.top()
    resting = still.new(BUY, 10, bid - 3)
    bought = still.new(BUY, 3, ask_price)
    sold = still.new(SELL, bid_qty + 1, bid, account="A2")
    canceled = still.new(BUY, 1, bid - 9)
    still.cancel(canceled)
    never = still.order(BUY, 1, bid)
    still.run(0)
    told = ask(still, 0, bought, sold, canceled, never)
    assert told.executions is not None
    reports = [r for r in still.events if getattr(r, "exec_type", None) is ExecType.TRADE]
    assert [e.exec_id for e in told.executions] == [r.exec_id for r in reports]
    assert [e.account for e in told.executions] == ["A1", "A2"][:1] + ["A2"] * (len(reports) - 1)
    assert {o.cl_ord_id for o in told.orders} == {resting.cl_ord_id, sold.cl_ord_id}
    assert told.asked is not None
    asked = {o.cl_ord_id: o for o in told.asked}
    assert never.cl_ord_id not in asked
    assert asked[canceled.cl_ord_id].status is OrdStatus.CANCELED
    assert asked[bought.cl_ord_id].status is OrdStatus.FILLED
    for order in (bought, sold):
        mine = [r for r in reports if r.cl_ord_id == order.cl_ord_id]
        there = asked[order.cl_ord_id]
        assert there.cum_qty == sum(r.last_qty for r in mine)
        assert there.notional == sum(r.last_qty * r.last_price for r in mine)
    assert told.positions is not None
    assert set(told.positions) == {
        VenuePosition(ACME, 3, "A1"),
        VenuePosition(ACME, -bid_qty, "A2"),
    }
    assert told.balances is None


def test_executions_since_a_time(still: Any) -> None:
    _, _, price, _ = still.top()
    still.new(BUY, 1, price)
    still.run(1)
    later = still.venue.now
    still.new(BUY, 1, price)
    still.run(0)
    told = ask(still, later)
    assert told.executions is not None
    assert len(told.executions) == 1
    assert told.executions[0].ts >= later


def test_one_that_began_anew_knows_no_positions(make_rig: Any) -> None:
    rig = make_rig()
    rig.venue.resume([], {})
    rig.open()
    assert ask(rig).positions is None
    assert ask(rig).executions == ()


def test_of_orders_that_are_over_the_newest_are_known(still: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(desk, "_REMEMBERED", 3)
    bid, *_ = still.top()
    resting = still.new(BUY, 10, bid - 3)
    over = []
    for _ in range(6):
        over.append(still.new(BUY, 1, bid - 9))
        still.cancel(over[-1])
    still.run(0)
    told = ask(still, 0, resting, *over)
    assert told.asked is not None
    assert [o.cl_ord_id for o in told.asked] == [o.cl_ord_id for o in (resting, *over[3:])]
