"""What panels say of an account whose long and short legs stand apart."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from app.leaving import count_remaining, remaining
from core.model.enums import TradingState
from core.model.orders import Position
from tests.widgets.trading_world import ASK, BID, BTC, World
from widgets.ladder.foot import FootBar
from widgets.risk.checklist import Checklist
from widgets.ticket.head import Head


def hold(world: World, long: int, short: int) -> None:
    """The account's net position and its legs, long bought at the bid, short sold at the offer."""
    costs = {"": long * BID - short * ASK, "long": long * BID, "short": -short * ASK}
    for leg, lots in (("", long - short), ("long", long), ("short", -short)):
        world.stores.take_event(
            Position(1, 1, world.account, BTC.id, lots, costs[leg], 0, Decimal(0), leg=leg)
        )


@pytest.fixture
def world() -> World:
    made = World()
    made.stores.take_event(replace(made.stores.accounts["PAPER"], hedging=True))
    return made


def test_the_ladder_shows_both_legs_and_what_they_earn(qtbot, world):
    foot = FootBar()
    qtbot.addWidget(foot)
    hold(world, 300, 300)
    foot.show_position(world.stores, "PAPER", BTC, 0)
    assert foot.words.text() == "Long 3.00 ø 64,210.50 · Short 3.00 ø 64,211.00"
    world.quote(BID + 10, ASK + 10)
    foot.show_position(world.stores, "PAPER", BTC, 0)
    assert foot.profit.text() == "0.00 USD"
    hold(world, 300, 0)
    foot.show_position(world.stores, "PAPER", BTC, 0)
    assert foot.words.text() == "Long 3.00 ø 64,210.50"
    hold(world, 0, 0)
    foot.show_position(world.stores, "PAPER", BTC, 0)
    assert foot.words.text() == "Flat"


def test_the_ticket_shows_both_legs(qtbot, world):
    head = Head(world.mode)
    qtbot.addWidget(head)
    hold(world, 300, 100)
    head.show_market(world.stores, BTC, "PAPER", None, "")
    assert head.account.text() == "PAPER · long 3.00 ø 64,210.50 · short 1.00 ø 64,211.00"


def test_legs_that_cancel_out_still_have_to_be_closed(world):
    hold(world, 300, 300)
    assert count_remaining(world.stores) == (0, 2)
    assert "2 open positions" in remaining(world.stores)
    state = world.stores.accounts["PAPER"]
    world.stores.take_event(replace(state, state=TradingState.REDUCING, reason="killed (level 3)"))
    checklist = Checklist()
    assert checklist.look(world.stores, "PAPER")
    assert [item.text for item in checklist.items(world.stores)] == [
        "+3.00 BTC-USD long: being closed",
        "-3.00 BTC-USD short: being closed",
    ]
    hold(world, 300, 0)
    done = [item.text for item in checklist.items(world.stores) if item.done]
    assert done == ["BTC-USD short: flat"]
    assert checklist.held(world.stores) == 1
