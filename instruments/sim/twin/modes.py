"""Slow responses as positive sums of exponentials, so that a few numbers remember the whole history of the bias."""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Modes:
    """A response of sum(weights * exp(-t / times))."""

    times: Floats
    weights: Floats


@lru_cache(maxsize=16)
def stretched(beta: float) -> Modes:
    """Get the modes of exp(-t^beta), for t from 1e-6 to 1e3, their times relative to that of the stretched law.

    For beta below 1 a positive sum exists (H. Pollard, Bull. Am. Math. Soc. 52 (1946) 908); the weights are fitted.
    """
    if not 0 < beta <= 1:
        raise ValueError(f"beta {beta} has no positive sum of modes; allowed is 0 < beta <= 1")
    if beta == 1:
        return Modes(np.ones(1), np.ones(1))
    from scipy.optimize import nnls  # slow to import, and two of the three crystals never need it

    times = np.logspace(-6, 3, 9 * 6 + 1)
    t = np.concatenate([[0.0], np.logspace(-6, 3, 9 * 40 + 1)])
    weights, _ = nnls(np.exp(-t[:, None] / times), np.exp(-(t**beta)))
    used = weights > 0
    # The response to a step must start at exactly 1; the fit is off by far less than its error elsewhere.
    return Modes(times[used], weights[used] / weights[used].sum())


@lru_cache(maxsize=16)
def power_law(exponent: float, shortest_s: float = 3e-4, longest_s: float = 1e8) -> Modes:
    """Get the modes of (t / 1 s)^-exponent, right to 0.5 % from 10 times the shortest to 1/1000 of the longest time.

    The weights are the trapezoidal rule for Gamma(n) t^-n = integral of exp(n y - t e^y) dy; three points a decade
    leave a ripple of 3e-5. Before the shortest time the sum stays finite where the law does not.
    """
    decades = math.log10(longest_s / shortest_s)
    times = np.logspace(math.log10(longest_s), math.log10(shortest_s), math.ceil(3 * decades) + 1)
    step = math.log(times[0] / times[1])
    return Modes(times, step / math.gamma(exponent) * times**-exponent)
