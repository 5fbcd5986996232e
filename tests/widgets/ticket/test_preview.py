"""The engine's word under the ticket's buttons: what is asked, when, and how it is said."""

from __future__ import annotations

from decimal import Decimal

import pytest

from core.model.checks import Violation
from core.model.enums import Side, TimeInForce
from core.model.session import Appraisal
from tests.widgets.ticket_bench import Bench
from tests.widgets.trading_world import BTC

SECOND = 1_000_000_000


class Asking(Bench):
    """A ticket whose questions are kept."""

    def __init__(self, qtbot):
        super().__init__(qtbot)
        self.questions = []
        self.panel.appraisal_wished.connect(self.questions.append)

    def newest(self, side):
        return next(q for q in reversed(self.questions) if q.order.side is side)

    def answer(self, side, *violations, **more):
        question = self.newest(side)
        told = Appraisal(question.number, 0, violations, **more)
        self.world.stores.take_appraisal(told)
        self.panel.flush()

    def lines(self, side):
        return self.panel.notes.previews[side].text().split("\n")


@pytest.fixture
def bench(qtbot):
    return Asking(qtbot)


def test_it_asks_at_once_and_says_what_is_known(bench):
    assert bench.lines(Side.BUY) == [""]
    bench.panel.fields.use_price(bench.world.stores.tickers[BTC.id].bid)
    bench.panel.flush()
    assert {q.order.side for q in bench.questions} == set(Side)
    assert bench.lines(Side.BUY)[:5] == [
        "Cost —, fee —",
        "Slippage —",
        "Margin — → —",
        "Free then —",
        "Loss at stop —",
    ]
    bench.answer(
        Side.BUY,
        unit="EUR",
        rate=Decimal("0.9"),
        value=Decimal(500),
        fee=Decimal("0.25"),
        equity=Decimal(1000),
        margin=Decimal(100),
        margin_after=Decimal(350),
    )
    assert bench.lines(Side.BUY) == [
        "Cost 500.25 EUR, fee 0.25",
        "Slippage —",
        "Margin 100.00 → 350.00 EUR",
        "Free then 650.00 EUR",
        "Loss at stop —",
        "Position 0.00 → 0.01",
        "Average then —",
        "Liquidation —",
    ]
    assert "—" in bench.lines(Side.SELL)[0]


def test_another_order_forgets_the_answer_and_asks_anew(bench):
    bench.type(bench.fields.price, "bid")
    bench.answer(Side.BUY, value=Decimal(500), fee=Decimal(1), unit="USD")
    assert bench.lines(Side.BUY)[0] == "Cost 501.00 USD, fee 1.00"
    before = len(bench.questions)
    bench.type(bench.fields.quantity, "0.02")
    assert len(bench.questions) == before + 1, "one of each side is under way"
    assert bench.lines(Side.BUY)[0] == "Cost —, fee —"
    bench.answer(Side.BUY, value=Decimal(400), fee=Decimal(1), unit="USD")
    assert bench.lines(Side.BUY)[0] == "Cost —, fee —", "that was about what stood there before"
    assert bench.newest(Side.BUY).order.qty == 2
    bench.answer(Side.BUY, value=Decimal(1000), fee=Decimal(2), unit="USD")
    assert bench.lines(Side.BUY)[0] == "Cost 1,002.00 USD, fee 2.00"


def test_one_question_at_a_time_and_none_when_nothing_changed(bench):
    bench.type(bench.fields.price, "bid")
    bench.rest(1.5)
    first = bench.newest(Side.BUY)
    bench.panel.flush()
    assert bench.newest(Side.BUY) is first, "it has no answer yet"
    bench.answer(Side.BUY)
    count = len([q for q in bench.questions if q.order.side is Side.BUY])
    for _ in range(5):
        bench.panel.flush()
    assert len([q for q in bench.questions if q.order.side is Side.BUY]) == count
    bench.rest(0.2)  # a new quote, but too soon
    bench.world.clock.forward(0.1)
    bench.panel.flush()
    assert len([q for q in bench.questions if q.order.side is Side.BUY]) == count + 1


def test_an_engine_that_starts_is_asked_until_it_has_even_if_nothing_moves(bench):
    bench.type(bench.fields.price, "bid")
    first = bench.newest(Side.BUY).number
    bench.answer(Side.BUY, Violation("STARTING", "The engine is reconciling.", ""))
    assert not bench.buy.isEnabled()
    bench.world.clock.forward(0.3)
    bench.panel.flush()
    assert bench.newest(Side.BUY).number > first
    bench.answer(Side.BUY)
    assert bench.buy.isEnabled()


def test_a_lost_answer_is_asked_for_again(bench):
    bench.type(bench.fields.price, "bid")
    first = bench.newest(Side.BUY).number
    bench.rest(1.1)
    assert bench.newest(Side.BUY).number > first


def test_the_engines_hard_rule_shuts_the_button_and_its_soft_one_asks_to_hold(bench):
    bench.type(bench.fields.price, "bid")
    assert bench.buy.isEnabled()
    bench.answer(Side.BUY, Violation("INSUFFICIENT_MARGIN", "The order needs 9.", "Less."))
    assert not bench.buy.isEnabled()
    assert bench.reason(Side.BUY).startswith("INSUFFICIENT_MARGIN: The order needs 9.")
    bench.rest(2)
    bench.answer(Side.BUY, Violation("VAR_LIMIT", "VaR would be 2.", "Hold.", hard=False))
    assert bench.buy.isEnabled()
    bench.click(bench.buy)
    assert not bench.asked, "a click is not enough"


def test_about_money_the_engine_alone_is_right(bench):
    # 1,000,000 is the limit, and the books are in another currency.
    bench.type(bench.fields.price, "bid")
    bench.type(bench.fields.quantity, "20")
    assert bench.reason(Side.BUY).startswith("MAX_ORDER_NOTIONAL")
    assert not bench.buy.isEnabled()
    bench.answer(Side.BUY, unit="BTC", rate=Decimal("0.00001"))
    assert bench.buy.isEnabled()
    assert bench.reason(Side.BUY) == ""


def test_without_the_engine_nothing_is_known(bench):
    bench.type(bench.fields.price, "bid")
    bench.answer(Side.BUY, value=Decimal(500), fee=Decimal(1), unit="USD")
    bench.world.stores.connected = False
    bench.rest()
    assert bench.lines(Side.BUY)[0] == "Cost —, fee —"


def told(bench, side=Side.BUY, **more):
    """The lines about slippage, average and liquidation when the engine says this."""
    bench.answer(side, unit="USD", rate=Decimal(1), **more)
    lines = dict(line.split(" ", 1) for line in bench.lines(side) if line)
    return lines["Slippage"], lines["Average"].removeprefix("then "), lines["Liquidation"]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"slippage": Decimal("1.5"), "taken": 5}, "1.50 USD"),
        ({"slippage": Decimal(0), "taken": 5}, "0.00 USD"),
        ({"slippage": Decimal("1.5"), "taken": 3}, "1.50 USD, 0.03 of 0.05 at once"),
        ({"slippage": Decimal(0), "taken": 0}, "none, it rests"),
        ({"taken": 3, "thin": True}, "—, the book shows 0.03 of 0.05"),
        ({}, "—"),
    ],
)
def test_slippage_is_told_or_why_not(bench, said, words):
    bench.type(bench.fields.price, "bid")
    bench.type(bench.fields.quantity, "0.05")
    bench.rest(1.1)  # the question about the quantity before is given up
    assert told(bench, **said)[0] == words


def test_an_order_that_may_not_rest_takes_nothing(bench):
    bench.type(bench.fields.price, "bid")
    bench.panel.fields.choose_tif(TimeInForce.IOC)
    bench.panel.flush()
    bench.rest(1.1)
    assert told(bench, slippage=Decimal(0), taken=0)[0] == "none, nothing to take"


def test_average_and_how_far_the_price_may_go(bench):
    bench.type(bench.fields.price, "bid")
    far = {"liquidation": Decimal("57812.5"), "distance": Decimal("0.1004")}
    _, average, liquidation = told(bench, average=Decimal("64210.123"), **far)
    assert average == "64,210.12"
    assert liquidation == "at 57,812.5, 10.0 % away"
    bench.rest(1.1)
    far["distance"] = Decimal(0)
    assert told(bench, **far)[1:] == ("—", "at once, by 57,812.5")
    bench.rest(1.1)
    assert told(bench, safe=True)[2] == "none"
