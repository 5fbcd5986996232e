"""Everything the kernel remembers, and the few changes that every part of it makes."""

from __future__ import annotations

from collections import deque

from core.kernel import following, losses, options, riskstate
from core.kernel.closing_state import Job
from core.kernel.desks import Desk
from core.kernel.ids import UsedIds
from core.kernel.limits import LimitBook
from core.kernel.markets import Market
from core.kernel.more import Group
from core.kernel.orders import Live
from core.kernel.positions import Account, Holding
from core.kernel.riskstate import RiskState
from core.model.checks import money_units
from core.model.enums import (
    ExecType,
    LinkState,
    OrdStatus,
    Severity,
    Side,
    Source,
    TradingState,
)
from core.model.events import CommandRefused, Event, ExecutionReport, Notice
from core.model.inputs import Setup
from core.model.instruments import Instrument
from core.model.numbers import plain
from core.model.orders import Fill, Order, OrderUpdate, leg_of
from core.model.requests import VenueRequest

Output = VenueRequest | Event

_BUY = Side.BUY


class State:
    """The kernel's memory. `seq` and `ts` are those of the input being worked on, the `message`;
    `out` is its answer.

    `keep` is how many finished orders and fills stay in memory; ids stay used for ever.
    """

    def __init__(self, keep: int, loosen_delay: int) -> None:
        self.keep = keep
        self.seq = 0
        self.ts = 0
        self.session = ""
        self.out: list[Output] = []
        self.message: object = None
        self.markets: dict[str, Market] = {}
        self.accounts: dict[str, Account] = {}
        self.orders: dict[str, Live] = {}
        self.working: dict[str, Live] = {}
        self.dead: deque[str] = deque()
        self.fills: deque[Fill] = deque(maxlen=keep)
        self.execs: dict[str, dict[str, None]] = {}
        self.ids = UsedIds()
        self.limits = LimitBook(loosen_delay)
        self.risk = RiskState()
        self.links: dict[str, tuple[LinkState, str]] = {}
        self.agreed: dict[str, int] = {}  # when books were in line, by the venue's clock
        self.jobs: dict[str, Job] = {}
        self.closing: dict[tuple[str, str, str, str], Holding] = {}
        self.ready: list[Holding] = []
        # Orders that the engine works: by instrument those that wait for a price, those that end
        # or begin at a time, lists, ids of slices with their orders' ids.
        self.watch: dict[str, dict[str, Live]] = {}
        self.timed: dict[str, Live] = {}
        self.groups: dict[str, Group] = {}
        self.dirty: dict[str, Group] = {}
        self.slices: dict[str, str] = {}

    def notice(self, severity: Severity, text: str) -> None:
        """Say something in the log."""
        self.out.append(Notice(self.ts, severity, "kernel", text))

    def refuse(self, command: str, code: str, text: str) -> None:
        """Say why a command was not carried out."""
        self.out.append(CommandRefused(self.ts, command, code, text))

    def update(self, live: Live, kind: ExecType, text: str = "", venue_ts: int = 0) -> Order:
        """Tell that an order changed; returns what it is now."""
        live.seq = self.seq
        live.updated = self.ts
        if live.holding is not None:
            live.holding.resting.changes += 1
        order = live.view()
        self.out.append(
            OrderUpdate(
                self.seq, self.ts, order, kind, venue_ts, "", 0, 0, text, asker(self.message)
            )
        )
        return order

    def hold(self, account: Account, market: Market) -> Holding:
        """What an account holds of an instrument; made when first asked for."""
        found = account.holdings.get(market.instrument.id)
        if found is None:
            found = account.holding(market)
            options.price(self, market)
            self.limits.version += 1  # it counts in its class, sector and currency
            self.floors()
        return found

    def part(self, holding: Holding, strategy: str) -> Holding:
        """The part of a holding that a strategy (empty: none) has; made when first asked for."""
        found = holding.parts.get(strategy)
        if found is None:
            found = holding.account.part(holding, strategy)
            self.floors()
        return found

    def hand(self, holding: Holding, trader: str) -> Holding:
        """The part of a holding that a trader (empty: none) has; made when first asked for."""
        found = holding.hands.get(trader)
        if found is None:
            found = holding.account.hand(holding, trader)
            self.floors()
        return found

    def legs(self, live: Live) -> tuple[Holding, ...]:
        """The legs that an order opens or closes: of the whole, its strategy's and its trader's
        part; none but in a hedging account."""
        holding = live.holding
        if holding is None or not holding.account.hedging:
            return ()
        side = leg_of(live.command.side, live.command.position_effect)
        part = live.part or self.part(holding, "")
        hand = live.hand or self.hand(holding, "")
        return holding.leg(side), part.leg(side), hand.leg(side)

    def next_id(self, job: Job) -> str:
        """The id of a job's next request: never used before, the same in every replay."""
        while True:
            job.count += 1
            name = f"{job.id}/{job.count}"
            if self.ids.add(name):
                return name

    def next_own(self, live: Live) -> str:
        """The id of the engine's next request for an order: never used before, the same in every
        replay."""
        more = live.more
        assert more is not None
        while True:
            more.count += 1
            name = f"{live.command.cl_ord_id}/{more.count}"
            if self.ids.add(name):
                return name

    def touch(self, live: Live) -> None:
        """Something happened to an order: its list may have to follow."""
        if live.more is not None and live.more.group is not None:
            group = live.more.group
            if group.id in self.groups:
                self.dirty[group.id] = group

    def touch_holding(self, holding: Holding | None) -> None:
        """A position changed: lists that protect it may have to follow."""
        for group in self.groups.values():
            if group.lives[0].holding is holding:
                self.dirty[group.id] = group

    def recount(self, live: Live, expose: bool = True) -> None:
        """Bring the open quantity of an order's holding up to date, and with it the exposure."""
        more = live.more
        if more is not None and more.group is not None:
            for each, exposed in more.group.exposures():
                self._count(each, exposed, expose or each is not live)
        else:
            self._count(live, 0 if live.dead else max(0, live.most() - live.cum), expose)

    def _count(self, live: Live, exposed: int, expose: bool) -> None:
        delta = exposed - live.exposed
        holding = live.holding
        if delta and holding is not None:
            live.exposed = exposed
            holding.resting.changes += 1
            buy = live.command.side is _BUY
            for each in (holding, live.part, live.hand):
                if each is not None:
                    if buy:
                        each.open_buy += delta
                    else:
                        each.open_sell += delta
                    if expose:
                        each.expose()
            for leg in self.legs(live) if holding.account.hedging else ():
                if buy:
                    leg.open_buy += delta
                else:
                    leg.open_sell += delta

    def begin(
        self, live: Live, holding: Holding, part: Holding | None, hand: Holding | None = None
    ) -> None:
        """An order starts to work: it counts in every limit from now on."""
        name = live.command.cl_ord_id
        self.orders[name] = self.working[name] = live
        live.holding = holding
        live.part = part
        live.hand = hand
        for each in (holding, part, hand):
            if each is not None:
                each.live[name] = live
                each.desk.working += 1
        for leg in self.legs(live):
            leg.live[name] = live
        self.recount(live)

    def end(self, live: Live, status: OrdStatus, expose: bool = True) -> None:
        """An order is over: it counts in no limit any more."""
        live.base = status
        live.dead = True
        live.unknown = False
        live.requests = ()
        live.answered = ()
        self.recount(live, expose)
        name = live.command.cl_ord_id
        self.working.pop(name, None)
        if live.more is not None:
            live.more.waits = live.more.suspended = False
            self.forget(live)
        for holding in (live.holding, live.part, live.hand):
            if holding is not None and holding.live.pop(name, None) is not None:
                holding.desk.working -= 1
                if holding.closing is not None:
                    self.ready.append(holding)
        for leg in self.legs(live):
            if leg.live.pop(name, None) is not None and leg.closing is not None:
                self.ready.append(leg)
        self.bury(live)

    def forget(self, live: Live) -> None:
        """The engine need not look at an order any more."""
        self.unwatch(live)
        self.timed.pop(live.command.cl_ord_id, None)
        self.touch(live)

    def unwatch(self, live: Live) -> None:
        """No price is of interest to an order any more."""
        instrument = live.command.instrument
        watched = self.watch.get(instrument)
        if watched is not None:
            watched.pop(live.command.cl_ord_id, None)
            if not watched:
                del self.watch[instrument]

    def bury(self, live: Live) -> None:
        """Keep a dead order for a while, and forget the oldest one."""
        self.orders[live.command.cl_ord_id] = live
        self.dead.append(live.command.cl_ord_id)
        if len(self.dead) > self.keep:
            old = self.orders[self.dead[0]]
            if old.more is not None and old.more.group is not None and self._spare():
                return
            old = self.orders.pop(self.dead.popleft())
            for venue, exec_id in old.execs:
                del self.execs[venue][exec_id]
            if old.more is not None:
                for piece in old.more.slices:
                    self.slices.pop(piece.id, None)
                if old.more.group is not None:
                    old.more.group.lives.remove(old)

    def _spare(self) -> bool:
        """Move dead orders whose lists still live to the end; True when there are no others."""
        for _ in range(len(self.dead)):
            more = self.orders[self.dead[0]].more
            if more is None or more.group is None or more.group.id not in self.groups:
                return False
            self.dead.rotate(-1)
        return True

    def wake(self, market: Market) -> None:
        """Something changed for an instrument: whatever is being closed there may go on."""
        self.ready.extend(h for h in self.closing.values() if h.market is market)

    def setup(self, setup: Setup) -> None:
        """Take in instruments, accounts and limits."""
        self.limits.delay = setup.loosen_delay
        if setup.policy is not None and setup.policy != self.risk.policy:
            riskstate.take_policy(self, setup.policy)
        for instrument in setup.instruments:
            self._add_instrument(instrument)
        if setup.instruments:
            following.make(self)
        for account in setup.accounts:
            if account.id not in self.accounts:
                self.accounts[account.id] = made = Account(account.id, account.cash)
                made.hedging = account.hedging
                self.out.append(made.view(self.seq, self.ts))
            elif self.accounts[account.id].hedging is not account.hedging:
                self._set_hedging(self.accounts[account.id], account.hedging)
        for problem in self.limits.take_settings(setup, self.ts):
            self.notice(Severity.ERROR, problem)
        self.floors()
        for known in self.accounts.values():
            self.watch_loss(known)

    def _set_hedging(self, account: Account, hedging: bool) -> None:
        """Tell the legs of an account's positions apart from now on, or no longer."""
        if not all(holding.empty() for holding in account.holdings.values()):
            now, then = ("netting", "hedging") if hedging else ("hedging", "netting")
            text = f"Account {account.id} stays {now} while it holds anything or has open orders."
            self.notice(Severity.ERROR, f"{text} Close all, then read the settings ({then}) anew.")
            return
        account.hedging = hedging
        for holding in account.holdings.values():
            for each in (holding, *holding.parts.values(), *holding.hands.values()):
                each.legs.clear()
        self.out.append(account.view(self.seq, self.ts))

    def _add_instrument(self, instrument: Instrument) -> None:
        market = self.markets.get(instrument.id)
        try:
            units = money_units(instrument)
        except ValueError as error:
            self.notice(Severity.ERROR, str(error))
            return
        if market is None:
            self.markets[instrument.id] = self.market(instrument, units)
            return
        old = market.instrument
        if _steps(old) == _steps(instrument):
            market.instrument = instrument
            market.meter = self.risk.meter(instrument.venue)
            market.blocked = ""
            self._know(market)
            market.reckon()
            market.minute = -1
            self.limits.version += 1
        elif not market.holdings:
            self.markets[instrument.id] = self.market(instrument, units)
        else:
            market.blocked = (
                f"{instrument.id} changed its tick, lot, multiplier, currency or form while it is"
                f" in the books; close it under the old definition (tick {plain(old.tick)}, lot"
                f" {plain(old.lot)}) and start a new journal."
            )
            self.notice(Severity.CRITICAL, market.blocked)

    def market(self, instrument: Instrument, units: int) -> Market:
        """A market of an instrument, about which nothing is known yet."""
        risk = self.risk
        made = Market(
            instrument, units, risk.meter(instrument.venue), risk.unit(instrument.currency)
        )
        made.set_rate(risk.rate(instrument.currency))
        self._know(made)
        volume = risk.policy.volumes.get(instrument.id)
        made.volume = 0 if volume is None else riskstate.lots_a_day(volume, instrument)
        return made

    def _know(self, market: Market) -> None:
        """See to what is special about a derivative."""
        market.gearing = options.gearing_of(market)
        options.price(self, market)
        market.weigh()

    def floors(self) -> None:
        """Work out anew at which profit and loss the loss limits are reached."""
        losses.set_limits(self)

    def roll(self, session: str) -> None:
        """A new session: the day's profit and loss counts from here."""
        if not session or session == self.session:
            return
        self.session = session
        for account in self.accounts.values():
            if account.begin_day():
                self.out.append(account.view(self.seq, self.ts))
        losses.begin_day(self)

    def over_loss(self, desk: Desk) -> str:
        """A sentence when a desk has reached a loss limit, else nothing."""
        found = losses.reached(desk)
        return "" if found is None else found.text

    def watch_loss(self, account: Account) -> None:
        """Take an account to reduce-only, or halt it, when a loss limit is reached."""
        losses.watch(self, account)

    def set_state(self, account: Account, state: TradingState, reason: str, code: str = "") -> None:
        """Change what an account may do and tell it."""
        account.state = state
        account.reason = reason
        account.code = code
        self.out.append(account.view(self.seq, self.ts))


def _steps(i: Instrument) -> tuple[object, ...]:
    """What the numbers in the books stand on."""
    return i.tick, i.lot, i.multiplier, i.currency, i.face, i.point


def asker(message: object) -> str:
    """Who asked for what an input makes happen; empty when it is no command."""
    if type(message) is ExecutionReport:
        return ""
    source = getattr(message, "source", None)
    if type(source) is not Source:
        return ""
    strategy = getattr(message, "strategy", "") if source is Source.STRATEGY else ""
    name = strategy or getattr(message, "trader", "")
    return f"{source._value_} {name}" if name else source._value_
