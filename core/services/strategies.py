"""The strategies of one engine: switches, processes, drafts, and what happens when one fails.

Each running strategy is a process of its own (`core.services.strategy_host`). In Advise its
orders become drafts that a trader accepts or skips; in Auto they are sent, under its own limits.
One that raises, hangs, eats memory or dies is switched off and its orders are cancelled; nothing
else notices. Off, Advise and Auto are never remembered: every start begins as the settings say,
and never in Auto.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import psutil

from core.bus.endpoint import TOKEN_VARIABLE
from core.model.commands import (
    AnswerDraft,
    CancelAll,
    Flatten,
    HandOver,
    Kill,
    NewOrder,
    SetStrategyParams,
)
from core.model.enums import Severity, Source, StrategyMode
from core.model.events import CommandRefused, Draft, Event, Notice, StrategyState
from core.model.ids import IdMaker
from core.model.orders import Position
from core.services.config import StrategyConfig
from core.services.desk import EnginePort, StrategyCommand
from core.services.strategy_host import HostSettings
from core.strategy.api import StrategyError, make_params, params_texts
from core.strategy.hostwords import Failed, Signal, Started, read_word
from core.strategy.registry import find_strategy

DRAFT_SECONDS = 30
MOST_DRAFTS = 20
HANG_SECONDS = 4.0
START_SECONDS = 20.0
STOP_SECONDS = 1.0
MEMORY = 1_000_000_000
"""Bytes of resident memory at which a strategy is stopped."""


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


class Running:
    """One strategy's switch and process."""

    def __init__(self, config: StrategyConfig, params: dict[str, str]) -> None:
        self.config = config
        self.params = params
        self.mode = StrategyMode.OFF
        self.health = "stopped"
        self.last_signal = ""
        self.last_error = ""
        self.position = 0
        self.process: subprocess.Popen[bytes] | None = None
        self.born = 0.0
        self.heard = 0.0
        self.told: StrategyState | None = None

    @property
    def pid(self) -> int:
        """The process's id; 0 when there is none."""
        return self.process.pid if self.process is not None else 0


class Strategies:
    """The engine's strategy desk (see `core.services.desk.StrategyDesk`)."""

    def __init__(self, configs: Sequence[StrategyConfig], folder: Path) -> None:
        self._folder = folder
        self._all: dict[str, Running] = {}
        self._drafts: dict[str, Draft] = {}
        self._port: EnginePort | None = None
        self._ids = IdMaker("E")
        self._problems: list[str] = []
        self._endings: set[asyncio.Task[None]] = set()
        for config in configs:
            running = Running(config, dict(config.params))
            try:
                running.params = self._checked(config.kind, config.params)
            except StrategyError as error:
                running.last_error = str(error)
            self._all[config.name] = running

    def _checked(self, kind: str, params: dict[str, str]) -> dict[str, str]:
        return params_texts(make_params(find_strategy(kind, self._folder), params))

    # -- what the desk shows -----------------------------------------------------------------

    def states(self) -> Sequence[StrategyState]:
        """The row of each strategy."""
        return [self._state(running) for running in self._all.values()]

    def drafts(self) -> Sequence[Draft]:
        """Drafts that are still open."""
        return list(self._drafts.values())

    def _state(self, running: Running) -> StrategyState:
        config = running.config
        return StrategyState(
            time.time_ns() if self._port is None else self._port.clock(),
            config.name,
            config.kind,
            config.instrument,
            config.account,
            running.mode,
            running.health,
            running.params,
            running.last_signal,
            running.last_error,
            running.pid,
        )

    # -- start and stop ----------------------------------------------------------------------

    async def start(self, port: EnginePort) -> None:
        """Take up the port and turn the switches as the settings say."""
        self._port = port
        for running in self._all.values():
            if running.config.start != "off" and not running.last_error:
                self._turn(running, StrategyMode(running.config.start))
            self._tell(running)

    async def stop(self) -> None:
        """Stop all strategies; their orders are cancelled."""
        for running in self._all.values():
            if running.process is not None:
                self._turn_off(running, "keep")
        if self._endings:
            await asyncio.gather(*self._endings, return_exceptions=True)

    # -- commands ----------------------------------------------------------------------------

    def command(self, command: StrategyCommand) -> None:
        """A trader turned a switch, changed parameters or answered a draft."""
        if isinstance(command, AnswerDraft):
            self._answer(command)
            return
        running = self._all.get(command.strategy)
        if running is None:
            self._refuse(command.id, "UNKNOWN_STRATEGY", f"No strategy “{command.strategy}”.")
        elif isinstance(command, SetStrategyParams):
            self._set_params(running, command)
        elif command.mode is StrategyMode.OFF:
            self._turn_off(running, command.on_position)
        else:
            self._turn(running, command.mode)
        if running is not None:
            self._tell(running)

    def _set_params(self, running: Running, command: SetStrategyParams) -> None:
        if running.mode is not StrategyMode.OFF:
            self._refuse(
                command.id, "STRATEGY_RUNS", f"Switch {command.strategy} off to change it."
            )
            return
        try:
            running.params = self._checked(running.config.kind, running.params | command.params)
        except StrategyError as error:
            self._refuse(command.id, "BAD_PARAMETERS", str(error))
        else:
            running.last_error = ""

    def _turn(self, running: Running, mode: StrategyMode) -> None:
        running.last_error = ""
        running.mode = mode
        if mode is StrategyMode.AUTO:
            self._withdraw(running.config.name, "withdrawn")
        if running.process is None:
            self._launch(running)

    def _turn_off(self, running: Running, on_position: str) -> None:
        name, config = running.config.name, running.config
        running.mode = StrategyMode.OFF
        running.health = "stopped"
        self._withdraw(name, "withdrawn")
        self._end(running)
        port = self._port
        if port is None:
            return
        now = port.clock()
        if on_position == "flatten":
            port.submit(
                Flatten(
                    self._ids.next(), config.account, config.instrument, name, Source.ENGINE, ts=now
                )
            )
        else:
            port.submit(
                CancelAll(self._ids.next(), config.account, "", name, source=Source.ENGINE, ts=now)
            )
        if on_position == "hand_over":
            port.submit(HandOver(self._ids.next(), config.account, config.instrument, name, now))

    # -- orders and drafts -------------------------------------------------------------------

    def order(self, order: NewOrder, client: str) -> NewOrder | None:
        """An order of a strategy's process: sent in Auto, a draft in Advise, else refused."""
        running = self._all.get(client)
        if running is None or order.strategy != client or self._port is None:
            self._refuse(order.cl_ord_id, "UNKNOWN_STRATEGY", f"No strategy “{client}” runs here.")
            return None
        config = running.config
        own = msgspec.structs.replace(
            order, source=Source.STRATEGY, account=config.account, instrument=config.instrument
        )
        if running.mode is StrategyMode.AUTO:
            return own
        if running.mode is StrategyMode.ADVISE:
            self._propose(own)
        return None

    def _propose(self, order: NewOrder) -> None:
        port = self._port
        assert port is not None
        now = port.clock()
        if order.cl_ord_id in self._drafts:
            return
        draft = Draft(
            now, order.cl_ord_id, order.strategy, order, order.why, now + DRAFT_SECONDS * 10**9
        )
        if sum(d.strategy == order.strategy for d in self._drafts.values()) >= MOST_DRAFTS:
            port.publish([msgspec.structs.replace(draft, answer="withdrawn")])
            return
        self._drafts[draft.draft] = draft
        port.publish([draft])

    def _answer(self, command: AnswerDraft) -> None:
        port = self._port
        draft = self._drafts.pop(command.draft, None)
        if port is None or draft is None:
            self._refuse(command.id, "UNKNOWN_DRAFT", "That proposal is no longer open.")
            return
        answer = "accepted" if command.accept else "skipped"
        port.publish([msgspec.structs.replace(draft, answer=answer)])
        if command.accept:
            port.submit(
                msgspec.structs.replace(draft.order, trader=command.trader, ts=port.clock())
            )

    def _withdraw(self, strategy: str, answer: str) -> None:
        gone = [d for d in self._drafts.values() if d.strategy == strategy]
        for draft in gone:
            del self._drafts[draft.draft]
        if gone and self._port is not None:
            self._port.publish([msgspec.structs.replace(d, answer=answer) for d in gone])

    def kill(self, command: Kill) -> None:
        """Switch off every strategy of the account."""
        for running in self._all.values():
            if running.mode is not StrategyMode.OFF and (
                command.account in ("", running.config.account)
            ):
                self._turn_off(running, "keep")
                running.last_error = "Stopped by the kill switch."
                self._tell(running)

    def event(self, event: Event) -> None:
        """Keep each strategy's own position in mind."""
        if isinstance(event, Position) and event.strategy in self._all:
            self._all[event.strategy].position = event.qty

    # -- looking after processes -------------------------------------------------------------

    def tick(self, now: int) -> None:
        """Expire drafts; stop what hangs, eats too much, or died."""
        for draft in [d for d in self._drafts.values() if d.expires <= now]:
            del self._drafts[draft.draft]
            if self._port is not None:
                self._port.publish([msgspec.structs.replace(draft, answer="expired")])
        clock = time.monotonic()
        for running in self._all.values():
            if running.process is not None:
                problem = self._problem(running, clock)
                if problem:
                    self._fail(running, problem)
            self._tell(running)

    def _problem(self, running: Running, clock: float) -> str:
        process = running.process
        assert process is not None
        code = process.poll()
        if code is not None:
            return running.last_error or f"Its process ended with code {code}."
        patience = HANG_SECONDS if running.health == "running" else START_SECONDS
        if clock - running.heard > patience:
            return f"It did not answer for {patience:.0f} s (an endless loop or a hang)."
        with contextlib.suppress(psutil.Error):
            used = psutil.Process(process.pid).memory_info().rss
            if used > MEMORY:
                return f"It used {used // 10**6} MB; a strategy may use {MEMORY // 10**6} MB."
        return ""

    def _fail(self, running: Running, why: str) -> None:
        self._turn_off(running, "keep")
        running.health = "failed"
        running.last_error = why
        port = self._port
        if port is not None:
            name = running.config.name
            text = f"{name} was stopped and its orders are cancelled. {why}"
            port.publish([Notice(port.clock(), Severity.ERROR, name, text)])

    def _launch(self, running: Running) -> None:
        port, config = self._port, running.config
        if port is None:
            return
        settings = HostSettings(
            config.name,
            config.kind,
            config.instrument,
            config.account,
            running.params,
            port.endpoint,
            str(self._folder),
            4 * MEMORY,
        )
        logs = port.home / "strategies"
        try:
            logs.mkdir(parents=True, exist_ok=True)
            with (logs / f"{config.name}.log").open("ab") as log:
                process = subprocess.Popen(
                    [
                        sys.executable,
                        "-m",
                        "core.services.strategy_host",
                        msgspec.json.encode(settings).decode(),
                    ],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    env={**os.environ, TOKEN_VARIABLE: port.token},
                    cwd=Path(__file__).resolve().parents[2],
                )
        except OSError as error:
            running.mode = StrategyMode.OFF
            running.last_error = f"Its process cannot be started: {error}."
            return
        running.process = process
        running.health = "starting"
        running.last_signal = ""
        running.born = running.heard = time.monotonic()
        # a thread for each pipe, as no event loop can wait for pipes on every system
        loop = asyncio.get_running_loop()
        threading.Thread(
            target=_read_words,
            args=(process, lambda line: loop.call_soon_threadsafe(self._hear, process, line)),
            name=f"strategy-{config.name}",
            daemon=True,
        ).start()

    def _hear(self, process: subprocess.Popen[bytes], line: bytes) -> None:
        """A running strategy's process said something."""
        running = next((r for r in self._all.values() if r.process is process), None)
        if running is None:
            return
        running.heard = time.monotonic()
        match read_word(line):
            case Started():
                running.health = "running"
            case Signal(text=text):
                running.last_signal = text
            case Failed(text=text):
                running.last_error = text

    def _end(self, running: Running) -> None:
        process, running.process = running.process, None
        if process is not None:
            task = asyncio.get_running_loop().create_task(_end_process(process))
            self._endings.add(task)
            task.add_done_callback(self._endings.discard)

    # -- telling -----------------------------------------------------------------------------

    def _tell(self, running: Running) -> None:
        state = self._state(running)
        if self._port is None:
            return
        if running.told is None or msgspec.structs.replace(running.told, ts=state.ts) != state:
            running.told = state
            self._port.publish([state])

    def _refuse(self, command: str, code: str, text: str) -> None:
        if self._port is not None:
            self._port.publish([CommandRefused(self._port.clock(), command, code, text)])


def _read_words(process: subprocess.Popen[bytes], hear: Callable[[bytes], object]) -> None:
    """Pass on the lines of a process until it ends."""
    assert process.stdout is not None
    with process.stdout as pipe, contextlib.suppress(RuntimeError, ValueError):
        # RuntimeError: the engine's loop is closed, nobody listens any more
        for line in pipe:
            hear(line)


async def _end_process(process: subprocess.Popen[bytes]) -> None:
    """End a process: politely, then by force."""
    with contextlib.suppress(OSError):
        process.terminate()
    for _ in range(int(STOP_SECONDS / 0.02)):
        if process.poll() is not None:
            return
        await asyncio.sleep(0.02)
    with contextlib.suppress(OSError):
        process.kill()
    for _ in range(500):
        if process.poll() is not None:
            return
        await asyncio.sleep(0.02)
