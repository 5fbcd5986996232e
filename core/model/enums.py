"""FIX 4.4 words for sides, order types, time in force, executions and states.

Values are the FIX values, so that a connector or a log needs no translation table.
"""

from __future__ import annotations

from enum import Enum, IntEnum


class Side(IntEnum):
    """FIX Side (54)."""

    BUY = 1
    SELL = 2

    @property
    def sign(self) -> int:
        """+1 for a buy, -1 for a sell."""
        return 1 if self is Side.BUY else -1

    @property
    def opposite(self) -> Side:
        """The other side."""
        return Side.SELL if self is Side.BUY else Side.BUY


class OrdType(Enum):
    """FIX OrdType (40).

    FIX 4.4 has no value of its own for a limit if touched and writes a trailing stop as a peg;
    those three have values of ours, of two letters so that none can be taken for FIX.
    """

    MARKET = "1"
    LIMIT = "2"
    STOP = "3"
    STOP_LIMIT = "4"
    MARKET_IF_TOUCHED = "J"
    PEGGED = "P"
    LIMIT_IF_TOUCHED = "LT"
    TRAILING_STOP = "TS"
    TRAILING_STOP_LIMIT = "TL"


class TimeInForce(Enum):
    """FIX TimeInForce (59)."""

    DAY = "0"
    GTC = "1"
    AT_THE_OPENING = "2"
    IOC = "3"
    FOK = "4"
    GTD = "6"
    AT_THE_CLOSE = "7"


class Contingency(Enum):
    """FIX ContingencyType (1385): how the orders of a list hang together. BRACKET is ours.

    OCO: what one fills, the others lose. OTO: the first sends the others as far as it is filled.
    BRACKET: the first is an entry, the others are its exits: they follow the entry's fills, are
    OCO among themselves and never more than the position they protect.
    """

    OCO = "1"
    OTO = "2"
    BRACKET = "B"


class PegReference(Enum):
    """What a pegged order follows, by FIX ExecInst (18).

    PRIMARY is the best price of the order's own side, MARKET that of the other side, MID the
    middle of both.
    """

    MARKET = "P"
    PRIMARY = "R"
    MID = "M"


class PositionEffect(Enum):
    """Whether an order opens or closes, by FIX PositionEffect (77), where legs stand apart."""

    OPEN = "O"
    CLOSE = "C"


class OrdStatus(Enum):
    """FIX OrdStatus (39), and UNKNOWN: sent, but no answer tells what became of it."""

    NEW = "0"
    PARTIALLY_FILLED = "1"
    FILLED = "2"
    DONE_FOR_DAY = "3"
    CANCELED = "4"
    PENDING_CANCEL = "6"
    REJECTED = "8"
    SUSPENDED = "9"
    PENDING_NEW = "A"
    EXPIRED = "C"
    PENDING_REPLACE = "E"
    UNKNOWN = "?"

    terminal: bool
    """True when the order can never trade again."""


# Asked several times for each order: an attribute costs a tenth of a look into a set of members.
for _status in OrdStatus:
    _status.terminal = _status.name in ("FILLED", "CANCELED", "REJECTED", "EXPIRED")


class ExecType(Enum):
    """FIX ExecType (150); DENIED is the engine's own refusal, before any venue saw the order."""

    NEW = "0"
    DONE_FOR_DAY = "3"
    CANCELED = "4"
    REPLACED = "5"
    PENDING_CANCEL = "6"
    REJECTED = "8"
    SUSPENDED = "9"
    PENDING_NEW = "A"
    EXPIRED = "C"
    RESTATED = "D"
    PENDING_REPLACE = "E"
    TRADE = "F"
    TRADE_CORRECT = "G"
    TRADE_CANCEL = "H"
    ORDER_STATUS = "I"
    DENIED = "!"


class Source(Enum):
    """Who made a command. EXTERNAL: it was not sent from here, its venue told of it."""

    USER = "user"
    HOTKEY = "hotkey"
    STRATEGY = "strategy"
    API = "api"
    ENGINE = "engine"
    EXTERNAL = "external"


class Liquidity(Enum):
    """FIX LastLiquidityInd (851)."""

    UNKNOWN = "0"
    ADDED = "1"
    REMOVED = "2"


class TradingState(Enum):
    """What an account may do. REDUCING: cancel and close only. HALTED: cancel only."""

    ACTIVE = "active"
    REDUCING = "reducing"
    HALTED = "halted"


class MarketStatus(Enum):
    """What an instrument's market is doing (FIX SecurityTradingStatus in short form)."""

    OPEN = "open"
    HALTED = "halted"
    CLOSED = "closed"
    UNKNOWN = "unknown"


class LinkState(Enum):
    """State of a source of data or orders."""

    CONNECTING = "connecting"
    UP = "up"
    STALE = "stale"
    DOWN = "down"
    ENDED = "ended"


class StrategyMode(Enum):
    """The three-way switch of a strategy."""

    OFF = "off"
    ADVISE = "advise"
    AUTO = "auto"


class Mode(Enum):
    """What the money is."""

    PAPER = "paper"
    REPLAY = "replay"
    LIVE = "live"


class Severity(IntEnum):
    """How loud a notice is."""

    INFO = 1
    WARNING = 2
    ERROR = 3
    CRITICAL = 4
