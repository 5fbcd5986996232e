"""One order's state after FIX 4.4, and the requests in flight for it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from core.model.commands import NewOrder
from core.model.enums import OrdStatus, PositionEffect, Side
from core.model.numbers import ZERO
from core.model.orders import Order

if TYPE_CHECKING:
    from core.kernel.more import More
    from core.kernel.positions import Holding


_PENDING_NEW = OrdStatus.PENDING_NEW


class Request:
    """A cancel (`replace` False) or a replace that its venue has not answered.

    `number` counts the requests for one order. `lost` is set when the link broke before the answer.
    `own` is set when the engine made it, not a trader.
    """

    __slots__ = ("id", "lost", "number", "own", "price", "qty", "replace", "stop")

    def __init__(
        self,
        name: str,
        number: int,
        replace: bool,
        qty: int,
        price: int,
        stop: int = 0,
        own: bool = False,
    ) -> None:
        self.id = name
        self.number = number
        self.replace = replace
        self.qty = qty
        self.price = price
        self.stop = stop
        self.own = own
        self.lost = False


class Live:
    """An order inside the kernel: the command it was born from, and what became of it.

    `base` is its state without the requests in flight; `exposed` the lots that are counted as
    open in its holding; `asked` how many requests were made, `applied` the number of the newest
    replace that took effect. `dead` means terminal: only late executions, and executions that are
    taken back, can still change it. `plain`: the command has none of the rarer terms; `more` is
    what an order has whose venue cannot do all of it, or that is part of a list.
    """

    __slots__ = (
        "answered",
        "applied",
        "asked",
        "base",
        "code",
        "command",
        "created",
        "cum",
        "dead",
        "execs",
        "exposed",
        "fees",
        "hand",
        "holding",
        "more",
        "notional",
        "order_id",
        "part",
        "plain",
        "price",
        "qty",
        "requests",
        "seq",
        "stop",
        "text",
        "told",
        "unknown",
        "updated",
    )

    def __init__(self, command: NewOrder, ts: int) -> None:
        self.command = command
        self.qty = command.qty
        self.price = command.price
        self.stop = command.stop_price
        self.plain = not (
            command.expire
            or command.display_qty
            or command.trail
            or command.trail_bp
            or command.peg is not None
            or command.position_effect is not None
        )
        self.base = _PENDING_NEW
        self.dead = False
        self.unknown = False
        self.created = self.updated = ts
        self.seq = self.asked = self.applied = 0
        self.cum = self.notional = self.exposed = self.told = 0
        self.fees: Decimal = ZERO
        self.order_id = self.code = self.text = ""
        # Tuples: most orders have nothing of it, and an empty tuple costs nothing.
        self.requests: tuple[Request, ...] = ()
        self.answered: tuple[str, ...] = ()
        self.execs: tuple[tuple[str, str], ...] = ()
        self.holding: Holding | None = None
        self.part: Holding | None = None
        self.hand: Holding | None = None
        self.more: More | None = None

    @property
    def status(self) -> OrdStatus:
        """The state that is shown, by the precedence of FIX 4.4: pending cancel outranks pending
        replace, that done for day, then filled, suspended, canceled, part filled, new.

        By intent two states end an order whatever is in flight, since nothing that its venue may
        answer can change it: an order filled while its cancel is pending is FILLED at once, not
        when the cancel is rejected (a venue that never says so must not leave an order that works,
        counts in limits and holds up a flatten), and one that was filled or canceled is so still
        when its venue is done for the day. A pending replace to more lots does keep a filled order
        alive: it may trade again.
        """
        if self.dead:
            return self.base
        if self.unknown:
            return OrdStatus.UNKNOWN
        if self.requests:
            return OrdStatus.PENDING_CANCEL if self.canceling else OrdStatus.PENDING_REPLACE
        return self.base

    @property
    def canceling(self) -> bool:
        """Is a cancel on its way that may still be answered?"""
        return any(not r.replace and not r.lost for r in self.requests)

    @property
    def waits(self) -> bool:
        """Is nothing of the order at its venue, since the engine waits with it?"""
        return self.more is not None and self.more.waits

    @property
    def doubtful(self) -> bool:
        """Was something asked of its venue of which nobody can tell what became?

        A word on something else, an execution of old perhaps, does not clear that up.
        """
        return any(request.lost for request in self.requests) or (
            self.more is not None and self.more.unanswered
        )

    @property
    def place(self) -> tuple[str, Side, PositionEffect | None, str, str]:
        """On which side of which position of its account, or leg of it, and for whom it acts."""
        holding, c = self.holding, self.command
        legs = holding is not None and holding.account.hedging
        effect = c.position_effect if legs else None
        return c.instrument, c.side, effect, c.strategy, c.trader

    def most(self) -> int:
        """The largest total quantity the order may have, whatever becomes of its replaces."""
        qty = self.qty
        for request in self.requests:
            if request.replace and request.qty > qty:
                qty = request.qty
        return qty

    def ask(
        self,
        name: str,
        replace: bool,
        qty: int = 0,
        price: int = 0,
        stop: int = 0,
        own: bool = False,
    ) -> None:
        """Note a request that is on its way."""
        self.asked += 1
        request = Request(name, self.asked, replace, qty, price, stop, own)
        self.requests = (*self.requests, request)

    def take(self, request: str) -> Request | None:
        """Remove and return the request in flight with this id."""
        for found in self.requests:
            if found.id == request:
                self.requests = tuple(r for r in self.requests if r is not found)
                self.answered = (*self.answered, request)
                return found
        return None

    def view(self) -> Order:
        """The order as everyone sees it."""
        c = self.command
        more = self.more
        pending_price = pending_qty = pending_stop = 0
        if self.requests:
            for request in self.requests:
                if request.replace:
                    pending_price, pending_qty = request.price, request.qty
                    pending_stop = request.stop
        if self.plain and more is None and not pending_stop:
            return Order(
                c.cl_ord_id,
                c.account,
                c.instrument,
                c.side,
                c.ord_type,
                self.qty,
                self.price,
                self.stop,
                c.tif,
                c.post_only,
                c.reduce_only,
                c.source,
                c.trader,
                c.strategy,
                self.status if self.unknown or self.requests else self.base,
                self.created,
                self.updated,
                self.order_id,
                self.cum,
                self.notional,
                self.fees,
                pending_price,
                pending_qty,
                self.code,
                self.text,
            )
        group = None if more is None else more.group
        return Order(
            c.cl_ord_id,
            c.account,
            c.instrument,
            c.side,
            c.ord_type,
            self.qty,
            self.price,
            self.stop,
            c.tif,
            c.post_only,
            c.reduce_only,
            c.source,
            c.trader,
            c.strategy,
            self.status,
            self.created,
            self.updated,
            self.order_id,
            self.cum,
            self.notional,
            self.fees,
            pending_price,
            pending_qty,
            self.code,
            self.text,
            pending_stop,
            "" if group is None else group.id,
            None if group is None else group.contingency,
            "" if group is None else group.parent_of(self),
            more is not None and more.held and not self.dead,
            0 if more is None else more.triggered,
            c.expire,
            c.display_qty,
            c.trail,
            c.trail_bp,
            c.limit_offset,
            c.peg,
            c.peg_offset,
            c.position_effect,
        )
