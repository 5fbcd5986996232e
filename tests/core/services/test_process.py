"""The real engine process: killed, stopped, starved, told wrong things."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

import core
from core.client.client import EngineClient
from core.model.commands import CancelAll, NewOrder
from core.model.enums import MarketStatus, Mode, OrdStatus, OrdType, Side, TimeInForce
from core.model.ids import IdMaker
from core.model.market import Quote, StatusUpdate
from core.model.session import Subscribe
from core.services.address import read_address
from core.services.process import EngineProcess, ProcessState
from core.venues.replay.framed import Recorder
from core.venues.replay.recording import open_recording
from tests.core.services.helpers import instrument

BTC = "BTC-USD.ALPHA"
CONFIG = """
orphan_seconds = 1
[[accounts]]
id = "PAPER-1"
cash = { USD = 1000000 }
[[limits]]
name = "max_order_rate"
value = 1000000
[[limits]]
name = "max_open_orders"
value = 100000
[[limits]]
name = "stale_after"
value = 60
[[limits]]
name = "max_exposure"
value = 1000000000
"""
posix = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")


class Desk:
    """An engine process and a client of it, polled together."""

    def __init__(self, home: Path, words: tuple[str, ...] = ()) -> None:
        (home / "engine.toml").write_text(CONFIG)
        self.process = EngineProcess(home, words)
        self.process.start()
        self.client = self.new_client("tester")
        self.ids = IdMaker("T")
        self.said: list[str] = []

    def new_client(self, name: str) -> EngineClient:
        client = EngineClient(self.process.endpoint, self.process.token, name)
        client.connect()
        return client

    def until(self, done: Callable[[], object], seconds: float = 15.0) -> bool:
        deadline = time.monotonic() + seconds
        while True:
            text = self.process.poll()
            if text and text not in self.said:
                self.said.append(text)
            self.client.poll()
            if done():
                return True
            if time.monotonic() > deadline:
                return False
            time.sleep(0.003)

    def ready(self) -> bool:
        return self.until(
            lambda: (
                self.client.connected
                and any("is ready" in n.text for n in self.client.stores.notices)
            )
        )

    def watch(self) -> None:
        self.client.subscribe(Subscribe(quotes=("*",)))
        assert self.until(lambda: BTC in self.client.stores.tickers)

    def order(self, side: Side, qty: int, away: int) -> NewOrder:
        ticker = self.client.stores.tickers[BTC]
        price = ticker.bid - away if side is Side.BUY else ticker.ask + away
        return NewOrder(
            self.ids.next(), "PAPER-1", BTC, side, OrdType.LIMIT, qty, price, tif=TimeInForce.GTC
        )

    def close(self) -> None:
        self.client.close(stop_engine=True)
        self.process.stop()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.close()


@posix
def test_killed_under_load_it_is_noticed_restarted_and_knows_everything(desk: Desk) -> None:
    assert desk.ready()
    desk.watch()
    stores = desk.client.stores
    for round_ in range(2):
        for i in range(150):
            # some rest far away, some trade at once
            desk.client.send(desk.order(Side.BUY if i % 3 else Side.SELL, 5, 400 + i))
            if i % 10 == 0:
                desk.client.send(desk.order(Side.BUY if round_ else Side.SELL, 5, -200))
            if i % 25 == 0:
                desk.client.poll()
        assert desk.until(lambda most=3 * (round_ + 1): len(stores.fills) > most)
        os.kill(desk.process.pid, signal.SIGKILL)
        killed = time.monotonic()
        assert desk.until(lambda: not desk.client.connected, 3.0)
        assert time.monotonic() - killed < 3.0
        assert "not connected" in desk.client.send(desk.order(Side.BUY, 1, 500))
        before = {o.cl_ord_id: o for o in stores.orders}
        fills = {(f.cl_ord_id, f.exec_id) for f in stores.fills}
        held = {p.instrument: p.qty for p in stores.positions}
        assert before
        assert desk.until(lambda: desk.client.connected)
        after = {o.cl_ord_id: o for o in stores.orders}
        assert before.keys() <= after.keys()
        for name, order in before.items():
            assert after[name].cum_qty >= order.cum_qty
            assert (after[name].qty, after[name].price) == (order.qty, order.price)
            assert not order.status.terminal or after[name].status is order.status
        now = {(f.cl_ord_id, f.exec_id) for f in stores.fills}
        assert fills <= now
        assert len(now) == len(stores.fills)
        if now == fills:
            assert {p.instrument: p.qty for p in stores.positions} == held
        bought = sum(f.qty * f.side.sign for f in stores.fills if f.instrument == BTC)
        position = stores.position("PAPER-1", BTC)
        assert position is not None
        assert position.qty == bought
        assert desk.process.restarts == round_ + 1
        assert "killed (signal 9)" in desk.process.last_error
        assert desk.until(
            lambda many=2 + round_: sum("is ready" in n.text for n in stores.notices) >= many
        )
        desk.watch()
    new = desk.order(Side.BUY, 1, 500)
    assert desk.client.send(new) == ""
    assert desk.until(lambda: (o := stores.orders.get(new.cl_ord_id)) and o.status is OrdStatus.NEW)


SLEEPER = """
import json, sys, time
from core.client.client import EngineClient
from core.model.market import Quote, StatusUpdate
from core.model.session import Subscribe
client = EngineClient(sys.argv[1], sys.argv[2], "sleeper")
client.connect()
client.subscribe(Subscribe(quotes=("*",), depth=("BTC-USD.ALPHA",)))
while not client.connected:
    client.poll()
    time.sleep(0.002)
print("up", flush=True)
wanted = int(sys.stdin.readline())
deadline = time.monotonic() + 20
while len(client.stores.orders) < wanted and time.monotonic() < deadline:
    client.poll()
    time.sleep(0.002)
print(json.dumps({
    "orders": sorted((o.cl_ord_id, o.status.value) for o in client.stores.orders),
    "reconnects": client.reconnects,
}), flush=True)
client.close()
"""


@posix
def test_a_stopped_client_neither_delays_others_nor_fills_memory(desk: Desk) -> None:
    assert desk.ready()
    desk.watch()
    environment = dict(os.environ, PYTHONPATH=str(Path(core.__file__).parent.parent))
    sleeper = subprocess.Popen(
        [sys.executable, "-c", SLEEPER, desk.process.endpoint, desk.process.token],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        text=True,
    )
    assert sleeper.stdin is not None
    assert sleeper.stdout is not None
    try:
        assert sleeper.stdout.readline() == "up\n"
        engine = psutil.Process(desk.process.pid)
        stores = desk.client.stores
        sleeper.send_signal(signal.SIGSTOP)
        sizes = []
        sent: list[NewOrder] = []
        for _ in range(6):
            batch = [desk.order(Side.BUY, 1, 300 + i) for i in range(300)]
            sent += batch
            began = time.monotonic()
            for new in batch:
                assert desk.client.send(new) == ""
            assert desk.until(
                lambda b=batch: all(
                    (o := stores.orders.get(n.cl_ord_id)) and o.status is OrdStatus.NEW for n in b
                )
            )
            assert time.monotonic() - began < 5.0
            sizes.append(engine.memory_info().rss)
        # Every order is two events; what one client does not read must not pile up.
        assert sizes[-1] - sizes[2] < 12_000_000
        desk.client.send(CancelAll(desk.ids.next(), "PAPER-1"))
        assert desk.until(lambda: all(o.status is OrdStatus.CANCELED for o in stores.orders))
        sleeper.send_signal(signal.SIGCONT)
        last = desk.order(Side.BUY, 1, 300)
        desk.client.send(last)
        assert desk.until(lambda: last.cl_ord_id in stores.orders)
        sleeper.stdin.write(f"{len(stores.orders)}\n")
        sleeper.stdin.flush()
        told = json.loads(sleeper.stdout.readline())
        assert told["reconnects"] == 0
        ours = sorted((o.cl_ord_id, o.status.value) for o in stores.orders)
        assert [n for n, _ in told["orders"]] == [n for n, _ in ours]
        terminal = [x for x in told["orders"] if x[0] != last.cl_ord_id]
        assert terminal == [[n, s] for n, s in ours if n != last.cl_ord_id]
    finally:
        sleeper.kill()
        sleeper.communicate()


@posix
def test_a_hung_engine_is_noticed(desk: Desk) -> None:
    assert desk.ready()
    os.kill(desk.process.pid, signal.SIGSTOP)
    try:
        assert desk.until(lambda: not desk.client.connected, 3.5)
        assert "silent" in desk.client.stores.connection_text
    finally:
        os.kill(desk.process.pid, signal.SIGCONT)
    assert desk.until(lambda: desk.client.connected)


def test_a_clean_stop_is_no_death(desk: Desk) -> None:
    assert desk.ready()
    desk.client.close(stop_engine=True)
    assert desk.until(lambda: desk.process.state is ProcessState.STOPPED)
    assert desk.process.last_error == ""
    assert desk.process.restarts == 0
    assert read_address(desk.process.home) is None


def test_a_terminal_that_comes_back_takes_over_the_engine_it_left(
    desk: Desk, tmp_path: Path
) -> None:
    assert desk.ready()
    assert desk.until(lambda: read_address(desk.process.home) is not None)
    address = read_address(desk.process.home)
    assert address is not None
    assert address.pid == desk.process.pid
    second = EngineProcess(tmp_path)
    second.start()
    assert second.pid == desk.process.pid
    assert (second.endpoint, second.token) == (desk.process.endpoint, desk.process.token)
    assert second.poll() == ""


def test_settings_that_are_wrong_are_said_and_not_tried_again(tmp_path: Path) -> None:
    config = tmp_path / "bad.toml"
    config.write_text("accounts = 5\n")
    process = EngineProcess(tmp_path, ["--config", str(config)])
    process.start()
    deadline = time.monotonic() + 15
    while process.poll() == "" and time.monotonic() < deadline:
        time.sleep(0.01)
    assert process.state is ProcessState.FAILED
    assert "bad.toml" in process.last_error
    assert "accounts" in process.last_error
    assert process.poll() == process.last_error
    process.stop()


def test_it_is_started_again_later_and_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = EngineProcess(tmp_path)
    blocker = process.home / "journal"
    blocker.write_text("a file where the journal's folder should be")
    monkeypatch.setattr("core.services.process._BACK_OFF", (0.0, 30.0))
    process.start()
    deadline = time.monotonic() + 20
    while process.restarts < 1 and time.monotonic() < deadline:
        process.poll()
        time.sleep(0.01)
    while process.state is ProcessState.RUNNING and time.monotonic() < deadline:
        process.poll()
        time.sleep(0.01)
    assert process.state is ProcessState.WAITING
    assert process.restarts == 1
    assert "exit code 1" in process.last_error
    assert "journal" in process.poll()
    process.stop()


ORPHAN = """
import sys, time
from pathlib import Path
from core.services.process import EngineProcess
process = EngineProcess(Path(sys.argv[1]))
process.start()
while not (process.home / "engine.json").exists():
    assert process.poll() == ""
    time.sleep(0.01)
print(process.pid, flush=True)
sys.stdin.readline()
"""


def test_without_its_terminal_it_lives_on_for_a_while_and_then_ends(tmp_path: Path) -> None:
    (tmp_path / "engine.toml").write_text(CONFIG)
    environment = dict(os.environ, PYTHONPATH=str(Path(core.__file__).parent.parent))
    terminal = subprocess.Popen(
        [sys.executable, "-c", ORPHAN, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        text=True,
    )
    assert terminal.stdout is not None
    engine = psutil.Process(int(terminal.stdout.readline()))
    terminal.kill()
    terminal.communicate()
    assert engine.is_running()
    engine.wait(15)
    journal = tmp_path / "engines" / "paper" / "journal"
    assert list(journal.glob("*.snapshot"))  # it ended cleanly


def _recording(path: Path) -> tuple[int, int]:
    """Five minutes of quotes, one each tenth of a second; returns its start and end."""
    abc = instrument("ABC", "REC")
    start = 1_700_000_000_000_000_000
    recorder = Recorder(path, [abc])
    recorder.write(StatusUpdate(abc.id, start, start, MarketStatus.OPEN))
    at = start
    for i in range(3_000):
        at = start + i * 100_000_000
        recorder.write(Quote(abc.id, at, at + 1_000_000, 10_000 + i % 50, 9, 10_001 + i % 50, 9))
    recorder.close()
    return start, at


@posix
def test_a_replay_goes_on_where_its_engine_died(tmp_path: Path) -> None:
    start, end = _recording(tmp_path / "day.rec")
    desk = Desk(tmp_path, ("--replay", str(tmp_path / "day.rec"), "--speed", "50"))
    try:
        assert desk.ready()
        stores = desk.client.stores
        assert stores.mode is Mode.REPLAY
        assert desk.until(lambda: stores.engine.replay_ts > start + 150 * 10**9)
        assert stores.engine.replay_speed == 50
        assert abs(stores.engine.replay_end - end) <= 1_000_000
        before = stores.engine.replay_ts
        os.kill(desk.process.pid, signal.SIGKILL)
        assert desk.until(lambda: not desk.client.connected)
        assert desk.until(lambda: desk.client.connected and stores.engine.replay_ts != before)
        # Recorded time is on record each second, in which fifty recorded ones pass.
        assert before - 75 * 10**9 < stores.engine.replay_ts < before + 100 * 10**9
        assert len(list((tmp_path / "engines").iterdir())) == 1
    finally:
        desk.close()


def test_what_was_recorded_can_be_replayed(tmp_path: Path) -> None:
    record = tmp_path / "market.rec"
    desk = Desk(tmp_path, ("--record", str(record)))
    try:
        assert desk.ready()
        desk.watch()
        desk.until(lambda: False, 0.5)
    finally:
        desk.close()
    recording = open_recording(record)
    assert len(recording) > 50
    assert len(recording.instruments) == 12
    assert recording.problem_count == 0
