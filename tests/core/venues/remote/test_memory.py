"""What the host of a venue tells an engine that attaches: the market as it stands now."""

from __future__ import annotations

from core.model.enums import LinkState, MarketStatus
from core.model.events import LinkUpdate
from core.model.market import BookUpdate, MarketData, Quote, StatusUpdate, Trade, TradeHistory
from core.venues.remote.memory import Memory

NAME = "A.X"


def told(*messages: MarketData) -> list[MarketData]:
    memory = Memory()
    for message in messages:
        memory.market(message)
    return [said for some in memory.snapshots() for said in some]


def test_a_book_is_told_whole_and_as_one_that_replaces_any_other() -> None:
    said = told(
        BookUpdate(NAME, 1, 2, [(1, 99, 5), (2, 101, 6)], snapshot=True),
        BookUpdate(NAME, 3, 4, [(1, 98, 1), (2, 101, 0)]),
    )
    (book,) = said
    assert isinstance(book, BookUpdate)
    assert book.snapshot
    assert sorted(book.levels) == [(1, 98, 1), (1, 99, 5)]
    assert (book.ts, book.received) == (3, 4), "as old as it is"


def test_a_book_that_began_anew_is_not_mixed_with_the_one_before() -> None:
    said = told(
        BookUpdate(NAME, 1, 1, [(1, 99, 5), (2, 101, 6)], snapshot=True),
        BookUpdate(NAME, 2, 2, [(1, 97, 1)], snapshot=True),
    )
    assert said == [BookUpdate(NAME, 2, 2, [(1, 97, 1)], snapshot=True)]


def test_past_and_state_come_before_the_prices_of_now() -> None:
    said = told(
        Quote(NAME, 5, 5, 99, 1, 101, 1),
        BookUpdate(NAME, 4, 4, [(1, 99, 5)]),
        StatusUpdate(NAME, 1, 1, MarketStatus.HALTED),
        Trade(NAME, 3, 3, 100, 2, 1),
    )
    assert [type(each) for each in said] == [TradeHistory, StatusUpdate, BookUpdate, Quote]
    history = said[0]
    assert isinstance(history, TradeHistory)
    columns = (history.ts, history.price, history.qty, history.aggressor)
    assert [int.from_bytes(c, "little") for c in columns] == [3, 100, 2, 1]


def test_what_a_venue_says_of_its_link_is_no_event_to_be_told_again() -> None:
    memory = Memory()
    link = LinkUpdate("X", 1, LinkState.DOWN, "Cut.")
    memory.event(link)
    assert (memory.link, memory.seen, memory.events_after(0)) == (link, 0, [])
