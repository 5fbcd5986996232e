"""Controls of the flow: orders, changes and messages in a time, orders alike, orders that trade."""

from __future__ import annotations

from collections import deque
from typing import Final

from core.kernel.desks import Meter
from core.kernel.duplicates import SECOND, terms
from core.kernel.orders import Live
from core.kernel.rules import Bound, Case
from core.model.denials import Violation

MINUTE: Final = 60 * SECOND
RATIO_FROM: Final = 100
"""Messages of a session from which on their ratio to trades counts."""

_WAIT = "Wait a second; cancels are free."


def order_rate(case: Case, bound: Bound) -> Violation | None:
    """Would one more order now be too many within a second?"""
    times = bound.meter.sent if bound.scope.startswith("venue") else bound.at.desk.sent
    return _within(bound, times, case.ts, "Order")


def change_rate(case: Case, bound: Bound) -> Violation | None:
    """Would one more change of an order now be too many within a second?"""
    times = bound.meter.changed if bound.scope.startswith("venue") else bound.at.desk.changed
    return _within(bound, times, case.ts, "Change")


def messages(case: Case, bound: Bound) -> Violation | None:
    """Would one more message to the venue now be too many within a second?"""
    return _within(bound, bound.meter.messages, case.ts, "Message")


def _within(bound: Bound, times: deque[int], ts: int, what: str) -> Violation | None:
    most = bound.limit
    if most > 0 and (len(times) < most or not 0 <= ts - times[-most] < SECOND):
        return None
    sentence = f"{what} {most + 1} within one second; {most} are the most."
    return Violation(bound.code, sentence, _WAIT, bound.shown, str(most + 1), bound.scope)


def messages_today(case: Case, bound: Bound) -> Violation | None:
    """Would one more message to the venue be too many today?"""
    if bound.meter.today < bound.limit:
        return None
    return Violation(
        bound.code,
        f"{bound.meter.today} messages went to {bound.meter.name} today; {bound.limit} are the"
        " most.",
        "Wait for the next session; cancels still work.",
        bound.shown,
        str(bound.meter.today + 1),
        bound.scope,
    )


def order_to_trade(case: Case, bound: Bound) -> Violation | None:
    """Were there too many messages to the venue for each trade?"""
    meter = bound.meter
    if meter.today + 1 <= RATIO_FROM or meter.today + 1 <= bound.limit * max(meter.trades, 1):
        return None
    return Violation(
        bound.code,
        f"{meter.today + 1} messages to {meter.name} for {meter.trades} trades today;"
        f" {bound.limit} for each are the most.",
        "Cancels still work; loosen the limit, with a reason, or wait for the next session.",
        bound.shown,
        str((meter.today + 1) // max(meter.trades, 1)),
        bound.scope,
    )


def duplicates(case: Case, bound: Bound) -> Violation | None:
    """Were there as many orders like this one within a second as there may be?"""
    recent = bound.at.recent
    if recent.times:
        recent.forget(case.ts)
    count = recent.counts.get(terms(case.order), 0) if recent.counts else 0
    if count < bound.limit:
        return None
    return Violation(
        bound.code,
        f"It is order {count + 1} of its kind within one second; {bound.limit} are the most.",
        "Wait a second, or send it as one larger order.",
        bound.shown,
        str(count + 1),
        bound.scope,
    )


def note(times: deque[int], ts: int, span: int = SECOND) -> None:
    """Add a moment; drop what is `span` or more before it, or after it where a clock went back."""
    times.append(ts)
    while not 0 <= ts - times[0] < span:
        times.popleft()


def count_message(meter: Meter, ts: int) -> None:
    """A message leaves for a venue."""
    meter.today += 1
    note(meter.messages, ts)


def count_sent(live: Live, ts: int) -> None:
    """A new order has left: it counts in every rate, and among the orders alike."""
    holding, part, hand = live.holding, live.part, live.hand
    assert holding is not None
    note(holding.desk.sent, ts)
    if part is not None:
        note(part.desk.sent, ts)
    if hand is not None:
        note(hand.desk.sent, ts)
    key = (
        "" if part is None else part.desk.strategy,
        "" if hand is None else hand.desk.strategy,
    )
    rules = holding.rules.get(key)
    if rules is not None and rules.alike:
        like = terms(live.command)
        for each in rules.alike:
            each.recent.add(ts, like)
    note(holding.market.meter.sent, ts)
    rests(live)


def rests(live: Live) -> None:
    """An order stands at a price that it did not have before."""
    if live.holding is not None:
        live.holding.account.stamp += 1
        live.holding.resting.add(live, live.price, live.holding.live)


def count_changed(live: Live, price: int, ts: int) -> None:
    """A change of an order has left; `price` is the one asked for."""
    holding = live.holding
    assert holding is not None
    for each in (holding, live.part, live.hand):
        if each is not None:
            note(each.desk.changed, ts)
    note(holding.market.meter.changed, ts)
    holding.account.stamp += 1
    holding.resting.add(live, price, holding.live)
