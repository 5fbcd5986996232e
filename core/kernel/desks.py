"""What limits are counted against: accounts, strategies and traders; and their money at risk."""

from __future__ import annotations

from collections import deque

from core.model.enums import TradingState


class Losses:
    """What a desk may lose in one currency, in 10^-24; None: not limited.

    `reduce` and `halt` count from the beginning of the session, `drawdown` from the highest.
    """

    __slots__ = ("drawdown", "halt", "reduce")

    def __init__(
        self, reduce: int | None = None, halt: int | None = None, drawdown: int | None = None
    ) -> None:
        self.reduce = reduce
        self.halt = halt
        self.drawdown = drawdown


NO_LOSSES = Losses()


class Purse:
    """Profit, loss and exposure of a desk in one currency, in 10^-24.

    `gross` is the worst value of all positions with their open orders, `long` and `short` the net
    value if all buys (sells) were filled, `value` what is held now. `base` is where the profit and
    loss stood when the session began, `high` its highest ever. `floor` is the profit and loss at
    which the first of the loss limits is reached.
    """

    __slots__ = ("base", "floor", "gross", "high", "long", "losses", "pnl", "short", "value")

    def __init__(self) -> None:
        self.gross = self.long = self.short = self.value = 0
        self.pnl = self.base = self.high = 0
        self.losses = NO_LOSSES
        self.floor: int | None = None

    def limit(self, losses: Losses) -> None:
        """Set what may be lost."""
        self.losses = losses
        self.refloor()

    def refloor(self) -> None:
        """Work out anew where the first loss limit is reached."""
        x = self.losses
        # A limit of nothing is reached by the first loss, not by having traded nothing.
        floors = [self.base - (n or 1) for n in (x.reduce, x.halt) if n is not None]
        if x.drawdown is not None:
            floors.append(self.high - (x.drawdown or 1))
        self.floor = max(floors, default=None)

    def rise(self) -> None:
        """The profit is at its highest now."""
        self.high = self.pnl
        if self.losses.drawdown is not None:
            self.refloor()

    def low(self) -> bool:
        """Has a loss limit been reached?"""
        return self.floor is not None and self.pnl <= self.floor


class Desk:
    """An account, or a strategy or trader within one: what its limits are counted against.

    `sent` and `changed` are the times of the newest orders and changes of orders, `traded` of the
    newest orders that traded. A desk that is not ACTIVE says why in `reason`; `code` names the
    control that stopped it, if one did.
    """

    __slots__ = (
        "changed",
        "code",
        "purses",
        "reason",
        "scope",
        "sent",
        "state",
        "strategy",
        "traded",
        "working",
    )

    def __init__(self, strategy: str, scope: str = "strategy") -> None:
        self.strategy = strategy
        self.scope = scope
        self.working = 0
        self.purses: dict[str, Purse] = {}
        self.sent: deque[int] = deque()
        self.changed: deque[int] = deque()
        self.traded: deque[int] = deque()
        self.state = TradingState.ACTIVE
        self.reason = ""
        self.code = ""

    def purse(self, currency: str) -> Purse:
        """The purse of one currency."""
        found = self.purses.get(currency)
        if found is None:
            found = self.purses[currency] = Purse()
        return found

    def copy(self) -> Desk:
        """A copy to try something on."""
        made = Desk(self.strategy, self.scope)
        self.copy_to(made)
        return made

    def copy_to(self, made: Desk) -> None:
        """Give another desk what this one has, to try something on."""
        made.working, made.purses = self.working, dict(self.purses)
        made.sent, made.changed, made.traded = self.sent, self.changed, self.traded
        made.state, made.reason, made.code = self.state, self.reason, self.code


class Meter:
    """What went to one venue: orders, changes and all messages of the last second and the session.

    `trades` are the executions of the session. A venue that was stopped by a person is not ACTIVE;
    no control stops one, so `code`, which desks have, is always empty.
    """

    __slots__ = (
        "changed",
        "code",
        "messages",
        "name",
        "reason",
        "sent",
        "state",
        "today",
        "trades",
    )

    def __init__(self, name: str) -> None:
        self.name = name
        self.sent: deque[int] = deque()
        self.changed: deque[int] = deque()
        self.messages: deque[int] = deque()
        self.today = 0
        self.trades = 0
        self.state = TradingState.ACTIVE
        self.reason = ""
        self.code = ""
