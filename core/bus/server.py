"""The engine's side of its clients: who may speak, and what their bytes mean.

Transports (`core.bus.channel`, `core.bus.inline`) bring bytes of a `Peer`; the `Server` admits
peers that show the token, decodes what they say and hands it on. Whatever a client sends, the
worst that happens is an answer `Refused` and a count. An order that cannot be read only because
its price or quantity is off the grid is handed on as one that was turned away.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from enum import Enum
from typing import Protocol

import msgspec

from core.model.grid import off_grid
from core.model.inputs import TurnedAway
from core.model.session import PROTOCOL, FromEngine, Goodbye, Hello, Refused, ToEngine
from core.model.wire import decode_to_engine, encode


class Sent(Enum):
    """What became of a message to a client."""

    OK = "ok"
    FULL = "full"
    GONE = "gone"


class Peer:
    """One connection of a client; a transport gives it a way to write."""

    __slots__ = ("admitted", "name", "write")

    def __init__(self, write: Callable[[bytes], Sent], name: str) -> None:
        self.write = write
        self.name = name
        self.admitted = False

    def send(self, message: FromEngine) -> Sent:
        """Encode and write one message."""
        return self.write(encode(message))


MessageSink = Callable[[Peer, ToEngine | TurnedAway], None]


class Receiver(Protocol):
    """What a transport hands messages to."""

    def receive(self, peer: Peer, parts: list[bytes]) -> bool:
        """Take in what `peer` sent; False when it is not admitted (any more). Never raises."""
        ...


class Server:
    """Admits peers and decodes their messages.

    Args:
        token: what a `Hello` must carry.
        on_message: called with each message of an admitted peer, the `Hello` first.
        on_error: called with a sentence about each message that was refused.

    Attributes:
        refused: peers turned away (token, protocol, no `Hello`).
        malformed: messages that could not be understood.
        failures: messages that were understood and made `on_message` raise.
    """

    def __init__(
        self, token: str, on_message: MessageSink, on_error: Callable[[str], None]
    ) -> None:
        if not token:
            raise ValueError("The engine's token is empty; make one with new_token().")
        self._token = token.encode()
        self._on_message = on_message
        self._on_error = on_error
        self.refused = 0
        self.malformed = 0
        self.failures = 0

    def receive(self, peer: Peer, parts: list[bytes]) -> bool:
        """Take in what `peer` sent; False when it is not admitted (any more)."""
        if len(parts) != 1:
            self._malformed(peer, f"it has {len(parts)} parts instead of one")
            return peer.admitted
        message: ToEngine | TurnedAway | None
        try:
            message = decode_to_engine(parts[0])
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            message = off_grid(parts[0]) if peer.admitted else None
            if message is None:
                self._malformed(peer, str(error))
                return peer.admitted
        if isinstance(message, Hello):
            peer.admitted = self._admit(peer, message)
        elif not peer.admitted and not isinstance(message, Goodbye):
            self._refuse(peer, "The engine does not know this client; begin with Hello.")
        if peer.admitted:
            try:
                self._on_message(peer, message)
            except Exception as error:
                self.failures += 1
                what = type(message).__name__
                self._on_error(f"A {what} of client {peer.name} was not carried out: {error!r}.")
        return peer.admitted

    def _admit(self, peer: Peer, hello: Hello) -> bool:
        if not hmac.compare_digest(hello.token.encode(), self._token):
            self._refuse(
                peer,
                "The token is wrong; start the client from the engine's own terminal, or give it "
                "the token of the running engine.",
            )
            return False
        if hello.protocol != PROTOCOL:
            self._refuse(
                peer,
                f"The client speaks protocol {hello.protocol} and the engine {PROTOCOL}; use the "
                "same version of Outcry for both.",
            )
            return False
        peer.name = hello.client or peer.name
        return True

    def _refuse(self, peer: Peer, text: str) -> None:
        self.refused += 1
        self._on_error(f"Client {peer.name} was refused: {text}")
        peer.send(Refused(text))

    def _malformed(self, peer: Peer, what: str) -> None:
        self.malformed += 1
        text = (
            f"A message of client {peer.name} was ignored: {what}. Send one of the messages of "
            f"protocol {PROTOCOL} as MessagePack."
        )
        self._on_error(text)
        peer.send(Refused(text))
