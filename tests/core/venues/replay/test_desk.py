from __future__ import annotations

from decimal import Decimal

import pytest

from core.model.enums import (
    ExecType,
    Liquidity,
    MarketStatus,
    OrdStatus,
    OrdType,
    Side,
    Source,
    TimeInForce,
)
from core.model.events import CancelReject, ExecutionReport
from core.model.instruments import Instrument
from core.model.market import BookUpdate, StatusUpdate, Trade
from core.model.orders import Order
from core.model.requests import VenueCancel, VenueNew, VenueReplace
from core.venues.replay import own
from core.venues.replay.desk import Desk
from core.venues.replay.events import Knowledge

ABC = Instrument(
    "ABC.X",
    "ABC",
    "X",
    Decimal("0.01"),
    Decimal("0.1"),
    "USD",
    maker_fee=Decimal("-0.0001"),
    taker_fee=Decimal("0.0005"),
)


def order(
    name="a",
    side=Side.BUY,
    qty=5,
    price=100,
    kind=OrdType.LIMIT,
    tif=TimeInForce.GTC,
    post_only=False,
    instrument="ABC.X",
    status=OrdStatus.PENDING_NEW,
    cum_qty=0,
):
    return Order(
        cl_ord_id=name,
        account="main",
        instrument=instrument,
        side=side,
        ord_type=kind,
        qty=qty,
        price=price if kind is OrdType.LIMIT else 0,
        stop_price=0,
        tif=tif,
        post_only=post_only,
        reduce_only=False,
        source=Source.USER,
        trader="",
        strategy="",
        status=status,
        created=0,
        updated=0,
        cum_qty=cum_qty,
    )


class Floor:
    """A desk with a book of 98 x 10, 100 x 10 / 102 x 4, 103 x 10."""

    def __init__(self):
        self.reports = []
        self.desk = Desk("X", [ABC], [Knowledge.FULL])
        self.desk.connect(self.reports.append)
        self.now = 0
        self.book((1, 98, 10), (1, 100, 10), (2, 102, 4), (2, 103, 10), snapshot=True)

    def book(self, *levels, snapshot=False):
        self.now += 1
        update = BookUpdate("ABC.X", self.now, self.now, list(levels), snapshot)
        self.desk.market(update, False, self.now)

    def trade(self, price, qty, aggressor, off_book=False):
        self.now += 1
        trade = Trade("ABC.X", self.now, self.now, price, qty, aggressor)
        self.desk.market(trade, off_book, self.now)

    def send(self, request):
        """Reports that a request leads to at once."""
        self.now += 1
        count = len(self.reports)
        self.desk.request(request, self.now)
        return self.reports[count:]

    def new(self, *args, **kwargs):
        return self.send(VenueNew(order(*args, **kwargs)))

    def cancel(self, name="a"):
        return self.send(VenueCancel(order(name), f"cancel-{name}"))

    def replace(self, name="a", *, qty, price):
        self.count = getattr(self, "count", 0) + 1
        return self.send(VenueReplace(order(name), f"replace-{self.count}", qty, price))


@pytest.fixture
def floor():
    return Floor()


def brief(reports):
    return [(r.exec_type.name, r.status.name, r.cum_qty, r.last_price, r.last_qty) for r in reports]


def test_rest_fill_in_parts_and_be_done(floor):
    (new,) = floor.new(qty=5)
    assert (new.exec_type, new.status, new.order_id, new.request) == (
        ExecType.NEW,
        OrdStatus.NEW,
        "R-a",
        "a",
    )
    floor.trade(100, 12, 2)
    floor.trade(100, 50, 2)
    assert brief(floor.reports) == [
        ("NEW", "NEW", 0, 0, 0),
        ("TRADE", "PARTIALLY_FILLED", 2, 100, 2),
        ("TRADE", "FILLED", 5, 100, 3),
    ]
    fill = floor.reports[-1]
    assert fill.liquidity is Liquidity.ADDED
    assert fill.fee == Decimal("-0.00003")  # 3 lots of 0.1 at 1.00, one basis point received
    assert fill.currency == "USD"
    assert not floor.desk.working()


def test_trades_off_the_book_fill_nobody(floor):
    floor.new(qty=5)
    floor.trade(99, 500, 2, off_book=True)
    assert brief(floor.reports) == [("NEW", "NEW", 0, 0, 0)]


def test_a_crossing_limit_takes_and_rests(floor):
    reports = floor.new(qty=6, price=102)
    assert brief(reports) == [
        ("NEW", "NEW", 0, 0, 0),
        ("TRADE", "PARTIALLY_FILLED", 4, 102, 4),
    ]
    assert reports[1].liquidity is Liquidity.REMOVED
    assert reports[1].fee == Decimal("0.000204")
    (working,) = floor.desk.working()
    assert (working.qty, working.cum_qty, working.price) == (6, 4, 102)
    floor.trade(102, 9, 2)
    assert floor.reports[-1].status is OrdStatus.FILLED


def test_market_orders_take_what_is_displayed_and_no_more(floor):
    reports = floor.new(qty=20, kind=OrdType.MARKET)
    assert brief(reports) == [
        ("NEW", "NEW", 0, 0, 0),
        ("TRADE", "PARTIALLY_FILLED", 4, 102, 4),
        ("TRADE", "PARTIALLY_FILLED", 14, 103, 10),
        ("CANCELED", "CANCELED", 14, 0, 0),
    ]
    assert "nothing more is displayed" in reports[-1].text
    assert brief(floor.new("b", qty=1, kind=OrdType.MARKET))[-1][0] == "CANCELED"


def test_immediate_or_cancel(floor):
    reports = floor.new(qty=6, price=102, tif=TimeInForce.IOC)
    assert brief(reports)[1:] == [
        ("TRADE", "PARTIALLY_FILLED", 4, 102, 4),
        ("CANCELED", "CANCELED", 4, 0, 0),
    ]


def test_fill_or_kill(floor):
    assert brief(floor.new("a", qty=15, price=103, tif=TimeInForce.FOK)) == [
        ("NEW", "NEW", 0, 0, 0),
        ("CANCELED", "CANCELED", 0, 0, 0),
    ]
    assert brief(floor.new("b", qty=14, price=103, tif=TimeInForce.FOK))[-1] == (
        "TRADE",
        "FILLED",
        14,
        103,
        10,
    )


def test_post_only(floor):
    (report,) = floor.new(price=102, post_only=True)
    assert report.status is OrdStatus.REJECTED
    assert "Post only" in report.text
    assert floor.new("b", price=101, post_only=True)[0].status is OrdStatus.NEW
    (refused,) = floor.replace("b", qty=5, price=102)
    assert isinstance(refused, CancelReject)
    assert refused.status is OrdStatus.NEW


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"qty": 0}, "quantity"),
        ({"qty": -3}, "quantity"),
        ({"price": 0}, "price"),
        ({"price": 1 << 31}, "price"),
        ({"kind": OrdType.STOP}, "limit and market"),
        ({"tif": TimeInForce.GTD}, "DAY, GTC"),
        ({"kind": OrdType.MARKET, "post_only": True}, "market order cannot"),
        ({"instrument": "NO.X"}, "does not hold NO.X"),
    ],
)
def test_orders_that_cannot_be_are_rejected_in_words(floor, change, said):
    (report,) = floor.new(**change)
    assert (report.exec_type, report.status) == (ExecType.REJECTED, OrdStatus.REJECTED)
    assert said in report.text
    assert not floor.desk.working()


def test_a_halted_market_takes_no_orders(floor):
    floor.desk.market(StatusUpdate("ABC.X", 1, 1, MarketStatus.HALTED), False, 1)
    assert "halted" in floor.new()[0].text
    floor.desk.market(StatusUpdate("ABC.X", 1, 1, MarketStatus.OPEN), False, 1)
    assert floor.new("b")[0].status is OrdStatus.NEW


def test_the_same_order_again_changes_nothing(floor):
    floor.new(qty=6, price=102)
    (again,) = floor.new(qty=6, price=102)
    assert (again.exec_type, again.status, again.cum_qty) == (
        ExecType.ORDER_STATUS,
        OrdStatus.PARTIALLY_FILLED,
        4,
    )
    floor.cancel()
    (again,) = floor.new(qty=6, price=102)
    assert (again.status, again.cum_qty) == (OrdStatus.CANCELED, 4)
    assert not floor.desk.working()


def test_cancel(floor):
    floor.new()
    (report,) = floor.cancel()
    assert (report.exec_type, report.status, report.request) == (
        ExecType.CANCELED,
        OrdStatus.CANCELED,
        "cancel-a",
    )
    floor.trade(90, 500, 2)
    assert len(floor.reports) == 2
    (late,) = floor.cancel()
    assert isinstance(late, CancelReject)
    assert (late.status, late.replace) == (OrdStatus.CANCELED, False)
    (unknown,) = floor.cancel("never")
    assert unknown.status is OrdStatus.REJECTED


def test_replace_keeps_its_place_only_for_less_at_the_same_price(floor):
    model = floor.desk.model("ABC.X")
    floor.new(qty=8)
    floor.trade(100, 4, 2)
    floor.book((1, 100, 30))
    assert model.ahead("a") == 6
    assert brief(floor.replace(qty=5, price=100)) == [("REPLACED", "NEW", 0, 0, 0)]
    assert model.ahead("a") == 6
    floor.replace(qty=6, price=100)
    assert model.ahead("a") == 30
    floor.replace(qty=6, price=101)
    assert model.ahead("a") == 0
    floor.replace(qty=6, price=100)
    assert model.ahead("a") == 30


def test_replace_may_trade_at_once_and_counts_what_was_filled(floor):
    floor.new(qty=6, price=101)
    floor.trade(101, 2, 2)
    reports = floor.replace(qty=5, price=102)
    assert brief(reports) == [
        ("REPLACED", "PARTIALLY_FILLED", 2, 0, 0),
        ("TRADE", "FILLED", 5, 102, 3),
    ]
    (late,) = floor.replace(qty=9, price=102)
    assert (late.replace, late.status) == (True, OrdStatus.FILLED)


@pytest.mark.parametrize(("qty", "price"), [(2, 101), (1, 101), (6, 0), (6, 1 << 31)])
def test_a_replace_that_cannot_be_changes_nothing(floor, qty, price):
    floor.new(qty=6, price=101)
    floor.trade(101, 2, 2)
    (report,) = floor.replace(qty=qty, price=price)
    assert isinstance(report, CancelReject)
    assert report.status is OrdStatus.PARTIALLY_FILLED
    floor.trade(101, 9, 2)
    assert floor.reports[-1].cum_qty == 6


def test_moving_the_replay_cancels_with_a_reason(floor):
    floor.new("a")
    floor.new("b", Side.SELL, price=105)
    floor.desk.moved(99, "The replay moved.")
    assert [(r.cl_ord_id, r.status, r.text) for r in floor.reports[-2:]] == [
        ("a", OrdStatus.CANCELED, "The replay moved."),
        ("b", OrdStatus.CANCELED, "The replay moved."),
    ]
    assert floor.desk.model("ABC.X").levels() == []


def test_orders_are_taken_back_at_the_end_of_their_queues(floor):
    floor.desk.take_back(
        [
            order("old", status=OrdStatus.PARTIALLY_FILLED, cum_qty=2),
            order("unsure", price=98),
            order("elsewhere", instrument="NO.X", status=OrdStatus.NEW),
            order("market", kind=OrdType.MARKET),
        ],
        7,
    )
    assert [(r.cl_ord_id, r.exec_type.name) for r in floor.reports] == [
        ("unsure", "NEW"),
        ("elsewhere", "CANCELED"),
        ("market", "CANCELED"),
    ]
    assert [(o.cl_ord_id, o.cum_qty) for o in floor.desk.working()] == [("old", 2), ("unsure", 0)]
    floor.trade(100, 11, 2)
    fill = floor.reports[-1]
    assert (fill.cl_ord_id, fill.cum_qty, fill.last_qty) == ("old", 3, 1)


def test_execution_ids_are_unique_and_the_same_each_time():
    runs = []
    for _ in range(2):
        floor = Floor()
        floor.new("a", qty=6, price=102)
        floor.new("b", qty=3)
        floor.new("c", qty=3, price=0)
        floor.replace("b", qty=2, price=101)
        floor.replace("b", qty=2, price=100)
        floor.trade(99, 1, 2)
        floor.trade(99, 3, 2)
        floor.cancel("b")
        runs.append(floor.reports)
    assert runs[0] == runs[1]
    ids = [report.exec_id for report in runs[0] if isinstance(report, ExecutionReport)]
    assert len(set(ids)) == len(ids) > 6


def test_of_orders_that_are_over_the_newest_are_known(floor, monkeypatch):
    monkeypatch.setattr(own, "_REMEMBERED", 3)
    for n in range(6):
        floor.new(f"o{n}", price=90)
        floor.cancel(f"o{n}")
    floor.new("bad", price=90, instrument="no such")
    told = floor.desk.statement(0, [*(f"o{n}" for n in range(6)), "bad"])
    assert [o.cl_ord_id for o in told.asked] == ["o4", "o5", "bad"]
