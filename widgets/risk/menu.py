"""The limits' context menu: change one, read the settings anew, restrict, let a strategy go on."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QInputDialog, QMenu, QWidget

from core.client.stores import Stores
from core.model.commands import Command, ReloadSettings, SetRestriction, SetTradingState
from core.model.enums import TradingState
from core.model.ids import IdMaker


class RiskMenu:
    """Asks for what a command needs and hands it on.

    Args:
        parent: the widget that it opens on.
        send: takes the commands.
        change: asks for another value of the limit that is chosen.
        instrument: says which instrument is looked at.
    """

    def __init__(
        self,
        parent: QWidget,
        stores: Stores,
        ids: IdMaker,
        send: Callable[[Command], None],
        change: Callable[[], None],
        instrument: Callable[[], str],
    ) -> None:
        self._parent = parent
        self._stores = stores
        self._ids = ids
        self._send = send
        self._change = change
        self._instrument = instrument

    def open(self, at: QPoint) -> None:
        """Show the menu at a place of the parent."""
        menu = self.build()
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(self._parent.mapToGlobal(at))

    def build(self) -> QMenu:
        """The menu, not shown yet."""
        menu = QMenu(self._parent)
        menu.addAction("&Change this limit…", self._change)
        menu.addSeparator()
        menu.addAction("Read the &settings file anew…", self.reload)
        for restricted, words in (
            (True, "Restrict an &instrument…"),
            (False, "&Take an instrument off the list…"),
        ):
            action = menu.addAction(words, partial(self.restrict, restricted))
            action.setEnabled(len(self._stores.instruments) > 0)
        going = menu.addAction("Let a stopped &strategy go on…", self.go_on)
        going.setEnabled(len(self._stores.strategies) > 0)
        return menu

    def reload(self) -> None:
        """Ask why, then have the engine read its settings."""

        def send(reason: str) -> None:
            self._send(ReloadSettings(self._ids.next(), reason, ts=time.time_ns()))

        self._ask_why("Read the settings file anew", send)

    def restrict(self, restricted: bool) -> None:
        """Ask which instrument and why, then close it to orders that open, or open it again."""

        def chosen(name: str) -> None:
            def send(reason: str) -> None:
                self._send(
                    SetRestriction(self._ids.next(), name, restricted, reason, ts=time.time_ns())
                )

            self._ask_why(f"Restrict {name}" if restricted else f"Open {name} again", send)

        names = sorted(instrument.id for instrument in self._stores.instruments)
        title = "Restrict an instrument" if restricted else "Off the restricted list"
        self._ask(title, "&Instrument", chosen, names, self._instrument())

    def go_on(self) -> None:
        """Ask which strategy and why, then let it trade again."""

        def chosen(name: str) -> None:
            def send(reason: str) -> None:
                self._send(
                    SetTradingState(
                        self._ids.next(),
                        "",
                        TradingState.ACTIVE,
                        reason,
                        ts=time.time_ns(),
                        scope="strategy",
                        scope_id=name,
                    )
                )

            self._ask_why(f"Let {name} go on", send)

        names = [state.strategy for state in self._stores.strategies]
        self._ask("Let a stopped strategy go on", "&Strategy", chosen, names)

    def _ask_why(self, title: str, then: Callable[[str], None]) -> None:
        def given(text: str) -> None:
            then(text.strip())  # without one the engine refuses, and says so

        self._ask(title, "&Reason (it is kept in the journal)", given)

    def _ask(
        self,
        title: str,
        label: str,
        then: Callable[[str], None],
        items: Sequence[str] = (),
        first: str = "",
    ) -> None:
        """Ask without holding anything up; `then` gets the answer, if there is one.

        Of the `items` there are to choose from, `first` is chosen before anybody does.
        """
        dialog = QInputDialog(self._parent)
        dialog.setObjectName("ask")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setWindowTitle(title)
        dialog.setLabelText(label)
        if items:
            dialog.setComboBoxItems(list(items))
        if first in items:
            dialog.setTextValue(first)
        dialog.textValueSelected.connect(then)
        dialog.setModal(False)  # the kill switch stays within reach
        dialog.show()
