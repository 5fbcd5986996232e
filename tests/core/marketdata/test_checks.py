from __future__ import annotations

from core.marketdata.checks import STALE_AFTER, Source
from core.model.enums import LinkState
from core.model.events import LinkUpdate

SECOND = 1_000_000_000


def source_up() -> Source:
    source = Source("ALPHA")
    source.link(LinkUpdate("ALPHA", 0, LinkState.UP, "Connected."))
    source.messages = 10
    source.last = 100 * SECOND
    assert source.look(100 * SECOND, 1.0) is None
    return source


def test_silence_is_told_once_and_its_end_too() -> None:
    source = source_up()
    assert source.rate == 10.0
    later = 100 * SECOND + STALE_AFTER + SECOND
    told = source.look(later, 1.0)
    assert told == LinkUpdate("ALPHA", later, LinkState.STALE, "No message for 6 s.")
    assert source.look(later + SECOND, 1.0) is None
    assert source.view(later + SECOND).state is LinkState.STALE
    source.messages += 1
    source.last = later + 2 * SECOND
    told = source.look(later + 2 * SECOND, 1.0)
    assert told is not None
    assert (told.state, told.text) == (LinkState.UP, "Connected.")


def test_a_source_that_is_down_is_not_stale() -> None:
    source = source_up()
    source.link(LinkUpdate("ALPHA", 0, LinkState.DOWN, "Cable cut."))
    assert source.look(200 * SECOND, 1.0) is None
    view = source.view(200 * SECOND)
    assert (view.state, view.text) == (LinkState.DOWN, "Cable cut.")


def test_what_comes_is_no_silence_and_neither_is_a_pause() -> None:
    source = source_up()
    assert source.look(100 * SECOND + STALE_AFTER, 1.0) is None, "not yet"
    source.messages += 1  # the clock was set forward: what came just now came long ago
    assert source.look(9_999 * SECOND, 1.0) is None
    assert source.look(10_000 * SECOND, 1.0) is not None


def test_a_source_that_never_said_anything_has_not_fallen_silent() -> None:
    source = Source("ALPHA")
    source.link(LinkUpdate("ALPHA", 0, LinkState.UP, "Connected."))
    assert source.look(100 * SECOND, 1.0) is None


def test_a_link_that_says_something_anew_is_silent_anew() -> None:
    source = source_up()
    later = 100 * SECOND + STALE_AFTER + SECOND
    assert source.look(later, 1.0) is not None
    source.link(LinkUpdate("ALPHA", later, LinkState.DOWN, "Cable cut."))
    assert source.view(later).state is LinkState.DOWN
    assert source.look(later + SECOND, 1.0) is None
    source.link(LinkUpdate("ALPHA", later, LinkState.UP, "Back."))
    told = source.look(later + 2 * SECOND, 1.0)
    assert told is not None
    assert told.state is LinkState.STALE


def test_faults_are_shown_in_words() -> None:
    source = source_up()
    assert source.faults() == ""
    source.crossed = 2
    source.malformed = 1
    assert source.view(0).text == "Connected. Messages: 2 crossed, 1 malformed."


def test_ages_and_rate_in_the_view() -> None:
    source = source_up()
    for age in range(1, 101):
        source.ages.add(age * 1_000_000)
    source.messages += 50
    source.look(101 * SECOND, 2.0)
    view = source.view(101 * SECOND)
    assert view.rate == 25.0
    assert 50_000_000 <= view.age_p50 <= 57_000_000
    assert 99_000_000 <= view.age_p99 <= 112_000_000
    assert view.last == 100 * SECOND
