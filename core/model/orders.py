"""Orders, executions and positions as everyone sees them."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from core.model.enums import (
    Contingency,
    ExecType,
    Liquidity,
    OrdStatus,
    OrdType,
    PegReference,
    PositionEffect,
    Side,
    Source,
    TimeInForce,
    TradingState,
)
from core.model.message import Message, Part

LONG, SHORT = "long", "short"
"""The legs of a position in a hedging account."""


def leg_of(side: Side, effect: PositionEffect | None) -> str:
    """The leg that an order of a hedging account opens or closes."""
    closes = effect is PositionEffect.CLOSE
    return LONG if (side is Side.BUY) is not closes else SHORT


class Order(Part, frozen=True):
    """An order's whole state at one moment.

    `cl_ord_id` is the id under which the intent was born; it stays the order's name for life.
    Prices are ticks (0: none), quantities lots. `notional` is what its fills are worth in points
    (the sum of price x quantity, in ticks x lots, unless it is inverse). `code` and `text` say why
    it was denied or rejected. `pending_price`/`pending_qty`/`pending_stop` are what a replace in
    flight asks for (0: none).

    `held` says that the engine holds the order, because its venue cannot or because its turn has
    not come (SUSPENDED): it dies with the program and lives again with it. `triggered` is when its
    price was reached (UTC ns, 0: not yet). `list_id` and `contingency` tell of what list it is a
    part, `parent` which order of that list it waits for or protects. `stop_price` of a trailing
    stop is where it stands now. The other fields are those of `NewOrder`.
    """

    cl_ord_id: str
    account: str
    instrument: str
    side: Side
    ord_type: OrdType
    qty: int
    price: int
    stop_price: int
    tif: TimeInForce
    post_only: bool
    reduce_only: bool
    source: Source
    trader: str
    strategy: str
    status: OrdStatus
    created: int
    updated: int
    order_id: str = ""
    cum_qty: int = 0
    notional: int = 0
    fees: Decimal = Decimal(0)
    pending_price: int = 0
    pending_qty: int = 0
    code: str = ""
    text: str = ""
    pending_stop: int = 0
    list_id: str = ""
    contingency: Contingency | None = None
    parent: str = ""
    held: bool = False
    triggered: int = 0
    expire: int = 0
    display_qty: int = 0
    trail: int = 0
    trail_bp: int = 0
    limit_offset: int = 0
    peg: PegReference | None = None
    peg_offset: int = 0
    position_effect: PositionEffect | None = None

    @property
    def leaves(self) -> int:
        """Lots that may still trade."""
        return 0 if self.status.terminal else self.qty - self.cum_qty

    @property
    def working(self) -> bool:
        """True while the order may still trade."""
        return not self.status.terminal


class OrderUpdate(Message, frozen=True):
    """An order changed: `order` is its state after, the rest is what happened.

    `seq` is the journal's number of the input that caused it; `venue_ts` is 0 when no venue
    spoke. `by` is who asked for it, where somebody did: ``user anna``, ``hotkey``, ``engine``, or
    ``strategy NAME``.
    """

    seq: int
    ts: int
    order: Order
    exec_type: ExecType
    venue_ts: int = 0
    exec_id: str = ""
    last_price: int = 0
    last_qty: int = 0
    text: str = ""
    by: str = ""


class Fill(Message, frozen=True):
    """One execution of one of our orders. `fee` is money paid (negative: received).

    When a venue takes an execution back, a record with `kind` TRADE_CANCEL reverses it: same price
    and quantity, other side, fee negated, `ref` the execution taken back; so sums over signed
    fills stay right. A correction is such a record and one with `kind` TRADE_CORRECT that is as
    the execution should have been. `leg` is the one that it counts for in a hedging account.
    """

    seq: int
    ts: int
    exec_id: str
    cl_ord_id: str
    account: str
    instrument: str
    side: Side
    price: int
    qty: int
    fee: Decimal
    currency: str
    liquidity: Liquidity
    strategy: str
    trader: str
    venue_ts: int
    position: int = 0
    kind: ExecType = ExecType.TRADE
    ref: str = ""
    leg: str = ""


class Position(Message, frozen=True):
    """A position of one account in one instrument, by exact integers; net unless it is a leg.

    `qty` is signed lots. `cost` is what the open quantity was bought for (negative: sold for)
    in ticks x lots, so the average price is ``cost / qty``; of an inverse contract see
    `Instrument.cost` and `Instrument.average`. `realised` is closed profit in the same, before
    fees. ``realised - cost`` is the sum of all cash flows of the fills, for
    ever and exactly. `strategy` is empty for the account's whole position, else the part which
    that strategy holds. In a hedging account there are its two legs beside the whole, `leg`
    ``long`` and ``short``: their quantities, and their ``realised - cost``, add up to the whole's.
    """

    seq: int
    ts: int
    account: str
    instrument: str
    qty: int
    cost: int
    realised: int
    fees: Decimal
    strategy: str = ""
    bought: int = 0
    sold: int = 0
    leg: str = ""

    @property
    def whole(self) -> bool:
        """Is it all that the account holds, not a strategy's part of it or a leg?"""
        return not self.strategy and not self.leg


class AccountState(Message, frozen=True):
    """An account: cash by currency (opening balance plus all fills and fees) and what it may do.

    `opening` is the cash with which the session (the day) began, None where that is not known;
    `realised` and `fees` are the profit closed (before fees) and the fees paid since then; it
    counts by the net position. `hedging`: the long and the short leg of an instrument stand apart.
    """

    seq: int
    ts: int
    account: str
    cash: dict[str, Decimal]
    state: TradingState
    reason: str = ""
    opening: dict[str, Decimal] | None = None
    realised: dict[str, Decimal] = msgspec.field(default_factory=dict)
    fees: dict[str, Decimal] = msgspec.field(default_factory=dict)
    hedging: bool = False


class Balance(Part, frozen=True):
    """An account's money in one currency, as the screen and files show it.

    `realised` and `fees` count from the beginning of the session (the day), `realised` before
    fees. `open_profit` is what closing everything now would earn, `exposure` the value of
    everything held. None: not known.
    """

    account: str
    currency: str
    ts: int
    cash: Decimal
    settled: Decimal
    opening: Decimal | None
    realised: Decimal | None
    fees: Decimal | None
    open_profit: Decimal | None
    exposure: Decimal | None
    state: TradingState
    reason: str = ""

    @property
    def instrument(self) -> str:
        """A balance is of no instrument."""
        return ""
