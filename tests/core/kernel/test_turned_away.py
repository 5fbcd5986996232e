"""Orders that did not come so far as the gate are rejected orders like any other."""

from __future__ import annotations

from core.kernel.kernel import Kernel
from core.model.commands import NewOrder, NewOrderList, ReplaceOrder
from core.model.enums import Contingency, ExecType, OrdStatus, OrdType
from core.model.events import CommandRefused, OrderUpdate, RiskDecision
from core.model.inputs import TurnedAway
from core.model.requests import VenueNew
from tests.core.kernel.driver import AAPL, BUY, SELL, Driver

TEXT = "The engine is reconciling; try again in a moment."


def order(name, side=BUY, price=20_000, account="P"):
    return NewOrder(name, account, AAPL.id, side, OrdType.LIMIT, 10, price, trader="ann")


def turned(d, command):
    return d.apply(TurnedAway(command, "STARTING", TEXT, "engine"))


def found(outputs, kind):
    return [o for o in outputs if isinstance(o, kind)]


def test_a_new_order_is_in_the_books_with_code_and_sentence():
    d = Driver()
    before = [a.cash for a in d.kernel.accounts()], d.kernel.positions()
    [update] = found(outputs := turned(d, order("A")), OrderUpdate)
    assert (update.exec_type, update.order.status) == (ExecType.DENIED, OrdStatus.REJECTED)
    assert update.order.code == "STARTING"
    assert update.order.text == f"STARTING: scope=engine, order=A. {TEXT}"
    assert [r.trader for r in found(outputs, RiskDecision)] == ["ann"]
    assert d.kernel.order("A") == update.order
    assert not d.kernel.working()
    assert ([a.cash for a in d.kernel.accounts()], d.kernel.positions()) == before


def test_its_id_is_used_and_an_order_there_is_stays_as_it_is():
    d = Driver()
    turned(d, order("A"))
    [refused] = found(d.apply(order("A")), CommandRefused)
    assert refused.code == "DUPLICATE_CLIENT_ID"
    d.apply(order("B"))
    standing = d.kernel.order("B")
    outputs = turned(d, order("B"))
    assert [r.code for r in found(outputs, CommandRefused)] == ["DUPLICATE_CLIENT_ID"]
    assert not found(outputs, OrderUpdate)
    assert d.kernel.order("B") == standing


def test_of_a_list_every_order():
    d = Driver()
    listed = NewOrderList("L", Contingency.OCO, (order("A"), order("B", SELL, 20_100)))
    outputs = turned(d, listed)
    assert [(u.order.cl_ord_id, u.order.code) for u in found(outputs, OrderUpdate)] == [
        ("A", "STARTING"),
        ("B", "STARTING"),
    ]
    assert [r.code for r in found(turned(d, listed), CommandRefused)] == ["DUPLICATE_CLIENT_ID"]
    assert not found(outputs, VenueNew)


def test_of_an_account_that_is_not_known_too_and_it_outlives_a_dump():
    d = Driver()
    turned(d, order("A", account="nobody"))
    again = Kernel.load(d.kernel.dump())
    assert again.order("A") == d.kernel.order("A")
    assert again.order("A").status is OrdStatus.REJECTED


def test_a_change_is_refused_and_its_order_stays():
    d = Driver()
    d.apply(order("A"))
    before = d.kernel.order("A")
    outputs = turned(d, ReplaceOrder("R", "A", 5, 19_990))
    assert [(r.id, r.code, r.text) for r in found(outputs, CommandRefused)] == [
        ("R", "STARTING", TEXT)
    ]
    assert d.kernel.order("A") == before
