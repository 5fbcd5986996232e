"""The main window on a line to an engine that a test plays."""

from __future__ import annotations

from collections import deque
from pathlib import Path

import msgspec
import pytest
from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QApplication

from app.desk import Desk
from app.reporter import Reporter
from app.settings import SettingsFile
from app.window import MainWindow
from app.workspaces import Workspaces
from core.client.client import EngineClient
from core.client.stores import Stores
from core.model.enums import Mode, TradingState
from core.model.events import Event, Notice
from core.model.ids import IdMaker
from core.model.orders import AccountState, OrderUpdate, Position
from core.model.session import Events, Frame, Hello, Snapshot, Submit, Ticker
from core.model.wire import decode_to_engine, encode
from tests.widgets.trading_world import ASK, BID, BTC, SHARE, START, World

ACCOUNT = "PAPER"


class Line:
    """The engine's end of a connection: keeps what the client says, says what the test wants."""

    fd = -1

    def __init__(self) -> None:
        self.said: list[object] = []
        self.down = ""
        self.inbox: deque[bytes] = deque()
        self.snapshot: Snapshot | None = None

    @property
    def connected(self) -> bool:
        return not self.down

    def lost(self) -> str:
        return self.down

    def send(self, data: bytes) -> bool:
        message = decode_to_engine(data)
        self.said.append(message)
        if isinstance(message, Hello) and self.snapshot is not None:
            self.inbox.append(encode(self.snapshot))
        return not self.down

    def receive(self) -> bytes | None:
        return self.inbox.popleft() if self.inbox else None

    def close(self) -> None:
        self.down = "closed"


class Terminal:
    """A window and the engine's end of its line."""

    def __init__(self, qtbot, data: Path, mode: Mode = Mode.PAPER) -> None:
        self.qtbot = qtbot
        self.data = data
        self.mode = mode
        self.lines: list[Line] = []
        self.orders: tuple[OrderUpdate, ...] = ()
        self.positions: tuple[Position, ...] = ()
        self.reach = True
        self.stores = Stores()
        self.shown: list[Notice] = []
        client = EngineClient("line", "t", "test", "terminal", self.stores, self._open)
        self.desk = Desk(client, self.stores, None)
        self.settings = SettingsFile(data / "settings")
        self.library = Workspaces(data / "workspaces", self.settings, mode.value)
        self.reporter = Reporter(self._show)
        self.window = MainWindow(
            self.desk, IdMaker("T"), self.settings, self.library, self.reporter, data / "exports"
        )
        self.window.show()
        self.window.activateWindow()
        qtbot.waitUntil(self.window.isActiveWindow)

    def _show(self, notice: Notice) -> None:
        self.shown.append(notice)
        self.stores.add_notice(notice)

    def _open(self, _endpoint: str) -> Line:
        if not self.reach:
            raise OSError("Nobody is there.")
        line = Line()
        line.snapshot = Snapshot(
            "engine",
            self.mode,
            START,
            1,
            (BTC, SHARE),
            (AccountState(1, START, ACCOUNT, {}, TradingState.ACTIVE),),
            self.orders,
            (),
            self.positions,
            (),
            (),
            (),
            (),
            (),
        )
        self.lines.append(line)
        return line

    @property
    def line(self) -> Line:
        return self.lines[-1]

    @property
    def commands(self) -> list[object]:
        """What was asked of all engines so far."""
        said = [m for line in self.lines for m in line.said]
        return [m.command for m in said if isinstance(m, Submit)]

    def connect(self) -> None:
        self.desk.start()
        self.until(lambda: self.stores.connected)

    def frame(self) -> None:
        """One frame, as the clock makes them."""
        self.window._frame()

    def until(self, true) -> None:
        def framed() -> bool:
            self.frame()
            return bool(true())

        self.qtbot.waitUntil(framed)

    def say(self, *events: Event) -> None:
        self.line.inbox.append(encode(Events(events)))
        self.frame()

    def quote(self) -> None:
        tickers = tuple(
            Ticker(i.id, START, START, bid, 5, ask, 5, bid)
            for i, bid, ask in ((BTC, BID, ASK), (SHARE, 1_000, 1_001))
        )
        self.line.inbox.append(encode(Frame(1, START, tickers=tickers)))
        self.frame()

    def order(self, name: str, **changes) -> OrderUpdate:
        """An update of an order of the account; the engine has not said it yet."""
        world = World(account=ACCOUNT)
        from core.model.enums import ExecType, Side

        order = world.order(name, Side.BUY, BID)
        return OrderUpdate(1, START, msgspec.structs.replace(order, **changes), ExecType.NEW)

    def close(self) -> None:
        """End everything, whatever is open."""
        self.window.close_now()
        self.desk.stop()
        self.window.docks.clear()
        self.window.deleteLater()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        QApplication.processEvents()


@pytest.fixture
def terminal(qtbot, tmp_path):
    """Makes terminals on one data folder; all are closed at the end."""
    made: list[Terminal] = []

    def make(mode: Mode = Mode.PAPER, data: Path = tmp_path) -> Terminal:
        for old in made:
            old.close()
        made[:] = [Terminal(qtbot, data, mode)]
        return made[0]

    yield make
    for one in made:
        one.close()
