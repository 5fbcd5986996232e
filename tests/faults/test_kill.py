"""The engine is killed at random moments under load; the exchange's word is the truth.

Nothing acknowledged is lost, no order comes to the exchange twice, and after the restart orders,
executions, positions and cash are the exchange's own.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from core.kernel.kernel import KEEP
from core.model.enums import OrdStatus
from tests.faults.rig import LONG, Desk, agree, session

KILLS = 50 if LONG else 5
BACK = 5.0
LIVES = (0.9, 0.9, 2.5)  # seconds that an engine may live; snapshots are made in the longer lives
AT_END = 15  # orders that it may die with
ORDERS = KEEP // KILLS - AT_END
"""Most orders in one life: all together are no more than are remembered when they are over."""


def seen(desk: Desk) -> tuple[dict[str, tuple[OrdStatus, int]], set[str]]:
    """What the desk was told: orders as they stood, executions."""
    orders = {o.cl_ord_id: (o.status, o.cum_qty) for o in desk.stores.orders}
    return orders, {f.exec_id for f in desk.stores.fills}


@pytest.mark.timeout(1_200 if LONG else 120)
@pytest.mark.parametrize("durability", ["process", "power"] if LONG else ["process"])
def test_killed_under_load(tmp_path: Path, durability: str) -> None:
    took = []
    with session(tmp_path, durability) as (venue, engine, desk):
        for number in range(KILLS):
            venue.ask("rate", 300)
            end = time.monotonic() + desk.rng.uniform(0.02, desk.rng.choice(LIVES))
            left = ORDERS
            while (rest := end - time.monotonic()) > 0 and left > 0:
                some = min(left, desk.rng.randint(1, 4))
                for _ in range(some):
                    desk.trade()
                time.sleep(max(0.002, rest * some / left))
                left -= some
            for _ in range(desk.rng.randint(0, AT_END)):  # it dies with these under way
                desk.trade()
            engine.kill()
            desk.until(lambda: not desk.stores.connected, "the end to be noticed")
            orders, fills = seen(desk)
            stories = dict(desk.stores.stories)
            began = time.monotonic()
            engine.start()
            desk.ready()
            took.append(time.monotonic() - began)
            venue.ask("rate", 0)
            agree(desk, venue, f"after kill {number}")
            now, executions = seen(desk)
            assert fills <= executions
            for name, (status, cum) in orders.items():
                assert name in now, f"{name}, which was {status.name}, is gone"
                assert now[name][1] >= cum
                if status.terminal:
                    story = [(u.ts, u.order.status.name, u.text) for u in stories.get(name, [])]
                    assert now[name] == (status, cum), f"{name} was {story}"
        assert len(desk.stores.fills) > 3 * KILLS, "hardly anything was traded"
        problems = [text for text in desk.notices() if "could not be worked off" in text]
        assert problems == []
    took.sort()
    print(f"back after {took[len(took) // 2]:.1f} s (median), {took[-1]:.1f} s (longest)")
    assert took[0] <= BACK
