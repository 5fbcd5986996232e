from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.venues.replay.order import TOLERANCE, in_order
from core.venues.replay.problems import Problems

SECOND = TOLERANCE


def ordered(times):
    problems = Problems()
    rows = [(line, at, line) for line, at in enumerate(times, 1)]
    kept = list(in_order(rows, "f", problems))
    return kept, [problem.line for problem in problems.first]


def test_two_rows_outvote_one():
    base = 1_000 * SECOND
    assert ordered([base, base + 500 * SECOND, base + SECOND, base + 2 * SECOND])[1] == [2]
    assert ordered([base + 500 * SECOND, base, base + SECOND])[1] == [1]
    assert ordered([base, base - 500 * SECOND, base + SECOND])[1] == [2]
    assert ordered([base, base - 500 * SECOND])[1] == [2]


def test_a_block_from_the_past_is_left_out():
    base = 1_000 * SECOND
    times = [base + n * SECOND for n in range(50)] + [base + n * SECOND for n in range(20)]
    kept, late = ordered(times)
    assert [line for line, _, _ in kept] == list(range(1, 51))
    assert late == list(range(51, 71))


TIMES = st.lists(st.integers(1, 100).map(lambda n: n * SECOND // 3), max_size=40)


@given(TIMES)
def test_what_is_kept_is_in_order_and_nothing_vanishes_unreported(times):
    kept, reported = ordered(times)
    lines = [line for line, _, _ in kept]
    at = [when for _, when, _ in kept]
    assert lines == sorted(lines)
    assert at == sorted(at)
    assert sorted(lines + reported) == list(range(1, len(times) + 1))
    for line, when, _ in kept:
        assert 0 <= when - times[line - 1] <= 2 * TOLERANCE


@given(TIMES.map(sorted))
def test_rows_in_order_are_all_kept_as_they_are(times):
    kept, reported = ordered(times)
    assert [when for _, when, _ in kept] == times
    assert not reported
