"""Columns that grow at both ends, and bars that come in pieces."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.client.series import BAR_COLUMNS, Bars, Columns
from core.model.session import BarsView


def view(start: int, count: int, **more: object) -> BarsView:
    parts = [np.arange(start, start + count).astype("<i8").tobytes()] * len(BAR_COLUMNS)
    return BarsView("A.X", "1m", start, *parts, **more)  # type: ignore[arg-type]


@given(
    st.lists(
        st.tuples(st.sampled_from(["append", "prepend", "rewrite", "keep"]), st.integers(0, 60))
    )
)
def test_columns_are_what_a_list_would_be(steps: list[tuple[str, int]]) -> None:
    columns = Columns(("a", "b"), capacity=4)
    known: list[int] = []
    for n, (what, count) in enumerate(steps):
        rows = list(range(n * 100, n * 100 + count))
        arrays = {"a": np.array(rows, np.int64), "b": -np.array(rows, np.int64)}
        version = columns.version
        if what == "append":
            columns.write(len(known), arrays)
            known += rows
        elif what == "prepend":
            columns.prepend(arrays)
            known = rows + known
        elif what == "rewrite":
            start = len(known) // 2
            columns.write(start, arrays)
            known = known[:start] + rows
        else:
            columns.keep_last(count)
            known = known[-count:] if count < len(known) and count else known if count else []
            version -= 1
        assert columns.version > version
        assert len(columns) == len(known)
        assert columns["a"].tolist() == known
        assert columns["b"].tolist() == [-row for row in known]


def test_bars_come_newest_first_and_older_ones_go_before_them() -> None:
    bars = Bars()
    bars.take(view(100, 50, fresh=True, gaps=((7, 9),)))
    assert (bars.first, len(bars), bars.gaps) == (100, 50, ((7, 9),))
    bars.take(view(149, 3))
    bars.take(view(60, 40))
    bars.take(view(151, 2))
    bars.take(view(0, 60))
    assert bars.first == 0
    assert bars["close"].tolist() == list(range(153))
    assert bars.gaps == ((7, 9),)


@pytest.mark.parametrize("start", [10, 98])
def test_a_piece_that_would_leave_a_hole_or_overlap_is_refused(start: int) -> None:
    bars = Bars()
    bars.take(view(100, 5, fresh=True))
    with pytest.raises(ValueError, match="do not lead up to bar 100"):
        bars.take(view(start, 20))
    with pytest.raises(ValueError, match="does not follow"):
        bars.take(view(107, 1))
    assert (bars.first, len(bars)) == (100, 5)
