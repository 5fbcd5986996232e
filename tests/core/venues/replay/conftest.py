from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest

DATA = Path(__file__).parents[4] / ".." / "shared" / "data"


@pytest.fixture(scope="session")
def recorded() -> Callable[[str], Path]:
    """Finds a recorded file, or skips the test."""

    def find(name: str) -> Path:
        path = DATA / name
        if not path.is_file():
            pytest.skip(f"The recorded data are not here: {path} is missing.")
        return path

    return find


class Stream:
    """Writes a small raw combined stream as Binance sends it."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.at = 1_723_161_600_000_000_000

    def raw(self, line: str) -> Stream:
        self.lines.append(line)
        return self

    def add(self, stream: str, data: dict[str, object], after: int = 1_000_000) -> Stream:
        """A line `after` ns behind the last; the venue's times in it are of the same moment."""
        self.at += after
        for stamp in {"E", "T"} & data.keys():
            data[stamp] = data[stamp] or self.at // 1_000_000
        body = json.dumps({"stream": stream, "data": data})
        return self.raw(f"{self.at} {body}")

    def ticker(self, u: int, bid: str, bid_qty: str, ask: str, ask_qty: str, **more: int) -> Stream:
        data = {"u": u, "s": "ABCUSDT", "b": bid, "B": bid_qty, "a": ask, "A": ask_qty}
        return self.add("abcusdt@bookTicker", data, **more)

    def depth(
        self, first: int, last: int, bids: list[list[str]], asks: list[list[str]], **more: int
    ) -> Stream:
        data = {
            "e": "depthUpdate",
            "E": 0,
            "s": "ABCUSDT",
            "U": first,
            "u": last,
            "b": bids,
            "a": asks,
        }
        return self.add("abcusdt@depth@100ms", data, **more)

    def trade(self, t: int, price: str, qty: str, seller: bool, **more: int) -> Stream:
        data = {
            "e": "trade",
            "E": 0,
            "s": "ABCUSDT",
            "t": t,
            "p": price,
            "q": qty,
            "T": 0,
            "m": seller,
            "M": True,
        }
        return self.add("abcusdt@trade", data, **more)

    def write(self, path: Path) -> Path:
        text = ("\n".join(self.lines) + "\n").encode()
        path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
        return path


@pytest.fixture
def stream() -> Stream:
    return Stream()
