"""The instruments of the built-in simulated market: two venues that share some of them."""

from __future__ import annotations

import time
from dataclasses import replace
from decimal import Decimal

import msgspec

from core.model.enums import OrdType, TimeInForce
from core.model.instruments import WEEKDAYS_NEW_YORK, Instrument, TradingHours, instrument_id
from core.venues.simulated.draws import generator
from core.venues.simulated.listing import Listing
from core.venues.simulated.venue import SimulatedVenue
from core.venues.venue import Clock

_ALPHA = "ALPHA"
_BETA = "BETA"
_LATENCY = {_ALPHA: 300_000, _BETA: 2_000_000}
"""Nanoseconds from sending an order to its acknowledgement."""
_FEES = {
    (_ALPHA, "spot"): ("0.0001", "0.0005"),
    (_ALPHA, "stock"): ("0.00005", "0.0002"),
    (_BETA, "spot"): ("-0.00005", "0.0003"),
    (_BETA, "stock"): ("-0.00001", "0.00003"),
    (_BETA, "future"): ("0.000002", "0.000004"),
    (_BETA, "fx"): ("0", "0.00002"),
}
"""Maker and taker fee by venue and kind of instrument, as a share of the value traded."""
_STEPS: dict[str, tuple[str, str, str, str, str, str]] = {
    # symbol: kind, tick, lot, currency, multiplier, name
    "BTC-USD": ("spot", "0.5", "0.0001", "USD", "1", "Bitcoin"),
    "ETH-USD": ("spot", "0.05", "0.001", "USD", "1", "Ether"),
    "SOL-USD": ("spot", "0.01", "0.01", "USD", "1", "Solana"),
    "XRP-USD": ("spot", "0.0001", "1", "USD", "1", "XRP"),
    "W500-F": ("future", "0.25", "1", "USD", "50", "World 500 index future"),
    "EUR-USD": ("fx", "0.00001", "1000", "USD", "1", "Euro in US dollars"),
    "ACME": ("stock", "0.01", "1", "USD", "1", "Acme Industries"),
    "WIDG": ("stock", "0.01", "1", "USD", "1", "Widget Works"),
    "GADG": ("stock", "0.02", "1", "EUR", "1", "Gadget Makers"),
}
_MARKET: tuple[tuple[str, str, str, float, float, float, int], ...] = (
    # symbol, venue, price, volatility a year, share of the activity, usual lots, round lots
    ("BTC-USD", _ALPHA, "60000", 0.28, 0.20, 700, 100),
    ("BTC-USD", _BETA, "60000", 0.28, 0.12, 400, 100),
    ("W500-F", _BETA, "5000", 0.16, 0.14, 4, 1),
    ("ACME", _BETA, "182.50", 0.28, 0.07, 90, 100),
    ("ETH-USD", _ALPHA, "3000", 0.35, 0.12, 900, 100),
    ("ETH-USD", _BETA, "3000", 0.35, 0.07, 500, 100),
    ("EUR-USD", _BETA, "1.08000", 0.07, 0.09, 150, 50),
    ("SOL-USD", _ALPHA, "150", 0.45, 0.05, 800, 100),
    ("SOL-USD", _BETA, "150", 0.45, 0.03, 500, 100),
    ("WIDG", _BETA, "47.20", 0.35, 0.04, 140, 100),
    ("GADG", _BETA, "88.40", 0.25, 0.03, 80, 50),
    ("XRP-USD", _ALPHA, "0.6000", 0.50, 0.04, 1500, 500),
)
_HALTS_A_DAY = 36.0
"""Trading halts over all instruments."""
_OTHERS_SHARE = 0.25
"""What part of the activity the generated symbols have among them."""


def default_market(
    seed: int = 1,
    instruments: int = 12,
    *,
    rate: float = 1500.0,
    hours: bool = False,
    clock: Clock = time.time_ns,
) -> list[SimulatedVenue]:
    """The built-in market: venues ALPHA and BETA with `instruments` listings in all.

    The first twelve are crypto pairs, stocks, a future and a currency pair; the rest are made-up,
    lightly traded stocks. `rate` is how often a second, over all listings, somebody on the market
    acts in usual times. `hours` gives the stocks New York sessions; without, all trade always.
    The same arguments make the same market.

    Raises:
        ValueError: for less than two instruments or a rate that is not positive.
    """
    if instruments < 2 or rate <= 0:
        raise ValueError(
            f"A market needs at least 2 instruments and a rate above 0, "
            f"not {instruments} and {rate}."
        )
    listings = [
        _listing(symbol, venue, Decimal(price), vol, share * rate, lots, round_lot)
        for symbol, venue, price, vol, share, lots, round_lot in _MARKET[:instruments]
    ]
    others = instruments - len(listings)
    if others:
        listings = [replace(one, rate=one.rate * (1 - _OTHERS_SHARE)) for one in listings]
        listings += _others(seed, others, rate * _OTHERS_SHARE)
    if hours:
        listings = [_with_hours(one) for one in listings]
    return [
        SimulatedVenue(
            name,
            [one for one in listings if one.instrument.venue == name],
            seed=seed,
            latency=_LATENCY[name],
            halts_a_day=_HALTS_A_DAY / instruments,
            clock=clock,
        )
        for name in (_ALPHA, _BETA)
    ]


def _instrument(symbol: str, venue: str, steps: tuple[str, str, str, str, str, str]) -> Instrument:
    kind, tick, lot, currency, multiplier, name = steps
    maker, taker = _FEES[venue, kind]
    return Instrument(
        id=instrument_id(symbol, venue),
        symbol=symbol,
        venue=venue,
        tick=Decimal(tick),
        lot=Decimal(lot),
        currency=currency,
        multiplier=Decimal(multiplier),
        name=name,
        kind=kind,
        order_types=(OrdType.LIMIT, OrdType.MARKET, OrdType.STOP, OrdType.STOP_LIMIT),
        tifs=(TimeInForce.GTC, TimeInForce.GTD, TimeInForce.IOC, TimeInForce.FOK),
        display=True,
        maker_fee=Decimal(maker),
        taker_fee=Decimal(taker),
    )


def _listing(
    symbol: str,
    venue: str,
    price: Decimal,
    vol: float,
    rate: float,
    lots: float,
    round_lot: int,
) -> Listing:
    instrument = _instrument(symbol, venue, _STEPS[symbol])
    return Listing(instrument, instrument.ticks(price), vol, rate, lots, round_lot)


def _others(seed: int, count: int, rate: float) -> list[Listing]:
    """Made-up stocks, the first ones busier than the last ones; every fifth trades on both."""
    rng = generator(seed, "others")
    prices = rng.uniform(1.6, 6.0, count).tolist()
    vols = rng.uniform(0.15, 0.5, count).tolist()
    weights = [1.0 / (i + 20) for i in range(count)]
    listings: list[Listing] = []
    number = 0
    while len(listings) < count:
        number += 1
        symbol = f"SYN{number:03d}"
        venues = (_ALPHA, _BETA) if number % 5 == 0 else ((_ALPHA, _BETA)[number % 2],)
        start = round(100 * 2.718281828 ** prices[number - 1])
        steps = ("stock", "0.01", "1", "USD", "1", f"Synthetic {number}")
        for venue in venues[: count - len(listings)]:
            listings.append(
                Listing(
                    _instrument(symbol, venue, steps),
                    start,
                    vols[number - 1],
                    rate * weights[len(listings)] / sum(weights),
                    60.0,
                    100,
                    resting=50,
                    history_rate=0.1,
                    history_seconds=1800,
                )
            )
    return listings


def _with_hours(listing: Listing) -> Listing:
    instrument = listing.instrument
    if instrument.kind != "stock":
        return listing
    return replace(listing, instrument=_dated(instrument, WEEKDAYS_NEW_YORK))


def _dated(instrument: Instrument, hours: TradingHours) -> Instrument:
    return msgspec.structs.replace(
        instrument, hours=hours, tifs=(TimeInForce.DAY, *instrument.tifs)
    )
