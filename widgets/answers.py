"""The two buttons of a dialog that asks for something: do it, or let it be."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QPushButton


def answers(
    dialog: QDialog, words: str, done: Callable[[], None]
) -> tuple[QDialogButtonBox, QPushButton]:
    """The row of buttons, and in it the one that says `words` and calls `done`."""
    kinds = QDialogButtonBox.StandardButton
    row = QDialogButtonBox(kinds.Ok | kinds.Cancel, dialog)
    row.accepted.connect(done)
    row.rejected.connect(dialog.reject)
    ok = row.button(kinds.Ok)
    ok.setText(words)
    return row, ok
