"""What every test gets: no display, no user's files, and nobody may leave anything behind."""

from __future__ import annotations

import os
import sys
import threading
import time

# Before anything imports Qt: tests draw, but on no screen.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
# Before anything imports the kernel: tests run its sources, which coverage and faults can show.
os.environ.setdefault("OUTCRY_INTERPRETED", "1")

import psutil
import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says how busy the machine is, and nothing about the program.
settings.register_profile(
    "untimed", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("untimed")

_GRACE_SECONDS = 10.0


@pytest.fixture(scope="session", autouse=True)
def _own_user_folders(tmp_path_factory):
    """The program finds empty folders where a user's data, settings and caches would be."""
    home = tmp_path_factory.mktemp("home")
    patch = pytest.MonkeyPatch()
    for variable in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
        patch.setenv(variable, str(home / variable.lower()))
    yield
    patch.undo()


@pytest.fixture(autouse=True)
def _no_pointer_left():
    """The pointer that a test left somewhere is over no widget of the next one."""
    gui = sys.modules.get("PySide6.QtGui")
    if gui is not None and gui.QGuiApplication.instance() is not None:
        gui.QCursor.setPos(-1000, -1000)


@pytest.fixture(autouse=True)
def _no_window_or_thread_left(request):
    """Fail the test that leaves a window open or a thread of its own running."""
    windows_before = _open_windows()
    threads_before = set(threading.enumerate())
    yield
    left = [window for window in _open_windows() if window not in windows_before]
    names = [f"{type(window).__name__} {window.objectName()!r}" for window in left]
    for window in left:
        window.close()
        window.deleteLater()
    if left:
        pytest.fail(f"left windows open: {', '.join(names)}", pytrace=False)

    def threads_left():
        return [t for t in threading.enumerate() if t not in threads_before and not t.daemon]

    if not _within_grace(lambda: not threads_left()):
        names = [thread.name for thread in threads_left()]
        pytest.fail(f"left threads running: {', '.join(names)}", pytrace=False)


@pytest.fixture(scope="module", autouse=True)
def _no_process_left():
    """Fail the file that leaves a child process running; end it, so that others do not suffer."""
    before = set(_children())
    yield
    if _within_grace(lambda: not set(_children()) - before):
        return
    left = set(_children()) - before
    names = [f"{child.pid} {' '.join(child.cmdline())}" for child in left]
    for child in left:
        child.kill()
    pytest.fail(f"left processes running: {'; '.join(names)}", pytrace=False)


def _open_windows():
    widgets = sys.modules.get("PySide6.QtWidgets")
    application = widgets.QApplication.instance() if widgets else None
    if application is None or not hasattr(application, "topLevelWidgets"):
        return []
    return [window for window in application.topLevelWidgets() if window.isVisible()]


def _children():
    running = []
    for child in psutil.Process().children(recursive=True):
        try:
            helper = "multiprocessing.resource_tracker" in " ".join(child.cmdline())
            if child.status() != psutil.STATUS_ZOMBIE and not helper:
                running.append(child)
        except psutil.Error:
            continue  # it has just ended
    return running


def _within_grace(true):
    """Wait until `true()`; False when it does not become so in time."""
    deadline = time.monotonic() + _GRACE_SECONDS
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
