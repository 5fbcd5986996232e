"""The menu of workspaces, the same in the menu bar and at the top bar's button."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QMenu, QMessageBox, QWidget

from app.actions import Actions
from app.layouts import LAYOUTS
from app.messages import Message, write_if_free
from app.name_dialog import NameDialog
from app.workbench import Workbench
from app.workspaces import Workspace

FILES = "Workspaces (*.json)"


class WorkspaceMenu(QMenu):
    """All workspaces with their keys, and what can be done with the active one."""

    def __init__(self, workbench: Workbench, actions: Actions, parent: QWidget) -> None:
        super().__init__("&Workspace", parent)
        self._workbench = workbench
        self._actions = actions
        self._listed: list[str] = []
        self._first = self.addSeparator()
        new = self.addMenu("&New")
        for key, layout in LAYOUTS.items():
            new.addAction(
                actions.add(
                    f"workspace.new.{key}",
                    f"New workspace: {layout.title}",
                    partial(workbench.new, key),
                )
            )
        for action in actions.in_menu("Workspace"):
            if action.objectName() in ("workspace.import", "workspace.lock"):
                self.addSeparator()
            self.addAction(action)
        self._lock = actions["workspace.lock"]
        self._lock.setCheckable(True)
        actions.bind("workspace.duplicate", workbench.duplicate)
        actions.bind("workspace.rename", self._ask_name)
        actions.bind("workspace.delete", workbench.delete)
        actions.bind("workspace.bring_back", workbench.bring_back)
        actions.bind("workspace.import", self._ask_import)
        actions.bind("workspace.export", self._ask_export)
        actions.bind("workspace.lock", lambda: workbench.lock(self._lock.isChecked()))
        workbench.changed.connect(self._refresh)
        workbench.refused.connect(self._refuse)
        self._refresh()

    def _refresh(self) -> None:
        """List the workspaces as they are now; the first nine have keys."""
        for action_id in self._listed:
            self._actions.remove(action_id)
        self._listed.clear()
        library = self._workbench.library
        for number, workspace in enumerate(library, 1):
            action_id = f"workspace.show.{workspace.id}"
            name = workspace.name.replace("&", "&&")
            action = self._actions.add(
                action_id,
                f"Workspace: {name}",
                partial(self._workbench.switch, workspace),
                (f"Ctrl+Alt+{number}",) if number <= 9 else (),
            )
            action.setCheckable(True)
            action.setChecked(workspace is library.active)
            self.insertAction(self._first, action)
            self._listed.append(action_id)
        self._lock.setChecked(self._workbench.locked)

    def _ask_name(self) -> None:
        library = self._workbench.library
        workspace = library.active
        NameDialog(
            "Rename this workspace",
            "workspace",
            workspace.name,
            lambda name: library.problem_of(name, workspace),
            partial(self._rename, workspace),
            self.parentWidget().window(),
        ).show()

    def _rename(self, workspace: Workspace, name: str) -> str:
        if workspace is not self._workbench.library.active:
            return ""  # another workspace was chosen meanwhile
        return self._workbench.rename(name)

    def _ask_import(self) -> None:
        dialog = self._file_dialog("Import a workspace", "")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self._workbench.import_from)
        dialog.show()

    def _ask_export(self) -> None:
        name = self._workbench.library.active.name
        stem = "".join(c if c.isalnum() or c in " -_" else "_" for c in name)
        dialog = self._file_dialog("Export this workspace", f"{stem}.json")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("json")
        dialog.setOption(QFileDialog.Option.DontConfirmOverwrite, True)
        dialog.fileSelected.connect(self._export)
        dialog.show()

    def _export(self, path: str) -> None:
        write = partial(self._workbench.export_to, path)
        write_if_free(self.parentWidget().window(), "Workspace", path, write)

    def _file_dialog(self, title: str, name: str) -> QFileDialog:
        dialog = QFileDialog(self.parentWidget().window(), title, name, FILES)
        dialog.setObjectName("workspace_file")
        dialog.setOption(QFileDialog.Option.DontUseNativeDialog, True)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setModal(False)  # the kill switch stays within reach
        return dialog

    def _refuse(self, text: str) -> None:
        box = self._message(text)
        box.setObjectName("workspace_refused")
        box.show()

    def _message(self, text: str) -> Message:
        window = self.parentWidget().window()
        box = Message(QMessageBox.Icon.Warning, "Workspace", text, parent=window)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setModal(False)
        return box
