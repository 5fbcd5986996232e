"""What an order would take out of the book, against the plainest way to work it out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from core.marketdata.cache import Market
from core.marketdata.taking import taking
from core.model.commands import NewOrder
from core.model.enums import OrdType, Side, TimeInForce
from core.model.market import Quote, Taking
from tests.core.kernel.driver import AAPL

BUY, SELL = Side.BUY, Side.SELL
ASKS = [(101, 5), (103, 2), (110, 10)]
BIDS = [(99, 4), (98, 3)]


def shown(bids=BIDS, asks=ASKS, quote=None):
    market = Market(AAPL)
    market.book.update([(1, *level) for level in bids] + [(2, *level) for level in asks], True)
    if quote is not None:
        market.quote = quote
    return market


def order(qty, price=0, side=BUY, kind=None, **more):
    kind = kind or (OrdType.LIMIT if price else OrdType.MARKET)
    return NewOrder("A", "P", AAPL.id, side, kind, qty, price, **more)


@pytest.mark.parametrize(
    ("asked", "fills", "thin"),
    [
        (order(5), [(101, 5)], False),
        (order(8), [(101, 5), (103, 2), (110, 1)], False),
        (order(17), [(101, 5), (103, 2), (110, 10)], False),
        (order(18), [(101, 5), (103, 2), (110, 10)], True),
        (order(5, side=SELL), [(99, 4), (98, 1)], False),
        (order(9, side=SELL), [(99, 4), (98, 3)], True),
        (order(8, 103), [(101, 5), (103, 2)], False),
        (order(8, 100), [], False),
        (order(8, 98, side=SELL), [(99, 4), (98, 3)], True),
        (order(18, 111), [(101, 5), (103, 2), (110, 10)], True),
        (order(8, 103, post_only=True), [], False),
    ],
)
def test_level_by_level_up_to_the_limit(asked, fills, thin):
    assert taking(asked, shown()) == Taking(tuple(fills), thin)


@pytest.mark.parametrize(
    "asked",
    [
        order(1, kind=OrdType.STOP, stop_price=105),
        order(1, 104, kind=OrdType.STOP_LIMIT, stop_price=105),
        order(1, kind=OrdType.PEGGED),
        order(1, 104, tif=TimeInForce.AT_THE_OPENING),
        order(0),
    ],
)
def test_what_waits_takes_nothing_that_can_be_told(asked):
    assert taking(asked, shown()) is None


def test_without_a_book_the_quote_counts_and_without_both_nothing_is_known():
    quote = Quote(AAPL.id, 1, 1, 99, 4, 101, 6)
    assert taking(order(6), shown((), (), quote)) == Taking(((101, 6),), False)
    assert taking(order(7), shown((), (), quote)) == Taking(((101, 6),), True)
    assert taking(order(1), shown((), (), replace(quote, ask_qty=0))) is None
    assert taking(order(1), shown((), ())) is None
    assert taking(order(1, side=SELL), shown((), ASKS)) is None


LEVELS = st.dictionaries(st.integers(1, 400), st.integers(1, 50), min_size=1, max_size=200)


@given(LEVELS, st.integers(1, 4000), st.sampled_from(Side), st.integers(0, 400))
def test_it_is_the_cheapest_way_to_fill_the_order(levels, qty, side, limit):
    book = list(levels.items())
    market = shown(book if side is SELL else (), book if side is BUY else ())
    found = taking(order(qty, limit, side), market)
    lots = sorted((price for price, size in book for _ in range(size)), reverse=side is SELL)
    within = [p for p in lots if not limit or (p <= limit if side is BUY else p >= limit)]
    taken = [price for price, size in found.fills for _ in range(size)]
    assert taken == within[:qty]
    assert all(size > 0 for _, size in found.fills)
    assert found.thin is (len(taken) < qty and len(within) == len(lots))
