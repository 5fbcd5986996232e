"""Everything that takes bytes from outside, with good bytes to begin from.

A target is given bytes and a folder of its own. It may say no in the words it is meant to; any
other exception is a fault.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from importlib import resources
from pathlib import Path
from random import Random
from typing import NamedTuple

import msgspec

from app.settings import SettingsFile
from app.workspace import SavedPanel, SavedWorkspace, WorkspaceFile
from app.workspace import encode as encode_workspace
from core.bus.server import Peer, Sent, Server
from core.journal.errors import JournalError
from core.journal.files import Snapshot, journal_files, read_snapshot, snapshot_files
from core.journal.journal import Journal
from core.journal.verify import verify
from core.kernel.kernel import Kernel
from core.model.commands import CancelOrder, NewOrder
from core.model.enums import MarketStatus, OrdType, Side
from core.model.market import BookUpdate, Quote, StatusUpdate, Trade
from core.model.session import Heartbeat, Hello, Submit, Subscribe
from core.model.wire import encode
from core.services.config import ConfigError, parse_config
from core.venues.remote.messages import Flow, decode_from_host, decode_to_host
from core.venues.replay.framed import Recorder
from core.venues.replay.problems import RecordingError
from core.venues.replay.recording import open_recording
from tests.core.services.helpers import instrument
from tests.faults.drive import venue_and_clients
from tests.faults.inputs import T0

_DECODING = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class Target(NamedTuple):
    """What is done with bytes, and some that are right."""

    take: Callable[[bytes, Path], None]
    seeds: Callable[[], list[bytes]]


def _says(place: str, error: Exception) -> None:
    """A sentence that names the place."""
    assert place in str(error), error


def _settings(data: bytes, folder: Path) -> None:
    try:
        config = parse_config(data.decode("utf-8", "replace"), "engine.toml")
    except ConfigError as error:
        _says("engine.toml", error)
    else:
        kernel = Kernel()
        kernel.apply(1, T0, config.setup((instrument("ABC", "X"),)))
        Kernel.load(kernel.dump())


def _settings_seeds() -> list[bytes]:
    return [
        resources.files("resources").joinpath("engine.toml").read_bytes(),
        b'[[accounts]]\nid = "A"\ncash = { USD = 1.5 }\n[[limits]]\nname = "max_order_qty"\n'
        b'value = 10\nscope = "instrument"\nscope_id = "ABC.X"\n',
    ]


def _workspace(data: bytes, folder: Path) -> None:
    (folder / "w.json").write_bytes(data)
    file = WorkspaceFile(folder, "w")
    if file.load() is None:
        assert file.problem, "an arrangement vanished without a word"
    file.save(SavedWorkspace(name="next"))


def _workspace_seeds() -> list[bytes]:
    panels = [SavedPanel("ladder-1", "ladder", {"instrument": "ABC.X", "columns": [1, 2]})]
    return [encode_workspace(SavedWorkspace(name="Mine", panels=panels, instrument="ABC.X"))]


def _own_settings(data: bytes, folder: Path) -> None:
    (folder / "settings.json").write_bytes(data)
    SettingsFile(folder).save()


def _recording(name: str) -> Callable[[bytes, Path], None]:
    def take(data: bytes, folder: Path) -> None:
        path = folder / name
        path.write_bytes(data)
        try:
            recording = open_recording(path)
        except RecordingError as error:
            _says(name.partition(".")[0], error)
        else:
            assert len(recording) > 0
            recording.books_at(len(recording) - 1)

    return take


@cache
def _framed_seed() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "seed.rec"
        recorder = Recorder(path, [instrument("ABC", "X")])
        for n in range(6):
            ts = T0 + n * 1_000_000
            recorder.write(StatusUpdate("ABC.X", ts, ts, MarketStatus.OPEN))
            recorder.write(Quote("ABC.X", ts, ts, 9_999 - n, 5, 10_001, 7))
            recorder.write(BookUpdate("ABC.X", ts, ts, [(1, 9_998, 4), (2, 10_002, n)], n == 0))
            recorder.write(Trade("ABC.X", ts, ts, 10_000 + n, 3, 1, f"t{n}"))
        recorder.close()
        return path.read_bytes()


def _csv_seeds() -> list[bytes]:
    return [
        b"time,bid,ask,bid_qty,ask_qty\n2024-01-02T09:30:00Z,100.00,100.02,5,7\n"
        b"2024-01-02T09:30:01Z,100.01,100.02,5,7\n",
        b"time,price,qty,side\n1704187800000,100.00,5,buy\n1704187801000,100.01,2,sell\n",
    ]


def _binance_seeds() -> list[bytes]:
    return [
        b'{"e":"trade","E":1704187800000,"s":"BTCUSDT","t":1,"p":"42000.10","q":"0.5",'
        b'"T":1704187800000,"m":true}\n'
        b'{"e":"depthUpdate","E":1704187801000,"s":"BTCUSDT","U":1,"u":2,"b":[["42000.00","1"]],'
        b'"a":[["42000.50","0"]]}\n',
    ]


def _journal(data: bytes, folder: Path) -> None:
    """The newest file of a journal: read, or refused and left alone, and never wrongly read."""
    good = {seq: message for seq, _, message in _journal_seed()[1]}
    (folder / "00000000000000000001.journal").write_bytes(data)
    for path in folder.glob("*.journal"):
        path.rename(folder / _journal_seed()[2])
    verify(folder)
    try:
        with Journal.open(folder, sync_every=0) as journal:
            found = list(journal.replay())
    except JournalError as error:
        _says(str(folder), error)
        return
    assert [seq for seq, _, _ in found] == list(range(1, len(found) + 1))
    for seq, _, message in found:
        assert good.get(seq) == message, "something was read that was never written"


@cache
def _journal_seed() -> tuple[bytes, list[tuple[int, int, object]], str]:
    with tempfile.TemporaryDirectory() as folder:
        with Journal.open(folder, sync_every=0) as journal:
            for n in range(8):
                journal.append(T0 + n, CancelOrder(f"c{n}", "o" * n))
        with Journal.open(folder, sync_every=0) as journal:
            messages = list(journal.replay())
        (path,) = journal_files(Path(folder))
        return path.read_bytes(), messages, path.name


def _snapshot(data: bytes, folder: Path) -> None:
    path = folder / "1.snapshot"
    path.write_bytes(data)
    found = read_snapshot(path)
    if isinstance(found, Snapshot):
        assert data == _snapshot_seed(), "a damaged snapshot passed for a good one"


@cache
def _snapshot_seed() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        with Journal.open(folder, sync_every=0) as journal:
            seq = journal.append(T0, CancelOrder("c", "o"))
            journal.commit()
            journal.write_snapshot(seq, T0, Kernel().dump())
        return snapshot_files(Path(folder))[0].read_bytes()


def _dump(data: bytes, folder: Path) -> None:
    try:
        Kernel.load(data)
    except ValueError:
        return


def _client(data: bytes, folder: Path) -> None:
    """What comes over the engine's socket."""
    said: list[bytes] = []

    def write(answer: bytes) -> Sent:
        said.append(answer)
        return Sent.OK

    server = Server("secret", lambda peer, message: None, lambda text: None)
    peer = Peer(write, "fuzz")
    peer.admitted = True
    server.receive(peer, [data])
    server.receive(Peer(write, "stranger"), [data])
    assert len(said) <= 2


def _client_seeds() -> list[bytes]:
    order = NewOrder("O-1", "A1", "ABC.X", Side.BUY, OrdType.LIMIT, 10, 10_000)
    return [
        encode(Submit(order)),
        encode(Hello("me", "terminal", "secret")),
        encode(Subscribe(("*",), ("ABC.X",), (), (("ABC.X", "1m"),))),
        encode(Heartbeat(T0)),
    ]


def _venue(data: bytes, folder: Path) -> None:
    """What comes over the wire of a venue, either way."""
    for decode in (decode_from_host, decode_to_host):
        try:
            decode(data)
        except _DECODING:
            continue


def _venue_seeds() -> list[bytes]:
    quote = Quote("ABC.X", T0, T0, 9_999, 5, 10_001, 5)
    return [encode(Flow((quote, BookUpdate("ABC.X", T0, T0, [(1, 9_999, 5)], True)), 7))]


def _engine(data: bytes, folder: Path) -> None:
    """Bytes choose what a whole engine is told; see `tests.faults.drive`."""
    venue_and_clients(Random(data), 40)


TARGETS: dict[str, Target] = {
    "settings": Target(_settings, _settings_seeds),
    "workspace": Target(_workspace, _workspace_seeds),
    "own settings": Target(_own_settings, lambda: [b'{"theme": "dark", "font_points": 12}']),
    "recording": Target(_recording("fuzzed.rec"), lambda: [_framed_seed()]),
    "csv": Target(_recording("fuzzed.csv"), _csv_seeds),
    "binance": Target(_recording("fuzzed.jsonl"), _binance_seeds),
    "journal": Target(_journal, lambda: [_journal_seed()[0]]),
    "snapshot": Target(_snapshot, lambda: [_snapshot_seed()]),
    "state": Target(_dump, lambda: [Kernel().dump()]),
    "client": Target(_client, _client_seeds),
    "venue": Target(_venue, _venue_seeds),
    "engine": Target(_engine, lambda: [b"0"]),
}


def take(name: str, data: bytes, folder: Path) -> None:
    """Give bytes to a target, in a folder that is empty before and after."""
    place = folder / "fuzz"
    place.mkdir()
    try:
        TARGETS[name].take(data, place)
    finally:
        shutil.rmtree(place)
