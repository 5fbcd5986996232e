"""Movements of an account's cash."""

from __future__ import annotations

from decimal import Decimal

from core.model.message import Part


class CashMove(Part, frozen=True):
    """Money that came in (positive) or went out, and the balance after it.

    `kind` is ``opening``, ``trade`` (what was bought or sold for), ``fee``, or ``adjustment`` where
    nothing says why. All amounts of an account in one currency add up to its balance.
    """

    ts: int
    account: str
    currency: str
    kind: str
    amount: Decimal
    balance: Decimal
    instrument: str = ""
    cl_ord_id: str = ""
    exec_id: str = ""
