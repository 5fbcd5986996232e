"""Controls 21 to 29: positions, exposure, money, losses, the risk of the whole.

Each class fails when its control is taken away. The order just inside a limit passes and the
next one does not: limits are inclusive.
"""

from __future__ import annotations

from decimal import Decimal

import pytest

from core.model.enums import (
    TradingState,
)
from core.model.inputs import (
    Facts,
    MarginSetup,
    Policy,
    Restriction,
    Setup,
)
from tests.core.kernel.controls import limit, refused, told_covariance, with_policy
from tests.core.kernel.driver import AAPL, BTC, BUY, FUT, SECOND, SELL, Driver


class Test21MaxPosition:
    @pytest.mark.parametrize(
        ("scope", "scope_id"),
        [
            ("account", "P"),
            ("trader", "bob"),
            ("strategy", "S"),
            ("instrument", AAPL.id),
            ("class", "spot"),
        ],
    )
    def test_worst_case_of_each_side(self, scope, scope_id):
        d = Driver(limit("max_position", 100, scope, scope_id))
        more = {"trader": "bob", "strategy": "S"}
        d.held(40, **more)
        d.new(BUY, 50, **more)
        d.accepted()
        d.new(BUY, 11, **more)
        refused(d, "MAX_POSITION", "limit=100, value=101", f"scope={scope}:{scope_id}")
        d.new(SELL, 141, **more)
        refused(d, "MAX_POSITION", "short 101")
        d.new(SELL, 140, **more)
        d.accepted()
        d.new(BUY, 10, **more)
        d.accepted()


class Test22Exposure:
    @pytest.mark.parametrize(
        ("scope", "scope_id"),
        [
            ("account", "P"),
            ("trader", "bob"),
            ("strategy", "S"),
            ("instrument", AAPL.id),
            ("class", "spot"),
            ("sector", "tech"),
            ("currency", "USD"),
        ],
    )
    def test_gross(self, scope, scope_id):
        d = Driver(limit("max_exposure", 10_000, scope, scope_id))
        with_policy(d, sectors={AAPL.id: "tech"})
        more = {"trader": "bob", "strategy": "S"}
        d.held(20, **more)
        d.new(BUY, 30, **more)
        d.accepted()
        code = {"sector": "MAX_SECTOR_EXPOSURE", "currency": "MAX_CURRENCY_EXPOSURE"}.get(
            scope, "MAX_GROSS_EXPOSURE"
        )
        d.new(BUY, 1, **more)
        refused(d, code, "limit=10000, value=10200", f"scope={scope}:{scope_id}")
        d.new(SELL, 20, **more)
        d.accepted()

    def test_groups_add_up_over_instruments(self):
        d = Driver(
            limit("max_exposure", 800_000, "sector", "all"),
            limit("max_open_orders", 1, "class", "x"),
        )
        with_policy(d, sectors={AAPL.id: "all", FUT.id: "all"})
        d.held(2500)  # 500,000
        d.new(BUY, 2, 20_000, FUT)  # 500,000
        refused(d, "MAX_SECTOR_EXPOSURE", "value=1000000")
        d.new(BUY, 1, 20_000, FUT)
        d.accepted()
        d.new(BUY, 1, 20_000, AAPL)
        d.accepted()

    @pytest.mark.parametrize(
        ("scope", "scope_id"), [("account", "P"), ("trader", "bob"), ("strategy", "S")]
    )
    def test_net(self, scope, scope_id):
        d = Driver()
        more = {"trader": "bob", "strategy": "S"}
        d.held(-1000, **more)
        d.set_limit("max_net_exposure", 100_000, scope, scope_id)
        d.new(BUY, 1, 20_000, FUT, **more)  # 250,000 against 200,000 short
        d.accepted()
        d.new(BUY, 251, **more)
        refused(d, "MAX_NET_EXPOSURE", "Net long 100200 USD", f"scope={scope}:{scope_id}")
        d.new(BUY, 250, **more)
        d.accepted()

    def test_all_currencies_in_that_of_the_books(self):
        d = Driver(limit("max_exposure", 100_000))
        with_policy(d, currency="USD", rates={"EUR": Decimal("1.25")})
        d.held(250)  # 50,000 USD
        d.new(BUY, 667, 600_000, BTC)  # 40,020 EUR are 50,025 USD
        refused(d, "MAX_GROSS_EXPOSURE", "Gross 100025 USD")
        d.new(BUY, 666, 600_000, BTC)
        d.accepted()
        d.apply(Facts(d.now, rates={"EUR": Decimal("1.30")}))
        d.new(BUY, 1)
        refused(d, "MAX_GROSS_EXPOSURE", "Gross 102148 USD")

    def test_a_currency_without_a_rate_fails_closed_unless_reducing(self):
        other = Driver()
        with_policy(other, currency="USD")
        other.new(BUY, 1, 600_000, BTC)
        refused(other, "NO_FX_RATE", "from EUR to USD")
        with_policy(other, currency="USD", rates={"EUR": Decimal("1.1")})
        other.held(10, 600_000, BTC)
        other.kernel._state.risk.rates.clear()
        other.kernel._state.markets[BTC.id].set_rate(0)
        other.kernel._state.markets[BTC.id].revalue()
        other.new(SELL, 11, 600_000, BTC)
        refused(other, "NO_FX_RATE")
        other.new(SELL, 10, 600_000, BTC)
        other.accepted()

    def test_the_currency_of_the_books_stays_while_something_is_in_them(self):
        d = Driver(limit("max_exposure", 10_000))
        d.held(10)
        restricted = (Restriction(FUT.id, "x"),)
        d.apply(Setup(loosen_delay=30 * SECOND, policy=Policy("EUR", restricted=restricted)))
        assert "start a new journal" in d.notices()[0].text
        d.new(BUY, 41)
        refused(d, "MAX_GROSS_EXPOSURE", "Gross 10200 USD")
        d.new(BUY, 1, 20_000, FUT)
        refused(d, "RESTRICTED_INSTRUMENT")


class Test23Concentration:
    def test_share_of_the_equity(self):
        d = Driver(limit("max_concentration", 25))
        # 1,000,000 USD, less what the bid is below the price that was paid.
        d.held(1250)
        d.new(BUY, 1)
        refused(d, "CONCENTRATION", "limit=25 %", "AAPL.SIM would be 25.02 % of the equity 999875")
        d.new(SELL, 1250)
        d.accepted()
        d.new(BUY, 1, 20_000, FUT)
        refused(d, "CONCENTRATION", "FUT.SIM would be 25.00 %")
        d.quote(bid=20_000, ask=20_000)
        d.new(BUY, 1, 20_000, FUT)
        d.accepted()


class Test24BuyingPowerAndMargin:
    def test_cash_account(self):
        d = Driver(limit("max_order_notional", 10**9), limit("max_exposure", 10**9))
        with_policy(d, margins=(MarginSetup("P", "cash"),))
        d.new(BUY, 3000)
        d.accepted()
        d.new(BUY, 2001)
        refused(
            d,
            "INSUFFICIENT_BUYING_POWER",
            "limit=400000, value=400200",
            "needs 400200 USD, free are 400000 USD",
        )
        d.new(BUY, 2000)
        d.accepted()
        d.new(SELL, 1)
        refused(d, "INSUFFICIENT_BUYING_POWER", "cannot sell more than it holds")
        d.new(BUY, 1, account="Q")
        d.accepted()

    def test_reg_t(self):
        d = Driver(limit("max_order_notional", 10**9), limit("max_exposure", 10**9))
        with_policy(d, margins=(MarginSetup("P", "reg_t"),))
        # One half of 200 a share: 1,000,000 is enough for 10,000.
        d.new(BUY, 10_001)
        refused(d, "INSUFFICIENT_MARGIN", "needs 1000100 USD, free are 1000000 USD")
        d.new(BUY, 10_000)
        d.accepted()
        d.new(BUY, 1)
        refused(d, "INSUFFICIENT_MARGIN")

    def test_a_change_counts_its_own_reserve_once(self):
        d = Driver(limit("max_order_notional", 10**9), limit("max_exposure", 10**9))
        with_policy(d, margins=(MarginSetup("P", "cash"),))
        name = d.working(BUY, 5000)
        d.replace(name, 5001, 20_000)
        assert d.refusal().code == "INSUFFICIENT_BUYING_POWER"
        d.replace(name, 4999, 20_001)
        assert d.replaces()


class Test25Shorts:
    def test_not_allowed(self):
        d = Driver(limit("max_short", 0, "instrument", AAPL.id))
        d.held(10)
        d.new(SELL, 11)
        refused(d, "SHORT_NOT_ALLOWED", "limit=0, value=1")
        d.new(SELL, 10)
        d.accepted()
        d.new(SELL, 1)
        refused(d, "SHORT_NOT_ALLOWED")

    def test_borrowed(self):
        d = Driver(limit("max_short", 5, "instrument", AAPL.id))
        d.new(SELL, 6)
        refused(d, "NO_LOCATE", "limit=5, value=6", "5 were borrowed")
        d.new(SELL, 5)
        d.accepted()
        d.new(SELL, 1, instrument=FUT)
        d.accepted()


class Test26DailyLoss:
    def test_two_levels(self):
        d = Driver(limit("daily_loss", 1000), limit("daily_loss_halt", 2000))
        d.held(100)
        d.quote(bid=19_001, ask=19_100)
        assert d.account().state is TradingState.ACTIVE
        d.quote(bid=19_000, ask=19_100)
        assert d.account().state is TradingState.REDUCING
        d.new(BUY, 1, 19_050)
        refused(d, "DAILY_LOSS_LIMIT", "Today -1000 USD")
        d.new(SELL, 1, 19_050)
        d.accepted()
        d.quote(bid=18_000, ask=18_100)
        assert d.account().state is TradingState.HALTED
        d.new(SELL, 1, 18_050)
        refused(d, "DAILY_LOSS_LIMIT", "Cancels still work")

    @pytest.mark.parametrize(("scope", "name"), [("strategy", "S"), ("trader", "bob")])
    def test_strategies_and_traders(self, scope, name):
        d = Driver(
            limit("daily_loss", 100, scope, name),
            limit("daily_loss_halt", 200, scope, name),
            limit("window_collar", 50),
        )
        d.held(10, **{scope: name})
        d.quote(bid=18_990, ask=19_100)
        d.new(BUY, 1, 19_050, **{scope: name})
        refused(d, "DAILY_LOSS_LIMIT", f"scope={scope}:{name}", "limit=-100, value=-101")
        d.new(BUY, 1, 19_050)
        d.accepted()
        d.new(SELL, 10, 19_050, **{scope: name})
        d.accepted()
        d.quote(bid=17_900, ask=18_000)
        d.new(SELL, 1, 17_950, **{scope: name})
        assert d.denial().code == "DAILY_LOSS_LIMIT"


class Test27Drawdown:
    def test_from_the_highest_over_sessions(self):
        d = Driver(limit("max_drawdown", 1000), limit("daily_loss", 10**6))
        d.tick(0, "Tuesday")
        d.held(100)
        d.quote(bid=20_500, ask=20_600)
        d.tick(0, "Wednesday")
        d.quote(bid=19_501, ask=19_600)
        assert d.account().state is TradingState.ACTIVE
        d.quote(bid=19_500, ask=19_600)
        assert d.account().state is TradingState.REDUCING
        d.new(BUY, 1, 19_550)
        refused(d, "MAX_DRAWDOWN", "1000 USD below its highest")
        d.new(SELL, 100, 19_550)
        d.accepted()

    def test_of_a_strategy(self):
        d = Driver(limit("max_drawdown", 100, "strategy", "S"))
        d.held(10, strategy="S")
        d.quote(bid=20_100, ask=20_200)
        d.quote(bid=19_100, ask=19_200)
        d.new(BUY, 1, 19_150, strategy="S")
        refused(d, "MAX_DRAWDOWN", "scope=strategy:S")
        d.new(BUY, 1, 19_150)
        d.accepted()


class Test28ValueAtRisk:
    def test_with_the_order_and_only_when_it_adds_risk(self):
        # 1.644854 x 1 % of 199,900 at the bid, and 2,000 more.
        d = Driver(limit("max_var", 3300), limit("max_exposure", 10**9))
        told_covariance(d)
        d.held(1000)
        d.new(BUY, 10)
        refused(d, "VAR_LIMIT", "limit=3300", "Value at risk would be 3320.9")
        d.new(BUY, 3)
        d.accepted()
        d.new(SELL, 1, 20_000, FUT)
        d.accepted()
        d.set_limit("max_var", 1)
        d.new(SELL, 1000)
        d.accepted()

    def test_open_orders_count(self):
        # 1.644854 x 1 % of 200,000: of what is open and not of the one lot alone.
        d = Driver(limit("max_exposure", 10**9), limit("max_var", "3289.708"))
        told_covariance(d)
        d.new(BUY, 999)
        d.accepted()
        d.new(BUY, 2)
        refused(d, "VAR_LIMIT", "Value at risk would be 3292.9")
        d.new(BUY, 1)
        d.accepted()
        d.new(BUY, 1)
        refused(d, "VAR_LIMIT")

    def test_what_makes_it_less_passes_though_it_is_still_too_much(self):
        d = Driver(limit("max_var", 10**6), limit("max_exposure", 10**9))
        told_covariance(d)
        d.held(1000)
        d.set_limit("max_var", 1)
        d.new(BUY, 1, 20_000, FUT)
        refused(d, "VAR_LIMIT")
        d.new(SELL, 1, 20_000, FUT)  # 250,000 that move the other way
        d.accepted()

    def test_expected_shortfall(self):
        # 2.665214 x 1 % of 200,000 are 5,330.43.
        d = Driver(limit("max_shortfall", 5330), limit("max_exposure", 10**9))
        told_covariance(d)
        d.new(BUY, 1000)
        refused(d, "VAR_LIMIT", "Expected shortfall would be 5330.4")
        d.new(BUY, 999)
        d.accepted()


class Test29RiskUnavailable:
    def test_unknown_or_old_portfolio_risk(self):
        d = Driver(limit("max_var", 10**6))
        d.new(BUY, 1)
        refused(d, "RISK_UNAVAILABLE", "not known yet")
        told_covariance(d)
        d.held(5)
        d.wait(120)
        d.quote()
        d.new(BUY, 1)
        d.accepted()
        d.wait(1)
        d.quote()
        d.new(BUY, 1)
        refused(d, "RISK_UNAVAILABLE", "121 s old")
        d.new(SELL, 5)
        d.accepted()
        d.new(BUY, 1, account="Q")
        d.accepted()

    def test_an_instrument_outside(self):
        d = Driver(limit("max_var", 10**6))
        told_covariance(d)
        d.new(BUY, 1, 600_000, BTC)
        refused(d, "RISK_UNAVAILABLE", BTC.id)
