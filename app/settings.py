"""What the trader chose for this program on this machine; one small JSON file.

Money and risk settings belong to the engine (see `core.services.config`), not here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec

from app.files import set_aside, write_atomically


class Settings(msgspec.Struct, kw_only=True, forbid_unknown_fields=False):
    """Every field is optional in the file; unknown ones are ignored."""

    theme: Literal["system", "dark", "light"] = "system"
    up_down: Literal["green/red", "red/green", "blue/orange"] = "green/red"
    font_points: Annotated[int, msgspec.Meta(ge=0, le=32)] = 0
    trader: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] = "trader"
    """The name on this terminal's orders, by which limits of traders go."""
    workspaces: dict[str, str] = msgspec.field(default_factory=dict)
    """Mode -> id of the workspace that was shown last in it."""


class SettingsFile:
    """Reads and writes the settings; a wrong file is set aside and reported, never overwritten.

    Attributes:
        values: the settings in force.
        problem: a sentence about the file when it could not be used, else empty.
    """

    def __init__(self, directory: Path) -> None:
        self.path = directory / "settings.json"
        self.problem = ""
        self._locked = False
        self.values = self._read()

    def save(self) -> None:
        """Write what is in force. Raises `OSError` when the disk refuses.

        A file that could not be read is not overwritten.
        """
        if self._locked:
            raise OSError(f"{self.path} could not be read before; mend or remove it first")
        data = msgspec.json.format(msgspec.json.encode(self.values), indent=2)
        write_atomically(self.path, data + b"\n")

    def _read(self) -> Settings:
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return Settings()
        except OSError as error:
            self._locked = True
            self.problem = f"{self.path} cannot be read ({error.strerror}); defaults are in force."
            return Settings()
        try:
            return msgspec.json.decode(data, type=Settings)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            self.problem = f"{self.path} was not understood: {error}. Defaults are in force; "
            try:
                kept = set_aside(self.path)
            except OSError as refused:
                self._locked = True
                self.problem += f"it cannot be set aside ({refused.strerror}) and is left alone."
            else:
                self.problem += f"your file is kept as {kept.name}. Mend it and rename it back."
            return Settings()
