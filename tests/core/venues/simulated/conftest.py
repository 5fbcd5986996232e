"""A simulated venue run by hand, and what a legal story of reports looks like."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from core.model.enums import ExecType, OrdStatus, OrdType, Side, Source, TimeInForce
from core.model.events import CancelReject, ExecutionReport, LinkUpdate, VenueEvent
from core.model.instruments import Instrument
from core.model.market import BookUpdate, MarketData, Quote, StatusUpdate, Trade, TradeHistory
from core.model.orders import Order
from core.model.requests import VenueCancel, VenueNew, VenueReplace
from core.venues.simulated import Listing, SimulatedVenue

T0 = 1_700_000_000_000_000_000
SECOND = 1_000_000_000

ACME = Instrument(
    id="ACME.TEST",
    symbol="ACME",
    venue="TEST",
    tick=Decimal("0.01"),
    lot=Decimal(1),
    currency="USD",
    max_qty=1_000_000,
    order_types=(OrdType.LIMIT, OrdType.MARKET, OrdType.STOP, OrdType.STOP_LIMIT),
    maker_fee=Decimal("-0.0001"),
    taker_fee=Decimal("0.00033"),
)


class PublicBook:
    """The book as its readers see it: snapshots and deltas applied to plain dictionaries."""

    def __init__(self) -> None:
        self.sides: dict[int, dict[int, int]] = {1: {}, 2: {}}
        self.known = False
        self.quote: Quote | None = None

    def apply(self, update: BookUpdate) -> None:
        if update.snapshot:
            self.sides = {1: {}, 2: {}}
            self.known = True
        assert self.known, "a delta came before the snapshot"
        for side, price, qty in update.levels:
            assert price > 0
            assert qty >= 0
            if qty:
                self.sides[side][price] = qty
            else:
                self.sides[side].pop(price, None)

    def top(self) -> tuple[int, int, int, int]:
        bid = max(self.sides[1], default=0)
        ask = min(self.sides[2], default=0)
        return bid, self.sides[1].get(bid, 0), ask, self.sides[2].get(ask, 0)


class Rig:
    """A venue run by hand with everything it said, and every check that always holds."""

    def __init__(self, venue: SimulatedVenue) -> None:
        self.venue = venue
        self.market: list[MarketData] = []
        self.events: list[VenueEvent] = []
        self.books: dict[str, PublicBook] = defaultdict(PublicBook)
        self.names = 0
        self.sent: dict[str, Order] = {}
        self.requests: dict[str, VenueCancel | VenueReplace] = {}

    def open(self, ts: int = T0) -> Rig:
        self.venue.open(self._take, self.events.append, ts)
        return self

    def _take(self, message: MarketData) -> None:
        self.market.append(message)
        if isinstance(message, TradeHistory):
            return
        assert message.ts <= message.received
        if isinstance(message, BookUpdate):
            book = self.books[message.instrument]
            book.apply(message)
            bid, _, ask, _ = book.top()
            assert not bid or not ask or bid < ask, f"crossed: {bid} {ask}"
        elif isinstance(message, Quote):
            book = self.books[message.instrument]
            quote = (message.bid, message.bid_qty, message.ask, message.ask_qty)
            assert quote == book.top()
            book.quote = message

    def run(self, seconds: float) -> None:
        self.venue.advance(self.venue.now + int(seconds * SECOND))

    def top(self, instrument: str = ACME.id) -> tuple[int, int, int, int]:
        return self.books[instrument].top()

    def order(self, side: Side, qty: int, price: int = 0, **fields: Any) -> Order:
        self.names += 1
        given = {
            "cl_ord_id": f"T-{self.names}",
            "account": "A1",
            "instrument": ACME.id,
            "ord_type": OrdType.LIMIT if price else OrdType.MARKET,
            "stop_price": 0,
            "tif": TimeInForce.GTC,
            "post_only": False,
        } | fields
        return Order(
            side=side,
            qty=qty,
            price=price,
            reduce_only=False,
            source=Source.USER,
            trader="",
            strategy="",
            status=given.pop("status", OrdStatus.PENDING_NEW),
            created=0,
            updated=0,
            **given,
        )

    def new(self, side: Side, qty: int, price: int = 0, **fields: Any) -> Order:
        order = self.order(side, qty, price, **fields)
        self.sent[order.cl_ord_id] = order
        self.venue.send(VenueNew(order))
        return order

    def cancel(self, order: Order) -> str:
        self.names += 1
        request = f"C-{self.names}"
        self.requests[request] = VenueCancel(order, request)
        self.venue.send(self.requests[request])
        return request

    def replace(self, order: Order, qty: int, price: int, stop: int = 0) -> str:
        self.names += 1
        request = f"R-{self.names}"
        self.requests[request] = VenueReplace(order, request, qty, price, stop)
        self.venue.send(self.requests[request])
        return request

    def story(self, order: Order) -> list[ExecutionReport | CancelReject]:
        return [
            event
            for event in self.events
            if not isinstance(event, LinkUpdate) and event.cl_ord_id == order.cl_ord_id
        ]

    def kinds(self, order: Order) -> list[str]:
        return [
            "REFUSED" if isinstance(event, CancelReject) else event.exec_type.name
            for event in self.story(order)
        ]

    def trades(self) -> list[Trade]:
        return [message for message in self.market if isinstance(message, Trade)]

    def statuses(self) -> list[StatusUpdate]:
        return [message for message in self.market if isinstance(message, StatusUpdate)]

    def check_stories(self) -> None:
        """Every order and request has a story that FIX allows."""
        reports = [event for event in self.events if isinstance(event, ExecutionReport)]
        assert len({report.exec_id for report in reports}) == len(reports)
        times = [event.ts for event in self.events]
        assert times == sorted(times)
        answers: dict[str, int] = defaultdict(int)
        changed = {one.order.cl_ord_id: one.order for one in self.requests.values()}
        for order in (changed | self.sent).values():
            self._check_story(order, answers)
        for request in self.requests:
            assert answers[request] == 1, f"{request} was answered {answers[request]} times"

    def _check_story(self, order: Order, answers: dict[str, int]) -> None:
        story = self.story(order)
        assert story, f"{order.cl_ord_id} has no story"
        cum, qty = order.cum_qty, order.qty
        status = None if order.status is OrdStatus.PENDING_NEW else order.status
        for event in story:
            assert event.received >= event.ts
            if isinstance(event, CancelReject):
                answers[event.request] += 1
                assert event.text
                assert event.status is (status or OrdStatus.REJECTED)
                continue
            if event.request != order.cl_ord_id:
                answers[event.request] += 1
            if event.exec_type is ExecType.ORDER_STATUS:
                assert event.status is status
                continue
            assert status is None or not status.terminal, f"{event} after {status}"
            if status is None:
                assert event.exec_type in (ExecType.NEW, ExecType.REJECTED)
            else:
                assert event.exec_type not in (ExecType.NEW, ExecType.REJECTED)
            if event.exec_type is ExecType.REPLACED:
                qty = event.qty
            elif event.exec_type is ExecType.TRADE:
                assert event.last_qty > 0
                assert event.last_price > 0
                cum += event.last_qty
            assert (event.cum_qty, event.qty) == (cum, qty)
            assert cum <= qty or event.exec_type is ExecType.REJECTED
            assert event.side is order.side
            working = OrdStatus.PARTIALLY_FILLED if cum else OrdStatus.NEW
            expected = {
                ExecType.NEW: working,
                ExecType.REPLACED: working,
                ExecType.TRADE: OrdStatus.FILLED if cum == qty else OrdStatus.PARTIALLY_FILLED,
                ExecType.CANCELED: OrdStatus.CANCELED,
                ExecType.EXPIRED: OrdStatus.EXPIRED,
                ExecType.REJECTED: OrdStatus.REJECTED,
            }[event.exec_type]
            assert event.status is expected
            if event.exec_type is ExecType.REJECTED:
                assert event.text
            status = event.status


@pytest.fixture
def make_rig() -> Callable[..., Rig]:
    """Makes a rig with one instrument; `rate` 0 is a market where nobody but us acts."""

    def make(rate: float = 0.0, seed: int = 1, hours: Any = None, **fields: Any) -> Rig:
        instrument = ACME
        if hours is not None:
            tifs = (TimeInForce.DAY, *ACME.tifs)
            instrument = msgspec.structs.replace(ACME, hours=hours, tifs=tifs)
        listing = Listing(instrument, 10_000, 0.3, rate or 1e-6, 100.0, 100, history_seconds=600)
        fields = {"halts_a_day": 0.0} | fields
        return Rig(SimulatedVenue("TEST", [listing], seed=seed, **fields))

    return make


@pytest.fixture
def still(make_rig: Callable[..., Rig]) -> Rig:
    """An open market without latency in which nobody but us acts."""
    return make_rig().open()
