from __future__ import annotations

import pytest

from core.client.stores import Stores
from core.model.enums import LinkState, Severity
from core.model.session import SourceView
from widgets.status.bar import StatusBar


@pytest.fixture
def bar(qtbot):
    bar = StatusBar(Stores())
    qtbot.addWidget(bar)
    bar.show()
    return bar


def test_a_long_message_never_makes_the_window_wider(bar):
    before = bar.minimumSizeHint().width()
    bar.say("An order was refused. " * 20, Severity.WARNING)
    assert bar.minimumSizeHint().width() == before
    assert bar.message.toolTip().count("refused") == 20


def test_without_an_engine_no_source_is_called_up(bar):
    stores = bar._stores
    stores.connected = True
    stores.sources.put("ALPHA", SourceView("ALPHA", LinkState.UP, "", 0, 0, 0, 0.0))
    bar.flush(lambda: (60.0, 17.0, 2.0))
    assert "ALPHA up" in bar.sources.text()
    stores.connected = False
    bar._written = 0.0
    bar.flush(lambda: (60.0, 17.0, 2.0))
    assert "up" not in bar.sources.text()
    assert "— ev/s" in bar.engine.text()


def test_an_engine_that_cannot_start_is_not_called_starting(bar):
    bar.show_connection(False, "", "")
    assert "Engine starting" in bar.connection.text()
    bar.show_connection(False, "The settings are wrong.", "Engine failed")
    assert "Engine failed" in bar.connection.text()
