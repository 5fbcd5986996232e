"""What can go wrong with a journal."""

from __future__ import annotations


class JournalError(Exception):
    """The journal cannot be used or written; the sentence names the file and the remedy."""
