"""The limits in force for an account and an instrument, as the engine reports them. No Qt."""

from __future__ import annotations

from decimal import Decimal

from core.client.stores import Stores
from core.model.limits import LIMIT_KINDS


def limit_values(stores: Stores, account: str, instrument: str) -> dict[str, tuple[Decimal, str]]:
    """The tightest value of each limit with the words for its scope.

    An account for which the engine has reported nothing has the defaults.
    """
    found: dict[str, tuple[Decimal, str]] = {}
    known = stores.instruments.get(instrument)
    scopes = [("account", account), ("instrument", instrument)]
    if known is not None:
        scopes.append(("class", known.kind))
    for name, kind in LIMIT_KINDS.items():
        for scope, scope_id in scopes:
            use = stores.limits.get(f"{scope}|{scope_id}|{name}")
            use = use or stores.limits.get(f"{scope}||{name}")
            value = use.limit if use is not None else kind.default if scope == "account" else None
            if value is not None and (name not in found or value < found[name][0]):
                found[name] = (value, f"{scope}:{scope_id}")
    return found
