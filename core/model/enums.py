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
    """FIX OrdType (40)."""

    MARKET = "1"
    LIMIT = "2"
    STOP = "3"
    STOP_LIMIT = "4"


class TimeInForce(Enum):
    """FIX TimeInForce (59)."""

    DAY = "0"
    GTC = "1"
    IOC = "3"
    FOK = "4"
    GTD = "6"


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

    @property
    def terminal(self) -> bool:
        """True when the order can never trade again."""
        return self in _TERMINAL


_TERMINAL = frozenset({OrdStatus.FILLED, OrdStatus.CANCELED, OrdStatus.REJECTED, OrdStatus.EXPIRED})


class ExecType(Enum):
    """FIX ExecType (150); DENIED is the engine's own refusal, before any venue saw the order."""

    NEW = "0"
    DONE_FOR_DAY = "3"
    CANCELED = "4"
    REPLACED = "5"
    PENDING_CANCEL = "6"
    REJECTED = "8"
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
    """Who made a command."""

    USER = "user"
    HOTKEY = "hotkey"
    STRATEGY = "strategy"
    API = "api"
    ENGINE = "engine"


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
