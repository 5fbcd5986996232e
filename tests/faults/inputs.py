"""Messages of every kind with every value that their types allow, plausible and not."""

from __future__ import annotations

import re
import types
import typing
from decimal import Decimal
from enum import Enum
from functools import cache
from random import Random
from typing import Any

import msgspec

from core.model.commands import NewOrder
from core.model.enums import MarketStatus, OrdStatus, OrdType, TimeInForce

ACCOUNT = "A1"
INSTRUMENTS = ("ABC.X", "DEF.X")
NAMES = (
    "", ACCOUNT, *INSTRUMENTS, "X", "USD", "O-1", "O-2", "O-3", "O-4", "S", "anna", "account",
    "strategy", "trader", "venue", "instrument", "max_order_qty", "max_position", "daily_loss",
    "max_order_rate", "keep", "\x00", "ü€\U0001f600", "x" * 3_000,
)  # fmt: skip
"""Those that mean something where they stand, and some that never do."""

T0 = 1_700_000_000_000_000_000
"""UTC nanoseconds at which everything happens."""
TOKENS = (
    b"nan", b"inf", b"-inf", b"-1", b"0", b"1e999999", b"-1e-999999", b'""', b"[]", b"{}", b"null",
    b"true", b"9223372036854775808", b"99999999999999999999999999", b"\x00", b"\n", b"1979-05-27",
    b"9999-12-31T23:59:59Z", b"0.1", b'"nan"', b'"x"',
)  # fmt: skip
"""Words that mean something in one file or another."""
_WORD = re.compile(rb"\"[^\"\n]*\"|[A-Za-z0-9_.+-]+")
ORDERS = tuple(f"O-{n}" for n in range(12))
INTEGERS = (
    0, 1, -1, 2, 9_999, 10_000, 10_001, 1 << 31, 1 << 53, (1 << 63) - 1, -(1 << 63), (1 << 64) - 1,
    1_700_000_000_000_000_000,
)  # fmt: skip
DECIMALS = tuple(
    Decimal(word)
    for word in ("0", "-0", "1", "-1", "0.5", "1e30", "1e-30", "1e999999", "-1e999999", "NaN",
                 "sNaN", "Infinity", "-Infinity", "99999999999999999999.99999")
)  # fmt: skip
FLOATS = (0.0, -0.0, 1.0, -1.5, 1e308, 5e-324, float("nan"), float("inf"), float("-inf"))


class Maker:
    """Makes values of types; `rng` decides (Hypothesis' own, so that it can shrink, or any)."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng

    def any(self, kind: Any) -> Any:
        """Anything of a type that a message's field may have."""
        rng = self.rng
        if kind is bool:
            return rng.random() < 0.5
        if kind is int:
            which = rng.randrange(4)
            if which < 2:
                return rng.randrange(50) if which else rng.randrange(9_950, 10_050)
            return rng.choice(INTEGERS)
        if kind is str:
            return rng.choice(NAMES)
        if kind is bytes:
            return rng.choice((b"", bytes(8), bytes(16), b"\xff" * 8, b"odd"))
        if kind is float:
            return rng.choice(FLOATS)
        if kind is Decimal:
            return rng.choice(DECIMALS)
        if kind is type(None):
            return None
        return self._compound(kind)

    def _compound(self, kind: Any) -> Any:
        rng = self.rng
        origin, parts = typing.get_origin(kind), typing.get_args(kind)
        if origin is typing.Annotated:
            return self.any(parts[0])
        if origin in (typing.Union, types.UnionType, typing.Literal):
            chosen = rng.choice(parts)
            if NewOrder in parts and rng.random() < 0.4:
                chosen = NewOrder
            return chosen if origin is typing.Literal else self.any(chosen)
        if origin is tuple and parts[-1] is not ...:
            return tuple(self.any(part) for part in parts)
        if origin in (tuple, list):
            return origin(self.any(parts[0]) for _ in range(rng.randrange(4)))
        if origin is dict:
            return {self.any(parts[0]): self.any(parts[1]) for _ in range(rng.randrange(3))}
        if issubclass(kind, Enum):
            return rng.choice(list(kind))
        return self.struct(kind)

    def struct(self, kind: type[Any]) -> Any:
        """Quite plausible, hardly, or with a single odd value."""
        rng = self.rng
        wild = rng.choice((0.0, 0.0, 0.03, 0.1, 0.5))
        given = {}
        for name, field_kind, default in _fields(kind):
            if rng.random() < wild:
                given[name] = self.any(field_kind)
            elif usual := [u for u in _USUAL.get(name, ()) if isinstance(u, _plain(field_kind))]:
                given[name] = rng.choice(usual)
            elif default is not msgspec.NODEFAULT and rng.random() < 0.9:
                given[name] = default
            else:
                given[name] = self.any(field_kind)
        return kind(**given)


def _plain(kind: Any) -> type[Any]:
    return kind if isinstance(kind, type) else object


@cache
def _fields(kind: type[Any]) -> tuple[tuple[str, Any, Any], ...]:
    hints = typing.get_type_hints(kind)
    found = []
    for field in msgspec.structs.fields(kind):
        default = field.default
        if default is msgspec.NODEFAULT and field.default_factory is not msgspec.NODEFAULT:
            default = field.default_factory()
        found.append((field.name, hints[field.name], default))
    return tuple(found)


_USUAL: dict[str, tuple[Any, ...]] = {
    "account": (ACCOUNT,),
    "instrument": INSTRUMENTS,
    "cl_ord_id": ORDERS,
    "order": ORDERS,
    "request": ORDERS,
    "venue": ("X",),
    "source": ("X",),
    "currency": ("USD",),
    "qty": (1, 5, 10),
    "last_qty": (1, 5, 10),
    "cum_qty": (0, 1, 5, 6, 10),
    "price": (9_990, 10_000, 10_010),
    "bid": (9_990, 9_999),
    "ask": (10_001, 10_010),
    "bid_qty": (1, 100),
    "ask_qty": (1, 100),
    "last_price": (9_990, 10_000, 10_010),
    "level": (1, 2, 3),
    "reason": ("because",),
    "ord_type": (OrdType.LIMIT, OrdType.LIMIT, OrdType.MARKET, OrdType.STOP),
    "tif": (TimeInForce.GTC, TimeInForce.GTC, TimeInForce.IOC),
    "status": (OrdStatus.NEW, OrdStatus.PARTIALLY_FILLED, OrdStatus.FILLED, MarketStatus.OPEN),
    "exec_id": tuple(f"F{n}" for n in range(30)),
    "order_id": ("", "V1"),
    "ts": (T0, T0 + 1_000_000),
    "received": (T0, T0 + 1_000_000),
    "stop_price": (0, 0, 10_020),
    "trail": (0,),
    "trail_bp": (0,),
    "peg": (None,),
    "display_qty": (0, 0, 1),
    "expire": (0,),
}


def over_the_wire(message: Any, kind: Any) -> Any:
    """What a decoder makes of it; None when it cannot even be encoded."""
    try:
        data = msgspec.msgpack.encode(message)
    except (OverflowError, UnicodeEncodeError, ValueError):
        return None
    return msgspec.msgpack.decode(data, type=kind)


def damage(data: bytes, rng: Random) -> bytes:
    """Bytes that were right once: changed, cut, doubled, mixed."""
    made = bytearray(data)
    for _ in range(rng.randrange(1, 5)):
        at = rng.randrange(len(made) + 1)
        match rng.randrange(6):
            case 0:
                made[at : at + 1] = rng.randbytes(1)
            case 1:
                del made[at:]
            case 2:
                made[at:at] = rng.randbytes(rng.randrange(8))
            case 3:
                made[at:at] = made[at : at + rng.randrange(1, 16)]
            case 4:
                word = _WORD.search(made, at)
                if word is not None:
                    made[word.start() : word.end()] = rng.choice(TOKENS)
            case _ if at < len(made):
                made[at] ^= 1 << rng.randrange(8)
    return bytes(made)
