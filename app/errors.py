"""Errors that are the user's to mend."""

from __future__ import annotations


class UserError(Exception):
    """What was asked for cannot be done; the text says where it is wrong and what to do."""
