"""The engine as a process of its own: ``python -m core.services.engine_main``.

Exit codes: 0 told to stop, 2 it cannot run with what it was started with, 1 anything else.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Coroutine, Sequence
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import zmq

from core.bus.endpoint import TOKEN_VARIABLE, default_endpoint, new_token
from core.journal.errors import JournalError
from core.journal.files import journal_files
from core.journal.journal import Journal
from core.model.enums import Severity
from core.services import affinity
from core.services.address import my_address, remove_address, write_address
from core.services.bookkeeping import Bookkeeping
from core.services.config import ConfigError, EngineConfig, load_config
from core.services.engine import Engine
from core.services.options import EngineOptions, from_namespace, parse_options
from core.services.past import Past
from core.services.process import CLEAN_EXIT, CONFIG_EXIT
from core.services.strategies import Strategies, strategies_for
from core.services.timers import Every, SteadyClock
from core.venues.replay.framed import Recorder
from core.venues.replay.problems import RecordingError
from core.venues.replay.recording import open_recording
from core.venues.replay.venue import ReplayVenue
from core.venues.simulated.universe import default_market
from core.venues.venue import Clock, Venue

_REPLAY_CASH = Decimal(1_000_000)
_PROBLEMS_TOLD = 50
_TURN = 0.0005  # seconds that the loop may keep the journal's thread waiting


def main(options: argparse.Namespace | EngineOptions) -> int:
    """Run an engine until it is told to stop; returns the exit code."""
    given = options if isinstance(options, EngineOptions) else from_namespace(options)
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s"
    )
    # The journal's thread is back from the disk within moments; it must not wait 5 ms for its turn.
    sys.setswitchinterval(_TURN)
    if given.core >= 0:
        # ZeroMQ's own thread begins with the first socket; begun before, it may run elsewhere.
        zmq.Context.instance().socket(zmq.PAIR).close()
        affinity.pin((given.core,))
        affinity.urgent()
    try:
        engine, recorder = make_engine(given)
    except (ConfigError, RecordingError, ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return CONFIG_EXIT
    except JournalError as error:
        print(error, file=sys.stderr)
        return 1
    try:
        _run(_serve(engine, given))
    except (JournalError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        if recorder is not None:
            with contextlib.suppress(RecordingError):
                recorder.close()
    return CLEAN_EXIT


def make_engine(given: EngineOptions) -> tuple[Engine, Recorder | None]:
    """An engine of these options, not started, and what records its market, to be closed after it.

    Raises:
        ConfigError, RecordingError, ValueError, OSError, JournalError: it cannot run with them.
    """
    given.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    config = load_config(given.config, given.data_dir)
    venues, clock = make_venues(given)
    recorder = _recorder(given, config, venues)
    if given.replay is not None:
        _fund(config, venues)
    engine = Engine(
        config,
        venues,
        given.home,
        clock=clock,
        mode=given.mode,
        token=os.environ.get(TOKEN_VARIABLE) or new_token(),
        strategies=_strategies(given, config, venues),
        past=Past(given.home / "past.trades") if given.replay is None else None,
        record=None if recorder is None else recorder.write,
        bookkeeping=Bookkeeping(given.home, given.core),
        name=f"{given.mode.value} engine {os.getpid()}",
        settings=partial(load_config, given.config, given.data_dir),
    )
    engine.listen(given.endpoint or default_endpoint(given.home))
    return engine, recorder


def make_venues(options: EngineOptions) -> tuple[Sequence[Venue], Clock]:
    """The venues of these options, and the clock that they and the engine tell the time by.

    Raises:
        RecordingError: when there is nothing to replay in the file.
        ValueError: for a market that cannot be.
    """
    if options.replay is not None:
        recording = open_recording(options.replay)
        start = _reached(options.home)
        start = options.start if start is None else min(start, recording.end)
        replay = ReplayVenue(recording, speed=options.speed, start=start)
        return (replay,), replay.now
    wanted: dict[str, Any] = {}
    if options.instruments is not None:
        wanted["instruments"] = options.instruments
    if options.rate is not None:
        wanted["rate"] = options.rate
    clock = SteadyClock()
    return default_market(options.seed, clock=clock, **wanted), clock


def _reached(home: Path) -> int | None:
    """How far this very run of a replay had come when its engine died (UTC ns); None: not begun."""
    if not journal_files(home / "journal"):
        return None
    with Journal.open(home / "journal", sync_every=0) as journal:
        return max((ts for _, ts, _ in journal.replay(max(1, journal.last_seq))), default=None)


def _strategies(
    options: EngineOptions, config: EngineConfig, venues: Sequence[Venue]
) -> Strategies:
    known = [i.id for venue in venues for i in venue.instruments()]
    wanted = strategies_for(config.strategies, known, options.replay is not None)
    return Strategies(wanted, options.data_dir / "strategies")


def _fund(config: EngineConfig, venues: Sequence[Venue]) -> None:
    """A recorded market may be in money that the settings do not know: give some of it."""
    for venue in venues:
        for instrument in venue.instruments():
            for account in config.accounts:
                account.cash.setdefault(instrument.currency, _REPLAY_CASH)


def _recorder(
    options: EngineOptions, config: EngineConfig, venues: Sequence[Venue]
) -> Recorder | None:
    path = options.record
    if path is None and config.record:
        path = options.home / f"market-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}.rec"
    if path is None:
        return None
    return Recorder(path, [i for venue in venues for i in venue.instruments()])


async def _serve(engine: Engine, options: EngineOptions) -> None:
    """Run the engine, and end it on signals or when nobody is left to run it for."""
    loop = asyncio.get_running_loop()
    for name in ("SIGTERM", "SIGINT"):
        _on_signal(loop, name, partial(engine.request_stop, f"{name} was received."))
    orphan = _Orphan(engine, options.parent, engine.config.orphan_seconds)
    watch = Every(1.0, orphan.look, engine.report, "Watching the terminal")

    def ready() -> None:
        write_address(options.home, my_address(engine.endpoint, engine.token))
        watch.start()
        _tell_problems(engine)
        # What lives now lives on; the collector need not look at it again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)

    try:
        await engine.run(ready)
    finally:
        watch.stop()
        remove_address(options.home)


def _tell_problems(engine: Engine) -> None:
    """What is wrong with a recording stands in the log, by line."""
    for link in engine.links.values():
        if isinstance(link.venue, ReplayVenue):
            recording = link.venue.recording
            for problem in recording.problems[:_PROBLEMS_TOLD]:
                engine.say(Severity.WARNING, f"{problem}.")
            more = recording.problem_count - _PROBLEMS_TOLD
            if more > 0:
                engine.say(Severity.WARNING, f"{recording.file}: {more:,} more such problems.")


class _Orphan:
    """Ends an engine whose terminal is gone, once no other client has come for a while."""

    def __init__(self, engine: Engine, parent: int, seconds: float) -> None:
        self._engine = engine
        self._seconds = seconds
        self._alone_since = time.monotonic()
        self._parent: psutil.Process | None = None
        self._watching = parent > 0
        if parent > 0:
            with contextlib.suppress(psutil.Error):
                self._parent = psutil.Process(parent)

    def look(self) -> None:
        """Once a second."""
        if not self._watching:
            return
        now = time.monotonic()
        if self._terminal_lives() or self._engine.sessions.guests():
            self._alone_since = now
        elif now - self._alone_since >= self._seconds:
            self._engine.request_stop(
                f"the terminal is gone and nobody came for {self._seconds:g} s."
            )

    def _terminal_lives(self) -> bool:
        try:
            return (
                self._parent is not None
                and self._parent.is_running()
                and self._parent.status() != psutil.STATUS_ZOMBIE
            )
        except psutil.Error:
            return False


def _on_signal(loop: asyncio.AbstractEventLoop, name: str, act: Callable[[], None]) -> None:
    number = getattr(signal, name)
    try:
        loop.add_signal_handler(number, act)
    except NotImplementedError:
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(act))


def _run(main: Coroutine[Any, Any, None]) -> None:
    """Run on uvloop where it exists, else on a loop that can watch a socket."""
    try:
        import uvloop
    except ImportError:
        factory: Callable[[], asyncio.AbstractEventLoop] = asyncio.SelectorEventLoop
    else:
        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(main)


if __name__ == "__main__":
    sys.exit(main(parse_options(sys.argv[1:])))
