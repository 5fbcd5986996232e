"""What the engine itself tells the kernel: how it is set up, and that time passes."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from core.model.instruments import Instrument
from core.model.message import Message, Part

LOOSEN_DELAY = 30_000_000_000
"""How long a loosened limit waits before it holds, in ns."""


class AccountSetup(Part, frozen=True):
    """An account and the money it opens with, by currency."""

    id: str
    cash: dict[str, Decimal] = msgspec.field(default_factory=dict)


class LimitValue(Part, frozen=True):
    """One limit as the settings give it; names and units as in `core.model.limits`."""

    name: str
    value: Decimal
    scope: str = "account"
    scope_id: str = ""


class Setup(Message, frozen=True):
    """What the kernel trades, for whom, within which limits.

    Journaled like any other input, so that a replay needs nothing but the journal. Applied to a
    kernel that already runs it adds what is new; an account that exists keeps its cash.
    """

    instruments: tuple[Instrument, ...] = ()
    accounts: tuple[AccountSetup, ...] = ()
    limits: tuple[LimitValue, ...] = ()
    loosen_delay: int = LOOSEN_DELAY


class Tick(Message, frozen=True):
    """Time has passed: pending limits take effect, closing goes on.

    A `session` (for instance the trading day as text) that differs from the one before starts
    the day's profit and loss anew.
    """

    ts: int
    session: str = ""


KernelInput = Setup | Tick
