"""The kernel: inputs in, outputs out; no I/O, no clock, no randomness.

The same inputs give the same outputs and the same `digest`, on every machine and in every run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from core.kernel import (
    appraise,
    changing,
    closing,
    commands,
    dump,
    groups,
    held,
    lists,
    portfolio,
    reports,
    riskstate,
)
from core.kernel.asking import wire
from core.kernel.leaving import piece_of
from core.kernel.markets import Market
from core.kernel.state import Output, State
from core.kernel.uses import limit_uses
from core.model.checks import Violation
from core.model.commands import (
    CancelAll,
    CancelOrder,
    Flatten,
    HandOver,
    Kill,
    NewOrder,
    NewOrderList,
    Override,
    ReplaceOrder,
    SetLimit,
    SetRestriction,
    SetTradingState,
)
from core.model.enums import ExecType, LinkState, Severity, Source, TradingState
from core.model.events import CancelReject, ExecutionReport, LimitUse, LinkUpdate
from core.model.inputs import (
    LOOSEN_DELAY,
    AccountSetup,
    Covariance,
    Facts,
    LimitValue,
    Setup,
    Tick,
    TurnedAway,
)
from core.model.instruments import Instrument
from core.model.market import Quote, StatusUpdate, Taking, Trade
from core.model.orders import AccountState, Fill, Order, OrderUpdate, Position
from core.model.session import Appraisal
from core.native import BUILD

KEEP = 20_000
"""How many finished orders, and how many fills, the kernel remembers."""

Input = (
    NewOrder
    | NewOrderList
    | CancelOrder
    | ReplaceOrder
    | CancelAll
    | Flatten
    | HandOver
    | Kill
    | SetTradingState
    | SetLimit
    | SetRestriction
    | Override
    | ExecutionReport
    | CancelReject
    | LinkUpdate
    | Quote
    | Trade
    | StatusUpdate
    | Setup
    | Facts
    | Covariance
    | Tick
    | TurnedAway
)


class Kernel:
    """Orders, positions, cash and limits of all accounts.

    Args:
        instruments: what may be traded; more can be added later.
        accounts: who trades, and the cash they open with.
        limits: the settings' limits, beyond the defaults of `core.model.limits`.
        loosen_delay: how long a loosened limit waits, in ns.
        keep: how many finished orders and fills stay in memory.
    """

    def __init__(
        self,
        instruments: Iterable[Instrument] = (),
        accounts: Iterable[AccountSetup] = (),
        limits: Iterable[LimitValue] = (),
        *,
        loosen_delay: int = LOOSEN_DELAY,
        keep: int = KEEP,
    ) -> None:
        self._state = State(keep, loosen_delay)
        self._state.setup(Setup(tuple(instruments), tuple(accounts), tuple(limits), loosen_delay))
        self._state.out = []

    def apply(self, seq: int, ts: int, message: Input) -> list[Output]:
        """Take in one input and return what follows from it, in order.

        `seq` is its number in the journal, `ts` the engine's time of it (UTC ns). What cannot be
        applied becomes a `CommandRefused` or `Notice`; nothing is ever raised.
        """
        s = self._state
        s.seq = seq
        s.ts = ts
        s.message = message
        out: list[Output] = []
        s.out = out
        handler = _HANDLERS.get(type(message))
        if handler is None:
            s.notice(Severity.ERROR, f"The kernel does not take {type(message).__name__}.")
            return out
        try:
            due = s.limits.due
            if due and ts >= due:
                _release(s)
            handler(s, message)
            while s.ready or s.dirty:
                if s.dirty:
                    groups.follow(s)
                if s.ready:
                    closing.advance(s, s.ready.pop(0))
        except Exception as error:
            _broken(s, message, error)
        return out

    @staticmethod
    def takes(message: object) -> bool:
        """Is this an input of the kernel? Others in a journal are passed over in a replay."""
        return type(message) in _HANDLERS

    def add_instruments(self, instruments: Iterable[Instrument]) -> list[Output]:
        """Add instruments outside the journal, for tests and tools; the engine journals `Setup`."""
        return self.apply(self._state.seq, self._state.ts, Setup(tuple(instruments)))

    def preview(self, order: NewOrder, ts: int) -> list[Violation]:
        """What would speak against an order at `ts`; changes nothing."""
        return appraise.preview(self._state, order, ts)

    def appraise(self, order: NewOrder, ts: int, taking: Taking | None = None) -> Appraisal:
        """What an order would cost and need at `ts`, and what speaks against it.

        `taking` is what it would find in the book now, if that is known.
        """
        return appraise.appraise(self._state, order, ts, taking)

    def denials(self) -> dict[tuple[str, str], int]:
        """How many orders and changes were denied, by code and scope, since the journal began."""
        return dict(self._state.risk.counts)

    def follows(self) -> bool:
        """Are there limits that follow the market, so that `Facts` of it are wanted?"""
        return bool(self._state.limits.following)

    def reckons_risk(self) -> bool:
        """Is value at risk limited anywhere, so that a `Covariance` is wanted?"""
        limits = self._state.limits
        keys = (*limits.values, *limits.waiting)
        return any(key[0] in ("max_var", "max_shortfall") for key in keys)

    def limit_uses(self, ts: int) -> list[LimitUse]:
        """Every limit with what is used of it at `ts`."""
        return limit_uses(self._state, ts)

    def wants(self, setup: Setup) -> Setup | None:
        """The part of a setup that this kernel does not have yet; None: it has all of it."""
        s = self._state
        instruments = tuple(
            i for i in setup.instruments if i.id not in s.markets or s.markets[i.id].instrument != i
        )
        accounts = tuple(
            a
            for a in setup.accounts
            if a.id not in s.accounts or s.accounts[a.id].hedging is not a.hedging
        )
        limits = tuple(
            v
            for v in setup.limits
            if s.limits.settings.get((v.name, v.scope, v.scope_id)) != v.value
        )
        policy = setup.policy if setup.policy != s.risk.policy else None
        given = {(v.name, v.scope, v.scope_id) for v in setup.limits}
        lifted = tuple(key for key in s.limits.settings if key not in given)
        same = setup.loosen_delay == s.limits.delay and policy is None
        if same and not (instruments or accounts or limits or lifted):
            return None
        return Setup(instruments, accounts, limits, setup.loosen_delay, policy, lifted=lifted)

    @property
    def seq(self) -> int:
        """The number of the last input."""
        return self._state.seq

    @property
    def ts(self) -> int:
        """The time of the last input (UTC ns)."""
        return self._state.ts

    def instruments(self) -> list[Instrument]:
        """Everything that may be traded."""
        return [market.instrument for market in self._state.markets.values()]

    def order(self, cl_ord_id: str) -> Order | None:
        """One order, working or not yet forgotten, by its id or that of a slice of it."""
        s = self._state
        live = s.orders.get(cl_ord_id) or s.orders.get(s.slices.get(cl_ord_id, ""))
        return None if live is None else live.view()

    def at_venue(self, name: str) -> Order | None:
        """An order, or a slice of one, that was sent under this id, as its venue knows it."""
        live = self._state.orders.get(name)
        if live is not None:
            return wire(live)
        found = piece_of(self._state, name)
        return None if found is None else wire(found[0], None, found[1])

    def counted(self, venue: str, exec_id: str) -> bool:
        """Is an execution in the books already (of orders that are still remembered)?"""
        return exec_id in self._state.execs.get(venue, ())

    def working(self) -> list[Order]:
        """Every order that may still trade, oldest first."""
        return [live.view() for live in self._state.working.values()]

    def at_venues(self) -> list[Order]:
        """What works at venues, as they know it: without what is held here, slices as such."""
        return [wire(live) for live in self._state.working.values() if not live.waits]

    def left_behind(self) -> list[Order]:
        """Slices that venues work on beside those that followed them, as venues know them."""
        s = self._state
        return [
            wire(live, None, piece)
            for live in map(s.orders.__getitem__, dict.fromkeys(s.slices.values()))
            if live.more is not None
            for piece in live.more.left_behind
        ]

    def short(self) -> list[Order]:
        """What is over, as venues know it, of which more is filled there than in the books by what
        was said when it ended."""
        orders = self._state.orders
        ended = (orders[name] for name in self._state.dead)
        return [wire(live) for live in ended if live.told > live.cum]

    def order_updates(self) -> list[OrderUpdate]:
        """Every order still remembered as an update that tells its state, oldest first."""
        return [
            OrderUpdate(live.seq, live.updated, live.view(), ExecType.ORDER_STATUS)
            for live in sorted(self._state.orders.values(), key=lambda o: o.created)
        ]

    def fills(self) -> list[Fill]:
        """The newest fills, oldest first."""
        return list(self._state.fills)

    def positions(self) -> list[Position]:
        """Every position that was ever held, its legs and strategies' parts after the whole."""
        s = self._state
        found: list[Position] = []
        for account in s.accounts.values():
            for holding in account.holdings.values():
                if holding.bought or holding.sold:
                    found.append(holding.view(s.seq, s.ts))
                    found.extend(
                        leg.view(s.seq, s.ts)
                        for leg in holding.legs.values()
                        if leg.bought or leg.sold
                    )
                    found.extend(
                        part.view(s.seq, s.ts, strategy)
                        for strategy, part in holding.parts.items()
                        if strategy and (part.bought or part.sold)
                    )
        return found

    def accounts(self) -> list[AccountState]:
        """Every account."""
        s = self._state
        return [account.view(s.seq, s.ts) for account in s.accounts.values()]

    def halted(self, order: Order) -> bool:
        """May nothing but cancels be sent for this order, as if it were new?

        Its account, venue, strategy or trader is halted. What a flatten made closes what either of
        the latter two left behind.
        """
        live = self._state.orders.get(order.cl_ord_id)
        holding = None if live is None else live.holding
        if live is None or holding is None:
            return False
        stopped = TradingState.HALTED
        if holding.account.state is stopped or holding.market.meter.state is stopped:
            return True
        if live.command.source is Source.ENGINE:
            return False
        return any(p is not None and p.desk.state is stopped for p in (live.part, live.hand))

    def stopped(self, account: str, strategy: str, instrument: str) -> str:
        """Why a strategy may not open positions there: who is not active; empty where it may."""
        s = self._state
        found, market = s.accounts.get(account), s.markets.get(instrument)
        if found is None or found.state is not TradingState.ACTIVE:
            return f"account {account} is not active"
        desk = found.strategies.get(strategy)
        if desk is not None and desk.state is not TradingState.ACTIVE:
            return f"strategy {strategy} is not active"
        if market is not None and market.meter.state is not TradingState.ACTIVE:
            return f"venue {market.instrument.venue} is not active"
        return ""

    def marks(self) -> dict[str, int]:
        """The last known price (ticks) of every instrument that has one."""
        return {
            name: market.last or market.mark2 // 2
            for name, market in self._state.markets.items()
            if market.last or market.mark2
        }

    def venues_in_use(self) -> list[str]:
        """Venues that have working orders here or whose link was not down."""
        s = self._state
        found = {live.command.instrument for live in s.working.values()}
        venues = {s.markets[name].instrument.venue for name in found}
        venues.update(name for name, (state, _) in s.links.items() if state is not LinkState.DOWN)
        return sorted(venues)

    def agreed(self, venue: str) -> int:
        """When a venue's books and ours were last in line, by its clock (UTC ns; 0: not told)."""
        return self._state.agreed.get(venue, 0)

    def watched(self) -> list[str]:
        """Instruments with positions or working orders, whose marks the kernel needs."""
        return [
            name
            for name, market in self._state.markets.items()
            if any(h.qty or h.live for h in market.holdings)
        ]

    def triggers(self) -> Mapping[str, object]:
        """Instruments whose price an order waits for here, as the keys; changes by itself."""
        return self._state.watch

    def dump(self) -> bytes:
        """The whole memory as bytes, for a snapshot that says which build wrote it."""
        return dump.dump(self._state, BUILD)

    def digest(self) -> str:
        """A hash of the whole memory."""
        return dump.digest(self._state)

    @classmethod
    def load(cls, data: bytes) -> Kernel:
        """A kernel that goes on where the dumped one stood.

        Raises:
            ValueError: when `data` is not a dump that this version reads.
        """
        kernel = cls()
        kernel._state = dump.load(data)
        return kernel


def _on_quote(s: State, q: Quote) -> None:
    market = s.markets.get(q.instrument)
    if market is None:
        return
    bid_qty = q.bid_qty if q.bid > 0 and q.bid_qty > 0 else 0
    ask_qty = q.ask_qty if q.ask > 0 and q.ask_qty > 0 else 0
    bid = q.bid if bid_qty else 0
    ask = q.ask if ask_qty else 0
    market.ts = q.ts
    market.received = q.received
    market.bid_qty = bid_qty
    market.ask_qty = ask_qty
    if bid != ask or not bid:
        market.locked = 0
    elif not market.locked:
        market.locked = s.ts
    if bid != market.bid or ask != market.ask:
        market.bid = bid
        market.ask = ask
        _moved(s, market)
    if s.watch:
        held.on_market(s, market, bid, ask)


def _on_trade(s: State, t: Trade) -> None:
    market = s.markets.get(t.instrument)
    if market is None or t.price <= 0:
        return
    if not market.bid and not market.ask:
        # No quotes come for this instrument: its trades are the freshest word on the price.
        market.ts = t.ts
        market.received = t.received
    if t.price != market.last:
        market.last = t.price
        _moved(s, market)
    if s.watch:
        held.on_market(s, market, t.price, t.price)


def _moved(s: State, market: Market) -> None:
    market.revalue()
    market.remember(s.ts)
    for holding in market.holdings:
        if holding.purse.low():
            s.watch_loss(holding.account)


def _on_status(s: State, update: StatusUpdate) -> None:
    market = s.markets.get(update.instrument)
    if market is not None:
        market.status = update.status
        s.wake(market)
        held.retry(s, market)


def _on_tick(s: State, tick: Tick) -> None:
    new_session = bool(tick.session and s.session and tick.session != s.session)
    s.roll(tick.session)
    s.risk.refresh(s.accounts)
    held.on_time(s, new_session)
    closing.on_time(s)


def _release(s: State) -> None:
    for text in s.limits.release(s.ts):
        s.notice(Severity.WARNING, text)
    s.floors()


def _broken(s: State, message: object, error: Exception) -> None:
    """A fault of ours: say it loudly and trade no more, since the books may be wrong."""
    s.ready.clear()
    s.dirty.clear()
    s.notice(
        Severity.CRITICAL,
        f"The kernel failed on {type(message).__name__} ({type(error).__name__}: {error}). All"
        " accounts are halted; cancels still work. Compare orders and positions with the venues.",
    )
    for account in s.accounts.values():
        s.set_state(account, TradingState.HALTED, "the kernel failed on an input")


_HANDLERS: dict[type, Callable[[State, Any], None]] = {
    NewOrder: commands.new_order,
    NewOrderList: lists.new_list,
    CancelOrder: commands.cancel_order,
    ReplaceOrder: changing.replace_order,
    CancelAll: commands.cancel_all,
    Flatten: closing.flatten,
    HandOver: commands.hand_over,
    Kill: closing.kill,
    SetTradingState: closing.set_trading_state,
    SetLimit: commands.set_limit,
    SetRestriction: commands.set_restriction,
    Override: commands.override,
    ExecutionReport: reports.on_report,
    CancelReject: reports.on_cancel_reject,
    LinkUpdate: reports.on_link,
    Quote: _on_quote,
    Trade: _on_trade,
    StatusUpdate: _on_status,
    Setup: State.setup,
    Facts: riskstate.take_facts,
    Covariance: portfolio.take_covariance,
    TurnedAway: changing.turn_away,
    Tick: _on_tick,
}
