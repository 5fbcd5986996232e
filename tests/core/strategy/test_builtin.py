"""The strategies that come with the program, on bars and quotes made by hand."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.model.commands import CancelOrder, NewOrder, ReplaceOrder
from core.model.enums import OrdStatus, OrdType, Side, TimeInForce
from core.strategy.api import StrategyError, make_params
from core.strategy.builtin.crossover import Crossover
from core.strategy.builtin.quoter import Quoter
from core.strategy.builtin.reversion import VwapReversion
from tests.core.strategy.recorded import Recorded

# -- crossover -----------------------------------------------------------------------------------


def crossover(**more: str) -> Recorded:
    return Recorded(Crossover, fast="2", slow="4", quantity="0.5", **more)


def test_crossover_trades_the_bar_that_crosses_and_no_other() -> None:
    r = crossover()
    r.start([100, 99, 98, 97])
    assert r.bar(96) == []
    assert r.bar(97) == []  # averages of 96.5 and 97: still below
    (buy,) = r.bar(105)
    assert (buy.side, buy.qty, buy.ord_type, buy.tif) == (
        Side.BUY,
        5,
        OrdType.MARKET,
        TimeInForce.IOC,
    )
    assert buy.why == "SMA 2 crossed above SMA 4"
    r.done([buy])
    assert r.bar(106) == []
    (sell,) = r.bar(80)
    assert (sell.side, sell.qty) == (Side.SELL, 10)  # from long to short
    r.done([sell])
    assert r.position == -5


def test_crossover_without_short_goes_flat() -> None:
    r = crossover(short="false")
    r.start([97, 97, 96, 95])
    r.done(r.bar(110))
    (sell,) = r.bar(60)
    assert (sell.side, sell.qty) == (Side.SELL, 5)
    r.done([sell])
    assert r.bar(50) == []


def test_crossover_sends_nothing_without_enough_bars_and_nothing_on_the_first() -> None:
    r = crossover()
    r.start()
    for close in (1, 100, 1):
        assert r.bar(close) == []
    assert r.bar(100) == []  # the first comparison that can be made is no crossing
    assert len(r.bar(1_000) + r.bar(1) + r.bar(1)) == 1


def test_crossover_touching_is_not_crossing() -> None:
    r = crossover()
    r.start([100, 100, 100, 100])
    assert r.bar(100) == []
    assert r.bar(100) == []
    # Equal averages said nothing, so the first difference is where it begins, not a crossing.
    assert r.bar(110) == []
    assert len(r.bar(50) + r.bar(50)) == 1


def test_crossover_sends_no_second_order_while_one_is_open() -> None:
    r = crossover()
    r.start([100, 99, 98, 97])
    (buy,) = r.bar(120)
    assert r.bar(10) == []
    r.accept(buy)
    assert r.bar(200) == []


@given(st.lists(st.integers(1, 1_000), min_size=4, max_size=60))
def test_crossover_holds_what_its_averages_say(closes: list[int]) -> None:
    r = crossover()
    r.start()
    said = None
    for index, close in enumerate(closes):
        orders = r.bar(close)
        assert len(orders) <= 1
        r.done(orders)
        seen = closes[: index + 1]
        if len(seen) >= 4:
            fast, slow = Decimal(sum(seen[-2:])) / 2, Decimal(sum(seen[-4:])) / 4
            now = fast > slow if fast != slow else said
            crossed = said is not None and now != said
            assert bool(orders) == crossed
            said = now
        assert r.position in (-5, 0, 5)
        if orders:
            assert r.position == (5 if said else -5)


# -- reversion -----------------------------------------------------------------------------------


def reversion() -> Recorded:
    return Recorded(VwapReversion, window="5", entry="1.5", leave="0.5", quantity="0.3")


def test_reversion_sells_far_above_and_leaves_near_the_average() -> None:
    r = reversion()
    r.start([100, 101, 99, 100])
    assert r.bar(100) == []
    (sell,) = r.bar(120)
    assert (sell.side, sell.qty) == (Side.SELL, 3)
    assert "deviations from VWAP" in sell.why
    r.done([sell])
    assert r.bar(121) == []  # still far away
    (back,) = r.bar(104)
    assert (back.side, back.qty) == (Side.BUY, 3)
    r.done([back])
    assert r.position == 0


def test_reversion_buys_far_below() -> None:
    r = reversion()
    r.start([100, 101, 99, 100])
    (buy,) = r.bar(80)
    assert buy.side is Side.BUY


def test_reversion_knows_nothing_without_volume_or_movement() -> None:
    r = reversion()
    r.start()
    assert [r.bar(100, volume=0) for _ in range(10)] == [[]] * 10
    assert [r.bar(100) for _ in range(10)] == [[]] * 10
    assert r.strategy.distance() is None  # type: ignore[attr-defined]


@given(st.lists(st.tuples(st.integers(50, 150), st.integers(0, 100)), max_size=60))
def test_reversion_never_holds_more_than_its_quantity(bars: list[tuple[int, int]]) -> None:
    r = reversion()
    r.start()
    for close, volume in bars:
        before = r.position
        orders = r.bar(close, volume)
        assert len(orders) <= 1
        r.done(orders)
        assert r.position in (-3, 0, 3)
        assert not (before and r.position == -before)  # it goes flat first
        distance = r.strategy.distance()  # type: ignore[attr-defined]
        if r.position and distance is not None and before == 0:
            assert abs(distance) >= 1.5
            assert np.sign(distance) == -np.sign(r.position)


# -- quoter --------------------------------------------------------------------------------------


def quoter(**more: str) -> Recorded:
    usual = {"distance": "3", "skew": "4", "tolerance": "2", "quantity": "0.5", "inventory": "2"}
    r = Recorded(Quoter, **(usual | more))
    r.start()
    return r


def new(commands: list[object]) -> dict[Side, NewOrder]:
    return {c.side: c for c in commands if isinstance(c, NewOrder)}


def test_quoter_quotes_both_sides_once() -> None:
    r = quoter()
    sent = new(r.quote(1_000, 1_002))
    assert {side: (o.price, o.qty, o.post_only) for side, o in sent.items()} == {
        Side.BUY: (997, 5, True),
        Side.SELL: (1_005, 5, True),
    }
    assert r.quote(1_001, 1_003) == []  # no word of them yet
    for order in sent.values():
        r.accept(order)
    assert r.quote(1_002, 1_004) == []  # within the tolerance
    moved = r.quote(1_003, 1_005)
    assert [(type(c), c.order, c.price) for c in moved] == [  # type: ignore[union-attr]
        (ReplaceOrder, sent[Side.BUY].cl_ord_id, 1_000),
        (ReplaceOrder, sent[Side.SELL].cl_ord_id, 1_008),
    ]


def test_quoter_leans_against_what_it_holds() -> None:
    r = quoter()
    sent = new(r.quote(1_000, 1_002))
    for order in sent.values():
        r.accept(order)
    r.fill(sent[Side.BUY].cl_ord_id, 5)  # a quarter of the inventory: one tick down
    commands = r.quote(1_000, 1_002)
    assert {s: o.price for s, o in new(commands).items()} == {Side.BUY: 996}
    r = quoter()
    r.runner.start(r.now, 15, r.columns())  # three quarters: three ticks down
    assert {s: o.price for s, o in new(r.quote(1_000, 1_002)).items()} == {
        Side.BUY: 994,
        Side.SELL: 1_002,
    }


def test_quoter_stops_buying_with_a_full_inventory() -> None:
    r = quoter()
    r.runner.start(r.now, 20, r.columns())
    assert list(new(r.quote(1_000, 1_002))) == [Side.SELL]
    r = quoter()
    sent = new(r.quote(1_000, 1_002))
    for order in sent.values():
        r.accept(order)
    r.runner.strategy.position = 18
    commands = r.quote(1_000, 1_002)
    assert [(type(c), c.order) for c in commands if not isinstance(c, NewOrder)] == [  # type: ignore[union-attr]
        (CancelOrder, sent[Side.BUY].cl_ord_id),
        (ReplaceOrder, sent[Side.SELL].cl_ord_id),
    ]


def test_quoter_needs_both_sides_of_the_market() -> None:
    r = quoter()
    assert r.quote(0, 1_002) == []
    assert r.quote(1_000, 0) == []
    sent = new(r.quote(1_000, 1_002))
    for order in sent.values():
        r.accept(order)
    assert {type(c) for c in r.quote(0, 1_002)} == {CancelOrder}


def test_quoter_rests_after_a_refusal() -> None:
    r = quoter()
    sent = new(r.quote(1_000, 1_002))
    for order in sent.values():
        r.accept(order)
        r.end(order.cl_ord_id, OrdStatus.REJECTED)
    assert r.quote(1_000, 1_002, 0.5) == []
    assert len(new(r.quote(1_000, 1_002, 2.0))) == 2


def test_quoter_withdraws_when_it_is_stopped() -> None:
    r = quoter()
    sent = new(r.quote(1_000, 1_002))
    for order in sent.values():
        r.accept(order)
    before = len(r.sent)
    r.runner.stop(r.now)
    assert [type(c) for c in r.sent[before:]] == [CancelOrder, CancelOrder]


def test_quoter_takes_orders_of_before_off_first() -> None:
    r = quoter()
    sent = new(r.quote(1_000, 1_002))
    for order in sent.values():
        r.accept(order)
    before = len(r.sent)
    r.runner.start(r.now, 0, r.columns())
    assert {type(c) for c in r.sent[before:]} == {CancelOrder}
    assert new(r.quote(1_000, 1_002)) == {}
    r.end(sent[Side.BUY].cl_ord_id)
    assert list(new(r.quote(1_000, 1_002))) == [Side.BUY]


steps = st.lists(
    st.one_of(
        st.tuples(st.just("quote"), st.integers(0, 60), st.integers(1, 6)),
        st.tuples(st.just("accept"), st.integers(0, 9), st.just(0)),
        st.tuples(st.just("fill"), st.integers(0, 9), st.integers(1, 5)),
        st.tuples(st.just("end"), st.integers(0, 9), st.just(0)),
        st.tuples(st.just("reject"), st.integers(0, 9), st.just(0)),
    ),
    max_size=80,
)


@given(steps, st.integers(0, 8), st.integers(1, 5))
def test_quoter_keeps_its_promises_whatever_happens(
    steps: list[tuple[str, int, int]], skew: int, distance: int
) -> None:
    r = quoter(skew=str(skew), distance=str(distance))
    open_orders: dict[str, NewOrder] = {}
    taken = 0
    for step, pick, size in steps:
        names = list(open_orders)
        name = names[pick % len(names)] if names else ""
        if step == "quote":
            bid, ask = 1_000 + pick, 1_000 + pick + size
            r.quote(bid, ask, 0.3)
            for command in r.sent[taken:]:
                if isinstance(command, NewOrder):
                    open_orders[command.cl_ord_id] = command
                    crosses = (
                        command.price >= ask if command.side is Side.BUY else (command.price <= bid)
                    )
                    assert not crosses
                    assert command.price > 0
                elif isinstance(command, ReplaceOrder):
                    side = open_orders[command.order].side
                    assert command.price < ask if side is Side.BUY else command.price > bid
                    r.moved(command.order, command.qty, command.price)
            taken = len(r.sent)
        elif name and step == "accept" and name not in r.live:
            r.accept(open_orders[name])
        elif name in r.live and step == "fill":
            order = r.live[name]
            r.fill(name, min(size, order.leaves))
        elif name in r.live and step in ("end", "reject"):
            r.end(name, OrdStatus.CANCELED if step == "end" else OrdStatus.REJECTED)
        open_orders = {n: o for n, o in open_orders.items() if n in r.strategy.working}
        sides = [o.side for o in open_orders.values()]
        assert len(sides) == len(set(sides)), "at most one order a side"
        buys = [o for o in open_orders.values() if o.side is Side.BUY]
        sells = [o for o in open_orders.values() if o.side is Side.SELL]
        prices = {n: r.live[n].price if n in r.live else o.price for n, o in open_orders.items()}
        for buy in buys:
            leaves = r.live[buy.cl_ord_id].leaves if buy.cl_ord_id in r.live else buy.qty
            assert r.position + leaves <= 20 or _canceling(r, buy)
            for sell in sells:
                if not _canceling(r, buy) and not _canceling(r, sell):
                    assert prices[buy.cl_ord_id] < prices[sell.cl_ord_id] or not r.live
        assert abs(r.position) <= 20


def _canceling(r: Recorded, order: NewOrder) -> bool:
    return any(isinstance(c, CancelOrder) and c.order == order.cl_ord_id for c in r.sent)


# -- parameters ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "params", "text"),
    [
        (Crossover, {"fast": "30"}, "fast must be shorter than slow"),
        (Crossover, {"fast": "0"}, "fast"),
        (Crossover, {"interval": "soon"}, "write 5s, 1m"),
        (Crossover, {"quantity": "much"}, "quantity"),
        (Crossover, {"speed": "1"}, "speed"),
        (VwapReversion, {"leave": "2"}, "leave must be smaller than entry"),
        (Quoter, {"inventory": "0.5"}, "inventory must not be below quantity"),
        (Quoter, {"distance": "1.5"}, "distance"),
    ],
)
def test_wrong_parameters_are_named(kind: type, params: dict[str, str], text: str) -> None:
    with pytest.raises(StrategyError, match=text):
        make_params(kind, params)


@pytest.mark.parametrize("quantity", ["0", "-1", "0.05"])
def test_a_quantity_that_is_no_multiple_of_the_lot_is_refused_at_the_start(quantity: str) -> None:
    r = Recorded(Crossover, quantity=quantity)
    with pytest.raises(StrategyError, match="quantity"):
        r.start()
