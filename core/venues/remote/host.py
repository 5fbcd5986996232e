"""Hosts a venue for an engine in another process: an exchange that outlives its members.

``python -m core.venues.remote.host --venue ALPHA`` runs one venue of the simulated market. It
prints one line of JSON when it is ready: ``endpoint``, ``venue``, ``token`` and ``pid``. The token
is taken from the environment variable OUTCRY_TOKEN, or made and printed.
"""

from __future__ import annotations

import argparse
import asyncio
import hmac
import json
import os
import signal
import sys
from collections.abc import Sequence

import msgspec

from core.bus.endpoint import TOKEN_VARIABLE, new_token
from core.bus.listener import EngineChannel
from core.bus.server import Peer, Sent
from core.model.events import VenueEvent
from core.model.market import MarketData
from core.model.wire import encode
from core.venues.remote.memory import Memory
from core.venues.remote.messages import (
    PROTOCOL,
    Ask,
    Attach,
    Attached,
    Denied,
    Description,
    Flow,
    FromHost,
    Pass,
    Pulse,
    Working,
    decode_to_host,
)
from core.venues.simulated import default_market
from core.venues.venue import Accountable, CancelsOnDisconnect, Venue

PULSE_SECONDS = 0.5
SILENCE_SECONDS = 3.0
"""After this long without an answer a connection is broken, and another engine may attach."""

_MOST_WAITING = 20_000
"""Messages that may wait for a member that is slow, but not silent for so long."""


class VenueHost:
    """Serves one venue to one engine at a time, the member; while it is there, others are denied.

    What the venue says goes out at the end of the same turn of the loop, in order. A member that
    does not read is dropped; when it comes back it gets every order event that it has missed and
    the newest state of the market.

    Args:
        venue: not yet started.
        endpoint: ``ipc://...`` or ``tcp://127.0.0.1:*``; after `start` where it really listens.
        token: what an engine must show.
    """

    def __init__(self, venue: Venue, endpoint: str, token: str) -> None:
        if not token:
            raise ValueError("The host's token is empty; make one with new_token().")
        self.venue = venue
        self._token = token.encode()
        self._incarnation = new_token()
        self._memory = Memory()
        self._channel = EngineChannel(self, endpoint, _MOST_WAITING, SILENCE_SECONDS)
        self._member: Peer | None = None
        self._cancel_on_loss = False
        self._pending: list[MarketData | VenueEvent] = []
        self._flush_due = False
        self._loop: asyncio.AbstractEventLoop
        self._pulse: asyncio.Task[None] | None = None
        self._answers: set[asyncio.Task[None]] = set()
        self.refused = 0
        """Messages that were not understood or not admitted."""

    @property
    def endpoint(self) -> str:
        """Where engines connect to."""
        return self._channel.endpoint

    async def start(self) -> None:
        """Starts the venue and listens.

        Raises:
            OSError: with a sentence, when the endpoint cannot be used.
        """
        self._loop = asyncio.get_running_loop()
        self._channel.open(self._loop)
        await self.venue.start(self._on_market, self._on_event)
        self._pulse = asyncio.create_task(self._beat(), name="pulse")

    async def stop(self) -> None:
        """Ends the venue and the connection."""
        for task in (self._pulse, *self._answers):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        await self.venue.stop()
        self._channel.close()

    def receive(self, peer: Peer, parts: list[bytes]) -> bool:
        """Takes in what an engine sent; False when it is not the member."""
        try:
            message = decode_to_host(b"".join(parts))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            return self._deny(peer, f"A message was not understood: {error}.")
        if isinstance(message, Attach):
            return self._attach(peer, message)
        if peer is not self._member:
            return self._deny(peer, "This engine is not attached; begin with Attach.")
        if isinstance(message, Pass):
            self.venue.send(message.request)
        elif isinstance(message, Ask):
            task = asyncio.ensure_future(self._answer(peer, message))
            self._answers.add(task)
            task.add_done_callback(self._answers.discard)
        return True

    def _deny(self, peer: Peer, text: str) -> bool:
        self.refused += 1
        peer.write(encode(Denied(text)))
        return peer is self._member

    def _attach(self, peer: Peer, attach: Attach) -> bool:
        if not hmac.compare_digest(attach.token.encode(), self._token):
            return self._deny(peer, "The token is wrong; give the engine the host's token.")
        if attach.protocol != PROTOCOL:
            return self._deny(
                peer,
                f"The engine speaks protocol {attach.protocol} and the host {PROTOCOL}; use the "
                "same version of Outcry for both.",
            )
        if attach.cancel_on_loss and not isinstance(self.venue, CancelsOnDisconnect):
            text = f"{self.venue.name} cannot cancel orders when a connection ends; do without."
            return self._deny(peer, text)
        if attach.follow:
            if peer is not self._member:
                self._write(Pulse())  # finds out whether the member is still there
                if self._member is not None:
                    return self._deny(peer, "Another engine is attached to this venue.")
            self._flush()
            self._member = peer
            self._cancel_on_loss = attach.cancel_on_loss
            memory = self._memory
            if attach.incarnation == self._incarnation:
                missed = memory.events_after(attach.seen)
            else:
                missed = memory.reports_of(frozenset(attach.orders))
            self._write(Flow(tuple(missed), memory.seen))
            for snapshot in memory.snapshots():
                self._write(Flow(tuple(snapshot), memory.seen))
        venue = self.venue
        description = Description(venue.name, venue.mode, tuple(venue.instruments()))
        answer = Attached(description, self._incarnation, self._memory.link)
        if peer.write(encode(answer)) is not Sent.OK and peer is self._member:
            self._lose()
        return peer is self._member

    async def _answer(self, peer: Peer, ask: Ask) -> None:
        try:
            if ask.whole and isinstance(self.venue, Accountable):
                statement = await self.venue.statement(ask.since, ask.orders)
                answer = Working(ask.number, (), "", statement)
            else:
                answer = Working(ask.number, tuple(await self.venue.working_orders()))
        except Exception as error:
            answer = Working(ask.number, (), f"{self.venue.name} could not say: {error}")
        if peer is self._member:
            self._flush()
            self._write(answer)

    def _on_market(self, message: MarketData) -> None:
        self._memory.market(message)
        self._say(message)

    def _on_event(self, event: VenueEvent) -> None:
        self._memory.event(event)
        self._say(event)

    def _say(self, item: MarketData | VenueEvent) -> None:
        if self._member is None:
            return
        self._pending.append(item)
        if not self._flush_due:
            self._flush_due = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flush_due = False
        if self._pending:
            items = tuple(self._pending)
            self._pending.clear()
            self._write(Flow(items, self._memory.seen))

    def _write(self, message: FromHost) -> None:
        if self._member is not None and self._member.write(encode(message)) is not Sent.OK:
            self._lose()

    def _lose(self) -> None:
        """The member is gone."""
        self._member = None
        self._pending.clear()
        venue = self.venue
        if self._cancel_on_loss and isinstance(venue, CancelsOnDisconnect):
            venue.cancel_all("Its engine is not connected any more.")

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(PULSE_SECONDS)
            self._write(Pulse())


def main(arguments: Sequence[str] | None = None) -> int:
    """Host a venue of the simulated market until the process is told to end."""
    parser = argparse.ArgumentParser(
        prog="python -m core.venues.remote.host", description="Host a simulated venue."
    )
    parser.add_argument("--venue", default="ALPHA", help="ALPHA or BETA (default: ALPHA)")
    parser.add_argument("--endpoint", default="tcp://127.0.0.1:*", help="where to listen")
    parser.add_argument("--seed", type=int, default=1, help="the market's seed")
    parser.add_argument("--instruments", type=int, default=12, help="listings on both venues")
    parser.add_argument("--rate", type=float, default=1500.0, help="market events a second")
    given = parser.parse_args(arguments)
    try:
        market = default_market(given.seed, given.instruments, rate=given.rate)
        venue = next((venue for venue in market if venue.name == given.venue), None)
        if venue is None:
            raise ValueError(f"There is no venue {given.venue}; choose ALPHA or BETA.")
        _run(venue, given.endpoint)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _run(venue: Venue, endpoint: str) -> None:
    token = os.environ.get(TOKEN_VARIABLE, "") or new_token()

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        for name in ("SIGINT", "SIGTERM"):
            try:
                loop.add_signal_handler(getattr(signal, name), ended.set)
            except NotImplementedError:
                signal.signal(
                    getattr(signal, name), lambda *_: loop.call_soon_threadsafe(ended.set)
                )
        host = VenueHost(venue, endpoint, token)
        await host.start()
        ready = {
            "endpoint": host.endpoint,
            "venue": venue.name,
            "token": token,
            "pid": os.getpid(),
        }
        print(json.dumps(ready), flush=True)
        await ended.wait()
        await host.stop()

    if sys.platform == "win32":
        asyncio.run(serve())
    else:
        import uvloop

        uvloop.run(serve())


if __name__ == "__main__":
    sys.exit(main())
