"""A shown ladder for each test; no window of it stays open."""

import pytest

from tests.widgets.ladder_bench import Bench


@pytest.fixture
def bench(qtbot):
    bench = Bench(qtbot)
    yield bench
    popup = bench.panel._popup
    if popup is not None:
        popup.close()
