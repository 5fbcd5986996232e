"""What strategies in Advise propose: open until a trader answers, or until time is up."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import msgspec

from core.model.commands import AnswerDraft, NewOrder, NewOrderList
from core.model.events import Draft, Event

MOST_DRAFTS = 20
"""Most open drafts of one strategy; what it proposes beyond them is withdrawn at once."""


def _nobody(events: Sequence[Event]) -> None:
    """There is nobody to tell before the engine has started."""


class Drafts:
    """All open drafts.

    Attributes:
        publish: tells everyone about a draft that opened or was answered.
    """

    def __init__(self, seconds: float) -> None:
        """Drafts expire after `seconds` on the wall clock, in a replay too."""
        self.publish: Callable[[Sequence[Event]], None] = _nobody
        self._seconds = seconds
        self._open: dict[str, Draft] = {}
        self._until: dict[str, float] = {}

    def open(self) -> Sequence[Draft]:
        """Those nobody has answered yet."""
        return list(self._open.values())

    def propose(self, command: NewOrder | NewOrderList, now: int) -> None:
        """Show an order, or a list of them, instead of sending it; `now` is the engine's time."""
        whole = command if isinstance(command, NewOrderList) else None
        order = command.orders[0] if isinstance(command, NewOrderList) else command
        if order.cl_ord_id in self._open:
            return
        draft = Draft(
            now,
            order.cl_ord_id,
            order.strategy,
            order,
            order.why,
            time.time_ns() + int(self._seconds * 1e9),
            whole=whole,
        )
        if sum(d.strategy == order.strategy for d in self._open.values()) >= MOST_DRAFTS:
            self._tell([draft], "withdrawn")
            return
        self._open[draft.draft] = draft
        self._until[draft.draft] = time.monotonic() + self._seconds
        self.publish([draft])

    def answer(self, command: AnswerDraft) -> Draft | None:
        """Close a draft with the trader's answer; None when it is not open any more."""
        draft = self._open.get(command.draft)
        if draft is None:
            return None
        self._close([draft], "accepted" if command.accept else "skipped")
        return draft

    def withdraw(self, strategy: str, name: str = "") -> None:
        """Close the drafts of a strategy, or one of them."""
        self._close(
            [d for d in self._open.values() if d.strategy == strategy and name in ("", d.draft)],
            "withdrawn",
        )

    def expire(self) -> None:
        """Close what nobody answered in time."""
        if self._until:
            now = time.monotonic()
            self._close(
                [self._open[n] for n, until in self._until.items() if until <= now], "expired"
            )

    def _close(self, drafts: list[Draft], answer: str) -> None:
        for draft in drafts:
            del self._open[draft.draft]
            del self._until[draft.draft]
        if drafts:
            self._tell(drafts, answer)

    def _tell(self, drafts: list[Draft], answer: str) -> None:
        self.publish([msgspec.structs.replace(draft, answer=answer) for draft in drafts])
