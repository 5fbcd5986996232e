"""Where windows stand: on a screen that there is, whatever there was when they were saved."""

from __future__ import annotations

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget


def into_view(window: QWidget) -> None:
    """Move a window onto a screen when too little of it is seen on any."""
    if window.isMaximized() or window.isFullScreen():
        return
    frame = window.frameGeometry()
    for screen in QGuiApplication.screens():
        seen = screen.availableGeometry().intersected(frame)
        if seen.width() >= min(200, frame.width()) and seen.height() >= min(100, frame.height()):
            return
    room = QGuiApplication.primaryScreen().availableGeometry()
    window.resize(window.size().boundedTo(room.size()))
    window.move(room.topLeft())
