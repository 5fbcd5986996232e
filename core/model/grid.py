"""Orders off the grid: a price that is no whole number of ticks, a quantity that is no whole lots.

Orders carry whole ticks and lots, so nothing else can even be read. Where somebody writes a
fraction all the same, as a program that means decimals does, it is told so like any denial.
"""

from __future__ import annotations

from typing import Any

import msgspec

from core.model.commands import NewOrder, ReplaceOrder
from core.model.denials import Violation
from core.model.inputs import TurnedAway

_PRICES = ("price", "stop_price", "trail", "limit_offset", "peg_offset")
_QUANTITIES = ("qty", "display_qty")
_ORDERS: dict[str, type[NewOrder] | type[ReplaceOrder]] = {
    "NewOrder": NewOrder,
    "ReplaceOrder": ReplaceOrder,
}


def off_grid(data: bytes) -> TurnedAway | None:
    """The order, or change of one, in a message to the engine that cannot be read for that; with
    nothing where it was off the grid. None: it is something else."""
    try:
        raw = msgspec.msgpack.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    if not (isinstance(raw, list) and len(raw) == 2 and raw[0] == "Submit"):
        return None
    words = raw[1]
    kind = _ORDERS.get(words[0]) if isinstance(words, list) and _is_name(words) else None
    if kind is None:
        return None
    fields: dict[str, Any] = dict(zip(kind.__struct_fields__, words[1:], strict=False))
    wrong = [
        name for name in (*_PRICES, *_QUANTITIES) if isinstance(fields.get(name), (float, str))
    ]
    if not wrong:
        return None
    value = str(fields[wrong[0]])[:40]
    for name in wrong:
        words[1 + kind.__struct_fields__.index(name)] = 0
    try:
        command = msgspec.convert(words, kind)
    except msgspec.ValidationError:
        return None
    price = wrong[0] in _PRICES
    what, steps = ("price", "ticks") if price else ("quantity", "lots")
    name = {"qty": "quantity"}.get(wrong[0], wrong[0].replace("_", " "))
    violation = Violation(
        "PRICE_TICK" if price else "QTY_STEP",
        f"The {name} {value} is not a whole number of {steps}.",
        f"Send the {what} as a whole number of {steps} of the instrument.",
        value=value,
    )
    scope = f"instrument:{command.instrument}" if isinstance(command, NewOrder) else ""
    return TurnedAway(command, violation.code, violation.text, scope, value)


def _is_name(words: list[Any]) -> bool:
    return bool(words) and isinstance(words[0], str)
