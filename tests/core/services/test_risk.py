"""Risk in a running engine: settings read anew, what the kernel is told of the world."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from core.journal.reader import replay
from core.kernel.kernel import Kernel
from core.model.commands import ReloadSettings, ReplaceOrder
from core.model.contracts import Contract, PutOrCall
from core.model.enums import LinkState, OrdStatus, OrdType
from core.model.events import RiskDecision
from core.model.inputs import Facts, OptionSetup, ProductSetup, StockSetup
from core.model.session import Appraise
from core.risk.margin.black import black76
from core.risk.margin.scenarios import YEAR
from core.services.config import ConfigError, load_config, parse_config
from core.services.riskfeed import RiskFeed
from tests.core.services.helpers import IDS, Bench, ScriptedVenue, order

MINUTE = 60_000_000_000
SETTINGS = """
loosen_delay = 0

[[accounts]]
id = "PAPER-1"
cash = { USD = 1000000 }

[[limits]]
name = "stale_after"
value = 100000000

[[limits]]
name = "max_order_qty"
value = 50

[risk]
currency = "USD"
"""


class Settings:
    """A settings file and an engine that reads it."""

    def __init__(self, home: Path, text: str = SETTINGS) -> None:
        self.file = home / "engine.toml"
        self.file.write_text(text)
        self.home = home

    def read(self):
        return load_config(self.file, self.home)

    def bench(self, **more):
        return Bench(self.home, ScriptedVenue(), config=self.read(), settings=self.read, **more)


async def refusal(b, command):
    b.send(command)
    assert await b.until(lambda: command.id in b.client.stores.refusals)
    return b.client.stores.refusals[command.id]


async def test_a_changed_file_is_taken_in_and_a_wrong_one_changes_nothing(tmp_path):
    settings = Settings(tmp_path)
    async with settings.bench() as b:
        b.venue.quote()
        big = order(qty=51)
        b.send(big)
        assert await b.until(lambda: b.status(big.cl_ord_id) is OrdStatus.REJECTED)
        assert b.client.stores.orders[big.cl_ord_id].code == "MAX_ORDER_QTY"
        said = await refusal(b, ReloadSettings(IDS.next()))
        assert said.code == "REASON_NEEDED"
        said = await refusal(b, ReloadSettings(IDS.next(), "nothing new"))
        assert said.code == "NO_CHANGE"

        settings.file.write_text(
            SETTINGS.replace("value = 50", 'value = 10\n\n[[limits]]\nname = "speed"\nvalue = 1')
        )
        said = await refusal(b, ReloadSettings(IDS.next(), "slower"))
        assert said.code == "BAD_SETTINGS"
        assert "line 17: limits[2].name: There is no limit “speed”" in said.text
        assert "Everything stays as it was" in said.text
        fits = order(qty=50)
        b.send(fits)
        assert await b.until(lambda: b.status(fits.cl_ord_id) is OrdStatus.NEW)

        settings.file.write_text(SETTINGS.replace("value = 50", "value = 10"))
        b.send(ReloadSettings(IDS.next(), "careful today", "sue"))
        key = "account|PAPER-1|max_order_qty"

        def now() -> Decimal | None:
            use = b.client.stores.limits.get(key)
            return None if use is None else use.limit

        assert await b.until(lambda: now() == 10)
        over = order(qty=11)
        b.send(over)
        assert await b.until(lambda: b.status(over.cl_ord_id) is OrdStatus.REJECTED)

        settings.file.write_text(SETTINGS.replace("value = 50", "value = 20"))
        b.send(ReloadSettings(IDS.next(), "back again", "sue"))
        assert await b.until(lambda: now() == 20), "after its delay"


async def test_an_engine_without_a_file_says_so(tmp_path):
    async with Bench(tmp_path) as b:
        said = await refusal(b, ReloadSettings(IDS.next(), "x"))
        assert said.code == "NOT_POSSIBLE"


@pytest.mark.parametrize(
    ("terms", "code", "says"),
    [
        ({"price": 200.5}, "PRICE_TICK", "The price 200.5 is not a whole number of ticks."),
        ({"price": "200.005"}, "PRICE_TICK", "The price 200.005 is not"),
        ({"qty": 0.5}, "QTY_STEP", "The quantity 0.5 is not a whole number of lots."),
    ],
)
async def test_07_an_order_off_the_grid_is_denied_on_record(tmp_path, terms, code, says):
    async with Bench(tmp_path) as b:
        b.venue.quote()
        new = replace(order(), **terms)
        b.send(new)
        assert await b.until(lambda: b.status(new.cl_ord_id) is OrdStatus.REJECTED)
        told = b.client.stores.orders[new.cl_ord_id]
        value = next(iter(terms.values()))
        assert told.code == code
        assert told.text.startswith(f"{code}: value={value}, scope=instrument:{new.instrument}, ")
        assert f"order={new.cl_ord_id}. {says}" in told.text
        assert "as a whole number of" in told.text
        assert not b.venue.sent
        assert b.engine.kernel.denials() == {(code, f"instrument:{new.instrument}"): 1}
        assert b.engine.server.malformed == 0


async def test_07_a_change_off_the_grid_is_refused(tmp_path):
    async with Bench(tmp_path) as b:
        b.venue.quote()
        resting = order()
        b.send(resting)
        assert await b.until(lambda: b.status(resting.cl_ord_id) is OrdStatus.NEW)
        said = await refusal(b, ReplaceOrder(IDS.next(), resting.cl_ord_id, 5, 9_990.25))
        assert said.code == "PRICE_TICK"
        assert "9990.25" in said.text
        assert b.status(resting.cl_ord_id) is OrdStatus.NEW


async def test_30_nothing_new_while_the_venue_is_compared_with_the_books(tmp_path):
    async with Bench(tmp_path) as b:
        b.venue.quote()
        resting = order()
        b.send(resting)
        assert await b.until(lambda: b.status(resting.cl_ord_id) is OrdStatus.NEW)
        b.venue.fail_list = OSError("not now")
        b.venue.link(LinkState.DOWN)
        b.venue.link(LinkState.UP)
        new = order()
        b.send(new)
        assert await b.until(lambda: b.status(new.cl_ord_id) is OrdStatus.REJECTED)
        assert b.client.stores.orders[new.cl_ord_id].code == "STREAM_RECONCILING"
        said = await refusal(b, ReplaceOrder(IDS.next(), resting.cl_ord_id, 5, 9_990))
        assert said.code == "STREAM_RECONCILING"
        assert len(b.venue.sent) == 1
        assert b.engine.kernel.denials() == {("STREAM_RECONCILING", "venue:V"): 2}


async def test_30_what_is_turned_away_is_on_record_like_any_denial(tmp_path):
    async with Bench(tmp_path) as b:
        told = []
        b.engine.bus.subscribe(RiskDecision, told.append)
        b.engine.ready = False
        new = order(trader="ann")
        b.send(new)
        assert await b.until(lambda: b.status(new.cl_ord_id) is OrdStatus.REJECTED)
        shown = b.client.stores.orders[new.cl_ord_id]
        assert shown.code == "STARTING"
        assert "The engine is reconciling; try again in a moment." in shown.text
        b.engine.ready = True
        b.send(new)
        assert await b.until(lambda: new.cl_ord_id in b.client.stores.refusals)
        assert b.client.stores.refusals[new.cl_ord_id].code == "DUPLICATE_CLIENT_ID"
        assert not b.venue.sent
        assert [(t.order, t.code, t.scope, t.trader) for t in told] == [
            (new.cl_ord_id, "STARTING", "engine", "ann")
        ]
        directory, seq = b.engine.journal.directory, b.engine.kernel.seq
    kernel = Kernel()
    for number, ts, message in replay(directory, 1, seq):
        if kernel.takes(message):
            kernel.apply(number, ts, message)
    assert kernel.denials() == {("STARTING", "engine"): 1}


async def test_denials_are_told_to_whoever_listens(tmp_path):
    async with Settings(tmp_path).bench() as b:
        b.venue.quote()
        told = []
        b.engine.bus.subscribe(RiskDecision, told.append)
        big = order(qty=51, trader="ann")
        b.send(big)
        assert await b.until(lambda: told)
        assert (told[0].order, told[0].code, told[0].trader) == (
            big.cl_ord_id,
            "MAX_ORDER_QTY",
            "ann",
        )
        assert told[0].version > 0


async def test_a_terminal_is_told_how_much_was_denied_by_which_control(tmp_path):
    settings = Settings(tmp_path)
    expected = {"MAX_ORDER_QTY": 2, "PRICE_TICK": 1}
    async with settings.bench() as b:
        b.venue.quote()
        # counted by code, whatever the scope
        for new in (order(qty=51), order(qty=52), replace(order(), price=200.5)):
            b.send(new)
        assert await b.until(lambda: b.client.stores.engine.denials == expected)
    async with settings.bench() as b:
        assert await b.until(lambda: b.client.stores.engine.denials == expected), "of the journal"


async def test_a_client_asks_what_an_order_would_meet(tmp_path):
    async with Settings(tmp_path).bench() as b:
        b.venue.quote()
        answers = b.client.stores.appraisals
        seq = b.engine.kernel.seq
        assert b.client.appraise(Appraise(7, order(qty=51, name="never sent")))
        assert await b.until(lambda: 7 in answers)
        assert [v.code for v in answers[7].violations] == ["MAX_ORDER_QTY"]
        assert answers[7].value == 5100
        assert b.engine.kernel.order("never sent") is None
        b.venue.quote(11_000, 11_001)
        b.client.appraise(Appraise(8, order(qty=1, price=0, ord_type=OrdType.MARKET)))
        assert await b.until(lambda: 8 in answers)
        assert answers[8].value == Decimal("110.01"), "by the newest price"
        assert not b.venue.sent
        assert b.engine.kernel.seq > seq, "the price that it was judged by is on record"
        b.engine.ready = False
        b.client.appraise(Appraise(9, order(qty=1)))
        assert await b.until(lambda: 9 in answers)
        assert answers[9].violations[0].code == "STARTING"
        for number in range(100, 200):
            b.client.appraise(Appraise(number, order(qty=1)))
        assert await b.until(lambda: 199 in answers)
        assert len(answers) <= 64


FOLLOWING = """
[[risk.following]]
name = "max_order_qty"
instrument = "ABC.V"
volatility = 0.05

[[limits]]
name = "max_order_qty"
value = 1000
scope = "instrument"
scope_id = "ABC.V"

[[limits]]
name = "max_var"
value = 1000000
"""


async def test_a_wild_market_tightens_and_value_at_risk_becomes_known(tmp_path):
    settings = Settings(tmp_path, SETTINGS.replace("value = 50", "value = 5000") + FOLLOWING)
    async with settings.bench() as b:
        clock = Clock(b.engine.path.clock())
        b.engine.path.clock = clock
        feed = RiskFeed(b.engine.cache, b.engine.feed, b.engine.path)
        early = order(qty=1)
        b.venue.quote()
        b.send(early)
        assert await b.until(lambda: b.status(early.cl_ord_id) is OrdStatus.REJECTED)
        assert b.client.stores.orders[early.cl_ord_id].code == "RISK_UNAVAILABLE"
        for step in range(25):
            mid = 10_000 + 100 * (step % 2)
            b.venue.quote(mid - 1, mid + 1)
            b.venue.quote(mid - 1, mid + 1, "DEF")
            feed.look()
            clock.now += MINUTE
        feed.look()
        uses = {(u.name, u.scope): u for u in b.engine.kernel.limit_uses(clock.now)}
        followed = uses["max_order_qty", "instrument"]
        assert followed.base == 1000
        assert followed.limit == 200, "the floor: a fifth"
        small = order(qty=1, price=10_000)
        b.venue.quote(9_999, 10_001)
        b.send(small)
        assert await b.until(lambda: b.status(small.cl_ord_id) is OrdStatus.NEW)


class Clock:
    def __init__(self, now: int) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


async def test_nothing_is_told_that_no_limit_asks_for(tmp_path):
    async with Settings(tmp_path).bench() as b:
        b.venue.quote()
        taken = []
        take = b.engine.path.take
        b.engine.path.take = lambda message: (taken.append(message), take(message))
        feed = RiskFeed(b.engine.cache, b.engine.feed, b.engine.path)
        feed.look()
        assert not [m for m in taken if isinstance(m, Facts)]


class OptionVenue(ScriptedVenue):
    """The venue lists options on one of its own, and on a product whose future it lists."""

    def instruments(self):
        abc, other = super().instruments()
        call = Contract("ABC.V", PutOrCall.CALL, Decimal(100), FAR)
        on_future = Contract("SP", PutOrCall.PUT, Decimal(100), FAR)
        return (
            abc,
            replace(other, id="FUT.V", symbol="FUT", contract=Contract("SP", expiry=FAR)),
            replace(abc, id="CALL.V", symbol="CALL", contract=call),
            replace(abc, id="PUT.V", symbol="PUT", contract=on_future),
        )


FAR = 4_000_000_000_000_000_000


async def test_prices_of_underlyings_and_implied_volatilities_are_told(tmp_path):
    settings = Settings(tmp_path)
    async with Bench(tmp_path, OptionVenue(), config=settings.read()) as b:
        for timer in b.engine._timers:
            timer.stop()
        clock = Clock(b.engine.path.clock())
        b.engine.path.clock = clock
        for symbol, price in (("ABC", 10_500), ("FUT", 9_000), ("CALL", 2_000), ("PUT", 2_500)):
            b.venue.quote(price - 1, price + 1, symbol)
        told = []
        take = b.engine.path.take
        b.engine.path.take = lambda m: (isinstance(m, Facts) and told.append(m), take(m))
        feed = RiskFeed(b.engine.cache, b.engine.feed, b.engine.path)
        feed.price()
        (facts,) = told
        assert facts.underlyings == {"ABC.V": Decimal(105), "SP": Decimal(90)}
        years = (FAR - clock.now) / YEAR
        for name, call, price, forward in (("CALL.V", True, 20, 105), ("PUT.V", False, 25, 90)):
            vol = facts.vols[name] / 1e9
            assert black76(call, forward, 100, years, vol) == pytest.approx(price, rel=1e-6)
        feed.price()
        assert len(told) == 1, "nothing is new"
        b.venue.quote(500, 502, "CALL")  # less than exercise would bring
        b.venue.quote(10_699, 10_701, "ABC")
        feed.price()
        assert told[1].underlyings == {"ABC.V": Decimal(107)}
        assert told[1].vols == {"CALL.V": 0}, "no volatility gives that price"
        clock.now += 31_000_000_000
        feed.price()
        assert told[2].underlyings == {"ABC.V": Decimal(107), "SP": Decimal(90)}, "still so"
        clock.now += 31_000_000_000
        feed.price()
        assert len(told) == 3, "what is old is not told"


ACCOUNT = '[[accounts]]\nid = "A"\n'


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("[risk]\nreference = 'best'\n", "line 4: risk.reference", "is not possible. Use"),
        ("[risk]\ncolour = 1\n", "line 4: risk.colour", "no such field"),
        ("[risk.rates]\nEUR = -1\n", "risk", "-1 is no exchange rate for EUR"),
        ("[[risk.permissions]]\norder_types = ['LIMIT', 'HOPE']\n", "line 4", "“HOPE” is no order"),
        ("[[risk.permissions]]\n[[risk.permissions]]\naccount = 'B'\n", "line 5", "no account"),
        ("[[risk.restricted]]\ninstrument = 'X'\nreason = ' '\n", "line 5", "Say why"),
        ("[[risk.margins]]\naccount = 'A'\nmodel = 'magic'\n", "line 5", "is not possible. Use"),
        ("[[risk.margins]]\naccount = 'B'\nmodel = 'cash'\n", "line 4", "no account"),
        (
            "[[risk.margins]]\naccount = 'A'\nmodel = 'scan'\n"
            "products = [{ underlying = 'ES', price_scan = -1 }]\n",
            "risk",
            "price_scan is -1; use a range above 0",
        ),
        ("[[risk.following]]\nname = 'daily_loss'\n", "risk", "no limit of an instrument"),
        ("[[risk.following]]\nname = 'max_order_qty'\nfloor = 2\n", "risk", "use 0 to 1"),
        (
            "[[limits]]\nname = 'max_short'\nvalue = 1\nscope = 'trader'\n",
            "line 6",
            "scope must be",
        ),
        (
            2 * "[[limits]]\nname = 'max_short'\nvalue = 1\n",
            "line 7: limits[1].name",
            "there twice",
        ),
        ("[[limits]]\nname = 'max_short'\nvalue = 1.5\n", "line 5", "not a whole number"),
    ],
)
def test_wrong_risk_settings_are_refused_with_line_and_reason(text, place, words):
    with pytest.raises(ConfigError) as caught:
        parse_config(ACCOUNT + text, "f.toml")
    assert str(caught.value).startswith("f.toml")
    assert place in str(caught.value)
    assert words in str(caught.value)


def test_all_of_the_risk_settings():
    config = parse_config(
        ACCOUNT
        + """
[risk]
currency = "USD"
rates = { EUR = 1.08 }
reference = "last"
self_trade = "cancel"
volumes = { "ABC.V" = 1000.5 }
[[risk.permissions]]
trader = "ann"
order_types = ["LIMIT"]
[[risk.restricted]]
instrument = "ABC.V"
reason = "because"
[[risk.margins]]
account = "A"
model = "perpetual"
[[risk.margins.perpetuals]]
instrument = "ABC.V"
leverage = 10
brackets = [{ floor = 0, rate = 0.005, leverage = 50 }]
[[risk.margins]]
account = "A"
model = "scan"
products = [{ underlying = "ES", price_scan = 220, vol_scan = 0.04, spread_charge = 100 }]
[[risk.margins]]
account = "A"
model = "strategies"
stocks = [{ instrument = "ABC.V", initial_long = 1 }]
options = [{ underlying = "ABC.V", rate = 0.15 }]
""",
        "f.toml",
    )
    policy = config.setup((), "why", "ann").policy
    assert policy is not None
    assert policy.by_last
    assert policy.cancel_own
    assert policy.rates == {"EUR": Decimal("1.08")}
    assert policy.permissions[0].ord_types[0].name == "LIMIT"
    assert policy.margins[0].perpetuals[0].brackets[0].rate == Decimal("0.005")
    assert policy.margins[1].products == (
        ProductSetup("ES", Decimal(220), Decimal("0.04"), spread_charge=Decimal(100)),
    )
    assert policy.margins[2].stocks == (StockSetup("ABC.V", Decimal(1)),)
    assert policy.margins[2].options == (OptionSetup("ABC.V", Decimal("0.15")),)
