"""The newest trades of each instrument, kept over a restart of a simulated market.

A market that lives inside the engine dies with it; without its past a restarted chart would show
another history than the one that was traded on. Older trades are thinned out, so that a chart
reaches back for hours and the file stays small. The file is written whole, so that a crash leaves
the one before; the newest minute may be missing then. The time between the end of one life and
the beginning of the next is a gap: nobody knows what would have been traded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec

from core.journal.files import write_whole
from core.marketdata.cache import MarketCache
from core.model.market import TradeHistory
from core.venues.venue import Clock

WHOLE = 10_000
"""So many of an instrument's newest trades are kept as they were; older ones thinned out."""

TRADES = 20_000
"""Most trades kept of one instrument."""

SAVE_SECONDS = 60.0

_NOT_KEPT = "The market's past could not be kept."

_decode = msgspec.msgpack.Decoder(list[TradeHistory]).decode


class Past:
    """The file of one simulated market.

    Attributes:
        problem: a sentence when the file could not be used, else empty.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.problem = ""

    def load(self) -> dict[str, TradeHistory]:
        """What was kept, by instrument; nothing when there is no usable file."""
        try:
            found = _decode(self._path.read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
            self.problem = (
                f"The market's past in {self._path} cannot be read ({error}); charts begin anew. "
                "Nothing else depends on it."
            )
            return {}
        return {history.instrument: history for history in found if history.price}

    @staticmethod
    def of(cache: MarketCache, now: int) -> Iterator[TradeHistory | None]:
        """The newest trades of each instrument as of `now` (UTC ns), to be given to `save`; None
        where there was other work to do, after which something else may come first."""
        for name, market in list(cache.markets.items()):
            while market.log.thin_out():
                yield None
            chunk = market.log.newest(WHOLE, TRADES)
            if len(chunk.ts):
                ts, price, qty, side = (c.astype("<i8").tobytes() for c in chunk)
                begin = int(chunk.ts[0])
                gaps = tuple(gap for gap in market.log.gaps if gap[1] > begin)
                yield TradeHistory(name, ts, price, qty, side, gaps, now)

    def save(self, histories: Iterable[TradeHistory | None]) -> None:
        """Write the file as a whole. Raises OSError; the file is as before then."""
        kept = [history for history in histories if history is not None]
        write_whole(self._path, msgspec.msgpack.encode(kept), durable=False)


class PastKeeper:
    """Writes the past of a market away now and then, and once more at the end.

    Args:
        past: where to; nothing is kept when it is None.
        cache: the market.
        clock: UTC nanoseconds.
        report: takes a sentence and an error, when a write failed; the next one is tried again.
    """

    def __init__(
        self,
        past: Past | None,
        cache: MarketCache,
        clock: Clock,
        report: Callable[[str, Exception | None], None],
    ) -> None:
        self._past = past
        self._cache = cache
        self._clock = clock
        self._report = report
        self._writing: asyncio.Task[None] | None = None

    def save(self) -> None:
        """Begin to write the newest trades, unless they are just being written."""
        before = self._writing
        if self._past is not None and (before is None or before.done()):
            self._writing = asyncio.get_running_loop().create_task(self._write(self._past))

    async def finish(self) -> None:
        """Write them a last time."""
        if self._past is None:
            return
        if self._writing is not None:
            await asyncio.wait((self._writing,))
        try:
            self._past.save(Past.of(self._cache, self._clock()))
        except OSError as error:
            self._report(_NOT_KEPT, error)

    async def _write(self, past: Past) -> None:
        """One instrument in each turn of the loop, so that no order waits for all of them; the
        disk is another thread's."""
        taken = []
        for history in Past.of(self._cache, self._clock()):
            taken.append(history)
            await asyncio.sleep(0)
        try:
            await asyncio.to_thread(past.save, taken)
        except OSError as error:
            self._report(_NOT_KEPT, error)


def with_gap(history: TradeHistory, now: int) -> TradeHistory:
    """The same, with what happened since it was put away as a gap that ends now (UTC ns)."""
    until = history.until or int.from_bytes(history.ts[-8:], "little", signed=True)
    return msgspec.structs.replace(history, gaps=(*history.gaps, (until, now)), until=0)


def last_price(history: TradeHistory) -> int:
    """The price of the newest trade, in ticks."""
    return int.from_bytes(history.price[-8:], "little", signed=True)
