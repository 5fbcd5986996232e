"""What the kernel is told of markets in which orders wait there for a price."""

from __future__ import annotations

from decimal import Decimal

from core.marketdata.cache import MarketCache
from core.marketdata.checks import Source
from core.model.instruments import Instrument
from core.model.market import Quote, Trade
from core.services.feed import KernelFeed

ABC = Instrument("ABC.V", "ABC", "V", Decimal("0.01"), Decimal(1), "USD")
NOW = 1_700_000_000_000_000_000


class Path:
    """Takes down what the kernel would be told."""

    def __init__(self):
        self.taken = []

    def take(self, message):
        self.taken.append(message)


class Rig:
    def __init__(self):
        self.cache = MarketCache([ABC], lambda *_: None)
        self.sink = self.cache.sink(Source("V"))
        self.path = Path()
        self.feed = KernelFeed(self.cache, self.path)
        self.ts = NOW

    def quote(self, bid, ask):
        self.ts += 1_000_000
        self.sink(Quote(ABC.id, self.ts, self.ts, bid, 5, ask, 5))

    def trade(self, price):
        self.ts += 1_000_000
        self.sink(Trade(ABC.id, self.ts, self.ts, price, 1, 1))

    def told(self, *instruments):
        self.path.taken.clear()
        self.feed.feed_triggers(list(instruments))
        return [m.price if isinstance(m, Trade) else (m.bid, m.ask) for m in self.path.taken]


def test_trades_are_told_only_where_orders_wait_for_a_price():
    rig = Rig()
    rig.quote(99, 101)
    rig.trade(100)
    rig.feed.feed(ABC.id)
    assert [type(m) for m in rig.path.taken] == [Quote]


def test_a_trade_of_before_the_first_order_waited_is_not_told():
    rig = Rig()
    rig.quote(99, 101)
    rig.trade(90)
    assert rig.told(ABC.id) == [(99, 101)]
    assert rig.feed.watching
    assert rig.told(ABC.id) == [], "nothing new"
    rig.trade(95)
    assert rig.told(ABC.id) == [95]
    rig.trade(96)
    rig.trade(97)
    rig.quote(98, 100)
    assert rig.told(ABC.id) == [97, (98, 100)], "the newest of each"


def test_what_nobody_waits_for_any_more_begins_anew():
    rig = Rig()
    rig.quote(99, 101)
    rig.told(ABC.id)
    assert rig.told() == []
    assert not rig.feed.watching
    rig.trade(90)
    assert rig.told(ABC.id) == []
    rig.trade(91)
    assert rig.told(ABC.id) == [91]


def test_an_instrument_that_nobody_lists():
    rig = Rig()
    assert rig.told("WHAT.V") == []
