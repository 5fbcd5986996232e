from __future__ import annotations

import re

import pytest
from PySide6.QtGui import QPalette

from core.client.stores import Stores
from core.model.enums import LinkState, Severity
from core.model.events import JOURNAL, LinkUpdate
from core.model.session import EngineView, SourceView
from widgets.status.bar import StatusBar, milliseconds
from widgets.theme import LIGHT, apply_theme


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


def up(stores, *names, rate=1234.0, age=2_900_000):
    stores.connected = True
    for name in names:
        stores.sources.put(name, SourceView(name, LinkState.UP, "Fine.", 0, age, 5 * age, rate))


def plain(label) -> str:
    return re.sub(r"<[^>]*>|&nbsp;", " ", label.text())


def test_each_source_has_dot_word_age_and_rate(bar):
    bar.resize(1600, 24)
    up(bar._stores, "ALPHA")
    bar._stores.sources.put("BETA", SourceView("BETA", LinkState.DOWN, "Gone.", 0, 0, 0, 0.0))
    bar.flush(lambda: (60.0, 17.2, 2.5))
    assert "ALPHA up 2.9 ms 1,234/s" in plain(bar.sources)
    assert "BETA down" in plain(bar.sources)
    assert bar.sources.text().count("●") == 2
    assert "p99 14.5 ms" in bar.sources.toolTip()
    assert "Gone." in bar.sources.toolTip()
    assert bar.frames.text() == "60 fps · p99 17 ms"
    assert "2.5 ms" in bar.frames.toolTip()


@pytest.mark.parametrize("width", [1600, 1024, 700, 500])
def test_with_less_room_less_is_said_but_never_the_state(bar, width):
    names = ["ALPHA", "BETA", "GAMMA"]
    up(bar._stores, *names)
    bar._stores.engine = EngineView(0, 1_500_000, 2_000_000, events=12_345.0)
    bar.resize(width, 24)
    bar.flush(lambda: (60.0, 17.2, 2.5))
    for name in names:
        assert f"{name} up" in plain(bar.sources)
    if width == 1600 or width <= 500:  # how much fits between depends on the font
        assert ("/s" in plain(bar.sources)) is (width == 1600)
    if width >= 1024:
        assert bar.minimumSizeHint().width() <= width
        assert (
            sum(x.sizeHint().width() for x in (bar.connection, bar.sources, bar.engine, bar.frames))
            <= width
        )


def test_orders_say_how_long_they_take(bar):
    bar._stores.connected = True
    bar._stores.engine = EngineView(0, 1_500_000, 2_500_000, events=10.0, errors=2)
    bar.flush(lambda: (0.0, 0.0, 0.0))
    assert bar.engine.text() == "orders 1.5 ms · 10 ev/s · 2 errors"
    assert bar.frames.text() == "—"


def test_figures_are_written_four_times_a_second(bar):
    asked = []

    def measure():
        asked.append(1)
        return 60.0, 17.0, 1.0

    for _ in range(50):
        bar.flush(measure)
    assert len(asked) == 1


def test_the_word_is_frozen_only_after_it_was_up(bar):
    assert "Engine starting" in bar.connection.text()
    bar.show_connection(True, "Connected.")
    assert "Engine up" in bar.connection.text()
    bar.show_connection(False, "The engine died.")
    assert "TRADING FROZEN" in bar.connection.text()
    assert bar.message.text() == "✖ The engine died."
    bar.show_connection(True, "Connected.")
    assert bar.message.text() == ""


def test_colours_change_with_the_theme(qapp, bar, qtbot):
    apply_theme(qapp, "dark")
    qapp.processEvents()  # there and back in one turn of the loop is no change to a widget
    bar.show_connection(True, "")
    bar.say("Careful.", Severity.WARNING)
    apply_theme(qapp, "light")
    qtbot.waitUntil(lambda: LIGHT.good.name() in bar.connection.text())
    ink = bar.message.palette().color(QPalette.ColorRole.WindowText)
    assert ink == LIGHT.warning


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [(120_000, "0.12 ms"), (4_500_000, "4.5 ms"), (1_200_000_000, "1.2 s"), (0, "0.00 ms")],
)
def test_latencies_in_words(nanoseconds, text):
    assert milliseconds(nanoseconds) == text


def test_an_engine_whose_journal_cannot_be_written_is_not_simply_up(bar):
    bar._stores.connected = True
    bar.show_connection(True, "Connected.")
    assert "Engine up" in bar.connection.text()
    for state, text, shown, tip in (
        (LinkState.DOWN, "Trading is halted. The disk is full.", "TRADING HALTED", "is full"),
        (LinkState.UP, "The journal can be written again.", "Engine up", "Connected."),
    ):
        bar._stores.links.put(JOURNAL, LinkUpdate(JOURNAL, 1, state, text))
        bar._written = 0.0
        bar.flush(lambda: (60.0, 17.0, 2.0))
        assert shown in bar.connection.text()
        assert tip in bar.connection.toolTip()
