"""A venue that keeps the truth, with real matching.

It sits behind `core.venues.remote.host.VenueHost`, as any venue in a process of its own does, and
outlives the engine. What it reports may be late, twice or out of order; what it holds is true, and
on its disk: when its program dies and starts again (`core.simulation.venues`) orders, books and
executions are as they were, and only what it had not told yet is never told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal

from core.book.matching import (
    BUY,
    LIMIT_FOK,
    LIMIT_GTC,
    LIMIT_IOC,
    MARKET,
    OK,
    POST_ONLY,
    SELL,
    Fill,
    MatchingBook,
)
from core.model.commands import VenueControl
from core.model.enums import (
    ExecType,
    LinkState,
    Liquidity,
    MarketStatus,
    Mode,
    OrdStatus,
    OrdType,
    TimeInForce,
)
from core.model.events import (
    CancelReject,
    ExecutionReport,
    LinkUpdate,
    VenueEvent,
    VenueOrder,
    VenuePosition,
    VenueStatement,
)
from core.model.instruments import Instrument
from core.model.market import Quote, StatusUpdate, Trade
from core.model.orders import Order
from core.model.requests import VenueCancel, VenueNew, VenueReplace, VenueRequest
from core.simulation.loop import VirtualLoop
from core.simulation.own import Execution, Own, Truth
from core.venues.venue import EventSink, MarketSink

WORK = 0.0003
"""Seconds from a request's arrival to the book."""
QUOTE_EVERY = 0.5
START = 10_000
_EXECUTIONS = (ExecType.TRADE, ExecType.TRADE_CANCEL, ExecType.TRADE_CORRECT)
_TAKER_FEE = Decimal("0.0007")
_MAKER_FEE = Decimal("-0.0002")


class Exchange:
    """One venue.

    Args:
        emit: sends an event on its way to the member, now or late or twice.

    Attributes:
        truth: what it knows for certain.
        books: who waits for what, by instrument.
        refusing: the next requests of this many are refused.
        halted: instruments whose market is halted.
        drops_day: DAY orders end when its program starts again; else they are kept.
    """

    mode = Mode.PAPER

    def __init__(
        self,
        name: str,
        instruments: Sequence[Instrument],
        loop: VirtualLoop,
        clock: Callable[[], int],
        emit: Callable[[EventSink, VenueEvent], None],
        drops_day: bool = False,
    ) -> None:
        self.name = name
        self.truth = Truth()
        self.books = {i.id: MatchingBook() for i in instruments}
        self.refusing = 0
        self.halted: set[str] = set()
        self.drops_day = drops_day
        self._instruments = tuple(instruments)
        self._listed = {i.id: i for i in instruments}
        self._loop = loop
        self._clock = clock
        self._emit = emit
        self._own: dict[int, Own] = {}
        self._reports = 0
        self._ids = 1
        self._opened = False
        self._market: MarketSink
        self._events: EventSink

    # -- the venue as its host sees it -------------------------------------------------------

    def instruments(self) -> Sequence[Instrument]:
        """What trades here."""
        return self._instruments

    def resume(self, working: Sequence[Order], marks: Mapping[str, int]) -> None:
        """It has a memory of its own."""

    async def start(self, market: MarketSink, events: EventSink) -> None:
        """Open with a few orders of others in each book, or go on where its program died."""
        self._market, self._events = market, events
        events(LinkUpdate(self.name, self._clock(), LinkState.UP, "open"))
        for name, book in self.books.items():
            if not self._opened:
                for step in range(1, 6):
                    book.add(self.new_id(), BUY, START - step, 20)
                    book.add(self.new_id(), SELL, START + step, 20)
            self._status(name)
        if self._opened and self.drops_day:
            for own in list(self.truth.working()):
                if own.order.tif is TimeInForce.DAY:
                    self.end(own, OrdStatus.EXPIRED, ExecType.EXPIRED, "Its day is over.")
        self._opened = True
        self._quote_all()

    def send(self, request: VenueRequest) -> None:
        """A request arrives; it is worked off a moment later, in order."""
        self._loop.call_later(WORK, self._work, request)

    async def working_orders(self) -> tuple[VenueOrder, ...]:
        """The list, made after whatever arrived before it was asked for."""
        await asyncio.sleep(WORK)
        return self._list(self.truth.working())

    async def statement(self, since: int, orders: Sequence[str]) -> VenueStatement:
        """All that it knows of us, made like the list."""
        await asyncio.sleep(WORK)
        truth = self.truth
        return VenueStatement(
            self._list(truth.working()),
            self._list(truth.orders[name] for name in orders if name in truth.orders),
            tuple(report for report in truth.executed if report.ts >= since),
            tuple(
                VenuePosition(instrument.id, truth.position(account, instrument.id), account)
                for account in truth.accounts()
                for instrument in self._instruments
            ),
            ts=self._clock(),
        )

    def _list(self, orders: Iterable[Own]) -> tuple[VenueOrder, ...]:
        return tuple(
            VenueOrder(
                own.order.cl_ord_id,
                f"{self.name}-{own.book}",
                own.order.instrument,
                own.order.side,
                own.qty,
                own.price,
                own.cum,
                own.status,
                sum(
                    abs(self._listed[own.order.instrument].cost(done.price, done.qty))
                    for done in own.execs
                ),
                own.order.account,
            )
            for own in orders
        )

    def control(self, command: VenueControl) -> str:
        """Not steered from outside."""
        return f"{self.name} takes no commands."

    async def stop(self) -> None:
        """Its program is ended by its owner's end."""

    # -- requests ----------------------------------------------------------------------------

    def _work(self, request: VenueRequest) -> None:
        refuse = self.refusing > 0
        self.refusing -= refuse
        if isinstance(request, VenueNew):
            self._new(request.order, refuse)
        elif isinstance(request, VenueCancel):
            self._cancel(request, refuse)
        else:
            self._replace(request, refuse)

    def _new(self, order: Order, refuse: bool) -> None:
        name, truth = order.cl_ord_id, self.truth
        if name in truth.orders:
            truth.wrong.append(f"{self.name} was sent order {name} twice.")
            return
        own = truth.orders[name] = Own(order, self.new_id())
        if refuse or order.instrument in self.halted or order.qty <= 0:
            own.status = OrdStatus.REJECTED
            self.report(own, ExecType.REJECTED, name, "Not now.")
            return
        self._own[own.book] = own
        book = self.books[order.instrument]
        price = order.price or START
        listed = self._listed[order.instrument]
        if order.ord_type not in listed.order_types or order.tif not in listed.tifs:
            text = f"a {order.ord_type.name} order, {order.tif.name}"
            truth.wrong.append(f"{self.name} was sent {name}, {text}.")
            return
        fills = book.add_fills(own.book, int(order.side), price, order.qty, _kind(order))
        if book.status != OK:
            own.status = OrdStatus.REJECTED if order.post_only else OrdStatus.EXPIRED
            kind = ExecType.REJECTED if order.post_only else ExecType.EXPIRED
            self.report(own, kind, name, "It cannot trade so.")
            return
        self.report(own, ExecType.NEW, name)
        self.traded(order.instrument, fills)
        self._expire(own)

    def _cancel(self, request: VenueCancel, refuse: bool) -> None:
        own = self.truth.orders.get(request.order.cl_ord_id)
        if own is None or not own.working or refuse:
            self._reject(request, own, False)
            return
        self.end(own, OrdStatus.CANCELED, ExecType.CANCELED, "", request.request)
        self.quote(own.order.instrument)

    def _replace(self, request: VenueReplace, refuse: bool) -> None:
        own = self.truth.orders.get(request.order.cl_ord_id)
        shut = own is not None and own.order.instrument in self.halted
        if own is None or not own.working or refuse or shut or request.qty <= own.cum:
            self._reject(request, own, True)
            return
        book = self.books[own.order.instrument]
        own.qty, own.price = request.qty, request.price
        fills = book.replace_fills(own.book, request.price, request.qty - own.cum)
        self.report(own, ExecType.REPLACED, request.request)
        self.traded(own.order.instrument, fills)
        self._expire(own)

    def _reject(self, request: VenueCancel | VenueReplace, own: Own | None, replace: bool) -> None:
        now = self._clock()
        status = OrdStatus.REJECTED if own is None else own.status
        event = CancelReject(
            self.name, now, now, request.order.cl_ord_id, request.request, status, replace, "No."
        )
        self._emit(self._events, event)

    def _expire(self, own: Own) -> None:
        """What did not trade and does not rest is over."""
        if own.working and self.books[own.order.instrument].order(own.book) is None:
            own.status = OrdStatus.EXPIRED
            self.report(own, ExecType.EXPIRED, "")

    # -- what its own doings and those of others lead to -------------------------------------

    def new_id(self) -> int:
        """A number that no other order in its books has."""
        self._ids += 1
        return self._ids

    def end(
        self, own: Own, status: OrdStatus, kind: ExecType, text: str, request: str = ""
    ) -> None:
        """An order leaves the book."""
        self.books[own.order.instrument].cancel(own.book)
        own.status = status
        self.report(own, kind, request, text)

    def halt(self, instrument: str, halted: bool) -> None:
        """The market of one instrument stops, or goes on."""
        (self.halted.add if halted else self.halted.discard)(instrument)
        self._status(instrument)

    def traded(self, instrument: str, fills: Sequence[Fill]) -> None:
        """The book matched; whoever of ours was part of it is told."""
        now = self._clock()
        for fill in fills:
            for book, liquidity in ((fill.taker, Liquidity.REMOVED), (fill.maker, Liquidity.ADDED)):
                own = self._own.get(book)
                if own is not None:
                    self.execute(own, fill.price, fill.qty, liquidity)
            self._market(Trade(instrument, now, now, fill.price, fill.qty, 0))
        self.quote(instrument)

    def execute(self, own: Own, price: int, qty: int, liquidity: Liquidity) -> None:
        """One order trades."""
        own.cum += qty
        if own.cum >= own.qty:
            own.status = OrdStatus.FILLED
        elif own.working:
            own.status = OrdStatus.PARTIALLY_FILLED
        fee = qty * (_TAKER_FEE if liquidity is Liquidity.REMOVED else _MAKER_FEE)
        done = Execution(self.next_report("e"), price, qty, fee)
        own.execs.append(done)
        self.report(own, ExecType.TRADE, "", exec_id=done.id, done=done, liquidity=liquidity)

    def next_report(self, kind: str) -> str:
        """An id for a report."""
        self._reports += 1
        return f"{self.name}-{kind}{self._reports}"

    def report(
        self,
        own: Own,
        kind: ExecType,
        request: str,
        text: str = "",
        *,
        exec_id: str = "",
        ref: str = "",
        done: Execution | None = None,
        liquidity: Liquidity = Liquidity.UNKNOWN,
    ) -> None:
        """Tell the member what happened to an order."""
        now = self._clock()
        report = ExecutionReport(
            self.name,
            now,
            now,
            own.order.cl_ord_id,
            kind,
            own.status,
            f"{self.name}-{own.book}",
            exec_id or self.next_report("r"),
            request,
            own.order.instrument,
            own.order.side,
            own.qty,
            own.price,
            own.cum,
            0 if done is None else done.price,
            0 if done is None else done.qty,
            Decimal(0) if done is None else done.fee,
            self._listed[own.order.instrument].currency,
            liquidity,
            text,
            ref,
            own.order.account,
        )
        if kind in _EXECUTIONS:
            self.truth.executed.append(report)
        self._emit(self._events, report)

    def tell(self, report: ExecutionReport) -> None:
        """Tell the member of an execution that is no order's of ours."""
        self.truth.executed.append(report)
        self._emit(self._events, report)

    def now(self) -> int:
        """The venue's own time, which is right."""
        return self._clock()

    def quote(self, instrument: str) -> None:
        """Say the best prices."""
        book, now = self.books[instrument], self._clock()
        bid, ask = book.best_bid(), book.best_ask()
        sizes = [
            book.level(side, price)[0] if price else 0 for side, price in ((BUY, bid), (SELL, ask))
        ]
        self._market(Quote(instrument, now, now, bid, sizes[0], ask, sizes[1]))

    def _status(self, instrument: str) -> None:
        now = self._clock()
        status = MarketStatus.HALTED if instrument in self.halted else MarketStatus.OPEN
        self._market(StatusUpdate(instrument, now, now, status, ""))

    def _quote_all(self) -> None:
        for name in self.books:
            self.quote(name)
        self._loop.call_later(QUOTE_EVERY, self._quote_all)


def _kind(order: Order) -> int:
    if order.ord_type is OrdType.MARKET:
        return MARKET
    if order.post_only:
        return POST_ONLY
    return {TimeInForce.IOC: LIMIT_IOC, TimeInForce.FOK: LIMIT_FOK}.get(order.tif, LIMIT_GTC)
