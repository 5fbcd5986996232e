"""Finding a strategy, and saying where it is broken."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from core.strategy.api import StrategyError
from core.strategy.registry import BUILTIN, find_strategy

GOOD = "from core.strategy.api import Strategy\nclass Mine(Strategy):\n    pass\n"


def test_built_in_and_own_ones_are_found(tmp_path: Path) -> None:
    for kind, found in BUILTIN.items():
        assert find_strategy(kind, tmp_path) is found
    (tmp_path / "mine.py").write_text(GOOD)
    assert find_strategy("mine.py:Mine", tmp_path).__name__ == "Mine"


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("def f(:\n", "mine.py does not load: invalid syntax (mine.py, line 1)."),
        ("x = 1\n\nif x:\ny = 2\n", "(mine.py, line 4)."),
        (
            "x = 1\nx.nothing\n",
            "AttributeError: 'int' object has no attribute 'nothing' (mine.py, line 2).",
        ),
        ("import json\njson.loads('{')\n", "(mine.py, line 2)."),
        (
            "import not_there\n",
            "ModuleNotFoundError: No module named 'not_there' (mine.py, line 1).",
        ),
        ("raise SystemExit(3)\n", "SystemExit: 3 (mine.py, line 1)."),
        ("class Mine: pass\n", "has no class Mine that is a core.strategy.api.Strategy."),
        ("", "has no class Mine"),
    ],
)
def test_a_broken_file_is_named_with_its_line(tmp_path: Path, source: str, text: str) -> None:
    (tmp_path / "mine.py").write_text(source)
    with pytest.raises(StrategyError) as caught:
        find_strategy("mine.py:Mine", tmp_path)
    assert str(caught.value).endswith(text) or text in str(caught.value)


@pytest.mark.parametrize(
    "kind", ["", "magic", "mine.py", "mine:Mine", "../mine.py:Mine", "a/b.py:C"]
)
def test_kinds_that_are_none_are_refused_with_what_there_is(tmp_path: Path, kind: str) -> None:
    with pytest.raises(StrategyError, match="Built in are crossover"):
        find_strategy(kind, tmp_path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StrategyError, match="is not there"):
        find_strategy("mine.py:Mine", tmp_path)


def test_an_edit_within_the_same_second_counts(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    for size in (1, 2):
        path.write_text(f"{GOOD}    size = {size}\n")
        os.utime(path, (1_700_000_000, 1_700_000_000))
        found = find_strategy("mine.py:Mine", tmp_path)
        assert vars(found)["size"] == size
    assert [p.name for p in tmp_path.iterdir()] == ["mine.py"]
