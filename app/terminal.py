"""The terminal as a program: engine process first, then Qt, window, loop; and all of it back."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
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
    from app.reporter import Reporter
    from app.window import MainWindow
    from core.services.engine import Engine

SIGNAL_MS = 200

NO_DISPLAY = "There is no display here, so the terminal runs off-screen; Ctrl-C ends it."


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
    if options.placement == "remote" and not os.environ.get(TOKEN_VARIABLE):
        raise UserError(
            f"{TOKEN_VARIABLE} is not set; give this terminal the secret that the engine at"
            f" {options.endpoint} was started with in that variable"
        )
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
    from app.offscreen import choose_platform
    from app.system import has_display

    unseen = options.offscreen or os.environ.get("QT_QPA_PLATFORM", "").startswith("offscreen")
    if not unseen and not has_display():
        unseen = True
        print(NO_DISPLAY, flush=True)
    choose_platform(unseen)
    from PySide6.QtCore import Qt, QTimer
    from PySide6.QtGui import QGuiApplication
    from PySide6.QtWidgets import QApplication

    from app.loop import Loop
    from app.reporter import Reporter
    from widgets.icons import program_icon

    QGuiApplication.setHighDpiScaleFactorRoundingPolicy(
        Qt.HighDpiScaleFactorRoundingPolicy.PassThrough
    )
    _log_to(data / "terminal.log")
    app = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(app, QApplication)
    app.setApplicationName("Outcry")
    app.setWindowIcon(program_icon())
    app.setQuitOnLastWindowClosed(False)
    if not unseen and app.platformName() == "offscreen":
        unseen = True
        print(NO_DISPLAY, flush=True)
    stores = Stores()
    reporter = Reporter(stores.add_notice)
    loop = Loop(app, reporter.report)
    reporter.install()
    heartbeat = QTimer(app)  # lets Python see signals while Qt waits
    heartbeat.start(SIGNAL_MS)
    try:
        return loop.run(_session(options, data, process, stores, reporter, unseen))
    finally:
        heartbeat.stop()
        reporter.uninstall()


async def _session(
    options: argparse.Namespace,
    data: Path,
    process: EngineProcess | None,
    stores: Stores,
    reporter: Reporter,
    unseen: bool,
) -> int:
    """The engine where it runs in this process, the window, and both until the end."""
    from app.offscreen import PictureKeeper

    async with AsyncExitStack() as stack:
        client = None
        if options.placement == "inline":
            engine = await stack.enter_async_context(_engine_here(options, data))
            client = engine.client(f"terminal-{os.getpid()}", stores=stores)
        window = make_window(options, data, process, stores, reporter, client)
        window.show()
        window.desk.start()
        window.frames.start()
        if unseen:
            picture = data / "terminal.png"
            PictureKeeper(window, picture, lambda text: print(text, file=sys.stderr))
            print(f"A fresh picture of its window is kept in {picture}", flush=True)
        return await _live(options, window, unseen)


@asynccontextmanager
async def _engine_here(options: argparse.Namespace, data: Path) -> AsyncIterator[Engine]:
    """The engine on this loop, the market and the journal as in a process of its own."""
    from core.journal.errors import JournalError
    from core.services.config import ConfigError
    from core.services.engine_main import make_engine
    from core.services.options import parse_options
    from core.venues.replay.problems import RecordingError

    given = parse_options(["--data-dir", str(data), *engine_arguments(options)])
    try:
        engine, recorder = make_engine(given)
        await engine.start()
    except (ConfigError, JournalError, RecordingError, OSError, ValueError) as error:
        raise UserError(str(error)) from error
    try:
        yield engine
    finally:
        await engine.stop()
        if recorder is not None:
            with suppress(RecordingError):
                recorder.close()


def make_window(
    options: argparse.Namespace,
    data: Path,
    process: EngineProcess | None,
    stores: Stores,
    reporter: Reporter,
    client: EngineClient | None = None,
) -> MainWindow:
    """The main window with everything it needs, not yet shown; `client` of an engine in here."""
    from app.desk import Desk
    from app.settings import SettingsFile
    from app.window import MainWindow
    from app.workspaces import Workspaces

    stores.mode_known = process is not None or client is not None  # an engine of our own
    if client is None:
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
    workspaces = Workspaces(data / "workspaces" / mode, settings, mode)
    window = MainWindow(
        Desk(client, stores, process),
        IdMaker({"paper": "P", "replay": "R"}[mode]),
        settings,
        workspaces,
        reporter,
        data / "exports",
    )
    if settings.problem:
        from core.model.enums import Severity

        window.desk.say(Severity.WARNING, settings.problem)
    return window


async def _live(options: argparse.Namespace, window: MainWindow, unseen: bool) -> int:
    """Until the window is closed; unseen, also when its engine failed for good: nobody can act."""
    from PySide6.QtGui import QGuiApplication

    app = QGuiApplication.instance()
    assert isinstance(app, QGuiApplication)
    ended = asyncio.get_running_loop().create_future()

    def end(code: int) -> None:
        if not ended.done():
            ended.set_result(code)

    window.closed.connect(lambda: end(0))
    app.commitDataRequest.connect(lambda _manager: window.workbench.save())
    for name in ("SIGINT", "SIGTERM"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: window.close_now())
    until = time.monotonic() + options.exit_after if options.exit_after else None
    picture: Path | None = options.screenshot
    try:
        while not ended.done():
            await asyncio.sleep(0.05)
            if unseen and window.desk.engine_failed:
                return 1
            if picture is not None and _shows_prices(window):
                await asyncio.sleep(2.0)
                if not window.tools.save_picture(str(picture)):
                    raise UserError(f"the picture {picture} cannot be written; choose another file")
                picture = None
            if until is not None and time.monotonic() >= until:
                window.close_now()
        if picture is not None:
            raise UserError(f"no prices came, so there is no picture {picture}; see the log")
        return int(ended.result())
    finally:
        await window.exporter.finish()
        await window.history.finish()
        window.close_now()
        window.frames.stop()
        window.desk.stop()
        window.docks.clear()
        window.deleteLater()


def _shows_prices(window: MainWindow) -> bool:
    ticker = window.stores.tickers.get(window.instrument)
    return ticker is not None and (ticker.last or ticker.bid or ticker.ask) > 0


def _log_to(path: Path) -> None:
    logging.basicConfig(
        filename=path,
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
        force=True,
    )
