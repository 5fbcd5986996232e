"""The ticket panel: fields for one order, and two buttons that say it whole."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from core.client.stores import Stores
from core.model.checks import Violation
from core.model.commands import NewOrder, NewOrderList
from core.model.enums import OrdType, Side, TimeInForce
from core.model.ids import IdMaker
from core.model.instruments import Instrument
from core.model.orders import Order
from core.model.session import Ticker
from widgets.brackets import entry_of, named, risk_reward, stamped
from widgets.clock import Clock
from widgets.freshness import Freshness
from widgets.modeframe import ModeFrame
from widgets.panel import Panel
from widgets.presets import default_sizes, read_sizes, saved_texts, write_sizes
from widgets.sent import Answer, Sent
from widgets.theme import tokens
from widgets.ticket.checking import (
    DUPLICATE_WINDOW,
    confirming,
    holding_of,
    violations,
    wanted_leg,
)
from widgets.ticket.fields import Fields
from widgets.ticket.fitting import Fitting
from widgets.ticket.form import missing, price_scope, quantity_scope
from widgets.ticket.head import Head
from widgets.ticket.notes import Notes, small, write
from widgets.ticket.override import Wish, wish_of
from widgets.ticket.preview import Previews, agreed, preview_words
from widgets.ticket.sendbutton import SendButton
from widgets.ticket.whole import (
    Whole,
    exits_note,
    held_note,
    misplaced_exits,
    outcome,
    whole_of,
)

WAIT = 2_000_000_000
"""How long (ns) the buttons stay shut when no answer comes."""


class TicketPanel(Panel):
    """Makes one order of what stands in the fields, and asks for it once.

    `ids` makes the id of an order, at mouse-down. `take_draft` fills the fields from elsewhere.

    Signals:
        appraisal_wished(object): an `Appraise`: what the order in the fields would cost.
    """

    appraisal_wished = Signal(object)

    KIND = "ticket"
    TITLE = "Ticket"

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
        self.draft: NewOrder | NewOrderList | None = None
        self._recent: list[tuple[int, NewOrder]] = []
        self._against: dict[Side, list[Violation]] = {}
        self._told: Order | None = None
        self._entry = ""
        self._presets: dict[str, list[str]] = {}
        self._shown: Instrument | None = None
        self._sized = False
        self._dated = False
        self._key: tuple[object, ...] = ()
        self.head = Head(stores.known_mode, self)
        self.fields = Fields(self)
        self.buttons = {side: SendButton(side, ids, self.clock, self) for side in Side}
        self.notes = Notes(self)
        self._ids = ids
        self._appraised = Previews()
        self._sides: dict[Side, Whole] = {}
        self.held = QLabel("", self)
        self.frame = ModeFrame(stores.known_mode, self)
        self._build()
        self.fields.changed.connect(self._edited)
        self.fields.stored.connect(self._store)
        self.head.price_chosen.connect(self._use_price)
        self.head.cleared.connect(self.clear_draft)
        for button in self.buttons.values():
            button.wished.connect(self._send)
        self.notes.override.agreed.connect(self._send_anyway)

    def _build(self) -> None:
        buttons = QHBoxLayout()
        buttons.setSpacing(6)
        for button in self.buttons.values():
            buttons.addWidget(button, 1)
        self.held.setWordWrap(True)
        self.held.setAccessibleName("What the engine holds")
        self.held.setFont(small(self.held.font()))
        self.held.hide()  # until it says something
        body = self.frame.body
        body.addWidget(self.head)
        body.addWidget(Fitting(self.fields, self))
        body.addWidget(self.held)
        body.addLayout(buttons)
        body.addWidget(self.notes, 1)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(self.frame)
        self.fields.price.scope_maker = self._price_scope
        self.fields.stop.scope_maker = self._price_scope
        self.fields.display.scope_maker = self._quantity_scope
        self.fields.quantity.scope_maker = self._quantity_scope
        self.setFocusProxy(self.fields.quantity)

    # -- what the window calls ---------------------------------------------------------------

    def set_instrument(self, instrument: str) -> None:
        """Make orders in another instrument; prices and a draft of the one before are cleared."""
        if instrument == self.instrument:
            return
        super().set_instrument(instrument)
        self.draft = None
        self.fresh.forget()
        self._shown = None
        self.fields.forget()
        self.subscription_changed.emit()
        self.flush()

    def set_account(self, account: str) -> None:
        """Make orders for another account."""
        if account != self.account:
            super().set_account(account)
            self.flush()

    def wants(self) -> dict[str, set[Any]]:
        """The quote of the instrument."""
        return {"quotes": {self.instrument} if self.instrument else set()}

    def take_draft(self, draft: NewOrder | NewOrderList) -> None:
        """Fill the fields with a half-made order or bracket from elsewhere; nothing is sent."""
        order = entry_of(draft)
        if order.instrument != self.instrument:
            self.set_instrument(order.instrument)
        instrument = self.stores.instruments.get(order.instrument)
        if instrument is None:
            self.said.emit(f"The engine does not know {order.instrument}; the draft was dropped.")
            return
        self._show_instrument(instrument)
        self.fields.take(draft)
        self.draft = draft
        self.notes.message.setText("")
        self.flush()

    def appraise_anew(self) -> None:
        """What the engine said of the order counts no more: somebody else would send it."""
        self._appraised.forget()
        self.flush()

    def clear_draft(self) -> None:
        """Forget a draft and its prices."""
        self.draft = None
        self.fields.clear_prices()
        self.flush()

    def flush(self) -> None:
        """Take in what changed; called once a frame."""
        stores, now = self.stores, self.clock.monotonic()
        for answer in self.sent.settle(stores):
            self._answered(answer)
        self._follow()
        self._recent = [(at, order) for at, order in self._recent if now - at < DUPLICATE_WINDOW]
        instrument = stores.instruments.get(self.instrument)
        self.fresh.look(stores, self.account, self.instrument)
        self.frame.set_mode(stores.known_mode)
        ticker = stores.tickers.get(self.instrument)
        self.head.show_market(stores, instrument, self.account, ticker, self.fresh.why)
        self.head.show_draft(self.draft is not None)
        for button in self.buttons.values():
            button.settle()
        if instrument is not None:
            self._show_instrument(instrument)
        self._appraised.take(stores)
        if not stores.connected:
            self._appraised.forget()
        self._check(instrument)
        if stores.connected:
            self._ask()

    def save_state(self) -> dict[str, Any]:
        """Type, time in force and presets; never an order."""
        form = self.fields.form()
        return {
            "type": form.ord_type.name,
            "tif": form.tif.name,
            "presets": dict(self._presets),
        }

    def restore_state(self, state: dict[str, Any]) -> None:
        """Take back what is still understood of a saved state."""
        self._presets = saved_texts(state, "presets")
        self._shown = None
        kind, tif = state.get("type"), state.get("tif")
        if isinstance(kind, str) and kind in OrdType.__members__:
            self.fields.choose_type(OrdType[kind])
        if isinstance(tif, str) and tif in TimeInForce.__members__:
            self.fields.choose_tif(TimeInForce[tif])
        self.flush()

    # -- fields ------------------------------------------------------------------------------

    def _show_instrument(self, instrument: Instrument) -> None:
        """Set grids, choices and sizes once for an instrument, sizes when a price is known."""
        if instrument is not self._shown:
            self._shown, self._sized = instrument, False
            self.fields.set_instrument(instrument)
        if self._sized:
            return
        ticker = self.stores.tickers.get(instrument.id)
        price = 0 if ticker is None else ticker.bid or ticker.last
        sizes = read_sizes(self._presets.get(instrument.id), instrument)
        if sizes is None and price:
            sizes = default_sizes(instrument, price)
        if sizes is not None:
            self._sized = True
            self.fields.set_sizes(sizes, instrument)

    def _edited(self) -> None:
        form = self.fields.form()
        draft = self.draft
        if draft is not None and form.price is None and form.stop_price is None:
            self.draft = None
        dated = form.tif is TimeInForce.GTD
        if dated and not self._dated:
            self.fields.expiry.offer(self.clock.wall())
        self._dated = dated
        self.state_changed.emit()
        self.flush()

    def _store(self, sizes: tuple[int, ...]) -> None:
        if self._shown is not None:
            self._presets[self._shown.id] = write_sizes(sizes, self._shown)
            self.state_changed.emit()

    def _use_price(self, ticks: int) -> None:
        self.fields.use_price(ticks)

    def _price_scope(self) -> Any:
        assert self._shown is not None
        position = self.stores.position(self.account, self.instrument)
        average = self.stores.average_price(position) if position is not None else None
        return price_scope(self._shown, self.stores.tickers.get(self.instrument), average)

    def _quantity_scope(self) -> Any:
        assert self._shown is not None
        return quantity_scope(self._shown, self.stores, self.account, self._price_now)

    def _price_now(self) -> int:
        """The price in ticks at which cash is turned into a quantity; 0: not known."""
        form = self.fields.form()
        if form.price or form.stop_price:
            return form.price or form.stop_price or 0
        ticker = self.stores.tickers.get(self.instrument)
        return 0 if ticker is None or form.ord_type is not OrdType.MARKET else ticker.ask

    # -- checks ------------------------------------------------------------------------------

    def _check(self, instrument: Instrument | None) -> None:
        """Put the order on the buttons, with what speaks against it beneath."""
        stores, form = self.stores, self.fields.form()
        waiting = self._waiting()
        key = (
            instrument,
            self.account,
            form,
            self.fields.error(),
            stores.tickers.get(self.instrument),
            stores.orders.version,
            stores.positions.version,
            stores.limits.version,
            stores.accounts.version,
            stores.connected,
            self.fresh.why,
            len(self._recent),
            waiting,
            self.draft,
            self._appraised.version,
        )
        if key == self._key:
            return
        self._key = key
        why = "Choose an instrument." if instrument is None else ""
        if instrument is not None:
            why = self.fields.error() or missing(form)
        ticker = stores.tickers.get(self.instrument)
        sides: dict[Side, Whole] = {}
        for side, button in self.buttons.items():
            whole, found = Whole(), []
            if instrument is not None and not self.fields.error():
                whole = whole_of(form, side, self.account, instrument, ticker)
            sides[side] = whole
            if whole.entry is not None and instrument is not None:
                recent = [old for _, old in self._recent]
                found = misplaced_exits(whole)
                own = violations(whole.entry, instrument, stores, self.fresh.age, recent)
                told = self._appraised.of(side, whole.entry)
                found += agreed(own, told, instrument, self._books())
            hard = any(violation.hard for violation in found)
            allowed = whole.order is not None and not hard and not waiting
            if not allowed and self.window().focusWidget() is button:
                # a shut button would hand the keyboard to whatever panel comes next
                self.fields.quantity.setFocus(Qt.FocusReason.ShortcutFocusReason)
            button.show_order(whole.order, whole.words, allowed, bool(found) and not hard)
            self._against[side] = found
            draft = self.draft
            button.set_drafted(draft is not None and entry_of(draft).side is side)
        self.notes.explain(self._against)
        self._sides = sides
        self._offer_override(waiting)
        if instrument is not None:
            self._show_previews(sides, instrument, ticker)
            self.fields.exits.show_note(*exits_note(sides, instrument, ticker))
            self._show_held(held_note(sides[Side.BUY], instrument))
        write(self.notes.missing, "Sent; waiting for the engine." if waiting else why, tokens().dim)
        self.fields.show_choices(instrument)

    def _ask(self) -> None:
        """Ask the engine about the orders on the buttons, as soon as they or the market change."""
        stores = self.stores
        state = (
            self.account,
            stores.tickers.get(self.instrument),
            stores.orders.version,
            stores.positions.version,
            stores.accounts.version,
        )
        now = self.clock.monotonic()
        for side, whole in self._sides.items():
            question = self._appraised.question(side, whole.entry, state, now)
            if question is not None:
                self.appraisal_wished.emit(question)

    def _books(self) -> str:
        """The currency of the books, as far as a limit in it tells; '' while none does."""
        use = self.stores.limits.get(f"account|{self.account}|max_exposure")
        return "" if use is None or use.unit == "money" else use.unit

    def _show_previews(
        self, sides: dict[Side, Whole], instrument: Instrument, ticker: Ticker | None
    ) -> None:
        for side, whole in sides.items():
            told = self._appraised.of(side, whole.entry)
            loss = None
            leg, held = "", 0
            if whole.entry is not None:
                loss, _ = risk_reward(whole.entry, whole.exits, instrument, ticker)
                leg = wanted_leg(whole.entry, self.stores.hedging(self.account))
                held = holding_of(self.stores, self.account, self.instrument, leg).qty
            text = preview_words(whole.entry, told, instrument, held, loss, leg)
            write(self.notes.previews[side], text, tokens().dim)

    def _show_held(self, text: str) -> None:
        write(self.held, text, tokens().warning)
        if self.held.isHidden() is bool(text):
            self.held.setVisible(bool(text))

    def _offer_override(self, waiting: bool) -> None:
        wishes = {
            side: wish_of(whole.order, " ".join((self.account, *whole.words)), self._against[side])
            for side, whole in self._sides.items()
            if not waiting
        }
        self.notes.override.offer(wishes, self.stores.known_mode)

    # -- sending -----------------------------------------------------------------------------

    def _waiting(self) -> bool:
        """Are the buttons shut because an order has no answer yet?"""
        now = self.clock.monotonic()
        return any(now - waiting.since < WAIT for waiting in self.sent)

    def _send_anyway(self, wish: Wish, reason: str) -> None:
        """Send an order with an override before it: what the dialog showed is confirmed."""
        if self._waiting():
            write(
                self.notes.message,
                "The order before has no answer yet: try again.",
                tokens().warning,
            )
            return
        order = named(wish.order, self._ids.next)
        name = entry_of(order).cl_ord_id
        self.requested.emit(wish.override(self._ids.next(), name, reason, self.clock.wall()))
        self._ask_for(order, wish.against)

    def _send(self, order: NewOrder | NewOrderList) -> None:
        if not self._waiting():
            # The button was held where a soft rule spoke: that is the confirmation.
            self._ask_for(order, self._against.get(entry_of(order).side, []))

    def _ask_for(self, order: NewOrder | NewOrderList, against: Iterable[Violation]) -> None:
        now = self.clock.monotonic()
        command = stamped(confirming(order, against), self.clock.wall())
        if isinstance(command, NewOrderList):
            self.sent.add_list(command, self.stores, now)
        else:
            self.sent.add(command, self.stores, now)
        self._recent.append((now, entry_of(order)))
        self._entry = entry_of(order).cl_ord_id
        self.draft = self._told = None
        write(self.notes.message, "", tokens().dim)
        self.requested.emit(command)
        self.flush()

    def _answered(self, answer: Answer) -> None:
        """Of a bracket, what became of the entry is told; its exits follow it."""
        order, command = answer.order, answer.command
        if isinstance(command, NewOrder) and command.cl_ord_id != self._entry:
            return
        if answer.lost:
            text = "The engine was restarted and knows nothing of the last order."
            write(self.notes.message, text, tokens().danger)
        elif answer.refusal:
            write(self.notes.message, answer.refusal, tokens().danger)
        elif order is not None:
            self._tell(order)

    def _follow(self) -> None:
        """The last order may yet be refused, or end without all of it filled."""
        told = self._told
        if told is None:
            return
        order = self.stores.orders.get(told.cl_ord_id)
        if order is not None and order.status is not told.status:
            self._tell(order)

    def _tell(self, order: Order) -> None:
        """Say what became of an order; watch it until it has ended."""
        self._told = None if order.status.terminal else order
        text, tone = outcome(order, self.stores.instruments.get(order.instrument))
        write(self.notes.message, text, getattr(tokens(), tone))
