"""How rows and the form of parameters are arranged while the market moves beneath them."""

from __future__ import annotations

import pytest

from core.model.enums import StrategyMode
from tests.widgets.strategies.test_panel import Bench


@pytest.fixture
def bench(qtbot):
    return Bench(qtbot)


def test_a_row_is_arranged_the_same_at_every_look(bench):
    """A label's own hint depends on how it is arranged; a row that follows it never rests."""
    bench.panel.resize(400, 2_000)  # high enough for all: nothing is scrolled
    bench.position(5)
    bench.tell(mode=StrategyMode.ADVISE, health="running")
    ways = set()
    for width in range(200, 401, 2):
        bench.panel.resize(width, 2_000)
        bench.flush()
        seen = set()
        for _ in range(4):
            bench.row.refresh()
            bench.flush()
            seen.add(bench.row.figures.wordWrap())
        assert len(seen) == 1, f"{width} wide it goes to and fro"
        ways |= seen
    assert ways == {True, False}, "both arrangements were seen"


def test_what_is_selected_in_a_parameter_stays_so_while_the_market_moves(bench):
    bench.click(bench.row.params)
    field = bench.row.form.fields["slow"]
    field.setFocus()
    field.selectAll()
    bench.world.quote()
    bench.flush()
    bench.tell(last_signal="SMA 5 crossed above SMA 20")
    assert field.selectedText() == "20"
    bench.qtbot.keyClicks(field, "30")
    field.setCursorPosition(1)
    bench.tell(last_signal="SMA 5 crossed below SMA 20")
    assert (field.text(), field.cursorPosition()) == ("30", 1)
    bench.tell(params=bench.state.params | {"slow": "40"})
    assert field.text() == "40", "what the engine says anew is shown"
