from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.venues.replay import exact

TIMES = st.integers(exact.EARLIEST, exact.LATEST - 1)


@given(TIMES)
def test_times_in_nanoseconds_and_iso_are_read_exactly(ts):
    seconds, nanoseconds = divmod(ts, exact.SECOND)
    assert exact.time(str(ts)) == ts
    assert exact.time(f"{seconds}.{nanoseconds:09}") == ts
    text = exact.shown(seconds * exact.SECOND)[:19]
    assert exact.time(f"{text}.{nanoseconds:09}Z") == ts
    if ts + 5400 * exact.SECOND < exact.LATEST:
        assert exact.time(f"{text}.{nanoseconds:09}-01:30") == ts + 5400 * exact.SECOND


@pytest.mark.parametrize(
    "text", ["", "12", "2024-13-01T00:00", "1723161600 s", "99999999999999999999"]
)
def test_what_is_no_time_is_a_sentence(text):
    with pytest.raises(ValueError, match=r"time|between 1990 and 2100"):
        exact.time(text)


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=20), st.integers(0, 8))
def test_every_number_is_a_whole_number_of_the_step_found(numbers, scale):
    from math import gcd

    step = exact.step(gcd(*numbers), scale)
    assert 0 < step <= 1
    assert Decimal(1) % step == 0
    for number in numbers:
        assert Decimal(number).scaleb(-scale) % step == 0


@given(st.decimals(0, 10**6, places=8))
def test_units_are_exact_or_refused(value):
    assert Decimal(exact.units(value, 8, "price")).scaleb(-8) == value
    if value != value.quantize(Decimal("0.01")):
        with pytest.raises(ValueError, match="more than 2 decimals"):
            exact.units(value, 2, "price")
