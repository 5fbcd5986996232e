"""Set up a checkout: `python3 -m app.prepare` makes `.venv`, installs and builds Outcry in it.

`--dev` adds the tools of the test suite. Runs on the system's Python before anything is
installed, so it uses the standard library only. What was done is remembered in
`.venv/outcry.json` by a hash of everything it depends on: when nothing changed, the next call
returns at once and touches neither network nor disk.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from app import system
from core import native

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STATE = VENV / "outcry.json"
LOG = VENV / "prepare.log"

SUPPORTED = ((3, 13), (3, 12), (3, 11))
SOURCE_SUFFIXES = (".pyx", ".pxd", ".pxi", ".h")
BUILT_SUFFIXES = (".so", ".pyd")

# Run by another Python: its version, where its Python.h is, whether it can make environments.
_PROBE = (
    "import importlib.util, json, os, sys, sysconfig;"
    "print(json.dumps([sys.version_info[:3],"
    "os.path.exists(os.path.join(sysconfig.get_path('include'), 'Python.h')),"
    "importlib.util.find_spec('ensurepip') is not None]))"
)


class PrepareError(Exception):
    """Set-up cannot go on; the text says what is missing and what to type."""


def main(arguments: list[str] | None = None) -> int:
    """Bring `.venv` up to date; 0 when Outcry can start, 1 with a sentence on stderr when not."""
    words = sys.argv[1:] if arguments is None else arguments
    if set(words) - {"--dev"}:
        print("usage: python3 -m app.prepare [--dev]", file=sys.stderr)
        return 2
    try:
        prepare(dev="--dev" in words)
        compile_kernel()
    except PrepareError as error:
        print(f"outcry: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("outcry: set-up interrupted; the same command goes on from here", file=sys.stderr)
        return 130
    return 0


def prepare(dev: bool) -> None:
    """Do what is out of date of: environment, libraries, build, system libraries."""
    state = _read_state()
    dev = dev or bool(state.get("dev"))
    wanted = {"dev": dev, "fingerprint": fingerprint(), "system": True}
    if state == wanted and PYTHON.exists() and not unbuilt():
        return
    if {**state, "system": True} != wanted or not PYTHON.exists() or unbuilt():
        _make_environment()
        _install(dev)
        _write_state({**wanted, "system": False})
    if _ensure_system_libraries():
        _write_state(wanted)


def compile_kernel() -> None:
    """Make machine code of the kernel, once for each state of its sources; it works without."""
    if any(native.FOLDER.glob(f"{native.fingerprint()}.*")):
        return
    _say("compiling the kernel (about 20 seconds)")
    if _run_logged([str(PYTHON), "-m", "app.compile"]) != 0:
        _say(f"the kernel could not be compiled and runs slower (see {LOG})")


def fingerprint() -> str:
    """A hash of all that decides what is installed and built, and of where the checkout is."""
    digest = hashlib.sha256(str(ROOT).encode())
    for path in [ROOT / "pyproject.toml", *build_sources()]:
        digest.update(b"\0" + path.relative_to(ROOT).as_posix().encode() + b"\0")
        digest.update(path.read_bytes())
    return digest.hexdigest()


def build_sources() -> list[Path]:
    """The files that Cython modules are made of, in a fixed order."""
    return sorted(path for path in (ROOT / "core").rglob("*.*") if path.suffix in SOURCE_SUFFIXES)


def unbuilt() -> list[Path]:
    """Cython modules without a built extension beside them."""
    return [
        source for source in build_sources() if source.suffix == ".pyx" and not built_from(source)
    ]


def built_from(source: Path) -> list[Path]:
    """The extension files that were built from the module `source`."""
    return [
        path for path in source.parent.glob(source.stem + ".*") if path.suffix in BUILT_SUFFIXES
    ]


def _make_environment() -> None:
    if _environment_works():
        return
    python, version = _find_python()
    _say(f"making .venv with Python {version}")
    if VENV.exists():
        shutil.rmtree(VENV)
    _run([python, "-m", "venv", str(VENV)], "the virtual environment cannot be made")


def _find_python() -> tuple[str, str]:
    """A supported Python that can build: its path and version. Raises PrepareError."""
    own = getattr(sys, "_base_executable", sys.executable)
    names = [own, *(f"python{major}.{minor}" for major, minor in SUPPORTED)]
    for name in names:
        path = shutil.which(name)
        facts = _probe(path) if path else None
        if path and facts and facts[0][:2] in SUPPORTED:
            version = ".".join(str(part) for part in facts[0])
            _ensure_build_tools(path, version, has_header=facts[1], has_ensurepip=facts[2])
            return path, version
    here = ".".join(str(part) for part in sys.version_info[:3])
    raise PrepareError(
        f"Outcry runs on Python 3.11, 3.12 or 3.13, but python3 is {here} and neither python3.13,"
        " python3.12 nor python3.11 is on the PATH; install one of them with its venv and dev"
        " packages and run the same command again."
    )


def _probe(python: str) -> tuple[tuple[int, ...], bool, bool] | None:
    """Version, has Python.h, has ensurepip; None when `python` does not run."""
    try:
        result = subprocess.run(
            [python, "-c", _PROBE], capture_output=True, text=True, check=True, timeout=30
        )
        version, has_header, has_ensurepip = json.loads(result.stdout)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None  # e.g. a version manager's shim for a version that is not there
    return tuple(version), has_header, has_ensurepip


def _ensure_build_tools(python: str, version: str, has_header: bool, has_ensurepip: bool) -> None:
    """See that a C compiler, Python.h and ensurepip are there; install them where we may."""
    if sys.platform.startswith("linux"):
        short = ".".join(version.split(".")[:2])
        packages = []
        if not has_ensurepip:
            packages.append(f"python{short}-venv")
        if not has_header:
            packages.append(f"python{short}-dev")
        if not (shutil.which(os.environ.get("CC", "cc").split()[0]) or shutil.which("gcc")):
            packages.extend(["gcc", "libc6-dev"])
        if packages and not _apt_install(packages):
            raise PrepareError(
                f"to build with {python} some packages are missing; type:\n  "
                + system.install_line(tuple(packages))
            )


def _install(dev: bool) -> None:
    _say("installing libraries and building Cython modules (minutes the first time)")
    build_tools = _output(
        "import json, tomllib; print(json.dumps("
        "tomllib.load(open('pyproject.toml', 'rb'))['build-system']['requires']))"
    )
    for source in build_sources():
        if source.suffix == ".pyx":
            # The build goes by times of files and would overlook, say, a changed header.
            for stale in [source.with_suffix(".c"), *built_from(source)]:
                stale.unlink(missing_ok=True)
    pip = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "install"]
    remedy = "the installation failed"
    _run([*pip, *json.loads(build_tools)], remedy)
    target = ".[dev]" if dev else "."
    # The build tools live in the environment, so that a rebuild needs no network.
    _run([*pip, "--no-build-isolation", "--editable", target], remedy)
    # The environment may forbid Python to write bytecode; without any, each start is slow.
    code = ["main.py", "app", "widgets", "core"]
    _run([str(PYTHON), "-m", "compileall", "-q", *code], "a source file does not compile")


def _ensure_system_libraries() -> bool:
    """Install what Qt needs of the system; whether all of it is there.

    Raises PrepareError with the line to type when no window could open. A missing library that
    only a screen needs is no error where there is no screen.
    """
    site_packages = Path(_output("import sysconfig; print(sysconfig.get_path('platlib'))"))

    def missing(files: tuple[str, ...]) -> list[str]:
        return system.missing_libraries(site_packages, files)

    everything = system.QT_OFF_SCREEN + system.QT_ON_SCREEN
    if not missing(everything) and system.has_font():
        return True
    if _apt_install(list(system.QT_PACKAGES)) and not missing(everything):
        return True
    names = missing(everything)
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    sentence = f"Qt misses {names[0]}{more}" if names else "no font is installed"
    sentence += "; type:\n  " + system.install_line(system.QT_PACKAGES)
    if missing(system.QT_OFF_SCREEN) or (names and system.has_display()):
        raise PrepareError(sentence)
    _say(sentence)
    return False


def _apt_install(packages: list[str]) -> bool:
    prefix = system.apt_prefix()
    if prefix is None:
        return False
    _say("installing system packages with apt: " + " ".join(packages))
    apt = [
        *prefix,
        "env",
        "DEBIAN_FRONTEND=noninteractive",
        "apt-get",
        "-o",
        "DPkg::Lock::Timeout=120",
    ]
    _run_logged([*apt, "update"])  # without fresh lists the install may still work
    return _run_logged([*apt, "install", "-y", "--no-install-recommends", *packages]) == 0


def _output(code: str) -> str:
    """What the environment's Python prints for `code`; OSError or SubprocessError if it fails."""
    command = [str(PYTHON), "-c", code]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return result.stdout.strip()


def _environment_works() -> bool:
    try:
        version = json.loads(
            _output("import json, sys, pip; print(json.dumps(sys.version_info[:2]))")
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return tuple(version) in SUPPORTED


def _run(command: list[str], what_failed: str) -> None:
    """Run quietly; on failure show the end of its output and raise PrepareError."""
    if _run_logged(command) == 0:
        return
    if LOG.exists():
        lines = LOG.read_text(errors="replace").splitlines()
        print("\n".join(lines[-40:]), file=sys.stderr)
    raise PrepareError(f"{what_failed}: {' '.join(command)} (all of its output: {LOG})")


def _run_logged(command: list[str]) -> int:
    LOG.parent.mkdir(exist_ok=True)
    with LOG.open("ab") as log:
        log.write(f"\n$ {' '.join(command)}\n".encode())
        log.flush()
        return subprocess.run(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False
        ).returncode


def _read_state() -> dict[str, object]:
    try:
        state = json.loads(STATE.read_text())
    except (OSError, ValueError):
        return {}
    return state if isinstance(state, dict) else {}


def _write_state(state: dict[str, object]) -> None:
    STATE.write_text(json.dumps(state))


def _say(sentence: str) -> None:
    print(f"outcry: {sentence}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
