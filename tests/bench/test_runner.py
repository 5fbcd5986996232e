from __future__ import annotations

import json
import sys
import textwrap

import pytest

from tests.bench import runner, table

GOOD = """
def rows(quick=False):
    yield {"name": "parse", "value": 0.5 if quick else 2.0, "spread": (0.4, 3.0), "unit": "us",
           "goal": 1.0, "must": 5.0, "better": "lower"}
    yield {"name": "throughput", "value": 9e6, "spread": None, "unit": "/s",
           "goal": None, "must": 1e7, "better": "higher"}
"""
BROKEN = """
def rows():
    yield {"name": "before", "value": 1.0, "spread": None, "unit": "s",
           "goal": None, "must": None, "better": "lower"}
    raise OSError("no such socket")
"""


@pytest.fixture
def benches(tmp_path, monkeypatch):
    """A folder of benches that the runner finds instead of the real ones."""
    monkeypatch.setattr(runner, "FOLDER", tmp_path)
    package = sys.modules["tests.bench"]
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])

    def write(name: str, code: str) -> None:
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(code))
        monkeypatch.delitem(sys.modules, f"tests.bench.{name}", raising=False)

    yield write
    for name in list(sys.modules):
        file = getattr(sys.modules[name], "__file__", None) or ""
        if file.startswith(str(tmp_path)):
            del sys.modules[name]


def test_the_table_shows_each_figure_beside_its_budget(benches, capsys):
    benches("alpha_good", GOOD)
    assert runner.main() == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["what", "median", "spread", "unit", "goal", "must", "met"]
    expected = ["parse", "2.00", "0.400..3.00", "us", "<=", "1.00", "<=", "5.00", "must"]
    assert lines[2].split() == expected
    assert lines[3].split() == ["throughput", "9,000,000", "/s", ">=", "10,000,000", "MISSED"]
    assert len({len(line) for line in lines[:3]} | {len(lines[3])}) <= 3


def test_a_bench_that_fails_is_a_failed_row_and_the_others_go_on(benches, capsys, tmp_path):
    benches("alpha_broken", BROKEN)
    benches("beta_good", GOOD)
    file = tmp_path / "figures.json"
    assert runner.main(json_file=file) == 1
    assert "OSError: no such socket" in capsys.readouterr().out
    written = json.loads(file.read_text())
    names = [row["name"] for row in written["rows"]]
    assert names == ["before", "alpha_broken", "parse", "throughput"]
    assert written["rows"][1]["value"] is None
    assert written["machine"]["cores"] >= 1


def test_only_means_benches_by_name_and_else_rows(benches, capsys):
    benches("alpha_broken", BROKEN)
    benches("beta_good", GOOD)
    assert runner.main(only="beta", quick=True) == 0
    assert "before" not in capsys.readouterr().out
    assert runner.main(only="throughput") == 0
    out = capsys.readouterr().out
    assert "throughput" in out
    assert "parse" not in out
    assert runner.main(only="nothing like it") == 1


@pytest.mark.parametrize(
    ("value", "goal", "must", "better", "expected"),
    [
        (1.0, 1.0, 2.0, "lower", "goal"),
        (1.5, 1.0, 2.0, "lower", "must"),
        (2.5, 1.0, 2.0, "lower", "MISSED"),
        (2.5, 2.0, 1.0, "higher", "goal"),
        (1.5, 2.0, 1.0, "higher", "must"),
        (0.5, 2.0, 1.0, "higher", "MISSED"),
        (5.0, 1.0, None, "lower", "no"),
        (5.0, None, None, "lower", ""),
        (None, 1.0, 2.0, "lower", "FAILED"),
    ],
)
def test_verdict(value, goal, must, better, expected):
    row = {**table.failed("x", ""), "value": value, "goal": goal, "must": must, "better": better}
    del row["error"]
    assert table.verdict(row) == expected


@pytest.mark.parametrize("change", [{"value": float("nan")}, {"better": "bigger"}, {"value": None}])
def test_a_row_that_is_no_figure_is_refused(change):
    row = {"name": "x", "value": 1.0, "spread": None, "unit": "s"}
    row |= {"goal": None, "must": None, "better": "lower"}
    table.check(row)
    with pytest.raises(ValueError, match="'x'"):
        table.check({**row, **change})


def test_a_row_that_lacks_a_key_is_refused():
    with pytest.raises(ValueError, match="lacks better, goal, must, spread"):
        table.check({"name": "x", "value": 1.0, "unit": "s"})
