"""Checks of the installation and of this machine, each with what to do when it is not well.

Every check runs even when libraries are missing: it imports what it looks at by itself.
"""

from __future__ import annotations

import importlib
import json
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

from app import prepare, system
from core.services import affinity

OK, WARN, FAIL = "ok", "warn", "fail"

_ENOUGH_SPACE = 1_000_000_000
_LEAST_SPACE = 100_000_000
_REINSTALL = "run `make run` in the checkout, or `pip install --editable .` in this environment"
_SOCKET_TIMEOUT_MS = 2_000


@dataclass(frozen=True)
class Check:
    """The outcome of one check: `status` is ok, warn or fail; `remedy` is empty when ok."""

    name: str
    status: str
    detail: str
    remedy: str = ""


def run(data_dir: Path | None, as_json: bool = False) -> int:
    """Print every check; 1 when one failed, else 0."""
    checks = list(examine(data_dir))
    if as_json:
        print(json.dumps([asdict(check) for check in checks], indent=2))
    else:
        for check in checks:
            remedy = f": {check.remedy}" if check.remedy else ""
            print(f"{check.status:<5} {check.name:<16} {check.detail}{remedy}")
    return 1 if any(check.status == FAIL for check in checks) else 0


def examine(data_dir: Path | None) -> Iterator[Check]:
    """All checks, in the order in which one would mend what they find."""
    checks: list[tuple[str, Callable[[], Iterator[Check]]]] = [
        ("python", check_python),
        ("libraries", check_libraries),
        ("cython modules", check_extensions),
        ("qt", check_qt),
        ("font", check_font),
        ("data folder", lambda: check_data_dir(data_dir)),
        ("sockets", check_sockets),
        ("clock", check_clock),
        ("cores", check_cores),
        ("event loop", check_event_loop),
    ]
    for name, check in checks:
        try:
            yield from check()
        except Exception as error:  # a broken installation breaks checks in any way it likes
            yield Check(name, FAIL, f"cannot be checked ({error})", _REINSTALL)


def check_python() -> Iterator[Check]:
    """The interpreter is one that Outcry is tested on."""
    detail = f"{platform.python_implementation()} {platform.python_version()}"
    if sys.version_info[:2] in prepare.SUPPORTED:
        yield Check("python", OK, detail)
    else:
        yield Check("python", FAIL, detail, "install Python 3.11, 3.12 or 3.13")


def check_libraries() -> Iterator[Check]:
    """Every run-time dependency is installed in a version within the bounds of the package."""
    from packaging.requirements import Requirement

    try:
        requirements = metadata.requires("outcry") or []
    except metadata.PackageNotFoundError:
        yield Check("libraries", FAIL, "Outcry itself is not installed", _REINSTALL)
        return
    well = []
    for requirement in map(Requirement, requirements):
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            found = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            yield Check(requirement.name, FAIL, "is not installed", _REINSTALL)
            continue
        if requirement.specifier.contains(found, prereleases=True):
            well.append(f"{requirement.name} {found}")
        else:
            wanted = f"{found} is installed, {requirement.specifier} is needed"
            yield Check(requirement.name, FAIL, wanted, _REINSTALL)
    if well:
        yield Check("libraries", OK, ", ".join(well))


def check_extensions() -> Iterator[Check]:
    """Every Cython module imports and, in a checkout, is newer than what it was built from."""
    well = []
    core = prepare.ROOT / "core"
    compiled = [p for p in core.rglob("*") if p.suffix in (".pyx", *prepare.BUILT_SUFFIXES)]
    for stem in sorted({path.parent / path.name.split(".")[0] for path in compiled}):
        name = ".".join(stem.relative_to(prepare.ROOT).parts)
        try:
            built = importlib.import_module(name).__file__
        except ImportError as error:
            yield Check(name, FAIL, f"does not import ({error})", _REINSTALL)
            continue
        source = stem.with_suffix(".pyx")
        inputs = build_inputs(source) if source.exists() else set()
        newer = [p.name for p in inputs if p.stat().st_mtime > Path(str(built)).stat().st_mtime]
        if newer:
            detail = "is older than " + ", ".join(sorted(newer))
            yield Check(name, FAIL, detail, "run `make run` to rebuild it")
        else:
            well.append(name)
    if well:
        yield Check("cython modules", OK, ", ".join(well))


def build_inputs(source: Path) -> set[Path]:
    """`source` and the declarations and headers beside it that it names, directly or not."""
    beside = [path for path in prepare.build_sources() if path.parent == source.parent]
    found = {source}
    queue = [source]
    while queue:
        text = queue.pop().read_text()
        for path in beside:
            named = path.name in text or (path.suffix == ".pxd" and path.stem == source.stem)
            if named and path not in found:
                found.add(path)
                queue.append(path)
    return found


def check_qt() -> Iterator[Check]:
    """Qt's plugins find their system libraries, and a window can really be made."""
    site_packages = Path(sysconfig.get_path("platlib"))
    remedy = "type: " + system.install_line(system.QT_PACKAGES)
    off_screen = system.missing_libraries(site_packages, system.QT_OFF_SCREEN)
    if off_screen:
        yield Check("qt", FAIL, "misses " + ", ".join(off_screen), remedy)
        return
    on_screen = system.missing_libraries(site_packages, system.QT_ON_SCREEN)
    if on_screen:
        status = FAIL if system.has_display() else WARN
        yield Check("qt", status, "misses, for a screen, " + ", ".join(on_screen), remedy)
    environment = dict(os.environ)
    if not system.has_display():
        environment["QT_QPA_PLATFORM"] = "offscreen"
    code = (
        "from PySide6.QtCore import qVersion; from PySide6.QtWidgets import QApplication, QWidget;"
        "import PySide6QtAds; a = QApplication([]); w = QWidget(); w.grab();"
        "print('Qt', qVersion(), 'on', a.platformName())"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if result.returncode == 0:
        yield Check("qt", OK, result.stdout.strip())
    else:
        reason = (result.stderr.strip().splitlines() or ["it crashed"])[-1]
        shown = "on this display" if system.has_display() else "off-screen"
        remedy = "check DISPLAY and WAYLAND_DISPLAY, or run with --offscreen"
        yield Check("qt", FAIL, f"no window can be made {shown} ({reason})", remedy)


def check_font() -> Iterator[Check]:
    """There is a font to write prices with."""
    if system.has_font():
        yield Check("font", OK, "found")
    else:
        remedy = "type: " + system.install_line(("fonts-dejavu-core",))
        yield Check("font", FAIL, "none is installed", remedy)


def check_data_dir(data_dir: Path | None) -> Iterator[Check]:
    """The folder of journal and records can be written and has room."""
    if data_dir is None:
        from core.services.options import default_data_dir

        data_dir = default_data_dir()
    folder = data_dir
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    elsewhere = "choose another folder with --data-dir, or change the rights of this one"
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        reason = error.strerror or str(error)
        yield Check("data folder", FAIL, f"{data_dir} cannot be written ({reason})", elsewhere)
        return
    free = shutil.disk_usage(folder).free
    detail = f"{data_dir}, {free / 1e9:.1f} GB free"
    if free < _ENOUGH_SPACE:
        status = FAIL if free < _LEAST_SPACE else WARN
        yield Check(
            "data folder", status, detail, "make room, or choose another disk with --data-dir"
        )
    else:
        yield Check("data folder", OK, detail)


def check_sockets() -> Iterator[Check]:
    """The engine and the terminal can talk: local sockets, or loopback TCP where there are none."""
    import zmq

    with tempfile.TemporaryDirectory(prefix="outcry-") as folder:
        endpoints = {"loopback tcp": "tcp://127.0.0.1:*"}
        if zmq.has("ipc"):
            endpoints["ipc"] = f"ipc://{folder}/check"
        for name, endpoint in endpoints.items():
            try:
                _round_trip(endpoint)
            except (OSError, zmq.ZMQError) as error:
                remedy = "allow this program to open sockets on the loopback interface"
                if name == "ipc":
                    remedy = "point TMPDIR to a folder on a local disk with a short path"
                yield Check("sockets", FAIL, f"{name} does not work ({error})", remedy)
            else:
                yield Check("sockets", OK, f"{name} works")


def _round_trip(endpoint: str) -> None:
    """Send one message over `endpoint` and receive it. Raises OSError or ZMQError."""
    import zmq

    with zmq.Context() as context, context.socket(zmq.PULL) as pull:
        pull.linger = 0
        pull.bind(endpoint)
        with context.socket(zmq.PUSH) as push:
            push.linger = 0
            push.connect(pull.getsockopt_string(zmq.LAST_ENDPOINT))
            push.send(b"outcry", zmq.DONTWAIT)
            if not pull.poll(_SOCKET_TIMEOUT_MS) or pull.recv() != b"outcry":
                raise TimeoutError(f"nothing arrived within {_SOCKET_TIMEOUT_MS} ms")


def check_clock() -> Iterator[Check]:
    """The clock is fine-grained, not behind the program's own files, and set by a time server."""
    remedy = "turn on time synchronisation: orders and records carry this clock's time"
    if time.time() < Path(__file__).stat().st_mtime - 60:
        now = time.strftime("%Y-%m-%d %H:%M", time.gmtime())
        yield Check("clock", FAIL, f"{now} UTC is before this program was installed", remedy)
        return
    ticks = time.get_clock_info("time").resolution
    if ticks > 0.001:
        yield Check("clock", WARN, f"steps of {ticks * 1e3:.0f} ms", "times in records are coarse")
        return
    timedatectl = shutil.which("timedatectl")
    if timedatectl is not None:
        shown = subprocess.run(
            [timedatectl, "show", "--property=NTPSynchronized", "--value"],
            capture_output=True,
            text=True,
            check=False,
            timeout=10,
        )
        if shown.stdout.strip() == "no":
            yield Check("clock", WARN, "not synchronised with a time server", remedy)
            return
    yield Check("clock", OK, f"steps of {ticks * 1e9:.0f} ns")


def check_cores() -> Iterator[Check]:
    """There is a core for the engine besides the window's, and it is let run first there."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    if (usable or 1) >= 2:
        first = "" if affinity.may_be_urgent() else "; rtprio is not granted, others may delay it"
        yield Check("cores", OK, f"{usable}{first if sys.platform == 'linux' else ''}")
    else:
        remedy = "give the program two: the window's painting delays the engine on one"
        yield Check("cores", WARN, "1", remedy)


def check_event_loop() -> Iterator[Check]:
    """uvloop is there, where it exists."""
    if sys.platform == "win32":
        yield Check("event loop", OK, "asyncio; uvloop does not exist for Windows")
        return
    try:
        uvloop = importlib.import_module("uvloop")
    except ImportError as error:
        detail = f"asyncio, for uvloop does not import ({error})"
        yield Check("event loop", WARN, detail, "the engine is slower; " + _REINSTALL)
    else:
        yield Check("event loop", OK, f"uvloop {uvloop.__version__}")
