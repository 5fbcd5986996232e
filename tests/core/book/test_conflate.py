"""Conflation and the trade ring against plain Python lists."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.book.conflate import Conflator, TradeRing

KEYS = 6


@given(
    st.lists(st.one_of(st.integers(0, KEYS - 1), st.just("drain"), st.just("grow")), max_size=80)
)
def test_conflator_gives_each_dirty_key_once_in_first_marked_order(steps: list[int | str]) -> None:
    conflator, batch = Conflator(KEYS), Conflator(KEYS)
    dirty: list[int] = []
    marks: list[int] = []
    for step in steps:
        if step == "drain":
            assert conflator.drain().tolist() == dirty
            new = batch.mark_many(np.array(marks, np.int64))
            assert new == len(dirty) == len(batch)
            assert batch.drain().tolist() == dirty
            dirty, marks = [], []
        elif step == "grow":
            conflator.grow(conflator.keys + 1)
            top = conflator.keys - 1
            assert conflator.mark(top) is True
            dirty.append(top)
            batch.grow(conflator.keys)
            marks.append(top)
        else:
            assert isinstance(step, int)
            assert conflator.mark(step) is (step not in dirty)
            marks.append(step)
            if step not in dirty:
                dirty.append(step)
        assert len(conflator) == len(dirty)
    drained = conflator.drain()
    assert drained.dtype == np.int64
    assert drained.tolist() == dirty
    assert conflator.drain().size == 0


def test_conflator_never_holds_more_than_its_keys() -> None:
    conflator = Conflator(3)
    assert conflator.mark_many(np.array([2, 1, 2] * 100_000, np.int64)) == 2
    assert len(conflator) == 2
    assert conflator.drain().tolist() == [2, 1]


def test_conflator_names_wrong_keys_and_marks_nothing() -> None:
    conflator = Conflator(3)
    for key in (-1, 3, 2**70):
        with pytest.raises(ValueError, match=f"^key is {key}; it must be 0 to 2"):
            conflator.mark(key)
    with pytest.raises(ValueError, match=r"keys\[1\] is 3; it must be 0 to 2"):
        conflator.mark_many(np.array([1, 3], np.int64))
    with pytest.raises(ValueError, match="keys has dtype int32"):
        conflator.mark_many(np.array([1], np.int32))
    with pytest.raises(TypeError, match="key is a float"):
        conflator.mark(1.0)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="keys is 2; it must be 3"):
        conflator.grow(2)
    with pytest.raises(ValueError, match="keys is 0"):
        Conflator(0)
    assert conflator.drain().size == 0


trades = st.tuples(
    st.integers(0, 2**63 - 1), st.integers(1, 2**31 - 2), st.integers(1, 2**62), st.integers(0, 2)
)


def columns(rows: list[tuple[int, int, int, int]]) -> tuple[Any, Any, Any, Any]:
    ts, price, qty, side = zip(*rows, strict=True) if rows else ((), (), (), ())
    return (
        np.array(ts, np.int64),
        np.array(price, np.int64),
        np.array(qty, np.int64),
        np.array(side, np.int8),
    )


@given(
    st.integers(1, 7),
    st.lists(
        st.one_of(trades, st.lists(trades, max_size=12), st.integers(0, 2)), min_size=1, max_size=40
    ),
)
def test_ring_gives_every_reader_every_trade_or_says_how_many_it_lost(
    capacity: int, steps: list[Any]
) -> None:
    ring = TradeRing(capacity)
    every: list[tuple[int, int, int, int]] = []
    cursors = [0, 0, 0]
    for step in [*steps, 0, 1, 2]:
        if isinstance(step, tuple):
            assert ring.append(*step) == len(every)
            every.append(step)
        elif isinstance(step, list):
            assert ring.append_batch(*columns(step)) == len(every)
            every += step
        else:
            cursor = cursors[step]
            got, cursors[step], lost = ring.read(cursor)
            rows = list(
                zip(*(got[name].tolist() for name in ("ts", "price", "qty", "side")), strict=True)
            )
            assert lost == max(0, len(every) - capacity - cursor)
            assert rows == every[cursor + lost :]
            assert got["seq"].tolist() == list(range(cursor + lost, len(every)))
            assert cursors[step] == len(every)
            assert got["side"].dtype == np.int8
            assert all(got[name].dtype == np.int64 for name in ("seq", "ts", "price", "qty"))
        assert ring.head == len(every)
        assert len(ring) == min(len(every), capacity)


def test_ring_reads_are_copies() -> None:
    ring = TradeRing(1)
    ring.append(1, 10, 1, 1)
    first = ring.read(0)[0]
    ring.append(2, 20, 2, 2)
    assert first["price"].tolist() == [10]


GOOD = (5, 10, 1, 1)


@pytest.mark.parametrize(
    ("trade", "message"),
    [
        ((-1, 10, 1, 1), r"ts{} is -1;"),
        ((5, 0, 1, 1), r"price{} is 0;"),
        ((5, 2**31 - 1, 1, 1), r"price{} is 2147483647;"),
        ((5, 10, 0, 1), r"qty{} is 0;"),
        ((5, 10, 2**62 + 1, 1), r"qty{} is 4611686018427387905;"),
        ((5, 10, 1, 3), r"side{} is 3;"),
        ((5, 10, 1, -1), r"side{} is -1;"),
    ],
)
def test_ring_names_what_is_wrong_and_takes_nothing(
    trade: tuple[int, int, int, int], message: str
) -> None:
    ring = TradeRing(3)
    with pytest.raises(ValueError, match="^" + message.format("")):
        ring.append(*trade)
    with pytest.raises(ValueError, match="^" + message.format(r"\[1\]")):
        ring.append_batch(*columns([GOOD, trade]))
    assert ring.head == 0


def test_ring_names_wrong_arguments() -> None:
    ring = TradeRing(3)
    with pytest.raises(ValueError, match=f"^ts is {2**70}; it must be"):
        ring.append(2**70, 10, 1, 1)
    with pytest.raises(TypeError, match="price is a float"):
        ring.append(5, 10.0, 1, 1)  # type: ignore[arg-type]
    ts, price, qty, side = columns([GOOD])
    with pytest.raises(ValueError, match="side has dtype int64"):
        ring.append_batch(ts, price, qty, side.astype(np.int64))
    with pytest.raises(ValueError, match="qty has 0 elements and the first column 1"):
        ring.append_batch(ts, price, qty[:0], side)
    with pytest.raises(ValueError, match="cursor is 1; it must be 0 to 0"):
        ring.read(1)
    with pytest.raises(ValueError, match="cursor is -1"):
        ring.read(-1)
    with pytest.raises(ValueError, match="capacity is 0"):
        TradeRing(0)
