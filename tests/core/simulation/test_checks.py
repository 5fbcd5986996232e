"""Each check by itself: a simulation that ended well is spoiled in one place, and that is said."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from msgspec.structs import replace

from core.kernel.kernel import Kernel
from core.model.enums import ExecType, OrdStatus, Source
from core.model.orders import Order, OrderUpdate
from core.simulation.exchange import Exchange
from core.simulation.own import Foreign, Own
from core.simulation.plan import make_plan
from core.simulation.setting import NETTED
from core.simulation.world import World

MOST_SEEDS = 40


class Ended:
    """A simulation that ended well, with orders that work and orders that are over.

    Attributes:
        working: an order at rest, as its venue has it; `over` one that ended unfilled; `done` one
            that was filled.
    """

    def __init__(self) -> None:
        for seed in range(MOST_SEEDS):
            self.world = World(seed)
            assert not self.world.run(make_plan(seed)).broken
            if self._fits():
                break
        else:
            raise AssertionError(f"none of {MOST_SEEDS} seeds ends with what is needed")

    def _fits(self) -> bool:
        engine = self.world.engine
        if engine is None:
            return False
        self.kernel: Kernel = engine.kernel
        self.exchange: Exchange = self.world.exchanges["ALPHA"]
        ours = [
            (own, order)
            for name, own in self.exchange.truth.orders.items()
            if (order := self.kernel.order(name)) is not None
            and order.source is not Source.EXTERNAL
            and order.account in NETTED
            and order.cl_ord_id == name
        ]
        working = [own for own, _ in ours if own.working]
        over = [own for own, _ in ours if own.status is OrdStatus.CANCELED and not own.cum]
        done = [own for own, _ in ours if own.status is OrdStatus.FILLED and own.execs]
        if not (working and over and done):
            return False
        self.working, self.over, self.done = working[0], over[0], done[0]
        return True

    def says(self, check: Callable[[], None]) -> str:
        """What a check finds wrong."""
        self.world.broken = ""
        check()
        return self.world.broken

    def settled(self) -> str:
        return self.says(lambda: self.world.watch.settled(self.kernel))

    def state(self) -> str:
        return self.says(lambda: self.world.watch.state(self.kernel))

    def back(self) -> str:
        return self.says(lambda: self.world.watch.back(self.kernel))

    def tell(self, own: Own, kind: ExecType = ExecType.ORDER_STATUS, **other: object) -> str:
        """Clients are told of an order, with something else than is true."""
        update = OrderUpdate(self.kernel.seq, self.kernel.ts, self.order(own), kind)
        changed = replace(update, order=replace(update.order, **other))
        return self.says(lambda: self.world.watch.told(changed))

    def order(self, own: Own) -> Order:
        found = self.kernel.order(own.order.cl_ord_id)
        assert found is not None
        return found


@pytest.fixture
def ended() -> Ended:
    return Ended()


def test_nothing_is_wrong_before_it_is_spoiled(ended: Ended) -> None:
    assert (ended.settled(), ended.state(), ended.back()) == ("", "", "")
    assert ended.tell(ended.working) == ended.tell(ended.over) == ended.tell(ended.done) == ""
    assert ended.says(ended.world.computer.compare_replay) == ""


# -- our books beside those of the venues --------------------------------------------------------


def test_an_order_that_works_at_its_venue_only(ended: Ended) -> None:
    ended.over.status = OrdStatus.NEW
    assert "works at ALPHA and not in our books" in ended.settled()


def test_an_order_that_works_in_our_books_only(ended: Ended) -> None:
    ended.working.status = OrdStatus.CANCELED
    assert "works in our books and at no venue" in ended.settled()


@pytest.mark.parametrize("word", ["qty", "price"])
def test_an_order_with_other_terms(ended: Ended, word: str) -> None:
    setattr(ended.working, word, getattr(ended.working, word) + 1)
    assert f"order {ended.working.order.cl_ord_id} is {ended.working.qty} lots" in ended.settled()


def test_an_order_that_only_its_venue_has(ended: Ended) -> None:
    ended.exchange.truth.orders["ghost"] = ended.over
    assert ended.settled() == "ALPHA has order ghost and our books do not."


def test_an_order_with_other_fills(ended: Ended) -> None:
    ended.done.cum -= 1
    assert f"{ended.done.cum} lots filled at its venue" in ended.settled()


def test_a_fee_that_was_not_booked(ended: Ended) -> None:
    execs = ended.done.execs
    execs[-1] = execs[-1]._replace(fee=execs[-1].fee + Decimal("0.0001"))
    assert "by what its venues traded" in ended.settled()


def test_money_of_a_deal_by_other_means(ended: Ended) -> None:
    ended.exchange.truth.foreign["deal"] = Foreign(NETTED[0], "AAA.ALPHA", 1, 9_999)
    assert "by what its venues traded" in ended.settled()


def test_lots_of_a_deal_by_other_means(ended: Ended) -> None:
    ended.exchange.truth.foreign["deal"] = Foreign(NETTED[0], "AAA.ALPHA", 1, 0)
    assert f"{NETTED[0]} holds" in ended.settled()


# -- our books by themselves ---------------------------------------------------------------------


def test_what_a_venue_complains_of(ended: Ended) -> None:
    ended.exchange.truth.wrong.append("It was sent nonsense.")
    assert ended.state() == "(4) It was sent nonsense."


def test_an_order_that_shows_more_than_its_fills(ended: Ended) -> None:
    ended.kernel._state.orders[ended.working.order.cl_ord_id].cum += 1
    assert f"(1) order {ended.working.order.cl_ord_id} shows" in ended.state()


def test_a_limit_that_only_our_books_show_broken(ended: Ended) -> None:
    ended.kernel._state.orders[ended.working.order.cl_ord_id].qty += 100
    assert ended.state().startswith("(6)")
    assert "by our books" in ended.state()


def test_a_limit_that_only_the_venue_sees_broken(ended: Ended) -> None:
    ended.working.qty += 100
    assert ended.state().startswith("(6)")
    assert "by ALPHA's books" in ended.state()


# -- what clients were told ----------------------------------------------------------------------


def test_a_fill_that_is_taken_back(ended: Ended) -> None:
    filled = ended.done.cum
    assert f"had {filled} lots filled" in ended.tell(ended.done, cum_qty=filled - 1)


@pytest.mark.parametrize("kind", [ExecType.TRADE_CANCEL, ExecType.TRADE_CORRECT])
def test_a_fill_that_its_venue_takes_back(ended: Ended, kind: ExecType) -> None:
    less = {"cum_qty": ended.done.cum - 1, "status": OrdStatus.CANCELED}
    assert ended.tell(ended.done, kind, **less) == ""


def test_an_order_that_goes_on_after_its_end(ended: Ended) -> None:
    assert "was CANCELED and became NEW" in ended.tell(ended.over, status=OrdStatus.NEW)


def test_only_a_fill_may_come_after_an_end(ended: Ended) -> None:
    filled = {"status": OrdStatus.FILLED, "cum_qty": ended.over.qty}
    assert "was CANCELED and became FILLED" in ended.tell(ended.over, ExecType.NEW, **filled)
    ended.tell(ended.over)
    assert ended.tell(ended.over, ExecType.TRADE, **filled) == ""


def test_an_order_that_a_start_lost(ended: Ended) -> None:
    ended.tell(ended.working, cl_ord_id="ghost")
    assert ended.back() == "order ghost was told to clients and is lost."


def test_a_fill_that_a_start_lost(ended: Ended) -> None:
    filled = ended.order(ended.working).cum_qty
    ended.tell(ended.working, cum_qty=filled + 1)
    assert f"was told with {filled + 1} lots filled and has {filled}" in ended.back()


def test_an_end_that_a_start_lost(ended: Ended) -> None:
    ended.tell(ended.working, status=OrdStatus.CANCELED)
    assert "was told to be CANCELED and is" in ended.back()


# -- the journal ---------------------------------------------------------------------------------


def test_a_journal_that_cannot_be_read(ended: Ended) -> None:
    disk = ended.world.computer.disk
    for name in disk.names("/home/journal"):
        inode = disk.inode(name)
        if inode is not None and name.endswith(".journal"):
            inode.data[100] ^= 1
    said = ended.says(ended.world.computer.compare_replay)
    assert said.startswith("(8) the journal cannot be read")
