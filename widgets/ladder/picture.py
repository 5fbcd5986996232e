"""What stands in each row of the ladder, as plain values to compare and paint. No Qt.

`compose` builds all visible rows from the stores; a row that equals the one before needs no
repaint.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

from core.client.series import Depth, Ints
from core.model.commands import CancelOrder, NewOrder, ReplaceOrder
from core.model.enums import OrdStatus, OrdType, Side
from core.model.instruments import Instrument
from core.model.orders import Order
from core.model.session import Ticker
from widgets.ladder.moves import level
from widgets.ladder.rows import Rows
from widgets.ladder.sizes import SizeFormat, bar_scale, share
from widgets.ladder.traded import Traded, faded
from widgets.sent import Sent
from widgets.words import format_price


class Stage(IntEnum):
    """How sure an own order is; of several at one price the least sure is shown."""

    WORKING = 0
    PENDING_REPLACE = 1
    PENDING_CANCEL = 2
    PENDING_NEW = 3
    SENT = 4
    TARGET = 5
    UNKNOWN = 6


class Mine(NamedTuple):
    """Own orders of one side at one price; ``S`` before a stop. `cancel`: the × is shown."""

    text: str
    stage: Stage
    cancel: bool


class Mark:
    """Bits of `RowPicture.marks`."""

    BEST_BID = 1
    BEST_ASK = 2
    LAST = 4
    LAST_UP = 8
    LAST_DOWN = 16
    AVERAGE = 32
    BID_SIDE = 64
    ASK_SIDE = 128
    CURSOR_BUY = 256
    CURSOR_SELL = 512
    FLASH = 1024
    LONG = 2048


class RowPicture(NamedTuple):
    """All that is painted in a row. Shares are hundredths of the visible maximum."""

    price: str = ""
    bid: str = ""
    bid_share: int = 0
    ask: str = ""
    ask_share: int = 0
    buys: Mine | None = None
    sells: Mine | None = None
    volume: str = ""
    volume_share: int = 0
    poc: bool = False
    trade: str = ""
    trade_side: int = 0
    trade_age: int = 0
    marks: int = 0


@dataclass(slots=True)
class Scene:
    """Everything the rows are composed from.

    Attributes:
        average: average price of the position in ticks, rounded; 0 when flat.
        position: signed lots held.
        cursor: price and side of the keyboard's row, or None.
        flash: price of the row that flashes amber; 0 for none.
        drag: side, price and words of the place where a drag would drop, or None.
        last_move: +1 or -1 as the last trade was above or below the one before.
    """

    rows: Rows
    instrument: Instrument
    sizes: SizeFormat
    volumes: SizeFormat
    traded: Traded
    sent: Sent
    depth: Depth | None = None
    ticker: Ticker | None = None
    orders: Sequence[Order] = ()
    by_id: Mapping[str, Order] = field(default_factory=dict)
    average: int = 0
    position: int = 0
    last_move: int = 0
    cursor: tuple[int, Side] | None = None
    flash: int = 0
    drag: tuple[Side, int, str] | None = None
    now: int = 0
    prices: dict[int, str] = field(default_factory=dict)


def compose(scene: Scene) -> list[RowPicture]:
    """The picture of every visible row, from the top."""
    rows = scene.rows
    bids, asks = _levels(scene)
    bars = bar_scale(max((*bids.values(), *asks.values()), default=1))
    volume = scene.traded.volume
    visible = [volume.get(rows.top - r, 0) for r in range(rows.count)]
    most_volume = max(visible, default=0)
    scene.sizes.fit(max((*bids.values(), *asks.values()), default=0))
    scene.volumes.fit(most_volume)
    volume_scale = bar_scale(most_volume)
    buys, sells = _own(scene)
    marks = _marks(scene)
    prints = scene.traded.prints
    pictures = []
    for row in range(rows.count):
        price = rows.price(row)
        if price <= 0:
            pictures.append(RowPicture())
            continue
        bucket = rows.top - row
        print_ = prints.get(bucket)
        bid, ask = bids.get(row, 0), asks.get(row, 0)
        pictures.append(
            RowPicture(
                _price_text(scene, price),
                scene.sizes.text(bid),
                share(bid, bars),
                scene.sizes.text(ask),
                share(ask, bars),
                buys.get(row),
                sells.get(row),
                scene.volumes.text(visible[row]),
                share(visible[row], volume_scale),
                bucket == scene.traded.poc,
                scene.sizes.text(print_.qty) if print_ else "",
                print_.aggressor if print_ else 0,
                faded(print_, scene.now) if print_ else 0,
                marks.get(row, 0) | _side_of(scene.ticker, price),
            )
        )
    return pictures


def orders_at(orders: Iterable[Order], rows: Rows, row: int, side: Side) -> list[Order]:
    """Own orders of `side` that stand in `row`, oldest first."""
    return [o for o in orders if o.side is side and level(o) and _row(rows, side, level(o)) == row]


def _row(rows: Rows, side: Side, ticks: int) -> int:
    return rows.row_of_buy(ticks) if side is Side.BUY else rows.row_of_sell(ticks)


def _price_text(scene: Scene, price: int) -> str:
    known = scene.prices.get(price)
    if known is None:
        if len(scene.prices) > 10_000:
            scene.prices.clear()
        known = scene.prices[price] = format_price(price, scene.instrument)
    return known


def _levels(scene: Scene) -> tuple[dict[int, int], dict[int, int]]:
    """Visible sizes by row; where the venue gives no depth, the best of the quote."""
    depth, ticker, rows = scene.depth, scene.ticker, scene.rows
    if depth is not None and (len(depth.bid_price) or len(depth.ask_price)):
        return (
            _sum_rows(rows, Side.BUY, depth.bid_price, depth.bid_qty),
            _sum_rows(rows, Side.SELL, depth.ask_price, depth.ask_qty),
        )
    bids: dict[int, int] = {}
    asks: dict[int, int] = {}
    if ticker is not None:
        if ticker.bid and rows.visible(rows.row_of_buy(ticker.bid)):
            bids[rows.row_of_buy(ticker.bid)] = ticker.bid_qty
        if ticker.ask and rows.visible(rows.row_of_sell(ticker.ask)):
            asks[rows.row_of_sell(ticker.ask)] = ticker.ask_qty
    return bids, asks


def _sum_rows(rows: Rows, side: Side, prices: Ints, sizes: Ints) -> dict[int, int]:
    found: dict[int, int] = {}
    if side is Side.BUY:
        places = rows.top - prices // rows.group
    else:
        places = rows.top + -prices // rows.group
    inside = (places >= 0) & (places < rows.count)
    for row, qty in zip(places[inside].tolist(), sizes[inside].tolist(), strict=True):
        found[row] = found.get(row, 0) + qty
    return found


_STAGES = {
    OrdStatus.PENDING_NEW: Stage.PENDING_NEW,
    OrdStatus.PENDING_CANCEL: Stage.PENDING_CANCEL,
    OrdStatus.PENDING_REPLACE: Stage.PENDING_REPLACE,
    OrdStatus.UNKNOWN: Stage.UNKNOWN,
}


class _Part(NamedTuple):
    lots: int
    stage: Stage
    cancel: bool = False
    stop: bool = False


def _own(scene: Scene) -> tuple[dict[int, Mine], dict[int, Mine]]:
    """Own orders by row: what works, what is pending, and what was only just sent."""
    cells: dict[tuple[Side, int], list[_Part]] = {}
    rows = scene.rows

    def put(side: Side, ticks: int, part: _Part) -> None:
        row = _row(rows, side, ticks)
        if ticks > 0 and rows.visible(row):
            cells.setdefault((side, row), []).append(part)

    for order in scene.orders:
        stage = _STAGES.get(order.status, Stage.WORKING)
        change = scene.sent.change_of(order.cl_ord_id) if len(scene.sent) else None
        if change is not None and stage is Stage.WORKING:
            gone = isinstance(change, CancelOrder)
            stage = Stage.PENDING_CANCEL if gone else Stage.PENDING_REPLACE
        cancel = stage is not Stage.PENDING_CANCEL
        stop = order.ord_type is OrdType.STOP
        put(order.side, level(order), _Part(order.leaves, stage, cancel, stop))
        if order.pending_price and order.pending_price != order.price:
            lots = (order.pending_qty or order.qty) - order.cum_qty
            put(order.side, order.pending_price, _Part(lots, Stage.TARGET))
    for waiting in scene.sent:
        command = waiting.command
        if isinstance(command, NewOrder):
            if command.instrument == scene.instrument.id:
                ticks = command.price or command.stop_price
                stop = command.ord_type is OrdType.STOP
                put(command.side, ticks, _Part(command.qty, Stage.SENT, stop=stop))
        elif isinstance(command, ReplaceOrder):
            changed = scene.by_id.get(command.order)
            if changed is not None and command.price not in (changed.price, changed.pending_price):
                lots = command.qty - changed.cum_qty
                put(changed.side, command.price, _Part(lots, Stage.TARGET))
    buys: dict[int, Mine] = {}
    sells: dict[int, Mine] = {}
    for (side, row), parts in cells.items():
        text = scene.sizes.own(sum(part.lots for part in parts))
        if any(part.stop for part in parts):
            text = f"S {text}"
        if len(parts) > 1:
            text += f" ×{len(parts)}"
        mine = Mine(text, max(part.stage for part in parts), any(part.cancel for part in parts))
        (buys if side is Side.BUY else sells)[row] = mine
    if scene.drag is not None:
        side, ticks, text = scene.drag
        (buys if side is Side.BUY else sells)[_row(rows, side, ticks)] = Mine(
            text, Stage.TARGET, False
        )
    return buys, sells


def _marks(scene: Scene) -> dict[int, int]:
    rows, ticker = scene.rows, scene.ticker
    marks: dict[int, int] = {}

    def put(row: int, mark: int) -> None:
        marks[row] = marks.get(row, 0) | mark

    if ticker is not None:
        if ticker.bid:
            put(rows.row_of_buy(ticker.bid), Mark.BEST_BID)
        if ticker.ask:
            put(rows.row_of_sell(ticker.ask), Mark.BEST_ASK)
        if ticker.last:
            move = (0, Mark.LAST_UP, Mark.LAST_DOWN)[scene.last_move]
            put(rows.row_at(ticker.last), Mark.LAST | move)
    if scene.average:
        mark = Mark.AVERAGE | (Mark.LONG if scene.position > 0 else 0)
        put(rows.row_at(scene.average), mark)
    if scene.cursor is not None:
        price, side = scene.cursor
        put(rows.row_at(price), Mark.CURSOR_BUY if side is Side.BUY else Mark.CURSOR_SELL)
    if scene.flash:
        put(rows.row_at(scene.flash), Mark.FLASH)
    return marks


def _side_of(ticker: Ticker | None, price: int) -> int:
    """Does the row belong to the bids, to the asks, or to the spread between?"""
    if ticker is None:
        return 0
    if ticker.bid and price <= ticker.bid:
        return Mark.BID_SIDE
    if ticker.ask and price >= ticker.ask:
        return Mark.ASK_SIDE
    return 0


def spoken(picture: RowPicture) -> str:
    """The row in words, for a screen reader."""
    parts = [picture.price or "no price"]
    for word, value in (
        ("bid", picture.bid),
        ("offered", picture.ask),
        ("your buys", picture.buys.text if picture.buys else ""),
        ("your sells", picture.sells.text if picture.sells else ""),
        ("traded", picture.volume),
    ):
        if value:
            parts.append(f"{word} {value}")
    for bit, word in (
        (Mark.BEST_BID, "best bid"),
        (Mark.BEST_ASK, "best offer"),
        (Mark.LAST, "last price"),
        (Mark.AVERAGE, "average of the position"),
    ):
        if picture.marks & bit:
            parts.append(word)
    return ", ".join(parts)
