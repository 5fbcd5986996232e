from __future__ import annotations

import time

import pytest
from PySide6.QtCore import QObject

from app import frames
from app.frames import FrameClock


@pytest.fixture
def clock(qtbot, monkeypatch):
    """A clock whose time stands still between frames until a test moves it."""
    now = [100.0]
    monkeypatch.setattr(frames.time, "perf_counter", lambda: now[0])
    parent = QObject()
    made = FrameClock(lambda: now.__setitem__(0, now[0] + 0.002), parent)
    made.now = now
    yield made
    made.stop()


def run(clock, seconds: float, interval: float = 0.016) -> None:
    until = clock.now[0] + seconds
    while clock.now[0] < until:
        clock.now[0] += interval - 0.002
        clock._frame()


def test_the_first_second_is_not_measured(clock):
    clock.start()
    run(clock, 0.9, interval=0.3)
    assert clock.summary() == (0.0, 0.0, 0.0)
    run(clock, 3.0)
    rate, p99, cost = clock.summary()
    assert rate == pytest.approx(62.5)
    assert p99 == pytest.approx(16.0)
    assert cost == pytest.approx(2.0)


def test_slow_frames_show(clock):
    clock.start()
    run(clock, 5.0)
    run(clock, 1.0, interval=0.1)
    assert clock.summary()[1] == pytest.approx(100.0)
    assert max(clock.intervals_ms()) == pytest.approx(100.0)


def test_only_the_last_minute_counts(clock):
    clock.start()
    run(clock, 5.0, interval=0.1)
    run(clock, 0.016 * (frames.KEPT + 10))
    assert len(clock.intervals_ms()) == frames.KEPT
    assert max(clock.intervals_ms()) == pytest.approx(16.0)


def test_what_passes_while_minimised_is_no_slow_frame(clock):
    clock.start()
    run(clock, 3.0)
    clock.slow_down(250)
    run(clock, 5.0, interval=0.25)
    clock.slow_down(16)
    run(clock, 3.0)
    assert max(clock.intervals_ms()) == pytest.approx(16.0)


def test_forgetting_begins_at_once(clock):
    clock.start()
    run(clock, 2.0, interval=0.1)
    clock.forget()
    assert clock.frames == 0
    run(clock, 0.5)
    assert clock.summary()[1] == pytest.approx(16.0)


def test_it_beats_by_itself_until_stopped(qtbot):
    parent, beats = QObject(), []
    clock = FrameClock(lambda: beats.append(time.monotonic()), parent, 5)
    clock.start()
    qtbot.waitUntil(lambda: len(beats) > 5)
    clock.stop()
    count = len(beats)
    qtbot.wait(30)
    assert len(beats) == count
