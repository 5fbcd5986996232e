"""The rules by which differences between our books and a venue's are resolved, each by its name.

Every difference that reconciliation finds falls under one of them. `done` is what happens; a rule
that `stands` changes nothing in our books: the trader is shown both figures and decides.
"""

from __future__ import annotations

from typing import NamedTuple

from core.model.enums import Severity

INFO, WARNING, ERROR = Severity.INFO, Severity.WARNING, Severity.ERROR


class Rule(NamedTuple):
    """One kind of difference.

    `at_once`: it is acted on when it is first seen. The others may come from messages that cross
    on their way, so they must stay for a while.
    """

    name: str
    when: str
    done: str
    severity: Severity
    stands: bool = False
    at_once: bool = False


RULES: dict[str, Rule] = {
    rule.name: rule
    for rule in (
        Rule(
            "MISSED_FILL",
            "The venue lists an execution of an order of ours that we have not heard of.",
            "Booked from the venue's execution, under its id.",
            WARNING,
        ),
        Rule(
            "MISSED_FILL_SYNTHETIC",
            "More of an order is filled at the venue than here, and it lists no execution for it.",
            "Booked as an execution made here, at the venue's average price where it tells one.",
            WARNING,
        ),
        Rule(
            "LATE_EXECUTION",
            "An execution arrives for which one was made here before.",
            "It takes the place of the one made here.",
            INFO,
            at_once=True,
        ),
        Rule(
            "EXTERNAL_EXECUTION",
            "The venue lists an execution of an order that was not sent from here.",
            "Booked; its order is adopted and marked external.",
            WARNING,
        ),
        Rule(
            "EXTERNAL_ORDER",
            "An order works at the venue that was not sent from here.",
            "Adopted and marked external; it counts in every limit and can be canceled here.",
            WARNING,
            at_once=True,
        ),
        Rule(
            "NOT_ADOPTED",
            "An order or execution from elsewhere fits no account or instrument of ours.",
            "Not booked.",
            ERROR,
            stands=True,
            at_once=True,
        ),
        Rule(
            "UNANSWERED",
            "The venue has not answered a request in time.",
            "The order is UNKNOWN until the venue says what became of it; nothing is sent again.",
            WARNING,
            at_once=True,
        ),
        Rule(
            "ARRIVED",
            "It was not known whether an order or a change of it had arrived; the venue has it.",
            "Taken as the venue lists it.",
            INFO,
        ),
        Rule(
            "NEVER_ARRIVED",
            "The venue never acknowledged an order and knows nothing of it.",
            "Canceled here.",
            WARNING,
        ),
        Rule(
            "LOST_ORDER",
            "The venue had an order and does not know it any more.",
            "Canceled here; executions that are told later still count.",
            WARNING,
        ),
        Rule(
            "STATE_DIFFERS",
            "The venue says that an order is in another state.",
            "It is here what it is there.",
            WARNING,
        ),
        Rule(
            "RESTATED",
            "Quantity, price, stop price or id of an order differ.",
            "Taken as the venue lists them.",
            WARNING,
        ),
        Rule(
            "TERMS_DIFFER",
            "The venue lists an order with another type, time in force, expiry or shown quantity.",
            "Nothing; the venue works it by its own terms. Cancel it if they are not wanted.",
            ERROR,
            stands=True,
        ),
        Rule(
            "WORKS_THERE",
            "An order that ended here, or a slice of one that goes on, still works at the venue.",
            "Nothing; cancel it at the venue if it is not wanted.",
            ERROR,
            stands=True,
        ),
        Rule(
            "FILLS_DIFFER",
            "Less of an order is filled at the venue than here.",
            "Nothing; only the venue can take an execution back.",
            ERROR,
            stands=True,
        ),
        Rule(
            "EXECUTION_DIFFERS",
            "The venue lists an execution with another price, quantity or side than it told.",
            "Nothing; what was told first stays in the books.",
            ERROR,
            stands=True,
            at_once=True,
        ),
        Rule(
            "TOLD_TWICE",
            "The venue lists executions beyond the total that it says is filled of an order.",
            "Not booked: it may be one under another id. Compare with the venue.",
            ERROR,
            stands=True,
        ),
        Rule(
            "DUPLICATE_ID",
            "The venue lists two orders under one id.",
            "Nothing; only the first is compared.",
            ERROR,
            stands=True,
            at_once=True,
        ),
        Rule(
            "POSITION_DIFFERS",
            "The venue says that another quantity is held.",
            "Nothing; adjust the position with a reason, or trade it away.",
            ERROR,
            stands=True,
        ),
        Rule(
            "BALANCE_DIFFERS",
            "The venue says that there is another amount of cash.",
            "Nothing; look at deposits, fees and interest at the venue.",
            ERROR,
            stands=True,
        ),
    )
}
