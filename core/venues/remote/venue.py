"""A venue that lives in another process, seen from the engine."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping, Sequence

import msgspec

from core.model.commands import VenueControl
from core.model.enums import ExecType, LinkState, OrdStatus
from core.model.events import CancelReject, ExecutionReport, LinkUpdate, VenueOrder, VenueStatement
from core.model.instruments import Instrument
from core.model.market import BookUpdate, Quote, StatusUpdate, Trade, TradeHistory
from core.model.orders import Order
from core.model.requests import VenueNew, VenueReplace, VenueRequest
from core.venues.remote.link import Link
from core.venues.remote.messages import (
    Ask,
    Attach,
    Attached,
    Denied,
    Description,
    Flow,
    FromHost,
    Pass,
    Working,
)
from core.venues.venue import Clock, EventSink, MarketSink

# Tuples made once: a union written in the check would be made anew for each message.
_LIVE = (Quote, Trade, BookUpdate, StatusUpdate)
_ANSWERS = (ExecutionReport, CancelReject)

_TICK = 0.01
"""Seconds between two looks at the state of a connection."""
_CONNECT = 3.0
"""Seconds that connecting and attaching may take."""
_SILENCE = 3.0
"""Seconds without a word after which the host counts as hung."""
_RETRY = 0.2
_FIRST = 2.0
"""Seconds that `start` waits for the first connection."""


async def find(endpoint: str, token: str) -> Description:
    """Asks the host at `endpoint` what it hosts.

    Raises:
        ConnectionError: with a sentence, when there is no answer or the host refuses.
    """
    answers: list[FromHost] = []
    try:
        link = Link(endpoint, answers.append)
    except OSError as error:
        raise ConnectionError(str(error)) from None
    deadline = time.monotonic() + _CONNECT
    asked = False
    try:
        while time.monotonic() < deadline:
            if answers and isinstance(answers[0], Attached):
                return answers[0].description
            if answers and isinstance(answers[0], Denied):
                raise ConnectionError(f"The venue at {endpoint} refused: {answers[0].text}")
            if link.lost():
                raise ConnectionError(f"No venue at {endpoint}: {link.lost()}")
            if not asked and link.connected:
                asked = link.send(Attach(token, follow=False))
            await asyncio.sleep(_TICK)
        raise ConnectionError(f"No venue answers at {endpoint}; is its host running?")
    finally:
        link.close()


class RemoteVenue:
    """A venue behind a `VenueHost`, its link watched and mended.

    `description` comes from `find`. When the link is lost, `events` hears DOWN, and UP when it is
    mended; by then every order event that was missed has been passed on, and market data has
    begun anew with snapshots. What is sent while the link is down is answered with a reject, since
    it certainly did not arrive; what was on its way when the link broke is answered by nobody, and
    `working_orders` tells what became of it.

    With `cancel_on_loss` the venue cancels all our orders when the link ends, also when we end it
    ourselves; a venue that cannot is not used.
    """

    def __init__(
        self,
        description: Description,
        endpoint: str,
        token: str,
        clock: Clock = time.time_ns,
        *,
        cancel_on_loss: bool = False,
    ) -> None:
        self.name = description.name
        self.mode = description.mode
        self._description = description
        self._endpoint = endpoint
        self._token = token
        self._clock = clock
        self._cancel_on_loss = cancel_on_loss
        self._orders: tuple[str, ...] = ()
        self._incarnation = ""
        self._seen = 0
        self._link: Link | None = None
        self._attached = asyncio.Event()
        self._heard = 0.0
        self._refusal = ""
        self._trouble = ""
        self._born = 0
        self._rejects = 0
        self._questions: dict[int, asyncio.Future[Working]] = {}
        self._asked = 0
        self._keeper: asyncio.Task[None] | None = None
        self._market_sink: MarketSink
        self._event_sink: EventSink

    def instruments(self) -> Sequence[Instrument]:
        """Everything that trades there."""
        return self._description.instruments

    def resume(self, working: Sequence[Order], marks: Mapping[str, int]) -> None:
        """The venue keeps its own state; it is asked for the reports of these orders."""
        self._orders = tuple(order.cl_ord_id for order in working)

    async def start(self, market: MarketSink, events: EventSink) -> None:
        """Connects, and goes on connecting whenever the link is lost, until `stop`."""
        self._market_sink = market
        self._event_sink = events
        self._born = self._clock()
        self._tell(LinkState.CONNECTING, f"Connecting to {self._endpoint}.")
        self._keeper = asyncio.create_task(self._keep(), name=f"link {self.name}")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._attached.wait(), _FIRST)

    def send(self, request: VenueRequest) -> None:
        """Passes on a request; one that cannot leave is answered with a reject."""
        link = self._link
        if link is None or not self._attached.is_set() or not link.send(Pass(request)):
            asyncio.get_running_loop().call_soon(self._reject, request)

    async def working_orders(self) -> Sequence[VenueOrder]:
        """What the venue says is working; waits while the link is being mended.

        Raises:
            ConnectionError: with a sentence, when the link is lost meanwhile or the venue cannot
                say.
        """
        return (await self._question(Ask(0))).orders

    async def statement(self, since: int, orders: Sequence[str]) -> VenueStatement:
        """What the venue says of us; waits while the link is being mended.

        Raises:
            ConnectionError: with a sentence, when the link is lost meanwhile or the venue cannot
                say.
        """
        answer = await self._question(Ask(0, True, since, tuple(orders)))
        return answer.statement or VenueStatement(answer.orders)

    async def _question(self, ask: Ask) -> Working:
        await self._attached.wait()
        self._asked += 1
        answer: asyncio.Future[Working] = asyncio.get_running_loop().create_future()
        self._questions[self._asked] = answer
        numbered = msgspec.structs.replace(ask, number=self._asked)
        if self._link is None or not self._link.send(numbered):
            self._forget(f"The link to {self.name} was lost.")
        return await answer

    def control(self, command: VenueControl) -> str:
        """Not from here."""
        return f"{self.name} runs in another process; steer it there."

    async def stop(self) -> None:
        """Ends the connection; the venue goes on."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
            self._keeper = None

    # The link

    async def _keep(self) -> None:
        while True:
            try:
                why = await self._session()
            finally:
                was_up = self._attached.is_set()
                self._drop()
            if was_up or why != self._trouble:
                self._trouble = why
                self._tell(LinkState.DOWN, f"No link to {self.name}: {why}")
            await asyncio.sleep(_RETRY)

    async def _session(self) -> str:
        """One connection from beginning to end; returns why it ended."""
        self._refusal = ""
        link = self._link = Link(self._endpoint, self._take)
        self._heard = time.monotonic()
        asked = False
        while True:
            why = self._refusal or link.lost()
            if why:
                return why
            if time.monotonic() - self._heard > _SILENCE:
                link.turn()  # the silence may have been ours
                if time.monotonic() - self._heard > _SILENCE:
                    return f"it has been silent for {_SILENCE:.0f} seconds."
            if not asked and link.connected:
                asked = link.send(
                    Attach(
                        self._token,
                        True,
                        self._incarnation,
                        self._seen,
                        self._orders,
                        cancel_on_loss=self._cancel_on_loss,
                    )
                )
            await asyncio.sleep(_TICK)

    def _drop(self) -> None:
        self._attached.clear()
        link, self._link = self._link, None
        if link is not None:
            link.close()
        self._forget(f"The link to {self.name} was lost.")

    def _forget(self, why: str) -> None:
        for question in self._questions.values():
            if not question.done():
                question.set_exception(ConnectionError(why))
        self._questions.clear()

    def _take(self, message: FromHost) -> None:
        self._heard = time.monotonic()
        if isinstance(message, Flow):
            self._pass_on(message)
        elif isinstance(message, Attached):
            self._on_attached(message)
        elif isinstance(message, Denied):
            self._refusal = message.text
        elif isinstance(message, Working):
            question = self._questions.pop(message.number, None)
            if question is not None and not question.done():
                if message.error:
                    question.set_exception(ConnectionError(message.error))
                else:
                    question.set_result(message)

    def _pass_on(self, flow: Flow) -> None:
        now = self._clock()
        replace = msgspec.structs.replace
        market = self._market_sink
        for item in flow.items:
            if isinstance(item, _LIVE):
                market(replace(item, received=now))
            elif isinstance(item, _ANSWERS):
                self._event_sink(replace(item, received=now))
            elif isinstance(item, TradeHistory):
                market(item)
            elif self._attached.is_set():
                self._event_sink(item)
        self._seen = flow.seen

    def _on_attached(self, message: Attached) -> None:
        if message.description != self._description:
            self._refusal = "the host hosts something else now; restart the engine."
            return
        self._incarnation = message.incarnation
        self._attached.set()
        link = message.link
        if link is None or link.state is LinkState.UP:
            self._tell(LinkState.UP, f"Connected to {self.name} at {self._endpoint}.")
        else:
            self._tell(link.state, link.text)

    def _tell(self, state: LinkState, text: str) -> None:
        self._event_sink(LinkUpdate(self.name, self._clock(), state, text))

    def _reject(self, request: VenueRequest) -> None:
        """The request certainly did not reach the venue."""
        now = self._clock()
        order = request.order
        text = f"Not sent: there is no link to {self.name}."
        if not isinstance(request, VenueNew):
            status = OrdStatus.PARTIALLY_FILLED if order.cum_qty else OrdStatus.NEW
            replace = isinstance(request, VenueReplace)
            self._event_sink(
                CancelReject(
                    self.name, now, now, order.cl_ord_id, request.request, status, replace, text
                )
            )
            return
        self._rejects += 1
        self._event_sink(
            ExecutionReport(
                venue=self.name,
                ts=now,
                received=now,
                cl_ord_id=order.cl_ord_id,
                exec_type=ExecType.REJECTED,
                status=OrdStatus.REJECTED,
                exec_id=f"{self.name}-unsent-{self._born:x}-{self._rejects}",
                request=order.cl_ord_id,
                instrument=order.instrument,
                side=order.side,
                qty=order.qty,
                price=order.price,
                cum_qty=order.cum_qty,
                text=text,
            )
        )
