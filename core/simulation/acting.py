"""What each step of a plan does to a world."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from core.simulation import asking, failing, mishaps
from core.simulation.plan import Step

if TYPE_CHECKING:
    from core.simulation.world import World


def act(world: World, step: Step) -> None:
    """Carry out one step."""
    _ACTS[step.kind](world, step)


def _trade(world: World, step: Step) -> None:
    found = failing.exchange_of(world, step.a)
    if found is not None:
        mishaps.trade(*found, 1 + step.b % 2, 1 + step.c % 25)


def _rest(world: World, step: Step) -> None:
    found = failing.exchange_of(world, step.a)
    if found is not None:
        mishaps.rest(*found, 1 + step.b % 2, step.c % 6, 1 + step.d % 20)


def _refill(world: World, step: Step) -> None:
    for program in world.venues.values():
        if program.alive:
            mishaps.refill(program.exchange)


def _wait(world: World, step: Step) -> None:
    """Time passes; the plan made room for it."""


_ACTS: dict[str, Callable[[World, Step], None]] = {
    "order": asking.order,
    "list": asking.group,
    "held": asking.held,
    "hedge": asking.hedge,
    "reverse": asking.turn_round,
    "again": asking.again,
    "cancel": asking.cancel,
    "replace": asking.change,
    "cancel all": asking.cancel_all,
    "flatten": asking.flatten,
    "kill": asking.kill,
    "state": asking.state,
    "limit": asking.limit,
    "restriction": asking.restriction,
    "override": asking.override,
    "reload": asking.reload,
    "adjust": asking.adjust,
    "switch": asking.switch,
    "answer": asking.answer,
    "params": asking.params,
    "hand over": asking.hand_over,
    "trade": _trade,
    "rest": _rest,
    "refill": _refill,
    "report late": failing.late,
    "report twice": failing.twice,
    "report very late": failing.very_late,
    "refuse": failing.refuse,
    "unasked": failing.unasked,
    "overfill": failing.overfill,
    "bust": failing.bust,
    "correct": failing.correct,
    "elsewhere": failing.elsewhere,
    "halt": failing.halt,
    "venue restart": failing.venue_restarts,
    "cut": failing.cut,
    "cut later": failing.cut_later,
    "stall": failing.stall,
    "slow engine": failing.slow_engine,
    "crash": failing.crash,
    "crash inside": failing.crash_inside,
    "power": failing.power,
    "power inside": failing.power_inside,
    "slow disk": failing.slow_disk,
    "stuck disk": failing.stuck_disk,
    "full disk": failing.full_disk,
    "bad writes": failing.bad_writes,
    "bad syncs": failing.bad_syncs,
    "bad files": failing.bad_files,
    "short writes": failing.short_writes,
    "clock": failing.clock,
    "clock and crash": failing.clock_and_crash,
    "slow client": failing.slow_client,
    "client gone": failing.client_gone,
    "strategy fails": failing.strategy_fails,
    "wait": _wait,
}
