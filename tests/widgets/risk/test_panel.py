"""Limits and their use, changing them, and what is left after a kill."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from core.model.commands import CancelAll, Flatten, SetLimit, SetTradingState
from core.model.enums import ExecType, OrdStatus, Severity, Side, TradingState
from core.model.events import LimitUse, Notice
from core.model.ids import IdMaker
from core.model.orders import OrderUpdate
from core.model.session import EngineView
from tests.widgets.trading_world import BID, BTC, World
from widgets.risk.change import ChangeLimit
from widgets.risk.checklist import kill_level
from widgets.risk.limits import row_words, used_part, used_words
from widgets.risk.panel import RiskPanel
from widgets.theme import DARK, apply_theme

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def panel(qtbot, qapp, world):
    apply_theme(qapp, "dark")
    made = RiskPanel(world.stores, IdMaker("T"))
    qtbot.addWidget(made)
    made.set_account("PAPER")
    made.resize(320, 500)
    made.show()
    made.activateWindow()
    qtbot.waitUntil(made.isActiveWindow)
    made.commands = []
    made.requested.connect(made.commands.append)
    made.flush()
    return made


def use(
    world: World, used: str, limit: str = "1000", name: str = "max_exposure", **more
) -> LimitUse:
    made = LimitUse(
        1, name, "account", "PAPER", Decimal(used), Decimal(limit), "money", "reduce only", **more
    )
    world.stores.take_event(made)
    return made


@pytest.mark.parametrize(
    ("used", "limit", "part", "words"),
    [
        ("0", "1000", 0.0, "0 % used"),
        ("799", "1000", 0.799, "80 % used"),
        ("800", "1000", 0.8, "near: 80 % used"),
        ("1000", "1000", 1.0, "REACHED: 100 % used"),
        ("2500", "1000", 2.5, "REACHED: 250 % used"),
        ("0", "0", 0.0, "0 % used"),
        ("1", "0", 1.0, "REACHED: 100 % used"),
    ],
)
def test_the_state_is_a_word_too(world, used, limit, part, words):
    assert used_part(use(world, used, limit)) == part
    assert used_words(part) == words


def test_bars_show_the_state_in_colour(panel, world):
    seen = []
    for used in ("10", "850", "1000"):
        use(world, used)
        panel.flush()
        picture = panel.limits.grab().toImage()
        scale = picture.devicePixelRatio()
        line = panel.limits.fontMetrics().height()
        seen.append(picture.pixelColor(round(9 * scale), round((4 + line + 4) * scale)))
    assert seen == [DARK.accent, DARK.warning, DARK.danger]


def test_what_was_denied_is_counted_by_control(panel, world):
    assert not panel.denials.isVisible()
    world.stores.engine = EngineView(1, denials={"MAX_ORDER_QTY": 5, "PRICE_COLLAR": 1_007})
    panel.flush()
    assert panel.denials.isVisible()
    assert panel.denials.text() == (
        "Denied so far, in all accounts: 1,012 (1,007 PRICE_COLLAR, 5 MAX_ORDER_QTY)"
    )
    world.stores.engine = EngineView(2)  # another engine, with other records
    panel.flush()
    assert not panel.denials.isVisible()


def opened(panel) -> ChangeLimit:
    form = panel.findChild(ChangeLimit)
    assert form is not None
    assert not form.isModal()
    return form


def test_tightening_is_sent_at_once(panel, world):
    use(world, "10")
    panel.flush()
    QTest.mouseDClick(panel.limits, LEFT, pos=QPoint(20, 10))
    form = opened(panel)
    assert not form.ok.isEnabled()
    form.value.setText("900")
    assert "at once" in form.note.text()
    QTest.mouseClick(form.ok, LEFT)
    (command,) = panel.commands
    assert isinstance(command, SetLimit)
    assert (command.name, command.value, command.scope) == ("max_exposure", 900, "account")
    assert (command.scope_id, command.reason) == ("PAPER", "")


def test_loosening_wants_a_typed_reason(panel, world):
    use(world, "10")
    panel.flush()
    panel.limits.setFocus()
    QTest.keyClick(panel.limits, Qt.Key.Key_Return)
    form = opened(panel)
    form.value.setText("2000.50")
    assert "reason" in form.note.text()
    QTest.keyClicks(form.reason, "   ")
    assert not form.ok.isEnabled()
    QTest.keyClicks(form.reason, "more room for the close")
    assert form.ok.isEnabled()
    assert "delay" in form.note.text()
    QTest.mouseClick(form.ok, LEFT)
    (command,) = panel.commands
    assert (command.value, command.reason) == (Decimal("2000.50"), "more room for the close")


@pytest.mark.parametrize("text", ["", "abc", "-1", "1000", "NaN", "1e999999"])
def test_wrong_values_get_a_sentence(panel, world, text):
    use(world, "10")
    panel.flush()
    panel.limits.change_asked.emit("account|PAPER|max_exposure")
    form = opened(panel)
    form.value.setText(text)
    form.reason.setText("a reason does not make it right")
    assert form.note.text()
    assert not form.ok.isEnabled()
    form.reject()
    assert panel.commands == []


def test_a_pending_change_is_told(panel, world):
    use(world, "10", pending=Decimal(5_000), pending_at=1)
    panel.flush()
    assert panel.limits.accessibleDescription() == "Exposure: 10 of 1,000, 1 % used"


def test_arrows_choose_a_row(panel, world):
    use(world, "10")
    use(world, "3", "200", "max_open_orders")
    panel.flush()
    panel.limits.setFocus()
    QTest.keyClick(panel.limits, Qt.Key.Key_Down)
    assert panel.limits.accessibleDescription().startswith("Exposure")
    QTest.keyClick(panel.limits, Qt.Key.Key_Down)
    QTest.keyClick(panel.limits, Qt.Key.Key_Up)
    assert panel.limits.accessibleDescription().startswith("Open orders: 3")


def test_what_is_unused_and_as_the_program_sets_it_waits_behind_a_row(panel, world):
    use(world, "0", "1000000", "max_order_notional")
    use(world, "0", "100", "max_order_rate")
    use(world, "0", "25000", "daily_loss")
    panel.flush()
    table = panel.limits
    assert table.accessibleDescription().startswith("Daily loss"), "that is always seen"
    table.setFocus()
    QTest.keyClick(table, Qt.Key.Key_Down)
    assert table.accessibleDescription() == "▸ 2 more limits, unused and as set by the program"
    QTest.keyClick(table, Qt.Key.Key_Return)
    assert table.accessibleDescription().startswith("Order rate"), "what hurts comes before"
    QTest.mouseClick(table, LEFT, pos=QPoint(20, 3 * table.row_height() + 5))
    assert table.accessibleDescription() == "▸ 2 more limits, unused and as set by the program"
    use(world, "1", "100", "max_order_rate")
    panel.flush()
    assert table.minimumHeight() == 3 * table.row_height()


def test_a_limit_tightened_by_the_market_says_from_what(panel, world):
    use(world, "1", "500", "max_order_qty", base=Decimal(1000))
    panel.flush()
    assert "tightened by the market from 1,000" in row_words(
        use(world, "1", "500", "max_order_qty", base=Decimal(1000))
    )


def kill(world: World, level: int) -> None:
    account = world.stores.accounts["PAPER"]
    text = f"killed (level {level}): kill switch"
    state = replace(account, state=TradingState.REDUCING, reason=text, ts=world.clock.wall())
    world.stores.take_event(state)


def test_rearming_needs_the_account_name(panel, world):
    assert not panel.confirm.isVisible()
    kill(world, 1)
    panel.flush()
    assert "REDUCE ONLY" in panel.state.text()
    assert "killed (level 1)" in panel.state.text()
    assert panel.confirm.isVisible()
    assert not panel.rearm.isEnabled()
    QTest.keyClicks(panel.confirm, "paper")
    assert not panel.rearm.isEnabled()
    panel.confirm.clear()
    QTest.keyClicks(panel.confirm, "PAPER")
    QTest.mouseClick(panel.rearm, LEFT)
    (command,) = panel.commands
    assert isinstance(command, SetTradingState)
    assert (command.account, command.state) == ("PAPER", TradingState.ACTIVE)
    assert panel.confirm.text() == ""
    assert not panel.rearm.isEnabled()


def test_a_wrong_name_says_what_to_type(panel, world):
    kill(world, 1)
    panel.flush()
    assert not panel.mistake.isVisible()
    QTest.keyClicks(panel.confirm, "PAP")
    assert not panel.mistake.isVisible(), "it may still become the name"
    QTest.keyClick(panel.confirm, Qt.Key.Key_Return)
    assert panel.mistake.isVisible()
    assert panel.commands == []
    QTest.keyClicks(panel.confirm, "E")
    assert not panel.mistake.isVisible()
    panel.confirm.clear()
    QTest.keyClicks(panel.confirm, "paper")
    assert panel.mistake.isVisible()
    text = panel.mistake.text()
    assert "“paper” is not the account's name" in text
    assert "type PAPER, exactly" in text
    panel.confirm.clear()
    assert not panel.mistake.isVisible()
    QTest.keyClick(panel.confirm, Qt.Key.Key_Return)
    assert "No name is typed" in panel.mistake.text()
    QTest.keyClicks(panel.confirm, "nonsense")
    account = world.stores.accounts["PAPER"]
    world.stores.take_event(replace(account, state=TradingState.ACTIVE, reason=""))
    panel.flush()
    assert not panel.mistake.isVisible()
    assert panel.confirm.text() == ""


def test_names_are_text_not_markup(panel, world):
    account = world.stores.accounts["PAPER"]
    world.stores.take_event(replace(account, state=TradingState.HALTED, reason="a <b>bold</b> one"))
    panel.flush()
    assert "&lt;b&gt;" in panel.state.text()


def test_the_list_after_a_kill(panel, world):
    world.order("O1", Side.BUY, BID)
    world.order("O2", Side.BUY, BID - 1)
    world.hold(200, BID)
    kill(world, 1)
    panel.flush()
    assert panel.checks.isVisible()
    assert panel.checks.text().count("still working") == 2
    assert "+2.00 BTC-USD: still held" in panel.checks.text()
    assert panel.retry_cancel.text() == "Cancel 2 orders"
    assert panel.retry_flatten.text() == "Flatten 1 position"
    kill(world, 3)
    world.order("O1", Side.BUY, BID, status=OrdStatus.CANCELED)
    refused = world.stores.orders["O2"]
    world.clock.forward(1)
    text = "SIM refused the cancel: too busy."
    world.stores.take_event(
        OrderUpdate(1, world.clock.wall(), refused, ExecType.ORDER_STATUS, text=text)
    )
    trouble = f"J1: PAPER {BTC.id} is NOT closed: nobody to trade with."
    world.stores.add_notice(Notice(world.clock.wall(), Severity.CRITICAL, "engine", trouble))
    panel.flush()
    shown = panel.checks.text()
    assert f'color:{DARK.danger.name()}">✖ BUY 0.50 BTC-USD @ 64,210.0 GTC: {text}' in shown
    assert f'color:{DARK.danger.name()}">✖ +2.00 BTC-USD: {trouble}' in shown
    assert "✓ BUY 0.50 BTC-USD @ 64,210.5 GTC: cancelled" in shown
    assert shown.index("✖") < shown.index("✓")
    assert panel.retry_cancel.text() == "Retry: cancel 1 order"
    assert panel.retry_flatten.text() == "Retry: flatten 1 position"
    QTest.mouseClick(panel.retry_cancel, LEFT)
    QTest.mouseClick(panel.retry_flatten, LEFT)
    cancel, flatten = panel.commands
    assert isinstance(cancel, CancelAll)
    assert isinstance(flatten, Flatten)
    assert cancel.account == flatten.account == "PAPER"
    world.order("O2", Side.BUY, BID - 1, status=OrdStatus.CANCELED)
    world.hold(0, BID)
    panel.flush()
    assert panel.checks.text().count("✓") == 3
    assert not panel.retry_cancel.isVisible()
    assert not panel.retry_flatten.isVisible()
    account = world.stores.accounts["PAPER"]
    world.stores.take_event(replace(account, state=TradingState.ACTIVE, reason=""))
    panel.flush()
    assert not panel.checks.isVisible()


def test_an_order_of_unknown_fate_is_a_failure(panel, world):
    world.order("O1", Side.BUY, BID, status=OrdStatus.UNKNOWN)
    kill(world, 2)
    panel.flush()
    assert "✖" in panel.checks.text()
    assert "not known whether it works" in panel.checks.text()


def test_a_long_list_is_cut_and_says_so(panel, world):
    for n in range(20):
        world.order(f"O{n}", Side.BUY, BID - n)
    kill(world, 2)
    panel.flush()
    assert "and 12 more" in panel.checks.text()
    assert panel.retry_cancel.text() == "Retry: cancel 20 orders"


def test_orders_of_other_accounts_are_not_listed(panel, world):
    other = replace(world.order("O1", Side.BUY, BID), cl_ord_id="X", account="OTHER")
    world.tell(other)
    world.stores.working.get(BTC.id).pop("O1")
    kill(world, 2)
    panel.flush()
    assert not panel.checks.isVisible()


def test_levels_are_read_from_the_engine_s_own_words():
    assert kill_level("killed (level 2) by T: kill switch") == 2
    assert kill_level("re-armed by the trader") == 0


def test_profit_is_by_currency_and_dashes_what_is_unknown(panel, world):
    world.hold(200, BID)
    world.quote(BID + 10, BID + 11)
    panel.flush()
    assert "+10.00 USD" in panel.profit.text()
    world.stores.tickers.clear()
    panel.flush()
    assert "some prices unknown" in panel.profit.text()
