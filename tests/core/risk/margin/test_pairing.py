"""The pairing of option legs against every pairing there is."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.risk.margin import pairing
from core.risk.margin.legs import Leg, Long, OptionTerms, Short
from core.risk.margin.pairing import Pairing
from tests.core.risk.margin.examples import CALL, PUT, money, option

SPOT = money(6000)
PREMIUM = money(250)
EXPIRIES = (30, 60)
STRIKES = (40, 55, 60, 65, 90)

Contract = tuple[bool, int, int]  # is a call, strike, expiry


def leg(call: bool, strike: int, expiry: int) -> Leg:
    return Leg(option(CALL if call else PUT, strike, expiry), OptionTerms())


def pair(shorts: dict[Contract, int], longs: dict[Contract, int], calls: int, puts: int) -> Pairing:
    made = []
    for key, qty in shorts.items():
        one = leg(*key)
        made.append(Short(one, qty, PREMIUM, one.alone(SPOT)))
    return Pairing(made, [Long(leg(*k), q) for k, q in longs.items()], calls, puts, SPOT)


def cut(parts: list[tuple[Contract, int]]) -> int:
    """The most a spread loses: at all its strikes, far below and far above."""
    losses = [0]
    for price in {strike for (_, strike, _), _ in parts} | {0, 10_000}:
        worth = 0
        for (call, strike, _), lots in parts:
            worth += lots * max(0, price - strike if call else strike - price)
        losses.append(-worth)
    return max(losses) * money(100)


def every_pairing(
    shorts: list[Contract], longs: list[Contract], calls: int, puts: int
) -> Iterator[int]:
    """What each way to use each single contract needs."""
    uses: list[list[str | int]] = [
        ["alone", "covered", "spread", *range(len(longs))] for _ in shorts
    ]
    for chosen in product(*uses):
        partners = [use for use in chosen if isinstance(use, int)]
        if len(set(partners)) < len(partners):
            continue
        rest = [long for at, long in enumerate(longs) if at not in partners]
        need, spreads, room = 0, {}, {True: calls, False: puts}
        alone: dict[bool, list[int]] = {True: [], False: []}
        for short, use in zip(shorts, chosen, strict=True):
            call, strike, expiry = short
            if use == "alone":
                need += PREMIUM
                alone[call].append(leg(*short).alone(SPOT))
            elif use == "covered":
                room[call] -= 1
                inside = 60 - strike if call else strike - 60
                need += max(0, inside) * money(100)
            elif use == "spread":
                spreads.setdefault(expiry, []).append(short)
            else:
                other = longs[use]
                if other[0] is not call or other[2] <= expiry:
                    break
                need += cut([(short, -1), (other, 1)])
        else:
            if min(room.values()) < 0:
                continue
            for expiry, members in spreads.items():
                friends = [long for long in rest if long[2] == expiry]
                if any(
                    sum(m[0] is call for m in members) > sum(f[0] is call for f in friends)
                    for call in (True, False)
                ):
                    break
                need += cut([(m, -1) for m in members] + [(f, 1) for f in friends])
            else:
                few, many = sorted(alone.values(), key=len)
                few = few + [0] * (len(many) - len(few))
                yield need + min(
                    sum(max(a, b) for a, b in zip(order, many, strict=True))
                    for order in permutations(few)
                )


CONTRACT = st.tuples(st.booleans(), st.sampled_from(STRIKES), st.sampled_from(EXPIRIES))


def count(single: list[Contract]) -> dict[Contract, int]:
    return {key: single.count(key) for key in sorted(set(single))}


PORTFOLIO = st.tuples(
    st.lists(CONTRACT, min_size=1, max_size=4),
    st.lists(CONTRACT, max_size=4),
    st.integers(0, 2),
    st.booleans(),
).map(lambda t: (t[0], [c for c in t[1] if c not in t[0]], t[2] * t[3], t[2] * (not t[3])))


@given(PORTFOLIO)
@settings(max_examples=150, deadline=None)
def test_no_pairing_needs_less(
    portfolio: tuple[list[Contract], list[Contract], int, int],
) -> None:
    shorts, longs, calls, puts = portfolio
    found = pair(count(shorts), count(longs), calls, puts)
    assert found.need == min(every_pairing(shorts, longs, calls, puts))


def alone(shorts: dict[Contract, int]) -> int:
    return sum(qty * (PREMIUM + leg(*key).alone(SPOT)) for key, qty in shorts.items())


LOTS = st.dictionaries(CONTRACT, st.integers(1, 40), max_size=6)


@given(LOTS, LOTS, st.integers(0, 30), st.booleans())
@settings(max_examples=80, deadline=None)
def test_pairing_never_needs_more_than_all_legs_alone(
    shorts: dict[Contract, int], longs: dict[Contract, int], cover: int, call: bool
) -> None:
    longs = {key: qty for key, qty in longs.items() if key not in shorts}
    found = pair(shorts, longs, cover * call, cover * (not call))
    assert 0 <= found.need <= alone(shorts)
    for (key, qty), uses in zip(shorts.items(), found.uses, strict=True):
        assert sum(uses) == qty, key
    # Nothing is lost by the order in which the legs are named, nor gained by asking again.
    again = pair(shorts, longs, cover * call, cover * (not call))
    assert (again.need, again.uses) == (found.need, found.uses)


@given(PORTFOLIO)
@settings(max_examples=80, deadline=None)
def test_moving_lots_about_is_seldom_worse_than_trying_all(
    portfolio: tuple[list[Contract], list[Contract], int, int],
) -> None:
    shorts, longs, calls, puts = count(portfolio[0]), count(portfolio[1]), *portfolio[2:]
    best = pair(shorts, longs, calls, puts).need
    with pytest.MonkeyPatch.context() as only:
        only.setattr(pairing, "_EXACT_WAYS", 0)
        only.setattr(pairing, "MOST_LOOKS", 0)
        moved = pair(shorts, longs, calls, puts).need
    assert best <= moved <= alone(shorts)


@given(PORTFOLIO, st.integers(2, 50))
@settings(max_examples=50, deadline=None)
def test_a_hundred_times_the_portfolio_needs_at_most_a_hundred_times_as_much(
    portfolio: tuple[list[Contract], list[Contract], int, int], times: int
) -> None:
    shorts, longs, calls, puts = count(portfolio[0]), count(portfolio[1]), *portfolio[2:]
    one = pair(shorts, longs, calls, puts).need
    many = pair(
        {k: q * times for k, q in shorts.items()},
        {k: q * times for k, q in longs.items()},
        calls * times,
        puts * times,
    ).need
    assert many == one * times


def test_a_long_option_never_makes_it_dearer() -> None:
    shorts: dict[Contract, int] = {(True, 60, 30): 7, (False, 55, 30): 5, (True, 65, 60): 3}
    before = pair(shorts, {}, 0, 0).need
    for strike in STRIKES:
        for expiry in EXPIRIES:
            for call in (True, False):
                key = (call, strike, expiry)
                if key not in shorts:
                    assert pair(shorts, {key: 4}, 0, 0).need <= before
