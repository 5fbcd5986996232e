"""A small engine's worth of stores, filled only through the messages that an engine sends."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import numpy as np

from core.client.stores import Stores
from core.model.commands import NewOrder
from core.model.enums import (
    ExecType,
    MarketStatus,
    Mode,
    OrdStatus,
    OrdType,
    Side,
    Source,
    TimeInForce,
    TradingState,
)
from core.model.instruments import Instrument
from core.model.orders import AccountState, Order, OrderUpdate, Position
from core.model.session import DepthView, Frame, Snapshot, TapeView, Ticker
from widgets.clock import Clock

SECOND = 1_000_000_000
START = 1_750_000_000 * SECOND
BTC = Instrument(
    "BTC-USD.SIM",
    "BTC-USD",
    "SIM",
    Decimal("0.5"),
    Decimal("0.01"),
    "USD",
    max_qty=100_000,
    order_types=(OrdType.LIMIT, OrdType.MARKET, OrdType.STOP),
)
SHARE = Instrument("ACME.SIM", "ACME", "SIM", Decimal("0.01"), Decimal(1), "USD", max_qty=1 << 20)
BID, ASK = 128_421, 128_422


class StillClock(Clock):
    """A clock that moves when told to."""

    def __init__(self) -> None:
        self.now = 10 * SECOND

    def monotonic(self) -> int:
        return self.now

    def wall(self) -> int:
        return START + self.now

    def forward(self, seconds: float) -> None:
        """Let time pass."""
        self.now += int(seconds * SECOND)


class World:
    """Stores and the engine's side of them."""

    def __init__(self, mode: Mode = Mode.PAPER, account: str = "PAPER") -> None:
        self.clock = StillClock()
        self.stores = Stores()
        self.account = account
        self.mode = mode
        self._trades = 0
        self._frames = 0
        self.connect()
        self.quote()

    def connect(self, orders: Sequence[OrderUpdate] = ()) -> None:
        """The engine answers with its whole state."""
        self.stores.take_snapshot(
            Snapshot(
                "engine",
                self.mode,
                self.clock.wall(),
                1,
                (BTC, SHARE),
                (
                    AccountState(
                        1,
                        self.clock.wall(),
                        self.account,
                        {"USD": Decimal(100_000)},
                        TradingState.ACTIVE,
                    ),
                ),
                tuple(orders),
                (),
                (),
                (),
                (),
                (),
                (),
                (),
            )
        )
        self._trades = 0
        self.stores.connected = True

    def quote(
        self,
        bid: int = BID,
        ask: int = ASK,
        last: int = 0,
        size: int = 100,
        instrument: Instrument = BTC,
        levels: int = 30,
    ) -> None:
        """A new frame with a quote and depth around it; 0 leaves a side empty."""
        now = self.clock.wall()
        self._frames += 1
        ticker = Ticker(
            instrument.id,
            now,
            now,
            bid,
            size if bid else 0,
            ask,
            size if ask else 0,
            last or bid,
            5,
            1,
            status=MarketStatus.OPEN,
        )
        steps = np.arange(levels, dtype=np.int64)
        sizes = (np.full(levels, size) + steps).astype("<i8").tobytes()
        depth = DepthView(
            instrument.id,
            now,
            (bid - steps).tobytes() if bid else b"",
            sizes if bid else b"",
            (ask + steps).tobytes() if ask else b"",
            sizes if ask else b"",
        )
        self.stores.take_frame(Frame(self._frames, now, tickers=(ticker,), depth=(depth,)))

    def trade(self, *trades: tuple[int, int, int], ts: int = 0) -> None:
        """Trades of BTC: (price, lots, aggressor)."""
        columns = list(zip(*trades, strict=True))
        times = np.full(len(trades), ts or self.clock.wall(), np.int64)
        view = TapeView(
            BTC.id,
            self._trades,
            0,
            times.tobytes(),
            np.array(columns[0], "<i8").tobytes(),
            np.array(columns[1], "<i8").tobytes(),
            np.array(columns[2], "i1").tobytes(),
        )
        self._trades += len(trades)
        self._frames += 1
        self.stores.take_frame(Frame(self._frames, self.clock.wall(), tapes=(view,)))

    def order(self, name: str, side: Side, price: int, qty: int = 50, **changes: object) -> Order:
        """An order the engine has, told as an update."""
        fields: dict[str, object] = {
            "ord_type": OrdType.LIMIT,
            "stop_price": 0,
            "tif": TimeInForce.GTC,
            "status": OrdStatus.NEW,
            "created": self.clock.wall(),
            **changes,
        }
        order = Order(
            cl_ord_id=name,
            account=self.account,
            instrument=BTC.id,
            side=side,
            qty=qty,
            price=price,
            post_only=False,
            reduce_only=False,
            source=Source.USER,
            trader="",
            strategy="",
            updated=self.clock.wall(),
            **fields,  # type: ignore[arg-type]
        )
        self.tell(order)
        return order

    def tell(self, order: Order, exec_type: ExecType = ExecType.NEW) -> None:
        """The engine says how an order stands now."""
        self.stores.take_event(OrderUpdate(1, self.clock.wall(), order, exec_type))

    def accept(self, command: NewOrder) -> Order:
        """The engine takes a new order."""
        return self.order(
            command.cl_ord_id,
            command.side,
            command.price,
            command.qty,
            ord_type=command.ord_type,
            stop_price=command.stop_price,
        )

    def deny(self, command: NewOrder, code: str, text: str) -> None:
        """The engine refuses a new order."""
        self.order(
            command.cl_ord_id,
            command.side,
            command.price,
            command.qty,
            status=OrdStatus.REJECTED,
            code=code,
            text=text,
        )

    def hold(self, lots: int, price: int) -> None:
        """The account holds so much, bought at `price` ticks."""
        self.stores.take_event(
            Position(1, self.clock.wall(), self.account, BTC.id, lots, lots * price, 0, Decimal(0))
        )
