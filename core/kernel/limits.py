"""The limits in force, those that wait to take effect, and what they come to for one order."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from core.model.checks import OrderLimits
from core.model.commands import SetLimit
from core.model.inputs import LimitValue
from core.model.instruments import Instrument
from core.model.limits import LIMIT_KINDS
from core.model.numbers import plain

SCOPES = ("account", "strategy", "instrument")
PER_ORDER = ("max_order_qty", "max_order_notional", "price_collar", "stale_after")
_COUNTS = frozenset({"max_order_qty", "max_position", "max_open_orders", "max_order_rate"})
_NOT_FOR_INSTRUMENTS = frozenset({"max_order_rate", "daily_loss"})
_LARGEST = Decimal(10) ** 18

Key = tuple[str, str, str]
"""Name, scope, id of the scope (empty: the default of all)."""


class Waiting(NamedTuple):
    """A loosened limit and when (UTC ns) it takes effect."""

    value: Decimal
    at: int


class Rules:
    """The limits for orders in one instrument by one account (and strategy).

    `order` is the tightest of every scope for the order itself and its position in the account;
    `account`, `instrument` and `own` (the strategy's) are counted against their own sums.
    """

    __slots__ = ("account", "instrument", "order", "own")

    def __init__(
        self,
        order: OrderLimits,
        account: OrderLimits,
        instrument: OrderLimits | None,
        own: OrderLimits | None,
    ) -> None:
        self.order = order
        self.account = account
        self.instrument = instrument
        self.own = own


class LimitBook:
    """Every limit by name and scope. `version` changes whenever one does."""

    __slots__ = ("delay", "due", "settings", "values", "version", "waiting")

    def __init__(self, delay: int) -> None:
        self.delay = delay
        self.settings: dict[Key, Decimal] = {}
        self.values: dict[Key, Decimal] = {}
        self.waiting: dict[Key, Waiting] = {}
        self.version = 0
        self.due = 0

    def value(self, name: str, scope: str, scope_id: str) -> Decimal | None:
        """What holds for this scope now; None: not limited."""
        values = self.values
        found = values.get((name, scope, scope_id))
        if found is None and scope_id:
            found = values.get((name, scope, ""))
        if found is None and scope == "account":
            return LIMIT_KINDS[name].default
        return found

    def take_settings(self, limits: Iterable[LimitValue]) -> list[str]:
        """Put the settings' limits in force; returns what is wrong with those that are not.

        A limit which the settings gave before, with the same value, is left as commands have
        changed it since.
        """
        wrong: list[str] = []
        for limit in limits:
            problem = problem_with(limit.name, limit.scope, limit.scope_id, limit.value)
            if problem:
                wrong.append(problem)
                continue
            key = (limit.name, limit.scope, limit.scope_id)
            if self.settings.get(key) != limit.value:
                self.settings[key] = self.values[key] = limit.value
                self._forget(key)
        self.version += 1
        return wrong

    def set(self, command: SetLimit, ts: int) -> tuple[str, str]:
        """Carry out a checked command: at once when tighter, later when looser.

        Returns a code and a sentence; the code is empty when the change was taken.
        """
        key = (command.name, command.scope, command.scope_id)
        now = self.value(*key)
        title = f"{LIMIT_KINDS[command.name].title} limit of {scope_text(*key[1:])}"
        new = plain(command.value)
        if now is None or command.value <= now:
            self.values[key] = command.value
            self._forget(key)
            self.version += 1
            return "", f"{title} is {new} now{_by(command)}."
        if not command.reason.strip():
            return (
                "REASON_NEEDED",
                f"{title} would be loosened from {plain(now)} to {new}; give a reason for that.",
            )
        self.waiting[key] = Waiting(command.value, ts + self.delay)
        self.find_due()
        seconds = plain((Decimal(self.delay) / 1_000_000_000).normalize())
        return "", f"{title} goes from {plain(now)} to {new} in {seconds} s{_by(command)}."

    def release(self, ts: int) -> list[str]:
        """Put in force what has waited long enough; one sentence for each."""
        said: list[str] = []
        for key in [k for k, w in self.waiting.items() if w.at <= ts]:
            waiting = self.waiting.pop(key)
            self.values[key] = waiting.value
            title = LIMIT_KINDS[key[0]].title
            said.append(f"{title} limit of {scope_text(*key[1:])} is {plain(waiting.value)} now.")
        self.version += 1
        self.find_due()
        return said

    def rules(self, instrument: Instrument, account: str, strategy: str) -> Rules:
        """Work out what holds for one account, instrument and strategy."""
        scopes = [("account", account), ("instrument", instrument.id)]
        if strategy:
            scopes.append(("strategy", strategy))
        order: dict[str, tuple[Decimal, str]] = {}
        for name in PER_ORDER:
            _tightest(self, order, name, scopes)
        _tightest(self, order, "max_position", scopes[:2])
        return Rules(
            OrderLimits(instrument, order),
            OrderLimits(instrument, self._all("account", account)),
            self._limits(instrument, "instrument", instrument.id),
            self._limits(instrument, "strategy", strategy) if strategy else None,
        )

    def _all(self, scope: str, scope_id: str) -> dict[str, tuple[Decimal, str]]:
        found = {}
        for name in ("max_position", "max_exposure", "max_open_orders", "max_order_rate"):
            value = self.value(name, scope, scope_id)
            if value is not None:
                found[name] = (value, f"{scope}:{scope_id}")
        return found

    def _limits(self, instrument: Instrument, scope: str, scope_id: str) -> OrderLimits | None:
        found = self._all(scope, scope_id)
        return OrderLimits(instrument, found) if found else None

    def _forget(self, key: Key) -> None:
        if self.waiting.pop(key, None) is not None:
            self.find_due()

    def find_due(self) -> None:
        """Work out anew when the next waiting limit takes effect."""
        self.due = min((w.at for w in self.waiting.values()), default=0)


def problem_with(name: str, scope: str, scope_id: str, value: Decimal) -> str:
    """What is wrong with a limit: a sentence, or nothing."""
    where = f"Limit “{name}” of {scope_text(scope, scope_id)}"
    if name not in LIMIT_KINDS:
        return f"There is no limit “{name}”; there are {', '.join(LIMIT_KINDS)}."
    if scope not in SCOPES:
        return f"{where}: the scope must be one of {', '.join(SCOPES)}."
    if scope == "instrument" and name in _NOT_FOR_INSTRUMENTS:
        return f"{where}: set it for an account or a strategy."
    if not value.is_finite() or not 0 <= value <= _LARGEST:
        return f"{where}: {value} is not a number from 0 to 10^18."
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -12:
        return f"{where}: {value} has more than 12 decimal places."
    if name in _COUNTS and value != value.to_integral_value():
        return f"{where}: {plain(value)} is not a whole number."
    return ""


def scope_text(scope: str, scope_id: str) -> str:
    """A scope in words."""
    return f"{scope} {scope_id}" if scope_id else f"every {scope}"


def _by(command: SetLimit) -> str:
    who = f" by {command.trader}" if command.trader else ""
    return f"{who}: {command.reason}" if command.reason else who


def _tightest(
    book: LimitBook,
    into: dict[str, tuple[Decimal, str]],
    name: str,
    scopes: list[tuple[str, str]],
) -> None:
    for scope, scope_id in scopes:
        value = book.value(name, scope, scope_id)
        if value is not None and (name not in into or value < into[name][0]):
            into[name] = (value, f"{scope}:{scope_id}")
