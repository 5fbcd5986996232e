"""Executions that a venue takes back or corrects, and those of orders from elsewhere."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.model.enums import ExecType, OrdStatus, OrdType, Severity, Source
from core.model.events import ExecutionReport
from core.model.orders import OrderUpdate
from tests.core.kernel.driver import AAPL, BUY, SELL, Driver


def bust(d, name, ref, status=OrdStatus.PARTIALLY_FILLED, **more):
    more.setdefault("exec_id", f"b{d.seq}")
    return d.report(name, ExecType.TRADE_CANCEL, status, exec_ref=ref, **more)


def correct(d, name, ref, qty, price, status=OrdStatus.PARTIALLY_FILLED, **more):
    more.setdefault("exec_id", f"c{d.seq}")
    return d.report(
        name,
        ExecType.TRADE_CORRECT,
        status,
        exec_ref=ref,
        last_qty=qty,
        last_price=price,
        **more,
    )


def books(d):
    """What position and cash are, without the numbers and times of messages."""
    positions = [
        (p.account, p.strategy, p.qty, p.cost, p.realised, p.fees, p.bought, p.sold)
        for p in d.kernel.positions()
        if p.bought or p.sold
    ]
    cash = [(a.account, a.cash) for a in d.kernel.accounts()]
    return positions, cash


def test_a_bust_is_as_if_it_had_never_been():
    d, other = Driver(), Driver()
    for each in (d, other):
        name = each.working(qty=30)
        each.fill(name, 10, 20_000, "a", fee=Decimal("1.5"))
        if each is d:
            each.fill(name, 10, 20_100, "b", fee=Decimal("2.5"))
        each.fill(name, 5, 19_000, "c")
        out = each.working(SELL, 12, 20_005)
        each.fill(out, 12, 20_005, "d")
    bust(d, name, "b")
    (record,) = d.fills()
    assert (record.kind, record.ref, record.side) == (ExecType.TRADE_CANCEL, "b", SELL)
    assert (record.price, record.qty, record.fee) == (20_100, 10, Decimal("-2.5"))
    assert books(d) == books(other)
    order = d.order(name)
    assert (order.cum_qty, order.notional, order.fees) == (
        15,
        10 * 20_000 + 5 * 19_000,
        Decimal("1.5"),
    )
    assert d.notices()[0].severity is Severity.CRITICAL
    d.restart()
    d.replayed()


def test_the_same_bust_twice_counts_once():
    d = Driver()
    name = d.working()
    d.fill(name, 3, exec_id="7")
    bust(d, name, "7", exec_id="8")
    assert d.position() is None
    bust(d, name, "7", exec_id="8")
    assert d.out == []
    bust(d, name, "7", exec_id="9")
    assert not d.fills()
    assert d.position() is None
    d.fill(name, 3, exec_id="7")
    assert d.out == [], "the execution that was taken back is not booked anew"


def test_a_bust_that_names_the_execution_itself():
    d = Driver()
    name = d.working()
    d.fill(name, 3, exec_id="7")
    d.report(name, ExecType.TRADE_CANCEL, OrdStatus.NEW, exec_id="7")
    assert d.position() is None
    d.report(name, ExecType.TRADE_CANCEL, OrdStatus.NEW, exec_id="7")
    assert d.out == []


def test_a_correction_takes_the_place_of_the_execution():
    d, other = Driver(), Driver()
    for each, price, qty in ((d, 20_100, 4), (other, 20_050, 6)):
        name = each.working(qty=30)
        each.fill(name, qty, price, "a", fee=Decimal(1))
        each.fill(name, 5, 19_000, "b")
        out = each.working(SELL, 3, 20_005)
        each.fill(out, 3, 20_005, "d")
    correct(d, name, "a", 6, 20_050)
    assert books(d) == books(other)
    assert [f.kind for f in d.fills()] == [ExecType.TRADE_CANCEL, ExecType.TRADE_CORRECT]
    assert d.order(name).cum_qty == 11
    ref = d.fills()[1].exec_id
    bust(d, name, ref)
    assert d.order(name).cum_qty == 5
    assert d.position().qty == 2
    d.restart()


def test_a_correction_of_a_correction():
    d, other = Driver(), Driver()
    for each in (d, other):
        name = each.working(qty=30)
        each.fill(name, 4, 20_100 if each is d else 20_000, "a")
        each.fill(name, 5, 19_000, "b")
        each.fill(each.working(SELL, 6, 20_005), 6, 20_005, "c")
    correct(d, name, "a", 9, 20_060)
    correct(d, name, d.fills()[1].exec_id, 4, 20_000)
    assert books(d) == books(other)


def test_a_filled_order_whose_execution_is_taken_back_works_again():
    d = Driver()
    name = d.working()
    d.fill(name, 6, exec_id="a")
    d.fill(name, 4, exec_id="b")
    assert d.status_of(name) is OrdStatus.FILLED
    bust(d, name, "b")
    order = d.order(name)
    assert (order.status, order.leaves) == (OrdStatus.PARTIALLY_FILLED, 4)
    assert [o.cl_ord_id for o in d.kernel.working()] == [name]
    d.restart()
    d.fill(name, 4, exec_id="c")
    assert d.status_of(name) is OrdStatus.FILLED
    bust(d, name, "a", OrdStatus.CANCELED)
    assert d.status_of(name) is OrdStatus.CANCELED
    assert d.position().qty == 4


def test_a_bust_of_a_canceled_order_leaves_it_canceled():
    d = Driver()
    name = d.working()
    d.fill(name, 6, exec_id="a")
    d.canceled(name)
    bust(d, name, "a", OrdStatus.CANCELED)
    assert d.status_of(name) is OrdStatus.CANCELED
    assert d.position() is None


def test_a_correction_that_fills_the_order():
    d = Driver()
    name = d.working()
    d.fill(name, 6, exec_id="a")
    correct(d, name, "a", 10, 20_000)
    assert d.status_of(name) is OrdStatus.FILLED
    assert not d.kernel.working()


@pytest.mark.parametrize("wrong", [{"qty": 0}, {"qty": -3}, {"price": 0}, {"price": 2**31}])
def test_an_impossible_correction_changes_nothing(wrong):
    d = Driver()
    name = d.working()
    d.fill(name, 6, exec_id="a")
    before = books(d)
    correct(d, name, "a", wrong.get("qty", 5), wrong.get("price", 20_000))
    (notice,) = d.out
    assert notice.severity is Severity.CRITICAL
    assert books(d) == before


def test_a_bust_of_what_is_not_known():
    d = Driver(keep=2)
    name = d.working(qty=30)
    for exec_id in "abc":
        d.fill(name, 1, exec_id=exec_id)
    bust(d, name, "a")
    assert "still hold the first version" in d.notices()[0].text
    bust(d, name, "zzz")
    assert "is not in the books" in d.notices()[0].text
    bust(d, "nobody", "a")
    assert d.notices()


def test_another_venues_word_takes_nothing_back():
    d = Driver()
    name = d.working(qty=30)
    d.fill(name, 10, exec_id="a")
    before = books(d)
    bust(d, name, "a", venue="XCH")
    assert "still hold the first version" in d.notices()[0].text
    assert books(d) == before


def test_a_bust_when_the_beginning_is_forgotten_keeps_lots_and_cash_exact():
    d = Driver(keep=3)
    name = d.working(qty=100)
    for n in range(6):
        d.fill(name, 7, 20_000 + 13 * n, f"x{n}")
    before = d.account().cash["USD"]
    bust(d, name, "x4")
    p = d.position()
    assert (p.qty, p.bought, p.sold) == (35, 35, 0)
    assert d.account().cash["USD"] - before == Decimal(7 * 20_052) / 100
    fills = [20_000 + 13 * n for n in range(6) if n != 4]
    assert p.realised - p.cost == -7 * sum(fills)


def test_a_bust_in_a_strategys_part():
    d = Driver()
    name = d.working(strategy="S", trader="ann")
    d.fill(name, 6, exec_id="a")
    bust(d, name, "a")
    assert d.position(strategy="S") is None
    assert d.position() is None
    d.restart()


fills = st.lists(
    st.tuples(st.booleans(), st.integers(1, 9), st.integers(19_000, 21_000), st.integers(-2, 5)),
    min_size=1,
    max_size=8,
)


@settings(max_examples=60, deadline=None)
@given(fills, st.data())
def test_any_bust_is_as_if_it_had_never_been(history, data):
    gone = data.draw(st.integers(0, len(history) - 1))
    d, other = Driver(), Driver()
    for each in (d, other):
        names = {BUY: each.working(BUY, 100), SELL: each.working(SELL, 100, 20_005)}
        for n, (buy, qty, price, fee) in enumerate(history):
            if each is d or n != gone:
                side = BUY if buy else SELL
                each.fill(names[side], qty, price, f"x{n}", fee=Decimal(fee))
    bust(d, names[BUY if history[gone][0] else SELL], f"x{gone}")
    assert books(d) == books(other)


# Orders that were not sent from here.


def strange(d, name="theirs", **more):
    terms = {
        "account": "P",
        "instrument": AAPL.id,
        "side": BUY,
        "exec_id": "e1",
        "last_qty": 4,
        "last_price": 20_000,
        "order_id": "v9",
    }
    terms.update(more)
    return d.report(name, ExecType.TRADE, terms.pop("status", OrdStatus.PARTIALLY_FILLED), **terms)


def test_an_execution_of_an_unknown_order_is_adopted():
    d = Driver()
    strange(d, qty=10, cum_qty=4, price=20_000)
    order = d.order("theirs")
    assert (order.source, order.qty, order.cum_qty) == (Source.EXTERNAL, 10, 4)
    assert (order.status, order.ord_type) == (OrdStatus.PARTIALLY_FILLED, OrdType.LIMIT)
    assert d.position().qty == 4
    assert d.account().cash["USD"] == 1_000_000 - 800
    assert any("not sent from here" in n.text for n in d.notices())
    strange(d, qty=10, cum_qty=4, price=20_000)
    assert d.out == [], "counted once"
    d.restart()
    request = d.cancel("theirs")
    (sent,) = d.cancels()
    assert sent.request == request
    d.canceled("theirs")
    assert not d.kernel.working()
    d.replayed()


def test_an_adopted_order_that_is_over():
    d = Driver()
    strange(d, status=OrdStatus.FILLED)
    order = d.order("theirs")
    assert (order.status, order.qty) == (OrdStatus.FILLED, 4)
    assert not d.kernel.working()


def test_an_order_without_our_id_is_known_by_its_venues():
    d = Driver()
    strange(d, name="", qty=10, cum_qty=4)
    strange(d, name="", qty=10, cum_qty=10, exec_id="e2", last_qty=6)
    assert d.order("SIM:v9").status is OrdStatus.FILLED
    assert d.position().qty == 10


@pytest.mark.parametrize(
    "wrong",
    [
        {"account": "nobody"},
        {"account": ""},
        {"instrument": "WHAT.SIM"},
        {"venue": "XCH"},
        {"last_qty": 0},
        {"last_price": -1},
        {"name": "", "order_id": ""},
    ],
)
def test_what_cannot_be_adopted_is_shouted(wrong):
    d = Driver()
    strange(d, **wrong)
    (notice,) = d.out
    assert notice.severity is Severity.CRITICAL
    assert not d.kernel.working()


def test_executions_of_forgotten_orders_are_not_booked_twice():
    d = Driver(keep=1)
    name = d.working()
    d.fill(name, 10, exec_id="a")
    d.canceled(d.working())
    assert d.order(name) is None
    d.report(
        name,
        ExecType.TRADE,
        OrdStatus.FILLED,
        exec_id="a",
        account="P",
        instrument=AAPL.id,
        side=BUY,
        last_qty=10,
        last_price=20_000,
    )
    assert d.position().qty == 10
    assert d.notices()[0].severity is Severity.CRITICAL


def test_old_reports_without_the_new_fields_decode():
    report = ExecutionReport("SIM", 1, 1, "x", ExecType.NEW, OrdStatus.NEW)
    assert (report.exec_ref, report.account, report.stop_price) == ("", "", 0)
    d = Driver()
    assert isinstance(d.report("x", ExecType.NEW, OrdStatus.NEW)[0].text, str)
    assert not d.of(OrderUpdate)


def test_a_correction_is_the_same_before_and_after_a_restart():
    plain, restarted = Driver(), Driver()
    for each in (plain, restarted):
        each.tick(session="monday")
        name = each.working(qty=10)
        each.fill(name, 10, 20_000, "a")
        correct(each, name, "a", 10, 20_050, OrdStatus.FILLED)
    restarted.restart()
    for each in (plain, restarted):
        each.tick(session="tuesday")
    assert restarted.kernel.digest() == plain.kernel.digest()


def test_an_order_that_works_again_stands_in_the_book_again():
    d = Driver()
    name = d.working(SELL, 5, 20_000)
    d.fill(name, 5, exec_id="x")
    d.new(BUY, 1, 20_000, confirmed=())  # what stood there is gone
    d.canceled(d.accepted().cl_ord_id)
    d.report(name, ExecType.TRADE_CANCEL, OrdStatus.PARTIALLY_FILLED, exec_ref="x", exec_id="b")
    d.new(BUY, 1, 20_000, confirmed=())
    assert d.denial().code == "SELF_TRADE"


@pytest.mark.parametrize("exec_id", ["b", "", "a"])
def test_a_bust_that_overtakes_its_execution(exec_id):
    """It is as if neither had been, whenever the execution comes."""
    d = Driver()
    name = d.working(BUY, 10)
    before = d.account()
    d.report(name, ExecType.TRADE_CANCEL, OrdStatus.PARTIALLY_FILLED, exec_id=exec_id, exec_ref="a")
    assert "will not be booked" in d.notices()[-1].text
    d.restart()
    d.fill(name, 4, exec_id="a")
    assert not d.fills()
    assert (d.order(name).cum_qty, d.account().cash) == (0, before.cash)
    d.fill(name, 4, exec_id="c")
    assert d.position().qty == 4
    d.replayed()
