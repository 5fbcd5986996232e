from __future__ import annotations

import pytest

from core.model.enums import MarketStatus
from core.model.market import BookUpdate, Quote, StatusUpdate
from tests.core.marketdata.markets import DAY, NOW, SECOND, Desk, history, quote, trade


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_the_newest_quote_is_in_the_ticker(desk: Desk) -> None:
    desk.take(quote(1))
    desk.take(quote(2, bid=102, ask=104, qty=7))
    ticker = desk.a.ticker()
    assert (ticker.bid, ticker.bid_qty, ticker.ask, ticker.ask_qty) == (102, 7, 104, 7)
    assert (ticker.ts, ticker.received) == (NOW + 2, NOW + 1002)
    assert desk.source.messages == 2
    assert desk.source.last == NOW + 1002
    assert len(desk.passed) == 2


def test_an_older_quote_is_counted_and_not_shown(desk: Desk) -> None:
    desk.take(quote(5, bid=100))
    desk.take(quote(4, bid=90))
    assert desk.a.ticker().bid == 100
    assert desk.source.late == 1
    assert len(desk.passed) == 1


def test_a_repeated_quote_is_counted_and_not_passed_on(desk: Desk) -> None:
    desk.take(quote(5))
    desk.take(quote(5))
    assert desk.source.repeated == 1
    assert len(desk.passed) == 1


def test_a_crossed_quote_is_counted_and_shown_as_it_is(desk: Desk) -> None:
    desk.take(quote(5, bid=105, ask=101))
    assert desk.source.crossed == 1
    assert desk.a.ticker().bid == 105
    desk.take(Quote("A.X", NOW + 6, NOW + 6, 105, 0, 101, 5))
    assert desk.source.crossed == 1  # an empty side crosses nothing


def test_a_trade_that_comes_twice_counts_once(desk: Desk) -> None:
    desk.take(trade(1, trade_id="7"))
    desk.take(trade(1, trade_id="7"))
    assert desk.a.trades == 1
    assert desk.source.repeated == 1


def test_a_late_trade_is_never_dropped(desk: Desk) -> None:
    desk.take(trade(5, qty=2))
    desk.take(trade(4, qty=3))
    assert desk.a.volume == 5
    assert desk.source.late == 1
    assert len(desk.passed) == 2


def test_malformed_and_unknown_are_counted_and_change_nothing(desk: Desk) -> None:
    version = desk.cache.version
    desk.take(trade(1, price=0))
    desk.take(trade(1, qty=-1))
    desk.take(BookUpdate("A.X", NOW, NOW, [(3, 100, 1)]))
    desk.take(quote(1, name="C.X"))
    assert (desk.source.malformed, desk.source.unknown) == (3, 1)
    assert desk.cache.version == version
    assert desk.passed == []
    assert desk.a.last is None


def test_depth_without_quotes_makes_quotes(desk: Desk) -> None:
    desk.take(BookUpdate("A.X", NOW, NOW, [(1, 99, 5), (2, 101, 6)], True))
    ticker = desk.a.ticker()
    assert (ticker.bid, ticker.bid_qty, ticker.ask, ticker.ask_qty) == (99, 5, 101, 6)
    derived = [m for m in desk.passed if isinstance(m, Quote)]
    assert derived == [Quote("A.X", NOW, NOW, 99, 5, 101, 6)]
    desk.take(BookUpdate("A.X", NOW + 1, NOW + 1, [(1, 98, 5)]))
    assert len([m for m in desk.passed if isinstance(m, Quote)]) == 1  # the best did not change


def test_a_source_that_quotes_is_believed_before_its_book(desk: Desk) -> None:
    desk.take(quote(1, bid=100, ask=101))
    desk.take(BookUpdate("A.X", NOW + 2, NOW + 2, [(1, 99, 5), (2, 105, 6)], True))
    assert desk.a.ticker().ask == 101
    assert desk.a.book.best() == (99, 5, 105, 6)


def test_a_quote_that_says_what_was_derived_is_no_repeat(desk: Desk) -> None:
    desk.take(BookUpdate("A.X", NOW + 1, NOW + 1001, [(1, 100, 5), (2, 101, 5)], True))
    desk.take(quote(1))
    assert desk.source.repeated == 0
    desk.take(BookUpdate("A.X", NOW + 2, NOW + 2, [(1, 101, 5)]))
    assert desk.a.quote == quote(1)  # from now on its quotes count


def test_status(desk: Desk) -> None:
    desk.take(StatusUpdate("A.X", NOW, NOW, MarketStatus.HALTED, "Pause."))
    assert desk.a.ticker().status is MarketStatus.HALTED
    assert desk.a.status_text == "Pause."


def test_statistics_of_the_day_start_anew_at_midnight(desk: Desk) -> None:
    for ts, price in ((0, 100), (1, 120), (2, 90), (3, 110)):
        desk.take(trade(ts * SECOND, price, qty=2))
    t = desk.a.ticker()
    assert (t.open, t.high, t.low, t.last, t.volume, t.trades, t.reference) == (
        100,
        120,
        90,
        110,
        8,
        4,
        100,
    )
    desk.take(trade(DAY, 130))
    t = desk.a.ticker()
    assert (t.open, t.high, t.low, t.volume, t.trades, t.reference) == (130, 130, 130, 1, 1, 110)


def test_the_past_fills_the_day_and_its_reference(desk: Desk) -> None:
    midnight = NOW // DAY * DAY
    desk.take(
        history(
            [
                (midnight - 2, 80, 9, 1),
                (midnight - 1, 85, 9, 2),
                (midnight, 90, 1, 1),
                (midnight + 5, 95, 2, 2),
                (midnight + 6, 92, 3, 0),
            ]
        )
    )
    t = desk.a.ticker()
    assert (t.open, t.high, t.low, t.last, t.volume, t.trades, t.reference) == (
        90,
        95,
        90,
        92,
        6,
        3,
        85,
    )
    desk.take(trade(SECOND, 99))
    assert desk.a.ticker().trades == 4


def test_a_new_past_replaces_everything_before(desk: Desk) -> None:
    desk.take(quote(50))
    desk.take(trade(50, 500))
    desk.take(history([(NOW - 5, 80, 1, 1)]))
    assert desk.a.ticker().bid == 0
    assert desk.a.ticker().last == 80
    desk.take(quote(-4, bid=79, ask=81))  # earlier than what was there before
    assert desk.a.ticker().bid == 79
    assert desk.source.late == 0


def test_an_impossible_past_changes_nothing(desk: Desk) -> None:
    desk.take(trade(1, 100))
    desk.take(history([(NOW, -5, 1, 1)]))
    assert desk.source.malformed == 1
    assert desk.a.ticker().last == 100


def test_an_empty_past(desk: Desk) -> None:
    desk.take(history([]))
    assert desk.a.ticker().last == 0
    assert desk.source.malformed == 0
