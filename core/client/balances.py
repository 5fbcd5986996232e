"""An account's money, currency by currency, reckoned from what the engine told of it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from core.client.board import Board
from core.model.orders import AccountState, Balance, Position

if TYPE_CHECKING:
    from core.client.stores import Stores

_NONE = Decimal(0)


class Balances:
    """A board of balances that follows the accounts, positions and prices of the stores.

    Keys are ``account|currency``. Nothing is reckoned while nobody asks for the `board`.
    """

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._board: Board[Balance] = Board()
        self._seen = (-1, -1, -1, -1)

    @property
    def board(self) -> Board[Balance]:
        """The balances as they are now."""
        s = self._stores
        now = (
            s.accounts.epoch,
            s.accounts.version,
            s.positions.version,
            s.tickers.version,
        )
        if now != self._seen:
            if now[0] != self._seen[0]:
                self._board.clear()
            self._seen = now
            self._reckon()
        return self._board

    def _reckon(self) -> None:
        held: dict[tuple[str, str], list[Position]] = {}
        for position in self._stores.positions:
            instrument = self._stores.instruments.get(position.instrument)
            if instrument is not None and position.qty and position.whole:
                held.setdefault((position.account, instrument.currency), []).append(position)
        for account in self._stores.accounts:
            known = dict.fromkeys(account.cash)
            known.update(dict.fromkeys(c for a, c in held if a == account.account))
            for currency in known:
                balance = self._of(account, currency, held.get((account.account, currency), []))
                key = f"{account.account}|{currency}"
                if self._board.get(key) != balance:
                    self._board.put(key, balance)

    def _of(self, account: AccountState, currency: str, held: list[Position]) -> Balance:
        cash = account.cash.get(currency, _NONE)
        day = account.opening is not None
        return Balance(
            account.account,
            currency,
            account.ts,
            cash,
            cash,  # whatever trades here settles at once
            account.opening.get(currency, _NONE) if account.opening is not None else None,
            account.realised.get(currency, _NONE) if day else None,
            account.fees.get(currency, _NONE) if day else None,
            _sum([self._stores.open_profit(p) for p in held]),
            _sum([self._stores.market_value(p) for p in held]),
            account.state,
            account.reason,
        )


def _sum(values: list[Decimal | None]) -> Decimal | None:
    """The sum; None when a part of it is not known."""
    known = [value for value in values if value is not None]
    return sum(known, _NONE) if len(known) == len(values) else None
