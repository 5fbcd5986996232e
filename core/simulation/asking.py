"""What people ask for, step by step of a plan: orders, lists, changes, stops, limits, switches."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from msgspec.structs import replace

from core.model.commands import (
    AdjustPosition,
    AnswerDraft,
    CancelAll,
    CancelOrder,
    Flatten,
    HandOver,
    Kill,
    NewOrder,
    NewOrderList,
    Override,
    ReloadSettings,
    ReplaceOrder,
    SetLimit,
    SetRestriction,
    SetStrategyMode,
    SetStrategyParams,
    SetTradingState,
)
from core.model.enums import (
    Contingency,
    OrdType,
    PegReference,
    PositionEffect,
    Side,
    StrategyMode,
    TimeInForce,
    TradingState,
)
from core.model.orders import LONG, SHORT, Position
from core.simulation.exchange import START
from core.simulation.plan import Step
from core.simulation.setting import (
    ACCOUNTS,
    HEDGED,
    MOST_LOTS,
    MOST_OPEN,
    MOST_POSITION,
    NETTED,
    STRATEGIES,
)

if TYPE_CHECKING:
    from core.simulation.world import World

_TYPES = (
    OrdType.STOP,
    OrdType.STOP_LIMIT,
    OrdType.TRAILING_STOP,
    OrdType.TRAILING_STOP_LIMIT,
    OrdType.MARKET_IF_TOUCHED,
    OrdType.LIMIT_IF_TOUCHED,
    OrdType.PEGGED,
    OrdType.LIMIT,
)
_TOUCHED = (OrdType.MARKET_IF_TOUCHED, OrdType.LIMIT_IF_TOUCHED)
_TRAILING = (OrdType.TRAILING_STOP, OrdType.TRAILING_STOP_LIMIT)
_NO_STOP = (*_TRAILING, OrdType.LIMIT, OrdType.MARKET, OrdType.PEGGED)
_PRICED = (OrdType.LIMIT, OrdType.STOP_LIMIT, OrdType.LIMIT_IF_TOUCHED)
_TIMES = (
    TimeInForce.GTC,
    TimeInForce.DAY,
    TimeInForce.GTD,
    TimeInForce.AT_THE_OPENING,
    TimeInForce.AT_THE_CLOSE,
)
_AUCTIONS = (TimeInForce.AT_THE_OPENING, TimeInForce.AT_THE_CLOSE)
_STATES = (TradingState.ACTIVE, TradingState.ACTIVE, TradingState.HALTED, TradingState.REDUCING)
_SCOPES = (("strategy", "quoter"), ("trader", "anna"), ("venue", "BETA"), ("strategy", "cross"))
_LIMITS = (
    ("max_position", "account", "", 5, MOST_POSITION),
    ("max_position", "account", "A1", 6, MOST_POSITION),
    ("max_position", "account", HEDGED, 4, MOST_POSITION),
    ("max_order_qty", "account", "", 2, MOST_LOTS),
    ("max_order_qty", "instrument", "AAA.ALPHA", 2, MOST_LOTS),
    ("max_open_orders", "account", "", 2, MOST_OPEN),
    ("max_position", "strategy", "quoter", 2, MOST_POSITION),
)


def _side(number: int) -> Side:
    return (Side.SELL, Side.BUY)[number & 1]


# -- orders ----------------------------------------------------------------------------------


def order(world: World, step: Step) -> None:
    """What any venue takes; DAY also where the engine must keep it."""
    side = _side(step.b)
    price = START - side.sign * (step.c % 9 - 3)
    if step.c // 9 % 50 == 0:
        price += side.sign * START // 10  # nobody means that
    kind, tif, post = (
        (OrdType.MARKET, TimeInForce.IOC, False),
        (OrdType.LIMIT, TimeInForce.IOC, False),
        (OrdType.LIMIT, TimeInForce.FOK, False),
        (OrdType.LIMIT, TimeInForce.GTC, True),
        (OrdType.LIMIT, TimeInForce.GTC, False),
        (OrdType.LIMIT, TimeInForce.DAY, False),
        (OrdType.LIMIT, TimeInForce.GTC, False),
    )[step.d % 7]
    world.send(
        NewOrder(
            f"O{step.number}",
            NETTED[step.a % 3],
            world.instruments[step.a // 3 % 3].id,
            side,
            kind,
            1 + step.b // 2 % 9,
            price=0 if kind is OrdType.MARKET else price,
            tif=tif,
            post_only=post,
            reduce_only=step.c % 11 == 0,
            trader="anna" if step.d & 8 else "",
        )
    )


def held(world: World, step: Step) -> None:
    """Orders that the venues cannot hold: the engine works them."""
    kind, tif = _TYPES[step.c % len(_TYPES)], _TIMES[step.d // 4 % len(_TIMES)]
    if tif in _AUCTIONS:
        kind = (OrdType.LIMIT, OrdType.MARKET)[step.c % 2]
    side, away = _side(step.b), 1 + step.d % 4
    stop = START + side.sign * (-away if kind in _TOUCHED else away)
    number = step.a // 3
    name = ("A3", HEDGED)[number % 4 == 3]
    offset = step.b // 16 % 3
    made = NewOrder(
        f"H{step.number}",
        name,
        world.instruments[1 if tif in _AUCTIONS else step.a % 3].id,
        side,
        kind,
        2 + step.b // 2 % 6,
        price=START + side.sign * away if kind in _PRICED else 0,
        stop_price=0 if kind in _NO_STOP else stop,
        trail=away if kind in _TRAILING and number % 2 else 0,
        trail_bp=away if kind in _TRAILING and not number % 2 else 0,
        limit_offset=offset if kind is OrdType.TRAILING_STOP_LIMIT else 0,
        display_qty=2 if kind is OrdType.LIMIT and tif is TimeInForce.GTC else 0,
        tif=tif,
        expire=_soon(world, step) if tif is TimeInForce.GTD else 0,
    )
    if kind is OrdType.PEGGED:
        reference = tuple(PegReference)[number % 3]
        made = replace(made, peg=reference, peg_offset=-offset)
    world.send(made)


def _soon(world: World, step: Step) -> int:
    """A moment within the simulation, by the engine's clock."""
    engine = world.engine
    now = world.computer.clock.time_ns() if engine is None else engine._clock()
    return now + 50_000_000 + step.a % 3_000 * 1_000_000


def hedge(world: World, step: Step) -> None:
    """Opens or closes a leg."""
    kind = (OrdType.MARKET, OrdType.LIMIT, OrdType.LIMIT)[step.d % 3]
    effects = (None, PositionEffect.OPEN, PositionEffect.OPEN, PositionEffect.CLOSE)
    side, tif = _side(step.b), (TimeInForce.GTC, TimeInForce.DAY)[step.d // 3 % 2]
    world.send(
        NewOrder(
            f"G{step.number}",
            HEDGED,
            world.instruments[step.a % 3].id,
            side,
            kind,
            1 + step.b // 2 % 7,
            price=0 if kind is OrdType.MARKET else START - side.sign * (step.c % 7 - 3),
            tif=TimeInForce.IOC if kind is OrdType.MARKET else tif,
            reduce_only=step.c % 13 == 0,
            position_effect=effects[step.a // 3 % 4],
        )
    )


def turn_round(world: World, step: Step) -> None:
    """A position is reversed as the positions' table does it: a leg closed and the other opened."""
    found = [p for p in _held(world) if p.leg or p.account != HEDGED]
    if not found:
        return
    p = found[step.a % len(found)]
    made = NewOrder(
        f"V{step.number}",
        p.account,
        p.instrument,
        Side.SELL if p.qty > 0 else Side.BUY,
        OrdType.MARKET,
        abs(p.qty) if p.leg else 2 * abs(p.qty),
        tif=TimeInForce.IOC,
        strategy=p.strategy,
        position_effect=PositionEffect.CLOSE if p.leg else None,
    )
    world.send(made)
    if p.leg:
        other = replace(made, cl_ord_id=f"V{step.number}-2", position_effect=PositionEffect.OPEN)
        world.send(other)


def _held(world: World) -> list[Position]:
    kernel = world.kernel
    return [] if kernel is None else [p for p in kernel.positions() if p.qty]


def group(world: World, step: Step) -> None:
    """Orders that hang together: a bracket, two of which one cancels the other, one after one."""
    instrument, side = world.instruments[step.a % 3].id, _side(step.b)
    account = ("A3", HEDGED)[step.a // 3 % 3 == 2]
    name, qty = f"L{step.number}", 1 + step.b // 2 % 5
    sign = side.sign
    kind = (Contingency.OCO, Contingency.BRACKET, Contingency.BRACKET, Contingency.OTO)[step.d % 4]
    opens = account == HEDGED and kind is Contingency.BRACKET

    def leg(n: int, which: Side, ord_type: OrdType, price: int, stop: int) -> NewOrder:
        effect = None
        if opens:
            effect = PositionEffect.OPEN if n == 1 else PositionEffect.CLOSE
        return NewOrder(
            f"{name}-{n}",
            account,
            instrument,
            which,
            ord_type,
            qty,
            price=price,
            stop_price=stop,
            position_effect=effect,
        )

    orders = (
        leg(1, side, OrdType.LIMIT, START + sign * (step.c % 4), 0),
        leg(2, side.opposite, OrdType.LIMIT, START + sign * (3 + step.d // 4 % 4), 0),
        leg(3, side.opposite, OrdType.STOP, 0, START - sign * (3 + step.d % 5)),
    )
    for each in orders:
        world.intend(each)
    world.send(NewOrderList(name, kind, orders[1:] if kind is Contingency.OCO else orders))


def again(world: World, step: Step) -> None:
    """The same command comes twice: a client that did not hear the answer."""
    if world.commands:
        recent = world.commands[-10:]
        world.send(recent[step.a % len(recent)])


def _recent(world: World, which: int) -> str:
    recent = world.names[-14:]
    return recent[which % len(recent)] if recent else "nothing"


def cancel(world: World, step: Step) -> None:
    """One of the newest orders is canceled."""
    world.send(CancelOrder(f"C{step.number}", _recent(world, step.a)))


def change(world: World, step: Step) -> None:
    """One of the newest orders is changed."""
    name, side = _recent(world, step.a), 1 if step.d & 1 else -1
    qty, price = 1 + step.b % 9, START - side * (step.c % 9 - 2)
    stop = START + side * (1 + step.c % 4) if step.d % 5 == 0 else 0
    world.send(ReplaceOrder(f"R{step.number}", name, qty, price, stop_price=stop))


# -- stops -----------------------------------------------------------------------------------


def cancel_all(world: World, step: Step) -> None:
    """Everything that matches is canceled."""
    made = CancelAll(f"X{step.number}", ("", *ACCOUNTS)[step.a % 5])
    instrument = world.instruments[step.c % 3].id
    narrow = (
        made,
        made,
        replace(made, instrument=instrument),
        replace(made, strategy=STRATEGIES[step.c % 3]),
        replace(made, side=1 + step.c % 2),
    )
    world.send(narrow[step.b % 5])


def flatten(world: World, step: Step) -> None:
    """An account, a leg, a strategy's part, or all in an instrument is closed."""
    made = Flatten(f"F{step.number}", ACCOUNTS[step.a % 4])
    instrument = world.instruments[step.c % 3].id
    narrow = (
        made,
        replace(made, account=HEDGED, instrument=instrument, leg=LONG),
        replace(made, account=HEDGED, leg=SHORT),
        replace(made, instrument=instrument),
        replace(made, account="", strategy=STRATEGIES[step.c % 3]),
    )
    world.send(narrow[step.b % 5])


def kill(world: World, step: Step) -> None:
    """The kill switch, at every level, of everything, an account or a part."""
    name, level = ("", *ACCOUNTS)[step.a % 5], 1 + step.b % 3
    made = Kill(f"K{step.number}", level, name, reason="simulated")
    if step.c % 3 == 0:
        scope, which = _SCOPES[step.d % len(_SCOPES)]
        made = replace(made, account="", level=1 + step.b % 2, scope=scope, scope_id=which)
    world.send(made)


def state(world: World, step: Step) -> None:
    """An account, or a part of all, may trade, only reduce, or neither."""
    wanted = _STATES[step.b % 4]
    made = SetTradingState(f"T{step.number}", ACCOUNTS[step.a % 4], wanted, "simulated")
    if step.c % 4 == 0:
        scope, which = _SCOPES[step.d % len(_SCOPES)]
        made = replace(made, account="", scope=scope, scope_id=which)
    world.send(made)


# -- limits ----------------------------------------------------------------------------------


def limit(world: World, step: Step) -> None:
    """A limit is changed; never beyond what the checks allow for."""
    name, scope, which, least, most = _LIMITS[step.b % len(_LIMITS)]
    value = Decimal(least + step.a % (most - least + 1))
    world.send(SetLimit(f"S{step.number}", name, value, scope, which, "simulated"))


def restriction(world: World, step: Step) -> None:
    """An instrument may not be traded, or may again."""
    instrument = world.instruments[step.a % 3].id
    world.send(SetRestriction(f"B{step.number}", instrument, step.b % 3 == 0, "simulated"))


def override(world: World, step: Step) -> None:
    """An order may pass a rule that it breaks: here not the limits that the checks look at."""
    code = ("RESTRICTED_INSTRUMENT", "DUPLICATE_ORDER", "PRICE_COLLAR")[step.b % 3]
    name, until = f"O{step.number}", _soon(world, step)
    grant = Override(
        f"P{step.number}", name, (code,), until, "simulated", "simulated", "anna", "bert"
    )
    world.send(grant)
    order(world, step)


def reload(world: World, step: Step) -> None:
    """The settings file was changed and is read anew."""
    world.computer.version = step.a % 12
    world.send(ReloadSettings(f"J{step.number}", "simulated" if step.b % 6 else ""))


def adjust(world: World, step: Step) -> None:
    """A difference of a position is booked: what stands, or what is not there at all."""
    account, instrument = NETTED[step.a % 3], world.instruments[step.b % 3].id
    qty = 1 + step.c % 3
    world.send(AdjustPosition(f"U{step.number}", account, instrument, qty, START, "simulated"))


# -- strategies ------------------------------------------------------------------------------


def switch(world: World, step: Step) -> None:
    """A strategy's switch is turned."""
    name = STRATEGIES[step.a % 3]
    mode = (StrategyMode.OFF, StrategyMode.ADVISE, StrategyMode.AUTO, StrategyMode.AUTO)[step.b % 4]
    world.computer.wanted[name] = mode
    then = ("keep", "flatten", "hand_over")[step.c % 3] if mode is StrategyMode.OFF else "keep"
    world.send(SetStrategyMode(f"M{step.number}", name, mode, then))


def answer(world: World, step: Step) -> None:
    """Drafts of strategies are accepted or skipped."""
    engine = world.engine
    drafts = [] if engine is None else engine.strategies.drafts()
    for number, draft in enumerate(drafts[:3]):
        accept = (step.b >> number) % 3 > 0
        world.send(AnswerDraft(f"D{step.number}-{number}", draft.draft, accept, "anna"))


def params(world: World, step: Step) -> None:
    """A strategy is switched off and its parameters are changed, perhaps to what cannot be."""
    name = STRATEGIES[step.a % 2]
    made = {"distance": str(step.b % 4), "inventory": str(2 + step.c % 8)}
    if step.d % 2:
        world.send(SetStrategyMode(f"M{step.number}", name, StrategyMode.OFF))
    world.send(SetStrategyParams(f"Q{step.number}", name, made))
    world.send(SetStrategyMode(f"N{step.number}", name, StrategyMode.AUTO))


def hand_over(world: World, step: Step) -> None:
    """A strategy's position becomes the trader's own."""
    parts = [p for p in _held(world) if p.strategy]
    if parts:
        p = parts[step.a % len(parts)]
        world.send(HandOver(f"Y{step.number}", p.account, p.instrument, p.strategy))
