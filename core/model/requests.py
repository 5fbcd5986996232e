"""What the kernel asks a venue to do. Ids are fixed before anything is sent."""

from __future__ import annotations

from core.model.message import Message
from core.model.orders import Order


class VenueNew(Message, frozen=True):
    """Enter `order` at its venue.

    Its type, time in force and quantity are what the venue can take; for an order that the engine
    works for a venue which cannot hold it, they differ from what was asked for.
    """

    order: Order


class VenueCancel(Message, frozen=True):
    """Cancel `order`; `request` is the id of the cancel."""

    order: Order
    request: str


class VenueReplace(Message, frozen=True):
    """Change `order` to total quantity `qty` (lots) and `price` (ticks).

    A `stop_price` of 0 leaves the stop where it is.
    """

    order: Order
    request: str
    qty: int
    price: int
    stop_price: int = 0


VenueRequest = VenueNew | VenueCancel | VenueReplace
