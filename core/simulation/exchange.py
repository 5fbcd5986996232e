"""A venue that keeps the truth: real matching, and whatever venues do on bad days.

It sits behind `core.venues.remote.host.VenueHost`, as any venue in a process of its own does, and
outlives the engine. What it reports may be late, twice or out of order; what it holds is true.
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
    Side,
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
from core.venues.venue import EventSink, MarketSink

WORK = 0.0003
"""Seconds from a request's arrival to the book."""
QUOTE_EVERY = 0.5
START = 10_000
CORRECTED = "-corrected"
_EXECUTIONS = (ExecType.TRADE, ExecType.TRADE_CANCEL, ExecType.TRADE_CORRECT)
_TAKER_FEE = Decimal("0.0007")
_MAKER_FEE = Decimal("-0.0002")


class Own:
    """An order as the exchange has it. `over`: it was filled beyond its quantity, on purpose."""

    __slots__ = ("book", "cum", "execs", "order", "over", "price", "qty", "status")

    def __init__(self, order: Order, book: int) -> None:
        self.order = order
        self.book = book
        self.qty = order.qty
        self.price = order.price
        self.cum = 0
        self.over = False
        self.status = OrdStatus.NEW
        self.execs: list[Execution] = []

    @property
    def working(self) -> bool:
        """May it still trade?"""
        return not self.status.terminal


class Execution:
    """One execution."""

    __slots__ = ("fee", "id", "price", "qty")

    def __init__(self, name: str, price: int, qty: int, fee: Decimal) -> None:
        self.id = name
        self.price = price
        self.qty = qty
        self.fee = fee


class Exchange:
    """One venue.

    Args:
        emit: sends an event on its way to the member, now or late or twice.

    Attributes:
        orders: every order that was ever entered, by client order id.
        wrong: sentences about what no member may do, such as an order that was sent twice.
        refusing: the next requests of this many are refused.
    """

    mode = Mode.PAPER

    def __init__(
        self,
        name: str,
        instruments: Sequence[Instrument],
        loop: VirtualLoop,
        clock: Callable[[], int],
        emit: Callable[[EventSink, VenueEvent], None],
    ) -> None:
        self.name = name
        self._instruments = tuple(instruments)
        self._listed = {i.id: i for i in instruments}
        self._loop = loop
        self._clock = clock
        self._emit = emit
        self.orders: dict[str, Own] = {}
        self.wrong: list[str] = []
        self.refusing = 0
        self.reports = 0
        self.halted: set[str] = set()
        self.foreign: dict[str, tuple[str, str, int, int]] = {}
        self._books = {i.id: MatchingBook() for i in instruments}
        self._own: dict[int, Own] = {}
        self._executed: list[ExecutionReport] = []
        self._ids = 1
        self._market: MarketSink
        self._events: EventSink
        self._quoting: asyncio.Handle | None = None

    # -- the venue as its host sees it -------------------------------------------------------

    def instruments(self) -> Sequence[Instrument]:
        """What trades here."""
        return self._instruments

    def resume(self, working: Sequence[Order], marks: Mapping[str, int]) -> None:
        """It has a memory of its own."""

    async def start(self, market: MarketSink, events: EventSink) -> None:
        """Open, with a few orders of others in each book."""
        self._market, self._events = market, events
        events(LinkUpdate(self.name, self._clock(), LinkState.UP, "open"))
        for name, book in self._books.items():
            for step in range(1, 6):
                book.add(self._id(), BUY, START - step, 20)
                book.add(self._id(), SELL, START + step, 20)
            self._status(name, MarketStatus.OPEN)
        self._quote_all()

    def send(self, request: VenueRequest) -> None:
        """A request arrives; it is worked off a moment later, in order."""
        self._loop.call_later(WORK, self._work, request)

    async def working_orders(self) -> tuple[VenueOrder, ...]:
        """The list, made after whatever arrived before it was asked for."""
        await asyncio.sleep(WORK)
        return self._list(own for own in self.orders.values() if own.working)

    async def statement(self, since: int, orders: Sequence[str]) -> VenueStatement:
        """All that it knows of us, made like the list."""
        await asyncio.sleep(WORK)
        accounts = {own.order.account for own in self.orders.values()}
        accounts.update(account for account, *_ in self.foreign.values())
        return VenueStatement(
            self._list(own for own in self.orders.values() if own.working),
            self._list(self.orders[name] for name in orders if name in self.orders),
            tuple(report for report in self._executed if report.ts >= since),
            tuple(
                VenuePosition(instrument.id, self.position(account, instrument.id), account)
                for account in sorted(accounts)
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
        """Close."""
        if self._quoting is not None:
            self._quoting.cancel()

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
        name = order.cl_ord_id
        if name in self.orders:
            self.wrong.append(f"{self.name} was sent order {name} twice.")
            return
        own = self.orders[name] = Own(order, self._id())
        if refuse or order.instrument in self.halted or order.qty <= 0:
            own.status = OrdStatus.REJECTED
            self._report(own, ExecType.REJECTED, name, "Not now.")
            return
        self._own[own.book] = own
        book = self._books[order.instrument]
        price = order.price or START
        if order.ord_type not in (OrdType.MARKET, OrdType.LIMIT):
            self.wrong.append(f"{self.name} was sent {name}, a {order.ord_type.name} order.")
            return
        fills = book.add_fills(own.book, int(order.side), price, order.qty, _kind(order))
        if book.status != OK:
            own.status = OrdStatus.REJECTED if order.post_only else OrdStatus.EXPIRED
            kind = ExecType.REJECTED if order.post_only else ExecType.EXPIRED
            self._report(own, kind, name, "It cannot trade so.")
            return
        self._report(own, ExecType.NEW, name)
        self._traded(order.instrument, fills)
        self._expire(own)

    def _cancel(self, request: VenueCancel, refuse: bool) -> None:
        own = self.orders.get(request.order.cl_ord_id)
        if own is None or not own.working or refuse:
            self._reject(request, own, False)
            return
        self._books[own.order.instrument].cancel(own.book)
        own.status = OrdStatus.CANCELED
        self._report(own, ExecType.CANCELED, request.request)
        self._quote(own.order.instrument)

    def _replace(self, request: VenueReplace, refuse: bool) -> None:
        own = self.orders.get(request.order.cl_ord_id)
        shut = own is not None and own.order.instrument in self.halted
        if own is None or not own.working or refuse or shut or request.qty <= own.cum:
            self._reject(request, own, True)
            return
        book = self._books[own.order.instrument]
        own.qty, own.price = request.qty, request.price
        fills = book.replace_fills(own.book, request.price, request.qty - own.cum)
        self._report(own, ExecType.REPLACED, request.request)
        self._traded(own.order.instrument, fills)
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
        if own.working and self._books[own.order.instrument].order(own.book) is None:
            own.status = OrdStatus.EXPIRED
            self._report(own, ExecType.EXPIRED, "")

    # -- what others do ----------------------------------------------------------------------

    def trade(self, instrument: str, side: int, qty: int) -> None:
        """Somebody takes what is there."""
        book = self._books[instrument]
        self._traded(instrument, book.add_fills(self._id(), side, START, qty, MARKET))

    def rest(self, instrument: str, side: int, away: int, qty: int) -> None:
        """Somebody else's order comes to rest `away` ticks from the other side's best."""
        book = self._books[instrument]
        best = book.best_ask() if side == BUY else book.best_bid()
        price = (best or START) - away if side == BUY else (best or START) + away
        self._traded(instrument, book.add_fills(self._id(), side, max(1, price), qty))

    def cancel_unasked(self, own: Own) -> None:
        """The venue ends an order by itself."""
        self._books[own.order.instrument].cancel(own.book)
        own.status = OrdStatus.CANCELED
        self._report(own, ExecType.CANCELED, "", "By the venue.")

    def overfill(self, own: Own, qty: int) -> None:
        """The venue fills more than there was to fill."""
        self._books[own.order.instrument].cancel(own.book)
        own.over = True
        own.status = OrdStatus.FILLED
        self._execute(own, own.price or START, own.qty - own.cum + qty, Liquidity.REMOVED)

    def bust(self, own: Own) -> None:
        """The newest execution of an order that ended is taken back."""
        old = own.execs.pop()
        own.cum -= old.qty
        if own.status is OrdStatus.FILLED:
            own.status = OrdStatus.CANCELED  # it does not come back into the book
        self._report(own, ExecType.TRADE_CANCEL, "", exec_id=f"{old.id}-bust", ref=old.id)

    def correct(self, own: Own, ticks: int) -> None:
        """The newest execution of an order that ended has another price."""
        old = own.execs.pop()
        now = Execution(f"{old.id}{CORRECTED}", old.price + ticks, old.qty, old.fee)
        own.execs.append(now)
        self._report(own, ExecType.TRADE_CORRECT, "", exec_id=now.id, ref=old.id, done=now)

    def elsewhere(self, name: str, instrument: str, account: str, side: Side, qty: int) -> None:
        """An order that was placed on the account by other means trades."""
        now = self._clock()
        self.foreign[name] = (account, instrument, side.sign * qty, START)
        self.reports += 1
        event = ExecutionReport(
            self.name,
            now,
            now,
            name,
            ExecType.TRADE,
            OrdStatus.FILLED,
            f"{self.name}-{name}",
            f"{self.name}-e{self.reports}",
            instrument=instrument,
            side=side,
            qty=qty,
            price=START,
            cum_qty=qty,
            last_price=START,
            last_qty=qty,
            account=account,
        )
        self._executed.append(event)
        self._emit(self._events, event)

    def halt(self, instrument: str, halted: bool) -> None:
        """The market of one instrument stops, or goes on."""
        (self.halted.add if halted else self.halted.discard)(instrument)
        self._status(instrument, MarketStatus.HALTED if halted else MarketStatus.OPEN)

    def refill(self) -> None:
        """Others come back where a side is empty."""
        for name, book in self._books.items():
            bid, ask = book.best_bid(), book.best_ask()
            for step in range(1, 4):
                if not bid:
                    book.add(self._id(), BUY, max(1, (ask or START + 1) - 1 - step), 20)
                if not ask:
                    book.add(self._id(), SELL, (bid or START - 1) + 1 + step, 20)
            self._quote(name)

    # -- the truth ---------------------------------------------------------------------------

    def position(self, account: str, instrument: str) -> int:
        """Signed lots that really were traded."""
        total = sum(q for a, i, q, _ in self.foreign.values() if (a, i) == (account, instrument))
        for own in self.orders.values():
            if (own.order.account, own.order.instrument) == (account, instrument):
                total += own.order.side.sign * own.cum
        return total

    def open_lots(self, account: str, instrument: str, side: Side) -> int:
        """Lots that may still trade here."""
        return sum(
            own.qty - own.cum
            for own in self.orders.values()
            if own.working
            and own.order.side is side
            and (own.order.account, own.order.instrument) == (account, instrument)
        )

    # -- inside ------------------------------------------------------------------------------

    def _id(self) -> int:
        self._ids += 1
        return self._ids

    def _traded(self, instrument: str, fills: Sequence[Fill]) -> None:
        now = self._clock()
        for fill in fills:
            for book, liquidity in ((fill.taker, Liquidity.REMOVED), (fill.maker, Liquidity.ADDED)):
                own = self._own.get(book)
                if own is not None:
                    self._execute(own, fill.price, fill.qty, liquidity)
            self._market(Trade(instrument, now, now, fill.price, fill.qty, 0))
        self._quote(instrument)

    def _execute(self, own: Own, price: int, qty: int, liquidity: Liquidity) -> None:
        own.cum += qty
        if own.cum >= own.qty:
            own.status = OrdStatus.FILLED
        elif own.working:
            own.status = OrdStatus.PARTIALLY_FILLED
        self.reports += 1
        fee = qty * (_TAKER_FEE if liquidity is Liquidity.REMOVED else _MAKER_FEE)
        done = Execution(f"{self.name}-e{self.reports}", price, qty, fee)
        own.execs.append(done)
        self._report(own, ExecType.TRADE, "", exec_id=done.id, done=done, liquidity=liquidity)

    def _report(
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
        now = self._clock()
        if not exec_id:
            self.reports += 1
            exec_id = f"{self.name}-r{self.reports}"
        report = ExecutionReport(
            self.name,
            now,
            now,
            own.order.cl_ord_id,
            kind,
            own.status,
            f"{self.name}-{own.book}",
            exec_id,
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
            self._executed.append(report)
        self._emit(self._events, report)

    def _status(self, instrument: str, status: MarketStatus) -> None:
        now = self._clock()
        self._market(StatusUpdate(instrument, now, now, status, ""))

    def _quote(self, instrument: str) -> None:
        book, now = self._books[instrument], self._clock()
        bid, ask = book.best_bid(), book.best_ask()
        sizes = [
            book.level(side, price)[0] if price else 0 for side, price in ((BUY, bid), (SELL, ask))
        ]
        self._market(Quote(instrument, now, now, bid, sizes[0], ask, sizes[1]))

    def _quote_all(self) -> None:
        for name in self._books:
            self._quote(name)
        self._quoting = self._loop.call_later(QUOTE_EVERY, self._quote_all)


def _kind(order: Order) -> int:
    if order.ord_type is OrdType.MARKET:
        return MARKET
    if order.post_only:
        return POST_ONLY
    return {TimeInForce.IOC: LIMIT_IOC, TimeInForce.FOK: LIMIT_FOK}.get(order.tif, LIMIT_GTC)
