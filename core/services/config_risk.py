"""The part of ``engine.toml`` that is about risk: limits, the books' currency, permissions."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

import msgspec
from msgspec.structs import asdict

from core.kernel.limits import problem_with
from core.kernel.riskstate import policy_problem
from core.model.enums import OrdType
from core.model.inputs import (
    Following,
    MarginBracket,
    MarginSetup,
    OptionSetup,
    Permission,
    PerpetualSetup,
    Policy,
    ProductSetup,
    Restriction,
    StockSetup,
)
from core.model.limits import LIMIT_KINDS
from core.services.settings_text import remedy

_ORD_TYPES = {kind.name: kind for kind in OrdType}

Scope = Literal[
    "account", "trader", "strategy", "instrument", "class", "venue", "sector", "currency"
]


class LimitConfig(msgspec.Struct, forbid_unknown_fields=True):
    """One limit; an empty `scope_id` is the default of all in that scope."""

    name: str
    value: Decimal
    scope: Scope = "account"
    scope_id: str = ""


class PermissionConfig(msgspec.Struct, forbid_unknown_fields=True):
    """Who may trade what; what is left out means any (see `core.model.inputs.Permission`)."""

    trader: str = ""
    strategy: str = ""
    account: str = ""
    instrument: str = ""
    instrument_class: str = ""
    order_types: list[str] = msgspec.field(default_factory=list)


class RestrictionConfig(msgspec.Struct, forbid_unknown_fields=True):
    """An instrument that nobody may trade."""

    instrument: str
    reason: str
    since: str = ""


class BracketConfig(msgspec.Struct, forbid_unknown_fields=True):
    """From a position value of `floor` on: maintenance rate and the highest leverage."""

    floor: Decimal
    rate: Decimal
    leverage: Decimal


class PerpetualConfig(msgspec.Struct, forbid_unknown_fields=True):
    """How a perpetual is margined."""

    instrument: str
    brackets: list[BracketConfig]
    leverage: Decimal = Decimal(1)
    isolated: bool = False


class StockConfig(msgspec.Struct, forbid_unknown_fields=True):
    """A house's own rates of a stock (see `core.model.inputs.StockSetup`)."""

    instrument: str
    initial_long: Decimal = Decimal("0.5")
    initial_short: Decimal = Decimal("0.5")
    maintenance_long: Decimal = Decimal("0.25")
    maintenance_short: Decimal = Decimal("0.3")


class OptionConfig(msgspec.Struct, forbid_unknown_fields=True):
    """How options on one underlying are margined (see `core.model.inputs.OptionSetup`)."""

    underlying: str
    rate: Decimal = Decimal("0.2")
    minimum: Decimal = Decimal("0.1")
    long_term: Decimal = Decimal(1)


class ProductConfig(msgspec.Struct, forbid_unknown_fields=True):
    """Scan ranges of futures and options on one product (see `core.model.inputs.ProductSetup`)."""

    underlying: str
    price_scan: Decimal
    vol_scan: Decimal = Decimal(0)
    vol_relative: bool = False
    volatility: Decimal = Decimal("0.2")
    rate: Decimal = Decimal(0)
    extreme: Decimal = Decimal(3)
    cover: Decimal = Decimal("0.33")
    spread_charge: Decimal = Decimal(0)
    short_option: Decimal = Decimal(0)
    initial: Decimal = Decimal(1)
    net_option_value: bool = True


class MarginConfig(msgspec.Struct, forbid_unknown_fields=True):
    """The margin model of an account."""

    account: str
    model: Literal["cash", "reg_t", "strategies", "scan", "perpetual"]
    perpetuals: list[PerpetualConfig] = msgspec.field(default_factory=list)
    stocks: list[StockConfig] = msgspec.field(default_factory=list)
    options: list[OptionConfig] = msgspec.field(default_factory=list)
    products: list[ProductConfig] = msgspec.field(default_factory=list)


class FollowingConfig(msgspec.Struct, forbid_unknown_fields=True):
    """A limit that follows the market (see `core.model.inputs.Following`)."""

    name: str
    instrument: str = ""
    volatility: Decimal = Decimal(0)
    volume: Annotated[int, msgspec.Meta(ge=0)] = 0
    margin: Decimal = Decimal(0)
    floor: Decimal = Decimal("0.2")
    band: Decimal = Decimal("0.1")
    dwell: Annotated[int, msgspec.Meta(ge=0, le=86_400)] = 300


class RiskConfig(msgspec.Struct, forbid_unknown_fields=True):
    """What is about risk beside limits (see `core.model.inputs.Policy`)."""

    currency: str = ""
    rates: dict[str, Decimal] = msgspec.field(default_factory=dict)
    reference: Literal["mid", "last"] = "mid"
    self_trade: Literal["refuse", "cancel"] = "refuse"
    soft: list[str] = msgspec.field(default_factory=lambda: ["DUPLICATE_ORDER", "SELF_TRADE"])
    sectors: dict[str, str] = msgspec.field(default_factory=dict)
    volumes: dict[str, Decimal] = msgspec.field(default_factory=dict)
    stale_after: Annotated[int, msgspec.Meta(ge=1, le=86_400)] = 120
    permissions: list[PermissionConfig] = msgspec.field(default_factory=list)
    restricted: list[RestrictionConfig] = msgspec.field(default_factory=list)
    margins: list[MarginConfig] = msgspec.field(default_factory=list)
    following: list[FollowingConfig] = msgspec.field(default_factory=list)

    def policy(self) -> Policy:
        """What the kernel is told of it."""
        return Policy(
            self.currency,
            dict(self.rates),
            self.reference == "last",
            self.self_trade == "cancel",
            tuple(self.soft),
            tuple(
                Permission(
                    p.trader,
                    p.strategy,
                    p.account,
                    p.instrument,
                    p.instrument_class,
                    tuple(_ORD_TYPES[name] for name in p.order_types),
                )
                for p in self.permissions
            ),
            tuple(Restriction(r.instrument, r.reason, r.since) for r in self.restricted),
            dict(self.sectors),
            tuple(_margin(m) for m in self.margins),
            tuple(
                Following(
                    f.name,
                    f.instrument,
                    f.volatility,
                    f.volume,
                    f.margin,
                    f.floor,
                    f.band,
                    f.dwell,
                )
                for f in self.following
            ),
            self.stale_after,
            dict(self.volumes),
        )


def limit_problem(limits: list[LimitConfig]) -> tuple[str, str]:
    """The first wrong limit: its field and what is wrong; empty when all are right."""
    seen: set[tuple[str, str, str]] = set()
    for index, limit in enumerate(limits):
        if limit.name not in LIMIT_KINDS:
            return f"limits[{index}].name", (
                f"There is no limit “{limit.name}”. {remedy(limit.name, LIMIT_KINDS)}"
            )
        problem = problem_with(limit.name, limit.scope, limit.scope_id, limit.value)
        if problem:
            return f"limits[{index}].{_field(problem)}", problem
        key = (limit.name, limit.scope, limit.scope_id)
        if key in seen:
            return f"limits[{index}].name", f"“{limit.name}” is there twice. Remove one."
        seen.add(key)
    return "", ""


def risk_problem(config: RiskConfig, accounts: list[str]) -> tuple[str, str]:
    """The first thing wrong in the risk settings: its field and a sentence; empty: nothing."""
    for index, permission in enumerate(config.permissions):
        for name in permission.order_types:
            if name not in _ORD_TYPES:
                return (
                    f"risk.permissions[{index}].order_types",
                    f"“{name}” is no order type. {remedy(name, _ORD_TYPES)}",
                )
        if permission.account and permission.account not in accounts:
            return f"risk.permissions[{index}].account", _no_account(permission.account, accounts)
    for index, margin in enumerate(config.margins):
        if margin.account not in accounts:
            return f"risk.margins[{index}].account", _no_account(margin.account, accounts)
    for index, restriction in enumerate(config.restricted):
        if not restriction.reason.strip():
            return f"risk.restricted[{index}].reason", "Say why it is restricted."
    problem = policy_problem(config.policy())
    return ("risk", problem) if problem else ("", "")


def _no_account(name: str, accounts: list[str]) -> str:
    return f"“{name}” is no account. {remedy(name, accounts)}"


def _field(problem: str) -> str:
    return "scope" if "the scope must be" in problem else "value"


def _margin(config: MarginConfig) -> MarginSetup:
    return MarginSetup(
        config.account,
        config.model,
        tuple(
            PerpetualSetup(
                p.instrument,
                tuple(MarginBracket(b.floor, b.rate, b.leverage) for b in p.brackets),
                p.leverage,
                p.isolated,
            )
            for p in config.perpetuals
        ),
        tuple(StockSetup(**asdict(stock)) for stock in config.stocks),
        tuple(OptionSetup(**asdict(option)) for option in config.options),
        tuple(ProductSetup(**asdict(product)) for product in config.products),
    )
