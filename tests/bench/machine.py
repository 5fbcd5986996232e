"""What this machine does to a program that does nothing, and that no program can be better than.

On a virtual machine a processor is taken away now and then for some milliseconds, and no counter in
it says so. A tail of latencies is to be read beside this.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import numpy as np

from tests.bench.table import Row

_SLOT_NS = 200_000  # as 5,000 ticks a second


def machine_rows(seconds: float, runs: int) -> Iterator[Row]:
    """How late a loop that only looks at the clock sees each of 5,000 moments a second, p99.9."""
    processors = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    for processor in processors or [-1]:
        late = [_late(processor, seconds) for _ in range(runs)]
        name = f"processor {processor}" if processors else "a processor"
        yield {
            "name": f"this machine alone, {name}: a clock looked at, late by p99.9",
            "value": float(np.median(late)),
            "spread": (min(late), max(late)),
            "unit": "ms",
            "goal": None,
            "must": None,
            "better": "lower",
        }


def _late(processor: int, seconds: float) -> float:
    before = os.sched_getaffinity(0) if processor >= 0 else set()
    if processor >= 0:
        os.sched_setaffinity(0, {processor})
    try:
        look = time.perf_counter_ns
        due = look()
        end = due + int(seconds * 1e9)
        late = []
        while due < end:
            now = look()
            while due <= now:
                late.append(now - due)
                due += _SLOT_NS
    finally:
        if before:
            os.sched_setaffinity(0, before)
    return float(np.percentile(late, 99.9)) / 1e6
