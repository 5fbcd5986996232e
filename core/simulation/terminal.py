"""The terminal of a simulation: a real client of the engine, in a program of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.bus.inline import InlineChannel
from core.client.client import EngineClient
from core.client.stores import position_key
from core.model.commands import Command
from core.model.session import Subscribe
from core.services.engine import Engine
from core.simulation.venues import TOKEN

if TYPE_CHECKING:
    from core.simulation.world import World

_POLL = 0.02
_ROOM = 60  # messages that wait for a terminal that does not read


class _Channel(InlineChannel):
    """A terminal's connection to an engine that may be dead."""

    def __init__(self, world: World, engine: Engine) -> None:
        super().__init__(engine.server, world.loop, _ROOM)
        self._world = world
        self._life = world.computer.life
        self._to = engine.server

    def lost(self) -> str:
        """Also over when the engine died."""
        computer = self._world.computer
        if computer.life != self._life or not computer.alive:
            return "The engine closed the connection or died."
        return super().lost()

    def send(self, data: bytes) -> bool:
        """What arrives is the engine's work."""
        if self.lost():
            return False
        owner = self._world.owner
        self._world.loop.later(owner, 0.0, self._to.receive, self._peer, [data])
        return True


class Terminal:
    """People's view of the engine.

    Attributes:
        client: the connection and what is shown.
        polling: it reads; else it is a slow consumer.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self.polling = True
        self.client = EngineClient("engine", TOKEN, "terminal", "terminal", None, self._open)

    def start(self) -> None:
        """Connect, and go on connecting."""
        self.client.subscribe(Subscribe(("*",), (self._world.instruments[0].id,)))
        self.client.connect()
        self._world.loop.later("terminal", _POLL, self._poll)

    def send(self, command: Command) -> None:
        """A person sends a command, if there is an engine to send it to."""
        world, computer = self._world, self._world.computer
        engine = computer.engine
        if self.client.connected:
            self.client.send(command)
        elif computer.alive and engine is not None and hasattr(engine, "dispatch"):
            world.loop.later(computer.owner, 0.0, engine.submit, command)

    def differs(self, engine: Engine) -> str:
        """How what it shows differs from what the engine has; empty: not at all."""
        if not self.client.connected:
            return "the terminal did not find back to the engine."
        shown = self.client.stores.orders
        for order in engine.kernel.working():
            seen = shown.get(order.cl_ord_id)
            if seen is None or (seen.status, seen.cum_qty) != (order.status, order.cum_qty):
                return (
                    f"the terminal shows order {order.cl_ord_id} as"
                    f" {'nothing' if seen is None else seen.status.name} and the engine has it as"
                    f" {order.status.name}."
                )
        positions = self.client.stores.positions
        for p in engine.kernel.positions():
            there = positions.get(position_key(p.account, p.instrument, p.strategy, p.leg))
            if p.qty and (there is None or there.qty != p.qty):
                return (
                    f"the terminal shows {'nothing' if there is None else there.qty} lots and the"
                    f" engine has {p.qty} of {p.account} {p.instrument} {p.strategy} {p.leg}."
                )
        return ""

    def _poll(self) -> None:
        if self.polling:
            self.client.poll()
        self._world.loop.later("terminal", _POLL, self._poll)

    def _open(self, endpoint: str) -> _Channel:
        computer = self._world.computer
        engine = computer.engine
        if not computer.alive or engine is None or not hasattr(engine, "sessions"):
            raise OSError("No engine listens.")
        return _Channel(self._world, engine)
