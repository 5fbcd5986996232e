"""The ladder panel: depth and own orders on fixed price rows, and orders by one click."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace
from PySide6.QtCore import QPoint
from PySide6.QtGui import QAction, QShowEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from core.client.stores import Stores
from core.model.commands import Command, NewOrder
from core.model.enums import MarketStatus, Side
from core.model.ids import IdMaker
from core.model.instruments import Instrument
from core.model.orders import Order
from core.model.session import Ticker
from widgets.clock import Clock
from widgets.freshness import Freshness
from widgets.ladder.accessible import install
from widgets.ladder.bars import TopBar
from widgets.ladder.brackets import BracketDesk
from widgets.ladder.canvas import LadderCanvas
from widgets.ladder.columns import ALWAYS, COLUMNS, clean_order, moved
from widgets.ladder.confirm import Question
from widgets.ladder.desk import Desk
from widgets.ladder.foot import FootBar
from widgets.ladder.intent import order_for
from widgets.ladder.lock import Lock
from widgets.ladder.menu import columns_menu, gear_menu, show_menu
from widgets.ladder.picture import orders_at
from widgets.ladder.popup import OrdersPopup
from widgets.ladder.rows import GROUPS, Rows, follow, market_row
from widgets.ladder.scenery import Scenery
from widgets.ladder.wish import Wish
from widgets.modeframe import ModeFrame
from widgets.panel import Panel
from widgets.sent import Answer

_SHUT = {MarketStatus.HALTED: "halted", MarketStatus.CLOSED: "closed"}


class LadderPanel(Panel):
    """Shows one instrument's ladder and asks for orders, changes and cancels.

    `ids` makes the ids of orders, at mouse-down. One-click starts off and is never saved.
    """

    KIND = "ladder"
    TITLE = "Ladder"

    def __init__(
        self,
        stores: Stores,
        ids: IdMaker,
        parent: QWidget | None = None,
        clock: Clock | None = None,
    ) -> None:
        super().__init__(stores, parent)
        install()
        self.clock = clock or Clock()
        self.lock = Lock()
        self.desk = Desk(stores, ids, self.clock)
        self.fresh = Freshness(self.clock)
        self.flip = False
        self._rows: Rows | None = None
        self._group = 1
        self._epoch = stores.orders.epoch
        self._mode = stores.mode
        self._popup: OrdersPopup | None = None
        self.question = Question()
        self.canvas = LadderCanvas(ids, self.clock, self)
        self._scenery = Scenery(stores, self.desk.sent, self.canvas, self.clock)
        self.top = TopBar(stores.known_mode, self)
        self.foot = FootBar(self)
        self.brackets = BracketDesk(stores, ids, self.top, self)
        self.frame = ModeFrame(stores.known_mode, self)
        self.frame.body.addWidget(self.top)
        self.frame.body.addWidget(self.canvas, 1)
        self.frame.body.addWidget(self.foot)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(self.frame)
        self.desk.asked.connect(self._asked)
        self.desk.hinted.connect(self._hint)
        self.desk.doubted.connect(self._doubted)
        self.canvas.wished.connect(self._wished)
        self.canvas.cancel_wished.connect(self._cancel_row)
        self.canvas.move_wished.connect(self._move)
        self.canvas.reduce_wished.connect(self._reduce_row)
        self.canvas.list_wished.connect(self._list)
        self.canvas.scroll_wished.connect(self._scroll)
        self.canvas.recentre_wished.connect(self.recentre)
        self.canvas.columns_menu_wished.connect(self._columns_menu)
        self.canvas.looks_changed.connect(self._show_rows)
        self.canvas.hinted.connect(self._hint)
        self.top.padlock.clicked.connect(self._padlock)
        self.top.flip.toggled.connect(self._set_flip)
        self.top.changed.connect(self.state_changed)
        self.top.gear.clicked.connect(self._gear_menu)
        self.top.bracket.clicked.connect(self._edit_bracket)
        self.brackets.changed.connect(self.state_changed)
        self.foot.cancel.clicked.connect(self._cancel_all)

    # -- what the window calls ---------------------------------------------------------------

    def set_instrument(self, instrument: str) -> None:
        """Show another instrument; nothing of the one before stays under the pointer."""
        if instrument == self.instrument:
            return
        super().set_instrument(instrument)
        self._rows = None
        self.question.drop()
        self._scenery.forget(self._group)
        self.brackets.close_popup()
        self.fresh.forget()
        self.canvas.reset()
        self._close_popup()
        self.subscription_changed.emit()
        self.flush()

    def set_account(self, account: str) -> None:
        """Trade for another account; one-click goes off."""
        if account == self.account:
            return
        super().set_account(account)
        self._say(self.lock.disarm("the account changed."))
        self.flush()

    def wants(self) -> dict[str, set[Any]]:
        """Quotes, depth and trades of the instrument shown."""
        mine = {self.instrument} if self.instrument else set()
        return {"quotes": mine, "depth": set(mine), "trades": set(mine)}

    def flush(self) -> None:
        """Take in what changed; called once a frame."""
        self.desk.settle()
        self._check_lock()
        self._show_question()
        self.canvas.settle()
        instrument = self.stores.instruments.get(self.instrument)
        self.frame.set_mode(self.stores.known_mode)
        self.frame.set_armed(self.lock.armed)
        self.canvas.set_stale(self.fresh.why)
        self.top.show_state(self.stores.known_mode, instrument, self.account, self.lock.armed)
        if instrument is None:
            return
        ticker = self.stores.tickers.get(self.instrument)
        self.top.offer_sizes(instrument, 0 if ticker is None else ticker.last or ticker.bid)
        self.brackets.show(instrument)
        status = None if ticker is None else ticker.status
        self.canvas.set_status(_SHUT.get(status, "") if status is not None else "")
        self._follow_market(ticker)
        self._show_rows()
        self.foot.show_position(self.stores, self.account, instrument, self.clock.monotonic())
        if self._popup is not None:
            self._fill_popup(self._popup, instrument)

    def save_state(self) -> dict[str, Any]:
        """Columns, grouping, habits, sizes, brackets. The padlock is not among them."""
        return {
            "columns": list(self.canvas.order),
            "hidden": sorted(self.canvas.hidden),
            "group": self._group,
            "send_on": "press" if self.canvas.at_press else "release",
            "brackets": self.brackets.presets.save_state(),
            **self.top.save_state(),
        }

    def restore_state(self, state: dict[str, Any]) -> None:
        """Take back what is still understood of a saved state."""
        columns, hidden, group = (state.get(k) for k in ("columns", "hidden", "group"))
        order = clean_order(columns) if isinstance(columns, list) else self.canvas.order
        out = {c for c in hidden if c in COLUMNS} if isinstance(hidden, list) else set()
        self.canvas.set_columns(order, out - ALWAYS)
        if group in GROUPS:
            self._group = group
            self._scenery.traded.set_group(group)
            self._rows = None
        self._set_at_press(state.get("send_on") == "press")
        self.brackets.presets.restore_state(state.get("brackets"))
        self.top.restore_state(state)
        self.flush()

    def recentre(self) -> None:
        """Bring the market to the middle, and follow it again."""
        self.canvas.free = False
        ticker = self.stores.tickers.get(self.instrument)
        if self._rows is not None and ticker is not None:
            middle = market_row(self._rows, ticker.bid, ticker.ask)
            if middle is None and ticker.last:
                middle = self._rows.row_at(ticker.last)
            if middle is not None:
                self._rows = self._rows.centred(middle)
        self._show_rows()

    def showEvent(self, event: QShowEvent) -> None:
        """What was painted before may be long out of date: rows count as shifted."""
        super().showEvent(event)
        self.canvas.note_shift()
        self.flush()

    # -- rows --------------------------------------------------------------------------------

    def _follow_market(self, ticker: Ticker | None) -> None:
        count = self.canvas.visible_rows()
        if self._rows is None:
            start = 0 if ticker is None else ticker.bid or ticker.ask or ticker.last
            if start:
                top = max(start // self._group + count // 2, 1)
                self._rows = Rows(top, count, self._group)
                self.canvas.note_shift()
            return
        if self._rows.count != count:
            self._rows = self._rows.resized(count)
        if ticker is not None:
            followed = follow(self._rows, ticker.bid, ticker.ask, self.canvas.held)
            self._rows = followed.rows
            self.canvas.set_away(followed.away)
            self._scenery.follow_last(ticker)

    def _scroll(self, rows: Rows) -> None:
        if self._rows is None:
            return
        if rows.group != self._group:
            self._group = rows.group
            self._scenery.traded.set_group(rows.group)
            self.state_changed.emit()
        elif rows.top != self._rows.top:
            self.canvas.free = True
        self._rows = rows
        self._show_rows()

    def _show_rows(self) -> None:
        """Compose the rows and repaint those that changed; nothing is done when nothing did."""
        instrument = self.stores.instruments.get(self.instrument)
        if self._rows is not None and instrument is not None:
            self._scenery.show(self._rows, instrument, self.account)

    # -- the padlock -------------------------------------------------------------------------

    def _obstacle(self) -> str:
        """Why one-click must be off now, or ''."""
        may, why = self.stores.can_trade(self.account)
        if not may:
            return why if why.endswith(".") else f"{why}."
        return f"{self.fresh.why}." if self.fresh.stale else ""

    def _check_lock(self) -> bool:
        """Look at everything that closes the lock; True when it is open still."""
        stores = self.stores
        self.fresh.look(stores, self.account, self.instrument)
        if stores.orders.epoch != self._epoch or stores.mode is not self._mode:
            self._epoch, self._mode = stores.orders.epoch, stores.mode
            self._say(self.lock.disarm("the engine was connected anew."))
        self._say(self.lock.check(self.clock.monotonic(), self._obstacle()))
        return self.lock.armed

    def _padlock(self) -> None:
        if self.lock.armed:
            self.lock.disarm("")
        else:
            self.fresh.look(self.stores, self.account, self.instrument)
            self._say(self.lock.arm(self.clock.monotonic(), self._obstacle()))
        self.top.padlock.set_armed(self.lock.armed)
        self.flush()

    def _set_flip(self, on: bool) -> None:
        self.flip = on

    # -- orders ------------------------------------------------------------------------------

    def _wished(self, wish: Wish) -> None:
        """A click or key in the bid or ask column: an order when armed, else a draft."""
        was_armed = self.lock.armed
        armed = self._check_lock()
        instrument = self.stores.instruments.get(self.instrument)
        if instrument is None or (was_armed and not armed):
            self.flush()
            return
        lots = self.top.size_of(wish.second)
        ticker = self.stores.tickers.get(self.instrument)
        life, now = self.top.chosen_life(), self.clock.wall()
        order = order_for(
            instrument, ticker, self.account, wish.side, wish.price, lots, wish.stop, life, now
        )
        if isinstance(order, str):
            self._refuse(order, wish.price)
            return
        if armed:
            if self.question.about(order, wish) and self.question.too_soon(wish):
                self.canvas.flash_row(wish.price)
                return
            confirmed = self.question.take() if self.question.about(order, wish) else ()
            self._show_question()
            order = replace(order, cl_ord_id=wish.id, source=wish.source, confirmed=confirmed)
        whole = self.brackets.around(order, instrument, ticker) if wish.bracket else order
        if isinstance(whole, str):
            self._refuse(whole, wish.price)
        elif armed:
            self.lock.use(self.clock.monotonic())
            self.desk.send(whole)
        else:
            self.draft_offered.emit(whole)

    def _doubted(self, answer: Answer) -> None:
        """An order was refused: where only soft rules did it, the trader may confirm it."""
        command, order = answer.command, answer.order
        if not isinstance(command, NewOrder) or order is None or not self.lock.armed:
            return
        if self.question.ask(command, order, bool(answer.list_id), self.clock.monotonic()):
            self._show_question()

    def _show_question(self) -> None:
        question = self.question
        if not self.lock.armed:
            question.drop()
        question.settle(self.clock.monotonic())
        self.canvas.set_question(question.price, question.text, question.buy)

    def _refuse(self, sentence: str, price: int) -> None:
        """A click that places nothing: its row flashes, and the foot says why."""
        self.canvas.flash_row(price)
        self._hint(sentence)

    def _at(self, side: Side, price: int) -> list[Order]:
        if self._rows is None:
            return []
        orders = self.stores.working_orders(self.instrument, self.account)
        place = self._rows.row_of_buy(price) if side is Side.BUY else self._rows.row_of_sell(price)
        return orders_at(orders, self._rows, place, side)

    def _cancel_row(self, side: Side, price: int) -> None:
        self.desk.cancel(self._at(side, price))

    def _cancel_all(self) -> None:
        self.desk.cancel_all(self.account, self.instrument)

    def _move(self, side: Side, start: int, end: int, last_only: bool) -> None:
        if self._may_change():
            orders = self._at(side, start)
            if last_only:
                orders = sorted(orders, key=lambda o: o.created)[-1:]
            self.desk.move(orders, end, self.flip and self.lock.armed)

    def _reduce_row(self, side: Side, price: int) -> None:
        if self._may_change():
            self.desk.reduce(self._at(side, price), self.top.size_of(False))

    def _cancel_one(self, name: str) -> None:
        order = self.stores.orders.get(name)
        if order is not None:
            self.desk.cancel([order])

    def _reduce_one(self, name: str) -> None:
        order = self.stores.orders.get(name)
        if order is not None and self._may_change():
            self.desk.reduce([order], self.top.size_of(False))

    def _may_change(self) -> bool:
        """Are prices good enough to change an order by? Says so if not."""
        self._check_lock()
        if self.fresh.stale:
            self._hint(f"Not changed: {self.fresh.why}. Cancelling still works.")
        return not self.fresh.stale

    def _asked(self, command: Command) -> None:
        self.requested.emit(command)
        self._show_rows()

    # -- single orders -----------------------------------------------------------------------

    def _list(self, side: Side, price: int, point: QPoint) -> None:
        instrument = self.stores.instruments.get(self.instrument)
        if instrument is None:
            return
        self._close_popup()
        popup = OrdersPopup(side, price, self)
        popup.cancel_wished.connect(self._cancel_one)
        popup.reduce_wished.connect(self._reduce_one)
        popup.destroyed.connect(self._popup_gone)
        self._popup = popup
        self._fill_popup(popup, instrument)
        popup.open_at(point)

    def _fill_popup(self, popup: OrdersPopup, instrument: Instrument) -> None:
        popup.show_orders(self._at(popup.side, popup.price), instrument, self.clock.wall())

    def _close_popup(self) -> None:
        popup, self._popup = self._popup, None
        if popup is not None:
            popup.destroyed.disconnect(self._popup_gone)  # it goes later, when another may be open
            popup.close()

    def _popup_gone(self) -> None:
        self._popup = None

    # -- menus -------------------------------------------------------------------------------

    def _columns_menu(self, column: str, point: QPoint) -> None:
        menu = columns_menu(self.canvas, column, self)
        menu.triggered.connect(self._menu_chosen)
        show_menu(menu, point)

    def _gear_menu(self) -> None:
        menu = gear_menu(self.canvas, self)
        menu.triggered.connect(self._menu_chosen)
        gear = self.top.gear
        show_menu(menu, gear.mapToGlobal(gear.rect().bottomLeft()))

    def _menu_chosen(self, action: QAction) -> None:
        what, value = action.data()
        if what == "bracket":
            self._edit_bracket()
            return
        hidden, order = set(self.canvas.hidden), self.canvas.order
        if what == "at_press":
            self._set_at_press(value)
        elif what == "toggle":
            hidden ^= {value}
        else:
            order = moved(order, value, what)
        self.canvas.set_columns(order, hidden)
        self.state_changed.emit()

    def _set_at_press(self, at_press: bool) -> None:
        self.canvas.at_press = at_press
        self.top.padlock.set_at_press(at_press)

    def _edit_bracket(self) -> None:
        instrument = self.stores.instruments.get(self.instrument)
        if instrument is not None:
            self.brackets.edit(instrument)

    # -- words -------------------------------------------------------------------------------

    def _say(self, sentence: str) -> None:
        if sentence:
            self._hint(sentence)

    def _hint(self, sentence: str) -> None:
        self.foot.show_hint(sentence, self.clock.monotonic())
        self.said.emit(sentence)
