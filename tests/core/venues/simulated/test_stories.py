"""Whatever we send into a busy market, in whatever order: each order has one legal story."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.model.enums import ExecType, OrdType, Side, TimeInForce
from core.model.events import CancelReject, ExecutionReport
from core.venues.simulated import default_market

ACME = "ACME.TEST"

moves = st.one_of(
    st.tuples(
        st.just("new"),
        st.sampled_from(list(Side)),
        st.integers(-2, 400),
        st.integers(-12, 6),
        st.sampled_from(list(OrdType)),
        st.sampled_from([TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK]),
        st.booleans(),
        st.sampled_from(["A1", "A2"]),
    ),
    st.tuples(st.just("cancel"), st.integers(0, 8)),
    st.tuples(st.just("replace"), st.integers(0, 8), st.integers(0, 400), st.integers(-12, 6)),
    st.tuples(st.just("wait"), st.sampled_from([0.0, 0.0005, 0.002, 0.1, 1.0])),
    st.tuples(st.just("halt"), st.sampled_from([0.001, 0.5])),
)


def act(rig: Any, orders: list[Any], move: tuple[Any, ...]) -> None:
    bid, _, ask, _ = rig.top()
    match move:
        case ("new", side, qty, offset, kind, tif, post_only, account):
            near = bid + offset if side is Side.BUY else ask - offset
            limited = kind in (OrdType.LIMIT, OrdType.STOP_LIMIT)
            stops = kind in (OrdType.STOP, OrdType.STOP_LIMIT)
            orders.append(
                rig.new(
                    side, qty, near if limited else 0,
                    stop_price=near if stops else 0,
                    ord_type=kind, tif=tif, post_only=post_only, account=account,
                )
            )  # fmt: skip
        case ("cancel", back) if orders:
            rig.cancel(orders[-1 - back % len(orders)])
        case ("replace", back, qty, offset) if orders:
            order = orders[-1 - back % len(orders)]
            near = bid + offset if order.side is Side.BUY else ask - offset
            rig.replace(order, qty, near)
        case ("wait", seconds):
            rig.run(seconds)
        case ("halt", seconds):
            rig.venue.halt(ACME, seconds)


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(moves, min_size=3, max_size=40), st.integers(0, 3), st.sampled_from([0, 3_000_000]))
def test_every_order_has_one_legal_story(
    make_rig: Callable[..., Any], path: list[tuple[Any, ...]], seed: int, latency: int
) -> None:
    rig = make_rig(rate=300.0, seed=seed, latency=latency).open()
    orders: list[Any] = []
    for move in path:
        act(rig, orders, move)
    rig.run(0.2)
    rig.check_stories()

    reports = [event for event in rig.events if isinstance(event, ExecutionReport)]
    ended = {r.cl_ord_id for r in reports if r.status.terminal}
    listed = {order.cl_ord_id: order for order in asyncio.run(rig.venue.working_orders())}
    assert set(listed) == {order.cl_ord_id for order in orders} - ended
    for name, one in listed.items():
        last = [r for r in reports if r.cl_ord_id == name][-1]
        assert (one.qty, one.price, one.cum_qty) == (last.qty, last.price, last.cum_qty)

    public = Counter({trade.trade_id: trade.qty for trade in rig.trades()})
    assert len(public) == len(rig.trades())
    fills = [r for r in reports if r.exec_type is ExecType.TRADE]
    shown = Counter((trade.ts, trade.price, trade.qty) for trade in rig.trades())
    for fill in fills:
        assert shown[fill.ts, fill.last_price, fill.last_qty] > 0
    assert sum(r.last_qty for r in fills) <= 2 * public.total()
    rig.venue._floor.market(ACME).live.book.check()


def test_both_sides_of_a_trade_between_our_accounts_agree(still: Any) -> None:
    bid, bid_qty, _, _ = still.top()
    maker = still.new(Side.BUY, 40, bid)
    taker = still.new(Side.SELL, bid_qty + 25, bid, account="A2")
    still.run(0)
    bought = [r for r in still.story(maker) if r.exec_type is ExecType.TRADE]
    sold = [r for r in still.story(taker) if r.exec_type is ExecType.TRADE]
    assert [(r.last_price, r.last_qty) for r in bought] == [(bid, 25)]
    assert (sold[-1].last_price, sold[-1].last_qty) == (bid, 25)
    assert sum(r.last_qty for r in sold) == bid_qty + 25
    assert bought[0].exec_id != sold[-1].exec_id


def test_a_stop_is_reached_by_the_others_trades(make_rig: Callable[..., Any]) -> None:
    rig = make_rig(rate=200.0).open()
    _, _, ask, _ = rig.top()
    orders = [
        rig.new(Side.BUY, 5, 0, ord_type=OrdType.STOP, stop_price=ask + 2),
        rig.new(Side.SELL, 5, 0, ord_type=OrdType.STOP, stop_price=ask - 4),
    ]
    rig.run(600)
    assert all(rig.kinds(order)[-1] == "TRADE" for order in orders)
    for order in orders:
        first = next(r for r in rig.story(order) if r.exec_type is ExecType.TRADE)
        reached = next(
            t
            for t in rig.trades()
            if (
                t.price >= order.stop_price
                if order.side is Side.BUY
                else t.price <= order.stop_price
            )
        )
        assert first.ts == reached.ts
    rig.check_stories()


def test_a_resting_order_is_filled_by_the_market_in_its_turn(make_rig: Callable[..., Any]) -> None:
    rig = make_rig(rate=200.0).open()
    bid = rig.top()[0]
    early = rig.new(Side.BUY, 50, bid)
    late = rig.new(Side.BUY, 50, bid, account="A2")
    rig.run(120)
    story = [r for r in rig.events if isinstance(r, ExecutionReport)]
    fills = [r for r in story if r.exec_type is ExecType.TRADE]
    assert fills, "two minutes and nobody traded with us"
    names = [r.cl_ord_id for r in fills]
    assert sorted(names, key=[early.cl_ord_id, late.cl_ord_id].index) == names
    rig.check_stories()


def test_control_says_that_it_is_not_a_replay() -> None:
    from core.model.commands import VenueControl

    venue = default_market()[0]
    assert "needs a replay" in venue.control(VenueControl("1", "ALPHA", "pause"))


def test_a_cancel_reject_is_never_both(still: Any) -> None:
    order = still.new(Side.BUY, 5, 100)
    still.run(0)
    still.cancel(order)
    still.cancel(order)
    still.run(0)
    kinds = [type(event) for event in still.story(order)]
    assert kinds == [ExecutionReport, ExecutionReport, CancelReject]
