"""Which processor the engine runs on: its own, where there are two or more; and who runs first.

The terminal paints in bursts; kept off the engine's core it cannot delay an order.
"""

from __future__ import annotations

import contextlib
import os
import sys
from functools import lru_cache
from typing import NamedTuple

import psutil

NICE = 10


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


def may_be_urgent() -> bool:
    """Does the system let a program of this user run before the ordinary ones?

    Linux does for root, and for whom ``rtprio`` is granted in /etc/security/limits.conf.
    """
    if sys.platform != "linux":
        return False
    import resource

    return os.geteuid() == 0 or resource.getrlimit(resource.RLIMIT_RTPRIO)[0] != 0


def urgent() -> bool:
    """Have this thread run before the ordinary ones, where the system permits it.

    For a program with a processor of its own only. Threads and processes that it starts later are
    ordinary ones. Linux keeps a twentieth of the processor for the others, whatever this one does.
    """
    if not may_be_urgent():
        return False
    try:
        policy = os.SCHED_RR | os.SCHED_RESET_ON_FORK
        os.sched_setscheduler(0, policy, os.sched_param(os.sched_get_priority_min(os.SCHED_RR)))
    except (AttributeError, OSError):
        return False
    return True


def give_way(pid: int) -> None:
    """Have a process of ours take what others leave, where the system offers it.

    Said by who started it: what it imports before it could say so itself is work as well.
    """
    with contextlib.suppress(AttributeError, OSError, psutil.Error):
        process = psutil.Process(pid)
        if sys.platform == "win32":
            process.nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
        else:
            process.nice(max(process.nice(), NICE))  # whoever started us may have said more


def _allowed() -> tuple[int, ...]:
    try:
        return tuple(sorted(psutil.Process().cpu_affinity()))
    except (AttributeError, OSError, psutil.Error):
        return ()
