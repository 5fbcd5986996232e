"""Running without a display: say so, draw unseen, keep a fresh picture in a file."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QWidget

PICTURE_MS = 1_000
SCREEN = Path(__file__).resolve().parents[1] / "resources" / "offscreen.json"
"""The unseen screen: as large as an ordinary one (Qt's own is 800 by 800)."""


def go_offscreen() -> None:
    """Make Qt draw unseen; call it before the application is made."""
    os.environ["QT_QPA_PLATFORM"] = f"offscreen:configfile={SCREEN}"


class PictureKeeper(QObject):
    """Writes the window's picture to `path` once a second, whole each time."""

    def __init__(self, window: QWidget, path: Path, problem: Callable[[str], None]) -> None:
        super().__init__(window)
        self._window = window
        self._path = path
        self._problem = problem
        self._timer = QTimer(self)
        self._timer.setInterval(PICTURE_MS)
        self._timer.timeout.connect(self.write)
        self._timer.start()

    def write(self) -> None:
        """Write the picture now; a disk that refuses is reported once and ends the writing."""
        temporary = self._path.with_name(f".{self._path.name}")
        if self._window.grab().save(str(temporary), "PNG"):
            temporary.replace(self._path)
        else:
            self._timer.stop()
            self._problem(f"The picture {self._path} cannot be written; no more are made.")
