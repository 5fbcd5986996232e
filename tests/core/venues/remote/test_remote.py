"""A venue in another process: the same words, and nothing lost when the link breaks."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zmq

from core.bus.endpoint import TOKEN_VARIABLE, free_port
from core.model.enums import (
    ExecType,
    LinkState,
    OrdStatus,
    OrdType,
    Side,
    Source,
    TimeInForce,
)
from core.model.events import CancelReject, ExecutionReport, LinkUpdate
from core.model.market import BookUpdate, Quote, StatusUpdate, Trade, TradeHistory
from core.model.orders import Order
from core.model.requests import VenueCancel, VenueNew, VenueReplace
from core.venues.remote import RemoteVenue, find
from core.venues.remote.host import VenueHost, main
from core.venues.remote.messages import Working
from core.venues.simulated import SimulatedVenue, default_market

TOKEN = "only for this test"
ROOT = Path(__file__).resolve().parents[4]


def run(session: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(session())


async def until(condition: Callable[[], object], what: str, seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        await asyncio.sleep(0.002)


def make_order(name: str, side: Side, qty: int, price: int, **fields: Any) -> Order:
    given: dict[str, Any] = {
        "tif": TimeInForce.GTC,
        "instrument": "BTC-USD.ALPHA",
        "account": "A1",
    } | fields
    kind = OrdType.LIMIT if price else OrdType.MARKET
    return Order(
        name, given["account"], given["instrument"], side, kind, qty,
        price, 0, given["tif"], False, False, Source.USER, "", "", OrdStatus.PENDING_NEW, 0, 0,
    )  # fmt: skip


class Engine:
    """What an engine hears from a venue."""

    def __init__(self) -> None:
        self.market: list[Any] = []
        self.events: list[Any] = []

    def of(self, name: str) -> list[Any]:
        return [e for e in self.events if getattr(e, "cl_ord_id", "") == name]

    def states(self) -> list[LinkState]:
        return [e.state for e in self.events if isinstance(e, LinkUpdate)]

    def book(self, instrument: str) -> dict[tuple[int, int], int]:
        levels: dict[tuple[int, int], int] = {}
        for message in self.market:
            if isinstance(message, BookUpdate) and message.instrument == instrument:
                if message.snapshot:
                    levels.clear()
                for side, price, qty in message.levels:
                    levels[side, price] = qty
        return {key: qty for key, qty in levels.items() if qty}


@asynccontextmanager
async def hosted(port: str = "*", rate: float = 300.0) -> AsyncIterator[VenueHost]:
    venue = default_market(3, 4, rate=rate)[0]
    host = VenueHost(venue, f"tcp://127.0.0.1:{port}", TOKEN)
    await host.start()
    try:
        yield host
    finally:
        await host.stop()


@asynccontextmanager
async def attached(endpoint: str, engine: Engine, **fields: Any) -> AsyncIterator[RemoteVenue]:
    description = await find(endpoint, TOKEN)
    venue = RemoteVenue(
        description, endpoint, TOKEN, cancel_on_loss=fields.get("cancel_on_loss", False)
    )
    venue.resume(fields.get("working", ()), {})
    await venue.start(engine.market.append, engine.events.append)
    try:
        yield venue
    finally:
        await venue.stop()


class Bare:
    """A venue that can do what every venue can, and no more."""

    def __init__(self, venue: SimulatedVenue) -> None:
        for name in ("name", "mode", "instruments", "send", "working_orders", "stop"):
            setattr(self, name, getattr(venue, name))


class Cable:
    """A proxy in front of a host, to be cut and mended."""

    def __init__(self, endpoint: str) -> None:
        self._target = int(endpoint.rsplit(":", 1)[1])
        self._port = free_port()
        self._server: asyncio.Server | None = None
        self._ends: list[asyncio.StreamWriter] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def mend(self) -> str:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        return f"tcp://127.0.0.1:{self._port}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        self._ends += [writer, far_writer]
        for source, sink in ((reader, far_writer), (far_reader, writer)):
            self._tasks.append(asyncio.create_task(self._pump(source, sink)))

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await source.read(1 << 16):
                sink.write(data)
                await sink.drain()

    async def cut(self) -> None:
        assert self._server is not None
        self._server.close()
        for end in self._ends:
            end.transport.abort()
        await asyncio.gather(*self._tasks)
        self._ends.clear()
        self._tasks.clear()


def test_market_data_and_orders_cross_the_link() -> None:
    async def session() -> None:
        engine = Engine()
        async with hosted() as host, attached(host.endpoint, engine) as venue:
            hosted_venue = host.venue
            assert isinstance(hosted_venue, SimulatedVenue)
            assert list(venue.instruments()) == list(hosted_venue.instruments())
            assert (venue.name, venue.mode) == (hosted_venue.name, hosted_venue.mode)
            assert engine.states() == [LinkState.CONNECTING, LinkState.UP]
            first = [m for m in engine.market if m.instrument == "BTC-USD.ALPHA"][:4]
            assert [type(m) for m in first] == [TradeHistory, StatusUpdate, BookUpdate, Quote]
            await until(lambda: any(isinstance(m, Trade) for m in engine.market), "a trade")
            quote = next(m for m in engine.market if isinstance(m, Quote))
            order = make_order("P-1", Side.BUY, 10, quote.bid - 40)
            venue.send(VenueNew(order))
            assert not engine.of("P-1")
            await until(lambda: engine.of("P-1"), "the acknowledgement")
            assert engine.of("P-1")[0].exec_type is ExecType.NEW
            (listed,) = await venue.working_orders()
            assert (listed.cl_ord_id, listed.qty) == ("P-1", 10)
            venue.send(VenueReplace(order, "R-1", 20, quote.bid - 41))
            venue.send(VenueCancel(order, "C-1"))
            await until(lambda: len(engine.of("P-1")) == 3, "replace and cancel")
            assert [e.status for e in engine.of("P-1")] == [
                OrdStatus.NEW, OrdStatus.NEW, OrdStatus.CANCELED
            ]  # fmt: skip
            assert await venue.working_orders() == ()
            assert "steer it there" in venue.control(None)  # type: ignore[arg-type]

    run(session)


def test_when_something_arrived_is_told_by_our_own_clock() -> None:
    async def session() -> None:
        async with hosted() as host:
            engine = Engine()
            description = await find(host.endpoint, TOKEN)
            venue = RemoteVenue(description, host.endpoint, TOKEN, lambda: 77)
            venue.resume((), {})
            await venue.start(engine.market.append, engine.events.append)
            try:
                venue.send(VenueNew(make_order("T-1", Side.BUY, 1, 1)))
                await until(lambda: engine.of("T-1"), "the order's reports")
                live = [m for m in engine.market if not isinstance(m, TradeHistory)]
                await until(lambda: any(isinstance(m, Trade) for m in engine.market), "a trade")
                assert {m.received for m in (*live, *engine.of("T-1"))} == {77}
            finally:
                await venue.stop()

    run(session)


def test_the_engine_sees_the_hosted_book() -> None:
    async def session() -> None:
        engine = Engine()
        async with hosted(rate=2000.0) as host, attached(host.endpoint, engine) as venue:
            await until(lambda: len(engine.market) > 500, "a busy market")
            await venue.stop()
            late = Engine()
            async with attached(host.endpoint, late) as again:
                await until(lambda: len(late.market) > 500, "a busy market again")
                await host.venue.stop()  # the market stands still
                await again.working_orders()  # and all that it said has arrived
            book = host.venue._floor.market("BTC-USD.ALPHA").live.book
            expected = {
                (side, price): qty
                for side in (1, 2)
                for price, qty in zip(
                    *(c.tolist() for c in book.depth(side, 10_000)[:2]), strict=True
                )
            }
            assert late.book("BTC-USD.ALPHA") == expected
            past = next(m for m in late.market if isinstance(m, TradeHistory))
            trades = [m for m in engine.market if isinstance(m, Trade)]
            ours = [t for t in trades if t.instrument == past.instrument]
            assert len(ours) > 5
            columns = [np.frombuffer(c, "<i8").tolist() for c in (past.ts, past.price, past.qty)]
            rows = set(zip(*columns, strict=True))
            assert rows >= {(t.ts, t.price, t.qty) for t in ours}

    run(session)


def test_fills_while_the_engine_was_away_are_told_when_it_comes_back() -> None:
    async def session() -> None:
        first = Engine()
        async with hosted() as host:
            async with attached(host.endpoint, first) as venue:
                quote = next(m for m in first.market if isinstance(m, Quote))
                order = make_order("P-1", Side.BUY, 10, quote.bid - 40)
                other = make_order("P-2", Side.BUY, 10, quote.bid - 40)
                venue.send(VenueNew(order))
                venue.send(VenueNew(other))
                await until(lambda: first.of("P-2"), "the acknowledgements")
            price = quote.bid - 40
            host.venue.send(VenueNew(make_order("X", Side.SELL, 10**6, price, account="A2")))
            await until(lambda: [o.cl_ord_id for o in host.venue._desk.working()] == ["X"], "fills")
            await asyncio.sleep(0.02)
            second = Engine()
            async with attached(host.endpoint, second, working=[order]):
                reports = second.of("P-1")
                assert reports[0].exec_id == first.of("P-1")[0].exec_id
                assert reports[-1].status is OrdStatus.FILLED
                assert sum(r.last_qty for r in reports) == 10
                assert not second.of("P-2"), "nobody asked for it"
                where = second.events.index(reports[-1])
                assert second.events[where + 1].state is LinkState.UP

    run(session)


def test_a_broken_link_is_told_mended_and_misses_nothing() -> None:
    async def session() -> None:
        engine = Engine()
        async with hosted() as host:
            cable = Cable(host.endpoint)
            async with attached(await cable.mend(), engine) as venue:
                quote = next(m for m in engine.market if isinstance(m, Quote))
                order = make_order("P-1", Side.BUY, 10, quote.bid - 40)
                venue.send(VenueNew(order))
                await until(lambda: engine.of("P-1"), "the acknowledgement")
                await cable.cut()
                await until(lambda: LinkState.DOWN in engine.states(), "the break")
                host.venue.send(VenueCancel(order, "C-0"))
                await until(lambda: not host.venue._desk.working(), "the cancel")
                venue.send(VenueNew(make_order("P-2", Side.BUY, 10, quote.bid)))
                venue.send(VenueCancel(order, "C-1"))
                await until(lambda: len(engine.of("P-1")) > 1 and engine.of("P-2"), "the rejects")
                assert engine.of("P-2")[0].exec_type is ExecType.REJECTED
                assert "Not sent" in engine.of("P-2")[0].text
                assert isinstance(engine.of("P-1")[-1], CancelReject)
                question = asyncio.create_task(venue.working_orders())
                await asyncio.sleep(0.05)
                assert not question.done()
                await cable.mend()
                await until(lambda: engine.states()[-1] is LinkState.UP, "the mended link")
                reports = [e for e in engine.of("P-1") if isinstance(e, ExecutionReport)]
                assert [r.status for r in reports] == [OrdStatus.NEW, OrdStatus.CANCELED]
                assert await question == ()
                before = len(engine.market)
                await until(lambda: len(engine.market) > before, "market data")
            await cable.cut()

    run(session)


def test_a_question_that_the_break_cut_off_ends_with_it() -> None:
    async def session() -> None:
        async def says_nothing() -> tuple[()]:
            await asyncio.Event().wait()
            return ()

        async with hosted() as host:
            host.venue.working_orders = says_nothing
            cable = Cable(host.endpoint)
            async with attached(await cable.mend(), Engine()) as venue:
                question = asyncio.create_task(venue.working_orders())
                await until(lambda: host._answers, "the question")
                await cable.cut()
                with pytest.raises(ConnectionError, match="was lost"):
                    await asyncio.wait_for(question, 15)

    run(session)


def test_what_happened_before_an_answer_is_told_before_it() -> None:
    async def session() -> None:
        engine = Engine()
        async with hosted() as host, attached(host.endpoint, engine) as venue:
            order = make_order("P-1", Side.BUY, 10, 1)

            async def fills_and_says() -> tuple[()]:
                host._on_event(ExecutionReport("ALPHA", 1, 1, "P-1", ExecType.NEW, OrdStatus.NEW))
                return ()

            host.venue.working_orders = fills_and_says
            heard: list[Any] = []
            link = venue._link
            assert link is not None
            take, link._on_message = link._on_message, heard.append
            question = asyncio.create_task(venue.working_orders())
            await until(lambda: any(isinstance(m, Working) for m in heard), "the answer")
            for message in heard:
                if isinstance(message, Working):
                    assert engine.of(order.cl_ord_id), "else it would be looked for in vain"
                take(message)
            link._on_message = take
            assert await question == ()

    run(session)


def test_nothing_is_sent_before_the_host_has_taken_us_in() -> None:
    async def session() -> None:
        engine = Engine()
        async with hosted() as host, attached(host.endpoint, engine) as venue:
            venue._attached.clear()  # as between connecting and its word
            venue.send(VenueNew(make_order("P-1", Side.BUY, 10, 1)))
            await until(lambda: engine.of("P-1"), "the reject")
            assert "Not sent" in engine.of("P-1")[0].text
            venue._attached.set()
            assert await venue.working_orders() == ()

    run(session)


@pytest.mark.parametrize("asked", [True, False])
def test_when_the_engine_is_gone_its_orders_are_canceled_if_it_asked_for_that(asked: bool) -> None:
    async def session() -> None:
        engine = Engine()
        async with hosted() as host:
            desk = host.venue._desk
            cable = Cable(host.endpoint)
            async with attached(await cable.mend(), engine, cancel_on_loss=asked) as venue:
                quote = next(m for m in engine.market if isinstance(m, Quote))
                venue.send(VenueNew(make_order("P-1", Side.BUY, 10, quote.bid - 400)))
                await until(lambda: engine.of("P-1"), "the acknowledgement")
                await cable.cut()
                await until(lambda: host._member is None, "the host to see that it is alone")
                assert bool(desk.working()) is not asked
                await cable.mend()
                await until(lambda: engine.states()[-1] is LinkState.UP, "the mended link")
                last = engine.of("P-1")[-1]
                assert last.status is (OrdStatus.CANCELED if asked else OrdStatus.NEW)
                assert ("not connected" in last.text) is asked
            await until(lambda: host._member is None, "the goodbye")
            await cable.cut()

    run(session)


def test_a_venue_that_cannot_cancel_when_a_connection_ends_says_so() -> None:
    async def session() -> None:
        engine = Engine()
        async with hosted() as host:
            host.venue = Bare(host.venue)
            description = await find(host.endpoint, TOKEN)
            venue = RemoteVenue(description, host.endpoint, TOKEN, cancel_on_loss=True)
            await venue.start(engine.market.append, engine.events.append)
            assert LinkState.UP not in engine.states()
            assert "cannot cancel orders when a connection ends" in engine.events[-1].text
            await venue.stop()

    run(session)


def test_only_one_engine_and_only_with_the_token() -> None:
    async def session() -> None:
        engine, rival = Engine(), Engine()
        async with hosted() as host:
            with pytest.raises(ConnectionError, match="token is wrong"):
                await find(host.endpoint, "guess")
            async with attached(host.endpoint, engine) as venue:
                description = await find(host.endpoint, TOKEN)
                other = RemoteVenue(description, host.endpoint, TOKEN)
                task = asyncio.create_task(other.start(rival.market.append, rival.events.append))
                await until(lambda: LinkState.DOWN in rival.states(), "the refusal")
                assert "Another engine is attached" in rival.events[-1].text
                assert not rival.market
                assert await venue.working_orders() == ()
                await venue.stop()
                await until(lambda: rival.states()[-1] is LinkState.UP, "its turn")
                assert rival.states().count(LinkState.DOWN) == 1
                await task
                await other.stop()

    run(session)


def test_nonsense_is_refused_and_harms_nobody() -> None:
    async def session() -> None:
        engine = Engine()
        async with hosted() as host, attached(host.endpoint, engine):
            socket = zmq.Context.instance().socket(zmq.DEALER)
            socket.connect(host.endpoint)
            for nonsense in (b"", b"\xc1", b"\x93\xa4Pass", b"\x92\xa3Ask\x01"):
                socket.send(nonsense)
            await until(lambda: host.refused >= 4, "four refusals")
            socket.close(linger=0)
            before = len(engine.market)
            await until(lambda: len(engine.market) > before + 5, "market data")
            assert engine.states()[-1] is LinkState.UP

    run(session)


def test_nobody_there() -> None:
    async def session() -> None:
        endpoint = f"tcp://127.0.0.1:{free_port()}"
        with pytest.raises(ConnectionError, match="No venue"):
            await find(endpoint, TOKEN)
        with pytest.raises(ConnectionError, match="not an endpoint"):
            await find("nowhere", TOKEN)

    run(session)


class _NoReaders(asyncio.SelectorEventLoop):
    """A loop that cannot watch descriptors, as the one of Windows."""

    def add_reader(self, fd: Any, callback: Any, *args: Any) -> Any:
        raise NotImplementedError


def test_a_loop_that_cannot_watch_descriptors() -> None:
    async def session() -> None:
        engine = Engine()
        async with hosted() as host, attached(host.endpoint, engine) as venue:
            venue.send(VenueNew(make_order("P-1", Side.BUY, 10, 100)))
            await until(lambda: engine.of("P-1"), "the acknowledgement")

    with asyncio.Runner(loop_factory=_NoReaders) as runner:
        runner.run(session())


def _host(port: int) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "core.venues.remote.host", "--endpoint", f"tcp://127.0.0.1:{port}",
         "--instruments", "4", "--rate", "300"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), TOKEN_VARIABLE: TOKEN},
        stdout=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    assert process.stdout is not None
    ready = json.loads(process.stdout.readline())
    assert ready["pid"] == process.pid
    assert ready["venue"] == "ALPHA"
    assert ready["token"] == TOKEN
    return process


def test_the_host_is_killed_and_comes_back() -> None:
    async def session() -> None:
        port = free_port()
        endpoint = f"tcp://127.0.0.1:{port}"
        engine = Engine()
        process = _host(port)
        try:
            async with attached(endpoint, engine) as venue:
                venue.send(VenueNew(make_order("P-1", Side.BUY, 10, 100)))
                await until(lambda: engine.of("P-1"), "the acknowledgement")
                process.kill()
                process.communicate()
                await until(lambda: LinkState.DOWN in engine.states(), "the death")
                process = _host(port)
                await until(lambda: engine.states()[-1] is LinkState.UP, "the new host")
                assert await venue.working_orders() == ()
                venue.send(VenueNew(make_order("P-2", Side.BUY, 10, 100)))
                await until(lambda: engine.of("P-2"), "an acknowledgement by the new one")
                assert engine.of("P-2")[0].exec_type is ExecType.NEW
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate()
        assert process.returncode == 0

    run(session)


def test_the_command_says_what_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--venue", "GAMMA"]) == 2
    assert "choose ALPHA or BETA" in capsys.readouterr().err
    assert main(["--endpoint", "tcp://nowhere.invalid:1"]) == 2
    assert "cannot listen at tcp://nowhere.invalid:1" in capsys.readouterr().err
