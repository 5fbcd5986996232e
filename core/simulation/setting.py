"""What there is to trade, for whom, within which limits, and which strategies there are."""

from __future__ import annotations

from decimal import Decimal

from msgspec.structs import replace

from core.model.contracts import Contract
from core.model.enums import TimeInForce
from core.model.instruments import Instrument, Session, TradingHours
from core.services.config import AccountConfig, EngineConfig, StrategyConfig
from core.services.config_risk import LimitConfig, RestrictionConfig, RiskConfig
from core.simulation.seams import BEGIN

LISTED = (("AAA", "ALPHA"), ("BBB", "ALPHA"), ("CCC", "BETA"))
CASH = {"USD": Decimal(100_000_000), "COIN": Decimal(100_000_000)}
"""What each account opens with."""
HEDGED = "H1"
"""The account whose long and short legs stand apart."""
NETTED = ("A1", "A2", "A3")
ACCOUNTS = (*NETTED, HEDGED)
MOST_LOTS = 8
MOST_POSITION = 12
MOST_OPEN = 8
STRATEGIES = ("quoter", "second", "cross")

_SECOND = 1_000_000_000
_MINUTE = 60 * _SECOND
_LATER = 16 * _SECOND  # orders for the close go out a quarter of a minute before it

PLAIN, OPENING, CLOSING, MIDNIGHT = range(4)
"""What the clock on the wall brings within a simulation."""


def begin(occasion: int) -> int:
    """UTC nanoseconds at which a simulation begins, so that the occasion comes soon after."""
    if occasion == OPENING:
        return _minute(BEGIN) - 3 * _SECOND // 2
    if occasion == CLOSING:
        return _minute(BEGIN) - _LATER
    if occasion == MIDNIGHT:
        day = 24 * 60 * _MINUTE
        return BEGIN - BEGIN % day + day - 3 * _SECOND // 2
    return BEGIN


def _minute(ts: int) -> int:
    """The next whole minute."""
    return ts - ts % _MINUTE + _MINUTE


def instruments(occasion: int) -> list[Instrument]:
    """Everything that is listed. One takes DAY orders by itself, one has hours perhaps, and one is
    an inverse contract, settled in coins."""
    made = [
        Instrument(f"{symbol}.{venue}", symbol, venue, Decimal("0.01"), Decimal(1), "USD")
        for symbol, venue in LISTED
    ]
    contract = Contract("COIN-USD", inverse=True)
    made[2] = replace(made[2], currency="COIN", multiplier=Decimal(30), contract=contract)
    made[0] = replace(made[0], tifs=(*made[0].tifs, TimeInForce.DAY))
    if occasion in (OPENING, CLOSING):
        minute = _minute(BEGIN) // _MINUTE % (24 * 60)
        times = (minute, 24 * 60) if occasion == OPENING else (0, minute)
        made[1] = replace(made[1], hours=TradingHours("UTC", (Session(6, *times),)))
    return made


def config(durable: bool, version: int = 0) -> EngineConfig:
    """The settings of the engine; a new `version` of them for each time they are read anew."""
    limits = {
        "max_position": MOST_POSITION - version % 3,
        "max_order_qty": MOST_LOTS - version % 2,
        "max_open_orders": MOST_OPEN - version % 4 // 3,
        "daily_loss": 10_000_000,
        "max_order_notional": 10_000_000,
        "max_exposure": 100_000_000,
    }
    restricted = [RestrictionConfig("BBB.ALPHA", "simulated")] if version % 5 == 4 else []
    return EngineConfig(
        [
            AccountConfig(name, dict(CASH), "hedging" if name == HEDGED else "netting")
            for name in ACCOUNTS
        ],
        [LimitConfig(name, Decimal(value)) for name, value in limits.items()],
        RiskConfig(
            reference="last" if version % 4 == 2 else "mid",
            self_trade="cancel" if version % 3 == 1 else "refuse",
            restricted=restricted,
        ),
        strategies=strategies(),
        loosen_delay=2,
        durability="power" if durable else "process",
        snapshot_every=120,
    )


def strategies() -> list[StrategyConfig]:
    """Two that quote and one that follows the market; one of them proposes from the start."""
    one, two, three = (f"{symbol}.{venue}" for symbol, venue in LISTED)
    quotes = {"distance": "1", "tolerance": "1", "quantity": "2", "inventory": "8"}
    crosses = {"interval": "3t", "fast": "1", "slow": "2", "quantity": "3"}
    return [
        StrategyConfig("quoter", "quoter", one, "A1", params=quotes),
        StrategyConfig("second", "quoter", three, "A2", "advise", params=quotes),
        StrategyConfig("cross", "crossover", two, "A2", params=crosses),
    ]
