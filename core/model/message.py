"""The base of everything that crosses a process or goes into the journal."""

from __future__ import annotations

import msgspec


class Message(msgspec.Struct, array_like=True, gc=False, frozen=True, tag=True):
    """A typed message: a MessagePack array whose first element is the class's name.

    Fields are appended at the end and given defaults, never moved or removed: older readers
    skip what they do not know and newer readers fill in what is missing.
    """


class Part(msgspec.Struct, array_like=True, gc=False, frozen=True):
    """A piece of a message that is never sent alone."""
