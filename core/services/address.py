"""How to reach a running engine: a file in its folder that only its user can read."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import msgspec
import psutil

FILE_NAME = "engine.json"


class Address(msgspec.Struct, frozen=True):
    """Where an engine listens, its secret, and which process it is."""

    endpoint: str
    token: str
    pid: int
    born: float

    @property
    def alive(self) -> bool:
        """Does this very process still run?"""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.born) < 1.0
            return bool(same and process.status() != psutil.STATUS_ZOMBIE)
        except psutil.Error:
            return False


def my_address(endpoint: str, token: str) -> Address:
    """The address of this process."""
    me = psutil.Process()
    return Address(endpoint, token, me.pid, me.create_time())


def write_address(home: Path, address: Address) -> None:
    """Tell others where this engine is. The file is never readable by anybody else."""
    path = home / FILE_NAME
    fresh = path.with_suffix(".new")
    with contextlib.suppress(FileNotFoundError):
        fresh.unlink()
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(msgspec.json.encode(address))
    fresh.replace(path)


def read_address(home: Path) -> Address | None:
    """The engine that runs in `home`, or None."""
    try:
        address = msgspec.json.decode((home / FILE_NAME).read_bytes(), type=Address)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return address if address.alive else None


def remove_address(home: Path) -> None:
    """This engine ends."""
    with contextlib.suppress(OSError):
        (home / FILE_NAME).unlink()
