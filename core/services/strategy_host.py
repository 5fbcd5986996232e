"""A process that runs one strategy as a client of the engine.

Its crash, endless loop or hunger harms nobody else: the engine watches it, ends it and cancels
its orders. The token comes by environment, the settings as one JSON argument.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import msgspec

from core.bus.endpoint import TOKEN_VARIABLE
from core.client.client import EngineClient
from core.client.stores import position_key
from core.model.commands import NewOrder
from core.model.events import Draft, Event
from core.model.ids import IdMaker
from core.model.orders import OrderUpdate, Position
from core.model.session import Subscribe
from core.strategy.api import (
    Bar,
    Quote,
    Strategy,
    StrategyCommand,
    StrategyError,
    Trade,
    make_params,
)
from core.strategy.hostwords import Beat, Failed, HostWord, Signal, Started, write_word
from core.strategy.registry import find_strategy
from core.strategy.runner import Runner

BEAT_SECONDS = 0.5
WAIT_SECONDS = 0.02
HISTORY_SECONDS = 3.0
"""How long to wait for past bars before the strategy starts without them."""


class HostSettings(msgspec.Struct, frozen=True):
    """What a host is started with. `memory` is the most it may use, in bytes."""

    name: str
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
        self._params = make_params(self._kind, settings.params)
        self._client = EngineClient(settings.endpoint, token, settings.name, "strategy")
        self._client.on_event.append(self._on_event)
        self._ids = IdMaker("S")
        self._runner: Runner | None = None
        self._interval = ""
        self._bars_seen = 0
        self._tape_seen = 0
        self._ticker_seen = -1
        self._events: list[Event] = []
        self._handled = 0
        self._beat_at = 0.0
        self._welcomed_at = 0.0
        self.stopping = False

    # -- the strategy's port -----------------------------------------------------------------

    def new_id(self) -> str:
        """A client order id that nobody ever used."""
        return self._ids.next()

    def send(self, command: StrategyCommand) -> None:
        """Pass a command to the engine; an order that cannot be sent is over at once."""
        problem = self._client.send(command)
        if problem and isinstance(command, NewOrder) and self._runner is not None:
            self._runner.lost(command.cl_ord_id)

    def signal(self, text: str) -> None:
        """Tell the engine what the strategy sees."""
        say(Signal(text[:200]))

    # -- the loop ----------------------------------------------------------------------------

    async def run(self) -> None:
        """Run until told to stop.

        Raises:
            Exception: whatever the strategy raises.
        """
        wake = asyncio.Event()
        loop = asyncio.get_running_loop()
        watched = -1
        self._client.connect()
        try:
            while not self.stopping:
                if self._client.fd != watched:
                    watched = self._watch(loop, watched, wake)
                self._client.poll()
                self._turn()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(wake.wait(), WAIT_SECONDS)
                wake.clear()
            if self._runner is not None:
                self._runner.stop(time.time_ns())
        finally:
            self._client.close()

    def _watch(self, loop: asyncio.AbstractEventLoop, old: int, wake: asyncio.Event) -> int:
        with contextlib.suppress(NotImplementedError, OSError, ValueError):
            if old >= 0:
                loop.remove_reader(old)
            if self._client.fd >= 0:
                loop.add_reader(self._client.fd, wake.set)
        return self._client.fd

    def _turn(self) -> None:
        now = time.monotonic()
        if now - self._beat_at >= BEAT_SECONDS:
            self._beat_at = now
            say(Beat(self._handled))
        if not self._client.connected:
            return
        if self._runner is None:
            self._prepare(now)
            return
        events, self._events = self._events, []
        for event in events:
            self._take(event)
        self._market()
        self._runner.tick(time.time_ns())

    def _prepare(self, now: float) -> None:
        """Subscribe, wait for history, start the strategy."""
        stores = self._client.stores
        settings = self._settings
        instrument = stores.instruments.get(settings.instrument)
        if instrument is None:
            raise StrategyError(f"{settings.instrument} does not trade on this engine.")
        if not self._welcomed_at:
            self._welcomed_at = now
            strategy = self._kind(settings.name, settings.account, instrument, self._params)
            self._interval = strategy.wanted_interval()
            trades = self._kind.on_trade is not Strategy.on_trade
            self._client.subscribe(
                Subscribe(
                    quotes=(instrument.id,),
                    trades=(instrument.id,) if trades else (),
                    bars=((instrument.id, self._interval),) if self._interval else (),
                )
            )
        key = (instrument.id, self._interval)
        waiting = self._interval and len(stores.bars.get(key, ())) == 0
        if waiting and now - self._welcomed_at < HISTORY_SECONDS:
            return
        strategy = self._kind(settings.name, settings.account, instrument, self._params)
        strategy.attach(self)
        held = stores.positions.get(position_key(settings.account, instrument.id, settings.name))
        for order in stores.working_orders(instrument.id, settings.account):
            if order.strategy == settings.name:
                strategy.working[order.cl_ord_id] = order
        self._runner = Runner(strategy)
        self._bars_seen = self._finished()
        tape = stores.tapes.get(instrument.id)
        self._tape_seen = tape.first + len(tape) if tape is not None else 0
        self._events.clear()
        self._runner.start(time.time_ns(), held.qty if held is not None else 0, self._columns())
        say(Started())

    def _on_event(self, event: Event) -> None:
        if self._runner is not None:
            self._events.append(event)

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

    def _market(self) -> None:
        runner, stores, name = self._runner, self._client.stores, self._settings.instrument
        assert runner is not None
        now = time.time_ns()
        tape = stores.tapes.get(name)
        if tape is not None and (new := tape.first + len(tape) - self._tape_seen) > 0:
            self._tape_seen += new
            self._handled += new
            runner.trades(now, self._newest_trades(min(new, len(tape))))
        if tickers := stores.tickers.changed_since(self._ticker_seen):
            self._ticker_seen = stores.tickers.version
            ticker = stores.tickers.get(name)
            if ticker is not None and name in tickers:
                self._handled += 1
                t = ticker
                runner.quote(now, Quote(t.ts, t.bid, t.bid_qty, t.ask, t.ask_qty, t.last))
        self._new_bars(now)

    def _newest_trades(self, count: int) -> list[Trade]:
        tape = self._client.stores.tapes[self._settings.instrument]
        columns = [tape[n][-count:].tolist() for n in ("ts", "price", "qty", "aggressor")]
        return [Trade(*row) for row in zip(*columns, strict=True)]

    def _new_bars(self, now: int) -> None:
        runner = self._runner
        assert runner is not None
        finished = self._finished()
        while self._bars_seen < finished:
            self._bars_seen += 1
            self._handled += 1
            columns = self._columns(self._bars_seen)
            last = {name: int(column[-1]) for name, column in columns.items()}
            runner.bar(
                now,
                Bar(
                    last["ts"],
                    last["open"],
                    last["high"],
                    last["low"],
                    last["close"],
                    last["volume"],
                    last["notional"],
                ),
                columns,
            )

    def _finished(self) -> int:
        """Bars that no longer change: all but the last one."""
        bars = self._client.stores.bars.get((self._settings.instrument, self._interval), ())
        return max(0, len(bars) - 1)

    def _columns(self, count: int | None = None) -> dict[str, Any]:
        bars = self._client.stores.bars.get((self._settings.instrument, self._interval))
        if bars is None:
            return {}
        end = self._finished() if count is None else count
        return {name: bars[name][:end] for name in bars.names}


def say(word: HostWord) -> None:
    """Write a word to the engine; a closed pipe means that the engine is gone."""
    try:
        os.write(_STDOUT, write_word(word))
    except OSError:
        os._exit(1)


_STDOUT = 1


def limit_memory(most: int) -> None:
    """Ask the system to refuse memory beyond `most` bytes, where it can."""
    if sys.platform == "win32":
        return
    import resource

    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def main(argument: str) -> int:
    """Run the host; returns the process's exit code."""
    settings = msgspec.json.decode(argument, type=HostSettings)
    token = os.environ.pop(TOKEN_VARIABLE, "")
    limit_memory(settings.memory)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the engine decides when a strategy ends
    try:
        host = Host(settings, token)

        def stop(*_: object) -> None:
            host.stopping = True

        signal.signal(signal.SIGTERM, stop)
        _run(host)
    except StrategyError as error:
        say(Failed(str(error)))
        return 1
    except MemoryError:
        say(Failed("It wanted more memory than a strategy may have."))
        return 1
    except Exception as error:
        traceback.print_exc()
        where = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(where.filename).name}, line {where.lineno}"
        say(Failed(f"{type(error).__name__}: {error} ({place})."))
        return 1
    return 0


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
