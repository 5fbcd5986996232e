"""An account's money by currency, against a kernel's own books."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from core.client.stores import Stores
from core.kernel.kernel import Kernel
from core.model.commands import NewOrder, SetTradingState
from core.model.contracts import Contract
from core.model.enums import (
    ExecType,
    LinkState,
    Mode,
    OrdStatus,
    OrdType,
    Side,
    TradingState,
)
from core.model.events import ExecutionReport, LinkUpdate
from core.model.inputs import AccountSetup, Tick
from core.model.instruments import Instrument
from core.model.market import Quote
from core.model.orders import AccountState, Balance
from core.model.session import Frame, Snapshot, Ticker

START = 1_750_000_000_000_000_000
FUT = Instrument("FUT.SIM", "FUT", "SIM", Decimal("0.25"), Decimal(1), "USD", Decimal(50))
EUR = Instrument("BTC.XCH", "BTC", "XCH", Decimal("0.1"), Decimal("0.001"), "EUR")
XBT = Instrument(
    "XBTUSD.SIM", "XBTUSD", "SIM", Decimal("0.5"), Decimal(1), "XBT", Decimal(100),
    contract=Contract("XBT", inverse=True),
)  # fmt: skip
BID, ASK = 20_000, 20_002


class Books:
    """A kernel and the stores that follow it."""

    def __init__(self) -> None:
        cash = {"USD": Decimal(10**9), "EUR": Decimal(10**9), "XBT": Decimal(5)}
        self.kernel = Kernel([FUT, EUR, XBT], [AccountSetup("A", cash)])
        self.stores = Stores()
        self.seq = 0
        for group in (self.kernel.accounts(),):
            for event in group:
                self.stores.take_event(event)
        for instrument in (FUT, EUR, XBT):
            self.stores.instruments.put(instrument.id, instrument)
            self.apply(LinkUpdate(instrument.venue, START, LinkState.UP))
            self.apply(Quote(instrument.id, START, START, BID, 9, ASK, 9))

    def apply(self, message: object) -> None:
        self.seq += 1
        for output in self.kernel.apply(self.seq, START + self.seq, message):
            self.stores.take_event(output)

    def trade(self, instrument: Instrument, side: Side, qty: int, price: int, fee: str) -> None:
        name = f"O{self.seq}"
        self.apply(NewOrder(name, "A", instrument.id, side, OrdType.LIMIT, qty, price))
        self.apply(
            ExecutionReport(
                instrument.venue, START, START, name, ExecType.TRADE, OrdStatus.FILLED,
                exec_id=f"E{self.seq}", qty=qty, price=price, cum_qty=qty, last_qty=qty,
                last_price=price, fee=Decimal(fee), currency=instrument.currency,
            )
        )  # fmt: skip

    def quote(self, instrument: Instrument, bid: int, ask: int) -> None:
        ticker = Ticker(instrument.id, START, START, bid, 1, ask, 1)
        self.stores.take_frame(Frame(1, START, tickers=(ticker,)))

    def balance(self, currency: str) -> Balance:
        return self.stores.balances[f"A|{currency}"]


def test_a_day_by_hand():
    b = Books()
    b.apply(Tick(START, "Monday"))
    b.trade(FUT, Side.BUY, 3, 20_000, "1.25")
    b.trade(FUT, Side.SELL, 1, 20_010, "0.5")
    usd = b.balance("USD")
    assert (usd.opening, usd.fees, usd.realised) == (10**9, Decimal("1.75"), 125)
    assert usd.cash == 10**9 - 2 * 20_000 * Decimal("12.5") + 125 - Decimal("1.75")
    assert (usd.open_profit, usd.exposure) == (None, None)  # no price is known here yet
    b.quote(FUT, 20_004, 20_006)
    usd = b.balance("USD")
    assert usd.open_profit == 2 * 4 * Decimal("12.5")
    assert usd.exposure == 2 * 20_004 * Decimal("12.5")
    assert b.balance("EUR").exposure == 0
    b.apply(Tick(START, "Tuesday"))
    usd = b.balance("USD")
    assert (usd.opening, usd.fees, usd.realised) == (usd.cash, 0, 0)


def test_an_inverse_contract_by_hand():
    b = Books()
    b.apply(Tick(START, "Monday"))
    b.trade(XBT, Side.BUY, 100, 20_000, "0.0005")  # 10,000 USD at 10,000: 1 coin
    b.trade(XBT, Side.BUY, 300, 20_002, "0")  # 30,000 at 10,001: 2.99970003
    held = b.stores.position("A", XBT.id)
    assert round(b.stores.average_price(held), 5) == Decimal("10000.74998")
    b.quote(XBT, 25_000, 25_001)  # to be closed at 12,500: 3.2
    coins = b.balance("XBT")
    assert coins.open_profit == Decimal("3.99970003") - Decimal("3.2")
    assert coins.exposure == Decimal("3.2")
    assert coins.cash == 5 + Decimal("3.99970003") - Decimal("0.0005")
    assert b.stores.open_profit(held) + b.stores.realised_profit(held) == (
        coins.open_profit - coins.fees
    )
    b.trade(XBT, Side.SELL, 400, 20_000, "0")
    assert b.balance("XBT").realised == Decimal("-0.00029997")


@given(
    st.lists(
        st.tuples(
            st.sampled_from([FUT, EUR]),
            st.sampled_from(list(Side)),
            st.integers(1, 9),
            st.integers(19_900, 20_100),
            st.sampled_from(["0", "0.25", "-0.1"]),
        ),
        max_size=12,
    ),
    st.integers(0, 12),
)
def test_opening_and_today_explain_the_cash(trades, turn):
    b = Books()
    for number, trade in enumerate(trades):
        if number == turn:
            b.apply(Tick(START, "a new day"))
        b.trade(*trade)
    loaded = Kernel.load(b.kernel.dump())
    assert loaded.accounts() == b.kernel.accounts()
    before = dict.fromkeys(("USD", "EUR"), Decimal(0))
    for position in b.stores.positions:
        if not position.strategy:
            instrument = b.stores.instruments[position.instrument]
            before[instrument.currency] += instrument.money(position.cost)
    for currency, cost in before.items():
        balance = b.balance(currency)
        if turn == 0 or turn >= len(trades):
            # all of today: what is held was paid for, what is closed was earned
            assert balance.cash == balance.opening - cost + balance.realised - balance.fees
        assert balance.settled == balance.cash


def test_a_state_shows_and_an_old_engine_leaves_the_day_unknown():
    b = Books()
    b.apply(SetTradingState("S1", "A", TradingState.HALTED, "lunch"))
    usd = b.balance("USD")
    assert (usd.state, usd.reason) == (TradingState.HALTED, "lunch")
    old = AccountState(9, START, "A", {"USD": Decimal(7)}, TradingState.ACTIVE)
    b.stores.take_event(old)
    usd = b.balance("USD")
    assert (usd.cash, usd.opening, usd.realised, usd.fees) == (7, None, None, None)


def test_only_what_changed_is_told_again_and_a_new_snapshot_begins_anew():
    b = Books()
    board = b.stores.balances
    version = board.version
    b.quote(FUT, BID, ASK)
    assert b.stores.balances.version == version
    b.trade(FUT, Side.BUY, 1, BID, "0")
    version = b.stores.balances.version
    b.quote(FUT, BID + 1, ASK)
    assert b.stores.balances.changed_since(version) == ["A|USD"]
    b.stores.take_snapshot(
        Snapshot("e", Mode.PAPER, START, 1, (FUT,), (), (), (), (), (), (), (), (), ())
    )
    assert len(b.stores.balances) == 0
