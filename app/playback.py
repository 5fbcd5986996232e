"""The bar of a replay: play or pause, how fast, and where in the recording."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QPushButton, QSlider, QWidget

from core.client.stores import Stores
from core.model.commands import VenueControl
from core.model.enums import Mode
from core.model.ids import IdMaker

SPEEDS = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 50.0, 100.0, 1000.0)
STEPS = 1_000


def clock(ts: int) -> str:
    """``2024-08-09 00:00:01 UTC``."""
    return f"{datetime.fromtimestamp(ts // 10**9, UTC):%Y-%m-%d %H:%M:%S} UTC"


class PlaybackBar(QWidget):
    """Shown while the market is a recorded one.

    Attributes:
        instrument: whose next trade is gone to.

    Signals:
        requested(object): `VenueControl` commands.
        said(str): a sentence for the trader.
    """

    requested = Signal(object)
    said = Signal(str)

    def __init__(self, stores: Stores, ids: IdMaker, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._stores = stores
        self._ids = ids
        self._shown: tuple[int, float] = (-1, 0.0)
        self.instrument = ""
        self.play = QPushButton("Pause", self)
        self.play.setAccessibleName("Play or pause the recording")
        self.play.clicked.connect(self._on_play)
        self.speed = QComboBox(self)
        self.speed.setAccessibleName("Speed of the recording")
        for speed in SPEEDS:
            self.speed.addItem(f"{speed:g}×", speed)
        self.speed.setCurrentIndex(SPEEDS.index(1.0))
        self.speed.activated.connect(self._on_speed)
        self.next = QPushButton("&Next trade", self)
        self.next.setAccessibleName("Go to the next trade in the recording")
        self.next.setToolTip(
            "Skip the quiet time before the instrument's next trade (Ctrl+Shift+N).\n"
            "Working orders are cancelled by that."
        )
        self.next.clicked.connect(self.next_trade)
        self.place = QSlider(Qt.Orientation.Horizontal, self)
        self.place.setAccessibleName("Place in the recording")
        self.place.setToolTip("Drag to another time. Working orders are cancelled by that.")
        self.place.setRange(0, STEPS)
        self.place.setPageStep(STEPS // 20)
        self.place.setTracking(False)
        self.place.sliderMoved.connect(self._on_moved)
        self.place.actionTriggered.connect(self._on_key)
        self.place.sliderReleased.connect(self._on_released)
        self.time = QLabel(self)
        self.time.setAccessibleName("Time in the recording")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, 2, 8, 2)
        layout.addWidget(self.play)
        layout.addWidget(self.speed)
        layout.addWidget(self.next)
        layout.addWidget(self.place, 1)
        layout.addWidget(self.time)
        self.hide()

    def flush(self) -> None:
        """Once a frame: show where the replay is."""
        replay = self._stores.mode is Mode.REPLAY and self._stores.engine.replay_end > 0
        if replay != self.isVisibleTo(self.parentWidget()):
            self.setVisible(replay)
        engine = self._stores.engine
        if not replay or (engine.replay_ts, engine.replay_speed) == self._shown:
            return
        self._shown = (engine.replay_ts, engine.replay_speed)
        paused = engine.replay_speed == 0
        self.play.setText("&Play" if paused else "&Pause")
        if not paused and not self.speed.view().isVisible():
            index = self.speed.findData(engine.replay_speed)
            if index < 0:  # any speed can be asked for on the command line
                index = sum(speed < engine.replay_speed for speed in self._speeds())
                self.speed.insertItem(index, f"{engine.replay_speed:g}×", engine.replay_speed)
            self.speed.setCurrentIndex(index)
        if not self.place.isSliderDown():
            length = max(1, engine.replay_end - engine.replay_start)
            self.place.setValue(STEPS * (engine.replay_ts - engine.replay_start) // length)
            self.time.setText(clock(engine.replay_ts))

    def next_trade(self) -> None:
        """Go to the next trade of the instrument in the recording."""
        if self._stores.mode is Mode.REPLAY:
            self._ask("next", instrument=self.instrument)
        else:
            self.said.emit("Only a recording has a next trade to go to.")

    def _speeds(self) -> list[float]:
        return [float(self.speed.itemData(i)) for i in range(self.speed.count())]

    def _venue(self) -> str:
        return next((i.venue for i in self._stores.instruments), "")

    def _ask(self, action: str, value: float = 0.0, instrument: str = "") -> None:
        name, now = self._ids.next(), time.time_ns()
        self.requested.emit(VenueControl(name, self._venue(), action, value, now, instrument))

    def _on_play(self) -> None:
        self._ask("play" if self._stores.engine.replay_speed == 0 else "pause")

    def _on_speed(self) -> None:
        self._ask("speed", float(self.speed.currentData()))

    def _at(self, step: int) -> int:
        engine = self._stores.engine
        return engine.replay_start + (engine.replay_end - engine.replay_start) * step // STEPS

    def _on_moved(self, step: int) -> None:
        self.time.setText(clock(self._at(step)))

    def _on_key(self) -> None:
        if not self.place.isSliderDown():
            self._ask("seek", float(self._at(self.place.sliderPosition())))

    def _on_released(self) -> None:
        self._ask("seek", float(self._at(self.place.sliderPosition())))
