"""What an order remembers whose venue cannot do all of it, or that is part of a list."""

from __future__ import annotations

from enum import Enum

from core.kernel.orders import Live
from core.model.enums import Contingency, PositionEffect, Side


class Way(Enum):
    """How the engine works an order for its venue."""

    SENT = "sent"
    TRIGGER = "trigger"
    PEG = "peg"
    SLICES = "slices"
    OPENING = "opening"
    CLOSING = "closing"


_GOES_OFF = (Way.TRIGGER, Way.OPENING, Way.CLOSING)

REFUSED = -1
"""In place of a quantity that a venue would not change an order to: it would not cancel it."""

WORKED_ON = "Its venue works on a slice of it of which it took an execution back."
"""Why the next slice has to wait."""


class Slice:
    """A part of an order, sent under an id of its own. `acked`: its venue has spoken of it;
    `notional`: what its filled lots `cum` were traded for, in points. The next one goes out when it
    is filled; if it is not any more (an execution was taken back), its venue works it on, unless
    that says otherwise, and `qty` is what is filled of it."""

    __slots__ = ("acked", "cum", "id", "notional", "order_id", "qty")

    def __init__(self, name: str, qty: int) -> None:
        self.id = name
        self.qty = qty
        self.cum = self.notional = 0
        self.acked = False
        self.order_id = ""


class More:
    """How the engine works one order.

    `waits` tells that nothing of it is at its venue, `suspended` that its turn in its list has not
    come, `started` that it came. `timed`: the engine ends it in time; `over`: that time has come.
    `mark` is the best price that a trailing stop has seen, or the newest price that a peg follows.
    `seen` tells that an order for the opening (close) has seen its market closed (open). `due` is
    why an order that should go out cannot, `tries` how often its cancel at the end of its time was
    asked for. `size` is the quantity that was asked for, before fills of others in its list;
    `stuck` a quantity that the venue would not change it to. `count` numbers its requests.
    """

    __slots__ = (
        "count",
        "due",
        "group",
        "mark",
        "over",
        "seen",
        "size",
        "slices",
        "started",
        "stuck",
        "suspended",
        "timed",
        "tries",
        "triggered",
        "waits",
        "way",
    )

    def __init__(self, way: Way, timed: bool, size: int) -> None:
        self.way = way
        self.timed = timed
        self.size = size
        self.waits = self.suspended = self.started = self.over = self.seen = False
        self.count = self.mark = self.triggered = self.tries = self.stuck = 0
        self.due = ""
        self.group: Group | None = None
        self.slices: list[Slice] = []

    @property
    def unanswered(self) -> bool:
        """Is a slice on its way of which its venue has said nothing yet?"""
        return bool(self.slices) and not self.slices[-1].acked

    @property
    def left_behind(self) -> list[Slice]:
        """Slices that their venue works on beside those that followed them."""
        return [piece for piece in self.slices[:-1] if piece.cum < piece.qty]

    @property
    def goes_off(self) -> bool:
        """Is the order kept here until its price or its time comes?"""
        return self.way in _GOES_OFF

    @property
    def held(self) -> bool:
        """Does the engine do something for the order that its venue does not?"""
        return self.waits or self.timed or self.way is Way.PEG or self.way is Way.SLICES


class Group:
    """Orders that hang together, the first of `names` first.

    `lives` are all of them until all are over; then some may be forgotten already. `said` tells
    that what went wrong was told.
    """

    __slots__ = ("contingency", "id", "lives", "names", "said")

    def __init__(self, name: str, contingency: Contingency, names: list[str]) -> None:
        self.id = name
        self.contingency = contingency
        self.names = names
        self.lives: list[Live] = []
        self.said = False

    def first(self, live: Live) -> bool:
        """Is this the order that the others wait for or protect?"""
        return self.names[0] == live.command.cl_ord_id

    def parent_of(self, live: Live) -> str:
        """The id of the order that another one waits for or protects; empty for the first."""
        return "" if self.contingency is Contingency.OCO or self.first(live) else self.names[0]

    def siblings(self, live: Live) -> list[Live]:
        """The orders of which only one may be filled, this one among them."""
        if self.contingency is Contingency.OCO:
            return self.lives
        if self.contingency is Contingency.OTO or self.first(live):
            return [live]
        return self.lives[1:]

    def beside(self, live: Live) -> bool:
        """May this order be filled as well as its sibling that went off here and went out?"""
        return not live.waits and self.went_off(live)

    def went_off(self, live: Live) -> bool:
        """Did one of an order's siblings go off here, and is it out?"""
        return any(
            o is not live and o.more is not None and o.more.goes_off and not (o.waits or o.dead)
            for o in self.siblings(live)
        )

    def shares(self, other: Live, live: Live) -> bool:
        """Do two orders count only once, as siblings of which one is filled? Not where they act for
        different strategies or traders: what those may hold is limited, too."""
        if other.place != live.place or other not in self.siblings(live):
            return False
        return other is live or not (self.beside(other) or self.beside(live))

    def shared(self, live: Live) -> int:
        """The open lots that count for an order together with its siblings."""
        return sum(o.exposed for o in self.lives if self.shares(o, live))

    def exposures(self) -> list[tuple[Live, int]]:
        """How many open lots each order counts for: of siblings on one side only the largest,
        but beside one that went out while another was still there both."""
        found: list[tuple[Live, int]] = []
        carried: dict[tuple[str, Side, PositionEffect | None, str, str], int] = {}
        for live in self.lives:
            leaves = 0
            if not live.dead and live.more is not None and not live.more.suspended:
                leaves = max(0, live.most() - live.cum)
            siblings = self.siblings(live)
            if len(siblings) > 1 and not self.beside(live):
                key = live.place
                before = carried.get(key, 0)
                carried[key] = max(before, leaves)
                leaves = max(0, leaves - before)
            found.append((live, leaves))
        return found
