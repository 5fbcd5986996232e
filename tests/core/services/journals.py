"""Journals of some trading, for what reads them."""

from __future__ import annotations

import random

from core.journal.journal import Journal
from tests.core.kernel.driver import AAPL, BUY, FUT, SELL


def trade_a_while(driver, rounds, seed=1):
    """Orders that fill, rest, are cancelled, on both sides and in two instruments."""
    rng = random.Random(seed)
    for _ in range(rounds):
        driver.wait(1)
        instrument = rng.choice((AAPL, FUT))
        driver.quote(instrument, 19_990, 20_010)
        side, qty = rng.choice((BUY, SELL)), rng.randint(1, 20)
        name = driver.working(side, qty, 20_000, instrument)
        if rng.random() < 0.7:
            first = rng.randint(1, qty)
            driver.fill(name, first, 20_000 + rng.randint(-3, 3))
            if first < qty:
                driver.fill(name, qty - first, 20_000)
        elif rng.random() < 0.5:
            driver.cancel(name)
            driver.canceled(name)
    return driver


def write(directory, driver, journal=None, **options):
    """Put what the driver's kernel took in on record."""
    journal = journal or Journal.open(directory, sync_every=0, **options)
    for _, ts, message in driver.inputs[journal.last_seq :]:
        journal.append(ts, message)
    return journal
