"""Orders, fills, positions and balances as tables: stable machine names, exact values.

The same columns serve the blotter on the screen, its filters and sorting, and the CSV files.
Values are `Decimal` in the trader's units, `int` counts, text, or `Instant` for times; `None`
where there is nothing to say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import Enum
from typing import Generic, NamedTuple, TypeVar

from core.model.cash import CashMove
from core.model.enums import Side
from core.model.instruments import Instrument
from core.model.orders import Balance, Fill, Order, Position

Row = TypeVar("Row")


class Instant(int):
    """UTC nanoseconds that are shown and written as a time."""


Value = Decimal | int | str | bool | Instant | None


NO_INSTRUMENT = Instrument("", "", "", Decimal(1), Decimal(1), "")
"""Stands for the instrument of rows that have none, such as balances; its id is empty."""


class Column(NamedTuple, Generic[Row]):
    """One column: `id` is what files and workspaces say, `title` what the screen says."""

    id: str
    title: str
    value: Callable[[Row, Instrument], Value]
    meaning: str = ""


class Table(NamedTuple, Generic[Row]):
    """A kind of table."""

    name: str
    columns: tuple[Column[Row], ...]

    def column(self, column_id: str) -> Column[Row]:
        """A column by its name; raises KeyError for one that does not exist."""
        for column in self.columns:
            if column.id == column_id:
                return column
        raise KeyError(column_id)


def side_name(side: Side) -> str:
    """``BUY`` or ``SELL``."""
    return side.name


def word(value: Enum) -> str:
    """An enum's FIX name in lower case: ``partially_filled``."""
    return value.name.lower()


def _lots(lots: int, instrument: Instrument) -> Decimal | None:
    return instrument.quantity(lots) if lots else None


def _price(ticks: int, instrument: Instrument) -> Decimal | None:
    return instrument.price(ticks) if ticks else None


ORDERS: Table[Order] = Table(
    "orders",
    (
        Column("created", "Created", lambda o, i: Instant(o.created), "when the engine took it"),
        Column("updated", "Updated", lambda o, i: Instant(o.updated), "its newest change"),
        Column("account", "Account", lambda o, i: o.account),
        Column("instrument", "Instrument", lambda o, i: o.instrument, "symbol and venue"),
        Column("side", "Side", lambda o, i: side_name(o.side), "BUY or SELL"),
        Column("ord_type", "Type", lambda o, i: word(o.ord_type)),
        Column("qty", "Quantity", lambda o, i: i.quantity(o.qty)),
        Column("price", "Price", lambda o, i: _price(o.price, i), "empty for market orders"),
        Column("stop_price", "Stop", lambda o, i: _price(o.stop_price, i)),
        Column("tif", "TIF", lambda o, i: o.tif.name, "time in force"),
        Column("status", "Status", lambda o, i: word(o.status), "FIX OrdStatus"),
        Column("cum_qty", "Filled", lambda o, i: i.quantity(o.cum_qty)),
        Column("leaves_qty", "Open", lambda o, i: i.quantity(o.leaves), "may still trade"),
        Column(
            "avg_price", "Avg price", lambda o, i: i.average(o.notional, o.cum_qty), "of its fills"
        ),
        Column("value", "Value", lambda o, i: i.money(o.notional), "of its fills, exact"),
        Column("fees", "Fees", lambda o, i: o.fees, "paid; negative: received"),
        Column("currency", "Currency", lambda o, i: i.currency),
        Column("strategy", "Strategy", lambda o, i: o.strategy),
        Column("source", "Source", lambda o, i: o.source.value, "who asked"),
        Column("trader", "Trader", lambda o, i: o.trader),
        Column("post_only", "Post only", lambda o, i: o.post_only),
        Column("reduce_only", "Reduce only", lambda o, i: o.reduce_only),
        Column("code", "Code", lambda o, i: o.code, "of a denial or rejection"),
        Column("text", "Reason", lambda o, i: o.text),
        Column("cl_ord_id", "Order id", lambda o, i: o.cl_ord_id, "ours"),
        Column("order_id", "Venue id", lambda o, i: o.order_id, "the venue's"),
        Column("held", "Held here", lambda o, i: o.held, "by the engine, not by its venue"),
        Column("expire", "Expires", lambda o, i: Instant(o.expire) if o.expire else None),
        Column("display_qty", "Shown", lambda o, i: _lots(o.display_qty, i), "empty: all of it"),
        Column("contingency", "Group", lambda o, i: word(o.contingency) if o.contingency else ""),
        Column("list_id", "List", lambda o, i: o.list_id, "of orders that hang together"),
        Column("parent", "Parent", lambda o, i: o.parent, "the order it waits for or protects"),
        Column(
            "position_effect",
            "Effect",
            lambda o, i: word(o.position_effect) if o.position_effect else "",
            "open or close, where legs stand apart",
        ),
    ),
)

FILLS: Table[Fill] = Table(
    "fills",
    (
        Column("ts", "Time", lambda f, i: Instant(f.ts), "when the engine took it in"),
        Column("venue_ts", "Venue time", lambda f, i: Instant(f.venue_ts)),
        Column("account", "Account", lambda f, i: f.account),
        Column("instrument", "Instrument", lambda f, i: f.instrument, "symbol and venue"),
        Column("side", "Side", lambda f, i: side_name(f.side), "BUY or SELL"),
        Column("qty", "Quantity", lambda f, i: i.quantity(f.qty)),
        Column("price", "Price", lambda f, i: i.price(f.price)),
        Column(
            "value",
            "Value",
            lambda f, i: i.money(abs(i.cost(f.price, f.qty))),
            "quantity x price x multiplier (inverse: / price), exact",
        ),
        Column("fee", "Fee", lambda f, i: f.fee, "paid; negative: received"),
        Column("currency", "Currency", lambda f, i: f.currency or i.currency),
        Column("liquidity", "Liquidity", lambda f, i: word(f.liquidity), "added or removed"),
        Column("position", "Position", lambda f, i: i.quantity(f.position), "after this fill"),
        Column("strategy", "Strategy", lambda f, i: f.strategy),
        Column("trader", "Trader", lambda f, i: f.trader),
        Column("exec_id", "Execution", lambda f, i: f.exec_id, "the venue's"),
        Column("cl_ord_id", "Order id", lambda f, i: f.cl_ord_id, "ours"),
        Column("kind", "Kind", lambda f, i: word(f.kind), "trade, trade_cancel, trade_correct"),
        Column("ref", "Of execution", lambda f, i: f.ref, "that was taken back or corrected"),
        Column("leg", "Leg", lambda f, i: f.leg, "long or short, where they stand apart"),
    ),
)

POSITIONS: Table[Position] = Table(
    "positions",
    (
        Column("account", "Account", lambda p, i: p.account),
        Column("instrument", "Instrument", lambda p, i: p.instrument, "symbol and venue"),
        Column("strategy", "Strategy", lambda p, i: p.strategy, "empty: the account's whole"),
        Column("qty", "Quantity", lambda p, i: i.quantity(p.qty), "signed"),
        Column("avg_price", "Avg price", lambda p, i: i.average(p.cost, p.qty)),
        Column("cost", "Cost", lambda p, i: i.money(p.cost), "of what is open, exact"),
        Column("realised", "Realised", lambda p, i: i.money(p.realised), "before fees, exact"),
        Column("fees", "Fees", lambda p, i: p.fees),
        Column("currency", "Currency", lambda p, i: i.currency),
        Column("bought", "Bought", lambda p, i: i.quantity(p.bought)),
        Column("sold", "Sold", lambda p, i: i.quantity(p.sold)),
        Column("updated", "Updated", lambda p, i: Instant(p.ts)),
        Column("leg", "Leg", lambda p, i: p.leg, "long or short, where they stand apart"),
    ),
)

BALANCES: Table[Balance] = Table(
    "balances",
    (
        Column("account", "Account", lambda b, i: b.account),
        Column("currency", "Currency", lambda b, i: b.currency),
        Column("cash", "Cash", lambda b, i: b.cash, "opening, and all fills and fees since"),
        Column("opening", "Opening", lambda b, i: b.opening, "cash when the day (UTC) began"),
        Column("settled", "Settled", lambda b, i: b.settled, "of trades that have settled"),
        Column("realised", "Realised today", lambda b, i: b.realised, "closed today, before fees"),
        Column("open_profit", "Open P&L", lambda b, i: b.open_profit, "if all were closed now"),
        Column("fees", "Fees today", lambda b, i: b.fees, "paid; negative: received"),
        Column("exposure", "Exposure", lambda b, i: b.exposure, "value of all that is held"),
        Column("state", "State", lambda b, i: b.state.value, "what the account may do"),
        Column("reason", "Reason", lambda b, i: b.reason, "of the state"),
        Column("updated", "Updated", lambda b, i: Instant(b.ts)),
    ),
)

CASH: Table[CashMove] = Table(
    "cash",
    (
        Column("ts", "Time", lambda m, i: Instant(m.ts), "when the engine took it in"),
        Column("account", "Account", lambda m, i: m.account),
        Column("currency", "Currency", lambda m, i: m.currency),
        Column("kind", "Kind", lambda m, i: m.kind, "opening, trade, fee or adjustment"),
        Column("amount", "Amount", lambda m, i: m.amount, "what came in; negative: went out"),
        Column("balance", "Balance", lambda m, i: m.balance, "after it"),
        Column("instrument", "Instrument", lambda m, i: m.instrument, "symbol and venue"),
        Column("cl_ord_id", "Order id", lambda m, i: m.cl_ord_id, "ours"),
        Column("exec_id", "Execution", lambda m, i: m.exec_id, "the venue's"),
    ),
)

TABLES: Mapping[
    str, Table[Order] | Table[Fill] | Table[Position] | Table[Balance] | Table[CashMove]
] = {
    "orders": ORDERS,
    "fills": FILLS,
    "positions": POSITIONS,
    "balances": BALANCES,
    "cash": CASH,
}
