"""An engine that kills itself at a chosen place on the way of one order.

``python -m tests.core.services.dying_engine HOME ENDPOINT PLACE`` with the venue's token in the
environment. PLACE is ``journaled`` (on record, not sent), ``sent`` (on the wire, no answer read),
``answered`` (an answer was read, not on record) or ``booked`` (an execution is on record).
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

from core.bus.endpoint import TOKEN_VARIABLE
from core.model.commands import NewOrder
from core.model.enums import ExecType, OrdType, Side
from core.model.events import ExecutionReport
from core.model.requests import VenueNew, VenueRequest
from core.services.config import load_config
from core.services.engine import Engine
from core.venues.remote import RemoteVenue, find

BTC = "BTC-USD.ALPHA"
DOOMED = "DOOMED-1"


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


async def main(home: Path, endpoint: str, place: str) -> None:
    token = os.environ[TOKEN_VARIABLE]
    venue = RemoteVenue(await find(endpoint, token), endpoint, token)
    engine = Engine(load_config(None, home), [venue], home)
    await engine.start()
    link = engine.links["ALPHA"]
    market = engine.cache.markets[BTC]
    while not (market.quote and market.quote.ask and link.settled):
        await asyncio.sleep(0.005)
    send, heard, take = venue.send, link.audit.heard, engine.path.take

    def sending(request: VenueRequest) -> None:
        doomed = isinstance(request, VenueNew) and request.order.cl_ord_id == DOOMED
        if doomed and place == "journaled":
            die()
        send(request)
        if doomed and place == "sent":
            time.sleep(0.3)  # another thread writes to the socket meanwhile; nothing is read
            die()

    def hearing(event):  # type: ignore[no-untyped-def]
        if place == "answered" and event.cl_ord_id == DOOMED:
            die()
        return heard(event)

    def taking(message) -> None:  # type: ignore[no-untyped-def]
        take(message)
        filled = isinstance(message, ExecutionReport) and message.exec_type is ExecType.TRADE
        if place == "booked" and filled and message.cl_ord_id == DOOMED:
            die()

    venue.send = sending  # type: ignore[method-assign]
    link.audit.heard = hearing  # type: ignore[method-assign]
    engine.path.take = taking  # type: ignore[method-assign]
    while True:
        quote = market.quote
        assert quote is not None
        resting = NewOrder(
            f"REST-{time.time_ns()}", "PAPER-1", BTC, Side.BUY, OrdType.LIMIT, 5, quote.bid - 200
        )
        doomed = NewOrder(
            DOOMED, "PAPER-1", BTC, Side.BUY, OrdType.LIMIT, 7, quote.ask + 20, ts=time.time_ns()
        )
        engine.submit(resting)
        await asyncio.sleep(0.05)
        engine.submit(doomed)
        await asyncio.sleep(5.0)
        raise SystemExit(f"The engine came through: {engine.kernel.order(DOOMED)}")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
