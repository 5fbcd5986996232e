from __future__ import annotations

import gzip
from decimal import Decimal

import numpy as np
import pytest

from core.model.enums import MarketStatus
from core.model.instruments import Instrument
from core.model.market import BookUpdate, Quote, StatusUpdate, Trade, TradeHistory
from core.venues.replay.events import Knowledge
from core.venues.replay.framed import MAGIC, Recorder
from core.venues.replay.problems import RecordingError
from core.venues.replay.recording import open_recording

T0 = 1_723_161_600_000_000_000
ABC = Instrument("ABC.SIM", "ABC", "SIM", Decimal("0.01"), Decimal(1), "USD")
XYZ = Instrument("XYZ.SIM", "XYZ", "SIM", Decimal("0.5"), Decimal("0.1"), "EUR")
OTHER = Instrument("ABC.ALT", "ABC", "ALT", Decimal("0.01"), Decimal(1), "USD")

MESSAGES = [
    StatusUpdate("ABC.SIM", T0, T0 + 1, MarketStatus.OPEN, "morning"),
    BookUpdate("ABC.SIM", T0, T0 + 2, [(1, 100, 5), (2, 102, 7)], True),
    Quote("ABC.SIM", T0, T0 + 2, 100, 5, 102, 7),
    Trade("ABC.SIM", T0 + 3, T0 + 4, 102, 3, 1, "77"),
    BookUpdate("ABC.SIM", T0 + 3, T0 + 5, [(2, 102, 4)]),
    Trade("ABC.SIM", T0 + 6, T0 + 7, 100, 1, 2, "id of text"),
    Trade("ABC.SIM", T0 + 6, T0 + 8, 100, 1, 0, "007"),
    StatusUpdate("ABC.SIM", T0, T0 + 9, MarketStatus.HALTED),
]


def record(path, messages, instruments=(ABC,)):
    recorder = Recorder(path, instruments)
    for message in messages:
        recorder.write(message)
    recorder.close()
    return path


def played(recording):
    return [event.message for event in recording.log.events(0, len(recording))]


@pytest.mark.parametrize("packed", [False, True])
def test_what_was_recorded_is_played_word_for_word(tmp_path, packed):
    path = record(tmp_path / "day.rec", MESSAGES)
    if packed:
        path.write_bytes(gzip.compress(path.read_bytes()))
    recording = open_recording(path)
    assert played(recording) == MESSAGES
    assert recording.instruments == (ABC,)
    assert recording.venue == "SIM"
    assert recording.knowledge == (Knowledge.FULL,)
    assert not recording.problems


def test_quotes_alone_become_a_book_of_the_best(tmp_path):
    messages = [
        Quote("XYZ.SIM", T0, T0 + 1, 10, 5, 12, 7),
        Quote("XYZ.SIM", T0, T0 + 2, 11, 5, 12, 9),
        Quote("XYZ.SIM", T0, T0 + 3, 11, 5, 0, 0),
    ]
    recording = open_recording(record(tmp_path / "r", messages, (ABC, XYZ)))
    assert recording.knowledge[1] is Knowledge.TOP
    assert recording.books_at(2)[1] == [(1, 10, 5), (2, 12, 7)]
    assert set(recording.books_at(4)[1]) == {(1, 11, 5), (2, 12, 9)}
    assert recording.books_at(6)[1] == [(1, 11, 5)]


def test_several_venues_are_played_as_one(tmp_path):
    recording = open_recording(record(tmp_path / "r", MESSAGES, (ABC, OTHER)))
    assert recording.venue == "REPLAY"
    assert [(i.id, i.venue) for i in recording.instruments] == [
        ("ABC.SIM", "REPLAY"),
        ("ABC.ALT", "REPLAY"),
    ]


def history(*rows):
    columns = (np.array(column, "<i8").tobytes() for column in zip(*rows, strict=True))
    return TradeHistory("ABC.SIM", *columns)


def test_trades_from_before_the_recording_stay_before_it(tmp_path):
    past = history((T0 - 5, 99, 1, 1), (T0 - 4, 98, 2, 2))
    recording = open_recording(record(tmp_path / "r", [past, *MESSAGES]))
    assert recording.has_history(0)
    told = recording.history_before(0, len(recording))
    assert np.frombuffer(told.price, "<i8").tolist() == [99, 98, 102, 100, 100]
    assert np.frombuffer(told.aggressor, "<i8").tolist() == [1, 2, 1, 2, 0]
    assert np.frombuffer(recording.history_before(0, 0).price, "<i8").tolist() == [99, 98]


@pytest.mark.parametrize(
    "wrong",
    [
        Quote("ABC.SIM", T0, T0, -1, 5, 10, 1),
        Trade("ABC.SIM", T0, T0 + 2, 0, 5, 1),
        Trade("ABC.SIM", T0, T0 + 2, 10, 5, 7),
        BookUpdate("ABC.SIM", T0, T0 + 2, [(3, 10, 1)]),
        BookUpdate("ABC.SIM", T0, T0 + 2, [(1, 10, -1)]),
        Trade("NOPE.SIM", T0, T0 + 2, 10, 5, 1),
        Trade("ABC.SIM", T0, 5, 10, 5, 1),
        Trade("ABC.SIM", T0, T0 + 2, 1 << 40, 5, 1),
        TradeHistory("ABC.SIM", b"12345678", b"", b"", b""),
        history((T0, -1, 1, 1)),
    ],
)
def test_a_record_that_makes_no_sense_is_named_and_left_out(tmp_path, wrong):
    path = record(tmp_path / "r", [MESSAGES[0], wrong, *MESSAGES[1:]])
    recording = open_recording(path)
    assert played(recording) == MESSAGES
    assert [problem.line for problem in recording.problems] == [3]


def test_a_torn_tail_is_reported(tmp_path):
    path = record(tmp_path / "r", MESSAGES)
    path.write_bytes(path.read_bytes()[:-3])
    recording = open_recording(path)
    assert played(recording) == MESSAGES[:-1]
    (problem,) = recording.problems
    assert problem.line == len(MESSAGES) + 1
    assert "ends within this record" in problem.text


def test_every_damaged_byte_costs_one_record_at_most(tmp_path):
    path = record(tmp_path / "r", MESSAGES)
    whole = path.read_bytes()
    first = whole.index(b"StatusUpdate") - 10  # its frame; damage the header and nothing plays
    for place in range(first, len(whole), 5):
        data = bytearray(whole)
        data[place] ^= 0x5A
        path.write_bytes(data)
        recording = open_recording(path)
        # Without its snapshot the book is made of what the rest tells; all others stay the same.
        others = [message for message in MESSAGES if not isinstance(message, BookUpdate)]
        kept = [m for m in played(recording) if not isinstance(m, BookUpdate)]
        assert [message for message in others if message in kept] == kept
        assert len(kept) >= len(others) - 1
        assert recording.problem_count == 1


def test_without_its_first_record_a_recording_is_refused(tmp_path):
    path = record(tmp_path / "r", MESSAGES)
    data = bytearray(path.read_bytes())
    data[len(MAGIC) + 12] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(RecordingError, match="lacks its first record"):
        open_recording(path)
    path.write_bytes(MAGIC)
    with pytest.raises(RecordingError, match="lacks its first record"):
        open_recording(path)


def test_an_empty_recording_and_a_taken_name_are_sentences(tmp_path):
    path = record(tmp_path / "r", [])
    with pytest.raises(RecordingError, match="no event"):
        open_recording(path)
    with pytest.raises(RecordingError, match="exists already"):
        Recorder(path, (ABC,))
    with pytest.raises(RecordingError, match="cannot be written"):
        Recorder(tmp_path / "no" / "r", (ABC,))


def test_a_full_disk_ends_the_recording_with_one_sentence(tmp_path):
    recorder = Recorder(tmp_path / "r", (ABC,))

    class Full:
        def write(self, data: bytes) -> None:
            raise OSError(28, "No space left on device")

        def close(self) -> None:
            pass

    recorder._file.close()
    recorder._file = Full()
    recorder.write(MESSAGES[0])
    with pytest.raises(RecordingError, match="ended after 1 messages: No space left"):
        recorder.flush()
    recorder.write(MESSAGES[1])
    recorder.close()
    assert recorder.count == 1


def test_a_recording_is_on_disk_before_it_is_closed(tmp_path):
    recorder = Recorder(tmp_path / "r", (ABC,))
    for number in range(3000):
        recorder.write(Trade("ABC.SIM", T0 + number, T0 + number, 100, 1, 1))
    assert len(open_recording(tmp_path / "r")) > 1500
    recorder.close()
    assert len(open_recording(tmp_path / "r")) == 3000


def test_a_long_silence_is_a_hole_and_a_quiet_instrument_is_none(tmp_path):
    second = 1_000_000_000
    places = [*range(300), *range(1_000, 1_300)]  # seven hundred seconds are missing
    messages = [Quote("ABC.SIM", T0, T0 + n * second, 100, 5, 102, 7 + n) for n in places]
    messages.insert(10, Trade("ABC.SIM", T0 + 9 * second, T0 + 9 * second, 101, 1, 1))
    recording = open_recording(record(tmp_path / "day.rec", messages))
    hole = (T0 + 299 * second, T0 + 1_000 * second)
    assert recording.history_before(0, 5).gaps == (hole,)
    assert recording.has_history(0)
    quiet = [m for m in messages if isinstance(m, Trade)] * 2
    assert open_recording(record(tmp_path / "few.rec", quiet)).history_before(0, 1).gaps == ()


def test_gaps_that_the_recorder_knew_are_played_too(tmp_path):
    columns = [np.array([n, 100, 1, 1], "<i8")[:1].tobytes() for n in (T0 - 9, 100, 1, 1)]
    past = TradeHistory("ABC.SIM", *columns, gaps=((T0 - 8, T0 - 1),))
    recording = open_recording(record(tmp_path / "day.rec", [past, *MESSAGES]))
    assert recording.history_before(0, 3).gaps == ((T0 - 8, T0 - 1),)
