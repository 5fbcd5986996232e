"""What the kernel knows of an instrument's market: prices, status, what one lot counts for."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from core.kernel.desks import Meter
from core.model.checks import Known, reference2
from core.model.contracts import inverse_cost
from core.model.enums import MarketStatus
from core.model.instruments import Instrument

if TYPE_CHECKING:
    from core.kernel.positions import Holding

_MINUTE: Final = 60_000_000_000
_SAMPLE: Final = 15_000_000_000
WINDOW: Final = 300_000_000_000
"""How far back the price is remembered, in ns."""
RATE: Final = 10**9
"""Exchange rates are whole numbers of one over this."""


class Gearing:
    """What one lot of an option counts for in exposures, as twice a price in ticks.

    `weight2` is the delta times twice the price of the underlying; -1 while that is not known, then
    `strike2`, twice the strike, takes part. A `put` that is bought takes the net down.
    """

    __slots__ = ("put", "strike2", "weight2")

    def __init__(self, put: bool, strike2: int) -> None:
        self.put = put
        self.strike2 = strike2
        self.weight2 = -1


class Market:
    """What the kernel knows of one instrument's market (a `core.model.checks.Reference`).

    `units` is one tick on one lot in 10^-24 of the instrument's currency. Exposure and profit are
    reckoned in `unit`, the currency of the books: `worth` is the same in that, at `rate` (0: there
    is no rate). `past` are the prices of the last minutes: time and twice the price. `volume` is
    the average lots a day (0: not known). `each` is what one lot counts for in exposures, by its
    `gearing` where it is an option; `falls`: buying it takes the net down. `face` is what one lot
    of an inverse contract is worth at one tick, in its quantum (then the point); else 0.
    """

    __slots__ = (
        "_known",
        "ask",
        "ask_qty",
        "bid",
        "bid_qty",
        "blocked",
        "each",
        "face",
        "falls",
        "gearing",
        "half",
        "holdings",
        "instrument",
        "last",
        "locked",
        "mark2",
        "meter",
        "minute",
        "open",
        "past",
        "point",
        "rate",
        "received",
        "status",
        "ts",
        "unit",
        "units",
        "volume",
        "worth",
    )

    def __init__(
        self, instrument: Instrument, units: int, meter: Meter | None = None, unit: str = ""
    ) -> None:
        self.instrument = instrument
        self.meter = meter or Meter(instrument.venue)
        self.point = instrument.point
        self.face = instrument.face
        self.units = units
        self.unit = unit or instrument.currency
        self.mark2 = self.each = 0
        self.gearing: Gearing | None = None
        self.falls = False
        self.set_rate(RATE if self.unit == instrument.currency else 0)
        self.past: deque[tuple[int, int]] = deque()
        self._known = Known()
        self.locked = self.volume = 0
        self.bid = self.bid_qty = self.ask = self.ask_qty = self.last = 0
        self.ts = self.received = 0
        self.status = MarketStatus.UNKNOWN
        self.blocked = ""
        self.holdings: list[Holding] = []
        self.minute = -1
        self.open = True

    def is_open(self, ts: int) -> bool:
        """Is the market in session, by the clock of the venue (in a replay, the recording's)?"""
        hours = self.instrument.hours
        if not hours.sessions:
            return True
        venue_now = ts + self.ts - self.received if self.ts else ts
        minute = venue_now // _MINUTE
        if minute != self.minute:
            self.minute = minute
            self.open = 0 <= venue_now < 1 << 62 and hours.is_open(venue_now)
        return self.open

    def set_rate(self, rate: int) -> None:
        """Reckon with this exchange rate; whatever is held must be valued anew."""
        self.rate = rate
        self.worth = self.units * rate // RATE
        self.half = self.worth // 2
        self.weigh()

    def weigh(self) -> None:
        """Work out anew what one lot counts for in exposures."""
        gearing = self.gearing
        if gearing is None:
            self.each = self.value(1, self.mark2)
            return
        self.falls = gearing.put
        weight2 = gearing.weight2
        if weight2 < 0:
            weight2 = gearing.strike2 + (0 if gearing.put else self.mark2)
        self.each = weight2 * self.half

    def value(self, lots: int, price2: int) -> int:
        """What lots are worth at half of `price2`, unsigned, in 10^-24 of the books' currency."""
        face = self.face
        if not face:
            return lots * price2 * self.half
        return -(-2 * lots * face * self.worth // price2) if price2 > 0 else 0

    def cost(self, price: int, lots: int) -> int:
        """What `lots` (signed) cost at a price in ticks, in points."""
        face = self.face
        return inverse_cost(face, price, lots) if face else price * lots

    def remember(self, ts: int) -> None:
        """Keep the price as it is at `ts`, four times a minute, for as long as `WINDOW`."""
        past = self.past
        if past and not 0 <= ts - past[-1][0] < WINDOW * 2:
            past.clear()
        if self.mark2 and (not past or ts - past[-1][0] >= _SAMPLE):
            past.append((ts, self.mark2))
            while len(past) > 1 and ts - past[1][0] >= WINDOW:
                past.popleft()

    def known(self, ts: int) -> Known:
        """What is known beside prices; it says nothing of what was traded today."""
        past = self.past
        while len(past) > 1 and ts - past[1][0] >= WINDOW:
            past.popleft()
        before2 = past[0][1] if past else 0
        known = self._known
        if known.before2 != before2 or known.locked != self.locked or known.volume != self.volume:
            known = self._known = Known(before2, self.locked, self.volume)
        return known

    def mark(self) -> None:
        """Work out the reference price anew; when there is none the old one stays."""
        mark2 = reference2(self)
        if mark2:
            self.mark2 = mark2
            if self.gearing is None and not self.face:
                self.each = mark2 * self.half
            else:
                self.weigh()

    def reckon(self) -> None:
        """What a lot counts for changed: value everything anew, the profit of what is flat too."""
        for holding in self.holdings:
            holding.revalue()
            for parts in (holding.parts, holding.hands):
                for part in parts.values():
                    if part.desk.strategy:
                        part.revalue()

    def revalue(self) -> None:
        """The market moved: value anew whatever is held or may be."""
        self.mark()
        for holding in self.holdings:
            if holding.qty or holding.live:
                holding.revalue()
            for parts in (holding.parts, holding.hands):
                for part in parts.values():
                    if (part.qty or part.live) and part.desk.strategy:
                        part.revalue()
