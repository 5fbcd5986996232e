"""The comparison of two kernels' memories sees whatever is not the same."""

from __future__ import annotations

from collections import deque

import pytest

from core.kernel.kernel import Kernel
from core.kernel.state import State
from core.model.enums import LinkState
from tests.core.kernel.driver import AAPL
from tests.core.kernel.memory import BY_KEY, MADE_ANEW, SEEN_AS, difference
from tests.core.kernel.test_dump import busy

LEFT_OUT = {*MADE_ANEW, *SEEN_AS}


def kinds(kernel):
    """A thing of each kind that a memory holds."""
    found, seen, todo = {}, set(), [kernel._state]
    for thing in todo:
        if isinstance(thing, dict):
            todo += thing.values()
        elif isinstance(thing, (list, tuple, deque)):
            todo += thing
        elif type(thing).__module__.startswith("core.kernel") and id(thing) not in seen:
            seen.add(id(thing))
            found.setdefault(type(thing), thing)
            todo += [getattr(thing, name) for name in looked_at(thing)]
    return list(found.values())


def looked_at(thing):
    return [n for n in attributes(type(thing), thing) if (type(thing), n) not in LEFT_OUT]


def attributes(cls, thing=None):
    slots = [name for c in cls.__mro__ for name in c.__dict__.get("__slots__", ())]
    return [*slots, *getattr(thing, "__dict__", ())]


def test_what_was_changed_is_named_by_its_path():
    one, other = busy().kernel, busy().kernel
    assert difference(one, other) == ""
    other._state.accounts["Q"].cash["USD"] += 1
    assert (
        difference(one, other)
        == "state.accounts[Q].cash[USD]: Decimal('-500.00') != Decimal('-499.00')"
    )


def test_each_attribute_of_each_thing_is_looked_at():
    one, other = busy().kernel, busy().kernel
    found = kinds(other)
    assert len(found) > 12
    for thing in found:
        for name in looked_at(thing):
            before = getattr(thing, name)
            setattr(thing, name, {"other": 1} if isinstance(before, dict) else object())
            assert difference(one, other), f"{type(thing).__name__}.{name}"
            setattr(thing, name, before)
    assert difference(one, other) == ""


def test_order_counts_and_what_is_the_same_thing():
    one, other = busy().kernel, busy().kernel
    links = other._state.links
    links["XCH"] = one._state.links["XCH"] = (LinkState.UP, "")
    links["SIM"] = links.pop("SIM")
    assert difference(one, other) == "state.links: ['SIM', 'XCH'] != ['XCH', 'SIM']"
    other = Kernel.load(busy().kernel.dump())
    other._state.markets[AAPL.id].meter = busy().kernel._state.markets[AAPL.id].meter
    one = busy().kernel
    assert difference(one, other).endswith("is not the same Meter as elsewhere")


@pytest.mark.parametrize(("cls", "name"), [*MADE_ANEW, *BY_KEY, *SEEN_AS])
def test_what_is_left_out_is_there(cls, name):
    assert name in attributes(cls, State(1, 1) if cls is State else None)
