"""The engine's settings: accounts, limits, durability. A wrong file is refused as a whole."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from core.model.inputs import AccountSetup, LimitValue, Setup
from core.model.instruments import Instrument
from core.services.config_risk import LimitConfig, RiskConfig, limit_problem, risk_problem
from core.services.settings_text import line_of, remedy, what_is_wrong

FILE_NAME = "engine.toml"

_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class ConfigError(ValueError):
    """Settings that cannot be used; the sentence names file and field, and the remedy."""


class AccountConfig(msgspec.Struct, forbid_unknown_fields=True):
    """An account and the cash it opens with, by currency, and how it counts positions."""

    id: _Name
    cash: dict[str, Decimal] = msgspec.field(default_factory=dict)
    positions: str = "netting"


class StrategyConfig(msgspec.Struct, forbid_unknown_fields=True):
    """A strategy's row: `kind` is built in or ``file.py:Class``; it never starts in Auto."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}$")]
    kind: str
    instrument: str
    account: str
    start: Literal["off", "advise"] = "off"
    params: dict[str, str] = msgspec.field(default_factory=dict)


class EngineConfig(msgspec.Struct, forbid_unknown_fields=True):
    """Everything in ``engine.toml``; the defaults and what each means stand in that file."""

    accounts: Annotated[list[AccountConfig], msgspec.Meta(min_length=1)]
    limits: list[LimitConfig] = msgspec.field(default_factory=list)
    risk: RiskConfig = msgspec.field(default_factory=RiskConfig)
    strategies: list[StrategyConfig] = msgspec.field(default_factory=list)
    loosen_delay: Annotated[int, msgspec.Meta(ge=0, le=86_400)] = 30
    durability: Literal["process", "power"] = "power"
    keep_days: Annotated[int, msgspec.Meta(ge=0, le=36_500)] = 0
    snapshot_every: Annotated[int, msgspec.Meta(ge=1_000)] = 100_000
    orphan_seconds: Annotated[int, msgspec.Meta(ge=1)] = 60
    record: bool = False
    reconcile_seconds: Annotated[float, msgspec.Meta(ge=0, le=86_400)] = 30.0
    answer_seconds: Annotated[float, msgspec.Meta(gt=0, le=600)] = 5.0
    lost_seconds: Annotated[float, msgspec.Meta(gt=0, le=3_600)] = 30.0

    def setup(
        self, instruments: tuple[Instrument, ...], reason: str = "", trader: str = ""
    ) -> Setup:
        """What the kernel is told of it; `reason` and `trader` when it was read anew."""
        return Setup(
            instruments,
            tuple(AccountSetup(a.id, a.cash, a.positions == "hedging") for a in self.accounts),
            tuple(LimitValue(x.name, x.value, x.scope, x.scope_id) for x in self.limits),
            self.loosen_delay * 1_000_000_000,
            self.risk.policy(),
            reason,
            trader,
        )


def load_config(path: Path | None, data_dir: Path) -> EngineConfig:
    """The settings of `path`, or else of ``engine.toml`` in the data folder, or else the defaults.

    Raises:
        ConfigError: when the file cannot be read or anything in it is wrong.
    """
    if path is None:
        path = data_dir / FILE_NAME
        if not path.exists():
            text = resources.files("resources").joinpath(FILE_NAME).read_text("utf-8")
            return parse_config(text, f"resources/{FILE_NAME}")
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}.") from None
    return parse_config(text, str(path))


def parse_config(text: str, where: str) -> EngineConfig:
    """Settings from TOML; `where` names the file in errors.

    Raises:
        ConfigError: with a sentence.
    """
    try:
        raw = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{where} is not TOML: {error}. Mend that line.") from None
    try:
        config = msgspec.convert(raw, EngineConfig)
    except msgspec.ValidationError as error:
        field, problem = what_is_wrong(error, EngineConfig)
        place = _place(where, text, field)
        raise ConfigError(f"{place}: {field or 'the file'}: {problem}") from None
    for field, problem in (
        _positions_problem(config.accounts),
        limit_problem(config.limits),
        risk_problem(config.risk, [account.id for account in config.accounts]),
        _accounts_problem(config.accounts),
        _strategies_problem(config),
    ):
        if problem:
            raise ConfigError(f"{_place(where, text, field)}: {field}: {problem}")
    return config


def _place(where: str, text: str, field: str) -> str:
    """The file and, where it can be told, the line of a field such as ``limits[3].value``."""
    line = line_of(text, field)
    return f"{where}, line {line}" if line else where


def _positions_problem(accounts: list[AccountConfig]) -> tuple[str, str]:
    for index, account in enumerate(accounts):
        if account.positions not in ("netting", "hedging"):
            return f"accounts[{index}].positions", (
                f"“{account.positions}” is not a way to count positions. Write netting (long and"
                " short cancel out) or hedging (they stand apart)."
            )
    return "", ""


def _accounts_problem(accounts: list[AccountConfig]) -> tuple[str, str]:
    seen: set[str] = set()
    for index, account in enumerate(accounts):
        if account.id in seen:
            return f"accounts[{index}].id", f"“{account.id}” is there twice. Rename one."
        seen.add(account.id)
        for currency, cash in account.cash.items():
            if not cash.is_finite():
                return f"accounts[{index}].cash.{currency}", (
                    f"{cash} is no amount. Write one such as 1000000."
                )
    return "", ""


def _strategies_problem(config: EngineConfig) -> tuple[str, str]:
    accounts = [account.id for account in config.accounts]
    names: set[str] = set()
    for index, strategy in enumerate(config.strategies):
        if strategy.name in names:
            return f"strategies[{index}].name", f"“{strategy.name}” is there twice. Rename one."
        names.add(strategy.name)
        if strategy.account not in accounts:
            return f"strategies[{index}].account", (
                f"“{strategy.account}” is no account. {remedy(strategy.account, accounts)}"
            )
    return "", ""
