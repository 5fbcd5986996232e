"""Blotter tables into CSV files: asked without blocking, written off the Qt thread."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from PySide6.QtCore import QObject, Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QMessageBox, QPushButton, QWidget

from app.messages import write_if_free
from core.client.stores import Stores
from core.model.tables import TABLES
from core.reporting.csv_file import write_file
from core.storage.errors import StorageError

Row = TypeVar("Row")

BREATH = 40
"""Rows after which the writing thread lets others go first: about a millisecond of work."""

REST_SECONDS = 0.001


def default_name(kind: str, account: str, mode: str) -> str:
    """``orders_2026-11-05_PAPER-1.csv``: what, which day (UTC), whose money."""
    day = datetime.now(UTC).date().isoformat()
    return f"{kind}_{day}_{account or mode}.csv"


def unhurried(rows: Iterable[Row], hurry: threading.Event) -> Iterator[Row]:
    """The rows, with a moment for other threads every few: the screen goes on meanwhile."""
    for number, row in enumerate(rows):
        if number % BREATH == 0 and not hurry.is_set():
            time.sleep(REST_SECONDS)
        yield row


class Exporter(QObject):
    """Writes what is shown, or everything.

    Signals:
        written(str, int): the file and its number of rows.
        failed(str): a sentence.
    """

    written = Signal(str, int)
    failed = Signal(str)

    def __init__(
        self, stores: Stores, directory: Path, say: Callable[[str], None], parent: QWidget
    ) -> None:
        super().__init__(parent)
        self._stores = stores
        self._directory = directory
        self._say = say
        self._parent = parent
        self._tasks: set[asyncio.Task[None]] = set()
        self._hurry = threading.Event()
        self.written.connect(self._on_written)
        self.failed.connect(self._on_failed)

    def ask(
        self, kind: str, rows: Iterable[Any] | None, columns: list[Any] | None, account: str
    ) -> None:
        """Ask for a file name, then write; `rows` and `columns` None mean everything."""
        name = default_name(kind, account, self._stores.mode.value)
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
        except OSError:
            self._directory = Path.home()  # the dialog still asks; any folder will do
        dialog = QFileDialog(
            self._parent, f"Export {kind}", str(self._directory / name), "CSV files (*.csv)"
        )
        dialog.setObjectName("export")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("csv")
        dialog.setOption(QFileDialog.Option.DontUseNativeDialog, True)
        dialog.setOption(QFileDialog.Option.DontConfirmOverwrite, True)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(
            lambda path: write_if_free(
                self._parent,
                f"Export {kind}",
                path,
                lambda: self.write(kind, Path(path), rows, columns),
            )
        )
        dialog.setModal(False)  # the kill switch stays within reach
        dialog.show()

    def write(
        self, kind: str, path: Path, rows: Iterable[Any] | None = None, columns: Any = None
    ) -> None:
        """Write now, in the background; `written` or `failed` tells the end.

        Rows are read while they are written; they may bring `instruments` of their own.
        """
        board: Any = getattr(self._stores, kind)
        taken = list(board) if rows is None else rows
        chosen = tuple(columns) if columns is not None else TABLES[kind].columns
        known = {i.id: i for i in self._stores.instruments}
        instruments = {**getattr(rows, "instruments", {}), **known}
        task = asyncio.get_event_loop().create_task(self._write(path, chosen, taken, instruments))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _write(self, path: Path, columns: Any, rows: Any, instruments: Any) -> None:
        try:
            count = await asyncio.to_thread(
                write_file, path, columns, unhurried(rows, self._hurry), instruments
            )
        except (OSError, ValueError, StorageError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else error
            self.failed.emit(
                f"{path} was not written: {str(reason).rstrip('.')}. Choose another folder; what"
                " stood there before is untouched."
            )
        else:
            self.written.emit(str(path), count)

    async def finish(self) -> None:
        """Wait until every file that was begun is complete."""
        self._hurry.set()
        if self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _on_written(self, path: str, count: int) -> None:
        self._say(f"{count:,} rows written to {path}")
        box = QMessageBox(self._parent)
        box.setObjectName("exported")
        box.setWindowTitle("Exported")
        box.setText(f"{count:,} row{'' if count == 1 else 's'} written to\n{path}")
        folder = QPushButton("&Show in folder", box)
        folder.clicked.connect(lambda: _open_folder(path))
        box.addButton(folder, QMessageBox.ButtonRole.ActionRole)
        box.setEscapeButton(box.addButton(QMessageBox.StandardButton.Ok))
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setModal(False)
        box.show()

    def _on_failed(self, text: str) -> None:
        box = QMessageBox(QMessageBox.Icon.Warning, "Not exported", text, parent=self._parent)
        box.setObjectName("export_failed")
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setModal(False)
        box.show()


def _open_folder(path: str) -> None:
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(Path(path).parent)))
