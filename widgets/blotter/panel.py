"""What the blotter's panels share: filter line, chips, past days, row actions, export."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from PySide6.QtCore import QEvent, QModelIndex, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
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
from widgets.blotter.table import BlotterTable
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
        self.view = BlotterTable(self.model, self.HIDDEN, self.FIRST, self)
        self.view.setAccessibleName(self.TITLE)
        self.view.columns_chosen.connect(self._filter)
        self.view.arranged.connect(self.state_changed)
        self.view.doubleClicked.connect(self._on_double_click)
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
        return [self.model.row_at(n) for n in self.view.selected()]

    def _on_double_click(self, index: QModelIndex) -> None:
        row: Any = self.model.row_at(index.row())
        self.instrument_chosen.emit(row.instrument)

    def show_instrument(self) -> None:
        """Show the first selected row's instrument in all linked panels."""
        for row in self.selected()[:1]:
            self.instrument_chosen.emit(row.instrument)  # type: ignore[attr-defined]

    # -- filter ------------------------------------------------------------------------------

    def _on_typed(self) -> None:
        if self.model.total() > AT_ONCE:
            self._typing.start()  # a large table is searched once, when the word is complete
        else:
            self._filter()

    def _filter(self) -> None:
        self.model.set_filter(self.query.text(), self.chips.chosen, self.view.visible_columns())
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
        self._export(self.model.rows(), self.view.visible_columns())

    def export_selected(self) -> None:
        """Ask for a file of the selected rows."""
        rows = self.selected()
        if rows:
            self._export(rows, self.view.visible_columns())
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
        return {
            "query": self.query.text(),
            "chips": dict(self.chips.chosen),
            **self.view.save_state(),
        }

    def restore_state(self, state: dict[str, Any]) -> None:
        """Filter, sort, columns; unknown columns are passed over."""
        self.view.restore_state(state)
        known = {column.id for column in self.model.columns}
        chosen = state.get("chips", {}).items()
        self.chips.set_chosen({str(k): str(v) for k, v in chosen if k in known})
        self.query.setText(str(state.get("query", "")))
        self._filter()
