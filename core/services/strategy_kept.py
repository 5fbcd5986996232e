"""Parameters that traders set on the screen, kept over a restart in a file of the engine's folder.

They count as long as the settings say what they said when the parameters were set: whoever
changes a strategy's kind or parameters there means these.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from core.journal.files import write_whole
from core.model.enums import Severity
from core.services.config import StrategyConfig

FILE_NAME = "parameters.json"


class _Kept(msgspec.Struct, frozen=True):
    """`params` are in force where the settings say `kind` and `configured`."""

    kind: str
    configured: dict[str, str]
    params: dict[str, str]


_decode = msgspec.json.Decoder(dict[str, _Kept]).decode


class KeptParams:
    """The file, by strategy. Where it cannot be used the settings count, and that is said.

    Args:
        home: the engine's folder.
        say: told sentences: about which strategy (empty: all), how bad, what.
    """

    def __init__(self, home: Path, say: Callable[[str, Severity, str], None]) -> None:
        self._path = home / FILE_NAME
        self._say = say
        self._kept: dict[str, _Kept] = {}
        try:
            self._kept = _decode(self._path.read_bytes())
        except FileNotFoundError:
            pass
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            text = (
                f"The parameters that were set on the screen cannot be read from {self._path}"
                f" ({error}); those of the settings count. Set them again."
            )
            say("", Severity.WARNING, text)

    def of(self, config: StrategyConfig) -> dict[str, str] | None:
        """What was set for a strategy that the settings describe so; None: the settings count."""
        kept = self._kept.get(config.name)
        if kept is None:
            return None
        if (kept.kind, kept.configured) == (config.kind, config.params):
            return kept.params
        text = (
            "The settings have changed it: its parameters are theirs, no longer those that were set"
            " on the screen."
        )
        self._say(config.name, Severity.WARNING, text)
        del self._kept[config.name]
        self._write(config.name)
        return None

    def keep(self, config: StrategyConfig, params: dict[str, str]) -> None:
        """These were set."""
        self._kept[config.name] = _Kept(config.kind, dict(config.params), dict(params))
        self._write(config.name)

    def _write(self, name: str) -> None:
        try:
            # Not waiting for the disk: at worst the settings count again, and that is said.
            write_whole(self._path, msgspec.json.encode(self._kept), durable=False)
        except OSError as error:
            text = (
                f"Its parameters hold until the engine ends; they cannot be kept in {self._path}"
                f" ({error})."
            )
            self._say(name, Severity.WARNING, text)
