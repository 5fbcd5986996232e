"""How much of each limit is used, for the risk panel."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from core.kernel.limits import Key
from core.kernel.positions import Desk, Holding
from core.kernel.state import State
from core.model.checks import money_of
from core.model.events import LimitUse
from core.model.limits import LIMIT_KINDS
from core.model.numbers import ZERO

_SECOND = 1_000_000_000


def limit_uses(s: State, ts: int) -> list[LimitUse]:
    """Every limit in force, or waiting to be, with what is used of it at `ts`."""
    keys: dict[Key, None] = {}
    for account in s.accounts:
        for name in LIMIT_KINDS:
            if s.limits.value(name, "account", account) is not None:
                keys[(name, "account", account)] = None
    for key in (*s.limits.values, *s.limits.waiting):
        if key[1] == "account" and (not key[2] or key[2] not in s.accounts):
            continue
        keys[key] = None
    return [limit_use(s, ts, key) for key in keys]


def limit_use(s: State, ts: int, key: Key) -> LimitUse:
    """One limit with what is used of it at `ts`."""
    name, scope, scope_id = key
    kind = LIMIT_KINDS[name]
    used, unit = _used(s, ts, key) if scope_id else (ZERO, "")
    own = key if key in s.limits.waiting else (name, scope, "")
    waiting = s.limits.waiting.get(own)
    limit = s.limits.value(*key)
    return LimitUse(
        ts,
        name,
        scope,
        scope_id,
        used,
        ZERO if limit is None else limit,
        unit or kind.unit,
        "the account goes reduce-only" if name == "daily_loss" else "orders are refused",
        None if waiting is None else waiting.value,
        0 if waiting is None else waiting.at,
    )


def _used(s: State, ts: int, key: Key) -> tuple[Decimal, str]:
    """Used part and its unit; limits on a single order use nothing between orders."""
    name, scope, scope_id = key
    desks = list(_desks(s, scope, scope_id))
    if name == "max_position":
        worst = max((_worst(h) for h in _holdings(s, scope, scope_id)), default=0)
        return Decimal(worst), ""
    if name == "max_open_orders":
        if scope == "instrument":
            most = max((len(h.live) for h in _holdings(s, scope, scope_id)), default=0)
        else:
            most = max((desk.working for desk in desks), default=0)
        return Decimal(most), ""
    if name == "max_order_rate":
        counts = (sum(0 <= ts - t < _SECOND for t in desk.sent) for desk in desks)
        return Decimal(max(counts, default=0)), ""
    if name == "max_exposure":
        if scope == "instrument":
            sums = [
                (h.exposure, h.market.instrument.currency) for h in _holdings(s, scope, scope_id)
            ]
        else:
            sums = [(p.gross, c) for desk in desks for c, p in desk.purses.items()]
        return _largest(sums)
    if name == "daily_loss":
        return _largest([(p.base - p.pnl, c) for desk in desks for c, p in desk.purses.items()])
    return ZERO, ""


def _largest(sums: list[tuple[int, str]]) -> tuple[Decimal, str]:
    units, currency = max(sums, default=(0, ""))
    return (money_of(units), currency) if units > 0 else (ZERO, currency)


def _worst(holding: Holding) -> int:
    return max(holding.qty + holding.open_buy, holding.open_sell - holding.qty, 0)


def _desks(s: State, scope: str, scope_id: str) -> Iterator[Desk]:
    if scope == "account":
        account = s.accounts.get(scope_id)
        if account is not None:
            yield account
    elif scope == "strategy":
        for account in s.accounts.values():
            if scope_id in account.strategies:
                yield account.strategies[scope_id]


def _holdings(s: State, scope: str, scope_id: str) -> Iterator[Holding]:
    for account in s.accounts.values():
        if scope == "account" and account.id != scope_id:
            continue
        for holding in account.holdings.values():
            if scope == "instrument" and holding.market.instrument.id != scope_id:
                continue
            if scope != "strategy":
                yield holding
            elif scope_id in holding.parts:
                yield holding.parts[scope_id]
