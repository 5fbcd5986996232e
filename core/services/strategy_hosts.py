"""The processes that strategies run in: begun and ended here, each under a name of its own."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from pathlib import Path

from core.services.desk import EnginePort
from core.services.strategy_host import HostSettings
from core.services.strategy_process import HostProcess
from core.services.strategy_running import Bounds, Running


class Hosts:
    """All of them, by the names that they have as clients of the engine.

    Args:
        folder: where traders' own strategies lie.
        bounds: how much memory a process may use, how long it may take to end.

    Attributes:
        port: the engine, once it has started; no process begins before.
    """

    def __init__(self, folder: Path, bounds: Bounds) -> None:
        self.port: EnginePort | None = None
        self._folder = folder
        self._bounds = bounds
        self._clients: dict[str, Running] = {}
        self._ended: set[str] = set()
        self._endings: set[asyncio.Task[None]] = set()

    def of(self, client: str) -> Running | None:
        """The strategy whose process has this name."""
        return self._clients.get(client)

    def ended(self, client: str) -> bool:
        """Had a process this name that is to end, or has ended?"""
        return client in self._ended

    def launch(self, running: Running) -> None:
        """Begin a strategy's process.

        Raises:
            OSError: when the system does not let it begin.
        """
        port = self.port
        if port is None:
            return
        client = f"{running.name}#{secrets.token_hex(8)}"
        settings = self._settings(running, running.params, client)
        running.process = HostProcess(settings, port.token, port.home / "strategies")
        running.client = client
        self._clients[client] = running
        running.health = "starting"
        running.last_signal = ""

    def load_only(self, running: Running, params: Mapping[str, str]) -> HostProcess:
        """Begin a process that loads a strategy with these parameters and trades nothing.

        Raises:
            OSError: when the system does not let it begin.
        """
        port = self.port
        assert port is not None, "traders' own files are looked at after the start"
        return HostProcess(self._settings(running, params), "", port.home / "strategies")

    def _settings(
        self, running: Running, params: Mapping[str, str], client: str = ""
    ) -> HostSettings:
        config = running.config
        return HostSettings(
            config.name,
            client,
            config.kind,
            config.instrument,
            config.account,
            dict(params),
            "" if self.port is None else self.port.endpoint,
            str(self._folder),
            self._bounds.memory,
        )

    def end(self, running: Running, at_once: bool) -> None:
        """End a strategy's process, if it has one."""
        process, running.process = running.process, None
        if process is not None:
            self._clients.pop(running.client, None)
            self._ended.add(running.client)
            self.end_process(process, 0.0 if at_once else self._bounds.stop)

    def end_process(self, process: HostProcess, seconds: float) -> None:
        """Have a process end within so many seconds, without waiting for it."""
        task = asyncio.get_running_loop().create_task(process.end(seconds))
        self._endings.add(task)
        task.add_done_callback(self._endings.discard)

    async def finish(self) -> None:
        """Wait for all that are to end."""
        if self._endings:
            await asyncio.gather(*self._endings, return_exceptions=True)
