"""Two kernels' memories side by side: everything that can be reached, each thing by its path."""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from enum import Enum

import msgspec

from core.kernel.ids import UsedIds
from core.kernel.kernel import Kernel
from core.kernel.limits import LimitBook
from core.kernel.markets import Market
from core.kernel.positions import Account, Holding
from core.kernel.resting import prices
from core.kernel.riskstate import RiskState
from core.kernel.state import State
from core.risk.dynamic import DynamicTerms

MADE_ANEW = {
    (State, "out"): "the answer to the input before",
    (State, "message"): "the input before",
    (RiskState, "_margins"): "made of the policy, holdings and prices when asked for",
    (RiskState, "_portfolios"): "made of the covariance and holdings when asked for",
    (LimitBook, "version"): "tells rules of now from older ones; there are none after a restart",
    (Holding, "rules"): "made of the limits when asked for",
    (Account, "stamp"): "tells margins of now from older ones; there are none after a restart",
    (Account, "cash_units"): "made of the cash when asked for",
    (Market, "_known"): "made of what was traded, locked and before when asked for",
    (Market, "minute"): "when `open` was worked out",
    (Market, "open"): "worked out for each minute",
}
"""What a kernel may remember that its dump does not say, and why it does not matter."""

BY_KEY = {
    (State, "execs"): "nothing is asked of it but whether an id is there",
    (State, "slices"): "asked for by id only",
    (UsedIds, "_runs"): "asked for by id only",
    (UsedIds, "_next"): "asked for by id only",
    (UsedIds, "_others"): "nothing is asked of it but whether an id is there",
}
"""What may be in another order, and why it does not matter."""


def _standing(holding):
    """At which prices own orders rest; what else is in the heaps is thrown out when it is seen."""
    found = []
    for sign, heap in ((-1, holding.resting._bids), (1, holding.resting._asks)):
        alive = ((sign * key, name) for key, name in heap if name in holding.live)
        found.append({(p, name) for p, name in alive if p in prices(holding.live[name])})
    return found


def _told(state):
    """Executions by venue, but for venues none of whose are remembered any more."""
    return {venue: ids for venue, ids in state.execs.items() if ids}


def _priced(name):
    """An option is priced when somebody first has, or asks for, something of it."""

    def see(market):
        return getattr(market, name) if market.gearing is None or market.holdings else None

    return see


SEEN_AS = {
    (Holding, "resting"): _standing,
    (State, "execs"): _told,
    (Market, "each"): _priced("each"),
    (Market, "falls"): _priced("falls"),
    (Market, "gearing"): _priced("gearing"),
}
"""What is worked out where it is used: how it looks then."""


def difference(one: Kernel, other: Kernel) -> str:
    """Where the memories of two kernels differ, as `path: this != that`; empty: nowhere.

    Types, order, exact decimals and which things are the same thing must agree, too.
    """
    pairs, back = {}, {}
    todo = [(one._state, other._state, (None, "state"), False)]
    for a, b, path, by_key in todo:
        kind = type(a)
        if kind is not type(b):
            return f"{_name(path)}: {_short(a)} != {_short(b)}"
        if _plain(kind):
            if a != b or (kind is Decimal and str(a) != str(b)):
                return f"{_name(path)}: {_short(a)} != {_short(b)}"
            continue
        if not issubclass(kind, tuple):
            if id(a) in pairs or id(b) in back:
                if pairs.get(id(a)) is not b or back.get(id(b)) is not a:
                    return f"{_name(path)}: is not the same {kind.__name__} as elsewhere"
                continue
            pairs[id(a)], back[id(b)] = b, a
        if kind is dict:
            same = a.keys() == b.keys() if by_key else list(a) == list(b)
            if not same:
                return f"{_name(path)}: {_short(list(a))} != {_short(list(b))}"
            parts = [(a[key], b[key], f"[{_key(key)}]", by_key) for key in a]
        elif issubclass(kind, (list, tuple, deque)):
            if len(a) != len(b) or getattr(a, "maxlen", 0) != getattr(b, "maxlen", 0):
                return f"{_name(path)}: {_short(a)} != {_short(b)}"
            parts = [(x, y, f"[{i}]", False) for i, (x, y) in enumerate(zip(a, b, strict=True))]
        else:
            parts = _attributes(a, b)
        for x, y, label, unordered in parts:
            if x is y:
                continue
            of = type(x)
            if of is type(y) and (of is str or of is int) and x == y:
                continue
            todo.append((x, y, (path, label), unordered))
    return ""


def _attributes(a, b):
    kind = type(a)
    names = _names.get(kind)
    if names is None:
        known = vars(a) if hasattr(a, "__dict__") else ()
        # compiled classes have no slots, and tell their attributes so
        found = [n for c in kind.__mro__ for n in getattr(c, "__slots__", ())]
        found += getattr(kind, "__mypyc_attrs__", ())
        names = _names[kind] = [
            (n, "." + n, (kind, n) in BY_KEY, SEEN_AS.get((kind, n)))
            for n in sorted({*found, *known})
            if (kind, n) not in MADE_ANEW
        ]
        assert names, f"{kind.__name__} cannot be looked into."
    return [
        (getattr(a, n), getattr(b, n), label, unordered)
        if seen_as is None
        else (seen_as(a), seen_as(b), label, unordered)
        for n, label, unordered, seen_as in names
    ]


_names = {}
_plains = {}


def _plain(kind):
    found = _plains.get(kind)
    if found is None:
        values = (str, int, Decimal, Enum, type(None), set, msgspec.Struct, DynamicTerms)
        found = _plains[kind] = issubclass(kind, values)
    return found


def _key(key):
    return "/".join(map(str, key)) if isinstance(key, tuple) else key


def _name(path):
    labels = []
    while path is not None:
        path, label = path
        labels.append(label)
    return "".join(reversed(labels))


def _short(thing):
    text = repr(thing)
    return text if len(text) < 300 else text[:300] + "…"
