"""Faults that are built into the engine on purpose: the simulation must find each of them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import msgspec
import pytest

from core.kernel import reports
from core.kernel.kernel import Kernel
from core.kernel.orders import Live
from core.model.events import ExecutionReport
from core.model.requests import VenueRequest
from core.services.orderpath import OrderPath
from core.simulation.plan import make_plan
from core.simulation.seeds import run_seeds, shorten
from core.simulation.world import Outcome, simulate
from core.venues.remote.venue import RemoteVenue

MOST_SEEDS = 150


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


def test_a_replace_whose_exposure_is_forgotten_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = ("order", "order", "replace", "replace", "stall")
    monkeypatch.setattr(Live, "most", lambda self: self.qty)
    found_among("(6)", kinds)


def test_an_order_that_is_sent_again_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    send = RemoteVenue.send

    def again(self: RemoteVenue, request: VenueRequest) -> None:
        send(self, request)
        send(self, request)

    monkeypatch.setattr(RemoteVenue, "send", again)
    found("(4)")


def test_an_order_that_leaves_an_account_that_was_halted_meanwhile_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Kernel, "halted", lambda self, account: False)
    found_among("(5)", ("order", "order", "state", "slow disk"))


def test_a_snapshot_that_keeps_less_than_all_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    load = Kernel.load.__func__  # type: ignore[attr-defined]

    def forgetful(cls: type[Kernel], data: bytes) -> Kernel:
        kernel: Kernel = load(cls, data)
        kernel._state.execs.clear()
        return kernel

    monkeypatch.setattr(Kernel, "load", classmethod(forgetful))
    found("")
