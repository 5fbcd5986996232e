from __future__ import annotations

import asyncio
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zmq
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.bus.channel import Channel, ClientChannel, DirectChannel, connect
from core.bus.endpoint import default_endpoint, free_port, new_token, private_directory
from core.bus.listener import EngineChannel
from core.bus.server import Peer, Sent, Server
from core.bus.zmtp import GREETING, frame
from core.model.commands import CancelOrder
from core.model.session import PROTOCOL, Heartbeat, Hello, Refused, Submit, ToEngine
from core.model.wire import decode_from_engine, encode

TOKEN = new_token()


class Engine:
    """The engine's side of a channel: keeps what came, echoes heartbeats."""

    def __init__(
        self,
        endpoint: str,
        high_water: int = 1000,
        loop: asyncio.AbstractEventLoop | None = None,
        silence: float = 0.0,
    ) -> None:
        self.loop = loop or asyncio.new_event_loop()
        self.heard: list[ToEngine] = []
        self.peers: list[Peer] = []
        self.errors: list[str] = []
        self.server = Server(TOKEN, self.on_message, self.errors.append)
        self.channel = EngineChannel(self.server, endpoint, high_water, silence)
        try:
            self.channel.open(self.loop)
        except OSError:
            self.loop.close()
            raise

    def on_message(self, peer: Peer, message: ToEngine) -> None:
        self.heard.append(message)
        if peer not in self.peers:
            self.peers.append(peer)
        if isinstance(message, Heartbeat):
            peer.send(message)

    def run_until(self, done: Callable[[], bool], seconds: float = 5.0) -> bool:
        async def wait() -> bool:
            deadline = time.monotonic() + seconds
            while not done():
                if time.monotonic() > deadline:
                    return False
                await asyncio.sleep(0.001)
            return True

        return self.loop.run_until_complete(wait())

    def close(self) -> None:
        self.channel.close()
        self.loop.close()


ENDPOINTS = ["tcp"] if sys.platform == "win32" else ["ipc", "tcp"]


@pytest.fixture(params=ENDPOINTS)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    endpoint = f"tcp://127.0.0.1:{free_port()}"
    if request.param == "ipc":
        endpoint = default_endpoint(tmp_path)
        assert endpoint.startswith("ipc://")
    engine = Engine(endpoint, high_water=100_000)
    yield engine
    engine.close()


KINDS: list[type[ClientChannel] | type[DirectChannel]] = [ClientChannel]
if sys.platform != "win32":
    KINDS.append(DirectChannel)


@pytest.fixture(params=KINDS)
def client(engine: Engine, request: pytest.FixtureRequest) -> Iterator[Channel]:
    client: Channel = request.param(engine.channel.endpoint)
    assert engine.run_until(lambda: client.connected)
    yield client
    client.close()


def hello(token: str = TOKEN, protocol: int = PROTOCOL) -> bytes:
    return encode(Hello("tester", "tool", token, protocol))


def answers(engine: Engine, client: Channel, count: int = 1) -> list[object]:
    got: list[object] = []

    def enough() -> bool:
        while (data := client.receive()) is not None:
            got.append(decode_from_engine(data))
        return len(got) >= count

    assert engine.run_until(enough)
    return got


def test_messages_go_both_ways_in_order(engine: Engine, client: Channel) -> None:
    assert client.send(hello())
    for i in range(500):
        assert client.send(encode(Heartbeat(i)))
    got = answers(engine, client, 500)
    assert got == [Heartbeat(i) for i in range(500)]
    assert engine.heard[0] == Hello("tester", "tool", TOKEN)
    assert len(engine.heard) == 501


def test_nothing_waits_for_another_edge_when_both_sides_talk_at_once(
    engine: Engine, client: Channel
) -> None:
    client.send(hello())
    assert engine.run_until(lambda: bool(engine.peers))
    got: list[bytes] = []

    async def chatter() -> None:
        sent = 0
        deadline = time.monotonic() + 10
        while (sent < 3000 or len(got) < 6000) and time.monotonic() < deadline:
            if sent < 3000:
                assert client.send(encode(Heartbeat(sent)))
                engine.peers[0].send(Heartbeat(-sent))  # a send may swallow the edge
                sent += 1
            while (data := client.receive()) is not None:
                got.append(data)
            if sent % 50 == 0:
                await asyncio.sleep(0)

    engine.loop.run_until_complete(chatter())
    assert (len(engine.heard), engine.channel.overflows, len(got)) == (3001, 0, 6000)


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (hello(token="wrong"), "token"),
        (hello(protocol=PROTOCOL + 1), "protocol"),
        (encode(Heartbeat(1)), "Hello"),
        (encode(Submit(CancelOrder("1", "2"))), "Hello"),
        (b"\x93\x01\x02\x03", "ignored"),
        (b"", "ignored"),
    ],
    ids=["wrong token", "newer protocol", "no hello", "order first", "no message", "nothing"],
)
def test_whoever_is_not_admitted_hears_why_and_is_not_heard(
    engine: Engine, client: Channel, message: bytes, words: str
) -> None:
    client.send(message)
    (answer,) = answers(engine, client)
    assert isinstance(answer, Refused)
    assert words in answer.text
    assert engine.heard == []
    assert engine.server.refused + engine.server.malformed == 1
    assert len(engine.errors) == 1
    assert TOKEN not in answer.text


def test_a_malformed_message_names_the_field_and_the_client_stays(
    engine: Engine, client: Channel
) -> None:
    client.send(hello())
    client.send(encode(["Submit", ["CancelOrder", 17, "order"]]))  # type: ignore[arg-type]
    client.send(encode(Heartbeat(5)))
    refused, beat = answers(engine, client, 2)
    assert isinstance(refused, Refused)
    assert "Expected `str`, got `int`" in refused.text
    assert "$[1][1]" in refused.text
    assert "tester" in refused.text
    assert beat == Heartbeat(5)


def test_a_message_of_several_parts_is_malformed(engine: Engine, client: Channel) -> None:
    client.send(hello())
    if isinstance(client, DirectChannel):
        one = encode(Heartbeat(1))
        client._stream.command(bytes([1, len(one)]) + one + frame(b"more"))
    else:
        assert isinstance(client, ClientChannel)
        client._socket.send_multipart([encode(Heartbeat(1)), b"more"])
    (refused,) = answers(engine, client)
    assert isinstance(refused, Refused)
    assert "2 parts" in refused.text


@pytest.mark.parametrize("kind", KINDS)
def test_a_full_client_is_told_apart_and_nobody_else_waits(
    tmp_path: Path, kind: type[ClientChannel] | type[DirectChannel]
) -> None:
    engine = Engine(default_endpoint(tmp_path), high_water=10)
    slow = kind(engine.channel.endpoint)
    quick = kind(engine.channel.endpoint)
    try:
        assert engine.run_until(lambda: slow.connected and quick.connected)
        slow.send(hello())
        assert engine.run_until(lambda: len(engine.peers) == 1)
        quick.send(hello())
        assert engine.run_until(lambda: len(engine.peers) == 2)
        big = Refused("x" * 100_000)
        fate = Sent.OK
        for _ in range(5_000):
            fate = engine.peers[0].send(big)
            if fate is not Sent.OK:
                break
        assert fate is Sent.FULL
        assert engine.channel.overflows == 1
        assert engine.peers[1].send(Heartbeat(1)) is Sent.OK
        assert answers(engine, quick) == [Heartbeat(1)]
    finally:
        slow.close()
        quick.close()
        engine.close()


def test_a_client_that_left_is_gone(engine: Engine, client: Channel) -> None:
    client.send(hello())
    assert engine.run_until(lambda: bool(engine.peers))
    client.close()
    assert engine.run_until(lambda: engine.peers[0].send(Heartbeat(1)) is Sent.GONE)
    assert not client.send(b"x")
    assert client.receive() is None


def test_a_client_notices_at_once_that_the_engine_closed(engine: Engine, client: Channel) -> None:
    assert client.lost() == ""
    engine.channel.close()
    assert engine.run_until(lambda: client.lost() != "")
    assert not client.connected
    assert not client.send(hello())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scheme", ENDPOINTS)
def test_nobody_listens(
    tmp_path: Path, kind: type[ClientChannel] | type[DirectChannel], scheme: str
) -> None:
    endpoint = f"tcp://127.0.0.1:{free_port()}" if scheme == "tcp" else f"ipc://{tmp_path}/no"
    client = kind(endpoint)
    deadline = time.monotonic() + 5
    while not client.lost() and time.monotonic() < deadline:
        assert not client.send(hello())
        time.sleep(0.005)
    assert "No engine listens" in client.lost()
    client.close()


def test_an_endpoint_that_is_none_is_a_sentence() -> None:
    with pytest.raises(OSError, match="not an endpoint"):
        connect("nonsense")
    with pytest.raises(OSError, match="cannot listen"):
        Engine("tcp://256.1.1.1:5")


def test_where_the_loop_cannot_watch_a_descriptor_it_is_polled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(fd: int, callback: object) -> None:
        raise NotImplementedError

    loop = asyncio.new_event_loop()
    monkeypatch.setattr(loop, "add_reader", missing)
    engine = Engine(default_endpoint(tmp_path), loop=loop)
    client = ClientChannel(engine.channel.endpoint)
    try:
        assert engine.run_until(lambda: client.connected)
        client.send(hello())
        client.send(encode(Heartbeat(3)))
        assert answers(engine, client) == [Heartbeat(3)]
    finally:
        client.close()
        engine.close()


@pytest.mark.skipif(sys.platform == "win32", reason="no ipc sockets there")
def test_the_socket_is_its_users_alone(tmp_path: Path) -> None:
    engine = Engine(default_endpoint(tmp_path))
    path = Path(engine.channel.endpoint.removeprefix("ipc://"))
    try:
        assert path.stat().st_mode & 0o077 == 0
        assert path.parent.stat().st_mode & 0o077 == 0
        assert path.parent == private_directory()
    finally:
        engine.close()
    assert not path.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="no ipc sockets there")
def test_a_living_engines_place_is_not_taken(tmp_path: Path) -> None:
    engine = Engine(default_endpoint(tmp_path))
    try:
        with pytest.raises(OSError, match=r"listens at .* already"):
            Engine(default_endpoint(tmp_path))
    finally:
        engine.close()
    Engine(default_endpoint(tmp_path)).close()


class Echo:
    """Admitted once, for fuzzing the server without a socket."""

    def __init__(self) -> None:
        self.heard: list[ToEngine] = []
        self.said: list[bytes] = []
        self.server = Server(TOKEN, lambda peer, m: self.heard.append(m), lambda text: None)
        self.peer = Peer(self.write, "fuzz")

    def write(self, data: bytes) -> Sent:
        self.said.append(data)
        return Sent.OK


def nested(leaf: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.lists(leaf, max_size=6)


WORDS = st.sampled_from(
    ["Hello", "Subscribe", "Ready", "Heartbeat", "Goodbye", "Submit", "NewOrder", "Kill", "x"]
)
LEAVES = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | WORDS
TREES = st.recursive(LEAVES | st.text(max_size=5) | st.binary(max_size=5), nested, max_leaves=20)


@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.binary(max_size=200) | TREES.map(lambda tree: encode(tree)))  # type: ignore[arg-type]
def test_no_bytes_raise_out_of_the_server(data: bytes) -> None:
    echo = Echo()
    assert echo.server.receive(echo.peer, [hello()])
    before = len(echo.heard)
    assert echo.server.receive(echo.peer, [data]) in (True, False)
    understood = len(echo.heard) - before
    assert understood + echo.server.malformed + echo.server.refused == 1
    for said in echo.said:
        assert isinstance(decode_from_engine(said), Refused)


def test_an_engine_that_fails_on_a_message_goes_on(engine: Engine, client: Channel) -> None:
    def failing(peer: Peer, message: ToEngine) -> None:
        if isinstance(message, Heartbeat) and message.ts == 1:
            raise RuntimeError("boom")
        engine.on_message(peer, message)

    engine.server._on_message = failing
    client.send(hello())
    client.send(encode(Heartbeat(1)))
    client.send(encode(Heartbeat(2)))
    assert answers(engine, client) == [Heartbeat(2)]
    assert engine.server.failures == 1
    assert "boom" in engine.errors[0]


def test_the_largest_message_is_bounded(engine: Engine, client: Channel) -> None:
    client.send(hello())
    assert engine.run_until(lambda: bool(engine.peers))
    client.send(b"x" * (2 << 20))
    assert engine.run_until(lambda: client.lost() != "")
    assert len(engine.heard) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="names are looked up there as well")
def test_a_name_is_looked_up_by_a_thread_and_a_number_needs_none() -> None:
    named, numbered = connect("tcp://nowhere.invalid:5"), connect(f"tcp://127.0.0.1:{free_port()}")
    assert (type(named), type(numbered)) == (ClientChannel, DirectChannel)
    named.close()
    numbered.close()


@pytest.mark.skipif(sys.platform == "win32", reason="ZeroMQ connects there")
def test_a_direct_connection_is_understood_by_zeromqs_own_router() -> None:
    router = zmq.Context.instance().socket(zmq.ROUTER)
    router.setsockopt(zmq.LINGER, 0)
    port = router.bind_to_random_port("tcp://127.0.0.1")
    client = DirectChannel(f"tcp://127.0.0.1:{port}")

    def until(done: Callable[[], object]) -> None:
        deadline = time.monotonic() + 5
        while not done():
            assert time.monotonic() < deadline
            time.sleep(0.001)

    got: list[bytes] = []
    until(lambda: client.connected)
    sizes = (0, 1, 255, 256, 70_000, 3_000_000)
    try:
        for size in sizes:
            assert client.send(bytes(size))
            until(lambda: client.receive() is None and router.poll(1))
            who, message = router.recv_multipart()
            router.send_multipart([who, message])
            answered = len(got) + 1
            while len(got) < answered:
                if (found := client.receive()) is not None:
                    got.append(found)
        assert [len(message) for message in got] == list(sizes)
    finally:
        client.close()
        router.close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_silent_end_is_cut_off_and_one_that_answers_is_not(
    tmp_path: Path, kind: type[ClientChannel] | type[DirectChannel]
) -> None:
    engine = Engine(default_endpoint(tmp_path), silence=0.2)
    asleep = DirectChannel(engine.channel.endpoint)
    awake = kind(engine.channel.endpoint)
    try:
        assert engine.run_until(lambda: asleep.connected and awake.connected)
        members = engine.channel._members
        assert engine.run_until(lambda: awake.receive() is None and len(members) == 1)
        assert not engine.run_until(
            lambda: awake.receive() is not None or len(members) != 1, seconds=0.5
        )
        assert awake.connected
    finally:
        asleep.close()
        awake.close()
        engine.close()


def test_who_speaks_another_language_is_cut_off_and_the_others_stay(
    engine: Engine, client: Channel
) -> None:
    client.send(hello())
    endpoint = engine.channel.endpoint
    for nonsense in (b"GET / HTTP/1.1\r\n\r\n", GREETING + b"\0\x01x", GREETING + b"\x04\0"):
        if endpoint.startswith("ipc"):
            stranger = socket.socket(socket.AF_UNIX)
            stranger.connect(endpoint.removeprefix("ipc://"))
        else:
            host, port = endpoint.removeprefix("tcp://").split(":")
            stranger = socket.create_connection((host, int(port)))
        with stranger:
            stranger.sendall(nonsense)
            stranger.settimeout(0.0)
            assert engine.run_until(lambda: _over(stranger))  # noqa: B023 - within this turn
    client.send(encode(Heartbeat(4)))
    assert answers(engine, client) == [Heartbeat(4)]


def _over(stranger: socket.socket) -> bool:
    try:
        return not stranger.recv(1000)
    except BlockingIOError:
        return False
    except OSError:
        return True


def test_zmq_is_the_version_this_was_written_for() -> None:
    assert zmq.zmq_version_info() >= (4, 3)
