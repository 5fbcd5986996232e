"""One strategy's switch, its process, and what it may do before it is stopped."""

from __future__ import annotations

import time
from typing import NamedTuple

from core.model.enums import StrategyMode
from core.model.events import StrategyState
from core.services.config import StrategyConfig
from core.services.strategy_process import HostProcess


class Bounds(NamedTuple):
    """What a strategy may do before it is stopped.

    Attributes:
        memory: resident bytes.
        hang: seconds without a sign of life while it runs.
        start: seconds until it runs.
        stop: seconds to end in when asked, before it is ended by force.
        commands: in one second; the limit on its order rate binds long before.
        log: bytes of its log.
        draft: seconds until a draft expires.
    """

    memory: int = 1_000_000_000
    hang: float = 4.0
    start: float = 20.0
    stop: float = 1.0
    commands: int = 200
    log: int = 20_000_000
    draft: float = 30.0


class Running:
    """One strategy's switch and process.

    Attributes:
        client: the name that its process has as a client of the engine, another one each time.
        handing_over: its position becomes the trader's once its orders are gone.
        cleared_at: when its orders were last taken off the market (monotonic seconds).
    """

    def __init__(self, config: StrategyConfig) -> None:
        self.config = config
        self.name = config.name
        self.params = dict(config.params)
        self.mode = StrategyMode.OFF
        self.health = "stopped"
        self.last_signal = ""
        self.last_error = ""
        self.process: HostProcess | None = None
        self.client = ""
        self.handing_over = False
        self.cleared_at = 0.0
        self.told: StrategyState | None = None
        self._commands = 0
        self._second = 0.0

    def state(self, now: int) -> StrategyState:
        """The row as everyone sees it."""
        config = self.config
        return StrategyState(
            now,
            config.name,
            config.kind,
            config.instrument,
            config.account,
            self.mode,
            self.health,
            self.params,
            self.last_signal,
            self.last_error,
            self.process.pid if self.process is not None else 0,
        )

    def listen(self, process: HostProcess) -> None:
        """Take in what its process said."""
        self.last_signal = process.signal or self.last_signal
        self.health = "running" if process.started else "starting"
        if process.params is not None:
            self.params = process.params

    def floods(self, most: int) -> bool:
        """Count a command; are those of this second more than `most`?"""
        now = time.monotonic()
        if now - self._second >= 1.0:
            self._second, self._commands = now, 0
        self._commands += 1
        return self._commands > most


def problem(process: HostProcess, bounds: Bounds, now: float) -> str:
    """Why a process must be stopped, as a sentence; empty when it is well."""
    if process.failed:
        return process.failed
    code = process.code
    if code is not None:
        return f"Its process ended with code {code}."
    if process.babbled:
        return "It wrote too much to the engine."
    patience = bounds.hang if process.started else bounds.start
    if now - process.heard > patience:
        return f"It did not answer for {patience:g} s (an endless loop or a hang)."
    used = process.memory()
    if used > bounds.memory:
        may = bounds.memory // 10**6
        return f"It used {used // 10**6} MB; a strategy may use {may} MB."
    return ""
