"""Drives a kernel by hand: numbers inputs, moves time, and remembers everything for a replay."""

from __future__ import annotations

from decimal import Decimal

from core.kernel.kernel import Kernel
from core.model.commands import (
    CancelAll,
    CancelOrder,
    Flatten,
    Kill,
    NewOrder,
    NewOrderList,
    ReplaceOrder,
    SetLimit,
    SetTradingState,
)
from core.model.enums import (
    Contingency,
    ExecType,
    LinkState,
    MarketStatus,
    OrdStatus,
    OrdType,
    Side,
    TimeInForce,
    TradingState,
)
from core.model.events import CancelReject, CommandRefused, ExecutionReport, LinkUpdate, Notice
from core.model.inputs import AccountSetup, LimitValue, Setup, Tick
from core.model.instruments import Instrument
from core.model.market import Quote, StatusUpdate, Trade
from core.model.orders import AccountState, Fill, OrderUpdate, Position
from core.model.requests import VenueCancel, VenueNew, VenueReplace
from tests.core.kernel.memory import difference

START = 1_700_000_000_000_000_000
SECOND = 1_000_000_000
ALL_TYPES = tuple(OrdType)
ALL_TIFS = (TimeInForce.DAY, TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK)

AAPL = Instrument(
    "AAPL.SIM", "AAPL", "SIM", Decimal("0.01"), Decimal(1), "USD", tifs=ALL_TIFS, max_qty=1_000_000
)
BTC = Instrument("BTC.XCH", "BTC", "XCH", Decimal("0.1"), Decimal("0.001"), "EUR")
FUT = Instrument("FUT.SIM", "FUT", "SIM", Decimal("0.25"), Decimal(1), "USD", Decimal(50))

BUY, SELL = Side.BUY, Side.SELL


class Driver:
    """A kernel with two accounts and three instruments, quoted and ready to trade."""

    def __init__(self, *limits, quoted=True, keep=1000, loosen_delay=30 * SECOND, hedging=False):
        self.kernel = Kernel(keep=keep)
        self.seq = 0
        self.now = START
        self.inputs = []
        self.out = []
        self.everything = []
        self.keep = keep
        self.count = 0
        accounts = (
            AccountSetup("P", {"USD": Decimal(1_000_000)}, hedging),
            AccountSetup("Q", {"USD": Decimal(500), "EUR": Decimal("0.5")}),
        )
        values = tuple(LimitValue(*limit) for limit in limits)
        self.apply(Setup((AAPL, BTC, FUT), accounts, values, loosen_delay))
        if quoted:
            self.quote(AAPL, 19_990, 20_010)
            self.quote(BTC, 599_990, 600_010)
            self.quote(FUT, 19_999, 20_001)

    def apply(self, message):
        self.seq += 1
        self.inputs.append((self.seq, self.now, message))
        self.out = self.kernel.apply(self.seq, self.now, message)
        self.everything += self.out
        return self.out

    def wait(self, seconds):
        self.now += int(seconds * SECOND)

    def tick(self, seconds=1.0, session=""):
        self.wait(seconds)
        return self.apply(Tick(self.now, session))

    def quote(self, instrument=AAPL, bid=19_990, ask=20_010, qty=100):
        q = Quote(instrument.id, self.now, self.now, bid, qty if bid else 0, ask, qty if ask else 0)
        return self.apply(q)

    def trade(self, instrument, price):
        return self.apply(Trade(instrument.id, self.now, self.now, price, 1, 0))

    def name(self):
        self.count += 1
        return f"T-{self.count}"

    def new(self, side=BUY, qty=10, price=20_000, instrument=AAPL, **more):
        """Send an order; returns its id."""
        name = more.pop("id", None) or self.name()
        kind = more.pop("kind", OrdType.LIMIT if price else OrdType.MARKET)
        more.setdefault("account", "P")
        # Most tests are not about trades with oneself, and have one account only.
        more.setdefault("confirmed", ("SELF_TRADE",))
        self.apply(
            NewOrder(name, more.pop("account"), instrument.id, side, kind, qty, price, **more)
        )
        return name

    def order_list(self, contingency, *orders, account="P", instrument=AAPL, id=None, **every):
        """Send orders that hang together, each a dict for `NewOrder`; returns their ids."""
        id = id or self.name()
        made = []
        for terms in orders:
            terms = {**every, **terms}
            terms.setdefault("side", BUY)
            terms.setdefault("qty", 10)
            terms.setdefault("ord_type", OrdType.LIMIT)
            terms.setdefault("account", account)
            terms.setdefault("instrument", instrument.id)
            made.append(NewOrder(terms.pop("id", None) or self.name(), **terms))
        self.apply(NewOrderList(id, contingency, tuple(made)))
        return [order.cl_ord_id for order in made]

    def bracket(self, side=BUY, qty=10, entry=20_000, stop=19_900, target=20_200, **every):
        """Send a bracket with a limit entry; returns the ids of entry, stop, target."""
        out = side.opposite
        return self.order_list(
            Contingency.BRACKET,
            {"side": side, "price": entry},
            {"side": out, "ord_type": OrdType.STOP, "stop_price": stop},
            {"side": out, "price": target},
            qty=qty,
            **every,
        )

    def ack(self, name):
        return self.report(name, ExecType.NEW, OrdStatus.NEW, order_id="v" + name)

    def reject(self, name, text="no"):
        return self.report(name, ExecType.REJECTED, OrdStatus.REJECTED, text=text)

    def replaced(self, name, request, **more):
        return self.report(name, ExecType.REPLACED, OrdStatus.NEW, request=request, **more)

    def restart(self):
        """Go on with what a dump of the kernel gives, which must be the very same."""
        before = self.kernel
        self.kernel = Kernel.load(before.dump())
        found = difference(before, self.kernel)
        assert not found, found
        assert self.kernel.digest() == before.digest()

    def working(self, *args, **more):
        """Send an order and have its venue acknowledge it."""
        name = self.new(*args, **more)
        self.report(name, ExecType.NEW, OrdStatus.NEW, order_id="v" + name)
        return name

    def held(self, qty, price=20_000, instrument=AAPL, **more):
        """Come to hold `qty` lots (negative: short)."""
        name = self.working(BUY if qty > 0 else SELL, abs(qty), price, instrument, **more)
        self.fill(name, abs(qty), price)
        return name

    def report(self, name, kind, status, **more):
        venue = more.pop("venue", "SIM")
        return self.apply(ExecutionReport(venue, self.now, self.now, name, kind, status, **more))

    def fill(self, name, qty, price=20_000, exec_id=None, **more):
        exec_id = f"x{self.seq}" if exec_id is None else exec_id
        return self.report(
            name,
            ExecType.TRADE,
            OrdStatus.PARTIALLY_FILLED,
            exec_id=exec_id,
            last_qty=qty,
            last_price=price,
            **more,
        )

    def canceled(self, name, **more):
        return self.report(name, ExecType.CANCELED, OrdStatus.CANCELED, **more)

    def cancel(self, name, id=None):
        id = id or self.name()
        self.apply(CancelOrder(id, name))
        return id

    def replace(self, name, qty, price, id=None, stop=0):
        id = id or self.name()
        self.apply(ReplaceOrder(id, name, qty, price, stop_price=stop))
        return id

    def cancel_reject(self, name, request, status=OrdStatus.NEW, replace=False, text="too late"):
        return self.apply(
            CancelReject("SIM", self.now, self.now, name, request, status, replace, text)
        )

    def link(self, state, venue="SIM", text=""):
        return self.apply(LinkUpdate(venue, self.now, state, text))

    def down(self):
        return self.link(LinkState.DOWN, text="the line is cut")

    def status(self, status=MarketStatus.HALTED, instrument=AAPL):
        return self.apply(StatusUpdate(instrument.id, self.now, self.now, status))

    def set_limit(self, name, value, scope="account", scope_id="P", reason="", trader="ann"):
        id = self.name()
        self.apply(SetLimit(id, name, Decimal(value), scope, scope_id, reason, trader))
        return id

    def set_state(self, state, account="P", reason="test", trader="ann"):
        return self.apply(SetTradingState(self.name(), account, state, reason, trader=trader))

    def halt(self):
        return self.set_state(TradingState.HALTED)

    def kill(self, level, account="", id=None):
        id = id or self.name()
        self.apply(Kill(id, level, account, trader="ann", reason="test"))
        return id

    def flatten(self, account="", instrument="", strategy="", id=None, leg=""):
        id = id or self.name()
        self.apply(Flatten(id, account, instrument, strategy, leg=leg))
        return id

    def cancel_all(self, **which):
        return self.apply(CancelAll(self.name(), **which))

    # What came out of the last input.

    def of(self, kind):
        return [o for o in self.out if isinstance(o, kind)]

    def sent(self):
        return self.of(VenueNew)

    def cancels(self):
        return self.of(VenueCancel)

    def replaces(self):
        return self.of(VenueReplace)

    def fills(self):
        return self.of(Fill)

    def notices(self):
        return self.of(Notice)

    def refusal(self):
        """The one refusal of a command."""
        (refused,) = self.of(CommandRefused)
        return refused

    def denial(self):
        """The one denied order, which was not sent."""
        (update,) = self.of(OrderUpdate)
        assert update.exec_type is ExecType.DENIED
        assert update.order.status is OrdStatus.REJECTED
        assert not self.sent()
        return update.order

    def accepted(self):
        """The one order that passed, sent once."""
        (update,) = self.of(OrderUpdate)
        assert update.exec_type is ExecType.PENDING_NEW
        (request,) = self.sent()
        assert request.order == update.order
        return update.order

    def order(self, name):
        return self.kernel.order(name)

    def status_of(self, name):
        return self.kernel.order(name).status

    def account(self, name="P"):
        return next(a for a in self.kernel.accounts() if a.account == name)

    def position(self, instrument=AAPL, account="P", strategy="", leg=""):
        wanted = (account, instrument.id, strategy, leg)
        for p in self.kernel.positions():
            if (p.account, p.instrument, p.strategy, p.leg) == wanted:
                return p
        return None

    def replayed(self):
        """Another kernel, fed with the same inputs; its outputs must be the same."""
        other = Kernel(keep=self.keep)
        out = []
        for seq, ts, message in self.inputs:
            out += other.apply(seq, ts, message)
        assert out == self.everything
        return other


__all__ = [
    "AAPL",
    "ALL_TYPES",
    "BTC",
    "BUY",
    "FUT",
    "SECOND",
    "SELL",
    "START",
    "AccountState",
    "Driver",
    "Position",
]
