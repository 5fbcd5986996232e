"""An engine beside a venue that keeps books of its own, and what is asked of the two."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from core.journal.errors import JournalError
from core.model.enums import (
    OrdStatus,
)
from core.model.events import Difference
from core.services.config import EngineConfig, load_config
from tests.core.services.helpers import Bench, order
from tests.core.services.keeper import Keeper

NEW, PART, FILLED = OrdStatus.NEW, OrdStatus.PARTIALLY_FILLED, OrdStatus.FILLED
CANCELED, UNKNOWN, REJECTED = OrdStatus.CANCELED, OrdStatus.UNKNOWN, OrdStatus.REJECTED


def settings(home: Path, **terms: float) -> EngineConfig:
    given = {"reconcile_seconds": 0.0, "answer_seconds": 60.0, "lost_seconds": 60.0} | terms
    return msgspec.structs.replace(load_config(None, home), **given)


@asynccontextmanager
async def engine(
    home: Path, venue: Keeper, *, clock: Callable[[], int] | None = None, **terms: float
) -> AsyncIterator[Bench]:
    """An engine that took up what `venue` says, and asks again soon."""
    with pytest.MonkeyPatch.context() as quick:
        quick.setattr("core.services.audit.BETWEEN", 0.005)
        quick.setattr("core.services.link._RETRY", 0.02)
        quick.setattr("core.services.link._LOOK_SECONDS", 0.02)
        async with Bench(home, venue, config=settings(home, **terms), clock=clock) as b:
            assert await b.until(lambda: b.engine.links["V"].settled)
            venue.quote()
            yield b


def run(work: Awaitable[None]) -> None:
    async def go() -> None:
        await work

    asyncio.run(go())


def differences(b: Bench) -> list[Difference]:
    return list(b.engine.records.differences.values())


def rules(b: Bench) -> list[str]:
    return sorted(d.rule for d in differences(b))


async def sent(b: Bench, status: OrdStatus = NEW, **terms: Any) -> str:
    new = order(**terms)
    b.send(new)
    assert await b.until(lambda: b.status(new.cl_ord_id) is status)
    return new.cl_ord_id


async def settled(b: Bench) -> None:
    assert await b.until(lambda: b.engine.links["V"].settled, 10.0)
    b.client.poll()


def position(b: Bench, instrument: str = "ABC.V") -> int:
    held = b.engine.kernel.positions()
    return sum(p.qty for p in held if p.instrument == instrument and not p.strategy)


def notional(b: Bench, name: str) -> int:
    found = b.engine.kernel.order(name)
    assert found is not None
    return found.notional


def state(b: Bench, name: str) -> OrdStatus:
    found = b.engine.kernel.order(name)
    assert found is not None
    return found.status


def books(b: Bench) -> tuple[object, ...]:
    """Everything but the time, and the figures of the day, which may begin at any moment."""
    kernel = b.engine.kernel
    apart: dict[str, Any] = {"seq": 0, "ts": 0, "opening": {}, "realised": {}, "fees": {}}
    return (
        [u.order for u in kernel.order_updates()],
        kernel.fills(),
        [msgspec.structs.replace(p, seq=0, ts=0) for p in kernel.positions()],
        [msgspec.structs.replace(a, **apart) for a in kernel.accounts()],
    )


@contextmanager
def full_disk(b: Bench, kind: type) -> Iterator[None]:
    """There is no room in the journal for messages of a kind."""
    really = b.engine.journal.append

    def append(ts: int, message: Any) -> int:
        if isinstance(message, kind):
            raise JournalError("The disk is full.")
        return really(ts, message)

    with pytest.MonkeyPatch.context() as full:
        full.setattr(b.engine.journal, "append", append)
        yield
