"""Random commands against a venue whose answers come late, twice, out of order or never.

After every step the books must equal what an independent reckoning makes of the fills; at the
end a fresh kernel fed with the same inputs must be in the same state.
"""

from __future__ import annotations

import random
from decimal import Decimal

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from core.kernel.kernel import Kernel
from core.model.enums import (
    Contingency,
    ExecType,
    LinkState,
    MarketStatus,
    OrdStatus,
    OrdType,
    PegReference,
    PositionEffect,
    Side,
    TimeInForce,
    TradingState,
)
from core.model.events import CancelReject
from tests.core.kernel.driver import AAPL, SECOND
from tests.core.kernel.machine_books import INSTRUMENTS, MIDS, Books

instruments = st.sampled_from(list(INSTRUMENTS.values()))
sides = st.sampled_from(list(Side))
accounts = st.sampled_from(["P", "P", "Q"])
picks = st.integers(0, 10**6)


SPECIAL = ("stop", "stop limit", "touched", "trail", "peg", "iceberg", "expires")


def special(what, price, qty):
    """Terms of an order that its venue cannot hold."""
    if what == "stop":
        return {"kind": OrdType.STOP, "price": 0, "stop_price": price}
    if what == "stop limit":
        return {"kind": OrdType.STOP_LIMIT, "price": price, "stop_price": price}
    if what == "touched":
        return {"kind": OrdType.MARKET_IF_TOUCHED, "price": 0, "stop_price": price}
    if what == "trail":
        return {"kind": OrdType.TRAILING_STOP, "price": 0, "trail": 20}
    if what == "peg":
        return {"kind": OrdType.PEGGED, "price": 0, "peg": PegReference.PRIMARY}
    if what == "iceberg":
        return {"price": price, "display_qty": max(1, qty // 3)}
    return {"price": price}


class Machine(Books):
    # What traders and strategies do.

    @rule(
        instrument=instruments,
        account=accounts,
        side=sides,
        qty=st.integers(0, 40),
        away=st.integers(-1200, 1200),
        strategy=st.sampled_from(["", "", "S", "R"]),
        ioc=st.booleans(),
        market=st.booleans(),
        reduce_only=st.booleans(),
        effect=st.sampled_from([None, *PositionEffect]),
    )
    def order(
        self, instrument, account, side, qty, away, strategy, ioc, market, reduce_only, effect=None
    ):
        price = 0 if market else MIDS[instrument.id] + away
        tif = TimeInForce.IOC if ioc else TimeInForce.GTC
        name = self.d.new(
            side,
            qty,
            price,
            instrument,
            account=account,
            strategy=strategy,
            tif=tif,
            reduce_only=reduce_only,
            position_effect=effect,
        )
        self.names.append(name)
        self.look()

    @rule(
        instrument=instruments,
        side=sides,
        qty=st.integers(1, 20),
        away=st.integers(-60, 60),
        strategy=st.sampled_from(["", "S"]),
        what=st.sampled_from(SPECIAL),
        gtd=st.booleans(),
    )
    def special_order(self, instrument, side, qty, away, strategy, what, gtd):
        terms = special(what, MIDS[instrument.id] + away, qty)
        if gtd:
            terms |= {"tif": TimeInForce.GTD, "expire": self.d.now + 30 * SECOND}
        name = self.d.new(side, qty, terms.pop("price"), instrument, strategy=strategy, **terms)
        self.names.append(name)
        self.look()

    @rule(
        instrument=instruments,
        side=sides,
        qty=st.integers(1, 12),
        away=st.integers(-20, 20),
        near=st.integers(1, 60),
        far=st.integers(1, 60),
        strategy=st.sampled_from(["", "S"]),
        contingency=st.sampled_from(list(Contingency)),
    )
    def order_list(self, instrument, side, qty, away, near, far, strategy, contingency):
        mid, sign = MIDS[instrument.id] + away, side.sign
        out = side.opposite
        self.names += self.d.order_list(
            contingency,
            {"side": side, "price": mid},
            {"side": out, "ord_type": OrdType.STOP, "stop_price": mid - sign * near},
            {"side": out, "price": mid + sign * far},
            qty=qty,
            strategy=strategy,
            instrument=instrument,
        )
        self.look()

    @rule(
        instrument=instruments,
        side=sides,
        sizes=st.tuples(*[st.integers(1, 20)] * 3),
        near=st.integers(-5, 40),
        far=st.integers(-5, 40),
        strategy=st.sampled_from(["", "S"]),
        last=st.sampled_from(["", "touched", "stop limit", "peg", "iceberg"]),
    )
    def either_way(self, instrument, side, sizes, near, far, strategy, last):
        """Orders on one side of which one goes out here while another is at its venue."""
        mid, sign = MIDS[instrument.id], side.sign
        orders = [
            {"price": mid - sign * near},
            {"ord_type": OrdType.STOP, "stop_price": mid + sign * far},
        ]
        if last:
            terms = special(last, mid - sign * far, sizes[2])
            orders.append({"ord_type": terms.pop("kind", OrdType.LIMIT), **terms})
        self.names += self.d.order_list(
            Contingency.OCO,
            *({**terms, "qty": qty} for terms, qty in zip(orders, sizes, strict=False)),
            side=side,
            strategy=strategy,
            instrument=instrument,
        )
        self.look()

    @precondition(lambda self: self.names)
    @rule(pick=picks)
    def same_order_again(self, pick):
        self.d.new(id=self.names[pick % len(self.names)])
        assert self.d.refusal().code == "DUPLICATE_CLIENT_ID"
        self.look()

    @precondition(lambda self: self.names)
    @rule(pick=picks)
    def cancel(self, pick):
        self.d.cancel(self.names[pick % len(self.names)])
        self.look()

    @precondition(lambda self: self.names)
    @rule(pick=picks, qty=st.integers(0, 40), away=st.integers(-300, 300))
    def replace(self, pick, qty, away):
        name = self.names[pick % len(self.names)]
        order = self.d.order(name)
        mid = MIDS.get(order.instrument, 20_000) if order else 20_000
        self.d.replace(name, qty, mid + away)
        self.look()

    @rule(account=st.sampled_from(["", "P"]), side=st.integers(0, 2))
    def cancel_all(self, account, side):
        self.d.cancel_all(account=account, side=side)
        self.look()

    @rule(level=st.integers(0, 3), account=st.sampled_from(["", "P", "Q"]))
    def kill(self, level, account):
        self.d.kill(level, account)
        self.look()

    @rule(strategy=st.sampled_from(["", "S"]), instrument=st.sampled_from(["", AAPL.id]))
    def flatten(self, strategy, instrument):
        self.d.flatten("", instrument, strategy)
        self.look()

    @rule(account=accounts, state=st.sampled_from(list(TradingState)))
    def state(self, account, state):
        self.d.set_state(state, account)
        self.look()

    @rule(
        name=st.sampled_from(["max_position", "max_open_orders", "max_order_qty", "daily_loss"]),
        value=st.integers(1, 80),
        reason=st.sampled_from(["", "because"]),
    )
    def limit(self, name, value, reason):
        self.d.set_limit(name, value * (100 if name == "daily_loss" else 1), reason=reason)
        self.look()

    # What the world does.

    @rule(seconds=st.sampled_from([0.001, 0.3, 1.0, 6.0, 40.0, -2.0]))
    def time(self, seconds):
        self.d.tick(seconds)
        self.look()

    @rule(
        instrument=instruments,
        move=st.integers(-60, 60),
        width=st.integers(-1, 30),
        empty=st.sampled_from([None, None, None, "bid", "ask"]),
    )
    def quote(self, instrument, move, width, empty):
        mid = MIDS[instrument.id] + move
        bid, ask = mid - width, mid + width
        self.d.quote(instrument, 0 if empty == "bid" else bid, 0 if empty == "ask" else ask)
        self.look()

    @rule()
    def quote_all(self):
        for instrument in INSTRUMENTS.values():
            mid = MIDS[instrument.id]
            self.d.quote(instrument, mid - 5, mid + 5)
            self.look()

    @rule(instrument=instruments, move=st.integers(-60, 60))
    def market_trade(self, instrument, move):
        self.d.trade(instrument, MIDS[instrument.id] + move)
        self.look()

    @rule(instrument=instruments, status=st.sampled_from(list(MarketStatus)))
    def status(self, instrument, status):
        self.d.status(status, instrument)
        self.look()

    @rule(state=st.sampled_from(list(LinkState)), venue=st.sampled_from(["SIM", "XCH", "feed"]))
    def link(self, state, venue):
        self.d.link(state, venue)
        self.look()

    @precondition(lambda self: self.truth.working)
    @rule(pick=picks, lots=st.integers(1, 40), away=st.integers(-5, 5), fee=st.integers(-3, 9))
    def match(self, pick, lots, away, fee):
        names = list(self.truth.working)
        name = names[pick % len(names)]
        order = self.truth.working[name][2]
        price = (order.price or MIDS[order.instrument]) + away
        self.truth.fill(name, lots, price, Decimal(fee) / 1000)

    @precondition(lambda self: self.truth.working)
    @rule(pick=picks, kind=st.sampled_from([ExecType.CANCELED, ExecType.EXPIRED]))
    def venue_ends(self, pick, kind):
        names = list(self.truth.working)
        name = names[pick % len(names)]
        del self.truth.working[name]
        self.truth.say(name, kind, OrdStatus(kind.value))

    @precondition(lambda self: self.truth.messages)
    @rule(pick=picks, twice=st.booleans(), orderly=st.booleans())
    def deliver(self, pick, twice, orderly):
        messages = self.truth.messages
        index = 0 if orderly else pick % len(messages)
        message = messages[index] if twice else messages.pop(index)
        if len(message) == 3:
            name, request, replace = message
            self.d.apply(
                CancelReject(
                    "SIM", self.d.now, self.d.now, name, request, OrdStatus.FILLED, replace
                )
            )
        else:
            name, kind, status, more = message
            self.d.report(name, kind, status, **more)
        self.look()

    @rule()
    def deliver_all(self):
        while self.truth.messages:
            self.deliver(0, False, True)

    @precondition(lambda self: self.truth.messages)
    @rule(pick=picks)
    def lose(self, pick):
        self.truth.messages.pop(pick % len(self.truth.messages))

    @precondition(lambda self: self.names)
    @rule(
        pick=picks,
        kind=st.sampled_from(list(ExecType)),
        status=st.sampled_from(list(OrdStatus)),
        qty=st.integers(-1, 50),
        last=st.integers(-1, 50),
        cum=st.integers(0, 50),
    )
    def nonsense(self, pick, kind, status, qty, last, cum):
        self.d.report(
            self.names[pick % len(self.names)],
            kind,
            status,
            exec_id=f"n{self.d.seq}",
            qty=qty,
            price=20_000,
            cum_qty=cum,
            last_qty=last,
            last_price=20_000,
            request=str(pick),
        )
        self.look()

    @precondition(lambda self: self.fills)
    @rule(pick=picks, qty=st.integers(0, 12), move=st.integers(-9, 9), over=st.booleans())
    def take_back(self, pick, qty, move, over):
        """The venue busts (`qty` 0) or corrects an execution."""
        fill = self.fills[pick % len(self.fills)]
        self.d.report(
            fill.cl_ord_id,
            ExecType.TRADE_CORRECT if qty else ExecType.TRADE_CANCEL,
            OrdStatus.CANCELED if over else OrdStatus.PARTIALLY_FILLED,
            venue=self.venue_of.get(fill.exec_id, "SIM"),
            exec_id=f"b{self.d.seq}",
            exec_ref=fill.exec_id,
            last_qty=qty,
            last_price=fill.price + move if qty else 0,
        )
        self.look()

    @rule(side=sides, qty=st.integers(1, 9), more=st.integers(0, 9), known=st.booleans())
    def from_elsewhere(self, side, qty, more, known):
        name = f"other-{self.d.seq}"
        self.d.report(
            name,
            ExecType.TRADE,
            OrdStatus.PARTIALLY_FILLED,
            account="P" if known else "",
            instrument=AAPL.id,
            side=side,
            qty=qty + more,
            cum_qty=qty,
            last_qty=qty,
            last_price=20_000,
            exec_id=f"o{self.d.seq}",
            order_id="v" + name,
        )
        if known:
            self.names.append(name)
            if more:
                self.truth.working[name] = [qty + more, qty, self.d.order(name)]
        self.look()

    @rule()
    def restart(self):
        before = self.d.kernel
        loaded = Kernel.load(before.dump())
        assert loaded.digest() == before.digest()
        assert loaded.limit_uses(self.d.now) == before.limit_uses(self.d.now)
        assert loaded.positions() == before.positions()
        self.d.kernel = loaded


class HedgingMachine(Machine):
    """The same where an account's long and short legs stand apart."""

    HEDGING = True


TestHedgingMachine = HedgingMachine.TestCase
TestHedgingMachine.settings = settings(max_examples=40, stateful_step_count=60, deadline=None)

TestMachine = Machine.TestCase
TestMachine.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)


@pytest.mark.parametrize("kind", [Machine, HedgingMachine])
def test_long_runs(kind):
    """The same machine driven at random for long, where Hypothesis only goes sixty steps."""
    for seed in range(3):
        rng = random.Random(seed)
        machine = kind()
        machine.begin(50)
        for step in range(1500):
            _random_step(machine, rng, step)
            if step % 50 == 0:
                machine.books_equal_the_fills()
                machine.legs_add_up()
        machine.books_equal_the_fills()
        assert len(machine.by_order) > 40, "hardly anything was traded"
        machine.teardown()


def _random_step(m, rng, step):
    if step % 20 == 0:
        for venue in ("SIM", "XCH"):
            m.link(LinkState.UP, venue)
        for instrument in INSTRUMENTS.values():
            m.status(instrument, MarketStatus.OPEN)
        m.state("P", TradingState.ACTIVE)
        m.quote_all()
    if step % 100 == 99:
        m.time(40.0)
    action = rng.randrange(24)
    pick = rng.randrange(10**6)
    instrument = rng.choice(list(INSTRUMENTS.values()))
    side, strategy = rng.choice(list(Side)), rng.choice(["", "S"])
    if action < 6:
        m.order(
            rng.choice(list(INSTRUMENTS.values())),
            rng.choice(["P", "Q"]),
            rng.choice(list(Side)),
            rng.randint(1, 20),
            rng.randint(-50, 50),
            rng.choice(["", "S", "R"]),
            rng.random() < 0.2,
            rng.random() < 0.2,
            rng.random() < 0.1,
            rng.choice([None, None, PositionEffect.CLOSE]),
        )
    elif action < 10 and m.truth.working:
        m.match(pick, rng.randint(1, 20), rng.randint(-5, 5), rng.randint(-3, 9))
    elif action < 14 and m.truth.messages:
        m.deliver(pick, rng.random() < 0.2, rng.random() < 0.7)
    elif action == 14 and m.names:
        m.cancel(pick)
    elif action == 15 and m.names:
        m.replace(pick, rng.randint(1, 30), rng.randint(-50, 50))
    elif action == 20:
        away = rng.randint(-40, 40)
        what, gtd = rng.choice(SPECIAL), rng.random() < 0.2
        m.special_order(instrument, side, rng.randint(1, 20), away, strategy, what, gtd)
    elif action == 21:
        near, far = rng.randint(5, 50), rng.randint(5, 50)
        kind = rng.choice([None, *Contingency])
        if kind is None:
            last = rng.choice(["", "touched", "stop limit", "peg", "iceberg"])
            sizes = [rng.randint(1, 20) for _ in range(3)]
            m.either_way(instrument, side, sizes, near, far, strategy, last)
        else:
            m.order_list(instrument, side, rng.randint(1, 12), 0, near, far, strategy, kind)
    elif action == 22 and m.fills and rng.random() < 0.3:
        m.take_back(pick, rng.choice([0, 0, rng.randint(1, 9)]), 0, rng.random() < 0.3)
    elif action == 23:
        m.quote(instrument, rng.randint(-50, 50), rng.randint(0, 8), None)
    elif action == 16:
        m.deliver_all()
    elif action == 17:
        m.time(0.3)
        m.quote_all()
    elif action == 18 and rng.random() < 0.2:
        m.restart()
    elif action == 19 and rng.random() < 0.1:
        rng.choice(
            [
                lambda: m.kill(rng.randint(1, 3), ""),
                lambda: m.flatten("", ""),
                lambda: m.flatten("S", ""),
                lambda: m.link(LinkState.DOWN, "SIM"),
                lambda: m.cancel_all("", 0),
            ]
        )()
