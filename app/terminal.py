"""The terminal as a program: engine process first, then Qt, window, loop; and all of it back."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from app.errors import UserError
from core.bus.endpoint import TOKEN_VARIABLE
from core.client.client import EngineClient
from core.client.stores import Stores
from core.journal.lock import FileHeldError, FileLock
from core.model.enums import Mode
from core.model.ids import IdMaker
from core.services import affinity
from core.services.options import default_data_dir
from core.services.process import EngineProcess

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from app.window import MainWindow

SIGNAL_MS = 200


def run(options: argparse.Namespace) -> int:
    """Open the terminal and stay until it is closed; returns the exit code.

    Raises:
        UserError: when the data directory cannot be used or an engine cannot be started.
    """
    data = (options.data_dir or default_data_dir()).expanduser()
    try:
        data.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{data} cannot be used ({error.strerror}); choose --data-dir.") from error
    process, lock = None, None
    if options.placement == "embedded":
        # first of all: the engine starts while this process still imports Qt
        try:
            process = EngineProcess(data, engine_arguments(options))
            lock = FileLock(process.home / "terminal.lock")
        except OSError as error:
            raise UserError(
                f"{data} cannot be written ({error}); choose another folder with --data-dir."
            ) from error
        except FileHeldError as held:
            # two terminals would share one engine, and the first to close would end it
            raise UserError(
                f"Outcry already trades this market in {data} ({held}). Use its window, or open"
                " another one with --data-dir FOLDER."
            ) from None
        process.start()
        affinity.pin(affinity.plan().others)
    try:
        return _run_window(options, data, process)
    finally:
        if process is not None:
            process.stop()
        if lock is not None:
            lock.release()


def engine_arguments(options: argparse.Namespace) -> list[str]:
    """The words of `main.py engine` that say which market this terminal was asked for."""
    words = ["--seed", str(options.seed)]
    if options.instruments is not None:
        words += ["--instruments", str(options.instruments)]
    if options.rate is not None:
        words += ["--rate", str(options.rate)]
    if options.replay is not None:
        words += ["--replay", str(options.replay), "--speed", str(options.speed)]
        if options.start is not None:
            words += ["--start", f"{options.start}"]
    return words


def _run_window(options: argparse.Namespace, data: Path, process: EngineProcess | None) -> int:
    os.environ["QT_API"] = "pyside6"
    from app.offscreen import go_offscreen
    from app.system import has_display

    unseen = options.offscreen or os.environ.get("QT_QPA_PLATFORM", "").startswith("offscreen")
    if not unseen and not has_display():
        unseen = True
        print("There is no display here, so the terminal runs off-screen; Ctrl-C ends it.")
    if unseen:
        go_offscreen()
    from PySide6.QtCore import Qt, QTimer
    from PySide6.QtGui import QGuiApplication
    from PySide6.QtWidgets import QApplication

    from app.loop import Loop
    from app.offscreen import PictureKeeper
    from app.reporter import Reporter

    QGuiApplication.setHighDpiScaleFactorRoundingPolicy(
        Qt.HighDpiScaleFactorRoundingPolicy.PassThrough
    )
    _log_to(data / "terminal.log")
    app = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(app, QApplication)
    app.setApplicationName("Outcry")
    app.setQuitOnLastWindowClosed(False)
    stores = Stores()
    reporter = Reporter(stores.add_notice)
    loop = Loop(app, reporter.report)
    reporter.install()
    window = make_window(options, data, process, stores, reporter)
    heartbeat = QTimer(window)  # lets Python see signals while Qt waits
    heartbeat.start(SIGNAL_MS)
    window.show()
    window.desk.start()
    window.frames.start()
    if unseen:
        picture = data / "terminal.png"
        PictureKeeper(window, picture, lambda text: print(text, file=sys.stderr))
        print(f"A fresh picture of its window is kept in {picture}", flush=True)
    try:
        return loop.run(_live(options, app, window))
    finally:
        reporter.uninstall()


def make_window(
    options: argparse.Namespace,
    data: Path,
    process: EngineProcess | None,
    stores: Stores,
    reporter: object,
) -> MainWindow:
    """The main window with everything it needs, not yet shown."""
    from app.desk import Desk
    from app.reporter import Reporter
    from app.settings import SettingsFile
    from app.window import MainWindow
    from app.workspace import WorkspaceFile

    assert isinstance(reporter, Reporter)
    if process is not None:
        endpoint, token = process.endpoint, process.token
    else:
        endpoint, token = options.endpoint, os.environ.get(TOKEN_VARIABLE, "")
    client = EngineClient(endpoint, token, f"terminal-{os.getpid()}", stores=stores)
    mode = "replay" if options.replay is not None else "paper"
    stores.mode = Mode(mode)  # until the engine says it, which may never be
    settings = SettingsFile(data / "settings")
    if options.theme:
        settings.values.theme = options.theme
    workspace = WorkspaceFile(data / "workspaces" / mode, settings.values.workspace)
    window = MainWindow(
        Desk(client, stores, process),
        IdMaker({"paper": "P", "replay": "R"}[mode]),
        settings,
        workspace,
        reporter,
        data / "exports",
    )
    if settings.problem:
        from core.model.enums import Severity

        window.desk.say(Severity.WARNING, settings.problem)
    return window


async def _live(options: argparse.Namespace, app: QApplication, window: MainWindow) -> int:
    ended = asyncio.get_running_loop().create_future()

    def end(code: int) -> None:
        if not ended.done():
            ended.set_result(code)

    window.closed.connect(lambda: end(0))
    app.commitDataRequest.connect(lambda _manager: window.save_workspace())
    for name in ("SIGINT", "SIGTERM"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: window.close_now())
    until = time.monotonic() + options.exit_after if options.exit_after else None
    picture = options.screenshot
    try:
        while not ended.done():
            await asyncio.sleep(0.05)
            if picture is not None and _shows_prices(window):
                await asyncio.sleep(2.0)
                window.save_picture(str(picture))
                picture = None
            if until is not None and time.monotonic() >= until:
                window.close_now()
        return int(ended.result())
    finally:
        window.frames.stop()
        window.desk.stop()
        window.docks.clear()
        window.deleteLater()


def _shows_prices(window: MainWindow) -> bool:
    ticker = window.stores.tickers.get(window.instrument)
    return ticker is not None and ticker.last > 0


def _log_to(path: Path) -> None:
    logging.basicConfig(
        filename=path,
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
        force=True,
    )
