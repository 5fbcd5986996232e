"""Texts of strategies, which may hold anything, made fit for narrow labels. No Qt in here."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_SPACE = "\u200b"  # a place to break a line, without a width
_LONG = re.compile(r"(\S{24})(?=\S)")


def breakable(text: str) -> str:
    """The same text with places to break long paths, names and numbers."""
    return _LONG.sub(rf"\1{_SPACE}", re.sub(r"([/\\_.,:=])(?=\S)", rf"\1{_SPACE}", text))


def clock(ts: int) -> str:
    """``13:52:10 UTC``."""
    return f"{datetime.fromtimestamp(ts // 10**9, UTC):%H:%M:%S} UTC"
