"""Keeps the picture of the rows up to date, and does nothing when nothing changed."""

from __future__ import annotations

from datetime import UTC, datetime

from core.client.stores import Stores
from core.model.instruments import Instrument
from core.model.session import Ticker
from widgets.clock import Clock
from widgets.ladder.canvas import LadderCanvas
from widgets.ladder.picture import Scene, compose
from widgets.ladder.rows import Rows
from widgets.ladder.sizes import SizeFormat
from widgets.ladder.traded import Traded
from widgets.sent import Sent
from widgets.words import format_price


class Scenery:
    """What the ladder's rows are composed from, and when that was last done.

    Attributes:
        traded: volume by price, and the trades that fade.
    """

    def __init__(self, stores: Stores, sent: Sent, canvas: LadderCanvas, clock: Clock) -> None:
        self.traded = Traded()
        self._stores = stores
        self._sent = sent
        self._canvas = canvas
        self._clock = clock
        self._scene: Scene | None = None
        self._last = 0
        self._last_move = 0
        self._key: tuple[object, ...] = ()

    def forget(self, group: int) -> None:
        """Another instrument, `group` ticks a row."""
        self._scene = None
        self._key = ()
        self._last = self._last_move = 0
        self.traded = Traded(group)

    def follow_last(self, ticker: Ticker) -> None:
        """See whether the last trade was above or below the one before."""
        if ticker.last != self._last:
            self._last_move = (ticker.last > self._last) - (ticker.last < self._last)
            self._last_move = self._last_move if self._last else 0
            self._last = ticker.last

    def show(self, rows: Rows, instrument: Instrument, account: str) -> None:
        """Compose the rows and repaint those that changed."""
        stores, canvas = self._stores, self._canvas
        now = self._clock.monotonic()
        tape = stores.tapes.get(instrument.id)
        if tape is not None:
            self.traded.take(tape, instrument, now)
        self.traded.expire(now)
        depth = stores.depth.get(instrument.id)
        ticker = stores.tickers.get(instrument.id)
        position = stores.position(account, instrument.id)
        key = (
            rows,
            id(depth),
            depth.version if depth is not None else 0,
            ticker,
            stores.orders.version,
            position,
            self._sent.version,
            self.traded.version,
            now // 500_000_000 if self.traded.prints else 0,
            canvas.cursor_at,
            canvas.flash,
            canvas.drag,
            canvas.free,
            instrument,
            account,
        )
        if key == self._key:
            return
        self._key = key
        scene = self._scene
        if scene is None or scene.instrument is not instrument:
            sizes, volumes = SizeFormat(instrument), SizeFormat(instrument)
            scene = Scene(rows, instrument, sizes, volumes, self.traded, self._sent)
            self._scene = scene
        scene.rows, scene.depth, scene.ticker, scene.now = rows, depth, ticker, now
        scene.orders = stores.working_orders(instrument.id, account)
        scene.by_id = stores.working.get(instrument.id, {})
        scene.position = position.qty if position is not None else 0
        average = stores.average_price(position) if position is not None else None
        scene.average = 0 if average is None else round(average / instrument.tick)
        scene.last_move = self._last_move
        scene.cursor, scene.flash, scene.drag = canvas.cursor_at, canvas.flash, canvas.drag
        canvas.show_rows(rows, compose(scene))
        if ticker is not None:
            canvas.set_longest_price(format_price(rows.top * rows.group, instrument))
        canvas.set_titles(_titles(scene), canvas.free)
        if self.traded.since:
            since = datetime.fromtimestamp(self.traded.since // 1_000_000_000, UTC).astimezone()
            canvas.notes["profile"] = f", as far as it was seen here: since {since:%H:%M:%S}"


def _titles(scene: Scene) -> dict[str, str]:
    titles = {}
    if scene.sizes.unit:
        titles["bids"] = f"Bids {scene.sizes.unit}"
        titles["asks"] = f"Asks {scene.sizes.unit}"
    if scene.volumes.unit:
        titles["profile"] = f"Volume {scene.volumes.unit}"
    if scene.rows.group > 1:
        titles["price"] = f"×{scene.rows.group}"
    return titles
