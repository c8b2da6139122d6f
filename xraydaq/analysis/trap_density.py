"""Areal trap density from the trap-filled limit of a planar gap between two coplanar electrodes.

Model: J. A. Geurst, Phys. Status Solidi 15 (1966) 107: a sheet of charge e n_t between two half planes of metal a gap
L apart has the potential e n_t sqrt(a^2 - x^2)/(eps1 + eps2), a = L/2, with eps1 and eps2 the permittivities below and
above the sheet; the applied field in the gap is V/(pi sqrt(a^2 - x^2)). At the edge of the cathode they cancel at

    V_T = pi e n_t L / (2 (eps1 + eps2)).

With the crystal's permittivity on both sides this is pi e n_t L/(4 eps0 eps_r), the form of Y. Song et al., Research
2020, 5958243, equation (1), where the elementary charge is missing in print. Space-charge-limited currents: M. A.
Lampert, P. Mark, Current Injection in Solids (1970).
"""

import math
from typing import Literal, TypeAlias

from scipy.constants import e as ELEMENTARY_CHARGE_C
from scipy.constants import epsilon_0 as VACUUM_PERMITTIVITY_F_M
from scipy.constants import k as BOLTZMANN_J_K

from xraydaq.analysis.outcome import Budget
from xraydaq.analysis.values import Value

Dielectric: TypeAlias = Literal["both_sides", "crystal_air"]
DIELECTRICS: tuple[Dielectric, ...] = ("both_sides", "crystal_air")
"""What is taken to fill the half space above the gap: the crystal once more (as printed), or air."""

CLOSE_TO_THE_FLOOR = 2.0  # a limit below twice the floor of diffusion is not one of traps alone
GAP_SHARE, PERMITTIVITY_SHARE = "gap", "relative permittivity"


def areal_trap_density(limit_v: float, gap_m: float, relative_permittivity: float, dielectric: Dielectric) -> float:
    """Return n_t in m^-2 of a trap-filled limit in V (Geurst, with the elementary charge).

    Raises:
        ValueError: a quantity that is not finite and above zero, or an unknown convention.
    """
    _check(limit_v=limit_v, gap_m=gap_m, relative_permittivity=relative_permittivity)
    return limit_v * _sides(relative_permittivity, dielectric) / (math.pi / 2 * ELEMENTARY_CHARGE_C * gap_m)


def trap_filled_limit_v(
    density_m2: float, gap_m: float, relative_permittivity: float, dielectric: Dielectric
) -> float:
    """Return the trap-filled limit in V of an areal trap density in m^-2; ValueError as `areal_trap_density`."""
    _check(density_m2=density_m2, gap_m=gap_m, relative_permittivity=relative_permittivity)
    return math.pi / 2 * ELEMENTARY_CHARGE_C * density_m2 * gap_m / _sides(relative_permittivity, dielectric)


def with_uncertainty(
    limit: Value, limit_budget: Budget, gap: Value, relative_permittivity: Value, dielectric: Dielectric
) -> tuple[Value, Budget]:
    """Return the trap density with its uncertainty, and the shares of it in m^-2.

    `limit` in V with its shares; `gap` in m; JCGM 100:2008, equation (10), all contributions independent.
    """
    density_m2 = areal_trap_density(limit.value, gap.value, relative_permittivity.value, dielectric)
    shares = {source: density_m2 * u_v / limit.value for source, u_v in limit_budget.shares.items()}
    shares[GAP_SHARE] = density_m2 * gap.u / gap.value
    above = 0.0 if dielectric == "both_sides" else 1.0
    shares[PERMITTIVITY_SHARE] = density_m2 * relative_permittivity.u / (relative_permittivity.value + above)
    budget = Budget("m^-2", shares)
    return Value(density_m2, budget.combined, "m^-2", limit.dof), budget


def convention_factor(relative_permittivity: float) -> float:
    """Return how much larger n_t is with the crystal on both sides than with air above it: 64/33 for 32."""
    return _sides(relative_permittivity, "both_sides") / _sides(relative_permittivity, "crystal_air")


def diffusion_floor_v(temperature_k: float) -> float:
    """Return the limit in V that carriers diffusing in from the contacts imitate without any trap: pi^2 kT/e.

    Two ohmic contacts leave at least n0 = 2 pi^2 eps kT/(e^2 L^2) in the middle between them: the solution of
    Poisson's equation without current, n = n0 / cos^2(pi x/L) (A. H. Wetzelaer, P. W. M. Blom, Phys. Rev. B 89 (2014)
    241201). A bulk of traps of that density has the limit e n0 L^2/(2 eps) = pi^2 kT/e.

    Raises:
        ValueError: a temperature that is not finite and above zero.
    """
    _check(temperature_k=temperature_k)
    return math.pi**2 * BOLTZMANN_J_K * temperature_k / ELEMENTARY_CHARGE_C


def near_diffusion_limit(limit_v: float, temperature_k: float) -> bool:
    """Tell whether a trap-filled limit is below twice the floor of diffusion, about 0.5 V at room temperature."""
    return not limit_v >= CLOSE_TO_THE_FLOOR * diffusion_floor_v(temperature_k)


def printed_without_charge(density_m2: float, gap_m: float, relative_permittivity: float) -> float:
    """Return what the printed form pi n_t L/(4 eps0 eps_r), without e, makes of a density: volts per coulomb."""
    return trap_filled_limit_v(density_m2, gap_m, relative_permittivity, "both_sides") / ELEMENTARY_CHARGE_C


def _sides(relative_permittivity: float, dielectric: str) -> float:
    """Sum of the permittivities of both half spaces, F/m."""
    if dielectric not in DIELECTRICS:
        raise ValueError(f"dielectric {dielectric!r}; allowed: {', '.join(DIELECTRICS)}")
    above = relative_permittivity if dielectric == "both_sides" else 1.0
    return VACUUM_PERMITTIVITY_F_M * (relative_permittivity + above)


def _check(**quantities: float) -> None:
    for name, value in quantities.items():
        if not (value > 0 and math.isfinite(value)):
            raise ValueError(f"{name} must be finite and above zero, not {value}")
