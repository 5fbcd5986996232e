"""How old is too old: the tightest limit that names the instrument or the account."""

from __future__ import annotations

from decimal import Decimal
from itertools import product

import pytest

from core.model.events import LimitUse
from core.model.limits import LIMIT_KINDS
from tests.widgets.trading_world import BTC, World
from widgets.freshness import stale_after
from widgets.limits import limit_value, limit_values

SCOPES = (("account", "PAPER"), ("account", ""), ("instrument", BTC.id), ("instrument", ""))


@pytest.mark.parametrize("given", list(product((None, 3, 7), repeat=4)))
def test_one_limit_alone_is_what_it_is_among_all(given):
    world = World()
    for (scope, scope_id), value in zip(SCOPES, given, strict=True):
        if value is not None:
            use = LimitUse(1, "stale_after", scope, scope_id, Decimal(0), Decimal(value), "s", "")
            world.stores.take_event(use)
    account = given[0] or given[1] or LIMIT_KINDS["stale_after"].default
    instrument = given[2] or given[3]
    tightest = min(value for value in (account, instrument) if value is not None)
    alone = limit_value(world.stores, "PAPER", BTC.id, "stale_after")
    assert alone == limit_values(world.stores, "PAPER", BTC.id)["stale_after"]
    assert alone[0] == tightest
    assert stale_after(world.stores, "PAPER", BTC.id) == int(tightest * 10**9)


def test_looking_up_one_limit_reads_nothing_of_the_others():
    """A list of 500 symbols is built anew at each change of workspace."""
    world = World()
    read = []

    class Watched(type(world.stores.limits)):
        def get(self, key):
            read.append(key)
            return super().get(key)

    world.stores.limits = Watched()
    stale_after(world.stores, "PAPER", BTC.id)
    assert read
    assert all(key.endswith("|stale_after") for key in read)
