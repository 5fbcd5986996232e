"""What an engine and the host of a venue in another process say to each other."""

from __future__ import annotations

import msgspec

from core.model.enums import Mode
from core.model.events import LinkUpdate, VenueEvent, VenueOrder, VenueStatement
from core.model.instruments import Instrument
from core.model.market import MarketData
from core.model.message import Message, Part
from core.model.requests import VenueRequest

PROTOCOL = 2


class Attach(Message, frozen=True):
    """First word of an engine. `follow`: send everything from now on, else only describe.

    `incarnation` and `seen` are what it has seen last: the host's life and the number of the last
    event of that life; the events after it are sent again. An engine that has seen nothing of this
    life is sent all execution reports of the `orders` that it believes to be working.

    `cancel_on_loss`: when this connection ends, however it does, the venue cancels all that works.
    """

    token: str
    follow: bool
    incarnation: str = ""
    seen: int = 0
    orders: tuple[str, ...] = ()
    protocol: int = PROTOCOL
    cancel_on_loss: bool = False


class Pass(Message, frozen=True):
    """A request for the venue."""

    request: VenueRequest


class Ask(Message, frozen=True):
    """Which orders are working? The answer carries the same `number`.

    With `whole` the answer is a whole statement: executions since `since`, and what became of the
    `orders`.
    """

    number: int
    whole: bool = False
    since: int = 0
    orders: tuple[str, ...] = ()


class Pulse(Message, frozen=True):
    """Sent by the host twice a second; silence means that it is dead or hung."""


class Description(Part, frozen=True):
    """The hosted venue."""

    name: str
    mode: Mode
    instruments: tuple[Instrument, ...]


class Attached(Message, frozen=True):
    """The answer to `Attach`; a follower has been sent all that it had missed before it."""

    description: Description
    incarnation: str
    link: LinkUpdate | None


class Denied(Message, frozen=True):
    """The host does not talk to this engine, with a sentence that says why."""

    text: str


class Flow(Message, frozen=True):
    """Market data and events in the order in which they happened.

    `seen` is the number of the last event so far.
    """

    items: tuple[MarketData | VenueEvent, ...]
    seen: int


class Working(Message, frozen=True):
    """The answer to `Ask`: orders, or in `error` why the venue could not say.

    `statement` is the answer to a question for all of it, when the venue can give one.
    """

    number: int
    orders: tuple[VenueOrder, ...]
    error: str = ""
    statement: VenueStatement | None = None


ToHost = Attach | Pass | Ask
FromHost = Attached | Denied | Flow | Working | Pulse

decode_to_host = msgspec.msgpack.Decoder(ToHost).decode
decode_from_host = msgspec.msgpack.Decoder(FromHost).decode
