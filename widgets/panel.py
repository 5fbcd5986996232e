"""What every panel is: a widget that reads the stores once a frame and emits requests.

A panel never sends anything and never talks to another panel. It shows what the stores say,
asks for commands through `requested`, and names a chosen instrument through `instrument_chosen`;
the window passes both on.
"""

from __future__ import annotations

from typing import Any, ClassVar

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QScrollArea, QWidget

from core.client.stores import Stores


def show_through(scroll: QScrollArea) -> None:
    """Have the panel's ground behind what is scrolled, not a patch of the window's; call it after
    `setWidget`, which asks for the patch."""
    for widget in (scroll.viewport(), scroll.widget()):
        widget.setAutoFillBackground(False)


class Panel(QWidget):
    """Base of all panels.

    Attributes:
        KIND: stable name of the kind of panel; key in saved workspaces.
        TITLE: what the trader reads on the tab.
        EVERY: flushed once in so many frames; 1 for what is traded from, more for pictures that
            nobody can tell from faster ones.
        pinned: True while the panel keeps its instrument when another is chosen elsewhere.

    Signals:
        requested(object): a command of `core.model.commands` that the trader asks for.
        instrument_chosen(str): the trader picked an instrument here.
        draft_offered(object): a half-filled order for the ticket (`core.model.commands.NewOrder`).
        said(str): a short sentence for the trader (shown as a toast and logged).
        subscription_changed(): what `wants` returns has changed.
        state_changed(): something that `save_state` returns has changed.
    """

    KIND: ClassVar[str] = ""
    TITLE: ClassVar[str] = ""
    EVERY: ClassVar[int] = 1

    requested = Signal(object)
    instrument_chosen = Signal(str)
    draft_offered = Signal(object)
    said = Signal(str)
    subscription_changed = Signal()
    state_changed = Signal()

    def __init__(self, stores: Stores, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.stores = stores
        self.instrument = ""
        self.account = ""
        self.pinned = False

    def set_instrument(self, instrument: str) -> None:
        """Show this instrument (its id); called for all panels of the same link group."""
        self.instrument = instrument

    def set_account(self, account: str) -> None:
        """Trade for and show this account."""
        self.account = account

    def wants(self) -> dict[str, set[Any]]:
        """Market data this panel needs: sets under ``quotes``, ``depth``, ``trades``, ``bars``.

        Bars are pairs (instrument, interval text).
        """
        return {}

    def flush(self) -> None:
        """Take in what changed in the stores and repaint that; called if visible."""

    def save_state(self) -> dict[str, Any]:
        """What the workspace keeps of this panel: plain JSON values under stable names."""
        return {}

    def restore_state(self, state: dict[str, Any]) -> None:
        """Take back what `save_state` gave, perhaps by an older version: every field optional."""
