"""The ladder's brackets: what Alt+click adds to an order, and the window to change it in."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from core.client.stores import Stores
from core.model.commands import NewOrder, NewOrderList
from core.model.enums import OrdType, Side
from core.model.ids import IdMaker
from core.model.instruments import Instrument
from core.model.session import Ticker
from widgets.brackets import (
    Bracket,
    bracket_list,
    bracket_words,
    exits_of,
    exits_words,
    risk_reward,
    risk_words,
)
from widgets.ladder.bars import TopBar
from widgets.ladder.bracketpopup import BracketPopup
from widgets.presets import BracketPresets


class BracketDesk(QObject):
    """Puts the bracket in use around an order.

    Attributes:
        presets: all named brackets.

    Signals:
        changed(): something that is saved has changed.
    """

    changed = Signal()

    def __init__(self, stores: Stores, ids: IdMaker, top: TopBar, parent: QWidget) -> None:
        super().__init__(parent)
        self.presets = BracketPresets()
        self._stores = stores
        self._ids = ids
        self._top = top
        self._popup: BracketPopup | None = None

    def show(self, instrument: Instrument) -> None:
        """Show which bracket is in use."""
        _, bracket = self.presets.current(instrument)
        words = bracket_words(bracket, instrument.currency)
        self._top.show_bracket(
            f"Alt {words.replace(' / ', '/')}",  # it is narrow there
            f"Alt+click adds the bracket “{bracket.name}”: {words}. Click to change it.",
        )

    def around(
        self, entry: NewOrder, instrument: Instrument, ticker: Ticker | None
    ) -> NewOrderList | str:
        """The entry with its stop and target, or a sentence why it can have none."""
        _, bracket = self.presets.current(instrument)
        exits = exits_of(entry, bracket, instrument, ticker)
        if isinstance(exits, str):
            return exits
        return bracket_list(entry, exits, instrument, self._ids.next)

    def edit(self, instrument: Instrument) -> None:
        """Open the window in which brackets are named and changed; once open, it comes forward."""
        if self._popup is not None and self._popup.isVisible():
            self._popup.raise_()
            self._popup.activateWindow()
            return
        self.close_popup()

        def tell(bracket: Bracket) -> str:
            return self._meaning(bracket, instrument)

        popup = BracketPopup(self.presets, instrument, tell, self._top)
        popup.changed.connect(self.changed)
        popup.destroyed.connect(self._gone)
        self._popup = popup
        button = self._top.bracket
        popup.open_at(button.mapToGlobal(button.rect().bottomLeft()))

    def close_popup(self) -> None:
        """Close the window, if it is open."""
        popup, self._popup = self._popup, None
        if popup is not None:
            popup.destroyed.disconnect(self._gone)  # it goes later, when another may be open
            popup.close()

    def _meaning(self, bracket: Bracket, instrument: Instrument) -> str:
        """What the bracket is for a buy of the first size at the bid now."""
        ticker = self._stores.tickers.get(instrument.id)
        lots = self._top.size_of(False)
        if ticker is None or not ticker.bid or not lots:
            return "no price or size now to show it by."
        entry = NewOrder("", "", instrument.id, Side.BUY, OrdType.LIMIT, lots, price=ticker.bid)
        exits = exits_of(entry, bracket, instrument, ticker)
        if isinstance(exits, str):
            return exits
        risk = risk_words(*risk_reward(entry, exits, instrument, ticker), instrument.currency)
        return f"a buy at the bid gets {exits_words(exits, instrument)} ({risk})."

    def _gone(self) -> None:
        self._popup = None
