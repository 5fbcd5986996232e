"""The margin model of an account as the kernel keeps it: made of the settings, fed with lines."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

from core.kernel.orders import Live
from core.kernel.positions import Account, Holding
from core.kernel.resting import prices
from core.model.enums import Side
from core.model.inputs import MarginSetup, StockSetup
from core.model.instruments import Instrument
from core.risk.margin.base import WHOLE, Line, MarginModel, Requirement
from core.risk.margin.cash import CashMargin
from core.risk.margin.legs import OptionTerms
from core.risk.margin.perpetual import Bracket, PerpetualMargin, PerpetualTerms
from core.risk.margin.regt import RegTMargin, StockTerms
from core.risk.margin.scan import ScanMargin
from core.risk.margin.scenarios import ScanTerms
from core.risk.margin.strategies import StrategyMargin

MODELS = ("cash", "reg_t", "strategies", "scan", "perpetual")

_BUY = Side.BUY


class Underlying(NamedTuple):
    """The price of what options are on, and when it was told (UTC ns)."""

    price: Decimal
    ts: int


class Margin:
    """The margin model of one account, kept up with what it holds whenever it is asked.

    What it is made of (`MarginSetup`, holdings, orders, marks, underlyings, volatilities) is in the
    kernel's memory; it remembers nothing else, so it can be made anew at any time.
    """

    def __init__(self, setup: MarginSetup) -> None:
        self.name = setup.model
        self._lines: dict[str, Line | str] = {}
        self._seen = -2
        self._unable: dict[str, str] = {}
        self._reserves: dict[str, tuple[int, Reserve]] = {}
        self._vols: Mapping[str, int] = {}
        self._products = [each.underlying for each in setup.products]
        self._scan: ScanMargin | None = None
        self._strategies: StrategyMargin | None = None
        self._isolated = {each.instrument for each in setup.perpetuals if each.isolated}
        self._model: MarginModel
        if setup.model == "cash":
            self._model = CashMargin()
        elif setup.model == "reg_t":
            self._model = RegTMargin(_stocks(setup.stocks))
        elif setup.model == "strategies":
            options = {
                o.underlying: OptionTerms(o.rate, o.minimum, o.long_term) for o in setup.options
            }
            self._model = self._strategies = StrategyMargin(_stocks(setup.stocks), options)
        elif setup.model == "scan":
            self._model = self._scan = _scan(setup)
        else:
            self._model = PerpetualMargin(
                {
                    p.instrument: PerpetualTerms(
                        tuple(Bracket(b.floor, b.rate, b.leverage) for b in p.brackets),
                        p.leverage,
                        p.isolated,
                    )
                    for p in setup.perpetuals
                }
            )

    @property
    def prices_options(self) -> bool:
        """Does it need prices of underlyings?"""
        return self._scan is not None or self._strategies is not None

    def price(
        self, underlyings: Mapping[str, Underlying], vols: Mapping[str, int], now: int
    ) -> None:
        """Take up prices of underlyings and implied volatilities (10^-9), told at `now`."""
        self._vols = vols
        self._seen = -2
        if self._strategies is not None:
            self._strategies.at(now)
            for name, known in underlyings.items():
                self._strategies.mark(name, known.price)
        elif self._scan is not None:
            for line in self._lines.values():
                if isinstance(line, Line):
                    self._volatility(self._scan, line)
            for name in self._products:
                if name in underlyings:
                    self._scan.mark(name, underlyings[name].price, now)
                    self._scan.reprice(name)

    def line(self, account: Account, holding: Holding) -> Line | str:
        """The line of one holding, or a sentence why there is none."""
        self._take(account)
        for name, problem in self._unable.items():
            other = account.holdings.get(name)
            if other is not None and (other.qty or other.live):
                return problem
        return self._line(holding.market.instrument.id, holding)

    def refresh(self, account: Account) -> Requirement:
        """What must be there now, of all that the account holds and may hold."""
        self._take(account)
        return self._model.requirement()

    def _take(self, account: Account) -> None:
        """Take up what the account holds and may hold, where something has changed."""
        if self._seen != account.stamp:
            self._seen = account.stamp
            for name, each in account.holdings.items():
                self._line(name, each)

    def after(
        self,
        line: Line,
        sign: int,
        qty: int,
        price2: int,
        own: int,
        own2: int,
        enough: int | None = None,
    ) -> Requirement:
        """What must be there with one more order, or an upper bound of that within `enough`."""
        return self._model.after(line, sign, qty, price2, own, own2, enough)

    def moves(self, holding: Holding) -> bool:
        """Does the requirement follow the price of this holding, and nothing else with it?

        Not where the account has options, whose prices and arrays go with their underlying's, nor
        where the position has margin of its own.
        """
        account = holding.account
        return holding.market.instrument.id not in self._isolated and not any(
            each.market.gearing is not None and (each.qty or each.live)
            for each in (holding, *account.holdings.values())
        )

    def maintenance(self, line: Line, qty: int, mark2: int) -> int | None:
        """What must be left with so many lots of a line at a mark, and none of its orders.

        None: that cannot be reckoned. Nothing is changed by the question.
        """
        now = (line.qty, line.mark2, line.open_buy, line.open_sell, line.buy2, line.sell2)
        line.put(qty, mark2)
        self._model.touch(line)
        try:
            need = self._model.requirement()
        finally:
            line.put(*now)
            self._model.touch(line)
        return None if need.problem else need.maintenance

    def now(self) -> Requirement:
        """What must be there as the lines were when they were last asked for."""
        return self._model.requirement()

    def _line(self, name: str, holding: Holding) -> Line | str:
        line = self._lines.get(name)
        if line is None:
            line = self._lines[name] = self._new(holding)
            if isinstance(line, str):
                self._unable[name] = line
        if isinstance(line, str):
            return line
        qty, mark2, live = holding.qty, holding.market.mark2, holding.live
        same = line.qty == qty and line.mark2 == mark2
        if same and not (live or line.open_buy or line.open_sell):
            return line
        buy2, sell2 = self._reserved(holding, mark2) if live else (0, 0)
        if (
            same
            and line.open_buy == holding.open_buy
            and line.open_sell == holding.open_sell
            and line.buy2 == buy2
            and line.sell2 == sell2
        ):
            return line
        line.put(qty, mark2, holding.open_buy, holding.open_sell, buy2, sell2)
        line.pnl = holding.pnl
        self._model.touch(line)
        return line

    def _reserved(self, holding: Holding, mark2: int) -> tuple[int, int]:
        name, changes = holding.market.instrument.id, holding.resting.changes
        known = self._reserves.get(name)
        if known is None or known[0] != changes:
            known = self._reserves[name] = changes, reserved(holding)
        found = known[1]
        return found.buys2 + found.buys * mark2, found.sells2 + found.sells * mark2

    def _new(self, holding: Holding) -> Line | str:
        market = holding.market
        instrument = market.instrument
        if market.unit != instrument.currency:
            return (
                f"{instrument.id} is not in {market.unit}; the margin model"
                f" “{self.name}” reckons in that only."
            )
        if self.name == "reg_t" and instrument.contract is not None:
            return (
                f"{instrument.id} is a derivative; the margin model “reg_t” knows stocks only. Use"
                " “strategies” for options and “scan” for futures."
            )
        line = Line(instrument)
        try:
            self._model.add(line)
        except ValueError as error:
            return str(error)
        if self._scan is not None and self._volatility(self._scan, line):
            self._scan.reprice(_underlying(instrument))
        return line

    def _volatility(self, scan: ScanMargin, line: Line) -> bool:
        known = self._vols.get(line.instrument.id)
        if known:
            scan.volatility(line, Decimal(known) / WHOLE)
        return bool(known)


class Reserve(NamedTuple):
    """What open buys and sales may trade at worst: lots times twice the price of those that have
    one, and the lots of the others, which trade at the mark."""

    buys2: int
    buys: int
    sells2: int
    sells: int


def reserved(holding: Holding) -> Reserve:
    """What the working orders of a holding may trade."""
    buys2 = buys = sells2 = sells = 0
    for live in holding.live.values():
        price2 = worst_price2(live, 0)
        if live.command.side is _BUY:
            buys2 += live.exposed * price2
            buys += 0 if price2 else live.exposed
        else:
            sells2 += live.exposed * price2
            sells += 0 if price2 else live.exposed
    return Reserve(buys2, buys, sells2, sells)


def worst_price2(live: Live, mark2: int) -> int:
    """Twice the worst price (ticks) at which an order may trade; `mark2` where it has none."""
    found = prices(live)
    price = (max(found) if live.command.side is _BUY else min(found)) or live.command.stop_price
    return 2 * price or mark2


def _underlying(instrument: Instrument) -> str:
    return "" if instrument.contract is None else instrument.contract.underlying


def _stocks(setups: tuple[StockSetup, ...]) -> dict[str, StockTerms]:
    return {
        each.instrument: StockTerms(
            each.initial_long, each.initial_short, each.maintenance_long, each.maintenance_short
        )
        for each in setups
    }


def _scan(setup: MarginSetup) -> ScanMargin:
    return ScanMargin(
        {
            each.underlying: ScanTerms(
                each.price_scan,
                each.vol_scan,
                each.vol_relative,
                each.volatility,
                each.rate,
                each.extreme,
                each.cover,
                each.spread_charge,
                each.short_option,
                each.initial,
                each.net_option_value,
            )
            for each in setup.products
        }
    )
