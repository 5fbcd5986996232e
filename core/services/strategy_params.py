"""Checking the parameters of strategies: by themselves, never by letting a trader's file in.

A strategy that comes with the program is asked here. A trader's own file may do anything while
it loads, so a process loads it and says what it found (`core.services.strategy_host`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from core.services.strategy_process import HostProcess
from core.services.strategy_running import Bounds, Running, problem
from core.strategy.api import StrategyError, make_params, params_texts
from core.strategy.registry import BUILTIN

Done = Callable[[dict[str, str] | None, str], None]
"""Told all parameters, or None and the sentence about what is wrong."""


class ParamChecks:
    """Checks under way, at most one a strategy.

    Args:
        launch: starts a process that loads a strategy with parameters and ends.
        end: ends a process.
    """

    def __init__(
        self,
        launch: Callable[[Running, Mapping[str, str]], HostProcess],
        end: Callable[[HostProcess, float], None],
        bounds: Bounds,
    ) -> None:
        self._launch = launch
        self._end = end
        self._bounds = bounds
        self._under_way: dict[str, tuple[HostProcess, Done]] = {}

    def check(self, running: Running, params: Mapping[str, str], done: Done) -> None:
        """Check `params`; `done` is called now or, for a trader's file, in some later `tick`."""
        if running.config.kind in BUILTIN:
            try:
                done(params_texts(make_params(BUILTIN[running.config.kind], params)), "")
            except StrategyError as error:
                done(None, str(error))
            return
        self.drop(running.name, "Other parameters were asked for meanwhile.")
        try:
            self._under_way[running.name] = (self._launch(running, params), done)
        except OSError as error:
            done(None, f"Its process cannot be started: {error}.")

    def drop(self, name: str, why: str) -> None:
        """Give up a check."""
        process, done = self._under_way.pop(name, (None, None))
        if process is not None and done is not None:
            self._end(process, 0.0)
            done(None, why)

    def tick(self) -> None:
        """Take in what the processes found."""
        now = time.monotonic()
        for name, (process, done) in list(self._under_way.items()):
            wrong = "" if process.params is not None else problem(process, self._bounds, now)
            if wrong or process.params is not None:
                del self._under_way[name]
                self._end(process, 0.0)
                done(None if wrong else process.params, wrong)
