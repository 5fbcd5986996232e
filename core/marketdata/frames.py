"""Conflation for one client: the newest state of what it wants, and only what changed.

Nothing is queued. A client that asks seldom gets the newest tickers and depth, the bars from the
first one it has not seen whole (older ones if it asks), and of the trades those that are still in
the ring.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from core.marketdata.cache import Market, MarketCache
from core.marketdata.trades import BarSeries, Gaps
from core.model.session import (
    BarsView,
    DepthView,
    EngineView,
    Frame,
    OlderBars,
    SourceView,
    Subscribe,
    TapeView,
    Ticker,
)

DEPTH = 256
"""Most levels of each side that a client is sent."""

BARS = 10_000
"""Most bars in one frame: about 0.6 MB."""

FIRST_BARS = 4_000
"""Bars that a chart begins with: what a screen needs and some more. Older ones come on demand."""

OLDER_BARS = 5_000
"""Most older bars of one series in one frame."""

CHARTS = 100
"""Most series of bars that one client may have."""

_FIRST_TRADES = 1_000
_LARGEST = 1 << 62


class _Tape:
    """How far a client has read the trades of one market."""

    __slots__ = ("cursor", "market", "ring")

    def __init__(self, market: Market) -> None:
        self.market = market
        self.begin()

    def begin(self) -> None:
        """Start with the last trades there are."""
        self.ring = self.market.log.ring
        self.cursor = max(0, self.ring.head - _FIRST_TRADES)


class _Chart:
    """How far a client has read the bars of one market and interval.

    `sent` is the index of the first bar that it does not have in its final form, `first` that of
    the oldest bar it has and `wanted` that of the oldest it asked for.
    """

    __slots__ = (
        "first",
        "fresh",
        "gaps",
        "interval",
        "log",
        "market",
        "seen",
        "sent",
        "series",
        "wanted",
    )

    def __init__(self, market: Market, interval: str) -> None:
        self.market = market
        self.interval = interval
        self.begin()

    def begin(self) -> None:
        """Start anew."""
        self.log = self.market.log
        self.series = self.log.hold(self.interval)
        self.sent = self.first = self.wanted = 0
        self.fresh = True
        self.gaps: Gaps | None = None
        self.seen = -1

    def begin_with(self, count: int) -> None:
        """The newest `count` bars are the first to be sent."""
        self.sent = self.first = self.wanted = max(0, len(self.series.builder) - count)

    def end(self) -> None:
        """The client wants it no more."""
        self.log.release(self.series)

    @property
    def stale(self) -> bool:
        """Is there anything that the client has not seen?"""
        return (
            self.log is not self.market.log
            or self.seen != self.series.version
            or self.wanted < self.first
        )


class ClientView:
    """What one client wants and has seen. `first_bars`: how many bars a series begins with.

    Attributes:
        sources, engine: health to be put into the next frame; taken out by it.
        unfinished: series of bars whose past must be folded in yet (see `BarSeries.advance`);
            their bars come once that is done. Whoever does it takes them out.
    """

    def __init__(self, cache: MarketCache, first_bars: int = FIRST_BARS) -> None:
        self._cache = cache
        self._first_bars = first_bars
        self._seen = 0
        self._quotes: dict[str, Market] = {}
        self._depth: dict[str, Market] = {}
        self._tapes: dict[str, _Tape] = {}
        self._charts: dict[tuple[str, str], _Chart] = {}
        self._new_quotes: set[str] = set()
        self._new_depth: set[str] = set()
        self.sources: tuple[SourceView, ...] = ()
        self.engine: EngineView | None = None
        self.unfinished: list[BarSeries] = []

    def subscribe(self, wanted: Subscribe) -> list[str]:
        """Want these from now on. Returns sentences about what there is not."""
        problems: list[str] = []
        quotes = self._cache.markets if "*" in wanted.quotes else wanted.quotes
        before = self._quotes.keys()
        self._quotes = self._find((name for name in quotes if name != "*"), problems)
        self._new_quotes |= self._quotes.keys() - before
        before = self._depth.keys()
        self._depth = self._find(wanted.depth, problems)
        self._new_depth |= self._depth.keys() - before
        tapes = self._find(wanted.trades, problems)
        self._tapes = {n: self._tapes.get(n) or _Tape(market) for n, market in tapes.items()}
        charts: dict[tuple[str, str], _Chart] = {}
        for key in wanted.bars:
            if len(charts) == CHARTS and key not in charts:
                problems.append(
                    f"{key[0]} {key[1]}: a client may have {CHARTS} series of bars; close a chart."
                )
                continue
            market = self._cache.markets.get(key[0])
            if market is None:
                problems.append(_unknown(key[0]))
                continue
            try:
                charts[key] = self._charts.get(key) or _Chart(market, key[1])
            except ValueError as error:
                problems.append(str(error))
                continue
            if not charts[key].series.complete:
                self.unfinished.append(charts[key].series)
        for key, chart in self._charts.items():
            if key not in charts:
                chart.end()
        self._charts = charts
        return problems

    def older(self, asked: OlderBars) -> None:
        """Older bars are wanted; a series that nobody here wants, or all of it, is no harm."""
        chart = self._charts.get((asked.instrument, asked.interval))
        if chart is not None and not chart.fresh:
            chart.wanted = min(chart.wanted, max(asked.start, 0))

    def close(self) -> None:
        """The client is gone."""
        self.subscribe(Subscribe())

    def instruments(self) -> set[str]:
        """The markets of which it wants anything."""
        charts = {name for name, _ in self._charts}
        return charts | self._quotes.keys() | self._depth.keys() | self._tapes.keys()

    def changed(self) -> bool:
        """Could `make` have anything to say?"""
        return (
            self._cache.version > self._seen
            or bool(self._new_quotes or self._new_depth or self.sources)
            or self.engine is not None
            or any(chart.stale for chart in self._charts.values())
        )

    def make(self, number: int, now: int) -> Generator[None, None, Frame | None]:
        """The next frame, in slices: between two of them the engine may do what is more urgent.

        What changes meanwhile is in this frame or in the next. None: nothing that the client
        wants has changed.
        """
        seen = self._seen
        self._seen = self._cache.version
        tickers = self._build_tickers(seen)
        yield
        depth = self._build_depth(seen)
        tapes = self._build_tapes()
        yield
        bars = self._build_bars()
        sources, self.sources = self.sources, ()
        engine, self.engine = self.engine, None
        if not (tickers or depth or tapes or bars or sources or engine is not None):
            return None
        yield
        return Frame(number, now, tickers, depth, tapes, bars, sources, engine)

    def _build_tickers(self, seen: int) -> tuple[Ticker, ...]:
        fresh = self._new_quotes
        if not fresh:
            return tuple([m.ticker() for m in self._quotes.values() if m.version > seen])
        tickers = tuple(
            m.ticker() for n, m in self._quotes.items() if m.version > seen or n in fresh
        )
        fresh.clear()
        return tickers

    def _build_depth(self, seen: int) -> tuple[DepthView, ...]:
        views = []
        for name, market in self._depth.items():
            if market.depth_version > seen or name in self._new_depth:
                columns = [side.tobytes() for side in market.book.depth(DEPTH)]
                views.append(DepthView(name, market.book_ts, *columns))
        self._new_depth.clear()
        return tuple(views)

    def _build_tapes(self) -> tuple[TapeView, ...]:
        views = []
        for name, tape in self._tapes.items():
            if tape.ring is not tape.market.log.ring:
                tape.begin()
            if tape.ring.head == tape.cursor:
                continue
            columns, tape.cursor, lost = tape.ring.read(tape.cursor)
            views.append(
                TapeView(
                    name,
                    tape.cursor - len(columns["ts"]),
                    lost,
                    columns["ts"].tobytes(),
                    columns["price"].tobytes(),
                    columns["qty"].tobytes(),
                    columns["side"].tobytes(),
                )
            )
        return tuple(views)

    def _build_bars(self) -> tuple[BarsView, ...]:
        views: list[BarsView] = []
        room = BARS
        for (name, interval), chart in self._charts.items():
            if chart.log is not chart.market.log:
                chart.end()
                chart.begin()
                if not chart.series.complete:
                    self.unfinished.append(chart.series)
            series = chart.series
            if not chart.stale or not series.complete or room <= 0:
                continue
            if chart.fresh:
                chart.begin_with(self._first_bars)
            if chart.seen != series.version:
                columns, total = series.since(chart.sent, room)
                count = len(columns["start_ts"])
                room -= count
                gaps = chart.log.gaps if chart.gaps is not chart.log.gaps else None
                views.append(_bars_view(name, interval, chart.sent, columns, chart.fresh, gaps))
                chart.gaps, chart.fresh = chart.log.gaps, False
                reached = chart.sent + count
                if reached == total:  # else the next frame goes on
                    chart.seen = series.version
                chart.sent = min(reached, series.builder.closed)
            if chart.wanted < chart.first and room > 0:
                start = max(chart.wanted, chart.first - min(room, OLDER_BARS))
                columns, _ = series.since(start, chart.first - start)
                room -= chart.first - start
                views.append(_bars_view(name, interval, start, columns))
                chart.first = start
        return tuple(views)

    def _find(self, names: Iterable[str], problems: list[str]) -> dict[str, Market]:
        found = {}
        for name in names:
            market = self._cache.markets.get(name)
            if market is None:
                problems.append(_unknown(name))
            else:
                found[name] = market
        return found


def _unknown(name: str) -> str:
    return f"There is no instrument “{name}” on any connected venue."


def _bars_view(
    name: str,
    interval: str,
    start: int,
    columns: dict[str, npt.NDArray[Any]],
    fresh: bool = False,
    gaps: Gaps | None = None,
) -> BarsView:
    notional = np.minimum(columns["notional"], float(_LARGEST)).astype(np.int64)
    return BarsView(
        name,
        interval,
        start,
        columns["start_ts"].tobytes(),
        columns["open"].tobytes(),
        columns["high"].tobytes(),
        columns["low"].tobytes(),
        columns["close"].tobytes(),
        columns["volume"].tobytes(),
        columns["buy_volume"].tobytes(),
        notional.tobytes(),
        fresh,
        gaps,
    )
