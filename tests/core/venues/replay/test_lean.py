from __future__ import annotations

import zipfile
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from core.model.market import Quote, Trade
from core.venues.replay.problems import RecordingError
from core.venues.replay.recording import open_recording

OPEN = 34_200_000  # 09:30


def write(folder, name, rows, member=None):
    text = "".join(row + "\n" for row in rows)
    path = folder / name
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(member or name.replace(".zip", ".csv"), text)
    else:
        path.write_text(text)
    return path


def quotes(folder, rows, day="20131007", name="abc"):
    return write(folder, f"{day}_quote.zip", rows, f"{day}_{name}_Quote_Tick.csv")


def trades(folder, rows, day="20131007", name="abc"):
    return write(folder, f"{day}_trade.zip", rows, f"{day}_{name}_Trade_Tick.csv")


def events(recording):
    return recording.log.events(0, len(recording))


def of(recording, kind):
    return [event.message for event in events(recording) if isinstance(event.message, kind)]


def prices(recording):
    return [(q.bid, q.bid_qty, q.ask, q.ask_qty) for q in of(recording, Quote)]


def utc(*moment):
    return int(datetime(*moment, tzinfo=UTC).timestamp()) * 10**9


@pytest.mark.parametrize(
    ("day", "hour"), [("20131007", 13), ("20131104", 14), ("20130310", 13), ("20131103", 14)]
)
def test_times_are_new_york_wall_clock_with_daylight_saving(tmp_path, day, hour):
    path = trades(tmp_path, [f"{OPEN + 7},1000000,100,N,1,0"], day)
    recording = open_recording(path)
    (trade,) = of(recording, Trade)
    moment = utc(int(day[:4]), int(day[4:6]), int(day[6:]), hour, 30) + 7_000_000
    assert trade.ts == trade.received == moment == recording.start


def test_an_hour_that_daylight_saving_skips_or_repeats_is_one_hour(tmp_path):
    hour = 3_600_000
    rows = [f"{n * hour},1000000,100,N,1,0" for n in (1, 3)]
    recording = open_recording(trades(tmp_path, rows, "20130310"))  # 02:00 does not exist
    assert recording.end - recording.start == 3_600_000_000_000


def test_quotes_of_exchanges_are_aggregated(tmp_path):
    rows = [
        f"{OPEN},1000000,100,1000300,200,N,1,0",  # both sides
        f"{OPEN + 1},1000100,300,0,0,Q,1,0",  # bid only: N's stands
        f"{OPEN + 2},1000100,400,0,0,P,1,0",  # same price: sizes add
        f"{OPEN + 3},0,0,1000200,500,Q,1,0",
        f"{OPEN + 4},1000000,700,0,0,Q,1,0",  # Q steps back
    ]
    recording = open_recording(quotes(tmp_path, rows))
    assert prices(recording) == [
        (10000, 100, 10003, 200),
        (10001, 300, 10003, 200),
        (10001, 700, 10003, 200),
        (10001, 700, 10002, 500),
        (10001, 400, 10002, 500),
    ]
    assert set(recording.books_at(len(recording))[0]) == {
        (1, 10001, 400),
        (1, 10000, 800),
        (2, 10002, 500),
        (2, 10003, 200),
    }
    instrument = recording.instruments[0]
    assert (instrument.id, instrument.tick, instrument.lot) == ("ABC.US", Decimal("0.01"), 1)
    assert (instrument.currency, instrument.hours.timezone) == ("USD", "America/New_York")


def test_a_quote_that_another_exchange_crosses_later_is_stale(tmp_path):
    rows = [
        f"{OPEN},1000000,100,1000300,200,N,1,0",
        f"{OPEN + 1},1000400,300,1000600,100,Q,1,0",
        f"{OPEN + 2},1000400,300,1000600,100,Q,1,0",
    ]
    assert prices(open_recording(quotes(tmp_path, rows)))[-1] == (10004, 300, 10006, 100)


def test_pairs_of_national_best_quotes_are_the_best(tmp_path):
    rows = []
    for step, (bid, ask) in enumerate([(1000100, 1000300), (1000000, 1000100), (1000200, 1000300)]):
        rows += [f"{OPEN + step},{bid},100,0,0,Q,1,0", f"{OPEN + step},0,0,{ask},200,N,1,0"]
    recording = open_recording(quotes(tmp_path, rows))
    # No quote between the rows of a pair, and nothing lingers that a later best disproves.
    assert prices(recording) == [
        (10001, 100, 10003, 200),
        (10000, 100, 10001, 200),
        (10002, 100, 10003, 200),
    ]
    assert set(recording.books_at(len(recording))[0]) == {(1, 10002, 100), (2, 10003, 200)}
    assert any("national best" in note for note in recording.notes)


def test_the_partner_is_found_and_trades_come_before_quotes_of_the_same_moment(tmp_path):
    first = quotes(tmp_path, [f"{OPEN},1000000,100,1000300,200,N,1,0"])
    second = trades(tmp_path, [f"{OPEN},1000100,50,N,1,0", f"{OPEN + 1},1000100,50,N,1,0"])
    kinds = []
    for path in (first, second):
        recording = open_recording(path)
        kinds.append([type(event.message).__name__ for event in events(recording)])
        assert recording.file == "20131007_quote.zip + 20131007_trade.zip"
    assert kinds == [["Trade", "BookUpdate", "Quote", "Trade"]] * 2


def test_partners_of_another_symbol_stay_away(tmp_path):
    path = quotes(tmp_path, [f"{OPEN},1000000,100,1000300,200,N,1,0"])
    trades(tmp_path, [f"{OPEN},1000100,50,N,1,0"], name="xyz")
    assert [i.symbol for i in open_recording(path).instruments] == ["ABC"]


def test_several_days_play_one_after_the_other(tmp_path):
    paths = [
        trades(tmp_path, [f"{OPEN},{price},100,N,1,0"], day)
        for day, price in (("20131008", 1000200), ("20131007", 1000100))
    ]
    recording = open_recording(paths)
    assert [trade.price for trade in of(recording, Trade)] == [10001, 10002]


def test_trades_away_from_the_book_are_shown_but_fill_nobody(tmp_path):
    rows = [
        f"{OPEN},1000000,100,N,1,0",
        f"{OPEN + 1},1000000,100,D,1,0",  # reported to the trade reporting facility
        f"{OPEN + 2},1000000,100,N,20100200,0",  # derivatively priced, average price
        f"{OPEN + 3},1000000,100,P,20000020,0",  # an intermarket sweep is on the book
        f"{OPEN + 4},1000000,100,N,4000000,0",  # the official opening price is no trade
    ]
    recording = open_recording(trades(tmp_path, rows))
    assert [event.off_book for event in events(recording)] == [False, True, True, False]
    assert [trade.aggressor for trade in of(recording, Trade)] == [0, 0, 0, 0]
    assert "1 official prices are left out: they are no trades." in recording.notes


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (f"{OPEN + 1},1000100", "2 of at least 6"),
        (f"{OPEN + 1},abc,100,N,1,0", "price “abc”"),
        (f"{OPEN + 1},-5,100,N,1,0", "price “-5”"),
        (f"{OPEN + 1},0,100,N,1,0", "must be above 0"),
        (f"{OPEN + 1},1000100,1e9,N,1,0", "size “1e9”"),
        (f"{OPEN + 1},1000100,100,N,zz,0", "hexadecimal"),
        ("99999999,1000100,100,N,1,0", "milliseconds"),
        (f"{OPEN + 1},1000100,100,N,1,maybe", "suspicious flag"),
        (f"{OPEN + 1},{10**30},100,N,1,0", "price"),
        (f"{OPEN - 5000},1000100,100,N,1,0", "earlier than the row before"),
    ],
)
def test_a_bad_row_is_named_and_the_rest_is_kept(tmp_path, row, said):
    good = [f"{OPEN},1000000,100,N,1,0", f"{OPEN + 2},1000100,100,N,1,0"]
    recording = open_recording(trades(tmp_path, [good[0], row, good[1]]))
    assert [trade.price for trade in of(recording, Trade)] == [10000, 10001]
    (problem,) = recording.problems
    assert (problem.file, problem.line) == ("20131007_trade.zip", 2)
    assert said in problem.text


def test_suspicious_rows_are_left_out_and_counted(tmp_path):
    rows = [f"{OPEN},1000000,100,N,1,0", f"{OPEN + 1},9000000,100,N,1,1"]
    recording = open_recording(trades(tmp_path, rows))
    assert len(recording) == 1
    assert not recording.problems
    assert "1 rows flagged as suspicious are left out." in recording.notes


def test_half_a_zip_keeps_what_came_before(tmp_path):
    rows = [f"{OPEN + n},{1000000 + n * 7919 % 97 * 100},{n % 89 + 1},N,1,0" for n in range(5000)]
    path = trades(tmp_path, rows)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    recording = open_recording(path)
    assert 1000 < len(recording) < 5000
    assert any("cut off" in problem.text for problem in recording.problems)
    # The last line may be half a row: it was not taken for a whole one.
    assert [t.price for t in of(recording, Trade)] == [
        10000 + n * 7919 % 97 for n in range(len(recording))
    ]


def test_a_zip_whose_directory_alone_is_gone_is_whole(tmp_path):
    path = trades(tmp_path, [f"{OPEN + n},1000000,100,N,1,0" for n in range(10)])
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"PK\x01\x02")])
    recording = open_recording(path)
    assert len(recording) == 10
    assert "directory" in recording.problems[0].text


def test_plain_files_in_a_folder_named_after_the_symbol(tmp_path):
    folder = tmp_path / "ibm"
    folder.mkdir()
    path = write(folder, "20131007_trade.zip", [f"{OPEN},1000000,100,N,1,0"], "data.csv")
    assert open_recording(path).instruments[0].id == "IBM.US"
    plain = write(tmp_path, "20131007_xyz_Trade_Tick.csv", [f"{OPEN},1000000,100,N,1,0"])
    assert open_recording(plain).instruments[0].id == "XYZ.US"


def test_a_file_without_a_day_in_its_name_is_refused(tmp_path):
    good = trades(tmp_path, [f"{OPEN},1000000,100,N,1,0"])
    other = write(tmp_path, "other.csv", [f"{OPEN},1000000,100,N,1,0"])
    with pytest.raises(RecordingError, match="not named like"):
        open_recording([good, other])


def test_the_recorded_day(recorded):
    recording = open_recording(recorded("us_equity_ticks/20131007_quote.zip"))
    assert recording.instruments[0].id == "IBM.US"
    assert recording.instruments[0].tick == Decimal("0.01")
    assert recording.start == utc(2013, 10, 7, 8, 0) + 54_000_000  # 04:00 in New York
    assert not recording.problems
    assert "1 rows flagged as suspicious are left out." in recording.notes
    quote = None
    inside = total = crossed = 0
    for event in events(recording):
        message = event.message
        if isinstance(message, Quote):
            quote = message
            crossed += bool(quote.bid and quote.ask and quote.bid > quote.ask)
        elif isinstance(message, Trade) and quote and not event.off_book:
            total += 1
            inside += quote.bid <= message.price <= quote.ask
    assert total > 15_000
    assert inside > 0.95 * total  # trades happen at the quotes shown
    assert crossed < 100
