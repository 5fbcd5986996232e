"""Every error that nobody caught comes here: to the log file, the log panel and stderr."""

from __future__ import annotations

import logging
import sys
import threading
import time
import traceback
from collections.abc import Callable
from types import TracebackType

from PySide6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler

from core.model.enums import Severity
from core.model.events import Notice

log = logging.getLogger("outcry")

_QT_LEVEL = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}


class Reporter:
    """Takes errors from Python's hooks, threads, asyncio and Qt.

    `show` receives each as a `Notice` for the trader; the traceback goes to the log only.
    """

    def __init__(self, show: Callable[[Notice], None]) -> None:
        self._show = show
        self._main = threading.get_ident()

    def install(self) -> None:
        """Take over the process's hooks."""
        sys.excepthook = self._on_exception
        threading.excepthook = self._on_thread_exception
        qInstallMessageHandler(_on_qt_message)

    def uninstall(self) -> None:
        """Give the hooks back."""
        sys.excepthook = sys.__excepthook__
        threading.excepthook = threading.__excepthook__
        qInstallMessageHandler(None)

    def report(self, what: str, error: BaseException) -> None:
        """Something failed: a line for the trader, the traceback for the log."""
        log.error("%s\n%s", what, "".join(traceback.format_exception(error)))
        text = f"{what}: {error}" if str(error) else f"{what}: {type(error).__name__}"
        print(f"outcry: {text}", file=sys.stderr)
        if threading.get_ident() == self._main:
            self._show(Notice(time.time_ns(), Severity.ERROR, "terminal", text))

    def _on_exception(
        self, kind: type[BaseException], error: BaseException, _trace: TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, _trace)
            return
        self.report("An action failed", error)

    def _on_thread_exception(self, args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            self.report("A background thread failed", args.exc_value)


_UNSEEN = "This plugin does not support"
"""How the off-screen platform begins what it says of every window that is shown."""


def _on_qt_message(kind: QtMsgType, context: QMessageLogContext, text: str | None) -> None:
    if text and text.startswith(_UNSEEN):
        return
    logging.getLogger("outcry.qt").log(_QT_LEVEL.get(kind, logging.INFO), "%s", text)
