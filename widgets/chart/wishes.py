"""What the trader asks for on the chart: changes and cancels of orders, drafts, the menu."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QMenu

from core.model.commands import CancelOrder, NewOrder, ReplaceOrder
from core.model.enums import OrdType, Side, Source, TimeInForce
from widgets.chart.marks import movable, refusal
from widgets.kinds import moved_to
from widgets.words import format_price

if TYPE_CHECKING:
    from widgets.chart.panel import ChartPanel

_RESTING = (TimeInForce.GTC, TimeInForce.DAY)


class Wishes:
    """Turns what was asked for on a chart into requests of its panel, or into a sentence."""

    def __init__(self, panel: ChartPanel) -> None:
        self._panel = panel

    def move(self, pairs: Sequence[tuple[str, str]], price: int) -> None:
        """Change the price of orders, given as pairs of a command's id and the order."""
        panel = self._panel
        instrument = panel.stores.instruments.get(panel.instrument)
        changes: list[ReplaceOrder] = []
        wrong = "Not moved: the order is no longer working."
        for command, name in pairs:
            order = panel.stores.orders.get(name)
            if order is None or instrument is None or not order.working:
                continue  # filled during the drag; the others move
            ticker = panel.stores.tickers.get(panel.instrument)
            wrong = movable(order) or refusal(order, price, instrument, ticker)
            if panel.sent.change_of(name) is not None:
                wrong = "This order has a change under way; wait for the venue's answer."
            if wrong:
                break
            limit, stop = moved_to(order, price)
            now = panel.clock.wall()
            changes.append(ReplaceOrder(command, name, order.qty, limit, ts=now, stop_price=stop))
        if wrong:
            panel.said.emit(wrong)
            return
        for change in changes:
            panel.sent.add(change, panel.stores, panel.clock.monotonic())
            panel.requested.emit(change)
        panel.flush()

    def cancel(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Cancel orders, given as pairs of a command's id and the order."""
        panel = self._panel
        for command, name in pairs:
            order = panel.stores.orders.get(name)
            if order is None or not order.working:
                continue
            if isinstance(panel.sent.change_of(name), CancelOrder):
                continue
            cancel = CancelOrder(command, name, ts=panel.clock.wall())
            panel.sent.add(cancel, panel.stores, panel.clock.monotonic())
            panel.requested.emit(cancel)
        panel.flush()

    def draft(self, side: Side | None, price: int, kind: OrdType = OrdType.LIMIT) -> None:
        """Offer the ticket an order at a price; without a side, the one that would rest there."""
        panel = self._panel
        instrument = panel.stores.instruments.get(panel.instrument)
        series = panel.view.sheet.series
        if instrument is None or price <= 0 or series is None or not len(series):
            panel.said.emit("There is no price here to draft an order at.")
            return
        if side is None:
            side = Side.BUY if price <= int(series.close[-1]) else Side.SELL
        tif = next((tif for tif in _RESTING if tif in instrument.tifs), TimeInForce.GTC)
        panel.draft_offered.emit(
            NewOrder(
                cl_ord_id="",
                account=panel.account,
                instrument=instrument.id,
                side=side,
                ord_type=kind,
                qty=0,
                price=price if kind is OrdType.LIMIT else 0,
                stop_price=price if kind is OrdType.STOP else 0,
                tif=tif,
                source=Source.USER,
                ts=panel.clock.wall(),
            )
        )

    def show_menu(self, at: QPoint, price: int) -> None:
        """Offer orders at a price and places to go."""
        panel = self._panel
        instrument = panel.stores.instruments.get(panel.instrument)
        menu = QMenu(panel)
        if instrument is not None and price > 0:
            shown = format_price(price, instrument)
            for kind, word in ((OrdType.LIMIT, "limit"), (OrdType.STOP, "stop")):
                if kind not in instrument.order_types:
                    continue
                for side, verb in ((Side.BUY, "Buy"), (Side.SELL, "Sell")):
                    action = menu.addAction(f"Draft: {verb} {word} @ {shown}")
                    action.setData(("draft", side, price, kind))
            menu.addSeparator()
        for text, name in (
            ("Jump to &now\tEnd", "now"),
            ("&Oldest bars\tHome", "home"),
            ("&Fit prices", "fit"),
            ("Usual &width of bars", "width"),
        ):
            menu.addAction(text).setData((name,))
        menu.triggered.connect(self._on_menu)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(at)

    def _on_menu(self, action: Any) -> None:
        panel = self._panel
        what, *rest = action.data()
        if what == "draft":
            self.draft(*rest)
        elif what == "now":
            panel.view.go_now()
        elif what == "home":
            panel.view.go_home()
        elif what == "fit":
            panel.view.reset_prices()
        elif what == "width":
            panel.view.sheet.window.reset()
            panel.view.redraw()
            panel.flush_moved()
