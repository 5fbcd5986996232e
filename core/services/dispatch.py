"""Where each command goes: kernel, strategies, venue; or back with a sentence."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from core.model.commands import (
    AdjustPosition,
    AnswerDraft,
    CancelAll,
    CancelOrder,
    Command,
    Flatten,
    Kill,
    NewOrder,
    NewOrderList,
    ReloadSettings,
    ReplaceOrder,
    SetStrategyMode,
    SetStrategyParams,
    VenueControl,
)
from core.model.events import Event
from core.model.inputs import TurnedAway
from core.services.adjusting import adjustment
from core.services.config import EngineConfig
from core.services.desk import StrategyDesk
from core.services.feed import KernelFeed
from core.services.link import VenueLink
from core.services.orderpath import OrderPath, refusal
from core.services.reload import Reload
from core.services.sessions import Session
from core.services.statistics import Statistics

# Tuples made once: a union written in the check would be made anew for each command.
_ORDERS = (NewOrder, NewOrderList, ReplaceOrder)
_FOR_STRATEGIES = (SetStrategyMode, SetStrategyParams, AnswerDraft)
_CLOSING = (Flatten, Kill)
_KEPT = (CancelOrder, CancelAll, Flatten, Kill)
"""What only takes risk away waits for an engine that starts; nobody must ask for it twice."""

_STARTING = "The engine is reconciling; try again in a moment."


class Dispatch:
    """Takes commands of clients, of strategies and of the engine itself.

    Attributes:
        last_command: when the last one came (monotonic ns).
    """

    def __init__(
        self,
        path: OrderPath,
        feed: KernelFeed,
        links: Mapping[str, VenueLink],
        routes: Mapping[str, VenueLink],
        strategies: StrategyDesk,
        publish: Callable[[Sequence[Event]], None],
        statistics: Statistics,
        settings: Callable[[], EngineConfig] | None = None,
    ) -> None:
        self._path = path
        self._feed = feed
        self._links = links
        self._routes = routes
        self._strategies = strategies
        self._publish = publish
        self._statistics = statistics
        self._reload = Reload(settings, path, self._refuse)
        self.last_command = 0
        self._opened = False
        self._kept: list[tuple[Command, Session | None]] = []

    def open(self) -> None:
        """The engine takes orders from now on: carry out what waited for that."""
        self._opened = True
        kept, self._kept = self._kept, []
        for command, session in kept:
            self.command(command, True, session)

    def command(self, command: Command, ready: bool, session: Session | None = None) -> None:
        """Carry a command out, or say why not. `ready`: the engine takes orders.

        What a client of the kind ``strategy`` asks for goes by the strategies' desk first.
        """
        self.last_command = self._statistics.arrived = time.monotonic_ns()
        try:
            self._carry_out(command, ready, session)
        finally:
            self._statistics.arrived = 0

    def _carry_out(self, command: Command, ready: bool, session: Session | None) -> None:
        if session is not None and session.kind == "strategy":
            allowed = self._strategies.allow(command, session.name)
            if allowed is None:
                return
            command = allowed
        if not ready and not self._opened and isinstance(command, _KEPT):
            self._kept.append((command, session))
        elif isinstance(command, _ORDERS):
            self._order(command, ready)
        elif not ready:
            self._refuse(command, "STARTING", _STARTING)
        elif isinstance(command, _FOR_STRATEGIES):
            if self._path.note(command):
                self._strategies.command(command)
        elif isinstance(command, VenueControl):
            self._control(command)
        elif isinstance(command, AdjustPosition):
            self._adjust(command)
        elif isinstance(command, ReloadSettings):
            if self._path.note(command):
                self._reload(command)
        else:
            if isinstance(command, _CLOSING):
                self._feed.feed_all(self._path.kernel.watched())
            self._path.take(command)
            if isinstance(command, Kill):
                self._strategies.kill(command)

    def _order(self, command: NewOrder | NewOrderList | ReplaceOrder, ready: bool) -> None:
        if not ready:
            self._path.take(TurnedAway(command, "STARTING", _STARTING, "engine"))
            return
        instruments = self._instruments(command)
        for instrument in instruments:
            link = self._routes.get(instrument)
            if link is not None and not link.settled:
                name = link.venue.name
                text = f"Our orders and those of {name} are being compared; try again in a moment."
                message = TurnedAway(command, "STREAM_RECONCILING", text, f"venue:{name}")
                self._path.take(message)
                return
        for instrument in instruments:
            self._feed.feed(instrument)
        self._path.take(command)

    def _instruments(self, command: NewOrder | NewOrderList | ReplaceOrder) -> list[str]:
        if isinstance(command, NewOrder):
            return [command.instrument]
        if isinstance(command, NewOrderList):
            return list(dict.fromkeys(order.instrument for order in command.orders))
        order = self._path.kernel.order(command.order)
        return [] if order is None else [order.instrument]

    def _adjust(self, command: AdjustPosition) -> None:
        link = self._routes.get(command.instrument)
        if link is None:
            text = f"No venue is connected for {command.instrument}."
            self._refuse(command, "UNKNOWN_INSTRUMENT", text)
            return
        report = adjustment(command, link.audit, self._path.clock())
        if isinstance(report, str):
            self._refuse(command, "NOT_POSSIBLE", report)
        elif self._path.halted:
            # It would be booked later, and until then could be asked for again.
            self._refuse(command, "JOURNAL_FAILED", self._path.halted)
        elif self._path.note(command):
            self._path.take(report)
            link.compare()

    def _control(self, command: VenueControl) -> None:
        link = self._links.get(command.venue)
        if link is None:
            known = ", ".join(self._links)
            self._refuse(
                command, "UNKNOWN_VENUE", f"There is no venue “{command.venue}”; use {known}."
            )
            return
        if self._path.note(command):
            problem = link.venue.control(command)
            if problem:
                self._refuse(command, "NOT_POSSIBLE", problem)

    def _refuse(self, command: Command, code: str, text: str) -> None:
        self._publish([refusal(self._path.clock(), command, code, text)])
