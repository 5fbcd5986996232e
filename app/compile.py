"""`python -m app.compile` makes machine code of the kernel; see `core.native`.

Without it everything works, only slower. It takes a C compiler and about 20 seconds.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from core import native


def main() -> int:
    """Compile what is not compiled yet; 0 when it is there afterwards."""
    of = native.fingerprint()
    made = native.folder(of)
    if made.is_dir() and any(made.iterdir()):
        return 0
    native.FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=native.FOLDER, prefix="making-") as work:
        command = [sys.executable, "-m", "app.compile", work]
        done = subprocess.run(command, cwd=native.ROOT, stdin=subprocess.DEVNULL, check=False)
        if done.returncode == 0 and native.fingerprint() == of:
            _put(Path(work) / "lib", made)
            return 0
    if native.fingerprint() != of:
        return main()  # somebody wrote to the sources meanwhile
    made.mkdir(exist_ok=True)  # tried: nobody need wait for it again
    return 1


def _put(built: Path, made: Path) -> None:
    """Put what was built in its place, whole or not at all; what is of other sources goes."""
    if made.is_dir() and not any(made.iterdir()):
        made.rmdir()
    try:
        os.replace(built, made)
    except OSError:
        if not made.is_dir():
            raise
    for old in native.FOLDER.iterdir():
        if old != made and old.suffix == made.suffix and not old.name.startswith("making-"):
            shutil.rmtree(old, ignore_errors=True)


def build(work: Path) -> None:
    """Compile into a folder."""
    from mypyc.build import mypycify
    from setuptools import Distribution

    # Types of other libraries are not looked at, so that it is the same wherever they are missing.
    words = ["--ignore-missing-imports", "--follow-imports=silent", f"--cache-dir={os.devnull}"]
    paths = [f"{name.replace('.', '/')}.py" for name in native.MODULES]
    # Level 1 takes half the time of level 3 and loses nothing that could be measured.
    modules = mypycify([*words, *paths], opt_level="1", debug_level="0", target_dir=str(work / "c"))
    distribution = Distribution({"name": "outcry-kernel", "ext_modules": modules})
    command = distribution.get_command_obj("build_ext")
    command.build_lib, command.build_temp = str(work / "lib"), str(work / "temp")
    command.ensure_finalized()
    command.run()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        build(Path(sys.argv[1]))
    else:
        sys.exit(main())
