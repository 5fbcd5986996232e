"""A strategy's position becomes the trader's own; the sums of the parts stay what they were."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from core.kernel.kernel import Kernel
from core.kernel.markets import Market
from core.kernel.positions import Account
from core.model.checks import money_units
from core.model.commands import HandOver
from core.model.enums import ExecType, OrdStatus
from core.model.orders import Position
from tests.core.kernel.driver import AAPL, BUY, Driver


def hand_over(d, strategy="S", account="P", instrument=AAPL, id=None):
    d.apply(HandOver(id or d.name(), account, instrument.id, strategy))
    return d.out


def own(d, account="P", instrument=AAPL):
    """What the trader holds without any strategy."""
    holding = d.kernel._state.accounts[account].holdings[instrument.id]
    return holding.parts.get("")


def test_lots_and_cost_go_over_and_profit_and_fees_stay():
    d = Driver()
    name = d.working(BUY, 10, strategy="S")
    d.fill(name, 10, fee=Decimal("0.5"), currency="USD")
    d.held(-4, 20_100, strategy="S")
    before = d.position()
    assert d.position(strategy="S").realised == 400
    out = hand_over(d)
    whole, part = [o for o in out if isinstance(o, Position)]
    assert (part.qty, part.cost, part.realised, part.strategy) == (0, 0, 400, "S")
    assert part.fees == Decimal("0.5")
    assert (whole.qty, whole.cost, whole.realised, whole.fees) == (
        before.qty,
        before.cost,
        before.realised,
        before.fees,
    )
    assert (own(d).qty, own(d).cost, own(d).realised, own(d).fees) == (6, 120_000, 0, 0)


def test_what_the_trader_is_short_is_closed_by_what_is_handed_over():
    d = Driver()
    d.held(-3, 20_100)
    d.held(10, 20_000, strategy="S")
    hand_over(d)
    # 3 lots sold at 20,100 were bought back at the strategy's average of 20,000.
    assert (own(d).qty, own(d).cost, own(d).realised) == (7, 140_000, 300)
    assert d.position(strategy="S").qty == 0
    assert d.position().qty == 7


def test_the_strategys_next_trades_are_its_own_again():
    d = Driver()
    d.held(10, 20_000, strategy="S")
    hand_over(d)
    d.held(-2, 20_050, strategy="S")
    assert d.position(strategy="S").qty == -2
    assert own(d).qty == 10
    assert d.position().qty == 8


def test_a_fill_that_comes_late_belongs_to_the_strategy():
    d = Driver()
    d.held(10, 20_000, strategy="S")
    name = d.working(BUY, 5, strategy="S")
    d.canceled(name)
    hand_over(d)
    d.fill(name, 5)
    assert d.position(strategy="S").qty == 5
    assert own(d).qty == 10


def test_refusals_change_nothing():
    d = Driver()
    d.held(10, 20_000, strategy="S")
    for who, account, what in (
        ("S", "X", AAPL),
        ("T", "P", AAPL),
        ("", "P", AAPL),
        ("S", "Q", AAPL),
    ):
        hand_over(d, who, account, what)
        assert d.refusal().code == "NO_POSITION"
        assert not d.of(Position)
    assert d.position(strategy="S").qty == 10
    hand_over(d, id="once")
    hand_over(d, id="once")
    assert d.refusal().code == "DUPLICATE_CLIENT_ID"
    hand_over(d)
    assert d.refusal().code == "NO_POSITION"


def test_not_while_an_order_of_the_strategy_works():
    d = Driver(("max_position", Decimal(5), "strategy", "S"))
    d.held(-5, strategy="S")
    name = d.working(BUY, 10, 19_900, strategy="S")
    hand_over(d)
    assert d.refusal().code == "OPEN_ORDERS", "it could come to hold 10 lots by itself"
    assert d.position(strategy="S").qty == -5
    d.canceled(name)
    hand_over(d)
    assert d.position(strategy="S").qty == 0


def test_not_while_the_position_is_being_closed():
    d = Driver()
    d.held(10, 20_000, strategy="S")
    d.flatten(strategy="S")
    (request,) = d.sent()
    hand_over(d)
    assert d.refusal().code == "CLOSING"
    d.fill(request.order.cl_ord_id, 10)
    d.report(request.order.cl_ord_id, ExecType.CANCELED, OrdStatus.CANCELED)
    assert d.position(strategy="S").qty == 0


def test_a_replay_and_a_snapshot_lead_to_the_same_state():
    d = Driver()
    d.held(7, 20_000, strategy="S")
    d.held(-2, 20_030)
    hand_over(d)
    assert d.replayed().digest() == d.kernel.digest()
    assert Kernel.load(d.kernel.dump()).digest() == d.kernel.digest()


moves = st.lists(
    st.one_of(
        st.tuples(
            st.sampled_from(["", "S", "T"]),
            st.sampled_from([1, -1]),
            st.integers(1, 10**6),
            st.integers(1, 10**4),
        ),
        st.sampled_from(["S", "T"]),
    ),
    max_size=60,
)


@given(moves)
def test_parts_sum_up_to_the_account_and_nobody_gains_by_handing_over(stream):
    account = Account("P", {})
    whole = account.holding(Market(AAPL, money_units(AAPL)))
    parts = {name: account.part(whole, name) for name in ("", "S", "T")}
    flows = dict.fromkeys(parts, 0)
    for move in stream:
        if isinstance(move, str):
            giver, taker = parts[move], parts[""]
            worth = taker.realised - taker.cost + giver.realised - giver.cost
            flows[""] -= giver.cost
            flows[move] += giver.cost
            realised = giver.realised
            taker.receive(giver.qty, giver.cost)
            giver.qty = giver.cost = 0
            assert giver.realised == realised
            assert taker.realised - taker.cost + giver.realised == worth
        else:
            name, sign, price, lots = move
            whole.fill(sign, price, lots)
            parts[name].fill(sign, price, lots)
            flows[name] -= sign * price * lots
        assert sum(p.qty for p in parts.values()) == whole.qty
        assert sum(p.realised - p.cost for p in parts.values()) == whole.realised - whole.cost
        for name, part in parts.items():
            assert part.realised - part.cost == flows[name]
            assert part.cost == 0 or part.qty != 0
            assert part.cost * part.qty >= 0
