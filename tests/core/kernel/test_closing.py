"""The kill switch at every level, flatten, and what stands in their way."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from core.model.enums import (
    ExecType,
    LinkState,
    MarketStatus,
    OrdStatus,
    OrdType,
    Severity,
    Source,
    TimeInForce,
    TradingState,
)
from core.model.inputs import Setup
from tests.core.kernel.driver import AAPL, BTC, BUY, FUT, SELL, Driver


def ids(requests):
    return [r.order.cl_ord_id for r in requests]


def test_level_1_stops_opening_and_leaves_the_rest():
    d = Driver()
    d.held(10)
    resting = d.working()
    d.kill(1)
    assert not d.cancels()
    assert not d.sent()
    assert {a.state for a in d.kernel.accounts()} == {TradingState.REDUCING}
    assert d.account().reason == "killed (level 1) by ann: test"
    d.new()
    assert d.denial().code == "REDUCE_ONLY_MODE"
    assert "killed (level 1) by ann: test" in d.denial().text
    d.cancel(resting)
    assert d.cancels()
    d.new(SELL, 10)
    d.accepted()
    d.set_state(TradingState.ACTIVE)
    d.new()
    d.accepted()


def test_level_2_cancels_everything_that_works():
    d = Driver()
    d.held(10)
    names = [
        d.working(),
        d.new(),
        d.working(instrument=BTC, price=600_000),
        d.working(account="Q", qty=1),
    ]
    d.kill(2, id="K")
    assert sorted(ids(d.cancels())) == sorted(names)
    assert [r.request for r in d.cancels()] == ["K/1", "K/2", "K/3", "K/4"]
    assert not d.sent()
    for name in names:
        d.canceled(name)
    assert "K: all done." in [n.text for n in d.notices()]
    assert d.position().qty == 10


def test_level_2_of_one_account():
    d = Driver()
    d.working()
    other = d.working(account="Q", qty=1)
    d.kill(2, account="Q")
    assert ids(d.cancels()) == [other]
    assert d.account("P").state is TradingState.ACTIVE
    d.kill(2, account="nobody")
    assert d.refusal().code == "UNKNOWN_ACCOUNT"
    d.kill(4)
    assert d.refusal().code == "BAD_LEVEL"


def test_level_3_cancels_first_then_closes():
    d = Driver()
    d.held(10)
    d.held(-4, 600_000, BTC)
    resting = d.working(SELL, 3)
    d.kill(3, id="K")
    assert ids(d.cancels()) == [resting]
    (btc,) = d.sent()
    assert (btc.order.side, btc.order.qty, btc.order.instrument) == (BUY, 4, BTC.id)
    d.canceled(resting)
    (aapl,) = d.sent()
    order = aapl.order
    assert (order.side, order.qty, order.ord_type, order.tif) == (
        SELL,
        10,
        OrdType.LIMIT,
        TimeInForce.IOC,
    )
    assert order.price == 19_000, "5 % below the reference of 200.00"
    assert (order.source, order.reduce_only, order.trader) == (Source.ENGINE, True, "ann")
    assert order.cl_ord_id == "K/3"
    d.fill(order.cl_ord_id, 10, 19_990)
    assert "K: P AAPL.SIM is flat." in [n.text for n in d.notices()]
    d.fill(btc.order.cl_ord_id, 4, 600_010, venue="XCH")
    assert [n.text for n in d.notices()][-1] == "K: all done."
    assert [p.qty for p in d.kernel.positions()] == [0, 0]


def test_closing_goes_on_after_partial_fills_and_waits_when_nobody_trades():
    d = Driver()
    d.held(10)
    d.flatten(id="F")
    d.fill("F/1", 6, 19_990)
    d.canceled("F/1")
    (second,) = d.sent()
    assert (second.order.cl_ord_id, second.order.qty) == ("F/2", 4)
    d.canceled("F/2")
    assert not d.sent(), "nobody bought: no storm of orders"
    d.tick()
    assert ids(d.sent()) == ["F/3"]
    d.fill("F/3", 4, 19_990)
    assert d.position().qty == 0
    d.new()
    d.accepted()


def test_time_does_not_cancel_a_closing_order_in_flight():
    d = Driver()
    d.held(10)
    d.flatten(id="F")
    d.report("F/1", ExecType.NEW, OrdStatus.NEW)
    d.tick()
    assert d.out == []
    d.down()
    assert d.status_of("F/1") is OrdStatus.NEW


def test_a_closing_order_whose_fate_is_unknown_is_canceled():
    d = Driver()
    d.held(10)
    d.flatten(id="F")
    d.down()
    d.link(LinkState.UP)
    assert ids(d.cancels()) == ["F/1"]


def test_what_could_not_be_closed_is_told_after_a_restart_too():
    d = Driver()
    d.held(10)
    d.held(1, 19_999, FUT)
    d.flatten(id="F")
    one, other = ids(d.sent())
    d.reject(one)
    d.restart()
    d.fill(other, 1)
    assert "F: over, but 1 could not be closed; close by hand." in [n.text for n in d.notices()]


def test_closing_gives_up_loudly():
    d = Driver()
    d.held(10)
    d.flatten(id="F")
    for n in range(1, 21):
        d.canceled(f"F/{n}")
        last = d.out
        d.tick()
    texts = [o.text for o in last if getattr(o, "severity", 0) is Severity.CRITICAL]
    assert texts == [
        "F: P AAPL.SIM is NOT closed: 20 tries found nobody to trade with.",
        "F: over, but 1 could not be closed; close by hand.",
    ]
    assert not d.sent()
    d.quote()
    d.new()
    d.accepted()


def test_closing_stops_when_the_venue_refuses():
    d = Driver()
    d.held(10)
    d.flatten(id="F")
    d.report("F/1", ExecType.REJECTED, OrdStatus.REJECTED, text="not today")
    assert any("NOT closed, it was refused: not today" in n.text for n in d.notices())
    d.tick()
    assert not d.sent()


def test_opening_orders_are_denied_while_closing():
    d = Driver()
    d.held(10)
    d.flatten(instrument=AAPL.id, id="F")
    d.new(BUY, 1)
    assert d.denial().code == "REDUCE_ONLY_MODE"
    assert "is being closed" in d.denial().text
    d.new(BUY, 1, 20_000, FUT)
    d.accepted()


def test_closing_is_not_held_up_by_sizes_rates_and_numbers():
    d = Driver()
    d.held(10)
    for name in ("max_order_qty", "max_order_notional", "max_open_orders", "max_order_rate"):
        d.set_limit(name, 0)
    d.flatten(id="F")
    assert ids(d.sent()) == ["F/1"]


def test_closing_passes_when_the_price_is_old():
    d = Driver()
    d.held(10)
    d.wait(60)
    d.kill(3, id="K")
    assert ids(d.sent()) == ["K/1"]


def test_closing_waits_for_a_halted_market_and_a_broken_link():
    d = Driver()
    d.held(10)
    d.status(MarketStatus.HALTED)
    d.kill(3, id="K")
    assert not d.sent()
    assert "K: P AAPL.SIM: closing waits. The market is halted." in [n.text for n in d.notices()]
    d.tick()
    assert not d.notices(), "said once"
    d.status(MarketStatus.OPEN)
    assert ids(d.sent()) == ["K/1"]
    d.canceled("K/1")
    d.down()
    d.tick()
    assert not d.sent()
    d.link(LinkState.UP)
    assert ids(d.sent()) == ["K/2"]


def test_cancels_of_a_kill_wait_for_a_broken_link():
    d = Driver()
    resting = d.working()
    d.down()
    d.kill(2)
    assert not d.cancels()
    d.link(LinkState.UP)
    assert ids(d.cancels()) == [resting]
    d.down()
    d.link(LinkState.UP)
    assert ids(d.cancels()) == [resting], "what got lost is asked again"


def test_refused_cancel_of_a_kill_is_asked_again_with_time():
    d = Driver()
    resting = d.working()
    d.kill(2, id="K")
    d.cancel_reject(resting, "K/1")
    assert not d.cancels()
    d.tick()
    assert [r.request for r in d.cancels()] == ["K/2"]


def test_halted_account_is_not_closed_until_it_may():
    d = Driver()
    d.held(10)
    d.halt()
    d.kill(3, id="K")
    assert d.account().state is TradingState.HALTED
    assert not d.sent()
    d.set_state(TradingState.REDUCING)
    d.tick()
    assert ids(d.sent()) == ["K/1"]


def test_unsupported_ioc_and_missing_price():
    d = Driver(quoted=False)
    plain = msgspec.structs.replace(AAPL, id="PLAIN.SIM", tifs=(TimeInForce.DAY,))
    only_market = msgspec.structs.replace(AAPL, id="MKT.SIM", order_types=(OrdType.MARKET,))
    d.apply(Setup((plain, only_market)))
    for instrument in (plain, only_market):
        d.quote(instrument)
    d.held(5, instrument=plain, tif=TimeInForce.DAY)
    name = d.working(BUY, 5, 0, only_market)
    d.fill(name, 5)
    d.flatten()
    day, market = (r.order for r in d.sent())
    assert (day.ord_type, day.tif) == (OrdType.LIMIT, TimeInForce.DAY)
    assert (market.ord_type, market.price) == (OrdType.MARKET, 0)


def test_closing_reaches_a_market_wider_than_the_collar():
    d = Driver()
    d.held(10)
    d.held(-10, account="Q")
    d.quote(bid=10_001, ask=30_001)
    d.flatten()
    sale, purchase = (r.order for r in d.sent())
    assert sale.price == 9_501
    assert purchase.price == 31_501


def test_large_positions_are_closed_in_pieces():
    d = Driver(
        ("max_order_notional", Decimal(10**12), "account", "P"),
        ("max_exposure", Decimal(10**12), "account", "P"),
        ("daily_loss", Decimal(10**12), "account", "P"),
    )
    d.held(1_000_000)
    d.held(500_000)
    d.flatten(id="F")
    assert [r.order.qty for r in d.sent()] == [1_000_000]
    d.fill("F/1", 1_000_000)
    assert [r.order.qty for r in d.sent()] == [500_000]


def test_flatten_of_a_strategy_leaves_the_others():
    d = Driver()
    d.held(10, strategy="S")
    d.held(5)
    mine, other = d.working(strategy="S"), d.working()
    d.flatten(strategy="S", id="F")
    assert ids(d.cancels()) == [mine]
    d.canceled(mine)
    (closing,) = d.sent()
    assert (closing.order.qty, closing.order.strategy) == (10, "S")
    d.fill("F/2", 10)
    assert d.position(strategy="S").qty == 0
    assert d.position().qty == 5
    assert d.status_of(other) is OrdStatus.NEW


def test_flatten_of_a_strategy_that_would_enlarge_the_account_obeys_the_gate():
    d = Driver()
    d.held(10, strategy="S")
    d.held(-18)
    d.set_state(TradingState.REDUCING)
    d.flatten(strategy="S", id="F")
    assert not d.sent()
    assert any("NOT closed" in n.text for n in d.notices())
    d.set_state(TradingState.ACTIVE)
    d.flatten(strategy="S", id="G")
    assert ids(d.sent()) == ["G/1"]
    assert not d.sent()[0].order.reduce_only


def test_account_is_closed_through_the_parts_that_hold_it():
    d = Driver()
    d.held(10, strategy="S")
    d.held(-4)
    d.held(1, strategy="R")
    d.flatten(id="F")
    assert [(r.order.strategy, r.order.qty) for r in d.sent()] == [("S", 7)]
    d.fill("F/1", 7)
    assert d.position().qty == 0


def test_closing_the_account_takes_over_from_closing_a_strategy():
    d = Driver()
    d.held(10, strategy="S")
    d.flatten(strategy="S", id="F")
    d.kill(3, id="K")
    assert any("F: P AAPL.SIM S is closed by K now." in n.text for n in d.notices())
    assert ids(d.cancels()) == ["F/1"]
    d.canceled("F/1")
    assert ids(d.sent()) == ["K/2"]
    d.flatten(strategy="S", id="G")
    assert "There is nothing" in d.notices()[0].text
    d.fill("K/2", 10)
    assert d.notices()[-1].text == "K: all done."


def test_nothing_to_close():
    d = Driver()
    d.flatten()
    assert "There is nothing" in d.notices()[0].text
    d.kill(3)
    assert d.account().state is TradingState.REDUCING
    d.flatten(account="nobody")
    assert d.refusal().code == "UNKNOWN_ACCOUNT"


def test_ids_of_closing_orders_are_never_used_twice():
    d = Driver()
    d.held(10)
    d.new(id="F/1")
    d.canceled("F/1")
    d.flatten(id="F")
    assert ids(d.sent()) == ["F/2"]


def test_unknown_account_cannot_be_armed():
    d = Driver()
    d.set_state(TradingState.ACTIVE, account="nobody")
    assert d.refusal().code == "UNKNOWN_ACCOUNT"
