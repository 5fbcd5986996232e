from __future__ import annotations

import gzip
from decimal import Decimal

import pytest

from core.model.market import Quote, Trade
from core.venues.replay.problems import RecordingError
from core.venues.replay.recording import open_recording

T0 = 1_723_161_600_000_000_000


def write(folder, *rows, name="abc.csv"):
    path = folder / name
    text = "\n".join(rows) + "\n"
    path.write_bytes(gzip.compress(text.encode()) if name.endswith("gz") else text.encode())
    return path


def of(recording, kind):
    events = recording.log.events(0, len(recording))
    return [event.message for event in events if isinstance(event.message, kind)]


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("time,price,qty,side", "2024-08-09T00:00:00.25Z,10.05,3,buy"),
        ("Timestamp;Price;Size;Aggressor", "1723161600250;10.05;3;B"),
        ("price\tquantity\tts\tside", "10.05\t3\t1723161600.25\t1"),
        ("ts,amount,price,symbol,side", "1723161600250000000,3,10.05,abc,BUY"),
        ('"time","price","qty","side"', '"2024-08-09 02:00:00,250 +02:00","10.05","3","buy"'),
        ("\ufefftime,price,qty,side", "1723161600250000,10.050,3.0,buy"),
    ],
)
def test_trades_of_many_spellings(tmp_path, header, row):
    recording = open_recording(write(tmp_path, header, row))
    (trade,) = of(recording, Trade)
    instrument = recording.instruments[0]
    assert (trade.instrument, trade.ts, trade.aggressor) == ("ABC.FILE", T0 + 250_000_000, 1)
    assert instrument.price(trade.price) == Decimal("10.05")
    assert instrument.quantity(trade.qty) == 3
    assert instrument.currency == "XXX"


def test_tick_and_lot_are_inferred_exactly_and_never_too_coarse(tmp_path):
    rows = ["1723161600,100.25,0.003", "1723161601,100.50,0.006", "1723161602,101,3"]
    instrument = open_recording(write(tmp_path, "time,price,qty", *rows)).instruments[0]
    assert (instrument.tick, instrument.lot) == (Decimal("0.25"), Decimal("0.001"))
    rows = ["1723161600,300,500", "1723161601,600,1000"]
    instrument = open_recording(write(tmp_path, "time,price,qty", *rows)).instruments[0]
    assert (instrument.tick, instrument.lot) == (Decimal(1), Decimal(1))


def test_given_tick_lot_currency_and_venue(tmp_path):
    path = write(
        tmp_path, "time,price,qty", "1723161600,10.5,1", "1723161601,10.503,1", "1723161602,11,1"
    )
    recording = open_recording(
        path, tick=Decimal("0.01"), lot=Decimal("0.1"), currency="CHF", venue="six"
    )
    instrument = recording.instruments[0]
    assert (instrument.id, instrument.tick, instrument.lot) == (
        "ABC.SIX",
        Decimal("0.01"),
        Decimal("0.1"),
    )
    assert instrument.currency == "CHF"
    assert [(t.price, t.qty) for t in of(recording, Trade)] == [(1050, 10), (1100, 10)]
    (problem,) = recording.problems
    assert problem.line == 3
    assert "not a multiple of 0.01" in problem.text
    with pytest.raises(RecordingError, match="tick of 0"):
        open_recording(path, tick=Decimal(0))


def test_quotes_with_a_side_that_comes_and_goes(tmp_path):
    path = write(
        tmp_path,
        "ts,symbol,bid,bid_qty,ask,ask_qty",
        "1723161600,abc,9.9,5,10.1,7",
        "1723161601,xyz,1,1,2,1",
        "1723161602,abc,9.9,5,,",
        "1723161603,abc,9.8,0,10.2,1",
        name="q.csv.gz",
    )
    recording = open_recording(path)
    assert [i.id for i in recording.instruments] == ["ABC.FILE", "XYZ.FILE"]
    quotes = [
        (q.bid, q.bid_qty, q.ask, q.ask_qty)
        for q in of(recording, Quote)
        if q.instrument == "ABC.FILE"
    ]
    assert quotes == [(99, 5, 101, 7), (99, 5, 0, 0), (0, 0, 102, 1)]
    assert recording.books_at(len(recording)) == [[(2, 102, 1)], [(1, 1, 1), (2, 2, 1)]]


def test_trades_and_quotes_in_one_file(tmp_path):
    path = write(
        tmp_path,
        "time,price,qty,bid,bid_qty,ask,ask_qty",
        "1723161600,,,9.9,5,10.1,7",
        "1723161601,10.1,2,,,,",
        "1723161602,10.1,2,9.9,5,10.1,5",
        "1723161603,,,,,,",
    )
    recording = open_recording(path)
    assert len(of(recording, Trade)) == 2
    assert len(of(recording, Quote)) == 2
    assert [problem.line for problem in recording.problems] == [5]


def test_newest_first_is_turned_round(tmp_path):
    path = write(tmp_path, "time,price,qty", *(f"{1723161600 - n},{n},1" for n in range(1, 50)))
    recording = open_recording(path)
    assert [trade.price for trade in of(recording, Trade)] == list(range(49, 0, -1))
    assert not recording.problems
    assert any("newest row first" in note for note in recording.notes)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("1723161601,abc,1,buy", "“abc” is not a number"),
        ("1723161601,NaN,1,buy", "not a finite number"),
        ("1723161601,inf,1,buy", "not a finite number"),
        ("1723161601,-4,1,buy", "negative"),
        ("1723161601,0,1,buy", "must be above 0"),
        ("1723161601,5,0,buy", "must be above 0"),
        ("1723161601,1e300,1,buy", "absurd"),
        ("1723161601,1e-300,1,buy", "absurd"),
        ("1723161601,5,1,up", "not buy or sell"),
        ("1723161601,5,1", "3 fields and the header 4"),
        ("17,5,1,buy", "not between 1990 and 2100"),
        ("yesterday,5,1,buy", "not a time"),
        ("2024-02-30T00:00:00Z,5,1,buy", "not a time"),
        ("1723161500,5,1,buy", "earlier than the row before"),
        ("\x00\xff,5,1,buy", "not a time"),
    ],
)
def test_a_bad_row_is_named_and_the_rest_is_kept(tmp_path, row, said):
    path = write(
        tmp_path, "time,price,qty,side", "1723161600,10,1,buy", row, "1723161602,11,1,sell"
    )
    recording = open_recording(path)
    assert [trade.price for trade in of(recording, Trade)] == [10, 11]
    (problem,) = recording.problems
    assert (problem.file, problem.line) == ("abc.csv", 3)
    assert said in problem.text


def test_missing_columns_are_named(tmp_path):
    with pytest.raises(RecordingError, match="line 1: the header row lacks qty"):
        open_recording(write(tmp_path, "time,price", "1723161600,10"))
    with pytest.raises(RecordingError, match="lacks bid_qty, ask_qty"):
        open_recording(write(tmp_path, "time,bid,ask", "1723161600,10,11"))
    with pytest.raises(RecordingError, match="none of the formats"):
        open_recording(write(tmp_path, "a,b,c", "1,2,3"))
    with pytest.raises(RecordingError, match=r"no event.*line 2"):
        open_recording(write(tmp_path, "time,price,qty", "1,2,3"))


def test_only_equity_files_are_joined(tmp_path):
    path = write(tmp_path, "time,price,qty", "1723161600,10,1")
    with pytest.raises(RecordingError, match="played alone"):
        open_recording([path, path])
