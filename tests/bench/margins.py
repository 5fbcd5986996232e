"""All controls for one order of an account on margin, right after the market has moved."""

from __future__ import annotations

import itertools
import statistics
import time
from decimal import Decimal

from core.kernel.kernel import Kernel
from core.model.commands import NewOrder
from core.model.contracts import Contract, ExerciseStyle, PutOrCall
from core.model.enums import ExecType, OrdStatus, OrdType, Side
from core.model.events import ExecutionReport
from core.model.inputs import (
    AccountSetup,
    Covariance,
    Facts,
    LimitValue,
    MarginSetup,
    Permission,
    Policy,
    ProductSetup,
    Setup,
)
from core.model.instruments import Instrument
from core.model.limits import LIMIT_KINDS
from core.model.market import Quote

T0 = 1_700_000_000_000_000_000
DAY = 86_400_000_000_000
MANY = Decimal(10**15)
CALL, PUT = PutOrCall.CALL, PutOrCall.PUT

Book = tuple[tuple[Instrument, int, int], ...]
"""What is held: instruments, lots, prices in ticks."""


def option(right: PutOrCall, strike: int, days: int, of: str) -> Instrument:
    """An option on 100 of something."""
    name = f"{of}{strike}{right.name[0]}{days}"
    return Instrument(
        f"{name}.X",
        name,
        "X",
        Decimal("0.01"),
        Decimal(1),
        "USD",
        Decimal(100),
        kind="option",
        contract=Contract(of, right, Decimal(strike), T0 + days * DAY),
    )


def future(days: int) -> Instrument:
    """A future on SP."""
    return Instrument(
        f"SP{days}.X",
        f"SP{days}",
        "X",
        Decimal("0.01"),
        Decimal(1),
        "USD",
        Decimal(100),
        kind="future",
        contract=Contract("SP", expiry=T0 + days * DAY, style=ExerciseStyle.EUROPEAN),
    )


STOCK = Instrument("ACME.X", "ACME", "X", Decimal("0.01"), Decimal(1), "USD")
STRATEGIES: Book = (
    (STOCK, 600, 10_000),
    (option(CALL, 100, 30, STOCK.id), -16, 310),
    (option(CALL, 105, 30, STOCK.id), 10, 130),
    (option(PUT, 95, 30, STOCK.id), -8, 120),
    (option(PUT, 90, 30, STOCK.id), 8, 45),
    (option(CALL, 110, 60, STOCK.id), -4, 140),
    (option(CALL, 120, 90, STOCK.id), 4, 110),
)
"""A covered call, spreads that share an expiry, a diagonal and two that stand alone."""
SCAN: Book = (
    (future(30), 12, 10_000),
    (future(120), -7, 10_050),
    (option(CALL, 100, 30, "SP"), -16, 310),
    (option(CALL, 105, 30, "SP"), 10, 130),
    (option(PUT, 95, 30, "SP"), -8, 120),
    (option(PUT, 90, 30, "SP"), 8, 45),
    (option(CALL, 110, 120, "SP"), -4, 340),
)
"""Two months of a future and options on it."""


def kernel_of(book: Book, margin: MarginSetup) -> Kernel:
    """A kernel that holds a book, with every kind of limit at work and none in the way."""
    instruments = tuple(instrument for instrument, *_ in book)
    scopes = {
        "account": "BENCH", "trader": "T", "strategy": "S", "instrument": instruments[-1].id,
        "class": "spot", "venue": "X", "sector": "Z", "currency": "USD",
    }  # fmt: skip
    limits = tuple(
        LimitValue(
            name,
            Decimal(90) if kind.unit in ("%", "s") else MANY,
            kind.scopes[0],
            scopes[kind.scopes[0]],
        )
        for name, kind in LIMIT_KINDS.items()
    )
    names = tuple(instrument.id for instrument in instruments)
    policy = Policy(
        currency="USD",
        permissions=(Permission("T"),),
        margins=(margin,),
        sectors=dict.fromkeys(names, "Z"),
        volumes=dict.fromkeys(names, Decimal(10**9)),
    )
    kernel, seq = Kernel(), itertools.count(1)
    account = AccountSetup("BENCH", {"USD": Decimal(100_000_000)})
    size = len(names)
    matrix = tuple(1e-8 if i == j else 2e-9 for i in range(size) for j in range(size))
    for message in (
        Setup(instruments, (account,), limits, policy=policy),
        Facts(T0, underlyings={STOCK.id: Decimal(100), "SP": Decimal(100)}),
        Covariance(T0, names, matrix),
        *(quote(instrument, price, T0) for instrument, _, price in book),
    ):
        kernel.apply(next(seq), T0, message)
    for n, (instrument, lots, price) in enumerate(book):
        side = Side.BUY if lots > 0 else Side.SELL
        name, qty = f"B-{n}", abs(lots)
        for each in (
            order(name, instrument, side, qty, price),
            ExecutionReport(
                "X", T0, T0, name, ExecType.TRADE, OrdStatus.FILLED, exec_id=name, last_qty=qty,
                last_price=price,
            ),
        ):  # fmt: skip
            kernel.apply(next(seq), T0, each)
    if [p.qty for p in kernel.positions() if p.whole] != [lots for _, lots, _ in book]:
        raise RuntimeError("the book was not built")
    return kernel


def order(name: str, instrument: Instrument, side: Side, qty: int, price: int) -> NewOrder:
    """An order of a strategy and a trader."""
    return NewOrder(
        name, "BENCH", instrument.id, side, OrdType.LIMIT, qty, price, strategy="S", trader="T",
        confirmed=("SELF_TRADE",),
    )  # fmt: skip


def quote(instrument: Instrument, price: int, ts: int) -> Quote:
    """A quote of one tick to each side."""
    return Quote(instrument.id, ts, ts, price - 1, 500, price + 1, 500)


def margined(book: Book, margin: MarginSetup, count: int, moves: bool) -> float:
    """Microseconds (median) for all controls on one order; `moves`: after a tick, else again.

    Every instrument ticks in turn, and the orders are of every instrument. Each opens: one that can
    only reduce is not held up for margin or value at risk, and is let pass three times as fast.
    """
    kernel, clock = kernel_of(book, margin), time.perf_counter_ns
    seq, times = itertools.count(1_000), []
    for n in range(count):
        instrument, _, price = book[n % len(book)]
        if moves or n < len(book):
            kernel.apply(next(seq), T0, quote(instrument, price + n % 3, T0))
        other, held, at = book[n // len(book) % len(book)]
        asked = order(f"A-{n}", other, Side.BUY if held > 0 else Side.SELL, 1 + n % 5, at)
        began = clock()
        found = kernel.preview(asked, T0)
        times.append(clock() - began)
        if found:
            raise RuntimeError(f"the order would be denied: {found}")
    return statistics.median(times) / 1e3


MODELS = (
    ("option strategies", STRATEGIES, MarginSetup("BENCH", "strategies")),
    (
        "16 scenarios",
        SCAN,
        MarginSetup(
            "BENCH", "scan", products=(ProductSetup("SP", Decimal(6), spread_charge=Decimal(50)),)
        ),
    ),
)
"""Name, what is held, and the margin of the account."""
