"""The strategies of one engine: their switches, and what happens when one fails.

Each running strategy is a process of its own (`core.services.strategy_hosts`), which may do little
(`core.services.strategy_rights`). In Advise its orders become drafts that a trader accepts or
skips (`core.services.drafts`); in Auto they are sent, under its own limits.
One that raises, hangs, eats memory, floods or dies is switched off and its orders are cancelled;
nothing else notices. Off, Advise and Auto are never remembered: every start begins as the
settings say, and never in Auto. Parameters are (`core.services.strategy_setting`).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from core.model.commands import (
    AnswerDraft,
    CancelAll,
    CancelOrder,
    Command,
    Flatten,
    HandOver,
    Kill,
    NewOrder,
    NewOrderList,
    ReplaceOrder,
    SetStrategyParams,
)
from core.model.enums import OrdStatus, Severity, Source, StrategyMode
from core.model.events import CommandRefused, Draft, Notice, StrategyState
from core.model.ids import IdMaker
from core.model.orders import Order
from core.services.config import StrategyConfig
from core.services.desk import EnginePort, StrategyCommand
from core.services.drafts import Drafts
from core.services.strategy_hosts import Hosts
from core.services.strategy_params import ParamChecks
from core.services.strategy_rights import (
    NOT_FOR_STRATEGIES,
    Wrong,
    own_change,
    own_list,
    own_order,
)
from core.services.strategy_running import Bounds, Running, problem
from core.services.strategy_setting import ParamSettings
from core.strategy.registry import BUILTIN

_AGAIN = 1.0  # seconds between attempts to take the orders of a stopped strategy off the market
_LATE = 1.0  # seconds between two looks after which nobody is blamed for silence
_MOST_REFUSALS = 10  # told in one second to programs that no strategy's process is
_RESTING = (OrdStatus.NEW, OrdStatus.PARTIALLY_FILLED)


def strategies_for(
    configs: Sequence[StrategyConfig], known: Sequence[str], retarget: bool
) -> list[StrategyConfig]:
    """The strategies of the settings for a market with the instruments `known`.

    With `retarget` (a recorded market) those of other markets move, switched off, to the first
    instrument there is; else they are left as they are and say so when switched on.
    """
    if not retarget or not known:
        return list(configs)
    return [
        c if c.instrument in known else msgspec.structs.replace(c, instrument=known[0], start="off")
        for c in configs
    ]


class Strategies:
    """The engine's strategy desk (see `core.services.desk.StrategyDesk`).

    Args:
        configs: the strategies of the settings.
        folder: where traders' own strategies lie.
        bounds: what a strategy may do before it is stopped.
    """

    def __init__(
        self, configs: Sequence[StrategyConfig], folder: Path, bounds: Bounds | None = None
    ) -> None:
        self._bounds = bounds or Bounds()
        self._all = {config.name: Running(config) for config in configs}
        self._drafts = Drafts(self._bounds.draft)
        self._hosts = Hosts(folder, self._bounds)
        self._refused = 0
        self._ticked = 0.0
        self._port: EnginePort | None = None
        self._ids = IdMaker("E")
        checks = ParamChecks(self._hosts.load_only, self._hosts.end_process, self._bounds)
        self._params = ParamSettings(checks, self._begin, self._refuse, self._say)
        for running in self._all.values():
            if running.config.kind in BUILTIN:
                self._params.check(running)

    # -- what the desk shows -----------------------------------------------------------------

    def states(self) -> Sequence[StrategyState]:
        """The row of each strategy."""
        now = time.time_ns() if self._port is None else self._port.clock()
        return [running.state(now) for running in self._all.values()]

    def drafts(self) -> Sequence[Draft]:
        """Drafts that are still open."""
        return self._drafts.open()

    # -- start and stop ----------------------------------------------------------------------

    async def start(self, port: EnginePort) -> None:
        """Take up the port and turn the switches as the settings say.

        What was stopped before the engine's end, by the kill switch for instance, stays off.
        """
        self._port = self._hosts.port = port
        self._drafts.publish = port.publish
        self._params.open(port.home)
        for running in self._all.values():
            self._params.start(running)
            self._tell(running)

    def _begin(self, running: Running) -> None:
        """Turn a switch as the settings say."""
        config, port = running.config, self._port
        if port is None or config.start != "advise":
            return
        why = port.stopped(config.account, running.name, config.instrument)
        if why:
            running.last_error = f"It stays off: {why}."
        else:
            self._turn(running, StrategyMode.ADVISE)

    async def stop(self) -> None:
        """Stop all strategies; their orders are cancelled."""
        for running in self._all.values():
            self._params.stop(running)
            if running.process is not None:
                self._turn_off(running, "keep")
        await self._hosts.finish()

    # -- commands ----------------------------------------------------------------------------

    def command(self, command: StrategyCommand) -> None:
        """A trader turned a switch, changed parameters or answered a draft."""
        if isinstance(command, AnswerDraft):
            self._answer(command)
            return
        running = self._all.get(command.strategy)
        if running is None:
            self._refuse(command.id, "UNKNOWN_STRATEGY", f"No strategy “{command.strategy}”.")
            return
        if isinstance(command, SetStrategyParams):
            self._params.change(running, command)
        elif command.on_position not in ("keep", "flatten", "hand_over"):
            text = f"“{command.on_position}” is not keep, flatten or hand_over."
            self._refuse(command.id, "BAD_ANSWER", text)
        elif command.mode is StrategyMode.OFF:
            running.last_error = ""
            self._turn_off(running, command.on_position)
        else:
            self._turn(running, command.mode)
        self._tell(running)

    def _turn(self, running: Running, mode: StrategyMode) -> None:
        self._params.stay_off(running)
        running.last_error = ""
        running.handing_over = False
        running.mode = mode
        if mode is StrategyMode.AUTO:
            self._drafts.withdraw(running.name)
        if running.process is None:
            try:
                self._hosts.launch(running)
            except OSError as error:
                running.mode = StrategyMode.OFF
                running.last_error = f"Its process cannot be started: {error}."

    def _turn_off(
        self, running: Running, on_position: str, at_once: bool = False, cancel: bool = True
    ) -> None:
        self._params.stay_off(running)
        running.mode = StrategyMode.OFF
        running.health = "stopped"
        self._drafts.withdraw(running.name)
        self._hosts.end(running, at_once)
        config, port = running.config, self._port
        if port is None:
            return
        if on_position == "flatten":
            port.submit(
                Flatten(
                    self._ids.next(),
                    config.account,
                    config.instrument,
                    config.name,
                    Source.ENGINE,
                    ts=port.clock(),
                )
            )
            return
        if cancel and self._working(running):
            port.submit(
                CancelAll(
                    self._ids.next(),
                    config.account,
                    strategy=config.name,
                    source=Source.ENGINE,
                    ts=port.clock(),
                )
            )
        running.cleared_at = time.monotonic()
        running.handing_over = on_position == "hand_over"
        if running.handing_over:
            self._hand_over(running)

    def kill(self, command: Kill) -> None:
        """Switch off every strategy of the account, or the one that is killed."""
        for running in self._all.values():
            of_venue = running.config.instrument.endswith(f".{command.scope_id}")
            meant = {
                "": True,
                "strategy": running.name == command.scope_id,
                "venue": of_venue,
            }.get(command.scope, False)
            if (
                meant
                and (running.mode is not StrategyMode.OFF or self._params.begins(running))
                and command.account in ("", running.config.account)
            ):
                # From level 2 on the kernel cancels, and what closes positions must stay.
                self._turn_off(running, "keep", cancel=command.level < 2)
                running.last_error = "Stopped by the kill switch."
                self._tell(running)

    # -- what strategies' processes ask for --------------------------------------------------

    def allow(self, command: Command, client: str) -> Command | None:
        """What a strategy's process asks for: its own orders only, and nothing else.

        Returns what is to be carried out; None when it became a draft or may not be.
        """
        name = command.cl_ord_id if isinstance(command, NewOrder) else command.id
        running = self._hosts.of(client)
        if running is None:
            if not self._hosts.ended(client):
                self._turn_away(name, f"No strategy runs here as “{client}”; nothing was sent.")
            return None
        if running.floods(self._bounds.commands):
            text = f"It sent more than {self._bounds.commands} commands in a second."
            self._fail(running, text)
            self._tell(running)
            return None
        match command:
            case NewOrder():
                return self._order(running, command)
            case NewOrderList():
                return self._proposed(running, own_list(running, command), command.id)
            case CancelOrder() | ReplaceOrder():
                order = None if self._port is None else self._port.order(command.order)
                return self._right(own_change(running, command, order), command.id)
            case AnswerDraft(accept=False):
                self._drafts.withdraw(running.name, command.draft)
                return None
        text = f"A strategy may not send a {type(command).__name__}; it trades its own orders only."
        self._refuse(name, NOT_FOR_STRATEGIES, text)
        return None

    def _order(self, running: Running, order: NewOrder) -> Command | None:
        return self._proposed(running, own_order(running, order), order.cl_ord_id)

    def _proposed(
        self, running: Running, own: NewOrder | NewOrderList | Wrong, name: str
    ) -> Command | None:
        """What is its own goes in Auto, and becomes a draft in Advise."""
        if isinstance(own, Wrong) or running.mode is StrategyMode.AUTO:
            return self._right(own, name)
        if self._port is not None:
            self._drafts.propose(own, self._port.clock())
        return None

    def _right(self, own: Command | Wrong, name: str) -> Command | None:
        """What may be done; else `name` is the command that is refused."""
        if not isinstance(own, Wrong):
            return own
        self._refuse(name, own.code, own.text)
        return None

    def _answer(self, command: AnswerDraft) -> None:
        draft = self._drafts.answer(command)
        if draft is None:
            self._refuse(command.id, "UNKNOWN_DRAFT", "That proposal is no longer open.")
        elif command.accept and self._port is not None:
            now, replace = self._port.clock(), msgspec.structs.replace
            orders = [replace(o, trader=command.trader, ts=now) for o in draft.orders]
            if draft.whole is None:
                self._port.submit(orders[0])
            else:
                self._port.submit(replace(draft.whole, orders=tuple(orders), ts=now))

    # -- looking after processes -------------------------------------------------------------

    def tick(self, now: int) -> None:
        """Expire drafts; take in what processes said; stop what hangs, eats too much, or died."""
        self._refused = 0
        self._drafts.expire()
        self._params.tick()
        clock = time.monotonic()
        late, self._ticked = clock - self._ticked > _LATE, clock
        for running in self._all.values():
            process = running.process
            if process is not None and late:
                process.heard = clock  # it was the engine that did not listen
            if process is not None:
                running.listen(process)
                process.keep_log_short(self._bounds.log)
                wrong = problem(process, self._bounds, clock)
                if wrong:
                    self._fail(running, wrong)
            elif running.mode is StrategyMode.OFF:
                self._clear(running, clock)
            self._tell(running)

    def _fail(self, running: Running, why: str) -> None:
        self._turn_off(running, "keep", at_once=True)
        running.health = "failed"
        running.last_error = why
        text = f"{running.name} was stopped and its orders are cancelled. {why}"
        self._say(running.name, Severity.ERROR, text)

    def _clear(self, running: Running, now: float) -> None:
        """A strategy that is off has no orders: those of an earlier run, and those whose cancel
        was refused, are cancelled again. Then its position can be handed over."""
        if running.handing_over:
            self._hand_over(running)
        if now - running.cleared_at < _AGAIN or self._port is None:
            return
        running.cleared_at = now
        for order in self._working(running):
            # Orders of the engine itself are about to close its position.
            if order.source is Source.STRATEGY and order.status in _RESTING:
                cancel = CancelOrder(
                    self._ids.next(), order.cl_ord_id, Source.ENGINE, ts=self._port.clock()
                )
                self._port.submit(cancel)

    def _hand_over(self, running: Running) -> None:
        port, config = self._port, running.config
        if port is None or self._working(running):
            return  # a late fill would be the strategy's again
        running.handing_over = False
        port.submit(
            HandOver(self._ids.next(), config.account, config.instrument, config.name, port.clock())
        )

    def _working(self, running: Running) -> list[Order]:
        if self._port is None:
            return []
        name, account = running.name, running.config.account
        return [o for o in self._port.working() if (o.strategy, o.account) == (name, account)]

    # -- telling -----------------------------------------------------------------------------

    def _tell(self, running: Running) -> None:
        if self._port is None:
            return
        state = running.state(self._port.clock())
        if running.told is None or msgspec.structs.replace(running.told, ts=state.ts) != state:
            running.told = state
            self._port.publish([state])

    def _say(self, name: str, severity: Severity, text: str) -> None:
        if self._port is not None:
            self._port.publish([Notice(self._port.clock(), severity, name or "strategies", text)])

    def _turn_away(self, command: str, text: str) -> None:
        self._refused += 1
        if self._refused <= _MOST_REFUSALS:
            self._refuse(command, "UNKNOWN_STRATEGY", text)

    def _refuse(self, command: str, code: str, text: str) -> None:
        if self._port is not None:
            self._port.publish([CommandRefused(self._port.clock(), command, code, text)])
