"""An engine with strategies in real processes, on a venue that does what the test says."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from textwrap import dedent
from typing import Any

import psutil

from core.bus.endpoint import default_endpoint
from core.model.commands import AnswerDraft, SetStrategyMode, SetStrategyParams
from core.model.enums import StrategyMode
from core.model.events import Draft, StrategyState
from core.model.orders import Order
from core.model.requests import VenueNew
from core.services.config import (
    AccountConfig,
    EngineConfig,
    LimitConfig,
    StrategyConfig,
)
from core.services.strategies import Strategies
from core.services.strategy_running import Bounds
from tests.core.services.helpers import IDS, Bench, ScriptedVenue

OFF, ADVISE, AUTO = StrategyMode.OFF, StrategyMode.ADVISE, StrategyMode.AUTO
QUICK = Bounds(hang=15.0, start=40.0, stop=0.3)

# Sends one order when it starts, then does what the test is about on the first quote after it.
BUYER = """
from core.strategy.api import Params, Strategy

class Mine(Strategy):
    def on_start(self):
        self.first = self.buy(3, 9_900, "because", post_only=True)
        self.signal("started")

    def on_quote(self, quote):
        pass
"""


def on_quote(*lines: str) -> str:
    """A buyer that does `lines` whenever the price changes."""
    body = "\n".join("        " + line for line in lines)
    return BUYER.replace(
        "    def on_quote(self, quote):\n        pass", "    def on_quote(self, quote):\n" + body
    )


class Rig(Bench):
    """A bench with strategies.

    Args:
        home: an empty folder.
        sources: a trader's own files by strategy; each has a class ``Mine``.
    """

    def __init__(
        self,
        home: Path,
        sources: Mapping[str, str],
        *,
        bounds: Bounds = QUICK,
        limits: tuple[LimitConfig, ...] = (),
        more: tuple[StrategyConfig, ...] = (),
        start: str = "off",
        listen: bool = True,
    ) -> None:
        folder = home / "strategies"
        folder.mkdir(parents=True, exist_ok=True)
        configs = list(more)
        for name, source in sources.items():
            (folder / f"{name}.py").write_text(dedent(source))
            configs.append(
                StrategyConfig(name, f"{name}.py:Mine", "ABC.V", "PAPER-1", start)  # type: ignore[arg-type]
            )
        config = EngineConfig(
            [AccountConfig("PAPER-1", {"USD": Decimal(1_000_000)}), AccountConfig("OTHER")],
            limits=[
                LimitConfig("max_order_rate", Decimal(1000)),
                LimitConfig("stale_after", Decimal(600)),
                *limits,
            ],
        )
        self.desk = Strategies(configs, folder, bounds)
        super().__init__(home / "engine", ScriptedVenue(), config=config, strategies=self.desk)
        if listen:
            self.engine.listen(default_endpoint(home))

    async def __aenter__(self) -> Rig:
        await super().__aenter__()
        self.venue.quote()
        return self

    def row(self, name: str) -> StrategyState:
        """A strategy's row as the client sees it."""
        return self.client.stores.strategies[name]

    def turn(self, name: str, mode: StrategyMode, on_position: str = "keep") -> str:
        """Turn a switch; returns the command's id."""
        command = SetStrategyMode(IDS.next(), name, mode, on_position)
        self.send(command)
        return command.id

    def set_params(self, name: str, **params: str) -> str:
        """Change parameters; returns the command's id."""
        command = SetStrategyParams(IDS.next(), name, params)
        self.send(command)
        return command.id

    def answer(self, draft: Draft, accept: bool) -> str:
        """Accept or skip; returns the command's id."""
        command = AnswerDraft(IDS.next(), draft.draft, accept, "ann")
        self.send(command)
        return command.id

    async def run(self, name: str, mode: StrategyMode) -> None:
        """Turn a switch and wait until the strategy runs."""
        self.turn(name, mode)
        await self.wait(lambda: self.row(name).health == "running", f"{name} runs")

    async def wait(self, true: Callable[[], object], what: str, seconds: float = 60.0) -> None:
        """Wait until something is true; fail with `what` and the rows otherwise."""
        with contextlib.suppress(KeyError):
            if await self.until(lambda: _safely(true), seconds):
                return
        rows = [(r.strategy, r.health, r.last_error) for r in self.client.stores.strategies]
        raise AssertionError(f"in vain: {what}; {rows}; {self.notices()[-500:]}")

    async def quiet(self, seconds: float = 0.3) -> None:
        """Let time pass in which nothing should happen."""
        await self.until(lambda: False, seconds)

    def refused(self, command: str) -> str:
        """The code with which a command was refused; empty when it was not."""
        found = self.client.stores.refusals.get(command)
        return "" if found is None else found.code

    def orders(self, strategy: str) -> list[Order]:
        """Orders that were sent to the venue under a strategy's name."""
        new = [r.order for r in self.venue.sent if isinstance(r, VenueNew)]
        return [order for order in new if order.strategy == strategy]

    def working(self, strategy: str = "") -> list[Order]:
        """Orders that still work, of one strategy or of all."""
        return [o for o in self.engine.kernel.working() if strategy in ("", o.strategy)]

    def open_drafts(self) -> list[Draft]:
        """Drafts that nobody answered."""
        return [d for d in self.client.stores.drafts if not d.answer]

    def hosts(self) -> list[psutil.Process]:
        """Processes of strategies that run now, without those that only load a file."""
        return [p for p in psutil.Process().children(recursive=True) if _runs(p)]


def _runs(process: psutil.Process) -> bool:
    try:
        words = " ".join(process.cmdline())
        gone = process.status() == psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
    return not gone and "strategy_host" in words and '"client":""' not in words


def _safely(true: Callable[[], object]) -> object:
    try:
        return true()
    except (KeyError, psutil.Error):
        return False


def go(test: Any) -> None:
    """Run a test's coroutine."""
    asyncio.run(test)
