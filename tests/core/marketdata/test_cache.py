from __future__ import annotations

import msgspec
import pytest

from core.marketdata.cache import Market
from core.model.checks import MAX_TICKS
from core.model.enums import MarketStatus
from core.model.instruments import Session, TradingHours
from core.model.market import BookUpdate, Quote, StatusUpdate, Trade
from tests.core.marketdata.markets import (
    DAY,
    NOW,
    SECOND,
    Desk,
    history,
    instrument,
    quote,
    trade,
)


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
    desk.take(trade(5, 100, qty=2, trade_id="5"))
    desk.take(trade(4, 90, qty=3, trade_id="4"))
    assert desk.a.volume == 5
    assert desk.a.low == 90
    assert desk.source.late == 1
    assert len(desk.passed) == 2
    assert desk.a.ticker().last == 100, "what was traded before is no last price"
    desk.take(trade(4, 90, qty=3, trade_id="4"))
    assert desk.source.repeated == 1
    assert desk.a.volume == 5


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


@pytest.mark.parametrize(
    "wrong",
    [
        quote(9, bid=-MAX_TICKS - 1),
        quote(9, bid=MAX_TICKS + 1),
        quote(9, ask=-MAX_TICKS - 1),
        quote(9, ask=MAX_TICKS + 1),
        Quote("A.X", NOW + 9, NOW + 9, 100, -1, 101, 5),
        Quote("A.X", NOW + 9, NOW + 9, 100, (1 << 53) + 1, 101, 5),
        Quote("A.X", NOW + 9, NOW + 9, 100, 5, 101, -1),
        Quote("A.X", NOW + 9, NOW + 9, 100, 5, 101, (1 << 53) + 1),
        Quote("A.X", -1, NOW + 9, 100, 5, 101, 5),
        Quote("A.X", NOW + 9 + 2 * DAY + 1, NOW + 9, 100, 5, 101, 5),
        trade(9, price=-MAX_TICKS - 1),
        trade(9, price=MAX_TICKS + 1),
        trade(9, qty=(1 << 53) + 1),
        Trade("A.X", -1, NOW + 9, 100, 1, 1),
        Trade("A.X", NOW + 9 + 2 * DAY + 1, NOW + 9, 100, 1, 1),
        BookUpdate("A.X", -1, NOW + 9, [(1, 99, 1)]),
        BookUpdate("A.X", NOW + 9 + 2 * DAY + 1, NOW + 9, [(1, 99, 1)]),
    ],
)
def test_what_cannot_be_is_no_price_and_does_not_make_the_next_one_late(
    desk: Desk, wrong: Quote | Trade | BookUpdate
) -> None:
    desk.take(quote(1))
    desk.take(trade(1))
    before = desk.a.ticker()
    desk.take(wrong)
    assert desk.source.malformed == 1
    assert desk.a.ticker() == before
    assert desk.source.last == NOW + 1001
    assert desk.a.book.best() == (0, 0, 0, 0)
    desk.take(quote(10, bid=99))
    desk.take(trade(10, 101))
    desk.take(BookUpdate("A.X", NOW + 10, NOW + 10, [(1, 99, 1)]))
    assert (desk.a.ticker().bid, desk.a.ticker().last, desk.source.late) == (99, 101, 0)


def test_a_book_that_comes_late_is_counted_and_kept(desk: Desk) -> None:
    desk.take(BookUpdate("A.X", NOW + 5, NOW + 6, [(1, 99, 5), (2, 101, 6)], True))
    desk.take(BookUpdate("A.X", NOW + 4, NOW + 8, [(1, 98, 5)]))
    assert desk.source.late == 1
    assert desk.source.last == NOW + 8, "the source is alive"
    assert desk.a.book.levels(1) == 2


def test_a_snapshot_takes_the_place_of_the_whole_book(desk: Desk) -> None:
    desk.take(BookUpdate("A.X", NOW + 5, NOW + 5, [(1, 99, 5), (2, 101, 6)], True))
    desk.take(BookUpdate("A.X", NOW + 4, NOW + 9, [(1, 97, 1), (2, 98, 1)], True))
    assert desk.source.late == 0, "it begins anew, wherever it begins"
    assert desk.a.book.depth(9)[0].tolist() == [97]
    assert desk.a.book.best() == (97, 1, 98, 1)
    desk.take(BookUpdate("A.X", NOW + 5, NOW + 10, [(1, 96, 1)]))
    assert desk.source.late == 0


def test_a_book_that_crosses_is_counted(desk: Desk) -> None:
    desk.take(BookUpdate("A.X", NOW, NOW, [(1, 105, 5), (2, 101, 6)], True))
    assert desk.source.crossed == 1
    desk.take(BookUpdate("B.X", NOW, NOW, [(1, 105, 5)], True))
    assert desk.source.crossed == 1  # an empty side crosses nothing


def test_a_source_that_quotes_nothing_does_not_silence_its_book(desk: Desk) -> None:
    desk.take(Quote("A.X", NOW, NOW, 0, 0, 0, 0))
    desk.take(BookUpdate("A.X", NOW + 1, NOW + 1, [(1, 99, 5), (2, 101, 6)], True))
    assert desk.a.ticker().ask == 101


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
    desk.take(StatusUpdate("A.X", NOW, NOW + 3, MarketStatus.HALTED, "Pause."))
    assert desk.source.last == NOW + 3
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


def test_a_new_past_forgets_the_book_too(desk: Desk) -> None:
    desk.take(BookUpdate("A.X", NOW + 50, NOW + 50, [(1, 99, 5), (2, 101, 6)], True))
    desk.take(quote(50))
    desk.take(trade(50, trade_id="7"))
    version = desk.a.depth_version
    desk.take(history([(NOW - 5, 80, 1, 1)]))
    assert desk.a.book.best() == (0, 0, 0, 0)
    assert desk.a.depth_version > version, "it is shown"
    desk.take(BookUpdate("A.X", NOW - 4, NOW - 4, [(1, 79, 1), (2, 81, 2)]))
    assert desk.source.late == 0
    assert desk.a.ticker().ask == 81, "its book is all there is until it quotes"
    desk.take(trade(-3, trade_id="7"))
    assert (desk.a.ticker().trades, desk.source.repeated) == (2, 0)


def test_nothing_was_missed_before_the_first_trade(desk: Desk) -> None:
    desk.a.missed(NOW, NOW + SECOND)
    assert desk.a.log.gaps == ()
    desk.take(trade(1))
    desk.a.missed(NOW + SECOND, NOW + 2 * SECOND)
    assert desk.a.log.gaps == ((NOW + SECOND, NOW + 2 * SECOND),)


def test_the_night_is_no_gap() -> None:
    """A chart that shows one every night says that data is missing which there never was."""
    hours = TradingHours("UTC", tuple(Session(day, 8 * 60, 16 * 60) for day in range(7)))
    market = Market(msgspec.structs.replace(instrument("A.X"), hours=hours))
    begin, hour = NOW - NOW % DAY, 3600 * SECOND
    told = history([(begin + 15 * hour, 100, 1, 1)])
    market.begin_again(told)
    market.missed(begin + 17 * hour, begin + 31 * hour)
    assert market.log.gaps == (), "the link broke and came back while the market was closed"
    whole = (begin + 15 * hour, begin + 33 * hour)
    open_ = ((begin + 15 * hour, begin + 16 * hour), (begin + 32 * hour, begin + 33 * hour))
    market.missed(*whole)
    assert market.log.gaps == open_
    market.begin_again(msgspec.structs.replace(told, gaps=(whole,)))
    assert market.log.gaps == open_, "neither is it one when the program was closed"


def test_an_impossible_past_changes_nothing(desk: Desk) -> None:
    desk.take(trade(1, 100))
    desk.take(history([(NOW, -5, 1, 1)]))
    assert desk.source.malformed == 1
    assert desk.a.ticker().last == 100


def test_an_empty_past(desk: Desk) -> None:
    desk.take(history([]))
    assert desk.a.ticker().last == 0
    assert desk.source.malformed == 0
