"""One look at a venue: our books beside its word, and how both are put into words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple, Protocol

import msgspec

from core.model.enums import OrdStatus, Side
from core.model.events import ExecutionReport, VenueOrder, VenueStatement
from core.model.held import BECOMES
from core.model.instruments import Instrument
from core.model.numbers import plain
from core.model.orders import AccountState, Fill, Order, Position


class Known(Protocol):
    """What is asked of the kernel."""

    def at_venues(self) -> list[Order]:
        """Orders as venues know them."""
        ...

    def left_behind(self) -> list[Order]:
        """Slices that venues work on beside those that followed them."""
        ...

    def short(self) -> list[Order]:
        """What is over and was filled with more than is known."""
        ...

    def at_venue(self, name: str) -> Order | None:
        """An order or a slice of one, as its venue knows it."""
        ...

    def order(self, cl_ord_id: str) -> Order | None:
        """Any order still remembered."""
        ...

    def counted(self, venue: str, exec_id: str) -> bool:
        """Is an execution booked?"""
        ...

    def fills(self) -> list[Fill]:
        """The newest fills."""
        ...

    def positions(self) -> list[Position]:
        """What is held."""
        ...

    def accounts(self) -> list[AccountState]:
        """Every account."""
        ...

    def instruments(self) -> list[Instrument]:
        """What may be traded."""
        ...

    def marks(self) -> dict[str, int]:
        """Last known prices."""
        ...


class Finding(NamedTuple):
    """One difference: the rule it falls under, both sides, and the reports that resolve it."""

    rule: str
    subject: str
    ours: str
    theirs: str
    reports: tuple[ExecutionReport, ...] = ()


class Look(NamedTuple):
    """One look at a venue: whose books, when, and whether requests may still be on their way.

    `settling`: the link was broken, so nothing that was sent before is on its way any more.
    """

    venue: str
    known: Known
    ts: int
    settling: bool = True

    def working(self) -> list[Order]:
        """Our orders at this venue, as it knows them."""
        return self._here(self.known.at_venues())

    def left_behind(self) -> list[Order]:
        """Slices that work at this venue beside those that followed them."""
        return self._here(self.known.left_behind())

    def short(self) -> list[Order]:
        """Our orders that are over and of which this venue filled more than is known."""
        return self._here(self.known.short())

    def _here(self, orders: list[Order]) -> list[Order]:
        suffix = f".{self.venue}"
        return [o for o in orders if o.instrument.endswith(suffix)]


def name_at(venue: str, cl_ord_id: str, order_id: str) -> str:
    """What an order is called here; one without an id of ours has the venue's."""
    return cl_ord_id or (f"{venue}:{order_id}" if order_id else "")


def named(venue: str, report: ExecutionReport) -> ExecutionReport:
    """A report under the name that its order has here."""
    if report.cl_ord_id or not report.order_id:
        return report
    return msgspec.structs.replace(report, cl_ord_id=name_at(venue, "", report.order_id))


def missing(look: Look, statement: VenueStatement) -> list[str]:
    """Ids of our orders that a statement does not list."""
    listed = {o.cl_ord_id or name_at(look.venue, "", o.order_id) for o in statement.orders}
    ours = [*look.working(), *look.left_behind()]
    return [o.cl_ord_id for o in ours if o.cl_ord_id not in listed]


def words(look: Look, order: Order) -> str:
    """How an order stands here."""
    o = order
    return _state(look, o.instrument, o.status, o.cum_qty, o.qty, o.price, o.stop_price)


def their_words(look: Look, there: VenueOrder) -> str:
    """How an order stands at its venue."""
    o = there
    return _state(look, o.instrument, o.status, o.cum_qty, o.qty, o.price, o.stop_price)


def terms(look: Look, ours: Order, there: VenueOrder) -> tuple[str, str]:
    """What differs of an order's terms, here and there; empty when all that is told agrees.

    A stop whose price was reached may be listed as what it becomes.
    """
    here, other = list[str](), list[str]()
    if there.ord_type not in (None, ours.ord_type, BECOMES.get(ours.ord_type)):
        here.append(ours.ord_type.name)
        other.append(there.ord_type.name if there.ord_type is not None else "")
    if there.tif not in (None, ours.tif):
        here.append(ours.tif.name)
        other.append(there.tif.name if there.tif is not None else "")
    elif there.expire and there.expire != ours.expire:
        here.append(f"until {_utc(ours.expire)}")
        other.append(f"until {_utc(there.expire)}")
    if there.display_qty >= 0 and there.display_qty != ours.display_qty:
        unit = unit_of(look, ours.instrument)
        for said, shown in ((here, ours.display_qty), (other, there.display_qty)):
            said.append(f"{quantity_words(unit, shown)} shown" if shown else "all shown")
    return ", ".join(here), ", ".join(other)


def _utc(ts: int) -> str:
    return f"{datetime.fromtimestamp(ts // 1_000_000_000, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _state(
    look: Look, instrument: str, status: OrdStatus, filled: int, qty: int, price: int, stop: int
) -> str:
    unit = unit_of(look, instrument)
    name = status.name.replace("_", " ").lower()
    at = f", price {_price(unit, price)}" if price else ""
    at += f", stop {_price(unit, stop)}" if stop else ""
    return f"{name}, {quantity_words(unit, filled)} of {quantity_words(unit, qty)} filled{at}"


def deal(look: Look, instrument: str, side: Side, qty: int, price: int) -> str:
    """One execution."""
    unit = unit_of(look, instrument)
    return f"{side.name.lower()} {quantity_words(unit, qty)} at {_price(unit, price)}"


def unit_of(look: Look, instrument: str) -> Instrument | None:
    """The instrument, whose steps turn ticks and lots into figures."""
    return next((i for i in look.known.instruments() if i.id == instrument), None)


def _price(unit: Instrument | None, ticks: int) -> str:
    return f"{ticks} ticks" if unit is None else plain(unit.price(ticks))


def quantity_words(unit: Instrument | None, lots: int) -> str:
    """Lots as people write them."""
    return f"{lots} lots" if unit is None else plain(unit.quantity(lots))
