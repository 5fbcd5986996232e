"""Faults that are built into the engine on purpose: the simulation must find each of them."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal

import msgspec
import pytest

from core.journal.errors import JournalError
from core.journal.journal import Journal
from core.journal.reader import Recorded
from core.kernel import commands, executions, gate, reports
from core.kernel.closing_state import Job
from core.kernel.kernel import Kernel
from core.kernel.orders import Live
from core.kernel.positions import Holding
from core.kernel.state import State
from core.model.commands import NewOrder
from core.model.denials import Violation
from core.model.enums import OrdStatus, TradingState
from core.model.events import Event, ExecutionReport
from core.model.orders import LONG, Fill, Order, Position
from core.model.requests import VenueRequest
from core.services import recovery
from core.services.drafts import Drafts
from core.services.engine import Engine
from core.services.orderpath import OrderPath
from core.services.sessions import Sessions
from core.services.strategies import Strategies
from core.services.strategy_running import Running
from core.simulation import computer
from core.simulation.checks import Watch
from core.simulation.plan import make_plan
from core.simulation.records import Writer
from core.simulation.seeds import run_seeds, shorten
from core.simulation.world import Outcome, simulate
from core.storage.rows import Rows
from core.venues.remote.venue import RemoteVenue

MOST_SEEDS = 200
TRADING = ("order", "order", "trade")


def found(kind: str) -> Outcome:
    """The first seed that breaks something, which must be of this kind."""
    totals = run_seeds(0, MOST_SEEDS, jobs=1)
    assert totals.failed, f"{MOST_SEEDS} seeds found nothing"
    assert kind in totals.failed[0].broken
    return totals.failed[0]


def found_among(kind: str, kinds: Sequence[str]) -> None:
    """A plan of these steps only, for one account, breaks something of this kind."""
    for seed in range(MOST_SEEDS):
        plan = [
            step._replace(kind=kinds[step.a % len(kinds)], at=300 + 3 * step.number, a=0)
            for step in make_plan(seed)
        ]
        broken = simulate(seed, plan).broken
        if broken:
            assert kind in broken
            return
    raise AssertionError(f"{MOST_SEEDS} plans found nothing")


# -- the eight invariants, each by a fault that breaks it --------------------------------------


def test_1_an_order_that_is_filled_beyond_its_quantity_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    on_trade: Callable[..., None] = reports.on_trade

    def more(s: object, live: Live, r: ExecutionReport, *rest: object) -> None:
        on_trade(s, live, msgspec.structs.replace(r, last_qty=r.last_qty + 1), *rest)

    monkeypatch.setattr(reports, "on_trade", more)
    found_among("(1)", TRADING)


def test_2_a_position_that_is_not_the_sum_of_its_fills_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fill = Holding.fill
    monkeypatch.setattr(
        Holding, "fill", lambda self, sign, price, qty: fill(self, sign, price, min(qty, 3))
    )
    found_among("(2)", TRADING)


def test_2_a_leg_that_is_not_the_sum_of_its_fills_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        State, "legs", lambda self, live: (live.holding.leg(LONG),) * 3 if live.holding else ()
    )
    found_among("(2)", ("hedge",))


def test_3_money_that_comes_from_nowhere_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    settle: Callable[..., Fill] = executions._settle

    def generous(s: object, live: Live, *rest: object) -> Fill:
        fill = settle(s, live, *rest)
        assert live.holding is not None
        live.holding.account.cash["USD"] += Decimal("0.00001")
        return fill

    monkeypatch.setattr(executions, "_settle", generous)
    found_among("(3)", TRADING)


def test_3_a_fee_that_is_booked_as_another_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Our books agree with themselves, and not with the venues'."""
    on_trade: Callable[..., None] = reports.on_trade

    def dear(s: object, live: Live, r: ExecutionReport, *rest: object) -> None:
        on_trade(s, live, msgspec.structs.replace(r, fee=r.fee + 1), *rest)

    monkeypatch.setattr(reports, "on_trade", dear)
    found_among("by what its venues traded", TRADING)


def test_3_a_profit_that_nobody_paid_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    fill = Holding.fill

    def better(self: Holding, sign: int, price: int, qty: int) -> None:
        fill(self, sign, price, qty)
        self.realised += qty > 2

    monkeypatch.setattr(Holding, "fill", better)
    found_among("(3)", TRADING)


def test_4_an_order_that_is_sent_again_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    send = RemoteVenue.send

    def again(self: RemoteVenue, request: VenueRequest) -> None:
        send(self, request)
        send(self, request)

    monkeypatch.setattr(RemoteVenue, "send", again)
    found("(4)")


def test_4_an_order_that_the_engine_hands_over_twice_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    send = Engine._send

    def again(self: Engine, request: VenueRequest) -> None:
        send(self, request)
        send(self, request)

    monkeypatch.setattr(Engine, "_send", again)
    found("was sent to its venue twice")


def test_5_an_order_that_leaves_an_account_that_was_halted_meanwhile_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Kernel, "halted", lambda self, order: False)
    found_among("(5)", ("order", "order", "state", "slow disk"))


def test_5_an_order_that_leaves_though_who_sent_it_was_halted_meanwhile_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def halted(self: Kernel, order: Order) -> bool:
        return self._state.accounts[order.account].state is TradingState.HALTED

    monkeypatch.setattr(Kernel, "halted", halted)
    found_among("(5)", ("order", "order", "state", "slow disk"))


def test_6_a_replace_whose_exposure_is_forgotten_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = ("order", "order", "replace", "replace", "stall")
    monkeypatch.setattr(Live, "most", lambda self: self.qty)
    found_among("(6)", kinds)


def test_6_open_orders_that_are_not_counted_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    passed: Callable[..., list[Violation]] = gate.gate

    def lax(*what: object, **how: object) -> list[Violation]:
        return [v for v in passed(*what, **how) if v.code != "MAX_OPEN_ORDERS"]

    monkeypatch.setattr(commands, "gate", lax)
    found_among("(6)", ("order", "order", "order", "refill"))


def test_6_a_leg_beyond_its_limit_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    passed: Callable[..., list[Violation]] = gate.gate

    def lax(*what: object, **how: object) -> list[Violation]:
        return [v for v in passed(*what, **how) if v.code != "MAX_POSITION"]

    monkeypatch.setattr(commands, "gate", lax)
    found_among("(6) H1", ("hedge",))


def test_7_an_order_that_changes_after_its_end_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def revive(s: State, live: Live, r: ExecutionReport) -> None:
        live.base = OrdStatus.NEW
        s.update(live, r.exec_type)

    monkeypatch.setattr(reports, "_after_the_end", revive)
    found_among("(7)", ("order", "cancel", "report late", "report twice"))


def test_8_an_id_that_a_replay_does_not_make_again_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    numbers = itertools.count(1_000)

    def another(self: State, job: Job) -> str:
        name = f"{job.id}/{next(numbers)}"
        self.ids.add(name)
        return name

    monkeypatch.setattr(State, "next_id", another)
    found_among("(8) a replay", ("order", "order", "flatten", "cancel all"))


def test_8_a_record_that_is_missing_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    records: Callable[..., Iterator[tuple[int, int, object]]] = computer.replay

    def gap(*where: object) -> Iterator[tuple[int, int, object]]:
        return (found for found in records(*where) if found[0] != 9)

    monkeypatch.setattr(computer, "replay", gap)
    found("(8) record 10 follows record 8")


# -- other faults ------------------------------------------------------------------------------


def test_an_execution_that_is_counted_twice_is_found_and_shrunk(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    numbers = itertools.count()
    on_trade: Callable[..., None] = reports.on_trade

    def twice(s: object, live: Live, r: ExecutionReport, *rest: object) -> None:
        on_trade(s, live, msgspec.structs.replace(r, exec_id=f"{next(numbers)}"), *rest)

    monkeypatch.setattr(reports, "on_trade", twice)
    outcome = found("")
    shrunk = shorten(outcome)
    assert shrunk.outcome.broken
    assert 0 < len(shrunk.numbers) <= 12


def test_an_order_that_leaves_before_the_disk_has_it_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begin = OrderPath.__init__

    def hasty(self: OrderPath, *args: object) -> None:
        begin(self, *args)  # type: ignore[arg-type]
        self._waits = False

    monkeypatch.setattr(OrderPath, "__init__", hasty)
    found("left before it was safely on record")


def test_a_snapshot_that_keeps_less_than_all_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    load = Kernel.load.__func__  # type: ignore[attr-defined]

    def forgetful(cls: type[Kernel], data: bytes) -> Kernel:
        kernel: Kernel = load(cls, data)
        kernel._state.execs.clear()
        return kernel

    monkeypatch.setattr(Kernel, "load", classmethod(forgetful))
    found("")


def test_a_start_that_reads_less_than_all_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    replay = Journal.replay

    def less(self: Journal, *where: int) -> Iterator[tuple[int, int, Recorded]]:
        return (r for r in replay(self, *where) if not isinstance(r[2], NewOrder | ExecutionReport))

    monkeypatch.setattr(Journal, "replay", less)
    found("was told to clients and is lost")


def test_an_engine_that_cannot_start_again_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    begin = recovery.rebuild

    def once(journal: Journal) -> tuple[Kernel, int, int]:
        if journal.last_seq:
            raise JournalError("It is not read a second time.")
        return begin(journal)

    monkeypatch.setattr(recovery, "rebuild", once)
    found("the engine cannot start again: It is not read a second time.")


def test_an_engine_that_does_not_stop_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    async def stay(self: Engine) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(Engine, "stop", stay)
    found("the engine does not stop")


def test_a_terminal_that_is_not_told_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    publish = Sessions.publish

    def some(self: Sessions, events: Sequence[Event]) -> None:
        publish(self, [e for e in events if not isinstance(e, Position)])

    monkeypatch.setattr(Sessions, "publish", some)
    found("it does not come to rest: the terminal shows")


def test_a_callback_that_fails_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(self: Sessions) -> None:
        raise ZeroDivisionError("no clients can be told")

    monkeypatch.setattr(Sessions, "tell", fails)
    found("no clients can be told")


def test_a_simulation_that_fails_itself_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(self: object, *what: object) -> None:
        raise ZeroDivisionError("a fault of ours")

    monkeypatch.setattr(Watch, "state", fails)
    found("the simulation itself failed: ZeroDivisionError('a fault of ours')")


def test_a_writer_of_records_that_stays_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Writer, "end", lambda self: None)
    found("the records' writer does not leave")


def test_records_that_lack_an_execution_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    execution = Rows.execution
    monkeypatch.setattr(
        Rows, "execution", lambda self, n, fill: fill.qty > 2 and execution(self, n, fill)
    )
    found("the records")


def test_a_strategy_that_trades_though_it_only_advises_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Drafts, "propose", lambda self, order, now: None)
    order = Strategies._order

    def careless(self: Strategies, running: Running, command: NewOrder) -> NewOrder | None:
        order(self, running, command)
        return command

    monkeypatch.setattr(Strategies, "_order", careless)
    found("only advises")
