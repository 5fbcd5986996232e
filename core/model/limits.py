"""The limits a risk gate enforces, as data: name, unit, meaning, where it may be set, default.

The settings file, the risk panel, the gate and the table in the README all come from this list. A
limit's value is a `Decimal` in the unit that the trader reads. `None` means not limited. Values
belong to a scope with an id, or with an empty id for the default of all in that scope.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

SCOPES = ("account", "trader", "strategy", "instrument", "class", "venue", "sector", "currency")
"""Where limits are set. A class is an instrument's `kind`, such as ``future``."""

_ORDER = ("account", "trader", "strategy", "instrument", "class")
_DESK = ("account", "trader", "strategy")
_FLOW = ("account", "trader", "strategy", "venue")
_VENUE = ("venue",)


class LimitKind(NamedTuple):
    """One kind of limit.

    `code` is what a denial by it is called, `group` what it limits: ``order``, ``flow``,
    ``position`` or ``loss``. `at` says what happens when it is reached. A `soft` limit asks a
    person to confirm. `whole` limits are whole numbers.
    """

    name: str
    code: str
    unit: str
    title: str
    meaning: str
    default: Decimal | None = None
    group: str = "order"
    scopes: tuple[str, ...] = _ORDER
    at: str = "orders are refused"
    soft: bool = False
    whole: bool = False


_REDUCE = "it goes reduce-only"

_KINDS = (
    LimitKind(
        "max_order_qty",
        "MAX_ORDER_QTY",
        "lots",
        "Order size",
        "Largest single order.",
        whole=True,
    ),
    LimitKind(
        "max_order_notional",
        "MAX_ORDER_NOTIONAL",
        "money",
        "Order value",
        "Largest value of a single order: quantity x price x multiplier.",
        Decimal(1_000_000),
    ),
    LimitKind(
        "confirm_order_notional",
        "MAX_ORDER_NOTIONAL",
        "money",
        "Order value to confirm",
        "Value of a single order beyond which the trader is asked to confirm it.",
        at="orders ask for confirmation",
        soft=True,
    ),
    LimitKind(
        "price_collar",
        "PRICE_COLLAR",
        "%",
        "Price collar",
        "How far beyond the market an order's price may be.",
        Decimal(5),
    ),
    LimitKind(
        "confirm_price_collar",
        "PRICE_COLLAR",
        "%",
        "Price to confirm",
        "How far beyond the market a price may be before the trader is asked to confirm it.",
        at="orders ask for confirmation",
        soft=True,
    ),
    LimitKind(
        "window_collar",
        "PRICE_COLLAR",
        "%",
        "Price collar, 5 min",
        "How far beyond the price of five minutes ago an order's price may be.",
        Decimal(10),
    ),
    LimitKind(
        "stale_after",
        "STALE_MARKET_DATA",
        "s",
        "Stale price",
        "Oldest quote on which an opening order may be sent.",
        Decimal(5),
    ),
    LimitKind(
        "locked_after",
        "STALE_MARKET_DATA",
        "s",
        "Locked quote",
        "How long bid and ask may be equal until the quote is no price any more; a crossed quote"
        " never is one.",
        Decimal(5),
    ),
    LimitKind(
        "max_adv",
        "MAX_ADV_PARTICIPATION",
        "%",
        "Share of daily volume",
        "Largest share of an instrument's average daily volume: the order, all open orders and"
        " what was traded today.",
    ),
    LimitKind(
        "max_order_rate",
        "RATE_LIMIT",
        "orders/s",
        "Order rate",
        "Most new orders in one second; cancels are free.",
        Decimal(100),
        "flow",
        _FLOW,
        whole=True,
    ),
    LimitKind(
        "max_change_rate",
        "RATE_LIMIT",
        "changes/s",
        "Change rate",
        "Most changes of orders in one second.",
        Decimal(100),
        "flow",
        _FLOW,
        whole=True,
    ),
    LimitKind(
        "max_messages",
        "MESSAGE_BUDGET",
        "msgs/s",
        "Messages a second",
        "Most messages to a venue in one second. Cancels count and are never refused.",
        None,
        "flow",
        _VENUE,
        whole=True,
    ),
    LimitKind(
        "max_messages_day",
        "MESSAGE_BUDGET",
        "msgs",
        "Messages a day",
        "Most messages to a venue in one session. Cancels count and are never refused.",
        None,
        "flow",
        _VENUE,
        whole=True,
    ),
    LimitKind(
        "max_order_trade_ratio",
        "MESSAGE_BUDGET",
        "msgs/trade",
        "Messages a trade",
        "Most messages to a venue for each execution of the session, from 100 messages on.",
        None,
        "flow",
        _VENUE,
        whole=True,
    ),
    LimitKind(
        "max_duplicates",
        "DUPLICATE_ORDER",
        "orders/s",
        "Identical orders",
        "Most orders in one second that are alike in account, instrument, side, type, quantity"
        " and price.",
        None,
        "flow",
        _DESK,
        whole=True,
    ),
    LimitKind(
        "max_repeats",
        "REPEATED_EXECUTION_THROTTLE",
        "orders/min",
        "Orders traded a minute",
        "Most orders of a strategy that trade within one minute; then it is stopped until a"
        " person lets it go on.",
        None,
        "flow",
        ("strategy",),
        "the strategy is stopped",
        whole=True,
    ),
    LimitKind(
        "max_open_orders",
        "MAX_OPEN_ORDERS",
        "orders",
        "Open orders",
        "Most orders working at once.",
        Decimal(200),
        "position",
        whole=True,
    ),
    LimitKind(
        "max_position",
        "MAX_POSITION",
        "lots",
        "Position",
        "Largest worst-case position: held plus all open orders of the same side.",
        None,
        "position",
        whole=True,
    ),
    LimitKind(
        "max_short",
        "NO_LOCATE",
        "lots",
        "Short position",
        "Largest worst-case short position: what was borrowed (0: no short sales).",
        None,
        "position",
        ("account", "instrument", "class"),
        whole=True,
    ),
    LimitKind(
        "max_exposure",
        "MAX_GROSS_EXPOSURE",
        "money",
        "Exposure",
        "Largest gross value of positions and open orders.",
        Decimal(5_000_000),
        "position",
        (*_ORDER, "sector", "currency"),
    ),
    LimitKind(
        "max_net_exposure",
        "MAX_NET_EXPOSURE",
        "money",
        "Net exposure",
        "Largest net value of positions and open orders of one side.",
        None,
        "position",
        _DESK,
    ),
    LimitKind(
        "max_concentration",
        "CONCENTRATION",
        "%",
        "Concentration",
        "Largest share of the account's equity in one instrument.",
        None,
        "position",
        ("account",),
    ),
    LimitKind(
        "max_var",
        "VAR_LIMIT",
        "money",
        "Value at risk, 95 %",
        "Largest loss of a day that is passed on one day in twenty.",
        None,
        "position",
        ("account",),
    ),
    LimitKind(
        "max_shortfall",
        "VAR_LIMIT",
        "money",
        "Expected shortfall, 99 %",
        "Largest loss to be expected of the worst day in a hundred.",
        None,
        "position",
        ("account",),
    ),
    LimitKind(
        "daily_loss",
        "DAILY_LOSS_LIMIT",
        "money",
        "Daily loss",
        "Largest loss since the session began, realised and open; beyond it reduce only.",
        Decimal(25_000),
        "loss",
        _DESK,
        _REDUCE,
    ),
    LimitKind(
        "daily_loss_halt",
        "DAILY_LOSS_LIMIT",
        "money",
        "Daily loss to halt",
        "Loss since the session began, realised and open, at which all trading is halted.",
        None,
        "loss",
        _DESK,
        "trading is halted",
    ),
    LimitKind(
        "max_drawdown",
        "MAX_DRAWDOWN",
        "money",
        "Drawdown",
        "Largest fall of the equity from its highest, over all sessions; beyond it reduce only.",
        None,
        "loss",
        _DESK,
        _REDUCE,
    ),
)

LIMIT_KINDS: dict[str, LimitKind] = {kind.name: kind for kind in _KINDS}
"""Every kind of limit by its name, in the order in which they are shown."""

OVERRIDABLE = frozenset(kind.code for kind in _KINDS if kind.group in ("order", "position"))
"""Codes that an override can let pass: limits on size, price, position; never on loss or flow."""


def table() -> str:
    """All kinds of limits as a Markdown table, as the README has it."""
    lines = ["| limit | unit | default | where | what |", "|---|---|---|---|---|"]
    for kind in _KINDS:
        default = "" if kind.default is None else f"{kind.default:,}"
        where = "any of five" if kind.scopes == _ORDER else ", ".join(kind.scopes)
        soft = " A person may confirm it." if kind.soft else ""
        lines.append(
            f"| `{kind.name}` | {kind.unit} | {default} | {where} | {kind.meaning}{soft} |"
        )
    return "\n".join(lines)
