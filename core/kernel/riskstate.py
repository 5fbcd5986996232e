"""What the risk gate remembers beside limits: policy, rates, restrictions, overrides, counts."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from core.kernel import following, options
from core.kernel.desks import Meter
from core.kernel.margins import MODELS, Margin, Underlying
from core.kernel.markets import RATE
from core.kernel.portfolio import Portfolio
from core.kernel.positions import Account
from core.model.commands import Override, SetRestriction
from core.model.denials import Violation
from core.model.enums import OrdType, Severity
from core.model.events import RiskDecision
from core.model.inputs import Covariance, Facts, Policy, Restriction
from core.model.instruments import Instrument
from core.model.limits import OVERRIDABLE

if TYPE_CHECKING:
    from core.kernel.state import State

LONGEST = 3_600_000_000_000
"""How far ahead (ns) an override may expire."""

LASTS = 60_000_000_000
"""How long (ns) an override lasts that does not name its end."""

_MAX_RATE = 10**9
_MOST_VOLUME = 10**15


class Grant(NamedTuple):
    """An override that waits for its order."""

    codes: tuple[str, ...]
    expires: int
    text: str


class RiskState:
    """See the module. `rates` are whole numbers over `core.kernel.markets.RATE`.

    `counts` counts denials by code and scope. `underlyings` are prices of what options are on and
    `vols` implied volatilities of options (10^-9), as they were told last, at `priced`.
    """

    __slots__ = (
        "_margins",
        "_portfolios",
        "counts",
        "covariance",
        "grants",
        "meters",
        "policy",
        "priced",
        "rates",
        "restricted",
        "underlyings",
        "vols",
    )

    def __init__(self) -> None:
        self.policy = Policy()
        self.rates: dict[str, int] = {}
        self.meters: dict[str, Meter] = {}
        self.restricted: dict[str, Restriction] = {}
        self.grants: dict[str, Grant] = {}
        self.counts: dict[tuple[str, str], int] = {}
        self.covariance: Covariance | None = None
        self.underlyings: dict[str, Underlying] = {}
        self.vols: dict[str, int] = {}
        self.priced = 0
        self._margins: dict[str, Margin | None] = {}
        self._portfolios: dict[str, Portfolio] = {}

    def meter(self, venue: str) -> Meter:
        """What goes to a venue; made when first asked for."""
        found = self.meters.get(venue)
        if found is None:
            found = self.meters[venue] = Meter(venue)
        return found

    def unit(self, currency: str) -> str:
        """The currency that an instrument of this one is reckoned in."""
        return self.policy.currency or currency

    def rate(self, currency: str) -> int:
        """What one unit of a currency is worth in that of the books; 0: not known."""
        if currency == self.unit(currency):
            return RATE
        return self.rates.get(currency, 0)

    def margin(self, account: str) -> Margin | None:
        """The margin model of an account; None: it has no margin."""
        if not self.policy.margins:
            return None
        if account not in self._margins:
            setup = next((m for m in self.policy.margins if m.account == account), None)
            made = self._margins[account] = None if setup is None else Margin(setup)
            if made is not None:
                made.price(self.underlyings, self.vols, self.priced)
        return self._margins[account]

    def refresh(self, accounts: Mapping[str, Account]) -> None:
        """Bring the margin models up to date while no order waits for them."""
        for name, made in self._margins.items():
            if made is not None:
                made.refresh(accounts[name])

    def price_margins(self) -> None:
        """The margin models take up the prices that were told."""
        for made in self._margins.values():
            if made is not None:
                made.price(self.underlyings, self.vols, self.priced)

    def portfolio(self, account: str) -> Portfolio | None:
        """Value at risk of an account; None: nothing is known."""
        if self.covariance is not None and account not in self._portfolios:
            self._portfolios[account] = Portfolio(self.covariance)
        return self._portfolios.get(account)

    def take_covariance(self, covariance: Covariance | None) -> None:
        """Reckon value at risk with this from now on."""
        self.covariance = covariance
        self._portfolios = {}

    def forget_margins(self) -> None:
        """The margin models are made anew when they are next asked for."""
        self._margins = {}

    def permitted(
        self, account: str, instrument: Instrument, trader: str, strategy: str
    ) -> frozenset[OrdType] | None:
        """The order types that somebody may use; None: all."""
        permissions = self.policy.permissions
        if not permissions:
            return None
        found: set[OrdType] = set()
        for p in permissions:
            if (
                p.trader in ("", trader)
                and p.strategy in ("", strategy)
                and p.account in ("", account)
                and p.instrument in ("", instrument.id)
                and p.kind in ("", instrument.kind)
            ):
                if not p.ord_types:
                    return None
                found.update(p.ord_types)
        return frozenset(found)


def take_policy(s: State, policy: Policy) -> None:
    """Put the settings' policy in force."""
    risk = s.risk
    problem = policy_problem(policy)
    if problem:
        s.notice(Severity.ERROR, f"The risk settings stay as they were: {problem}")
        return
    if policy.currency != risk.policy.currency and any(m.holdings for m in s.markets.values()):
        s.notice(
            Severity.ERROR,
            f"The currency of the books stays {risk.policy.currency or 'that of each instrument'}"
            " while something is in them; start a new journal to change it.",
        )
        policy = msgspec.structs.replace(policy, currency=risk.policy.currency)
    for old in risk.policy.restricted:
        risk.restricted.pop(old.instrument, None)
    risk.policy = policy
    risk.forget_margins()
    for new in policy.restricted:
        risk.restricted[new.instrument] = new
    for market in s.markets.values():
        market.unit = risk.unit(market.instrument.currency)
    _set_rates(s, policy.rates)
    following.make(s)
    for name, volume in policy.volumes.items():
        if name in s.markets:
            s.markets[name].volume = lots_a_day(volume, s.markets[name].instrument)
    options.price_all(s)
    s.limits.version += 1


def policy_problem(policy: Policy) -> str:
    """What is wrong with a policy: a sentence, or nothing."""
    for currency, rate in policy.rates.items():
        if not _good(rate):
            return _bad_rate(currency, rate)
    for rule in policy.following:
        problem = following.problem_with(rule)
        if problem:
            return problem
    for setup in policy.margins:
        if setup.model not in MODELS:
            return f"“{setup.model}” is no margin model; there are {', '.join(MODELS)}."
        try:
            Margin(setup)
        except (ArithmeticError, ValueError) as error:
            return f"The margin of {setup.account} cannot be reckoned: {error}"
    for name, volume in policy.volumes.items():
        if not volume.is_finite() or not 0 <= volume <= _MOST_VOLUME:
            return f"{volume} is no daily volume of {name}; write a quantity from 0 up."
    if not 0 < policy.stale_risk <= 86_400:
        return f"A risk {policy.stale_risk} s old is no use; write 1 to 86400."
    return ""


def take_facts(s: State, facts: Facts) -> None:
    """Take in what is known of the world."""
    wrong = [(c, rate) for c, rate in facts.rates.items() if not _good(rate)]
    for currency, rate in wrong:
        s.notice(Severity.ERROR, _bad_rate(currency, rate))
    for name, volume in facts.volumes.items():
        market = s.markets.get(name)
        if market is not None and 0 <= volume < 1 << 62:
            market.volume = volume
    _set_rates(s, {c: r for c, r in facts.rates.items() if _good(r)})
    if facts.underlyings or facts.vols:
        options.take(s, facts)
    following.feed(s, facts)


def lots_a_day(volume: Decimal, instrument: Instrument) -> int:
    """An average daily volume in lots."""
    return min(int(volume / instrument.lot), 1 << 62)


def _good(rate: Decimal) -> bool:
    return rate.is_finite() and Decimal(1) / RATE <= rate <= _MAX_RATE


def _bad_rate(currency: str, rate: Decimal) -> str:
    return f"{rate} is no exchange rate for {currency}."


def _set_rates(s: State, rates: Mapping[str, Decimal]) -> None:
    for currency, rate in rates.items():
        s.risk.rates[currency] = int(rate * RATE)
    for market in s.markets.values():
        rate_now = s.risk.rate(market.instrument.currency)
        if rate_now != market.rate:
            market.set_rate(rate_now)
            market.reckon()
            s.limits.version += 1


def set_restriction(s: State, command: SetRestriction) -> None:
    """Put an instrument on the restricted list or take it off; the caller checked the id."""
    name = command.instrument
    who = f" by {command.trader}" if command.trader else ""
    if name not in s.markets:
        s.refuse(command.id, "UNKNOWN_INSTRUMENT", f"There is no instrument “{name}”.")
        return
    if not command.reason.strip():
        s.refuse(command.id, "REASON_NEEDED", "Give a reason; it is kept in the journal.")
        return
    why = command.reason.rstrip(".")
    if command.restricted:
        day = s.ts // 86_400_000_000_000
        since = s.session or f"day {day}"
        s.risk.restricted[name] = Restriction(name, command.reason, since)
        text = f"{name} is restricted now{who}: {why}."
    elif s.risk.restricted.pop(name, None) is None:
        s.refuse(command.id, "NOT_RESTRICTED", f"{name} is not restricted.")
        return
    else:
        text = f"{name} is not restricted any more{who}: {why}."
    s.limits.version += 1
    s.notice(Severity.WARNING, text)


def override(s: State, command: Override) -> None:
    """Note that one order may pass limits; the caller checked the command's id."""
    problem = _override_problem(s, command)
    if problem:
        s.refuse(command.id, "BAD_OVERRIDE", problem)
        return
    who = " and ".join(name for name in (command.trader, command.second) if name) or "nobody named"
    text = f"Order {command.order} may pass {', '.join(command.codes)}; by {who}: {command.reason}."
    grants = s.risk.grants
    for old in [name for name, grant in grants.items() if grant.expires < s.ts]:
        del grants[old]
    grants[command.order] = Grant(command.codes, command.expires or s.ts + LASTS, text)
    s.notice(Severity.WARNING, text)


def _override_problem(s: State, command: Override) -> str:
    if not command.order or command.order in s.ids:
        return "Name the id of an order that has not been sent yet."
    wrong = [code for code in command.codes if code not in OVERRIDABLE]
    if wrong or not command.codes:
        return f"{', '.join(wrong) or 'Nothing'} cannot be overridden; name limits on the order."
    if command.expires and not s.ts < command.expires <= s.ts + LONGEST:
        return "An override expires within an hour, and not before now."
    if not command.reason.strip():
        return "Give a reason; it is kept in the journal."
    if command.second:
        if command.second == command.trader:
            return "The second person is the first one; somebody else must agree."
    elif command.again.strip() != command.reason.strip():
        return "Type the same reason twice, or name a second person who agrees."
    return ""


def decided(
    s: State,
    name: str,
    action: str,
    violation: Violation,
    account: str,
    instrument: str,
    trader: str,
    strategy: str,
) -> None:
    """Put a decision on record, and count it when it was a denial."""
    if action == "denied":
        key = (violation.code, violation.scope)
        s.risk.counts[key] = s.risk.counts.get(key, 0) + 1
    s.out.append(
        RiskDecision(
            s.seq,
            s.ts,
            name,
            action,
            violation.code,
            violation.scope,
            violation.limit,
            violation.value,
            s.limits.revision,
            account,
            instrument,
            trader,
            strategy,
            violation.sentence,
        )
    )
