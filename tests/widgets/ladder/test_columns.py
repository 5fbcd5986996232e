from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from widgets.ladder.columns import (
    ALWAYS,
    CANCEL_WIDTH,
    COLUMNS,
    DEFAULT_ORDER,
    clean_order,
    hit,
    lay_out,
    moved,
)

orders = st.permutations(DEFAULT_ORDER)
hidden = st.sets(st.sampled_from(DEFAULT_ORDER))


@given(orders, hidden, st.integers(60, 2000), st.floats(5, 12), st.integers(40, 120))
def test_columns_fill_the_width_without_gap_or_overlap(order, out, width, digit, price):
    spans, short = lay_out(order, out, width, digit, price)
    assert spans[0].x == 0
    assert sum(span.width for span in spans) == width
    for left, right in pairwise(spans):
        assert right.x == left.x + left.width
    shown = {span.column for span in spans}
    assert shown >= ALWAYS
    assert not shown & (out - ALWAYS)
    if not short:
        assert shown == set(DEFAULT_ORDER) - (out - ALWAYS)
    assert {"my_buys", "my_sells"} - out <= shown


@given(
    orders,
    st.integers(200, 1500),
    st.integers(0, 1499),
    st.integers(0, 1200),
    st.integers(8, 30),
    st.integers(12, 40),
    st.integers(1, 60),
)
def test_every_point_hits_exactly_what_is_drawn_there(order, width, x, y, header, high, count):
    spans, _ = lay_out(order, (), width, 7.0, 70)
    found = hit(x, y, spans, header, high, count)
    inside = x < width and y < header + count * high
    assert (found is not None) == inside
    if found is None:
        return
    span = next(s for s in spans if s.column == found.column)
    assert span.x <= x < span.x + span.width
    if y < header:
        assert found.part == "header"
        assert found.row == -1
    else:
        assert header + found.row * high <= y < header + (found.row + 1) * high
        assert found.part in ("cell", "cancel")
        if found.part == "cancel":
            assert found.column in ("my_buys", "my_sells")


def test_the_cross_is_at_the_outer_edge():
    spans, _ = lay_out(DEFAULT_ORDER, (), 600, 7.0, 70)
    at = {span.column: span for span in spans}
    buys, sells = at["my_buys"], at["my_sells"]
    assert hit(buys.x + 1, 30, spans, 20, 18, 9).part == "cancel"
    assert hit(buys.x + CANCEL_WIDTH, 30, spans, 20, 18, 9).part == "cell"
    assert hit(sells.x + sells.width - 1, 30, spans, 20, 18, 9).part == "cancel"
    assert hit(sells.x, 30, spans, 20, 18, 9).part == "cell"
    assert hit(-1, 30, spans, 20, 18, 9) is None
    assert hit(5, -1, spans, 20, 18, 9) is None


def test_short_of_room_the_spare_columns_go_first():
    spans, short = lay_out(DEFAULT_ORDER, (), 330, 7.6, 78)
    assert short
    assert [s.column for s in spans] == ["my_buys", "bids", "price", "asks", "my_sells"]


@given(st.lists(st.one_of(st.text(), st.integers(), st.sampled_from(DEFAULT_ORDER))))
def test_any_saved_order_becomes_a_whole_one(saved):
    order = clean_order(saved)
    assert sorted(order) == sorted(COLUMNS)
    assert clean_order(order) == order


@given(orders, st.sampled_from(DEFAULT_ORDER), st.integers(-9, 9))
def test_moving_a_column_keeps_the_others_in_order(order, column, by):
    after = moved(order, column, by)
    assert [c for c in after if c != column] == [c for c in order if c != column]
    wanted = min(max(list(order).index(column) + by, 0), len(order) - 1)
    assert after.index(column) == wanted
