"""Choices that are greyed where they cannot be made, with the reason in the tooltip."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QComboBox


def allow(combo: QComboBox, index: int, obstacle: str, meaning: str) -> None:
    """Grey an item while there is an obstacle, and say it; else say what the item means."""
    model = combo.model()
    assert isinstance(model, QStandardItemModel)
    item = model.item(index)
    if item.isEnabled() is bool(obstacle):
        item.setEnabled(not obstacle)
    if item.toolTip() != (obstacle or meaning):
        combo.setItemData(index, obstacle or meaning, Qt.ItemDataRole.ToolTipRole)
