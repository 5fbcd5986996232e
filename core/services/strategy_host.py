"""A process that runs one strategy as a client of the engine.

Its crash, endless loop or hunger harms nobody else: the engine watches it, ends it and cancels
its orders. The token comes by environment, the settings as one JSON argument. Words for the
engine leave by the first standard output; what a strategy prints goes to the log. The end of the
standard input, where nothing ever comes, means that the process shall end: the engine wants it
so, or is dead.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
import time
import traceback
from pathlib import Path

import msgspec
import numpy as np

from core.bus.channel import connect
from core.bus.endpoint import TOKEN_VARIABLE
from core.client.client import EngineClient
from core.client.stores import Stores, position_key
from core.model.commands import NewOrder, NewOrderList
from core.model.enums import Mode
from core.model.events import CommandRefused, Draft, Event
from core.model.ids import IdMaker
from core.model.orders import OrderUpdate, Position
from core.model.session import Snapshot, Subscribe
from core.services.strategy_guard import (
    die_with_parent,
    end_with,
    keep_pipes,
    limit_memory,
    say,
)
from core.strategy.api import (
    Bar,
    Ints,
    Quote,
    Strategy,
    StrategyCommand,
    StrategyError,
    Trade,
    make_params,
    no_bars,
    params_texts,
)
from core.strategy.hostwords import (
    Beat,
    Failed,
    Loaded,
    Signal,
    Started,
)
from core.strategy.registry import find_strategy, place
from core.strategy.runner import Runner

BEAT_SECONDS = 0.5
WAIT_SECONDS = 0.02
SIGNAL_SECONDS = 0.1
HISTORY_SECONDS = 3.0
"""How long to wait for prices and past bars before the strategy starts without them."""

_KEPT = 500  # finished orders and fills in its memory; a strategy looks at those that work


class HostSettings(msgspec.Struct, frozen=True):
    """What a host is started with.

    `client` is the name it has at the engine, where it is empty the strategy is loaded and not
    run; `memory` is the most it may have, in bytes.
    """

    name: str
    client: str
    kind: str
    instrument: str
    account: str
    params: dict[str, str]
    endpoint: str
    folder: str
    memory: int


class Host:
    """Feeds one strategy from an `EngineClient`."""

    def __init__(self, settings: HostSettings, token: str) -> None:
        self._settings = settings
        self._kind = find_strategy(settings.kind, Path(settings.folder))
        self.params = make_params(self._kind, settings.params)
        self._client = EngineClient(
            settings.endpoint, token, settings.client, "strategy", Stores(_KEPT), connect
        )
        self._client.on_event.append(self._on_event)
        self._client.on_snapshot.append(self._on_snapshot)
        self._ids = IdMaker("S")
        self._runner: Runner | None = None
        self._interval = ""
        self._bar_seen = 0
        self._tape_seen = 0
        self._quote = Quote(0, 0, 0, 0, 0, 0)
        self._events: list[Event] = []
        self._handled = 0
        self._beat_at = 0.0
        self._welcomed_at = 0.0
        self._signal = self._signalled = ""
        self._signal_at = 0.0
        self.stopping = False

    # -- the strategy's port -----------------------------------------------------------------

    def new_id(self) -> str:
        """A client order id that nobody ever used."""
        return self._ids.next()

    def send(self, command: StrategyCommand) -> None:
        """Pass a command to the engine; an order that cannot be sent is over at once."""
        problem = self._client.send(command)
        if problem and self._runner is not None:
            if isinstance(command, NewOrder):
                self._runner.lost(command.cl_ord_id)
            elif isinstance(command, NewOrderList):
                self._runner.lost(command.id)

    def signal(self, text: str) -> None:
        """Tell the engine what the strategy sees; of many signals it gets the newest."""
        self._signal = str(text)[:200]

    def tell(self, now: float) -> None:
        """Say what is due: that the loop is alive, and the newest signal."""
        if now - self._beat_at >= BEAT_SECONDS:
            self._beat_at = now
            say(Beat(self._handled))
        if self._signal != self._signalled and now - self._signal_at >= SIGNAL_SECONDS:
            self._signal_at, self._signalled = now, self._signal
            say(Signal(self._signal))

    # -- the loop ----------------------------------------------------------------------------

    async def run(self) -> None:
        """Run until told to stop.

        Raises:
            Exception: whatever the strategy raises.
        """
        loop = asyncio.get_running_loop()
        over = loop.create_future()
        watched = -1
        failed: BaseException | None = None

        def work() -> None:
            nonlocal failed
            if over.done():
                return
            try:
                # A descriptor may tell only once that there is something: read until none is left.
                while self._client.poll() and not self.stopping:
                    self._turn()
                self._turn()
            except BaseException as error:
                failed = error
            if failed is not None or self.stopping:
                over.set_result(None)

        def watch() -> None:
            nonlocal watched
            with contextlib.suppress(NotImplementedError):
                if watched >= 0:
                    loop.remove_reader(watched)
                if self._client.fd >= 0:
                    loop.add_reader(self._client.fd, work)
            watched = self._client.fd

        def now_and_then() -> None:
            work()
            if not over.done():
                loop.call_later(WAIT_SECONDS, now_and_then)

        self._client.on_fd_changed.append(watch)
        self._client.connect()
        try:
            now_and_then()
            await over
            if failed is not None:
                raise failed
            if self._runner is not None:
                self._runner.stop(self._now())
        finally:
            self._client.close()

    def _turn(self) -> None:
        now = time.monotonic()
        self.tell(now)
        if not self._client.connected:
            return
        if self._runner is None:
            self._prepare(now)
            return
        events, self._events = self._events, []
        for event in events:
            self._take(event)
        self._market()
        self._runner.tick(self._now())

    def _now(self) -> int:
        """The market's time in a replay, else this computer's."""
        if self._client.stores.mode is Mode.REPLAY:
            return self._quote.ts
        return time.time_ns()

    def _prepare(self, now: float) -> None:
        """Subscribe, wait for history, start the strategy."""
        stores = self._client.stores
        settings = self._settings
        instrument = stores.instruments.get(settings.instrument)
        if instrument is None:
            raise StrategyError(f"{settings.instrument} does not trade on this engine.")
        if not self._welcomed_at:
            self._welcomed_at = now
            strategy = self._kind(settings.name, settings.account, instrument, self.params)
            self._interval = strategy.wanted_interval()
            trades = self._kind.on_trade is not Strategy.on_trade
            self._client.subscribe(
                Subscribe(
                    quotes=(instrument.id,),
                    trades=(instrument.id,) if trades else (),
                    bars=((instrument.id, self._interval),) if self._interval else (),
                )
            )
        past = stores.bars.get((instrument.id, self._interval), ())
        unknown = instrument.id not in stores.tickers or (self._interval and not len(past))
        if unknown and now - self._welcomed_at < HISTORY_SECONDS:
            return
        strategy = self._kind(settings.name, settings.account, instrument, self.params)
        strategy.attach(self)
        strategy.hedging = stores.hedging(settings.account)
        held = stores.positions.get(position_key(settings.account, instrument.id, settings.name))
        for order in stores.working_orders(instrument.id, settings.account):
            if order.strategy == settings.name:
                strategy.working[order.cl_ord_id] = order
        self._runner = Runner(strategy)
        columns = self._columns()
        self._bar_seen = int(columns["ts"][-1]) if len(columns["ts"]) else 0
        tape = stores.tapes.get(instrument.id)
        self._tape_seen = tape.first + len(tape) if tape is not None else 0
        self._events.clear()
        self._look_at_quote()
        self._runner.quote(self._now(), self._quote)
        self._runner.start(self._now(), held.qty if held is not None else 0, columns)
        say(Started())

    def _on_event(self, event: Event) -> None:
        if isinstance(event, CommandRefused) and event.id == "subscribe":
            raise StrategyError(event.text)
        if self._runner is not None:
            self._events.append(event)

    def _on_snapshot(self, snapshot: Snapshot) -> None:
        """After a gap: orders and position as they are now; what is not there any more is over."""
        if self._runner is None:
            return
        self._events.clear()
        name, working = self._settings.name, self._runner.strategy.working
        for update in snapshot.orders:
            if update.order.strategy == name and (
                update.order.working or update.order.cl_ord_id in working
            ):
                self._events.append(update)
        known = {update.order.cl_ord_id for update in snapshot.orders}
        known |= {order.cl_ord_id for draft in snapshot.drafts for order in draft.orders}
        for order_id in [o for o in working if o not in known]:
            self._runner.lost(order_id)
        self._events.extend(p for p in snapshot.positions if p.strategy == name)

    def _take(self, event: Event) -> None:
        runner = self._runner
        assert runner is not None
        match event:
            case Position():
                if event.account == self._settings.account and (
                    event.instrument == self._settings.instrument
                ):
                    runner.position(event)
            case OrderUpdate():
                if event.order.strategy == self._settings.name:
                    self._handled += 1
                    runner.order(event)
            case Draft():
                if event.strategy == self._settings.name:
                    runner.draft(event)
            case CommandRefused():
                if runner.strategy.working.get(event.id) is None:
                    runner.lost(event.id)

    def _market(self) -> None:
        runner, stores, name = self._runner, self._client.stores, self._settings.instrument
        assert runner is not None
        tape = stores.tapes.get(name)
        if tape is not None:
            end = tape.first + len(tape)
            new, self._tape_seen = end - self._tape_seen, end
            if new > 0:
                self._handled += new
                runner.trades(self._now(), self._newest_trades(min(new, len(tape))))
        if self._look_at_quote():
            self._handled += 1
            runner.quote(self._now(), self._quote)
        self._new_bars(runner)

    def _look_at_quote(self) -> bool:
        """Take the newest quote; is it another one than before?"""
        t = self._client.stores.tickers.get(self._settings.instrument)
        if t is None:
            return False
        before = self._quote
        self._quote = Quote(t.ts, t.bid, t.bid_qty, t.ask, t.ask_qty, t.last)
        return self._quote[1:] != before[1:]

    def _newest_trades(self, count: int) -> list[Trade]:
        tape = self._client.stores.tapes[self._settings.instrument]
        columns = [tape[n][-count:].tolist() for n in ("ts", "price", "qty", "aggressor")]
        return [Trade(*row) for row in zip(*columns, strict=True)]

    def _new_bars(self, runner: Runner) -> None:
        columns = self._columns()
        starts = columns["ts"]
        if len(starts) and starts[-1] < self._bar_seen:
            self._bar_seen = int(starts[-1])  # a replay went back
        first = int(np.searchsorted(starts, self._bar_seen, "right"))
        for end in range(first + 1, len(starts) + 1):
            self._handled += 1
            so_far = {name: column[:end] for name, column in columns.items()}
            bar = Bar(*(int(so_far[name][-1]) for name in Bar._fields))
            self._bar_seen = bar.ts
            runner.bar(self._now(), bar, so_far)

    def _columns(self) -> dict[str, Ints]:
        """Bars that no longer change: all but the last one."""
        bars = self._client.stores.bars.get((self._settings.instrument, self._interval))
        if bars is None:
            return no_bars()
        return {name: bars[name][:-1] for name in Bar._fields}


def main(argument: str) -> int:
    """Run the host; returns the process's exit code."""
    settings = msgspec.json.decode(argument, type=HostSettings)
    token = os.environ.pop(TOKEN_VARIABLE, "")
    engine = keep_pipes()
    die_with_parent()
    limit_memory(settings.memory)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the engine decides when a strategy ends
    host: Host | None = None

    def stop(*_: object) -> None:
        if host is None:
            os._exit(1)
        host.stopping = True

    signal.signal(signal.SIGTERM, stop)
    threading.Thread(target=end_with, args=(engine, stop), daemon=True).start()
    try:
        host = Host(settings, token)
        say(Loaded(params_texts(host.params)))
        if settings.client:
            _run(host)
    except BaseException as error:
        if not isinstance(error, StrategyError):
            traceback.print_exc()
        if host is not None:
            host.tell(float("inf"))
        say(Failed(_why(error, Path(settings.folder))))
        return 1
    return 0


def _why(error: BaseException, folder: Path) -> str:
    """What went wrong and where, as a sentence for the trader."""
    if isinstance(error, StrategyError):
        return str(error)
    if isinstance(error, MemoryError):
        return f"It wanted more memory than a strategy may have{place(error, folder)}."
    if isinstance(error, SystemExit):
        return f"It ended itself{place(error, folder)}."
    return f"{type(error).__name__}: {error}{place(error, folder)}."


def _run(host: Host) -> None:
    if sys.platform == "win32":
        with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
            runner.run(host.run())
        return
    try:
        import uvloop
    except ImportError:
        asyncio.run(host.run())
        return
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(host.run())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
