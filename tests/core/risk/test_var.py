"""Value at risk against examples of textbooks and sums done by hand."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.risk.var import (
    P95,
    P99,
    HistoricalVar,
    ParametricVar,
    Returns,
    Risk,
    ewma_covariance,
)

MILLION = 1_000_000


def test_the_multiples_of_the_normal_distribution() -> None:
    # McNeil, Frey, Embrechts, table 2.1: ES / VaR is 1.25 at 95 % and 1.15 at 99 %.
    assert P95.var == pytest.approx(1.644854, abs=1e-6)
    assert P99.var == pytest.approx(2.326348, abs=1e-6)
    assert P95.es == pytest.approx(2.062713, abs=1e-6)
    assert P99.es == pytest.approx(2.665214, abs=1e-6)
    with pytest.raises(ValueError, match="confidence"):
        Risk(0.5)


def test_hulls_two_shares() -> None:
    # Hull, "Value at risk", model-building approach: 10 million of Microsoft at 2 % a day, 5
    # million of AT&T at 1 %, correlation 0.3, ten days at 99 %: 1,473,621, 368,405, 1,622,657
    # (with z = 2.33; here 2.326).
    covariance = np.array([[0.0004, 0.00006], [0.00006, 0.0001]])
    model = ParametricVar(covariance, steps=10)
    model.hold(0, 10 * MILLION)
    assert model.var(P99) == pytest.approx(1_473_621 * 2.32635 / 2.33, rel=1e-4)
    assert model.after(1, 5 * MILLION, P99)[0] == pytest.approx(
        1_622_657 * 2.32635 / 2.33, rel=1e-4
    )
    model.hold(0, 0)
    model.hold(1, 5 * MILLION)
    assert model.var(P99) == pytest.approx(368_405 * 2.32635 / 2.33, rel=1e-4)
    # Their standard deviation is 220,227 a day.
    one = ParametricVar(covariance)
    one.hold(0, 10 * MILLION)
    one.hold(1, 5 * MILLION)
    assert one.var(P95) == pytest.approx(220_227 * 1.644854, rel=1e-5)
    assert one.es(P99) == pytest.approx(220_227 * 2.665214, rel=1e-5)
    # Selling all of one leaves the other.
    assert one.after(0, -10 * MILLION, P99)[0] == pytest.approx(50_000 * 2.326348, abs=1)


def test_hulls_historical_simulation() -> None:
    # Hull, "Historical simulation": of 500 scenarios the worst lose 477,841, 345,435, 282,204,
    # 277,041 and 253,385 of 10,000,000: VaR 99 % is 253,385 and ES the mean of the four.
    losses = [477_841, 345_435, 282_204, 277_041, 253_385] + [200_000 - i for i in range(495)]
    returns = np.array([[-loss / 10_000_000] for loss in reversed(losses)])
    model = HistoricalVar(returns)
    model.hold(0, 10_000_000)
    assert model.var(P99) == pytest.approx(253_385, abs=1)
    assert model.es(P99) == pytest.approx(345_630, abs=1)
    # 25 of 500 at 95 %: the 25th worst.
    assert model.var(P95) == pytest.approx(200_000 - 19, abs=1)
    half = model.after(0, -5_000_000, P99)
    assert half == (pytest.approx(126_693, abs=1), pytest.approx(172_816, abs=1))
    model.hold(0, 0)
    assert (model.var(P99), model.es(P99)) == (0, 0)


def test_few_returns_give_the_worst_of_them() -> None:
    model = HistoricalVar(np.array([[0.01], [-0.03], [0.02]]))
    model.hold(0, 1000)
    assert (model.var(P99), model.es(P99)) == (30, 30)
    model.hold(0, -1000)
    assert model.var(P95) == 20
    # A tenth of twenty is two, though 1 - 0.9 is a little less than a tenth.
    model = HistoricalVar(np.array([[-at / 1000] for at in range(20)]))
    model.hold(0, 1000)
    assert model.var(Risk(0.9)) == 18


def test_the_covariance_by_hand() -> None:
    # Two steps at 0.5: weights 1/3 and 2/3.
    got = ewma_covariance(np.array([[0.03, 0.0], [0.0, 0.06]]), 0.5)
    assert got == pytest.approx(np.array([[0.0003, 0.0], [0.0, 0.0024]]))
    got = ewma_covariance(np.array([[0.01, 0.02]]), 0.94)
    assert got == pytest.approx(np.array([[0.0001, 0.0002], [0.0002, 0.0004]]))
    # RiskMetrics' recursion from the first return on is the same for a long time.
    returns = np.array([[0.01 * (-1) ** i * (1 + i % 5)] for i in range(600)])
    variance = returns[0, 0] ** 2
    for value in returns[1:, 0]:
        variance = 0.94 * variance + 0.06 * value**2
    assert ewma_covariance(returns)[0, 0] == pytest.approx(variance, rel=1e-9)
    with pytest.raises(ValueError, match="decay"):
        ewma_covariance(returns, 1.0)


def test_returns_are_kept_in_order_and_checked() -> None:
    window = Returns(("A", "B"), size=2)
    for at in range(3):
        window.add((at, -at))
    assert window.matrix().tolist() == [[1.0, -1.0], [2.0, -2.0]]
    assert len(window) == 2
    again = Returns(("A", "B"), size=2)
    for row in window.dump():
        again.add(row)
    assert again.matrix().tolist() == window.matrix().tolist()
    for row in ((1.0,), (1.0, float("nan")), (1.0, float("inf"))):
        with pytest.raises(ValueError, match="2 finite returns"):
            window.add(row)
    with pytest.raises(ValueError, match="names that differ"):
        Returns(("A", "A"))
    with pytest.raises(ValueError, match="must be 1 x 1"):
        ParametricVar(np.array([[float("nan")]]))
    with pytest.raises(ValueError, match="Returns of 1"):
        HistoricalVar(np.zeros((0, 1)))


RETURN = st.floats(-0.1, 0.1)
BOOK = st.integers(1, 5).flatmap(
    lambda n: st.tuples(
        st.lists(st.lists(RETURN, min_size=n, max_size=n), min_size=2, max_size=40),
        st.lists(st.integers(-(10**9), 10**9), min_size=n, max_size=n),
        st.integers(0, n - 1),
        st.integers(-(10**9), 10**9),
    )
)


@given(BOOK, st.booleans(), st.sampled_from([P95, P99]))
def test_with_an_order_is_as_if_it_were_held(
    book: tuple[list[list[float]], list[int], int, int], historical: bool, risk: Risk
) -> None:
    rows, exposures, at, order = book
    returns = np.array(rows)
    model = HistoricalVar(returns) if historical else ParametricVar(ewma_covariance(returns))
    for i, exposure in enumerate(exposures):
        model.hold(i, exposure)
    said = model.after(at, order, risk)
    assert said[0] >= 0
    assert said[1] >= said[0]
    # An answer does not depend on the way to it.
    assert model.after(at, 0, risk) == (model.var(risk), model.es(risk))
    model.hold(at, exposures[at] + order)
    scale = 1 + sum(map(abs, exposures)) + abs(order)
    assert model.var(risk) == pytest.approx(said[0], abs=2 + 1e-6 * scale)
    assert model.es(risk) == pytest.approx(said[1], abs=2 + 1e-6 * scale)


@given(BOOK)
def test_two_together_risk_no_more_than_each_alone(
    book: tuple[list[list[float]], list[int], int, int],
) -> None:
    rows, exposures, at, order = book
    covariance = ewma_covariance(np.array(rows))
    whole, rest, one = (ParametricVar(covariance) for _ in range(3))
    for i, exposure in enumerate(exposures):
        whole.hold(i, exposure + (order if i == at else 0))
        rest.hold(i, exposure)
    one.hold(at, order)
    assert whole.var(P99) <= rest.var(P99) + one.var(P99) + 2 + 1e-6 * abs(order)
    assert one.var(P99) == pytest.approx(
        abs(order) * sqrt(covariance[at, at]) * P99.var, abs=1.01, rel=1e-9
    )
