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
from core.model.enums import Contingency, OrdStatus, Side
from core.model.instruments import Instrument
from core.model.orders import Order
from core.model.session import Ticker
from widgets.kinds import SIGNS, level, waits
from widgets.ladder.rows import Rows
from widgets.ladder.sizes import SizeFormat, bar_scale, share
from widgets.ladder.traded import Traded, faded
from widgets.sent import Sent
from widgets.words import format_price, format_qty, order_sentence, state_words


class Stage(IntEnum):
    """How sure an own order is; of several at one price the least sure is shown.

    HELD: the engine works it in the venue's place. WAITING: its turn comes with another's fill.
    """

    WORKING = 0
    HELD = 1
    WAITING = 2
    PENDING_REPLACE = 3
    PENDING_CANCEL = 4
    PENDING_NEW = 5
    SENT = 6
    TARGET = 7
    UNKNOWN = 8


class Mine(NamedTuple):
    """Own orders of one side at one price; ``S`` before a stop. `cancel`: the × is shown.

    `tip` says each of them whole, `filled` how much of them has traded, in hundredths.
    """

    text: str
    stage: Stage
    cancel: bool
    tip: str = ""
    filled: int = 0


class Link:
    """Bits of the line along exits that belong together: it goes on up, it goes on down."""

    UP = 1
    DOWN = 2


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
    buys_link: int = 0
    sells_link: int = 0


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
    links = _links(scene)
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
                links.get((Side.BUY, row), 0),
                links.get((Side.SELL, row), 0),
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
    sign: str = ""
    tip: str = ""
    done: int = 0


def _stage(order: Order) -> Stage:
    if order.status is OrdStatus.SUSPENDED and order.parent:
        return Stage.WAITING
    stage = _STAGES.get(order.status, Stage.WORKING)
    return Stage.HELD if stage is Stage.WORKING and order.held else stage


def _own(scene: Scene) -> tuple[dict[int, Mine], dict[int, Mine]]:
    """Own orders by row: what works, what is pending, and what was only just sent."""
    cells: dict[tuple[Side, int], list[_Part]] = {}
    rows = scene.rows

    def put(side: Side, ticks: int, part: _Part) -> None:
        row = _row(rows, side, ticks)
        if ticks > 0 and rows.visible(row):
            cells.setdefault((side, row), []).append(part)

    for order in scene.orders:
        stage = _stage(order)
        change = scene.sent.change_of(order.cl_ord_id) if len(scene.sent) else None
        if change is not None and stage <= Stage.WAITING:
            gone = isinstance(change, CancelOrder)
            stage = Stage.PENDING_CANCEL if gone else Stage.PENDING_REPLACE
        cancel = stage is not Stage.PENDING_CANCEL
        sign = SIGNS.get(order.ord_type, "") if waits(order) or not order.stop_price else ""
        put(
            order.side,
            level(order),
            _Part(order.leaves, stage, cancel, sign, _tip(order, scene), order.cum_qty),
        )
        target = order.pending_stop if waits(order) else order.pending_price
        if target and target != level(order):
            lots = (order.pending_qty or order.qty) - order.cum_qty
            put(order.side, target, _Part(lots, Stage.TARGET))
    for waiting in scene.sent:
        command = waiting.command
        if isinstance(command, NewOrder):
            if command.instrument == scene.instrument.id:
                ticks = command.stop_price or command.price
                sign = SIGNS.get(command.ord_type, "")
                put(command.side, ticks, _Part(command.qty, Stage.SENT, sign=sign))
        elif isinstance(command, ReplaceOrder):
            changed = scene.by_id.get(command.order)
            if changed is None:
                continue
            target = command.stop_price or command.price
            if target not in (level(changed), changed.pending_price, changed.pending_stop):
                lots = command.qty - changed.cum_qty
                put(changed.side, target, _Part(lots, Stage.TARGET))
    buys: dict[int, Mine] = {}
    sells: dict[int, Mine] = {}
    for (side, row), parts in cells.items():
        text = scene.sizes.own(sum(part.lots for part in parts))
        sign = next((part.sign for part in parts if part.sign), "")
        if sign:
            text = f"{sign} {text}"
        if len(parts) > 1:
            text += f" ×{len(parts)}"
        tip = "\n".join(part.tip for part in parts if part.tip)
        cancel = any(part.cancel for part in parts)
        done = sum(part.done for part in parts)
        filled = share(done, done + sum(part.lots for part in parts)) if done else 0
        mine = Mine(text, max(part.stage for part in parts), cancel, tip, filled)
        (buys if side is Side.BUY else sells)[row] = mine
    if scene.drag is not None:
        side, ticks, text = scene.drag
        (buys if side is Side.BUY else sells)[_row(rows, side, ticks)] = Mine(
            text, Stage.TARGET, False
        )
    return buys, sells


def _tip(order: Order, scene: Scene) -> str:
    words = f"{order_sentence(order, scene.instrument)}: {state_words(order)}"
    if order.cum_qty:
        words += f", {format_qty(order.cum_qty, scene.instrument)} filled"
    return words


def _links(scene: Scene) -> dict[tuple[Side, int], int]:
    """The line that joins the exits of one bracket, or siblings of which one cancels the other."""
    lists: dict[tuple[str, Side], list[int]] = {}
    for order in scene.orders:
        if (
            order.list_id
            and level(order)
            and (order.parent or order.contingency is Contingency.OCO)
        ):
            row = _row(scene.rows, order.side, level(order))
            lists.setdefault((order.list_id, order.side), []).append(row)
    links: dict[tuple[Side, int], int] = {}
    for (_, side), places in lists.items():
        top, bottom = min(places), max(places)
        for row in range(max(top, 0), min(bottom, scene.rows.count - 1) + 1):
            bits = (Link.UP if row > top else 0) | (Link.DOWN if row < bottom else 0)
            links[side, row] = links.get((side, row), 0) | bits
    return links


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
