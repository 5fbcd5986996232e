"""Switches and drafts of strategies in real processes."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from core.model.commands import (
    AnswerDraft,
    Kill,
    NewOrder,
    SetStrategyMode,
)
from core.model.enums import OrdStatus, Side, Source, TradingState
from core.model.requests import VenueCancel
from core.services.config import LimitConfig, StrategyConfig
from core.services.strategy_running import Bounds
from tests.core.services.helpers import IDS, order
from tests.core.services.strategy_rig import ADVISE, AUTO, BUYER, OFF, Rig, go, on_quote


def test_advise_drafts_and_an_accepted_one_is_sent_once_under_its_name(tmp_path: Path) -> None:
    async def test() -> None:
        async with Rig(tmp_path, {"mine": BUYER}) as r:
            await r.run("mine", ADVISE)
            await r.wait(r.open_drafts, "a draft")
            (draft,) = r.open_drafts()
            assert (draft.strategy, draft.why, draft.order.qty) == ("mine", "because", 3)
            assert not r.venue.sent
            r.answer(draft, True)
            again = r.answer(draft, True)
            await r.wait(lambda: r.refused(again) == "UNKNOWN_DRAFT", "the second is refused")
            await r.wait(lambda: r.status(draft.draft) is OrdStatus.NEW, "the order works")
            (sent,) = r.orders("mine")
            assert (sent.source, sent.strategy, sent.trader) == (Source.STRATEGY, "mine", "ann")
            assert r.client.stores.drafts[draft.draft].answer == "accepted"
            await r.wait(lambda: r.row("mine").last_signal == "started", "its signal is told")

    go(test())


def test_skipped_and_withdrawn_drafts_send_nothing(tmp_path: Path) -> None:
    async def test() -> None:
        async with Rig(tmp_path, {"skipped": BUYER, "withdrawn": BUYER}) as r:
            for name in ("skipped", "withdrawn"):
                await r.run(name, ADVISE)
            await r.wait(lambda: len(r.open_drafts()) == 2, "two drafts")
            mine = {d.strategy: d for d in r.client.stores.drafts}
            r.answer(mine["skipped"], False)
            r.turn("withdrawn", OFF)
            await r.wait(lambda: not r.open_drafts(), "both are closed")
            assert {d.answer for d in r.client.stores.drafts} == {"skipped", "withdrawn"}
            assert all(d.answer == d.strategy for d in r.client.stores.drafts)
            late = r.answer(mine["withdrawn"], True)
            await r.wait(lambda: r.refused(late) == "UNKNOWN_DRAFT", "too late")
            assert not r.venue.sent

    go(test())


def test_a_draft_that_nobody_answers_expires(tmp_path: Path) -> None:
    async def test() -> None:
        async with Rig(tmp_path, {"mine": BUYER}, bounds=Bounds(draft=0.3, stop=0.3)) as r:
            await r.run("mine", ADVISE)
            await r.wait(lambda: [d.answer for d in r.client.stores.drafts] == ["expired"], "it")
            (draft,) = r.client.stores.drafts
            late = r.answer(draft, True)
            await r.wait(lambda: r.refused(late) == "UNKNOWN_DRAFT", "too late")
            assert not r.venue.sent

    go(test())


def test_what_became_of_a_draft_is_known_to_the_strategy(tmp_path: Path) -> None:
    source = BUYER.replace(
        "        pass",
        "        self.signal(','.join(sorted(map(str, self.working.values()))) or 'none')",
    ).replace('        self.signal("started")\n', "")

    async def test() -> None:
        async with Rig(tmp_path, {"mine": source}) as r:
            await r.run("mine", ADVISE)
            await r.wait(r.open_drafts, "a draft")
            r.venue.quote(10_001, 10_002)
            await r.wait(lambda: r.row("mine").last_signal == "None", "it knows of its draft")
            r.answer(r.open_drafts()[0], False)
            await r.wait(lambda: not r.open_drafts(), "it is skipped")
            r.venue.quote(10_000, 10_001)
            await r.wait(lambda: r.row("mine").last_signal == "none", "it knows that it is gone")

    go(test())


def test_a_strategy_takes_back_its_own_draft_only(tmp_path: Path) -> None:
    source = on_quote("self.cancel(self.first)")

    async def test() -> None:
        async with Rig(tmp_path, {"mine": source, "other": BUYER}) as r:
            await r.run("other", ADVISE)
            await r.run("mine", ADVISE)
            await r.wait(lambda: len(r.open_drafts()) == 2, "two drafts")
            r.venue.quote(10_001, 10_002)
            await r.wait(lambda: len(r.open_drafts()) == 1, "one is withdrawn")
            (left,) = r.open_drafts()
            assert left.strategy == "other"

    go(test())


def test_auto_sends_and_off_cancels(tmp_path: Path) -> None:
    async def test() -> None:
        async with Rig(tmp_path, {"mine": BUYER}) as r:
            await r.run("mine", AUTO)
            await r.wait(lambda: r.orders("mine"), "an order")
            assert not r.client.stores.drafts
            (host,) = r.hosts()
            assert host.pid == r.row("mine").pid
            r.turn("mine", OFF)
            await r.wait(lambda: not r.working("mine"), "its order is gone")
            await r.wait(lambda: not r.hosts(), "its process is gone")
            assert any(isinstance(q, VenueCancel) for q in r.venue.sent)
            row = r.row("mine")
            assert (row.mode, row.health, row.pid, row.last_error) == (OFF, "stopped", 0, "")

    go(test())


def test_from_advise_to_auto_drafts_are_withdrawn_and_the_process_stays(tmp_path: Path) -> None:
    source = on_quote("if not self.working: self.buy(1, 9_800)")

    async def test() -> None:
        async with Rig(tmp_path, {"mine": source}) as r:
            await r.run("mine", ADVISE)
            await r.wait(r.open_drafts, "a draft")
            pid = r.row("mine").pid
            r.turn("mine", AUTO)
            await r.wait(lambda: not r.open_drafts(), "it is withdrawn")
            r.venue.quote(10_001, 10_002)
            await r.wait(lambda: r.orders("mine"), "an order by itself")
            assert r.row("mine").pid == pid

    go(test())


def test_in_advise_a_change_takes_the_order_off_instead_of_sending_it(tmp_path: Path) -> None:
    source = on_quote("self.replace(self.first, 50, 9_950)")

    async def test() -> None:
        async with Rig(tmp_path, {"mine": source}) as r:
            await r.run("mine", ADVISE)
            await r.wait(r.open_drafts, "a draft")
            name = r.open_drafts()[0].draft
            r.answer(r.open_drafts()[0], True)
            await r.wait(lambda: r.status(name) is OrdStatus.NEW, "it works")
            r.venue.quote(10_001, 10_002)
            await r.wait(lambda: r.status(name) is OrdStatus.CANCELED, "it is gone")
            assert [type(q).__name__ for q in r.venue.sent] == ["VenueNew", "VenueCancel"]

    go(test())


def test_its_own_limits_bind_it_in_auto_and_not_the_trader(tmp_path: Path) -> None:
    limits = (
        LimitConfig("max_order_qty", Decimal(5), "strategy"),
        LimitConfig("max_position", Decimal(4), "strategy", "mine"),
    )
    source = on_quote("self.buy(9, 9_900)", "self.buy(2, 9_900)")

    async def test() -> None:
        async with Rig(tmp_path, {"mine": source}, limits=limits) as r:
            await r.run("mine", AUTO)
            await r.wait(lambda: r.orders("mine"), "the order of its start")
            r.venue.quote(10_001, 10_002)
            await r.wait(lambda: len(r.client.stores.orders) == 3, "two more")
            denied = [o for o in r.client.stores.orders if o.status is OrdStatus.REJECTED]
            assert [(o.qty, o.code) for o in denied] == [
                (9, "MAX_ORDER_QTY"),
                (2, "MAX_POSITION"),
            ]
            assert [o.qty for o in r.orders("mine")] == [3]
            own = order(qty=9, price=9_900)
            r.send(own)
            await r.wait(lambda: r.status(own.cl_ord_id) is OrdStatus.NEW, "the trader's own")

    go(test())


def test_none_starts_in_auto_and_the_settings_may_start_advise(tmp_path: Path) -> None:
    async def test() -> None:
        async with Rig(tmp_path, {"mine": BUYER}, start="advise") as r:
            assert r.row("mine").mode is ADVISE
            await r.wait(r.open_drafts, "a draft without a click")
            r.turn("mine", AUTO)
            await r.wait(lambda: r.row("mine").mode is AUTO, "auto")
        async with Rig(tmp_path, {"mine": BUYER}) as r:
            assert r.row("mine").mode is OFF
            await r.quiet()
            assert not r.hosts()

    go(test())


def test_what_the_kill_switch_stopped_stays_off_when_the_engine_starts_again(
    tmp_path: Path,
) -> None:
    async def test() -> None:
        async with Rig(tmp_path, {}) as r:
            r.send(Kill(IDS.next(), 1, "PAPER-1", reason="enough"))
            await r.wait(
                lambda: r.engine.kernel.accounts()[0].state is not TradingState.ACTIVE, "the kill"
            )
        async with Rig(tmp_path, {"mine": BUYER}, start="advise") as r:
            assert r.row("mine").mode is OFF
            assert r.row("mine").last_error == "It stays off: account PAPER-1 is not active."
            await r.quiet()
            assert not r.hosts()

    go(test())


def test_the_kill_switch_turns_all_off(tmp_path: Path) -> None:
    async def test() -> None:
        async with Rig(tmp_path, {"one": BUYER, "two": BUYER}) as r:
            await r.run("one", AUTO)
            await r.run("two", ADVISE)
            await r.wait(lambda: r.working("one") and r.open_drafts(), "order and draft")
            r.send(Kill(IDS.next(), 1, "PAPER-1"))
            await r.wait(lambda: not r.hosts(), "no process is left")
            await r.wait(lambda: not r.working(), "no order is left")
            await r.wait(lambda: not r.open_drafts(), "no draft is left")
            for name in ("one", "two"):
                assert r.row(name).mode is OFF
                assert r.row(name).last_error == "Stopped by the kill switch."

    go(test())


def test_kill_of_another_account_leaves_it_alone(tmp_path: Path) -> None:
    async def test() -> None:
        async with Rig(tmp_path, {"one": BUYER}) as r:
            await r.run("one", AUTO)
            r.send(Kill(IDS.next(), 1, "OTHER"))
            await r.quiet()
            assert r.row("one").mode is AUTO

    go(test())


def test_kill_of_one_strategy_leaves_the_others_alone(tmp_path: Path) -> None:
    async def test() -> None:
        async with Rig(tmp_path, {"one": BUYER, "two": BUYER}) as r:
            await r.run("one", AUTO)
            await r.run("two", AUTO)
            await r.wait(lambda: r.working("one") and r.working("two"), "an order of each")
            r.send(Kill(IDS.next(), 2, scope="strategy", scope_id="one"))
            await r.wait(lambda: not r.working("one"), "its order is gone")
            assert r.row("one").mode is OFF
            assert r.row("two").mode is AUTO
            assert r.working("two")

    go(test())


def test_flatten_with_the_switch(tmp_path: Path) -> None:
    async def test() -> None:
        async with Rig(tmp_path, {"mine": BUYER}) as r:
            await r.run("mine", AUTO)
            await r.wait(lambda: r.orders("mine"), "an order")
            r.venue.fill(r.orders("mine")[0], 3, 9_900, 3)
            r.turn("mine", OFF, "flatten")
            await r.wait(lambda: len(r.orders("mine")) == 2, "the closing order")
            closing = r.orders("mine")[1]
            assert (closing.side, closing.qty, closing.source) == (Side.SELL, 3, Source.ENGINE)
            # Whoever clears up behind strategies that are off leaves the closing order alone.
            await r.quiet(1.5)
            assert r.working("mine")
            r.venue.fill(closing, 3, 10_000, 3)
            assert [p.qty for p in r.engine.kernel.positions()] == [0, 0]

    go(test())


def test_handing_over_waits_for_the_last_fill(tmp_path: Path) -> None:
    async def test() -> None:
        async with Rig(tmp_path, {"mine": BUYER}) as r:
            await r.run("mine", AUTO)
            await r.wait(lambda: r.orders("mine"), "an order")
            (first,) = r.orders("mine")
            r.venue.fill(first, 2, 9_900, 2)
            r.venue.answers = False
            r.turn("mine", OFF, "hand_over")
            await r.wait(lambda: isinstance(r.venue.sent[-1], VenueCancel), "a cancel")
            r.venue.fill(first, 1, 9_900, 3)
            await r.wait(lambda: not r.working(), "the fill came before the cancel")
            await r.wait(
                lambda: [p.qty for p in r.engine.kernel.positions()] == [3, 0], "it is the trader's"
            )
            whole, part = r.engine.kernel.positions()
            assert (whole.strategy, part.strategy, whole.cost, part.cost) == ("", "mine", 29_700, 0)

    go(test())


def test_an_order_that_outlives_its_switch_is_cancelled_again(tmp_path: Path) -> None:
    async def test() -> None:
        async with Rig(tmp_path, {"mine": BUYER}) as r:
            await r.run("mine", AUTO)
            await r.wait(lambda: r.orders("mine"), "an order")
            r.venue.fail_send = ConnectionError("the line is cut")
            r.turn("mine", OFF)
            await r.wait(lambda: r.row("mine").mode is OFF, "off")
            assert r.working("mine")
            r.venue.fail_send = None
            r.venue.listed = []
            await r.wait(lambda: not r.working("mine"), "nothing is left")

    go(test())


def test_orders_of_the_run_before_do_not_rest_on(tmp_path: Path) -> None:
    async def test() -> None:
        left = order(strategy="mine", source=Source.STRATEGY, price=9_900)
        async with Rig(tmp_path, {"mine": BUYER}) as r:
            r.send(left)
            await r.wait(lambda: r.status(left.cl_ord_id) is OrdStatus.NEW, "it works")
            (sent,) = r.orders("mine")
            venue = r.venue
        async with Rig(tmp_path, {"mine": BUYER}) as r:
            assert venue is not r.venue
            await r.wait(lambda: not r.working("mine"), "it is cancelled")
            assert r.status(sent.cl_ord_id) is OrdStatus.CANCELED

    go(test())


def test_a_manual_order_is_not_the_strategys(tmp_path: Path) -> None:
    source = BUYER.replace("        pass", "        self.signal(f'{self.position}')")

    async def test() -> None:
        async with Rig(tmp_path, {"mine": source}) as r:
            await r.run("mine", AUTO)
            own = order(qty=7, price=9_990)
            r.send(own)
            await r.wait(lambda: r.status(own.cl_ord_id) is OrdStatus.NEW, "the trader's order")
            for sent in [q.order for q in r.venue.sent]:
                r.venue.fill(sent, sent.qty, sent.price, sent.qty)
            await r.wait(lambda: len(r.client.stores.fills) == 2, "both fills are told")
            r.venue.quote(10_001, 10_002)
            await r.wait(lambda: r.row("mine").last_signal == "3", "its own position only")
            parts = {p.strategy: p.qty for p in r.engine.kernel.positions()}
            assert parts == {"": 10, "mine": 3}
            fills = {f.strategy: f.qty for f in r.client.stores.fills}
            assert fills == {"": 7, "mine": 3}

    go(test())


def test_switches_that_do_not_exist(tmp_path: Path) -> None:
    async def test() -> None:
        async with Rig(tmp_path, {"mine": BUYER}) as r:
            wrong = r.turn("nobody", AUTO)
            await r.wait(lambda: r.refused(wrong) == "UNKNOWN_STRATEGY", "refused")
            wrong = r.turn("mine", OFF, "burn")
            await r.wait(lambda: r.refused(wrong) == "BAD_ANSWER", "refused")

    go(test())


def test_what_cannot_run_says_so_in_its_row(tmp_path: Path) -> None:
    more = (
        StrategyConfig("nowhere", "crossover", "XYZ.V", "PAPER-1"),
        StrategyConfig("params", "crossover", "ABC.V", "PAPER-1", params={"fast": "quick"}),
        StrategyConfig("unknown", "crossover", "ABC.V", "PAPER-1", params={"speed": "1"}),
        StrategyConfig("pair", "crossover", "ABC.V", "PAPER-1", params={"fast": "30"}),
        StrategyConfig("file", "gone.py:Mine", "ABC.V", "PAPER-1", start="advise"),
        StrategyConfig("kind", "magic", "ABC.V", "PAPER-1"),
        StrategyConfig("class", "mine.py:Other", "ABC.V", "PAPER-1"),
        StrategyConfig("interval", "crossover", "ABC.V", "PAPER-1", params={"interval": "soon"}),
    )
    expected = {
        "nowhere": "XYZ.V does not trade on this engine.",
        "params": "fast",
        "unknown": "unknown field `speed`",
        "pair": "fast must be shorter than slow.",
        "file": "gone.py is not there",
        "kind": "“magic” is no strategy",
        "class": "has no class Other",
        "interval": "soon",
    }

    async def test() -> None:
        async with Rig(tmp_path, {"mine": BUYER}, more=more) as r:
            for name in ("nowhere", "params", "pair", "interval"):
                r.turn(name, ADVISE)
            for name, text in expected.items():
                await r.wait(lambda n=name, t=text: t in r.row(n).last_error, f"{name}: {text}")
                assert r.row(name).mode is OFF
            await r.run("mine", AUTO)
            await r.wait(lambda: r.orders("mine"), "another one works all the same")

    go(test())


def test_what_happened_while_it_did_not_listen_is_made_up_for(tmp_path: Path) -> None:
    source = BUYER.replace(
        "        pass", "        self.signal(f'{quote.bid}: {self.position} {len(self.working)}')"
    )

    async def test() -> None:
        async with Rig(tmp_path, {"mine": source}) as r:
            await r.run("mine", AUTO)
            await r.wait(lambda: r.working("mine"), "an order")
            (session,) = [s for s in r.engine.sessions if s.kind == "strategy"]
            session.lagging = True  # as if its queue were full: it is sent nothing
            (sent,) = r.orders("mine")
            r.venue.fill(sent, 3, 9_900, 3)
            await r.wait(lambda: not session.lagging, "it is told everything anew")
            r.venue.quote(10_005, 10_006)
            await r.wait(lambda: r.row("mine").last_signal == "10005: 3 0", "it knows of the fill")

    go(test())


def test_commands_are_on_record_before_they_are_carried_out(tmp_path: Path) -> None:
    async def test() -> None:
        async with Rig(tmp_path, {"mine": BUYER}) as r:
            await r.run("mine", ADVISE)
            await r.wait(r.open_drafts, "a draft")
            draft = r.open_drafts()[0].draft
            r.answer(r.open_drafts()[0], True)
            await r.wait(lambda: r.orders("mine"), "an order")
            journal = [m for _, _, m in r.engine.journal.replay()]
            kinds = [
                type(m)
                for m in journal
                if isinstance(m, SetStrategyMode | AnswerDraft)
                or (isinstance(m, NewOrder) and m.cl_ord_id == draft)
            ]
            assert kinds == [SetStrategyMode, AnswerDraft, NewOrder]

    go(test())
