"""All trades of one instrument, and the bars made of them on demand.

A quiet market makes no bars, and that is no gap: the feed was up and there was nothing to tell.
A gap is a stretch in which there may have been trades that nobody here saw.

Trades arrive in a ring, from which tapes are read; before the ring forgets them they move into
the archive, from which bars of any interval can still be made later. It is packed, at some ten
bytes a trade, since it is what a long day costs. Making bars of a long past is done in slices, so
that it never holds up an order.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from core.book.bars import BarBuilder
from core.book.conflate import TradeRing
from core.model.intervals import parse_interval
from core.model.market import Trade, TradeHistory

RING = 1 << 14
"""Trades of one instrument that a slow reader may fall behind without losing any."""

ARCHIVE = 1_000_000
"""Most trades kept of one instrument for bars of new intervals: half a day of a lively one."""

SLICE = 1 << 15
"""Most trades folded into bars in one go."""

THIN = 5_000_000_000
"""Bars of this time (ns), and of a multiple of it, stay as they are when trades are thinned out."""

GAPS = 1_000
"""Most gaps kept of one instrument."""

_MOVE = 1 << 13
_SIDES = 3  # nobody's, a buyer's, a seller's
_SHOWN = 1_000  # past trades that a tape begins with

Ints = npt.NDArray[np.int64]
Gaps = tuple[tuple[int, int], ...]


class Chunk(NamedTuple):
    """Columns of consecutive trades."""

    ts: Ints
    price: Ints
    qty: Ints
    side: npt.NDArray[np.int8]

    def part(self, start: int | None, end: int | None = None) -> Chunk:
        """Some of them, without copying."""
        cut = slice(start, end)
        return Chunk(self.ts[cut], self.price[cut], self.qty[cut], self.side[cut])


class Packed(NamedTuple):
    """A chunk in little memory: times as steps, prices and sizes from the least one on, each in
    the smallest integers that hold them."""

    first: tuple[int, int, int]
    steps: npt.NDArray[Any]
    price: npt.NDArray[Any]
    qty: npt.NDArray[Any]
    side: npt.NDArray[np.int8]

    @classmethod
    def of(cls, chunk: Chunk) -> Packed:
        """At least one trade, packed."""
        steps = np.diff(chunk.ts, prepend=chunk.ts[0])
        least = int(chunk.price.min()), int(chunk.qty.min())
        return cls(
            (int(chunk.ts[0]), *least),
            _small(steps),
            _small(chunk.price - least[0]),
            _small(chunk.qty - least[1]),
            chunk.side.copy(),
        )

    def chunk(self) -> Chunk:
        """The trades as they were."""
        ts, price, qty = self.first
        return Chunk(
            np.cumsum(self.steps, dtype=np.int64) + ts,
            self.price.astype(np.int64) + price,
            self.qty.astype(np.int64) + qty,
            self.side,
        )


def thinned(chunk: Chunk) -> Chunk:
    """Few trades instead of many: bars of `THIN` and longer have the same prices and volumes.

    Of each `THIN` the first and the last trade stay, the highest and the lowest; the others become
    one of each side at their mean price. Where that would not be fewer by far, all stay.
    """
    ts, price, qty, side = chunk
    spans = ts // THIN
    starts = np.flatnonzero(np.diff(spans, prepend=spans[:1] - 1))
    if len(ts) < 16 * len(starts) or qty.astype(np.float64).sum() > 1 << 53:
        return chunk
    if not 0 <= side.min() <= side.max() < _SIDES:
        return chunk
    counts = np.diff(starts, append=len(ts))
    stays = np.zeros(len(ts), bool)
    stays[starts] = stays[starts + counts - 1] = True
    for extreme in (np.maximum, np.minimum):
        reached = np.flatnonzero(price == np.repeat(extreme.reduceat(price, starts), counts))
        stays[reached[np.searchsorted(reached, starts)]] = True
    others = ~stays
    kind = np.repeat(np.arange(len(starts)) * _SIDES, counts)[others] + side[others]
    lots = np.bincount(kind, qty[others])
    worth = np.bincount(kind, qty[others] * price[others].astype(np.float64))
    found = np.flatnonzero(lots)
    at, mean = starts[found // _SIDES], np.rint(worth[found] / lots[found])
    # Behind the first of its time and before the last.
    order = np.argsort(np.concatenate((np.flatnonzero(stays) * 2, at * 2 + 1)), kind="stable")
    return Chunk(
        np.concatenate((ts[stays], ts[at]))[order],
        np.concatenate((price[stays], mean.astype(np.int64)))[order],
        np.concatenate((qty[stays], lots[found].astype(np.int64)))[order],
        np.concatenate((side[stays], (found % _SIDES).astype(np.int8)))[order],
    )


def _small(values: Ints) -> npt.NDArray[Any]:
    low, high = int(values.min()), int(values.max())
    kind = np.promote_types(np.min_scalar_type(low), np.min_scalar_type(high))
    return values.astype(kind if kind.kind in "iu" else np.int64)


class TradeLog:
    """Trades in the order in which they came.

    Attributes:
        ring: the newest ones, numbered from 0 since the engine began (a shown piece of the past
            included).
        series: bars that somebody holds, by the text of their interval.
        gaps: stretches ``(from, to)`` of which nothing is known, ascending; a new tuple with each
            change.
    """

    __slots__ = ("_archive", "_archived", "_kept", "_thin", "gaps", "ring", "series")

    def __init__(self) -> None:
        self.ring = TradeRing(RING)
        self.series: dict[str, BarSeries] = {}
        self.gaps: Gaps = ()
        self._archive: deque[Packed] = deque()
        self._thin: deque[Packed] = deque()  # the oldest of these, thinned out
        self._archived = 0  # number in the ring of the first trade that is not in the archive
        self._kept = 0

    def append(self, trade: Trade) -> None:
        """Take in a live trade.

        Raises:
            ValueError: when a number is out of range; nothing has changed then.
        """
        ts, price, qty, side = trade.ts, trade.price, trade.qty, trade.aggressor
        head = self.ring.append(ts, price, qty, side)
        for series in self.series.values():
            series.live(ts, price, qty, side)
        if head - self._archived >= _MOVE:
            self._move()

    def past(self, history: TradeHistory) -> Chunk:
        """Take in what happened before; once, and before any live trade.

        Raises:
            ValueError: with the column at fault.
        """
        columns = tuple(
            np.frombuffer(getattr(history, name), "<i8").astype(np.int64)
            for name in ("ts", "price", "qty", "aggressor")
        )
        if len({len(column) for column in columns}) != 1:
            raise ValueError(f"{history.instrument}: the columns of its past differ in length")
        chunk = Chunk(columns[0], columns[1], columns[2], columns[3].astype(np.int8))
        # A trial that changes nothing here: columns that bars would refuse are refused now.
        BarBuilder("time", 1 << 60).apply(*chunk)
        self.ring.append_batch(*chunk.part(-_SHOWN))
        self._archived = self.ring.head
        self._keep(chunk)
        return chunk

    def add_gaps(self, gaps: Gaps) -> None:
        """Nothing is known of these stretches. Those that touch become one."""
        joined: list[tuple[int, int]] = []
        for begin, end in sorted((*self.gaps, *gaps)):
            if joined and begin <= joined[-1][1]:
                joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
            elif begin < end:
                joined.append((begin, end))
        self.gaps = tuple(joined[-GAPS:])
        for series in self.series.values():
            series.cut_at(self.gaps)

    def hold(self, interval: str) -> BarSeries:
        """The bars of an interval, made now if nobody holds them yet; `release` them in the end.

        Raises:
            ValueError: when it is not an interval.
        """
        series = self.series.get(interval)
        if series is None:
            self._move()
            series = self.series[interval] = BarSeries(interval, self._archive)
            series.cut_at(self.gaps)
        series.holders += 1
        return series

    def release(self, series: BarSeries) -> None:
        """Somebody needs these bars no more; what nobody needs is no longer made."""
        series.holders -= 1
        if series.holders == 0:
            self.series.pop(series.interval, None)

    def thin_out(self) -> bool:
        """Thin one more piece of the archive out, for `newest`; False when all of them are."""
        if len(self._thin) == len(self._archive):
            return False
        self._thin.append(Packed.of(thinned(self._archive[len(self._thin)].chunk())))
        return True

    def newest(self, whole: int, most: int) -> Chunk:
        """The last trades, oldest first, `most` at most: `whole` of them as they were, older ones
        as far as they were not thinned out yet."""
        wanted = [self._unarchived()[0]]
        count = len(wanted[0].ts)
        for number in range(len(self._archive) - 1, -1, -1):
            thin = count >= whole and number < len(self._thin)
            wanted.append((self._thin if thin else self._archive)[number].chunk())
            count += len(wanted[-1].ts)
            if count >= most:
                break
        wanted.reverse()
        taken = Chunk(*(np.concatenate(columns) for columns in zip(*wanted, strict=True)))
        return taken.part(max(0, count - most))

    def _keep(self, chunk: Chunk) -> None:
        for start in range(0, len(chunk.ts), SLICE):
            self._archive.append(Packed.of(chunk.part(start, start + SLICE)))
        self._kept += len(chunk.ts)
        while self._kept > ARCHIVE and len(self._archive) > 1:
            self._kept -= len(self._archive.popleft().side)
            if self._thin:
                self._thin.popleft()

    def _move(self) -> None:
        chunk, self._archived = self._unarchived()
        self._keep(chunk)

    def _unarchived(self) -> tuple[Chunk, int]:
        """Trades of the ring that are not in the archive yet, and the number of the next one."""
        columns, end, _ = self.ring.read(self._archived)
        return Chunk(columns["ts"], columns["price"], columns["qty"], columns["side"]), end


class BarSeries:
    """Bars of one interval of one instrument, from the oldest trade kept to the newest.

    A bar of so many trades or so much volume ends at a gap and another one begins behind it; a
    bar of time has its own bounds and tells of what is known within them.

    Attributes:
        builder: the bars so far.
        version: grows with each trade.
        holders: how many need them.
        skipped: trades left out because they alone would make too many bars of so small a volume.
    """

    __slots__ = (
        "_cuts",
        "_newest",
        "_part",
        "_todo",
        "_waiting",
        "builder",
        "holders",
        "interval",
        "skipped",
        "version",
    )

    def __init__(self, interval: str, past: Iterable[Packed]) -> None:
        kind, size = parse_interval(interval)
        self.interval = interval
        self.builder = BarBuilder(kind, size)
        self.version = self.holders = self.skipped = 0
        self._cuts: list[int] = []  # times at which bars begin anew, the next one last
        self._newest = -1
        self._todo: deque[Packed] = deque(past)
        self._part: Chunk | None = None  # the rest of the one that is folded in now
        self._waiting: list[tuple[int, int, int, int]] = []

    @property
    def complete(self) -> bool:
        """Are the bars up to date?"""
        return not self._todo

    def cut_at(self, gaps: Gaps) -> None:
        """These are the gaps; those that lie behind what was folded in are still to come."""
        if self.builder.kind != "time":
            self._cuts = [end for _, end in reversed(gaps) if end > self._newest]
        self.version += 1

    def live(self, ts: int, price: int, qty: int, side: int) -> None:
        """A new trade; it waits while older ones are not folded in yet."""
        if self._todo:
            self._waiting.append((ts, price, qty, side))
        else:
            self._fold(ts, price, qty, side)
        self.version += 1

    def advance(self) -> bool:
        """Fold in one slice of the past; True when nothing is left to do."""
        if self._todo:
            todo = self._todo[0].chunk() if self._part is None else self._part
            count = self._before_cut(todo.ts)
            part, self._part = todo.part(None, count), todo.part(count)
            try:
                self.builder.apply(*part)
            except ValueError:
                for trade in zip(*(column.tolist() for column in part), strict=True):
                    self._fold(*trade)
            if not len(self._part.ts):
                self._part = None
                self._todo.popleft()
            self.version += 1
            if not self._todo:
                for trade in self._waiting:
                    self._fold(*trade)
                self._waiting.clear()
        return not self._todo

    def since(self, index: int, limit: int) -> tuple[dict[str, Any], int]:
        """At most `limit` bars from `index` on, as columns, and how many there are in all."""
        return self.builder.since(index, limit), len(self.builder)

    def _before_cut(self, ts: Ints) -> int:
        """How many of the next trades are to be folded in before the next cut."""
        if not len(ts):
            return 0
        self._cut(int(ts[0]))
        self._newest = max(self._newest, int(ts[-1]))
        if self._cuts and (behind := np.flatnonzero(ts >= self._cuts[-1])).size:
            return int(behind[0])
        return len(ts)

    def _cut(self, ts: int) -> None:
        """A trade at `ts` comes next: is there a gap before it?"""
        while self._cuts and self._cuts[-1] <= ts:
            del self._cuts[-1]
            self.builder.cut()

    def _fold(self, ts: int, price: int, qty: int, side: int) -> None:
        if self._cuts:
            self._cut(ts)
        self._newest = max(self._newest, ts)
        try:
            self.builder.on_trade(ts, price, qty, side)
        except ValueError:
            self.skipped += 1
