"""Many rectangles or lines in one call, from numpy arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import shiboken6
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QRectF
from PySide6.QtGui import QPainter

Array = NDArray[np.float64]


def _pointers_work() -> bool:
    """Can an array's memory be handed to Qt as it is? True for every Qt with 64-bit `qreal`."""
    probe = np.array([1.0, 2.0, 3.0, 4.0])
    try:
        rect: Any = shiboken6.wrapInstance(probe.ctypes.data, QRectF)
        return (rect.x(), rect.y(), rect.width(), rect.height()) == (1.0, 2.0, 3.0, 4.0)
    except (TypeError, RuntimeError):
        return False


POINTERS = _pointers_work()


def draw_rects(painter: QPainter, rects: Array, pointers: bool | None = None) -> None:
    """Draw rows of (x, y, width, height) with the painter's pen and brush."""
    _draw(painter.drawRects, QRectF, rects, POINTERS if pointers is None else pointers)


def draw_lines(painter: QPainter, lines: Array, pointers: bool | None = None) -> None:
    """Draw rows of (x1, y1, x2, y2) with the painter's pen."""
    _draw(painter.drawLines, QLineF, lines, POINTERS if pointers is None else pointers)


def _draw(draw: Any, kind: Any, rows: Array, pointers: bool) -> None:
    if not len(rows):
        return
    if pointers:
        memory = np.ascontiguousarray(rows, np.float64)
        draw(shiboken6.wrapInstance(memory.ctypes.data, kind), len(memory))
    else:
        draw([kind(*row) for row in rows.tolist()])
