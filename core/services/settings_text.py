"""What a sentence about a settings file needs: the line of a field, and the name that was meant."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

import msgspec

_NAME = r"""[\w\- ."']+?"""
_HEADER = re.compile(rf"\s*(\[\[?)\s*({_NAME})\s*\]\]?\s*(#.*)?")
_KEY = re.compile(rf"\s*({_NAME})\s*=")
_LAST = re.compile(r"\.?[^.\[\]]+$|\[[^\[\]]*\]$")
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(.*)`")
_VALUE = re.compile(r"Invalid enum value '(.*)'", re.DOTALL)


def line_of(text: str, field: str) -> int:
    """The line in which a field of a TOML text stands, or else what it is in; 0: nowhere.

    Args:
        field: such as ``risk.margins[0].model``.
    """
    lines = _lines(text)
    while field and field not in lines:
        field = _LAST.sub("", field, count=1)
    return lines.get(field, 0)


def _lines(text: str) -> dict[str, int]:
    """Each table and key of a TOML text, and the line where it begins."""
    found: dict[str, int] = {}
    counts: dict[str, int] = {}  # how many tables of an array came so far
    table = ""
    for number, line in enumerate(text.splitlines(), 1):
        header = _HEADER.fullmatch(line)
        if header is not None:
            table = ""
            *parents, last = _names(header[2])
            for parent in parents:
                table = _joined(table, parent)
                if table in counts:
                    table += f"[{counts[table] - 1}]"
            table = _joined(table, last)
            if header[1] == "[[":
                found.setdefault(table, number)
                counts[table] = counts.get(table, 0) + 1
                table += f"[{counts[table] - 1}]"
            elif table in counts:
                table += f"[{counts[table] - 1}]"
            found.setdefault(table, number)
            continue
        key = _KEY.match(line)
        if key is not None:
            place = table
            for name in _names(key[1]):
                place = _joined(place, name)
                found.setdefault(place, number)
    return found


def _names(dotted: str) -> list[str]:
    return [name.strip().strip("\"'") for name in dotted.split(".")]


def _joined(table: str, name: str) -> str:
    return f"{table}.{name}" if table else name


def what_is_wrong(error: msgspec.ValidationError, kind: type[msgspec.Struct]) -> tuple[str, str]:
    """The place of the field that msgspec refused, and a sentence about it with a remedy.

    Args:
        kind: what the whole should be.
    """
    what, _, place = str(error).partition(" - at `$")
    place = place.rstrip("`").lstrip(".")
    about = _type_at(kind, place)
    unknown, value = _UNKNOWN.fullmatch(what), _VALUE.fullmatch(what)
    if unknown is not None and isinstance(about, msgspec.inspect.StructType):
        known = [field.encode_name for field in about.fields]
        return _joined(place, unknown[1]), f"there is no such field. {remedy(unknown[1], known)}"
    if value is not None and isinstance(about, msgspec.inspect.LiteralType):
        known = [str(one) for one in about.values]
        return place, f"“{value[1]}” is not possible. {remedy(value[1], known)}"
    missing = _MISSING.fullmatch(what)
    if missing is not None:
        return place, f"“{missing[1]}” is missing. Add it."
    return place, f"{what}. Mend that field."


def remedy(name: str, known: Iterable[str]) -> str:
    """What to do about a name that is not known: the one that was meant, or else all there are."""
    names = list(known)
    close = get_close_matches(name.lower(), [n.lower() for n in names], 1)
    if close:
        meant = next(n for n in names if n.lower() == close[0])
        return f"Did you mean “{meant}”?"
    return f"Use one of: {', '.join(names)}." if names else "Remove it."


def _type_at(kind: type[msgspec.Struct], place: str) -> object:
    """What should stand at a place within a struct; None when that cannot be told."""
    about: object = msgspec.inspect.type_info(kind)
    for name, index in re.findall(r"([^.\[\]]+)|(\[[^\[\]]*\])", place):
        if index and isinstance(about, msgspec.inspect.ListType):
            about = about.item_type
        elif isinstance(about, msgspec.inspect.DictType):
            about = about.value_type
        elif isinstance(about, msgspec.inspect.StructType):
            about = next((f.type for f in about.fields if f.encode_name == name), None)
        if isinstance(about, msgspec.inspect.Metadata):
            about = about.type
    return about
