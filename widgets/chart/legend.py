"""The numbers of one bar in words: for the box on the chart and for a screen reader."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import numpy as np
from PySide6.QtGui import QColor

from core.model.instruments import Instrument
from core.model.numbers import decimals
from widgets.chart.look import Look
from widgets.chart.series import Series
from widgets.words import format_number, format_price, format_qty


def bar_words(
    series: Series,
    bar: int,
    instrument: Instrument,
    look: Look,
    curves: Sequence[tuple[str, float, QColor]],
) -> list[tuple[str, QColor]]:
    """Open, high, low, close, change and volume of a bar, and the curves' values there."""
    first, last = int(series.open[bar]), int(series.close[bar])
    color = look.up if last >= first else look.down
    words: list[tuple[str, QColor]] = []
    for letter, value in (
        ("O", first),
        ("H", int(series.high[bar])),
        ("L", int(series.low[bar])),
        ("C", last),
    ):
        words.append((f"{letter} {format_price(value, instrument)}", look.text))
    words.append((f"{arrow(last - first)} {change(first, last)}", color))
    words.append((f"V {format_qty(int(series.volume[bar]), instrument)}", look.dim))
    for name, value, shade in curves:
        if np.isfinite(value):
            price = Decimal(round(value * 10)) / 10 * instrument.tick
            text = format_number(price, decimals(instrument.tick) + 1)
            words.append((f"{name} {text}", shade))
    return words


def arrow(difference: int) -> str:
    """Up, down or unchanged, as a sign that needs no colour."""
    return "▲" if difference > 0 else "▼" if difference < 0 else "■"


def change(first: int, last: int) -> str:
    """How much a price changed, in per cent."""
    if not first:
        return "—"
    return format_number(Decimal(last - first) / first * 100, 2, signed=True) + " %"


def bar_sentence(series: Series, bar: int, instrument: Instrument, interval: str) -> str:
    """A bar in one sentence."""
    price = [
        format_price(int(column[bar]), instrument)
        for column in (series.open, series.high, series.low, series.close)
    ]
    volume = format_qty(int(series.volume[bar]), instrument)
    return (
        f"{instrument.symbol}, {interval} bars. Newest: open {price[0]}, high {price[1]}, "
        f"low {price[2]}, close {price[3]}, volume {volume}."
    )


def short_quantity(quantity: Decimal) -> str:
    """A quantity in few digits: ``950``, ``12.3k``, ``4.56M``."""
    for size, letter in ((Decimal(10**9), "B"), (Decimal(10**6), "M"), (Decimal(10**3), "k")):
        if quantity >= size:
            value = quantity / size
            places = 2 if value < 10 else 1 if value < 100 else 0
            return format_number(value, places, grouped=False) + letter
    places = 2 if quantity < 10 else 1 if quantity < 100 else 0
    return format_number(quantity, places, grouped=False)
