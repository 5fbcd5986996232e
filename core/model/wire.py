"""Bytes of messages: MessagePack through msgspec, one codec for each direction.

Decoding checks every type; what does not fit raises `msgspec.ValidationError` (or
`msgspec.DecodeError` for what is not MessagePack at all) with the path of the field.
"""

from __future__ import annotations

import msgspec

from core.model.commands import Command
from core.model.events import Difference, Event, VenueEvent
from core.model.inputs import KernelInput
from core.model.market import MarketData
from core.model.session import FromEngine, ToEngine

encode = msgspec.msgpack.Encoder().encode

decode_to_engine = msgspec.msgpack.Decoder(ToEngine).decode
decode_from_engine = msgspec.msgpack.Decoder(FromEngine).decode
decode_event = msgspec.msgpack.Decoder(Event).decode
decode_market = msgspec.msgpack.Decoder(MarketData).decode
decode_recorded = msgspec.msgpack.Decoder(
    Command | VenueEvent | MarketData | KernelInput | Difference
).decode
"""Decoder of whatever a journal or a recording may hold."""
