"""Hedging accounts: the long and the short leg of an instrument stand apart."""

from __future__ import annotations

from decimal import Decimal

import pytest

from core.kernel.kernel import Kernel
from core.model.commands import HandOver, NewOrder
from core.model.enums import (
    Contingency,
    ExecType,
    OrdStatus,
    OrdType,
    PositionEffect,
    Source,
    TradingState,
)
from core.model.events import CommandRefused
from core.model.inputs import AccountSetup, Setup
from core.model.orders import Position
from core.model.requests import VenueNew, VenueReplace
from tests.core.kernel.driver import AAPL, BUY, SELL, Driver

OPEN, CLOSE = PositionEffect.OPEN, PositionEffect.CLOSE


@pytest.fixture
def d():
    return Driver(hedging=True)


def hedged(d, long=10, short=10, **more):
    """Hold both legs: long at 20,000, short at 20,010."""
    d.held(long, 20_000, **more)
    d.held(-short, 20_010, **more)


def legs(d, strategy=""):
    account = d.kernel._state.accounts["P"]
    holding = account.holdings[AAPL.id]
    whole = holding.parts[strategy] if strategy else holding
    return tuple(whole.leg(side).qty for side in ("long", "short"))


def test_long_and_short_stand_apart(d):
    hedged(d, 10, 4)
    whole, long, short = d.position(), d.position(leg="long"), d.position(leg="short")
    assert (whole.qty, long.qty, short.qty) == (6, 10, -4)
    assert (long.cost, long.realised, short.cost, short.realised) == (200_000, 0, -80_040, 0)
    both = long.realised - long.cost + short.realised - short.cost
    assert whole.realised - whole.cost == both
    assert [whole.whole, long.whole, short.whole] == [True, False, False]
    assert d.account().hedging
    assert not d.account("Q").hedging


def test_each_close_earns_on_its_leg(d):
    hedged(d)
    name = d.working(SELL, 4, 20_050, position_effect=CLOSE)
    (fill,) = [
        f for f in d.fill(name, 4, 20_050) if getattr(f, "exec_id", "") and hasattr(f, "leg")
    ]
    assert fill.leg == "long"
    told = {p.leg: p for p in d.of(Position)}
    assert (told["long"].qty, told["long"].realised) == (6, 200)
    assert d.position(leg="short").qty == -10
    name = d.working(BUY, 10, 19_990, reduce_only=True)
    d.fill(name, 10, 19_990)
    assert d.position(leg="short").qty == 0
    assert d.position(leg="short").realised == 200
    assert d.position().qty == 6


@pytest.mark.parametrize(
    ("side", "more", "effect"),
    [
        (BUY, {}, OPEN),
        (SELL, {}, OPEN),
        (SELL, {"reduce_only": True}, CLOSE),
        (BUY, {"position_effect": CLOSE}, CLOSE),
        (SELL, {"position_effect": OPEN}, OPEN),
    ],
)
def test_an_order_says_what_it_does(d, side, more, effect):
    hedged(d)
    d.new(side, 3, **more)
    assert d.accepted().position_effect is effect


def test_in_a_netting_account_it_means_nothing():
    d = Driver()
    d.held(10)
    d.new(SELL, 15, position_effect=CLOSE)
    assert d.accepted().position_effect is CLOSE
    d.held(-3, position_effect=OPEN)
    assert d.position().qty == 7
    assert d.position(leg="short") is None
    assert {f.leg for f in d.kernel.fills()} == {""}


def test_a_close_never_exceeds_its_leg_with_all_open_closes(d):
    hedged(d, 10, 30)
    d.new(SELL, 11, position_effect=CLOSE)
    denied = d.denial()
    assert denied.code == "REDUCE_ONLY_MODE"
    assert "The order closes." in denied.text
    first = d.working(SELL, 6, position_effect=CLOSE)
    d.new(SELL, 5, position_effect=CLOSE)
    assert d.denial().code == "REDUCE_ONLY_MODE"
    d.working(SELL, 4, position_effect=CLOSE)
    d.new(SELL, 500)  # opening takes nothing from it
    d.accepted()
    d.replace(first, 7, 20_000)
    assert d.refusal().code == "REDUCE_ONLY_MODE"
    d.replace(first, 5, 20_000)
    assert len(d.of(VenueReplace)) == 1


def test_an_opening_order_is_never_reduce_only_although_it_lowers_the_net(d):
    d.held(-10)
    d.new(BUY, 5, reduce_only=True, position_effect=OPEN)
    assert d.denial().code == "REDUCE_ONLY_MODE"
    d.set_state(TradingState.REDUCING)
    d.new(BUY, 5)
    assert d.denial().code == "REDUCE_ONLY_MODE"
    d.new(BUY, 5, reduce_only=True)
    d.accepted()


def test_nothing_to_close(d):
    d.new(SELL, 1, position_effect=CLOSE)
    assert d.denial().code == "REDUCE_ONLY_MODE"
    order = NewOrder("x", "P", AAPL.id, SELL, OrdType.LIMIT, 1, 20_000, reduce_only=True)
    before = d.kernel.digest()
    assert [v.code for v in d.kernel.preview(order, d.now)] == ["REDUCE_ONLY_MODE"]
    assert d.kernel.digest() == before


def test_a_limit_of_the_position_holds_for_each_leg():
    d = Driver(("max_position", Decimal(20), "account", "P"), hedging=True)
    hedged(d, 15, 20)
    d.new(BUY, 6)
    assert d.denial().code == "MAX_POSITION"
    d.new(BUY, 5)
    d.accepted()
    use = next(
        u for u in d.kernel.limit_uses(d.now) if (u.name, u.scope) == ("max_position", "account")
    )
    assert use.used == 20


# -- closing ---------------------------------------------------------------------------------


def test_flatten_closes_both_legs_at_once(d):
    hedged(d, 10, 10)
    resting = d.working(BUY, 5, 19_000)
    d.flatten("P")
    assert [c.order.cl_ord_id for c in d.cancels()] == [resting]
    (short,) = d.sent()  # nothing works on the short leg: it goes at once
    assert (short.order.side, short.order.qty) == (BUY, 10)
    assert short.order.position_effect is CLOSE
    d.canceled(resting)
    (long,) = d.sent()
    assert (long.order.side, long.order.position_effect, long.order.reduce_only) == (
        SELL,
        CLOSE,
        True,
    )
    d.fill(long.order.cl_ord_id, 10)
    d.restart()
    d.fill(short.order.cl_ord_id, 10)
    assert legs(d) == (0, 0)
    assert any("all done" in n.text for n in d.notices())


def test_an_account_that_is_net_flat_is_flattened(d):
    hedged(d, 10, 10)
    d.kill(3)
    for request in d.sent():
        d.fill(request.order.cl_ord_id, request.order.qty)
    assert legs(d) == (0, 0)


def test_one_leg_is_closed_and_the_other_stays(d):
    hedged(d, 10, 4)
    other = d.working(SELL, 2, 20_100)
    d.flatten("P", AAPL.id, leg="long")
    (request,) = d.sent()
    assert (request.order.side, request.order.qty) == (SELL, 10)
    assert not d.cancels()
    d.new(BUY, 1)
    assert "is being closed" in d.denial().text
    d.new(SELL, 1)
    d.accepted()
    d.restart()
    d.fill(request.order.cl_ord_id, 10)
    assert legs(d) == (0, -4)
    assert d.status_of(other) is OrdStatus.NEW


def test_a_leg_that_is_none(d):
    d.flatten("P", leg="sideways")
    assert d.refusal().code == "UNKNOWN_LEG"


def test_a_strategy_closes_its_own_legs_only(d):
    hedged(d, 10, 4)
    hedged(d, 3, 5, strategy="S")
    d.flatten("P", "", "S")
    sent = {r.order.side: r.order for r in d.sent()}
    assert {side: o.qty for side, o in sent.items()} == {SELL: 3, BUY: 5}
    assert {o.strategy for o in sent.values()} == {"S"}
    d.flatten("P")  # the whole takes over
    assert sum("is closed by" in n.text for n in d.notices()) == 2
    answered = set()
    for _ in range(4):
        for request in [r for r in d.everything if isinstance(r, VenueNew)]:
            name = request.order.cl_ord_id
            if request.order.source is Source.ENGINE and name not in answered:
                answered.add(name)
                d.fill(name, request.order.qty)
    assert len(answered) == 4
    assert legs(d, "S") == legs(d) == (0, 0)


def test_limits_of_a_strategy_hold_after_its_legs_were_closed():
    d = Driver(("max_position", Decimal(10), "strategy", "S"), hedging=True)
    d.apply(Setup(accounts=(AccountSetup("P", hedging=True),)))
    hedged(d, 3, 5, strategy="S")
    d.set_limit("max_open_orders", 90)  # what was worked out of the limits is worked out anew
    d.flatten("P", "", "S")
    for request in d.sent():
        d.fill(request.order.cl_ord_id, request.order.qty)
    d.working(SELL, 10, strategy="S")
    d.new(SELL, 1, strategy="S")
    assert d.denial().code == "MAX_POSITION"


def test_a_leg_on_the_wrong_side_is_brought_to_zero(d):
    """An opening that is taken back after its close leaves less than nothing in the leg."""
    name = d.working(BUY, 10)
    d.fill(name, 10, exec_id="bad")
    close = d.working(SELL, 10, position_effect=CLOSE)
    d.fill(close, 10)
    d.report(name, ExecType.TRADE_CANCEL, OrdStatus.CANCELED, exec_ref="bad", exec_id="b1")
    assert legs(d) == (-10, 0)
    d.flatten("P")
    (request,) = d.sent()
    assert (request.order.side, request.order.position_effect) == (BUY, OPEN)
    d.fill(request.order.cl_ord_id, 10)
    assert legs(d) == (0, 0)
    assert d.position().qty == 0


# -- brackets --------------------------------------------------------------------------------


def test_exits_protect_their_leg(d):
    d.held(-50)
    entry, stop, target = d.bracket()
    d.fill(entry, 10)
    assert d.order(target).position_effect is CLOSE
    assert d.order(stop).status is OrdStatus.NEW
    assert (d.order(target).leaves, d.order(stop).leaves) == (10, 10)
    d.ack(target)
    d.fill(d.working(SELL, 4, 20_500, strategy=""), 4)  # opens short: the long leg stays
    assert d.order(target).leaves == 10
    d.fill(target, 10)
    assert legs(d) == (0, -54)
    assert d.order(stop).status.terminal


def test_a_bracket_opens_and_its_exits_close(d):
    d.held(10)
    d.order_list(
        Contingency.BRACKET,
        {"side": SELL, "price": 20_000, "position_effect": CLOSE},
        {"side": BUY, "ord_type": OrdType.STOP, "stop_price": 20_100},
    )
    assert d.refusal().code == "BAD_LIST"
    d.order_list(
        Contingency.BRACKET,
        {"side": BUY, "price": 20_000},
        {"side": SELL, "ord_type": OrdType.STOP, "stop_price": 19_900, "position_effect": OPEN},
    )
    assert "its exits must close" in d.refusal().text


def test_a_leg_is_closed_with_the_exits_that_protect_it(d):
    entry, stop, target = d.bracket()
    d.fill(entry, 10)
    d.ack(target)
    d.held(-3)
    d.new(SELL, 1, position_effect=CLOSE)  # the exits close all there is
    assert d.denial().code == "REDUCE_ONLY_MODE"
    d.flatten("P", leg="long")
    assert d.order(stop).status.terminal
    d.canceled(target)
    assert not any("NOT protected" in n.text for n in d.notices())
    (request,) = d.sent()
    d.fill(request.order.cl_ord_id, 10)
    assert legs(d) == (0, -3)


@pytest.mark.parametrize("first", [CLOSE, OPEN])
def test_siblings_of_both_legs_count_on_their_own(d, first):
    hedged(d, 10, 5)
    other = OPEN if first is CLOSE else CLOSE
    sizes = {CLOSE: 10, OPEN: 20}
    names = d.order_list(
        Contingency.OCO,
        {"side": SELL, "price": 20_100, "position_effect": first, "qty": sizes[first]},
        {"side": SELL, "price": 20_200, "position_effect": other, "qty": sizes[other]},
    )
    assert [d.order(name).working for name in names] == [True, True]
    d.new(SELL, 1, 20_300, position_effect=CLOSE)
    assert d.denial().code == "REDUCE_ONLY_MODE"
    for name in names:
        d.ack(name)
    closing = names[0] if first is CLOSE else names[1]
    d.replace(closing, 11, d.order(closing).price)
    assert d.refusal().code == "REDUCE_ONLY_MODE"
    d.restart()


# -- the rest --------------------------------------------------------------------------------


def test_hand_over_moves_both_legs(d):
    hedged(d, 5, 5, strategy="S")
    d.apply(HandOver("h", "P", AAPL.id, "S"))
    assert not d.of(CommandRefused)
    assert legs(d, "S") == (0, 0)
    assert legs(d) == (5, -5)
    d.flatten("P")
    for request in d.sent():
        assert request.order.strategy == ""
        d.fill(request.order.cl_ord_id, 5)
    assert legs(d) == (0, 0)


def test_the_way_of_counting_stays_while_anything_is_held(d):
    name = d.held(1)
    netting = Setup(accounts=(AccountSetup("P"),))
    assert d.kernel.wants(netting).accounts == netting.accounts
    d.apply(netting)
    (notice,) = d.notices()
    assert "stays hedging while it holds anything" in notice.text
    d.fill(d.working(SELL, 1, position_effect=CLOSE), 1)
    resting = d.working(BUY, 1, 19_000)
    d.apply(netting)
    assert "stays hedging" in d.notices()[0].text
    d.cancel(resting)
    d.canceled(resting)
    d.apply(netting)
    assert not d.account().hedging
    assert d.position(leg="long") is None
    # An old execution is taken back in an account that nets by now.
    exec_id = next(f.exec_id for f in d.kernel.fills() if f.cl_ord_id == name)
    d.report(name, ExecType.TRADE_CANCEL, OrdStatus.CANCELED, exec_ref=exec_id, exec_id="b")
    assert d.position().qty == -1
    d.restart()


def test_an_execution_of_before_is_taken_back_from_a_leg():
    d = Driver()
    name = d.working(BUY, 2)
    d.fill(name, 2, exec_id="old")
    d.fill(d.working(SELL, 2), 2)
    d.apply(Setup(accounts=(AccountSetup("P", hedging=True),)))
    assert d.account().hedging
    d.report(name, ExecType.TRADE_CANCEL, OrdStatus.CANCELED, exec_ref="old", exec_id="b")
    assert d.position().qty == -2
    assert legs(d) == (-2, 0)
    d.restart()
    d.flatten("P")
    d.fill(d.sent()[0].order.cl_ord_id, 2)
    assert legs(d) == (0, 0)


def test_corrections_put_a_leg_right(d):
    name = d.working(BUY, 10)
    d.fill(name, 4, 20_000, exec_id="a")
    d.fill(name, 6, 20_100, exec_id="b")
    d.held(-7, 20_050)
    d.fill(d.working(SELL, 5, 20_200, position_effect=CLOSE), 5, 20_200)
    d.report(
        name,
        ExecType.TRADE_CORRECT,
        OrdStatus.FILLED,
        exec_ref="a",
        exec_id="c",
        last_qty=4,
        last_price=20_010,
    )
    long = d.position(leg="long")
    assert (long.qty, long.realised - long.cost) == (5, 5 * 20_200 - 4 * 20_010 - 6 * 20_100)
    # The average of what it is now: 4 at 20,010 and 6 at 20,100, of which a half is left.
    assert long.cost == (4 * 20_010 + 6 * 20_100) // 2
    assert d.position(leg="short").qty == -7


def test_a_dump_keeps_the_legs(d):
    hedged(d, 10, 4)
    d.working(SELL, 3, position_effect=CLOSE)
    d.restart()
    d.new(SELL, 8, position_effect=CLOSE)
    assert d.denial().code == "REDUCE_ONLY_MODE"
    assert d.replayed().digest() == d.kernel.digest()
    assert Kernel.load(d.kernel.dump()).positions() == d.kernel.positions()
