"""When a market is open."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from core.model.instruments import WEEKDAYS_NEW_YORK, Session, TradingHours

SECOND = 1_000_000_000
MINUTE = 60 * SECOND


def utc(day: int, hour: int, minute: int = 0, month: int = 3) -> int:
    return int(datetime(2024, month, day, hour, minute, tzinfo=UTC).timestamp()) * SECOND


def test_a_market_without_sessions_is_always_open() -> None:
    assert TradingHours().open_within(5, 9) == [(5, 9)]
    assert TradingHours().open_within(9, 9) == []


def test_a_weekend_and_nights_are_left_out_and_summer_time_is_known() -> None:
    # Friday 8 March 2024 is winter time in New York, Monday the 11th is summer time
    found = WEEKDAYS_NEW_YORK.open_within(utc(8, 20), utc(11, 14))
    assert found == [(utc(8, 20), utc(8, 21)), (utc(11, 13, 30), utc(11, 14))]
    assert WEEKDAYS_NEW_YORK.open_within(utc(9, 0), utc(10, 23)) == []


@given(
    begin=st.integers(0, 20_000),
    length=st.integers(0, 6_000),
    probe=st.integers(0, 26_000),
    opening=st.integers(0, 1_200),
    long=st.integers(1, 240),
)
def test_it_says_the_same_as_is_open(
    begin: int, length: int, probe: int, opening: int, long: int
) -> None:
    days = tuple(Session(day, opening, opening + long) for day in (0, 2, 3, 6))
    hours = TradingHours("Europe/Berlin", days)
    since, until = utc(5, 0) + begin * MINUTE, utc(5, 0) + (begin + length) * MINUTE
    at = utc(5, 0) + probe * MINUTE
    found = hours.open_within(since, until)
    assert found == sorted(found)
    inside = any(first <= at < last for first, last in found)
    assert inside == (since <= at < until and hours.is_open(at))
