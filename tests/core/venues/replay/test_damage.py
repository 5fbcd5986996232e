"""Whatever is done to a file, it is a recording, shorter perhaps, or a sentence."""

from __future__ import annotations

import gzip
import re
from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.model.instruments import Instrument
from core.model.market import BookUpdate, Quote, Trade
from core.venues.replay.framed import Recorder
from core.venues.replay.problems import RecordingError
from core.venues.replay.recording import open_recording

T0 = 1_723_161_600_000_000_000


def raw(folder, stream):
    for n in range(8):
        stream.ticker(n * 10 + 1, f"10.{n}", "1", f"11.{n}", "2")
        stream.depth(n * 10, n * 10 + 9, [[f"9.{n}", "1"]], [["12.5", f"{n}"]])
        stream.trade(n + 1, f"10.{n}", "1", True)
    return stream.write(folder / "raw")


def packed(folder, stream):
    path = folder / "packed.gz"
    path.write_bytes(gzip.compress(raw(folder, stream).read_bytes()))
    return path


def lean(folder, _):
    path = folder / "20131007_abc_Quote_Tick.csv"
    rows = (f"{34_200_000 + n},{1_000_000 + n},100,1000300,200,N,1,0\n" for n in range(20))
    path.write_text("".join(rows))
    return path


def table(folder, _):
    path = folder / "table.csv"
    rows = (f"{1_723_161_600 + n},{n}.5,{n},buy\n" for n in range(1, 20))
    path.write_text("time,price,qty,side\n" + "".join(rows))
    return path


def own(folder, _):
    path = folder / "own"
    path.unlink(missing_ok=True)
    instrument = Instrument("ABC.X", "ABC", "X", Decimal("0.01"), Decimal(1), "USD")
    recorder = Recorder(path, [instrument])
    for n in range(1, 8):
        recorder.write(BookUpdate("ABC.X", T0 + n, T0 + n, [(1, n, n), (2, n + 9, n)], n == 1))
        recorder.write(Quote("ABC.X", T0 + n, T0 + n, n, n, n + 9, n))
        recorder.write(Trade("ABC.X", T0 + n, T0 + n, n, n, 1, str(n)))
    recorder.close()
    return path


DAMAGE = st.lists(
    st.tuples(
        st.floats(0, 1, exclude_max=True),
        st.sampled_from(["flip", "cut", "drop", "double", "text"]),
        st.binary(min_size=1, max_size=12),
    ),
    min_size=1,
    max_size=4,
)


def damaged(data, damage):
    for where, how, what in damage:
        place = int(where * len(data))
        if how == "flip" and data:
            data = data[:place] + bytes([data[place] ^ what[0]]) + data[place + 1 :]
        elif how == "cut":
            data = data[: place + 1]
        elif how == "drop":
            data = data[:place] + data[place + len(what) * 8 :]
        elif how == "double":
            data = data[:place] + data[max(0, place - 40) :]
        else:
            data = data[:place] + what + data[place:]
    return data


@pytest.mark.parametrize("make", [raw, packed, lean, table, own])
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(damage=DAMAGE)
def test_damage(make, damage, tmp_path, stream):
    stream.lines.clear()
    stream.at = T0
    path = make(tmp_path, stream)
    path.write_bytes(damaged(path.read_bytes(), damage))
    recording = None
    with suppress(RecordingError):
        recording = open_recording(path)
    if recording is None:
        with pytest.raises(RecordingError, match=re.escape(str(path))):
            open_recording(path)
        return
    for event in recording.log.events(0, len(recording)):
        message = event.message
        assert recording.start <= event.at <= recording.end
        if isinstance(message, Trade):
            assert 0 < message.price < 1 << 31
            assert message.qty > 0
        elif isinstance(message, Quote):
            assert min(message.bid, message.bid_qty, message.ask, message.ask_qty) >= 0
        elif isinstance(message, BookUpdate):
            assert all(
                side in (1, 2) and price > 0 and qty >= 0 for side, price, qty in message.levels
            )
    assert recording.books_at(len(recording))
    assert recording.summary()
