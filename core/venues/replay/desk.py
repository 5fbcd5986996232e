"""Order entry of a replay: requests in, execution reports out, fills decided by `QueueModel`.

Every report's `exec_id` follows from the order's own id and what happened, so the same orders
against the same recording give the same reports, and no two executions share an id, in this run
or after a restart.

DAY orders of instruments with trading hours expire at the end of the session in recorded time, and
orders may show a part of themselves. A date to expire at is told by the trader's clock, which is
not the recording's: those stay with the engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from core.model.enums import (
    ExecType,
    Liquidity,
    MarketStatus,
    OrdStatus,
    OrdType,
    Side,
    TimeInForce,
)
from core.model.events import CancelReject, ExecutionReport, VenueOrder, VenueStatement
from core.model.instruments import Instrument
from core.model.market import BookUpdate, MarketData, StatusUpdate, Trade
from core.model.numbers import EXACT
from core.model.orders import Order
from core.model.requests import VenueCancel, VenueNew, VenueReplace, VenueRequest
from core.venues.replay.events import MAX_TICKS, Knowledge
from core.venues.replay.fills import Execution, QueueModel
from core.venues.replay.own import OwnOrder, OwnOrders, refusal
from core.venues.venue import EventSink

_WEEK = 8 * 86_400_000_000_000


class Desk:
    """Takes requests and recorded events at given times, and reports to `events`."""

    def __init__(
        self, venue: str, instruments: Sequence[Instrument], knowledge: Sequence[Knowledge]
    ) -> None:
        self._venue = venue
        self._instruments = {instrument.id: instrument for instrument in instruments}
        self._models = {
            instrument.id: QueueModel(known)
            for instrument, known in zip(instruments, knowledge, strict=True)
        }
        self._status: dict[str, MarketStatus] = {}
        self._own = OwnOrders()
        self._closes = 0  # when the next of the working orders' sessions ends
        self._events: EventSink = lambda event: None

    def connect(self, events: EventSink) -> None:
        """Where reports go."""
        self._events = events

    def model(self, instrument: str) -> QueueModel:
        """The book and queues of one instrument."""
        return self._models[instrument]

    # -- the recorded market --

    def market(self, message: MarketData, off_book: bool, now: int) -> None:
        """A recorded event happens: reports the fills that follow from it."""
        if self._closes and now >= self._closes:
            self._close(now)
        if isinstance(message, BookUpdate):
            model = self._models[message.instrument]
            self._filled(model.book(message.levels, message.snapshot, now), now)
        elif isinstance(message, Trade):
            if not off_book:
                model = self._models[message.instrument]
                self._filled(model.trade(message.price, message.qty, message.aggressor, now), now)
        elif isinstance(message, StatusUpdate):
            self._status[message.instrument] = message.status

    def moved(self, now: int, text: str) -> None:
        """The recording goes on at another place: working orders are cancelled, books forgotten."""
        self.cancel_all(now, text)
        for model in self._models.values():
            model.forget()
        self._status.clear()

    # -- orders --

    def request(self, request: VenueRequest, now: int) -> None:
        """Carry out one request; the answer goes to `events`."""
        if self._closes and now >= self._closes:
            self._close(now)
        if isinstance(request, VenueNew):
            self._new(request.order, now)
        elif isinstance(request, VenueCancel):
            self._cancel(request, now)
        else:
            self._replace(request, now)

    def refuse(self, request: VenueRequest, now: int, text: str) -> None:
        """Answer a request that cannot be carried out at all."""
        if isinstance(request, VenueNew):
            self._reject(request.order, now, text)
        else:
            self._cannot(request, now, text)

    def take_back(self, orders: Sequence[Order], now: int) -> None:
        """Orders that worked here before a restart go to the end of their queues again."""
        for order in orders:
            name = order.cl_ord_id
            if name in self._own.working:
                continue
            working = self._own.add(order)
            if order.instrument not in self._models or not order.price or working.leaves <= 0:
                text = (
                    f"This recording does not hold {order.instrument}."
                    if order.instrument not in self._models
                    else "The engine stopped before this order reached the market."
                )
                self._end(
                    working, ExecType.CANCELED, OrdStatus.CANCELED, now, "canceled", text=text
                )
                continue
            model = self._models[order.instrument]
            self._for_the_day(working, now)
            shown = order.display_qty
            model.rest(name, int(order.side), order.price, working.leaves, shown)
            if order.status in (OrdStatus.PENDING_NEW, OrdStatus.UNKNOWN):
                self._report(working, ExecType.NEW, now, "new")

    def working(self) -> list[VenueOrder]:
        """Every order that may still trade."""
        return self._own.listed()

    def statement(self, since: int, orders: Sequence[str]) -> VenueStatement:
        """Orders, what became of those asked for, and the newest executions (20,000 at most)."""
        return self._own.statement(since, orders)

    def cancel_all(self, now: int, text: str) -> None:
        """Cancel every working order, unasked."""
        for working in self._own:
            self._end(working, ExecType.CANCELED, OrdStatus.CANCELED, now, "canceled", text=text)

    # -- inside --

    def _for_the_day(self, working: OwnOrder, now: int) -> None:
        """A DAY order of an instrument with trading hours is for the session at hand or next."""
        order = working.order
        hours = self._instruments[order.instrument].hours
        if order.tif is TimeInForce.DAY and hours.sessions:
            ahead = hours.open_within(now, now + _WEEK)
            working.closes = ahead[0][1] if ahead else now
            self._closes = min(self._closes or working.closes, working.closes)

    def _close(self, now: int) -> None:
        """Sessions have ended: their orders expire."""
        text = "The session is over."
        for working in self._own:
            if 0 < working.closes <= now:
                self._end(working, ExecType.EXPIRED, OrdStatus.EXPIRED, now, "expired", text=text)
        later = [w.closes for w in self._own if w.closes]
        self._closes = min(later, default=0)

    def _new(self, order: Order, now: int) -> None:
        name = order.cl_ord_id
        if name in self._own:
            self._restate(order, now)
            return
        text = self._why_not(order)
        if text:
            self._reject(order, now, text)
            return
        model = self._models[order.instrument]
        side = int(order.side)
        limit = order.price if order.ord_type is OrdType.LIMIT else 0
        if order.post_only and model.crosses(side, limit):
            self._reject(order, now, "Post only: the order would trade at once at this price.")
            return
        working = self._own.add(order)
        self._for_the_day(working, now)
        self._report(working, ExecType.NEW, now, "new")
        if order.tif is TimeInForce.FOK and model.available(side, limit) < working.leaves:
            text = "Fill or kill: not all of it can trade at once against what is displayed."
            self._end(working, ExecType.CANCELED, OrdStatus.CANCELED, now, "canceled", text=text)
            return
        self._filled(model.take(name, side, working.leaves, limit), now)
        if not working.leaves:
            return
        if order.ord_type is OrdType.MARKET:
            text = "Market order: nothing more is displayed on the other side."
        elif order.tif in (TimeInForce.IOC, TimeInForce.FOK):
            text = "Immediate or cancel: nothing more is displayed at this price."
        else:
            model.rest(name, side, limit, working.leaves, order.display_qty)
            return
        self._end(working, ExecType.CANCELED, OrdStatus.CANCELED, now, "canceled", text=text)

    def _why_not(self, order: Order) -> str:
        if order.instrument not in self._models:
            return f"This recording does not hold {order.instrument}."
        text = refusal(order)
        if text:
            return text
        status = self._status.get(order.instrument, MarketStatus.OPEN)
        if status in (MarketStatus.HALTED, MarketStatus.CLOSED):
            return f"The market of {order.instrument} is {status.value} at this moment."
        return ""

    def _cancel(self, request: VenueCancel, now: int) -> None:
        working = self._own.working.get(request.order.cl_ord_id)
        if working is None:
            self._cannot(request, now, "There is no such working order.")
            return
        self._end(working, ExecType.CANCELED, OrdStatus.CANCELED, now, "canceled", request.request)

    def _replace(self, request: VenueReplace, now: int) -> None:
        name = request.order.cl_ord_id
        working = self._own.working.get(name)
        if working is None:
            self._cannot(request, now, "There is no such working order.")
            return
        side = int(working.order.side)
        model = self._models[working.order.instrument]
        if request.qty <= working.cum:
            text = f"{working.cum} lots have traded already; a smaller total is too late."
        elif not 0 < request.price <= MAX_TICKS:
            text = "The new price must be above 0."
        elif working.order.post_only and model.crosses(side, request.price):
            text = "Post only: the order would trade at once at the new price."
        else:
            text = ""
        if text:
            self._cannot(request, now, text)
            return
        shown = working.order.display_qty
        less = request.qty <= working.qty or shown  # what is kept back stands in no queue
        keeps_place = request.price == working.price and less
        working.qty, working.price = request.qty, request.price
        if keeps_place:
            model.reduce(name, working.leaves)
            self._report(working, ExecType.REPLACED, now, request.request, request.request)
            return
        model.remove(name)
        self._report(working, ExecType.REPLACED, now, request.request, request.request)
        self._filled(model.take(name, side, working.leaves, working.price), now)
        if working.leaves:
            model.rest(name, side, working.price, working.leaves, shown)

    def _filled(self, executions: list[Execution], now: int) -> None:
        for execution in executions:
            working = self._own.working[execution.id]
            order = working.order
            instrument = self._instruments[order.instrument]
            working.cum += execution.qty
            points = abs(instrument.cost(execution.price, execution.qty))
            working.notional += points
            if not working.leaves:
                self._own.finish(working, OrdStatus.FILLED)
            rate = instrument.maker_fee if execution.maker else instrument.taker_fee
            self._report(
                working,
                ExecType.TRADE,
                now,
                f"fill-{working.cum}",
                last=(execution.price, execution.qty),
                fee=EXACT.multiply(instrument.money(points), rate),
                liquidity=Liquidity.ADDED if execution.maker else Liquidity.REMOVED,
            )

    def _end(
        self,
        working: OwnOrder,
        exec_type: ExecType,
        status: OrdStatus,
        now: int,
        what: str,
        request: str = "",
        text: str = "",
    ) -> None:
        name = working.order.cl_ord_id
        self._own.finish(working, status)
        model = self._models.get(working.order.instrument)
        if model is not None:
            model.remove(name)
        self._report(working, exec_type, now, what, request, status=status, text=text)

    def _reject(self, order: Order, now: int, text: str) -> None:
        own = OwnOrder(order)
        self._own.remember(own, OrdStatus.REJECTED)
        self._report(
            own,
            ExecType.REJECTED,
            now,
            "rejected",
            status=OrdStatus.REJECTED,
            text=text,
        )

    def _restate(self, order: Order, now: int) -> None:
        """The same order again changes nothing: tell how it stands."""
        finished = self._own.finished(order.cl_ord_id)
        told = self._own.working.get(order.cl_ord_id) or OwnOrder(order)
        if finished is not None:
            _, told.qty, told.price, told.cum, _ = finished
        self._report(
            told,
            ExecType.ORDER_STATUS,
            now,
            "status",
            status=finished.status if finished else None,
            text="This order was sent before.",
        )

    def _cannot(self, request: VenueCancel | VenueReplace, now: int, text: str) -> None:
        name = request.order.cl_ord_id
        working = self._own.working.get(name)
        finished = self._own.finished(name)
        if working is not None:
            status = working.status
        else:
            status = finished.status if finished is not None else OrdStatus.REJECTED
        self._events(
            CancelReject(
                self._venue,
                now,
                now,
                name,
                request.request,
                status,
                isinstance(request, VenueReplace),
                text,
            )
        )

    def _report(
        self,
        working: OwnOrder,
        exec_type: ExecType,
        now: int,
        what: str,
        request: str = "",
        *,
        status: OrdStatus | None = None,
        last: tuple[int, int] = (0, 0),
        fee: Decimal = Decimal(0),
        liquidity: Liquidity = Liquidity.UNKNOWN,
        text: str = "",
    ) -> None:
        order = working.order
        name = order.cl_ord_id
        instrument = self._instruments.get(order.instrument)
        report = ExecutionReport(
            self._venue,
            now,
            now,
            name,
            exec_type,
            working.status if status is None else status,
            f"R-{name}",
            f"{name}:{what}",
            request or name,
            order.instrument,
            Side(order.side),
            working.qty,
            working.price,
            working.cum,
            *last,
            fee,
            instrument.currency if instrument else "",
            liquidity,
            text,
            account=order.account,
        )
        if exec_type is ExecType.TRADE:
            self._own.executed(report)
        self._events(report)
