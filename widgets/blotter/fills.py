"""The fills table."""

from __future__ import annotations

from typing import Any, ClassVar

from core.client.board import Board
from core.model.enums import Side
from core.model.orders import Fill
from core.model.tables import FILLS, Value
from widgets.blotter.model import BlotterModel
from widgets.blotter.panel import BlotterPanel
from widgets.theme import tokens


class FillsPanel(BlotterPanel[Fill]):
    """Every execution, newest first."""

    KIND: ClassVar[str] = "fills"
    TITLE: ClassVar[str] = "Fills"
    CHIPS = ("side", "instrument", "strategy", "account", "liquidity")
    TIME = "ts"
    HIDDEN = ("venue_ts", "currency", "trader", "exec_id", "cl_ord_id", "kind", "ref")

    PAST = True

    def live_board(self) -> Board[Fill]:
        """Today's."""
        return self.stores.fills

    def make_model(self) -> BlotterModel[Fill]:
        """Fills, newest first."""
        return BlotterModel(
            self.stores, self.stores.fills, FILLS.columns, ("ts", True), lambda f: 0, colour, self
        )

    def make_actions(self) -> None:
        """Chart, story of the order, copy."""
        self.add_row_action("&Show instrument", self.show_instrument, "Return")
        self.add_row_action("Order s&tory", self.show_story, "Ctrl+T")
        self.add_row_action("C&opy", self.copy_rows, "Ctrl+C")

    def show_story(self) -> None:
        """Tell the story of the first selected fill's order."""
        for fill in self.selected()[:1]:
            self.story_requested.emit(fill.cl_ord_id)


def colour(fill: Fill, column: str, value: Value) -> Any:
    """Sides in their colours."""
    if column == "side":
        return tokens().bid if fill.side is Side.BUY else tokens().ask
    return None
