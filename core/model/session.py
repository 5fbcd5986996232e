"""What a client (terminal, strategy host, tool) and the engine say to each other.

A client says `Hello`, gets one `Snapshot`, then `Events` (orders, fills, risk: every one, in
order) as they happen and `Frame` (market data: newest state only) when it has asked for one with
`Ready`. A client that is slow asks seldom and gets the newest state; nothing queues for it.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from core.model.commands import Command, NewOrder
from core.model.denials import Violation
from core.model.enums import LinkState, MarketStatus, Mode
from core.model.events import Difference, Draft, Event, LimitUse, LinkUpdate, Notice, StrategyState
from core.model.instruments import Instrument
from core.model.message import Message, Part
from core.model.orders import AccountState, Fill, OrderUpdate, Position

PROTOCOL = 3


class Hello(Message, frozen=True):
    """First word of a client. `kind` is ``terminal``, ``strategy`` or ``tool``."""

    client: str
    kind: str
    token: str
    protocol: int = PROTOCOL


class Subscribe(Message, frozen=True):
    """Everything this client wants from now on (replaces what it wanted before).

    `quotes` may hold ``*`` for all; `depth` and `trades` are instruments; `bars` are pairs
    ``(instrument, interval)`` with the interval as text.
    """

    quotes: tuple[str, ...] = ()
    depth: tuple[str, ...] = ()
    trades: tuple[str, ...] = ()
    bars: tuple[tuple[str, str], ...] = ()


class OlderBars(Message, frozen=True):
    """The client wants the bars of a series it subscribed to from index `start` on, that is, some
    that are older than those it was sent at first (see `BarsView`).
    """

    instrument: str
    interval: str
    start: int


class Ready(Message, frozen=True):
    """The client has taken in frame `frame` and may be sent a newer one."""

    frame: int


class Heartbeat(Message, frozen=True):
    """Sent by both sides once a second; silence means the other is dead or hung."""

    ts: int


class Goodbye(Message, frozen=True):
    """The client leaves on purpose. `stop_engine`: the engine should end too."""

    stop_engine: bool = False


class Submit(Message, frozen=True):
    """A command on its way to the engine."""

    command: Command


class Appraise(Message, frozen=True):
    """The client wants to know what an order would cost and what speaks against it.

    Nothing is sent by that. `number` comes back with the answer.
    """

    number: int
    order: NewOrder


class Appraisal(Message, frozen=True):
    """What an order would meet at `ts`; None is what is not known.

    Money is in `unit`, the currency of the books, in which one unit of the instrument's currency
    is worth `rate`. `value` is the order's own at its price, `fee` what would be paid for it.
    `margin` is what the account must have now and `margin_after` with the order; both are None
    where it has no margin.

    What the order would trade with at once: `taken` lots, at a `slippage` against the best price.
    `thin`: the book shown ends before it is filled, so that the slippage is not known.

    With all of it filled the account holds `position` lots (signed; in a hedging account of the
    leg that the order opens or closes) at the price `average`. `liquidation` is the price of the
    instrument from which on the account has less than the maintenance margin, `distance` how far
    that is from now (0.1 for 10 %); both are None where it is not known, and where `safe` says
    that no price does it.
    """

    number: int
    ts: int
    violations: tuple[Violation, ...] = ()
    unit: str = ""
    rate: Decimal | None = None
    value: Decimal | None = None
    fee: Decimal | None = None
    equity: Decimal | None = None
    margin: Decimal | None = None
    margin_after: Decimal | None = None
    slippage: Decimal | None = None
    taken: int | None = None
    thin: bool = False
    position: int | None = None
    average: Decimal | None = None
    liquidation: Decimal | None = None
    distance: Decimal | None = None
    safe: bool = False


class Snapshot(Message, frozen=True):
    """The engine's whole state when the client joined; `seq` is the journal's last number."""

    engine: str
    mode: Mode
    ts: int
    seq: int
    instruments: tuple[Instrument, ...]
    accounts: tuple[AccountState, ...]
    orders: tuple[OrderUpdate, ...]
    fills: tuple[Fill, ...]
    positions: tuple[Position, ...]
    limits: tuple[LimitUse, ...]
    strategies: tuple[StrategyState, ...]
    drafts: tuple[Draft, ...]
    links: tuple[LinkUpdate, ...]
    notices: tuple[Notice, ...]
    pid: int = 0
    differences: tuple[Difference, ...] = ()


class Refused(Message, frozen=True):
    """The engine does not talk to this client: wrong token, wrong protocol, malformed message."""

    text: str


class Events(Message, frozen=True):
    """Events in order, none left out."""

    events: tuple[Event, ...]


class Ticker(Part, frozen=True):
    """The newest state of one instrument's market and its day so far.

    Prices ticks, quantities lots, `ts` the venue's time of the newest change, `received` ours.
    `reference` is the price that the day's change is counted from (0: unknown).
    """

    instrument: str
    ts: int
    received: int
    bid: int = 0
    bid_qty: int = 0
    ask: int = 0
    ask_qty: int = 0
    last: int = 0
    last_qty: int = 0
    last_side: int = 0
    open: int = 0
    high: int = 0
    low: int = 0
    reference: int = 0
    volume: int = 0
    trades: int = 0
    status: MarketStatus = MarketStatus.UNKNOWN


class DepthView(Part, frozen=True):
    """Price levels, best first, as little-endian int64 columns; the newest state."""

    instrument: str
    ts: int
    bid_price: bytes
    bid_qty: bytes
    ask_price: bytes
    ask_qty: bytes


class TapeView(Part, frozen=True):
    """Trades since the last frame as columns (int64, aggressor int8). None is left out silently:

    `lost` counts those that a slow client missed. `first` is the number of the first one here.
    """

    instrument: str
    first: int
    lost: int
    ts: bytes
    price: bytes
    qty: bytes
    aggressor: bytes


class BarsView(Part, frozen=True):
    """Bars from index `start` on, as little-endian int64 columns; replaces what stood from there.

    The engine numbers the bars it has from 0. The first view of a series is `fresh`: it replaces
    all that was known of it, and begins with the newest few thousand bars; those before come when
    they are asked for (`OlderBars`), in pieces that each end where the known ones begin. The last
    bar of all is the one still forming. `gaps` are the stretches ``(from, to)`` (UTC ns) of which
    the engine knows nothing although the market was open; None when they are as before.
    """

    instrument: str
    interval: str
    start: int
    ts: bytes
    open: bytes
    high: bytes
    low: bytes
    close: bytes
    volume: bytes
    buy_volume: bytes
    notional: bytes
    fresh: bool = False
    gaps: tuple[tuple[int, int], ...] | None = None


class SourceView(Part, frozen=True):
    """Health of one source over the last minute: ages in ns (now - venue time), events a second."""

    source: str
    state: LinkState
    text: str
    last: int
    age_p50: int
    age_p99: int
    rate: float


class EngineView(Part, frozen=True):
    """The engine's own health: order round trip (send -> venue's answer) and loop, in ns.

    `records_behind` is how many inputs of the journal are not in the records yet (-1: not known).
    `denials` are how many orders and changes were denied since the journal began, by the code of
    the control.

    In a replay: where it is, begins and ends (UTC ns of the recording), and how fast it plays
    (0: paused).
    """

    ts: int
    round_trip_p50: int = 0
    round_trip_p99: int = 0
    decide_p50: int = 0
    decide_p99: int = 0
    events: float = 0.0
    errors: int = 0
    journal_bytes: int = 0
    rss: int = 0
    replay_ts: int = 0
    replay_end: int = 0
    replay_speed: float = 0.0
    replay_start: int = 0
    records_behind: int = 0
    denials: dict[str, int] = msgspec.field(default_factory=dict)


class Frame(Message, frozen=True):
    """The newest market state of what the client subscribed to, changed parts only."""

    frame: int
    ts: int
    tickers: tuple[Ticker, ...] = ()
    depth: tuple[DepthView, ...] = ()
    tapes: tuple[TapeView, ...] = ()
    bars: tuple[BarsView, ...] = ()
    sources: tuple[SourceView, ...] = ()
    engine: EngineView | None = None


ToEngine = Hello | Subscribe | OlderBars | Appraise | Ready | Heartbeat | Goodbye | Submit
FromEngine = Snapshot | Refused | Events | Frame | Heartbeat | Appraisal
