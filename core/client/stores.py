"""What a client knows of the engine: the newest market and every order event, no Qt.

`Stores.take` applies a message of the engine; panels read, never write. Keys of boards:
orders by cl_ord_id, fills by ``venue execution key``, positions by `position_key`, limits by
`limit_key`, the rest by their own name.
"""

from __future__ import annotations

from collections import deque
from decimal import Decimal

from core.client.balances import Balances
from core.client.board import Board
from core.client.series import Bars, Depth, Tape
from core.model.enums import LinkState, Mode, OrdStatus, TradingState
from core.model.events import (
    CommandRefused,
    Difference,
    Draft,
    Event,
    LimitUse,
    LinkUpdate,
    Notice,
    StrategyState,
)
from core.model.instruments import Instrument
from core.model.orders import (
    LONG,
    SHORT,
    AccountState,
    Balance,
    Fill,
    Order,
    OrderUpdate,
    Position,
)
from core.model.session import Appraisal, EngineView, Frame, Snapshot, SourceView, Ticker

STORY_LIMIT = 200
"""Most steps kept of one order's story."""

KEPT_ORDERS = 25_000
"""Most finished orders, and most fills, that are kept; the engine itself keeps some fewer, so that
what it tells after a reconnection never pushes newer ones out. Older ones are in the records."""

KEPT_STORIES = 5_000
"""Most finished orders of which the whole story is kept."""

KEPT_REFUSALS = 1_000
"""Most refused commands that are kept."""

NOTICE_LIMIT = 5_000

APPRAISAL_LIMIT = 64
"""Most answers about orders that wait for who asked."""

DIFFERENCE_LIMIT = 500
"""Most differences with venues that are kept."""


def fill_key(fill: Fill) -> str:
    """Key of a fill on its board: executions are counted once by venue."""
    return f"{fill.instrument}|{fill.exec_id}"


def position_key(account: str, instrument: str, strategy: str = "", leg: str = "") -> str:
    """Key of a position row; without `strategy` and `leg` it is the account's whole position."""
    key = f"{account}|{instrument}|{strategy}"
    return f"{key}|{leg}" if leg else key


def limit_key(use: LimitUse) -> str:
    """Key of a limit row."""
    return f"{use.scope}|{use.scope_id}|{use.name}"


class Stores:
    """Everything a panel may show.

    Args:
        keep: how many finished orders, and how many fills, are remembered.

    Attributes:
        connected: True while the engine answers; trading is frozen otherwise.
        connection_text: a sentence for the status bar about the connection.
        mode: what money this is; a guess until `mode_known`.
        working: cl_ord_ids of orders that may still trade, by instrument.
        stories: every update of each order that works or ended not long ago, oldest first.
        appraisals: answers to what panels asked about orders, by the number of the question.
    """

    def __init__(self, keep: int = KEPT_ORDERS) -> None:
        self._keep = keep
        self._ended: deque[str] = deque()  # finished orders, in the order in which they were told
        self._told: deque[str] = deque()  # those of them that have a story
        self._finished: set[str] = set()
        self.connected = False
        self.connection_text = "Starting the engine."
        self.mode = Mode.PAPER
        self.mode_known = False
        self.engine_name = ""
        self.instruments: Board[Instrument] = Board()
        self.tickers: Board[Ticker] = Board()
        self.depth: dict[str, Depth] = {}
        self.tapes: dict[str, Tape] = {}
        self.bars: dict[tuple[str, str], Bars] = {}
        self.orders: Board[Order] = Board()
        self.working: dict[str, dict[str, Order]] = {}
        self.stories: dict[str, list[OrderUpdate]] = {}
        self.fills: Board[Fill] = Board(keep)
        self.positions: Board[Position] = Board()
        self.accounts: Board[AccountState] = Board()
        self.limits: Board[LimitUse] = Board()
        self.strategies: Board[StrategyState] = Board()
        self.drafts: Board[Draft] = Board()
        self.links: Board[LinkUpdate] = Board()
        self.sources: Board[SourceView] = Board()
        self.differences: Board[Difference] = Board()
        self.refusals: Board[CommandRefused] = Board(KEPT_REFUSALS)
        self.notices: list[Notice] = []
        self.notice_count = 0
        self.engine = EngineView(ts=0)
        self.appraisals: dict[int, Appraisal] = {}
        self.events_taken = 0
        self._balances = Balances(self)

    # -- writing, by the client only ---------------------------------------------------------

    def take_snapshot(self, snapshot: Snapshot) -> None:
        """Begin again from the engine's whole state."""
        for board in (
            self.instruments,
            self.tickers,
            self.orders,
            self.fills,
            self.positions,
            self.accounts,
            self.limits,
            self.strategies,
            self.drafts,
            self.links,
            self.sources,
            self.differences,
        ):
            board.clear()
        self.working.clear()
        self.stories.clear()
        self._ended.clear()
        self._told.clear()
        self._finished.clear()
        self.depth.clear()
        self.tapes.clear()
        self.bars.clear()
        self.mode, self.mode_known = snapshot.mode, True
        self.engine_name = snapshot.engine
        for instrument in snapshot.instruments:
            self.instruments.put(instrument.id, instrument)
        for group in (
            snapshot.accounts,
            snapshot.orders,
            snapshot.fills,
            snapshot.positions,
            snapshot.limits,
            snapshot.strategies,
            snapshot.drafts,
            snapshot.links,
            snapshot.differences,
        ):
            for event in group:
                self.take_event(event)
        known = {(n.ts, n.part, n.text) for n in self.notices}
        for notice in snapshot.notices:
            if (notice.ts, notice.part, notice.text) not in known:
                self.take_event(notice)

    def take_event(self, event: Event) -> None:
        """Apply one event."""
        self.events_taken += 1
        match event:
            case OrderUpdate():
                self._take_order(event)
            case Fill():
                self.fills.put(fill_key(event), event)
            case Position():
                key = position_key(event.account, event.instrument, event.strategy, event.leg)
                self.positions.put(key, event)
            case AccountState():
                self.accounts.put(event.account, event)
            case LimitUse() if event.lifted:
                self.limits.drop(limit_key(event))
            case LimitUse():
                self.limits.put(limit_key(event), event)
            case StrategyState():
                self.strategies.put(event.strategy, event)
            case Draft():
                self.drafts.put(event.draft, event)
            case LinkUpdate():
                self.links.put(event.source, event)
            case CommandRefused():
                self.refusals.put(event.id, event)
            case Notice():
                self.add_notice(event)
            case Difference():
                self._take_difference(event)

    def take_appraisal(self, appraisal: Appraisal) -> None:
        """Keep an answer until whoever asked takes it; of too many the oldest goes."""
        known = self.appraisals
        known[appraisal.number] = appraisal
        if len(known) > APPRAISAL_LIMIT:
            del known[next(iter(known))]

    def take_frame(self, frame: Frame) -> None:
        """Apply the newest market state."""
        for ticker in frame.tickers:
            self.tickers.put(ticker.instrument, ticker)
        for depth in frame.depth:
            self.depth.setdefault(depth.instrument, Depth()).take(depth)
        for tape in frame.tapes:
            self.tapes.setdefault(tape.instrument, Tape()).take(tape)
        for bars in frame.bars:
            self.bars.setdefault((bars.instrument, bars.interval), Bars()).take(bars)
        for source in frame.sources:
            self.sources.put(source.source, source)
        if frame.engine is not None:
            self.engine = frame.engine

    def add_notice(self, notice: Notice) -> None:
        """Add a line to the log (also used for what the terminal itself has to say)."""
        self.notices.append(notice)
        self.notice_count += 1
        if len(self.notices) > 2 * NOTICE_LIMIT:
            del self.notices[:-NOTICE_LIMIT]

    def _take_difference(self, difference: Difference) -> None:
        """Of too many the oldest that is resolved goes first."""
        known = self.differences
        known.put(difference.key, difference)
        if len(known) > DIFFERENCE_LIMIT:
            oldest = min(known, key=lambda d: (d.stands, d.ts))
            known.drop(oldest.key)

    def _take_order(self, update: OrderUpdate) -> None:
        order = update.order
        self.orders.put(order.cl_ord_id, order)
        story = self.stories.setdefault(order.cl_ord_id, [])
        story.append(update)
        if len(story) > STORY_LIMIT:
            del story[1]
        here = self.working.setdefault(order.instrument, {})
        if order.working:
            here[order.cl_ord_id] = order
        else:
            here.pop(order.cl_ord_id, None)
            self._end(order.cl_ord_id)

    def _end(self, name: str) -> None:
        """An order is finished; of too many the one that was first to end is forgotten.

        One that works again, since an execution of it was taken back, stays.
        """
        if name in self._finished:
            return
        self._finished.add(name)
        self._ended.append(name)
        self._told.append(name)
        if len(self._told) > min(KEPT_STORIES, self._keep) and not self._works(
            oldest := self._told.popleft()
        ):
            self.stories.pop(oldest, None)
        if len(self._ended) > self._keep:
            oldest = self._ended.popleft()
            self._finished.discard(oldest)
            if not self._works(oldest):
                self.orders.drop(oldest)
                self.stories.pop(oldest, None)

    def _works(self, name: str) -> bool:
        order = self.orders.get(name)
        return order is not None and order.working

    # -- reading -----------------------------------------------------------------------------

    def working_orders(self, instrument: str, account: str = "") -> list[Order]:
        """Orders of an instrument that may still trade, oldest first."""
        orders = self.working.get(instrument, {}).values()
        return [o for o in orders if not account or o.account == account]

    def position(self, account: str, instrument: str) -> Position | None:
        """The account's whole position in an instrument, if it ever had one."""
        return self.positions.get(position_key(account, instrument))

    def hedging(self, account: str) -> bool:
        """Do long and short positions of this account stand apart?"""
        found = self.accounts.get(account)
        return found is not None and found.hedging

    def held(self) -> list[Position]:
        """All that is held: of each account the whole positions, or the legs where they stand
        apart."""
        return [
            p
            for p in self.positions
            if p.qty and not p.strategy and bool(p.leg) is self.hedging(p.account)
        ]

    def held_in(self, account: str, instrument: str) -> list[Position]:
        """What an account holds of an instrument: its position, or its legs, the long one first."""
        sides = (LONG, SHORT) if self.hedging(account) else ("",)
        found = (self.positions.get(position_key(account, instrument, "", s)) for s in sides)
        return [p for p in found if p is not None and p.qty]

    def average_price(self, position: Position) -> Decimal | None:
        """What the open quantity cost on average, for the screen (28 digits); None when flat."""
        instrument = self.instruments.get(position.instrument)
        return None if instrument is None else instrument.average(position.cost, position.qty)

    def open_profit(self, position: Position) -> Decimal | None:
        """Profit if closed now at the worse side of the market, before fees; None if unknown."""
        instrument = self.instruments.get(position.instrument)
        if instrument is None:
            return None
        if position.qty == 0:
            return Decimal(0)
        mark = self._mark(position)
        if not mark:
            return None
        return instrument.money(instrument.cost(mark, position.qty) - position.cost)

    def market_value(self, position: Position) -> Decimal | None:
        """What the position is worth at the price to close it at, unsigned; None if unknown."""
        instrument = self.instruments.get(position.instrument)
        if instrument is None:
            return None
        mark = self._mark(position)
        if not mark:
            return None if position.qty else Decimal(0)
        return instrument.money(abs(instrument.cost(mark, position.qty)))

    def _mark(self, position: Position) -> int:
        ticker = self.tickers.get(position.instrument)
        if ticker is None:
            return 0
        return (ticker.bid if position.qty > 0 else ticker.ask) or ticker.last

    @property
    def balances(self) -> Board[Balance]:
        """Each account's money by currency, reckoned when it is asked for."""
        return self._balances.board

    def realised_profit(self, position: Position) -> Decimal | None:
        """Closed profit after fees, exact; None when the instrument is not known."""
        instrument = self.instruments.get(position.instrument)
        return None if instrument is None else instrument.money(position.realised) - position.fees

    @property
    def known_mode(self) -> Mode | None:
        """The mode as the engine, or whoever starts it, said it; None before."""
        return self.mode if self.mode_known else None

    def can_trade(self, account: str) -> tuple[bool, str]:
        """May an opening order be sent now? If not, the sentence says why."""
        if not self.connected:
            return False, self.connection_text
        state = self.accounts.get(account)
        if state is None:
            return False, f"The engine does not know the account “{account}”."
        if state.state is not TradingState.ACTIVE:
            word = "halted" if state.state is TradingState.HALTED else "reduce-only"
            return False, f"{account} is {word}: {state.reason}" if state.reason else (
                f"{account} is {word}."
            )
        return True, ""

    def down_links(self) -> list[LinkUpdate]:
        """Sources that are not up."""
        return [link for link in self.links if link.state is not LinkState.UP]

    def unknown_orders(self) -> list[Order]:
        """Orders whose fate at the venue is not known."""
        return [o for o in self.orders if o.status is OrdStatus.UNKNOWN]
