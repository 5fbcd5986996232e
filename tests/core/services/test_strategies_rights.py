"""What a strategy may ask for: brackets as one, nothing but its own, parameters of their types."""

from __future__ import annotations

from pathlib import Path

from core.model.commands import (
    NewOrder,
)
from core.model.enums import OrdStatus, OrdType, Side, Source, TimeInForce
from core.model.requests import VenueCancel
from core.services.config import StrategyConfig
from tests.core.services.helpers import IDS, order
from tests.core.services.strategy_rig import ADVISE, AUTO, BUYER, OFF, Rig, go

BRACKET = """
from core.model.enums import Side
from core.strategy.api import Strategy

class Mine(Strategy):
    def on_start(self):
        self.bracket(Side.BUY, 3, 9_900, stop=9_800, target=10_100, why="because")

    def on_quote(self, quote):
        self.signal(f"{len(self.working)} open")
"""


def test_a_bracket_is_one_draft_and_is_sent_as_one(tmp_path: Path) -> None:
    async def test() -> None:
        async with Rig(tmp_path, {"mine": BRACKET, "skipped": BRACKET}) as r:
            for name in ("mine", "skipped"):
                await r.run(name, ADVISE)
            await r.wait(lambda: len(r.open_drafts()) == 2, "a draft of each")
            drafts = {d.strategy: d for d in r.open_drafts()}
            draft = drafts["mine"]
            assert (draft.order, draft.why) == (draft.orders[0], "because")
            assert [o.stop_price or o.price for o in draft.orders] == [9_900, 9_800, 10_100]
            r.answer(drafts["skipped"], False)
            r.answer(draft, True)
            await r.wait(lambda: r.status(draft.draft) is OrdStatus.NEW, "the entry works")
            (sent,) = r.orders("mine")
            assert (sent.source, sent.trader) == (Source.STRATEGY, "ann")
            assert {o.list_id for o in r.working("mine")} == {draft.whole.id}
            r.venue.fill(sent, 3, 9_900, 3)
            await r.wait(lambda: len(r.orders("mine")) == 2, "its target is sent")
            assert r.orders("mine")[1].price == 10_100
            r.venue.quote(10_001, 10_002)
            await r.wait(lambda: r.row("mine").last_signal == "2 open", "it knows of its exits")
            await r.wait(lambda: r.row("skipped").last_signal == "0 open", "all of it is gone")
            assert not r.orders("skipped")

    go(test())


def test_in_auto_a_bracket_goes_at_once_and_off_ends_it(tmp_path: Path) -> None:
    foreign = BRACKET.replace(
        "        self.bracket(",
        "        from msgspec.structs import replace\n"
        "        send = self._port.send\n"
        "        def bent(group):\n"
        "            exits = [replace(o, account='OTHER') for o in group.orders[1:]]\n"
        "            send(replace(group, orders=(group.orders[0], *exits)))\n"
        "        self._port.send = bent\n"
        "        self.bracket(",
    )

    async def test() -> None:
        async with Rig(tmp_path, {"mine": BRACKET, "bad": foreign}) as r:
            await r.run("mine", AUTO)
            await r.wait(lambda: len(r.working("mine")) == 3, "all three")
            assert {o.source for o in r.working("mine")} == {Source.STRATEGY}
            await r.run("bad", AUTO)
            await r.wait(lambda: len(list(r.client.stores.refusals)) == 1, "it is refused")
            (refused,) = r.client.stores.refusals
            assert refused.code == "NOT_FOR_STRATEGIES"
            r.venue.quote(10_001, 10_002)
            await r.wait(lambda: r.row("bad").last_signal == "0 open", "all of it is gone")
            assert not r.working("bad")
            r.turn("mine", OFF)
            await r.wait(
                lambda: len([q for q in r.venue.sent if isinstance(q, VenueCancel)]), "off"
            )
            assert len(r.working("mine")) <= 1

    go(test())


FOREIGN = """
from core.model.commands import *
from core.model.enums import *
from core.strategy.api import Strategy

class Mine(Strategy):
    def on_start(self):
        send, id = self._port.send, self._port.new_id
        a = ("PAPER-1", "ABC.V", Side.BUY, OrdType.LIMIT, 1, 9_900)
        def new(account="PAPER-1", instrument="ABC.V", strategy="mine"):
            send(NewOrder("new-" + id(), account, instrument, Side.BUY, OrdType.LIMIT, 1, 9_900,
                          strategy=strategy, source=Source.USER))
        new(account="OTHER")
        new(instrument="DEF.V")
        new(strategy="other")
        new(strategy="")
        send(CancelOrder("cancel", "VICTIM"))
        send(ReplaceOrder("replace", "VICTIM", 1, 1))
        send(AnswerDraft("answer", "DRAFT", True))
        send(SetStrategyMode("mode", "mine", StrategyMode.AUTO))
        send(SetLimit("limit", "max_order_qty", 9))
        send(CancelAll("all"))
        send(Flatten("flatten"))
        send(Kill("kill", 3))
        send(SetTradingState("state", "PAPER-1", TradingState.HALTED))
        send(HandOver("hand", "PAPER-1", "ABC.V", "other"))
        new()
"""


def test_a_strategy_can_do_nothing_but_trade_for_itself(tmp_path: Path) -> None:
    async def test() -> None:
        async with Rig(tmp_path, {"mine": FOREIGN, "other": BUYER}) as r:
            victim = order(name="VICTIM", qty=5)
            r.send(victim)
            await r.wait(lambda: r.status("VICTIM") is OrdStatus.NEW, "the trader's order")
            await r.run("other", ADVISE)
            await r.run("mine", ADVISE)
            names = ["cancel", "replace", "answer", "mode", "limit"]
            names += ["all", "flatten", "kill", "state", "hand"]
            await r.wait(lambda: all(r.refused(n) for n in names), "all are refused")
            assert {r.refused(n) for n in names} == {"NOT_FOR_STRATEGIES"}
            new = [c for c in r.client.stores.refusals if c.id.startswith("new-")]
            assert len(new) == 4
            assert "DEF.V" in new[1].text
            await r.wait(lambda: len(r.open_drafts()) == 2, "its own order is a draft")
            assert {d.strategy for d in r.open_drafts()} == {"mine", "other"}
            assert r.status("VICTIM") is OrdStatus.NEW
            assert len(r.venue.sent) == 1
            assert (r.row("mine").mode, r.row("other").mode) == (ADVISE, ADVISE)

    go(test())


def test_a_program_that_only_calls_itself_a_strategy_is_turned_away(tmp_path: Path) -> None:
    async def test() -> None:
        async with Rig(tmp_path, {"mine": BUYER}) as r:
            await r.run("mine", AUTO)
            await r.wait(lambda: r.orders("mine"), "an order")
            for name in ("mine", "mine#", "", "nobody"):
                liar = r.engine.client(name, "strategy")
                liar.connect()
                await r.until(lambda c=liar: c.poll() is None or c.connected)
                assert liar.connected
                new = NewOrder(
                    IDS.next(), "PAPER-1", "ABC.V", Side.BUY, OrdType.LIMIT, 1, 9_900,
                    tif=TimeInForce.GTC, strategy="mine",
                )  # fmt: skip
                assert liar.send(new) == ""
                await r.wait(lambda n=new: r.refused(n.cl_ord_id) == "UNKNOWN_STRATEGY", "refused")
                liar.close()
            assert len(r.orders("mine")) == 1

    go(test())


PARAMS = """
from decimal import Decimal
from core.strategy.api import Params, Strategy

class Few(Params, frozen=True):
    size: int = 3
    price: Decimal = Decimal("1.5")

class Mine(Strategy):
    Params = Few
    def on_start(self):
        self.buy(self.params.size, 9_900)
"""


def test_parameters_change_while_off_and_are_checked_by_their_own_types(tmp_path: Path) -> None:
    more = (StrategyConfig("built", "crossover", "ABC.V", "PAPER-1", params={"fast": "5"}),)

    async def test() -> None:
        async with Rig(tmp_path, {"mine": PARAMS}, more=more) as r:
            assert r.row("built").params["slow"] == "30"
            wrong = r.set_params("built", fast="none")
            await r.wait(lambda: r.refused(wrong) == "BAD_PARAMETERS", "a wrong one is refused")
            assert "fast" in r.client.stores.refusals[wrong].text
            r.set_params("built", fast="7")
            await r.wait(lambda: r.row("built").params["fast"] == "7", "a right one is taken")

            await r.wait(
                lambda: r.row("mine").params == {"size": "3", "price": "1.5"},
                "a trader's own file says what it takes",
            )
            wrong = r.set_params("mine", size="x")
            await r.wait(lambda: r.refused(wrong) == "BAD_PARAMETERS", "refused")
            assert "size" in r.client.stores.refusals[wrong].text
            r.set_params("mine", size="4")
            await r.wait(lambda: r.row("mine").params["size"] == "4", "taken")
            await r.run("mine", AUTO)
            await r.wait(lambda: [o.qty for o in r.orders("mine")] == [4], "used")
            late = r.set_params("mine", size="5")
            await r.wait(lambda: r.refused(late) == "STRATEGY_RUNS", "not while it runs")

    go(test())
