import pytest
from msgspec.structs import replace

from core.model.commands import CancelOrder, NewOrder, ReplaceOrder
from core.model.enums import LinkState, Mode, OrdStatus, OrdType, Side
from core.model.events import CommandRefused, LimitUse, LinkUpdate
from tests.widgets.trading_world import ASK, BID, BTC, SECOND, World
from widgets.freshness import Freshness
from widgets.limits import limit_values
from widgets.sent import Sent

NEW = NewOrder("n", "PAPER", BTC.id, Side.BUY, OrdType.LIMIT, 5, BID)


@pytest.fixture
def world():
    return World()


def test_a_new_order_waits_until_the_engine_speaks_of_it(world):
    sent = Sent()
    sent.add(NEW, world.stores, 1)
    assert sent.settle(world.stores) == []
    assert len(sent) == 1
    world.accept(NEW)
    (answer,) = sent.settle(world.stores)
    assert answer.order.cl_ord_id == "n"
    assert not answer.lost
    assert len(sent) == 0


def test_a_change_waits_until_its_order_moves_or_it_is_refused(world):
    order = world.order("a", Side.BUY, BID)
    sent = Sent()
    change = ReplaceOrder("r", "a", 5, BID - 1)
    cancel = CancelOrder("c", "a")
    sent.add(change, world.stores, 1)
    assert sent.change_of("a") is change
    sent.add(cancel, world.stores, 2)
    assert sent.change_of("a") is cancel
    assert sent.change_of("b") is None
    world.stores.take_event(CommandRefused(1, "r", "NO", "Not now."))
    (answer,) = sent.settle(world.stores)
    assert (answer.command, answer.refusal) == (change, "Not now.")
    world.tell(replace(order, status=OrdStatus.CANCELED))
    (answer,) = sent.settle(world.stores)
    assert answer.command is cancel


def test_what_a_restarted_engine_does_not_know_is_lost(world):
    sent = Sent()
    sent.add(NEW, world.stores, 1)
    world.stores.connected = False
    assert sent.settle(world.stores) == []
    world.connect()
    (answer,) = sent.settle(world.stores)
    assert answer.lost


def test_prices_grow_stale_by_the_clock_of_the_screen(world):
    fresh = Freshness(world.clock)
    assert not fresh.look(world.stores, "PAPER", BTC.id)
    world.clock.forward(5)
    assert not fresh.look(world.stores, "PAPER", BTC.id)
    world.clock.forward(1.2)
    assert fresh.look(world.stores, "PAPER", BTC.id)
    assert fresh.why == "stale 6.2 s"
    world.quote(BID, ASK + 1)
    assert not fresh.look(world.stores, "PAPER", BTC.id)
    assert fresh.why == ""


def test_a_price_that_was_old_when_first_seen_is_old(world):
    world.clock.forward(60)
    fresh = Freshness(world.clock)
    assert fresh.look(world.stores, "PAPER", BTC.id)
    replayed = World(Mode.REPLAY)
    replayed.clock.forward(60)
    assert not Freshness(replayed.clock).look(replayed.stores, "PAPER", BTC.id)


def test_no_price_no_engine_no_venue_is_stale(world):
    fresh = Freshness(world.clock)
    assert fresh.look(world.stores, "PAPER", "ACME.SIM")
    assert fresh.why == "no price yet"
    fresh.forget()
    fresh.look(world.stores, "PAPER", BTC.id)
    world.stores.take_event(LinkUpdate("SIM", 1, LinkState.DOWN, "lost"))
    fresh.look(world.stores, "PAPER", BTC.id)
    assert fresh.why == "SIM not connected"
    world.stores.connected = False
    fresh.look(world.stores, "PAPER", BTC.id)
    assert fresh.why == "engine not connected"


def test_the_tightest_limit_holds_and_is_the_threshold_of_staleness(world):
    def limit(scope, scope_id, value):
        world.stores.take_event(
            LimitUse(1, "stale_after", scope, scope_id, value - value, value, "s", "")
        )

    default = limit_values(world.stores, "PAPER", BTC.id)["stale_after"]
    limit("account", "PAPER", default[0] + 3)
    assert limit_values(world.stores, "PAPER", BTC.id)["stale_after"] == (
        default[0] + 3,
        "account:PAPER",
    )
    limit("instrument", BTC.id, default[0] - 3)
    assert limit_values(world.stores, "PAPER", BTC.id)["stale_after"][0] == 2
    limit("instrument", BTC.id, default[0] + 9)
    assert limit_values(world.stores, "PAPER", BTC.id)["stale_after"][0] == 8
    fresh = Freshness(world.clock)
    fresh.look(world.stores, "PAPER", BTC.id)
    world.clock.now += 8 * SECOND
    assert not fresh.look(world.stores, "PAPER", BTC.id)
    limit("instrument", BTC.id, default[0] - 3)
    assert fresh.look(world.stores, "PAPER", BTC.id)
