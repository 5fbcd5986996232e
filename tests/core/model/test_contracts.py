"""Terms of derivatives: they travel with an instrument, and old instruments have none."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from core.model.contracts import Contract, ExerciseStyle, PutOrCall
from core.model.instruments import Instrument

ENCODE, DECODE = msgspec.msgpack.Encoder(), msgspec.msgpack.Decoder(Instrument)
PLAIN = Instrument("A.X", "A", "X", Decimal("0.01"), Decimal(1), "USD")


def test_an_instrument_written_before_there_were_contracts_is_read() -> None:
    fields = msgspec.msgpack.decode(ENCODE.encode(PLAIN))
    older = fields[: Instrument.__struct_fields__.index("contract")]
    assert DECODE.decode(ENCODE.encode(older)) == PLAIN
    assert PLAIN.contract is None


def test_the_terms_travel_with_it() -> None:
    terms = Contract(
        "A.X",
        PutOrCall.PUT,
        Decimal("12.5"),
        1_800_000_000_000_000_000,
        ExerciseStyle.EUROPEAN,
        cash_settled=True,
    )
    put = msgspec.structs.replace(PLAIN, contract=terms)
    assert DECODE.decode(ENCODE.encode(put)) == put


def test_a_reader_of_before_skips_what_it_does_not_know() -> None:
    class Older(msgspec.Struct, array_like=True, frozen=True):
        id: str
        symbol: str

    assert msgspec.msgpack.decode(ENCODE.encode(PLAIN), type=Older).id == "A.X"
