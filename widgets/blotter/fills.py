"""The fills table."""

from __future__ import annotations

from typing import Any, ClassVar

from PySide6.QtCore import Qt

from core.client.board import Board
from core.model.enums import Side
from core.model.orders import Fill
from core.model.tables import FILLS, Value
from widgets.blotter.model import BlotterModel, Index
from widgets.blotter.panel import BlotterPanel
from widgets.colors import mix
from widgets.theme import tokens


class FillsModel(BlotterModel[Fill]):
    """Fills, some of them marked because the pointer is on them elsewhere."""

    marked: frozenset[str] = frozenset()

    def mark(self, keys: frozenset[str]) -> list[int]:
        """Mark these fills and no others; returns the rows in which they are shown, sorted."""
        changed = self.marked ^ keys
        self.marked = keys
        last = len(self.columns) - 1
        for row in (self.find(key) for key in changed):
            if row >= 0:
                self.dataChanged.emit(
                    self.index(row, 0), self.index(row, last), [Qt.ItemDataRole.BackgroundRole]
                )
        return sorted(row for key in keys if (row := self.find(key)) >= 0)

    def data(self, index: Index, role: int = 0) -> Any:
        """As usual; marked rows have a ground of their own."""
        if role == Qt.ItemDataRole.BackgroundRole:
            if self.marked and self.line_at(index.row()).key in self.marked:
                t = tokens()
                return mix(t.accent, t.panel, 0.35)
            return None
        return super().data(index, role)


class FillsPanel(BlotterPanel[Fill]):
    """Every execution, newest first."""

    KIND: ClassVar[str] = "fills"
    TITLE: ClassVar[str] = "Fills"
    CHIPS = ("side", "instrument", "strategy", "account", "liquidity")
    TIME = "ts"
    HIDDEN = ("venue_ts", "currency", "trader", "exec_id", "cl_ord_id", "kind", "ref", "leg")

    PAST = True

    def live_board(self) -> Board[Fill]:
        """Today's."""
        return self.stores.fills

    def make_model(self) -> BlotterModel[Fill]:
        """Fills, newest first."""
        return FillsModel(
            self.stores, self.stores.fills, FILLS.columns, ("ts", True), lambda f: 0, colour, self
        )

    def mark_fills(self, keys: frozenset[str]) -> None:
        """Show which rows these fills are, and bring the first in sight."""
        model = self.model
        if isinstance(model, FillsModel):
            rows = model.mark(keys if self.day is None else frozenset())
            if rows and not self.view.viewport().underMouse():
                self.view.scrollTo(model.index(rows[0], 0))

    def make_actions(self) -> None:
        """Chart, story of the order, copy."""
        self.add_row_action("&Show instrument", self.show_instrument, "Return")
        self.add_row_action("Order s&tory", self.show_story, "Ctrl+T")
        self.add_row_action("C&opy", self.view.copy_rows, "Ctrl+C")

    def show_story(self) -> None:
        """Tell the story of the first selected fill's order."""
        for fill in self.selected()[:1]:
            self.story_requested.emit(fill.cl_ord_id)


def colour(fill: Fill, column: str, value: Value) -> Any:
    """Sides in their colours."""
    if column == "side":
        return tokens().bid if fill.side is Side.BUY else tokens().ask
    return None
