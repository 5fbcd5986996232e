"""The columns of orders, fills and positions: stable names, exact values."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from core.model.contracts import Contract, inverse_cost
from core.model.enums import Liquidity, OrdStatus, OrdType, Side, Source, TimeInForce
from core.model.instruments import Instrument
from core.model.orders import Fill, Order, Position
from core.model.tables import FILLS, ORDERS, POSITIONS, TABLES, Instant

LOT = Decimal("0.001")
TICK = Decimal("0.25")
ABC = Instrument("ABC.V", "ABC", "V", TICK, LOT, "EUR", multiplier=Decimal(50))

LOTS = st.integers(1, 10**9)
TICKS = st.integers(1, 10**6)

NAMES = {
    "orders": "created updated account instrument side ord_type qty price stop_price tif status"
    " cum_qty leaves_qty avg_price value fees currency strategy source trader post_only"
    " reduce_only code text cl_ord_id order_id held expire display_qty contingency list_id"
    " parent position_effect",
    "fills": "ts venue_ts account instrument side qty price value fee currency liquidity position"
    " strategy trader exec_id cl_ord_id kind ref leg",
    "positions": "account instrument strategy qty avg_price cost realised fees currency bought"
    " sold updated leg",
    "balances": "account currency cash opening settled realised open_profit fees exposure state"
    " reason updated",
    "cash": "ts account currency kind amount balance instrument cl_ord_id exec_id",
}


@pytest.mark.parametrize("kind", TABLES)
def test_machine_names_stay_as_they_are(kind):
    """Files that people keep are read by these names; only add, never rename."""
    assert [c.id for c in TABLES[kind].columns] == NAMES[kind].split()
    assert all(c.title for c in TABLES[kind].columns)
    with pytest.raises(KeyError):
        TABLES[kind].column("no such")


def values(table, row):
    return {c.id: c.value(row, ABC) for c in table.columns}


def fill(side: Side, price: int, qty: int, fee: str = "0.1") -> Fill:
    return Fill(1, 2, "E", "O", "P", ABC.id, side, price, qty, Decimal(fee), "EUR",
                Liquidity.REMOVED, "", "", 3)  # fmt: skip


def test_an_inverse_contract_s_values_are_in_coins():
    coin = replace(ABC, currency="XBT", lot=Decimal(1), contract=Contract("XBT", inverse=True))
    value = FILLS.column("value").value
    assert value(fill(Side.SELL, 40_000, 3), coin) == Decimal("0.015")
    assert value(fill(Side.BUY, 30_000, 1), coin) == Decimal("0.00666667")
    position = Position(1, 2, "P", coin.id, -3, 1_500_000, 250_000, Decimal(0))
    row = {c.id: c.value(position, coin) for c in POSITIONS.columns}
    assert (row["avg_price"], row["cost"]) == (10_000, Decimal("0.015"))
    assert row["realised"] == Decimal("0.0025")
    assert coin.average(0, 3) is None


@given(TICKS, LOTS, st.integers(1, 10**6))
def test_a_purchase_and_a_sale_at_one_price_cancel_out(price, qty, face):
    bought, sold = inverse_cost(face, price, qty), inverse_cost(face, price, -qty)
    assert bought + sold == 0
    assert abs(sold * price - face * qty) * 2 <= price


@given(st.sampled_from(list(Side)), TICKS, LOTS)
def test_a_fill_s_value_is_quantity_times_price_times_multiplier(side, price, qty):
    row = values(FILLS, fill(side, price, qty))
    assert row["value"] == row["qty"] * row["price"] * 50
    assert row["price"] == price * TICK
    assert row["qty"] == qty * LOT
    assert (row["side"], row["liquidity"]) == (side.name, "removed")
    assert isinstance(row["ts"], Instant)


def order(**changes) -> Order:
    fields = {
        "cl_ord_id": "O",
        "account": "P",
        "instrument": ABC.id,
        "side": Side.BUY,
        "ord_type": OrdType.LIMIT,
        "qty": 10,
        "price": 7,
        "stop_price": 0,
        "tif": TimeInForce.GTC,
        "post_only": False,
        "reduce_only": True,
        "source": Source.USER,
        "trader": "",
        "strategy": "",
        "status": OrdStatus.PARTIALLY_FILLED,
        "created": 1,
        "updated": 2,
    }
    return Order(**(fields | changes))


def test_an_order_says_nothing_where_there_is_nothing_to_say():
    row = values(ORDERS, order(ord_type=OrdType.MARKET, price=0))
    assert row["price"] is None
    assert row["stop_price"] is None
    assert row["avg_price"] is None
    assert row["ord_type"] == "market"
    assert row["status"] == "partially_filled"
    assert (row["post_only"], row["reduce_only"]) == (False, True)


def test_an_order_s_fills_add_up():
    row = values(ORDERS, order(cum_qty=4, notional=4 * 8))
    assert row["avg_price"] == 2
    assert row["value"] == row["avg_price"] * row["cum_qty"] * 50
    assert row["leaves_qty"] == 6 * LOT
    dead = values(ORDERS, order(cum_qty=4, notional=32, status=OrdStatus.CANCELED))
    assert dead["leaves_qty"] == 0


@given(st.lists(st.tuples(st.sampled_from(list(Side)), TICKS, LOTS), min_size=1, max_size=20))
def test_positions_are_the_sum_of_the_fills(trades):
    """Realised minus cost is minus the sum of what was paid, in the columns as in the kernel."""
    fills = [values(FILLS, fill(*trade)) for trade in trades]
    signs = [1 if side is Side.BUY else -1 for side, _, _ in trades]
    qty = sum(s * q for s, (_, _, q) in zip(signs, trades, strict=True))
    paid = sum(s * p * q for s, (_, p, q) in zip(signs, trades, strict=True))
    row = values(POSITIONS, Position(1, 1, "P", ABC.id, qty, paid, 0, Decimal(0)))
    assert row["qty"] == sum(s * f["qty"] for s, f in zip(signs, fills, strict=True))
    assert row["realised"] - row["cost"] == -sum(
        s * f["value"] for s, f in zip(signs, fills, strict=True)
    )
    assert (row["avg_price"] is None) == (qty == 0)


@given(TICKS, LOTS)
def test_the_average_of_one_price_is_that_price(price, qty):
    assert ABC.average(price * qty, qty) == price * TICK
    assert ABC.average(-price * qty, -qty) == price * TICK
