"""What traded at each price: the session's volume profile, and the last trades as they fade.

No Qt. Both are fed from the tape, each trade once; the profile grows, the fading trades expire.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from core.client.series import Tape
from core.model.instruments import Instrument

FADE = 4_000_000_000
"""Nanoseconds over which a trade fades."""

FADE_STEPS = 8
"""Steps of fading, so that a row is repainted that often and not at every frame."""

_DAY = 86_400_000_000_000


class Print(NamedTuple):
    """Trades at one price that have not faded: lots, aggressor of the newest, when it was seen."""

    qty: int
    aggressor: int
    seen: int


class Traded:
    """Volume by bucket for one instrument.

    Attributes:
        volume: lots traded in this session, by bucket.
        poc: the bucket with the most volume (point of control); 0 before any trade.
        since: venue time of the first trade counted, UTC ns.
        prints: trades that have not faded yet, by bucket.
        version: grows with each change of `volume`.
    """

    def __init__(self, group: int = 1) -> None:
        self.volume: dict[int, int] = {}
        self.prints: dict[int, Print] = {}
        self.poc = 0
        self.since = 0
        self.version = 0
        self._group = group
        self._ticks: dict[int, int] = {}
        self._tape: Tape | None = None
        self._next = 0
        self._session = 0

    def set_group(self, group: int) -> None:
        """How many ticks share a bucket from now on."""
        if group == self._group:
            return
        self._group = group
        self.volume = {}
        self.prints = {}
        for price, qty in self._ticks.items():
            bucket = price // group
            self.volume[bucket] = self.volume.get(bucket, 0) + qty
        self.poc = max(self.volume, key=lambda b: self.volume[b], default=0)
        self.version += 1

    def take(self, tape: Tape, instrument: Instrument, now: int) -> None:
        """Count the trades that are new on `tape`; `now` (ns) is the clock of the fading.

        A tape that was not seen before is history: it is counted but does not flash.
        """
        history = tape is not self._tape
        if history:
            self._forget()
            self._tape, self._next = tape, tape.first
        end = tape.first + len(tape)
        if end <= self._next:
            return
        new = max(self._next - tape.first, 0)
        self._next = end
        columns = (tape[name][new:].tolist() for name in ("ts", "price", "qty", "aggressor"))
        for ts, price, qty, aggressor in zip(*columns, strict=True):
            day = session_of(ts, instrument)
            if day != self._session:
                self._restart(ts, day)
            bucket = price // self._group
            self._ticks[price] = self._ticks.get(price, 0) + qty
            volume = self.volume.get(bucket, 0) + qty
            self.volume[bucket] = volume
            if volume > self.volume.get(self.poc, 0) or not self.poc:
                self.poc = bucket
            if not history:
                old = self.prints.pop(bucket, None)
                self.prints[bucket] = Print(qty + (old.qty if old else 0), aggressor, now)
        self.version += 1

    def expire(self, now: int) -> None:
        """Drop the trades that have faded by `now`."""
        while self.prints:
            bucket = next(iter(self.prints))
            if now - self.prints[bucket].seen < FADE:
                return
            del self.prints[bucket]

    def _restart(self, ts: int, day: int) -> None:
        self._session, self.since, self.poc = day, ts, 0
        self._ticks, self.volume = {}, {}

    def _forget(self) -> None:
        self._restart(0, 0)
        self.prints = {}
        self.version += 1


def faded(print_: Print, now: int) -> int:
    """How far a trade has faded, 0 (new) to `FADE_STEPS` - 1."""
    step = (now - print_.seen) * FADE_STEPS // FADE
    return min(max(step, 0), FADE_STEPS - 1)


_zones: dict[str, ZoneInfo] = {}


def session_of(ts: int, instrument: Instrument) -> int:
    """The day, in the exchange's own zone, that a trade at `ts` (UTC ns) belongs to; from 1."""
    zone = instrument.hours.timezone
    if zone == "UTC":
        return ts // _DAY + 1
    known = _zones.get(zone)
    if known is None:
        known = _zones[zone] = ZoneInfo(zone)
    return datetime.fromtimestamp(ts // 1_000_000_000, UTC).astimezone(known).toordinal()
