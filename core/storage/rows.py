"""Rows for the records, made of an input and of what followed from it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from core.model.cash import CashMove
from core.model.commands import Command
from core.model.enums import ExecType, Source
from core.model.events import CommandRefused, Difference, RiskDecision
from core.model.inputs import Setup
from core.model.instruments import Instrument
from core.model.numbers import EXACT, plain
from core.model.orders import AccountState, Fill, Order, OrderUpdate, Position
from core.storage.schema import ROWS, first_id

Row = tuple[Any, ...]

_encode = msgspec.msgpack.Encoder().encode
_DAY = 86_400_000_000_000
_ZERO = Decimal(0)


class Rows:
    """Collects rows until they are written.

    Attributes:
        tables: rows by table, in the order of their columns.
        orders: the newest state of each order, by cl_ord_id.
        instruments: rows of new or changed instruments, by id.
        cash: each account's cash by currency, as far as it has been recorded.
    """

    def __init__(self, instruments: Iterable[Instrument], accounts: Iterable[AccountState]) -> None:
        self._known = {i.id: i for i in instruments}
        self.cash = {a.account: dict(a.cash) for a in accounts}
        self.tables: dict[str, list[Row]] = {}
        self.orders: dict[str, Row] = {}
        self.instruments: dict[str, Row] = {}
        self._days: dict[int, str] = {}
        self.clear()

    def clear(self) -> None:
        """What was collected is written."""
        self.tables = {name: [] for name in ROWS}
        self.orders.clear()
        self.instruments.clear()

    def take(self, seq: int, ts: int, message: object, outputs: Sequence[object]) -> None:
        """One input of the journal and what the kernel made of it."""
        number = first_id(seq)
        if isinstance(message, Setup | Command):
            self._command(number, ts, message, outputs)
        if isinstance(message, Setup):
            for instrument in message.instruments:
                self.know(seq, instrument)
        elif isinstance(message, Difference):
            d = message
            told = (d.venue, d.rule, d.subject, d.ours, d.theirs, d.done)
            row = (number, d.ts, *told, d.severity.name.lower(), int(d.stands))
            self.tables["differences"].append(row)
        fills: list[Fill] = []
        moved = len(self.tables["cash"])
        for place, output in enumerate(outputs):
            match output:
                case OrderUpdate():
                    self.order(number + place, output)
                case RiskDecision():
                    self.decision(number + place, output)
                case Fill():
                    self.execution(number + place, output)
                    fills.append(output)
                case Position():
                    self.position(number + place, output)
                case AccountState():
                    first = number + len(self.tables["cash"]) - moved
                    self.account(first, output, fills, isinstance(message, Setup))
                    fills = [f for f in fills if f.account != output.account]

    def know(self, seq: int, instrument: Instrument) -> None:
        """An instrument that rows may be about."""
        self._known[instrument.id] = instrument
        self.instruments[instrument.id] = (instrument.id, seq, _encode(instrument))

    def recall(
        self,
        seq: int,
        orders: Sequence[OrderUpdate],
        fills: Sequence[Fill],
        positions: Sequence[Position],
        accounts: Sequence[AccountState],
    ) -> None:
        """What is remembered of inputs up to `seq` that are gone."""
        number = first_id(seq)
        for place, update in enumerate(orders):
            self.order(number + place, update)
        for place, fill in enumerate(fills):
            self.execution(number + place, fill)
        for place, position in enumerate(positions):
            self.position(number + place, position)
        moved = len(self.tables["cash"])
        for account in accounts:
            self.account(number + len(self.tables["cash"]) - moved, account, fills, opens=True)

    def order(self, number: int, update: OrderUpdate) -> None:
        """A step of an order."""
        o = update.order
        status = o.status.name.lower()
        self.tables["order_events"].append(
            (
                number,
                update.ts,
                update.venue_ts,
                o.cl_ord_id,
                update.exec_type.name.lower(),
                status,
                update.by,
                update.text or o.text,
                _encode(update),
            )
        )
        self.orders[o.cl_ord_id] = self._order_row(number, o, status)

    def decision(self, number: int, d: RiskDecision) -> None:
        """What a control decided."""
        self.tables["risk_decisions"].append(
            (
                number,
                d.ts,
                d.order,
                d.account,
                d.instrument,
                d.strategy,
                d.trader,
                d.action,
                d.code,
                d.limit,
                d.value,
                d.scope,
                d.version,
                d.text,
            )
        )

    def _order_row(self, number: int, o: Order, status: str) -> Row:
        i = self._known.get(o.instrument)
        return (
            o.cl_ord_id,
            number,
            o.created,
            o.updated,
            o.account,
            o.instrument,
            o.strategy,
            o.side.name,
            o.ord_type.name.lower(),
            o.tif.name,
            plain(i.quantity(o.qty)) if i is not None else "",
            plain(i.price(o.price)) if i is not None and o.price else "",
            status,
            plain(i.quantity(o.cum_qty)) if i is not None else "",
            plain(i.money(o.notional)) if i is not None else "",
            plain(o.fees),
            o.source.value,
            o.trader,
            o.code,
            o.text,
            o.order_id,
            _encode(o),
        )

    def execution(self, number: int, f: Fill) -> None:
        """An execution."""
        i = self._known[f.instrument]
        self.tables["executions"].append(
            (
                number,
                f.ts,
                f.venue_ts,
                f.account,
                f.instrument,
                f.strategy,
                f.side.name,
                plain(i.quantity(f.qty)),
                plain(i.price(f.price)),
                plain(i.money(abs(i.cost(f.price, f.qty)))),
                plain(f.fee),
                f.currency or i.currency,
                f.trader,
                f.exec_id,
                f.cl_ord_id,
                _encode(f),
                f.kind.name.lower(),
                f.ref,
            )
        )

    def position(self, number: int, p: Position) -> None:
        """A position as it is after a change."""
        i = self._known[p.instrument]
        self.tables["positions"].append(
            (
                number,
                p.ts,
                self._day(p.ts),
                p.account,
                p.instrument,
                p.strategy,
                plain(i.quantity(p.qty)),
                plain(i.money(p.cost)),
                plain(i.money(p.realised)),
                plain(p.fees),
                i.currency,
                _encode(p),
                p.leg,
            )
        )

    def account(self, number: int, state: AccountState, fills: Sequence[Fill], opens: bool) -> None:
        """What moved an account's cash: the fills of the same input, or the account's opening."""
        balances = self.cash.setdefault(state.account, {})
        moves: list[CashMove] = []

        def move(currency: str, kind: str, amount: Decimal, fill: Fill | None = None) -> None:
            after = EXACT.add(balances.get(currency, _ZERO), amount)
            balances[currency] = after
            about = () if fill is None else (fill.instrument, fill.cl_ord_id, fill.exec_id)
            moves.append(CashMove(state.ts, state.account, currency, kind, amount, after, *about))

        for fill in fills:
            if fill.account == state.account:
                i = self._known[fill.instrument]
                cost = i.cost(fill.price, fill.side.sign * fill.qty)
                move(i.currency, "trade", i.money(-cost), fill)
                if fill.fee:
                    move(fill.currency or i.currency, "fee", -fill.fee, fill)
        for currency, cash in state.cash.items():
            if cash != balances.get(currency, _ZERO):
                rest = EXACT.subtract(cash, balances.get(currency, _ZERO))
                move(currency, "opening" if opens else "adjustment", rest)
        self.tables["cash"].extend(
            (
                number + place,
                m.ts,
                m.account,
                m.currency,
                m.kind,
                plain(m.amount),
                plain(m.balance),
                m.instrument,
                m.cl_ord_id,
                m.exec_id,
                _encode(m),
            )
            for place, m in enumerate(moves)
        )

    def _command(self, number: int, ts: int, message: Any, outputs: Sequence[object]) -> None:
        name = getattr(message, "cl_ord_id", "") or getattr(message, "id", "")
        source = getattr(message, "source", None)
        code = text = ""
        for output in outputs:
            if isinstance(output, CommandRefused) and output.id == name:
                code, text = output.code, output.text
            elif (
                isinstance(output, OrderUpdate)
                and output.exec_type is ExecType.DENIED
                and output.order.cl_ord_id == name
            ):
                code, text = output.order.code, output.order.text
        self.tables["commands"].append(
            (
                number,
                ts,
                name,
                type(message).__name__,
                getattr(message, "account", ""),
                getattr(message, "instrument", ""),
                getattr(message, "strategy", ""),
                source.value if isinstance(source, Source) else "",
                getattr(message, "trader", ""),
                getattr(message, "why", "") or getattr(message, "reason", ""),
                code,
                text,
                _encode(message),
            )
        )

    def _day(self, ts: int) -> str:
        day = ts // _DAY
        found = self._days.get(day)
        if found is None:
            found = self._days[day] = day_text(ts)
        return found


def day_text(ts: int) -> str:
    """The UTC day of a time: ``2026-11-05``."""
    return datetime.fromtimestamp(ts // 1_000_000_000, UTC).date().isoformat()
