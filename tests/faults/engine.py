"""The engine's own process, as the terminal starts it, but on a venue in another process.

``python -m tests.faults.engine VENUE [MOVED] -- OPTIONS`` is ``core.services.engine_main OPTIONS``
on the venue at the endpoint VENUE. MOVED is a file with the number of seconds by which the
computer's clock is wrong, read again whenever the time is asked for; "-" for a clock that is right.
While there is a file named ``broken`` beside it, the disk confirms nothing.
"""

from __future__ import annotations

import asyncio
import errno
import mmap
import os
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path

from core.bus.endpoint import TOKEN_VARIABLE
from core.journal import journal
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


def break_disk(broken: Path) -> None:
    """From now on no file can be confirmed by the disk while `broken` exists.

    What is written is taken, as a system does that finds out later that its disk has failed.
    """

    def failing(real: Callable[[int], None]) -> Callable[[int], None]:
        def sync(fd: int) -> None:
            if broken.exists():
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            real(fd)

        return sync

    os.fsync = failing(os.fsync)
    journal._sync_data = failing(journal._sync_data)


def main() -> int:
    """See the module."""
    endpoint, clock = sys.argv[1:3]
    census.install()
    options = parse_options(sys.argv[sys.argv.index("--") + 1 :])
    if clock != "-":
        move_clock(Path(clock))
        break_disk(Path(clock).with_name("broken"))
    token = os.environ[TOKEN_VARIABLE]
    description = asyncio.run(find(endpoint, token))
    steady = SteadyClock()
    venue = RemoteVenue(description, endpoint, token, steady)
    engine_main.make_venues = lambda _: ((venue,), steady)
    return engine_main.main(options)


if __name__ == "__main__":
    sys.exit(main())
