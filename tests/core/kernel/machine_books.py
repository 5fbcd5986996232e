"""What must hold of a kernel after every step, by an independent reckoning of its fills."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant

from core.kernel.kernel import Kernel
from core.model.commands import NewOrder, NewOrderList
from core.model.enums import (
    Contingency,
    ExecType,
    OrdStatus,
    PositionEffect,
    Source,
    TradingState,
)
from core.model.events import CommandRefused, Notice
from core.model.orders import Fill, OrderUpdate, leg_of
from core.model.requests import VenueCancel, VenueNew, VenueReplace
from tests.core.kernel.driver import AAPL, BTC, FUT, Driver
from tests.core.kernel.machine_venue import Truth
from tests.core.kernel.memory import difference

INSTRUMENTS = {i.id: i for i in (AAPL, BTC, FUT)}
MIDS = {AAPL.id: 20_000, BTC.id: 600_000, FUT.id: 20_000}
LIMITS = (
    ("max_position", Decimal(60), "account", "P"),
    ("max_position", Decimal(25), "strategy", "S"),
    ("max_order_qty", Decimal(30), "instrument", AAPL.id),
    ("max_open_orders", Decimal(6), "account", "P"),
    ("max_order_rate", Decimal(8), "account", "Q"),
    ("max_exposure", Decimal(3_000_000), "account", "P"),
    ("daily_loss", Decimal(3_000), "account", "P"),
)


def no_zeros(sums):
    return {key: value for key, value in sums.items() if value}


def key_of(p):
    """A position's place in the books."""
    return (p.account, p.instrument, p.strategy, *((p.leg,) if p.leg else ()))


def sums(holdings):
    """What legs or parts of a position must add up to, exactly."""
    return (
        sum(h.qty for h in holdings),
        sum(h.realised - h.cost for h in holdings),
        sum(h.bought for h in holdings),
        sum(h.sold for h in holdings),
        sum(h.fees for h in holdings),
    )


class Books(RuleBasedStateMachine):
    """Takes in what each input leads to and holds it against the kernel's own books."""

    HEDGING = False

    @initialize(keep=st.sampled_from([3, 1000]))
    def begin(self, keep):
        self.d = Driver(*LIMITS, keep=keep, hedging=self.HEDGING)
        self.truth = Truth()
        self.opening = {a.account: dict(a.cash) for a in self.d.kernel.accounts()}
        self.flows = {}
        self.held = {}
        self.legs = {}
        self.by_order = {}
        self.sent = set()
        self.names = []
        self.over = {}
        self.fills = []
        self.venue_of = {}
        self.manual = {}
        self.done = len(self.d.everything)

    def look(self):
        """Take in what the last input led to."""
        out = self.d.everything[self.done :]
        self.done = len(self.d.everything)
        late = set()
        for o in out:
            if isinstance(o, VenueNew | VenueCancel | VenueReplace):
                self.check_request(o)
                self.truth.take(o)
            elif isinstance(o, Fill):
                late.add(o.cl_ord_id)
                self.book(o)
            elif isinstance(o, OrderUpdate) and o.order.source is Source.ENGINE:
                if o.order.cl_ord_id not in self.names:
                    self.names.append(o.order.cl_ord_id)
            elif isinstance(o, Notice):
                assert "failed on" not in o.text, o.text
                assert o.text.endswith(".")
            elif isinstance(o, CommandRefused):
                assert o.code
                assert o.text.endswith(".")
        for name, order in list(self.over.items()):
            now = self.d.order(name)
            if now is None or (name in late and not now.status.terminal):
                del self.over[name]
            elif name not in late:
                assert now == order, "a terminal order changed"
            else:
                self.over[name] = now
        for o in out:
            if isinstance(o, OrderUpdate) and o.order.status.terminal:
                now = self.d.order(o.order.cl_ord_id)
                if now is not None:
                    self.over[o.order.cl_ord_id] = now

    def check_request(self, request):
        order = request.order
        if isinstance(request, VenueCancel):
            return
        account = self.d.account(order.account)
        assert account.state is not TradingState.HALTED
        if isinstance(request, VenueNew):
            assert order.cl_ord_id not in self.sent, "sent twice"
            self.sent.add(order.cl_ord_id)
        if order.source is Source.ENGINE or order.parent:
            return
        uses = {
            (u.name, u.scope, u.scope_id): u.limit for u in self.d.kernel.limit_uses(self.d.now)
        }
        qty = order.qty if isinstance(request, VenueNew) else request.qty
        leaves = qty - order.cum_qty
        limit = uses.get(("max_order_qty", "account", order.account))
        shrinks = isinstance(request, VenueReplace) and request.qty <= order.qty
        assert limit is None or leaves <= limit or shrinks
        key = (order.account, order.instrument)
        sign = order.side.sign
        if order.contingency is Contingency.OCO and order.cl_ord_id not in self.names:
            return  # a slice: its sibling is made smaller by what the one before it was filled
        open_lots, closing = self.open_lots(key, order.side)
        position = self.held.get((*key, ""), 0)
        if self.HEDGING and order.account == "P":
            side = leg_of(order.side, order.position_effect)
            position = self.legs.get((*key, "", side), 0)
            open_lots, closing = self.open_lots(key, order.side, order.position_effect)
            if order.position_effect is PositionEffect.CLOSE:
                assert position * sign < 0
                assert closing <= abs(position), "more is to be closed than there is"
        if order.triggered and position * sign < 0 and closing <= abs(position):
            return  # it only closes
        limit = uses.get(("max_position", "account", order.account))
        assert limit is None or sign * position + open_lots <= limit or shrinks
        limit = uses.get(("max_position", "strategy", order.strategy))
        if limit is not None and not shrinks:
            part = self.held.get((*key, order.strategy), 0)
            effect = None
            if self.HEDGING and order.account == "P":
                effect = order.position_effect
                part = self.legs.get((*key, order.strategy, side), 0)
            mine, only = self.open_lots(key, order.side, effect, order.strategy)
            closes = order.triggered and part * sign < 0 and only <= abs(part)
            assert closes or sign * part + mine <= limit
        if isinstance(request, VenueNew):
            limit = uses[("max_open_orders", "account", order.account)]
            held = not isinstance(self.d.inputs[-1][2], NewOrder | NewOrderList)
            assert held or sum(o.account == order.account for o in self.d.kernel.working()) <= limit
            if account.state is TradingState.REDUCING or order.reduce_only:
                assert position * sign < 0
                assert open_lots <= abs(position)

    def open_lots(self, key, side, effect=None, strategy=None):
        """What all orders at venues may still trade, and what of it when lists are followed.

        Of a list's siblings only the largest counts. Once one of them has gone off the others may
        be filled as well, until they are canceled; by the list they will not.
        """
        loose, lists = 0, {}
        for o in self.d.kernel.at_venues():
            if (o.account, o.instrument, o.side) == (*key, side) and effect in (
                None,
                o.position_effect,
            ):
                leaves = max(o.qty, o.pending_qty) - o.cum_qty
                if strategy not in (None, o.strategy):
                    continue
                if o.contingency is Contingency.OCO or (
                    o.contingency is Contingency.BRACKET and o.parent
                ):
                    lists.setdefault(o.list_id, []).append((leaves, o.triggered))
                else:
                    loose += leaves
        most = sum(max(leaves for leaves, _ in each) for each in lists.values())
        beside = sum(
            sum(leaves for leaves, _ in each) - max(leaves for leaves, _ in each)
            for each in lists.values()
            if any(triggered for _, triggered in each)
        )
        return loose + most + beside, loose + most

    def book(self, fill):
        sign = fill.side.sign
        back = fill.kind is ExecType.TRADE_CANCEL
        lots = -fill.qty if back else fill.qty
        self.by_order[fill.cl_ord_id] = self.by_order.get(fill.cl_ord_id, 0) + lots
        if not back:
            self.fills.append(fill)
        if not fill.strategy:
            place = fill.account, fill.instrument
            self.manual[place] = self.manual.get(place, 0) + sign * fill.qty
        flow = -sign * fill.price * fill.qty
        for strategy in {"", fill.strategy}:
            key = (fill.account, fill.instrument, strategy)
            self.held[key] = self.held.get(key, 0) + sign * fill.qty
            self.flows[key] = self.flows.get(key, 0) + flow
            if fill.leg:
                self.legs[*key, fill.leg] = self.legs.get((*key, fill.leg), 0) + sign * fill.qty
                self.flows[*key, fill.leg] = self.flows.get((*key, fill.leg), 0) + flow
        instrument = INSTRUMENTS[fill.instrument]
        point = (
            Fraction(instrument.tick) * Fraction(instrument.lot) * Fraction(instrument.multiplier)
        )
        cash = self.opening[fill.account]
        currency = instrument.currency
        cash[currency] = Fraction(cash.get(currency, 0)) + flow * point
        cash[fill.currency] = Fraction(cash.get(fill.currency, 0)) - Fraction(fill.fee)

    @invariant()
    def books_equal_the_fills(self):
        if not hasattr(self, "d"):
            return
        positions = {key_of(p): p for p in self.d.kernel.positions()}
        held = self.held | {k: v for k, v in self.legs.items() if not k[2]}
        assert {k: p.qty for k, p in positions.items() if p.qty} == no_zeros(held)
        flows = {k: p.realised - p.cost for k, p in positions.items()}
        shown = {k: v for k, v in self.flows.items() if len(k) == 3 or not k[2]}
        assert no_zeros(flows) == no_zeros(shown)
        for p in positions.values():
            assert p.qty == p.bought - p.sold
            assert (p.cost == 0) if p.qty == 0 else (p.cost * p.qty > 0)
        for account in self.d.kernel.accounts():
            exact = {c: Fraction(v) for c, v in account.cash.items()}
            assert exact == {c: Fraction(v) for c, v in self.opening[account.account].items()}
        for name in self.names:
            order = self.d.order(name)
            if order is not None:
                assert order.cum_qty == self.by_order.get(name, 0)

    @invariant()
    def legs_add_up(self):
        if not self.HEDGING or not hasattr(self, "d"):
            return
        for account in self.d.kernel._state.accounts.values():
            for whole in account.holdings.values():
                for each in (whole, *whole.parts.values(), *whole.hands.values()):
                    legs = list(each.legs.values())
                    if account.hedging:
                        assert sums(legs) == sums([each])
                    else:
                        assert not legs
                for leg in whole.legs.values():
                    for parts in (whole.parts, whole.hands):
                        shares = [p.legs[leg.side] for p in parts.values() if leg.side in p.legs]
                        assert sums(shares) == sums([leg])

    @invariant()
    def exits_are_no_larger_than_what_they_protect(self):
        if not hasattr(self, "d"):
            return
        for o in self.d.kernel.working():
            if o.contingency is Contingency.BRACKET and o.parent and o.held:
                if o.status is OrdStatus.SUSPENDED:
                    continue
                place = o.account, o.instrument
                held = self.held.get((*place, o.strategy), 0) if o.strategy else None
                held = self.manual.get(place, 0) if held is None else held
                if self.HEDGING and o.account == "P":
                    part = (
                        self.d.kernel._state.accounts["P"].holdings[o.instrument].parts[o.strategy]
                    )
                    held = part.legs[leg_of(o.side, o.position_effect)].qty
                assert o.leaves <= max(0, -o.side.sign * held), o

    @invariant()
    def a_dump_is_the_whole_memory(self):
        if not hasattr(self, "d") or self.d.seq % 5:
            return
        loaded = Kernel.load(self.d.kernel.dump())
        found = difference(self.d.kernel, loaded)
        assert not found, found
        assert loaded.digest() == self.d.kernel.digest()
        assert loaded.limit_uses(self.d.now) == self.d.kernel.limit_uses(self.d.now)
        assert loaded.at_venues() == self.d.kernel.at_venues()

    def teardown(self):
        if hasattr(self, "d"):
            assert self.d.replayed().digest() == self.d.kernel.digest()
