"""The chart's row of choices at any width: nothing overlaps, nothing is out of reach."""

from __future__ import annotations

from itertools import pairwise

import pytest
from PySide6.QtWidgets import QApplication, QWidget

from widgets.chart.sheet import Kind
from widgets.chart.toolbar import Toolbar
from widgets.theme import apply_theme


@pytest.fixture
def bar(qtbot, qapp):
    apply_theme(qapp, "dark")
    made = Toolbar("1m")
    qtbot.addWidget(made)
    made.show_instrument("BTC-USD", "Bitcoin on ALPHA")
    made.resize(700, made.sizeHint().height())
    made.show()
    return made


def at_width(bar, width):
    bar.resize(width, bar.height())
    QApplication.processEvents()
    return sorted(
        (w for w in bar.findChildren(QWidget) if w.parent() is bar and w.isVisible()),
        key=lambda w: w.x(),
    )


def actions(bar):
    bar.more.menu().aboutToShow.emit()
    return {a.text(): a for a in bar.more.menu().actions() if a.text()}


@pytest.mark.parametrize("why", ["", "stale 12.3 s", "ALPHA not connected"])
@pytest.mark.parametrize("width", [700, 380, 330, 300, 260, 220, 180, 150])
def test_nothing_overlaps_and_everything_can_be_reached(bar, width, why):
    bar.show_state(why)
    widgets = at_width(bar, width)
    for left, right in pairwise(widgets):
        assert left.x() + left.width() <= right.x(), (left.objectName(), right.objectName())
    assert widgets[-1].x() + widgets[-1].width() <= width
    assert bar.entry.isVisible()
    words = {"VWAP": bar.vwap, "SMA": bar.sma, "Pin": bar.pin, "Candles": bar.kinds}
    for word, widget in words.items():
        assert (word in actions(bar)) != widget.isVisible()
    assert bar.more.isVisible() == bool(actions(bar))


def test_the_name_is_whole_while_something_else_can_give_way(bar):
    at_width(bar, 230)
    needed = bar.name.fontMetrics().horizontalAdvance("BTC-USD")
    assert bar.name.width() >= needed
    assert not bar.vwap.isVisible()
    assert bar.name.toolTip() == "BTC-USD: Bitcoin on ALPHA"


def test_a_stale_price_is_told_before_studies_are_offered(bar):
    at_width(bar, 330)
    bar.show_state("stale 12.3 s")
    QApplication.processEvents()
    assert bar.state.width() >= bar.fontMetrics().horizontalAdvance("stale 12.3 s")


def test_the_menu_does_what_the_hidden_buttons_do(bar, qtbot):
    at_width(bar, 190)
    changed, kinds, pins = [], [], []
    bar.curves_changed.connect(lambda: changed.append(bar.vwap.isChecked()))
    bar.kind_chosen.connect(kinds.append)
    bar.pin_toggled.connect(pins.append)
    found = actions(bar)
    found["VWAP"].trigger()
    found["Line"].trigger()
    found["Pin"].trigger()
    assert (changed, kinds, pins) == ([True], [Kind.LINE], [True])
    again = actions(bar)
    assert again["VWAP"].isChecked()
    assert again["Line"].isChecked()
    assert not again["Candles"].isChecked()
