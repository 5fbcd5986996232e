"""Whatever happens at a venue while its words or ours get lost: afterwards both books agree."""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random

import pytest

from core.model.commands import CancelOrder, ReplaceOrder
from core.model.enums import OrdStatus, Side, Source
from core.services.recovery import check_replay
from tests.core.services.comparing import books, engine, position, settled
from tests.core.services.helpers import IDS, Bench, order
from tests.core.services.keeper import ALL, Keeper

OFFERS = (ALL, ALL - {"executions"}, ALL - {"asked"}, frozenset({"asked"}))


class Chance:
    """Makes things happen at random: orders, fills, cancels, cuts, orders from elsewhere."""

    def __init__(self, seed: int, venue: Keeper) -> None:
        self.random = Random(seed)
        self.venue = venue
        self.elsewhere = 0

    def step(self, b: Bench) -> None:
        v, r = self.venue, self.random
        alive = [n for n, o in v.orders.items() if not o.status.terminal]
        ours = [o.cl_ord_id for o in b.engine.kernel.working()]
        match r.randrange(8):
            case 0 | 1:
                side = r.choice([Side.BUY, Side.SELL])
                b.engine.submit(order(side, r.randint(1, 9), 10_000 + r.randint(-5, 5)))
            case 2 | 3 if alive:
                name = r.choice(alive)
                there = v.orders[name]
                left = there.qty - there.cum_qty
                v.trade(name, r.randint(1, left), there.price + r.randint(-2, 2))
            case 4 if ours:
                b.engine.submit(CancelOrder(IDS.next(), r.choice(ours)))
            case 5 if ours:
                name = r.choice(ours)
                found = b.engine.kernel.order(name)
                assert found is not None
                b.engine.submit(
                    ReplaceOrder(IDS.next(), name, found.cum_qty + r.randint(1, 9), found.price)
                )
            case 6 if alive:
                v.change(r.choice(alive), status=OrdStatus.CANCELED)
            case 7:
                self.elsewhere += 1
                v.enter(f"ELSE-{self.elsewhere}", r.choice(list(Side)), r.randint(1, 9), 10_010)
            case _:
                v.mute, v.deaf = r.random() < 0.4, r.random() < 0.2


def agreed(b: Bench, v: Keeper) -> None:
    kernel = b.engine.kernel
    here = {o.cl_ord_id for o in kernel.working()}
    there = {n for n, o in v.orders.items() if not o.status.terminal}
    assert here == there, [(kernel.order(n), v.orders.get(n)) for n in here ^ there]
    for name, known in v.orders.items():
        ours = kernel.order(name)
        if ours is None:
            assert known.status.terminal, name  # from elsewhere, and over before it was seen
            continue
        assert ours.cum_qty == known.cum_qty, name
        assert ours.notional == known.notional, name
        assert ours.status.terminal == known.status.terminal, name
        if not known.status.terminal:
            assert (ours.qty, ours.price) == (known.qty, known.price), name
            assert ours.status is not OrdStatus.UNKNOWN
        assert (ours.source is Source.EXTERNAL) == name.startswith("ELSE")


@pytest.mark.parametrize("seed", range(32))
def test_afterwards_both_books_agree(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.services.audit.BETWEEN", 0.001)
    v = Keeper(offers=OFFERS[seed % len(OFFERS)])
    tells = "executions" in v.offers

    async def session() -> None:
        chance = Chance(seed, v)
        for _ in range(3):  # lives of the engine
            v.mute = v.deaf = False
            async with engine(tmp_path, v) as b:
                for _ in range(3):  # lives of the link
                    for _ in range(15):
                        chance.step(b)
                    v.cut()
                    for _ in range(5):
                        chance.step(b)
                    v.mend()
                    await settled(b)
                    assert await b.until(lambda: not b.engine.path._held)  # the disk was waited for
                    if "asked" in v.offers:
                        agreed(b, v)
                    if tells:
                        assert position(b) == sum(v.held.values())
                    before = books(b)
                    await b.engine.links["V"].audit.agree(settling=True)
                    assert books(b) == before
                v.cut()
                for _ in range(5):
                    chance.step(b)
            assert check_replay(tmp_path / "journal").digest == b.engine.kernel.digest()
        sent = [r.order.cl_ord_id for r in v.sent if type(r).__name__ == "VenueNew"]
        assert len(sent) == len(set(sent)), "no order was sent twice"

    asyncio.run(session())
