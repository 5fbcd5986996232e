"""A plugin for pytest: every kernel that a `Driver` has is dumped and loaded after each input."""

from __future__ import annotations

from core.kernel.kernel import Kernel
from tests.core.kernel.driver import Driver

_apply = Driver.apply


def _apply_and_restart(self, message):
    out = _apply(self, message)
    self.kernel = Kernel.load(self.kernel.dump())
    return out


Driver.apply = _apply_and_restart
