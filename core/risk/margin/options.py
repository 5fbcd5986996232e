"""The options of one underlying and one contract size, with the working orders in them."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from core.risk.margin.base import Line, no_price, parts, slip, up
from core.risk.margin.legs import Leg, Long, OptionTerms, Short
from core.risk.margin.pairing import Pairing
from core.risk.margin.regt import StockRates

_NINE_MONTHS = 274 * 86_400_000_000_000
_TENTH = parts(Decimal("0.1"))
_KEPT = 256
_FEW = 2


class Fill(NamedTuple):
    """Signed lots of each leg once some orders are filled; `free` of them were sold for nothing."""

    lots: tuple[int, ...]
    free: tuple[int, ...]


class OptionSize:
    """Legs of one contract size.

    `spot` is what the underlying of one lot is worth, `per` how many lots of stock that is (0: not
    a whole number, or none is counted). What a set of lots needs is kept until a price changes.
    """

    __slots__ = ("_answers", "_long_term", "_marks", "legs", "lines", "per", "size", "spot")

    def __init__(self, size: Decimal, terms: OptionTerms) -> None:
        self.size = size
        self.legs: list[Leg] = []
        self.lines: list[Line] = []
        self.spot = self.per = 0
        self._long_term = parts(terms.long_term)
        self._marks: list[int] = []
        self._answers: dict[tuple[int, Fill], tuple[int, int]] = {}

    def add(self, leg: Leg, line: Line) -> None:
        """One more leg."""
        self.legs.append(leg)
        self.lines.append(line)
        self._marks.append(0)
        self._answers.clear()

    def mark(self, at: int) -> None:
        """The numbers of a leg have changed, its price perhaps."""
        if self._marks[at] != self.lines[at].mark2:
            self._marks[at] = self.lines[at].mark2
            self._answers.clear()

    def cover(self, per: int) -> None:
        """Stock covers now, or no longer."""
        self.per = per
        self._answers.clear()

    def underlying(self, spot: int) -> None:
        """What the underlying of one lot is worth."""
        if spot != self.spot:
            self.spot = spot
            self._answers.clear()

    def credit(self) -> int:
        """What the lots are worth that are short once all sales are filled."""
        return sum(
            (line.open_sell - line.qty) * leg.premium(line.mark2)
            for line, leg in zip(self.lines, self.legs, strict=True)
            if line.open_sell > line.qty
        )

    def opens(self, now: int) -> tuple[int, str]:
        """What long options are worth, and what buys and prices off the mark need."""
        total = 0
        shorts = any(line.qty - line.open_sell < 0 for line in self.lines)
        for line, leg in zip(self.lines, self.legs, strict=True):
            held, buys, sells = line.qty, line.open_buy, line.open_sell
            if not (held or buys or sells):
                continue
            if line.mark2 <= 0:
                return 0, no_price(line)
            if self.spot <= 0:
                return 0, (
                    f"{line.instrument.id}: the price of its underlying is unknown, so its margin"
                    " is too; wait for a quote."
                )
            opening = buys + min(held, 0)
            paid = max(held, 0) * leg.premium(line.mark2)
            if paid and not shorts and now and leg.expiry - now > _NINE_MONTHS:
                paid = up(paid, self._long_term)
            total += paid
            if opening > 0:
                total += opening * leg.premium(line.mark2)
            total += -(-slip(buys, sells, line.buy2, line.sell2, line.mark2) * leg.units // 2)
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
        if len(orders) <= _FEW:
            ways = {held}
            for at, lots in orders:
                ways |= {(*way[:at], way[at] + lots, *way[at + 1 :]) for way in ways}
            return [Fill(way, none) for way in sorted(ways)], 0
        sold = tuple(line.qty - line.open_sell for line in self.lines)
        free = tuple(max(0, min(line.open_sell, line.open_sell - line.qty)) for line in self.lines)
        paid = sum(
            lots * self.legs[at].premium(self.lines[at].mark2) for at, lots in orders if lots > 0
        )
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
        shorts: list[Short] = []
        longs: list[Long] = []
        value = 0
        for leg, line, qty, extra in zip(self.legs, self.lines, fill.lots, fill.free, strict=True):
            if qty < 0:
                alone = leg.alone(self.spot)
                if -qty > extra:
                    premium = leg.premium(line.mark2)
                    value += (-qty - extra) * premium
                    shorts.append(Short(leg, -qty - extra, premium, alone))
                if extra:
                    shorts.append(Short(leg, extra, 0, alone))
            elif qty > 0:
                longs.append(Long(leg, qty))
        calls, puts = (cover, 0) if shares > 0 else (0, cover)
        need = 0
        relief = 0
        if shorts:
            pairing = Pairing(shorts, longs, calls, puts, self.spot)
            need = pairing.need - value
        if cover and longs and not shorts and stock is not None and rates is not None:
            usual = (rates.long if shares > 0 else rates.short)(self.per, stock.mark2)[1]
            relief = self._protected(longs, cover, shares > 0, usual)
        if len(self._answers) >= _KEPT:
            self._answers.clear()
        answer = self._answers[key] = need, need - relief
        return answer

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
