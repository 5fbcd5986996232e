"""A loaded kernel goes on exactly as the dumped one; memory and digests stay bounded and equal."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.kernel.kernel import Kernel
from core.model.enums import ExecType, LinkState, OrdStatus
from core.model.events import LinkUpdate
from tests.core.kernel.driver import AAPL, BTC, BUY, SELL, Driver
from tests.core.kernel.memory import difference
from tests.core.kernel.test_rollups import check as add_up


def busy():
    """A kernel in the middle of everything at once."""
    d = Driver()
    d.tick(0, "Tuesday")
    d.held(10, strategy="S")
    d.held(-3, 600_000, BTC, account="Q")
    d.held(5, account="Q")
    replacing = d.working()
    d.replace(replacing, 12, 20_001)
    d.replace(replacing, 13, 20_002)
    lost = d.working()
    d.cancel(lost)
    d.new(qty=0)
    d.set_limit("max_order_notional", 2_000_000, reason="x")
    d.set_limit("max_open_orders", 7, "strategy", "S")
    d.flatten(account="Q", id="F")
    d.canceled("F/1")
    d.down()
    d.new(instrument=BTC, price=600_000)
    return d


def finish(d):
    """More of everything, so that each remembered thing shows in what comes out."""
    d.everything.clear()
    first, last = d.inputs[0][2], d.seq
    assert first is not None
    d.link(LinkState.UP)
    for name in list(d.kernel.working()):
        d.report(name.cl_ord_id, ExecType.ORDER_STATUS, OrdStatus.NEW, qty=13)
    d.tick(1, "Tuesday")
    d.tick(30, "Wednesday")
    d.quote(AAPL, 19_000, 19_010)
    for name in list(d.kernel.working()):
        d.fill(name.cl_ord_id, 1, 19_000, exec_id=f"x{last}{name.cl_ord_id}")
    d.new(SELL, 3, 19_000, strategy="S")
    d.new(BUY, 3, 19_000)
    d.cancel_all()
    d.fill("T-1", 1, exec_id="x6")
    d.kill(3, id="K")
    return d.everything


OLD = Path(__file__).with_name("snapshot-1.bin")
"""What `busy` left as it was dumped before there were traders, policies and lists."""


def test_a_snapshot_of_before_is_taken_up_whole():
    kernel = Kernel.load(OLD.read_bytes())
    now = busy().kernel
    assert kernel.positions() == now.positions()
    told = [(a.account, a.cash, a.state) for a in kernel.accounts()]
    assert told == [(a.account, a.cash, a.state) for a in now.accounts()]
    assert [o.cl_ord_id for o in kernel.working()] == [o.cl_ord_id for o in now.working()]
    uses = [u for u in kernel.limit_uses(kernel.ts) if u.name in ("max_exposure", "daily_loss")]
    assert uses == [u for u in now.limit_uses(now.ts) if u.name in ("max_exposure", "daily_loss")]
    add_up(kernel._state)
    assert Kernel.load(kernel.dump()).digest() == kernel.digest()


def test_a_snapshot_with_what_is_not_kept_any_more_is_taken_up_whole():
    data = OLD.with_name("snapshot-2.bin").read_bytes()
    assert difference(busy().kernel, Kernel.load(data)) == ""


def test_a_loaded_kernel_goes_on_the_same():
    one, other = busy(), busy()
    assert one.kernel.digest() == other.kernel.digest()
    other.restart()
    assert difference(one.kernel, other.kernel) == ""
    assert other.kernel.order_updates() == one.kernel.order_updates()
    assert other.kernel.fills() == one.kernel.fills()
    assert other.kernel.limit_uses(one.now) == one.kernel.limit_uses(one.now)
    assert finish(other) == finish(one)
    assert difference(one.kernel, other.kernel) == ""
    assert other.kernel.dump() == one.kernel.dump()


ROOT = Path(__file__).parents[3]
LONG = ("test_machine.py", "test_any_input.py", "test_rollups.py", "test_memory.py")
"""What restarts by itself, or tells of nothing but numbers of inputs or of this comparison."""


@pytest.mark.timeout(600)
def test_every_story_goes_on_the_same_after_a_restart_at_any_input():
    """All that is told of the kernel beside this file, with nothing in its memory but its dump."""
    words = ["-q", "-x", "--tb=short", "-p", "no:cacheprovider"]
    words += ["-p", "tests.core.kernel.restarting"]
    words += [f"--ignore=tests/core/kernel/{name}" for name in (*LONG, Path(__file__).name)]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words, "tests/core/kernel"],
        cwd=ROOT,
        env={k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:]


def test_what_differs_has_another_digest():
    digests = {busy().kernel.digest()}
    for change in (
        lambda d: d.quote(AAPL, 19_990, 20_011),
        lambda d: d.set_limit("max_order_qty", 3),
        lambda d: d.cancel("T-1"),
        lambda d: d.fill("T-1", 1),
        lambda d: d.tick(),
        lambda d: d.halt(),
        lambda d: d.apply(LinkUpdate("SIM", d.now, LinkState.DOWN, "down", agreed=d.now)),
        lambda d: d.apply(LinkUpdate("SIM", d.now, LinkState.DOWN, "down", agreed=d.now + 1)),
    ):
        d = busy()
        change(d)
        digests.add(d.kernel.digest())
    assert len(digests) == 9


@pytest.mark.parametrize("data", [b"", b"\xc0", b"nonsense", b"\x91\x01"])
def test_what_is_not_a_dump(data):
    with pytest.raises(ValueError, match="not a kernel's snapshot"):
        Kernel.load(data)


def test_a_dump_of_another_format():
    d = Driver()
    data = d.kernel.dump()
    # The format is the first element of the outermost array.
    at = data.index(b"\x01")
    with pytest.raises(ValueError, match="format 2"):
        Kernel.load(data[:at] + b"\x02" + data[at + 1 :])


def test_memory_stays_bounded():
    d = Driver(keep=20)
    sizes = []
    for _ in range(2):
        for _ in range(300):
            d.quote()
            d.fill(d.working(BUY, 1), 1)
            d.fill(d.working(SELL, 1), 1)
            d.canceled(d.working(BUY, 1))
            d.new(BUY, 0)
            d.wait(0.5)
        sizes.append(len(d.kernel.dump()))
    assert sizes[1] - sizes[0] < 300
