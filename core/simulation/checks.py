"""What must be true after every step, and once everything has settled.

Nothing here believes the kernel: positions and cash are added up anew from the fills, and what
works, what was filled and what is held is compared with the venues' own truth.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal

from core.kernel.kernel import Kernel
from core.model.enums import ExecType, OrdStatus, Side, Source, StrategyMode, TradingState
from core.model.events import Event, StrategyState
from core.model.instruments import Instrument
from core.model.orders import LONG, SHORT, AccountState, Order, OrderUpdate, leg_of
from core.model.requests import VenueNew
from core.simulation.exchange import Exchange
from core.simulation.setting import HEDGED, MOST_OPEN, MOST_POSITION

_WAITED = 4.0  # seconds that an order may wait for the disk
_TAKEN_BACK = (ExecType.TRADE_CANCEL, ExecType.TRADE_CORRECT)


def _halted(kernel: Kernel, order: Order) -> list[str]:
    """What is halted of that on which an order depends; a flatten closes for who is stopped."""
    s = kernel._state
    account = s.accounts[order.account]
    venue = order.instrument.rpartition(".")[2]
    states = {order.account: account.state}
    if venue in s.risk.meters:
        states[venue] = s.risk.meters[venue].state
    if order.source is not Source.ENGINE:
        for name, desks in ((order.strategy, account.strategies), (order.trader, account.traders)):
            if name in desks:
                states[name] = desks[name].state
    return [name for name, state in states.items() if state is TradingState.HALTED]


class Watch:
    """Follows one simulation over all lives of its engine, and says what is wrong.

    Args:
        instruments, accounts: what is traded, and each account's cash at the start, by currency.
        exchanges: the venues, which know the truth.
        fail: told of the first thing that is wrong, as a sentence.
        on_record: is this client order id in what of the journal would survive now?

    Attributes:
        excused: positions that the venues themselves brought beyond a limit: account and
            instrument.
        handed: strategies of which a position was handed over, perhaps.
        lowered: orders of which a venue took an execution back.
    """

    def __init__(
        self,
        instruments: Sequence[Instrument],
        accounts: Mapping[str, Mapping[str, Decimal]],
        exchanges: Iterable[Exchange],
        fail: Callable[[str], None],
        on_record: Callable[[str], bool],
    ) -> None:
        self._instruments = {i.id: i for i in instruments}
        self._accounts = dict(accounts)
        self._opening = {(a, c): cash for a, of in accounts.items() for c, cash in of.items()}
        self._exchanges = {e.name: e for e in exchanges}
        self._fail = fail
        self._on_record = on_record
        self._ended: dict[str, OrdStatus] = {}
        self._told: dict[str, int] = {}
        self.lowered: set[str] = set()
        self.handed: set[str] = set()
        self._states: dict[str, TradingState] = {}
        self._sent: Counter[str] = Counter()
        self.excused: set[tuple[str, str]] = set()
        self.asked: set[str] = set()
        self._auto: dict[str, float] = {}  # when its switch left Auto
        self.checks = 0

    # -- as it happens -----------------------------------------------------------------------

    def leaves(self, request: VenueNew, kernel: Kernel, now: float) -> None:
        """An order is handed to its venue's connection; `now` in virtual seconds."""
        order = request.order
        self._sent[order.cl_ord_id] += 1
        if self._sent[order.cl_ord_id] > 1:
            self._fail(f"(4) order {order.cl_ord_id} was sent to its venue twice.")
        for what in _halted(kernel, order):
            self._fail(f"(5) order {order.cl_ord_id} left while {what} was halted.")
        if order.cl_ord_id in self.asked and not self._on_record(order.cl_ord_id):
            self._fail(f"(8) order {order.cl_ord_id} left before it was safely on record.")

        strategy = order.strategy
        own = order.source is Source.STRATEGY and not order.trader
        if own and now - self._auto.get(strategy, -_WAITED) >= _WAITED:
            self._fail(f"order {order.cl_ord_id} left though {strategy} only advises.")

    def turned(self, state: StrategyState, now: float) -> None:
        """A strategy's switch was turned; `now` in virtual seconds."""
        if state.mode is StrategyMode.AUTO:
            self._auto[state.strategy] = math.inf
        elif self._auto.get(state.strategy) == math.inf:
            self._auto[state.strategy] = now

    def told(self, event: Event) -> None:
        """The engine told everyone something; it must not be taken back."""
        if isinstance(event, AccountState):
            self._states[event.account] = event.state
        if not isinstance(event, OrderUpdate):
            return
        order = event.order
        name = order.cl_ord_id
        if event.exec_type in _TAKEN_BACK:
            self._told[name] = order.cum_qty
            self._ended.pop(name, None)
        elif order.cum_qty < self._told.get(name, 0) and name not in self.lowered:
            self._fail(
                f"(7) order {name} had {self._told[name]} lots filled and has {order.cum_qty} now."
            )
        self._told[name] = order.cum_qty
        ended = self._ended.get(name)
        if ended is not None and order.status is not ended:
            late = event.exec_type is ExecType.TRADE and order.status is OrdStatus.FILLED
            if not late:
                self._fail(
                    f"(7) order {name} was {ended.name} and became {order.status.name}"
                    f" ({event.exec_type.name})."
                )
        if order.status.terminal:
            self._ended[name] = order.status

    def back(self, kernel: Kernel) -> None:
        """The engine has started again: nothing that it told may be lost."""
        self._auto.clear()
        for name, filled in self._told.items():
            order = kernel.order(name)
            if order is None:
                self._fail(f"order {name} was told to clients and is lost.")
            elif order.cum_qty < filled and name not in self.lowered:
                self._fail(
                    f"order {name} was told with {filled} lots filled and has {order.cum_qty}."
                )
            elif name in self._ended and not order.status.terminal and name not in self.lowered:
                self._fail(
                    f"(7) order {name} was told to be {self._ended[name].name} and is"
                    f" {order.status.name} after the start."
                )

    # -- after every step --------------------------------------------------------------------

    def state(self, kernel: Kernel) -> None:
        """The books by themselves."""
        self.checks += 1
        orders = [update.order for update in kernel.order_updates()]
        self._fills(kernel, orders)
        self._limits(kernel)
        for exchange in self._exchanges.values():
            if exchange.truth.wrong:
                self._fail(f"(4) {exchange.truth.wrong[0]}")

    def _fills(self, kernel: Kernel, orders: Sequence[Order]) -> None:
        filled: Counter[str] = Counter()
        lots: Counter[tuple[str, str, str, str]] = Counter()
        flow: Counter[tuple[str, str, str]] = Counter()
        cash = dict(self._opening)
        sides = {order.cl_ord_id: order.side for order in orders}
        for fill in kernel.fills():
            signed = fill.side.sign * fill.qty
            filled[fill.cl_ord_id] += signed * sides[fill.cl_ord_id].sign
            where = (fill.account, fill.instrument)
            listed = self._instruments[fill.instrument]
            paid = listed.cost(fill.price, signed)
            for leg in {"", fill.leg}:
                flow[*where, leg] -= paid
                for strategy in {"", fill.strategy}:
                    lots[*where, strategy, leg] += signed
            cash[fill.account, listed.currency] -= paid * listed.point
            cash[fill.account, fill.currency] -= fill.fee
        for order in orders:
            if order.cum_qty != filled[order.cl_ord_id]:
                self._fail(
                    f"(1) order {order.cl_ord_id} shows {order.cum_qty} lots filled and its fills"
                    f" add up to {filled[order.cl_ord_id]}."
                )
            if order.cum_qty > order.qty and not self._meant(order):
                self._fail(
                    f"(1) order {order.cl_ord_id} of {order.qty} lots is filled with"
                    f" {order.cum_qty}."
                )
        for position in kernel.positions():
            key = (position.account, position.instrument, position.strategy, position.leg)
            if position.qty != lots[key] and position.strategy not in self.handed:
                self._fail(
                    f"(2) position {key} is {position.qty} lots and its fills add up to"
                    f" {lots[key]}."
                )
            if (
                not position.strategy
                and position.realised - position.cost != flow[*key[:2], key[3]]
            ):
                self._fail(f"(3) profit and cost of {key} do not add up to what was paid.")
        for account in kernel.accounts():
            for currency, shown in account.cash.items():
                left = cash[account.account, currency]
                if shown != left:
                    self._fail(
                        f"(3) {account.account} shows {shown} {currency} and its fills leave"
                        f" {left}."
                    )

    def _meant(self, order: Order) -> bool:
        exchange = self._exchanges[order.instrument.rpartition(".")[2]]
        own = exchange.truth.orders.get(order.cl_ord_id)
        return own is None or own.over or order.cum_qty <= own.qty

    def _limits(self, kernel: Kernel) -> None:
        """Held plus all that may still trade, by our books and by the venues'."""
        opened: Counter[tuple[str, str, str, Side]] = Counter()
        count: Counter[str] = Counter()
        for order in kernel.at_venues():
            qty = max(order.qty, order.pending_qty) - order.cum_qty
            leg = leg_of(order.side, order.position_effect) if order.account == HEDGED else ""
            opened[order.account, order.instrument, leg, order.side] += qty
        for order in kernel.working():
            if order.source is not Source.ENGINE and not order.list_id:
                count[order.account] += 1
        held = {
            (p.account, p.instrument, p.leg): p.qty
            for p in kernel.positions()
            if not p.strategy and bool(p.leg) is (p.account == HEDGED)
        }
        for name in self._accounts:
            if count[name] > MOST_OPEN:
                self._fail(f"(6) {name} has {count[name]} open orders, {MOST_OPEN} are allowed.")
            for instrument, listed in self._instruments.items():
                if (name, instrument) in self.excused:
                    continue
                for leg in (LONG, SHORT) if name == HEDGED else ("",):
                    at = (name, instrument, leg)
                    mine = {side: opened[*at, side] for side in Side}
                    self._within(at, held.get(at, 0), mine, "our books")
                    exchange = self._exchanges[listed.venue]
                    there = {side: exchange.truth.open_lots(*at[:2], side, leg) for side in Side}
                    truth = exchange.truth.position(*at)
                    self._within(at, truth, there, f"{exchange.name}'s books")

    def _within(
        self, at: tuple[str, str, str], qty: int, opened: Mapping[Side, int], whose: str
    ) -> None:
        """Of a leg only what opens it counts: what closes it cannot be more than it holds."""
        for side, more in opened.items():
            may = qty * side.sign + more
            if may > MOST_POSITION and more:
                name = " ".join(part for part in at if part)
                self._fail(
                    f"(6) {name} may come to {may} lots {side.name} by {whose}, {MOST_POSITION} are"
                    " allowed."
                )

    # -- at the end --------------------------------------------------------------------------

    def settled(self, kernel: Kernel) -> None:
        """Faults are over and nothing moves: our books are the venues' truth."""
        self._same_orders(kernel)
        working = {o.cl_ord_id: o for o in kernel.at_venues()}
        for exchange in self._exchanges.values():
            there = {name: own for name, own in exchange.truth.orders.items() if own.working}
            for name, own in there.items():
                ours = working.pop(name, None)
                if ours is None:
                    self._fail(f"order {name} works at {exchange.name} and not in our books.")
                elif (ours.qty, ours.price) != (own.qty, own.price):
                    self._fail(
                        f"order {name} is {own.qty} lots at {own.price} at {exchange.name}, and"
                        f" {ours.qty} at {ours.price} in our books."
                    )
        for name in working:
            self._fail(f"order {name} works in our books and at no venue.")
        self._same_money(kernel)

    def _same_orders(self, kernel: Kernel) -> None:
        filled: dict[str, int] = defaultdict(int)
        for exchange in self._exchanges.values():
            for name, own in exchange.truth.orders.items():
                order = kernel.order(name)
                if order is None:
                    self._fail(f"{exchange.name} has order {name} and our books do not.")
                else:
                    filled[order.cl_ord_id] += own.cum
        for update in kernel.order_updates():
            order = update.order
            if order.source is not Source.EXTERNAL and order.cum_qty != filled[order.cl_ord_id]:
                self._fail(
                    f"order {order.cl_ord_id} has {filled[order.cl_ord_id]} lots filled at its"
                    f" venue and {order.cum_qty} in our books."
                )

    def _same_money(self, kernel: Kernel) -> None:
        cash = dict(self._opening)
        for exchange in self._exchanges.values():
            for own in exchange.truth.orders.values():
                listed = self._instruments[own.order.instrument]
                for done in own.execs:
                    paid = listed.cost(done.price, own.order.side.sign * done.qty)
                    cash[own.order.account, listed.currency] -= paid * listed.point + done.fee
            for name, instrument, qty, price in exchange.truth.foreign.values():
                listed = self._instruments[instrument]
                cash[name, listed.currency] -= listed.cost(price, qty) * listed.point
        held = {(p.account, p.instrument): p.qty for p in kernel.positions() if p.whole}
        for account in kernel.accounts():
            owner = account.account
            for currency, shown in account.cash.items():
                left = cash[owner, currency]
                if shown != left:
                    self._fail(
                        f"{owner} has {shown} {currency} in our books and {left} by what its venues"
                        " traded."
                    )
            for instrument, listed in self._instruments.items():
                truth = self._exchanges[listed.venue].truth.position(owner, instrument)
                if truth != held.get((owner, instrument), 0):
                    self._fail(
                        f"{owner} holds {truth} lots of {instrument} at its venue and"
                        f" {held.get((owner, instrument), 0)} in our books."
                    )
