"""Texts to read, and where the keyboard goes: small helpers of the window."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QPaintEvent
from PySide6.QtWidgets import QMessageBox, QWidget

from app.actions import Actions, plain_text
from widgets.border import draw_border

ABOUT = (
    "<b>Outcry</b><p>A desktop trading terminal on an embedded, event-driven engine."
    "<p>Apache License 2.0"
)


class Message(QMessageBox):
    """A text to read, with a line around it."""

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        draw_border(self)


def tell(parent: QWidget, title: str, text: str) -> None:
    """Show a text; the rest of the window goes on."""
    box = Message(QMessageBox.Icon.NoIcon, title, text, parent=parent)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.setModal(False)
    box.show()


def write_if_free(parent: QWidget, title: str, path: str, write: Callable[[], object]) -> None:
    """Write a file now, or ask first when there is one; the rest of the window goes on.

    A file dialog's own question would keep the mouse from the kill switch: give the dialog the
    option ``DontConfirmOverwrite`` and call this with its choice.
    """
    if not Path(path).exists():
        write()
        return
    text = f"{path} is there already. Replace it?"
    box = Message(QMessageBox.Icon.Warning, title, text, parent=parent)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.setModal(False)
    box.addButton(QMessageBox.StandardButton.Cancel)
    box.addButton("&Replace", QMessageBox.ButtonRole.AcceptRole).setObjectName("replace")
    box.accepted.connect(write)
    box.show()


PANEL_KEYS = (
    (
        "in the ladder",
        "arrows, PgUp, PgDn move the row; Enter as a click; B, S buy, sell when "
        "armed (Shift: stop), Alt+Enter as Alt+click: with the bracket; X cancel; "
        "L list orders; − reduce; Alt+↑↓ move orders; Ctrl+↑↓ grouping; Space "
        "recentre; Esc",
    ),
    (
        "in a chart",
        "←→, PgUp, PgDn pan; ↑↓, + − zoom; Home, End go to the oldest and newest "
        "bar; B, S draft an order at the crosshair; digits begin an interval; Esc "
        "gives up a drag",
    ),
    (
        "in a blotter",
        "typing filters; Del cancels or closes; F2 changes; Ctrl+R reverses a "
        "position; Enter shows the instrument, in Orders the order's story (there "
        "Ctrl+I shows the instrument); Ctrl+T in Fills tells the order's story; "
        "Ctrl+C copies",
    ),
    (
        "in the strategies",
        "F2 shows and changes parameters; on a draft Enter accepts, Esc skips",
    ),
)
"""What keys do where the focus is; as in the README."""


def keys_text(actions: Actions) -> str:
    """All actions with short cuts, and the keys of the panels beside them."""
    rows = []
    for action in actions:
        keys = ", ".join(
            k.toString(QKeySequence.SequenceFormat.NativeText) for k in action.shortcuts()
        )
        if keys:
            rows.append(f"<tr><td>{plain_text(action)}</td><td>&nbsp;&nbsp;{keys}</td></tr>")
    panels = "".join(
        f"<p><b>{place.capitalize()}</b><br>{keys.replace('; ', '<br>')}</p>"
        for place, keys in PANEL_KEYS
    )
    actions_table = f"<table>{''.join(rows)}</table>"
    return (
        f"<table><tr><td>{actions_table}</td><td>&nbsp;&nbsp;&nbsp;&nbsp;</td><td>{panels}</td>"
        "</tr></table>"
    )


def focus_first(panel: QWidget) -> None:
    """Give the keyboard to a panel: to what it names itself, else to its first control."""
    if panel.focusProxy() is not None or panel.focusPolicy() & Qt.FocusPolicy.TabFocus:
        panel.setFocus(Qt.FocusReason.ShortcutFocusReason)
        return
    child = panel.nextInFocusChain()
    while child is not None and child is not panel:
        tab = child.focusPolicy() & Qt.FocusPolicy.TabFocus
        if tab and panel.isAncestorOf(child) and child.isVisible() and child.isEnabled():
            child.setFocus(Qt.FocusReason.ShortcutFocusReason)
            return
        child = child.nextInFocusChain()
    panel.setFocus(Qt.FocusReason.ShortcutFocusReason)
