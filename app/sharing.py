"""A workspace to give away: one readable JSON file without secrets, accounts or machine paths."""

from __future__ import annotations

import json
import re
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import msgspec

from app.errors import UserError
from app.files import write_atomically
from app.workspace import UNREADABLE, VERSION, SavedWorkspace, encode

LARGEST = 4_000_000
MOST_PANELS = 100

_SECRET = re.compile(
    r"(\w*_)?(secret|token|password|passphrase|credentials?|api_?key|private_key)", re.IGNORECASE
)


def write_shared(path: Path, workspace: SavedWorkspace) -> None:
    """Write a workspace without what belongs to this trader and this machine.

    Raises:
        UserError: when the file cannot be written; what stood there before is untouched.
    """
    panels = [msgspec.structs.replace(p, state=_public(p.state)) for p in workspace.panels]
    shared = msgspec.structs.replace(workspace, panels=panels, account="", geometry="", screen="")
    try:
        write_atomically(path, encode(shared))
    except OSError as error:
        raise UserError(
            f"{path} was not written ({error.strerror}). Choose another folder; what stood there"
            " before is untouched."
        ) from error


def read_shared(path: Path) -> SavedWorkspace:
    """Read a workspace that was exported, or one of the workspace folder.

    Raises:
        UserError: naming the file, the place in it and the remedy.
    """
    remedy = "Choose a file that Outcry exported; nothing was changed."
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}). {remedy}") from error
    if len(data) > LARGEST:
        raise UserError(f"{path} is larger than any workspace. {remedy}")
    try:
        saved = msgspec.json.decode(data, type=SavedWorkspace)
    except msgspec.ValidationError as error:
        raise UserError(f"{path} is no workspace: {error}. {remedy}") from error
    except UNREADABLE as error:
        raise UserError(f"{path} is no workspace: {_place(data, error)}. {remedy}") from error
    if saved.version > VERSION:
        raise UserError(
            f"{path} was written by a newer Outcry (version {saved.version}, this one knows"
            f" {VERSION}). Update Outcry, or export it again from this version."
        )
    if not 0 < len(saved.panels) <= MOST_PANELS:
        count = f"{len(saved.panels):,} panels" if saved.panels else "no panels"
        raise UserError(f"{path} is no workspace: it has {count}. {remedy}")
    # an account is never another trader's to choose, nor a window's place another screen's
    saved.account = saved.geometry = saved.screen = ""
    return saved


def _place(data: bytes, error: Exception) -> str:
    try:
        json.loads(data)
    except json.JSONDecodeError as problem:
        return f"line {problem.lineno}, column {problem.colno}: {problem.msg.lower()}"
    except (UnicodeDecodeError, RecursionError) as problem:
        return str(problem)
    return str(error)


def _public(value: Any) -> Any:
    """A saved value without entries that are named like secrets or hold a path of this machine."""
    if isinstance(value, dict):
        return {
            key: _public(entry)
            for key, entry in value.items()
            if not _SECRET.fullmatch(str(key)) and not _is_path(entry)
        }
    if isinstance(value, list):
        return [_public(entry) for entry in value if not _is_path(entry)]
    return value


def _is_path(value: object) -> bool:
    if not isinstance(value, str) or len(value) < 3:
        return False
    inside = len(PurePosixPath(value).parts) > 2 or len(PureWindowsPath(value).parts) > 1
    absolute = PurePosixPath(value).is_absolute() or PureWindowsPath(value).is_absolute()
    return absolute and inside
