from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.model.commands import NewOrder
from core.model.enums import OrdStatus, OrdType, PegReference, Side, TimeInForce
from core.model.numbers import parse_decimal
from tests.widgets.trading_world import BID, BTC, SHARE, World
from widgets.words import (
    format_duration,
    format_money,
    format_number,
    format_price,
    format_qty,
    order_sentence,
    price_words,
    refusal_sentence,
    state_words,
)


@given(st.integers(0, 1 << 60), st.sampled_from([BTC, SHARE]))
def test_what_is_shown_reads_back_exactly(steps, instrument):
    assert instrument.ticks(parse_decimal(format_price(steps, instrument))) == steps
    assert instrument.lots(parse_decimal(format_qty(steps, instrument))) == steps


def test_decimals_are_those_of_the_step():
    assert format_price(128_421, BTC) == "64,210.5"
    assert format_price(128_420, BTC) == "64,210.0"
    assert format_price(128_421, BTC, grouped=False) == "64210.5"
    assert format_qty(50, BTC) == "0.50"
    assert format_qty(1_250, SHARE, signed=True) == "+1,250"


@pytest.mark.parametrize(
    ("value", "text"),
    [(Decimal("1250"), "+1,250.00"), (Decimal("-0.004"), "0.00"), (Decimal("-3.456"), "-3.46")],
)
def test_money_has_a_sign_and_zero_has_none(value, text):
    assert format_money(value) == text
    assert format_money(value, "USD") == f"{text} USD"


def test_the_unknown_is_a_dash_and_never_zero():
    assert format_money(None, "USD") == "—"
    assert format_number(Decimal("-0.0"), 1) == "0.0"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0.0 s"),
        (3.25, "3.2 s"),
        (59.99, "59.9 s"),
        (245, "4 m 05 s"),
        (7_800, "2 h 10 m"),
        (3 * 86_400 + 4 * 3_600, "3 d 4 h"),
    ],
)
def test_spans_of_time(seconds, text):
    assert format_duration(int(seconds * 1e9)) == text


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"price": 128_421}, "BUY 0.50 BTC-USD @ 64,210.5 GTC"),
        (
            {"ord_type": OrdType.MARKET, "tif": TimeInForce.IOC, "reduce_only": True},
            "BUY 0.50 BTC-USD at market IOC reduce-only",
        ),
        ({"ord_type": OrdType.STOP, "stop_price": 130_000}, "BUY 0.50 BTC-USD stop 65,000.0 GTC"),
        (
            {"ord_type": OrdType.STOP_LIMIT, "stop_price": 130_000, "price": 130_010},
            "BUY 0.50 BTC-USD stop 65,000.0 limit 65,005.0 GTC",
        ),
        (
            {"price": 2, "tif": TimeInForce.DAY, "post_only": True},
            "BUY 0.50 BTC-USD @ 1.0 DAY post-only",
        ),
    ],
)
def test_the_whole_order_in_one_line(changes, sentence):
    fields = {"ord_type": OrdType.LIMIT, **changes}
    order = NewOrder("", "A", BTC.id, Side.BUY, qty=50, **fields)
    assert order_sentence(order, BTC) == sentence


def test_why_an_order_was_refused():
    world = World()
    reject = {"status": OrdStatus.REJECTED}
    named = world.order("a", Side.BUY, 5, code="RATE_LIMIT", text="Too fast.", **reject)
    assert refusal_sentence(named) == "RATE_LIMIT: Too fast."
    twice = world.order("b", Side.BUY, 5, code="X", text="X: because.", **reject)
    assert refusal_sentence(twice) == "X: because."
    text = (
        "MAX_QTY: limit=0.5, value=1.25, scope=account:A-1, order=P-1-7. "
        "The order is 1.25 BTC. Make it smaller."
    )
    full = world.order("d", Side.BUY, 5, code="MAX_QTY", text=text, **reject)
    assert refusal_sentence(full) == "The order is 1.25 BTC. Make it smaller. (MAX_QTY)"
    silent = world.order("c", Side.BUY, 5, **reject)
    assert "No reason" in refusal_sentence(silent)


def ordered(kind, **changes):
    fields = {"side": Side.BUY, "price": 0, "stop_price": 0, **changes}
    return NewOrder("", "A", BTC.id, ord_type=kind, qty=50, **fields)


@pytest.mark.parametrize(
    ("order", "words"),
    [
        (ordered(OrdType.MARKET_IF_TOUCHED, stop_price=BID), "if touched 64,210.5"),
        (
            ordered(OrdType.LIMIT_IF_TOUCHED, stop_price=BID, price=BID + 2),
            "if touched 64,210.5 limit 64,211.5",
        ),
        (ordered(OrdType.TRAILING_STOP, trail=1), "trailing 1 tick"),
        (
            ordered(OrdType.TRAILING_STOP_LIMIT, trail_bp=50, stop_price=BID, limit_offset=2),
            "trailing 0.5 % from 64,210.5 limit 2 ticks beyond",
        ),
        (ordered(OrdType.TRAILING_STOP_LIMIT, trail=5), "trailing 5 ticks limit at the stop"),
        (ordered(OrdType.PEGGED, peg=PegReference.PRIMARY), "pegged to own best"),
        (
            ordered(OrdType.PEGGED, peg=PegReference.MID, peg_offset=2, price=BID),
            "pegged to mid +2t at most 64,210.5",
        ),
        (
            ordered(OrdType.PEGGED, peg=PegReference.MARKET, price=BID, side=Side.SELL),
            "pegged to other side at least 64,210.5",
        ),
    ],
)
def test_every_order_type_is_said_whole(order, words):
    assert price_words(order, BTC) == words


def test_a_placed_order_that_follows_the_market_says_where_it_stands_now():
    world = World()
    trailing = world.order(
        "a", Side.SELL, 0, ord_type=OrdType.TRAILING_STOP, stop_price=BID, trail=20
    )
    assert price_words(trailing, BTC) == "trailing 20 ticks now 64,210.5"
    pegged = world.order("b", Side.BUY, BID, ord_type=OrdType.PEGGED, peg=PegReference.MID)
    assert price_words(pegged, BTC) == "pegged to mid now @ 64,210.5"


def test_who_holds_an_order_is_said():
    world = World()
    order = world.order("a", Side.BUY, BID, held=True)
    assert state_words(order) == "Working, held here"
    waiting = world.order("b", Side.BUY, BID, status=OrdStatus.SUSPENDED, parent="a", held=True)
    assert state_words(waiting) == "Waits for its entry, held here"
    assert state_words(world.order("c", Side.BUY, BID)) == "Working"
