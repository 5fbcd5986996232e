"""Whatever well-typed input comes, in any order: nothing breaks, and all outputs can be sent."""

from __future__ import annotations

import enum
from decimal import Decimal
from types import NoneType, UnionType
from typing import get_args, get_origin

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from core.kernel.kernel import Kernel
from core.model import wire
from core.model.commands import (
    CancelAll,
    CancelOrder,
    Flatten,
    HandOver,
    Kill,
    NewOrder,
    NewOrderList,
    Override,
    ReplaceOrder,
    SetLimit,
    SetRestriction,
    SetTradingState,
)
from core.model.enums import Contingency, ExecType, OrdStatus, OrdType, PegReference, Side
from core.model.events import CancelReject, ExecutionReport, LinkUpdate, Notice
from core.model.inputs import AccountSetup, Facts, LimitValue, Policy, Setup, Tick
from core.model.limits import LIMIT_KINDS
from core.model.market import Quote, StatusUpdate, Trade
from core.model.orders import OrderUpdate
from core.model.requests import VenueRequest
from tests.core.kernel.driver import AAPL, BTC, START, Driver

NAMES = ["", "a-1", "a-2", "k", "k/1", "P", "Q", "S", AAPL.id, BTC.id, "SIM", "XCH", "USD"]
NAMES += ["account", "strategy", "instrument", *LIMIT_KINDS]

words = st.one_of(st.sampled_from(NAMES), st.text(max_size=5))
numbers = st.one_of(
    st.integers(-3, 60),
    st.integers(19_000, 21_000),
    st.sampled_from(
        [START, START + 10**9, 2**31 - 2, 2**31 - 1, 2**40, 2**62, 2**63 - 1, -(2**63)]
    ),
    st.integers(-(2**63), 2**63 - 1),
)
money = st.one_of(
    st.decimals(allow_nan=True, allow_infinity=True),
    st.integers(-9, 99).map(Decimal),
    st.sampled_from([Decimal("1E-24"), Decimal("1E-25"), Decimal("1E+17"), Decimal("1E+999")]),
)


def strategy_of(kind):
    if kind is int:
        return numbers
    if kind is str:
        return words
    if kind is bool:
        return st.booleans()
    if kind is float:
        return st.floats(allow_nan=True)
    if kind is Decimal:
        return money
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return st.sampled_from(list(kind))
    if get_origin(kind) is tuple:
        return st.lists(strategy_of(get_args(kind)[0]), max_size=3).map(tuple)
    if get_origin(kind) is dict:
        key, value = get_args(kind)
        return st.dictionaries(strategy_of(key), strategy_of(value), max_size=3)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return built(kind)
    if isinstance(kind, UnionType):
        return st.one_of(*(strategy_of(each) for each in get_args(kind)))
    if kind is NoneType:
        return st.none()
    raise AssertionError(kind)


def built(cls):
    return st.builds(
        cls, **{f.encode_name: strategy_of(f.type) for f in msgspec.structs.fields(cls)}
    )


KINDS = (
    NewOrder,
    CancelOrder,
    ReplaceOrder,
    CancelAll,
    Flatten,
    HandOver,
    Kill,
    SetTradingState,
    SetLimit,
    SetRestriction,
    Override,
    Facts,
    ExecutionReport,
    CancelReject,
    LinkUpdate,
    Quote,
    Trade,
    StatusUpdate,
    Tick,
)
ordinary = st.builds(
    NewOrder,
    st.sampled_from(["a-1", "a-2", "a-3", "k"]),
    st.just("P"),
    st.just(AAPL.id),
    st.sampled_from(list(Side)),
    st.just(OrdType.LIMIT),
    st.integers(1, 20),
    st.integers(19_900, 20_100),
)
members = st.builds(
    NewOrder,
    st.sampled_from(["b-1", "b-2", "b-3", "b-4", "k"]),
    st.just("P"),
    st.just(AAPL.id),
    st.sampled_from(list(Side)),
    st.sampled_from([OrdType.LIMIT, OrdType.STOP, OrdType.TRAILING_STOP, OrdType.PEGGED]),
    st.integers(1, 5),
    st.sampled_from([0, 19_990, 20_010]),
    st.sampled_from([0, 19_900, 20_100]),
    trail=st.sampled_from([0, 50]),
    peg=st.sampled_from([None, *PegReference]),
    display_qty=st.sampled_from([0, 0, 2]),
)
lists = st.builds(
    NewOrderList,
    st.sampled_from(["list-1", "list-2", "k"]),
    st.sampled_from(list(Contingency)),
    st.lists(st.one_of(members, members, built(NewOrder)), max_size=4).map(tuple),
)
taken_back = st.builds(
    ExecutionReport,
    st.just("SIM"),
    numbers,
    numbers,
    st.sampled_from(["a-1", "b-1", "b-1/1", "b-2"]),
    st.sampled_from([ExecType.TRADE, ExecType.TRADE_CANCEL, ExecType.TRADE_CORRECT, ExecType.NEW]),
    st.sampled_from(list(OrdStatus)),
    exec_id=st.sampled_from(["e1", "e2", "e3"]),
    exec_ref=st.sampled_from(["", "e1", "e2"]),
    last_qty=st.integers(0, 5),
    last_price=st.sampled_from([0, 20_000]),
    fee=money,
    account=st.sampled_from(["P", ""]),
    instrument=st.sampled_from(["", AAPL.id]),
)
setups = st.builds(
    Setup,
    st.sampled_from([(), (AAPL,), (BTC,), (msgspec.structs.replace(AAPL, lot=Decimal(3)),)]),
    st.lists(
        st.builds(AccountSetup, words, st.dictionaries(words, st.just(Decimal(5)))), max_size=2
    ).map(tuple),
    st.lists(built(LimitValue), max_size=3).map(tuple),
    numbers,
    st.one_of(st.none(), built(Policy)),
    words,
)
inputs = st.one_of(
    *[built(kind) for kind in KINDS], ordinary, ordinary, setups, members, lists, taken_back
)

decode_request = msgspec.msgpack.Decoder(VenueRequest).decode


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.one_of(st.just(START), numbers), inputs), max_size=25))
def test_nothing_breaks_and_everything_can_be_sent(stream):
    d = Driver()
    kernel = d.kernel
    for seq, (ts, message) in enumerate(stream, d.seq + 1):
        try:
            wire.encode(message)
        except (OverflowError, ValueError):
            continue  # no such input can arrive or be journaled
        for out in kernel.apply(seq, ts, message):
            assert not (isinstance(out, Notice) and "failed on" in out.text), out.text
            data = wire.encode(out)
            if isinstance(out, VenueRequest):
                assert decode_request(data) == out
            else:
                assert wire.decode_event(data) == out
            if isinstance(out, OrderUpdate):
                assert out.order.cum_qty >= 0
    for use in kernel.limit_uses(START):
        assert wire.decode_event(wire.encode(use)) == use
    assert Kernel.load(kernel.dump()).digest() == kernel.digest()
