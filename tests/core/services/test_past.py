"""The past of a simulated market over a restart of its engine."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import numpy as np
import pytest

from core.marketdata.trades import TradeLog
from core.model.market import Trade, TradeHistory
from core.services.config import parse_config
from core.services.engine import Engine
from core.services.past import Past, last_price
from core.venues.simulated.universe import default_market

CONFIG = '[[accounts]]\nid = "A"\ncash = { USD = 1000 }\n'


def history(name: str, prices: list[int]) -> TradeHistory:
    columns = [np.arange(len(prices)), np.array(prices), np.ones(len(prices)), np.ones(len(prices))]
    return TradeHistory(name, *(c.astype("<i8").tobytes() for c in columns))


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    past = Past(tmp_path / "past")
    assert past.load() == {}
    past.save([history("A.X", [5, 7]), history("B.X", [])])
    assert past.load() == {"A.X": history("A.X", [5, 7])}
    assert last_price(past.load()["A.X"]) == 7
    assert past.problem == ""


NOT_TEXT = msgspec.msgpack.encode([history("A.X", [5])]).replace(b"A.X", b"A.\xff")


@pytest.mark.parametrize("damage", [b"", b"\xc1", b"\x91\xa5hello", b"\x93\x01\x02", NOT_TEXT])
def test_a_damaged_file_is_said_and_left(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "past"
    path.write_bytes(damage)
    past = Past(path)
    assert past.load() == {}
    assert str(path) in past.problem
    assert path.read_bytes() == damage


def test_newest_trades_in_order() -> None:
    log = TradeLog()
    log.past(history("A.X", list(range(1, 51))))
    for price in range(51, 61):
        log.append(Trade("A.X", price, price, price, 1, 1))
    assert log.newest(3, 3).price.tolist() == [58, 59, 60]
    assert log.newest(15, 15).price.tolist() == list(range(46, 61))
    assert log.newest(1000, 1000).price.tolist() == list(range(1, 61))
    assert TradeLog().newest(5, 5).ts.tolist() == []


def test_a_restarted_market_goes_on_where_it_was(tmp_path: Path) -> None:
    async def day() -> tuple[dict[str, list[int]], dict[str, int]]:
        past = Past(tmp_path / "past")
        engine = Engine(parse_config(CONFIG, "test"), default_market(3, 2), tmp_path, past=past)
        await engine.start()
        began = {n: m.log.newest(10**6, 10**6).ts.tolist() for n, m in engine.cache.markets.items()}
        first = {n: m.last.price for n, m in engine.cache.markets.items() if m.last}
        await asyncio.sleep(0.5)
        await engine.stop()
        return began, first

    made, _ = asyncio.run(day())
    kept = Past(tmp_path / "past").load()
    again, first = asyncio.run(day())
    for name, saved in kept.items():
        ts = np.frombuffer(saved.ts, "<i8").tolist()
        assert len(ts) > len(made[name]) - 20_000
        assert again[name][: len(ts)] == ts, "the same past as before"
        if name in first:
            assert abs(first[name] - last_price(saved)) < 0.01 * last_price(saved)
