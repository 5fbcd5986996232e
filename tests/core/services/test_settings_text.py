"""Where a field of a settings file stands, and what was meant by a name that is not known."""

from __future__ import annotations

import tomllib
from importlib import resources

import pytest

from core.services.settings_text import line_of, remedy

TEXT = """\
a = 1

[b]  # a table
c = 2
"odd name" = 3
[[d]]
e = 1
[[ d ]]
e = 2
[[d.f]]
g = [
  [1, 2],
]
[[d.f]]
g = []
[d.h]
i.j = 5
[[d]]
[[d.f]]
g = [{ k = 1 }]
"""


@pytest.mark.parametrize(
    ("field", "line"),
    [
        ("a", 1),
        ("b", 3),
        ("b.c", 4),
        ("b.odd name", 5),
        ("d", 6),
        ("d[0]", 6),
        ("d[1]", 8),
        ("d[1].e", 9),
        ("d[1].f[0].g", 11),
        ("d[1].f[1].g", 15),
        ("d[1].h.i.j", 17),
        ("d[2].f[0].g[0].k", 20),
        ("d[1].missing", 8),
        ("nowhere", 0),
        ("", 0),
    ],
)
def test_lines_of_fields(field, line):
    tomllib.loads(TEXT)
    assert line_of(TEXT, field) == line


def test_every_field_of_our_own_settings_is_found_in_its_line():
    text = resources.files("resources").joinpath("engine.toml").read_text("utf-8")
    lines = text.splitlines()

    def walk(value, place):
        if isinstance(value, dict):
            for key, inner in value.items():
                walk(inner, f"{place}.{key}" if place else key)
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for index, inner in enumerate(value):
                walk(inner, f"{place}[{index}]")
        else:
            name = place.rpartition(".")[2]
            assert name in lines[line_of(text, place) - 1], place

    walk(tomllib.loads(text), "")


def test_what_was_meant():
    assert remedy("Lihgt", ["dark", "light"]) == "Did you mean “light”?"
    assert remedy("PAPER-1 ", ["Paper-1", "X"]) == "Did you mean “Paper-1”?"
    assert remedy("pink", ["dark", "light"]) == "Use one of: dark, light."
    assert remedy("anything", []) == "Remove it."
