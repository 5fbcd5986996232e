"""What a strategy may rely on: order of calls, its own view of orders, time."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from core.model.commands import AnswerDraft, CancelOrder, NewOrder, NewOrderList, ReplaceOrder
from core.model.enums import (
    Contingency,
    OrdStatus,
    OrdType,
    PositionEffect,
    Side,
    TimeInForce,
)
from core.model.events import Draft
from core.model.orders import OrderUpdate, Position
from core.strategy.api import Bar, Quote, Strategy, StrategyError, Trade
from tests.core.strategy.recorded import ABC, SECOND, START, Recorded


class Diary(Strategy):
    """Writes down every call, with the time and the quote it saw."""

    def __init__(self, *args: object) -> None:
        super().__init__(*args)  # type: ignore[arg-type]
        self.calls: list[tuple[str, int, int]] = []

    def note(self, what: str) -> None:
        self.calls.append((what, (self.now - START) // SECOND, self.quote.bid))

    def on_start(self) -> None:
        self.timer_seconds = 2.0
        self.note("start")

    def on_quote(self, quote: Quote) -> None:
        assert quote is self.quote
        self.note("quote")

    def on_trade(self, trade: Trade) -> None:
        self.note(f"trade {trade.price}")

    def on_bar(self, bar: Bar) -> None:
        assert self.bars["close"][-1] == bar.close
        self.note(f"bar {bar.close}")

    def on_order(self, update: OrderUpdate) -> None:
        self.note(f"order {update.order.status.name} {self.position}")

    def on_timer(self) -> None:
        self.note("timer")

    def on_stop(self) -> None:
        self.note("stop")


def diary() -> tuple[Recorded, Diary]:
    r = Recorded(Diary)
    assert isinstance(r.strategy, Diary)
    return r, r.strategy


def test_nothing_is_called_before_the_start_and_the_quote_is_known_then() -> None:
    r, s = diary()
    r.quote(99, 101)
    assert s.calls == []
    r.start([100], position=7)
    assert (s.position, list(s.bars["close"])) == (7, [100])
    r.quote(98, 101)
    r.runner.trades(r.now, [Trade(r.now, 100, 1, 1), Trade(r.now, 101, 1, 2)])
    r.bar(103)
    r.runner.stop(r.now + SECOND)
    r.runner.stop(r.now + SECOND)
    assert s.calls == [
        ("start", 6, 99),
        ("quote", 7, 98),
        ("trade 100", 7, 98),
        ("trade 101", 7, 98),
        ("bar 103", 12, 98),
        ("stop", 13, 98),
    ]


def test_the_timer_comes_on_time_and_not_in_heaps() -> None:
    r, s = diary()
    r.start()
    for seconds in (1, 2, 3, 9, 10, 11):
        r.runner.tick(START + seconds * SECOND)
    assert [at for what, at, _ in s.calls if what == "timer"] == [2, 9, 11]


def test_working_orders_and_position_are_up_to_date_in_on_order() -> None:
    r, s = diary()
    r.start()
    name = s.buy(5, 100)
    assert s.working == {name: None}
    r.accept(r.sent[0])  # type: ignore[arg-type]
    order = s.working[name]
    assert order is not None
    assert order.status is OrdStatus.NEW
    r.fill(name, 2)
    r.fill(name, 3)
    assert s.working == {}
    assert [what for what, _, _ in s.calls] == [
        "start",
        "order NEW 0",
        "order PARTIALLY_FILLED 2",
        "order FILLED 5",
    ]


def test_another_ones_position_is_not_its_own() -> None:
    r, s = diary()
    r.start(position=1)
    for strategy in ("", "other"):
        r.runner.position(Position(1, 1, "P", ABC.id, 50, 0, 0, Decimal(0), strategy))
    assert s.position == 1


def test_cancel_withdraws_a_draft_and_cancels_an_order() -> None:
    r, s = diary()
    r.start()
    draft, order = s.buy(1, 100), s.sell(1, 110)
    r.accept(r.sent[1])  # type: ignore[arg-type]
    s.cancel(draft)
    s.cancel(order)
    s.cancel("never heard of it")
    s.replace(draft, 2, 101)
    s.replace(order, 2, 111)
    kinds = [type(c) for c in r.sent[2:]]
    assert kinds == [AnswerDraft, CancelOrder, ReplaceOrder]
    assert r.sent[2].accept is False  # type: ignore[union-attr]


@pytest.mark.parametrize("answer", ["skipped", "expired", "withdrawn", "accepted"])
def test_a_draft_that_will_not_be_sent_is_no_longer_open(answer: str) -> None:
    r, s = diary()
    r.start()
    name = s.buy(1, 100)
    order = r.sent[0]
    r.runner.draft(Draft(1, name, "mine", order, "", 2))  # type: ignore[arg-type]
    assert name in s.working
    r.runner.draft(Draft(1, name, "mine", order, "", 2, answer))  # type: ignore[arg-type]
    assert (name in s.working) == (answer == "accepted")


def test_a_bracket_is_sent_as_one() -> None:
    r, s = diary()
    r.start()
    entry = s.bracket(Side.SELL, 4, 100, stop=110, target=90, why="because", post_only=True)
    (group,) = r.sent
    assert isinstance(group, NewOrderList)
    assert (group.contingency, group.orders[0].cl_ord_id) == (Contingency.BRACKET, entry)
    first, stop, target = group.orders
    assert (first.side, first.ord_type, first.price, first.post_only, first.why) == (
        Side.SELL,
        OrdType.LIMIT,
        100,
        True,
        "because",
    )
    assert (stop.side, stop.ord_type, stop.stop_price, stop.price) == (
        Side.BUY,
        OrdType.STOP,
        110,
        0,
    )
    assert (target.side, target.ord_type, target.price) == (Side.BUY, OrdType.LIMIT, 90)
    assert {o.qty for o in group.orders} == {4}
    assert (stop.tif, stop.strategy, r.said) == (TimeInForce.GTC, "mine", ["because"])
    assert list(s.working) == [o.cl_ord_id for o in group.orders]
    s.bracket(Side.BUY, 1, stop=90)
    at_market = r.sent[-1]
    assert isinstance(at_market, NewOrderList)
    assert (at_market.orders[0].ord_type, at_market.orders[0].tif) == (
        OrdType.MARKET,
        TimeInForce.IOC,
    )
    assert len(at_market.orders) == 2
    with pytest.raises(StrategyError, match="a stop or a target"):
        s.bracket(Side.BUY, 1, 100)
    assert len(s.working) == 5


def test_a_bracket_that_will_not_be_sent_is_over_with_all_its_orders() -> None:
    r, s = diary()
    r.start()
    kept = s.buy(1, 99)
    for over in (
        lambda group, draft: r.runner.lost(group.id),
        lambda group, draft: r.runner.draft(replace(draft, answer="skipped")),
    ):
        s.bracket(Side.BUY, 2, 100, stop=90, target=110)
        group = r.sent[-1]
        assert isinstance(group, NewOrderList)
        first = group.orders[0]
        over(group, Draft(1, first.cl_ord_id, "mine", first, "", 2, whole=group))
        assert list(s.working) == [kept]
    entry = s.bracket(Side.BUY, 2, 100, stop=90)
    group = r.sent[-1]
    assert isinstance(group, NewOrderList)
    s.cancel(group.orders[1].cl_ord_id)
    withdrawn = r.sent[-1]
    assert isinstance(withdrawn, AnswerDraft)
    assert (withdrawn.draft, withdrawn.accept) == (entry, False)
    r.accept(group.orders[0])
    r.runner.lost(group.id)
    assert entry in s.working, "the engine has it"


def test_in_a_hedging_account_target_closes_before_it_opens() -> None:
    r, s = diary()
    s.hedging = True
    r.start(position=3)
    s.target(1)
    s.working.clear()
    name = s.target(-2)
    sent = [(o.side, o.qty, o.position_effect) for o in r.sent if isinstance(o, NewOrder)]
    assert sent == [
        (Side.SELL, 2, PositionEffect.CLOSE),
        (Side.SELL, 3, PositionEffect.CLOSE),
        (Side.SELL, 2, None),
    ]
    assert name == r.sent[-1].cl_ord_id  # type: ignore[union-attr]


def test_target_brings_the_position_there_and_waits_for_open_orders() -> None:
    r, s = diary()
    r.start(position=3)
    assert s.target(3) == ""
    name = s.target(-2, "turn")
    assert (r.sent[0].qty, r.said) == (5, ["turn"])  # type: ignore[union-attr]
    assert s.target(9) == ""
    r.runner.lost(name)
    assert s.target(9) != ""


def test_a_strategy_that_nobody_runs_cannot_trade() -> None:
    s = Diary("mine", "P", ABC, None)
    with pytest.raises(StrategyError, match="before it was started"):
        s.buy(1)
