"""Finding instruments by a few letters, and reading lists of symbols. No Qt."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

from core.model.instruments import Instrument

_SPLIT = re.compile(r"[\s,;|]+")


def score(query: str, text: str) -> int | None:
    """How well `query` finds `text`, lower is better; None when its letters are not there in order.

    Whole text, beginning, beginning of a word, anywhere in one piece, scattered: in this order.
    """
    query, text = query.casefold(), text.casefold()
    if not query:
        return 0
    if query == text:
        return 0
    if text.startswith(query):
        return 100 + len(text)
    at = text.find(query)
    if at >= 0:
        begins = not text[at - 1].isalnum()
        return (200 if begins else 300) + at + len(text)
    place, gaps = -1, 0
    for letter in query:
        found = text.find(letter, place + 1)
        if found < 0:
            return None
        gaps += found - place - 1 if place >= 0 else 0
        place = found
    return 1_000 + 20 * gaps + len(text)


def search(query: str, instruments: Iterable[Instrument], most: int = 20) -> list[Instrument]:
    """The instruments that `query` finds by id, symbol or name, best first."""
    found: list[tuple[int, str, Instrument]] = []
    cleaned = query.strip()
    for instrument in instruments:
        by_id = score(cleaned, instrument.id)
        by_symbol = score(cleaned, instrument.symbol)
        by_name = score(cleaned, instrument.name) if instrument.name else None
        marks = [m for m in (by_id, by_symbol) if m is not None]
        if by_name is not None and by_name < 1_000:
            marks.append(by_name + 500)
        if marks:
            found.append((min(marks), instrument.id, instrument))
    return [instrument for _, _, instrument in sorted(found, key=lambda f: f[:2])[:most]]


def resolve(word: str, instruments: Iterable[Instrument]) -> list[str]:
    """Ids meant by a word: the id itself, or the symbol on every venue that has it."""
    wanted = word.strip().casefold()
    same = [i.id for i in instruments if i.id.casefold() == wanted]
    return same or [i.id for i in instruments if i.symbol.casefold() == wanted]


def read_symbols(text: str, instruments: Sequence[Instrument]) -> tuple[list[str], list[str]]:
    """Ids named in pasted text or a CSV file, in order, and a sentence for each line without any.

    A line is read as CSV; any cell or word that names an instrument counts. The first line may
    be a header, and empty lines and comments (#) are passed over.
    """
    by_id = {i.id.casefold(): [i.id] for i in instruments}
    by_symbol: dict[str, list[str]] = {}
    for instrument in instruments:
        by_symbol.setdefault(instrument.symbol.casefold(), []).append(instrument.id)
    ids: dict[str, None] = {}
    problems: list[str] = []
    first = True
    for number, line in enumerate(text.lstrip("\ufeff").splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        found: list[str] = []
        for word in _words(line):
            key = word.casefold()
            found += by_id.get(key) or by_symbol.get(key) or []
        if not found and not (first and _is_header(line)):
            problems.append(f"Line {number}: “{line.strip()[:40]}” names no known symbol.")
        ids.update(dict.fromkeys(found))
        first = False
    return list(ids), problems


def _words(line: str) -> list[str]:
    cells = next(csv.reader(io.StringIO(line)), [])
    words = [cell.strip() for cell in cells]
    return words + [w for cell in words for w in _SPLIT.split(cell) if w and w != cell]


def _is_header(line: str) -> bool:
    names = {"symbol", "symbols", "ticker", "instrument", "instrument_id", "id", "name", "isin"}
    return any(word.casefold() in names for word in _words(line))
