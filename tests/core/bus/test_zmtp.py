from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.bus.zmtp import GREETING, MOST_PARTS, PING, Decoder, ProtocolError, frame, ready

HEAD = GREETING + ready(b"DEALER")


def _frame(data: bytes, more: bool) -> bytes:
    made = frame(data)
    return bytes([made[0] | more]) + made[1:]


@given(
    st.lists(st.lists(st.binary(max_size=600), min_size=1, max_size=4), max_size=8),
    st.lists(st.integers(1, 300), min_size=1),
)
def test_messages_come_whole_however_the_bytes_are_cut(
    messages: list[list[bytes]], cuts: list[int]
) -> None:
    data = HEAD
    for parts in messages:
        data += PING + b"".join(_frame(p, i < len(parts) - 1) for i, p in enumerate(parts))
    decoder = Decoder(1 << 20)
    turn = 0
    while data:
        size = cuts[turn % len(cuts)]
        turn += 1
        decoder.feed(data[:size])
        data = data[size:]
    assert decoder.ready
    assert list(decoder.messages) == messages
    assert decoder.answers == [b"\x04\x05\x04PONG"] * len(messages)


def test_a_heartbeat_is_answered_with_its_context() -> None:
    decoder = Decoder(100)
    decoder.feed(HEAD + b"\x04\x09\x04PING\0\x01ab")
    assert decoder.answers == [b"\x04\x07\x04PONGab"]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"GET / HTTP/1.1", "not ZeroMQ"),
        (b"\xff" + bytes(8) + b"\x7f\x01\x00", "before 4"),
        (GREETING[:12] + b"CURVE".ljust(20, b"\0") + bytes(32), "NULL"),
        (GREETING + frame(b"x"), "before READY"),
        (HEAD + frame(bytes(101)), "larger"),
        (HEAD + _frame(bytes(60), True) + _frame(bytes(60), True), "larger"),
        (HEAD + b"\x02" + b"\xff" * 8, "larger"),
        (HEAD + _frame(b"", True) * (MOST_PARTS + 1), "parts"),
        (HEAD + b"\x04\x00", "command"),
        (HEAD + b"\x04\x09\x05ERROR\x02no", "refused: no"),
    ],
)
def test_who_does_not_keep_to_the_protocol_is_told_why(data: bytes, words: str) -> None:
    with pytest.raises(ProtocolError, match=words):
        Decoder(100).feed(data)


@given(st.binary(max_size=300), st.booleans())
def test_no_bytes_raise_anything_else(data: bytes, after: bool) -> None:
    decoder = Decoder(1 << 10)
    if after:
        decoder.feed(HEAD)
    try:
        for byte in data:
            decoder.feed(bytes([byte]))
    except ProtocolError:
        pass
