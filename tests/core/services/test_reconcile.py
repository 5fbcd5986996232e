from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.model.enums import ExecType, OrdStatus, OrdType, Severity, Side, Source, TimeInForce
from core.model.events import VenueOrder
from core.model.orders import Order
from core.services.reconcile import reconcile


def ours(name: str, status: OrdStatus = OrdStatus.NEW, order_id: str = "V1", cum: int = 0) -> Order:
    return Order(
        name, "A", "ABC.V", Side.BUY, OrdType.LIMIT, 10, 100, 0, TimeInForce.GTC, False, False,
        Source.USER, "", "", status, 1, 5, order_id, cum,
    )  # fmt: skip


def theirs(name: str, order_id: str = "V1", cum: int = 0, price: int = 100) -> VenueOrder:
    return VenueOrder(name, order_id, "ABC.V", Side.BUY, 10, price, cum)


def nobody(name: str) -> bool:
    return False


def test_the_same_on_both_sides_is_nothing_to_do() -> None:
    assert reconcile("V", [ours("1")], [theirs("1")], 9, nobody) == ([], [])


def test_gone_and_never_arrived() -> None:
    reports, notices = reconcile(
        "V",
        [ours("1"), ours("2", OrdStatus.PENDING_NEW, ""), ours("3", OrdStatus.UNKNOWN, "")],
        [],
        9,
        nobody,
    )
    assert [r.exec_type for r in reports] == [ExecType.CANCELED] * 3
    assert [r.text.split(":")[0] for r in reports] == ["GONE", "NEVER_ARRIVED", "NEVER_ARRIVED"]
    assert len({r.exec_id for r in reports}) == 3
    assert all(n.severity is Severity.WARNING for n in notices)


def test_an_uncertain_order_is_settled_by_the_venues_word() -> None:
    (report,), notices = reconcile(
        "V", [ours("1", OrdStatus.UNKNOWN, "")], [theirs("1", "V9", 0, 101)], 9, nobody
    )
    assert (report.exec_type, report.status) == (ExecType.ORDER_STATUS, OrdStatus.NEW)
    assert (report.order_id, report.price) == ("V9", 101)
    assert notices == []


def test_fills_that_were_missed_are_shown_and_not_made_up() -> None:
    reports, notices = reconcile("V", [ours("1")], [theirs("1", cum=4)], 9, nobody)
    assert reports == []
    assert "MISSED_FILLS" in notices[0].text
    assert notices[0].severity is Severity.ERROR


def test_orders_that_are_not_ours() -> None:
    _, notices = reconcile("V", [], [theirs("x"), theirs("", "V7")], 9, lambda name: name == "x")
    assert "ended in our books" in notices[0].text
    assert "V7" in notices[1].text


STATES = st.sampled_from(
    [OrdStatus.NEW, OrdStatus.PENDING_NEW, OrdStatus.UNKNOWN, OrdStatus.PENDING_CANCEL]
)


@given(st.dictionaries(st.integers(0, 9), STATES), st.sets(st.integers(0, 9)))
def test_every_difference_has_one_answer_and_the_same_one_each_time(
    mine: dict[int, OrdStatus], there: set[int]
) -> None:
    orders = [ours(str(n), status) for n, status in mine.items()]
    listed = [theirs(str(n)) for n in sorted(there)]
    reports, notices = reconcile("V", orders, listed, 9, nobody)
    assert reconcile("V", orders, listed, 9, nobody) == (reports, notices)
    canceled = {r.cl_ord_id for r in reports if r.exec_type is ExecType.CANCELED}
    assert canceled == {str(n) for n in mine if n not in there}
    assert sum("NOT_OURS" in n.text for n in notices) == len(there - mine.keys())
    assert len({r.cl_ord_id for r in reports}) == len(reports)
