"""A venue that answers before it has taken the request to its end."""

from __future__ import annotations

import asyncio
from pathlib import Path

from core.model.commands import NewOrder
from core.model.enums import OrdStatus, OrdType, Side
from core.services.config import parse_config
from core.services.engine import Engine
from tests.bench.orders import CONFIG, AtOnce


def test_an_order_that_is_filled_from_within_send_is_not_taken_for_short(tmp_path: Path) -> None:
    async def session() -> None:
        engine = Engine(parse_config(CONFIG % "process", "test"), (AtOnce(),), tmp_path)
        await engine.start()
        try:
            engine.submit(NewOrder("A-1", "BENCH", "B.X", Side.BUY, OrdType.LIMIT, 3, 10_001))
            order = engine.kernel.order("A-1")
            assert order is not None
            assert order.status is OrdStatus.FILLED
            link = engine.links["X"]
            link._look()
            assert not link.audit.waiting
            assert not link.audit._short
        finally:
            await engine.stop()

    asyncio.run(session())
