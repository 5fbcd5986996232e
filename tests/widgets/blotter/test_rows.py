"""Order and filter of many rows agree with the obvious way to say it."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from core.model.tables import Column, Instant
from tests.widgets.trading_world import BTC
from widgets.blotter.cells import SortKey, since_cut, since_text
from widgets.blotter.rows import Filter, Line, Sorting

COLUMNS = (
    Column("name", "Name", lambda r, i: r[0]),
    Column("price", "Price", lambda r, i: r[1]),
    Column("ts", "Time", lambda r, i: Instant(r[2])),
)
ROWS = st.lists(
    st.tuples(
        st.sampled_from(("a", "B", "b", "", "ä")),
        st.none() | st.decimals(-3, 3, places=1),
        st.integers(0, 3),
        st.integers(0, 2),
    )
)
SORTS = st.lists(
    st.tuples(st.sampled_from(("name", "price", "ts")), st.booleans()), min_size=1, max_size=5
)


def lines_of(rows):
    return [Line(str(n), row, BTC, n) for n, row in enumerate(rows, 1)]


def sorting(sorts):
    made = Sorting(COLUMNS, lambda r: r[3], sorts[0])
    for name, down in sorts:
        made.put_first(name, down)
    return made


@given(ROWS, SORTS)
def test_sorting_many_and_placing_one_agree(rows, sorts):
    by = sorting(sorts)
    arranged = by.arrange(lines_of(rows))
    assert arranged == sorted(arranged, key=by.order_of)
    assert len({by.order_of(line) for line in arranged}) == len(rows)


@given(ROWS, SORTS)
def test_order_is_by_value_nothing_last_groups_first(rows, sorts):
    by = sorting(sorts)
    name, down = by.sorts[0]
    number = [c.id for c in COLUMNS].index(name)
    for one, other in pairwise(by.arrange(lines_of(rows))):
        assert one.row[3] <= other.row[3]
        if one.row[3] == other.row[3]:
            a, b = one.row[number], other.row[number]
            if isinstance(a, str):
                a, b = a.casefold(), b.casefold()
            if a is None:
                assert b is None
            elif b is not None:
                assert (a >= b) if down else (a <= b)


def test_the_last_three_columns_count():
    by = sorting([("name", False), ("price", True), ("ts", False), ("price", False)])
    assert by.sorts == [("price", False), ("ts", False), ("name", False)]


@given(st.lists(st.none() | st.decimals(allow_nan=False, places=3)), st.booleans())
def test_keys_are_ordered_totally(values, down):
    keys = sorted(SortKey(v, down) for v in values)
    seen = [k.value for k in keys]
    nothing = sum(v is None for v in values)
    assert seen[len(seen) - nothing :] == [None] * nothing
    rest = seen[: len(seen) - nothing]
    assert rest == sorted(rest, reverse=down)


def test_words_are_looked_for_in_visible_columns_only():
    line = Line("1", ("Alpha", Decimal("1.5"), 0, 0), BTC, 1)
    wanted = Filter(COLUMNS)
    wanted.set("ALP 1.5", {}, COLUMNS)
    assert wanted.active
    assert wanted.passes(line)
    wanted.set("alp", {}, COLUMNS[1:])
    assert not wanted.passes(line)
    wanted.set("", {}, COLUMNS)
    assert not wanted.active
    assert wanted.passes(line)


def test_chips_want_the_whole_text_and_times_from_a_moment_on():
    early = Line("1", ("ab", None, 1_750_000_000_000_000_000, 0), BTC, 1)
    late = Line("2", ("a", None, 1_750_000_001_000_000_000, 0), BTC, 2)
    wanted = Filter(COLUMNS)
    wanted.set("", {"name": "a"}, COLUMNS)
    assert [wanted.passes(x) for x in (early, late)] == [False, True]
    wanted.set("", {"ts": since_text(1_750_000_001_000_000_000)}, COLUMNS)
    assert [wanted.passes(x) for x in (early, late)] == [False, True]


@given(st.integers(0, 9_000_000_000))
def test_a_moment_survives_its_text(seconds):
    assert since_cut(since_text(seconds * 1_000_000_000)) == seconds * 1_000_000_000
    assert since_cut("since yesterday") is None
    assert since_cut("BUY") is None
