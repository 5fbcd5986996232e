"""The risk gate's part of the kernel's memory as plain data and back (see `core.kernel.dump`)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from core.kernel import following
from core.kernel.desks import Desk
from core.kernel.duplicates import Recent, Terms
from core.kernel.margins import Underlying
from core.kernel.riskstate import Grant
from core.model.enums import TradingState
from core.model.inputs import Covariance, Policy, Restriction
from core.model.message import Part

if TYPE_CHECKING:
    from core.kernel.markets import Market
    from core.kernel.state import State


class MarketDump(Part, frozen=True):
    """What is known of a market beside its prices."""

    locked: int = 0
    volume: int = 0
    past: tuple[tuple[int, int], ...] = ()


class DeskDump(Part, frozen=True):
    """A desk's flow and state; `highs` are its highest profits by currency."""

    changed: tuple[int, ...] = ()
    traded: tuple[int, ...] = ()
    highs: tuple[tuple[str, Decimal], ...] = ()
    state: TradingState = TradingState.ACTIVE
    reason: str = ""
    code: str = ""


class MeterDump(Part, frozen=True):
    """What went to a venue."""

    name: str
    sent: list[int]
    changed: list[int]
    messages: list[int]
    today: int
    trades: int
    state: TradingState
    reason: str


class RiskDump(Part, frozen=True):
    """Everything that belongs to no account."""

    policy: Policy = Policy()
    rates: tuple[tuple[str, int], ...] = ()
    restricted: tuple[Restriction, ...] = ()
    grants: tuple[tuple[str, tuple[str, ...], int, str], ...] = ()
    counts: tuple[tuple[str, str, int], ...] = ()
    meters: tuple[MeterDump, ...] = ()
    revision: int = 0
    covariance: Covariance | None = None
    following: tuple[tuple[str, str, tuple[int, int, int, int, int]], ...] = ()
    underlyings: tuple[tuple[str, Decimal, int], ...] = ()
    vols: tuple[tuple[str, int], ...] = ()
    priced: int = 0


def dump(s: State) -> RiskDump:
    """The risk gate's memory."""
    risk = s.risk
    return RiskDump(
        risk.policy,
        tuple(risk.rates.items()),
        tuple(risk.restricted.values()),
        tuple((name, g.codes, g.expires, g.text) for name, g in risk.grants.items()),
        tuple((code, scope, count) for (code, scope), count in risk.counts.items()),
        tuple(
            MeterDump(
                m.name,
                list(m.sent),
                list(m.changed),
                list(m.messages),
                m.today,
                m.trades,
                m.state,
                m.reason,
            )
            for m in risk.meters.values()
        ),
        s.limits.revision,
        risk.covariance,
        tuple((*key, limit.dump()) for key, limit in s.limits.following.items()),
        tuple((name, *known) for name, known in risk.underlyings.items()),
        tuple(risk.vols.items()),
        risk.priced,
    )


def load_following(s: State, d: RiskDump) -> None:
    """Take up the limits that follow the market; after the markets."""
    following.make(s)
    for name, instrument, state in d.following:
        limit = s.limits.following.get((name, instrument))
        if limit is not None:
            limit.load(state)


def load(s: State, d: RiskDump) -> None:
    """Take it up again; before the markets."""
    risk = s.risk
    risk.policy = d.policy
    risk.rates = dict(d.rates)
    risk.restricted = {r.instrument: r for r in d.restricted}
    risk.grants = {name: Grant(codes, at, text) for name, codes, at, text in d.grants}
    risk.counts = {(code, scope): count for code, scope, count in d.counts}
    risk.underlyings = {name: Underlying(price, ts) for name, price, ts in d.underlyings}
    risk.vols = dict(d.vols)
    risk.priced = d.priced
    for each in d.meters:
        meter = risk.meter(each.name)
        meter.sent.extend(each.sent)
        meter.changed.extend(each.changed)
        meter.messages.extend(each.messages)
        meter.today, meter.trades = each.today, each.trades
        meter.state, meter.reason = each.state, each.reason
    s.limits.revision = d.revision
    risk.take_covariance(d.covariance)


def dump_market(m: Market) -> MarketDump:
    """What a market's prices do not say."""
    return MarketDump(m.locked, m.volume, tuple(m.past))


def load_market(m: Market, d: MarketDump) -> None:
    """Take it up again."""
    m.locked, m.volume = d.locked, d.volume
    m.past.extend(d.past)


def dump_desk(desk: Desk) -> DeskDump:
    """A desk's flow and state."""
    return DeskDump(
        tuple(desk.changed),
        tuple(desk.traded),
        tuple((currency, Decimal(purse.high)) for currency, purse in desk.purses.items()),
        desk.state,
        desk.reason,
        desk.code,
    )


def load_desk(desk: Desk, d: DeskDump) -> None:
    """Take it up again; the highs only once everything was valued (see `load_highs`)."""
    desk.changed.extend(d.changed)
    desk.traded.extend(d.traded)
    desk.state, desk.reason, desk.code = d.state, d.reason, d.code


def load_highs(desks: Sequence[Desk], dumps: Sequence[DeskDump]) -> None:
    """Set the highest profits, after all positions were valued.

    A dump of before traders were told apart has no word on theirs.
    """
    for index, desk in enumerate(desks):
        highs = dict(dumps[index].highs) if index < len(dumps) else {}
        for currency, purse in desk.purses.items():
            purse.high = int(highs.get(currency, max(purse.pnl, 0)))


def dump_recent(recent: Recent) -> list[tuple[int, Terms]]:
    """The orders of the last second."""
    return list(recent.times)


def load_recent(recent: Recent, d: Iterable[tuple[int, Terms]]) -> None:
    """Take them up again."""
    for ts, of in d:
        recent.times.append((ts, of))
        recent.counts[of] = recent.counts.get(of, 0) + 1
