"""Reserve (iceberg) orders at a simulated venue: what of them stands in the book.

A reserve order first trades with its whole quantity, then shows its display quantity. Once that is
gone the next part of it joins the end of the queue at its price, before whoever takes there goes
on to a worse price. The book knows nothing of it: it holds the shown part, under the order's id.
"""

from __future__ import annotations

from core.venues.simulated.livebook import LiveBook
from core.venues.simulated.own import OwnOrder


def next_part(own: OwnOrder) -> int:
    """How many lots an order shows when it shows anew."""
    leaves = own.qty - own.cum
    return min(own.order.display_qty, leaves) if own.order.display_qty else leaves


def stand(own: OwnOrder, live: LiveBook) -> None:
    """From now on takers look out for what this order keeps back."""
    if not own.reserve:
        own.reserve = True
        live.reserves += 1


def leave(own: OwnOrder, live: LiveBook) -> None:
    """The order is over."""
    if own.reserve:
        own.reserve = False
        live.reserves -= 1


def traded(own: OwnOrder, qty: int, live: LiveBook, owner: int) -> None:
    """Lots of the order traded: when nothing of it is shown any more, its next part follows."""
    own.shown -= qty
    if own.reserve and not own.shown and own.cum < own.qty:
        own.shown = next_part(own)
        live.spent.append((own.book_id, own.side, own.price, own.shown, owner))


def changed(own: OwnOrder, qty: int) -> int:
    """How many lots stand in the book once the order's total is `qty`, at the same price."""
    return min(own.shown, qty - own.cum)
