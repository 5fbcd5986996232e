"""The docking library, known to this file alone: panels in docks of a window, and their look."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import PySide6QtAds as QtAds
from PySide6.QtCore import QByteArray, Qt, qUncompress
from PySide6.QtWidgets import QAbstractButton, QLabel, QMainWindow, QSplitter, QWidget

from app.places import into_view
from app.workspace import VERSION, SavedPanel
from widgets.panel import Panel
from widgets.theme import Tokens

FLOATING = "floating"

AREAS = {
    "left": QtAds.LeftDockWidgetArea,
    "right": QtAds.RightDockWidgetArea,
    "top": QtAds.TopDockWidgetArea,
    "bottom": QtAds.BottomDockWidgetArea,
    "center": QtAds.CenterDockWidgetArea,
}

BUTTONS = {
    "tabCloseButton": "Close this panel",
    "tabsMenuButton": "All panels here",
    "detachGroupButton": "Take these panels out of the window",
    "dockAreaAutoHideButton": "Pin these panels to the edge",
    "dockAreaMinimizeButton": "Minimise these panels",
    "dockAreaCloseButton": "Close these panels",
}


class Docks:
    """Panels in docks of a main window.

    Attributes:
        panels: the open panels by id.
        missing: what the workspace says of panels that could not be opened.
        locked: nothing can be moved, resized, taken out or closed with the mouse.
    """

    def __init__(self, window: QMainWindow, changed: Callable[[], None]) -> None:
        flags = QtAds.CDockManager
        # the library's own style sheet is loaded anew with each palette and would undo ours
        flags.setConfigFlag(flags.DisableStylesheet, True)
        flags.setConfigFlag(flags.OpaqueSplitterResize, True)
        flags.setConfigFlag(flags.DockAreaHasUndockButton, True)
        flags.setConfigFlag(flags.DockAreaHasTabsMenuButton, False)
        flags.setConfigFlag(flags.DockAreaHasCloseButton, False)
        flags.setConfigFlag(flags.AlwaysShowTabs, True)
        flags.setConfigFlag(flags.FocusHighlighting, False)
        flags.setConfigFlag(flags.DockAreaHideDisabledButtons, True)
        flags.setConfigFlag(flags.DisableTabTextEliding, True)
        self._manager = flags(window)
        self._manager.dockAreasAdded.connect(changed)
        self._manager.dockAreasRemoved.connect(changed)
        self._manager.dockWidgetAboutToBeRemoved.connect(self._on_leaving)
        self._manager.dockWidgetRemoved.connect(self._on_removed)
        self._changed = changed
        self._docks: dict[str, QtAds.CDockWidget] = {}
        self._left: dict[str, tuple[str, str]] = {}  # how all stood with a panel and without it
        self.panels: dict[str, Panel] = {}
        self.missing: dict[str, SavedPanel] = {}
        self.locked = False

    def __contains__(self, panel_id: object) -> bool:
        return panel_id in self._docks

    def new_id(self, kind: str) -> str:
        """A free id for a panel of this kind."""
        count = 1
        while f"{kind}-{count}" in self._docks:
            count += 1
        return f"{kind}-{count}"

    def add(
        self, panel_id: str, panel: Panel, title: str, area: str = "center", beside: str = ""
    ) -> None:
        """Dock a panel: in an `area` of the window, or of the dock of panel `beside`.

        The area `FLOATING` is a window of its own, which can be docked later. One that was closed
        comes back to where it was, when nothing went elsewhere since and no other place is named.
        """
        before, without = self._left.pop(panel_id, ("", ""))
        back = area == "center" and not beside and without and without == _shape(self.save())
        self.panels[panel_id] = panel
        dock = self._dock(panel_id, title, panel)
        if back:
            self._bring_back(dock, before)
        else:
            self._place(dock, area, beside)

    def _bring_back(self, dock: QtAds.CDockWidget, before: str) -> None:
        """Arrange all as it was `before` a panel was closed, but for what was resized since."""
        name = dock.objectName()
        tabs = [area.currentDockWidget() for area in self._manager.openedDockAreas()]
        sizes = {parts: splitter.sizes() for parts, splitter in self._splitters(name)}
        places = {_names(window): window.geometry() for window in self._manager.floatingWidgets()}
        self._place(dock, "center", "")
        self.restore(before)
        for parts, splitter in self._splitters(name):
            splitter.setSizes(sizes.get(parts, splitter.sizes()))
        for window in self._manager.floatingWidgets():
            window.setGeometry(places.get(_names(window), window.geometry()))
        for tab in (*tabs, dock):
            tab.setAsCurrentTab()

    def _splitters(self, panel_id: str) -> Iterator[tuple[tuple[frozenset[str], ...], QSplitter]]:
        """Each with the panels in its parts, one panel not counted."""
        for container in self._manager.dockContainers():
            for splitter in container.findChildren(QSplitter):
                parts = (_names(splitter.widget(number)) for number in range(splitter.count()))
                yield tuple(part - {panel_id} for part in parts), splitter

    def _place(self, dock: QtAds.CDockWidget, area: str, beside: str) -> None:
        neighbour = self._docks.get(beside)
        where = None
        if neighbour is not None and neighbour is not dock:
            where = neighbour.dockAreaWidget()
        if area == FLOATING:
            self._float(dock)
        elif where is None:
            self._manager.addDockWidget(AREAS[area], dock)
        else:
            self._manager.addDockWidget(AREAS[area], dock, where)
        self._settle()

    def _float(self, dock: QtAds.CDockWidget) -> None:
        """Put a dock into a window of its own over the middle of the main one."""
        window = self._manager.window()
        holder = self._manager.addDockWidgetFloating(dock)
        holder.resize(dock.widget().sizeHint().boundedTo(window.size()))
        holder.move(window.geometry().center() - holder.rect().center())

    def add_missing(
        self, entry: SavedPanel, title: str, text: str, area: str = "center", beside: str = ""
    ) -> None:
        """Hold the place of a panel that cannot be opened; the workspace keeps its entry."""
        self.missing[entry.id] = entry
        label = QLabel(text)
        label.setWordWrap(True)
        label.setMargin(12)
        self._place(self._dock(entry.id, title, label), area, beside)

    def _dock(self, panel_id: str, title: str, widget: QWidget) -> QtAds.CDockWidget:
        dock = QtAds.CDockWidget(self._manager, title)
        dock.setObjectName(panel_id)
        dock.setWidget(widget, QtAds.CDockWidget.ForceNoScrollArea)
        dock.setFeature(QtAds.CDockWidget.DockWidgetDeleteOnClose, True)
        dock.setMinimumSizeHintMode(QtAds.CDockWidget.MinimumSizeHintFromContent)
        self._docks[panel_id] = dock
        return dock

    def _name_buttons(self) -> None:
        """Say what the docking library's own buttons do; it leaves them without a name."""
        for button in self._manager.findChildren(QAbstractButton):
            name = BUTTONS.get(button.objectName())
            if name and not button.accessibleName():
                button.setAccessibleName(name)

    def close(self, panel_id: str) -> None:
        """Close one panel."""
        dock = self._docks.get(panel_id)
        if dock is not None:
            dock.closeDockWidget()

    def show(self, panel_id: str) -> None:
        """Bring a panel to the front."""
        dock = self._docks.get(panel_id)
        if dock is not None:
            dock.toggleView(True)
            dock.setAsCurrentTab()

    def split(self, panel_id: str, sizes: list[int]) -> None:
        """Set the sizes of the splitter that holds a panel's dock, in pixels."""
        dock = self._docks.get(panel_id)
        area = dock.dockAreaWidget() if dock is not None else None
        if area is not None:
            self._manager.setSplitterSizes(area, sizes)

    def clear(self) -> None:
        """Close all panels."""
        docks = list(self._docks.values())
        self._docks.clear()
        self._left.clear()
        for dock in docks:
            # the library shows the next tab of an area, even where it is about to go as well
            dock.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)
        for dock in docks:
            self._manager.removeDockWidget(dock)
        for dock in docks:
            dock.hide()
            dock.deleteLater()
        self.panels.clear()
        self.missing.clear()

    @contextmanager
    def rebuilding(self) -> Iterator[None]:
        """Lay nothing out while panels go and come: once at the end is enough."""
        self._manager.hide()
        try:
            yield
        finally:
            self._manager.show()

    def save(self) -> str:
        """The arrangement as text."""
        return bytes(self._manager.saveState(VERSION).toBase64().data()).decode()

    def restore(self, text: str) -> bool:
        """Arrange the open panels as saved; False when the text does not fit."""
        if not text:
            return False
        state = QByteArray.fromBase64(text.encode())
        fits = bool(self._manager.restoreState(state, VERSION))
        for window in self._manager.floatingWidgets():
            into_view(window)
        self._settle()
        return fits

    def lock(self, locked: bool) -> None:
        """Hold everything in its place, or let it go."""
        self.locked = locked
        dock = QtAds.CDockWidget
        held = (
            dock.DockWidgetMovable
            | dock.DockWidgetFloatable
            | dock.DockWidgetClosable
            | dock.DockWidgetPinnable
        )
        self._manager.lockDockWidgetFeaturesGlobally(held if locked else dock.NoDockWidgetFeatures)
        self._settle()

    def _settle(self) -> None:
        """What the library made anew gets its names and its lock."""
        self._name_buttons()
        for container in self._manager.dockContainers():
            for splitter in container.findChildren(QSplitter):
                for number in range(1, splitter.count()):
                    splitter.handle(number).setEnabled(not self.locked)

    def apply_theme(self, t: Tokens) -> None:
        """Colour the docks' own parts."""
        self._manager.setStyleSheet(_style(t))

    def _on_leaving(self, dock: QtAds.CDockWidget) -> None:
        if dock.objectName() in self._docks:
            self._left[dock.objectName()] = self.save(), ""

    def _on_removed(self, dock: QtAds.CDockWidget) -> None:
        for panel_id, known in list(self._docks.items()):
            if known is dock:
                del self._docks[panel_id]
                self._left[panel_id] = self._left[panel_id][0], _shape(self.save())
                self.panels.pop(panel_id, None)
                self.missing.pop(panel_id, None)
        self._changed()


def _names(widget: QWidget) -> frozenset[str]:
    """The ids of the panels in a part of the window, those behind other tabs too."""
    areas = widget.findChildren(QtAds.CDockAreaWidget)
    if isinstance(widget, QtAds.CDockAreaWidget):
        areas.append(widget)
    return frozenset(dock.objectName() for area in areas for dock in area.dockWidgets())


def _shape(saved: str) -> str:
    """Of a saved arrangement what is in what, without sizes, places and chosen tabs."""
    data = QByteArray.fromBase64(saved.encode())
    text = bytes((data if data.startsWith(b"<") else qUncompress(data)).data()).decode()
    return re.sub(r"<(Sizes|Geometry)>[^<]*</\1>| Current=\"[^\"]*\"", "", text)


def _style(t: Tokens) -> str:
    def c(name: str) -> str:
        return str(getattr(t, name).name())

    return f"""
ads--CDockContainerWidget, ads--CDockAreaWidget {{ background: {c("window")}; border: none; }}
ads--CDockSplitter::handle {{ background: {c("window")}; }}
ads--CDockAreaTitleBar {{ background: {c("window")}; padding: 0; border: none; }}
ads--CDockWidgetTab {{ background: {c("window")}; border: none; padding: 3px 6px;
  border-top: 2px solid transparent; }}
ads--CDockWidgetTab[activeTab="true"] {{ background: {c("panel")};
  border-top: 2px solid {c("accent")}; }}
ads--CDockWidgetTab QLabel {{ color: {c("dim")}; }}
ads--CDockWidgetTab[activeTab="true"] QLabel {{ color: {c("text")}; }}
ads--CDockWidget {{ background: {c("panel")}; border: none; }}
ads--CTitleBarButton {{ padding: 1px; border: none; background: transparent; }}
ads--CTitleBarButton:hover, #tabCloseButton:hover {{ background: {c("raised")}; }}
#tabCloseButton {{ border: none; background: transparent; padding: 0; }}
"""
