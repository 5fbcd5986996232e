"""Whatever comes from outside - files, clients, venues - is taken or refused, never a crash.

Findings of the fuzzer (`tests.faults.fuzz`) are taken here for ever after.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.kernel.kernel import Input, Kernel
from core.marketdata.cache import MarketCache
from core.marketdata.checks import Source
from core.model.inputs import AccountSetup, Covariance, Facts, Setup
from core.model.instruments import Instrument, Session, TradingHours, listing_problem
from core.model.market import MarketData, Quote
from tests.core.services.helpers import instrument
from tests.faults.fuzz import FINDINGS, MOST_GROWTH, Coverage, broken, fuzz, smaller
from tests.faults.inputs import ACCOUNT, DECIMALS, T0, Maker, damage, over_the_wire
from tests.faults.rig import LONG
from tests.faults.targets import TARGETS, Target, take

pytestmark = pytest.mark.timeout(3_600 if LONG else 120)

EXAMPLES = {"engine": 500 if LONG else 4}
USUAL = 20_000 if LONG else 60
SLOW = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("name", TARGETS)
def test_damaged_input(name: str, tmp_path: Path) -> None:
    seeds = TARGETS[name].seeds()
    for seed in seeds:
        take(name, seed, tmp_path)
    memory = psutil.Process().memory_info().rss

    @settings(max_examples=EXAMPLES.get(name, USUAL), suppress_health_check=SLOW)
    @given(st.sampled_from(seeds), st.randoms(use_true_random=False))
    def damaged(data: bytes, rng: Random) -> None:
        take(name, damage(data, rng), tmp_path)

    damaged()
    assert psutil.Process().memory_info().rss < memory + MOST_GROWTH


@pytest.mark.parametrize("name", [name for name in TARGETS if name != "engine"])
def test_anything_at_all(name: str, tmp_path: Path) -> None:
    @settings(max_examples=USUAL // 2, suppress_health_check=SLOW)
    @given(st.binary(max_size=200))
    def anything(data: bytes) -> None:
        take(name, data, tmp_path)

    anything()


@pytest.mark.parametrize("path", sorted(FINDINGS.glob("*")), ids=lambda path: path.name)
def test_findings(path: Path, tmp_path: Path) -> None:
    name = path.name.rpartition("-")[0].replace("_", " ")
    take(name, path.read_bytes(), tmp_path)


# -- what is on record --------------------------------------------------------------------------

MARKETS = tuple(instrument(name, "X") for name in ("ABC", "DEF"))
MADE_HERE = (Setup, Facts, Covariance)  # the engine's own, from settings and checked listings


def started() -> Kernel:
    kernel = Kernel()
    kernel.apply(1, T0, Setup(MARKETS, (AccountSetup(ACCOUNT, {"USD": DECIMALS[2] * 10**6}),)))
    for seq, market in enumerate(MARKETS, 2):
        kernel.apply(seq, T0, Quote(market.id, T0, T0, 9_999, 100, 10_001, 100))
    return kernel


@settings(max_examples=30_000 if LONG else 150, suppress_health_check=SLOW)
@given(st.randoms(use_true_random=True), st.integers(1, 25))
def test_nothing_on_record_is_too_much(rng: Random, count: int) -> None:
    """The kernel never raises, for then no start would succeed any more; what it holds can be put
    away and taken out, and money stays money."""
    maker, kernel, again = Maker(rng), started(), started()
    ts, seq = T0, 10
    passed: list[Any] = []
    cache = MarketCache(MARKETS, passed.append)
    source = Source("X")
    for _ in range(count):
        message = over_the_wire(maker.any(Input), Input)
        if message is None or isinstance(message, MADE_HERE):
            continue
        if isinstance(message, MarketData):
            passed.clear()
            cache.take(source, message)
            if message not in passed:
                continue
        ts += rng.randrange(-5, 2_000_000_000)
        seq += 1
        kernel.apply(seq, ts, message)
        again.apply(seq, ts, message)
    assert kernel.digest() == again.digest()
    assert Kernel.load(kernel.dump()).digest() == kernel.digest()
    for account in kernel.accounts():
        assert all(amount.is_finite() for amount in account.cash.values())


# -- the fuzzer itself --------------------------------------------------------------------------


def _fragile(data: bytes, folder: Path) -> None:
    if data[:1] == b"a" and b"!" in data:
        raise KeyError("found")


@pytest.fixture
def fragile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TARGETS, "fragile", Target(_fragile, lambda: [b"abc def ghi"]))


@pytest.mark.usefixtures("fragile")
def test_the_fuzzer_finds_keeps_and_shrinks(tmp_path: Path) -> None:
    found = fuzz("fragile", 60.0, 1, tmp_path / "kept", most=3_000)
    assert "KeyError" in found[0]
    (kept,) = (tmp_path / "kept").iterdir()
    assert sorted(kept.read_bytes()) == sorted(b"a!")
    assert smaller("fragile", b"a long one! indeed", tmp_path) == b"a!"
    assert "KeyError" in broken("fragile", b"a!", tmp_path)


def test_the_fuzzer_sees_new_lines(tmp_path: Path) -> None:
    seen = Coverage()
    with seen:
        take("client", b"\xc1", tmp_path)
    few = len(seen.lines)
    with seen:
        take("client", TARGETS["client"].seeds()[1], tmp_path)
    assert 0 < few < len(seen.lines)


# -- what a venue lists -------------------------------------------------------------------------


@settings(max_examples=20_000 if LONG else 100, suppress_health_check=SLOW)
@given(st.randoms(use_true_random=True))
def test_listings(rng: Random) -> None:
    """What passes for tradable can be traded: nothing about it takes long or raises."""
    maker = Maker(rng)
    listed = [maker.struct(Instrument) for _ in range(3)]
    usable = [i for i in listed if not listing_problem(i)]
    kernel = Kernel()
    setup = Setup(tuple(usable), (AccountSetup(ACCOUNT, {"USD": DECIMALS[2] * 10**6}),))
    kernel.apply(1, T0, setup)
    for seq, market in enumerate(usable, 2):
        kernel.apply(seq, T0, Quote(market.id, T0, T0, 9_999, 100, 10_001, 100))
        market.hours.is_open(T0)
        assert market.money(10_000).is_finite()
    assert Kernel.load(kernel.dump()).digest() == kernel.digest()


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"tick": DECIMALS[7]}, "tick"),
        ({"lot": DECIMALS[9]}, "lot"),
        ({"multiplier": DECIMALS[0]}, "multiplier"),
        ({"maker_fee": DECIMALS[11]}, "fee"),
        ({"currency": ""}, "currency"),
        ({"max_qty": 0}, "largest"),
        ({"hours": TradingHours("Nowhere/At_all")}, "time zone"),
        ({"hours": TradingHours("UTC", (Session(7, 0, 1),))}, "sessions"),
    ],
)
def test_what_is_wrong_with_a_listing_is_said(change: dict[str, Any], word: str) -> None:
    whole = MARKETS[0]
    assert listing_problem(whole) == ""
    assert word in listing_problem(msgspec.structs.replace(whole, **change))
