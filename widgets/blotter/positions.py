"""The positions table: live profit, close and reverse from the row."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any, ClassVar

from msgspec.structs import replace

from core.client.board import Board
from core.client.stores import position_key
from core.model.commands import Flatten, NewOrder
from core.model.enums import OrdType, PositionEffect, Side, TimeInForce
from core.model.orders import Position
from core.model.tables import POSITIONS, Column, Value
from widgets.blotter.model import BlotterModel
from widgets.blotter.panel import BlotterPanel
from widgets.theme import tokens
from widgets.words import order_sentence

LIVE = ("mark", "open_profit", "profit")


class PositionsPanel(BlotterPanel[Position]):
    """Positions of accounts, net or by legs, and the parts that strategies hold."""

    KIND: ClassVar[str] = "positions"
    TITLE: ClassVar[str] = "Positions"
    CHIPS = ("instrument", "strategy", "account")
    HIDDEN = ("bought", "sold", "currency", "updated", "cost", "leg")

    PAST = True

    def live_board(self) -> Board[Position]:
        """Today's."""
        return self.stores.positions

    def make_model(self) -> BlotterModel[Position]:
        """Positions; flat ones below. Prices and profit of the moment are added to the table."""
        self._prices = -1
        self._legs = False
        table = POSITIONS.columns
        live: tuple[Column[Position], ...] = (
            Column("mark", "Mark", self._mark, "the price to close at, else the last"),
            Column("open_profit", "Open P&L", self._open_profit),
            Column("profit", "P&L", self._profit, "closed and open, after fees"),
        )
        return BlotterModel(
            self.stores,
            self.stores.positions,
            # what a trader looks at most stands where it is seen in a narrow panel, too
            (*table[:2], table[-1], *table[3:5], *live, table[2], *table[5:-1]),
            ("instrument", False),
            lambda p: (2 if p.strategy else 0) + (0 if p.qty or self._hedged(p) else 1),
            colour,
            self,
        )

    def make_actions(self) -> None:
        """Close, reverse, chart, copy."""
        self.close_action = self.add_row_action(
            "&Close position", self.close_position, "Del", live=True
        )
        self.reverse_action = self.add_row_action(
            "&Reverse position", self.reverse, "Ctrl+R", live=True
        )
        self.add_row_action("&Show instrument", self.show_instrument, "Return")
        self.add_row_action("C&opy", self.view.copy_rows, "Ctrl+C")
        self.view.selectionModel().selectionChanged.connect(self._describe)

    def wants(self) -> dict[str, set[Any]]:
        """Quotes of everything held."""
        return {"quotes": {p.instrument for p in self.stores.positions if p.qty}}

    def also_changed(self) -> list[str]:
        """Held positions whose market moved."""
        tickers = self.stores.tickers
        if tickers.version == self._prices:
            return []
        moved = set(tickers.changed_since(self._prices))
        self._prices = tickers.version
        return [_key(p) for p in self.stores.positions if p.qty and p.instrument in moved]

    def flush(self) -> None:
        """Ask for quotes of what is newly held."""
        before = self.model.total()
        if not self._legs and any(a.hedging for a in self.stores.accounts):
            self._legs = True
            self.view.setColumnHidden([c.id for c in self.model.columns].index("leg"), False)
        super().flush()
        if self.model.total() != before:
            self.subscription_changed.emit()

    def as_now(
        self, columns: list[Column[Position]], rows: list[Position]
    ) -> list[Column[Position]]:
        """Prices and profits as they are now."""
        return [self._still(c, rows) if c.id in LIVE else c for c in columns]

    def _still(self, column: Column[Position], rows: list[Position]) -> Column[Position]:
        known = self.stores.instruments
        values: dict[str, Value] = {}
        for p in rows:
            instrument = known.get(p.instrument)
            if instrument is not None:
                values[_key(p)] = column.value(p, instrument)
        return column._replace(value=lambda p, _instrument: values.get(_key(p)))

    def close_position(self) -> None:
        """Cancel the orders and close the position of each selected row."""
        for p in self.selected():
            if p.qty or self._hedged(p):
                self.requested.emit(
                    Flatten(
                        self.ids.next(),
                        p.account,
                        p.instrument,
                        p.strategy,
                        ts=time.time_ns(),
                        leg=p.leg,
                    )
                )

    def reverse(self) -> None:
        """Turn the first selected position round at the market: by an order of twice its size, or
        where legs stand apart by closing it and opening as much on the other side."""
        orders = self._reversal()
        if not orders:
            legs = any(self._hedged(p) for p in self.selected())
            self.said.emit(f"Select a {'leg' if legs else 'position'} to reverse it.")
        for order in orders:
            self.requested.emit(order)

    def _reversal(self) -> list[NewOrder]:
        held = next((p for p in self.selected() if p.qty), None)
        if held is None:
            return []
        order = NewOrder(
            self.ids.next(),
            held.account,
            held.instrument,
            Side.SELL if held.qty > 0 else Side.BUY,
            OrdType.MARKET,
            2 * abs(held.qty),
            tif=TimeInForce.IOC,
            strategy=held.strategy,
            ts=time.time_ns(),
        )
        if not self.stores.hedging(held.account):
            return [order]
        if not held.leg:
            return []  # its legs are turned round one by one
        order = replace(order, qty=abs(held.qty), position_effect=PositionEffect.CLOSE)
        other = replace(order, cl_ord_id=self.ids.next(), position_effect=PositionEffect.OPEN)
        return [order, other]

    def _describe(self) -> None:
        orders = self._reversal()
        instrument = self.stores.instruments.get(orders[0].instrument) if orders else None
        text = ", ".join(order_sentence(o, instrument) for o in orders) if instrument else ""
        self.reverse_action.setToolTip(text)
        self.reverse_action.setText(f"&Reverse position: {text}" if text else "&Reverse position")

    def _hedged(self, p: Position) -> bool:
        """Is it the net of legs that are not flat, whatever it is itself?"""
        return p.whole and bool(self.stores.held_in(p.account, p.instrument))

    def _mark(self, position: Position, instrument: Any) -> Value:
        ticker = self.stores.tickers.get(position.instrument)
        if ticker is None or self.day is not None:
            return None
        ticks = ticker.bid if position.qty > 0 else ticker.ask if position.qty < 0 else 0
        return instrument.price(ticks or ticker.last) if ticks or ticker.last else None

    def _open_profit(self, position: Position, _instrument: Any) -> Value:
        return self.stores.open_profit(position) if self.day is None else None

    def _profit(self, position: Position, _instrument: Any) -> Value:
        if self.day is not None:
            return None
        closed = self.stores.realised_profit(position)
        opened = self.stores.open_profit(position)
        return None if closed is None or opened is None else closed + opened


def _key(p: Position) -> str:
    return position_key(p.account, p.instrument, p.strategy, p.leg)


def colour(position: Position, column: str, value: Value) -> Any:
    """Gains and losses in their colours (their sign says it too); flat rows are dim."""
    t = tokens()
    if isinstance(value, Decimal) and column in ("open_profit", "profit", "realised") and value:
        return t.up if value > 0 else t.down
    return None if position.qty else t.dim
