"""An engine whose terminal was killed ends by itself, its strategies with it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SETTINGS = """orphan_seconds = 4
[[accounts]]
id = "PAPER-1"
cash = { USD = 1000000 }
[[strategies]]
name = "crossover"
kind = "crossover"
instrument = "BTC-USD.ALPHA"
account = "PAPER-1"
start = "advise"
"""


@pytest.mark.timeout(60)
def test_a_running_strategy_does_not_keep_it_alive(tmp_path: Path) -> None:
    (tmp_path / "engine.toml").write_text(SETTINGS)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    words = ("-m", "core.services.engine_main", "--data-dir", str(tmp_path))
    engine = subprocess.Popen([sys.executable, *words, "--parent", str(gone.pid)])
    try:
        assert engine.wait(timeout=15) == 0
    finally:
        engine.kill()
        engine.wait()
