"""The kernel and its journal: what an order, a fill, a record and a recovery cost."""

from __future__ import annotations

import gc
import itertools
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from decimal import Decimal

import msgspec

from core.journal.journal import Durability, Journal
from core.journal.records import NO_CHAIN, make_record
from core.kernel.kernel import Kernel
from core.model.commands import Kill, NewOrder
from core.model.enums import ExecType, OrdStatus, OrdType, Side
from core.model.events import ExecutionReport
from core.model.inputs import (
    AccountSetup,
    Covariance,
    LimitValue,
    MarginSetup,
    Permission,
    Policy,
    Setup,
)
from core.model.instruments import Instrument
from core.model.limits import LIMIT_KINDS
from core.model.market import Quote
from core.model.requests import VenueCancel
from core.services.recovery import rebuild
from tests.bench import margins
from tests.bench.table import Row

T0 = 1_700_000_000_000_000_000
STEP = 1_000_000
RUNS = 5
MANY = Decimal(10**15)
SETUP = Setup(
    tuple(
        Instrument(f"S{n}.SIM", f"S{n}", "SIM", Decimal("0.01"), Decimal(1), "USD")
        for n in range(10)
    ),
    (AccountSetup("BENCH", {"USD": Decimal(10_000_000)}),),
    # Every control at work, none in the way.
    tuple(
        LimitValue(name, MANY, scope, scope_id)
        for scope, scope_id in (("account", "BENCH"), ("strategy", "S"))
        for name in (
            "max_order_qty", "max_order_notional", "max_position", "max_exposure",
            "max_open_orders", "max_order_rate", "daily_loss",
        )
    ),
)  # fmt: skip


def rows(quick: bool = False) -> Iterator[Row]:
    """Submit to accepted, fills, controls, kill, journal, recovery."""
    count = 2_000 if quick else 20_000
    runs = [_accepted(count) for _ in range(RUNS)]
    for index, (name, goal, must) in enumerate(
        (("p50", 12, 20), ("p99", 50, 100), ("p99.9", 200, 500))
    ):
        values = [run[index] for run in runs]
        yield _row(f"order accepted and journaled, {name}", values, "us", goal, must)
    yield _row("acknowledgement journaled and told, p50", [run[3] for run in runs], "us", 5, 10)
    total = 10_000 if quick else 100_000
    first, last = _deciles(total)
    yield _row("order, answer and fill, first tenth", [first], "us", 40, 60)
    yield _row(f"the same, last tenth of {total:,}", [last], "us", 40, 60)
    yield _row("last tenth beside the first", [last / first], "x", 1.1, 1.3)
    yield _row("all controls for one order", [_controls(count) for _ in range(RUNS)], "us", 10, 20)
    every = [_every_control(count, 1) for _ in range(RUNS)]
    yield _row("every kind of limit, margin and value at risk, one order", every, "us", 20, 30)
    every = [_every_control(count, 9) for _ in range(RUNS)]
    yield _row("the same in every scope at once", every, "us", 30, 60)
    for name, book, margin in margins.MODELS:
        for moves in (False, True):
            times = [margins.margined(book, margin, count // 5, moves) for _ in range(RUNS)]
            what = "after a tick" if moves else "again"
            yield _row(f"all controls, margin by {name}, {what}", times, "us", 15, 20)
    yield _row(
        "kill with 200 orders, all cancels out", [_kill() for _ in range(RUNS)], "ms", 10, 250
    )
    appends = [_append(count) for _ in range(RUNS)]
    yield _row("journal append, p50", [run[0] for run in appends], "us", 3, 5)
    yield _row("journal append, p99", [run[1] for run in appends], "us", 20, 100)
    commits = [_commit(20 if quick else 200) for _ in range(RUNS)]
    for index, name in enumerate(("p50", "p99")):
        values = [run[index] for run in commits]
        yield _row(f"journal commit to disk (fdatasync), {name}", values, "us", None, 5_000)
    chains = [_chain(count) for _ in range(RUNS)]
    yield _row("making a record: crc and chain of hashes", chains, "us", 1.5, 3)
    events = 40_000 if quick else 1_000_000
    yield from _recovery(events)


def _row(
    name: str, values: Sequence[float], unit: str, goal: float | None, must: float | None
) -> Row:
    spread = (min(values), max(values)) if len(values) > 1 else None
    return {
        "name": name,
        "value": statistics.median(values),
        "spread": spread,
        "unit": unit,
        "goal": goal,
        "must": must,
        "better": "lower",
    }


def _inputs(count: int) -> Iterator[tuple[int, Quote, NewOrder, ExecutionReport, ExecutionReport]]:
    """A quote, an order on it, its acknowledgement and fill; positions flip long and short."""
    fee = Decimal("0.05")
    for n in range(count):
        ts = T0 + n * STEP
        name, instrument = f"B-SESSION-{n}", f"S{n % 10}.SIM"
        side = Side.BUY if (n // 10) % 4 in (0, 3) else Side.SELL
        order = NewOrder(
            name, "BENCH", instrument, side, OrdType.LIMIT, 10 + n % 7, 20_000, strategy="S"
        )
        quote = Quote(instrument, ts, ts, 19_998 - n % 3, 100, 20_002 + n % 5, 100)
        ack = ExecutionReport("SIM", ts, ts, name, ExecType.NEW, OrdStatus.NEW, order_id=str(n))
        fill = ExecutionReport(
            "SIM", ts, ts, name, ExecType.TRADE, OrdStatus.FILLED, exec_id=f"X{n}",
            instrument=instrument, side=side, last_qty=10 + n % 7, last_price=20_000 + n % 3,
            fee=fee, currency="USD",
        )  # fmt: skip
        yield ts, quote, order, ack, fill


def _started(journal: Journal | None = None) -> Kernel:
    kernel = Kernel()
    if journal is not None:
        journal.append(T0, SETUP)
    kernel.apply(1, T0, SETUP)
    return kernel


def _percentiles(times: list[int]) -> tuple[float, float, float]:
    times.sort()
    return tuple(times[int(len(times) * part)] / 1e3 for part in (0.5, 0.99, 0.999))  # type: ignore[return-value]


def _accepted(count: int) -> tuple[float, float, float, float]:
    """Microseconds from a submitted order to the venue's request, journal write included."""
    submits, answers = [], []
    work = list(_inputs(count))
    clock = time.perf_counter_ns
    with tempfile.TemporaryDirectory() as folder, Journal.open(folder) as journal:
        kernel = _started(journal)
        append, apply = journal.append, kernel.apply
        gc.collect()
        gc.freeze()
        for ts, quote, order, ack, fill in work:
            apply(append(ts, quote), ts, quote)
            began = clock()
            out = apply(append(ts, order), ts, order)
            accepted = clock()
            apply(append(ts, ack), ts, ack)
            answers.append(clock() - accepted)
            submits.append(accepted - began)
            if len(out) != 2:
                raise RuntimeError(f"the order was not accepted: {out}")
            apply(append(ts, fill), ts, fill)
        gc.unfreeze()
    return (*_percentiles(submits), _percentiles(answers)[0])


def _deciles(count: int) -> tuple[float, float]:
    """Microseconds for an order, its answer and its fill: first and last tenth of many."""
    kernel = _started()
    apply, clock = kernel.apply, time.perf_counter_ns
    seq = itertools.count(2)
    times: list[int] = []
    for ts, quote, order, ack, fill in _inputs(count):
        began = clock()
        apply(next(seq), ts, quote)
        apply(next(seq), ts, order)
        apply(next(seq), ts, ack)
        apply(next(seq), ts, fill)
        times.append(clock() - began)
    if sum(f.qty for f in kernel.fills()) == 0 or not any(p.qty for p in kernel.positions()):
        raise RuntimeError("nothing was filled")
    tenth = count // 10
    return (
        statistics.median(times[:tenth]) / 1e3,
        statistics.median(times[-tenth:]) / 1e3,
    )


def _controls(count: int) -> float:
    """Microseconds for every control on one order of a strategy."""
    kernel = _started()
    ts, quote, order, *_ = next(_inputs(1))
    kernel.apply(2, ts, quote)
    kernel.apply(3, ts, order)
    began = time.perf_counter()
    for _ in range(count):
        found = kernel.preview(order, ts)
    elapsed = time.perf_counter() - began
    if found:
        raise RuntimeError(f"the order would be denied: {found}")
    return elapsed * 1e6 / count


def _every_control(count: int, most: int) -> float:
    """The same with every kind of limit in its first `most` scopes, permissions, margin, VaR."""
    scopes = {
        "account": "BENCH", "trader": "T", "strategy": "S", "instrument": "S0.SIM",
        "class": "spot", "venue": "SIM", "sector": "X", "currency": "USD",
    }  # fmt: skip
    limits = [
        LimitValue(name, Decimal(90) if kind.unit in ("%", "s") else MANY, scope, scopes[scope])
        for name, kind in LIMIT_KINDS.items()
        for scope in kind.scopes[:most]
    ]
    names = tuple(instrument.id for instrument in SETUP.instruments)
    policy = Policy(
        currency="USD",
        permissions=(Permission("T"),),
        margins=(MarginSetup("BENCH", "reg_t"),),
        sectors=dict.fromkeys(names, "X"),
        volumes=dict.fromkeys(names, Decimal(10**6)),
    )
    kernel = Kernel()
    kernel.apply(1, T0, Setup(SETUP.instruments, SETUP.accounts, tuple(limits), policy=policy))
    matrix = tuple(1e-8 if i == j else 2e-9 for i in range(10) for j in range(10))
    kernel.apply(2, T0, Covariance(T0, names, matrix))
    seq = itertools.count(3)
    for ts, quote, order, ack, fill in _inputs(10):
        for message in (quote, msgspec.structs.replace(order, trader="T"), ack, fill):
            kernel.apply(next(seq), ts, message)
    order = msgspec.structs.replace(order, instrument="S0.SIM", trader="T", cl_ord_id="X")
    began = time.perf_counter()
    for _ in range(count):
        found = kernel.preview(order, ts)
    elapsed = time.perf_counter() - began
    if found:
        raise RuntimeError(f"the order would be denied: {found}")
    return elapsed * 1e6 / count


def _kill() -> float:
    """Milliseconds from the kill to the last cancel, both on record."""
    with tempfile.TemporaryDirectory() as folder, Journal.open(folder) as journal:
        kernel = _started(journal)
        for ts, quote, order, ack, _ in _inputs(200):
            # All of one side: own orders would not be let trade with each other.
            order = msgspec.structs.replace(order, side=Side.BUY)
            for message in (quote, order, ack):
                kernel.apply(journal.append(ts, message), ts, message)
        began = time.perf_counter()
        kill = Kill("K", 3, reason="bench")
        out = kernel.apply(journal.append(ts, kill), ts, kill)
        elapsed = time.perf_counter() - began
    if sum(isinstance(o, VenueCancel) for o in out) != 200:
        raise RuntimeError("not every order was canceled")
    return elapsed * 1e3


def _append(count: int) -> tuple[float, float, float]:
    """Microseconds to put an order on record."""
    orders = [order for _, _, order, _, _ in _inputs(count)]
    clock, times = time.perf_counter_ns, []
    with tempfile.TemporaryDirectory() as folder, Journal.open(folder) as journal:
        for order in orders:
            began = clock()
            journal.append(T0, order)
            times.append(clock() - began)
    return _percentiles(times)


def _commit(count: int, durability: Durability = "power") -> tuple[float, float, float]:
    """Microseconds for one order put on disk for good: p50, p99, p99.9."""
    clock, times = time.perf_counter_ns, []
    with (
        tempfile.TemporaryDirectory(dir=".") as folder,
        Journal.open(folder, durability=durability) as journal,
    ):
        for _, _, order, _, _ in _inputs(count):
            began = clock()
            journal.append(T0, order)
            journal.commit()
            times.append(clock() - began)
    return _percentiles(times)


def _chain(count: int) -> float:
    """Microseconds of this processor for the bytes of one record."""
    payload, chain = bytes(80), NO_CHAIN
    began = time.process_time()
    for seq in range(count):
        _, chain = make_record(seq, T0, payload, chain)
    return (time.process_time() - began) / count * 1e6


def _recovery(events: int) -> Iterator[Row]:
    """Seconds to bring a kernel back from a journal, without and with a snapshot."""
    with tempfile.TemporaryDirectory() as folder:
        with Journal.open(folder) as journal:
            journal.append(T0, SETUP)
            for ts, *messages in _inputs(events // 4):
                for message in messages:
                    journal.append(ts, message)
        with Journal.open(folder) as journal:
            kernel, seconds = _rebuild(journal, events + 1)
            yield _row(f"recovery of {events:,} events, no snapshot", [seconds], "s", 10, 20)
            digest = kernel.digest()
            journal.write_snapshot(kernel.seq, kernel.ts, kernel.dump())
            times = []
            for _ in range(RUNS):
                again, seconds = _rebuild(journal, 0)
                if again.digest() != digest:
                    raise RuntimeError("the recovered state differs")
                times.append(seconds)
            yield _row(f"recovery of {events:,} events, with a snapshot", times, "s", 2, 10)


def _rebuild(journal: Journal, replayed: int) -> tuple[Kernel, float]:
    began = time.perf_counter()
    kernel, _, count = rebuild(journal)
    elapsed = time.perf_counter() - began
    if count != replayed:
        raise RuntimeError(f"{count} events were replayed, not {replayed}")
    return kernel, elapsed
