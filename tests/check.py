"""All that `make test` checks, one line for each step, its whole output only where it fails."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = Path(sysconfig.get_path("scripts"))
WORKERS = max(1, min(4, os.cpu_count() or 1))

# Tests of one file share expensive fixtures and run in order, so a file stays with one worker.
STEPS: dict[str, list[str]] = {
    "lint": ["ruff", "check", "."],
    "format": ["ruff", "format", "--check", "."],
    "types": ["mypy"],
    "import rules": ["lint-imports"],
    "simulation": ["python", "main.py", "simulate", "--seeds", "2000"],
    "tests": ["pytest", "-n", str(WORKERS), "--dist", "loadfile"],
}


def main() -> int:
    """Run every step, also after one failed; the exit code is 1 when any failed."""
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "PYTHONFAULTHANDLER": "1"}
    failed = []
    closing_line = ""
    for name, command in STEPS.items():
        began = time.monotonic()
        result = subprocess.run(
            [str(SCRIPTS / command[0]), *command[1:]],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
        seconds = time.monotonic() - began
        if result.returncode:
            failed.append(name)
            print(result.stdout)
        print(f"{name:<14}{'FAILED' if result.returncode else 'ok':<8}{seconds:6.1f} s", flush=True)
        closing_line = (result.stdout.strip().splitlines() or [""])[-1]
    if failed:
        print("failed: " + ", ".join(failed))
    print(closing_line)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
