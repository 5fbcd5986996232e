"""What an order would cost, for whoever asks before sending it: at the prices of this moment."""

from __future__ import annotations

from collections.abc import Callable, Container

from msgspec.structs import replace

from core.kernel.kernel import Kernel
from core.marketdata.cache import MarketCache
from core.marketdata.taking import taking
from core.model.denials import Violation
from core.model.session import Appraisal, Appraise
from core.services.feed import KernelFeed


class Appraiser:
    """Asks the kernel, after it was told the newest price of what is asked about.

    Args:
        traded: the instruments whose venue is connected.
        report: told with a sentence and the exception when it cannot be said.
    """

    def __init__(
        self,
        kernel: Kernel,
        cache: MarketCache,
        feed: KernelFeed,
        traded: Container[str],
        report: Callable[[str, Exception | None], None],
    ) -> None:
        self._kernel = kernel
        self._cache = cache
        self._feed = feed
        self._traded = traded
        self._report = report

    def appraise(self, message: Appraise, now: int, ready: bool) -> Appraisal:
        """What an order would cost at `now` and what speaks against it. `ready`: the engine
        takes orders."""
        order = message.order
        if not ready:
            text = "The engine is reconciling; try again in a moment."
            return Appraisal(message.number, now, (Violation("STARTING", text, ""),))
        if order.instrument in self._traded:
            self._feed.feed(order.instrument)
        market = self._cache.markets.get(order.instrument)
        try:
            found = self._kernel.appraise(
                order, now, None if market is None else taking(order, market)
            )
        except Exception as error:
            self._report("An order could not be appraised.", error)
            return Appraisal(message.number, now)
        return replace(found, number=message.number)
