from __future__ import annotations

import gzip
from decimal import Decimal

import pytest

from core.model.market import BookUpdate, Quote, Trade
from core.venues.replay.problems import RecordingError
from core.venues.replay.recording import open_recording


def messages(recording, kind):
    return [
        event.message
        for event in recording.log.events(0, len(recording))
        if isinstance(event.message, kind)
    ]


def book(recording, index=None):
    levels = recording.books_at(len(recording) if index is None else index)[0]
    bids = {price: qty for side, price, qty in levels if side == 1}
    asks = {price: qty for side, price, qty in levels if side == 2}
    return bids, asks


def test_instrument_and_messages_are_exact(stream, tmp_path):
    stream.depth(1, 5, [["10.05", "1.5"], ["10.00", "2"]], [["10.10", "3.25"]])
    stream.ticker(6, "10.05", "1.5", "10.10", "3.25")
    stream.trade(77, "10.10", "0.25", seller=False)
    recording = open_recording(stream.write(tmp_path / "s.gz"))

    instrument = recording.instruments[0]
    assert instrument.id == "ABCUSDT.BINANCE"
    assert (instrument.tick, instrument.lot) == (Decimal("0.05"), Decimal("0.25"))
    assert instrument.currency == "USDT"
    (quote,) = messages(recording, Quote)
    assert (quote.bid, quote.bid_qty, quote.ask, quote.ask_qty) == (201, 6, 202, 13)
    (trade,) = messages(recording, Trade)
    assert (trade.price, trade.qty, trade.aggressor, trade.trade_id) == (202, 1, 1, "77")
    assert book(recording) == ({201: 6, 200: 8}, {202: 13})
    assert not recording.problems


def test_ticker_purges_levels_it_proves_gone(stream, tmp_path):
    stream.depth(1, 5, [["10.3", "1"], ["10.2", "1"]], [["10.4", "1"], ["10.5", "1"]])
    stream.ticker(9, "10.5", "2", "10.6", "1")  # both asks were lifted
    recording = open_recording(stream.write(tmp_path / "up"))
    assert book(recording) == ({105: 2, 103: 1, 102: 1}, {106: 1})

    stream.ticker(12, "10.2", "4", "10.3", "1")  # and down through the bids
    recording = open_recording(stream.write(tmp_path / "down"))
    assert book(recording) == ({102: 4}, {103: 1, 106: 1})


def test_depth_older_than_the_ticker_does_not_bring_levels_back(stream, tmp_path):
    stream.ticker(20, "10.2", "4", "10.3", "1")
    stream.depth(15, 18, [["10.25", "7"], ["10.2", "9"], ["10.1", "5"]], [["10.3", "8"]])
    recording = open_recording(stream.write(tmp_path / "s"))
    unit = recording.instruments[0].tick
    bids, asks = book(recording)
    assert {price * unit: qty for price, qty in bids.items()} == {
        Decimal("10.2"): 4,
        Decimal("10.1"): 5,
    }
    assert {price * unit: qty for price, qty in asks.items()} == {Decimal("10.3"): 1}


def test_a_stale_level_gives_way_to_a_newer_one_that_crosses_it(stream, tmp_path):
    stream.ticker(1, "10.2", "4", "10.3", "1")
    stream.depth(1, 10, [["10.4", "2"]], [["10.5", "1"]])
    bids, asks = book(open_recording(stream.write(tmp_path / "s")))
    assert (bids, asks) == ({102: 4, 104: 2}, {105: 1})


def test_a_gap_in_the_depth_stream_forgets_the_book_and_says_so(stream, tmp_path):
    stream.ticker(3, "10.2", "4", "10.3", "1")
    stream.depth(1, 5, [["9.9", "1"]], [["10.9", "1"]])
    stream.depth(8, 9, [["9.8", "1"]], [])
    recording = open_recording(stream.write(tmp_path / "s"))
    assert book(recording) == ({102: 4, 98: 1}, {103: 1})
    assert [problem.line for problem in recording.problems] == [3]
    assert "6 to 7 are missing" in recording.problems[0].text
    assert [update.snapshot for update in messages(recording, BookUpdate)].count(True) == 1


def test_a_depth_update_that_comes_twice_is_reported_and_left_out(stream, tmp_path):
    stream.depth(1, 5, [["9.9", "1"]], [["10.9", "1"]])
    stream.depth(1, 5, [["9.9", "3"]], [])
    recording = open_recording(stream.write(tmp_path / "s"))
    assert book(recording)[0] == {99: 1}
    assert [problem.line for problem in recording.problems] == [2]


def test_without_a_ticker_quotes_come_from_the_book(stream, tmp_path):
    stream.depth(1, 5, [["9.9", "1"]], [["10.9", "1"]])
    stream.depth(6, 7, [["9.1", "1"]], [])
    stream.depth(8, 9, [["9.9", "0"]], [])
    recording = open_recording(stream.write(tmp_path / "s"))
    assert [(q.bid, q.ask) for q in messages(recording, Quote)] == [(99, 109), (91, 109)]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("half of a li", "invalid literal"),
        ('1723161600900000000 {"stream":"abcusdt@trade","data":{"e":"tra', "truncated"),
        ('17 {"stream":"abcusdt@trade","data":{}}', "not between 1990 and 2100"),
        ('1723161600900000000 {"stream":"abcusdt@trade","data":{"s":"A"}}', "missing required"),
        ('1723161600900000000 ["stream"]', "Expected `object`"),
    ],
)
def test_a_malformed_line_is_named_and_the_rest_is_kept(stream, tmp_path, line, said):
    stream.trade(1, "10.1", "1", True).raw(line).raw("").trade(2, "10.2", "1", True)
    recording = open_recording(stream.write(tmp_path / "s.gz"))
    assert [trade.price for trade in messages(recording, Trade)] == [101, 102]
    (problem,) = recording.problems
    assert (problem.file, problem.line) == ("s.gz", 2)
    assert said in problem.text


@pytest.mark.parametrize("price", ["NaN", "Infinity", "-1", "0", "1e3000", "0.000000001", "x", ""])
def test_numbers_that_make_no_sense_never_get_in(stream, tmp_path, price):
    stream.trade(1, "10.1", "1", True).trade(2, price, "1", True).trade(3, "10.2", price, True)
    stream.depth(1, 2, [["10", "1"], [price, "1"]], [])
    recording = open_recording(stream.write(tmp_path / "s"))
    assert [trade.price for trade in messages(recording, Trade)] == [101]
    assert [problem.line for problem in recording.problems] == [2, 3, 4]


def test_an_absurdly_large_price_is_left_out_at_the_end(stream, tmp_path):
    stream.trade(1, "10.01", "1", True).trade(2, "900000000", "1", True)
    recording = open_recording(stream.write(tmp_path / "s"))
    assert [trade.price for trade in messages(recording, Trade)] == [1001]
    assert [(p.line, p.text[:35]) for p in recording.problems] == [
        (2, "a price or quantity is absurdly lar")
    ]


def test_a_crossed_ticker_is_reported(stream, tmp_path):
    stream.ticker(1, "10.3", "1", "10.2", "1").ticker(2, "10.1", "1", "10.2", "1")
    recording = open_recording(stream.write(tmp_path / "s"))
    assert [(q.bid, q.ask) for q in messages(recording, Quote)] == [(101, 102)]
    assert "bid 10.3 is not below ask 10.2" in recording.problems[0].text


def test_late_lines_are_left_out_and_small_disorder_is_not(stream, tmp_path):
    stream.trade(1, "10", "1", True)
    stream.trade(2, "11", "1", True, after=5_000_000_000)
    stream.trade(3, "12", "1", True, after=-300_000_000)  # keeps its place
    stream.trade(4, "13", "1", True, after=-4_000_000_000)  # far too late
    stream.trade(5, "14", "1", True, after=9_000_000_000)
    recording = open_recording(stream.write(tmp_path / "s"))
    assert [trade.price for trade in messages(recording, Trade)] == [10, 11, 12, 14]
    assert [problem.line for problem in recording.problems] == [4]
    at = recording.log.at.tolist()
    assert at == sorted(at)


def test_one_line_from_the_future_does_not_cost_the_others(stream, tmp_path):
    stream.trade(1, "10", "1", True)
    stream.trade(2, "11", "1", True, after=10**15)
    stream.trade(3, "12", "1", True, after=-(10**15) + 1)
    stream.trade(4, "13", "1", True)
    recording = open_recording(stream.write(tmp_path / "s"))
    assert [trade.price for trade in messages(recording, Trade)] == [10, 12, 13]
    assert [problem.line for problem in recording.problems] == [2]


def test_a_recorder_clock_that_is_behind_is_set_right(stream, tmp_path):
    stream.trade(1, "10", "1", True)
    stream.at -= 2_000_000_000  # receive times now lie two seconds before the venue's
    data = {"s": "ABCUSDT", "t": 2, "p": "11", "q": "1", "T": stream.at // 1_000_000 + 2000}
    stream.lines.clear()
    stream.add("abcusdt@trade", {**data, "E": data["T"], "m": True}, after=0)
    recording = open_recording(stream.write(tmp_path / "s"))
    (trade,) = messages(recording, Trade)
    assert trade.received == trade.ts
    assert any("2.000 s behind" in note for note in recording.notes)


def test_a_gzip_cut_in_the_middle_keeps_what_came_before(stream, tmp_path):
    for number in range(2000):
        stream.trade(number + 1, f"10.{number % 100:02}", "1", True)
    whole = stream.write(tmp_path / "whole.gz").read_bytes()
    cut = tmp_path / "cut.gz"
    cut.write_bytes(whole[: len(whole) // 2])
    recording = open_recording(cut)
    trades = messages(recording, Trade)
    assert 200 < len(trades) < 2000
    assert [trade.trade_id for trade in trades] == [str(n + 1) for n in range(len(trades))]
    assert any("cut off" in problem.text for problem in recording.problems)


def test_a_damaged_gzip_keeps_what_came_before(stream, tmp_path):
    for number in range(5000):
        stream.trade(number + 1, f"10.{number * 7919 % 100:02}", f"{number * 31 % 977 + 1}", True)
    data = bytearray(stream.write(tmp_path / "s.gz").read_bytes())
    middle = len(data) // 2
    data[middle : middle + 64] = bytes(64)
    (tmp_path / "s.gz").write_bytes(data)
    recording = open_recording(tmp_path / "s.gz")
    assert len(recording) > 100
    assert recording.problem_count


def test_concatenated_gzip_members_are_one_file(stream, tmp_path):
    path = tmp_path / "s.gz"
    first = stream.trade(1, "10", "1", True).lines.pop()
    second = stream.trade(2, "11", "1", True).lines.pop()
    path.write_bytes(gzip.compress(f"{first}\n".encode()) + gzip.compress(f"{second}\n".encode()))
    assert len(messages(open_recording(path), Trade)) == 2


def test_problems_are_bounded_and_counted(stream, tmp_path):
    stream.trade(1, "10", "1", True)
    for _ in range(1000):
        stream.raw("1723161600900000000 {")
    recording = open_recording(stream.write(tmp_path / "s"))
    assert recording.problem_count == 1000
    assert len(recording.problems) == 200
    assert "1,000 problems" in recording.summary()


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "empty"), (b"\x00\x01garbage\n", "none of the formats"), (b"hello\n", "none of the")],
)
def test_an_unreadable_file_is_one_sentence(tmp_path, content, said):
    path = tmp_path / "x"
    path.write_bytes(content)
    with pytest.raises(RecordingError, match=said):
        open_recording(path)


def test_missing_files_folders_and_streams_of_no_use(stream, tmp_path):
    with pytest.raises(RecordingError, match="does not exist"):
        open_recording(tmp_path / "no")
    with pytest.raises(RecordingError, match="is a folder"):
        open_recording(tmp_path)
    stream.add("abcusdt@kline_1m", {"e": "kline"})
    with pytest.raises(RecordingError, match="no depth, trade or bookTicker"):
        open_recording(stream.write(tmp_path / "s"))


def test_the_recorded_file(recorded):
    recording = open_recording(recorded("binance/spot_btcusdt_20240809.gz"))
    instrument = recording.instruments[0]
    assert (instrument.tick, instrument.lot) == (Decimal("0.01"), Decimal("0.00001"))
    assert not recording.problems
    assert len(messages(recording, Trade)) == 10_147
    assert len(messages(recording, Quote)) == 45_134
    bids: dict[int, int] = {}
    asks: dict[int, int] = {}
    after_trade = matches = 0
    for number, event in enumerate(recording.log.events(0, len(recording))):
        message = event.message
        if isinstance(message, BookUpdate):
            for side, price, qty in message.levels:
                levels = bids if side == 1 else asks
                levels.pop(price, None)
                if qty:
                    levels[price] = qty
        elif number % 10:
            continue
        elif isinstance(message, Quote):
            # What the book shows as best is exactly what the venue said is best.
            assert max(bids) == message.bid
            assert bids[message.bid] == message.bid_qty
            assert min(asks) == message.ask
            assert asks[message.ask] == message.ask_qty
        elif isinstance(message, Trade):
            after_trade += 1
            matches += min(asks) >= message.price >= max(bids) if bids and asks else 0
    assert matches > 0.5 * after_trade
    # The checkpoints tell the same as the changes.
    final = {(1, p, q) for p, q in bids.items()} | {(2, p, q) for p, q in asks.items()}
    assert set(recording.books_at(len(recording))[0]) == final
