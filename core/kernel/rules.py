"""What the limits come to for the orders of one account, instrument, strategy and trader."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from core.kernel.desks import Meter
from core.kernel.positions import Holding
from core.model.checks import OrderLimits, units_of
from core.model.commands import NewOrder
from core.model.enums import OrdType, Side
from core.model.inputs import Restriction
from core.model.limits import LIMIT_KINDS
from core.model.numbers import plain

if TYPE_CHECKING:
    from core.kernel.gate import Control
    from core.kernel.state import State

PER_ORDER = tuple(name for name, kind in LIMIT_KINDS.items() if kind.group == "order")
"""Limits of which the tightest counts, whatever its scope: those on the order itself."""

_SIZES = ("max_position", "max_short")
_PARTS = ("strategy", "trader")
_GROUPS = ("class", "sector", "currency")


class Bound:
    """One limit in force and what it is counted against.

    `limit` is a whole number: lots, orders, millionths of a percent, or money in 10^-24; `shown` is
    what the trader reads.
    `at` is a holding, or the part of it that a strategy or trader has; `group` are all holdings
    that count together, `meter` is what goes to a venue.
    """

    __slots__ = ("at", "code", "group", "limit", "meter", "name", "scope", "shown", "unit")

    def __init__(
        self,
        name: str,
        value: Decimal,
        scope: str,
        at: Holding,
        group: Sequence[Holding] | None,
        meter: Meter,
    ) -> None:
        kind = LIMIT_KINDS[name]
        self.name = name
        self.code = kind.code
        if kind.unit == "money":
            self.limit = units_of(value)
        else:
            self.limit = int(value * 1_000_000 if kind.unit == "%" else value)
        self.shown = plain(value)
        self.scope = scope
        self.at = at
        self.group = group
        self.meter = meter
        self.unit = at.market.unit


class Rules:
    """All limits for the orders of one account, instrument, strategy and trader.

    `order` is the tightest of every scope for the order by itself and its position; `for_new` and
    `for_changes` are the controls with a limit in force, in their order. `permitted` are the order
    types that may be used (None: all), `alike` where orders that are alike are counted.
    """

    __slots__ = (
        "alike",
        "for_changes",
        "for_new",
        "order",
        "permitted",
        "restricted",
        "version",
    )

    def __init__(
        self,
        version: int,
        order: OrderLimits,
        for_new: tuple[tuple[Control, Bound], ...],
        for_changes: tuple[tuple[Control, Bound], ...],
        permitted: frozenset[OrdType] | None,
        restricted: Restriction | None,
    ) -> None:
        self.version = version
        self.order = order
        self.for_new = for_new
        self.alike = tuple(b.at for _, b in for_new if b.name == "max_duplicates")
        self.for_changes = for_changes
        self.permitted = permitted
        self.restricted = restricted


class Case:
    """One order before the gate.

    `own` is the open quantity of the order itself when it is being changed, else 0; `new` says
    which. `mark` is what one lot counts for in exposures, in 10^-24. What several controls ask for
    is kept once it is known: `equity` and `risk`, the value at risk and the shortfall with the
    order (`core.kernel.portfolio.UNKNOWN` where nobody knows).
    """

    __slots__ = (
        "buy",
        "equity",
        "hand",
        "holding",
        "mark",
        "market",
        "new",
        "order",
        "own",
        "part",
        "qty",
        "risk",
        "rules",
        "s",
        "ts",
    )

    def __init__(
        self,
        s: State,
        order: NewOrder,
        holding: Holding,
        part: Holding | None,
        hand: Holding | None,
        own: int,
        rules: Rules,
    ) -> None:
        market = holding.market
        self.s = s
        self.ts = s.ts
        self.order = order
        self.holding = holding
        self.part = part
        self.hand = hand
        self.market = market
        self.rules = rules
        self.new = own < 0
        self.own = 0 if own < 0 else own
        self.qty = order.qty
        self.mark = market.each
        self.buy = order.side is _BUY
        self.equity: int | None = None
        self.risk: tuple[int, int] | None = None

    def reduces(self) -> bool:
        """Can the order only bring what the account holds nearer to zero?"""
        at, more = self.holding, self.qty - self.own
        if self.buy:
            return at.qty < 0 and at.open_buy + more <= -at.qty
        return at.qty > 0 and at.open_sell + more <= at.qty

    def worst(self, at: Holding) -> int:
        """Gross lots of `at` if all working orders of the worse side and this one were filled."""
        buys, sells = at.open_buy, at.open_sell
        if self.buy:
            buys += self.qty - self.own
        else:
            sells += self.qty - self.own
        long, short = at.qty + buys, sells - at.qty
        return long if long > short else short


_BUY: Final = Side.BUY


def make_rules(
    s: State,
    holding: Holding,
    part: Holding | None,
    hand: Holding | None,
    controls: Sequence[tuple[str, Control, tuple[bool, bool]]],
) -> Rules:
    """Work out the rules; `controls` is the gate's table of controls by limit."""
    market, account = holding.market, holding.account
    instrument = market.instrument
    strategy = "" if part is None else part.desk.strategy
    trader = "" if hand is None else hand.desk.strategy
    scopes = [(scope, name) for scope, name, *_ in _counted(s, holding, part, hand)]
    tightest: dict[str, tuple[Decimal, str]] = {}
    for limit in (*PER_ORDER, *_SIZES):
        for scope, name in scopes:
            # How large a position a strategy or a trader may have is counted on their own part.
            if limit in _SIZES and scope in _PARTS:
                continue
            if scope not in LIMIT_KINDS[limit].scopes:
                continue
            value = s.limits.value(limit, scope, name)
            if value is not None and (limit not in tightest or value < tightest[limit][0]):
                tightest[limit] = (value, f"{scope}:{name}")
    policy = s.risk.policy
    order = OrderLimits(instrument, tightest, market.unit, market.worth, policy.by_last)
    for_new: list[tuple[Control, Bound]] = []
    for_changes: list[tuple[Control, Bound]] = []
    for limit, control, (new, change) in controls:
        for scope, name, at, group in _counted(s, holding, part, hand):
            kind = LIMIT_KINDS[limit]
            if scope not in kind.scopes or (limit in _SIZES and scope not in _PARTS):
                continue
            if kind.group == "loss" and scope == "account":
                continue  # its state says it
            value = s.limits.value(limit, scope, name)
            if value is not None:
                bound = Bound(limit, value, f"{scope}:{name}", at, group, market.meter)
                if new:
                    for_new.append((control, bound))
                if change:
                    for_changes.append((control, bound))
    return Rules(
        s.limits.version,
        order,
        tuple(for_new),
        tuple(for_changes),
        s.risk.permitted(account.id, instrument, trader, strategy),
        s.risk.restricted.get(instrument.id),
    )


def _counted(
    s: State, holding: Holding, part: Holding | None, hand: Holding | None
) -> Iterator[tuple[str, str, Holding, Sequence[Holding] | None]]:
    """The scopes that an order counts in, with their ids and what they are counted against."""
    instrument = holding.market.instrument
    yield "account", holding.account.id, holding, None
    yield "instrument", instrument.id, holding, (holding,)
    for scope in _GROUPS:
        name = group_name(s, scope, holding)
        if name:
            yield scope, name, holding, group_of(s, scope, name, holding)
    if part is not None and part.desk.strategy:
        yield "strategy", part.desk.strategy, part, None
    if hand is not None and hand.desk.strategy:
        yield "trader", hand.desk.strategy, hand, None
    yield "venue", instrument.venue, holding, None


def group_name(s: State, scope: str, holding: Holding) -> str:
    """The class, sector or currency of what is held."""
    instrument = holding.market.instrument
    if scope == "class":
        return instrument.kind
    if scope == "currency":
        return instrument.currency
    return s.risk.policy.sectors.get(instrument.id, "")


def group_of(s: State, scope: str, name: str, holding: Holding) -> Sequence[Holding]:
    """What an account holds in a class, sector or currency."""
    found = [h for h in holding.account.holdings.values() if group_name(s, scope, h) == name]
    return found if holding in found else [*found, holding]
