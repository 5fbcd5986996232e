"""How much of each limit is used, for the risk panel."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal

from core.kernel.desks import Desk, Meter, Purse
from core.kernel.duplicates import SECOND
from core.kernel.exposure import equity_units
from core.kernel.limits import Key
from core.kernel.positions import Holding
from core.kernel.rates import MINUTE
from core.kernel.rules import group_name
from core.kernel.state import State
from core.model.checks import money_of
from core.model.events import LimitUse
from core.model.limits import LIMIT_KINDS
from core.model.numbers import ZERO

_GROUPS = ("class", "sector", "currency")


def limit_uses(s: State, ts: int) -> list[LimitUse]:
    """Every limit in force, or waiting to be, with what is used of it at `ts`."""
    keys: dict[Key, None] = {}
    for account in s.accounts:
        for name, kind in LIMIT_KINDS.items():
            if "account" in kind.scopes and s.limits.value(name, "account", account) is not None:
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
    limit, base = s.limits.value(*key), s.limits.base(*key)
    at = f"the {scope}{kind.at.removeprefix('it')}" if kind.at.startswith("it ") else kind.at
    return LimitUse(
        ts,
        name,
        scope,
        scope_id,
        used,
        ZERO if limit is None else limit,
        unit or kind.unit,
        at,
        None if waiting is None else waiting.value,
        0 if waiting is None else waiting.at,
        None if base == limit else base,
    )


def _used(s: State, ts: int, key: Key) -> tuple[Decimal, str]:
    """Used part and its unit; limits on a single order use nothing between orders."""
    name, scope, scope_id = key
    count = _COUNTS.get(name)
    if count is not None:
        return Decimal(count(s, ts, scope, scope_id)), ""
    if name == "max_exposure" and scope in ("instrument", *_GROUPS):
        return _largest(_sums(s, scope, scope_id))
    measure = _MONEY.get(name)
    if measure is not None:
        purses = ((p, c) for desk in _desks(s, scope, scope_id) for c, p in desk.purses.items())
        return _largest((measure(purse), currency) for purse, currency in purses)
    if name == "max_concentration":
        return _concentration(s, scope_id), ""
    return ZERO, ""


_MONEY: dict[str, Callable[[Purse], int]] = {
    "max_exposure": lambda p: p.gross,
    "max_net_exposure": lambda p: max(p.long, p.short),
    "daily_loss": lambda p: p.base - p.pnl,
    "daily_loss_halt": lambda p: p.base - p.pnl,
    "max_drawdown": lambda p: p.high - p.pnl,
}


def _open_orders(s: State, ts: int, scope: str, scope_id: str) -> int:
    if scope == "instrument":
        return max((len(h.live) for h in _holdings(s, scope, scope_id)), default=0)
    if scope == "class":
        sums: dict[str, int] = {}
        for h in _holdings(s, scope, scope_id):
            sums[h.account.id] = sums.get(h.account.id, 0) + len(h.live)
        return max(sums.values(), default=0)
    return max((desk.working for desk in _desks(s, scope, scope_id)), default=0)


def _position(s: State, ts: int, scope: str, scope_id: str) -> int:
    return max(
        (
            max(each.qty + each.open_buy, each.open_sell - each.qty, 0)
            for h in _holdings(s, scope, scope_id)
            for each in _counted(h)
        ),
        default=0,
    )


def _short(s: State, ts: int, scope: str, scope_id: str) -> int:
    return max(
        (
            max(each.open_sell - each.qty, 0)
            for h in _holdings(s, scope, scope_id)
            for each in _counted(h)
        ),
        default=0,
    )


def _counted(holding: Holding) -> Iterable[Holding]:
    """What limits of size count: in a hedging account each leg by itself."""
    return holding.legs.values() if holding.account.hedging else (holding,)


def _within(times: Iterable[int], ts: int, span: int) -> int:
    return sum(0 <= ts - t < span for t in times)


def _orders(s: State, ts: int, scope: str, scope_id: str) -> int:
    flows = _flows(s, scope, scope_id)
    return max((_within(flow.sent, ts, SECOND) for flow in flows), default=0)


def _changes(s: State, ts: int, scope: str, scope_id: str) -> int:
    flows = _flows(s, scope, scope_id)
    return max((_within(flow.changed, ts, SECOND) for flow in flows), default=0)


def _repeats(s: State, ts: int, scope: str, scope_id: str) -> int:
    desks = _desks(s, scope, scope_id)
    return max((_within(desk.traded, ts, MINUTE) for desk in desks), default=0)


def _duplicates(s: State, ts: int, scope: str, scope_id: str) -> int:
    most = 0
    for h in _holdings(s, scope, scope_id):
        counts: dict[object, int] = {}
        for at, of in h.recent.times:
            if 0 <= ts - at < SECOND:
                counts[of] = counts.get(of, 0) + 1
        most = max(most, *counts.values()) if counts else most
    return most


def _messages(s: State, ts: int, scope: str, scope_id: str) -> int:
    meter = s.risk.meters.get(scope_id)
    return 0 if meter is None else _within(meter.messages, ts, SECOND)


def _messages_today(s: State, ts: int, scope: str, scope_id: str) -> int:
    meter = s.risk.meters.get(scope_id)
    return 0 if meter is None else meter.today


def _ratio(s: State, ts: int, scope: str, scope_id: str) -> int:
    meter = s.risk.meters.get(scope_id)
    return 0 if meter is None else meter.today // max(meter.trades, 1)


_COUNTS: dict[str, Callable[[State, int, str, str], int]] = {
    "max_position": _position,
    "max_short": _short,
    "max_open_orders": _open_orders,
    "max_order_rate": _orders,
    "max_change_rate": _changes,
    "max_repeats": _repeats,
    "max_duplicates": _duplicates,
    "max_messages": _messages,
    "max_messages_day": _messages_today,
    "max_order_trade_ratio": _ratio,
}


def _concentration(s: State, account: str) -> Decimal:
    """The largest share of the equity in one instrument, in percent."""
    found = s.accounts.get(account)
    most = ZERO
    for holding in found.holdings.values() if found is not None else ():
        equity = equity_units(s, holding)
        if holding.exposure > 0 and equity > 0:
            share = (Decimal(100 * holding.exposure) / equity).quantize(Decimal("0.01"))
            most = max(most, share)
    return most


def _largest(sums: Iterable[tuple[int, str]]) -> tuple[Decimal, str]:
    units, currency = max(sums, default=(0, ""))
    return (money_of(units), currency) if units > 0 else (ZERO, currency)


def _sums(s: State, scope: str, scope_id: str) -> Iterator[tuple[int, str]]:
    """The exposure of each account in an instrument or group."""
    found: dict[tuple[str, str], int] = {}
    for holding in _holdings(s, scope, scope_id):
        key = (holding.account.id, holding.market.unit)
        found[key] = found.get(key, 0) + holding.exposure
    for (_, unit), units in found.items():
        yield units, unit


def _flows(s: State, scope: str, scope_id: str) -> Iterator[Desk | Meter]:
    if scope != "venue":
        yield from _desks(s, scope, scope_id)
    elif scope_id in s.risk.meters:
        yield s.risk.meters[scope_id]


def _desks(s: State, scope: str, scope_id: str) -> Iterator[Desk]:
    for account in s.accounts.values():
        if scope == "account":
            if account.id == scope_id:
                yield account
        elif scope in ("strategy", "trader"):
            desks = account.strategies if scope == "strategy" else account.traders
            if scope_id in desks:
                yield desks[scope_id]


def _holdings(s: State, scope: str, scope_id: str) -> Iterator[Holding]:
    for account in s.accounts.values():
        if scope == "account" and account.id != scope_id:
            continue
        for holding in account.holdings.values():
            if scope == "account" or (
                scope == "instrument" and holding.market.instrument.id == scope_id
            ):
                yield holding
            elif scope == "strategy" and scope_id in holding.parts:
                yield holding.parts[scope_id]
            elif scope == "trader" and scope_id in holding.hands:
                yield holding.hands[scope_id]
            elif scope in _GROUPS and group_name(s, scope, holding) == scope_id:
                yield holding
