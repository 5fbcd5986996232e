"""Runs the benches and prints one table.

A bench is a module beside this one with a function

    rows(quick: bool = False) -> Iterable[Row]

that measures and yields one row for each figure; it may leave out `quick`. A bench that fails
is one failed row with the reason; the others go on.
"""

from __future__ import annotations

import importlib
import inspect
import json
import os
import platform
import sys
import time
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.bench import table
from tests.bench.table import Row

FOLDER = Path(__file__).parent


def main(json_file: Path | None = None, only: str | None = None, quick: bool = False) -> int:
    """Run the benches, print the table, write the JSON; 1 when a bench could not run.

    A missed budget is marked in the table and no failure: the machine may be a slow or busy one.
    """
    rows: list[Row] = []
    for name in chosen(discover(), only):
        print(f"{name} ...", file=sys.stderr, flush=True)
        rows.extend(run_one(name, quick))
    if only and not any(only in name for name in discover()):
        rows = [row for row in rows if only in row["name"]]
    if not rows:
        print(f"no bench and no row is called anything like {only!r}", file=sys.stderr)
        return 1
    print(table.render(rows))
    if json_file is not None:
        result = {"machine": machine_facts(), "quick": quick, "rows": rows}
        json_file.write_text(json.dumps(result, indent=2) + "\n")
    return 1 if any(table.verdict(row) == "FAILED" for row in rows) else 0


def discover() -> list[str]:
    """Names of the benches: the modules here that define `rows`."""
    return sorted(
        path.stem
        for path in FOLDER.glob("*.py")
        if not path.stem.startswith("test_") and "\ndef rows(" in path.read_text(encoding="utf-8")
    )


def chosen(names: list[str], only: str | None) -> list[str]:
    """The benches whose name contains `only`; all when none does, for then it means rows."""
    return [name for name in names if only and only in name] or names


def run_one(name: str, quick: bool) -> list[Row]:
    """The rows of one bench, with a failed one at the end when it raised."""
    rows: list[Row] = []
    try:
        function = importlib.import_module(f"tests.bench.{name}").rows
        keywords = {"quick": quick} if "quick" in inspect.signature(function).parameters else {}
        produced: Iterable[Row] = function(**keywords)
        for row in produced:
            table.check(row)
            rows.append(row)
    except Exception as error:
        traceback.print_exc()
        rows.append(table.failed(name, f"{type(error).__name__}: {error}"))
    return rows


def machine_facts() -> dict[str, Any]:
    """What decides the figures: no names of people or hosts."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "cores": usable,
        "architecture": platform.machine(),
        "system": platform.system(),
        "python": platform.python_version(),
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "utc": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
