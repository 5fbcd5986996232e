"""A panel that was closed comes back to where it stood."""

from __future__ import annotations

import PySide6QtAds as QtAds
import pytest
from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QApplication, QWidget


def settle():
    QApplication.processEvents()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    QApplication.processEvents()


def spot(window, kind):
    """Where a panel is in the window: its corner and size."""
    panel = window.panel(kind)
    corner = panel.mapTo(window, panel.rect().topLeft())
    return corner.x(), corner.y(), panel.width(), panel.height()


def near(one, other):
    return all(abs(a - b) <= 2 for a, b in zip(one, other, strict=True))


def close_by_mouse(window, kind):
    """Press the × of a panel's tab."""
    tabs = window.findChildren(QtAds.CDockWidgetTab)
    (tab,) = [t for t in tabs if t.dockWidget().widget() is window.panel(kind)]
    (button,) = [b for b in tab.findChildren(QWidget) if b.objectName() == "tabCloseButton"]
    button.click()
    settle()
    assert window.panel(kind) is None


@pytest.fixture
def window(terminal):
    t = terminal()
    t.connect()
    t.window.resize(1600, 900)
    settle()
    return t.window


@pytest.mark.parametrize("kind", ["ticket", "ladder", "chart", "watchlist", "orders", "risk"])
def test_it_comes_back_to_its_place(window, kind):
    window.docks.show(f"{kind}-1")
    settle()
    before = spot(window, kind)
    close_by_mouse(window, kind)
    window.open_panel(kind)
    settle()
    assert near(spot(window, kind), before)
    assert window.panel(kind).isVisible()


def test_two_come_back_in_the_reverse_order(window):
    before = spot(window, "ticket"), spot(window, "ladder")
    close_by_mouse(window, "ticket")
    close_by_mouse(window, "ladder")
    window.open_panel("ladder")
    window.open_panel("ticket")
    settle()
    assert near(spot(window, "ticket"), before[0])
    assert near(spot(window, "ladder"), before[1])


def test_other_tabs_stay_as_they_are_chosen(window):
    close_by_mouse(window, "ticket")
    window.docks.show("fills-1")
    settle()
    assert window.panel("fills").isVisible()
    window.open_panel("ticket")
    settle()
    assert window.panel("fills").isVisible()
    assert window.panel("ticket").isVisible()


def test_what_was_made_larger_since_stays_so(window):
    before = spot(window, "ticket")
    close_by_mouse(window, "ticket")
    window.docks.split("orders-1", [150, 600])
    settle()
    place = spot(window, "orders")
    window.open_panel("ticket")
    settle()
    assert near(spot(window, "orders"), place)
    assert near(spot(window, "ticket"), before)


def test_a_window_that_was_moved_since_stays_there(window):
    close_by_mouse(window, "risk")
    window.open_panel("risk", area="floating")
    settle()
    before = spot(window, "ticket")
    close_by_mouse(window, "ticket")
    top = window.panel("risk").window()
    assert top is not window
    top.setGeometry(120, 90, 420, 380)
    settle()
    place = top.geometry()
    window.open_panel("ticket")
    settle()
    assert near(spot(window, "ticket"), before)
    assert window.panel("risk").window().geometry() == place


def test_what_was_arranged_since_stays(window):
    close_by_mouse(window, "ticket")
    tape = window.open_panel("tape", area="left")
    settle()
    place = spot(window, "tape")
    window.open_panel("ticket")
    settle()
    assert window.panel("ticket").isVisible()
    assert spot(window, "tape")[0] == place[0], tape
