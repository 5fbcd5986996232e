"""What others do at a venue, and what venues do on bad days."""

from __future__ import annotations

from core.book.matching import BUY, MARKET, SELL
from core.model.enums import ExecType, Liquidity, OrdStatus, Side
from core.model.events import ExecutionReport
from core.simulation.exchange import START, Exchange
from core.simulation.own import CORRECTED, Execution, Foreign, Own


def trade(exchange: Exchange, instrument: str, side: int, qty: int) -> None:
    """Somebody takes what is there."""
    book = exchange.books[instrument]
    exchange.traded(instrument, book.add_fills(exchange.new_id(), side, START, qty, MARKET))


def rest(exchange: Exchange, instrument: str, side: int, away: int, qty: int) -> None:
    """Somebody else's order comes to rest `away` ticks from the other side's best."""
    book = exchange.books[instrument]
    best = book.best_ask() if side == BUY else book.best_bid()
    price = (best or START) - away if side == BUY else (best or START) + away
    exchange.traded(instrument, book.add_fills(exchange.new_id(), side, max(1, price), qty))


def refill(exchange: Exchange) -> None:
    """Others come back where a side is empty."""
    for name, book in exchange.books.items():
        bid, ask = book.best_bid(), book.best_ask()
        for step in range(1, 4):
            if not bid:
                book.add(exchange.new_id(), BUY, max(1, (ask or START + 1) - 1 - step), 20)
            if not ask:
                book.add(exchange.new_id(), SELL, (bid or START - 1) + 1 + step, 20)
        exchange.quote(name)


def cancel_unasked(exchange: Exchange, own: Own) -> None:
    """The venue ends an order by itself."""
    exchange.end(own, OrdStatus.CANCELED, ExecType.CANCELED, "By the venue.")


def overfill(exchange: Exchange, own: Own, qty: int) -> None:
    """The venue fills more than there was to fill."""
    exchange.books[own.order.instrument].cancel(own.book)
    own.over = True
    own.status = OrdStatus.FILLED
    exchange.execute(own, own.price or START, own.qty - own.cum + qty, Liquidity.REMOVED)


def bust(exchange: Exchange, own: Own) -> None:
    """The newest execution of an order that ended is taken back."""
    old = own.execs.pop()
    own.cum -= old.qty
    if own.status is OrdStatus.FILLED:
        own.status = OrdStatus.CANCELED  # it does not come back into the book
    exchange.report(own, ExecType.TRADE_CANCEL, "", exec_id=f"{old.id}-bust", ref=old.id)


def correct(exchange: Exchange, own: Own, ticks: int) -> None:
    """The newest execution of an order that ended has another price."""
    old = own.execs.pop()
    now = Execution(f"{old.id}{CORRECTED}", old.price + ticks, old.qty, old.fee)
    own.execs.append(now)
    exchange.report(own, ExecType.TRADE_CORRECT, "", exec_id=now.id, ref=old.id, done=now)


def elsewhere(
    exchange: Exchange, name: str, instrument: str, account: str, side: Side, qty: int
) -> None:
    """An order that was placed on the account by other means trades."""
    now = exchange.now()
    exchange.truth.foreign[name] = Foreign(account, instrument, side.sign * qty, START)
    exchange.tell(
        ExecutionReport(
            exchange.name,
            now,
            now,
            name,
            ExecType.TRADE,
            OrdStatus.FILLED,
            f"{exchange.name}-{name}",
            exchange.next_report("e"),
            instrument=instrument,
            side=side,
            qty=qty,
            price=START,
            cum_qty=qty,
            last_price=START,
            last_qty=qty,
            account=account,
        )
    )
