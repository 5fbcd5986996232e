"""Client order ids: made once, where the intent arises, unique for ever."""

from __future__ import annotations

import secrets
import threading

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

ADJUSTMENT = "adjust/"
"""What the id of the order begins with that books a position's adjustment by a person."""


class IdMaker:
    """Makes ids ``<prefix>-<session>-<n>``.

    The session part is 60 random bits, so no two programs or runs ever make the same id; the
    counter orders them within a run. `prefix` names the maker and the kind of money, for example
    ``P`` for paper, so that a paper id can never be taken for a live one.
    """

    def __init__(self, prefix: str) -> None:
        bits = secrets.randbits(60)
        session = "".join(_ALPHABET[bits >> shift & 31] for shift in range(55, -1, -5))
        self._head = f"{prefix}-{session}-"
        self._count = 0
        self._lock = threading.Lock()

    def next(self) -> str:
        """A new id."""
        with self._lock:
            self._count += 1
            return f"{self._head}{self._count}"
