"""Dark or light, colours of up and down, size of the text: chosen, kept, applied at once."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from app.actions import Actions
from app.settings import SettingsFile
from widgets.theme import UP_DOWN, apply_theme

SMALLEST, LARGEST = 6, 32
"""Points of the text."""


class Look(QObject):
    """Binds the actions about the look and applies what they choose.

    Signals:
        changed(): the palette is another one.
        failed(str): the choice could not be kept; the sentence says why.
    """

    changed = Signal()
    failed = Signal(str)

    def __init__(self, settings: SettingsFile, actions: Actions, parent: QObject) -> None:
        super().__init__(parent)
        self._settings = settings
        self._actions = actions
        actions.bind("view.theme", self.toggle)
        actions.bind("view.theme_system", self.follow_system)
        actions.bind("view.larger", partial(self.resize_text, 1))
        actions.bind("view.smaller", partial(self.resize_text, -1))
        actions.bind("view.reset_size", partial(self.resize_text, 0))
        for choice in UP_DOWN:
            action = actions[f"colours.{choice}"]
            action.setCheckable(True)
            actions.bind(action.objectName(), partial(self.choose_colours, choice))
        QGuiApplication.styleHints().colorSchemeChanged.connect(self.on_system_theme)

    def theme(self) -> str:
        """``dark`` or ``light``: what was chosen, else what the system says."""
        chosen = self._settings.values.theme
        if chosen != "system":
            return chosen
        scheme = QGuiApplication.styleHints().colorScheme()
        return "light" if scheme == Qt.ColorScheme.Light else "dark"

    def apply(self) -> None:
        """Put the settings in force on the whole program."""
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        values = self._settings.values
        apply_theme(app, self.theme(), values.up_down, values.font_points)
        for choice in UP_DOWN:
            self._actions[f"colours.{choice}"].setChecked(choice == values.up_down)
        self.changed.emit()

    def on_system_theme(self) -> None:
        """The system went dark or light."""
        if self._settings.values.theme == "system":
            self.apply()

    def follow_system(self) -> None:
        """Be dark or light as the system is."""
        self._settings.values.theme = "system"
        self._keep()

    def toggle(self) -> None:
        """Dark becomes light and light dark."""
        self._settings.values.theme = "light" if self.theme() == "dark" else "dark"
        self._keep()

    def choose_colours(self, choice: str) -> None:
        """Colours of rising and falling, one of `widgets.theme.UP_DOWN`."""
        self._settings.values.up_down = choice  # type: ignore[assignment]
        self._keep()

    def resize_text(self, step: int) -> None:
        """Larger (1), smaller (-1) or the system's size again (0)."""
        size = round(QApplication.font().pointSizeF()) + step
        self._settings.values.font_points = 0 if step == 0 else max(SMALLEST, min(LARGEST, size))
        self._keep()

    def _keep(self) -> None:
        self.apply()
        try:
            self._settings.save()
        except OSError as error:
            self.failed.emit(f"The settings could not be saved: {error}.")
