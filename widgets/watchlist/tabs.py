"""The watchlist's tabs: one a list; lists are made, named and deleted here."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtWidgets import QInputDialog, QTabBar, QWidget

from widgets.watchlist.lists import ALL, Lists


class ListTabs(QTabBar):
    """Shows which lists there are and which is in use.

    Signals:
        changed(): another list is in use, or lists were made, named or deleted, by hand.
        said(str): why something cannot be.
        menu_wished(QPoint): a tab was clicked with the other button, here.
    """

    changed = Signal()
    said = Signal(str)
    menu_wished = Signal(QPoint)

    def __init__(self, lists: Lists, parent: QWidget) -> None:
        super().__init__(parent)
        self._lists = lists
        self.setAccessibleName("Lists")
        self.setExpanding(False)
        self.setDrawBase(False)
        self.setUsesScrollButtons(True)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.fill()
        self.currentChanged.connect(self._on_tab)
        self.tabBarDoubleClicked.connect(self._rename)
        self.customContextMenuRequested.connect(self._on_menu)

    def fill(self) -> None:
        """Show the lists as they are now."""
        self.blockSignals(True)
        while self.count():
            self.removeTab(0)
        for name in self._lists.names:
            self.addTab(name.replace("&", "&&"))
        self.setCurrentIndex(self._lists.current)
        self.blockSignals(False)

    def add_list(self) -> None:
        """A new, empty list; it is in use from now on."""
        self._lists.current = self._lists.add("List")
        self._filled()

    def rename_current(self) -> None:
        """Ask for another name of the list in use."""
        self._rename(self._lists.current)

    def delete_current(self) -> None:
        """Delete the list in use."""
        if not self._lists.editable:
            self.said.emit(f"“{ALL}” cannot be deleted.")
            return
        self._lists.remove(self._lists.current)
        self._filled()

    # -- inside ------------------------------------------------------------------------------

    def _filled(self) -> None:
        self.fill()
        self.changed.emit()

    def _on_tab(self, number: int) -> None:
        if 0 <= number < len(self._lists.names):
            self._lists.current = number
            self.changed.emit()

    def _rename(self, number: int) -> None:
        if number <= 0:
            self.said.emit(f"“{ALL}” keeps its name; make a list of your own with +.")
            return
        dialog = QInputDialog(self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setWindowTitle("Rename list")
        dialog.setLabelText("Name of the list:")
        dialog.setTextValue(self._lists.names[number])
        dialog.setProperty("list", self._lists.names[number])
        dialog.textValueSelected.connect(self._renamed)
        dialog.setModal(False)  # the kill switch stays within reach
        dialog.show()

    def _renamed(self, name: str) -> None:
        dialog = self.sender()
        before = None if dialog is None else dialog.property("list")
        if before in self._lists.names:  # it may have been deleted meanwhile
            self._lists.rename(self._lists.names.index(before), name)
            self._filled()

    def _on_menu(self, at: QPoint) -> None:
        number = self.tabAt(at)
        if number >= 0:
            self.setCurrentIndex(number)
        self.menu_wished.emit(at)
