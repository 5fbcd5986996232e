"""Stop and target as distances and prices, and the presets of the ladder."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from core.model.commands import NewOrder
from core.model.contracts import Contract
from core.model.enums import Contingency, OrdType, Side, TimeInForce
from core.model.session import Ticker
from tests.widgets.trading_world import ASK, BID, BTC, SHARE
from widgets.brackets import (
    Bracket,
    Exits,
    Unit,
    bracket_list,
    bracket_words,
    exits_in,
    exits_of,
    exits_words,
    misplaced,
    named,
    read_bracket,
    risk_reward,
    risk_words,
    write_bracket,
)
from widgets.presets import EVERYTHING, STANDARD, BracketPresets, preset_levels

TICKER = Ticker(BTC.id, 1, 1, BID, 10, ASK, 10, BID)
ENTRY = NewOrder("e", "A", BTC.id, Side.BUY, OrdType.LIMIT, 50, BID)
AMOUNTS = st.decimals(Decimal("0.01"), Decimal(50), places=2)


def entry(side=Side.BUY, kind=OrdType.LIMIT, price=BID):
    return replace(ENTRY, side=side, ord_type=kind, price=price)


@given(AMOUNTS, AMOUNTS, st.sampled_from([Unit.PERCENT, Unit.MONEY]), st.sampled_from(list(Side)))
def test_exits_lie_on_their_sides_and_never_risk_more_than_said(stop, target, unit, side):
    order = entry(side)
    exits = exits_of(order, Bracket("b", unit, stop, target), BTC, TICKER)
    if isinstance(exits, str):
        assert "less than a tick" in exits or "below a price of zero" in exits
        return
    assert (order.price - exits.stop) * side.sign > 0
    assert (exits.target - order.price) * side.sign > 0
    assert misplaced(order, exits, BTC, TICKER) == ""
    loss, gain = risk_reward(order, exits, BTC, TICKER)
    worth = BTC.money(order.price * order.qty)
    for money, amount in ((loss, stop), (gain, target)):
        said = amount if unit is Unit.MONEY else worth * amount / 100
        assert 0 < money <= said
        assert said - money < BTC.money(order.qty)


@given(AMOUNTS, st.integers(1, 5000), st.sampled_from(list(Side)))
def test_the_stop_of_an_inverse_contract_never_risks_more_than_said(stop, lots, side):
    coin = replace(BTC, lot=Decimal(1), currency="BTC", multiplier=Decimal(100))
    coin = replace(coin, contract=Contract("BTC", inverse=True))
    order = replace(entry(side), qty=lots)
    amount = stop * lots / 10_000_000
    exits = exits_of(order, Bracket("b", Unit.MONEY, amount, Decimal(0)), coin, TICKER)
    if isinstance(exits, str):
        assert "less than a tick" in exits or "below a price of zero" in exits
        return
    assert (order.price - exits.stop) * side.sign > 0
    loss, _ = risk_reward(order, exits, coin, TICKER)
    assert 0 < loss <= amount + coin.point


@given(st.integers(1, BID - 1), st.integers(1, 10_000), st.sampled_from(list(Side)))
def test_ticks_are_taken_as_they_are(stop, target, side):
    exits = exits_of(
        entry(side), Bracket("b", Unit.TICKS, Decimal(stop), Decimal(target)), BTC, TICKER
    )
    assert exits == Exits(BID - side.sign * stop, BID + side.sign * target)


def test_prices_are_checked_against_the_entry():
    good = Bracket("", Unit.PRICE, BTC.price(BID - 8), BTC.price(BID + 9))
    assert exits_of(entry(), good, BTC, TICKER) == Exits(BID - 8, BID + 9)
    assert "stop must lie above the entry, 64,210.5" in exits_of(
        entry(Side.SELL), good, BTC, TICKER
    )
    target = Bracket("", Unit.PRICE, Decimal(0), BTC.price(BID - 1))
    assert "target must lie above" in exits_of(entry(), target, BTC, TICKER)


def test_a_market_order_counts_from_the_far_side_and_not_from_nowhere():
    market = entry(Side.SELL, OrdType.MARKET, 0)
    bracket = Bracket("", Unit.TICKS, Decimal(5), Decimal(6))
    assert exits_of(market, bracket, BTC, TICKER) == Exits(BID + 5, BID - 6)
    assert "no price" in exits_of(market, bracket, BTC, None)
    assert "no price" in misplaced(market, Exits(1, 2), BTC, None)


def test_what_cannot_be_is_a_sentence():
    thin = Bracket("", Unit.MONEY, Decimal("0.01"), Decimal(5))
    assert "less than a tick" in exits_of(entry(), thin, BTC, TICKER)
    deep = Bracket("", Unit.TICKS, Decimal(BID), Decimal(5))
    assert "below a price of zero" in exits_of(entry(), deep, BTC, TICKER)
    none = Bracket("", Unit.TICKS, Decimal(0), Decimal(0))
    assert "neither" in exits_of(entry(), none, BTC, TICKER)


def test_the_list_has_the_entry_first_and_reads_back():
    names = iter("abc")
    orders = bracket_list(ENTRY, Exits(BID - 5, BID + 6), BTC, lambda: next(names))
    assert orders.contingency is Contingency.BRACKET
    assert [o.cl_ord_id for o in orders.orders] == ["e", "a", "b"]
    assert orders.id == "c"
    assert exits_in(orders) == Exits(BID - 5, BID + 6)
    assert {o.tif for o in orders.orders[1:]} == {TimeInForce.GTC}
    alone = bracket_list(ENTRY, Exits(target=BID + 6), BTC, iter("xy").__next__)
    assert [o.ord_type for o in alone.orders] == [OrdType.LIMIT, OrdType.LIMIT]
    assert exits_in(alone) == Exits(0, BID + 6)
    draft = bracket_list(replace(ENTRY, cl_ord_id=""), Exits(BID - 5, 0), BTC, iter("").__next__)
    assert {o.cl_ord_id for o in draft.orders} == {""}
    again = named(draft, iter("123").__next__)
    assert {again.id, *(o.cl_ord_id for o in again.orders)} == {"1", "2", "3"}


def test_words():
    assert bracket_words(STANDARD, "USD") == "−20 / +40 t"
    assert bracket_words(Bracket("", Unit.MONEY, Decimal(100), Decimal(0)), "USD") == "−100 USD"
    assert bracket_words(Bracket("", Unit.PERCENT, Decimal(0), Decimal("1.5")), "") == "+1.5 %"
    assert exits_words(Exits(BID, 0), BTC) == "stop 64,210.5"
    assert risk_words(Decimal(50), Decimal(125), "USD") == "−50.00 / +125.00 USD, 1 : 2.5"
    assert risk_words(None, Decimal(5), "USD") == "+5.00 USD"


@pytest.mark.parametrize(
    "saved",
    [
        None,
        5,
        {},
        {"name": "", "unit": "%", "stop": "1"},
        {"name": "a", "unit": "feet", "stop": "1"},
        {"name": "a", "unit": "%", "stop": "x"},
        {"name": "a", "unit": "%", "stop": "-1"},
        {"name": "a", "unit": "%", "stop": "0", "target": "0"},
        {"name": "a", "unit": "price", "stop": "5"},
    ],
)
def test_what_is_no_bracket_is_not_read(saved):
    assert read_bracket(saved) is None


@given(AMOUNTS, AMOUNTS, st.sampled_from([Unit.TICKS, Unit.PERCENT, Unit.MONEY]))
def test_a_bracket_reads_back(stop, target, unit):
    bracket = Bracket("Scalp", unit, stop, target)
    assert read_bracket(write_bracket(bracket)) == bracket


def test_the_nearest_level_counts():
    presets = BracketPresets()
    assert presets.current(BTC) == (EVERYTHING, STANDARD)
    symbol, kind, everything = preset_levels(BTC)
    spot = Bracket("Standard", Unit.TICKS, Decimal(7), Decimal(9))
    own = Bracket("Standard", Unit.PERCENT, Decimal(1), Decimal(2))
    presets.keep(kind, spot)
    assert presets.current(BTC) == (kind, spot)
    assert presets.current(SHARE) == (kind, spot)
    presets.keep(symbol, own)
    assert presets.current(BTC) == (symbol, own)
    assert presets.current(SHARE) == (kind, spot)
    other = BracketPresets()
    other.restore_state(presets.save_state())
    assert other.current(BTC) == (symbol, own)
    assert other.save_state() == presets.save_state()
    presets.drop(symbol, "Standard")
    presets.drop(kind, "Standard")
    assert presets.current(BTC) == (everything, STANDARD)


def test_names_stand_beside_each_other_and_one_is_in_use():
    presets = BracketPresets()
    tight = Bracket("Tight", Unit.TICKS, Decimal(5), Decimal(5))
    presets.keep(EVERYTHING, tight)
    assert list(presets.offered(BTC)) == ["Standard", "Tight"]
    assert presets.current(BTC) == (EVERYTHING, tight)
    presets.chosen = "Standard"
    assert presets.current(BTC)[1] is STANDARD
    presets.chosen = "gone"
    assert presets.current(BTC)[1] is STANDARD


@pytest.mark.parametrize(
    "saved", [None, [], {"levels": 5}, {"levels": {"": 5}}, {"levels": {"": [5]}, "chosen": 7}]
)
def test_a_spoilt_state_leaves_the_standard_bracket(saved):
    presets = BracketPresets()
    presets.restore_state(saved)
    assert presets.current(BTC) == (EVERYTHING, STANDARD)
