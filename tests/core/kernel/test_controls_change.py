"""Control 31, kills of every level, limits that follow the market, and what is on record.

Each class fails when its control is taken away. The order just inside a limit passes and the
next one does not: limits are inclusive.
"""

from __future__ import annotations

from decimal import Decimal

import pytest

from core.model.commands import (
    Kill,
    NewOrder,
    Override,
    SetRestriction,
)
from core.model.enums import (
    OrdStatus,
    OrdType,
    Side,
    TradingState,
)
from core.model.events import RiskDecision
from core.model.inputs import (
    AccountSetup,
    Facts,
    Following,
    Permission,
    Restriction,
    Setup,
)
from core.model.limits import LIMIT_KINDS, SCOPES
from tests.core.kernel.controls import limit, refused, state_of, told_covariance, with_policy
from tests.core.kernel.driver import AAPL, BTC, BUY, FUT, SECOND, SELL, Driver

# 30 STREAM_RECONCILING is a matter of the engine: tests/core/services/test_risk.py.


class Test31Modify:
    def test_a_change_passes_every_control_with_its_new_remainder(self):
        d = Driver(
            limit("max_order_qty", 100),
            limit("max_position", 100),
            limit("max_exposure", 20_000),
        )
        name = d.working(BUY, 60)
        d.fill(name, 20)
        for qty, price, code in (
            (121, 20_000, "MAX_ORDER_QTY"),
            (101, 20_000, "MAX_POSITION"),
            (60, 21_100, "PRICE_COLLAR"),
        ):
            d.replace(name, qty, price)
            assert d.refusal().code == code
            assert f"order={name}" in d.refusal().text
            (told,) = d.of(RiskDecision)
            assert (told.action, told.code, told.order) == ("denied", code, name)
        d.replace(name, 100, 20_000)
        assert d.replaces()
        d.new(BUY, 1)
        refused(d, "MAX_POSITION")

    def test_permission_restriction_and_states_hold_for_changes(self):
        d = Driver()
        name = d.working(BUY, 10, trader="ann")
        with_policy(d, permissions=(Permission("bob"),))
        d.replace(name, 11, 20_000)
        assert d.refusal().code == "NOT_PERMITTED"
        with_policy(d, restricted=(Restriction(AAPL.id, "x"),))
        d.replace(name, 11, 20_000)
        assert d.refusal().code == "RESTRICTED_INSTRUMENT"
        with_policy(d)
        state_of(d, TradingState.HALTED, "trader", "ann")
        d.replace(name, 11, 20_000)
        assert d.refusal().code == "TRADING_HALTED"

    def test_gone_and_pending(self):
        d = Driver()
        d.replace("never", 1, 20_000)
        assert d.refusal().code == "UNKNOWN_ORDER"
        name = d.working()
        d.cancel(name)
        d.replace(name, 5, 20_000)
        assert d.refusal().code == "ALREADY_PENDING"
        d.canceled(name)
        d.replace(name, 5, 20_000)
        assert d.refusal().code == "TOO_LATE"

    def test_to_no_more_than_is_filled(self):
        d = Driver()
        name = d.working(BUY, 10)
        d.fill(name, 4)
        for qty in (3, 4):
            d.replace(name, qty, 20_000)
            assert d.refusal().code == "INVALID_QTY"
            assert "cancel the rest instead" in d.refusal().text
        d.replace(name, 5, 20_000)
        assert d.replaces()


class TestKill:
    @pytest.mark.parametrize(
        ("scope", "scope_id"), [("strategy", "S"), ("trader", "bob"), ("venue", "SIM")]
    )
    def test_every_level_cancels_its_own_and_lets_nothing_follow(self, scope, scope_id):
        d = Driver()
        mine = [d.working(strategy="S", trader="bob") for _ in range(3)]
        other = d.working(BUY, 1, 600_000, BTC, strategy="R", trader="eve")
        d.apply(Kill(d.name(), 2, trader="sue", reason="mad", scope=scope, scope_id=scope_id))
        assert [c.order.cl_ord_id for c in d.cancels()] == mine
        assert d.status_of(other) is OrdStatus.NEW
        d.new(strategy="S", trader="bob")
        refused(d, "TRADING_HALTED", "killed (level 2) by sue: mad")

    def test_of_one_account_only(self):
        d = Driver()
        mine, other = d.working(qty=1, strategy="S"), d.working(qty=1, strategy="S", account="Q")
        d.apply(Kill(d.name(), 2, account="P", scope="strategy", scope_id="S"))
        assert [c.order.cl_ord_id for c in d.cancels()] == [mine]
        assert d.status_of(other) is OrdStatus.NEW
        d.new(qty=1, strategy="S", account="Q")
        d.accepted()

    def test_level_3_of_a_scope_says_what_to_do(self):
        d = Driver()
        d.apply(Kill(d.name(), 3, scope="strategy", scope_id="S"))
        assert d.refusal().code == "BAD_LEVEL"
        assert "flatten" in d.refusal().text

    def test_unknown_scope(self):
        d = Driver()
        d.apply(Kill(d.name(), 1, scope="planet", scope_id="S"))
        assert d.refusal().code == "BAD_SCOPE"
        d.apply(Kill(d.name(), 1, scope="venue", scope_id="MOON"))
        assert d.refusal().code == "UNKNOWN_VENUE"


class TestFollowing:
    RULE = Following("max_order_qty", AAPL.id, volatility=Decimal("0.05"), dwell=60)

    def test_tighter_at_once_looser_after_a_while_never_above(self):
        d = with_policy(
            Driver(limit("max_order_qty", 1000, "instrument", AAPL.id)), following=(self.RULE,)
        )
        d.new(BUY, 1000, 100)
        d.accepted()
        d.apply(Facts(d.now, volatilities={AAPL.id: 1_000_000}))
        assert "50.0 %" in d.notices()[0].text
        d.new(BUY, 501, 100)
        refused(d, "MAX_ORDER_QTY", "limit=500, value=501", f"instrument:{AAPL.id}")
        d.new(BUY, 500, 100)
        d.accepted()
        (told,) = [
            u
            for u in d.kernel.limit_uses(d.now)
            if (u.name, u.scope) == ("max_order_qty", "instrument")
        ]
        assert (told.limit, told.base) == (Decimal(500), Decimal(1000))
        for _ in range(7):
            d.wait(10)
            d.apply(Facts(d.now, volatilities={AAPL.id: 100_000}))
        d.quote()
        d.new(BUY, 1000, 100)
        d.accepted()
        d.new(BUY, 1001, 100)
        refused(d, "MAX_ORDER_QTY", "limit=1000")

    def test_a_loosened_base_still_waits_and_a_load_goes_on_the_same(self):
        d = with_policy(
            Driver(limit("max_order_qty", 1000, "instrument", AAPL.id)), following=(self.RULE,)
        )
        d.apply(Facts(d.now, volatilities={AAPL.id: 1_000_000}))
        other = d.kernel.load(d.kernel.dump())
        assert other.digest() == d.kernel.digest()
        assert other.limit_uses(d.now) == d.kernel.limit_uses(d.now)


class TestOnRecord:
    def test_denials_are_told_with_the_version_and_counted(self):
        d = Driver(limit("max_order_qty", 5))
        name = d.new(BUY, 6, trader="ann", strategy="S")
        (told,) = d.of(RiskDecision)
        version = told.version
        assert told == RiskDecision(
            d.seq,
            d.now,
            name,
            "denied",
            "MAX_ORDER_QTY",
            "account:P",
            "5",
            "6",
            version,
            "P",
            AAPL.id,
            "ann",
            "S",
            "6 is more than the largest order of 5.",
        )
        d.set_limit("max_order_qty", 4)
        d.new(BUY, 6)
        (told,) = d.of(RiskDecision)
        assert told.version == version + 1
        assert d.kernel.denials() == {("MAX_ORDER_QTY", "account:P"): 2}
        assert d.kernel.load(d.kernel.dump()).denials() == d.kernel.denials()
        d.replayed()


def test_every_kind_of_limit_is_data_that_can_be_used():
    for name, kind in LIMIT_KINDS.items():
        assert kind.name == name
        assert kind.title
        assert kind.meaning.endswith(".")
        assert kind.code.isupper()
        assert set(kind.scopes) <= set(SCOPES)
        assert kind.group in ("order", "flow", "position", "loss")


def test_every_limit_can_be_set_shown_and_survives_a_snapshot():
    d = Driver()
    ids = {
        "account": "P",
        "trader": "bob",
        "strategy": "S",
        "instrument": AAPL.id,
        "class": "spot",
        "venue": "SIM",
        "sector": "tech",
        "currency": "USD",
    }
    for name, kind in LIMIT_KINDS.items():
        for scope in kind.scopes:
            d.set_limit(name, 1, scope, ids[scope])
            assert not [o for o in d.out if type(o).__name__ == "CommandRefused"], (name, scope)
    shown = {(u.name, u.scope) for u in d.kernel.limit_uses(d.now)}
    assert shown >= {(n, s) for n, k in LIMIT_KINDS.items() for s in k.scopes}
    other = d.kernel.load(d.kernel.dump())
    assert other.limit_uses(d.now) == d.kernel.limit_uses(d.now)
    assert other.digest() == d.kernel.digest()


def test_a_dump_holds_the_whole_flow():
    d = Driver(
        limit("max_order_rate", 3, "venue", "SIM"),
        limit("max_duplicates", 2),
        limit("max_repeats", 9, "strategy", "S"),
    )
    with_policy(d, currency="USD", rates={"EUR": Decimal("1.1")})
    d.held(3, trader="bob", strategy="S")
    d.working(SELL, 1, 20_100, trader="bob")
    state_of(d, TradingState.REDUCING, "trader", "eve")
    d.apply(SetRestriction(d.name(), FUT.id, True, "x"))
    d.apply(Override(d.name(), "B", ("MAX_ORDER_QTY",), d.now + SECOND, "y", "y"))
    d.apply(Facts(d.now, volumes={AAPL.id: 7}))
    told_covariance(d)
    other = d.kernel.load(d.kernel.dump())
    assert other.digest() == d.kernel.digest()
    for order in (
        NewOrder("n1", "P", AAPL.id, Side.BUY, OrdType.LIMIT, 1, 20_100),
        NewOrder("n2", "P", AAPL.id, Side.SELL, OrdType.LIMIT, 1, 20_100),
        NewOrder("n3", "P", FUT.id, Side.BUY, OrdType.LIMIT, 1, 20_000),
        NewOrder("n4", "P", AAPL.id, Side.BUY, OrdType.LIMIT, 1, 19_000, trader="eve"),
        NewOrder("n5", "P", BTC.id, Side.BUY, OrdType.LIMIT, 1, 600_000),
    ):
        assert other.preview(order, d.now) == d.kernel.preview(order, d.now)
    assert other.apply(d.seq + 1, d.now, order) == d.kernel.apply(d.seq + 1, d.now, order)


def test_an_account_of_the_settings_alone_is_enough():
    d = Driver()
    d.apply(Setup(accounts=(AccountSetup("R", {"USD": Decimal(1)}),), loosen_delay=30 * SECOND))
    d.new(account="R", qty=1)
    d.accepted()
