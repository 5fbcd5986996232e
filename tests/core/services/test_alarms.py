from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from core.model.enums import Severity
from core.model.events import LimitUse
from core.services.alarms import LimitAlarms
from core.services.config import load_config
from core.services.config_risk import LimitConfig
from tests.core.services.helpers import Bench, order


def test_a_limit_that_is_nearly_used_is_said_once_until_it_had_room() -> None:
    said: list[str] = []
    alarms = LimitAlarms(said.append)

    def use(used: str, name: str = "daily_loss", limit: str = "1000") -> None:
        kind = LimitUse(
            1, name, "account", "P", Decimal(used), Decimal(limit), "USD", "it goes reduce-only"
        )
        alarms.look([kind])

    use("799")
    assert said == []
    use("800")
    use("900")
    use("750")
    use("850")
    assert said == [
        "Daily loss of account P: 80 % is used, 800 of 1000. At 100 %: it goes reduce-only."
    ]
    use("699")
    use("1000")
    assert len(said) == 2
    use("100", "max_order_rate", "100")
    use("100", "max_order_qty", "100")
    use("5", "max_exposure", "0")
    assert len(said) == 2


async def test_an_engine_says_it(tmp_path: Path) -> None:
    config = load_config(None, tmp_path)
    config.limits.append(LimitConfig("max_open_orders", Decimal(2)))
    async with Bench(tmp_path, config=config) as b:
        b.venue.quote()
        for price in (9_990, 9_991):
            b.send(order(price=price))

        def said() -> list[Severity]:
            notices = b.client.stores.notices
            return [n.severity for n in notices if "100 % is used, 2 of 2" in n.text]

        assert await b.until(said), b.notices()
        assert said() == [Severity.WARNING]
