"""What a person, a hot key, a strategy or a program asks of the engine.

Every command carries its own id, made where the intent arose; sending the same command twice
does what sending it once does. `ts` is the time at the source.
"""

from __future__ import annotations

from decimal import Decimal

from core.model.enums import (
    Contingency,
    OrdType,
    PegReference,
    PositionEffect,
    Side,
    Source,
    StrategyMode,
    TimeInForce,
    TradingState,
)
from core.model.message import Message


class NewOrder(Message, frozen=True):
    """Send an order. Prices in ticks (0: none), `qty` in lots; `why` is a strategy's reason.

    `display_qty` is how many lots are shown at a time (0: all). `expire` (UTC ns) belongs to GTD.
    A trailing stop follows the market at `trail` ticks or `trail_bp` basis points (one of both);
    its `stop_price` is where it begins (0: from the market). When a TRAILING_STOP_LIMIT is
    triggered, its limit is `limit_offset` ticks beyond the stop. A PEGGED order stands `peg_offset`
    ticks better (more aggressive) than its `peg`; its `price`, if any, is never passed.
    `confirmed` are the codes of the soft rules which the trader was asked about and confirmed.

    `position_effect` matters in a hedging account only: a buy that opens and a sale that closes act
    on the long leg, the others on the short one. None there: a reduce-only order and the exit of a
    bracket close, any other opens.
    """

    cl_ord_id: str
    account: str
    instrument: str
    side: Side
    ord_type: OrdType
    qty: int
    price: int = 0
    stop_price: int = 0
    tif: TimeInForce = TimeInForce.GTC
    post_only: bool = False
    reduce_only: bool = False
    source: Source = Source.USER
    trader: str = ""
    strategy: str = ""
    ts: int = 0
    why: str = ""
    display_qty: int = 0
    expire: int = 0
    trail: int = 0
    trail_bp: int = 0
    limit_offset: int = 0
    peg: PegReference | None = None
    peg_offset: int = 0
    confirmed: tuple[str, ...] = ()
    position_effect: PositionEffect | None = None


class NewOrderList(Message, frozen=True):
    """Send orders that hang together; either all of them are taken or none.

    OCO: all are siblings. OTO: the first triggers the others, in proportion to what is filled of
    it. BRACKET: the first is the entry, the others its exits (a stop, a target or both) of the
    same quantity on the other side.
    """

    id: str
    contingency: Contingency
    orders: tuple[NewOrder, ...]
    source: Source = Source.USER
    trader: str = ""
    ts: int = 0


class CancelOrder(Message, frozen=True):
    """Cancel the order `order` (its cl_ord_id)."""

    id: str
    order: str
    source: Source = Source.USER
    trader: str = ""
    ts: int = 0


class ReplaceOrder(Message, frozen=True):
    """Change price and total quantity (filled part included) of the order `order`.

    A `stop_price` of 0 leaves the stop where it is.
    """

    id: str
    order: str
    qty: int
    price: int
    source: Source = Source.USER
    trader: str = ""
    ts: int = 0
    stop_price: int = 0
    confirmed: tuple[str, ...] = ()


class CancelAll(Message, frozen=True):
    """Cancel every working order that matches; an empty field matches all."""

    id: str
    account: str = ""
    instrument: str = ""
    strategy: str = ""
    side: int = 0
    source: Source = Source.USER
    trader: str = ""
    ts: int = 0


class Flatten(Message, frozen=True):
    """Cancel, then close positions that match with collared orders, until net is zero.

    In a hedging account both legs are closed, or only the `leg` named (``long`` or ``short``).
    """

    id: str
    account: str = ""
    instrument: str = ""
    strategy: str = ""
    source: Source = Source.USER
    trader: str = ""
    ts: int = 0
    leg: str = ""


class Kill(Message, frozen=True):
    """The kill switch: 1 stops strategies and opening orders, 2 also cancels, 3 also flattens.

    `scope` is empty for an account (or all of them), or ``strategy``, ``trader`` or ``venue`` with
    its name in `scope_id`; then only that is stopped and canceled.
    """

    id: str
    level: int
    account: str = ""
    source: Source = Source.USER
    trader: str = ""
    reason: str = ""
    ts: int = 0
    scope: str = ""
    scope_id: str = ""


class SetTradingState(Message, frozen=True):
    """Change what an account may do (re-arming after a kill included); `reason` is journaled.

    With `scope` ``strategy``, ``trader`` or ``venue`` it is about that, by its name in `scope_id`;
    an empty `account` then means all accounts.
    """

    id: str
    account: str
    state: TradingState
    reason: str = ""
    source: Source = Source.USER
    trader: str = ""
    ts: int = 0
    scope: str = ""
    scope_id: str = ""


class SetLimit(Message, frozen=True):
    """Change one limit. Loosening needs a `reason` and takes effect after a delay.

    `scope` is one of `core.model.limits.SCOPES` with its id in `scope_id`; an empty id means the
    default of all.
    """

    id: str
    name: str
    value: Decimal
    scope: str = "account"
    scope_id: str = ""
    reason: str = ""
    trader: str = ""
    ts: int = 0


class SetRestriction(Message, frozen=True):
    """Put an instrument on the restricted list, or take it off. Either takes a `reason`."""

    id: str
    instrument: str
    restricted: bool
    reason: str
    trader: str = ""
    ts: int = 0


class Override(Message, frozen=True):
    """Let one order pass limits by which it would be denied: those whose `codes` are named.

    The order is the one that will come with the id `order` before `expires` (UTC ns on the engine's
    clock; 0: within a minute). The `reason` is typed twice, or a second person (`second`) stands
    for it.
    """

    id: str
    order: str
    codes: tuple[str, ...]
    expires: int
    reason: str
    again: str = ""
    trader: str = ""
    second: str = ""
    ts: int = 0


class ReloadSettings(Message, frozen=True):
    """Read the settings file anew. Looser limits take the `reason` and wait."""

    id: str
    reason: str = ""
    trader: str = ""
    ts: int = 0


class SetStrategyMode(Message, frozen=True):
    """Turn a strategy's switch. `on_position`: ``keep``, ``flatten`` or ``hand_over``."""

    id: str
    strategy: str
    mode: StrategyMode
    on_position: str = "keep"
    trader: str = ""
    ts: int = 0


class SetStrategyParams(Message, frozen=True):
    """Change a strategy's parameters (values as text, checked by the strategy's own types)."""

    id: str
    strategy: str
    params: dict[str, str]
    trader: str = ""
    ts: int = 0


class HandOver(Message, frozen=True):
    """Make a strategy's position the trader's own; what it earned stays the strategy's."""

    id: str
    account: str
    instrument: str
    strategy: str
    ts: int = 0


class AnswerDraft(Message, frozen=True):
    """Accept or skip what a strategy in Advise proposed."""

    id: str
    draft: str
    accept: bool
    trader: str = ""
    ts: int = 0


class AdjustPosition(Message, frozen=True):
    """Book the `qty` lots (signed) by which a venue says that a position differs, at `price` ticks.

    Only a difference that stands can be booked. It is as if they had been traded, by nobody here.
    """

    id: str
    account: str
    instrument: str
    qty: int
    price: int
    reason: str
    trader: str = ""
    source: Source = Source.USER
    ts: int = 0


class VenueControl(Message, frozen=True):
    """Steer a replay: `action` is ``pause``, ``play``, ``speed``, ``seek`` or ``next``.

    `value` is the speed factor, or the UTC nanoseconds to seek to. ``next`` goes to the next trade
    of `instrument` (empty: of any).
    """

    id: str
    venue: str
    action: str
    value: float = 0.0
    ts: int = 0
    instrument: str = ""


Command = (
    NewOrder
    | NewOrderList
    | CancelOrder
    | ReplaceOrder
    | CancelAll
    | Flatten
    | Kill
    | SetTradingState
    | SetLimit
    | SetRestriction
    | Override
    | ReloadSettings
    | SetStrategyMode
    | SetStrategyParams
    | AnswerDraft
    | HandOver
    | AdjustPosition
    | VenueControl
)
