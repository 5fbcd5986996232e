"""A wire between an engine and its exchange that can be made to misbehave, byte by byte.

It runs on a loop in a thread of its own. ``UP`` is towards the exchange, ``DOWN`` towards the
engine.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from typing import Any

UP, DOWN = 0, 1
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends RST


class _Pair:
    """One connection and its continuation."""

    def __init__(self, near: asyncio.StreamWriter, far: asyncio.StreamWriter) -> None:
        self.near, self.far = near, far
        self.tasks: list[asyncio.Task[None]] = []

    def close(self, reset: bool) -> None:
        for writer in (self.near, self.far):
            if reset:
                raw = writer.get_extra_info("socket")
                with contextlib.suppress(OSError):
                    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            writer.transport.abort() if reset else writer.close()


class FaultProxy:
    """Listens, and passes on to the host and port of `target` (``tcp://host:port``).

    Attributes:
        endpoint: where to connect to instead.
        passed: bytes passed on so far, up and down.
        cuts: how many times `cut_after` came true.
    """

    def __init__(self, target: str) -> None:
        host, _, port = target.removeprefix("tcp://").rpartition(":")
        self._target = host, int(port)
        self.passed = [0, 0]
        self.cuts = 0
        self._pairs: set[_Pair] = set()
        self._budget: list[int | None] = [None, None]
        self._then: Callable[[_Pair], None] = lambda pair: pair.close(True)
        self._delay = [0.0, 0.0]
        self._refuses = False
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server
        self._flowing: list[asyncio.Event]
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), name="fault proxy")
        self._thread.start()
        ready.wait()

    def _run(self, ready: threading.Event) -> None:
        async def begin() -> None:
            self._flowing = [asyncio.Event(), asyncio.Event()]
            for event in self._flowing:
                event.set()
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
            port = self._server.sockets[0].getsockname()[1]
            self.endpoint = f"tcp://127.0.0.1:{port}"

        self._loop.run_until_complete(begin())
        ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(self._end())
        self._loop.close()

    async def _end(self) -> None:
        self._server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._cut_all(True)
        await asyncio.sleep(0.05)  # transports close in the loop's next turns

    def _do(self, what: Callable[[], Any]) -> Any:
        async def call() -> Any:
            return what()

        return asyncio.run_coroutine_threadsafe(call(), self._loop).result(10)

    # -- faults -------------------------------------------------------------------------------

    def cut(self, reset: bool = True) -> None:
        """Break all connections now; new ones are let in."""
        self._do(lambda: self._cut_all(reset))

    def cut_after(self, way: int, count: int, reset: bool = True, silent: bool = False) -> None:
        """Once `count` more bytes went that `way`, break the connection at that very byte.

        `silent`: nobody is told; the connection stays and carries nothing any more (half open).
        """

        def arm() -> None:
            self._budget[way] = count
            self._then = self._freeze if silent else lambda pair: pair.close(reset)

        self._do(arm)

    def refuse(self, refuses: bool) -> None:
        """Let nobody in from now on, or again."""
        self._do(lambda: setattr(self, "_refuses", refuses))

    def stall(self, *ways: int) -> None:
        """Hold back everything that goes these ways, until `flow`."""
        self._do(lambda: [self._flowing[way].clear() for way in ways])

    def flow(self) -> None:
        """No more stalls, delays and cuts that have not come true."""

        def mend() -> None:
            self._budget = [None, None]
            self._delay = [0.0, 0.0]
            for event in self._flowing:
                event.set()

        self._do(mend)

    def delay(self, way: int, seconds: float) -> None:
        """Everything that goes that way arrives later by so much."""
        self._do(lambda: self._delay.__setitem__(way, seconds))

    def half_open(self) -> None:
        """Connections of now carry nothing any more and nobody is told; new ones are whole."""
        self._do(lambda: [self._freeze(pair) for pair in list(self._pairs)])

    def close(self) -> None:
        """End all connections and the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    # -- inside -------------------------------------------------------------------------------

    def _cut_all(self, reset: bool) -> None:
        for pair in list(self._pairs):
            pair.close(reset)

    def _freeze(self, pair: _Pair) -> None:
        for task in pair.tasks:
            task.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refuses:
            writer.transport.abort()
            return
        far_reader, far_writer = await asyncio.open_connection(*self._target)
        pair = _Pair(writer, far_writer)
        self._pairs.add(pair)
        pair.tasks = [
            asyncio.create_task(self._pump(pair, UP, reader, far_writer)),
            asyncio.create_task(self._pump(pair, DOWN, far_reader, writer)),
        ]

    async def _pump(
        self, pair: _Pair, way: int, source: asyncio.StreamReader, sink: asyncio.StreamWriter
    ) -> None:
        try:
            while data := await source.read(1 << 16):
                await self._flowing[way].wait()
                if self._delay[way]:
                    await asyncio.sleep(self._delay[way])
                left = self._budget[way]
                sink.write(data if left is None else data[:left])
                await sink.drain()
                self.passed[way] += len(data) if left is None else min(left, len(data))
                if left is not None and len(data) >= left:
                    self._budget[way] = None
                    self.cuts += 1
                    self._then(pair)
                    return
                if left is not None:
                    self._budget[way] = left - len(data)
        except ConnectionError:
            pass
        pair.close(False)
        self._pairs.discard(pair)
