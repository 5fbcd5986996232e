"""The name that this terminal's orders carry: asked for, checked, kept."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from app.actions import Actions
from app.name_dialog import NameDialog
from app.settings import SettingsFile

LONGEST = 64
"""Characters of a name at most."""

_ABOUT = (
    "Every order and command of this window carries this name, and limits of traders go by it."
    " Orders that work already keep the name that they were sent with."
)


def problem_of(name: str) -> str:
    """Why this cannot be a trader's name, as a sentence; empty when it can."""
    if not name.strip():
        return "A name has at least one character: limits of traders go by it."
    if name != name.strip():
        return "A name neither begins nor ends with a space; take it away."
    if len(name) > LONGEST:
        return f"A name has at most {LONGEST} characters, this one {len(name)}; shorten it."
    wrong = next((c for c in name if not c.isprintable() or c == "|"), "")
    if wrong:
        shown = wrong if wrong.isprintable() else f"character {ord(wrong):#x}"
        return f"“{shown}” cannot be in a name; use letters, digits, spaces, dots and hyphens."
    return ""


class Trader(QObject):
    """Whose orders these are.

    Signals:
        changed(str, str): the name that orders carry from now on, and the one before.
        failed(str): the name holds, but could not be kept; the sentence says why.
    """

    changed = Signal(str, str)
    failed = Signal(str)

    def __init__(self, settings: SettingsFile, actions: Actions, window: QWidget) -> None:
        super().__init__(window)
        self._settings = settings
        self._window = window
        actions.bind("trade.name", self.ask)

    @property
    def name(self) -> str:
        """The name that orders carry now."""
        return self._settings.values.trader

    def ask(self) -> None:
        """Ask for another name; nothing waits for the answer."""
        NameDialog(
            "Name on orders", "trader", self.name, problem_of, self.choose, self._window, _ABOUT
        ).show()

    def choose(self, name: str) -> str:
        """Sign with `name` from now on; a sentence when it cannot be one."""
        problem = problem_of(name)
        before = self.name
        if problem or name == before:
            return problem
        self._settings.values.trader = name
        self.changed.emit(name, before)
        try:
            self._settings.save()
        except OSError as error:
            self.failed.emit(
                f"The name “{name}” holds until the terminal is closed, but could not be saved:"
                f" {error}."
            )
        return ""
