"""The workspaces of one mode: a folder of files, one of them active.

The id of a workspace is the stem of its file and never changes; its name is a text in the file.
A deleted workspace is a renamed file, so that it can be brought back.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from app.settings import SettingsFile
from app.workspace import UNREADABLE, SavedWorkspace, WorkspaceFile

FIRST = "default"
LONGEST_NAME = 40
DELETED = ".deleted.json"

_ID = re.compile(r"[A-Za-z0-9_-]+")
_NUMBERED = re.compile(r"workspace-(\d+)\b")


class _Head(msgspec.Struct):
    name: str = ""


class Workspace:
    """A workspace that can be shown.

    Attributes:
        id: stem of its file.
        name: what the trader reads.
        latest: what the screen showed last; newer than the file, which follows within seconds.
            None until it was shown.
    """

    def __init__(self, directory: Path, workspace_id: str, name: str = "") -> None:
        self.id = workspace_id
        self.file = WorkspaceFile(directory, workspace_id)
        self.name = name or workspace_id.replace("-", " ").capitalize()
        self.latest: SavedWorkspace | None = None

    def load(self) -> SavedWorkspace | None:
        """What to show; None when nothing was saved. The file's `problem` may say why."""
        return self.latest if self.latest is not None else self.file.load()


class Workspaces:
    """All workspaces of a mode in the order they were made; there is always one.

    Attributes:
        active: the one on the screen.
    """

    def __init__(self, directory: Path, settings: SettingsFile, mode: str) -> None:
        self._directory = directory
        self._settings = settings
        self._mode = mode
        self._all = [
            Workspace(directory, path.stem, _name(path))
            for path in directory.glob("*.json")
            if _ID.fullmatch(path.stem)
        ]
        self._all.sort(key=_place)
        if not self._all:
            self._all.append(Workspace(directory, FIRST))
        chosen = settings.values.workspaces.get(mode, FIRST)
        self.active = next((w for w in self._all if w.id == chosen), self._all[0])

    def __iter__(self) -> Iterator[Workspace]:
        return iter(tuple(self._all))

    def __len__(self) -> int:
        return len(self._all)

    def activate(self, workspace: Workspace) -> None:
        """Make a workspace the active one, here and at the next start.

        Raises:
            OSError: when the settings cannot be written; it is the active one all the same.
        """
        self.active = workspace
        self._settings.values.workspaces[self._mode] = workspace.id
        self._settings.save()

    def problem_of(self, name: str, of: Workspace | None = None) -> str:
        """What is wrong with a name for workspace `of` (a new one: None); empty when nothing is."""
        name = name.strip()
        if not name:
            return "A workspace needs a name; type one."
        if len(name) > LONGEST_NAME:
            return f"That name has {len(name)} characters; use at most {LONGEST_NAME}."
        if not name.isprintable():
            return "That name has characters that cannot be shown; use letters and digits."
        taken = {w.name.casefold() for w in self._all if w is not of}
        if name.casefold() in taken:
            return f"There is a workspace “{name}” already; choose another name."
        return ""

    def free_name(self, wish: str) -> str:
        """A name that nobody has: the wish itself, or the wish with a number."""
        wish = "".join(c for c in wish if c.isprintable()).strip()[:LONGEST_NAME].strip()
        wish = wish or "Workspace"
        name, count = wish, 1
        while self.problem_of(name):
            count += 1
            stem = re.sub(r" \d+$", "", wish)
            name = f"{stem[: LONGEST_NAME - len(str(count)) - 1].strip()} {count}"
        return name

    def create(self, wish: str) -> Workspace:
        """A new workspace, its name as near to the wish as is free; nothing is written yet."""
        workspace = Workspace(self._directory, self._free_id(), self.free_name(wish))
        self._all.append(workspace)
        return workspace

    def neighbour(self) -> Workspace | None:
        """The one to show when the active one goes: the next, or the one before the last."""
        place = self._all.index(self.active)
        rest = self._all[:place] + self._all[place + 1 :]
        return rest[min(place, len(rest) - 1)] if rest else None

    def delete(self, workspace: Workspace) -> None:
        """Rename a workspace's file out of the way.

        Raises:
            OSError: when the disk refuses; the workspace is as before.
        """
        path = workspace.file.path
        aside = path.with_name(f"{workspace.id}{DELETED}")
        path.replace(aside)
        os.utime(aside)  # when it was deleted
        self._all.remove(workspace)

    def deleted(self) -> Path | None:
        """The file of the workspace that was deleted last."""
        found = [(p.stat().st_mtime_ns, p) for p in self._directory.glob(f"*{DELETED}")]
        return max(found)[1] if found else None

    def bring_back(self) -> Workspace | None:
        """The workspace that was deleted last is there again; None when there is none.

        Raises:
            OSError: when the disk refuses.
        """
        path = self.deleted()
        if path is None:
            return None
        workspace_id = path.name.removesuffix(DELETED)
        if any(w.id == workspace_id for w in self._all):
            workspace_id = self._free_id()
        workspace = Workspace(self._directory, workspace_id, self.free_name(_name(path)))
        path.replace(workspace.file.path)
        self._all.append(workspace)
        self._all.sort(key=_place)
        return workspace

    def _free_id(self) -> str:
        # never that of a deleted one: its kept versions would be taken for ours
        names = [p.name for p in self._directory.glob("workspace-*")] + [w.id for w in self._all]
        numbers = [int(found[1]) for n in names if (found := _NUMBERED.match(n))]
        return f"workspace-{max([1, *numbers]) + 1}"


def _name(path: Path) -> str:
    try:
        name = msgspec.json.decode(path.read_bytes(), type=_Head).name
    except (OSError, *UNREADABLE):
        return ""  # said when it is opened
    return name if name.isprintable() else ""


def _place(workspace: Workspace) -> tuple[int, int, str]:
    found = _NUMBERED.match(workspace.id)
    if workspace.id == FIRST or found:
        return (0, int(found[1]) if found else 0, "")
    return (1, 0, workspace.id)
