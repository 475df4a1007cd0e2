"""What the literature says of loops that train on themselves, seen in loops of one's own.

The gate's page advises by these results, and Iterations' indicators look for what they foretell:
errors that grow where text is replaced and stay bounded where it is accumulated, and rare things
that go first.
"""

from math import pi

import numpy as np
import pytest

M, GENERATIONS, REPEATS = 100, 50, 4_000


def gaussian_loop(accumulate: bool) -> tuple[np.ndarray, np.ndarray]:
    """Means and unbiased variances of the last fit of each repeat, from N(0, 1) at first.

    A normal distribution is fitted to M draws from the fit before, or to all draws so far.
    """
    chance = np.random.default_rng(7)
    mean, variance = np.zeros(REPEATS), np.ones(REPEATS)
    total = squares = np.zeros(REPEATS)
    for generation in range(1, GENERATIONS + 1):
        drawn = chance.normal(mean, np.sqrt(variance), (M, REPEATS))
        if not accumulate:
            mean, variance = drawn.mean(axis=0), drawn.var(axis=0, ddof=1)
            continue
        total, squares, n = (
            total + drawn.sum(axis=0),
            squares + (drawn**2).sum(axis=0),
            (M * generation),
        )
        mean = total / n
        variance = (squares - n * mean**2) / (n - 1)
    return mean, variance


def test_replaced_text_drifts_with_every_generation_and_narrows() -> None:
    mean, variance = gaussian_loop(accumulate=False)
    assert np.mean(mean**2) == pytest.approx(GENERATIONS / M, rel=0.08)  # (g + 1) σ²/M, g from 0
    assert np.mean(variance) == pytest.approx(1.0, abs=0.06)
    assert np.median(np.sqrt(variance)) < 0.85  # the typical loop collapses while the mean stays


def test_accumulated_text_stays_within_pi_squared_over_six() -> None:
    mean, variance = gaussian_loop(accumulate=True)
    bound = sum(1 / i**2 for i in range(1, GENERATIONS + 1)) / M
    assert np.mean(mean**2) == pytest.approx(bound, rel=0.08)
    assert np.mean(mean**2) < pi**2 / 6 / M * 1.08
    assert np.median(np.sqrt(variance)) > 0.97


def regression_loop(accumulate: bool, generations: int) -> float:
    """Mean squared error of the weights of a linear model that is fitted to its own labels.

    d = 10 inputs, T = 100 labels of noise 1 a generation (Gerstgrasser et al. 2024, section 3).
    """
    d, t, repeats = 10, 100, 400
    chance = np.random.default_rng(11)
    errors = []
    for _ in range(repeats):
        weights, inputs, labels = np.zeros(d), np.empty((0, d)), np.empty(0)
        for _ in range(generations):
            x = chance.normal(size=(t, d))
            y = x @ weights + chance.normal(size=t)
            inputs = np.vstack([inputs, x]) if accumulate else x
            labels = np.concatenate([labels, y]) if accumulate else y
            weights = np.linalg.lstsq(inputs, labels, rcond=None)[0]
        errors.append(weights @ weights)
    return float(np.mean(errors))


@pytest.mark.parametrize("generations", [1, 5, 10])
def test_a_regression_on_replaced_labels_errs_linearly(generations: int) -> None:
    assert regression_loop(False, generations) == pytest.approx(10 / 89 * generations, rel=0.1)


def test_a_regression_on_accumulated_labels_errs_within_pi_squared_over_six() -> None:
    assert 10 / 89 < regression_loop(True, 10) < 10 / 89 * pi**2 / 6
