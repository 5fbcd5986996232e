"""What the engine expects of every venue, simulated or real.

A venue never raises out of `send` for something the market may do: it answers with reports.
All calls and all calls back happen on the engine's one thread.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, runtime_checkable

from core.model.commands import VenueControl
from core.model.enums import Mode
from core.model.events import VenueEvent, VenueOrder, VenueStatement
from core.model.instruments import Instrument
from core.model.market import MarketData
from core.model.orders import Order
from core.model.requests import VenueRequest

MarketSink = Callable[[MarketData], None]
EventSink = Callable[[VenueEvent], None]
Clock = Callable[[], int]
"""Returns UTC nanoseconds."""


class Venue(Protocol):
    """A connection to one venue's market data and order entry."""

    name: str
    mode: Mode

    def instruments(self) -> Sequence[Instrument]:
        """Everything that trades there; known before `start`."""
        ...

    def resume(self, working: Sequence[Order], marks: Mapping[str, int]) -> None:
        """Called once before `start`, after recovery: the orders we believe are working there
        and the last known price (ticks) of each instrument.

        A venue that keeps its own state ignores it; one that lives inside the engine and died
        with it takes its orders back.
        """
        ...

    async def start(self, market: MarketSink, events: EventSink) -> None:
        """Begin: market data to `market`, order reports and link changes to `events`."""
        ...

    def send(self, request: VenueRequest) -> None:
        """Pass on an order, cancel or replace. The answer comes through `events`."""
        ...

    async def working_orders(self) -> Sequence[VenueOrder]:
        """What the venue itself says is working, for reconciliation."""
        ...

    def control(self, command: VenueControl) -> str:
        """Steer a replay. Returns an empty text, or a sentence that says why not."""
        ...

    async def stop(self) -> None:
        """End all tasks and connections of this venue."""
        ...


@runtime_checkable
class Accountable(Protocol):
    """A venue that can be asked for more than its working orders."""

    async def statement(self, since: int, orders: Sequence[str]) -> VenueStatement:
        """What the venue itself says of our orders, executions, positions and balances, and the
        time that it says it at by its own clock.

        Args:
            since: executions from then on (UTC ns of the venue's clock).
            orders: `cl_ord_id` of orders to tell of though they may be over.

        Raises:
            ConnectionError: with a sentence, when the venue cannot say.
        """
        ...


@runtime_checkable
class CancelsOnDisconnect(Protocol):
    """A venue that can cancel our orders when nobody of ours is connected any more."""

    def cancel_all(self, text: str) -> None:
        """Cancel every working order unasked; `text` says why in each report."""
        ...
