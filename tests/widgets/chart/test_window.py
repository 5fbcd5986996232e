"""Panning, zooming, following."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widgets.chart.window import MARGIN, Window


def make(count=1_000, width=800.0):
    window = Window()
    window.set_width(width)
    window.set_count(count)
    return window


def test_the_newest_bar_stays_at_its_pixel_while_bars_come():
    window = make()
    before = window.x(window.count - 1)
    window.set_count(1_001)
    assert window.x(1_000) == pytest.approx(before)
    assert before == pytest.approx(800 - MARGIN)


def test_scrolled_back_nothing_moves_when_bars_come():
    window = make()
    window.pan(300)
    assert not window.following
    before = window.right
    window.set_count(1_500)
    assert window.right == before


def test_panning_back_to_the_newest_bar_follows_again():
    window = make()
    window.pan(300)
    window.pan(-300)
    assert window.following


@given(steps=st.lists(st.floats(0.5, 2), max_size=12), x=st.floats(0, 800))
def test_zoom_keeps_what_is_under_the_pointer(steps, x):
    window = make(100_000)
    window.show_right(50_000)
    index = window.index(x)
    for factor in steps:
        window.zoom(factor, x)
    if not window.following:
        assert window.x(index) == pytest.approx(x, abs=0.01)


@given(
    moves=st.lists(
        st.one_of(
            st.tuples(st.just("pan"), st.floats(-1e6, 1e6)),
            st.tuples(st.just("zoom"), st.floats(0.01, 100)),
            st.tuples(st.just("width"), st.floats(10, 4_000)),
            st.tuples(st.just("count"), st.integers(1, 100_000)),
        ),
        max_size=25,
    )
)
def test_some_bar_is_always_in_view(moves):
    window = make()
    for what, value in moves:
        if what == "pan":
            window.pan(value)
        elif what == "zoom":
            window.zoom(value, 100)
        elif what == "width":
            window.set_width(value)
        else:
            window.set_count(max(int(value), window.count))
    window.pan(0)
    assert window.left < window.count
    assert window.right > -0.5
    assert window.pitch > 0
