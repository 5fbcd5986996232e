"""Each rule of the matching book by name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from core.book.matching import (
    BAD_PRICE,
    BAD_QTY,
    BUY,
    DUPLICATE_ID,
    FOK_KILLED,
    LIMIT_FOK,
    LIMIT_GTC,
    LIMIT_IOC,
    MARKET,
    MAX_ORDERS,
    MAX_PRICE,
    MAX_QTY,
    OK,
    POST_ONLY,
    SELF_TRADE_CANCEL_BOTH,
    SELF_TRADE_CANCEL_MAKER,
    SELF_TRADE_CANCEL_TAKER,
    SELF_TRADE_NONE,
    SELL,
    STATUS_NAMES,
    UNKNOWN_ID,
    WOULD_CROSS,
    Fill,
    MatchingBook,
)

PREVENTION = [
    SELF_TRADE_CANCEL_TAKER,
    SELF_TRADE_CANCEL_MAKER,
    SELF_TRADE_CANCEL_BOTH,
]


def book_of(*orders: tuple[int, ...], self_trade: int = SELF_TRADE_NONE) -> MatchingBook:
    """A book with (id, side, price, qty[, kind[, owner]]) resting."""
    book = MatchingBook(self_trade=self_trade)
    for order in orders:
        assert book.add(*order) == OK
    assert book.trade_count == 0
    return book


def resting(book: MatchingBook) -> dict[int, int]:
    """Leaves by id, in priority order, bids first."""
    return {
        int(i): int(q)
        for side in (BUY, SELL)
        for i, q in zip(book.orders(side)[0], book.orders(side)[2], strict=True)
    }


def unchanged(book: MatchingBook, call: Any) -> int:
    """Calls and makes sure that nothing changed."""
    before = book.digest()
    status: int = call()
    assert book.digest() == before
    book.check()
    return status


def test_trades_happen_at_the_makers_price_best_first_oldest_first() -> None:
    book = book_of((1, SELL, 101, 5), (2, SELL, 100, 5), (3, SELL, 100, 5), (4, SELL, 103, 5))
    assert book.add(9, BUY, 102, 18) == OK
    assert book.trades().tolist() == [(2, 9, 100, 5), (3, 9, 100, 5), (1, 9, 101, 5)]
    assert resting(book) == {9: 3, 4: 5}
    assert (book.best_bid(), book.best_ask()) == (102, 103)


def test_a_partial_fill_keeps_the_makers_place() -> None:
    book = book_of((1, BUY, 100, 10), (2, BUY, 100, 10))
    book.add(3, SELL, 100, 4)
    book.add(4, SELL, 100, 7)
    assert book.trades().tolist() == [(1, 3, 100, 4), (1, 4, 100, 6), (2, 4, 100, 1)]


def test_size_down_keeps_priority_and_everything_else_loses_it() -> None:
    def order_of_queue(price: int, qty: int) -> list[int]:
        book = book_of((1, BUY, 100, 10), (2, BUY, 100, 10))
        assert book.replace(1, price, qty) == OK
        book.check()
        assert book.order(1) == (BUY, price, qty, 0)
        return list(resting(book))

    assert order_of_queue(100, 3) == [1, 2]
    assert order_of_queue(100, 10) == [1, 2]
    assert order_of_queue(100, 11) == [2, 1]
    assert order_of_queue(99, 10) == [2, 1]
    assert order_of_queue(101, 1) == [1, 2]  # a better price


def test_replace_after_a_partial_fill_sets_the_open_quantity() -> None:
    book = book_of((1, SELL, 100, 10))
    book.add(2, BUY, 100, 4)
    assert book.replace(1, 100, 6) == OK
    assert book.order(1) == (SELL, 100, 6, 0)
    assert book.level(SELL, 100) == (6, 1)


def test_replace_that_crosses_trades_as_taker() -> None:
    book = book_of((1, SELL, 102, 5), (2, SELL, 103, 5), (3, BUY, 100, 8), (4, BUY, 99, 1))
    assert book.replace(3, 102, 8) == OK
    assert book.trades().tolist() == [(1, 3, 102, 5)]
    assert book.order(3) == (BUY, 102, 3, 0)
    assert book.replace(3, 200, 5) == OK
    assert book.trades().tolist()[1:] == [(2, 3, 103, 5)]
    assert book.order(3) is None
    assert book.cancel(3) == UNKNOWN_ID
    assert resting(book) == {4: 1}
    book.check()


def test_fok_fills_in_full_over_several_prices_or_not_at_all() -> None:
    book = book_of((1, SELL, 100, 5), (2, SELL, 101, 5), (3, SELL, 105, 5))
    assert unchanged(book, lambda: book.add(9, BUY, 104, 11, LIMIT_FOK)) == FOK_KILLED
    assert unchanged(book, lambda: book.add(9, BUY, 99, 1, LIMIT_FOK)) == FOK_KILLED
    assert book.add(9, BUY, 104, 10, LIMIT_FOK) == OK
    assert book.trades().tolist() == [(1, 9, 100, 5), (2, 9, 101, 5)]  # makers' prices
    assert resting(book) == {3: 5}


def test_ioc_and_market_leave_nothing_behind() -> None:
    book = book_of((1, BUY, 100, 5), (2, BUY, 90, 5))
    assert book.add(7, SELL, 95, 9, LIMIT_IOC) == OK
    assert book.add(8, SELL, 0, 9, MARKET) == OK
    assert book.add(8, SELL, -5, 9, MARKET) == OK  # the id is dead; no price is needed
    assert book.trades().tolist() == [(1, 7, 100, 5), (2, 8, 90, 5)]
    assert len(book) == 0
    assert (book.cancel(7), book.cancel(8)) == (UNKNOWN_ID, UNKNOWN_ID)
    assert book.add(7, SELL, 95, 9) == OK
    book.check()


def test_market_takes_to_both_ends_of_the_domain() -> None:
    book = book_of((1, SELL, MAX_PRICE, 2), (2, BUY, 1, 2))
    assert book.add(3, BUY, 0, 2, MARKET) == OK
    assert book.add(4, SELL, 0, 2, MARKET) == OK
    assert book.trades().tolist() == [(1, 3, MAX_PRICE, 2), (2, 4, 1, 2)]
    assert (book.best_bid(), book.best_ask()) == (0, 0)


def test_post_only_rejects_and_does_not_slide() -> None:
    book = book_of((1, SELL, 100, 5))
    assert unchanged(book, lambda: book.add(2, BUY, 100, 1, POST_ONLY)) == WOULD_CROSS
    assert book.add(2, BUY, 99, 1, POST_ONLY) == OK
    assert resting(book) == {2: 1, 1: 5}


def test_rejects_come_in_their_order_and_change_nothing() -> None:
    book = book_of((1, SELL, 100, 5))
    assert unchanged(book, lambda: book.add(1, BUY, 0, 0, POST_ONLY)) == DUPLICATE_ID
    assert unchanged(book, lambda: book.add(2, BUY, 0, 0, POST_ONLY)) == BAD_QTY
    assert unchanged(book, lambda: book.add(2, BUY, 0, 1, POST_ONLY)) == BAD_PRICE
    assert unchanged(book, lambda: book.add(2, BUY, 100, 1, POST_ONLY)) == WOULD_CROSS
    assert unchanged(book, lambda: book.add(2, BUY, 0, 0, MARKET)) == BAD_QTY
    assert unchanged(book, lambda: book.add(2, BUY, 0, 1, LIMIT_FOK)) == BAD_PRICE
    assert unchanged(book, lambda: book.replace(2, 0, 0)) == UNKNOWN_ID
    assert unchanged(book, lambda: book.replace(1, 0, 0)) == BAD_QTY
    assert unchanged(book, lambda: book.replace(1, 0, 1)) == BAD_PRICE
    assert unchanged(book, lambda: book.cancel(2)) == UNKNOWN_ID
    assert STATUS_NAMES[FOK_KILLED] == "FOK_KILLED"


@pytest.mark.parametrize("qty", [0, -1, MAX_QTY + 1, 2**63, 2**64 + 1, -(2**64) + 1, 2**200])
def test_quantities_out_of_range_are_rejected_and_never_wrap(qty: int) -> None:
    book = book_of((1, BUY, 100, 5))
    assert unchanged(book, lambda: book.add(2, BUY, 100, qty)) == BAD_QTY
    assert unchanged(book, lambda: book.replace(1, 100, qty)) == BAD_QTY


@pytest.mark.parametrize(
    "price", [0, -1, MAX_PRICE + 1, 2**31, 2**32 + 100, 2**63, 2**64 + 100, -(2**64) + 100]
)
def test_prices_out_of_range_are_rejected_and_never_wrap(price: int) -> None:
    book = book_of((1, BUY, 100, 5))
    assert unchanged(book, lambda: book.add(2, BUY, price, 1)) == BAD_PRICE
    assert unchanged(book, lambda: book.replace(1, price, 1)) == BAD_PRICE
    assert book.level(BUY, price) == (0, 0)


def test_ids_fill_64_bits_and_may_be_used_again_once_dead() -> None:
    book = MatchingBook()
    for order_id in (0, 2**63, 2**64 - 1):
        assert book.add(order_id, BUY, 100, 5) == OK
        assert book.add(order_id, BUY, 100, 5) == DUPLICATE_ID
        assert book.order(order_id) == (BUY, 100, 5, 0)
        assert book.cancel(order_id) == OK
        assert book.order(order_id) is None
        assert book.queue_ahead(order_id) is None
        assert book.add(order_id, SELL, 200, 5) == OK  # reused after a cancel
        book.add(77, BUY, 200, 5)
        assert book.add(order_id, BUY, 100, 5) == OK  # and after a fill
    assert book.trades()["maker"].tolist() == [0, 2**63, 2**64 - 1]
    for strange in (-1, 2**64, -(2**64)):
        for call in (
            lambda i: book.add(i, BUY, 1, 1),
            lambda i: book.add(1, BUY, 1, 1, LIMIT_GTC, i),
            book.cancel,
            book.order,
            lambda i: book.replace(i, 1, 1),
        ):
            with pytest.raises(OverflowError, match=r"must be in 0 \.\. 2\^64 - 1"):
                call(strange)


def test_what_is_no_integer_or_no_side_or_no_kind_raises() -> None:
    book = book_of((1, BUY, 100, 5))
    for arguments in [("1", BUY, 1, 1), (2, "B", 1, 1), (2, BUY, 1.5, 1), (2, BUY, 1, None)]:
        with pytest.raises(TypeError, match="integer"):
            book.add(*arguments)
    with pytest.raises(ValueError, match=r"side must be 1 \(buy\) or 2 \(sell\), not 3"):
        book.add(2, 3, 1, 1)
    with pytest.raises(ValueError, match="kind must be"):
        book.add(2, BUY, 1, 1, 5)
    with pytest.raises(ValueError, match="side"):
        book.depth(0, 1)
    with pytest.raises(ValueError, match="negative"):
        book.depth(BUY, -1)
    for capacity in (-1, MAX_ORDERS + 1):
        with pytest.raises(ValueError, match="capacity"):
            MatchingBook(capacity=capacity)
    with pytest.raises(ValueError, match="self_trade"):
        MatchingBook(self_trade=4)
    assert resting(book) == {1: 5}
    assert book.add(np.uint64(2**64 - 1), np.uint8(BUY), np.int64(7), np.int32(3)) == OK


# -- self-trade prevention ------------------------------------------------------------------------


def own_in_between(self_trade: int) -> MatchingBook:
    """Asks 1 (another owner), 2 (owner 7), 3 (another owner), 5 each, at rising prices."""
    return book_of(
        (1, SELL, 100, 5, 0, 8), (2, SELL, 101, 5, 0, 7), (3, SELL, 102, 5, 0, 0),
        self_trade=self_trade,
    )  # fmt: skip


@pytest.mark.parametrize("kind", [LIMIT_GTC, LIMIT_IOC, MARKET])
def test_prevention_while_taking(kind: int) -> None:
    rests = kind == LIMIT_GTC

    book = own_in_between(SELF_TRADE_NONE)
    assert book.add(9, BUY, 105, 12, kind, 7) == OK
    assert [t[0] for t in book.trades().tolist()] == [1, 2, 3]
    assert book.cancel_count == 0

    book = own_in_between(SELF_TRADE_CANCEL_TAKER)
    assert book.add(9, BUY, 105, 12, kind, 7) == OK
    assert book.trades().tolist() == [(1, 9, 100, 5)]
    assert book.cancels().tolist() == [(9, 7)]
    assert resting(book) == {2: 5, 3: 5}

    book = own_in_between(SELF_TRADE_CANCEL_MAKER)
    assert book.add(9, BUY, 105, 12, kind, 7) == OK
    assert book.trades().tolist() == [(1, 9, 100, 5), (3, 9, 102, 5)]
    assert book.cancels().tolist() == [(2, 5)]
    assert resting(book) == ({9: 2} if rests else {})

    book = own_in_between(SELF_TRADE_CANCEL_BOTH)
    assert book.add(9, BUY, 105, 12, kind, 7) == OK
    assert book.trades().tolist() == [(1, 9, 100, 5)]
    assert book.cancels().tolist() == [(2, 5), (9, 7)]
    assert resting(book) == {3: 5}
    book.check()


@pytest.mark.parametrize("self_trade", PREVENTION)
def test_prevention_needs_an_owner_and_the_same_one(self_trade: int) -> None:
    for owner in (0, 3):
        book = own_in_between(self_trade)
        assert book.add(9, BUY, 105, 15, LIMIT_GTC, owner) == OK
        assert book.trade_count == 3
        assert book.cancel_count == 0


def test_prevention_does_not_reach_a_taker_that_is_done_before() -> None:
    for self_trade in PREVENTION:
        book = own_in_between(self_trade)
        assert book.add(9, BUY, 105, 5, LIMIT_GTC, 7) == OK
        assert book.cancel_count == 0
        assert resting(book) == {2: 5, 3: 5}


def test_fok_looks_with_prevention_in_mind() -> None:
    # What its owner offers does not count, nor, where it would be cancelled, what lies behind.
    for self_trade, most in [
        (SELF_TRADE_CANCEL_TAKER, 5),
        (SELF_TRADE_CANCEL_BOTH, 5),
        (SELF_TRADE_CANCEL_MAKER, 10),
        (SELF_TRADE_NONE, 15),
    ]:
        book = own_in_between(self_trade)
        killed = unchanged(book, lambda b=book, q=most: b.add(9, BUY, 105, q + 1, LIMIT_FOK, 7))
        assert killed == FOK_KILLED
        assert book.add(9, BUY, 105, most, LIMIT_FOK, 7) == OK
        assert book.trades()["qty"].sum() == most
        assert book.cancels().tolist() == ([(2, 5)] if most == 10 else [])
        book.check()


def test_post_only_is_rejected_by_its_owners_order_too() -> None:
    for self_trade in PREVENTION:
        book = own_in_between(self_trade)
        book.cancel(1)
        assert unchanged(book, lambda b=book: b.add(9, BUY, 101, 1, POST_ONLY, 7)) == WOULD_CROSS


def test_prevention_when_a_replace_crosses() -> None:
    for self_trade, left, cancels in [
        (SELF_TRADE_CANCEL_TAKER, {1: 5}, [(2, 6)]),
        (SELF_TRADE_CANCEL_MAKER, {2: 6}, [(1, 5)]),
        (SELF_TRADE_CANCEL_BOTH, {}, [(1, 5), (2, 6)]),
    ]:
        book = book_of((1, SELL, 100, 5, 0, 7), (2, BUY, 99, 1, 0, 7), self_trade=self_trade)
        assert book.replace(2, 100, 6) == OK
        assert resting(book) == left
        assert book.cancels().tolist() == cancels
        assert book.trade_count == 0
        book.check()


def test_fills_are_plain_values() -> None:
    book = book_of((2**64 - 1, SELL, 100, MAX_QTY))
    (fill,) = book.add_fills(2**63, BUY, 101, MAX_QTY)
    assert isinstance(fill, Fill)
    assert repr(fill) == f"Fill(maker={2**64 - 1}, taker={2**63}, price=100, qty={MAX_QTY})"
    with pytest.raises(AttributeError):
        fill.qty = 1  # type: ignore[misc]
    assert book.add_fills(1, BUY, 100, 1) == ()
    assert book.add_fills(1, BUY, 100, 1) == ()
    assert book.status == DUPLICATE_ID
