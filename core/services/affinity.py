"""Which processor the engine runs on: its own, where there are two or more.

The terminal paints in bursts; kept off the engine's core it cannot delay an order.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import psutil


class Plan(NamedTuple):
    """`engine` is a core number (-1: any); `others` are the cores for everyone else."""

    engine: int
    others: tuple[int, ...]


@lru_cache
def plan() -> Plan:
    """How this program's cores are shared; fixed at the first call, before anyone is pinned."""
    allowed = _allowed()
    if len(allowed) < 2:
        return Plan(-1, allowed)
    return Plan(allowed[-1], allowed[:-1])


def pin(cores: tuple[int, ...]) -> bool:
    """Keep this process on `cores`; False where the system does not offer it."""
    if not cores:
        return False
    try:
        psutil.Process().cpu_affinity(list(cores))
    except (AttributeError, OSError, ValueError, psutil.Error):
        return False
    return True


def _allowed() -> tuple[int, ...]:
    try:
        return tuple(sorted(psutil.Process().cpu_affinity()))
    except (AttributeError, OSError, psutil.Error):
        return ()
