from hypothesis import given
from hypothesis import strategies as st

from widgets.ladder.rows import EDGE, GROUPS, Rows, follow, market_row, next_group

ticks = st.integers(1, 1 << 31)
views = st.builds(
    Rows, top=st.integers(1, 1 << 31), count=st.integers(1, 80), group=st.sampled_from(GROUPS)
)


@given(views, ticks)
def test_a_bid_stands_at_or_above_its_row_price_and_an_offer_at_or_below(view, price):
    bid_row, ask_row = view.row_of_buy(price), view.row_of_sell(price)
    assert view.price(bid_row) <= price < view.price(bid_row) + view.group
    assert view.price(ask_row) - view.group < price <= view.price(ask_row)


@given(views, st.integers(-100, 200))
def test_rows_and_their_own_prices_are_one_to_one(view, row):
    price = view.price(row)
    assert view.row_of_buy(price) == view.row_of_sell(price) == view.row_at(price) == row


@given(views, ticks, ticks)
def test_a_bid_below_an_offer_never_seems_to_cross(view, one, other):
    bid, ask = sorted((one, other))
    assert view.row_of_buy(bid) >= view.row_of_sell(ask)


@given(views, st.integers(-5_000, 5_000))
def test_scrolling_moves_by_whole_rows_and_never_below_the_lowest_price(view, by):
    moved = view.scrolled(by)
    assert moved.top >= 1
    assert moved.group == view.group
    if view.top + by >= 1:
        assert moved.price(by) == view.price(0)


@given(views, st.sampled_from(GROUPS), st.integers(0, 79))
def test_grouping_keeps_the_price_under_the_pointer(view, group, row):
    if view.price(row) // group < 1:
        return
    regrouped = view.regrouped(group, row)
    assert regrouped.price(row) <= view.price(row) < regrouped.price(row) + group


@given(
    st.integers(15, 80),
    st.integers(10_000, 20_000),
    st.integers(10_000, 20_000),
    st.integers(0, 4),
)
def test_the_market_is_never_left_at_the_edge(count, top, bid, spread):
    view = Rows(top, count)
    ask = bid + 1 + spread
    after = follow(view, bid, ask, held=False)
    high, low = after.rows.row_of_sell(ask), after.rows.row_of_buy(bid)
    assert high >= EDGE
    assert low <= count - 1 - EDGE
    assert after.away == 0
    again = follow(after.rows, bid, ask, held=False)
    assert again.rows == after.rows


@given(st.integers(5, 80), st.integers(10_000, 20_000), st.integers(1, 500))
def test_even_a_spread_wider_than_the_view_settles_at_once(count, bid, spread):
    first = follow(Rows(15_000, count), bid, bid + spread, held=False)
    assert follow(first.rows, bid, bid + spread, held=False) == first


@given(views, ticks, st.integers(1, 50))
def test_a_held_ladder_does_not_move_and_says_how_far_the_market_is(view, bid, spread):
    held = follow(view, bid, bid + spread, held=True)
    assert held.rows == view
    free = follow(view, bid, bid + spread, held=False)
    if free.rows != view:
        assert held.away != 0
        assert (held.away > 0) == (market_row(view, bid, bid + spread) < view.count // 2)


def test_within_the_zone_prices_drift_and_rows_stay():
    view = Rows(top=120, count=40)
    for bid in range(120 - 36 + 0, 120 - EDGE - 1):
        assert follow(view, bid, bid + 1, held=False).rows == view
    assert follow(view, 120 - 37, 120 - 36, held=False).rows != view


def test_no_market_no_move():
    view = Rows(top=100, count=20)
    assert follow(view, 0, 0, held=False).rows == view
    assert market_row(view, 0, 0) is None
    assert market_row(view, 90, 0) == 10
    assert market_row(view, 0, 90) == 10


def test_grouping_steps_stay_in_the_list():
    assert next_group(1, 1) == 2
    assert next_group(1, -1) == 1
    assert next_group(GROUPS[-1], 3) == GROUPS[-1]
    assert next_group(50, -2) == 10
