"""The balances table: each account's money by currency, and what today did to it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from core.model.enums import TradingState
from core.model.orders import Balance
from core.model.tables import BALANCES, Value
from widgets.blotter.model import BlotterModel
from widgets.blotter.panel import BlotterPanel
from widgets.theme import tokens


class BalancesPanel(BlotterPanel[Balance]):
    """Accounts and currencies."""

    KIND: ClassVar[str] = "balances"
    TITLE: ClassVar[str] = "Balances"
    EVERY: ClassVar[int] = 6  # open profit moves with every price; nobody trades from this table
    CHIPS = ("account", "currency", "state")
    HIDDEN = ("settled", "reason", "updated")

    def make_model(self) -> BlotterModel[Balance]:
        """Balances by account."""
        self._held: set[str] = set()
        return BlotterModel(
            self.stores,
            self.stores.balances,
            BALANCES.columns,
            ("account", False),
            lambda balance: 0,
            colour,
            self,
        )

    def make_actions(self) -> None:
        """Copy."""
        self.add_row_action("C&opy", self.view.copy_rows, "Ctrl+C")

    def wants(self) -> dict[str, set[Any]]:
        """Quotes of everything held."""
        return {"quotes": {p.instrument for p in self.stores.positions if p.qty}}

    def flush(self) -> None:
        """Reckon anew, and ask for quotes of what is newly held."""
        self.model.board = self.stores.balances  # asking for it brings it up to date
        super().flush()
        held = self.wants()["quotes"]
        if held != self._held:
            self._held = held
            self.subscription_changed.emit()


def colour(balance: Balance, column: str, value: Value) -> Any:
    """Gains and losses in their colours (their sign says it too); a shut account stands out."""
    t = tokens()
    if column in ("state", "reason") and balance.state is not TradingState.ACTIVE:
        return t.danger if balance.state is TradingState.HALTED else t.warning
    if isinstance(value, Decimal) and column in ("open_profit", "realised") and value:
        return t.up if value > 0 else t.down
    return None
