"""Settings read anew while the engine runs: taken as a whole, or refused as a whole."""

from __future__ import annotations

import logging
from collections.abc import Callable

import msgspec

from core.model.commands import ReloadSettings
from core.services.config import ConfigError, EngineConfig
from core.services.orderpath import OrderPath

LOG = logging.getLogger("outcry.engine")

Refuse = Callable[[ReloadSettings, str, str], None]


class Reload:
    """Reads the settings again when a person asks for it.

    Args:
        read: the settings as they are in their file now; raises `ConfigError`.
        path: the way of what follows from them.
        refuse: tells why not, with a code and a sentence.
    """

    def __init__(
        self, read: Callable[[], EngineConfig] | None, path: OrderPath, refuse: Refuse
    ) -> None:
        self._read = read
        self._path = path
        self._refuse = refuse

    def __call__(self, command: ReloadSettings) -> None:
        """Carry the command out. Limits, accounts, risk settings: whatever else takes a restart."""
        if self._read is None:
            self._refuse(command, "NOT_POSSIBLE", "This engine has no settings file.")
            return
        if not command.reason.strip():
            self._refuse(command, "REASON_NEEDED", "Give a reason; it is kept in the journal.")
            return
        try:
            config = self._read()
        except ConfigError as error:
            LOG.warning("settings refused: %s", error)
            text = f"{error} Everything stays as it was."
            self._refuse(command, "BAD_SETTINGS", text)
            return
        kernel = self._path.kernel
        news = kernel.wants(config.setup(tuple(kernel.instruments())))
        if news is None:
            self._refuse(command, "NO_CHANGE", "The settings are as they were.")
            return
        self._path.take(msgspec.structs.replace(news, reason=command.reason, trader=command.trader))
