"""A made-up past: trades before the first live one, ending at the starting price."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from core.model.market import TradeHistory
from core.venues.simulated.draws import generator, sizes
from core.venues.simulated.fair import SECOND, YEAR_SECONDS
from core.venues.simulated.listing import Listing

_VOLUME_AN_ACTION = 0.11
"""Usual sizes traded on a live market for each action of its people; measured."""


def _worth(
    seed: int, symbol: str, annual_vol: float, seconds: int
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """The symbol's value each second relative to the last one, and how busy each second was."""
    rng = generator(seed, "past", symbol)
    minutes = -(-seconds // 60)
    calm = 0.0
    log_vol = []
    for shock in rng.standard_normal(minutes).tolist():
        calm = 0.95 * calm + 0.16 * shock
        log_vol.append(calm)
    spread = np.repeat(log_vol, 60)[:seconds]
    moves = rng.standard_t(4, seconds) / math.sqrt(2.0)
    moves *= annual_vol / math.sqrt(YEAR_SECONDS) * np.exp(spread - 0.13)
    path = np.cumsum(moves)
    return np.exp(path - path[-1]), np.exp(0.8 * spread)


def trade_history(listing: Listing, seed: int, start: int, end_ts: int) -> TradeHistory | None:
    """Trades before `end_ts`, ending near `start` ticks; `None` when there are none.

    The path is the symbol's, so it looks alike on every venue; the trades are the instrument's.
    """
    instrument = listing.instrument
    seconds = listing.history_seconds
    rng = generator(seed, "past", instrument.id)
    count = int(rng.poisson(listing.history_rate * seconds))
    if count == 0:
        return None
    worth, busy = _worth(seed, instrument.symbol, listing.annual_vol, seconds)
    clock = np.cumsum(busy)
    at = np.sort(rng.random(count)) * clock[-1]
    second = np.minimum(np.searchsorted(clock, at), seconds - 1)
    inside = np.clip((clock[second] - at) / busy[second], 0.0, 1.0)
    ts = end_ts - ((seconds - second - 1 + inside) * SECOND).astype(np.int64) - 1
    aggressor = np.where(rng.random(count) < 0.5, 1, 2)
    touch = np.where(aggressor == 1, 0.5, -0.5) * (1 + rng.integers(0, 2, count))
    price = np.maximum(np.rint(start * worth[second] + touch), 1).astype("<i8")
    # a past trade stands for the many small ones of its moment, so that volumes look alike
    bulk = max(1, round(_VOLUME_AN_ACTION * listing.rate / listing.history_rate))
    qty = sizes(rng, count, listing.size, listing.round_lot) * bulk
    return TradeHistory(
        instrument.id,
        ts.astype("<i8").tobytes(),
        price.tobytes(),
        qty.astype("<i8").tobytes(),
        aggressor.astype("<i8").tobytes(),
    )
