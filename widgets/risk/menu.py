"""The limits' context menu: change one, read the settings anew, let a strategy go on."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QInputDialog, QMenu, QWidget

from core.client.stores import Stores
from core.model.commands import Command, ReloadSettings, SetTradingState
from core.model.enums import TradingState
from core.model.ids import IdMaker


class RiskMenu:
    """Asks for what a command needs and hands it on.

    Args:
        parent: the widget that it opens on.
        send: takes the commands.
        change: asks for another value of the limit that is chosen.
    """

    def __init__(
        self,
        parent: QWidget,
        stores: Stores,
        ids: IdMaker,
        send: Callable[[Command], None],
        change: Callable[[], None],
    ) -> None:
        self._parent = parent
        self._stores = stores
        self._ids = ids
        self._send = send
        self._change = change

    def open(self, at: QPoint) -> None:
        """Show the menu at a place of the parent."""
        self.build().exec(self._parent.mapToGlobal(at))

    def build(self) -> QMenu:
        """The menu, not shown yet."""
        menu = QMenu(self._parent)
        menu.addAction("&Change this limit…", self._change)
        menu.addSeparator()
        menu.addAction("Read the &settings file anew…", self.reload)
        going = menu.addAction("Let a stopped &strategy go on…", self.go_on)
        going.setEnabled(len(self._stores.strategies) > 0)
        return menu

    def reload(self) -> None:
        """Ask why, then have the engine read its settings."""
        reason = self._reason("Read the settings file anew")
        if reason:
            self._send(ReloadSettings(self._ids.next(), reason, ts=time.time_ns()))

    def go_on(self) -> None:
        """Ask which strategy and why, then let it trade again."""
        names = [state.strategy for state in self._stores.strategies]
        name, chosen = QInputDialog.getItem(
            self._parent, "Let a stopped strategy go on", "&Strategy", names, 0, False
        )
        reason = self._reason(f"Let {name} go on") if chosen else ""
        if reason:
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

    def _reason(self, title: str) -> str:
        text, chosen = QInputDialog.getText(
            self._parent, title, "&Reason (it is kept in the journal)"
        )
        return text.strip() if chosen else ""
