"""Reading the records: any day's orders, executions and positions, and an order's story.

Nothing here holds more than a page of rows in memory, however many there are.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from core.model.cash import CashMove
from core.model.instruments import Instrument
from core.model.orders import Fill, Order, OrderUpdate, Position
from core.storage.errors import StorageError
from core.storage.schema import FILE, open_for_reading, unusable

DAY = 86_400_000_000_000

_PIECE = 500
_decode_order = msgspec.msgpack.Decoder(Order).decode
_decode_update = msgspec.msgpack.Decoder(OrderUpdate).decode
_decode_fill = msgspec.msgpack.Decoder(Fill).decode
_decode_position = msgspec.msgpack.Decoder(Position).decode
_decode_move = msgspec.msgpack.Decoder(CashMove).decode
_decode_instrument = msgspec.msgpack.Decoder(Instrument).decode


class Span(NamedTuple):
    """What is wanted: from a time on, up to but not including another (UTC ns), of an account.

    None: no such bound.
    """

    begin: int | None = None
    end: int | None = None
    account: str | None = None

    def where(self, column: str) -> tuple[str, list[Any]]:
        """A condition on the time in `column` and on the account, and its values."""
        parts, values = ["1"], []
        for text, value in (
            (f"{column} >= ?", self.begin),
            (f"{column} < ?", self.end),
            ("account = ?", self.account),
        ):
            if value is not None:
                parts.append(text)
                values.append(value)
        return " AND ".join(parts), values


class Records:
    """Records of one folder, read only. Use it in one thread at a time.

    Raises:
        StorageError: when there are none, or they are not of this version; every method raises it
            when the file cannot be read.
    """

    def __init__(self, directory: Path) -> None:
        self.path = directory / FILE
        if not self.path.exists():
            raise StorageError(f"{self.path}: there are no records here yet.")
        self._connection = open_for_reading(self.path)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def __enter__(self) -> Records:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def seq(self) -> int:
        """The last input of the journal that the records know."""
        found = self._all("SELECT value FROM meta WHERE name = 'seq'")
        return int(found[0][0]) if found else 0

    def instruments(self) -> dict[str, Instrument]:
        """What the rows' instruments are, by id."""
        found = self._all("SELECT id, data FROM instruments")
        return {name: _decode_instrument(data) for name, data in found}

    def accounts(self) -> list[str]:
        """Every account that held cash or was to trade."""
        sql = "SELECT account FROM cash UNION SELECT account FROM orders"
        return sorted(name for (name,) in self._all(sql))

    def fills(self, span: Span) -> Iterator[Fill]:
        """Executions, oldest first."""
        where, values = span.where("ts")
        sql = f"SELECT data FROM executions NOT INDEXED WHERE {where} ORDER BY id"  # noqa: S608
        return self._each(sql, values, _decode_fill)

    def orders(self, span: Span) -> Iterator[Order]:
        """Orders that changed in this time, as they were at its end, in the order of making."""
        if span.end is None:
            where, values = span.where("updated")
            sql = f"SELECT data FROM orders WHERE {where} ORDER BY created, cl_ord_id"  # noqa: S608
            return self._each(sql, values, _decode_order)
        # the last step of each order before the end tells its whole state then
        where, values = Span(span.begin, None, span.account).where("e.ts")
        sql = (
            "SELECT e.data FROM order_events e JOIN orders o USING (cl_ord_id) WHERE e.id IN"  # noqa: S608
            " (SELECT max(id) FROM order_events WHERE ts < ? GROUP BY cl_ord_id)"
            f" AND {where} ORDER BY o.created, o.cl_ord_id"
        )
        return (u.order for u in self._each(sql, [span.end, *values], _decode_update))

    def positions(self, span: Span) -> Iterator[Position]:
        """Positions that changed in this time, as they were at its end."""
        where, values = Span(None, span.end, span.account).where("ts")
        since, more = Span(span.begin).where("ts")
        sql = (
            "SELECT data FROM positions WHERE id IN (SELECT max(id) FROM positions"  # noqa: S608
            f" WHERE {where} GROUP BY account, instrument, strategy, leg) AND {since}"
            " ORDER BY account, instrument, strategy, leg"
        )
        return self._each(sql, [*values, *more], _decode_position)

    def cash(self, span: Span) -> Iterator[CashMove]:
        """Movements of cash, oldest first."""
        where, values = span.where("ts")
        sql = f"SELECT data FROM cash NOT INDEXED WHERE {where} ORDER BY id"  # noqa: S608
        return self._each(sql, values, _decode_move)

    def story(self, order: str) -> list[OrderUpdate]:
        """Every step of an order (its cl_ord_id), oldest first."""
        sql = "SELECT data FROM order_events WHERE cl_ord_id = ? ORDER BY id"
        return list(self._each(sql, [order], _decode_update))

    def days(self) -> list[int]:
        """UTC days on which anything was ordered or executed, newest first, as their first ns."""
        found: list[int] = []
        top = self._newest(2**63 - 1)
        while top is not None and len(found) < 10_000:
            day = top - top % DAY
            found.append(day)
            top = self._newest(day)
        return found

    def page(self, kind: str, day: int, offset: int, limit: int) -> tuple[list[Any], int]:
        """A page of a day's ``orders``, ``fills`` or ``positions``, newest first, and how many
        there are in all. `day` is the day's first ns.

        Orders are those made on that day, positions those that it left.
        """
        if kind == "positions":
            rows = list(self.day(kind, day))
            return rows[offset : offset + limit], len(rows)
        where, column, decode = self._of_day(kind)
        total = self._all(f"SELECT count(*) {where}", [day, day + DAY])[0][0]
        sql = f"SELECT data {where} ORDER BY {column} DESC, rowid DESC LIMIT ? OFFSET ?"
        return list(self._each(sql, [day, day + DAY, limit, offset], decode)), total

    def day(self, kind: str, day: int) -> Iterator[Any]:
        """All of what `page` gives, orders and fills oldest first."""
        if kind == "positions":
            return self.positions(Span(None, day + DAY))
        where, column, decode = self._of_day(kind)
        sql = f"SELECT data {where} ORDER BY {column}, rowid"
        return self._each(sql, [day, day + DAY], decode)

    @staticmethod
    def _of_day(kind: str) -> tuple[str, str, Any]:
        """What stands after the columns of a query for a day, the column of time, the decoder."""
        table, column, decode = {
            "orders": ("orders", "created", _decode_order),
            "fills": ("executions", "ts", _decode_fill),
        }[kind]
        return f"FROM {table} WHERE {column} >= ? AND {column} < ?", column, decode

    def _newest(self, before: int) -> int | None:
        found = self._all(
            "SELECT max((SELECT max(created) FROM orders WHERE created < ?1),"
            " (SELECT max(ts) FROM executions WHERE ts < ?1)),"
            " coalesce((SELECT max(created) FROM orders WHERE created < ?1),"
            " (SELECT max(ts) FROM executions WHERE ts < ?1))",
            [before],
        )
        both, either = found[0]
        newest: int | None = both if both is not None else either
        return newest

    def _all(self, sql: str, values: list[Any] | None = None) -> list[Any]:
        try:
            return self._connection.execute(sql, values or []).fetchall()
        except sqlite3.Error as error:
            raise unusable(self.path, error) from None

    def _each(self, sql: str, values: list[Any], decode: Any) -> Iterator[Any]:
        try:
            cursor = self._connection.execute(sql, values)
            while found := cursor.fetchmany(_PIECE):
                for (data,) in found:
                    yield decode(data)
        except sqlite3.Error as error:
            raise unusable(self.path, error) from None
        except msgspec.DecodeError as error:
            raise StorageError(
                f"{self.path}: a row is not understood ({error}). Move the file out of the folder;"
                " the records are then made anew from the journal."
            ) from None
