"""The processes of a fault test: an exchange that keeps the truth, the engine, and a client."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from core.bus.endpoint import TOKEN_VARIABLE, free_port
from core.client.client import EngineClient
from core.model.commands import CancelOrder, Command, NewOrder, ReplaceOrder
from core.model.enums import LinkState, OrdStatus, OrdType, Severity, Side, TimeInForce
from core.model.ids import IdMaker
from core.services.options import EngineOptions

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "of-the-fault-tests"
ACCOUNT = "A1"
CASH = Decimal(1_000_000)
LONG = os.environ.get("OUTCRY_FAULTS") == "long"
"""Do tests take their long form? See the README."""

SETTINGS = """
durability = "%s"
snapshot_every = %d
[[accounts]]
id = "A1"
cash = { USD = 1000000 }
[[limits]]
name = "max_order_rate"
value = 1000000
[[limits]]
name = "max_change_rate"
value = 1000000
[[limits]]
name = "max_open_orders"
value = 1000000
[[limits]]
name = "max_duplicates"
value = 1000000
[[limits]]
name = "stale_after"
value = 3600
[[limits]]
name = "price_collar"
value = 50
"""

_UNSURE = (OrdStatus.UNKNOWN, OrdStatus.PENDING_NEW)


def process(*words: str, **more: Any) -> subprocess.Popen[str]:
    """Start a module of Python."""
    return subprocess.Popen(
        [sys.executable, "-m", *words],
        cwd=ROOT,
        env={**os.environ, TOKEN_VARIABLE: TOKEN, "PYTHONPATH": str(ROOT)},
        text=True,
        **more,
    )


class Venue:
    """The exchange's process; see `tests.faults.exchange`."""

    def __init__(self) -> None:
        self._process = process(
            "tests.faults.exchange", stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.endpoint: str = self._line()

    def ask(self, word: str, value: Any = None) -> Any:
        """The answer of `Exchange.asked`."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([word, value]) + "\n")
        self._process.stdin.flush()
        return self._line()

    def _line(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the exchange ended"
        return json.loads(line)

    def stop(self) -> None:
        self._process.communicate(timeout=20)


class Engine:
    """The engine's process, to be killed and started again."""

    def __init__(
        self,
        data: Path,
        venue: str,
        durability: str = "process",
        snapshot_every: int = 1_000,
        more: str = "",
    ) -> None:
        self.options = EngineOptions(data_dir=data, endpoint=f"tcp://127.0.0.1:{free_port()}")
        self.home = self.options.home
        self.home.mkdir(parents=True, exist_ok=True)
        self.venue = venue
        self.log = data / "engine.log"
        self.clock = data / "clock"
        self.clock.write_bytes(struct.pack("<d", 0.0))
        (data / "engine.toml").write_text(SETTINGS % (durability, snapshot_every) + more)
        self._process: subprocess.Popen[str] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        with open(self.log, "ab") as log:
            self._process = process(
                "tests.faults.engine", self.venue, str(self.clock), "--", *self.options.arguments(),
                stdout=log, stderr=log, stdin=subprocess.DEVNULL,
            )  # fmt: skip

    def move_clock(self, seconds: float) -> None:
        """The computer's clock is wrong by so much from now on."""
        with open(self.clock, "r+b") as file:
            file.write(struct.pack("<d", seconds))

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """End it politely; it must end well."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGCONT)
        self._process.terminate()
        try:
            code = self._process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        assert code == 0, self.log.read_text()[-2_000:]


class Desk:
    """A trader without a screen."""

    def __init__(self, engine: Engine, name: str = "desk", seed: int = 1) -> None:
        self.rng = random.Random(seed)
        self.client = EngineClient(engine.options.endpoint, TOKEN, name)
        self.stores = self.client.stores
        self.ids = IdMaker("F")
        self._engine = engine
        self.client.connect()

    def until(self, true: Callable[[], object], what: str, seconds: float = 30.0) -> float:
        """Wait until something is true and return how long it took."""
        began = time.monotonic()
        while True:
            self.client.poll()
            if true():
                return time.monotonic() - began
            if time.monotonic() - began > seconds:
                notices = "; ".join(n.text for n in self.stores.notices[-4:])
                log = self._engine.log.read_text()[-1_500:]
                raise AssertionError(f"waited {seconds:g} s in vain for: {what} ({notices})\n{log}")
            time.sleep(0.002)

    def link(self, source: str) -> LinkState | None:
        found = self.stores.links.get(source)
        return None if found is None else found.state

    def ready(self) -> float:
        """Wait until orders are taken: connected, agreed with the exchange, nothing uncertain."""

        def true() -> bool:
            return (
                self.stores.connected
                and self.link("X") is LinkState.UP
                and not any(o.status in _UNSURE for o in self.stores.orders)
                and self._takes_orders()
            )

        return self.until(true, "an engine that takes orders")

    def _takes_orders(self) -> bool:
        pid = self.client.engine_pid
        ready = [n for n in self.stores.notices if "The engine is ready" in n.text]
        return bool(ready) and pid == self._engine.pid

    def send(self, command: Command) -> bool:
        return self.client.send(command) == ""

    def order(
        self,
        side: Side = Side.BUY,
        qty: int = 10,
        price: int = 9_900,
        instrument: str = "E0.X",
        **more: Any,
    ) -> str:
        """Send an order that rests unless the price says otherwise (0: a market order); its id, or
        an empty text when it could not be sent."""
        name = self.ids.next()
        more.setdefault("tif", TimeInForce.GTC if price else TimeInForce.IOC)
        kind = OrdType.LIMIT if price else OrdType.MARKET
        order = NewOrder(
            name, ACCOUNT, instrument, side, kind, qty, price, ts=time.time_ns(), **more
        )
        return name if self.send(order) else ""

    def cancel(self, name: str) -> bool:
        return self.send(CancelOrder(self.ids.next(), name))

    def status(self, name: str) -> OrdStatus | None:
        order = self.stores.orders.get(name)
        return None if order is None else order.status

    def trade(self) -> None:
        """Something at random: an order, a change, a cancel."""
        self.client.poll()
        rng = self.rng
        working = [o for orders in self.stores.working.values() for o in orders.values()]
        kind = rng.random()
        if kind < 0.6 or not working:
            side = rng.choice((Side.BUY, Side.SELL))
            price = 10_000 + rng.randint(-12, 4) * side.sign
            self.order(
                side, rng.randint(1, 20), price if rng.random() < 0.9 else 0,
                instrument=f"E{rng.randrange(4)}.X",
            )  # fmt: skip
            return
        order = rng.choice(working)
        if kind < 0.85 or len(working) > 60:
            self.cancel(order.cl_ord_id)
        else:
            price = order.price + rng.choice((-2, -1, 1))
            self.send(ReplaceOrder(self.ids.next(), order.cl_ord_id, order.qty, max(price, 1)))

    def notices(self, severity: Severity = Severity.WARNING) -> list[str]:
        return [n.text for n in self.stores.notices if n.severity >= severity]

    def close(self) -> None:
        self.client.close()


def compare(desk: Desk, venue: Venue) -> str:
    """What differs between our books and the truth; empty when nothing does."""
    truth = venue.ask("truth")
    stores = desk.stores
    problems = []
    if truth["twice"]:
        problems.append(f"came twice: {truth['twice']}")
    fills = {f.exec_id: [f.cl_ord_id, f.side.sign, f.qty, f.price] for f in stores.fills}
    for word, names in (
        ("not in our books", truth["executions"].keys() - fills.keys()),
        ("not in theirs", fills.keys() - truth["executions"].keys()),
    ):
        if names:
            problems.append(f"executions {word}: {sorted(names)[:5]}")
    problems += [
        f"{k}: ours {fills[k]}, theirs {v}"
        for k, v in truth["executions"].items()
        if k in fills and fills[k] != v
    ]
    held = {f"{p.account} {p.instrument}": p.qty for p in stores.positions if not p.strategy}
    held = {k: v for k, v in held.items() if v}
    if held != truth["positions"]:
        problems.append(f"positions: ours {held}, theirs {truth['positions']}")
    account = stores.accounts.get(ACCOUNT)
    cash = None if account is None else account.cash["USD"]
    if cash != CASH + Decimal(truth["cash"].get(ACCOUNT, 0)):
        problems.append(f"cash: ours {cash}, theirs {CASH} + {truth['cash']}")
    for name, (status, qty, price, cum) in truth["orders"].items():
        order = stores.orders.get(name)
        ours = None if order is None else [order.status.name, order.qty, order.price, order.cum_qty]
        if ours is not None and ours[0] == "EXPIRED":  # the engine cancels it when its time is up
            ours[0] = "CANCELED"
        # A market order has no price, and a canceled one's need not be known.
        if (
            ours is None
            or ours[:2] + ours[3:] != [status, qty, cum]
            or (order is not None and order.working and order.price != price)
        ):
            problems.append(f"order {name}: ours {ours}, theirs {[status, qty, price, cum]}")
    for order in stores.orders:
        if order.working and order.cl_ord_id not in truth["orders"]:
            problems.append(f"order {order.cl_ord_id} is {order.status.name} and not there")
    return "\n".join(problems)


def agree(desk: Desk, venue: Venue, when: str = "", seconds: float = 15.0) -> None:
    """Wait until our books are what the exchange says, for what is on its way may take a moment."""
    deadline = time.monotonic() + seconds
    while problems := compare(desk, venue):
        assert time.monotonic() < deadline, f"{when}:\n{problems}"
        wait = time.monotonic() + 0.1
        while time.monotonic() < wait:
            desk.client.poll()
            time.sleep(0.005)


@contextlib.contextmanager
def session(
    data: Path, durability: str = "process", snapshot_every: int = 1_000
) -> Iterator[tuple[Venue, Engine, Desk]]:
    """An exchange, an engine on it and a desk that is ready."""
    venue = Venue()
    engine = Engine(data, venue.endpoint, durability, snapshot_every)
    desk = Desk(engine)
    try:
        engine.start()
        desk.ready()
        yield venue, engine, desk
    finally:
        desk.close()
        try:
            engine.stop()
        finally:
            venue.stop()
