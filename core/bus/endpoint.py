"""Where an engine listens: an ipc socket only its user can reach, else loopback tcp."""

from __future__ import annotations

import hashlib
import os
import secrets
import socket
import sys
import tempfile
import warnings
from pathlib import Path

import platformdirs
import zmq

TOKEN_VARIABLE = "OUTCRY_TOKEN"  # noqa: S105
"""Environment variable through which an engine hands its token to its own children."""

_LONGEST_SOCKET_PATH = 100


def new_token() -> str:
    """A secret that a client must show: 256 random bits as text."""
    return secrets.token_urlsafe(32)


def default_endpoint(data_dir: Path) -> str:
    """The endpoint of the engine that owns `data_dir`; the same each time where ipc exists."""
    if sys.platform != "win32" and zmq.has("ipc"):
        mark = hashlib.sha256(str(data_dir.resolve()).encode()).hexdigest()[:12]
        path = private_directory() / f"engine-{mark}.sock"
        if len(str(path)) <= _LONGEST_SOCKET_PATH:
            return f"ipc://{path}"
    return f"tcp://127.0.0.1:{free_port()}"


def private_directory() -> Path:
    """The user's runtime directory, which nobody else may enter.

    A directory of that name that belongs to someone else is not trusted; a fresh one is made.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a system without such a directory: the fallback will do
        path = Path(platformdirs.user_runtime_dir("outcry", appauthor=False))
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if hasattr(os, "getuid"):
            status = path.lstat()
            if path.is_symlink() or status.st_uid != os.getuid():
                raise PermissionError(f"{path} belongs to someone else")
            path.chmod(0o700)
    except OSError:
        return Path(tempfile.mkdtemp(prefix="outcry-"))
    return path


def free_port() -> int:
    """A tcp port of 127.0.0.1 that was free a moment ago."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
