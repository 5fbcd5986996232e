"""What a kill or flatten in progress remembers."""

from __future__ import annotations


class Leg:
    """Closing one holding: cancel its orders, then send closing orders until it is flat.

    `order` is the closing order whose outcome counts, `before` how many lots were held when it
    was sent, `tries` how many in a row closed nothing, `said` the last thing told about it.
    """

    __slots__ = ("before", "job", "order", "said", "tries")

    def __init__(self, job: str) -> None:
        self.job = job
        self.order = ""
        self.before = 0
        self.tries = 0
        self.said = ""


class Job:
    """One kill or flatten: who asked, whether it closes or only cancels, how far it is.

    `count` numbers its requests, `legs` are those still open, `failed` those given up.
    """

    __slots__ = ("close", "count", "failed", "id", "legs", "trader")

    def __init__(self, name: str, trader: str, close: bool) -> None:
        self.id = name
        self.trader = trader
        self.close = close
        self.count = 0
        self.failed = 0
        self.legs = 0
