"""Value at risk and expected shortfall of a portfolio, and with one more order.

Parametric: normal returns of mean 0 with the exponentially weighted covariance of RiskMetrics
(Technical Document, 4th edition 1996, sections 5.2 and 6.2): ``VaR = z sqrt(x' S x)`` and, for the
normal distribution, ``ES = phi(z) / (1 - c) sqrt(x' S x)`` (McNeil, Frey, Embrechts, "Quantitative
Risk Management", example 2.14). Historical: of n past returns the (1 - c) n-th worst is the VaR and
the mean of those beyond it the ES (Hull, "Options, Futures, and Other Derivatives", "Historical
simulation").

Exposures are integers of money (10^-24 of the account's currency, negative when short) and so
are the answers, rounded up. Between, historical risk is binary floating point and parametric risk
exact up to the root: the same on every run of one platform for the same returns and exposures,
whatever the path to them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil, exp, floor, pi, sqrt
from statistics import NormalDist
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_FINE: Final = 10**24
_MOST = 1e12


class Risk:
    """A confidence level: how many standard deviations its VaR and ES are.

    Raises:
        ValueError: when the confidence is not above 0.5 and below 1.
    """

    __slots__ = ("confidence", "es", "var")

    def __init__(self, confidence: float) -> None:
        if not 0.5 < confidence < 1.0:
            raise ValueError(f"A confidence of {confidence} is not above 0.5 and below 1.")
        self.confidence = confidence
        self.var = NormalDist().inv_cdf(confidence)
        self.es = exp(-0.5 * self.var**2) / sqrt(2 * pi) / (1.0 - confidence)

    def var_of(self, deviation: float) -> int:
        """The value at risk of a standard deviation."""
        return ceil(deviation * self.var)

    def es_of(self, deviation: float) -> int:
        """The expected shortfall of a standard deviation."""
        return ceil(deviation * self.es)


P95: Final = Risk(0.95)
P99: Final = Risk(0.99)


class Returns:
    """The last returns of some instruments, one row a step (0.01 is one per cent).

    Raises:
        ValueError: when a row is not of the right length or not finite.
    """

    def __init__(self, names: Sequence[str], size: int = 500) -> None:
        if size < 2 or not names or len(set(names)) != len(names):
            raise ValueError("Returns need two rows or more and names that differ.")
        self.names = tuple(names)
        self._size = size
        self._rows: list[tuple[float, ...]] = []

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, row: Iterable[float]) -> None:
        """The returns of one more step, in the order of the names."""
        values = tuple(float(value) for value in row)
        if len(values) != len(self.names) or not all(map(_finite, values)):
            raise ValueError(f"{len(self.names)} finite returns are needed, in order of the names.")
        self._rows.append(values)
        if len(self._rows) > self._size:
            del self._rows[0]

    def matrix(self) -> Floats:
        """All rows, the oldest first."""
        return np.array(self._rows, dtype=np.float64).reshape(len(self._rows), len(self.names))

    def dump(self) -> list[tuple[float, ...]]:
        """What it remembers, for a snapshot; `add` the rows again to load it."""
        return list(self._rows)


def ewma_covariance(returns: Floats, decay: float = 0.94) -> Floats:
    """The covariance of returns of mean 0, a row weighing `decay` times the row after it."""
    if not 0.0 < decay < 1.0:
        raise ValueError(f"A decay of {decay} is not between 0 and 1.")
    weights = decay ** np.arange(len(returns) - 1, -1, -1, dtype=np.float64)
    weights /= weights.sum()
    found: Floats = (returns * weights[:, None]).T @ returns
    return found


class ParametricVar:
    """Value at risk by covariance; a change and an order cost a few multiplications each.

    `covariance` is of the returns of one step, `steps` the horizon (the square root of time). It
    is taken as whole numbers of 10^-24, so that sums that are kept up are as exact as new ones.

    Raises:
        ValueError: when the covariance is not square and finite.
    """

    def __init__(self, covariance: Floats, steps: int = 1) -> None:
        self.exposures = [0] * len(covariance)
        self._scale = sqrt(steps)
        self.renew(covariance)

    def renew(self, covariance: Floats) -> None:
        """The market's covariance has changed."""
        count = len(self.exposures)
        if covariance.shape != (count, count) or not np.isfinite(covariance).all():
            raise ValueError(f"The covariance of {count} instruments must be {count} x {count}.")
        if count and np.abs(covariance).max() > _MOST:
            raise ValueError("A covariance is larger than any that there is.")
        # Symmetric, whatever the last digits are.
        rows: list[list[float]] = ((covariance + covariance.T) / 2.0).tolist()
        self._matrix = [[round(value * _FINE) for value in row] for row in rows]
        self._with = [0] * count
        self._variance = 0
        exposures, self.exposures = self.exposures, [0] * count
        for at, exposure in enumerate(exposures):
            self.hold(at, exposure)

    def hold(self, at: int, exposure: int) -> None:
        """What is held of an instrument is worth this now."""
        more = exposure - self.exposures[at]
        if more:
            row = self._matrix[at]
            self._variance += more * (2 * self._with[at] + more * row[at])
            sums = self._with
            for other in range(len(row)):
                sums[other] += more * row[other]
            self.exposures[at] = exposure

    def var(self, risk: Risk) -> int:
        """The value at risk."""
        return risk.var_of(self._deviation(self._variance))

    def es(self, risk: Risk) -> int:
        """The expected shortfall."""
        return risk.es_of(self._deviation(self._variance))

    def after(self, at: int, value: int, risk: Risk) -> tuple[int, int]:
        """VaR and ES with an order that adds `value` (negative: a sale) of an instrument."""
        deviation = self.deviation(at, value)
        return risk.var_of(deviation), risk.es_of(deviation)

    def deviation(self, at: int, value: int) -> float:
        """The standard deviation with such an order."""
        more = value * (2 * self._with[at] + value * self._matrix[at][at])
        return self._deviation(self._variance + more)

    def _deviation(self, variance: int) -> float:
        return sqrt(variance / _FINE) * self._scale if variance > 0 else 0.0


class HistoricalVar:
    """Value at risk by what past returns would have done to what is held now.

    Raises:
        ValueError: when there are no returns.
    """

    def __init__(self, returns: Floats) -> None:
        self.exposures = [0] * returns.shape[1]
        self.renew(returns)

    def renew(self, returns: Floats) -> None:
        """There are other past returns now."""
        if returns.shape[1:] != (len(self.exposures),) or not len(returns):
            raise ValueError(f"Returns of {len(self.exposures)} instruments are needed.")
        self._columns = np.ascontiguousarray(returns.T)
        self._sum()

    def hold(self, at: int, exposure: int) -> None:
        """What is held of an instrument is worth this now."""
        self.exposures[at] = exposure
        self._sum()

    def var(self, risk: Risk) -> int:
        """The value at risk."""
        return self._worst(self._profits, risk)[0]

    def es(self, risk: Risk) -> int:
        """The expected shortfall."""
        return self._worst(self._profits, risk)[1]

    def after(self, at: int, value: int, risk: Risk) -> tuple[int, int]:
        """VaR and ES with an order that adds `value` (negative: a sale) of an instrument."""
        return self._worst(self._profits + float(value) * self._columns[at], risk)

    @staticmethod
    def _worst(profits: Floats, risk: Risk) -> tuple[int, int]:
        # 1 - 0.9 is a little less than 0.1: the count must not depend on that.
        count = max(1, floor((1.0 - risk.confidence) * len(profits) + 1e-9))
        worst: list[float] = np.partition(profits, count - 1)[:count].tolist()
        worst.sort()
        var = -worst[-1]
        es = -sum(worst[:-1]) / (count - 1) if count > 1 else var
        return max(0, ceil(var)), max(0, ceil(es))

    def _sum(self) -> None:
        self._profits: Floats = np.array(self.exposures, dtype=np.float64) @ self._columns


def _finite(value: float) -> bool:
    return -1e300 < value < 1e300
