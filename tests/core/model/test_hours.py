"""When a market is open."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
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


CHANGES = {
    "spring": ("America/New_York", utc(10, 0)),
    "autumn": ("America/New_York", utc(3, 0, month=11)),
    "spring, south": ("Australia/Lord_Howe", utc(5, 12, month=10)),  # by half an hour
    "autumn, at midnight": ("America/Asuncion", utc(23, 22)),
}


@pytest.mark.parametrize("change", CHANGES)
@given(opening=st.integers(0, 1_380), long=st.integers(1, 300), probe=st.integers(0, 2_880))
def test_both_agree_on_the_days_when_the_clocks_change(
    change: str, opening: int, long: int, probe: int
) -> None:
    """A session opens once and closes once, though its hour is skipped or comes twice."""
    zone, since = CHANGES[change]
    session = (opening, min(opening + long, 1_440))
    hours = TradingHours(zone, tuple(Session(day, *session) for day in range(7)))
    found = hours.open_within(since - 1_440 * MINUTE, since + 4_320 * MINUTE)
    at = since + probe * MINUTE
    assert hours.is_open(at) == any(begin <= at < end for begin, end in found)
    minutes = range(since, since + 1_800 * MINUTE, MINUTE)
    turns = sum(hours.is_open(a) != hours.is_open(a + MINUTE) for a in minutes)
    edges = {t for stretch in found for t in stretch if since < t <= since + 1_800 * MINUTE}
    assert turns <= len(edges), "it opens or closes more often than it has sessions"


def test_a_session_over_the_hour_that_is_skipped_or_comes_twice() -> None:
    sunday = TradingHours("America/New_York", (Session(6, 60, 240),))
    assert sunday.open_within(utc(10, 0), utc(11, 0)) == [(utc(10, 6), utc(10, 8))]
    autumn = sunday.open_within(utc(3, 0, month=11), utc(4, 0, month=11))
    assert autumn == [(utc(3, 5, month=11), utc(3, 9, month=11))]
    half = TradingHours("America/New_York", (Session(6, 90, 240),))
    assert half.is_open(utc(3, 6, 10, month=11)), "01:10 the second time; it opened at 01:30"
