"""Loss limits: how much of the day's and of the highest equity may be lost, and what then."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from core.kernel.desks import Desk, Losses
from core.kernel.positions import Account
from core.kernel.rules import Bound, Case
from core.model.checks import Violation, money_of, reduces, units_of
from core.model.enums import Severity, TradingState
from core.model.numbers import plain

if TYPE_CHECKING:
    from core.kernel.state import State

_REDUCING, _HALTED = TradingState.REDUCING, TradingState.HALTED


class Reached(NamedTuple):
    """A loss limit that was reached. `halt`: nothing may be traded any more, else only closed."""

    name: str
    code: str
    text: str
    halt: bool
    limit: str
    value: str


def reached(desk: Desk) -> Reached | None:
    """The gravest loss limit that a desk has reached, or None."""
    found: Reached | None = None
    for currency, purse in desk.purses.items():
        if purse.floor is None or purse.pnl > purse.floor:
            continue
        x, today, fall = purse.losses, purse.pnl - purse.base, purse.high - purse.pnl
        if x.halt is not None and today <= -(x.halt or 1):
            return _daily(today, x.halt, currency, True)
        if x.reduce is not None and today <= -(x.reduce or 1):
            found = _daily(today, x.reduce, currency, False)
        elif found is None and x.drawdown is not None and fall >= (x.drawdown or 1):
            limit, value = plain(money_of(x.drawdown)), plain(money_of(fall))
            found = Reached(
                "max_drawdown",
                "MAX_DRAWDOWN",
                f"The equity is {value} {currency} below its highest; {limit} is the limit.",
                False,
                limit,
                value,
            )
    return found


def _daily(today: int, limit: int, currency: str, halt: bool) -> Reached:
    value, most = plain(money_of(today)), plain(money_of(-limit))
    what = "daily loss limit to halt" if halt else "daily loss limit"
    return Reached(
        "daily_loss_halt" if halt else "daily_loss",
        "DAILY_LOSS_LIMIT",
        f"Today {value} {currency} has reached the {what} of {most}.",
        halt,
        most,
        value,
    )


def lost(case: Case, bound: Bound) -> Violation | None:
    """Has a strategy or trader lost so much that it may only close, or nothing at all?"""
    purse = bound.at.purse
    if purse.floor is None or purse.pnl > purse.floor:
        return None
    found = reached(bound.at.desk)
    if found is None or found.name != bound.name:
        return None
    if not found.halt and reduces(bound.at.at(case.order), case.order.side, case.qty, case.own):
        return None
    scope = bound.at.desk.scope
    return Violation(
        found.code,
        found.text,
        f"The {scope} may only close until the next session."
        if not found.halt
        else f"The {scope} may not trade until the next session.",
        found.limit,
        found.value,
        bound.scope,
    )


def watch(s: State, account: Account) -> None:
    """Take an account to reduce-only, or halt it, when a loss limit is reached."""
    if account.state is _HALTED:
        return
    found = reached(account)
    if found is None:
        return
    if found.halt:
        s.set_state(account, _HALTED, found.text, found.code)
        s.notice(Severity.CRITICAL, f"Account {account.id} is halted now. {found.text}")
    elif account.state is not _REDUCING:
        s.set_state(account, _REDUCING, found.text, found.code)
        s.notice(Severity.CRITICAL, f"Account {account.id} is reduce-only now. {found.text}")


def set_limits(s: State) -> None:
    """Work out anew at which profit and loss the limits are reached."""
    for account in s.accounts.values():
        _limit(s, account, "account", account.id)
        for scope, desks in (("strategy", account.strategies), ("trader", account.traders)):
            for name, desk in desks.items():
                if name:
                    _limit(s, desk, scope, name)


def _limit(s: State, desk: Desk, scope: str, name: str) -> None:
    values = [
        s.limits.value(kind, scope, name)
        for kind in ("daily_loss", "daily_loss_halt", "max_drawdown")
    ]
    losses = Losses(*(None if value is None else units_of(value) for value in values))
    for purse in desk.purses.values():
        purse.limit(losses)


def begin_day(s: State) -> None:
    """A session begins: the day's losses, volumes and messages count from here."""
    for account in s.accounts.values():
        for desk in (account, *account.strategies.values(), *account.traders.values()):
            for purse in desk.purses.values():
                purse.base = purse.pnl
        for holding in account.holdings.values():
            holding.day = holding.bought + holding.sold
    for meter in s.risk.meters.values():
        meter.today = meter.trades = 0
    set_limits(s)
