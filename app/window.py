"""The main window: docked panels around one linked instrument, menus, status, kill switch.

The window passes things on: requests of panels to the desk, the chosen instrument to all linked
panels, what they want to the engine. It knows no panel's inside.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from PySide6.QtCore import QEvent, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QMoveEvent, QResizeEvent
from PySide6.QtWidgets import QMainWindow, QVBoxLayout, QWidget

from app.actions import Actions
from app.desk import Desk
from app.docks import FLOATING, Docks
from app.exporting import Exporter
from app.frames import FrameClock
from app.hearing import Hearing
from app.history import History
from app.leaving import Leaving
from app.look import Look
from app.menus import MenuBar
from app.messages import tell
from app.navigation import Navigation
from app.panels import PANEL_KINDS, make_panel
from app.playback import PlaybackBar
from app.pointing import Pointing
from app.reporter import Reporter
from app.settings import SettingsFile
from app.signing import signed
from app.tools import Tools
from app.topbar import TopBar
from app.trader import Trader
from app.workbench import Workbench
from app.workspace import SavedPanel
from app.workspaces import Workspaces
from core.model.commands import CancelAll, Flatten, Kill, NewOrder
from core.model.enums import Mode, Severity, Source
from core.model.ids import IdMaker
from core.model.session import Appraise
from core.storage.schema import RECORDS
from widgets.blotter.panel import BlotterPanel
from widgets.panel import Panel
from widgets.risk.kill import KillButton
from widgets.status.bar import StatusBar
from widgets.status.differences import Differences
from widgets.theme import tokens

FRAME_MS = 15  # with the wait for the event loop, sixty a second
HIDDEN_FRAME_MS = 250


class MainWindow(QMainWindow):
    """The trader's screen.

    Attributes:
        docks: the open panels.
        instrument: the linked instrument's id.
        account: the account that is traded.

    Signals:
        closed(): the trader closed the window and nothing holds it open any more.
    """

    closed = Signal()

    def __init__(
        self,
        desk: Desk,
        ids: IdMaker,
        settings: SettingsFile,
        workspaces: Workspaces,
        reporter: Reporter,
        export_directory: Path,
    ) -> None:
        super().__init__()
        self.setObjectName("outcry")
        self.desk = desk
        self.stores = desk.stores
        self._ids = ids
        self._reporter = reporter
        self.instrument = ""
        self.account = ""
        self._broken: set[str] = set()
        self._may_close = False
        self._closed = False
        self._leaving = Leaving(self.stores, self._leave, self)
        self._leaving.done.connect(self.close_now)
        self.exporter = Exporter(self.stores, export_directory, self.say, self)
        home = desk.process.home if desk.process is not None else None
        self.history = History(None if home is None else home / RECORDS, self.say, self)
        self.setDockNestingEnabled(True)
        self.docks = Docks(self, self._on_layout_changed)
        self._pointing = Pointing(self.docks, self)
        self.workbench = Workbench(self, workspaces, reporter)
        self.kill_button = KillButton(self.stores, ids, self)
        self.kill_button.requested.connect(self._send)
        self.topbar = TopBar(self.stores, self.kill_button, settings.values.trader, self)
        self.topbar.instrument_chosen.connect(self.choose_instrument)
        self.topbar.cancel_all.connect(self.cancel_all)
        self.topbar.flatten_all.connect(self.flatten_all)
        self.playback = PlaybackBar(self.stores, ids, self)
        self.playback.requested.connect(self._send)
        self.playback.said.connect(self.say)
        self.status = StatusBar(self.stores, self)
        self.setStatusBar(self.status)
        self.status.differences_asked.connect(self.show_differences)
        self._differences: Differences | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setFocus()
        self.actions_by_id = Actions(self)
        self._bind_actions()
        self.trader = Trader(settings, self.actions_by_id, self)
        self.trader.changed.connect(self._on_trader)
        self.trader.failed.connect(partial(desk.say, Severity.ERROR))
        self.topbar.trader_asked.connect(self.trader.ask)
        self.navigation = Navigation(
            self.docks, self.actions_by_id, self.open_panel, self.say, self
        )
        self.tools = Tools(
            self, self.actions_by_id, self.topbar.search, partial(desk.say, Severity.ERROR)
        )
        self._make_menus()
        self.frames = FrameClock(self._frame, self, FRAME_MS)
        self._subscribing = QTimer(self)
        self._subscribing.setSingleShot(True)
        self._subscribing.setInterval(0)
        self._subscribing.timeout.connect(self._subscribe)
        self._hearing = Hearing(desk, self.status, self)
        desk.connection_changed.connect(self._on_connection)
        self._failed = ""
        desk.failed.connect(self._on_failure)
        desk.refused.connect(self._on_refused)
        self.look = Look(settings, self.actions_by_id, self)
        self.look.failed.connect(partial(desk.say, Severity.ERROR))
        self.look.changed.connect(lambda: self.docks.apply_theme(tokens()))
        self.look.apply()
        self.resize(QSize(1600, 950).boundedTo(self.screen().availableSize()))
        self.workbench.open()
        self._title()

    # -- panels ------------------------------------------------------------------------------

    def open_panel(
        self, kind: str, panel_id: str = "", area: str = "center", beside: str = ""
    ) -> str:
        """Open a panel (or bring the only one to the front); returns its id."""
        entry = PANEL_KINDS[kind]
        if not panel_id and not entry.several:
            for known, panel in self.docks.panels.items():
                if kind == panel.KIND:
                    self.docks.show(known)
                    return known
        panel_id = panel_id or self.docks.new_id(kind)
        try:
            panel = make_panel(kind, self.stores, self._ids)
        except Exception as error:
            # one panel that cannot be made leaves the others and the window whole
            self._reporter.report(f"The panel {panel_id} could not be opened", error)
            text = f"This panel could not be opened: {error}. Close this tab to forget it."
            self.docks.add_missing(SavedPanel(panel_id, kind), entry.title, text, area, beside)
            return panel_id
        panel.setObjectName(panel_id)
        panel.set_account(self.account)
        panel.set_instrument(self.instrument)
        panel.requested.connect(self._send)
        panel.instrument_chosen.connect(self.choose_instrument)
        panel.draft_offered.connect(self._on_draft)
        panel.said.connect(self.say)
        panel.subscription_changed.connect(self._subscribing.start)
        panel.state_changed.connect(self.workbench.save_soon)
        if (export := getattr(panel, "export_requested", None)) is not None:
            export.connect(self._on_export)
        if (older := getattr(panel, "older_wished", None)) is not None:
            older.connect(self.desk.ask)
        if (appraisal := getattr(panel, "appraisal_wished", None)) is not None:
            appraisal.connect(self._appraise)
        if (story := getattr(panel, "story_requested", None)) is not None:
            story.connect(self.show_story)
        self.history.attach(panel)
        self._pointing.attach(panel)
        self.docks.add(panel_id, panel, entry.title, area, beside)
        self._subscribing.start()
        return panel_id

    def panel(self, kind: str) -> Panel | None:
        """The first open panel of a kind."""
        return next((p for p in self.docks.panels.values() if kind == p.KIND), None)

    def show_story(self, order: str) -> None:
        """Tell an order's story, in the panel for it: in a window of its own where none is open."""
        self.open_panel("story", area=FLOATING)
        panel = self.panel("story")
        if panel is not None:
            panel.restore_state({"order": order})
            panel.window().raise_()
            panel.window().activateWindow()
            panel.setFocus(Qt.FocusReason.OtherFocusReason)
            self.workbench.save_soon()

    def choose_instrument(self, instrument: str) -> None:
        """Show an instrument in every linked panel."""
        if instrument not in self.stores.instruments:
            return
        self.instrument = self.playback.instrument = instrument
        for panel in self.docks.panels.values():
            if not panel.pinned and panel.instrument != instrument:
                panel.set_instrument(instrument)
        self.topbar.show_for(instrument, self.account)
        self._title()
        self._subscribing.start()
        self.workbench.save_soon()

    def _choose_account(self) -> None:
        names = list(self.stores.accounts.keys())
        if self.account not in names and names:
            self.account = names[0]
        for panel in self.docks.panels.values():
            panel.set_account(self.account)
        self.kill_button.set_account(self.account)
        self.topbar.show_for(self.instrument, self.account)

    def _subscribe(self) -> None:
        if not self.stores.connected:
            return  # what trades is not known yet; `_on_connection` comes here again
        wants: list[dict[str, set[Any]]] = [p.wants() for p in self.docks.panels.values()]
        wants.append({"quotes": {self.instrument} if self.instrument else set()})
        self.desk.subscribe(wants)

    def _on_draft(self, draft: NewOrder) -> None:
        ticket = self.panel("ticket")
        if ticket is None:
            self.open_panel("ticket", area="left")
            ticket = self.panel("ticket")
        take = getattr(ticket, "take_draft", None)
        if take is not None:
            take(draft)

    # -- once a frame ------------------------------------------------------------------------

    def _frame(self) -> None:
        self.desk.poll()
        if not self.isMinimized():
            self.refresh()

    def refresh(self) -> None:
        """Let every part that is in sight take in what the stores say now."""
        self._guarded("kill switch", self.kill_button.refresh)
        self._guarded("top bar", self.topbar.flush)
        self._guarded("replay bar", self.playback.flush)
        for turn, (panel_id, panel) in enumerate(
            list(self.docks.panels.items()), self.frames.frames
        ):
            # panels that need not be shown each frame take turns, so that frames cost the same
            if turn % panel.EVERY == 0 and panel.isVisible():
                self._guarded(f"panel {panel_id}", panel.flush)
        self._guarded("status bar", partial(self.status.flush, self.frames.summary))
        if self._differences is not None and self._differences.isVisible():
            self._guarded("list of differences", self._differences.flush)

    def show_differences(self) -> None:
        """The list of what differed between our books and the venues', beside the window."""
        if self._differences is None:
            self._differences = Differences(self.stores, self._ids, self)
            self._differences.requested.connect(self._send)
        self._differences.flush()
        self._differences.show()
        self._differences.raise_()
        self._differences.activateWindow()

    def _guarded(self, name: str, flush: Callable[[], None]) -> None:
        """One part's failure is its own: the others go on, and it is said once."""
        try:
            flush()
            self._broken.discard(name)
        except Exception as error:
            if name not in self._broken:
                self._broken.add(name)
                self._reporter.report(f"The {name} could not be drawn", error)

    # -- requests ----------------------------------------------------------------------------

    def _appraise(self, wanted: Appraise) -> None:
        order = signed(wanted.order, self.trader.name)
        self.desk.client.appraise(replace(wanted, order=order))

    def _on_trader(self, name: str, before: str) -> None:
        """What was appraised in the other name holds no more; who signs is on record."""
        self.topbar.show_trader(name)
        for panel in self.docks.panels.values():
            if (forget := getattr(panel, "appraise_anew", None)) is not None:
                forget()
        text = f"Orders of this terminal carry the name “{name}” from now on, not “{before}”."
        self.desk.say(Severity.WARNING, text)

    def _send(self, command: object) -> None:
        self.desk.send(signed(command, self.trader.name))  # type: ignore[arg-type]

    def kill(self) -> None:
        """First level of the kill switch (the button's longer presses do more)."""
        self._send(Kill(self._ids.next(), 1, self.account, Source.HOTKEY, reason="kill switch"))

    def cancel_all(self) -> None:
        """Cancel every working order of the account."""
        self._send(CancelAll(self._ids.next(), self.account))

    def flatten_instrument(self) -> None:
        """Cancel the linked instrument's orders, then close its position."""
        self._send(Flatten(self._ids.next(), self.account, self.instrument))

    def flatten_all(self) -> None:
        """Cancel all orders, then close all positions."""
        self._send(Flatten(self._ids.next(), self.account))

    # -- what the engine says ----------------------------------------------------------------

    def _on_connection(self, connected: bool, text: str) -> None:
        if connected:
            if self.instrument not in self.stores.instruments:
                self.instrument = next(self.stores.instruments.keys(), "")
            self._choose_account()
            self.topbar.show_mode()
            self.choose_instrument(self.instrument)
            for panel in self.docks.panels.values():
                if not panel.pinned or panel.instrument not in self.stores.instruments:
                    panel.set_instrument(self.instrument)
            self._subscribing.start()
        self.status.show_connection(connected, text, self._failed if not connected else "")
        if not connected and self.desk.process is None:
            self.status.say(text, Severity.WARNING)  # nobody starts that engine for us
        self._title()

    def _on_failure(self, text: str) -> None:
        self._failed = "Engine failed"  # it stays so: nobody starts that engine again
        self.status.show_connection(False, text, self._failed)
        print(f"outcry: {text}", file=sys.stderr)
        tell(self, "The engine cannot run", text)

    def _on_refused(self, _command: object, problem: str) -> None:
        self.desk.say(Severity.ERROR, problem)

    def say(self, text: str) -> None:
        """A sentence for the trader on the status bar."""
        self.status.say(text, Severity.INFO)

    # -- actions -----------------------------------------------------------------------------

    def _bind_actions(self) -> None:
        handlers: dict[str, Callable[[], object]] = {
            "trade.kill": self.kill,
            "trade.cancel_all": self.cancel_all,
            "trade.flatten_instrument": self.flatten_instrument,
            "trade.flatten_all": self.flatten_all,
            "view.next_trade": self.playback.next_trade,
            "layout.reset": lambda: self.workbench.arrange("default"),
            "layout.four_charts": lambda: self.workbench.arrange("four_charts"),
            "file.export_orders": lambda: self._export_all("orders"),
            "file.export_fills": lambda: self._export_all("fills"),
            "file.export_positions": lambda: self._export_all("positions"),
            "file.export_balances": lambda: self._export_all("balances"),
            "file.quit": self.close,
        }
        for action_id, handler in handlers.items():
            self.actions_by_id.bind(action_id, handler)

    def _make_menus(self) -> None:
        # not `menuBar()`: that makes a new bar once this one shares its place with the others
        self.menu_bar = MenuBar(self.actions_by_id, self.workbench, self.open_panel, self)
        self.topbar.workspace.setMenu(self.menu_bar.workspaces)
        self.workbench.changed.connect(self._show_workspace)
        self._show_workspace()
        self.setMenuWidget(_stack(self.menu_bar, self.topbar, self.playback))

    def _show_workspace(self) -> None:
        self.topbar.show_workspace(self.workbench.library.active.name, self.docks.locked)

    def _title(self) -> None:
        words = {Mode.PAPER: "Paper", Mode.REPLAY: "Replay", Mode.LIVE: "LIVE"}
        mode = self.stores.known_mode
        parts = [self.instrument] if self.instrument else []
        parts += [words[mode]] if mode is not None else []
        self.setWindowTitle(" — ".join([*parts, "Outcry"]))

    def _on_layout_changed(self, *_: object) -> None:
        if hasattr(self, "_subscribing") and not self._closed:
            self.workbench.save_soon()
            self._subscribing.start()

    # -- export ------------------------------------------------------------------------------

    def _on_export(self, kind: str, rows: list[Any], columns: list[Any]) -> None:
        self.exporter.ask(kind, rows, columns, self.account)

    def _export_all(self, kind: str) -> None:
        panel = self.panel(kind)
        if isinstance(panel, BlotterPanel):
            panel.export_everything()
        else:
            self.exporter.ask(kind, None, None, self.account)

    # -- ending ------------------------------------------------------------------------------

    def changeEvent(self, event: QEvent) -> None:
        """Minimised windows draw nothing."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.WindowStateChange and hasattr(self, "frames"):
            self.frames.slow_down(HIDDEN_FRAME_MS if self.isMinimized() else FRAME_MS)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """A new size is a change of the workspace."""
        super().resizeEvent(event)
        self._on_layout_changed()

    def moveEvent(self, event: QMoveEvent) -> None:
        """So is a new place."""
        super().moveEvent(event)
        self._on_layout_changed()

    def close_now(self) -> None:
        """Close without asking (time is up, or the question was answered)."""
        self._may_close = True
        self.close()

    def closeEvent(self, event: QCloseEvent) -> None:
        """With orders or positions left, ask first what is to become of them."""
        if not self._may_close and not self._leaving.ask():
            event.ignore()
            return
        self._leaving.stop()
        self.frames.stop()
        self._closed = True
        self.workbench.close()
        event.accept()
        self.closed.emit()

    def _leave(self, answer: str) -> None:
        if answer == "cancel":
            self.cancel_all()
        else:
            self.flatten_all()


def _stack(*widgets: QWidget) -> QWidget:
    holder = QWidget()
    layout = QVBoxLayout(holder)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(0)
    for widget in widgets:
        layout.addWidget(widget)
    return holder
