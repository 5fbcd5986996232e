"""How old an instrument's prices are, and whether that is too old to trade on. No Qt."""

from __future__ import annotations

from core.client.stores import Stores
from core.model.enums import LinkState, Mode
from core.model.session import Ticker
from widgets.clock import Clock
from widgets.limits import limit_value
from widgets.words import format_duration

_SECOND = 1_000_000_000


def stale_after(stores: Stores, account: str, instrument: str) -> int:
    """Age in ns beyond which a price is stale: the risk gate's own limit for this instrument."""
    found = limit_value(stores, account, instrument, "stale_after")
    return 1 << 62 if found is None else int(found[0] * _SECOND)


class Freshness:
    """Watches one instrument's ticker: call `look` once a frame and before acting.

    Age counts on the monotonic clock from when the ticker was last seen to change, so that a
    paused replay, a wrong clock and a dead engine all end in the same word: stale.

    Attributes:
        age: ns since the last change.
        stale: True when the price must not be traded on.
        why: ``stale 3.2 s``, or why there is no price; empty while fresh.
    """

    def __init__(self, clock: Clock) -> None:
        self.age = 0
        self.stale = True
        self.why = "no price yet"
        self._clock = clock
        self._ticker: Ticker | None = None
        self._seen = 0
        self._limit = 0
        self._limit_key: tuple[int, str, str] = (-1, "", "")

    def forget(self) -> None:
        """Another instrument is looked at from now on."""
        self._ticker = None
        self.age, self.stale, self.why = 0, True, "no price yet"

    def look(self, stores: Stores, account: str, instrument: str) -> bool:
        """Take in the newest ticker; True when the price is stale."""
        now = self._clock.monotonic()
        ticker = stores.tickers.get(instrument)
        if ticker is not self._ticker:
            known = self._ticker is not None and ticker is not None
            self._ticker, self._seen = ticker, now
            if ticker is not None and not known and stores.mode is not Mode.REPLAY:
                self._seen -= max(0, self._clock.wall() - ticker.received)
        self.age = now - self._seen
        if not stores.connected:
            self.why = "engine not connected"
        elif ticker is None:
            self.why = "no price yet"
        elif self._link_down(stores, instrument):
            self.why = f"{stores.instruments[instrument].venue} {self._away(stores, instrument)}"
        elif self.age > self._limit_of(stores, account, instrument):
            self.why = f"stale {format_duration(self.age)}"
        else:
            self.why = ""
        self.stale = bool(self.why)
        return self.stale

    def _limit_of(self, stores: Stores, account: str, instrument: str) -> int:
        key = (stores.limits.version, account, instrument)
        if key != self._limit_key:
            self._limit_key = key
            self._limit = stale_after(stores, account, instrument)
        return self._limit

    @staticmethod
    def _away(stores: Stores, instrument: str) -> str:
        link = stores.links.get(stores.instruments[instrument].venue)
        return "ended" if link is not None and link.state is LinkState.ENDED else "not connected"

    @staticmethod
    def _link_down(stores: Stores, instrument: str) -> bool:
        known = stores.instruments.get(instrument)
        link = stores.links.get(known.venue) if known is not None else None
        return link is not None and link.state not in (LinkState.UP, LinkState.STALE)
