"""The broken line of a sharp change of regime, solved in closed form at each break of a grid.

V. M. R. Muggeo, "Estimating regression models with unknown break-points", Stat. Med. 22 (2003) 3055, defines the
problem; his iteration needs a start near the solution, a grid of breaks needs none.
"""

import numpy as np

from xraydaq.analysis.arrhenius_model import BOLTZMANN_EV_K, T_CHANGE
from xraydaq.analysis.values import Floats

BREAKS = 121
REFINEMENTS = 3  # of the grid around its best break, each ten times as fine
FINER = 21
LEAST_ON_A_SIDE = 2  # points beyond the outermost breaks
WORST_CONDITION = 1e12

Held = tuple[int, float] | None


def broken_line(temperature_k: Floats, log_sigma_t: Floats, u: Floats, held: Held = None) -> Floats | None:
    """Return the parameters of the best line that steepens towards high temperature; None where there is none.

    Arrays of one length, one point each; `held`: index and value of a parameter that is not fitted.
    """
    if held is not None and held[0] == T_CHANGE:
        return _best(temperature_k, log_sigma_t, u, np.array([held[1]]), None)[1]
    ordered_k = np.sort(temperature_k)
    breaks_k = np.linspace(ordered_k[LEAST_ON_A_SIDE], ordered_k[-1 - LEAST_ON_A_SIDE], BREAKS)
    _, best = _best(temperature_k, log_sigma_t, u, breaks_k, held)
    step_k = float(breaks_k[1] - breaks_k[0])
    for _ in range(REFINEMENTS):
        if best is None or not step_k > 0:
            return best
        inside_k = np.clip(best[T_CHANGE] + step_k * np.linspace(-1, 1, FINER), breaks_k[0], breaks_k[-1])
        best, step_k = _best(temperature_k, log_sigma_t, u, inside_k, held)[1], 2 * step_k / (FINER - 1)
    return best


def _best(
    temperature_k: Floats, log_sigma_t: Floats, u: Floats, breaks_k: Floats, held: Held
) -> tuple[float, Floats | None]:
    """Solve at all given breaks at once: least chi2, infinite where no line steepens, and its parameters."""
    x = (1 / temperature_k - 1 / breaks_k[:, None]) / BOLTZMANN_EV_K
    design = np.stack((np.ones_like(x), -np.maximum(x, 0.0), -np.minimum(x, 0.0)), axis=1)
    solution, free = np.zeros((len(breaks_k), 3)), [0, 1, 2]
    if held is not None:
        solution[:, held[0]] = held[1]
        free.remove(held[0])
    rest = (log_sigma_t - np.einsum("bp,bpn->bn", solution, design)) / u
    weighted = design[:, free] / u
    normal = weighted @ weighted.swapaxes(1, 2)
    solvable = np.linalg.cond(normal) < WORST_CONDITION
    right = np.einsum("bpn,bn->bp", weighted, rest)
    solution[np.ix_(solvable, free)] = np.linalg.solve(normal[solvable], right[solvable][..., None])[..., 0]
    chi2 = np.sum(((log_sigma_t - np.einsum("bp,bpn->bn", solution, design)) / u) ** 2, axis=1)
    steepens = solvable & (solution[:, 1] >= 0) & (solution[:, 1] < solution[:, 2])
    chi2 = np.where(steepens, chi2, np.inf)
    best = int(np.argmin(chi2))
    return float(chi2[best]), np.append(solution[best], breaks_k[best]) if steepens[best] else None
