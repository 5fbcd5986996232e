"""Where strategies meet the engine: the seam, and what stands there when there are none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from core.model.commands import (
    AnswerDraft,
    Command,
    Kill,
    SetStrategyMode,
    SetStrategyParams,
)
from core.model.events import CommandRefused, Draft, Event, StrategyState
from core.model.orders import Order

StrategyCommand = SetStrategyMode | SetStrategyParams | AnswerDraft


class EnginePort(NamedTuple):
    """What a strategy desk may use of the engine; all of it on the engine's thread.

    `submit` takes commands in the engine's own name (cancels, accepted drafts), `publish` tells
    clients about strategies and drafts; `order` and `working` look up; `stopped` says who is not
    active of an account, a strategy and the venue of an instrument; `endpoint` and `token` are for
    hosts of strategies, which are clients of the kind ``strategy``; `home` is the engine's folder.
    """

    submit: Callable[[Command], None]
    publish: Callable[[Sequence[Event]], None]
    order: Callable[[str], Order | None]
    working: Callable[[], Sequence[Order]]
    stopped: Callable[[str, str, str], str]
    clock: Callable[[], int]
    endpoint: str
    token: str
    home: Path


class StrategyDesk(Protocol):
    """Keeps the strategies' switches, hosts and drafts. Nothing here may block or raise."""

    def states(self) -> Sequence[StrategyState]:
        """The row of each strategy, for the snapshot of a client."""
        ...

    def drafts(self) -> Sequence[Draft]:
        """Drafts that are still open."""
        ...

    async def start(self, port: EnginePort) -> None:
        """The engine is ready for orders."""
        ...

    async def stop(self) -> None:
        """The engine ends: stop all hosts."""
        ...

    def command(self, command: StrategyCommand) -> None:
        """A trader turned a switch, changed parameters or answered a draft."""
        ...

    def allow(self, command: Command, client: str) -> Command | None:
        """A client of the kind ``strategy`` sent a command.

        Returns what is to be carried out; None when it became a draft or may not be done at all.
        """
        ...

    def kill(self, command: Kill) -> None:
        """The kill switch was hit: no strategy of that account trades on."""
        ...

    def tick(self, now: int) -> None:
        """About four times a second: look after hosts and expiring drafts (`now` in UTC ns)."""
        ...


class NoStrategies:
    """The desk of an engine without strategies."""

    def __init__(self) -> None:
        self._port: EnginePort | None = None

    def states(self) -> Sequence[StrategyState]:
        """None."""
        return ()

    def drafts(self) -> Sequence[Draft]:
        """None."""
        return ()

    async def start(self, port: EnginePort) -> None:
        """Keep the port, to say no with."""
        self._port = port

    async def stop(self) -> None:
        """Nothing runs."""

    def command(self, command: StrategyCommand) -> None:
        """Refuse: there is nothing that it could be about."""
        if self._port is not None:
            text = "This engine has no strategies. Start one that has them configured."
            now = self._port.clock()
            self._port.publish([CommandRefused(now, command.id, "NO_STRATEGIES", text)])

    def allow(self, command: Command, client: str) -> Command | None:
        """A program that calls itself a strategy is bound by the account's limits only."""
        return command

    def kill(self, command: Kill) -> None:
        """Nothing runs."""

    def tick(self, now: int) -> None:
        """Nothing expires."""
