"""One saved workspace: which panels there are, what each keeps, and how they are arranged.

`WorkspaceFile` keeps it as one readable JSON file: written whole within seconds of a change, ten
older versions beside it, an unreadable one set aside and reported. Keys are ids such as
``chart-2``, never titles.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import msgspec

from app.files import set_aside, write_atomically

VERSION = 1
KEPT = 10

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What reading raises for content that is no workspace."""


class SavedPanel(msgspec.Struct):
    """One panel of a saved workspace."""

    id: str
    kind: str
    state: dict[str, Any] = msgspec.field(default_factory=dict)


class SavedWorkspace(msgspec.Struct, kw_only=True):
    """A saved arrangement; every field may be missing."""

    version: int = VERSION
    name: str = ""
    locked: bool = False
    panels: list[SavedPanel] = msgspec.field(default_factory=list)
    docks: str = ""
    geometry: str = ""
    screen: str = ""
    instrument: str = ""
    account: str = ""


def encode(workspace: SavedWorkspace) -> bytes:
    """A workspace as indented JSON with a line feed at its end."""
    return msgspec.json.format(msgspec.json.encode(workspace), indent=1) + b"\n"


class WorkspaceFile:
    """Reads and writes one workspace.

    Attributes:
        problem: a sentence when the file could not be used, else empty.
    """

    def __init__(self, directory: Path, name: str) -> None:
        self.path = directory / f"{name}.json"
        self.problem = ""
        self._written = b""
        self._locked = False

    def load(self) -> SavedWorkspace | None:
        """The saved workspace, or the newest kept version of one that cannot be used.

        None when there is neither.
        """
        try:
            data = self.path.read_bytes()
            saved = msgspec.json.decode(data, type=SavedWorkspace)
        except FileNotFoundError:
            return None
        except OSError as error:
            return self._give_up(f"cannot be read ({error.strerror})")
        except UNREADABLE as error:
            return self._give_up(f"was not understood ({error})")
        if saved.version > VERSION:
            return self._give_up(
                f"was written by a newer Outcry (version {saved.version}, this one knows {VERSION})"
            )
        self._written = data
        return saved

    def _give_up(self, why: str) -> SavedWorkspace | None:
        """Set the file aside, so that nothing overwrites it, say so, and look for an older one."""
        kept = self._newest_kept()
        shown = "the default one" if kept is None else "the version saved before it"
        moved, became = set_aside(self.path)
        self._locked = not moved
        self.problem = f"The workspace {self.path.name} {why}; {shown} is shown and {became}"
        return kept

    def _newest_kept(self) -> SavedWorkspace | None:
        for path in self._older():
            with contextlib.suppress(OSError, *UNREADABLE):
                saved = msgspec.json.decode(path.read_bytes(), type=SavedWorkspace)
                if saved.version <= VERSION:
                    return saved
        return None

    def save(self, workspace: SavedWorkspace) -> bool:
        """Write if anything changed; the version before becomes the newest of ten kept ones.

        Raises:
            OSError: when the disk refuses; the file and the kept ones are as before.
        """
        if self._locked:
            raise OSError(f"{self.path} could not be read before; mend or remove it first")
        data = encode(workspace)
        if data == self._written:
            return False
        before = self._written
        write_atomically(self.path, data)
        self._written = data
        if before:
            self._keep(before)
        return True

    def _older(self) -> list[Path]:
        """The kept versions, newest first, whether they are there or not."""
        return [self.path.with_suffix(f".{n}.json") for n in range(1, KEPT + 1)]

    def _keep(self, data: bytes) -> None:
        # written before any other makes way: a full disk must not push the good ones out
        newest = self.path.with_suffix(".0.json")
        write_atomically(newest, data)
        names = [newest, *self._older()]
        for newer, old in zip(reversed(names[:-1]), reversed(names[1:]), strict=True):
            with contextlib.suppress(FileNotFoundError):
                newer.replace(old)
