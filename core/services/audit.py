"""Brings our books in line with one venue: asks it, applies the rules, shows what stands."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from core.model.enums import ExecType, OrdStatus, Severity
from core.model.events import (
    CancelReject,
    Difference,
    Event,
    ExecutionReport,
    Notice,
    VenueStatement,
)
from core.model.orders import Order
from core.model.requests import VenueNew, VenueRequest
from core.services.looks import Finding, Look, missing, name_at, named
from core.services.orderpath import OrderPath
from core.services.reconcile import exec_id_of, of_executions, of_money, of_orders
from core.services.rules import RULES
from core.services.synthetic import SYNTHETIC, in_place_of, synthetic_range, synthetic_ranges
from core.venues.venue import Accountable, Venue

LOOKS = 4
"""How often a difference must be seen until it is believed."""
ROUNDS = 3
"""How often it all is done again after it changed our books (an adopted order may be over) or when
something moved while it was looked at."""
BETWEEN = 0.05
"""Seconds between two looks; reports on their way arrive meanwhile."""
ANSWER_SECONDS = 8.0
"""How long a venue may take to answer."""
OVERLAP = 300 * 10**9
"""Executions are asked for from this long (ns) before the last look on: clocks differ."""

_WAITS = (ExecType.PENDING_NEW, ExecType.PENDING_CANCEL, ExecType.PENDING_REPLACE)


class Terms(NamedTuple):
    """Seconds between two comparisons by the timer (0: none), until a request without an answer is
    UNKNOWN, and until what a venue does not know is believed to be lost."""

    every: float = 30.0
    answer: float = 5.0
    lost: float = 30.0


class _Asked(NamedTuple):
    """A request on its way: for which order, and when it left (the loop's time)."""

    order: str
    since: float


class Audit:
    """Our books against those of one venue.

    Attributes:
        name: the venue's.
        waiting: differences were seen that may vanish by themselves; look again soon.
        told_at: when the last comparison began, by the venue's clock, if nothing is left open by
            it; 0 otherwise, or when the venue does not tell.
    """

    def __init__(
        self,
        venue: Venue,
        path: OrderPath,
        publish: Callable[[Sequence[Event]], None],
        terms: Terms,
    ) -> None:
        self._venue = venue
        self.name = self._name = venue.name
        self._path = path
        self._kernel = path.kernel
        self._publish = publish
        self._terms = terms
        self.waiting = False
        self.told_at = 0
        self._since = self._first_since()
        self._made = synthetic_ranges(self._kernel.fills())
        self._standing: dict[str, Difference] = {}
        self._seen: dict[tuple[str, str, str, str], float] = {}
        self._asked: dict[str, _Asked] = {}
        self._short = {o.cl_ord_id for o in Look(venue.name, path.kernel, 0).short()}
        self._ended: list[ExecutionReport | CancelReject] = []
        self._silent = False
        self._positions: dict[tuple[str, str], int] = {}

    def _first_since(self) -> int:
        """From when on executions may be missing. Those of before there were books are not ours."""
        agreed = self._kernel.agreed(self._name)
        if agreed:
            return agreed
        # By our own clock, as far as need be, though it may have been ahead of the venue's.
        working = [o.created for o in self.working()]
        known = {i.id for i in self._venue.instruments()}
        told = [f.venue_ts for f in self._kernel.fills() if f.instrument in known]
        if not told:
            told = [u.ts for u in self._kernel.order_updates() if u.order.status.terminal]
        ends = [max(told)] if told else []
        return min(working + ends, default=self._path.clock())

    def working(self) -> list[Order]:
        """Our orders at the venue, as it knows them."""
        return Look(self._name, self._kernel, 0).working()

    # -- requests and reports as they pass ---------------------------------------------------

    def sent(self, request: VenueRequest) -> None:
        """A request leaves for the venue."""
        name = request.order.cl_ord_id
        key = name if isinstance(request, VenueNew) else request.request
        self._asked[key] = _Asked(name, asyncio.get_running_loop().time())

    def heard(
        self, event: ExecutionReport | CancelReject
    ) -> Sequence[ExecutionReport | CancelReject]:
        """What a venue's report means here: mostly the report itself."""
        if isinstance(event, CancelReject):
            self._asked.pop(event.request, None)
            return (event,)
        event = named(self._name, event)
        if event.exec_type not in _WAITS:
            self._asked.pop(event.cl_ord_id, None)
            if event.request != event.cl_ord_id:
                self._asked.pop(event.request, None)
        if event.exec_type is ExecType.TRADE and self._made:
            return self._late(event)
        return (event,)

    def taken(self, event: ExecutionReport | CancelReject) -> None:
        """A report was handed to our books; see `count_fills`."""
        if event.status.terminal:
            self._ended.append(event)

    def count_fills(self) -> None:
        """Look whether fills are missing of the orders that reports have ended since the last time.

        Not at once: a venue that answers while it is sent to is heard before its words are taken.
        """
        ended, self._ended = self._ended, []
        for event in ended:
            name, told = event.cl_ord_id, True  # a refusal does not say how much is filled
            if isinstance(event, ExecutionReport):
                name = name_at(self._name, name, event.order_id)
                order = self._kernel.at_venue(name) if event.cum_qty else None
                told = order is not None and event.cum_qty > order.cum_qty
            if told:
                self._short.add(name)
                self.waiting = True

    def _late(self, event: ExecutionReport) -> Sequence[ExecutionReport]:
        made = self._made.get(event.cl_ord_id)
        if not made or self._kernel.counted(self._name, event.exec_id):
            return (event,)
        reports, gone = in_place_of(made, event)
        if gone:
            kept = [each for each in made if each not in gone]
            if kept:
                self._made[event.cl_ord_id] = kept
            else:
                del self._made[event.cl_ord_id]
            self.waiting = True
            ids = ", ".join(each.exec_id for each in gone)
            what = f"execution {event.exec_id} of order {event.cl_ord_id}"
            finding = Finding("LATE_EXECUTION", event.exec_id, ids, what)
            self._show([self._difference(finding, False, "")])
        return reports

    def overdue(self) -> bool:
        """Tell the kernel of requests that got no answer in time; True when there are some."""
        now = asyncio.get_running_loop().time()
        late = [k for k, a in self._asked.items() if now - a.since >= self._terms.answer]
        return self._in_doubt(late, f"no answer for {self._terms.answer:g} s")

    def broken(self) -> None:
        """The link is there again: what was sent before gets no answer any more."""
        self._in_doubt(list(self._asked), "no answer before the link broke")

    def _in_doubt(self, keys: list[str], why: str) -> bool:
        told = False
        said: list[Difference] = []
        for key in keys:
            asked = self._asked.pop(key)
            order = self._kernel.order(asked.order)
            if order is None or order.status.terminal:
                continue
            told, before = True, order.status
            text = f"UNANSWERED: {why} of {self._name}; it is asked."
            self._path.take(_unknown(self._name, asked.order, key, order, self._path.clock(), text))
            after = self._kernel.order(asked.order)
            # Of an order in doubt that is no news: what was asked for since is in doubt as well.
            if before is not OrdStatus.UNKNOWN and after and after.status is OrdStatus.UNKNOWN:
                finding = Finding("UNANSWERED", key, before.name, why)
                said.append(self._difference(finding, False, ""))
        self._show(said)
        return told

    # -- comparing ---------------------------------------------------------------------------

    async def agree(self, settling: bool) -> None:
        """Ask the venue, and apply the rules to whatever differs.

        `settling`: the link was broken before, so that nothing is on its way any more.

        Raises:
            Exception: whatever the venue raises when it cannot say; nothing was compared then.
        """
        begun = self._path.clock()
        self.told_at = 0
        for _ in range(ROUNDS if settling else 1):
            if not await self._round(settling):
                break
        if not self.told_at:
            self._since = min(begun, self._path.clock())
        elif self.waiting:
            self.told_at = 0
        else:
            self._since = self.told_at

    async def _round(self, settling: bool) -> bool:
        """Look until it can be believed, and apply the rules; True when that was not all."""
        streaks: dict[tuple[str, str, str, str], int] = {}
        ask = [o.cl_ord_id for o in self.working() if o.status is OrdStatus.UNKNOWN]
        short = set[str]()
        for number in range(LOOKS):
            if number:
                await asyncio.sleep(BETWEEN)
            self.count_fills()
            short = set(self._short)  # there may be more of them when the answer comes
            wanted = [*ask, *sorted(short)]
            statement = await asyncio.wait_for(self._ask(wanted), ANSWER_SECONDS)
            look = Look(self._name, self._kernel, self._path.clock(), settling)
            found = self._findings(look, statement)
            streaks = {key: streaks.get(key, 0) + 1 for key in map(_key, found)}
            ask = missing(look, statement)
            if not any(self._fresh(f) for f in found):
                break
        self._stop_where_halted()
        now = asyncio.get_running_loop().time()
        believed = [key for key, looks in streaks.items() if looks >= LOOKS - 1]
        self._seen = {key: self._seen.get(key, now) for key in believed}
        told = statement.positions or ()
        self._positions = {(p.account, p.instrument): p.qty for p in told}
        changed = self._apply(statement, settling, now)
        if not self.waiting:
            self._short -= short
            self.waiting = bool(self._short)
        return changed or self.waiting

    def _stop_where_halted(self) -> None:
        """What is handed to our books now is taken in later: until then nothing can be compared."""
        if self._path.halted:
            raise ConnectionError(f"Nothing can be compared while {self._path.halted}")

    async def _ask(self, orders: list[str]) -> VenueStatement:
        venue = self._venue
        if isinstance(venue, Accountable):
            since = min(self._since, self._path.clock()) - OVERLAP
            statement = await venue.statement(max(since, 0), orders)
        else:
            statement = VenueStatement(tuple(await venue.working_orders()))
        self.told_at = self.told_at or statement.ts
        if not self._silent:
            self._silent = True
            self._say_what_is_not_offered(statement)
        return statement

    def _say_what_is_not_offered(self, statement: VenueStatement) -> None:
        parts = {
            "orders that are over": statement.asked,
            "executions": statement.executions,
            "positions": statement.positions,
            "balances": statement.balances,
        }
        lacking = [what for what, told in parts.items() if told is None]
        if lacking:
            text = f"{self._name} does not tell {', '.join(lacking)}; these are not compared."
            self._publish([Notice(self._path.clock(), Severity.INFO, "reconcile", text)])

    def _findings(self, look: Look, statement: VenueStatement) -> list[Finding]:
        return [
            *of_executions(look, statement),
            *of_orders(look, statement),
            *of_money(look, statement, self._alone()),
        ]

    def _alone(self) -> list[str]:
        """Accounts whose cash is at this venue alone."""
        suffix = f".{self._name}"
        elsewhere = {
            p.account for p in self._kernel.positions() if not p.instrument.endswith(suffix)
        }
        elsewhere |= {
            o.account for o in self._kernel.working() if not o.instrument.endswith(suffix)
        }
        return [a.account for a in self._kernel.accounts() if a.account not in elsewhere]

    def _fresh(self, finding: Finding) -> bool:
        """Is there anything new in it? What stands has been said."""
        standing = self._standing.get(self._difference(finding, True, "").key)
        return standing is None or (standing.ours, standing.theirs) != (
            finding.ours,
            finding.theirs,
        )

    def _apply(self, statement: VenueStatement, settling: bool, now: float) -> bool:
        """Stage after stage: what was missed changes what differs after it."""
        seq = self._kernel.seq
        out: list[Difference] = []
        stands: set[str] = set()
        self.waiting = False
        try:
            for stage in (
                of_executions,
                of_orders,
                lambda look, told: of_money(look, told, self._alone()),
            ):
                look = Look(self._name, self._kernel, self._path.clock(), settling)
                for finding in stage(look, statement):
                    if not self._due(finding, settling, now):
                        self.waiting = True
                        # what stands by other figures still differs; it is not resolved
                        stands.add(self._difference(finding, True, "").key)
                        continue
                    difference = self._resolve(finding)
                    if difference.stands:
                        stands.add(difference.key)
                        if not self._fresh(finding):
                            continue
                        self._standing[difference.key] = difference
                    out.append(difference)
        except ConnectionError:
            self._show(out)
            raise
        ts = self._path.clock()
        for key in [key for key in self._standing if key not in stands]:
            old = self._standing.pop(key)
            text = "It does not differ any more."
            out.append(msgspec.structs.replace(old, ts=ts, stands=False, done=text))
        self._show(out)
        return self.waiting or self._kernel.seq != seq

    def _show(self, found: list[Difference]) -> None:
        """On record, in the list, in the log."""
        for difference in found:
            self._path.record(difference)
        if found:
            self._publish([*found, *map(_notice, found)])

    def _due(self, finding: Finding, settling: bool, now: float) -> bool:
        """Was it there for long enough to be believed?"""
        rule = RULES[finding.rule]
        if rule.at_once or not self._fresh(finding):
            return True
        seen = self._seen.get(_key(finding))
        if rule.name in ("LOST_ORDER", "NEVER_ARRIVED"):
            return seen is not None and (settling or now - seen >= self._terms.lost)
        if settling:
            return True
        if rule.name == "MISSED_FILL_SYNTHETIC" or rule.stands:
            return seen is not None and now - seen >= self._terms.answer
        return seen is not None

    def _resolve(self, finding: Finding) -> Difference:
        """Take in the reports of a finding, and tell what was made of it."""
        rule = RULES[finding.rule]
        if rule.stands:
            return self._difference(finding, True, "")
        booked = bool(finding.reports)
        for report in finding.reports:
            if not self._take(report):
                booked = False
        if booked:
            return self._difference(finding, False, "")
        if finding.rule in ("EXTERNAL_ORDER", "EXTERNAL_EXECUTION"):
            return self._difference(finding._replace(rule="NOT_ADOPTED"), True, "")
        text = "Not booked: it is not possible, or no price is known. Compare with the venue."
        return self._difference(finding, True, text)

    def _take(self, report: ExecutionReport) -> bool:
        """Take a report in; False when the kernel could make nothing of it.

        Raises:
            ConnectionError: when it waits for the journal, so that no other may be made of it.
        """
        name = name_at(self._name, report.cl_ord_id, report.order_id)
        if report.exec_type is ExecType.TRADE and not report.exec_id.startswith(SYNTHETIC):
            for each in self._late(report):
                self._path.take(each)
        else:
            self._path.take(report)
        self._stop_where_halted()
        made = synthetic_range(report.exec_id)
        if report.exec_type is ExecType.TRADE:
            counted = self._kernel.counted(self._name, report.exec_id)
            if counted and made is not None:
                ranges = self._made.setdefault(made[0], [])
                if made[1] not in ranges:
                    ranges.append(made[1])
            return counted
        if report.exec_type in (ExecType.TRADE_CANCEL, ExecType.TRADE_CORRECT):
            return self._kernel.counted(self._name, exec_id_of(report))
        return self._kernel.order(name) is not None

    def gap(self, account: str, instrument: str) -> int | None:
        """By how many lots the venue's word on a position differs; None when that does not stand.

        Where it does not tell accounts apart, the account is of no matter while there is only one.
        """
        alone = len(self._kernel.accounts()) == 1
        for key in [(account, instrument)] + [("", instrument)] * alone:
            subject = " ".join(filter(None, key))
            if f"{self._name}|POSITION_DIFFERS|{subject}" in self._standing:
                held = self._kernel.positions()
                ours = [
                    p.qty
                    for p in held
                    if p.instrument == instrument and not p.strategy and p.account == account
                ]
                return self._positions.get(key, 0) - sum(ours)
        return None

    def _difference(self, finding: Finding, stands: bool, done: str) -> Difference:
        rule = RULES[finding.rule]
        return Difference(
            self._path.clock(),
            self._name,
            rule.name,
            finding.subject,
            finding.ours,
            finding.theirs,
            done or rule.done,
            rule.severity,
            stands,
        )


def _key(finding: Finding) -> tuple[str, str, str, str]:
    return finding[:4]


def _notice(d: Difference) -> Notice:
    text = f"{d.venue}: {d.rule} {d.subject}: here {d.ours}, there {d.theirs}. {d.done}"
    return Notice(
        d.ts, d.severity if d.stands else min(d.severity, Severity.WARNING), "reconcile", text
    )


def _unknown(
    venue: str, name: str, request: str, order: Order, ts: int, text: str
) -> ExecutionReport:
    """Nobody knows what became of an order: on record as the answer that a query would give."""
    return ExecutionReport(
        venue=venue,
        ts=ts,
        received=ts,
        cl_ord_id=name,
        exec_type=ExecType.ORDER_STATUS,
        status=OrdStatus.UNKNOWN,
        order_id=order.order_id,
        exec_id=f"{SYNTHETIC}UNANSWERED/{request}",
        request=request,
        instrument=order.instrument,
        side=order.side,
        text=text,
    )
