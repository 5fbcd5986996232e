"""The watchlist: lists of instruments as tabs, with live prices."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtGui import QAction, QGuiApplication
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QMenu,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from core.client.stores import Stores
from core.model.ids import IdMaker
from widgets.clock import Clock
from widgets.icons import set_icon
from widgets.menubutton import MenuButton
from widgets.panel import Panel
from widgets.watchlist.entry import SymbolEntry
from widgets.watchlist.lists import ALL, Lists
from widgets.watchlist.model import WatchlistModel
from widgets.watchlist.quotes import COLUMNS, SYMBOL
from widgets.watchlist.symbols import read_symbols
from widgets.watchlist.table import WatchlistTable
from widgets.watchlist.tabs import ListTabs

SORT_MS = 400
REPAINT = 80_000_000
"""At least this long (ns) between two repaints: digits that change faster cannot be read."""

_LARGEST_FILE = 2_000_000


class WatchlistPanel(Panel):
    """Lists of symbols. `ids` is not needed: this panel asks for no orders."""

    KIND = "watchlist"
    TITLE = "Watchlist"

    def __init__(
        self,
        stores: Stores,
        ids: IdMaker,
        parent: QWidget | None = None,
        clock: Clock | None = None,
    ) -> None:
        super().__init__(stores, parent)
        self.clock = clock or Clock()
        self.lists = Lists()
        self.model = WatchlistModel(stores, self.clock, self)
        self._painted = 0
        self._epoch = -1
        self._live = False
        self.tabs = ListTabs(self.lists, self)
        self.add_list = QToolButton(self)
        self.menu_button = MenuButton(self, arrow=False)
        self.table = WatchlistTable(self.model, self)
        self.entry = SymbolEntry(stores, self)
        self.badge = QPushButton("Re&sort", self)
        self._build()
        self._connect()
        self.setFocusProxy(self.table)
        self._timer = QTimer(self)
        self._timer.setInterval(SORT_MS)
        self._timer.timeout.connect(self._settle)
        self._timer.start()
        self._show_list()

    def _build(self) -> None:
        set_icon(self.add_list, "plus")
        self.add_list.setAccessibleName("New list")
        self.add_list.setToolTip("New list (double-click a tab to rename it)")
        self.add_list.setAutoRaise(True)
        set_icon(self.menu_button, "menu")
        self.menu_button.setAccessibleName("Watchlist menu")
        self.menu_button.setToolTip("Import, paste, flashing, columns")
        self.menu_button.setAutoRaise(True)
        self.menu_button.setMenu(self._make_menu())
        for button in (self.add_list, self.menu_button):
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.badge.setAccessibleName("Resort now")
        self.badge.setToolTip("Rows stand still under the pointer; sort them now.")
        self.badge.hide()
        top = QHBoxLayout()
        top.setContentsMargins(4, 2, 4, 0)
        top.setSpacing(2)
        top.addWidget(self.tabs, 1)
        top.addWidget(self.add_list)
        top.addWidget(self.menu_button)
        foot = QHBoxLayout()
        foot.setContentsMargins(4, 3, 4, 3)
        foot.addWidget(self.entry, 1)
        foot.addWidget(self.badge)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addLayout(top)
        box.addWidget(self.table, 1)
        box.addLayout(foot)

    def _make_menu(self) -> QMenu:
        menu = QMenu(self)
        menu.setAccessibleName("Watchlist menu")

        def entry(text: str, handler: Callable[[], object]) -> QAction:
            action = menu.addAction(text)
            action.triggered.connect(handler)
            return action

        entry("&Import symbols…", self.import_file)
        entry("&Paste symbols\tCtrl+V", self.paste)
        entry("&Remove selected\tDel", self.remove_selected)
        menu.addSeparator()
        entry("&Own order", self._own_order)
        self.flash_action = menu.addAction("&Flash changes")
        self.flash_action.setCheckable(True)
        self.flash_action.setChecked(True)
        self.flash_action.toggled.connect(self._on_flash)
        menu.addSeparator()
        entry("&New list", self.tabs.add_list)
        entry("R&ename list…", self.tabs.rename_current)
        entry("&Delete list", self.tabs.delete_current)
        return menu

    def _connect(self) -> None:
        self.tabs.changed.connect(self._changed_lists)
        self.tabs.said.connect(self.said)
        self.tabs.menu_wished.connect(self._on_tab_menu)
        self.add_list.clicked.connect(self.tabs.add_list)
        table = self.table
        table.chosen.connect(self._choose)
        table.typed.connect(self.entry.begin)
        table.removal_wished.connect(self.remove_selected)
        table.pasted.connect(self.paste)
        table.move_wished.connect(self._move_selected)
        header = table.horizontalHeader()
        header.sectionClicked.connect(self._on_header)
        header.customContextMenuRequested.connect(self._on_header_menu)
        header.sectionResized.connect(self._on_state)
        header.sectionMoved.connect(self._on_state)
        self.entry.found.connect(self.add_symbol)
        self.entry.missed.connect(self.said)
        self.entry.left.connect(table.setFocus)
        self.badge.clicked.connect(self._resort)
        self.model.reordered.connect(self._on_reordered)

    # -- what the window calls ---------------------------------------------------------------

    def set_instrument(self, instrument: str) -> None:
        """Mark the row of the instrument that the other panels show."""
        super().set_instrument(instrument)
        self.table.cells.chosen = instrument
        self.table.viewport().update()

    def set_account(self, account: str) -> None:
        """Staleness is judged by this account's limits."""
        super().set_account(account)
        self.model.set_account(account)

    def wants(self) -> dict[str, set[Any]]:
        """Quotes of the list shown."""
        return {"quotes": set(self.model.ids)}

    def flush(self) -> None:
        """Take in what changed; repaint the rows in view that did."""
        if self.stores.instruments.epoch != self._epoch:
            self._epoch = self.stores.instruments.epoch
            self._show_list()
        if self.model.live is not self._live:
            self._live = self.model.live
            self.table.viewport().update()
        self.model.take()
        now = self.clock.monotonic()
        if now - self._painted >= REPAINT:
            self._painted = now
            self.model.show(*self.table.visible_rows())

    def save_state(self) -> dict[str, Any]:
        """Lists, columns, sort, flashing."""
        header = self.table.horizontalHeader()
        order = [COLUMNS[header.logicalIndex(n)].id for n in range(len(COLUMNS))]
        sort = self.model.sort
        shown = [n for n in range(len(COLUMNS)) if not self.table.isColumnHidden(n)]
        return {
            **self.lists.save(),
            "order": order,
            "hidden": [c.id for n, c in enumerate(COLUMNS) if n not in shown],
            "widths": {
                COLUMNS[n].id: self.table.symbol_width if n == SYMBOL else header.sectionSize(n)
                for n in shown
            },
            "sort": None if sort is None else [COLUMNS[sort[0]].id, sort[1]],
            "flash": self.model.flash,
        }

    def restore_state(self, state: dict[str, Any]) -> None:
        """Take back what is still understood of a saved state."""
        numbers = {column.id: n for n, column in enumerate(COLUMNS)}
        header = self.table.horizontalHeader()
        hidden, order, widths, sort = (state.get(k) for k in ("hidden", "order", "widths", "sort"))
        if isinstance(hidden, list):
            for name, number in numbers.items():
                self.table.setColumnHidden(number, name in hidden and number != SYMBOL)
        for name, width in widths.items() if isinstance(widths, dict) else ():
            if name in numbers and isinstance(width, int) and 0 < width < 4_000:
                header.resizeSection(numbers[name], width)
        places = [numbers[n] for n in order if n in numbers] if isinstance(order, list) else []
        for place, number in enumerate(places):
            header.moveSection(header.visualIndex(number), place)
        known = isinstance(sort, list) and len(sort) == 2 and sort[0] in numbers
        self.model.sort_by(numbers[sort[0]] if known else None, known and bool(sort[1]))
        self.flash_action.setChecked(state.get("flash") is not False)
        self.lists.restore(state)
        self.tabs.fill()
        self._show_list()

    # -- lists -------------------------------------------------------------------------------

    def add_symbol(self, key: str) -> None:
        """Put an instrument at the end of the list shown; if it is there, go to it."""
        if key not in self.model.ids:
            self.lists.set_ids([*self.model.ids, key])
            self._show_list()
            self.state_changed.emit()
        row = self.model.row_of(key)
        if row >= 0:
            self.table.setCurrentIndex(self.model.index(row, SYMBOL))
            self.table.scrollTo(self.table.currentIndex())

    def add_text(self, text: str) -> None:
        """Add every symbol that a text names, and say which lines named none."""
        found, problems = read_symbols(text, list(self.stores.instruments))
        if found and not self.lists.editable:
            self.tabs.add_list()
        fresh = [key for key in found if key not in self.model.ids]
        if fresh:
            self.lists.set_ids([*self.model.ids, *fresh])
            self._show_list()
            self.state_changed.emit()
        words = [f"{len(fresh)} added."] if found else ["No known symbol was found."]
        if len(found) > len(fresh):
            words.append(f"{len(found) - len(fresh)} were listed already.")
        words += problems[:3]
        if len(problems) > 3:
            words.append(f"{len(problems) - 3} more lines name no known symbol.")
        self.said.emit(" ".join(words))

    def paste(self) -> None:
        """Add the symbols on the clipboard."""
        self.add_text(QGuiApplication.clipboard().text())

    def import_file(self) -> None:
        """Ask for a text or CSV file and add its symbols."""
        dialog = QFileDialog(self, "Import symbols", "", "Lists (*.csv *.txt);;All files (*)")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.read_file)
        dialog.setModal(False)  # the kill switch stays within reach
        dialog.show()

    def read_file(self, path: str) -> None:
        """Add the symbols in a file."""
        try:
            if Path(path).stat().st_size > _LARGEST_FILE:
                self.said.emit(f"{path} is larger than 2 MB and no list of symbols.")
                return
            text = Path(path).read_text(encoding="utf-8-sig")
        except OSError as error:
            self.said.emit(f"{path} could not be read: {error.strerror}.")
            return
        except UnicodeDecodeError as error:
            self.said.emit(f"{path} is not UTF-8 text (byte {error.start}); save it as UTF-8.")
            return
        self.add_text(text)

    def remove_selected(self) -> None:
        """Take the selected symbols out of the list."""
        keys = set(self.table.selected_keys())
        if not keys:
            return
        if not self.lists.editable:
            self.said.emit(f"“{ALL}” holds every instrument; make a list of your own with +.")
            return
        row = self.table.currentIndex().row()
        self.lists.set_ids(key for key in self.model.ids if key not in keys)
        self._show_list()
        row = min(row, self.model.rowCount() - 1)
        if row >= 0:
            self.table.setCurrentIndex(self.model.index(row, SYMBOL))
        self.state_changed.emit()

    def _show_list(self) -> None:
        """Show the list of the current tab."""
        ids = self.lists.ids(self.stores.instruments.keys())
        wanted = set(self.model.ids)
        if ids != self.model.ids or self.model.rowCount() == 0:
            self.model.set_ids(ids)
        if set(ids) != wanted:
            self.subscription_changed.emit()

    def _changed_lists(self) -> None:
        """Another list is shown, or they have other names."""
        self._show_list()
        self.state_changed.emit()

    def _on_tab_menu(self, at: QPoint) -> None:
        self.menu_button.menu().popup(self.tabs.mapToGlobal(at))

    # -- sorting -----------------------------------------------------------------------------

    def _settle(self) -> None:
        """Sort when something changed; never under the pointer."""
        if not self.isVisible():
            return
        held = self.model.unsettled and self.table.viewport().underMouse()
        self.badge.setVisible(held)
        if self.model.unsettled and not held:
            self.model.sort_now()

    def _resort(self) -> None:
        self.model.sort_now()
        self.badge.hide()

    def _on_header(self, column: int) -> None:
        """First click ascending, second descending, third the trader's own order."""
        sort = self.model.sort
        if sort is None or sort[0] != column:
            self.model.sort_by(column, False)
        elif not sort[1]:
            self.model.sort_by(column, True)
        else:
            self.model.sort_by(None)
        self.state_changed.emit()

    def _own_order(self) -> None:
        self.model.sort_by(None)
        self.state_changed.emit()

    def _move_selected(self, step: int) -> None:
        keys = self.table.selected_keys()
        if not keys:
            return
        rows = [self.model.row_of(key) for key in keys]
        to = min(rows) - 1 if step < 0 else max(rows) + 2
        self.model.move(keys, max(to, 0))

    def _on_reordered(self) -> None:
        self.lists.set_ids(self.model.ids)
        self.state_changed.emit()

    # -- small things ------------------------------------------------------------------------

    def _choose(self, key: str) -> None:
        self.instrument_chosen.emit(key)

    def _on_flash(self, on: bool) -> None:
        self.model.flash = on
        self.state_changed.emit()

    def _on_state(self, *_: int) -> None:
        self.state_changed.emit()

    def _on_header_menu(self, at: QPoint) -> None:
        menu = QMenu(self)
        for number, column in enumerate(COLUMNS):
            action = menu.addAction(column.title)
            action.setCheckable(True)
            action.setChecked(not self.table.isColumnHidden(number))
            action.setEnabled(number != SYMBOL)
            action.setData(number)
        menu.triggered.connect(self._on_column)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(self.table.horizontalHeader().mapToGlobal(at))

    def _on_column(self, action: QAction) -> None:
        self.table.setColumnHidden(int(action.data()), not action.isChecked())
        self.state_changed.emit()
