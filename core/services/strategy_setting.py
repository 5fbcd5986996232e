"""Which parameters each strategy runs with: those of the settings, or set on the screen since.

They are changed while a strategy is off, and only for what it takes: that is looked at first
(`core.services.strategy_params`). What was set on the screen outlives the engine
(`core.services.strategy_kept`).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from core.model.commands import SetStrategyParams
from core.model.enums import Severity, StrategyMode
from core.services.strategy_kept import KeptParams
from core.services.strategy_params import ParamChecks
from core.services.strategy_running import Running
from core.strategy.registry import BUILTIN

_SWITCH_OFF = "Switch it off to change its parameters."


class ParamSettings:
    """The parameters of one engine's strategies.

    Args:
        checks: looks whether a strategy takes parameters.
        begin: turns a strategy's switch as the settings say.
        refuse: told a command's id, a code and a sentence.
        say: told sentences: about which strategy (empty: all), how bad, what.
    """

    def __init__(
        self,
        checks: ParamChecks,
        begin: Callable[[Running], None],
        refuse: Callable[[str, str, str], None],
        say: Callable[[str, Severity, str], None],
    ) -> None:
        self._checks = checks
        self._begin = begin
        self._refuse = refuse
        self._say = say
        self._kept: KeptParams | None = None
        self._to_begin: set[str] = set()  # once it is known that they take what was set

    def open(self, home: Path) -> None:
        """Read what was set on the screen in an earlier life of the engine."""
        self._kept = KeptParams(home, self._say)

    def start(self, running: Running) -> None:
        """Find a strategy's parameters, now or in some later `tick`, and begin it with them."""
        params = None if self._kept is None else self._kept.of(running.config)
        if params is not None:
            self._restore(running, params)
        elif running.config.start == "advise" and not running.last_error:
            self._begin(running)
        elif running.config.kind not in BUILTIN:
            self.check(running)

    def check(self, running: Running) -> None:
        """Say in the row what is wrong with the settings, before anybody turns the switch."""

        def done(params: dict[str, str] | None, wrong: str) -> None:
            if running.mode is StrategyMode.OFF:
                running.params = params or running.params
                running.last_error = wrong

        self._checks.check(running, running.params, done)

    def change(self, running: Running, command: SetStrategyParams) -> None:
        """A trader sets some of them."""
        if running.mode is not StrategyMode.OFF:
            self._refuse(command.id, "STRATEGY_RUNS", _SWITCH_OFF)
            return
        self.stay_off(running)

        def done(params: dict[str, str] | None, wrong: str) -> None:
            if params is None:
                self._refuse(command.id, "BAD_PARAMETERS", wrong)
            elif running.mode is not StrategyMode.OFF:
                self._refuse(command.id, "STRATEGY_RUNS", _SWITCH_OFF)
            else:
                running.params, running.last_error = params, ""
                running.told = None  # an answer is due also when nothing differs
                if self._kept is not None:
                    self._kept.keep(running.config, params)

        self._checks.check(running, running.params | command.params, done)

    def begins(self, running: Running) -> bool:
        """Is it about to begin, once its parameters were looked at?"""
        return running.name in self._to_begin

    def stay_off(self, running: Running) -> None:
        """Somebody decided on it meanwhile: it does not begin by itself any more."""
        self._to_begin.discard(running.name)

    def tick(self) -> None:
        """Take in what was found; called a few times a second."""
        self._checks.tick()

    def stop(self, running: Running) -> None:
        """The engine ends."""
        self._checks.drop(running.name, "The engine ends.")

    def _restore(self, running: Running, params: dict[str, str]) -> None:
        """Go on with what a trader set before the engine's end, if the strategy still takes it.

        If not it stays off: nobody has said that it is to run with other parameters.
        """
        configured = running.params
        running.params = params
        self._to_begin.add(running.name)

        def done(checked: dict[str, str] | None, wrong: str) -> None:
            begins = self.begins(running)
            self.stay_off(running)
            if running.mode is not StrategyMode.OFF:
                return
            if checked is not None:
                running.params = checked
                if checked != configured:
                    text = "Its parameters are those set on the screen, not those of the settings."
                    self._say(running.name, Severity.INFO, text)
                if begins:
                    running.last_error = ""
                    self._begin(running)
            elif begins:
                running.params = configured
                running.last_error = (
                    "It stays off with the parameters of the settings: those that were set on the"
                    f" screen could not be taken up. {wrong}"
                )

        self._checks.check(running, params, done)
