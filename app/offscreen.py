"""Running without a display: say so, draw unseen, keep a fresh picture in a file."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QWidget

PICTURE_MS = 1_000
SCREEN = Path(__file__).resolve().parents[1] / "resources" / "offscreen.json"
"""The unseen screen: as large as an ordinary one (Qt's own is 800 by 800)."""


def unseen_platform() -> str:
    """Qt's name for the platform that draws unseen."""
    return f"offscreen:configfile={SCREEN}"


def choose_platform(unseen: bool) -> None:
    """Tell Qt where to draw; call it before the application is made.

    A display that does not answer ends unseen too, not in Qt's abort.
    """
    if unseen:
        os.environ["QT_QPA_PLATFORM"] = unseen_platform()
    elif sys.platform.startswith("linux") and not os.environ.get("QT_QPA_PLATFORM"):
        seen = [
            name
            for name, variable in (("wayland", "WAYLAND_DISPLAY"), ("xcb", "DISPLAY"))
            if os.environ.get(variable)
        ]
        os.environ["QT_QPA_PLATFORM"] = ";".join([*seen, unseen_platform()])


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
        try:
            written = self._window.grab().save(str(temporary), "PNG")
            if written:
                temporary.replace(self._path)
        except OSError:
            written = False
        if not written:
            self._timer.stop()
            self._problem(f"The picture {self._path} cannot be written; no more are made.")
