"""Which option covers which: the pairing of one underlying's options that needs least.

What a lot of a short option may be, and what that needs (premiums in it):

* alone: its premium and the rate of `core.risk.margin.legs`;
* half of a short straddle or strangle: the greater of the two requirements and the other's
  premium (4210(f)(2)(G)); here the greater of both rates and both premiums, which is no less;
* covered by the underlying, a call by long stock and a put by short stock: what it is in the
  money, since the stock counts no more than the strike (4210(f)(2)(H)(ii));
* part of a spread in which every option expires the same day and each short one has a long one
  of its kind: the most the whole can lose at expiry (4210(f)(2)(H)(v), Regulatory Notice 12-44).
  Vertical spreads, butterflies, condors, iron ones and boxes are all of this kind, and two
  spreads together never need more than each for itself;
* half of a calendar or diagonal spread with a long option that expires later: the difference of
  the strikes, if the long one's is the worse.

A long option is always paid in full and so needs nothing here. A good answer is found first: lots
are moved from one use to another for as long as that needs less, from two beginnings, everything
covered and everything alone. Then all ways to share out the lots are looked at (lots are counted in
their greatest common divisor), but those that already need too much, until `MOST_LOOKS` of them
were: within that the answer is the least there is, else the best of those, never more than all legs
alone. No clock and no chance: equal portfolios give equal answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import comb, gcd

from core.risk.margin.legs import Leg, Long, Short

MOST_LOOKS = 2_000
"""So often at most one more leg is shared out in search of the best answer: some milliseconds."""

_EXACT_WAYS = 600
"""Where there are no more ways, finding a good answer first costs more than it saves."""

_FEW = 16
_ALONE, _COVERED, _SPREAD = 0, 1, 2


class Pairing:
    """The uses of the short lots of one underlying.

    `uses[i]` says of the i-th short leg how many lots are alone, covered by stock, in the spread
    of their expiry, and then how many with each of `partners[i]`, long options expiring later.
    """

    __slots__ = (
        "_covers",
        "_expiries",
        "_long_steps",
        "_longs",
        "_longs_at",
        "_looks",
        "_short_steps",
        "_shorts",
        "_step",
        "need",
        "partners",
        "uses",
    )

    def __init__(
        self, shorts: Sequence[Short], longs: Sequence[Long], calls: int, puts: int, spot: int
    ) -> None:
        """`calls` and `puts` are the lots that long and short stock covers."""
        self._shorts, self._longs = shorts, longs
        self._step, steps = in_steps([*(s.leg for s in shorts), *(n.leg for n in longs)])
        self._short_steps, self._long_steps = steps[: len(shorts)], steps[len(shorts) :]
        self._covers = [
            max(0, spot - s.leg.strike if s.leg.call else s.leg.strike - spot) for s in shorts
        ]
        self.partners = [
            [
                at
                for at, long in enumerate(longs)
                if long.leg.call is s.leg.call and long.leg.expiry > s.leg.expiry
            ]
            for s in shorts
        ]
        self._longs_at: dict[tuple[bool, int], list[int]] = {}
        for at, long in enumerate(longs):
            self._longs_at.setdefault((long.leg.call, long.leg.expiry), []).append(at)
        self._expiries: dict[int, list[int]] = {}
        for at, short in enumerate(shorts):
            self._expiries.setdefault(short.leg.expiry, []).append(at)
        self.uses = [
            [s.qty, 0, 0, *([0] * len(p))] for s, p in zip(shorts, self.partners, strict=True)
        ]
        self._looks = 0
        self.need = self._cost(self.uses)
        if shorts and (longs or calls or puts):
            self._search(calls, puts)

    def _search(self, calls: int, puts: int) -> None:
        room = (puts, calls)
        step = gcd(*(s.qty for s in self._shorts), *(n.qty for n in self._longs), *room)
        ways = 1
        for short, uses in zip(self._shorts, self.uses, strict=True):
            open_uses = len(uses) - (not room[short.leg.call])
            if not self._longs_at.get((short.leg.call, short.leg.expiry)):
                open_uses -= 1
            ways *= comb(short.qty // step + open_uses - 1, open_uses - 1)
        if ways > _EXACT_WAYS:
            self.need, self.uses = min(
                self._improve([list(u) for u in self.uses], step, room),
                self._improve(self._all_covered(room), step, room),
                key=lambda f: f[0],
            )
        elif ways > _FEW:
            # A good answer first: most others then need too much before they are complete.
            covered = self._all_covered(room)
            self.need, self.uses = min(
                (self.need, self.uses), (self._cost(covered), covered), key=lambda f: f[0]
            )
        self._try_all(step, room)

    def _try_all(self, step: int, room: tuple[int, int]) -> None:
        """Every way there is, but those that need too much by what is shared out so far."""
        choices: list[list[tuple[int, int, list[int]]]] = []
        for at, (short, uses) in enumerate(zip(self._shorts, self.uses, strict=True)):
            closed = {_COVERED} if not room[short.leg.call] else set()
            if not self._longs_at.get((short.leg.call, short.leg.expiry)):
                closed.add(_SPREAD)
            choices.append(
                sorted(
                    (self._fixed(at, share), share[_ALONE] * short.alone, share)
                    for share in _shares(short.qty, step, len(uses), closed)
                )
            )
        self._looks = MOST_LOOKS
        self._descend(choices, [], 0, [0, 0], room)

    def _descend(
        self,
        choices: list[list[tuple[int, int, list[int]]]],
        uses: list[list[int]],
        fixed: int,
        alone: list[int],
        room: tuple[int, int],
    ) -> None:
        at = len(uses)
        self._looks -= 1
        if at == len(choices):
            if self._fits(uses, room):
                cost = self._cost(uses)
                if cost < self.need:
                    self.need, self.uses = cost, [list(row) for row in uses]
            return
        call = self._shorts[at].leg.call
        for more, rate, share in choices[at]:
            if fixed + more >= self.need or self._looks <= 0:
                break
            both = list(alone)
            both[call] += rate
            # Of straddles the greater side counts in full.
            if fixed + more + max(both) < self.need:
                self._descend(choices, [*uses, share], fixed + more, both, room)

    def _fixed(self, at: int, row: Sequence[int]) -> int:
        """What the uses of one leg need whatever the others are used for."""
        short = self._shorts[at]
        leg = short.leg
        cost = row[_ALONE] * short.premium + row[_COVERED] * self._covers[at]
        for use, partner in enumerate(self.partners[at], 3):
            if row[use]:
                worse = self._longs[partner].leg.strike - leg.strike
                if not leg.call:
                    worse = -worse
                if worse > 0:
                    cost += row[use] * worse
        return cost

    def _all_covered(self, room: tuple[int, int]) -> list[list[int]]:
        """Every lot covered by whatever can, the dearest legs first."""
        uses = [[0] * len(u) for u in self.uses]
        free = [long.qty for long in self._longs]
        # Lots of each kind and expiry that are neither a partner nor in a spread yet.
        pools = {key: sum([free[at] for at in members]) for key, members in self._longs_at.items()}
        stock = [room[0], room[1]]
        order = sorted(
            [(-short.alone, short.leg.name, at) for at, short in enumerate(self._shorts)]
        )
        for _, _, at in order:
            short, row = self._shorts[at], uses[at]
            call, left = short.leg.call, short.qty
            for use, partner in enumerate(self.partners[at], 3):
                other = call, self._longs[partner].leg.expiry
                lots = min(left, free[partner], pools[other])
                free[partner] -= lots
                pools[other] -= lots
                row[use] = lots
                left -= lots
            own = call, short.leg.expiry
            lots = min(left, pools.get(own, 0))
            if lots:
                pools[own] -= lots
                row[_SPREAD] = lots
                left -= lots
            lots = min(left, stock[call])
            stock[call] -= lots
            row[_COVERED] = lots
            row[_ALONE] = left - lots
        return uses

    def _improve(
        self, uses: list[list[int]], step: int, room: tuple[int, int]
    ) -> tuple[int, list[list[int]]]:
        """Move lots from one use to another as long as that needs less."""
        cost = self._cost(uses)
        size = max(s.qty for s in self._shorts) // step * step
        while size >= step:
            better = True
            while better:
                better = False
                for row in uses:
                    for source, target in product(range(len(row)), repeat=2):
                        if source == target or row[source] < size:
                            continue
                        row[source] -= size
                        row[target] += size
                        if self._fits(uses, room) and (now := self._cost(uses)) < cost:
                            cost, better = now, True
                        else:
                            row[source] += size
                            row[target] -= size
            size = size // 2 // step * step
        return cost, uses

    def _fits(self, uses: Sequence[Sequence[int]], room: tuple[int, int]) -> bool:
        """Is there stock and are there long options for these uses?"""
        covered = [0, 0]
        taken = [0] * len(self._longs)
        spread: dict[tuple[bool, int], int] = {}
        for short, row, partners in zip(self._shorts, uses, self.partners, strict=True):
            leg = short.leg
            covered[leg.call] += row[_COVERED]
            if row[_SPREAD]:
                key = leg.call, leg.expiry
                spread[key] = spread.get(key, 0) + row[_SPREAD]
            for at, partner in enumerate(partners, 3):
                taken[partner] += row[at]
        if covered[0] > room[0] or covered[1] > room[1]:
            return False
        if any(took > long.qty for took, long in zip(taken, self._longs, strict=True)):
            return False
        return all(
            wanted <= sum(self._longs[at].qty - taken[at] for at in self._longs_at.get(key, ()))
            for key, wanted in spread.items()
        )

    def _cost(self, uses: Sequence[Sequence[int]]) -> int:
        cost = 0
        calls: list[tuple[int, int]] = []
        puts: list[tuple[int, int]] = []
        taken = [0] * len(self._longs)
        for at, (short, row) in enumerate(zip(self._shorts, uses, strict=True)):
            cost += self._fixed(at, row)
            if row[_ALONE]:
                (calls if short.leg.call else puts).append((short.alone, row[_ALONE]))
            for use, partner in enumerate(self.partners[at], 3):
                taken[partner] += row[use]
        for expiry, members in self._expiries.items():
            spread = [
                (self._shorts[at].leg.call, self._short_steps[at], -uses[at][_SPREAD])
                for at in members
                if uses[at][_SPREAD]
            ]
            if spread:
                for call in (False, True):
                    for at in self._longs_at.get((call, expiry), ()):
                        left = self._longs[at].qty - taken[at]
                        if left:
                            spread.append((call, self._long_steps[at], left))
                cost += most_lost(spread) * self._step
        return cost + straddled(calls, puts)


def in_steps(legs: Sequence[Leg]) -> tuple[int, list[int]]:
    """The greatest money that every strike is a whole number of, and these (small) numbers."""
    step = gcd(*(leg.strike for leg in legs)) or 1
    return step, [leg.strike // step for leg in legs]


def most_lost(spread: Sequence[tuple[bool, int, int]]) -> int:
    """The most that options can lose at expiry, 0 when they cannot, in the steps of their strikes.

    Of each: is it a call, its strike (`in_steps`) and the signed lots.

    That is at one of the strikes: the caller sees to it that no more calls, and no more puts, are
    sold than bought, so that nothing more is lost beyond the outer ones.
    """
    worst = 0
    for _, at, _ in spread:
        value = 0
        for call, strike, lots in spread:
            inside = at - strike if call else strike - at
            if inside > 0:
                value += lots * inside
        if -value > worst:
            worst = -value
    return worst


def straddled(calls: list[tuple[int, int]], puts: list[tuple[int, int]]) -> int:
    """The rates of the lots that stand alone, dearest call with dearest put: the greater counts."""
    if not calls or not puts:
        return sum(alone * lots for alone, lots in calls or puts)
    calls.sort(reverse=True)
    puts.sort(reverse=True)
    total = i = j = 0
    left, right = calls[0][1], puts[0][1]
    while i < len(calls) and j < len(puts):
        lots = min(left, right)
        total += lots * max(calls[i][0], puts[j][0])
        left -= lots
        right -= lots
        if not left:
            i += 1
            left = calls[i][1] if i < len(calls) else 0
        if not right:
            j += 1
            right = puts[j][1] if j < len(puts) else 0
    total += left * calls[i][0] if left else 0
    total += right * puts[j][0] if right else 0
    total += sum(alone * lots for alone, lots in calls[i + 1 :])
    return total + sum(alone * lots for alone, lots in puts[j + 1 :])


def _shares(total: int, step: int, uses: int, closed: set[int]) -> list[list[int]]:
    """All ways to share out lots between uses, in steps, with none in the closed ones."""
    ways: list[list[int]] = [[]]
    for use in range(uses - 1, 0, -1):
        longer = []
        for way in ways:
            left = total - sum(way)
            most = 0 if use in closed else left
            longer += [[lots, *way] for lots in range(0, most + 1, step)]
        ways = longer
    return [[total - sum(way), *way] for way in ways]
