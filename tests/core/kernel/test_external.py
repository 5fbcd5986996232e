"""Orders that were placed elsewhere, and requests of which nobody knows what became."""

from __future__ import annotations

from decimal import Decimal

import pytest

from core.kernel.kernel import Kernel
from core.model.commands import CancelOrder, NewOrder
from core.model.enums import ExecType, OrdStatus, OrdType, Side, Source
from core.model.events import ExecutionReport
from core.model.inputs import AccountSetup
from core.model.instruments import Instrument
from core.model.market import Quote
from core.model.requests import VenueCancel

ABC = Instrument("ABC.V", "ABC", "V", Decimal("0.01"), Decimal(1), "USD")


def kernel(*accounts: str) -> Kernel:
    made = Kernel([ABC], [AccountSetup(a, {"USD": Decimal(10**6)}) for a in accounts or ("A",)])
    return made


def listed(name: str = "x", **more: object) -> ExecutionReport:
    values: dict[str, object] = {
        "venue": "V", "ts": 5, "received": 5, "cl_ord_id": name,
        "exec_type": ExecType.ORDER_STATUS, "status": OrdStatus.NEW, "order_id": "7",
        "instrument": "ABC.V", "side": Side.SELL, "qty": 10, "price": 100,
    } | more  # fmt: skip
    return ExecutionReport(**values)  # type: ignore[arg-type]


def test_a_working_order_from_elsewhere_is_taken_in_and_can_be_canceled() -> None:
    k = kernel()
    k.apply(1, 1, listed())
    order = k.order("x")
    assert order is not None
    assert order.source is Source.EXTERNAL
    assert (order.status, order.qty, order.price, order.side) == (OrdStatus.NEW, 10, 100, Side.SELL)
    again = Kernel.load(k.dump())
    assert again.digest() == k.digest()
    out = k.apply(2, 2, CancelOrder("c", "x"))
    assert [o for o in out if isinstance(o, VenueCancel)]


@pytest.mark.parametrize("kind", [ExecType.ORDER_STATUS, ExecType.TRADE])
def test_own_orders_do_not_trade_with_it(kind: ExecType) -> None:
    k = kernel()
    k.apply(1, 1, Quote("ABC.V", 1, 1, 99, 9, 101, 9))
    done = {"exec_id": "e", "last_qty": 4, "last_price": 100, "cum_qty": 4}
    k.apply(2, 2, listed(exec_type=kind, **(done if kind is ExecType.TRADE else {})))
    again = Kernel.load(k.dump())
    for each in (k, again):
        each.apply(3, 3, NewOrder("1", "A", "ABC.V", Side.BUY, OrdType.LIMIT, 1, 100, ts=3))
        order = each.order("1")
        assert order is not None
        assert order.code == "SELF_TRADE"
    assert again.digest() == k.digest()


@pytest.mark.parametrize(
    ("price", "stop", "kind"),
    [
        (100, 0, OrdType.LIMIT),
        (0, 0, OrdType.MARKET),
        (0, 90, OrdType.STOP),
        (90, 95, OrdType.STOP_LIMIT),
    ],
)
def test_its_type_follows_from_its_prices(price: int, stop: int, kind: OrdType) -> None:
    k = kernel()
    k.apply(1, 1, listed(price=price, stop_price=stop))
    order = k.order("x")
    assert order is not None
    assert order.ord_type is kind


def test_without_an_id_of_ours_it_has_the_venues() -> None:
    k = kernel()
    k.apply(1, 1, listed(""))
    assert k.order("V:7") is not None
    k.apply(2, 2, listed("", price=101))
    order = k.order("V:7")
    assert order is not None
    assert order.price == 101
    assert len(k.working()) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"instrument": "NONE.V"},
        {"account": "B"},
        {"status": OrdStatus.CANCELED},
        {"status": OrdStatus.UNKNOWN},
        {"cum_qty": 3},
        {"qty": 0},
        {"price": -1},
        {"stop_price": -1},
        {"cl_ord_id": "", "order_id": ""},
    ],
)
def test_what_is_not_possible_is_not_taken_in(change: dict[str, object]) -> None:
    k = kernel()
    k.apply(1, 1, listed(**change) if "cl_ord_id" not in change else listed("", order_id=""))
    assert k.working() == []


def test_an_id_that_was_used_is_not_taken_for_another_order() -> None:
    k = kernel()
    k.apply(1, 1, CancelOrder("x", "nothing"))
    k.apply(2, 2, listed("x"))
    assert k.order("x") is None


def test_which_account_is_not_guessed() -> None:
    k = kernel("A", "B")
    k.apply(1, 1, listed())
    assert k.order("x") is None
    k.apply(2, 2, listed(account="B"))
    order = k.order("x")
    assert order is not None
    assert order.account == "B"


def test_the_word_unknown_is_for_what_waits_for_an_answer() -> None:
    k = kernel()
    k.apply(1, 1, Quote("ABC.V", 1, 1, 100, 9, 101, 9))
    k.apply(1, 1, NewOrder("1", "A", "ABC.V", Side.BUY, OrdType.LIMIT, 1, 100, ts=1))
    k.apply(2, 2, listed("1", status=OrdStatus.UNKNOWN, side=Side.BUY))
    order = k.order("1")
    assert order is not None
    assert order.status is OrdStatus.UNKNOWN
    k.apply(3, 3, listed("1", side=Side.BUY))
    order = k.order("1")
    assert order is not None
    assert order.status is OrdStatus.NEW
    k.apply(4, 4, listed("1", status=OrdStatus.UNKNOWN, side=Side.BUY))
    order = k.order("1")
    assert order is not None
    assert order.status is OrdStatus.NEW, "nothing was asked of the venue"
