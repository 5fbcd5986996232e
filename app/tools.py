"""What the window offers besides trading: find an action or a symbol, its picture, its help."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QFileDialog, QLineEdit, QWidget

from app.actions import Actions
from app.messages import ABOUT, keys_text, tell
from app.palette import Palette


class Tools(QObject):
    """Binds those actions.

    Attributes:
        palette: the list of actions that was opened last.
    """

    def __init__(
        self,
        window: QWidget,
        actions: Actions,
        search: QLineEdit,
        complain: Callable[[str], None],
    ) -> None:
        super().__init__(window)
        self._window = window
        self._actions = actions
        self._search = search
        self._complain = complain
        self.palette: Palette | None = None
        actions.bind("view.palette", self.open_palette)
        actions.bind("view.search", self.search)
        actions.bind("file.picture", self.ask_picture)
        actions.bind("help.keys", lambda: tell(window, "Keys", keys_text(actions)))
        actions.bind("help.about", partial(tell, window, "About Outcry", ABOUT))

    def open_palette(self) -> None:
        """List all actions below the top of the window."""
        self.palette = Palette(list(self._actions), self._window)
        place = self._window.geometry()
        self.palette.move(place.center().x() - self.palette.width() // 2, place.top() + 80)
        self.palette.show()

    def search(self) -> None:
        """Give the keyboard to the field for symbols."""
        self._search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self._search.selectAll()

    def ask_picture(self) -> None:
        """Ask for a file, then write a picture of the window."""
        dialog = QFileDialog(
            self._window, "Save a picture of the window", "outcry.png", "Pictures (*.png)"
        )
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("png")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setModal(False)
        dialog.fileSelected.connect(self.save_picture)
        dialog.show()

    def save_picture(self, path: str) -> bool:
        """Write a PNG picture of the window; False (and a notice) when that failed."""
        if self._window.grab().save(path, "PNG"):
            return True
        self._complain(f"The picture {path} could not be written.")
        return False
