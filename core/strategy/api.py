"""What a strategy is: a class with handlers, typed parameters, and a few verbs.

A strategy sees one instrument and trades for one account. Its handlers are called one after the
other, never at once; time comes from `now`, so that the same class runs live and on recorded
data. Prices are whole ticks and quantities whole lots (`Strategy.instrument` converts); a
parameter that a trader types is in the trader's units.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar, NamedTuple, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from core.model.commands import (
    AnswerDraft,
    CancelOrder,
    NewOrder,
    NewOrderList,
    ReplaceOrder,
)
from core.model.enums import Contingency, OrdType, PositionEffect, Side, Source, TimeInForce
from core.model.instruments import Instrument
from core.model.intervals import parse_interval
from core.model.orders import Order, OrderUpdate

Ints = NDArray[np.int64]


class StrategyError(ValueError):
    """Parameters or settings that a strategy cannot run with; a sentence for the trader."""


class Params(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Base of a strategy's parameters: typed fields with defaults."""


class Quote(NamedTuple):
    """Best prices in ticks and sizes in lots (0: that side is empty), and the last trade."""

    ts: int
    bid: int
    bid_qty: int
    ask: int
    ask_qty: int
    last: int


class Trade(NamedTuple):
    """One trade of the market; `aggressor` is 1 buy, 2 sell, 0 unknown."""

    ts: int
    price: int
    qty: int
    aggressor: int


class Bar(NamedTuple):
    """A finished bar, prices in ticks; `notional` is the sum of price x quantity."""

    ts: int
    open: int
    high: int
    low: int
    close: int
    volume: int
    notional: int


def no_bars() -> dict[str, Ints]:
    """The columns of bars, empty."""
    return {name: np.zeros(0, np.int64) for name in Bar._fields}


StrategyCommand = NewOrder | NewOrderList | CancelOrder | ReplaceOrder | AnswerDraft


class Port(Protocol):
    """What carries a strategy's wishes out: the engine, or a backtest."""

    def new_id(self) -> str:
        """A client order id that nobody ever used."""
        ...

    def send(self, command: StrategyCommand) -> None:
        """Send a command; what becomes of it comes back as order updates."""
        ...

    def signal(self, text: str) -> None:
        """Show the trader what the strategy thinks."""
        ...


class Strategy:
    """Base of all strategies; override the handlers that matter.

    Class attributes:
        Params: the strategy's parameters.
        interval: bars wanted, such as ``1m``; empty for none (may be set in `on_start`'s place
            by overriding `wanted_interval`).

    Attributes:
        params: the parameters in force.
        instrument: what is traded.
        quote: the newest quote (zeros before the first).
        bars: finished bars, oldest first, as columns by name.
        position: lots held by this strategy, signed.
        working: its orders and open drafts by id; drafts have no status yet and stand as None.
        now: UTC nanoseconds of the event that is being handled.
        hedging: the account's long and short legs stand apart; then an order opens unless its term
            ``position_effect`` (or ``reduce_only``) says that it closes.
    """

    Params: ClassVar[type[Params]] = Params
    interval: ClassVar[str] = ""

    def __init__(self, name: str, account: str, instrument: Instrument, params: Any) -> None:
        self.name = name
        self.account = account
        self.instrument = instrument
        self.params = params
        self.quote = Quote(0, 0, 0, 0, 0, 0)
        self.bars: Mapping[str, Ints] = no_bars()
        self.position = 0
        self.working: dict[str, Order | None] = {}
        self.now = 0
        self.timer_seconds = 0.0
        self._port: Port | None = None
        self.hedging = False
        # Lists of which nothing was heard yet: the ids of their orders, the first one first.
        self._lists: dict[str, tuple[str, ...]] = {}

    def attach(self, port: Port) -> None:
        """Tell where commands go; called by whoever runs the strategy."""
        self._port = port

    def wanted_interval(self) -> str:
        """Which bars this strategy wants, with its parameters as they are."""
        return str(getattr(self.params, "interval", self.interval))

    # -- handlers ----------------------------------------------------------------------------

    def on_start(self) -> None:
        """History and position are known; nothing was sent yet."""

    def on_quote(self, quote: Quote) -> None:
        """The best prices changed."""

    def on_trade(self, trade: Trade) -> None:
        """The market traded."""

    def on_bar(self, bar: Bar) -> None:
        """A bar is finished; it is the last one of `bars` now."""

    def on_order(self, update: OrderUpdate) -> None:
        """Something happened to an order of this strategy; `position` is up to date."""

    def on_timer(self) -> None:
        """`timer_seconds` have passed since the last time."""

    def on_stop(self) -> None:
        """The switch is turned off; orders are cancelled afterwards."""

    # -- verbs -------------------------------------------------------------------------------

    def buy(self, lots: int, price: int = 0, why: str = "", **terms: Any) -> str:
        """Send a buy of `lots`: a limit at `price` ticks, or at market (IOC) without a price.

        `terms` are further fields of `NewOrder` (``tif``, ``post_only``, ``reduce_only``).
        Returns the order's id.
        """
        return self._send(Side.BUY, lots, price, why, terms)

    def sell(self, lots: int, price: int = 0, why: str = "", **terms: Any) -> str:
        """Send a sell; as `buy`."""
        return self._send(Side.SELL, lots, price, why, terms)

    def bracket(
        self,
        side: Side,
        lots: int,
        price: int = 0,
        *,
        stop: int = 0,
        target: int = 0,
        why: str = "",
        **terms: Any,
    ) -> str:
        """Send an entry with what protects it: a stop order at `stop` ticks, a limit order at
        `target`, or both, of which one cancels the other. They are as large as what is filled.

        The entry is a limit at `price`, or at market (IOC) without one; `terms` are its further
        fields. All of it is taken, or none; in Advise it is one draft. Returns the entry's id; the
        exits are among `working`, too.

        Raises:
            StrategyError: when there is neither a stop nor a target.
        """
        if not (stop or target):
            raise StrategyError(f"{self.name}: a bracket needs a stop or a target.")
        entry = self._order(side, lots, price, why, terms)
        orders = [entry]
        for level, kind in ((stop, OrdType.STOP), (target, OrdType.LIMIT)):
            if level:
                limit, at = (level, 0) if kind is OrdType.LIMIT else (0, level)
                exit_terms = {"ord_type": kind, "tif": TimeInForce.GTC, "stop_price": at}
                orders.append(self._order(side.opposite, lots, limit, "", exit_terms))
        assert self._port is not None, "an order has an id from it"
        group = NewOrderList(
            self._port.new_id(),
            Contingency.BRACKET,
            tuple(orders),
            Source.STRATEGY,
            self.name,
            self.now,
        )
        self._lists[group.id] = tuple(order.cl_ord_id for order in orders)
        self._port.send(group)
        return entry.cl_ord_id

    def heard_of(self, order_id: str) -> None:
        """The engine has spoken of an order; called by whoever runs the strategy."""
        if self._lists:
            self._lists = {k: names for k, names in self._lists.items() if order_id not in names}

    def drop(self, name: str) -> None:
        """An order, draft or list will not be, with all that came with it; called by whoever runs
        the strategy."""
        names = self._lists.get(name, (name,))
        for known in self._lists.values():
            if name in known:
                names = known
        for each in names:
            self.working.pop(each, None)
            self.heard_of(each)

    def cancel(self, order_id: str) -> None:
        """Cancel an order, or withdraw it while it is a draft (of a bracket: all of it)."""
        if order_id not in self.working or self._port is None:
            return
        if self.working[order_id] is None:
            draft = next((n[0] for n in self._lists.values() if order_id in n), order_id)
            self._port.send(AnswerDraft(self._port.new_id(), draft, accept=False, ts=self.now))
        else:
            self._port.send(
                CancelOrder(self._port.new_id(), order_id, Source.STRATEGY, self.name, self.now)
            )

    def cancel_all(self) -> None:
        """Cancel everything that works and withdraw all drafts."""
        for order_id in list(self.working):
            self.cancel(order_id)

    def replace(self, order_id: str, lots: int, price: int) -> None:
        """Change a working order's total quantity and price; drafts are left alone."""
        if self.working.get(order_id) is not None and self._port is not None:
            self._port.send(
                ReplaceOrder(
                    self._port.new_id(),
                    order_id,
                    lots,
                    price,
                    Source.STRATEGY,
                    self.name,
                    self.now,
                )
            )

    def target(self, lots: int, why: str = "") -> str:
        """Bring the position to `lots` (signed) at market; does nothing while an order is open.

        Returns the order's id, or an empty text when nothing was sent. In a hedging account one
        order closes and another opens where the position turns round; the id is the newest one's.
        """
        missing = lots - self.position
        if self.working or not missing:
            return ""
        send = self.buy if missing > 0 else self.sell
        if not self.hedging:
            return send(abs(missing), why=why)
        closes = 0 if self.position * missing >= 0 else min(abs(missing), abs(self.position))
        name = ""
        if closes:
            name = send(closes, why=why, position_effect=PositionEffect.CLOSE)
        if closes < abs(missing):
            name = send(abs(missing) - closes, why=why)
        return name

    def signal(self, text: str) -> None:
        """Show the trader a line about what the strategy sees."""
        if self._port is not None:
            self._port.signal(text)

    def _send(self, side: Side, lots: int, price: int, why: str, terms: dict[str, Any]) -> str:
        order = self._order(side, lots, price, why, terms)
        assert self._port is not None, "an order has an id from it"
        self._port.send(order)
        return order.cl_ord_id

    def _order(
        self, side: Side, lots: int, price: int, why: str, terms: dict[str, Any]
    ) -> NewOrder:
        """An order that is about to be sent."""
        if self._port is None:
            raise StrategyError(f"{self.name} cannot trade before it was started.")
        if why:
            self._port.signal(why)
        order = NewOrder(
            self._port.new_id(),
            self.account,
            self.instrument.id,
            side,
            qty=lots,
            price=price,
            source=Source.STRATEGY,
            strategy=self.name,
            ts=self.now,
            why=why,
            **(
                {
                    "ord_type": OrdType.LIMIT if price else OrdType.MARKET,
                    "tif": TimeInForce.GTC if price else TimeInForce.IOC,
                }
                | terms
            ),
        )
        self.working[order.cl_ord_id] = None
        return order


def make_params(kind: type[Strategy], texts: Mapping[str, str]) -> Params:
    """Parameters from what a trader typed.

    Raises:
        StrategyError: naming the parameter and what it should be.
    """
    try:
        params = msgspec.convert(dict(texts), kind.Params, strict=False)
        interval = getattr(params, "interval", "")
        if interval:
            parse_interval(interval)
        return params
    except ValueError as error:
        known = ", ".join(field.name for field in msgspec.structs.fields(kind.Params))
        raise StrategyError(
            f"{kind.__name__}: {str(error).rstrip('.')}. Its parameters are {known or 'none'}."
        ) from None


def params_texts(params: Params) -> dict[str, str]:
    """Parameters as text, for the screen and the settings file."""
    return {name: str(value) for name, value in msgspec.structs.asdict(params).items()}


def lots(instrument: Instrument, quantity: Decimal) -> int:
    """A quantity parameter in lots.

    Raises:
        StrategyError: when it is not a positive multiple of the lot.
    """
    try:
        count = instrument.lots(quantity)
    except ValueError as error:
        raise StrategyError(f"quantity: {error}") from None
    if count <= 0:
        raise StrategyError(f"quantity: {quantity} is not above 0.")
    return count
