"""Workspaces on their way to the disk, off the Qt thread: a slow disk never holds up a frame."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

from PySide6.QtCore import QObject, Signal

from app.workspace import SavedWorkspace, WorkspaceFile


class Saver(QObject):
    """Writes one workspace after the other, the newest last.

    Signals:
        failed(str): a sentence; said once until saving works again.
    """

    failed = Signal(str)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._threads: ThreadPoolExecutor | None = None
        self._newest: Future[None] | None = None
        self._newest_file: WorkspaceFile | None = None
        self._said = ""

    def save(self, file: WorkspaceFile, workspace: SavedWorkspace) -> None:
        """Write soon; what is not written yet of the same file makes way for this."""
        if self._threads is None:
            self._threads = ThreadPoolExecutor(1, "workspace")
        if self._newest is not None and self._newest_file is file:
            self._newest.cancel()
        self._newest_file = file
        self._newest = self._threads.submit(self._write, file, workspace)

    def finish(self) -> None:
        """Wait until everything is on the disk."""
        if self._threads is not None:
            self._threads.shutdown()
            self._threads = None

    def _write(self, file: WorkspaceFile, workspace: SavedWorkspace) -> None:
        try:
            file.save(workspace)
            self._said = ""
        except OSError as error:
            text = f"The workspace could not be saved: {error}. Outcry goes on trying."
            if text != self._said:
                self._said = text
                self.failed.emit(text)
