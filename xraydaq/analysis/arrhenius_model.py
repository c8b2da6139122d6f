"""Two conduction regimes in ln(sigma T) against 1/kT: branches that add, a sharp change, or anything between.

Nernst-Einstein: sigma T = B exp(-E/kT) for a hopping ion (J. Maier, Physical Chemistry of Ionic Materials (2004),
chapter 6), so the model is one of ln(sigma T), not of ln(sigma). With x' = (1/T - 1/T_c)/k the branches are equal at
T_c, and with a sharpness s

    y = ln B + (1/s) ln(exp(-s E_low x') + exp(-s E_high x'));

s = 1: conduction in parallel; s -> infinity: a broken line, y = ln B + max(-E_low x', -E_high x').
Parameters, here and in the fits: ln B, E_low/eV, E_high/eV, T_c/K.
"""

import numpy as np

from xraydaq.analysis.values import Floats

BOLTZMANN_EV_K = 8.617333262e-5  # CODATA 2018, exact as its SI definition
EV_J = 1.602176634e-19
LOG_B, E_LOW, E_HIGH, T_CHANGE = range(4)


def reciprocal(temperature_k: Floats, reference_k: float) -> Floats:
    """Return x' = (1/T - 1/T_ref)/k in 1/eV."""
    return np.asarray((1 / temperature_k - 1 / reference_k) / BOLTZMANN_EV_K, dtype=np.float64)


def branches(parameters: Floats, temperature_k: Floats) -> tuple[Floats, Floats]:
    """Return ln(sigma T) of the low and of the high branch alone."""
    x = reciprocal(temperature_k, parameters[T_CHANGE])
    return parameters[LOG_B] - parameters[E_LOW] * x, parameters[LOG_B] - parameters[E_HIGH] * x


def high_share(parameters: Floats, sharpness: float, temperature_k: Floats) -> Floats:
    """Return the weight of the high branch: its share of the conduction where the branches are in parallel."""
    low, high = branches(parameters, temperature_k)
    if np.isinf(sharpness):
        return np.asarray(high > low, dtype=np.float64)
    return np.asarray(np.exp(-np.logaddexp(0.0, sharpness * (low - high))), dtype=np.float64)


def curve(parameters: Floats, sharpness: float, temperature_k: Floats) -> Floats:
    """Return ln(sigma T) at temperatures in K."""
    low, high = branches(parameters, temperature_k)
    if np.isinf(sharpness):
        return np.maximum(low, high)
    return np.asarray(low + np.logaddexp(0.0, sharpness * (high - low)) / sharpness, dtype=np.float64)


def slope_ev(parameters: Floats, sharpness: float, temperature_k: Floats) -> Floats:
    """Return the local activation energy of the model in eV."""
    share = high_share(parameters, sharpness, temperature_k)
    return np.asarray(parameters[E_LOW] * (1 - share) + parameters[E_HIGH] * share, dtype=np.float64)


def derivatives(parameters: Floats, sharpness: float, temperature_k: Floats) -> Floats:
    """Return the derivatives of ln(sigma T) by the four parameters, shape (4, points)."""
    x = reciprocal(temperature_k, parameters[T_CHANGE])
    share = high_share(parameters, sharpness, temperature_k)
    by_change = -slope_ev(parameters, sharpness, temperature_k) / (BOLTZMANN_EV_K * parameters[T_CHANGE] ** 2)
    return np.vstack((np.ones_like(x), -x * (1 - share), -x * share, by_change))
