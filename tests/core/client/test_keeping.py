"""Whoever looks on for days remembers no more than somebody who looked on for hours."""

from __future__ import annotations

from decimal import Decimal

from msgspec.structs import replace

from core.client import stores as module
from core.client.stores import Stores, fill_key
from core.model.enums import ExecType, Liquidity, OrdStatus, OrdType, Side, Source, TimeInForce
from core.model.events import CommandRefused
from core.model.orders import Fill, Order, OrderUpdate

NEW = Order(
    "O0", "A", "ABC.V", Side.BUY, OrdType.LIMIT, 5, 100, 0, TimeInForce.DAY, False, False,
    Source.USER, "", "", OrdStatus.NEW, 1, 1,
)  # fmt: skip


def tell(stores: Stores, number: int, status: OrdStatus) -> None:
    order = replace(NEW, cl_ord_id=f"O{number}", status=status)
    stores.take_event(OrderUpdate(number, number, order, ExecType.NEW))


def live_and_die(stores: Stores, number: int) -> None:
    tell(stores, number, OrdStatus.NEW)
    tell(stores, number, OrdStatus.FILLED)


def test_of_finished_orders_the_newest_are_kept_and_all_that_work():
    stores = Stores(keep=10)
    tell(stores, 0, OrdStatus.NEW)
    for number in range(1, 100):
        live_and_die(stores, number)
    assert [o.cl_ord_id for o in stores.orders] == ["O0", *(f"O{n}" for n in range(90, 100))]
    assert stores.stories.keys() == {o.cl_ord_id for o in stores.orders}
    assert len(stores.working["ABC.V"]) == 1


def test_stories_are_dropped_before_their_orders(monkeypatch):
    monkeypatch.setattr(module, "KEPT_STORIES", 4)
    stores = Stores(keep=10)
    for number in range(20):
        live_and_die(stores, number)
    assert len(stores.orders) == 10
    assert list(stores.stories) == ["O16", "O17", "O18", "O19"]
    assert [u.order.status for u in stores.stories["O19"]] == [OrdStatus.NEW, OrdStatus.FILLED]


def test_an_order_that_works_again_stays():
    stores = Stores(keep=10)
    live_and_die(stores, 0)
    tell(stores, 0, OrdStatus.PARTIALLY_FILLED)  # an execution was taken back
    for number in range(1, 100):
        live_and_die(stores, number)
    assert "O0" in stores.orders
    assert "O0" in stores.stories
    assert len(stores.orders) == 11
    tell(stores, 0, OrdStatus.CANCELED)
    for number in range(100, 200):
        live_and_die(stores, number)
    assert len(stores.orders) == 10
    assert "O0" not in stores.stories


def test_what_is_told_twice_counts_once():
    stores = Stores(keep=10)
    for number in range(10):
        live_and_die(stores, number)
        live_and_die(stores, number)
    assert len(stores.orders) == 10


def test_fills_and_refusals_are_bounded():
    stores = Stores(keep=10)
    fill = Fill(1, 1, "E", "O0", "A", "ABC.V", Side.BUY, 100, 1, Decimal(0), "USD",
                Liquidity.ADDED, "", "", 1)  # fmt: skip
    for number in range(5_000):
        stores.take_event(replace(fill, exec_id=f"E{number}"))
        stores.take_event(CommandRefused(number, f"C{number}", "NO", "No."))
    assert [f.exec_id for f in stores.fills] == [f"E{n}" for n in range(4_990, 5_000)]
    assert fill_key(fill) not in stores.fills
    assert len(stores.refusals) == module.KEPT_REFUSALS
