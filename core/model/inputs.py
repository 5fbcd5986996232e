"""What the engine itself tells the kernel: how it is set up, and that time passes."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from core.model.commands import NewOrder, NewOrderList, ReplaceOrder
from core.model.enums import OrdType
from core.model.instruments import Instrument
from core.model.message import Message, Part

LOOSEN_DELAY = 30_000_000_000
"""How long a loosened limit waits before it holds, in ns."""


class AccountSetup(Part, frozen=True):
    """An account and the money it opens with, by currency.

    With `hedging` long and short positions in one instrument stand apart.
    """

    id: str
    cash: dict[str, Decimal] = msgspec.field(default_factory=dict)
    hedging: bool = False


class LimitValue(Part, frozen=True):
    """One limit as the settings give it; names and units as in `core.model.limits`."""

    name: str
    value: Decimal
    scope: str = "account"
    scope_id: str = ""


class Permission(Part, frozen=True):
    """Who may trade what. An empty field means any; an order passes when one permission fits it.

    `kind` is the instrument's class, such as ``future``.
    """

    trader: str = ""
    strategy: str = ""
    account: str = ""
    instrument: str = ""
    kind: str = ""
    ord_types: tuple[OrdType, ...] = ()


class Restriction(Part, frozen=True):
    """An instrument that nobody may trade; `since` is a date as text."""

    instrument: str
    reason: str
    since: str = ""


class Following(Part, frozen=True):
    """A limit that follows the market: the one called `name` of each instrument, or of one.

    See `core.risk.dynamic.DynamicTerms`: `volatility` is the usual one of a minute in percent,
    `volume` the usual lots an hour, `margin` the usual margin of a lot; 0 leaves that out. `dwell`
    is in seconds.
    """

    name: str
    instrument: str = ""
    volatility: Decimal = Decimal(0)
    volume: int = 0
    margin: Decimal = Decimal(0)
    floor: Decimal = Decimal("0.2")
    band: Decimal = Decimal("0.1")
    dwell: int = 300


class MarginBracket(Part, frozen=True):
    """From a position value of `floor` on: maintenance rate and the highest leverage."""

    floor: Decimal
    rate: Decimal
    leverage: Decimal


class PerpetualSetup(Part, frozen=True):
    """How one perpetual is margined (see `core.risk.margin.perpetual.PerpetualTerms`)."""

    instrument: str
    brackets: tuple[MarginBracket, ...]
    leverage: Decimal = Decimal(1)
    isolated: bool = False


class StockSetup(Part, frozen=True):
    """A house's own rates of a stock (see `core.risk.margin.regt.StockTerms`)."""

    instrument: str
    initial_long: Decimal = Decimal("0.5")
    initial_short: Decimal = Decimal("0.5")
    maintenance_long: Decimal = Decimal("0.25")
    maintenance_short: Decimal = Decimal("0.3")


class OptionSetup(Part, frozen=True):
    """How options on one underlying are margined (see `core.risk.margin.legs.OptionTerms`)."""

    underlying: str
    rate: Decimal = Decimal("0.2")
    minimum: Decimal = Decimal("0.1")
    long_term: Decimal = Decimal(1)


class ProductSetup(Part, frozen=True):
    """Scan ranges of one product (see `core.risk.margin.scenarios.ScanTerms`)."""

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


class MarginSetup(Part, frozen=True):
    """The margin model of an account.

    ``cash``; ``reg_t`` (stocks) and ``strategies`` (stocks and options on them) with a house's own
    rates for some `stocks` and `options`; ``scan`` for futures and options, with its `products`;
    ``perpetual``.
    """

    account: str
    model: str
    perpetuals: tuple[PerpetualSetup, ...] = ()
    stocks: tuple[StockSetup, ...] = ()
    options: tuple[OptionSetup, ...] = ()
    products: tuple[ProductSetup, ...] = ()


class Policy(Part, frozen=True):
    """What the settings say about risk beside limits.

    `currency` is the one that the books are reckoned in (empty: each currency by itself) and
    `rates` what one unit of another is worth in it. With `by_last` the last trade is the
    reference price, else the mid. With `cancel_own` an order that would trade with an own one
    cancels that first, else it is refused. `soft` are the codes that a person may confirm. No
    `permissions` at all: everybody may trade everything. An account without one of `margins` has
    no margin; limits `following` the market are tightened by it. `stale_risk` is the age in
    seconds up to which what is known of the portfolio's risk may be used. `volumes` are average
    quantities a day by instrument.
    """

    currency: str = ""
    rates: dict[str, Decimal] = msgspec.field(default_factory=dict)
    by_last: bool = False
    cancel_own: bool = False
    soft: tuple[str, ...] = ("DUPLICATE_ORDER", "SELF_TRADE")
    permissions: tuple[Permission, ...] = ()
    restricted: tuple[Restriction, ...] = ()
    sectors: dict[str, str] = msgspec.field(default_factory=dict)
    margins: tuple[MarginSetup, ...] = ()
    following: tuple[Following, ...] = ()
    stale_risk: int = 120
    volumes: dict[str, Decimal] = msgspec.field(default_factory=dict)


class Setup(Message, frozen=True):
    """What the kernel trades, for whom, within which limits.

    Journaled like any other input, so that a replay needs nothing but the journal. Applied to a
    kernel that already runs it adds what is new; an account that exists keeps its cash. Where
    `reason` tells why the settings were read anew, looser limits wait as those of commands do.
    `lifted` are limits (name, scope, id of the scope) that the settings gave before and do not
    give any more.
    """

    instruments: tuple[Instrument, ...] = ()
    accounts: tuple[AccountSetup, ...] = ()
    limits: tuple[LimitValue, ...] = ()
    loosen_delay: int = LOOSEN_DELAY
    policy: Policy | None = None
    reason: str = ""
    trader: str = ""
    lifted: tuple[tuple[str, str, str], ...] = ()


class Facts(Message, frozen=True):
    """What is known of the world and bears on limits; what is missing stays as it was.

    `rates` are exchange rates as in `Policy`; `volumes` the average lots a day by instrument.
    `volatilities` (of a minute, in 10^-9), `hours` (lots traded in the last hour) and `margins` (of
    a lot) are what limits follow. `underlyings` are prices of what options are on, by the name that
    contracts give it, and `vols` implied volatilities of options (of a year, in 10^-9; 0: not known
    any more).
    """

    ts: int
    rates: dict[str, Decimal] = msgspec.field(default_factory=dict)
    volumes: dict[str, int] = msgspec.field(default_factory=dict)
    volatilities: dict[str, int] = msgspec.field(default_factory=dict)
    hours: dict[str, int] = msgspec.field(default_factory=dict)
    margins: dict[str, Decimal] = msgspec.field(default_factory=dict)
    underlyings: dict[str, Decimal] = msgspec.field(default_factory=dict)
    vols: dict[str, int] = msgspec.field(default_factory=dict)


class Covariance(Message, frozen=True):
    """How the returns of instruments hang together: row after row, of one step; for value at risk.

    `steps` is the horizon in such steps.
    """

    ts: int
    instruments: tuple[str, ...]
    values: tuple[float, ...]
    steps: int = 1


class Tick(Message, frozen=True):
    """Time has passed: pending limits take effect, closing goes on.

    A `session` (for instance the trading day as text) that differs from the one before starts
    the day's profit and loss anew.
    """

    ts: int
    session: str = ""


class TurnedAway(Message, frozen=True):
    """Orders, or a change of one, that the engine did not take so far as the gate, and why.

    `value` is what was wrong, as it was written.
    """

    command: NewOrder | NewOrderList | ReplaceOrder
    code: str
    text: str
    scope: str = ""
    value: str = ""


KernelInput = Setup | Facts | Covariance | Tick | TurnedAway
