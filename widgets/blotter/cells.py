"""How the blotter's values look, sort and match a filter. No Qt in here."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from functools import total_ordering

from core.model.instruments import Instrument
from core.model.numbers import decimals, plain
from core.model.tables import Instant, Value
from widgets.words import NOTHING, format_number

PRICES = frozenset({"price", "stop_price", "mark"})
AVERAGES = frozenset({"avg_price"})
QUANTITIES = frozenset({"qty", "cum_qty", "leaves_qty", "bought", "sold", "position"})
FEES = frozenset({"fee", "fees"})
SECONDS = frozenset({"created", "updated"})
MONEY = frozenset(
    {
        *("value", "cost", "realised", "open_profit", "profit"),
        *("cash", "opening", "settled", "exposure"),
    }
)
SIGNED = frozenset({"realised", "open_profit", "profit"})

DAY = 86_400_000_000_000
FEE_PLACES = 4
"""Decimals of fees on the screen; the tool tip and files are exact."""


def display(value: Value, column: str, instrument: Instrument, now: int = 0) -> str:
    """A value as it stands in a cell; a date is shown only for times of another day than `now`."""
    match value:
        case None:
            return NOTHING if column in MONEY or column in AVERAGES or column == "mark" else ""
        case bool():
            return "yes" if value else ""
        case Instant():
            return clock(value, now, column in SECONDS) if value else ""
        case Decimal():
            return number(value, column, instrument)
    return str(value).replace("_", " ")


def number(value: Decimal, column: str, instrument: Instrument) -> str:
    """A number with the decimals that its kind has."""
    if column in PRICES:
        return format_number(value, decimals(instrument.tick))
    if column in AVERAGES:
        return format_number(value, decimals(instrument.tick) + 1)
    if column in QUANTITIES:
        return format_number(value, decimals(instrument.lot))
    if column in MONEY:
        return format_number(value, 2, signed=column in SIGNED)
    if column in FEES:
        return format_number(value, FEE_PLACES) if value else "0"
    return plain(value.normalize()) if value else "0"


def clock(ts: int, now: int = 0, seconds: bool = False) -> str:
    """``14:30:00.123``, or whole `seconds`; the date comes after it when it is not `now`'s."""
    when = datetime.fromtimestamp(ts // 1_000_000_000, UTC)
    text = f"{when:%H:%M:%S}"
    if not seconds:
        text += f".{ts // 1_000_000 % 1000:03d}"
    if now and now // DAY != ts // DAY:
        return f"{text} {when:%Y-%m-%d}"
    return text


SINCE = "since "


def since_text(cut: int) -> str:
    """A chip that shows only rows from `cut` (UTC ns, whole seconds) on."""
    return f"{SINCE}{datetime.fromtimestamp(cut // 1_000_000_000, UTC):%Y-%m-%d %H:%M:%S}"


def since_cut(text: str) -> int | None:
    """The UTC ns of a chip that `since_text` wrote; None for any other text."""
    if not text.startswith(SINCE):
        return None
    try:
        when = datetime.strptime(text[len(SINCE) :], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    return int(when.timestamp()) * 1_000_000_000


def full_text(value: Value) -> str:
    """The exact value for a tooltip."""
    if isinstance(value, Instant):
        when = datetime.fromtimestamp(value // 1_000_000_000, UTC)
        return f"{when:%Y-%m-%d %H:%M:%S}.{value % 1_000_000_000:09d} UTC" if value else ""
    if isinstance(value, Decimal):
        return plain(value)
    return "" if value is None else str(value)


@total_ordering
class SortKey:
    """Orders values of one column; nothing comes last in both directions."""

    __slots__ = ("descending", "value")

    def __init__(self, value: Value, descending: bool) -> None:
        self.value = value.casefold() if isinstance(value, str) else value
        self.descending = descending

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SortKey) and self.value == other.value

    def __hash__(self) -> int:
        return hash(self.value)

    def __lt__(self, other: SortKey) -> bool:
        mine, theirs = self.value, other.value
        if mine is None or theirs is None:
            return mine is not None and theirs is None
        return bool(mine > theirs) if self.descending else bool(mine < theirs)  # type: ignore[operator]
