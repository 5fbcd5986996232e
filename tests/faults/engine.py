"""The engine's own process, as the terminal starts it, but on a venue in another process.

``python -m tests.faults.engine VENUE [MOVED] -- OPTIONS`` is ``core.services.engine_main OPTIONS``
on the venue at the endpoint VENUE. MOVED is a file with the number of seconds by which the
computer's clock is wrong, read again whenever the time is asked for; "-" for a clock that is right.
"""

from __future__ import annotations

import asyncio
import mmap
import os
import struct
import sys
import time
from pathlib import Path

from core.bus.endpoint import TOKEN_VARIABLE
from core.services import engine_main
from core.services.options import parse_options
from core.services.timers import SteadyClock
from core.venues.remote import RemoteVenue, find
from tests.faults import census


def move_clock(file: Path) -> None:
    """From now on `time.time` and `time.time_ns` of this process are off by what the file says.

    The computer's own clock cannot be moved by a test; the monotonic clock never is.
    """
    with open(file, "r+b") as opened:
        seen = mmap.mmap(opened.fileno(), 8)
    real = time.time_ns
    read = struct.Struct("<d").unpack_from

    def moved() -> int:
        return real() + int(read(seen)[0] * 1e9)

    time.time_ns = moved
    time.time = lambda: moved() / 1e9


def main() -> int:
    """See the module."""
    endpoint, clock = sys.argv[1:3]
    census.install()
    options = parse_options(sys.argv[sys.argv.index("--") + 1 :])
    if clock != "-":
        move_clock(Path(clock))
    token = os.environ[TOKEN_VARIABLE]
    description = asyncio.run(find(endpoint, token))
    steady = SteadyClock()
    venue = RemoteVenue(description, endpoint, token, steady)
    engine_main.make_venues = lambda _: ((venue,), steady)
    return engine_main.main(options)


if __name__ == "__main__":
    sys.exit(main())
