"""What the tests of the controls have in common."""

from __future__ import annotations

from decimal import Decimal

from core.model.commands import (
    SetTradingState,
)
from core.model.inputs import (
    Covariance,
    Policy,
    Setup,
)
from tests.core.kernel.driver import AAPL, FUT, SECOND


def limit(name, value, scope="account", scope_id="P"):
    return (name, Decimal(value), scope, scope_id)


def with_policy(d, **more):
    d.apply(Setup(loosen_delay=30 * SECOND, policy=Policy(**more)))
    assert not d.notices(), d.notices()
    return d


def refused(d, code, *words):
    denied = d.denial()
    assert denied.code == code, denied.text
    assert denied.text.startswith(f"{code}: ")
    assert f"order={denied.cl_ord_id}. " in denied.text
    for word in words:
        assert word in denied.text
    return denied


def state_of(d, state, scope, scope_id, account="", reason="test"):
    name = d.name()
    d.apply(
        SetTradingState(name, account, state, reason, trader="sue", scope=scope, scope_id=scope_id)
    )
    return name


SIGMA = 0.01


def told_covariance(d, instruments=(AAPL.id, FUT.id), correlation=1.0):
    own, both = SIGMA**2, correlation * SIGMA**2
    d.apply(Covariance(d.now, instruments, (own, both, both, own)))
    assert not d.notices()
