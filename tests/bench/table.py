"""Rows of the bench: what they hold, whether they meet their budget, and the printed table."""

import math
from collections.abc import Sequence
from typing import Literal, NotRequired, TypedDict


class Row(TypedDict):
    """One measured figure.

    `value` is the median of several runs and `spread` the least and greatest of them; `goal` is
    what we want and `must` what has to hold, both in `unit` and None where there is none.
    """

    name: str
    value: float | None
    spread: tuple[float, float] | None
    unit: str
    goal: float | None
    must: float | None
    better: Literal["lower", "higher"]
    error: NotRequired[str]


Verdict = Literal["goal", "must", "no", "MISSED", "FAILED", ""]

_HEADINGS = ("what", "median", "spread", "unit", "goal", "must", "met")


def failed(name: str, reason: str) -> Row:
    """The row of a bench that could not run."""
    return {
        "name": name,
        "value": None,
        "spread": None,
        "unit": "",
        "goal": None,
        "must": None,
        "better": "lower",
        "error": reason,
    }


def check(row: Row) -> None:
    """Raises ValueError when a bench yields something else than a row with a finite figure."""
    lacking = Row.__required_keys__ - row.keys()
    if lacking:
        raise ValueError(f"row {row.get('name')!r} lacks {', '.join(sorted(lacking))}")
    if row["better"] not in ("lower", "higher"):
        raise ValueError(f"row {row['name']!r}: better is {row['better']!r}")
    value = row["value"]
    if "error" not in row and (value is None or not math.isfinite(value)):
        raise ValueError(f"row {row['name']!r}: {value} is no figure")


def verdict(row: Row) -> Verdict:
    """Which budget the figure meets: its goal, only its must, or not even that.

    A goal missed where there is no must is "no"; without a budget it is empty.
    """
    value = row["value"]
    if value is None or "error" in row:
        return "FAILED"
    sign = 1 if row["better"] == "lower" else -1
    goal, must = row["goal"], row["must"]
    if goal is not None and sign * value <= sign * goal:
        return "goal"
    if must is None:
        return "" if goal is None else "no"
    return "must" if sign * value <= sign * must else "MISSED"


def render(rows: Sequence[Row]) -> str:
    """The rows as an aligned table; a reason stands below a row that failed."""
    lines = [list(_HEADINGS), *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEADINGS))]
    printed = []
    for index, line in enumerate(lines):
        left = line[0].ljust(widths[0])
        right = [cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)]
        printed.append("  ".join([left, *right]).rstrip())
        if index == 0:
            printed.append("-" * (sum(widths) + 2 * (len(widths) - 1)))
        elif reason := rows[index - 1].get("error"):
            printed.append(f"    {reason}")
    return "\n".join(printed)


def _cells(row: Row) -> list[str]:
    spread = row["spread"]
    sign = "<= " if row["better"] == "lower" else ">= "
    return [
        row["name"],
        _number(row["value"]),
        "" if spread is None else f"{_number(spread[0])}..{_number(spread[1])}",
        row["unit"],
        "" if row["goal"] is None else sign + _number(row["goal"]),
        "" if row["must"] is None else sign + _number(row["must"]),
        verdict(row),
    ]


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    decimals = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{min(decimals, 6)}f}"
