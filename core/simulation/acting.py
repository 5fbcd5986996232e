"""What each step of a plan does to a world."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING

from core.model.commands import (
    CancelAll,
    CancelOrder,
    Flatten,
    Kill,
    NewOrder,
    NewOrderList,
    ReplaceOrder,
    SetLimit,
    SetTradingState,
)
from core.model.enums import Contingency, OrdType, Side, TimeInForce, TradingState
from core.simulation.checks import MOST_POSITION
from core.simulation.exchange import CORRECTED, START, Exchange, Own
from core.simulation.plan import Step

if TYPE_CHECKING:
    from core.simulation.world import World

LISTED = (("AAA", "ALPHA"), ("BBB", "ALPHA"), ("CCC", "BETA"))
_HOUR = 3_600_000_000_000
_SHIFTS = (_HOUR, -_HOUR, -24 * _HOUR, 5_000_000_000, -5_000_000_000, 24 * _HOUR)
_HELD = (
    OrdType.STOP,
    OrdType.STOP_LIMIT,
    OrdType.TRAILING_STOP,
    OrdType.MARKET_IF_TOUCHED,
    OrdType.LIMIT,
)


def act(world: World, step: Step) -> None:
    """Carry out one step."""
    _ACTS[step.kind](world, step)


# -- what people ask for ---------------------------------------------------------------------


def _order(world: World, step: Step) -> None:
    account = ("A1", "A2", "A3")[step.a % 3]
    instrument = world.instruments[step.a // 3 % 3].id
    side = Side.BUY if step.b & 1 else Side.SELL
    qty = 1 + step.b // 2 % 9
    price = START - side.sign * (step.c % 9 - 3)
    kind, tif, post = (
        (OrdType.MARKET, TimeInForce.IOC, False),
        (OrdType.LIMIT, TimeInForce.IOC, False),
        (OrdType.LIMIT, TimeInForce.FOK, False),
        (OrdType.LIMIT, TimeInForce.GTC, True),
        (OrdType.LIMIT, TimeInForce.GTC, False),
        (OrdType.LIMIT, TimeInForce.GTC, False),
        (OrdType.LIMIT, TimeInForce.GTC, False),
    )[step.d % 7]
    world.send(
        NewOrder(
            f"O{step.number}",
            account,
            instrument,
            side,
            kind,
            qty,
            price=0 if kind is OrdType.MARKET else price,
            tif=tif,
            post_only=post,
            reduce_only=step.c % 11 == 0,
            trader="anna" if step.d & 8 else "",
        )
    )


def _held(world: World, step: Step) -> None:
    """Orders that the venues cannot hold: the engine works them."""
    instrument = world.instruments[step.a % 3].id
    side = Side.BUY if step.b & 1 else Side.SELL
    kind = _HELD[step.c % len(_HELD)]
    away = 1 + step.d % 4
    touched = kind is OrdType.MARKET_IF_TOUCHED
    stop = START + side.sign * (-away if touched else away)
    limit = kind in (OrdType.LIMIT, OrdType.STOP_LIMIT)
    world.send(
        NewOrder(
            f"H{step.number}",
            "A3",
            instrument,
            side,
            kind,
            2 + step.b // 2 % 6,
            price=START + side.sign * away if limit else 0,
            stop_price=0 if kind in (OrdType.LIMIT, OrdType.TRAILING_STOP) else stop,
            trail=away if kind is OrdType.TRAILING_STOP else 0,
            display_qty=2 if kind is OrdType.LIMIT else 0,
        )
    )


def _list(world: World, step: Step) -> None:
    instrument = world.instruments[step.a % 3].id
    side = Side.BUY if step.b & 1 else Side.SELL
    name, qty = f"L{step.number}", 1 + step.b // 2 % 5
    sign = side.sign

    def leg(n: int, which: Side, kind: OrdType, price: int, stop: int) -> NewOrder:
        return NewOrder(
            f"{name}-{n}", "A3", instrument, which, kind, qty, price=price, stop_price=stop
        )

    orders = (
        leg(1, side, OrdType.LIMIT, START + sign * (step.c % 4), 0),
        leg(2, side.opposite, OrdType.LIMIT, START + sign * (3 + step.d % 4), 0),
        leg(3, side.opposite, OrdType.STOP, 0, START - sign * (3 + step.d % 5)),
    )
    for order in orders:
        world.ask(order)
    if step.d % 3 == 0:
        world.send(NewOrderList(name, Contingency.OCO, orders[1:]))
    else:
        world.send(NewOrderList(name, Contingency.BRACKET, orders))


def _again(world: World, step: Step) -> None:
    """The same command comes twice: a client that did not hear the answer."""
    if world.commands:
        recent = world.commands[-10:]
        world.send(recent[step.a % len(recent)])


def _recent(world: World, which: int) -> str:
    recent = world.names[-14:]
    return recent[which % len(recent)] if recent else "nothing"


def _cancel(world: World, step: Step) -> None:
    world.send(CancelOrder(f"C{step.number}", _recent(world, step.a)))


def _replace(world: World, step: Step) -> None:
    name, side = _recent(world, step.a), 1 if step.d & 1 else -1
    qty, price = 1 + step.b % 9, START - side * (step.c % 9 - 2)
    world.send(ReplaceOrder(f"R{step.number}", name, qty, price))


def _cancel_all(world: World, step: Step) -> None:
    world.send(CancelAll(f"X{step.number}", ("", "A1", "A2", "A3")[step.a % 4]))


def _flatten(world: World, step: Step) -> None:
    world.send(Flatten(f"F{step.number}", ("A1", "A2", "A3")[step.a % 3]))


def _kill(world: World, step: Step) -> None:
    name = ("", "A1", "A2", "A3")[step.a % 4]
    world.send(Kill(f"K{step.number}", 1 + step.b % 3, name, reason="simulated"))


def _state(world: World, step: Step) -> None:
    states = (TradingState.ACTIVE, TradingState.ACTIVE, TradingState.HALTED, TradingState.REDUCING)
    name = ("A1", "A2", "A3")[step.a % 3]
    world.send(SetTradingState(f"T{step.number}", name, states[step.b % 4], "simulated"))


def _limit(world: World, step: Step) -> None:
    value = Decimal(5 + step.a % (MOST_POSITION - 4))
    world.send(SetLimit(f"S{step.number}", "max_position", value, reason="simulated"))


# -- what the market does --------------------------------------------------------------------


def _exchange(world: World, which: int) -> tuple[Exchange, str]:
    instrument = world.instruments[which % 3]
    return world.exchanges[instrument.venue], instrument.id


def _trade(world: World, step: Step) -> None:
    exchange, instrument = _exchange(world, step.a)
    exchange.trade(instrument, 1 + step.b % 2, 1 + step.c % 25)


def _rest(world: World, step: Step) -> None:
    exchange, instrument = _exchange(world, step.a)
    exchange.rest(instrument, 1 + step.b % 2, step.c % 6, 1 + step.d % 20)


def _refill(world: World, step: Step) -> None:
    for exchange in world.exchanges.values():
        exchange.refill()


# -- what goes wrong -------------------------------------------------------------------------


def _own(world: World, step: Step, fits: Callable[[Own], bool]) -> tuple[Exchange, Own] | None:
    found = [
        (exchange, own)
        for exchange in world.exchanges.values()
        for own in exchange.orders.values()
        if fits(own)
    ]
    return found[step.a % len(found)] if found else None


def _unasked(world: World, step: Step) -> None:
    found = _own(world, step, lambda own: own.working)
    if found is not None:
        world.faults["cancel unasked"] += 1
        found[0].cancel_unasked(found[1])


def _overfill(world: World, step: Step) -> None:
    found = _own(world, step, lambda own: own.working)
    if found is not None:
        world.faults["overfill"] += 1
        _excuse(world, found[1])
        found[0].overfill(found[1], 1 + step.b % 3)


def _taken_back(own: Own) -> bool:
    """May its newest execution be taken back or corrected? Once only."""
    return not own.working and bool(own.execs) and not own.execs[-1].id.endswith(CORRECTED)


def _bust(world: World, step: Step) -> None:
    found = _own(world, step, lambda own: _taken_back(own) and not own.over)
    if found is not None:
        world.faults["bust"] += 1
        _excuse(world, found[1])
        name = found[1].order.cl_ord_id
        world.watch.lowered.update((name, name.rpartition("/")[0]))  # perhaps a slice of an order
        found[0].bust(found[1])


def _correct(world: World, step: Step) -> None:
    found = _own(world, step, _taken_back)
    if found is not None:
        world.faults["correction"] += 1
        found[0].correct(found[1], 1 + step.b % 3)


def _excuse(world: World, own: Own) -> None:
    world.watch.excused.add((own.order.account, own.order.instrument))


def _elsewhere(world: World, step: Step) -> None:
    if world.faults["clock jumped"]:
        return  # see `_clock`
    exchange, instrument = _exchange(world, step.a)
    account = ("A1", "A2", "A3")[step.b % 3]
    world.watch.excused.add((account, instrument))
    world.faults["order from elsewhere"] += 1
    side = Side.BUY if step.c & 1 else Side.SELL
    exchange.elsewhere(f"E{step.number}", instrument, account, side, 1 + step.d % 5)


def _halt(world: World, step: Step) -> None:
    exchange, instrument = _exchange(world, step.a)
    world.faults["market halted"] += 1
    exchange.halt(instrument, instrument not in exchange.halted)


def _refuse(world: World, step: Step) -> None:
    world.faults["request refused"] += 1
    list(world.exchanges.values())[step.a % 2].refusing = 1 + step.b % 3


def _late(world: World, step: Step) -> None:
    world.make_late(0.001 + step.a % 110 / 1e3, "report late")


def _twice(world: World, step: Step) -> None:
    world.make_late(0.001 + step.a % 400 / 1e3, "report twice")


def _very_late(world: World, step: Step) -> None:
    """Later than the engine waits for it when it compares orders: limits may be passed then."""
    for account in ("A1", "A2", "A3"):
        for instrument in world.instruments:
            world.watch.excused.add((account, instrument.id))
    world.make_late(0.2 + step.a % 2000 / 1e3, "report very late")


def _cut(world: World, step: Step) -> None:
    world.cut(step.a, step.b)


def _cut_later(world: World, step: Step) -> None:
    world.cut_after(step.a % 4)


def _stall(world: World, step: Step) -> None:
    world.faults["network stalled"] += 1
    seconds = (0.05, 0.3, 1.0, 3.5)[step.a % 4]
    world.network.stalled = max(world.network.stalled, world.loop.now + seconds)


def _crash(world: World, step: Step) -> None:
    world.die(False)


def _power(world: World, step: Step) -> None:
    world.die(True)


def _crash_inside(world: World, step: Step) -> None:
    world.countdown, world.countdown_power = 1 + step.a % 40, False


def _power_inside(world: World, step: Step) -> None:
    world.countdown, world.countdown_power = 1 + step.a % 40, True


def _for_a_while(world: World, step: Step, begin: Callable[[], None]) -> None:
    begin()
    seconds = 0.02 + step.b % 1500 / 1e3
    world.loop.later("world", seconds, world.disk.heal)


def _slow_disk(world: World, step: Step) -> None:
    def begin() -> None:
        world.disk.latency = 0.01 + step.a % 300 / 1e3
        world.faults["slow disk"] += 1

    _for_a_while(world, step, begin)


def _stuck_disk(world: World, step: Step) -> None:
    def begin() -> None:
        world.disk.latency = 2.5 + step.a % 1000 / 1e3
        world.faults["stuck disk"] += 1

    _for_a_while(world, step, begin)


def _full_disk(world: World, step: Step) -> None:
    def begin() -> None:
        world.disk.space = step.a % 3000

    _for_a_while(world, step, begin)


def _failing(word: str) -> Callable[[World, Step], None]:
    def fails(world: World, step: Step) -> None:
        _for_a_while(world, step, lambda: world.disk.failing.add(word))

    return fails


def _bad_files(world: World, step: Step) -> None:
    def begin() -> None:
        world.disk.failing.update(("open", "rename", "truncate"))

    _for_a_while(world, step, begin)


def _short_writes(world: World, step: Step) -> None:
    def begin() -> None:
        world.disk.short = True

    _for_a_while(world, step, begin)


def _clock(world: World, step: Step) -> None:
    if world.faults["order from elsewhere"]:
        # A venue is asked for executions since a time of ours. When that is ahead of the venue's,
        # one of an order that nobody here knows is not found after a crash.
        return
    world.faults["clock jumped"] += 1
    world.clock.shift += _SHIFTS[step.a % len(_SHIFTS)]


def _slow_client(world: World, step: Step) -> None:
    def again() -> None:
        world.polling = True

    world.faults["client slow"] += 1
    world.polling = False
    world.loop.later("world", 0.5 + step.a % 3000 / 1e3, again)


def _client_gone(world: World, step: Step) -> None:
    client = world.client
    if client is not None:
        world.faults["client gone"] += 1
        client.close()
        world.loop.later("terminal", step.a % 1000 / 1e3, client.connect)


def _wait(world: World, step: Step) -> None:
    """Time passes; the plan made room for it."""


_ACTS: dict[str, Callable[[World, Step], None]] = {
    "order": _order,
    "list": _list,
    "held": _held,
    "again": _again,
    "cancel": _cancel,
    "replace": _replace,
    "cancel all": _cancel_all,
    "flatten": _flatten,
    "kill": _kill,
    "state": _state,
    "limit": _limit,
    "trade": _trade,
    "rest": _rest,
    "refill": _refill,
    "report late": _late,
    "report twice": _twice,
    "report very late": _very_late,
    "refuse": _refuse,
    "unasked": _unasked,
    "overfill": _overfill,
    "bust": _bust,
    "correct": _correct,
    "elsewhere": _elsewhere,
    "halt": _halt,
    "cut": _cut,
    "cut later": _cut_later,
    "stall": _stall,
    "crash": _crash,
    "crash inside": _crash_inside,
    "power": _power,
    "power inside": _power_inside,
    "slow disk": _slow_disk,
    "stuck disk": _stuck_disk,
    "full disk": _full_disk,
    "bad writes": _failing("write"),
    "bad syncs": _failing("sync"),
    "bad files": _bad_files,
    "short writes": _short_writes,
    "clock": _clock,
    "slow client": _slow_client,
    "client gone": _client_gone,
    "wait": _wait,
}
