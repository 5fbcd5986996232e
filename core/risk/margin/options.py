"""The options of one underlying and one contract size, with the working orders in them."""

from __future__ import annotations

from decimal import Decimal
from typing import Final, NamedTuple

from core.risk.margin.base import WHOLE, Line, no_price, parts, slip, up
from core.risk.margin.legs import Leg, Long, OptionTerms, Short
from core.risk.margin.pairing import Pairing, in_steps, most_lost, straddled
from core.risk.margin.regt import StockRates

_NINE_MONTHS: Final = 274 * 86_400_000_000_000
_TENTH = parts(Decimal("0.1"))
KEPT: Final = 256
"""So many answers are kept for lots that were asked about, at one price."""
_FEW: Final = 2


class Fill(NamedTuple):
    """Signed lots of each leg once some orders are filled; `free` of them were sold for nothing."""

    lots: tuple[int, ...]
    free: tuple[int, ...]


class OptionSize:
    """Legs of one contract size.

    `spot` is what the underlying of one lot is worth, `per` how many lots of stock that is (0: not
    a whole number, or none is counted), `each` the spot by twice the ticks of the stock's price, as
    a ratio. What a set of lots needs is kept until a price changes.
    """

    __slots__ = (
        "_alone",
        "_answers",
        "_dearest",
        "_later",
        "_long_term",
        "_marks",
        "_minimum",
        "_own",
        "_pools",
        "_premiums",
        "_rate",
        "_step",
        "_steps",
        "each",
        "legs",
        "lines",
        "per",
        "size",
        "spot",
    )

    def __init__(self, size: Decimal, terms: OptionTerms) -> None:
        self.size = size
        self.legs: list[Leg] = []
        self.lines: list[Line] = []
        self.spot = self.per = 0
        self.each = (0, 1)
        self._rate, self._minimum = parts(terms.rate), parts(terms.minimum)
        self._long_term = parts(terms.long_term)
        self._marks: list[int] = []
        # Of each leg: premium, need alone, those of its kind that expire later, and its pool.
        self._premiums: list[int] = []
        self._alone: list[int] = []
        self._later: list[list[int]] = []
        self._own: list[int] = []
        self._pools: list[tuple[bool, int]] = []
        # The strikes in common steps of so much money, and the legs in the order of `_alone`.
        self._step, self._steps = 1, [0]
        self._dearest: list[int] = []
        self._answers: dict[tuple[int, Fill], tuple[int, int]] = {}

    def add(self, leg: Leg, line: Line) -> None:
        """One more leg."""
        self.legs.append(leg)
        self.lines.append(line)
        self._marks.append(0)
        self._premiums.append(0)
        self._alone.append(leg.alone(self.spot))
        self._later = [
            [
                at
                for at, other in enumerate(self.legs)
                if other.call is each.call and other.expiry > each.expiry
            ]
            for each in self.legs
        ]
        self._pools = sorted({(each.call, each.expiry) for each in self.legs})
        self._own = [self._pools.index((each.call, each.expiry)) for each in self.legs]
        self._step, self._steps = in_steps(self.legs)
        self._rank()
        self._answers.clear()

    def mark(self, at: int) -> None:
        """The numbers of a leg have changed, its price perhaps."""
        if self._marks[at] != self.lines[at].mark2:
            self._marks[at] = self.lines[at].mark2
            self._premiums[at] = self.legs[at].premium(self._marks[at])
            self._answers.clear()

    def cover(self, per: int) -> None:
        """Stock covers now, or no longer."""
        self.per = per
        self._answers.clear()

    def underlying(self, spot: int) -> None:
        """What the underlying of one lot is worth."""
        if spot != self.spot:
            self.spot = spot
            need, least = up(spot, self._rate), up(spot, self._minimum)
            self._alone = [leg.beyond(spot, need, least) for leg in self.legs]
            self._rank()
            self._answers.clear()

    def _rank(self) -> None:
        self._dearest = [at for _, at in sorted((-need, at) for at, need in enumerate(self._alone))]

    def credit(self) -> int:
        """What the lots are worth that are short once all sales are filled."""
        total = 0
        for at, line in enumerate(self.lines):
            if line.open_sell > line.qty:
                total += (line.open_sell - line.qty) * self._premiums[at]
        return total

    def opens(self, now: int) -> tuple[int, str]:
        """What long options are worth, and what buys and prices off the mark need."""
        total = 0
        shorts = True
        if self._long_term < WHOLE:
            shorts = any(line.qty < line.open_sell for line in self.lines)
        for at, line in enumerate(self.lines):
            held, buys, sells = line.qty, line.open_buy, line.open_sell
            if not (held or buys or sells):
                continue
            mark2 = line.mark2
            if mark2 <= 0:
                return 0, no_price(line)
            if self.spot <= 0:
                return 0, (
                    f"{line.instrument.id}: the price of its underlying is unknown, so its margin"
                    " is too; wait for a quote."
                )
            leg, premium = self.legs[at], self._premiums[at]
            if held > 0:
                paid = held * premium
                if not shorts and now and leg.expiry - now > _NINE_MONTHS:
                    paid = up(paid, self._long_term)
                total += paid + buys * premium if buys else paid
            elif buys > -held:
                total += (buys + held) * premium
            if buys or sells:
                total += -(-slip(buys, sells, line.buy2, line.sell2, mark2) * leg.units // 2)
        return total, ""

    def fills(self) -> tuple[list[Fill], int]:
        """The ways in which working orders may be filled, and what is paid beside them."""
        held = tuple(line.qty for line in self.lines)
        none = (0,) * len(held)
        orders: list[tuple[int, int]] = []
        for at, line in enumerate(self.lines):
            if line.open_sell:
                orders.append((at, -line.open_sell))
            if line.open_buy and line.qty < 0:
                orders.append((at, min(line.open_buy, -line.qty)))
        if not orders:
            return [Fill(held, none)], 0
        if len(orders) <= _FEW:
            ways = {held}
            for at, lots in orders:
                # What goes from long to short needs most where it covers nothing any more and has
                # brought nothing yet.
                ends = {lots, -held[at]} if lots < -held[at] < 0 else {lots}
                ways |= {(*w[:at], w[at] + end, *w[at + 1 :]) for w in ways for end in ends}
            return [Fill(way, none) for way in sorted(ways)], 0
        sold = tuple(line.qty - line.open_sell for line in self.lines)
        free = tuple(max(0, min(line.open_sell, line.open_sell - line.qty)) for line in self.lines)
        paid = sum(lots * self._premiums[at] for at, lots in orders if lots > 0)
        return [Fill(sold, free)], paid

    def need(
        self, shares: int, fill: Fill, stock: Line | None, rates: StockRates | None
    ) -> tuple[int, int]:
        """What short options need, less their value; the same less what protected stock saves.

        `shares` are the lots of `stock` that there are for cover, negative when short.
        """
        cover = abs(shares) // self.per if self.per else 0
        key = shares if cover else 0, fill
        known = self._answers.get(key)
        if known is not None:
            return known
        shorts, longs, value = self._sides(fill)
        calls, puts = (cover, 0) if shares > 0 else (0, cover)
        need = 0
        relief = 0
        if shorts:
            need = Pairing(shorts, longs, calls, puts, self.spot).need - value
        if cover and longs and not shorts and stock is not None and rates is not None:
            usual = (rates.long if shares > 0 else rates.short)(self.per, stock.mark2)[1]
            relief = self._protected(longs, cover, shares > 0, usual)
        if len(self._answers) >= KEPT:
            self._answers.clear()
        answer = self._answers[key] = need, need - relief
        return answer

    def rough(self, shares: int) -> int:
        """No less than what short options need in any of `fills`, less their value.

        One way to pair is looked at instead of all: the dearest lots first, each with whatever
        covers it. All sales are filled, but for nothing, and all that closes is paid for.
        """
        lines, steps, premiums = self.lines, self._steps, self._premiums
        own, later = self._own, self._later
        left = []
        pools = [0] * len(self._pools)
        total = 0
        for at, line in enumerate(lines):
            held = line.qty
            lots = held - line.open_sell
            if lots > 0:
                left.append(lots)
                pools[own[at]] += lots
                continue
            left.append(0)
            if held < 0:
                # What is short is worth that; what is bought back is paid for.
                buys = line.open_buy
                total += (held + (buys if buys < -held else -held)) * premiums[at]
        cover = abs(shares) // self.per if self.per else 0
        calls: list[tuple[int, int]] = []
        puts: list[tuple[int, int]] = []
        spreads: dict[int, list[tuple[bool, int, int]]] = {}
        for at in self._dearest:
            line = lines[at]
            lots = line.open_sell - line.qty
            if lots <= 0:
                continue
            leg, alone = self.legs[at], self._alone[at]
            call = leg.call
            for other in later[at]:
                pair, pool = left[other], own[other]
                if pair > lots:
                    pair = lots
                if pair > pools[pool]:
                    pair = pools[pool]
                if pair:
                    worse = steps[other] - steps[at] if call else steps[at] - steps[other]
                    if worse * self._step < alone:
                        left[other] -= pair
                        pools[pool] -= pair
                        lots -= pair
                        if worse > 0:
                            total += pair * worse * self._step
            pair, pool = lots, own[at]
            if pair > pools[pool]:
                pair = pools[pool]
            if pair:
                pools[pool] -= pair
                spreads.setdefault(leg.expiry, []).append((call, steps[at], -pair))
                lots -= pair
            if lots and cover and call is (shares > 0):
                pair = lots if lots < cover else cover
                inside = self.spot - leg.strike if call else leg.strike - self.spot
                if inside > 0:
                    total += pair * inside
                cover -= pair
                lots -= pair
            if lots:
                # Of those that were sold for money, as many as there are; the others for nothing.
                held = -line.qty if line.qty < 0 else 0
                total += (lots if lots < held else held) * premiums[at]
                (calls if call else puts).append((alone, lots))
        for expiry, whole in spreads.items():
            for at, lots in enumerate(left):
                leg = self.legs[at]
                if lots and leg.expiry == expiry:
                    whole.append((leg.call, steps[at], lots))
            total += most_lost(whole) * self._step
        return total + straddled(calls, puts)

    def _sides(self, fill: Fill) -> tuple[list[Short], list[Long], int]:
        """What is short and long, and what the short lots are worth that were sold for money."""
        shorts: list[Short] = []
        longs: list[Long] = []
        value = 0
        for at, (qty, extra) in enumerate(zip(fill.lots, fill.free, strict=True)):
            leg = self.legs[at]
            if qty < 0:
                alone = self._alone[at]
                if -qty > extra:
                    premium = self._premiums[at]
                    value += (-qty - extra) * premium
                    shorts.append(Short(leg, -qty - extra, premium, alone))
                if extra:
                    shorts.append(Short(leg, extra, 0, alone))
            elif qty > 0:
                longs.append(Long(leg, qty))
        return shorts, longs, value

    def _protected(self, longs: list[Long], cover: int, held: bool, usual: int) -> int:
        """How much less the maintenance of stock is for the options that protect it.

        `usual` is the maintenance of the stock that one lot of an option stands for.
        """
        relief = []
        for long in longs:
            if long.leg.call is held:
                continue
            away = self.spot - long.leg.strike if held else long.leg.strike - self.spot
            less = usual - (up(long.leg.strike, _TENTH) + max(0, away))
            if less > 0:
                relief.append((less, long.qty))
        total = 0
        for less, lots in sorted(relief, reverse=True):
            used = min(lots, cover)
            total += used * less
            cover -= used
        return total
