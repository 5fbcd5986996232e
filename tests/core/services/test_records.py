"""What a client is told when it joins: all that works, and of what is over the newest."""

from __future__ import annotations

from msgspec.structs import replace

from core.model.enums import ExecType, OrdStatus, OrdType, Side, Source, TimeInForce
from core.model.orders import Order, OrderUpdate
from core.services import records as module
from core.services.records import Records

NEW = Order(
    "O0", "A", "ABC.V", Side.BUY, OrdType.LIMIT, 5, 100, 0, TimeInForce.DAY, False, False,
    Source.USER, "", "", OrdStatus.NEW, 1, 1,
)  # fmt: skip


def told(number: int, status: OrdStatus) -> OrderUpdate:
    order = replace(NEW, cl_ord_id=f"O{number}", status=status)
    return OrderUpdate(number, number, order, ExecType.NEW)


def test_of_finished_orders_the_newest_are_told():
    records = Records(10)
    records.take([told(0, OrdStatus.NEW)])
    records.take(told(n, OrdStatus.FILLED) for n in range(1, 100))
    assert list(records.orders) == ["O0", *(f"O{n}" for n in range(90, 100))]


def test_an_order_that_works_again_is_never_forgotten(monkeypatch):
    monkeypatch.setattr(module, "AT_ONCE", 5)
    records = Records(10)
    records.take([told(0, OrdStatus.FILLED), told(0, OrdStatus.PARTIALLY_FILLED)])
    assert [u.order.cl_ord_id for u in records.at_once()[0]] == ["O0"]
    records.take(told(n, OrdStatus.FILLED) for n in range(1, 100))
    assert [u.order.cl_ord_id for u in records.at_once()[0]] == ["O0"]
    records.take([told(0, OrdStatus.CANCELED)])
    assert not records.at_once()[0]
    records.take(told(n, OrdStatus.FILLED) for n in range(100, 200))
    assert list(records.orders) == [f"O{n}" for n in range(190, 200)]
