"""What a client whose queue was full is sent: nothing with a gap before it, then everything."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from core.bus.inline import InlineChannel
from core.model.enums import Severity
from core.model.session import (
    EngineView,
    Events,
    Frame,
    Goodbye,
    Heartbeat,
    Hello,
    Ready,
    Snapshot,
    Subscribe,
)
from core.model.wire import decode_from_engine, encode
from core.services import sessions as sessions_module
from core.services.engine import Engine
from core.services.sessions import Session
from tests.core.client.test_client import _soon, engine_at, until
from tests.core.services.helpers import ScriptedVenue


class Slow:
    """A client that reads and speaks when it is told to."""

    def __init__(self, engine: Engine, kind: str) -> None:
        loop = asyncio.get_running_loop()
        self.channel = InlineChannel(engine.server, loop, high_water=4)
        self.engine = engine
        self.channel.send(encode(Hello("slow", kind, "secret")))
        self.channel.send(encode(Subscribe(quotes=("*",))))
        self.channel.send(encode(Ready(0)))

    @property
    def session(self) -> Session:
        (session,) = self.engine.sessions
        return session

    def read(self) -> list[object]:
        got: list[object] = []
        while (data := self.channel.receive()) is not None:
            got.append(decode_from_engine(data))
        return got

    def settled(self) -> bool:
        """Read and ask for more, until there is no more."""
        for message in self.read():
            if isinstance(message, Frame):
                self.channel.send(encode(Ready(message.frame)))
        return len(self.engine.sessions) == 1 and self.session.ready

    def fall_behind(self) -> None:
        """Read nothing while much is told."""
        for number in range(6):
            self.engine.say(Severity.INFO, f"line {number}")
            self.engine.sessions.tell()
        assert self.session.lagging
        assert self.session.ready


@pytest.mark.parametrize("kind", ["terminal", "strategy"])
def test_nothing_comes_after_a_gap_but_the_whole_state(tmp_path: Path, kind: str) -> None:
    async def test() -> None:
        venue = ScriptedVenue()
        async with engine_at(tmp_path, venue) as engine:
            slow = Slow(engine, kind)
            assert await _soon(slow.settled)
            slow.fall_behind()
            kept = [m for m in slow.read() if isinstance(m, Events)]
            assert len(kept) == 4, "there is room again"
            for price in range(20):
                venue.quote(10_000 + price, 11_000 + price)
                engine.say(Severity.INFO, "after the gap")
                await asyncio.sleep(0.005)
            assert {type(m) for m in slow.read()} <= {Heartbeat}
            slow.channel.send(encode(Heartbeat(1)))
            told: list[object] = []
            assert await _soon(lambda: told.extend(slow.read()) or len(told) > 1)
            told = [m for m in told if not isinstance(m, Heartbeat)]
            assert isinstance(told[0], Snapshot)
            lines = [notice.text for notice in told[0].notices]
            assert "line 5" in lines
            assert lines.count("after the gap") == 20

    asyncio.run(test())


def test_the_whole_state_is_not_made_for_a_client_that_speaks_and_does_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions_module, "_AGAIN_SECONDS", 0.0)

    async def test() -> None:
        async with engine_at(tmp_path, ScriptedVenue()) as engine:
            slow = Slow(engine, "terminal")
            assert await _soon(slow.settled)
            sessions = engine.sessions
            made, snapshot = list[int](), sessions._snapshot
            sessions._snapshot = lambda: (made.append(1), snapshot())[1]
            slow.fall_behind()
            for _ in range(20):
                slow.channel.send(encode(Heartbeat(1)))
                await asyncio.sleep(0.002)
            assert made == []
            slow.read()
            slow.channel.send(encode(Heartbeat(1)))
            assert await _soon(lambda: made == [1])

    asyncio.run(test())


@pytest.mark.parametrize("kind", ["terminal", "strategy"])
def test_a_client_has_one_frame_on_its_way_and_none_that_it_did_not_ask_for(
    tmp_path: Path, kind: str
) -> None:
    async def test() -> None:
        venue = ScriptedVenue()
        async with engine_at(tmp_path, venue) as engine:
            slow = Slow(engine, kind)
            assert await _soon(slow.settled)
            for price in range(20):
                venue.quote(10_000 + price, 11_000 + price)
                await asyncio.sleep(0.02)
            frames = [m for m in slow.read() if isinstance(m, Frame)]
            assert len(frames) == 1
            slow.channel.send(encode(Ready(frames[0].frame)))
            newest: list[object] = []
            assert await _soon(
                lambda: newest.extend(m for m in slow.read() if isinstance(m, Frame)) or newest
            )
            (frame,) = newest
            assert isinstance(frame, Frame)
            assert frame.tickers[0].bid == 10_019

    asyncio.run(test())


async def _again(slow: Slow) -> Snapshot:
    """Let it fall behind, read, and say a word."""
    slow.fall_behind()
    slow.read()
    slow.channel.send(encode(Heartbeat(1)))
    told: list[object] = []
    assert await _soon(lambda: told.extend(slow.read()) or len(told) > 1)
    (snapshot,) = [m for m in told if not isinstance(m, Heartbeat)]
    assert isinstance(snapshot, Snapshot)
    return snapshot


def test_after_the_whole_state_prices_that_did_not_change_are_told_too(tmp_path: Path) -> None:
    async def test() -> None:
        venue = ScriptedVenue()
        async with engine_at(tmp_path, venue) as engine:
            venue.quote(10_000, 11_000)
            slow = Slow(engine, "terminal")
            assert await _soon(slow.settled)
            engine.sessions.health((), EngineView(5))  # there is something to be told
            await _again(slow)
            await asyncio.sleep(0.1)
            assert {type(m) for m in slow.read()} <= {Heartbeat}, "it has not asked for a frame"
            engine.say(Severity.INFO, "as ever")
            assert await _soon(lambda: any(isinstance(m, Events) for m in slow.read()))
            slow.channel.send(encode(Subscribe(quotes=("*",))))
            slow.channel.send(encode(Ready(0)))
            frames: list[object] = []
            assert await _soon(
                lambda: frames.extend(m for m in slow.read() if isinstance(m, Frame)) or frames
            )
            (frame,) = frames
            assert isinstance(frame, Frame)
            assert {t.instrument: t.bid for t in frame.tickers}["ABC.V"] == 10_000

    asyncio.run(test())


def test_what_the_whole_state_holds_is_not_told_once_more(tmp_path: Path) -> None:
    async def test() -> None:
        async with engine_at(tmp_path, ScriptedVenue()) as engine:
            other = engine.client("other")
            other.connect()
            assert await until(other, lambda: other.connected)
            slow = Slow(engine, "terminal")
            engine.say(Severity.INFO, "just now")  # in the same turn of the loop
            told: list[object] = []
            assert await _soon(lambda: told.extend(slow.read()) or told)
            await asyncio.sleep(0.02)
            told += slow.read()
            assert isinstance(told[0], Snapshot)
            assert "just now" in [notice.text for notice in told[0].notices]
            assert not [m for m in told if isinstance(m, Events)]
            other.close()

    asyncio.run(test())


@pytest.mark.parametrize("before", ["nothing", "another hello", "a lag"])
def test_bars_are_made_for_a_client_no_longer_than_it_is_there(tmp_path: Path, before: str) -> None:
    async def test() -> None:
        async with engine_at(tmp_path, ScriptedVenue()) as engine:
            slow = Slow(engine, "terminal")
            slow.channel.send(encode(Subscribe(bars=(("ABC.V", "1m"),))))
            made = engine.cache.markets["ABC.V"].log.series
            assert await _soon(lambda: "1m" in made)
            if before == "another hello":
                slow.channel.send(encode(Hello("slow", "terminal", "secret")))
                assert await _soon(lambda: not made)
                slow.channel.send(encode(Subscribe(bars=(("ABC.V", "1m"),))))
                assert await _soon(lambda: "1m" in made)
            elif before == "a lag":
                assert await _soon(slow.settled)
                await _again(slow)
                assert not made
                slow.channel.send(encode(Subscribe(bars=(("ABC.V", "1m"),))))
                assert await _soon(lambda: "1m" in made)
            slow.channel.send(encode(Goodbye()))
            assert await _soon(lambda: not made)

    asyncio.run(test())


def test_who_leaves_while_it_lags_is_told_nothing_more(tmp_path: Path) -> None:
    async def test() -> None:
        async with engine_at(tmp_path, ScriptedVenue()) as engine:
            slow = Slow(engine, "terminal")
            assert await _soon(slow.settled)
            slow.session.welcomed_at = 0.0  # a new snapshot is due with its next word
            slow.fall_behind()
            slow.read()
            slow.channel.send(encode(Goodbye()))
            assert await _soon(lambda: not len(engine.sessions))
            await asyncio.sleep(0.02)
            assert slow.read() == []

    asyncio.run(test())


def test_a_frame_that_was_being_made_is_not_told_after_the_whole_state(tmp_path: Path) -> None:
    async def test() -> None:
        venue = ScriptedVenue()
        async with engine_at(tmp_path, venue) as engine:
            slow = Slow(engine, "terminal")
            assert await _soon(slow.settled)
            venue.quote(10_000, 11_000)
            engine.sessions.frames()
            assert not slow.session.ready, "its first slice is made"
            for number in range(6):
                engine.say(Severity.INFO, f"line {number}")
                engine.sessions.tell()
            assert slow.session.lagging
            slow.read()
            engine.server.receive(slow.session.peer, [encode(Heartbeat(1))])
            await asyncio.sleep(0.1)
            told = [m for m in slow.read() if not isinstance(m, Heartbeat)]
            assert [type(m) for m in told] == [Snapshot]

    asyncio.run(test())


def test_the_first_frame_tells_the_engines_health(tmp_path: Path) -> None:
    async def test() -> None:
        async with engine_at(tmp_path, ScriptedVenue()) as engine:
            engine.sessions.health((), EngineView(5))
            slow = Slow(engine, "terminal")
            frames: list[object] = []
            assert await _soon(
                lambda: frames.extend(m for m in slow.read() if isinstance(m, Frame)) or frames
            )
            assert isinstance(frames[0], Frame)
            assert frames[0].engine is not None

    asyncio.run(test())
