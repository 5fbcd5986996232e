"""What a replay holds itself: a quantity that is kept back, and orders for one session."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.model.enums import MarketStatus, OrdStatus, OrdType, Side, TimeInForce
from core.model.instruments import Session, TradingHours
from core.model.market import BookUpdate, StatusUpdate, Trade
from core.model.requests import VenueNew, VenueReplace
from core.venues.replay.desk import Desk
from core.venues.replay.events import Knowledge
from core.venues.replay.fills import QueueModel
from tests.core.venues.replay.test_desk import ABC, Floor, order

BID, ASK = 1, 2
SELLER = 2
HOUR = 3_600_000_000_000


def market():
    model = QueueModel(Knowledge.FULL)
    model.book([(BID, 100, 10), (BID, 99, 10), (ASK, 101, 10)], True, 0)
    return model


def lots(executions):
    return [execution.qty for execution in executions]


def test_the_next_part_joins_the_end_of_the_queue():
    model = market()
    model.rest("a", BID, 100, 7, 3)
    # Ten before it, and the part that is shown; the rest of that trade was for others.
    assert lots(model.trade(100, 20, SELLER, 1)) == [3]
    assert model.ahead("a") == 10
    assert lots(model.trade(100, 12, SELLER, 2)) == [2]
    assert lots(model.trade(100, 1, SELLER, 3)) == [1]
    assert lots(model.trade(100, 99, SELLER, 4)) == [1]
    assert model.trade(100, 99, SELLER, 5) == []


def test_a_trade_through_its_price_fills_what_is_kept_back_too():
    model = market()
    model.rest("a", BID, 100, 7, 3)
    assert lots(model.trade(99, 5, SELLER, 1)) == [5]
    assert lots(model.trade(99, 5, SELLER, 2)) == [2]


def test_a_market_that_moves_onto_it_fills_what_is_kept_back_too():
    model = market()
    model.rest("a", BID, 100, 7, 3)
    moved = [(BID, 100, 0), (ASK, 100, 5)]
    assert lots(model.book(moved, False, 1)) == [5]
    assert lots(model.book([(ASK, 100, 6)], False, 2)) == [1]
    assert lots(model.book([(ASK, 100, 60)], False, 3)) == [1]


@given(
    st.integers(1, 50),
    st.integers(1, 50),
    st.lists(st.tuples(st.sampled_from([100, 99]), st.integers(1, 40)), max_size=30),
)
def test_it_is_never_filled_for_more_than_it_is_nor_than_was_traded(qty, display, trades):
    model, plain = market(), market()
    model.rest("a", BID, 100, qty, min(display, qty))
    plain.rest("a", BID, 100, qty)
    shown = full = 0
    for at, (price, traded) in enumerate(trades, 1):
        got = sum(lots(model.trade(price, traded, SELLER, at)))
        assert got <= traded
        shown += got
        full += sum(lots(plain.trade(price, traded, SELLER, at)))
        assert shown <= full <= qty, "who shows less is not served before who shows all"


def test_at_the_desk():
    floor = Floor()
    hidden = msgspec.structs.replace(order(qty=9), display_qty=2)
    floor.send(VenueNew(hidden))
    floor.trade(100, 30, SELLER)
    assert floor.reports[-1].last_qty == 2
    floor.send(VenueReplace(hidden, "more", 12, 100))
    assert floor.reports[-1].qty == 12
    floor.trade(100, 11, SELLER)
    assert floor.reports[-1].cum_qty == 3
    floor.send(VenueReplace(hidden, "less", 4, 100))
    floor.trade(99, 30, SELLER)
    assert (floor.reports[-1].status, floor.reports[-1].cum_qty) == (OrdStatus.FILLED, 4)
    assert floor.desk.working() == []


@pytest.mark.parametrize(
    "terms",
    [
        {"display_qty": 6},
        {"display_qty": 2, "tif": TimeInForce.IOC},
        {"display_qty": 2, "ord_type": OrdType.MARKET, "price": 0},
    ],
)
def test_what_cannot_be_kept_back_is_refused(terms):
    floor = Floor()
    (report,) = floor.send(VenueNew(msgspec.structs.replace(order(), **terms)))
    assert "show a part" in report.text


HOURS = TradingHours("UTC", tuple(Session(day, 600, 900) for day in range(7)))  # 10 to 15


def day_desk():
    listed = msgspec.structs.replace(ABC, hours=HOURS)
    desk, reports = Desk("X", [listed], [Knowledge.FULL]), []
    desk.connect(reports.append)
    book = BookUpdate("ABC.X", 1, 1, [(1, 98, 10), (2, 102, 4)], True)
    desk.market(book, False, 11 * HOUR)
    return desk, reports


def test_a_day_order_expires_before_what_comes_after_the_close():
    desk, reports = day_desk()
    desk.request(VenueNew(order("day", tif=TimeInForce.DAY)), 12 * HOUR)
    desk.request(VenueNew(order("gtc")), 12 * HOUR)
    desk.market(Trade("ABC.X", 1, 1, 98, 1, SELLER), False, 15 * HOUR - 1)
    assert [r.cl_ord_id for r in reports if r.exec_type.name == "TRADE"] == ["day"]
    # The first trade of the next morning would have filled it.
    desk.market(Trade("ABC.X", 1, 1, 90, 50, SELLER), False, 34 * HOUR)
    ended = [r for r in reports if r.status is OrdStatus.EXPIRED]
    assert [(r.cl_ord_id, r.cum_qty, r.text) for r in ended] == [("day", 1, "The session is over.")]
    assert reports[-1].cl_ord_id == "gtc"
    assert desk.working() == []


def test_an_order_of_before_a_restart_is_for_the_session_at_hand():
    desk, reports = day_desk()
    old = order("day", tif=TimeInForce.DAY, status=OrdStatus.NEW)
    desk.take_back([old], 12 * HOUR)
    desk.market(StatusUpdate("ABC.X", 1, 1, MarketStatus.OPEN), False, 13 * HOUR)
    assert reports == []
    desk.request(VenueNew(order("late", side=Side.SELL, price=110)), 16 * HOUR)
    assert [(r.cl_ord_id, r.status.name) for r in reports] == [("day", "EXPIRED"), ("late", "NEW")]
