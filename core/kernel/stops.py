"""Stopping a strategy, a trader or a venue, by a person or by the repeated-execution throttle."""

from __future__ import annotations

from collections.abc import Iterator

from core.kernel import rates
from core.kernel.asking import cancel
from core.kernel.closing_state import Job
from core.kernel.desks import Desk, Meter
from core.kernel.orders import Live
from core.kernel.state import State
from core.model.commands import Kill, SetTradingState
from core.model.enums import Severity, TradingState

SCOPES = ("strategy", "trader", "venue")

_HALTED = TradingState.HALTED
_WORDS = {
    TradingState.ACTIVE: "active",
    TradingState.REDUCING: "reduce-only",
    TradingState.HALTED: "halted",
}


def set_state(s: State, command: SetTradingState) -> None:
    """Halt a strategy, trader or venue, make it reduce-only, or let it go on."""
    found = _meant(s, command.id, command.account, command.scope, command.scope_id)
    if not found:
        return
    if not command.reason.strip():
        s.refuse(command.id, "REASON_NEEDED", "Give a reason; it is kept in the journal.")
        return
    who = f"by {command.trader}: " if command.trader else ""
    for each in found:
        each.state = command.state
        each.reason = f"{who}{command.reason}"
        each.code = ""
        if isinstance(each, Desk) and command.state is TradingState.ACTIVE:
            each.traded.clear()
    s.notice(
        Severity.WARNING,
        f"{command.scope.capitalize()} {command.scope_id} is {_WORDS[command.state]} now, {who}"
        f"{command.reason}.",
    )


def kill(s: State, command: Kill) -> None:
    """Stop a strategy, trader or venue (1) and cancel its orders (2)."""
    if command.level not in (1, 2):
        s.refuse(
            command.id,
            "BAD_LEVEL",
            f"A {command.scope} is killed with level 1 or 2; to close what it holds, flatten.",
        )
        return
    found = _meant(s, command.id, command.account, command.scope, command.scope_id)
    if not found:
        return
    who = f" by {command.trader}" if command.trader else ""
    why = f": {command.reason}" if command.reason else ""
    for each in found:
        each.state = _HALTED
        each.reason = f"killed (level {command.level}){who}{why}"
        each.code = ""
    s.notice(
        Severity.WARNING,
        f"Kill level {command.level} of {command.scope} {command.scope_id}{who}{why}.",
    )
    if command.level == 2:
        _cancel(s, command.id, command.trader, _orders(s, command))


def on_trade(s: State, live: Live, first: bool) -> None:
    """An order of a strategy traded: too many of them within a minute stop the strategy."""
    holding, part = live.holding, live.part
    if holding is not None:
        holding.market.meter.trades += 1
    if part is None or not part.desk.strategy or not first:
        return
    desk = part.desk
    rates.note(desk.traded, s.ts, rates.MINUTE)
    if not s.limits.repeats:
        return
    most = s.limits.value("max_repeats", "strategy", desk.strategy)
    if most is None or len(desk.traded) < most or desk.state is _HALTED:
        return
    desk.state = _HALTED
    desk.code = "REPEATED_EXECUTION_THROTTLE"
    desk.reason = f"{len(desk.traded)} of its orders traded within a minute; {most} are the most"
    s.notice(
        Severity.CRITICAL,
        f"Strategy {desk.strategy} is stopped: {desk.reason}. Its orders are canceled; a person"
        " must let it go on.",
    )
    mine = [o for o in s.working.values() if o.part is not None and o.part.desk is desk]
    _cancel(s, f"{desk.strategy}-stopped-{s.seq}", "", mine)


def _cancel(s: State, name: str, trader: str, orders: list[Live]) -> None:
    job = Job(name, trader, close=False)
    for live in orders:
        if not live.canceling:
            cancel(s, live, s.next_id(job))


def _orders(s: State, command: Kill) -> list[Live]:
    found = []
    for live in s.working.values():
        c, holding = live.command, live.holding
        assert holding is not None
        name = {
            "strategy": c.strategy,
            "trader": c.trader,
            "venue": holding.market.instrument.venue,
        }[command.scope]
        if name == command.scope_id and command.account in ("", c.account):
            found.append(live)
    return found


def _meant(s: State, command: str, account: str, scope: str, name: str) -> list[Desk | Meter]:
    """What a command is about; when there is no such thing it is refused."""
    if scope not in SCOPES or not name:
        s.refuse(
            command, "BAD_SCOPE", f"The scope must be one of {', '.join(SCOPES)}, with a name."
        )
        return []
    if scope == "venue":
        if name not in s.risk.meters:
            s.refuse(command, "UNKNOWN_VENUE", f"There is no venue “{name}”.")
            return []
        return [s.risk.meters[name]]
    found = list(_desks(s, account, scope, name))
    if not found:
        s.refuse(command, "UNKNOWN_ACCOUNT", f"There is no account “{account}”.")
    return found


def _desks(s: State, account: str, scope: str, name: str) -> Iterator[Desk | Meter]:
    for each in s.accounts.values():
        if account in ("", each.id):
            desks = each.strategies if scope == "strategy" else each.traders
            if name not in desks:
                # It has not traded yet: what it is told now holds when it does.
                desks[name] = Desk(name, scope)
            yield desks[name]
