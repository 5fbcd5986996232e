"""The bar above the panels: what money this is, which symbol, and the ways out."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSortFilterProxyModel, QStringListModel, Qt, Signal
from PySide6.QtWidgets import (
    QCompleter,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QWidget,
)

from app.palette import matches
from core.client.stores import Stores
from widgets.modeframe import mode_color, mode_word
from widgets.theme import tokens
from widgets.words import format_price


class _Fuzzy(QSortFilterProxyModel):
    """Rows whose text has the typed letters in order."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._query = ""

    def search(self, query: str) -> None:
        """Narrow to `query`."""
        self.beginFilterChange()
        self._query = query
        self.endFilterChange()

    def filterAcceptsRow(self, row: int, parent: object) -> bool:
        """Qt asks for each row."""
        text = self.sourceModel().index(row, 0).data()
        return matches(self._query, str(text))


class SymbolSearch(QLineEdit):
    """Type a few letters of a symbol, choose with arrows and Enter.

    Signals:
        chosen(str): the id of the instrument.
    """

    chosen = Signal(str)

    def __init__(self, stores: Stores, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._stores = stores
        self._epoch = -1
        self._size = -1
        self._names = QStringListModel(self)
        self._fuzzy = _Fuzzy(self)
        self._fuzzy.setSourceModel(self._names)
        completer = QCompleter(self._fuzzy, self)
        completer.setCompletionMode(QCompleter.CompletionMode.UnfilteredPopupCompletion)
        completer.setMaxVisibleItems(14)
        completer.activated.connect(self._choose)
        self.setCompleter(completer)
        self.textEdited.connect(self._fuzzy.search)
        self.returnPressed.connect(self._choose_first)
        self.setPlaceholderText("Symbol (Ctrl+L)")
        self.setAccessibleName("Find a symbol")
        self.setToolTip("Type a few letters of a symbol; Enter shows it in all linked panels.")
        self.setMaximumWidth(200)

    def refresh(self) -> None:
        """Take in which instruments there are."""
        board = self._stores.instruments
        if (board.epoch, len(board)) != (self._epoch, self._size):
            self._epoch, self._size = board.epoch, len(board)
            self._names.setStringList(sorted(board.keys()))

    def show_instrument(self, instrument: str) -> None:
        """Show what is chosen."""
        if not self.hasFocus():
            self.setText(instrument)

    def _choose_first(self) -> None:
        text = self.text().strip()
        if text not in self._stores.instruments and self._fuzzy.rowCount():
            text = str(self._fuzzy.index(0, 0).data())
        self._choose(text)

    def _choose(self, text: str) -> None:
        if text in self._stores.instruments:
            self.setText(text)
            self._fuzzy.search("")
            self.clearFocus()
            self.chosen.emit(text)


class TopBar(QWidget):
    """Mode word, symbol, last price, cancel and flatten with their scope in the label.

    Signals:
        instrument_chosen(str), cancel_all(), flatten_all(), trader_asked(): another name is
        wished for.
    """

    instrument_chosen = Signal(str)
    cancel_all = Signal()
    flatten_all = Signal()
    trader_asked = Signal()

    def __init__(
        self, stores: Stores, kill: QWidget, trader: str, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._stores = stores
        self._trader = ""
        self._instrument = ""
        self._account = ""
        self._cursors: tuple[object, ...] = ()
        self.mode = QLabel(self)
        self.mode.setAccessibleName("Kind of money")
        self.account = QPushButton(self)
        self.account.setFlat(True)
        self.account.clicked.connect(self.trader_asked)
        self.search = SymbolSearch(stores, self)
        self.search.chosen.connect(self.instrument_chosen)
        self.last = QLabel(self)
        self.last.setAccessibleName("Last price and change of the day")
        self.workspace = QPushButton(self)
        self.cancel = QPushButton("Cancel all", self)
        self.cancel.setAccessibleName("Cancel all orders")
        self.cancel.clicked.connect(self.cancel_all)
        self.flatten = QPushButton("Flatten", self)
        self.flatten.setAccessibleName("Flatten all positions")
        self.flatten.clicked.connect(self.flatten_all)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, 4, 8, 4)
        layout.setSpacing(10)
        for shown in (self.mode, self.account, self.search, self.last):
            layout.addWidget(shown)
        layout.addStretch(1)
        layout.addWidget(self.workspace)
        for widget in (self.cancel, self.flatten, kill):
            layout.addWidget(widget)
        self.setAutoFillBackground(True)
        self.show_trader(trader)

    def show_trader(self, trader: str) -> None:
        """The name that orders carry."""
        self._trader = trader
        self.account.setToolTip(
            f"Orders of this window carry the trader's name “{trader}”; limits of traders go by it."
            " Click to change it."
        )
        self._show_account()

    def show_for(self, instrument: str, account: str) -> None:
        """The linked instrument and the account."""
        self._instrument, self._account = instrument, account
        self._cursors = ()
        self.search.show_instrument(instrument)

    def show_workspace(self, name: str, locked: bool) -> None:
        """The name of the active workspace, and whether its panels are held in place."""
        shown = name.replace("&", "&&")
        self.workspace.setText(f"{shown} · locked" if locked else shown)
        self.workspace.setAccessibleName(f"Workspace {name}{', locked' if locked else ''}")
        self.workspace.setToolTip(
            f"The workspace on the screen is “{name}”. Click to choose or make another one."
        )

    def flush(self) -> None:
        """Once a frame."""
        s = self._stores
        cursors = (s.orders.version, s.positions.version, s.tickers.version, s.connected)
        if cursors == self._cursors:
            return
        orders_or_positions = cursors[:2] != self._cursors[:2]
        self._cursors = cursors
        self.search.refresh()
        self._show_price()
        if orders_or_positions:
            self._show_scopes()
            self.show_mode()

    def changeEvent(self, event: QEvent) -> None:
        """Show everything in the new colours."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "last"):
            self._cursors = ()
            self.show_mode()

    def show_mode(self) -> None:
        """Colour and word of the kind of money."""
        t = tokens()
        mode = self._stores.known_mode
        ink = "#ffffff" if not t.dark else "#0b0e12"
        if mode is None:
            ink = t.text.name()
        self.mode.setText(mode_word(mode))
        self.mode.setStyleSheet(
            f"background:{mode_color(mode).name()}; color:{ink}; font-weight:bold;"
            "padding:2px 8px;"
            "border-radius:3px"
        )
        self._show_account()

    def _show_account(self) -> None:
        words = " · ".join(filter(None, (self._account, self._trader)))
        self.account.setText(words.replace("&", "&&"))
        self.account.setAccessibleName(f"Account and trader: {words}")

    def _show_scopes(self) -> None:
        working = sum(len(orders) for orders in self._stores.working.values())
        held = len(self._stores.held())
        plural = "" if working == 1 else "s"
        self.cancel.setText(f"Cancel {working} order{plural}" if working else "Cancel all")
        self.cancel.setEnabled(working > 0)
        if held > 1:
            self.flatten.setText(f"Flatten ALL {held} positions")
        else:
            self.flatten.setText("Flatten 1 position" if held else "Flatten")
        self.flatten.setEnabled(held > 0)

    def _show_price(self) -> None:
        instrument = self._stores.instruments.get(self._instrument)
        ticker = self._stores.tickers.get(self._instrument)
        if instrument is None or ticker is None or not ticker.last:
            self.last.setText("—")
            return
        t = tokens()
        text = f"<b>{format_price(ticker.last, instrument)}</b>"
        if not self._stores.connected:  # a price that nobody stands for any more
            self.last.setTextFormat(Qt.TextFormat.RichText)
            self.last.setText(f'<span style="color:{t.dim.name()}">{text}</span>')
            return
        if ticker.reference:
            change = (ticker.last - ticker.reference) / ticker.reference * 100
            colour = t.up if change >= 0 else t.down
            arrow = "▲" if change >= 0 else "▼"
            text += f' <span style="color:{colour.name()}">{arrow} {change:+.2f} %</span>'
        self.last.setTextFormat(Qt.TextFormat.RichText)
        self.last.setText(text)
