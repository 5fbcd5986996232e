"""What the blotter tables share: filter line, chips, sorting, columns, copy, export."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from core.client.board import Board
from core.client.stores import Stores
from core.model.ids import IdMaker
from core.model.instruments import Instrument
from core.model.tables import Column
from widgets.blotter.chips import ChipBar
from widgets.blotter.daybar import DayBar, DayPage
from widgets.blotter.model import AT_ONCE, BlotterModel
from widgets.menubutton import MenuButton
from widgets.panel import Panel

R = TypeVar("R")

SETTLE_SECONDS = 0.3
TYPING_MS = 150


class BlotterPanel(Panel, Generic[R]):
    """One table on one board.

    Attributes:
        CHIPS: columns that can be filtered by one of their values.
        TIME: the column that “since” filters look at.
        PAST: can days of the past be shown?
        HIDDEN: columns that are hidden until the trader wants them.
        FIRST: columns that come first on the screen, before the others in the table's order.

    Signals:
        export_requested(str, object, object): kind, rows (None: everything), columns (None: all).
        story_requested(str): the order (its cl_ord_id) whose story is wanted.
        days_wanted(): the past days that there are; answered with `take_days`.
        page_wanted(str, object, int): kind, day (first UTC ns) and page; answered with `take_page`.
    """

    CHIPS: tuple[str, ...] = ()
    TIME: str = ""
    PAST: bool = False
    HIDDEN: tuple[str, ...] = ()
    FIRST: tuple[str, ...] = ()

    export_requested = Signal(str, object, object)
    story_requested = Signal(str)
    days_wanted = Signal()
    page_wanted = Signal(str, object, int)

    def __init__(self, stores: Stores, ids: IdMaker, parent: QWidget | None = None) -> None:
        super().__init__(stores, parent)
        self.ids = ids
        self.model = self.make_model()
        self.day: int | None = None
        self._everything: Any = None
        self._live_actions: list[QAction] = []
        self._settled = 0.0
        self.query = QLineEdit(self)
        self.query.setPlaceholderText("Type to filter")
        self.query.setClearButtonEnabled(True)
        self.query.setAccessibleName(f"Filter {self.TITLE.lower()}")
        self.query.textChanged.connect(self._on_typed)
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(TYPING_MS)
        self._typing.timeout.connect(self._filter)
        self.chips = ChipBar(
            [c for c in self.model.columns if c.id in self.CHIPS],
            self.TIME,
            self.model.distinct,
            self,
        )
        self.chips.changed.connect(self._filter)
        self.waiting = QLabel(self)
        self.waiting.setAccessibleName("Rows that wait for the pointer to leave")
        self.waiting.hide()
        self.count = QLabel(self)
        self.count.setAccessibleName("Rows shown")
        self.count.setContentsMargins(4, 0, 4, 0)
        self.export = MenuButton(self)
        self.export.setText("&Export CSV")
        self.export.setAccessibleName(f"Export {self.TITLE.lower()} as CSV")
        self.export.setMenu(self._export_menu())
        top = QHBoxLayout()
        top.setContentsMargins(6, 4, 6, 2)
        top.addWidget(self.query, 1)
        self.days = DayBar(self)
        self.days.opened.connect(self.days_wanted)
        self.days.chosen.connect(self.show_day)
        self.days.turned.connect(self._turn)
        self.days.setVisible(self.PAST)
        top.addWidget(self.days)
        top.addWidget(self.chips)
        top.addStretch(1)
        top.addWidget(self.waiting)
        top.addWidget(self.count)
        top.addWidget(self.export)
        self.view = self._make_view()
        self.view.installEventFilter(self)
        self.query.installEventFilter(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(top)
        layout.addWidget(self.view)
        self.setFocusProxy(self.view)
        self.make_actions()
        self._count_rows()

    # -- for the three tables ----------------------------------------------------------------

    def make_model(self) -> BlotterModel[R]:
        """The model of this table."""
        raise TypeError(f"{type(self).__name__} has no model")

    def make_actions(self) -> None:
        """Add the table's own row actions."""

    def also_changed(self) -> list[str]:
        """Keys whose shown values depend on more than their row (market prices)."""
        return []

    # -- once a frame ------------------------------------------------------------------------

    def flush(self) -> None:
        """Take in changes; put rows in order again when the pointer is elsewhere."""
        model = self.model
        model.held = self.view.viewport().underMouse()
        if model.take(self.also_changed() if self.day is None else ()):
            self._count_rows()
        if model.unsettled and not model.held:
            now = time.monotonic()
            if now - self._settled > SETTLE_SECONDS:
                self._settled = now
                model.settle()
                self._count_rows()
        self._say_waiting()

    def _say_waiting(self) -> None:
        text = ""
        if self.model.searching:
            text = "searching…"
        elif self.model.held and self.model.unsettled:
            new = self.model.waiting()
            text = f"{new:,} new below · resort waits" if new else "resort waits"
        if text != self.waiting.text():
            self.waiting.setText(text)
            self.waiting.setToolTip(
                "Rows keep their places while the pointer is on them." if text else ""
            )
        self.waiting.setVisible(bool(text))

    # -- past days ---------------------------------------------------------------------------

    def live_board(self) -> Board[R]:
        """The rows of today, as they happen."""
        raise TypeError(f"{type(self).__name__} has no board")

    def show_day(self, day: int | None) -> None:
        """Show a past day (its first UTC ns), or today as it happens."""
        if day is not None:
            self.days.show_loading(day)
            self.page_wanted.emit(self.KIND, day, 0)
        elif self.day is not None:
            self._show_board(None, self.live_board(), {})
            self.days.show_today()

    def take_days(self, days: Sequence[int]) -> None:
        """The past days that can be shown."""
        self.days.take_days(days)

    def take_page(self, page: DayPage) -> None:
        """Show a page of a past day."""
        board: Board[R] = Board()
        for number, row in enumerate(reversed(page.rows)):
            board.put(str(number), row)
        self._everything = page.everything
        self._show_board(page.day, board, page.instruments)
        self.days.show_page(page.day, page.page, page.total)

    def past_failed(self, text: str) -> None:
        """A past day could not be read; what was shown stays."""
        self.said.emit(text)
        if self.day is None:
            self.days.show_today()

    def _turn(self, page: int) -> None:
        if self.day is not None:
            self.days.show_loading(self.day)
            self.page_wanted.emit(self.KIND, self.day, page)

    def _show_board(self, day: int | None, board: Board[R], more: dict[str, Instrument]) -> None:
        self.day = day
        for action in self._live_actions:
            action.setEnabled(day is None)  # what was is not what is: nothing to cancel or close
        self.model.use(board, more, day)
        self.view.scrollToTop()
        self.flush()
        self._count_rows()

    # -- rows --------------------------------------------------------------------------------

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Letters typed in the table go to the filter; Esc there clears it and comes back."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if watched is self.query and event.key() == Qt.Key.Key_Escape:
                self.query.clear()
                self.view.setFocus(Qt.FocusReason.OtherFocusReason)
                return True
            plain = event.modifiers() in (
                Qt.KeyboardModifier.NoModifier,
                Qt.KeyboardModifier.ShiftModifier,
            )
            text = event.text()
            if watched is self.view and plain and text.isprintable() and text.strip():
                self.query.setFocus(Qt.FocusReason.OtherFocusReason)
                self.query.insert(text)
                return True
        return super().eventFilter(watched, event)

    def add_row_action(
        self,
        text: str,
        handler: Any,
        keys: str | QKeySequence.StandardKey = "",
        live: bool = False,
    ) -> QAction:
        """An action on the selected rows, in the context menu and by its keys.

        A `live` one trades: it is for the rows of today only.
        """
        action = QAction(text, self.view)
        if keys:
            action.setShortcut(QKeySequence(keys))
        action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        action.setAutoRepeat(False)
        action.triggered.connect(handler)
        self.view.addAction(action)
        if live:
            self._live_actions.append(action)
        return action

    def selected(self) -> list[R]:
        """The objects of the selected rows, in the order shown."""
        numbers = sorted({index.row() for index in self.view.selectionModel().selectedIndexes()})
        return [self.model.row_at(n) for n in numbers]

    def _make_view(self) -> QTableView:
        view = QTableView(self)
        view.setModel(self.model)
        view.setAccessibleName(self.TITLE)
        view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        view.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        view.setShowGrid(False)
        view.setAlternatingRowColors(True)
        view.setWordWrap(False)
        view.setTabKeyNavigation(False)
        view.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        view.verticalHeader().hide()
        view.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 6)
        header = view.horizontalHeader()
        header.setSectionsMovable(True)
        header.setHighlightSections(False)
        header.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        header.customContextMenuRequested.connect(self._on_header_menu)
        header.setSectionsClickable(True)
        header.sectionClicked.connect(self._on_header_click)
        names = [column.id for column in self.model.columns]
        for place, name in enumerate(self.FIRST):
            header.moveSection(header.visualIndex(names.index(name)), place)
        header.sectionMoved.connect(self._on_state)
        header.sectionResized.connect(self._on_state)
        for number, column in enumerate(self.model.columns):
            width = self.fontMetrics().horizontalAdvance(column.title) + 24
            header.resizeSection(number, max(width, self._usual_width(column.id)))
            view.setColumnHidden(number, column.id in self.HIDDEN)
        self._show_sort(view)
        view.doubleClicked.connect(self._on_double_click)
        return view

    def _usual_width(self, column: str) -> int:
        sample = {
            "created": "00:00:00",
            "updated": "00:00:00",
            "side": "SELL",
            "ts": "00:00:00.000",
            "venue_ts": "00:00:00.000",
            "instrument": "BTC-USD.ALPHA",
            "price": "000,000.00",
            "avg_price": "00,000.000",
            "value": "0,000,000.00",
            "cash": "00,000,000.00",
            "opening": "00,000,000.00",
            "settled": "00,000,000.00",
            "exposure": "00,000,000.00",
            "text": "A reason of a few more words than most",
            "status": "partially filled",
            "strategy": "strategy name",
        }.get(column, "00,000.0")
        return self.fontMetrics().horizontalAdvance(sample) + 16

    def _on_double_click(self, index: QModelIndex) -> None:
        row: Any = self.model.row_at(index.row())
        self.instrument_chosen.emit(row.instrument)

    def show_instrument(self) -> None:
        """Show the first selected row's instrument in all linked panels."""
        for row in self.selected()[:1]:
            self.instrument_chosen.emit(row.instrument)  # type: ignore[attr-defined]

    def copy_rows(self) -> None:
        """Put the selected rows on the clipboard as tab separated text with a header."""
        columns = self._visible_columns()
        numbers = sorted({index.row() for index in self.view.selectionModel().selectedIndexes()})
        lines = ["\t".join(self.model.columns[c].title for c in columns)]
        lines += [
            "\t".join(str(self.model.index(r, c).data() or "") for c in columns) for r in numbers
        ]
        QGuiApplication.clipboard().setText("\n".join(lines))

    # -- sorting and columns -----------------------------------------------------------------

    def _on_header_click(self, section: int) -> None:
        name = self.model.columns[section].id
        first, down = self.model.sorts[0]
        self.model.sort_by(name, not down if first == name else False)
        self._show_sort(self.view)
        self.state_changed.emit()

    def _show_sort(self, view: QTableView) -> None:
        name, down = self.model.sorts[0]
        number = [column.id for column in self.model.columns].index(name)
        order = Qt.SortOrder.DescendingOrder if down else Qt.SortOrder.AscendingOrder
        view.horizontalHeader().setSortIndicatorShown(True)
        view.horizontalHeader().setSortIndicator(number, order)

    def _on_header_menu(self, at: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for number, column in enumerate(self.model.columns):
            action = menu.addAction(column.title)
            action.setCheckable(True)
            action.setChecked(not self.view.isColumnHidden(number))
            action.setData(number)
        menu.triggered.connect(self._on_column_toggled)
        menu.popup(self.view.horizontalHeader().mapToGlobal(at))

    def _on_column_toggled(self, action: QAction) -> None:
        self.view.setColumnHidden(int(action.data()), not action.isChecked())
        self._filter()

    def _on_state(self, *_: int) -> None:
        self.state_changed.emit()

    def _visible_columns(self) -> list[int]:
        header = self.view.horizontalHeader()
        order = [header.logicalIndex(n) for n in range(header.count())]
        return [n for n in order if not self.view.isColumnHidden(n)]

    # -- filter ------------------------------------------------------------------------------

    def _on_typed(self) -> None:
        if self.model.total() > AT_ONCE:
            self._typing.start()  # a large table is searched once, when the word is complete
        else:
            self._filter()

    def _filter(self) -> None:
        self.model.set_filter(self.query.text(), self.chips.chosen, self._visible_columns())
        self._count_rows()
        self.state_changed.emit()

    def _count_rows(self) -> None:
        shown, total = self.model.rowCount(), self.model.total()
        active = bool(self.query.text() or self.chips.chosen)
        self.count.setText(f"{shown:,} of {total:,}" if active else f"{total:,}")

    # -- export ------------------------------------------------------------------------------

    def _export_menu(self) -> QMenu:
        menu = QMenu(self)
        for text, handler in (
            ("&Shown rows…", self.export_shown),
            ("Se&lected rows…", self.export_selected),
            ("&Everything…", self.export_everything),
        ):
            menu.addAction(text).triggered.connect(handler)
        return menu

    def export_shown(self) -> None:
        """Ask for a file of the rows that pass the filter, in the order and columns shown."""
        self._export(self.model.rows(), self._visible_columns())

    def export_selected(self) -> None:
        """Ask for a file of the selected rows."""
        rows = self.selected()
        if rows:
            self._export(rows, self._visible_columns())
        else:
            self.said.emit("Select the rows to export.")

    def export_everything(self) -> None:
        """Ask for a file of all rows and all columns, hidden ones too, in the order of files."""
        rows = list(self.model.board) if self.day is None else self._everything
        columns = list(self.model.columns)
        self.export_requested.emit(
            self.KIND, rows, self.as_now(columns, rows) if self.day is None else columns
        )

    def _export(self, rows: list[R], numbers: list[int]) -> None:
        columns = [self.model.columns[n] for n in numbers]
        self.export_requested.emit(self.KIND, rows, self.as_now(columns, rows))

    def as_now(self, columns: list[Column[R]], rows: list[R]) -> list[Column[R]]:
        """Columns whose values stay those of this moment, however late the file is written."""
        return columns

    # -- state -------------------------------------------------------------------------------

    def save_state(self) -> dict[str, Any]:
        """Filter, sort, columns by name."""
        header = self.view.horizontalHeader()
        columns = self.model.columns
        return {
            "query": self.query.text(),
            "chips": dict(self.chips.chosen),
            "sort": [list(s) for s in self.model.sorts],
            "order": [columns[header.logicalIndex(n)].id for n in range(len(columns))],
            "hidden": [c.id for n, c in enumerate(columns) if self.view.isColumnHidden(n)],
            "widths": {
                c.id: header.sectionSize(n)
                for n, c in enumerate(columns)
                if not self.view.isColumnHidden(n)
            },
        }

    def restore_state(self, state: dict[str, Any]) -> None:
        """Filter, sort, columns; unknown columns are passed over."""
        numbers = {column.id: n for n, column in enumerate(self.model.columns)}
        header = self.view.horizontalHeader()
        if "hidden" in state:
            for name, number in numbers.items():
                self.view.setColumnHidden(number, name in state["hidden"])
        for name, width in state.get("widths", {}).items():
            if name in numbers:
                header.resizeSection(numbers[name], int(width))
        places = [numbers[name] for name in state.get("order", []) if name in numbers]
        for place, number in enumerate(places):
            header.moveSection(header.visualIndex(number), place)
        self.model.set_sorts([(str(n), bool(d)) for n, d in state.get("sort", [])])
        self._show_sort(self.view)
        chosen = state.get("chips", {}).items()
        self.chips.set_chosen({str(k): str(v) for k, v in chosen if k in numbers})
        self.query.setText(str(state.get("query", "")))
        self._filter()

    def changeEvent(self, event: QEvent) -> None:
        """Rows follow the font's size."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange and hasattr(self, "view"):
            self.view.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 6)
