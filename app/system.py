"""What Outcry needs of the operating system: libraries for Qt, a font, and the line that gets them.

Runs before the virtual environment exists, so it uses the standard library only and stays
readable for Pythons older than the ones Outcry runs on.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

# The smallest set with which Qt's X11 and Wayland plugins resolve on a bare Debian or Ubuntu;
# the other libraries they link to come as dependencies of these.
QT_PACKAGES = (
    "libglib2.0-0",
    "libegl1",
    "libgl1",
    "libxkbcommon0",
    "libdbus-1-3",
    "libfontconfig1",
    "fonts-dejavu-core",
    "libxcb-cursor0",
    "libxkbcommon-x11-0",
    "libxcb-icccm4",
    "libxcb-keysyms1",
    "libxcb-shape0",
    "libwayland-cursor0",
    "libwayland-egl1",
)

# Without these no window exists, not even an off-screen one.
QT_OFF_SCREEN = (
    "PySide6/QtWidgets.abi3.so",
    "PySide6/Qt/plugins/platforms/libqoffscreen.so",
    "PySide6QtAds/PySide6QtAds.so",
)
# Without this no window appears on an X11 display, nor on Wayland when its own plugin fails.
QT_ON_SCREEN = ("PySide6/Qt/plugins/platforms/libqxcb.so",)

_FONT_DIRECTORIES = (
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "~/.local/share/fonts",
    "~/.fonts",
)
_FONT_SUFFIXES = (".ttf", ".otf", ".ttc", ".pfb")


def missing_libraries(site_packages: Path, files: tuple[str, ...]) -> list[str]:
    """Names of shared libraries that `files` (relative to `site_packages`) need and do not find.

    Empty on systems without `ldd`: Windows and macOS wheels bring all their libraries along.
    """
    ldd = shutil.which("ldd")
    present = [str(site_packages / name) for name in files if (site_packages / name).exists()]
    if not sys.platform.startswith("linux") or ldd is None or not present:
        return []
    result = subprocess.run([ldd, *present], capture_output=True, text=True, check=False)
    return sorted(
        {line.split()[0] for line in result.stdout.splitlines() if line.endswith("=> not found")}
    )


def has_font() -> bool:
    """Whether a font file is installed where Qt looks; Windows and macOS always have one."""
    if not sys.platform.startswith("linux"):
        return True
    return any(
        name.lower().endswith(_FONT_SUFFIXES)
        for directory in _FONT_DIRECTORIES
        for _, _, names in os.walk(os.path.expanduser(directory), followlinks=True)
        for name in names
    )


def has_display() -> bool:
    """Whether a window has a screen to appear on."""
    if not sys.platform.startswith("linux"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def install_line(packages: tuple[str, ...]) -> str:
    """The one line a person types to get `packages`, or what to look for without apt."""
    if shutil.which("apt-get") is None:
        return "install your system's packages that match: " + " ".join(packages)
    sudo = "" if _is_root() else "sudo "
    return f"{sudo}apt-get update && {sudo}apt-get install -y " + " ".join(packages)


def apt_prefix() -> list[str] | None:
    """The command prefix under which apt may install: [] as root, sudo without a password.

    None where apt is missing or a password would be asked for.
    """
    if shutil.which("apt-get") is None:
        return None
    if _is_root():
        return []
    sudo = shutil.which("sudo")
    if sudo is None:
        return None
    asked = subprocess.run([sudo, "-n", "true"], capture_output=True, check=False)
    return [sudo, "-n"] if asked.returncode == 0 else None


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0
