"""A venue whose answers wait until somebody delivers them: late, twice, out of order or never."""

from __future__ import annotations

from core.model.enums import (
    ExecType,
    OrdStatus,
)
from core.model.requests import VenueCancel, VenueNew, VenueReplace


class Truth:
    """A venue: what works there, and what it has said that has not been delivered."""

    def __init__(self):
        self.working = {}
        self.messages = []
        self.execs = 0

    def take(self, request):
        name = request.order.cl_ord_id
        if isinstance(request, VenueNew):
            self.working[name] = [request.order.qty, 0, request.order]
            self.say(name, ExecType.NEW, OrdStatus.NEW, order_id="v" + name)
        elif name not in self.working:
            replace = isinstance(request, VenueReplace)
            self.messages.append((name, request.request, replace))
        elif isinstance(request, VenueCancel):
            del self.working[name]
            self.say(name, ExecType.CANCELED, OrdStatus.CANCELED, request=request.request)
        else:
            entry = self.working[name]
            entry[0] = max(request.qty, entry[1])
            terms = {"qty": entry[0], "price": request.price, "request": request.request}
            self.say(name, ExecType.REPLACED, OrdStatus.NEW, **terms)
            if entry[0] == entry[1]:
                del self.working[name]

    def say(self, name, kind, status, **more):
        self.messages.append((name, kind, status, more))

    def fill(self, name, lots, price, fee):
        entry = self.working[name]
        lots = min(lots, entry[0] - entry[1])
        entry[1] += lots
        self.execs += 1
        done = entry[1] == entry[0]
        self.say(
            name,
            ExecType.TRADE,
            OrdStatus.FILLED if done else OrdStatus.PARTIALLY_FILLED,
            exec_id=str(self.execs),
            last_qty=lots,
            last_price=price,
            cum_qty=entry[1],
            instrument=entry[2].instrument,
            side=entry[2].side,
            fee=fee,
        )
        if done:
            del self.working[name]
