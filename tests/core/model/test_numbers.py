"""Exact numbers stay exact, whatever they are."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from core.model.numbers import NotExactError, decimals, from_steps, parse_decimal, plain, to_steps

STEPS = st.integers(-(2**62), 2**62)
SIZES = st.builds(
    lambda digits, exponent: Decimal(digits).scaleb(exponent),
    st.integers(1, 10**6),
    st.integers(-9, 3),
)


@given(STEPS, SIZES)
def test_steps_survive_the_way_there_and_back(steps, size):
    assume(abs(steps) * size < Decimal(10) ** 27)
    assert to_steps(from_steps(steps, size), size) == steps


@given(st.integers(-(10**9), 10**9), SIZES)
def test_half_a_step_is_refused(steps, size):
    with pytest.raises(NotExactError, match="not a multiple"):
        to_steps(from_steps(steps, size) + size / 2, size)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=9))
def test_plain_reads_back_as_the_same_number(value):
    text = plain(value)
    assert "E" not in text
    assert Decimal(text) == value
    assert parse_decimal(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,000.50", "1000.50"),
        ("1_000", "1000"),
        (" -3 ", "-3"),
        ("1 000", "1000"),
        (".5", "0.5"),
        ("-12,345,678.9", "-12345678.9"),
    ],
)
def test_numbers_are_read_as_people_type_them(text, value):
    assert parse_decimal(text) == Decimal(value)


@pytest.mark.parametrize(
    "text", ["", "abc", "1.2.3", "NaN", "inf", "-", "0x10", "1/2", "1,5", "1_5", "1 5"]
)
def test_what_is_no_number_is_named(text):
    with pytest.raises(ValueError, match=r"write it like 1234\.5") as caught:
        parse_decimal(text)
    assert f"“{text}”" in str(caught.value)


@pytest.mark.parametrize(("step", "places"), [("1", 0), ("0.5", 1), ("0.010", 2), ("100", 0)])
def test_digits_after_the_point(step, places):
    assert decimals(Decimal(step)) == places
