"""Limits that follow the market: made from the policy, fed by facts, told when they change."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from core.model.enums import Severity
from core.model.inputs import Facts, Following
from core.model.limits import LIMIT_KINDS
from core.model.numbers import plain
from core.risk.dynamic import DynamicLimit, DynamicTerms
from core.risk.margin.base import WHOLE

if TYPE_CHECKING:
    from core.kernel.state import State

_SECOND = 1_000_000_000
_MICRO = 10**6


def problem_with(rule: Following) -> str:
    """What is wrong with a rule: a sentence, or nothing."""
    kind = LIMIT_KINDS.get(rule.name)
    if kind is None or "instrument" not in kind.scopes:
        return f"“{rule.name}” is no limit of an instrument."
    try:
        _terms(rule)
    except (ArithmeticError, ValueError) as error:
        return str(error) or "A figure is not a number."
    return ""


def make(s: State) -> None:
    """Make the limits that follow, for the instruments there are; those that stay go on."""
    old = s.limits.following
    made: dict[tuple[str, str], DynamicLimit] = {}
    for rule in s.risk.policy.following:
        if problem_with(rule):
            continue
        terms = _terms(rule)
        for name in s.markets if not rule.instrument else (rule.instrument,):
            key = (rule.name, name)
            before = old.get(key)
            made[key] = DynamicLimit(WHOLE, terms)
            if before is not None and before.terms == terms:
                made[key] = before
    s.limits.following = made


def feed(s: State, facts: Facts) -> None:
    """The market has changed: tighten at once, loosen after a while, and tell it."""
    changed = False
    for (name, instrument), limit in s.limits.following.items():
        before = limit.value
        margin = facts.margins.get(instrument, Decimal(0))
        limit.update(
            s.ts,
            facts.volatilities.get(instrument, 0),
            facts.hours.get(instrument, -1),
            int(margin * _MICRO) if margin.is_finite() and 0 <= margin < 10**15 else 0,
        )
        if limit.value != before:
            changed = True
            percent = plain((Decimal(100 * limit.value) / WHOLE).quantize(Decimal("0.1")))
            way = "tighter" if limit.value < before else "looser"
            s.notice(
                Severity.WARNING if limit.value < before else Severity.INFO,
                f"{LIMIT_KINDS[name].title} limit of {instrument} is {way}: the market makes it"
                f" {percent} % of what was set.",
            )
    if changed:
        s.limits.changed()


def _terms(rule: Following) -> DynamicTerms:
    return DynamicTerms(
        int(rule.volatility * 10**7),
        rule.volume,
        int(rule.margin * _MICRO),
        rule.floor,
        rule.band,
        rule.dwell * _SECOND,
    )
