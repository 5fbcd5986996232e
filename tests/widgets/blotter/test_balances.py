"""The balances table on real events, and the file made of it."""

from __future__ import annotations

from decimal import Decimal

from core.model.enums import TradingState
from core.model.orders import AccountState
from core.model.tables import NO_INSTRUMENT
from core.reporting.csv_file import as_text
from tests.widgets.blotter.conftest import column
from tests.widgets.trading_world import BID, BTC


def account(world, **changes):
    fields = {
        "cash": {"USD": Decimal("99957.905"), "EUR": Decimal(20)},
        "state": TradingState.ACTIVE,
        "reason": "",
        "opening": {"USD": Decimal(100_000), "EUR": Decimal(20)},
        "realised": {"USD": Decimal("-40.5")},
        "fees": {"USD": Decimal("1.595")},
    }
    fields |= changes
    world.stores.take_event(AccountState(7, world.clock.wall(), world.account, **fields))


def test_cash_day_and_exposure_of_each_currency(opened, world):
    account(world)
    panel = opened("balances")
    assert column(panel, "currency") == ["USD", "EUR"]
    assert column(panel, "cash") == ["99,957.90", "20.00"]  # to the cent, half to even
    assert column(panel, "opening") == ["100,000.00", "20.00"]
    assert column(panel, "realised") == ["-40.50", "0.00"]
    assert column(panel, "fees") == ["1.5950", "0"]
    assert column(panel, "exposure") == ["0.00", "0.00"]
    assert column(panel, "state") == ["active", "active"]


def test_prices_move_open_profit_and_positions_are_asked_for(opened, world):
    account(world)
    panel = opened("balances")
    asked = []
    panel.subscription_changed.connect(lambda: asked.append(panel.wants()))
    world.hold(10, BID)
    world.quote(BID + 20, BID + 21)
    panel.flush()
    assert column(panel, "open_profit")[0] == "+1.00"
    assert column(panel, "exposure")[0] == f"{(BID + 20) * Decimal('0.05'):,.2f}"
    assert asked == [{"quotes": {BTC.id}}]
    world.quote(BID - 20, BID - 19)
    panel.flush()
    panel.flush()
    assert column(panel, "open_profit")[0] == "-1.00"
    assert len(asked) == 1


def test_what_is_not_known_is_a_dash(opened, world):
    account(world, opening=None)
    world.hold(10, BID)
    world.stores.tickers.clear()
    panel = opened("balances")
    assert column(panel, "opening") == ["—", "—"]
    assert column(panel, "open_profit") == ["—", "0.00"]


def test_a_halted_account_says_why(opened, world):
    account(world, state=TradingState.HALTED, reason="lunch")
    panel = opened("balances")
    assert column(panel, "state") == ["halted", "halted"]
    panel.query.setText("lunch")
    assert panel.count.text() == "0 of 2"  # the reason's column is hidden
    number = [c.id for c in panel.model.columns].index("reason")
    panel.view.setColumnHidden(number, False)
    panel._filter()
    assert panel.count.text() == "2 of 2"


def test_the_file_has_exact_values(opened, world):
    account(world)
    panel = opened("balances")
    asked = []
    panel.export_requested.connect(lambda *what: asked.append(what))
    panel.export_everything()
    ((kind, rows, columns),) = asked
    text = as_text(columns, rows, {"": NO_INSTRUMENT}).splitlines()
    assert kind == "balances"
    assert text[0] == (
        "account,currency,cash,opening,settled,realised,open_profit,fees,exposure,state,reason,"
        "updated"
    )
    assert text[1].startswith("PAPER,USD,99957.905,100000,99957.905,-40.5,0,1.595,0,active,,2025-")
