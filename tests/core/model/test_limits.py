"""The list of limits is the one source of file, panel, gate and README."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from core.kernel.gate import CONTROLS
from core.kernel.rules import PER_ORDER
from core.model.limits import LIMIT_KINDS, SCOPES, table
from core.services.config_risk import Scope

README = Path(__file__).resolve().parents[3] / "README.md"


def test_the_readme_has_every_limit_as_it_is():
    assert table() in README.read_text("utf-8"), (
        "The table of limits in the README is not core.model.limits.table(); put that there."
    )


def test_the_settings_file_takes_the_same_scopes():
    assert get_args(Scope) == SCOPES


def test_every_limit_has_a_control():
    in_gate = {name for name, _, _ in CONTROLS}
    elsewhere = {"max_repeats", "max_short"}
    assert in_gate | set(PER_ORDER) | elsewhere == set(LIMIT_KINDS)


def test_what_is_limited_without_any_settings():
    """An account nobody set limits for: collars, stale prices, sizes, flow and loss are limited."""
    assert {name: str(kind.default) for name, kind in LIMIT_KINDS.items() if kind.default} == {
        "max_order_notional": "1000000",
        "price_collar": "5",
        "window_collar": "10",
        "stale_after": "5",
        "locked_after": "5",
        "max_order_rate": "100",
        "max_change_rate": "100",
        "max_open_orders": "200",
        "max_exposure": "5000000",
        "daily_loss": "25000",
    }
