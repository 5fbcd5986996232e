"""What the trader chose for this program on this machine; one small JSON file.

Money and risk settings belong to the engine (see `core.services.config`), not here.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from app.files import set_aside, write_atomically
from core.services.settings_text import remedy, what_is_wrong


class Settings(msgspec.Struct, kw_only=True):
    """Every field is optional in the file."""

    theme: Literal["system", "dark", "light"] = "system"
    up_down: Literal["green/red", "red/green", "blue/orange"] = "green/red"
    font_points: Annotated[int, msgspec.Meta(ge=0, le=32)] = 0
    trader: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] = "trader"
    """The name on this terminal's orders, by which limits of traders go."""
    workspaces: dict[str, str] = msgspec.field(default_factory=dict)
    """Mode -> id of the workspace that was shown last in it."""


class SettingsFile:
    """Reads and writes the settings; a wrong file is set aside and reported, never overwritten.

    A field that there is not is reported, does nothing, and stays in the file.

    Attributes:
        values: the settings in force.
        problem: a sentence about the file when it could not be used, else empty.
    """

    def __init__(self, directory: Path) -> None:
        self.path = directory / "settings.json"
        self.problem = ""
        self._locked = False
        self._unknown: dict[str, msgspec.Raw] = {}
        self.values = self._read()

    def save(self) -> None:
        """Write what is in force. Raises `OSError` when the disk refuses.

        A file that could not be read is not overwritten.
        """
        if self._locked:
            raise OSError(f"{self.path} could not be read before; mend or remove it first")
        values = msgspec.to_builtins(self.values) | self._unknown
        data = msgspec.json.format(msgspec.json.encode(values), indent=2)
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
            values = msgspec.json.decode(data, type=Settings)
            raw = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            self._set_aside(_problem(data, error))
            return Settings()
        known = {field.encode_name for field in msgspec.structs.fields(Settings)}
        self._unknown = {name: raw[name].copy() for name in raw if name not in known}
        if self._unknown:
            self.problem = " ".join(
                f"{self.path}, line {_line_of(data, name)}: there is no setting “{name}”, so it"
                f" does nothing. {remedy(name, known)}"
                for name in self._unknown
            )
        return values

    def _set_aside(self, why: str) -> None:
        moved, kept = set_aside(self.path)
        self._locked = not moved
        self.problem = f"{self.path}{why} Defaults are in force; {kept}"
        if moved:
            self.problem += " Mend it and rename it back."


def _problem(data: bytes, error: Exception) -> str:
    """What is wrong and in which line."""
    if isinstance(error, msgspec.ValidationError):
        field, what = what_is_wrong(error, Settings)
        line = _line_of(data, field.partition("[")[0]) if field else 1
        return f", line {line}: {field or 'the file'}: {what}"
    try:
        json.loads(data)
    except json.JSONDecodeError as wrong:
        return f", line {wrong.lineno}: it is not JSON: {wrong.msg}."
    except (UnicodeDecodeError, RecursionError):
        pass
    return f" was not understood: {error}."


def _line_of(data: bytes, name: str) -> int:
    """The line in which a setting stands."""
    at = data.find(json.dumps(name, ensure_ascii=False).encode())
    return data.count(b"\n", 0, max(at, 0)) + 1
