"""The order story panel: one order, step by step, growing while it is open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from PySide6.QtCore import (
    QAbstractTableModel,
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QAction, QGuiApplication, QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QLabel,
    QTableView,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from core.client.stores import Stores
from core.model.enums import OrdStatus
from core.model.ids import IdMaker
from core.model.instruments import Instrument
from core.model.orders import OrderUpdate
from core.model.tables import NO_INSTRUMENT
from widgets.panel import Panel
from widgets.story.steps import COLUMNS, NUMBERS, as_block, cells, merged
from widgets.theme import tokens
from widgets.words import STATUS_WORDS, order_sentence

Index = QModelIndex | QPersistentModelIndex
ROOT = QModelIndex()
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_SAMPLES = (
    "Pending replace",
    "pending replace",
    "00:00:00.000000",
    "00:00:00.000000",
    "0,000.000",
    "0,000.000",
    "000,000.00",
    "000,000.00",
    "000,000.00",
    "user trader",
)


class StoryModel(QAbstractTableModel):
    """The steps of one story."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.story: list[OrderUpdate] = []
        self._rows: list[tuple[str, ...]] = []

    def show(self, story: Sequence[OrderUpdate], instrument: Instrument) -> None:
        """Show this story; steps that only came on at its end are added there."""
        known = len(self.story)
        if (
            known
            and known < len(story)
            and all(a is b for a, b in zip(self.story, story, strict=False))
        ):
            self.beginInsertRows(ROOT, known, len(story) - 1)
            self._add(story[known:], instrument)
            self.endInsertRows()
        else:
            self.beginResetModel()
            self.story, self._rows = [], []
            self._add(story, instrument)
            self.endResetModel()

    def _add(self, steps: Sequence[OrderUpdate], instrument: Instrument) -> None:
        for step in steps:
            before = self.story[-1] if self.story else None
            self._rows.append(cells(step, before, instrument))
            self.story.append(step)

    def rowCount(self, parent: Index = ROOT) -> int:
        """Steps."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = ROOT) -> int:
        """Qt asks how many."""
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:
        """Titles, and what they mean."""
        if orientation == Qt.Orientation.Horizontal:
            if role == Qt.ItemDataRole.DisplayRole:
                return COLUMNS[section][0]
            if role == Qt.ItemDataRole.ToolTipRole:
                return COLUMNS[section][1]
        return None

    def data(self, index: Index, role: int = 0) -> Any:
        """A cell's text, side and colour; the tool tip has what does not fit."""
        column = index.column()
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return self._rows[index.row()][column]
        if role == Qt.ItemDataRole.TextAlignmentRole and column in NUMBERS:
            return int(_RIGHT)
        if role == Qt.ItemDataRole.ForegroundRole:
            status = self.story[index.row()].order.status
            if status is OrdStatus.REJECTED:
                return tokens().danger
            if status is OrdStatus.UNKNOWN:
                return tokens().warning
        return None


class StoryPanel(Panel):
    """What happened to one order.

    Signals:
        past_wanted(str): the order (its cl_ord_id) whose recorded steps are wanted; they are
            answered with `take_past`.
    """

    KIND: ClassVar[str] = "story"
    TITLE: ClassVar[str] = "Order story"

    past_wanted = Signal(str)

    def __init__(self, stores: Stores, _ids: IdMaker, parent: QWidget | None = None) -> None:
        super().__init__(stores, parent)
        self.order = ""
        self._past: list[OrderUpdate] = []
        self._told: Instrument | None = None
        self._seen: tuple[object, ...] = ()
        self.model = StoryModel(self)
        self.title = QLabel(self)
        self.title.setWordWrap(True)
        self.title.setAccessibleName("The order")
        self.title.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.copy_button = QToolButton(self)
        self.copy_button.setText("&Copy")
        self.copy_button.setAccessibleName("Copy the whole story")
        self.copy_button.setToolTip("The whole story as one text (Ctrl+C)")
        self.copy_button.clicked.connect(self.copy_story)
        self.view = self._make_view()
        top = QHBoxLayout()
        top.setContentsMargins(6, 4, 6, 2)
        top.addWidget(self.title, 1)
        top.addWidget(self.copy_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(top)
        layout.addWidget(self.view)
        self.setFocusProxy(self.view)
        self._refresh()

    def show_order(self, order: str) -> None:
        """Tell the story of an order (its cl_ord_id)."""
        if order != self.order:
            self.order = order
            self._past, self._told, self._seen = [], None, ()
            self._refresh()
            self.state_changed.emit()
        if order:
            self.past_wanted.emit(order)

    def take_past(self, order: str, steps: Sequence[OrderUpdate], instrument: Instrument) -> None:
        """The recorded steps of an order; passed over when another one is shown by now."""
        if order == self.order and steps:
            self._past, self._told, self._seen = list(steps), instrument, ()
            self._refresh()

    def sizeHint(self) -> QSize:
        """Room for all columns and for the steps of most orders."""
        return QSize(
            self.fontMetrics().horizontalAdvance("0") * 150, self.fontMetrics().height() * 18
        )

    def flush(self) -> None:
        """Take in new steps."""
        live = self.stores.stories.get(self.order, [])
        if (len(live), live[-1] if live else None) != self._seen:
            self._refresh()

    def story(self) -> list[OrderUpdate]:
        """All steps that are known, oldest first."""
        return merged(self._past, self.stores.stories.get(self.order, []))

    def copy_story(self) -> None:
        """Put the whole story on the clipboard as one text with exact values."""
        story, instrument = self.story(), self._instrument()
        if story and instrument is not None:
            QGuiApplication.clipboard().setText(as_block(story, instrument))
            self.said.emit("The order's story is on the clipboard.")
        else:
            self.said.emit("There is no story to copy; double click an order.")

    def save_state(self) -> dict[str, Any]:
        """The order."""
        return {"order": self.order}

    def restore_state(self, state: dict[str, Any]) -> None:
        """The order."""
        self.show_order(str(state.get("order", "")))

    def changeEvent(self, event: QEvent) -> None:
        """Rows follow the font's size."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange and hasattr(self, "view"):
            self._size(self.view)

    def _instrument(self) -> Instrument | None:
        story = self.story()
        known = self.stores.instruments.get(story[-1].order.instrument) if story else None
        return known if known is not None else self._told

    def _refresh(self) -> None:
        live = self.stores.stories.get(self.order, [])
        self._seen = (len(live), live[-1] if live else None)
        story, instrument = self.story(), self._instrument()
        if not story or instrument is None:
            nothing = f"Nothing is known of the order {self.order}."
            self.title.setText(nothing if self.order else "Double click an order to see its story.")
            self.model.show([], NO_INSTRUMENT)
            return
        order = story[-1].order
        self.title.setText(
            f"{order_sentence(order, instrument)} · {STATUS_WORDS[order.status]} · {order.account}"
            f" · {order.cl_ord_id}"
        )
        self.model.show(story, instrument)

    def _make_view(self) -> QTableView:
        view = QTableView(self)
        view.setModel(self.model)
        view.setAccessibleName("Steps of the order")
        view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        view.setShowGrid(False)
        view.setAlternatingRowColors(True)
        view.setWordWrap(False)
        view.setTabKeyNavigation(False)
        view.verticalHeader().hide()
        view.horizontalHeader().setStretchLastSection(True)
        view.horizontalHeader().setHighlightSections(False)
        self._size(view)
        copy = QAction("&Copy the story", view)
        copy.setShortcut(QKeySequence(QKeySequence.StandardKey.Copy))
        copy.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        copy.triggered.connect(self.copy_story)
        view.addAction(copy)
        view.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        return view

    def _size(self, view: QTableView) -> None:
        metrics = self.fontMetrics()
        view.verticalHeader().setDefaultSectionSize(metrics.height() + 6)
        for column, sample in enumerate(_SAMPLES):  # what is left is the text's
            width = max(metrics.horizontalAdvance(t) for t in (sample, COLUMNS[column][0]))
            view.horizontalHeader().resizeSection(column, width + 12)
