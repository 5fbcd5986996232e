"""The active workspace on the window: opened, saved by itself, switched, made, given away.

Switching takes the panels down and puts up those of the other workspace. Engine, orders and
connection notice nothing but other wants; what was armed or half typed is gone with its panel.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QObject, QTimer, Signal

from app.errors import UserError
from app.layouts import LAYOUTS
from app.panels import PANEL_KINDS
from app.places import into_view
from app.reporter import Reporter
from app.saver import Saver
from app.sharing import read_shared, write_shared
from app.workspace import SavedPanel, SavedWorkspace
from app.workspaces import Workspace, Workspaces
from core.model.enums import Severity

if TYPE_CHECKING:
    from app.window import MainWindow

AUTOSAVE_MS = 2_000
CHECK_MS = 4_000
"""How often the arrangement is compared with what was saved: not every change is announced."""


class Workbench(QObject):
    """What the trader does with workspaces.

    Attributes:
        library: all workspaces of this mode.

    Signals:
        changed(): there are others, or the active one has another name or lock.
        refused(str): a sentence about what could not be done.
    """

    changed = Signal()
    refused = Signal(str)

    def __init__(self, window: MainWindow, library: Workspaces, reporter: Reporter) -> None:
        super().__init__(window)
        self.library = library
        self._window = window
        self._docks = window.docks
        self._reporter = reporter
        self._closed = False
        self._saver = Saver(self)
        self._saver.failed.connect(lambda text: window.desk.say(Severity.ERROR, text))
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(AUTOSAVE_MS)
        self._soon.timeout.connect(self.save)
        self._checking = QTimer(self)
        self._checking.setInterval(CHECK_MS)
        self._checking.timeout.connect(self.save)

    @property
    def locked(self) -> bool:
        """Is everything held in its place?"""
        return self._docks.locked

    # -- open and save -----------------------------------------------------------------------

    def open(self) -> None:
        """Show the active workspace at the start of the program."""
        saved = self._load(self.library.active)
        if saved is not None:
            self._window.instrument = saved.instrument
            self._window.account = saved.account
        if saved is None or not saved.panels:
            LAYOUTS["default"].build(self._window)
        else:
            self._open_panels(saved)
            self._window.restoreGeometry(QByteArray.fromBase64(saved.geometry.encode()))
            # the docking library restores safely only once the event loop runs
            QTimer.singleShot(0, self, lambda: self._restore_docks(saved))
        into_view(self._window)
        self._checking.start()

    def save(self) -> None:
        """Write the arrangement if it changed; done within seconds of any change."""
        if self._closed:
            return  # what is taken apart now is not what the trader arranged
        active = self.library.active
        active.latest = self._snapshot()
        self._saver.save(active.file, active.latest)

    def save_soon(self) -> None:
        """Something changed."""
        if not self._closed:
            self._soon.start()

    def close(self) -> None:
        """Save for the last time and wait until that is on the disk."""
        self._soon.stop()
        self._checking.stop()
        self.save()
        self._closed = True
        self._saver.finish()

    def arrange(self, layout: str) -> None:
        """Replace the panels of the active workspace by a built-in arrangement."""
        self._docks.clear()
        LAYOUTS[layout].build(self._window)
        self.save_soon()

    # -- several -----------------------------------------------------------------------------

    def switch(self, workspace: Workspace) -> None:
        """Show another workspace; sends nothing, and no click trades any more."""
        if workspace is not self.library.active:
            self.save()
            self._show(workspace)

    def new(self, layout: str) -> None:
        """A new workspace with a built-in arrangement, shown at once."""
        self.save()
        workspace = self.library.create(LAYOUTS[layout].title)
        self._show(workspace, layout)
        self.save()

    def duplicate(self) -> None:
        """A new workspace just like this one; what is done from now on is done to the new one."""
        self.save()
        self._activate(self.library.create(self.library.active.name))
        self.save()

    def rename(self, name: str) -> str:
        """Give the active workspace another name; returns what is wrong with it, or nothing."""
        problem = self.library.problem_of(name, self.library.active)
        if not problem:
            self.library.active.name = name.strip()
            self.save()
            self.changed.emit()
        return problem

    def delete(self) -> None:
        """Delete the active workspace and show its neighbour; it can be brought back."""
        gone, neighbour = self.library.active, self.library.neighbour()
        if neighbour is None:
            self.refused.emit("This is the only workspace, so it stays. Make another one first.")
            return
        self.switch(neighbour)
        self._saver.finish()  # or it would be written again
        try:
            self.library.delete(gone)
        except OSError as error:
            self.refused.emit(
                f"The workspace “{gone.name}” could not be deleted ({error.strerror}); it is as"
                " before. Look after the folder of the workspaces and try again."
            )
            return
        self.changed.emit()
        self._window.say(f"Workspace “{gone.name}” deleted. The menu Workspace brings it back.")

    def bring_back(self) -> None:
        """Show the workspace that was deleted last."""
        try:
            workspace = self.library.bring_back()
        except OSError as error:
            self.refused.emit(f"The workspace could not be brought back: {error}. Try again.")
            return
        if workspace is None:
            self._window.say("No workspace was deleted.")
        else:
            self.switch(workspace)

    def lock(self, locked: bool) -> None:
        """Hold all panels in their places, or let them go."""
        self._docks.lock(locked)
        self.save_soon()
        self.changed.emit()

    # -- files -------------------------------------------------------------------------------

    def export_to(self, path: str) -> None:
        """Write the active workspace into a file to give away."""
        self.save()
        latest = self.library.active.latest
        assert latest is not None
        try:
            write_shared(Path(path), latest)
        except UserError as error:
            self.refused.emit(str(error))
        else:
            self._window.say(f"Workspace “{self.library.active.name}” written to {path}")

    def import_from(self, path: str) -> None:
        """A new workspace from a file, shown at once; a name that is taken gets a number."""
        try:
            saved = read_shared(Path(path))
        except UserError as error:
            self.refused.emit(str(error))
            return
        self.save()
        wish = saved.name or Path(path).stem
        workspace = self.library.create(wish)
        workspace.latest = saved
        self._show(workspace)
        self.save()
        other = f", for there is another “{wish}”" if workspace.name != wish else ""
        self._window.say(f"Imported as “{workspace.name}”{other}.")

    # -- the screen --------------------------------------------------------------------------

    def _snapshot(self) -> SavedWorkspace:
        window, docks = self._window, self._docks
        screen = window.screen()
        return SavedWorkspace(
            name=self.library.active.name,
            locked=docks.locked,
            panels=[
                SavedPanel(panel_id, panel.KIND, panel.save_state())
                for panel_id, panel in docks.panels.items()
            ]
            + list(docks.missing.values()),
            docks=docks.save(),
            geometry=bytes(window.saveGeometry().toBase64().data()).decode(),
            screen=screen.name() if screen is not None else "",
            instrument=window.instrument,
            account=window.account,
        )

    def _load(self, workspace: Workspace) -> SavedWorkspace | None:
        saved = workspace.load()
        if workspace.file.problem:
            self._window.desk.say(Severity.WARNING, workspace.file.problem)
            workspace.file.problem = ""
        return saved

    def _activate(self, workspace: Workspace) -> None:
        try:
            self.library.activate(workspace)
        except OSError as error:
            text = f"Which workspace is shown could not be saved for the next start: {error}."
            self._window.desk.say(Severity.ERROR, text)
        self.changed.emit()

    def _show(self, workspace: Workspace, layout: str = "default") -> None:
        """Take the panels down and put up those of `workspace`, or a layout when it has none."""
        window = self._window
        saved = self._load(workspace)
        window.setUpdatesEnabled(False)
        try:
            with self._docks.rebuilding():
                self._docks.clear()
                self._docks.lock(False)
                self._activate(workspace)
                if saved is None or not saved.panels:
                    LAYOUTS[layout].build(window)
                else:
                    if saved.instrument in window.stores.instruments:
                        window.instrument = saved.instrument
                    self._open_panels(saved)
                    self._restore_docks(saved)
            window.setFocus()  # a key meant for a panel that is gone must not reach another
            window.choose_instrument(window.instrument)
            window.refresh()  # no frame shows them empty
        finally:
            window.setUpdatesEnabled(True)

    def _open_panels(self, saved: SavedWorkspace) -> None:
        # as tabs of the first: side by side they would need, and get, a window beyond the screen
        first = saved.panels[0].id
        for entry in saved.panels:
            if entry.id in self._docks:
                continue
            if entry.kind in PANEL_KINDS:
                self._window.open_panel(entry.kind, entry.id, beside=first)
                self._restore_panel(entry)
            else:
                text = f"This Outcry has no panel “{entry.kind}”. Close this tab to forget it."
                self._docks.add_missing(entry, entry.kind, text, beside=first)

    def _restore_panel(self, entry: SavedPanel) -> None:
        if entry.id in self._docks.missing:
            self._docks.missing[entry.id] = entry
            return
        try:
            self._docks.panels[entry.id].restore_state(entry.state)
        except Exception as error:
            self._reporter.report(f"The saved state of {entry.id} was not understood", error)

    def _restore_docks(self, saved: SavedWorkspace) -> None:
        if saved.docks and not self._docks.restore(saved.docks):
            self._window.desk.say(
                Severity.WARNING, "The saved arrangement did not fit; panels are in default places."
            )
        if saved.locked:
            self._docks.lock(True)
        self.changed.emit()
