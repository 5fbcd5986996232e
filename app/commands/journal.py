"""Look into an engine's journal: check it, read it, replay it, mend its end."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from app.commands import words
from app.errors import UserError

if TYPE_CHECKING:
    from core.journal.reader import Recorded
    from core.journal.verify import Report

SUMMARY = "check, show, replay or repair the journal of an engine"

_POLL_SECONDS = 0.2
_EPILOG = (
    "verify and show also read the journal of an engine that is running; repair does not. The"
    " anchor that verify prints names the last record and its chain of hashes: noted elsewhere, it"
    " shows (verify --anchor) whether anything was cut off or written anew since."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to do, with which journal."""
    parser.epilog = _EPILOG
    actions = parser.add_subparsers(title="actions", dest="action", required=True)
    verify = actions.add_parser("verify", help="check every record; exit code 1 for damage")
    verify.add_argument("--anchor", type=_anchor, help="an anchor printed before, to be looked for")
    show = actions.add_parser("show", help="print records")
    show.add_argument("--from", dest="from_ts", type=words.utc_nanoseconds, metavar="TIME")
    show.add_argument("--to", dest="to_ts", type=words.utc_nanoseconds, metavar="TIME")
    show.add_argument("--order", metavar="ID", help="only what is about this order or request")
    show.add_argument("--type", metavar="NAME", help="only messages of this type, e.g. NewOrder")
    show.add_argument("--json", action="store_true", help="one JSON object a line")
    show.add_argument("--follow", action="store_true", help="go on with what is written meanwhile")
    replay = actions.add_parser(
        "replay", help="work everything off anew and print the state's hash"
    )
    replay.add_argument(
        "--snapshot", action="store_true", help="begin at the newest snapshot, not at the beginning"
    )
    replay.add_argument(
        "--until",
        type=words.whole_number(1, 2**63 - 1),
        default=2**63 - 1,
        metavar="N",
        help="stop after record N",
    )
    replay.add_argument(
        "--check", action="store_true", help="compare with the snapshots on the way"
    )
    repair = actions.add_parser("repair", help="cut off an end that is damaged; a copy is kept")
    repair.add_argument(
        "--cut",
        type=words.whole_number(1, 2**63 - 1),
        default=0,
        metavar="N",
        help="yes, give up record N and all after it, though some of them are whole",
    )
    for action in (verify, show, replay, repair):
        words.add_data_dir(action)
        action.add_argument(
            "--engine",
            metavar="NAME",
            default="paper",
            help="whose journal: a folder of DIR/engines (default: paper, the simulated market)",
        )
        action.add_argument("--folder", type=Path, metavar="DIR", help="a journal's folder itself")


def _anchor(text: str) -> str:
    """A word of the command line that looks like an anchor."""
    if re.fullmatch(r"[0-9]+:[0-9a-f]{32}", text) is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no anchor; “journal verify” prints one, such as 149:6b04…"
        )
    return text


def run(options: argparse.Namespace) -> int:
    """Do it. Raises UserError when the journal cannot be used; 1 means damage was found."""
    from core.journal.errors import JournalError

    directory = _folder(options)
    actions = {"verify": _verify, "show": _show, "replay": _replay, "repair": _repair}
    try:
        return actions[options.action](directory, options)
    except JournalError as error:
        raise UserError(str(error)) from error
    except BrokenPipeError:
        raise
    except OSError as error:
        raise UserError(f"{error.filename or directory}: {error.strerror}.") from error


def _folder(options: argparse.Namespace) -> Path:
    from core.services.options import default_data_dir

    if options.folder is not None:
        folder: Path = options.folder
        if not folder.is_dir():
            raise UserError(f"{folder} is no folder. Name one that holds a journal with --folder.")
        return folder
    engines = (options.data_dir or default_data_dir()) / "engines"
    directory: Path = engines / options.engine / "journal"
    if not directory.is_dir():
        found = sorted(path.parent.name for path in engines.glob("*/journal"))
        others = f"; there are: {', '.join(found)}" if found else ""
        raise UserError(
            f"{directory} does not exist, so no engine called {options.engine!r} has run"
            f" here{others}. Choose one with --engine and --data-dir."
        )
    return directory


# -- verify ------------------------------------------------------------------------------------


def _verify(directory: Path, options: argparse.Namespace) -> int:
    from core.journal.lock import is_written
    from core.journal.verify import verify

    live = is_written(directory)
    report = verify(directory, options.anchor or "")
    _tell(directory, report)
    bad = [p for p in report.problems if not (live and p.torn)]
    for problem in bad:
        print(_sentence(problem))
    if options.anchor:
        if report.found_anchor:
            print(f"The noted anchor is in it: nothing up to record {report.last} was taken away.")
        else:
            print(
                "DAMAGE: the noted anchor is not in it: since it was noted, the journal was cut"
                " short or written anew. Put the files back from a backup."
            )
    if live:
        print("An engine is writing it; what it is just writing was left out.")
    if bad:
        print(
            "See “journal repair --help” for a damaged end; else put the files back from a backup."
        )
    return 1 if bad or (options.anchor and not report.found_anchor) else 0


def _tell(directory: Path, report: Report) -> None:
    plural = "" if report.files == 1 else "s"
    print(f"{directory}: {report.files} file{plural}, {report.records} records", end="")
    if report.records:
        print(f" ({report.first} to {report.last}), {_time(report.first_ts)} to", end=" ")
        print(_time(report.last_ts), end="")
    print(".")
    for note in report.notes:
        print(note)
    if report.snapshots:
        print(f"Snapshots at: {', '.join(map(str, report.snapshots))}.")
    print(f"Anchor: {report.anchor}")


def _sentence(problem: object) -> str:
    from core.journal.verify import Problem

    assert isinstance(problem, Problem)
    kind = "TORN END" if problem.torn else "DAMAGE"
    after = f", after {_time(problem.ts)}" if problem.ts else ""
    return (
        f"{kind}: {problem.path.name}, offset {problem.offset}, record {problem.seq}{after}:"
        f" {problem.text}."
    )


def _time(ts: int) -> str:
    """UTC, to the nanosecond."""
    from datetime import UTC, datetime

    try:
        whole = datetime.fromtimestamp(ts // 10**9, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return f"{ts} ns"
    return f"{whole}.{ts % 10**9:09d}Z"


# -- show --------------------------------------------------------------------------------------


def _show(directory: Path, options: argparse.Namespace) -> int:
    if options.type is not None:
        known = {name.lower(): name for name in _types()}
        if options.type.lower() not in known:
            raise UserError(
                f"{options.type!r} is no type of message. Use one of: {', '.join(_types())}."
            )
        options.type = known[options.type.lower()]
    found = False
    for seq, ts, message in _records(directory, options.follow):
        if options.to_ts is not None and ts >= options.to_ts:
            continue
        if options.from_ts is not None and ts < options.from_ts:
            continue
        if options.type is not None and type(message).__name__ != options.type:
            continue
        if options.order is not None and options.order not in _names(message):
            continue
        print(_line(seq, ts, message, options.json), flush=options.follow)
        found = True
    if not found:
        print("outcry: no record is like that.", file=sys.stderr)
    return 0


def _records(directory: Path, follow: bool) -> Iterator[tuple[int, int, Recorded]]:
    from time import sleep

    from core.journal.errors import JournalError
    from core.journal.files import journal_files
    from core.journal.follow import Follower
    from core.journal.reader import NO_END, replay

    files = journal_files(directory)
    if not files:
        raise JournalError(f"{directory}: there is no journal here. Choose another folder.")
    first = int(files[0].stem)
    if not follow:
        yield from replay(directory, first, NO_END)
        return
    follower = Follower(directory, first)
    while True:
        found = follower.poll()
        yield from found
        if not found:
            sys.stdout.flush()
            sleep(_POLL_SECONDS)


def _types() -> list[str]:
    from typing import get_args

    from core.journal.reader import Recorded

    return sorted(kind.__name__ for kind in get_args(Recorded))


def _names(message: object) -> set[str]:
    """Every order and request that a message is about."""
    fields = ("cl_ord_id", "order", "id", "request", "order_id")
    names = {name for f in fields if isinstance(name := getattr(message, f, None), str)}
    for order in getattr(message, "orders", ()):  # those of a list, such as a bracket's
        names |= _names(order)
    return names


def _line(seq: int, ts: int, message: object, as_json: bool) -> str:
    import msgspec

    kind = type(message).__name__
    if as_json:
        whole = {"seq": seq, "time": _time(ts), "ts": ts, "type": kind, "message": _named(message)}
        return msgspec.json.encode(whole).decode()
    parts = []
    for about in msgspec.structs.fields(message):  # type: ignore[arg-type]
        value = getattr(message, about.name)
        if about.default is not msgspec.NODEFAULT and value == about.default:
            continue
        text = value.name if isinstance(value, Enum) else value
        parts.append(f"{about.name}={text}")
    return f"{seq:>9}  {_time(ts)}  {kind:<16} {'  '.join(parts)}"


def _named(value: object) -> object:
    """Messages by the names of their fields; on disk they are without."""
    import msgspec

    if isinstance(value, msgspec.Struct):
        return {f.name: _named(getattr(value, f.name)) for f in msgspec.structs.fields(value)}
    if isinstance(value, tuple | list):
        return [_named(one) for one in value]
    return value.name if isinstance(value, Enum) else value


# -- replay ------------------------------------------------------------------------------------


def _replay(directory: Path, options: argparse.Namespace) -> int:
    from core.services.recovery import check_replay

    found = check_replay(directory, options.until, options.snapshot, options.check)
    print(f"{found.replayed} records worked off, from {found.start + 1} to {found.last}.")
    print(f"State: {found.digest}")
    wrong = False
    for seq, same in found.compared:
        if same:
            print(f"Snapshot {seq}: the same")
        elif seq in found.foreign:
            print(
                f"Snapshot {seq}: another version of this program wrote it and came to another"
                " state. Nothing is damaged; to compare, replay with that version."
            )
        else:
            wrong = True
            print(f"Snapshot {seq}: DIFFERENT")
    if options.check and not found.compared:
        print("There was no snapshot on the way to compare with.")
    return 1 if wrong else 0


# -- repair ------------------------------------------------------------------------------------


def _repair(directory: Path, options: argparse.Namespace) -> int:
    from core.journal.repair import repair

    done = repair(directory, options.cut)
    if done is None:
        print(f"{directory}: nothing is damaged, and nothing was changed.")
        return 0
    print(
        f"{done.path}: cut back to offset {done.offset}, the end of record {done.last}. The"
        f" original is kept whole in {done.kept.name}."
    )
    if not done.dropped:
        print("No whole record was cut off.")
    for seq, ts, message in done.dropped:
        print(f"cut off: {_line(seq, ts, message, False)}")
    return 0
