"""What the kernel asks a venue to do. Ids are fixed before anything is sent."""

from __future__ import annotations

from core.model.message import Message
from core.model.orders import Order


class VenueNew(Message, frozen=True):
    """Enter `order` at its venue."""

    order: Order


class VenueCancel(Message, frozen=True):
    """Cancel `order`; `request` is the id of the cancel."""

    order: Order
    request: str


class VenueReplace(Message, frozen=True):
    """Change `order` to total quantity `qty` (lots) and `price` (ticks)."""

    order: Order
    request: str
    qty: int
    price: int


VenueRequest = VenueNew | VenueCancel | VenueReplace
