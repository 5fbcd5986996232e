"""What goes wrong, step by step of a plan: venues, links, the computer, its clock, its readers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from core.model.enums import Side
from core.simulation import mishaps
from core.simulation.exchange import Exchange
from core.simulation.own import Own
from core.simulation.plan import Step
from core.simulation.setting import ACCOUNTS
from core.simulation.wire import ROOM

if TYPE_CHECKING:
    from core.simulation.world import World

_HOUR = 3_600_000_000_000
_SHIFTS = (_HOUR, -_HOUR, -24 * _HOUR, 5_000_000_000, -5_000_000_000, 24 * _HOUR)
_NARROW = 3_000  # bytes


# -- venues ----------------------------------------------------------------------------------


def exchange_of(world: World, which: int) -> tuple[Exchange, str] | None:
    """An instrument and its venue, if that is there."""
    instrument = world.instruments[which % 3]
    program = world.venues[instrument.venue]
    return (program.exchange, instrument.id) if program.alive else None


def _own(world: World, step: Step, fits: Callable[[Own], bool]) -> tuple[Exchange, Own] | None:
    found = [
        (program.exchange, own)
        for program in world.venues.values()
        if program.alive
        for own in program.exchange.truth.orders.values()
        if fits(own)
    ]
    return found[step.a % len(found)] if found else None


def unasked(world: World, step: Step) -> None:
    """A venue ends an order by itself."""
    found = _own(world, step, lambda own: own.working)
    if found is not None:
        world.hit("cancel unasked")
        mishaps.cancel_unasked(*found)


def overfill(world: World, step: Step) -> None:
    """A venue fills more than there was to fill."""
    found = _own(world, step, lambda own: own.working)
    if found is not None:
        world.hit("overfill")
        _excuse(world, found[1])
        mishaps.overfill(*found, 1 + step.b % 3)


def bust(world: World, step: Step) -> None:
    """A venue takes an execution back."""
    found = _own(world, step, lambda own: own.correctable and not own.over)
    if found is not None:
        world.hit("bust")
        _excuse(world, found[1])
        name = found[1].order.cl_ord_id
        world.watch.lowered.update((name, name.rpartition("/")[0]))  # perhaps a slice of an order
        mishaps.bust(*found)


def correct(world: World, step: Step) -> None:
    """A venue corrects the price of an execution."""
    found = _own(world, step, lambda own: own.correctable)
    if found is not None:
        world.hit("correction")
        mishaps.correct(*found, 1 + step.b % 3)


def _excuse(world: World, own: Own) -> None:
    world.watch.excused.add((own.order.account, own.order.instrument))


def elsewhere(world: World, step: Step) -> None:
    """An order is placed on an account by other means, and trades."""
    found = exchange_of(world, step.a)
    if found is not None:
        exchange, instrument = found
        account = ACCOUNTS[step.b % 4]
        world.watch.excused.add((account, instrument))
        world.hit("order from elsewhere")
        side = Side.BUY if step.c & 1 else Side.SELL
        number = f"E{step.number}"
        mishaps.elsewhere(exchange, number, instrument, account, side, 1 + step.d % 5)


def halt(world: World, step: Step) -> None:
    """A market is halted, or goes on."""
    found = exchange_of(world, step.a)
    if found is not None:
        exchange, instrument = found
        world.hit("market halted")
        exchange.halt(instrument, instrument not in exchange.halted)


def refuse(world: World, step: Step) -> None:
    """A venue refuses what comes next."""
    world.hit("request refused")
    list(world.exchanges.values())[step.a % 2].refusing = 1 + step.b % 3


def venue_restarts(world: World, step: Step) -> None:
    """A venue's program dies, and is started again a little later."""
    program = list(world.venues.values())[step.a % 2]
    if program.alive:
        world.hit("venue restarted")
        if program.exchange.drops_day:
            world.hit("venue drops DAY orders")
        program.die()
        world.loop.later("world", 0.05 + step.b % 1500 / 1e3, program.start)


# -- links -----------------------------------------------------------------------------------


def late(world: World, step: Step) -> None:
    """A report comes a little late."""
    world.make_late(0.001 + step.a % 110 / 1e3, "report late")


def twice(world: World, step: Step) -> None:
    """A report comes twice."""
    world.make_late(0.001 + step.a % 400 / 1e3, "report twice")


def very_late(world: World, step: Step) -> None:
    """Later than the engine waits for it when it compares orders: limits may be passed then."""
    for account in ACCOUNTS:
        for instrument in world.instruments:
            world.watch.excused.add((account, instrument.id))
    world.make_late(0.2 + step.a % 2000 / 1e3, "report very late")


def cut(world: World, step: Step) -> None:
    """A link breaks."""
    world.cut(step.a, step.b)


def cut_later(world: World, step: Step) -> None:
    """A link breaks right after some report."""
    world.cut_after(step.a % 4)


def stall(world: World, step: Step) -> None:
    """Nothing arrives for a while."""
    world.hit("network stalled")
    seconds = (0.05, 0.3, 1.0, 3.5)[step.a % 4]
    world.network.stalled = max(world.network.stalled, world.loop.now + seconds)


def slow_engine(world: World, step: Step) -> None:
    """The engine does not read what venues tell, until they give it up."""

    def again() -> None:
        world.network.room = ROOM

    world.hit("engine slow")
    world.network.room = step.a % _NARROW
    seconds = 0.3 + step.b % 1200 / 1e3
    world.network.stalled = max(world.network.stalled, world.loop.now + seconds)
    world.loop.later("world", seconds, again)


# -- the computer ----------------------------------------------------------------------------


def crash(world: World, step: Step) -> None:
    """The engine dies."""
    world.computer.die(False)


def power(world: World, step: Step) -> None:
    """The power is lost."""
    world.computer.die(True)


def crash_inside(world: World, step: Step) -> None:
    """The engine dies within something that it does."""
    world.computer.countdown, world.computer.countdown_power = 1 + step.a % 40, False


def power_inside(world: World, step: Step) -> None:
    """The power is lost within something that the engine does."""
    world.computer.countdown, world.computer.countdown_power = 1 + step.a % 40, True


def _for_a_while(world: World, step: Step) -> None:
    world.loop.later("world", 0.02 + step.b % 1500 / 1e3, world.computer.disk.heal)


def slow_disk(world: World, step: Step) -> None:
    """The disk is slow."""
    world.computer.disk.latency = 0.01 + step.a % 300 / 1e3
    world.hit("slow disk")
    _for_a_while(world, step)


def stuck_disk(world: World, step: Step) -> None:
    """The disk hangs."""
    world.computer.disk.latency = 2.5 + step.a % 1000 / 1e3
    world.hit("stuck disk")
    _for_a_while(world, step)


def full_disk(world: World, step: Step) -> None:
    """The disk is full, or nearly so."""
    world.computer.disk.space = step.a % 3000
    _for_a_while(world, step)


def bad_writes(world: World, step: Step) -> None:
    """Writes fail."""
    world.computer.disk.failing.add("write")
    _for_a_while(world, step)


def bad_syncs(world: World, step: Step) -> None:
    """Confirmations fail."""
    world.computer.disk.failing.add("sync")
    _for_a_while(world, step)


def bad_files(world: World, step: Step) -> None:
    """Files cannot be made, renamed, cut."""
    world.computer.disk.failing.update(("open", "rename", "truncate"))
    _for_a_while(world, step)


def short_writes(world: World, step: Step) -> None:
    """Writes take a part of what they are given."""
    world.computer.disk.short = True
    _for_a_while(world, step)


def clock(world: World, step: Step) -> None:
    """The computer's clock jumps."""
    world.hit("clock jumped")
    world.computer.clock.shift += _SHIFTS[step.a % len(_SHIFTS)]


def clock_and_crash(world: World, step: Step) -> None:
    """The clock jumps and the engine dies at once: it starts with another time than before."""
    clock(world, step)
    world.computer.die(bool(step.b & 1))


# -- readers and strategies ------------------------------------------------------------------


def slow_client(world: World, step: Step) -> None:
    """A terminal does not read for a while."""

    def again() -> None:
        world.terminal.polling = True

    world.hit("client slow")
    world.terminal.polling = False
    world.loop.later("world", 0.5 + step.a % 3000 / 1e3, again)


def client_gone(world: World, step: Step) -> None:
    """A terminal goes and comes back."""
    client = world.terminal.client
    world.hit("client gone")
    client.close()
    world.loop.later("terminal", step.a % 1000 / 1e3, client.connect)


def strategy_fails(world: World, step: Step) -> None:
    """A strategy's program dies, hangs, raises or floods."""
    running = world.computer.programs.running()
    if not running:
        return
    program = running[step.a % len(running)]
    how = step.b % 4
    world.hit(("strategy dies", "strategy hangs", "strategy raises", "strategy floods")[how])
    if how == 0:
        program.die()
    elif how == 1:
        program.hang(0.3 + step.c % 6000 / 1e3)
    elif how == 2:
        program.failed = "ValueError: simulated."
    else:
        program.flood()
