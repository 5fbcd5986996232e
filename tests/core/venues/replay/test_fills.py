from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.venues.replay.events import Knowledge
from core.venues.replay.fills import GRACE, UNKNOWN, QueueModel

BID, ASK = 1, 2
BUYER, SELLER = 1, 2


def market(*levels, knowledge=Knowledge.FULL):
    model = QueueModel(knowledge)
    model.book(list(levels), True, 0)
    return model


def fills(executions):
    return [(execution.id, execution.price, execution.qty) for execution in executions]


class TestQueue:
    def test_nothing_fills_before_the_queue_ahead_has_traded(self):
        model = market((BID, 100, 10), (ASK, 101, 10))
        model.rest("a", BID, 100, 5)
        assert model.ahead("a") == 10
        assert model.trade(100, 4, SELLER, 1) == []
        assert model.ahead("a") == 6
        assert fills(model.trade(100, 8, SELLER, 2)) == [("a", 100, 2)]
        assert fills(model.trade(100, 8, SELLER, 3)) == [("a", 100, 3)]
        assert model.trade(100, 8, SELLER, 4) == []

    def test_buyers_do_not_hit_bids(self):
        model = market((BID, 100, 1), (ASK, 101, 10))
        model.rest("a", BID, 100, 5)
        assert model.trade(100, 50, BUYER, 1) == []
        assert model.ahead("a") == 1

    def test_a_trade_through_fills_at_the_limit_up_to_what_traded_beyond(self):
        model = market((BID, 100, 1000), (BID, 99, 10), (ASK, 101, 10))
        model.rest("a", BID, 100, 5)
        assert fills(model.trade(99, 3, SELLER, 1)) == [("a", 100, 3)]
        assert fills(model.trade(98, 9, SELLER, 1)) == [("a", 100, 2)]

    def test_our_orders_share_one_trade_by_price_then_time(self):
        model = market((ASK, 102, 1), (BID, 98, 1))
        model.rest("late", BID, 99, 4)
        model.rest("best", BID, 100, 4)
        model.rest("later", BID, 99, 4)
        assert fills(model.trade(99, 6, SELLER, 1)) == [("best", 100, 4), ("late", 99, 2)]
        assert fills(model.trade(99, 9, SELLER, 2)) == [("late", 99, 2), ("later", 99, 4)]

    def test_cancellations_are_behind_us_until_too_little_is_displayed(self):
        model = market((BID, 100, 10), (ASK, 101, 10))
        model.rest("a", BID, 100, 5)
        model.book([(BID, 100, 16)], False, 1)
        model.book([(BID, 100, 11)], False, 2)
        assert model.ahead("a") == 10
        model.book([(BID, 100, 4)], False, 3)
        assert model.ahead("a") == 4
        model.book([(BID, 100, 40)], False, 4)  # who comes now is behind
        assert model.ahead("a") == 4

    def test_a_display_that_shrinks_before_its_trade_counts_once(self):
        model = market((BID, 100, 10), (ASK, 101, 10))
        model.rest("a", BID, 100, 5)
        model.book([(BID, 100, 6)], False, 1)
        assert model.trade(100, 4, SELLER, 2) == []
        assert model.ahead("a") == 6
        # And a trade long afterwards is another one: that shrinking was a cancellation.
        model.book([(BID, 100, 5)], False, 3)
        assert model.trade(100, 1, SELLER, 4 + GRACE) == []
        assert model.ahead("a") == 4

    def test_a_trade_before_its_display_shrinks_counts_once(self):
        model = market((BID, 100, 10), (ASK, 101, 10))
        model.rest("a", BID, 100, 5)
        model.trade(100, 4, SELLER, 1)
        model.book([(BID, 100, 6)], False, 2)
        assert model.ahead("a") == 6

    def test_unsigned_trades_count_where_the_quotes_say_who_hit_whom(self):
        model = market((BID, 100, 2), (ASK, 104, 2))
        model.rest("a", BID, 100, 5)
        model.rest("b", ASK, 104, 5)
        model.rest("c", BID, 102, 5)
        assert model.trade(102, 9, 0, 1) == []  # between the quotes: perhaps not on the book
        assert model.trade(103, 9, 0, 2) == []
        assert fills(model.trade(101, 1, 0, 3)) == [("c", 102, 1)]  # through us, whoever it was
        assert fills(model.trade(104, 4, 0, 4)) == [("b", 104, 2)]
        assert fills(model.trade(100, 9, 0, 5)) == [("c", 102, 4), ("a", 100, 3)]


class TestUnknownQueues:
    def test_behind_the_best_an_unseen_level_is_unknown_until_it_shows(self):
        model = market((BID, 100, 2), (ASK, 104, 2), knowledge=Knowledge.SEEN)
        model.rest("a", BID, 99, 5)
        assert model.ahead("a") == UNKNOWN
        assert model.trade(99, 50, SELLER, 1) == []
        model.book([(BID, 99, 7)], False, 2)
        assert model.ahead("a") == 7
        assert fills(model.trade(99, 9, SELLER, 3)) == [("a", 99, 2)]

    def test_a_level_told_empty_is_empty(self):
        model = market((BID, 100, 2), (ASK, 104, 2), knowledge=Knowledge.SEEN)
        model.rest("a", BID, 99, 5)
        model.book([(BID, 99, 0)], False, 1)
        assert model.ahead("a") == 0

    def test_better_than_the_best_nobody_is_ahead(self):
        for knowledge in Knowledge:
            model = market((BID, 100, 2), (ASK, 104, 2), knowledge=knowledge)
            model.rest("a", BID, 101, 5)
            assert model.ahead("a") == 0

    def test_with_only_the_best_known_a_hidden_level_is_not_empty(self):
        model = market((BID, 100, 9), (ASK, 104, 2), knowledge=Knowledge.TOP)
        model.rest("a", BID, 100, 5)
        model.book([(BID, 100, 0), (BID, 101, 3)], False, 1)
        assert model.ahead("a") == 9
        model.book([(BID, 101, 0), (BID, 99, 3)], False, 2)
        assert model.ahead("a") == 0

    def test_without_any_book_only_a_trade_through_fills(self):
        model = QueueModel(Knowledge.TOP)
        model.rest("a", BID, 100, 5)
        model.rest("b", ASK, 110, 5)
        assert model.trade(100, 99, 0, 1) == []
        assert model.trade(110, 99, 0, 2) == []
        assert fills(model.trade(99, 2, 0, 3)) == [("a", 100, 2)]
        assert fills(model.trade(111, 99, 0, 4)) == [("b", 110, 5)]

    def test_before_the_first_snapshot_nothing_is_known(self):
        model = QueueModel(Knowledge.FULL)
        model.rest("a", BID, 100, 5)
        model.rest("b", BID, 99, 5)
        assert model.ahead("a") == UNKNOWN
        model.book([(BID, 100, 3)], True, 1)
        assert (model.ahead("a"), model.ahead("b")) == (3, 0)


class TestTaking:
    def test_displayed_sizes_are_taken_best_first_at_their_prices(self):
        model = market((ASK, 101, 3), (ASK, 102, 4), (ASK, 103, 5))
        assert model.available(BID, 102) == 7
        assert fills(model.take("a", BID, 6, 102)) == [("a", 101, 3), ("a", 102, 3)]
        assert fills(model.take("b", BID, 6, 0)) == [("b", 102, 1), ("b", 103, 5)]
        assert model.take("c", BID, 6, 0) == []

    def test_the_same_size_is_never_taken_twice(self):
        model = market((ASK, 101, 10))
        model.take("a", BID, 8, 0)
        model.book([(ASK, 101, 9)], False, 1)
        assert model.available(BID, 0) == 2
        model.book([(ASK, 101, 12)], False, 2)
        assert model.available(BID, 0) == 5
        model.book([(ASK, 101, 3)], False, 3)
        assert model.available(BID, 0) == 3
        model.book([(ASK, 101, 0)], False, 4)
        model.book([(ASK, 101, 6)], False, 5)
        assert model.available(BID, 0) == 6

    def test_a_snapshot_of_the_same_sizes_gives_nothing_back(self):
        model = market((ASK, 101, 10))
        model.take("a", BID, 8, 0)
        model.book([(ASK, 101, 10)], True, 1)
        assert model.available(BID, 0) == 2

    def test_the_market_moving_onto_us_fills_at_our_limit(self):
        model = market((BID, 99, 5), (ASK, 101, 10))
        model.rest("a", BID, 100, 8)
        executions = model.book([(ASK, 100, 3), (ASK, 99, 2)], False, 1)
        assert fills(executions) == [("a", 100, 2), ("a", 100, 3)]
        assert all(execution.maker for execution in executions)
        assert model.book([(ASK, 100, 3)], False, 2) == []

    def test_crossing(self):
        model = market((BID, 99, 5), (ASK, 101, 10))
        assert model.crosses(BID, 101)
        assert not model.crosses(BID, 100)
        assert model.crosses(ASK, 99)
        assert not model.crosses(ASK, 100)


def test_an_order_rests_once():
    model = market((BID, 99, 5))
    model.rest("a", BID, 99, 5)
    with pytest.raises(ValueError, match="rests already"):
        model.rest("a", BID, 98, 5)
    model.reduce("a", 2)
    model.remove("a")
    model.remove("a")
    assert model.trade(1, 99, SELLER, 1) == []


# -- any market, any orders --

SIDE = st.sampled_from([BID, ASK])
SIZE = st.integers(1, 20)
# Mostly a bid below and an offer above 100.5, at times across.
PLACE = st.tuples(SIDE, st.integers(-1, 2)).map(
    lambda at: (BID, 100 - at[1]) if at[0] == BID else (ASK, 101 + at[1])
)
HIT = PLACE.map(lambda at: (at[1], SELLER if at[0] == BID else BUYER))
STEP = st.one_of(
    st.tuples(st.just("level"), PLACE, st.integers(0, 20)),
    st.tuples(st.just("trade"), HIT, SIZE),
    st.tuples(st.just("trade"), HIT.map(lambda at: (at[0], 0)), SIZE),
    st.tuples(st.just("limit"), PLACE, SIZE),
    st.tuples(st.just("market"), SIDE, SIZE),
    st.tuples(st.just("cancel"), st.integers(0, 30)),
    st.tuples(st.just("wait"), st.sampled_from([1, GRACE, 2 * GRACE])),
)


class Witness:
    """Plays steps and checks every fill against what the market showed, by simple counting."""

    def __init__(self, knowledge):
        self.model = QueueModel(knowledge)
        self.now = 0
        self.shown = {}  # (side, price) -> size
        self.offered = {}  # (side, price) -> all size that ever came there, less what vanished
        self.taken = {}
        self.orders = {}  # id -> [side, limit, qty, filled]
        self.ahead = {}  # id -> displayed at its price when it came to rest there
        self.proof = {}  # id -> all that traded and vanished at its price since
        self.beyond = {}  # id -> its fills that need no queue: taken, met, or traded through
        self.log = []

    def play(self, number, step):
        kind, *rest = step
        self.now += 1
        getattr(self, kind)(f"{number}", *rest)
        for order in self.orders.values():
            assert 0 <= order[3] <= order[2]

    def level(self, _, place, size):
        side, price = place
        other = ASK if side == BID else BID
        levels = [(side, price, size)]
        for (where, at), there in list(self.shown.items()):
            crossed = where == other and there and (price >= at if side == BID else price <= at)
            if size and crossed:
                levels.append((where, at, 0))
        for where, at, there in levels:
            old = self.shown.get((where, at), 0)
            key = (where, at)
            self.offered[key] = self.offered.get(key, 0) + max(0, there - old)
            self.shown[key] = there
            for id, (of, limit, *_rest) in self.orders.items():
                if (of, limit) == key:
                    self.proof[id] += max(0, old - there)
        executions = self.model.book(levels, False, self.now)
        for execution in executions:
            assert execution.maker
            side_of, limit, *_rest = self.orders[execution.id]
            assert execution.price == limit
            crossed = ASK if side_of == BID else BID
            prices = [at for (where, at), there in self.shown.items() if where == crossed and there]
            assert any((at <= limit) if side_of == BID else (at >= limit) for at in prices)
            self.beyond[execution.id] += execution.qty
        self.note(executions)
        met = sum(execution.qty for execution in executions)
        self.taken["met"] = self.taken.get("met", 0) + met

    def trade(self, _, hit, qty):
        price, aggressor = hit
        for id, (side, limit, *_rest) in self.orders.items():
            if limit == price and aggressor != side:
                self.proof[id] += qty
        before = {id: order[3] for id, order in self.orders.items()}
        executions = self.model.trade(price, qty, aggressor, self.now)
        assert sum(execution.qty for execution in executions) <= qty
        for execution in executions:
            assert execution.maker
            side, limit, _, _ = self.orders[execution.id]
            assert execution.price == limit
            assert side != aggressor
            assert limit >= price if side == BID else limit <= price
            if limit == price:  # at our own price: only once what was ahead is accounted for
                id = execution.id
                queued = before[id] + execution.qty - self.beyond[id]
                assert queued + self.ahead[id] <= self.proof[id]
            else:
                self.beyond[execution.id] += execution.qty
                self.ahead[execution.id] = 0  # all of its level was gone
        self.note(executions)

    def limit(self, id, place, qty):
        side, price = place
        self.orders[id] = [side, price, qty, 0]
        self.proof[id] = 0
        self.beyond[id] = 0
        left = qty - self.take(id, side, qty, price)
        if left:
            self.model.rest(id, side, price, left)
            self.beyond[id] = qty - left
            shown = self.shown.get((side, price), 0)
            ahead = self.model.ahead(id)
            assert ahead == shown or (not shown and ahead in (0, UNKNOWN))
            self.ahead[id] = shown

    def market(self, id, side, qty):
        self.orders[id] = [side, 0, qty, 0]
        self.take(id, side, qty, 0)

    def take(self, id, side, qty, limit):
        other = ASK if side == BID else BID
        available = self.model.available(side, limit)
        executions = self.model.take(id, side, qty, limit)
        total = sum(execution.qty for execution in executions)
        assert total == min(qty, available)
        for execution in executions:
            key = (other, execution.price)
            assert not execution.maker
            assert not limit or (
                execution.price <= limit if side == BID else execution.price >= limit
            )
            assert execution.qty <= self.shown.get(key, 0)
            self.taken[key] = self.taken.get(key, 0) + execution.qty
            assert self.taken[key] <= self.offered[key]
        self.note(executions)
        return total

    def cancel(self, _, which):
        self.model.remove(str(which))

    def wait(self, _, time):
        self.now += time

    def note(self, executions):
        for execution in executions:
            assert execution.qty > 0
            self.orders[execution.id][3] += execution.qty
            self.log.append(execution)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(list(Knowledge)), st.lists(STEP, min_size=15, max_size=60))
def test_every_fill_is_proved_by_the_market(knowledge, steps):
    witnesses = []
    for _ in range(2):
        witness = Witness(knowledge)
        for number, step in enumerate(steps):
            witness.play(number, step)
        assert sum(witness.taken.values()) <= sum(witness.offered.values())
        witnesses.append(witness.log)
    assert witnesses[0] == witnesses[1]
