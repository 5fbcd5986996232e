"""An order that only soft rules spoke against: the same click again, after a while, sends it.

Not by accident: the second click must be a new one that begins no sooner than `SOONEST` after the
question was shown, in the same cell, for the same order. No Qt.
"""

from __future__ import annotations

from core.model.commands import NewOrder
from core.model.denials import may_confirm
from core.model.enums import Side
from core.model.orders import Order
from widgets.ladder.wish import Wish

SOONEST = 500_000_000
"""A click that began this soon (ns) after the question is no answer: a double click, a bounce."""

LATEST = 2_000_000_000
"""How long (ns) the question stands."""


class Question:
    """The one order that waits for the trader's word, if any.

    Attributes:
        price: its row in ticks; 0 while there is none.
        text: what is shown there.
        buy: is the order a buy?
    """

    def __init__(self) -> None:
        self.price = 0
        self.text = ""
        self.buy = True
        self._order: NewOrder | None = None
        self._bracket = False
        self._codes: tuple[str, ...] = ()
        self._shown = 0

    def ask(self, command: NewOrder, order: Order, bracket: bool, now: int) -> bool:
        """Ask about a refused order, if a person may confirm it; False: nobody may."""
        if not may_confirm(order.code, order.text) or order.code in command.confirmed:
            return False
        self._order, self._bracket, self._shown = command, bracket, now
        self._codes = (*command.confirmed, order.code)
        self.price = command.price or command.stop_price
        self.text = f"{order.code}: click again to send"
        self.buy = command.side is Side.BUY
        return True

    def drop(self) -> None:
        """Nothing is asked any more."""
        self.price, self.text, self._order, self._codes = 0, "", None, ()

    def settle(self, now: int) -> None:
        """The time for an answer may be over."""
        if self._order is not None and not 0 <= now - self._shown <= LATEST:
            self.drop()

    def about(self, order: NewOrder, wish: Wish) -> bool:
        """Is this click about the order that is asked about?"""
        asked = self._order
        return (
            asked is not None
            and self._bracket is wish.bracket
            and (asked.account, asked.instrument, asked.side, asked.ord_type, asked.tif)
            == (order.account, order.instrument, order.side, order.ord_type, order.tif)
            and (asked.qty, asked.price, asked.stop_price)
            == (order.qty, order.price, order.stop_price)
        )

    def too_soon(self, wish: Wish) -> bool:
        """Did the click begin before anybody could have read the question?"""
        return wish.at - self._shown < SOONEST

    def take(self) -> tuple[str, ...]:
        """The codes that the trader confirms by this click; the question is answered."""
        codes = self._codes
        self.drop()
        return codes
