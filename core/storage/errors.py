"""What goes wrong with records."""

from __future__ import annotations


class StorageError(Exception):
    """Records cannot be used; the sentence names the file and says what to do."""


class HeldError(StorageError):
    """Another program writes these records."""
