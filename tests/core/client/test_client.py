from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from core.bus.channel import ClientChannel
from core.bus.endpoint import default_endpoint
from core.bus.inline import InlineChannel
from core.client import client as client_module
from core.client.client import EngineClient
from core.model.enums import OrdStatus
from core.model.events import Event
from core.model.session import PROTOCOL, Goodbye, Hello, Ready, Subscribe
from core.model.wire import encode
from core.services import sessions as sessions_module
from core.services.config import load_config
from core.services.engine import Engine
from tests.core.services.helpers import ScriptedVenue, order


@asynccontextmanager
async def engine_at(home: Path, venue: ScriptedVenue) -> AsyncIterator[Engine]:
    engine = Engine(load_config(None, home), (venue,), home, token="secret")
    engine.listen(default_endpoint(home))
    await engine.start()
    try:
        yield engine
    finally:
        await engine.stop()


async def until(client: EngineClient, done: Callable[[], object], seconds: float = 5.0) -> bool:
    deadline = time.monotonic() + seconds
    while True:
        client.poll()
        if done():
            return True
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.002)


def client_of(home: Path, token: str = "secret") -> EngineClient:
    return EngineClient(default_endpoint(home), token, "tester")


def test_over_a_socket_as_inline(tmp_path: Path) -> None:
    async def test() -> None:
        venue = ScriptedVenue()
        async with engine_at(tmp_path, venue):
            client = client_of(tmp_path)
            told: list[Event] = []
            changes: list[int] = []
            client.on_event.append(told.append)
            client.on_fd_changed.append(lambda: changes.append(client.fd))
            assert client.fd == -1
            client.connect()
            assert await until(client, lambda: client.connected)
            assert client.fd >= 0
            assert changes == [client.fd]
            client.subscribe(Subscribe(quotes=("*",)))
            venue.quote()
            assert await until(client, lambda: "ABC.V" in client.stores.tickers)
            new = order()
            assert client.send(new) == ""
            assert await until(
                client,
                lambda: (
                    (o := client.stores.orders.get(new.cl_ord_id)) and o.status is OrdStatus.NEW
                ),
            )
            assert len(told) >= 2
            client.close()
            assert client.fd == -1
            assert not client.stores.connected

    asyncio.run(test())


def test_a_wrong_token_is_refused_with_a_sentence_and_no_data(tmp_path: Path) -> None:
    async def test() -> None:
        async with engine_at(tmp_path, ScriptedVenue()) as engine:
            client = client_of(tmp_path, "guess")
            client.connect()
            assert await until(client, lambda: "token is wrong" in client.stores.connection_text)
            assert not client.connected
            assert len(client.stores.instruments) == 0
            assert "not connected" in client.send(order())
            assert engine.server.refused >= 1
            assert len(engine.sessions) == 0
            client.connect(client.endpoint, "secret")
            assert await until(client, lambda: client.connected)
            client.close()

    asyncio.run(test())


def test_without_an_engine_nothing_is_kept_for_later(tmp_path: Path) -> None:
    async def test() -> None:
        client = client_of(tmp_path)
        client.connect()
        assert "not connected" in client.send(order())
        assert await until(client, lambda: "No engine" in client.stores.connection_text)
        venue = ScriptedVenue()
        async with engine_at(tmp_path, venue):
            assert await until(client, lambda: client.connected)
            venue.quote()
            await until(client, lambda: False, 0.1)
            assert venue.sent == []
        assert await until(client, lambda: not client.connected, 1.0)  # at once, not after silence
        assert "closed the connection or died" in client.stores.connection_text
        assert client.reconnects == 1
        client.close()

    asyncio.run(test())


def test_after_a_restart_the_client_is_back_with_everything(tmp_path: Path) -> None:
    async def test() -> None:
        client = client_of(tmp_path)
        client.connect()
        client.subscribe(Subscribe(quotes=("ABC.V",)))
        venue = ScriptedVenue()
        new = order()
        snapshots: list[int] = []
        client.on_snapshot.append(lambda s: snapshots.append(s.seq))
        async with engine_at(tmp_path, venue):
            assert await until(client, lambda: client.connected)
            venue.quote(10_000, 10_001)
            client.send(new)
            assert await until(client, lambda: len(client.stores.orders) == 1)
        again = ScriptedVenue()
        async with engine_at(tmp_path, again):
            assert await until(client, lambda: len(snapshots) == 2)
            assert len(client.stores.orders) == 1
            assert len(client.stores.tickers) == 0  # old prices are not shown as new ones
            again.quote(10_002, 10_003)
            assert await until(client, lambda: "ABC.V" in client.stores.tickers)
            client.close()

    asyncio.run(test())


def test_an_engine_that_hangs_counts_as_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "SILENCE", 0.2)

    async def test() -> None:
        async with engine_at(tmp_path, ScriptedVenue()):
            client = client_of(tmp_path)
            client.connect()
            assert await until(client, lambda: client.connected)
            deadline = time.monotonic() + 5
            while client.connected and time.monotonic() < deadline:
                client.poll()  # the engine's loop gets no turn: it hangs
                time.sleep(0.01)
            assert "silent" in client.stores.connection_text
            client.close()

    asyncio.run(test())


def test_a_client_that_slept_takes_what_came_before_it_judges_the_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "SILENCE", 0.3)

    async def test() -> None:
        async with engine_at(tmp_path, ScriptedVenue()):
            client = client_of(tmp_path)
            client.connect()
            assert await until(client, lambda: client.connected)
            await asyncio.sleep(1.3)  # the client is stopped; the engine beats
            client.poll()
            assert client.connected
            client.close()

    asyncio.run(test())


def test_what_is_not_understood_ends_the_connection_with_a_sentence(tmp_path: Path) -> None:
    async def test() -> None:
        async with engine_at(tmp_path, ScriptedVenue()) as engine:
            client = client_of(tmp_path)
            client.connect()
            assert await until(client, lambda: client.connected)
            (session,) = engine.sessions
            session.peer.write(b"\x93\x01\x02")
            assert await until(client, lambda: not client.connected)
            assert "does not understand" in client.stores.connection_text
            client.close()

    asyncio.run(test())


def test_a_session_that_the_engine_does_not_know_is_begun_anew(tmp_path: Path) -> None:
    async def test() -> None:
        async with engine_at(tmp_path, ScriptedVenue()) as engine:
            client = client_of(tmp_path)
            client.connect()
            assert await until(client, lambda: client.connected)
            (session,) = engine.sessions
            engine.sessions.receive(session.peer, Goodbye())
            assert len(engine.sessions) == 0
            client.subscribe(Subscribe(quotes=("*",)))
            assert await until(client, lambda: not client.connected)
            assert await until(client, lambda: client.connected)
            assert client.reconnects == 1
            texts = [n.text for n in client.stores.notices]
            assert sum("is ready" in text for text in texts) == 1  # not told twice
            assert any("does not know this client" in text for text in texts), "at once, by a word"
            client.close()

    asyncio.run(test())


def test_a_client_that_died_is_forgotten_at_the_next_word_to_it(tmp_path: Path) -> None:
    async def test() -> None:
        async with engine_at(tmp_path, ScriptedVenue()) as engine:
            channel = InlineChannel(engine.server, asyncio.get_running_loop())
            channel.send(encode(Hello("dies", "terminal", "secret")))
            assert await _soon(lambda: len(engine.sessions) == 1)
            channel.close()
            engine.sessions.beat()
            assert len(engine.sessions) == 0

    asyncio.run(test())


def test_a_client_that_died_while_its_queue_was_full_is_forgotten_too(tmp_path: Path) -> None:
    async def test() -> None:
        async with engine_at(tmp_path, ScriptedVenue()) as engine:
            loop = asyncio.get_running_loop()
            channel = InlineChannel(engine.server, loop, high_water=1)
            channel.send(encode(Hello("dies", "terminal", "secret")))
            assert await _soon(lambda: len(engine.sessions) == 1)
            for _ in range(3):
                engine.sessions.beat()
            assert engine.sessions.lags == 1, "it is one and the same lag"
            assert engine.sessions.guests() == 1
            channel.close()
            engine.sessions.beat()
            assert engine.sessions.guests() == 0

    asyncio.run(test())


def test_goodbye_of_a_terminal_may_end_the_engine_and_of_a_tool_not(tmp_path: Path) -> None:
    async def test() -> None:
        for kind, ends in (("tool", False), ("terminal", True)):
            engine = Engine(load_config(None, tmp_path), (ScriptedVenue(),), tmp_path)
            engine.listen(default_endpoint(tmp_path))
            task = asyncio.ensure_future(engine.run())
            assert await _soon(lambda e=engine: e.ready)
            client = EngineClient(default_endpoint(tmp_path), engine.token, "x", kind)
            client.connect()
            assert await until(client, lambda c=client: c.connected)
            client.close(stop_engine=True)
            done, _ = await asyncio.wait([task], timeout=2.0 if ends else 0.3)
            assert bool(done) is ends
            engine.request_stop("the test is over")
            await task

    asyncio.run(test())


async def _soon(done: Callable[[], object]) -> bool:
    deadline = time.monotonic() + 5
    while not done():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.005)
    return True


def test_a_client_that_never_reads_costs_nothing_and_is_told_everything_anew(
    tmp_path: Path,
) -> None:
    async def test() -> None:
        venue = ScriptedVenue()
        async with engine_at(tmp_path, venue) as engine:
            loop = asyncio.get_running_loop()
            channels: list[InlineChannel] = []

            def channel(_: str) -> InlineChannel:
                channels.append(InlineChannel(engine.server, loop, high_water=20))
                return channels[-1]

            slow = EngineClient("inline", "secret", "slow", "terminal", None, channel)
            quick = engine.client("quick")
            slow.connect()
            quick.connect()
            assert await until(slow, lambda: slow.connected)
            assert await until(quick, lambda: quick.connected)
            venue.quote()
            names = [order(price=9_990 + i % 10) for i in range(100)]
            for count, new in enumerate(names, 1):  # one by one: each makes a message of its own
                assert quick.send(new) == ""
                assert await until(quick, lambda n=count: len(quick.stores.orders) == n)
            assert len(venue.sent) == 100
            assert engine.sessions.lags == 1
            assert len(channels[0]._inbox) == 20  # a queue as long as allowed, and no longer

            def orders(client: EngineClient) -> dict[str, object]:
                return {o.cl_ord_id: o for o in client.stores.orders}

            def alike() -> bool:
                quick.poll()
                return orders(slow) == orders(quick)

            assert await until(slow, alike)
            assert len(orders(slow)) == 100
            last = order(price=9_980)
            quick.send(last)
            assert await until(slow, lambda: last.cl_ord_id in slow.stores.orders)
            assert len(channels) == 1  # it was never disconnected
            slow.close()
            quick.close()

    asyncio.run(test())


def test_a_client_that_lags_again_and_again_is_not_told_everything_at_each_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To make the whole state takes long: nobody can have the engine do nothing else."""

    monkeypatch.setattr(sessions_module, "_AGAIN_SECONDS", 60.0)

    async def test() -> None:
        async with engine_at(tmp_path, ScriptedVenue()) as engine:
            sessions = engine.sessions
            made, snapshot = list[int](), sessions._snapshot
            sessions._snapshot = lambda: (made.append(1), snapshot())[1]
            channel = InlineChannel(engine.server, asyncio.get_running_loop(), high_water=1)
            channel.send(encode(Hello("slow", "terminal", "secret")))
            assert await _soon(lambda: len(sessions) == 1)
            (session,) = sessions
            for _ in range(50):
                sessions.beat()  # no room for it: the client lags, and after each word again
                assert session.lagging
                channel.receive()
                channel.send(encode(Ready(0)))
                await asyncio.sleep(0)
                await asyncio.sleep(0)
            assert len(made) == 2, "at the beginning, and once since"
            session.welcomed_at -= 100
            channel.receive()
            channel.send(encode(Ready(0)))
            assert await _soon(lambda: len(made) == 3)

    asyncio.run(test())


def test_a_slow_client_gets_the_newest_prices_only(tmp_path: Path) -> None:
    async def test() -> None:
        venue = ScriptedVenue()
        async with engine_at(tmp_path, venue) as engine:
            client = engine.client("slow")
            client.connect()
            assert await until(client, lambda: client.connected)
            client.subscribe(Subscribe(quotes=("*",)))
            await asyncio.sleep(0.05)
            for i in range(50):
                venue.quote(10_000 + i, 11_000 + i)
                await asyncio.sleep(0.01)
            before = client.stores.tickers.version
            client.poll()
            assert client.stores.tickers.version - before <= 2
            assert await until(client, lambda: client.stores.tickers["ABC.V"].bid == 10_049)
            client.close()

    asyncio.run(test())


def test_raw_garbage_on_the_engines_socket_harms_nobody(tmp_path: Path) -> None:
    async def test() -> None:
        async with engine_at(tmp_path, ScriptedVenue()) as engine:
            good = client_of(tmp_path)
            good.connect()
            assert await until(good, lambda: good.connected)
            bad = ClientChannel(engine.endpoint)
            assert await until(good, lambda: bad.connected)
            bad.send(encode(Hello("bad", "tool", "secret", PROTOCOL)))
            for i in range(500):
                bad.send(bytes((i * 7 + j * 13) % 256 for j in range(i % 40)))
            assert await until(good, lambda: engine.server.malformed >= 500)
            assert good.connected
            assert engine.server.failures == 0
            bad.close()
            good.close()

    asyncio.run(test())
