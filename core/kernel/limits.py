"""The limits in force, and those that wait to take effect."""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal
from typing import NamedTuple

from core.model.commands import SetLimit
from core.model.inputs import Setup
from core.model.limits import LIMIT_KINDS
from core.model.numbers import plain
from core.risk.dynamic import DynamicLimit
from core.risk.margin.base import WHOLE

_LARGEST = Decimal(10) ** 18
_STEP = Decimal("1E-12")

Key = tuple[str, str, str]
"""Name, scope, id of the scope (empty: the default of all)."""


class Waiting(NamedTuple):
    """A loosened limit (None: it is lifted) and when (UTC ns) it takes effect."""

    value: Decimal | None
    at: int


class LimitBook:
    """Every limit by name and scope.

    `revision` counts the changes of limits, for the record; `version` changes whenever anything
    does that rules are made from. `repeats`: is the repeated trading of any strategy limited?
    """

    __slots__ = (
        "delay",
        "due",
        "following",
        "repeats",
        "revision",
        "settings",
        "values",
        "version",
        "waiting",
    )

    def __init__(self, delay: int) -> None:
        self.delay = delay
        self.settings: dict[Key, Decimal] = {}
        self.values: dict[Key, Decimal] = {}
        self.waiting: dict[Key, Waiting] = {}
        self.following: dict[tuple[str, str], DynamicLimit] = {}
        self.version = 0
        self.revision = 0
        self.repeats = False
        self.due = 0

    def value(self, name: str, scope: str, scope_id: str) -> Decimal | None:
        """What holds for this scope now, tightened by the market; None: not limited."""
        found = self.base(name, scope, scope_id)
        if found is not None and scope == "instrument" and self.following:
            follows = self.following.get((name, scope_id))
            if follows is not None and follows.value < WHOLE:
                found = found * follows.value / WHOLE
                if LIMIT_KINDS[name].whole:
                    return Decimal(int(found))
                return found.quantize(_STEP, ROUND_DOWN)
        return found

    def base(self, name: str, scope: str, scope_id: str) -> Decimal | None:
        """What was set for this scope; None: not limited."""
        values = self.values
        found = values.get((name, scope, scope_id))
        if found is None and scope_id:
            found = values.get((name, scope, ""))
        if found is None and scope == "account":
            return LIMIT_KINDS[name].default
        return found

    def take_settings(self, setup: Setup, ts: int) -> list[str]:
        """Put the settings' limits in force; returns what is wrong with those that are not.

        A limit which the settings gave before, with the same value, is left as commands have
        changed it since. Where the settings were read anew, looser limits wait.
        """
        wrong: list[str] = []
        for limit in setup.limits:
            problem = problem_with(limit.name, limit.scope, limit.scope_id, limit.value)
            if problem:
                wrong.append(problem)
                continue
            key = (limit.name, limit.scope, limit.scope_id)
            if self.settings.get(key) == limit.value:
                continue
            self.settings[key] = limit.value
            now = self.base(*key)
            if setup.reason and now is not None and limit.value > now:
                self.waiting[key] = Waiting(limit.value, ts + self.delay)
                self.find_due()
            else:
                self.values[key] = limit.value
                self._forget(key)
        for key in setup.lifted:
            if self.settings.pop(key, None) is not None:
                self._lift(key, ts if setup.reason else 0)
        self.changed()
        return wrong

    def _lift(self, key: Key, ts: int) -> None:
        """Take a limit away, so that what is set for all of its scope holds: where that is looser
        after the delay (`ts` 0: at once)."""
        now = self.values.get(key)
        name, scope, scope_id = key
        then = self.values.get((name, scope, "")) if scope_id else None
        if then is None and scope == "account":
            then = LIMIT_KINDS[name].default
        if now is not None and ts and (then is None or then > now):
            self.waiting[key] = Waiting(None, ts + self.delay)
            self.find_due()
        else:
            self.values.pop(key, None)
            self._forget(key)

    def set(self, command: SetLimit, ts: int) -> tuple[str, str]:
        """Carry out a checked command: at once when tighter, later when looser.

        Returns a code and a sentence; the code is empty when the change was taken.
        """
        key = (command.name, command.scope, command.scope_id)
        now = self.base(*key)
        title = f"{LIMIT_KINDS[command.name].title} limit of {scope_text(*key[1:])}"
        new = plain(command.value)
        if now is None or command.value <= now:
            self.values[key] = command.value
            self._forget(key)
            self.changed()
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
            what = f"{LIMIT_KINDS[key[0]].title} limit of {scope_text(*key[1:])}"
            if waiting.value is not None:
                self.values[key] = waiting.value
                said.append(f"{what} is {plain(waiting.value)} now.")
                continue
            self.values.pop(key, None)
            left = self.base(*key)
            said.append(
                f"{what} is lifted" + ("." if left is None else f"; {plain(left)} holds now.")
            )
        self.changed()
        self.find_due()
        return said

    def changed(self) -> None:
        """A limit has changed."""
        self.repeats = any(key[0] == "max_repeats" for key in self.values)
        self.version += 1
        self.revision += 1

    def _forget(self, key: Key) -> None:
        if self.waiting.pop(key, None) is not None:
            self.find_due()

    def find_due(self) -> None:
        """Work out anew when the next waiting limit takes effect."""
        self.repeats = any(key[0] == "max_repeats" for key in self.values)
        self.due = min((w.at for w in self.waiting.values()), default=0)


def problem_with(name: str, scope: str, scope_id: str, value: Decimal) -> str:
    """What is wrong with a limit: a sentence, or nothing."""
    where = f"Limit “{name}” of {scope_text(scope, scope_id)}"
    kind = LIMIT_KINDS.get(name)
    if kind is None:
        return f"There is no limit “{name}”; there are {', '.join(LIMIT_KINDS)}."
    if scope not in kind.scopes:
        return f"{where}: the scope must be one of {', '.join(kind.scopes)}."
    if not value.is_finite() or not 0 <= value <= _LARGEST:
        return f"{where}: {value} is not a number from 0 to 10^18."
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -12:
        return f"{where}: {value} has more than 12 decimal places."
    if kind.whole and value != value.to_integral_value():
        return f"{where}: {plain(value)} is not a whole number."
    return ""


def scope_text(scope: str, scope_id: str) -> str:
    """A scope in words."""
    return f"{scope} {scope_id}" if scope_id else f"every {scope}"


def _by(command: SetLimit) -> str:
    who = f" by {command.trader}" if command.trader else ""
    return f"{who}: {command.reason}" if command.reason else who
