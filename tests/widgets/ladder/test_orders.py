"""What clicks, drags and shrinks mean, without a window."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from core.model.enums import OrdStatus, OrdType, Side, TimeInForce
from core.model.session import Ticker
from tests.widgets.trading_world import ASK, BID, BTC, World
from widgets.brackets import resting_tif
from widgets.kinds import level
from widgets.ladder.intent import LIVES, order_for
from widgets.ladder.lock import IDLE_LIMIT, Lock
from widgets.ladder.moves import cancellable, move, reduce

NOW = 5_000_000_000
TICKER = Ticker(BTC.id, 1, 1, BID, 10, ASK, 10, BID)


def click(side, price, qty=7, stop=False, life="GTC", ticker=TICKER, instrument=BTC):
    return order_for(instrument, ticker, "A", side, price, qty, stop, LIVES[life], NOW)


@pytest.mark.parametrize("side", list(Side))
def test_a_click_is_a_limit_order_at_the_row(side):
    order = click(side, 128_000)
    assert (order.side, order.ord_type, order.price, order.stop_price, order.qty) == (
        side,
        OrdType.LIMIT,
        128_000,
        0,
        7,
    )
    assert order.tif is TimeInForce.GTC
    assert order.cl_ord_id == ""


def test_shift_is_a_stop_beyond_the_market_only():
    buy = click(Side.BUY, ASK + 1, stop=True)
    assert (buy.ord_type, buy.price, buy.stop_price) == (OrdType.STOP, 0, ASK + 1)
    assert "above the ask, 64,211.0" in click(Side.BUY, ASK, stop=True)
    assert "below the bid, 64,210.5" in click(Side.SELL, BID, stop=True)
    sell = click(Side.SELL, BID - 1, stop=True)
    assert sell.stop_price == BID - 1


def test_what_cannot_be_an_order_is_a_sentence():
    assert "no market" in click(Side.BUY, 9, stop=True, ticker=None)
    assert "size" in click(Side.BUY, 9, None)
    assert "no price" in click(Side.BUY, 0)


def test_the_chosen_life_goes_with_the_order_but_a_stop_must_rest():
    assert click(Side.BUY, BID, life="FOK").tif is TimeInForce.FOK
    assert click(Side.BUY, ASK + 1, stop=True, life="FOK").tif is TimeInForce.GTC
    dated = click(Side.BUY, ASK + 1, stop=True, life="GTD-10m")
    assert (dated.tif, dated.expire) == (TimeInForce.GTD, NOW + 600 * 1_000_000_000)
    assert click(Side.BUY, BID, life="GTC").expire == 0


def test_an_order_should_rest():
    assert resting_tif(replace(BTC, tifs=(TimeInForce.IOC, TimeInForce.DAY))) is TimeInForce.DAY
    assert resting_tif(BTC) is TimeInForce.GTC


@given(st.integers(1, 300_000), st.sampled_from(list(Side)), st.booleans())
def test_no_drag_ever_crosses_the_spread_unless_flip_is_on(price, side, flip):
    world = World()
    order = world.order("a", side, BID - 5 if side is Side.BUY else ASK + 5)
    result = move([order], price, BTC, TICKER, flip)
    crosses = price >= ASK if side is Side.BUY else price <= BID
    if crosses and not flip:
        assert "Flip" in result
    elif price == order.price:
        assert result == []
    else:
        assert [(c.order, c.qty, c.price) for c in result] == [(order, order.qty, price)]


def test_what_is_pending_or_follows_the_market_is_not_moved():
    world = World()
    pending = world.order("a", Side.BUY, BID - 5, status=OrdStatus.PENDING_REPLACE)
    assert "under way" in move([pending], BID - 6, BTC, TICKER, flip=False)
    trailing = world.order("b", Side.BUY, 0, ord_type=OrdType.TRAILING_STOP, stop_price=ASK + 9)
    assert "follows the market by itself" in move([trailing], ASK + 12, BTC, TICKER, flip=False)
    plain = world.order("c", Side.BUY, BID - 5)
    assert "no market" in move([plain], BID - 6, BTC, None, flip=False)
    assert "no price" in move([plain], 0, BTC, TICKER, flip=False)


def test_a_stop_is_moved_by_its_stop_and_its_limit_comes_along():
    world = World()
    stop = world.order("a", Side.BUY, 0, ord_type=OrdType.STOP, stop_price=ASK + 9)
    limited = world.order("b", Side.BUY, ASK + 12, ord_type=OrdType.STOP_LIMIT, stop_price=ASK + 9)
    changes = move([stop, limited], ASK + 15, BTC, TICKER, flip=False)
    assert [(c.price, c.stop_price) for c in changes] == [(0, ASK + 15), (ASK + 18, ASK + 15)]
    assert move([stop], ASK + 9, BTC, TICKER, flip=False) == []


def test_a_stop_is_not_moved_to_where_it_goes_off_at_once_unless_flip_is_on():
    world = World()
    stop = world.order("a", Side.BUY, 0, ord_type=OrdType.STOP, stop_price=ASK + 9)
    wrong = move([stop], ASK, BTC, TICKER, flip=False)
    assert wrong == (
        "Not moved: it would go off at once. A buy stop must lie above the ask, 64,211.0."
    )
    assert [c.stop_price for c in move([stop], ASK, BTC, TICKER, flip=True)] == [ASK]


def test_an_exit_whose_turn_is_to_come_may_stand_anywhere():
    world = World()
    stop = world.order(
        "a",
        Side.SELL,
        0,
        ord_type=OrdType.STOP,
        stop_price=BID - 9,
        status=OrdStatus.SUSPENDED,
        parent="entry",
    )
    assert [c.stop_price for c in move([stop], ASK + 5, BTC, TICKER, flip=False)] == [ASK + 5]


def test_an_order_that_was_triggered_stands_at_its_limit():
    world = World()
    order = world.order(
        "b", Side.BUY, ASK - 5, ord_type=OrdType.STOP_LIMIT, stop_price=ASK - 7, triggered=1
    )
    assert level(order) == ASK - 5
    changes = move([order], ASK - 6, BTC, TICKER, flip=False)
    assert [(c.price, c.stop_price) for c in changes] == [(ASK - 6, 0)]


@given(
    st.lists(st.tuples(st.integers(1, 100), st.integers(0, 99)), min_size=1, max_size=6),
    st.integers(1, 400),
)
def test_shrinking_takes_exactly_that_much_off_the_newest_first(sizes, lots):
    world = World()
    orders = []
    for number, (qty, filled) in enumerate(sizes):
        done = min(filled, qty - 1)
        status = OrdStatus.PARTIALLY_FILLED if done else OrdStatus.NEW
        orders.append(
            world.order(
                str(number), Side.BUY, BID, qty, cum_qty=done, created=number, status=status
            )
        )
    changes = reduce(orders, lots)
    before = sum(o.leaves for o in orders)
    touched = {c.order.cl_ord_id: c for c in changes}
    after = sum(
        o.leaves if o.cl_ord_id not in touched else max(touched[o.cl_ord_id].qty - o.cum_qty, 0)
        for o in orders
    )
    assert after == max(before - lots, 0)
    assert [c.order for c in changes] == orders[::-1][: len(changes)]
    assert all(c.qty == 0 for c in changes[:-1])
    assert all(c.price == c.order.price and c.qty <= c.order.qty for c in changes)


def test_only_what_works_can_be_cancelled():
    world = World()
    working = world.order("a", Side.BUY, BID)
    going = world.order("b", Side.BUY, BID, status=OrdStatus.PENDING_CANCEL)
    dead = world.order("c", Side.BUY, BID, status=OrdStatus.FILLED)
    unknown = world.order("d", Side.BUY, BID, status=OrdStatus.UNKNOWN)
    assert cancellable([working, going, dead, unknown]) == [working, unknown]


def test_the_lock_closes_by_itself():
    lock = Lock()
    assert not lock.armed
    assert "stale" in lock.arm(0, "stale 3.0 s.")
    assert not lock.armed
    assert lock.arm(0, "") == ""
    assert lock.armed
    assert lock.check(IDLE_LIMIT - 1, "") == ""
    lock.use(IDLE_LIMIT - 1)
    assert lock.check(2 * IDLE_LIMIT - 2, "") == ""
    assert "10 minutes" in lock.check(2 * IDLE_LIMIT - 1, "")
    assert not lock.armed
    lock.arm(0, "")
    assert "stale" in lock.check(1, "stale 3.0 s.")
    assert not lock.armed
    assert lock.disarm("again.") == ""
