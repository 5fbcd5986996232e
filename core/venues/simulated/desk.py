"""Order entry of a simulated venue: accepts, rejects, fills, cancels, replaces and reports.

The reports follow FIX 4.4 (appendix D). An order that the venue takes on is answered with NEW
before anything else happens to it; what cannot be done is REJECTED with a sentence. A fill-or-kill
order that cannot be filled is taken on (NEW) and CANCELED, as is what an immediate-or-cancel or
market order leaves. A second order with an id that the venue has seen is not entered again: the
answer is the state of the first (ORDER_STATUS). The newest 20,000 orders that are over are known.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from decimal import ROUND_HALF_EVEN, Decimal

from core.book.matching import LIMIT_GTC, LIMIT_IOC, OK, POST_ONLY, WOULD_CROSS, Fill
from core.model.enums import ExecType, Liquidity, OrdStatus, TimeInForce
from core.model.events import CancelReject, ExecutionReport, VenueOrder, VenuePosition
from core.model.instruments import session_ended
from core.model.numbers import EXACT, ZERO
from core.model.orders import Order
from core.model.requests import VenueCancel, VenueNew, VenueReplace, VenueRequest
from core.venues.simulated.livebook import BUY, LiveBook
from core.venues.simulated.own import Market, OwnOrder, book_kind, refusal, replace_refusal
from core.venues.simulated.reserve import changed, leave, next_part, stand, traded
from core.venues.simulated.timeline import Timeline

_REMEMBERED = 20_000  # orders that are over
_EXECUTIONS = 20_000
_FEE_STEP = Decimal("0.00000001")

_TIME_OVER = "The time that it was good for is over."
_SELF_TRADE = "Cancelled: it would have traded with an order of the same account."

Report = ExecutionReport | CancelReject


class Desk:
    """Takes requests that have arrived at the venue and reports what becomes of them.

    A good-till-date order expires at its time, by the venue's clock. Of a reserve order (display
    quantity) a part stands in the book (`core.venues.simulated.reserve`); an order of ours that
    takes meets that part only.

    Reports go to `report` in the order in which things happened, stamped with the timeline's time.
    Execution ids are ``<venue>-<incarnation>-<n>``. Fees are price x quantity x rate (maker or
    taker), rounded half-even to eight decimals; a negative fee is received.
    """

    def __init__(
        self,
        name: str,
        incarnation: str,
        timeline: Timeline,
        report: Callable[[Report], None],
    ) -> None:
        self.name = name
        self._head = f"{name}-{incarnation}-"
        self._timeline = timeline
        self._report = report
        self._markets: dict[str, Market] = {}
        self._working: dict[str, OwnOrder] = {}
        self._dead: dict[str, OwnOrder] = {}
        self._died: deque[str] = deque()
        self._by_book: dict[int, OwnOrder] = {}
        self._owners: dict[str, int] = {}
        self._executions: deque[ExecutionReport] = deque(maxlen=_EXECUTIONS)
        self._held: dict[tuple[str, str], int] = {}
        self.stamp: Callable[[LiveBook], None] = _unstamped
        """Called before the desk changes a book of itself, to set its time."""
        self._reports = 0
        self._orders = 0

    def join(self, market: Market) -> None:
        """Orders in this market are taken from now on."""
        self._markets[market.instrument.id] = market
        market.live.own_fill = self._filled

    def handle(self, request: VenueRequest) -> None:
        """Acts on a request and publishes what it did to the book."""
        if isinstance(request, VenueNew):
            self._new(request.order)
        elif isinstance(request, VenueCancel):
            self._cancel(request)
        else:
            self._replace(request)
        market = self._markets.get(request.order.instrument)
        if market is not None:
            if market.stops:
                self.trigger(market)
            market.live.publish()

    def working(self) -> list[VenueOrder]:
        """All orders of ours that may still trade, oldest first."""
        return [_listed(own) for own in self._working.values()]

    def known(self, names: Iterable[str]) -> list[VenueOrder]:
        """Those of these orders that are remembered, working or over."""
        return [_listed(own) for own in map(self._find, names) if own is not None]

    def executions(self, since: int) -> list[ExecutionReport]:
        """The newest executions (20,000 at most) of the time `since` and later, oldest first."""
        return [report for report in self._executions if report.ts >= since]

    def positions(self) -> list[VenuePosition]:
        """What the executions of this desk add up to."""
        return [
            VenuePosition(instrument, qty, account)
            for (account, instrument), qty in self._held.items()
        ]

    def put_back(self, order: Order) -> None:
        """Takes an order of before into the new book, behind whoever is at its price already.

        One whose time is over, or that was for a session which has ended, expires.
        """
        own = self._admit(order, order.order_id)
        market = self._markets[order.instrument]
        now = self._timeline.now
        if order.tif is TimeInForce.DAY and session_ended(market.instrument, order.created, now):
            self._end(own, ExecType.EXPIRED, OrdStatus.EXPIRED, "The session is over.")
        elif order.tif is TimeInForce.GTD and order.expire <= now:
            self._end(own, ExecType.EXPIRED, OrdStatus.EXPIRED, _TIME_OVER)
        elif own.armed:
            market.stops.append(own)
        else:
            self._execute(own, market, LIMIT_GTC, own.price)

    def expire(self, market: Market) -> None:
        """The session of an instrument is over: its DAY orders expire."""
        for own in list(self._working.values()):
            order = own.order
            if order.instrument == market.instrument.id and order.tif is TimeInForce.DAY:
                self._take_out(own, market)
                self._end(own, ExecType.EXPIRED, OrdStatus.EXPIRED, "The session is over.")
        market.live.publish()

    def trigger(self, market: Market) -> None:
        """Sends the stops that the last trade has reached into the book, oldest first."""
        while True:
            last = market.live.last
            for own in market.stops:
                stop = own.stop
                if last >= stop if own.side == BUY else last <= stop:
                    break
            else:
                return
            market.stops.remove(own)
            own.armed = False
            kind, _ = book_kind(own.order)
            self._execute(own, market, kind, own.price or 1)

    def _due(self, ts: int, own: OwnOrder) -> int:
        """The time of a good-till-date order has come."""
        if not own.status.terminal:
            market = self._markets[own.order.instrument]
            self._take_out(own, market)
            self._end(own, ExecType.EXPIRED, OrdStatus.EXPIRED, _TIME_OVER)
            self.stamp(market.live)
            market.live.publish()
        return 0

    def _new(self, order: Order) -> None:
        known = self._find(order.cl_ord_id)
        if known is not None:
            self._say(known, ExecType.ORDER_STATUS, text="This order is known already.")
            return
        market = self._markets.get(order.instrument)
        why = refusal(self.name, market, order)
        if not why and order.tif is TimeInForce.GTD and order.expire <= self._timeline.now:
            why = _TIME_OVER
        own = self._admit(order, "")
        if why or market is None:
            self._end(own, ExecType.REJECTED, OrdStatus.REJECTED, why)
        elif own.armed:
            self._say(own, ExecType.NEW)
            market.stops.append(own)
        else:
            kind, price = book_kind(order)
            self._execute(own, market, kind, price, new=True)

    def cancel_all(self, text: str) -> None:
        """Cancels every working order unasked; `text` says why."""
        for own in list(self._working.values()):
            market = self._markets[own.order.instrument]
            self._take_out(own, market)
            self._end(own, ExecType.CANCELED, OrdStatus.CANCELED, text)
            market.live.publish()

    def _cancel(self, request: VenueCancel) -> None:
        own = self._changeable(request, replace=False)
        if own is not None:
            self._take_out(own, self._markets[own.order.instrument])
            self._end(own, ExecType.CANCELED, OrdStatus.CANCELED, "", request.request)

    def _replace(self, request: VenueReplace) -> None:
        own = self._changeable(request, replace=True)
        if own is None:
            return
        market = self._markets[own.order.instrument]
        why = replace_refusal(market, own, request.qty, request.price, request.stop_price)
        if why:
            self._refuse(request, own.status, True, why)
            return
        if own.reserve and request.price != own.price:
            self._take_out(own, market)
            own.qty, own.price = request.qty, request.price
            self._say(own, ExecType.REPLACED, request=request.request)
            self._execute(own, market, book_kind(own.order)[0], own.price)
            return
        fills: Sequence[Fill] = ()
        if not own.armed:
            leaves = changed(own, request.qty) if own.reserve else request.qty - own.cum
            fills = market.live.replace(own.book_id, own.side, own.price, request.price, leaves)
            own.shown = leaves
        own.qty = request.qty
        own.price = request.price
        own.stop = request.stop_price or own.stop
        self._say(own, ExecType.REPLACED, request=request.request)
        if not own.armed:
            market.live.settle(fills, own.side)
            self._check_self_trade(own, market)

    def _changeable(self, request: VenueCancel | VenueReplace, replace: bool) -> OwnOrder | None:
        name = request.order.cl_ord_id
        own = self._find(name)
        if own is None:
            self._refuse(
                request, OrdStatus.REJECTED, replace, f"{self.name} knows no order {name}."
            )
            return None
        if own.status.terminal:
            became = own.status.name.lower()
            self._refuse(request, own.status, replace, f"Too late: the order is {became}.")
            return None
        return own

    def _find(self, name: str) -> OwnOrder | None:
        return self._working.get(name) or self._dead.get(name)

    def _admit(self, order: Order, order_id: str) -> OwnOrder:
        self._orders += 1
        own = OwnOrder(order, order_id or f"{self._head}o{self._orders}", self._orders * 8)
        self._working[order.cl_ord_id] = own
        self._by_book[own.book_id] = own
        if order.tif is TimeInForce.GTD:
            self._timeline.promise(max(order.expire, self._timeline.now), self._due, own)
        return own

    def _execute(
        self, own: OwnOrder, market: Market, kind: int, price: int, new: bool = False
    ) -> None:
        """Puts an order into the book and tells what became of it."""
        owner = self._owner(own)
        if own.order.display_qty and kind in (LIMIT_GTC, POST_ONLY):
            self._reserve(own, market, kind, price, new)
            return
        leaves = own.shown = own.qty - own.cum
        status, fills = market.live.enter(own.book_id, own.side, price, leaves, kind, owner)
        if status == WOULD_CROSS:
            text = "Post-only: the order would trade at once."
            self._end(own, ExecType.REJECTED, OrdStatus.REJECTED, text)
            return
        if new:
            self._say(own, ExecType.NEW)
        if status != OK:
            text = "Fill-or-kill: there is not enough on the other side."
            self._end(own, ExecType.CANCELED, OrdStatus.CANCELED, text)
            return
        market.live.settle(fills, own.side)
        if kind in (LIMIT_GTC, POST_ONLY):
            self._check_self_trade(own, market)
        elif not own.status.terminal:
            text = "What could not be filled at once is cancelled."
            self._end(own, ExecType.CANCELED, OrdStatus.CANCELED, text)

    def _owner(self, own: OwnOrder) -> int:
        return self._owners.setdefault(own.order.account, len(self._owners) + 1)

    def _reserve(self, own: OwnOrder, market: Market, kind: int, price: int, new: bool) -> None:
        """Trades with all of a reserve order what can be traded, then shows a part of it."""
        live, owner = market.live, self._owner(own)
        if kind == POST_ONLY and live.crosses(own.side, price):
            text = "Post-only: the order would trade at once."
            self._end(own, ExecType.REJECTED, OrdStatus.REJECTED, text)
            return
        if new:
            self._say(own, ExecType.NEW)
        own.shown = own.qty - own.cum
        _, fills = live.enter(own.book_id, own.side, price, own.shown, LIMIT_IOC, owner)
        live.settle(fills, own.side)
        if own.status.terminal:
            return
        if live.crosses(own.side, price):
            live.book.clear_trades()
            self._end(own, ExecType.CANCELED, OrdStatus.CANCELED, _SELF_TRADE)
            return
        own.shown = next_part(own)
        stand(own, live)
        live.enter(own.book_id, own.side, price, own.shown, LIMIT_GTC, owner)

    def _check_self_trade(self, own: OwnOrder, market: Market) -> None:
        book = market.live.book
        if not own.status.terminal and book.order(own.book_id) is None:
            book.clear_trades()
            self._end(own, ExecType.CANCELED, OrdStatus.CANCELED, _SELF_TRADE)

    def _take_out(self, own: OwnOrder, market: Market) -> None:
        if own.armed:
            market.stops.remove(own)
        else:
            market.live.cancel(own.book_id, own.side, own.price)

    def _filled(self, book_id: int, fill: Fill, maker: bool) -> None:
        own = self._by_book[book_id]
        own.cum += fill.qty
        key = (own.order.account, own.order.instrument)
        self._held[key] = self._held.get(key, 0) + own.order.side.sign * fill.qty
        own.status = OrdStatus.FILLED if own.cum == own.qty else OrdStatus.PARTIALLY_FILLED
        instrument = self._markets[own.order.instrument].instrument
        rate = instrument.maker_fee if maker else instrument.taker_fee
        points = abs(instrument.cost(fill.price, fill.qty))
        own.notional += points
        fee = EXACT.multiply(instrument.money(points), rate)
        self._say(own, ExecType.TRADE, fill=fill, fee=_rounded(fee), maker=maker)
        traded(own, fill.qty, self._markets[own.order.instrument].live, self._owner(own))
        if own.status is OrdStatus.FILLED:
            self._bury(own)

    def _end(
        self, own: OwnOrder, what: ExecType, status: OrdStatus, text: str, request: str = ""
    ) -> None:
        own.status = status
        self._say(own, what, text=text, request=request)
        self._bury(own)

    def _bury(self, own: OwnOrder) -> None:
        name = own.order.cl_ord_id
        del self._working[name]
        del self._by_book[own.book_id]
        if own.reserve:
            leave(own, self._markets[own.order.instrument].live)
        self._dead[name] = own
        self._died.append(name)
        if len(self._died) > _REMEMBERED:
            del self._dead[self._died.popleft()]

    def _say(
        self,
        own: OwnOrder,
        what: ExecType,
        *,
        text: str = "",
        request: str = "",
        fill: Fill | None = None,
        fee: Decimal = ZERO,
        maker: bool = False,
    ) -> None:
        order = own.order
        market = self._markets.get(order.instrument)
        self._reports += 1
        report = ExecutionReport(
            venue=self.name,
            ts=self._timeline.now,
            received=0,
            cl_ord_id=order.cl_ord_id,
            exec_type=what,
            status=own.status,
            order_id=own.order_id,
            exec_id=f"{self._head}{self._reports}",
            request=request or order.cl_ord_id,
            instrument=order.instrument,
            side=order.side,
            qty=own.qty,
            price=own.price,
            stop_price=own.stop,
            cum_qty=own.cum,
            last_price=0 if fill is None else fill.price,
            last_qty=0 if fill is None else fill.qty,
            fee=fee,
            currency="" if market is None else market.instrument.currency,
            liquidity=_LIQUIDITY[None if fill is None else maker],
            text=text,
            account=order.account,
        )
        if fill is not None:
            self._executions.append(report)
        self._report(report)

    def _refuse(
        self, request: VenueCancel | VenueReplace, status: OrdStatus, replace: bool, text: str
    ) -> None:
        self._report(
            CancelReject(
                self.name,
                self._timeline.now,
                0,
                request.order.cl_ord_id,
                request.request,
                status,
                replace,
                text,
            )
        )


def _unstamped(live: LiveBook) -> None:
    pass


def _listed(own: OwnOrder) -> VenueOrder:
    order = own.order
    return VenueOrder(
        order.cl_ord_id,
        own.order_id,
        order.instrument,
        order.side,
        own.qty,
        own.price,
        own.cum,
        own.status,
        own.notional,
        order.account,
        own.stop,
        ord_type=order.ord_type,
        tif=order.tif,
        expire=order.expire,
        display_qty=order.display_qty,
    )


_LIQUIDITY = {None: Liquidity.UNKNOWN, True: Liquidity.ADDED, False: Liquidity.REMOVED}


def _rounded(fee: Decimal) -> Decimal:
    return fee.quantize(_FEE_STEP, ROUND_HALF_EVEN)
