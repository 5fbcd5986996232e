"""A plugin for pytest: every kernel that a `Driver` has is dumped and loaded after each input.

What was loaded must have the very same memory.
"""

from __future__ import annotations

from core.kernel.kernel import Kernel
from tests.core.kernel.driver import Driver
from tests.core.kernel.memory import difference

_apply = Driver.apply


def _apply_and_restart(self, message):
    out = _apply(self, message)
    loaded = Kernel.load(self.kernel.dump())
    found = difference(self.kernel, loaded)
    assert not found, f"after {message}: {found}"
    risk = self.kernel._state.risk
    if risk.policy.margins or risk.covariance is not None:
        assert loaded.limit_uses(self.now) == self.kernel.limit_uses(self.now)
    self.kernel = loaded
    return out


Driver.apply = _apply_and_restart
