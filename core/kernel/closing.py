"""Kill, flatten, trading states: cancel first, then close until nothing is held."""

from __future__ import annotations

from core.kernel import stops
from core.kernel.asking import cancel
from core.kernel.closing_state import Job, Leg
from core.kernel.commands import enter, fresh
from core.kernel.gate import out_of_reach, rules_of
from core.kernel.markets import Market
from core.kernel.positions import Account, Holding
from core.kernel.state import State
from core.model.checks import MAX_TICKS, reduces
from core.model.commands import Flatten, Kill, NewOrder, SetTradingState
from core.model.enums import (
    MarketStatus,
    OrdStatus,
    OrdType,
    PositionEffect,
    Severity,
    Side,
    Source,
    TimeInForce,
    TradingState,
)
from core.model.orders import LONG, SHORT

MAX_TRIES = 20
"""Closing orders in a row that closed nothing, before a flatten gives up."""


def kill(s: State, command: Kill) -> None:
    """The kill switch: reduce-only (1), all orders canceled (2), all positions closed (3)."""
    if not fresh(s, command.id):
        return
    if command.scope:
        stops.kill(s, command)
        return
    if command.level not in (1, 2, 3):
        s.refuse(command.id, "BAD_LEVEL", f"Kill level {command.level} is not 1, 2 or 3.")
        return
    accounts = _accounts(s, command.id, command.account)
    who = f" by {command.trader}" if command.trader else ""
    why = f": {command.reason}" if command.reason else ""
    for account in accounts:
        if account.state is not TradingState.HALTED:
            s.set_state(account, TradingState.REDUCING, f"killed (level {command.level}){who}{why}")
        s.notice(
            Severity.WARNING,
            f"Kill level {command.level} of account {account.id}{who}{why}.",
        )
    if command.level > 1:
        job = Job(command.id, command.trader, close=command.level == 3)
        _begin(s, job, accounts, "", "")


def flatten(s: State, command: Flatten) -> None:
    """Cancel and close what matches, until the net position is zero, or each leg."""
    if not fresh(s, command.id):
        return
    if command.leg not in ("", LONG, SHORT):
        text = f"“{command.leg}” is no leg; write {LONG} or {SHORT}, or nothing for both."
        s.refuse(command.id, "UNKNOWN_LEG", text)
    else:
        accounts = _accounts(s, command.id, command.account)
        if accounts:
            job = Job(command.id, command.trader, close=True)
            _begin(s, job, accounts, command.instrument, command.strategy, command.leg)


def set_trading_state(s: State, command: SetTradingState) -> None:
    """Halt an account, make it reduce-only, or arm it again."""
    if not fresh(s, command.id):
        return
    if command.scope not in ("", "account"):
        stops.set_state(s, command)
        return
    account = s.accounts.get(command.account)
    if account is None:
        s.refuse(command.id, "UNKNOWN_ACCOUNT", f"There is no account “{command.account}”.")
        return
    if command.state is TradingState.ACTIVE:
        lost = s.over_loss(account)
        if lost:
            s.refuse(
                command.id,
                "DAILY_LOSS_LIMIT",
                f"{lost} Loosen that limit first, with a reason, or wait for the next session.",
            )
            return
    who = f"by {command.trader}" if command.trader else ""
    s.set_state(account, command.state, ": ".join(t for t in (who, command.reason) if t))


def advance(s: State, holding: Holding) -> None:
    """Take the closing of one holding a step further."""
    leg = holding.closing
    if leg is None:
        return
    job = s.jobs[leg.job]
    if holding.live:
        _cancel_live(s, job, holding, leg)
        return
    if not job.close:
        _finish(s, holding, leg, f"{_name(holding)}: all orders are gone")
        return
    last = s.orders.get(leg.order) if leg.order else None
    if last is not None and last.base is OrdStatus.REJECTED:
        job.failed += 1
        _finish(s, holding, leg, f"{_name(holding)} is NOT closed, it was refused: {last.text}")
        return
    size = abs(holding.qty)
    if size == 0:
        _finish(s, holding, leg, f"{_name(holding)} is flat")
        return
    if leg.order:
        leg.order = ""
        leg.tries = leg.tries + 1 if size >= leg.before else 0
        if leg.tries >= MAX_TRIES:
            job.failed += 1
            text = f"{_name(holding)} is NOT closed: {MAX_TRIES} tries found nobody to trade with"
            _finish(s, holding, leg, text)
            return
        if leg.tries:
            # Nobody was there to trade with: the next try waits until time has passed.
            return
    _close(s, job, holding, leg)


def on_time(s: State) -> None:
    """Time has passed: try again whatever is still being closed."""
    s.ready.extend(s.closing.values())


def _begin(
    s: State, job: Job, accounts: list[Account], instrument: str, strategy: str, leg: str = ""
) -> None:
    s.jobs[job.id] = job
    for account in accounts:
        for holding in list(account.holdings.values()):
            if instrument and holding.market.instrument.id != instrument:
                continue
            part = holding.parts.get(strategy) if strategy else holding
            if part is None or (leg and not account.hedging):
                continue
            for side in ((leg,) if leg else (LONG, SHORT)) if account.hedging else ("",):
                _begin_one(s, job, holding, part, side)
    if not job.legs:
        del s.jobs[job.id]
        s.notice(Severity.INFO, "There is nothing to cancel or close.")


def _begin_one(s: State, job: Job, holding: Holding, part: Holding, side: str) -> None:
    """Begin to close the whole of a holding or a strategy's part of it, or a leg of that."""
    whole = _side(holding, side)
    target = whole if part is holding else _side(part, side)
    if (
        whole is None
        or target is None
        or not (target.live or (job.close and target.qty))
        or whole.closing is not None
        or target.closing is not None
    ):
        return
    for other in holding.parts.values() if target is whole else ():
        less = _side(other, side)
        if less is not None and less.closing is not None:
            _finish(s, less, less.closing, f"{_name(less)} is closed by {job.id} now")
    target.closing = Leg(job.id)
    job.legs += 1
    s.closing[key_of(target)] = target
    s.ready.append(target)


def _side(holding: Holding, side: str) -> Holding | None:
    return holding.legs.get(side) if side else holding


def _cancel_live(s: State, job: Job, holding: Holding, leg: Leg) -> None:
    unreachable = out_of_reach(s, holding.market)
    if unreachable and not holding.market.blocked:
        _say(s, leg, f"{_name(holding)}: cancels wait. {unreachable}")
        return
    for live in list(holding.live.values()):
        mine = live.command.cl_ord_id == leg.order and not live.unknown
        if not mine and not live.canceling:
            cancel(s, live, s.next_id(job))


def _close(s: State, job: Job, holding: Holding, leg: Leg) -> None:
    market, account = holding.market, holding.account
    waits = _why_wait(s, account, market)
    if waits:
        _say(s, leg, f"{_name(holding)}: closing waits. {waits}")
        return
    whole = account.holdings[market.instrument.id]
    strategy, qty = _share(holding, whole)
    side = Side.SELL if holding.qty > 0 else Side.BUY
    qty = min(qty, market.instrument.max_qty)
    kind, tif, price = _terms(s, holding, side)
    order = NewOrder(
        cl_ord_id=s.next_id(job),
        account=account.id,
        instrument=market.instrument.id,
        side=side,
        ord_type=kind,
        qty=qty,
        price=price,
        tif=tif,
        reduce_only=reduces(_side(whole, holding.side) or whole, side, qty),
        source=Source.ENGINE,
        trader=job.trader,
        strategy=strategy,
        ts=s.ts,
        position_effect=_effect(holding, side),
    )
    leg.order = order.cl_ord_id
    leg.before = abs(holding.qty)
    leg.said = ""
    if enter(s, order, closing=True).dead:
        s.ready.append(holding)


def _why_wait(s: State, account: Account, market: Market) -> str:
    if account.state is TradingState.HALTED:
        return f"Account {account.id} is halted; make it reduce-only or active."
    unreachable = out_of_reach(s, market)
    if unreachable and not market.blocked:
        return unreachable
    if market.status is MarketStatus.HALTED or market.status is MarketStatus.CLOSED:
        return f"The market is {market.status.value}."
    if not market.is_open(s.ts):
        return "The market is outside its trading hours."
    return ""


def _effect(holding: Holding, side: Side) -> PositionEffect | None:
    """By which an order of this side brings a leg nearer to zero. A leg that is on the wrong side
    of it, since an execution was taken back, is opened to be over."""
    if not holding.side:
        return None
    closes = (side is Side.SELL) is (holding.side == LONG)
    return PositionEffect.CLOSE if closes else PositionEffect.OPEN


def _share(holding: Holding, whole: Holding) -> tuple[str, int]:
    """Whose lots to close next: of an account's net, the largest part on its side."""
    if holding.desk is not holding.account:
        return holding.desk.strategy, abs(holding.qty)
    sign = 1 if holding.qty > 0 else -1
    parts = {name: _side(part, holding.side) for name, part in whole.parts.items()}
    strategy, most = max(
        ((name, sign * part.qty) for name, part in parts.items() if part is not None),
        key=lambda p: p[1],
    )
    return strategy, min(most, abs(holding.qty))


def _terms(s: State, holding: Holding, side: Side) -> tuple[OrdType, TimeInForce, int]:
    """Type, time in force and price: a collared limit that trades at once where there is one."""
    market, instrument = holding.market, holding.market.instrument
    tif = TimeInForce.IOC if TimeInForce.IOC in instrument.tifs else instrument.tifs[0]
    if OrdType.LIMIT not in instrument.order_types or not market.mark2:
        return OrdType.MARKET, tif, 0
    whole = holding.account.holdings[instrument.id]
    part = None if holding.desk is holding.account else whole.parts[holding.desk.strategy]
    high, low, scale = rules_of(s, whole, part).order.collar or (105, 95, 100)
    # The collar around the reference, or around the far side where the market is wider than that.
    if side is Side.BUY:
        price = market.mark2 * high // (2 * scale)
        if price < market.ask:
            price = market.ask * high // scale
    else:
        price = -(-market.mark2 * low // (2 * scale))
        if 0 < market.bid < price:
            price = -(-market.bid * low // scale)
    return OrdType.LIMIT, tif, min(max(price, 1), MAX_TICKS)


def _finish(s: State, holding: Holding, leg: Leg, text: str) -> None:
    job = s.jobs[leg.job]
    holding.closing = None
    s.closing.pop(key_of(holding), None)
    job.legs -= 1
    bad = Severity.CRITICAL if " NOT " in text else Severity.INFO
    s.notice(bad, f"{job.id}: {text}.")
    if not job.legs:
        del s.jobs[job.id]
        if job.failed:
            s.notice(
                Severity.CRITICAL,
                f"{job.id}: over, but {job.failed} could not be closed; close by hand.",
            )
        else:
            s.notice(Severity.INFO, f"{job.id}: all done.")


def _say(s: State, leg: Leg, text: str) -> None:
    if leg.said != text:
        leg.said = text
        s.notice(Severity.WARNING, f"{leg.job}: {text}")


def _name(holding: Holding) -> str:
    name = f"{holding.account.id} {holding.market.instrument.id}"
    return " ".join(filter(None, (name, holding.side, holding.desk.strategy)))


def key_of(holding: Holding) -> tuple[str, str, str, str]:
    """What is being closed: account, instrument, strategy (empty: the whole) and leg."""
    return holding.account.id, holding.market.instrument.id, holding.desk.strategy, holding.side


def _accounts(s: State, command: str, name: str) -> list[Account]:
    if not name:
        return list(s.accounts.values())
    account = s.accounts.get(name)
    if account is None:
        s.refuse(command, "UNKNOWN_ACCOUNT", f"There is no account “{name}”.")
        return []
    return [account]
