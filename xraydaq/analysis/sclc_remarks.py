"""What a reader must know about a trap density before believing it."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from xraydaq.analysis.sclc_direction import MISFIT
from xraydaq.analysis.sclc_result import BY_FIT, BY_NOTHING, BY_STEEPEST, DIRECTIONS, Sweep
from xraydaq.analysis.trap_density import Dielectric, convention_factor, printed_without_charge
from xraydaq.analysis.values import Floats, Value

HYSTERESIS = 0.1
WANDER_K = 0.3
FLAT_SLOPE = 0.75
BELOW = "ohmic line and tangent, where most papers read the limit: low by 30 % and more"
ABOVE = "tangent and square law: high by 30 % and more"


def headline(limit: Value, density: Value, sweeps: Sequence[Sweep], inputs: Mapping[str, float | str]) -> str:
    """Return one line: the limit, the density and what they come from."""
    count = f"{len(sweeps)} sweep{'s' if len(sweeps) > 1 else ''}, {inputs['rows_used']} readings"
    if not np.isfinite(limit.value):
        return f"no trap density: {count} without a trap-filling regime that ends inside the sweep"
    return f"trap density {density.to('cm^-2')}, trap-filled limit {limit.prefixed()}; {count}"


def verdict(density: Value, limit: Value, hysteresis: Value, near: bool) -> str:
    """Return one sentence that a person can act on."""
    if not np.isfinite(limit.value):
        return "no trap density from this sweep: no trap-filling regime that ends inside it"
    if abs(hysteresis.value) > HYSTERESIS:
        return "ionic hysteresis: measure with pulses before using the trap density"
    if near:
        return "the trap density is an upper limit: injected carriers alone give nearly this limit"
    return "trap density determined" if density.u < 0.25 * density.value else "trap density is an estimate only"


def notes(
    density: Value, gap_m: float, relative_permittivity: float, dielectric: Dielectric, near: bool
) -> dict[str, str]:
    """Return what the trap density depends on, by label of the quantity."""
    factor = convention_factor(relative_permittivity)
    told = (
        f"relative permittivity {relative_permittivity:g} on both sides of the electrodes, as printed; with air above "
        f"the crystal the density is smaller by {factor:.2f}"
        if dielectric == "both_sides"
        else f"crystal of relative permittivity {relative_permittivity:g} below, air above; with the crystal on both "
        f"sides, as usually printed, the density is larger by {factor:.2f}"
    )
    remarks = {"trap density": told, "knee": BELOW, "upper crossing": ABOVE}
    if np.isfinite(density.value):
        without = printed_without_charge(density.value, gap_m, relative_permittivity)
        remarks["trap-filled limit"] = (
            "V_T = pi e n_t L/(4 eps0 eps_r); printed without the elementary charge e the formula is not a voltage: "
            f"it gives {without:.1e} V/C for this density, no bias can reach that number"
        )
    if near:
        remarks["floor of diffusion"] = "the limit is below twice this voltage: the density is an upper limit"
    return remarks


def remarks(
    sweeps: Sequence[Sweep], hysteresis: Value, near: bool, zero_measured: bool, known_k: Floats,
    dropped: Mapping[str, int],
) -> tuple[str, ...]:  # fmt: skip
    """Return one sentence for everything that limits the result."""
    return (
        *_of_the_rows(zero_measured, known_k, dropped),
        *(remark for sweep in sweeps for remark in _of_a_sweep(sweep)),
        *_of_the_directions(sweeps, hysteresis, near),
    )


def _of_the_rows(zero_measured: bool, known_k: Floats, dropped: Mapping[str, int]) -> Iterator[str]:
    reasons = ", ".join(f"{reason} {count}" for reason, count in dropped.items() if count)
    if reasons:
        yield f"readings not used: {reasons}"
    if not zero_measured:
        yield "baseline missing: the offset of the meter is not removed; it fakes slopes below 1 at low bias"
    if known_k.size and np.ptp(known_k) > WANDER_K:
        yield f"the crystal temperature moved by {np.ptp(known_k):.2g} K meanwhile: the ohmic current follows it"


def _of_a_sweep(sweep: Sweep) -> Iterator[str]:
    resolved = sweep.slopes.u < (1 - FLAT_SLOPE) / 2
    flat = (
        resolved
        & (sweep.slopes.slope + 2 * sweep.slopes.u < FLAT_SLOPE)
        & (sweep.points.bias_v < sweep.top.bias.value)
    )
    if flat.any():
        yield f"{sweep.name}: slopes below 1 at low bias: an offset current or a current that has not settled"
    if sweep.regime("filling") is None:
        yield f"{sweep.name}: no trap-filling regime (slope above 2.5): no trap density"
    elif not sweep.top.finished:
        yield f"{sweep.name}: filling does not end in the sweep: the limit is above {sweep.points.bias_v[-1]:.3g} V"
    if sweep.estimator == BY_STEEPEST and sweep.fit is not None:
        yield (
            f"{sweep.name}: the filling model does not describe the sweep (chi2/dof {sweep.fit.chi2_per_dof:.3g} > "
            f"{MISFIT:g}): the steepest point is quoted"
        )
    elif sweep.estimator == BY_STEEPEST:
        yield f"{sweep.name}: the filling model could not be fitted: the steepest point is quoted"
    if sweep.estimator == BY_FIT and sweep.fit is not None and sweep.fit.levels_are_spread:
        yield f"{sweep.name}: trap levels spread by {sweep.fit.spread:.2g} kT describe the sweep better than one"


def _of_the_directions(sweeps: Sequence[Sweep], hysteresis: Value, near: bool) -> Iterator[str]:
    have = {sweep.direction for sweep in sweeps if sweep.estimator != BY_NOTHING}
    if len(have) == 1:
        yield f"only the sweep {DIRECTIONS[have.pop()]} has a limit: ionic hysteresis cannot be seen"
    if abs(hysteresis.value) > HYSTERESIS:
        yield (
            f"ionic hysteresis: limits up and down differ by {100 * hysteresis.value:+.0f} %; their geometric mean is "
            "used, a pulsed measurement is recommended"
        )
    if near:
        yield "near_diffusion_limit: carriers diffusing in from the contacts give nearly the same limit without a trap"
