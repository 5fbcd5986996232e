"""What the engine tells: about venues, limits, strategies, and itself."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from core.model.commands import NewOrder, NewOrderList
from core.model.enums import (
    ExecType,
    LinkState,
    Liquidity,
    OrdStatus,
    OrdType,
    Severity,
    Side,
    StrategyMode,
    TimeInForce,
)
from core.model.message import Message, Part
from core.model.orders import AccountState, Fill, OrderUpdate, Position


class ExecutionReport(Message, frozen=True):
    """What a venue says of an order (FIX 8). Executions are counted once by venue + `exec_id`.

    `request` is the id of the command answered (the order's own id, or a cancel's or replace's);
    `qty`, `price`, `stop_price` are the venue's view of the order after the event (0: not said);
    `cum_qty` its total filled. `exec_ref` names the execution that a TRADE_CANCEL or TRADE_CORRECT
    is about (empty: `exec_id` does). `account` helps with orders that were not sent from here.
    """

    venue: str
    ts: int
    received: int
    cl_ord_id: str
    exec_type: ExecType
    status: OrdStatus
    order_id: str = ""
    exec_id: str = ""
    request: str = ""
    instrument: str = ""
    side: Side = Side.BUY
    qty: int = 0
    price: int = 0
    cum_qty: int = 0
    last_price: int = 0
    last_qty: int = 0
    fee: Decimal = Decimal(0)
    currency: str = ""
    liquidity: Liquidity = Liquidity.UNKNOWN
    text: str = ""
    exec_ref: str = ""
    account: str = ""
    stop_price: int = 0


class CancelReject(Message, frozen=True):
    """A venue refused a cancel or replace (FIX 9); the order itself is as `status` says."""

    venue: str
    ts: int
    received: int
    cl_ord_id: str
    request: str
    status: OrdStatus
    replace: bool
    text: str = ""


JOURNAL = "journal"
"""The name under which the journal's health is told beside the venues' links."""


class LinkUpdate(Message, frozen=True):
    """A source (venue, feed) changed its state, with a sentence that says why.

    `agreed` is what a venue's own clock said (UTC ns; 0: not told) when it was asked and its books
    and ours were brought in line: what was executed there before then is in ours.
    """

    source: str
    ts: int
    state: LinkState
    text: str = ""
    agreed: int = 0


class VenueOrder(Part, frozen=True):
    """One order as its venue knows it, for reconciliation.

    `notional` is the sum of what its executions are worth in the instrument's points (ticks x lots
    unless it is inverse; 0: not told), which gives their average price; `account` is empty where
    the venue does not tell accounts apart. `stop_price` and `expire` are 0, `ord_type` and `tif`
    None and `display_qty` is -1 where the venue does not tell; a `display_qty` of 0: all is shown.
    """

    cl_ord_id: str
    order_id: str
    instrument: str
    side: Side
    qty: int
    price: int
    cum_qty: int
    status: OrdStatus = OrdStatus.NEW
    notional: int = 0
    account: str = ""
    stop_price: int = 0
    text: str = ""
    ord_type: OrdType | None = None
    tif: TimeInForce | None = None
    expire: int = 0
    display_qty: int = -1


class VenuePosition(Part, frozen=True):
    """What a venue says that an account holds, in signed lots. No account: all of ours together."""

    instrument: str
    qty: int
    account: str = ""


class VenueBalance(Part, frozen=True):
    """What a venue says that an account has in cash. No account: all of ours together."""

    currency: str
    cash: Decimal
    account: str = ""


class VenueStatement(Part, frozen=True):
    """All that a venue says of us at one moment. None: it does not offer that.

    `ts` is that moment by the venue's own clock (UTC ns; 0: not told), the one that it times its
    executions with, whatever ours says.
    `orders` are those that work. `asked` are the orders that it was asked about by id, as far as it
    knows them, whatever became of them. `executions` are those since the time asked for, oldest
    first, with the same ids as in its reports. What `positions` or `balances` do not list is zero.
    """

    orders: tuple[VenueOrder, ...]
    asked: tuple[VenueOrder, ...] | None = None
    executions: tuple[ExecutionReport, ...] | None = None
    positions: tuple[VenuePosition, ...] | None = None
    balances: tuple[VenueBalance, ...] | None = None
    ts: int = 0


class Difference(Message, frozen=True):
    """Our books and a venue's did not agree: what was `ours`, what `theirs`, and what was `done`.

    `rule` is one of `core.services.rules`; `subject` the order, execution, position or balance.
    `stands` while it is not resolved; the same difference with `stands` False says that it is.
    """

    ts: int
    venue: str
    rule: str
    subject: str
    ours: str
    theirs: str
    done: str
    severity: Severity
    stands: bool = False

    @property
    def key(self) -> str:
        """The same difference, found again, has the same key."""
        return f"{self.venue}|{self.rule}|{self.subject}"


class LimitUse(Message, frozen=True):
    """How much of one limit is used. `used` and `limit` are in the limit's own unit.

    `base` is the limit as it was set, when the market's state has tightened it. At `pending_at`
    the limit becomes `pending`, or is lifted where that is None. `lifted`: it holds no more.
    """

    ts: int
    name: str
    scope: str
    scope_id: str
    used: Decimal
    limit: Decimal
    unit: str
    action: str
    pending: Decimal | None = None
    pending_at: int = 0
    base: Decimal | None = None
    lifted: bool = False


class RiskDecision(Message, frozen=True):
    """What a control decided about an order (or a change of it), for the record.

    `action` is ``denied``, ``confirmed`` (a soft rule, by the trader) or ``overridden``. `version`
    is that of the limits in force.
    """

    seq: int
    ts: int
    order: str
    action: str
    code: str
    scope: str
    limit: str
    value: str
    version: int
    account: str = ""
    instrument: str = ""
    trader: str = ""
    strategy: str = ""
    text: str = ""


class StrategyState(Message, frozen=True):
    """A strategy's row: switch, health, last signal, last error, parameters."""

    ts: int
    strategy: str
    kind: str
    instrument: str
    account: str
    mode: StrategyMode
    health: str = "stopped"
    params: dict[str, str] = msgspec.field(default_factory=dict)
    last_signal: str = ""
    last_error: str = ""
    pid: int = 0


class Draft(Message, frozen=True):
    """An order that a strategy in Advise proposes; gone at `expires` unless answered.

    Where it proposes orders that hang together, `whole` has all of them and `order` is the first.

    `expires` is UTC nanoseconds of the computer's clock, in a replay too.

    `answer` is empty while open, then ``accepted``, ``skipped``, ``expired`` or ``withdrawn``.
    """

    ts: int
    draft: str
    strategy: str
    order: NewOrder
    why: str
    expires: int
    answer: str = ""
    whole: NewOrderList | None = None

    @property
    def orders(self) -> tuple[NewOrder, ...]:
        """All that is proposed."""
        return (self.order,) if self.whole is None else self.whole.orders


class CommandRefused(Message, frozen=True):
    """A command other than an order was not carried out; the sentence says why."""

    ts: int
    id: str
    code: str
    text: str


class Notice(Message, frozen=True):
    """A line of the log, with the part that speaks."""

    ts: int
    severity: Severity
    part: str
    text: str


Event = (
    OrderUpdate
    | Fill
    | Position
    | AccountState
    | LinkUpdate
    | LimitUse
    | RiskDecision
    | StrategyState
    | Draft
    | CommandRefused
    | Notice
    | Difference
)

VenueEvent = ExecutionReport | CancelReject | LinkUpdate
