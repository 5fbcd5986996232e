"""The chart panel: bars of one instrument, own orders on them, drafts from a click."""

from __future__ import annotations

import time
from typing import Any

from PySide6.QtCore import QEvent, QRect, Signal
from PySide6.QtGui import QColor, QResizeEvent
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from core.client.stores import Stores, fill_key
from core.model.enums import Side
from core.model.ids import IdMaker
from core.model.instruments import Instrument
from core.model.intervals import parse_interval
from core.model.orders import Fill
from widgets.chart.axes import Tag
from widgets.chart.fills import FillBook, group_fills
from widgets.chart.legend import bar_sentence, bar_words, short_quantity
from widgets.chart.loader import BarLoader, Change
from widgets.chart.marks import make_marks
from widgets.chart.sheet import Kind
from widgets.chart.toolbar import Toolbar
from widgets.chart.tradelayers import Held
from widgets.chart.view import ChartView
from widgets.chart.wishes import Wishes
from widgets.clock import Clock
from widgets.freshness import Freshness
from widgets.modeframe import ModeFrame
from widgets.panel import Panel
from widgets.sent import Sent
from widgets.words import format_average, format_money, format_qty

_DESCRIBE_SECONDS = 1.0


class ChartPanel(Panel):
    """Shows bars and asks for drafts, changes and cancels of orders.

    `ids` makes the ids of commands, at mouse-down.

    Signals:
        older_wished(object): a `core.model.session.OlderBars` for the engine.
        fills_pointed(object): keys of the fills under the pointer; empty when it left them.
    """

    older_wished = Signal(object)
    fills_pointed = Signal(object)

    KIND = "chart"
    EVERY = 2  # thirty times a second; panning, zooming and dragging paint at once by themselves
    TITLE = "Chart"

    def __init__(
        self,
        stores: Stores,
        ids: IdMaker,
        parent: QWidget | None = None,
        clock: Clock | None = None,
    ) -> None:
        super().__init__(stores, parent)
        self.clock = clock or Clock()
        self.fresh = Freshness(self.clock)
        self.sent = Sent()
        self.view = ChartView(ids, self)
        self.toolbar = Toolbar("1m", self)
        self.now_button = QPushButton("Jump to &now", self.view)
        self.now_button.setAccessibleName("Jump to now")
        self.now_button.setToolTip("Show the newest bar and follow it (End).")
        self.now_button.hide()
        self.frame = ModeFrame(stores.known_mode, self)
        self.frame.body.setContentsMargins(2, 2, 2, 2)
        self.frame.body.setSpacing(0)
        self.frame.body.addWidget(self.toolbar)
        self.frame.body.addWidget(self.view, 1)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(self.frame)
        self.setFocusProxy(self.view)
        self.setTabOrder(self.toolbar, self.view)
        self._interval = self.toolbar.interval
        self.loader = BarLoader(self.view, self.older_wished.emit)
        self.wishes = Wishes(self)
        self._fills = FillBook()
        self._trade_key: tuple[object, ...] = ()
        self._last_key: tuple[object, ...] = ()
        self._scale_key: tuple[object, ...] = ()
        self._described = 0.0
        self._connect()
        self.view.setAccessibleName("Price chart")

    def _connect(self) -> None:
        view, bar = self.view, self.toolbar
        view.moved.connect(self.flush_moved)
        view.pointed.connect(self._on_pointed)
        view.move_wished.connect(self.wishes.move)
        view.cancel_wished.connect(self.wishes.cancel)
        view.draft_wished.connect(self.wishes.draft)
        view.menu_wished.connect(self.wishes.show_menu)
        view.typed.connect(bar.begin_interval)
        view.hinted.connect(self.said)
        view.fills_pointed.connect(self._on_fills_pointed)
        bar.interval_chosen.connect(self.set_interval)
        bar.kind_chosen.connect(self.set_kind)
        bar.curves_changed.connect(self._on_curves)
        bar.pin_toggled.connect(self._on_pin)
        bar.hinted.connect(self.said)
        bar.left.connect(view.setFocus)
        self.now_button.clicked.connect(view.go_now)

    # -- what the window calls ---------------------------------------------------------------

    @property
    def interval(self) -> str:
        """The interval shown, as text."""
        return self._interval

    def set_instrument(self, instrument: str) -> None:
        """Show another instrument, following its newest bar."""
        if instrument == self.instrument:
            return
        super().set_instrument(instrument)
        self.fresh.forget()
        self.view.stop_drag()
        self.view.sheet.window.go_now()
        self.view.sheet.auto = True
        self.view.price_axis.forget_width()
        self._show_series()
        self.subscription_changed.emit()
        self.flush()

    def set_account(self, account: str) -> None:
        """Show another account's orders and fills."""
        super().set_account(account)
        self.flush()

    def set_interval(self, interval: str) -> None:
        """Show bars of another interval; the right edge keeps its time.

        Raises:
            ValueError: with a sentence, when it is no interval.
        """
        parse_interval(interval)
        if interval == self._interval:
            return
        self._interval = interval
        self.toolbar.set_interval(interval)
        self._show_series()
        self.subscription_changed.emit()
        self.state_changed.emit()
        self.flush()

    def set_kind(self, kind: Kind) -> None:
        """Draw bars in another way; nothing moves."""
        self.toolbar.set_kind(kind)
        self.view.sheet.kind = kind
        self.view.redraw()
        self.state_changed.emit()

    def wants(self) -> dict[str, set[Any]]:
        """Bars and quotes of the instrument shown."""
        if not self.instrument:
            return {}
        return {"bars": {(self.instrument, self.interval)}, "quotes": {self.instrument}}

    def save_state(self) -> dict[str, Any]:
        """Interval, kind, studies, pin and the width of bars."""
        return {
            "interval": self.interval,
            "kind": self.toolbar.kind.value,
            "vwap": self.toolbar.vwap.isChecked(),
            "sma": self.toolbar.sma.isChecked(),
            "pinned": self.instrument if self.pinned else "",
            "pitch": round(self.view.sheet.window.pitch, 4),
        }

    def restore_state(self, state: dict[str, Any]) -> None:
        """Take back what is still understood of a saved state."""
        interval, kind, pitch = (state.get(k) for k in ("interval", "kind", "pitch"))
        if isinstance(interval, str):
            try:
                self.set_interval(interval)
            except ValueError as error:
                self.said.emit(str(error))
        if kind in [k.value for k in Kind]:
            self.set_kind(Kind(kind))
        self.toolbar.vwap.setChecked(state.get("vwap") is True)
        self.toolbar.sma.setChecked(state.get("sma") is True)
        if isinstance(pitch, int | float) and pitch > 0:
            self.view.sheet.window.set_pitch(float(pitch))
        pinned = state.get("pinned")
        if isinstance(pinned, str) and pinned:
            self.set_instrument(pinned)
            self.toolbar.pin.setChecked(True)

    # -- once a frame ------------------------------------------------------------------------

    def flush(self) -> None:
        """Take in what changed; repaint that, and all only when all moved."""
        stores, sheet = self.stores, self.view.sheet
        for answer in self.sent.settle(stores):
            if answer.refusal:
                self.said.emit(answer.refusal)
        self.frame.set_mode(stores.known_mode)
        instrument = stores.instruments.get(self.instrument)
        sheet.set_instrument(instrument)
        self.toolbar.show_instrument(
            instrument.symbol if instrument else "—",
            f"{instrument.name or instrument.symbol} on {instrument.venue}" if instrument else "",
        )
        self.fresh.look(stores, self.account, self.instrument)
        self.toolbar.show_state(self.fresh.why if instrument is not None else "")
        if self.fresh.stale != sheet.grey:
            sheet.grey = self.fresh.stale
            self.view.viewport().update()
        change = self.loader.take(stores, self.toolbar.vwap.isChecked())
        if change is Change.GONE:
            self._forget_keys()
        elif change is Change.MOVED:
            self.flush_moved()
        if instrument is None:
            return
        self._take_trades(instrument)
        self._show_last(instrument)

    def _show_series(self) -> None:
        self.loader.show(self.stores, self.instrument, self._interval)
        self._forget_keys()

    def _forget_keys(self) -> None:
        self._last_key = self._trade_key = ()

    def _take_trades(self, instrument: Instrument) -> None:
        """Own orders, position and fills."""
        stores, view = self.stores, self.view
        if self._fills.take(stores, self.account, self.instrument):
            self._scale_key = ()
        position = stores.position(self.account, self.instrument)
        ticker = stores.tickers.get(self.instrument) if position and position.qty else None
        key = (stores.orders.version, self.sent.version, position, ticker, self.account)
        if key != self._trade_key:
            self._trade_key = key
            orders = stores.working_orders(self.instrument, self.account)
            marks = make_marks(orders, self.sent, instrument)
            held = None
            average = stores.average_price(position) if position is not None else None
            if position is not None and average is not None:
                held = Held(
                    float(average / instrument.tick),
                    position.qty,
                    f"{format_qty(position.qty, instrument, signed=True)} @ "
                    f"{format_average(average, instrument)}   "
                    f"{format_money(stores.open_profit(position), instrument.currency)}",
                )
            if marks != view.orders.marks or held != view.orders.held:
                view.orders.marks, view.orders.held = marks, held
                view.orders.place()
                view.orders.update()
        self._group_fills()

    def _group_fills(self) -> None:
        view, sheet = self.view, self.view.sheet
        window = sheet.window
        count = (len(sheet.series), sheet.series.span) if sheet.series is not None else 0
        scale = (window.right, window.pitch, window.width, sheet.low, sheet.high, sheet.height)
        if self._fills.fills and (*scale, count) != self._scale_key:
            self._scale_key = (*scale, count)
            view.fill_layer.groups = group_fills(self._fills.fills, sheet)
            view.fill_layer.update()
        elif not self._fills.fills and view.fill_layer.groups:
            view.fill_layer.groups = []
            view.fill_layer.update()

    def _show_last(self, instrument: Instrument) -> None:
        """Last price, tags on the axis, numbers of one bar."""
        sheet, view = self.view.sheet, self.view
        series = sheet.series
        if series is None or not len(series):
            view.price_axis.set_tags([])
            return
        look, last = sheet.look, int(series.close[-1])
        color = look.up if last >= series.open[-1] else look.down
        color = look.grey if sheet.grey else color
        view.orders.set_last((last, color))
        own = dict.fromkeys((m.price, m.side) for m in view.orders.marks)
        tags = [
            Tag(price, sheet.text(price), look.buy if side is Side.BUY else look.sell)
            for price, side in own
        ]
        tags.append(Tag(last, sheet.text(last), color))
        if view.cross is not None and view.cross[1] > 0:
            tags.append(Tag(view.cross[1], sheet.text(view.cross[1]), look.cross_tag))
        view.price_axis.set_tags(tags)
        view.volume_axis.set_text(short_quantity(instrument.quantity(sheet.top_volume)))
        bar = series.bar_at(view.cross[0]) if view.cross is not None else None
        nothing = sheet.nothing_at(view.cross[0]) if view.cross is not None else ""
        bar = len(series) - 1 if bar is None else bar
        vwap, sma = self.toolbar.vwap.isChecked(), self.toolbar.sma.isChecked()
        key = (bar, nothing, series.version, look, vwap, sma)
        if key != self._last_key:
            self._last_key = key
            curves: list[tuple[str, float, QColor]] = []
            if vwap:
                value = float(view.studies.vwap(bar, bar + 1)[0])
                curves.append(("VWAP", value, look.vwap))
            if sma:
                value = float(view.studies.sma(bar, bar + 1)[0])
                curves.append((f"SMA {view.studies.period}", value, look.sma))
            words = bar_words(series, bar, instrument, look, curves)
            view.legend.show_words([(nothing, look.text)] if nothing else words)
        view.orders.keep_clear(view.legend.box)
        now = time.monotonic()
        if now - self._described > _DESCRIBE_SECONDS:
            self._described = now
            view.setAccessibleDescription(
                bar_sentence(series, len(series) - 1, instrument, self.interval)
            )

    # -- small things ------------------------------------------------------------------------

    def flush_moved(self) -> None:
        """The window moved: show or hide the way back, put marks where they belong now."""
        self.now_button.setVisible(
            not self.view.sheet.window.following and self.view.sheet.series is not None
        )
        self._place_button()
        self.flush_marks()

    def flush_marks(self) -> None:
        """Put fills and tags where the window now shows them."""
        instrument = self.view.sheet.instrument
        if instrument is not None:
            self._group_fills()
            self._show_last(instrument)

    def _on_pointed(self) -> None:
        instrument = self.view.sheet.instrument
        if instrument is not None:
            self._show_last(instrument)

    def _on_fills_pointed(self, fills: tuple[Fill, ...]) -> None:
        self.fills_pointed.emit(frozenset(fill_key(fill) for fill in fills))

    def _on_curves(self) -> None:
        self.view.vwap.setVisible(self.toolbar.vwap.isChecked())
        self.view.sma.setVisible(self.toolbar.sma.isChecked())
        self._on_pointed()
        self.state_changed.emit()

    def _on_pin(self, pinned: bool) -> None:
        self.pinned = pinned
        self.state_changed.emit()

    def _place_button(self) -> None:
        size = self.now_button.sizeHint()
        sheet = self.view.sheet
        x = round(sheet.window.width) - size.width() - 12
        y = round(sheet.height) - size.height() - 10
        self.now_button.setGeometry(QRect(x, y, size.width(), size.height()))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_button()

    def changeEvent(self, event: QEvent) -> None:
        """Recolour with the theme, measure again with the font."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.FontChange) and (
            hasattr(self, "wishes")
        ):
            self.view.set_look(self.font())
            self._last_key = self._scale_key = ()
            self._place_button()
            self.flush_marks()
