"""The rows as values: sizes, profile, own orders and marks."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from core.model.commands import CancelOrder, NewOrder, ReplaceOrder
from core.model.enums import OrdStatus, OrdType, Side
from core.model.instruments import TradingHours
from core.model.numbers import parse_decimal
from tests.widgets.trading_world import ASK, BID, BTC, SECOND, SHARE, START, World
from widgets.ladder.picture import Mark, Scene, Stage, compose, orders_at, spoken
from widgets.ladder.rows import Rows
from widgets.ladder.sizes import SizeFormat, bar_scale, share
from widgets.ladder.traded import FADE, Traded, faded, session_of
from widgets.presets import default_sizes, read_sizes, saved_texts, write_sizes
from widgets.sent import Sent

FINE = replace(BTC, lot=Decimal("0.00001"))


def scene_of(world, rows=None, **changes):
    stores = world.stores
    return Scene(
        rows or Rows(BID + 10, 21),
        BTC,
        SizeFormat(BTC),
        SizeFormat(BTC),
        changes.pop("traded", Traded()),
        changes.pop("sent", Sent()),
        stores.depth.get(BTC.id),
        stores.tickers.get(BTC.id),
        stores.working_orders(BTC.id),
        stores.working.get(BTC.id, {}),
        **changes,
    )


def row_of(price, rows=None):
    return (rows or Rows(BID + 10, 21)).row_at(price)


def test_depth_stands_in_its_rows_with_bars_against_the_visible_largest():
    pictures = compose(scene_of(World()))
    best, below = pictures[row_of(BID)], pictures[row_of(BID - 1)]
    assert (best.price, best.bid, best.ask) == ("64,210.5", "1.00", "")
    assert (below.bid, pictures[row_of(ASK)].ask) == ("1.01", "1.00")
    assert 0 < best.bid_share <= below.bid_share <= 100
    assert best.marks & Mark.BEST_BID
    assert best.marks & Mark.BID_SIDE
    assert pictures[row_of(ASK)].marks & Mark.ASK_SIDE


def test_without_depth_the_quote_is_shown():
    world = World()
    world.stores.depth.clear()
    pictures = compose(scene_of(world))
    assert pictures[row_of(BID)].bid == "1.00"
    assert pictures[row_of(BID - 1)].bid == ""


@given(st.sampled_from([1, 2, 5, 10]), st.integers(-30, 30))
def test_grouping_loses_no_size(group, shift):
    world = World()
    rows = Rows((BID + shift) // group + 12, 40, group)
    pictures = compose(scene_of(world, rows))
    depth = world.stores.depth[BTC.id]
    bids = sum(
        q
        for p, q in zip(depth.bid_price.tolist(), depth.bid_qty.tolist(), strict=True)
        if rows.visible(rows.row_of_buy(p))
    )
    shown = sum((parse_decimal(p.bid) for p in pictures if p.bid), Decimal(0))
    assert shown == BTC.quantity(bids)
    asks = sum(
        q
        for p, q in zip(depth.ask_price.tolist(), depth.ask_qty.tolist(), strict=True)
        if rows.visible(rows.row_of_sell(p))
    )
    shown = sum((parse_decimal(p.ask) for p in pictures if p.ask), Decimal(0))
    assert shown == BTC.quantity(asks)


def test_own_orders_show_total_and_count_and_the_least_sure_state():
    world = World()
    world.order("a", Side.BUY, BID - 2, 50)
    world.order("b", Side.BUY, BID - 2, 75, cum_qty=25, status=OrdStatus.PARTIALLY_FILLED)
    mine = compose(scene_of(world))[row_of(BID - 2)].buys
    assert (mine.text, mine.stage, mine.cancel) == ("1.00 ×2", Stage.WORKING, True)
    world.order("c", Side.BUY, BID - 2, 1, status=OrdStatus.PENDING_NEW)
    mine = compose(scene_of(world))[row_of(BID - 2)].buys
    assert (mine.text, mine.stage) == ("1.01 ×3", Stage.PENDING_NEW)


@pytest.mark.parametrize(
    ("status", "stage", "cancel"),
    [
        (OrdStatus.PENDING_CANCEL, Stage.PENDING_CANCEL, False),
        (OrdStatus.UNKNOWN, Stage.UNKNOWN, True),
        (OrdStatus.PENDING_REPLACE, Stage.PENDING_REPLACE, True),
    ],
)
def test_pending_states_can_be_seen(status, stage, cancel):
    world = World()
    world.order("a", Side.SELL, ASK + 2, 50, status=status)
    mine = compose(scene_of(world))[row_of(ASK + 2)].sells
    assert (mine.stage, mine.cancel) == (stage, cancel)


def test_a_pending_replace_shows_old_and_new():
    world = World()
    world.order(
        "a", Side.SELL, ASK + 2, 50, status=OrdStatus.PENDING_REPLACE, pending_price=ASK + 5
    )
    pictures = compose(scene_of(world))
    assert pictures[row_of(ASK + 2)].sells.stage is Stage.PENDING_REPLACE
    new = pictures[row_of(ASK + 5)].sells
    assert (new.text, new.stage, new.cancel) == ("0.50", Stage.TARGET, False)


def test_what_was_only_sent_is_marked_as_sent():
    world = World()
    world.order("a", Side.BUY, BID - 1, 50)
    sent = Sent()
    new = NewOrder("n", "PAPER", BTC.id, Side.BUY, OrdType.LIMIT, 7, BID - 3)
    sent.add(new, world.stores, 0)
    sent.add(ReplaceOrder("r", "a", 50, BID - 4), world.stores, 0)
    pictures = compose(scene_of(world, sent=sent))
    assert pictures[row_of(BID - 3)].buys == ("0.07", Stage.SENT, False, "", 0)
    assert pictures[row_of(BID - 1)].buys.stage is Stage.PENDING_REPLACE
    assert pictures[row_of(BID - 4)].buys == ("0.50", Stage.TARGET, False, "", 0)
    sent.add(CancelOrder("c", "a"), world.stores, 0)
    pictures = compose(scene_of(world, sent=sent))
    assert pictures[row_of(BID - 1)].buys.stage is Stage.PENDING_CANCEL


def test_a_stop_stands_at_its_stop_price_and_says_so():
    world = World()
    world.order("a", Side.BUY, 0, 10, ord_type=OrdType.STOP, stop_price=ASK + 4)
    assert compose(scene_of(world))[row_of(ASK + 4)].buys.text == "S 0.10"


def test_last_average_cursor_and_flash_are_marked():
    world = World()
    world.quote(last=BID - 1)
    scene = scene_of(
        world, average=BID - 3, position=5, last_move=-1, cursor=(BID - 4, Side.SELL), flash=BID - 5
    )
    pictures = compose(scene)
    assert pictures[row_of(BID - 1)].marks & Mark.LAST
    assert pictures[row_of(BID - 1)].marks & Mark.LAST_DOWN
    assert pictures[row_of(BID - 3)].marks & Mark.AVERAGE
    assert pictures[row_of(BID - 4)].marks & Mark.CURSOR_SELL
    assert pictures[row_of(BID - 5)].marks & Mark.FLASH


def test_no_rows_below_the_lowest_price():
    pictures = compose(scene_of(World(), Rows(3, 6)))
    assert [p.price for p in pictures] == ["1.5", "1.0", "0.5", "", "", ""]


def test_the_row_in_words():
    world = World()
    world.order("a", Side.BUY, BID, 50)
    world.quote(last=BID)
    words = spoken(compose(scene_of(world))[row_of(BID)])
    assert words == "64,210.5, bid 1.00, your buys 0.50, best bid, last price"


def test_orders_of_a_row_and_side():
    world = World()
    first = world.order("a", Side.BUY, BID)
    world.order("b", Side.SELL, BID)
    world.order("c", Side.BUY, BID - 1)
    rows = Rows(BID + 10, 21)
    orders = world.stores.working_orders(BTC.id)
    assert orders_at(orders, rows, rows.row_of_buy(BID), Side.BUY) == [first]


# -- sizes -------------------------------------------------------------------------------------


@given(
    st.lists(st.integers(1, 10**15), min_size=1, max_size=30), st.sampled_from([BTC, SHARE, FINE])
)
def test_all_sizes_of_a_column_have_the_same_decimals_and_fit(sizes, instrument):
    writer = SizeFormat(instrument)
    writer.fit(max(sizes))
    texts = [writer.text(lots) for lots in sizes]
    assert len({len(text.partition(".")[2]) for text in texts}) == 1
    if instrument.quantity(max(sizes)) < 10**12:
        assert all(len(text) <= 8 for text in texts)


def test_the_unit_does_not_flicker():
    writer = SizeFormat(SHARE)
    writer.fit(99_999)
    assert (writer.text(99_999), writer.unit) == ("99,999", "")
    writer.fit(100_000)
    assert (writer.text(123_456), writer.unit) == ("123.5", "k")
    writer.fit(50_000)
    assert writer.unit == "k"
    writer.fit(12_000)
    assert writer.unit == ""
    assert writer.text(0) == ""


@given(st.integers(1, 10**9))
def test_own_sizes_are_exact(lots):
    assert parse_decimal(SizeFormat(FINE).own(lots)) == FINE.quantity(lots)


@given(st.integers(0, 1 << 50))
def test_bars_never_overflow_and_scale_is_near(most):
    scale = bar_scale(most)
    assert max(most, 1) <= scale <= max(most, 1) * 5 // 4 + 1
    assert share(most, scale) <= 100
    assert share(0, scale) == 0
    if most:
        assert share(1, scale) >= 2


# -- traded volume -----------------------------------------------------------------------------


@given(
    st.lists(st.tuples(st.integers(90, 110), st.integers(1, 50), st.integers(0, 2)), max_size=60),
    st.integers(1, 59),
    st.sampled_from([1, 2, 5]),
)
def test_the_profile_is_the_sum_of_all_trades_however_they_came(trades, cut, group):
    world = World()
    traded = Traded(group)
    for part in (trades[:cut], trades[cut:]):
        if part:
            world.trade(*part)
            traded.take(world.stores.tapes[BTC.id], BTC, 0)
            traded.take(world.stores.tapes[BTC.id], BTC, 0)
    wanted: dict[int, int] = {}
    for price, qty, _ in trades:
        wanted[price // group] = wanted.get(price // group, 0) + qty
    assert traded.volume == wanted
    if wanted:
        assert wanted[traded.poc] == max(wanted.values())
    traded.set_group(10)
    assert sum(traded.volume.values()) == sum(wanted.values())


def test_history_does_not_flash_and_new_trades_fade():
    world = World()
    world.trade((100, 5, 1))
    traded = Traded()
    tape = world.stores.tapes[BTC.id]
    traded.take(tape, BTC, 0)
    assert traded.prints == {}
    world.trade((101, 7, 2), (101, 3, 1))
    traded.take(tape, BTC, 10)
    print_ = traded.prints[101]
    assert (print_.qty, print_.aggressor) == (10, 1)
    assert faded(print_, 10) == 0
    assert faded(print_, 10 + FADE // 2) == 4
    assert faded(print_, 10 + 2 * FADE) == 7
    traded.expire(9 + FADE)
    assert traded.prints
    traded.expire(10 + FADE)
    assert not traded.prints


def test_a_new_day_begins_a_new_profile():
    world = World()
    traded = Traded()
    world.trade((100, 5, 1), ts=START)
    world.trade((101, 6, 1), ts=START + 86_400 * SECOND)
    traded.take(world.stores.tapes[BTC.id], BTC, 0)
    assert traded.volume == {101: 6}
    assert (traded.poc, traded.since) == (101, START + 86_400 * SECOND)


def test_the_day_is_the_exchanges_own():
    new_york = replace(SHARE, hours=TradingHours("America/New_York"))
    midnight_utc = 1_750_032_000 * SECOND
    assert session_of(midnight_utc - 1, BTC) + 1 == session_of(midnight_utc, BTC)
    assert session_of(midnight_utc - 1, new_york) == session_of(midnight_utc, new_york)


def test_a_reconnected_tape_is_counted_anew():
    world = World()
    traded = Traded()
    world.trade((100, 5, 1))
    traded.take(world.stores.tapes[BTC.id], BTC, 0)
    world.connect()
    world.trade((102, 8, 1))
    traded.take(world.stores.tapes[BTC.id], BTC, 0)
    assert traded.volume == {102: 8}


# -- presets -----------------------------------------------------------------------------------


def test_presets_are_worth_something():
    assert default_sizes(BTC, BID) == (1, 2, 5, 10, 25)
    assert default_sizes(FINE, BID) == (1_000, 2_000, 5_000, 10_000, 25_000)
    assert default_sizes(SHARE, 20_000) == (10, 20, 50, 100, 250)
    assert default_sizes(SHARE, 0) == (1, 2, 5, 10, 25)


@given(st.lists(st.integers(1, 100_000), min_size=5, max_size=5))
def test_presets_are_kept_exactly(sizes):
    assert read_sizes(write_sizes(sizes, BTC), BTC) == tuple(sizes)


@pytest.mark.parametrize(
    "saved",
    [None, "12345", ["1"] * 4, ["1", "2", "3", "4", "x"], ["0.001"] * 5, ["0"] * 5, [None] * 5],
)
def test_spoilt_presets_are_dropped(saved):
    assert read_sizes(saved, BTC) is None


def test_spoilt_state_is_dropped():
    assert saved_texts({"sizes": {"a": ["1"], "b": 5, "c": "x"}}, "sizes") == {"a": ["1"]}
    assert saved_texts({"sizes": 5}, "sizes") == {}
    assert saved_texts({}, "sizes") == {}
