"""The value of a European option on a forward: Black (1976).

F. Black, "The pricing of commodity contracts", Journal of Financial Economics 3 (1976); in Hull's
"Options, Futures, and Other Derivatives" it is section "Black's model". Binary floating point,
in a fixed order of the basic operations, `math.exp`, `math.log`, `math.sqrt` and `math.erfc`: the
same on every run of one platform, and equal to the last few of 16 digits between platforms. Who
uses it rounds to whole numbers before comparing anything.
"""

from __future__ import annotations

from math import erfc, exp, log, pi, sqrt

_HALF_ROOT = sqrt(0.5)
_ROOT_TAU = sqrt(2.0 * pi)
_LEAST, _MOST = 1e-4, 10.0


def normal(x: float) -> float:
    """The standard normal distribution function."""
    return 0.5 * erfc(-x * _HALF_ROOT)


def black76(
    call: bool, forward: float, strike: float, years: float, volatility: float, rate: float = 0.0
) -> float:
    """The price of an option; at expiry, without volatility or with a price of 0 or less of the
    underlying, its intrinsic value.
    """
    discount = exp(-rate * years) if years > 0.0 else 1.0
    spread = volatility * sqrt(years) if years > 0.0 else 0.0
    if spread <= 0.0 or forward <= 0.0 or strike <= 0.0:
        inside = forward - strike if call else strike - forward
        return discount * inside if inside > 0.0 else 0.0
    d1 = log(forward / strike) / spread + 0.5 * spread
    d2 = d1 - spread
    if call:
        return discount * (forward * normal(d1) - strike * normal(d2))
    return discount * (strike * normal(-d2) - forward * normal(-d1))


def delta76(
    call: bool, forward: float, strike: float, years: float, volatility: float, rate: float = 0.0
) -> float:
    """How much the price of an option moves with its underlying, -1 to 1."""
    discount = exp(-rate * years) if years > 0.0 else 1.0
    spread = volatility * sqrt(years) if years > 0.0 else 0.0
    if spread <= 0.0 or forward <= 0.0 or strike <= 0.0:
        inside = forward > strike if call else strike > forward
        return (discount if call else -discount) if inside else 0.0
    d1 = log(forward / strike) / spread + 0.5 * spread
    return discount * normal(d1) if call else -discount * normal(-d1)


def implied76(
    call: bool,
    price: float,
    forward: float,
    strike: float,
    years: float,
    rate: float = 0.0,
    guess: float = 0.2,
) -> float | None:
    """The volatility at which the model gives this price; None when none from 0.01 % to 1000 %
    does.

    Newton's steps from `guess`, halving where one leaves the bounds.
    """
    if not (forward > 0.0 and strike > 0.0 and years > 0.0):
        return None
    low, high = _LEAST, _MOST
    # far in the money the least volatility gives the price but for the last digit of a float
    slack = 1e-12 * forward
    if not (
        black76(call, forward, strike, years, low, rate) - slack
        <= price
        <= black76(call, forward, strike, years, high, rate) + slack
    ):
        return None
    root, discount = sqrt(years), exp(-rate * years)
    vol = guess if low < guess < high else 0.2
    for _ in range(100):
        off = black76(call, forward, strike, years, vol, rate) - price
        if off > 0.0:
            high = vol
        else:
            low = vol
        if high - low < 1e-9:
            break
        d1 = log(forward / strike) / (vol * root) + 0.5 * vol * root
        vega = discount * forward * exp(-0.5 * d1 * d1) / _ROOT_TAU * root
        step = vol - off / vega if vega > 1e-12 * forward else low
        if not low < step < high:
            step = 0.5 * (low + high)
        if abs(step - vol) < 1e-9:
            return step
        vol = step
    return vol
