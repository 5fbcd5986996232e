"""The limits in force for an account and an instrument, as the engine reports them. No Qt."""

from __future__ import annotations

from decimal import Decimal

from core.client.stores import Stores
from core.model.limits import LIMIT_KINDS


def limit_value(
    stores: Stores, account: str, instrument: str, name: str
) -> tuple[Decimal, str] | None:
    """The tightest value of one limit with the words for its scope; None when it is not set."""
    found: tuple[Decimal, str] | None = None
    for scope, scope_id in (("account", account), ("instrument", instrument)):
        use = stores.limits.get(f"{scope}|{scope_id}|{name}")
        use = use or stores.limits.get(f"{scope}||{name}")
        usual = LIMIT_KINDS[name].default if scope == "account" else None
        value = use.limit if use is not None else usual
        if value is not None and (found is None or value < found[0]):
            found = (value, f"{scope}:{scope_id}")
    return found


def limit_values(stores: Stores, account: str, instrument: str) -> dict[str, tuple[Decimal, str]]:
    """The tightest value of each limit with the words for its scope.

    An account for which the engine has reported nothing has the defaults.
    """
    values = {name: limit_value(stores, account, instrument, name) for name in LIMIT_KINDS}
    return {name: value for name, value in values.items() if value is not None}
