"""Where a result is a quotient, its linear uncertainty against a Monte Carlo (JCGM 101:2008, 7 and 8).

A linear u is kept where it is right to 5 %, the value off the mean of the draws by at most a tenth of it (a fifth
of what a device may be off by on average), and twice it covers 94 to 96 % of them.
"""

from dataclasses import replace

import numpy as np
import pytest

from tests.analysis.switched_synthetic import SPOT, Chopping, Device, dose_of, points_of, trace
from xraydaq.analysis.air_ionisation import evaluate
from xraydaq.analysis.charge_yield import gain
from xraydaq.analysis.outcome import Budget
from xraydaq.analysis.trap_density import with_uncertainty
from xraydaq.analysis.values import Value

DRAWS = 200_000
U_RIGHT_TO, SHIFT_RIGHT_TO, COVERED, COVERED_TO = 0.05, 0.1, 0.95, 0.01
KNOWN_TO = 4 / np.sqrt(2 * DRAWS)
"""Of a standard deviation from so many draws, four times its own uncertainty: 0.6 %."""

SENSITIVITY = Value(8e3, 290.0, "C Gy^-1 m^-2")
ELEMENTARY_CHARGE_C, VACUUM_F_M = 1.602176634e-19, 8.8541878e-12


def drawn(rng, value):
    return value.value + value.u * rng.standard_normal(DRAWS)


def check(linear, draws):
    assert linear.u == pytest.approx(draws.std(), rel=U_RIGHT_TO + KNOWN_TO, abs=0)
    assert abs(draws.mean() - linear.value) < SHIFT_RIGHT_TO * linear.u
    covered = np.mean(np.abs(draws - linear.value) < 1.96 * linear.u)
    assert covered == pytest.approx(COVERED, abs=COVERED_TO)


@pytest.mark.parametrize("kind", ["both_sides", "crystal_air"])
@pytest.mark.parametrize("limit", [Value(3.62, 0.013, "V"), Value(0.4, 0.04, "V")], ids=["fit", "steepest point"])
def test_the_trap_density_of_a_filling_voltage_needs_no_monte_carlo(kind, limit):
    """Gap to 6 %, permittivity to 9 %: only the gap divides."""
    gap, eps = Value(50e-6, 3e-6, "m"), Value(32.0, 2.9, "1")
    density, _ = with_uncertainty(limit, Budget("V", {"all": limit.u}), gap, eps, kind)
    rng = np.random.default_rng(1)
    volts, metres, below = (drawn(rng, each) for each in (limit, gap, eps))
    above = below if kind == "both_sides" else 1.0
    check(density, 2 * volts * VACUUM_F_M * (below + above) / (np.pi * ELEMENTARY_CHARGE_C * metres))


def test_the_gain_needs_no_monte_carlo():
    """Sensitivity to 3.6 %; unity gain, which divides, to 10 % by gap energy, thickness and spectrum."""
    unity, rng = Value(11.4, 1.14, "C Gy^-1 m^-2"), np.random.default_rng(2)
    check(gain(SENSITIVITY, unity)[0], drawn(rng, SENSITIVITY) / drawn(rng, unity))


def test_the_ratio_of_air_to_crystal_needs_no_monte_carlo():
    """Each has been in a beam of its own: nothing cancels, and all of the budget of the crystal divides."""
    rng = np.random.default_rng(3)
    blank = Device(step_a=0.16 * SPOT.area_m2 * 20e-6, fast_s=1e-3, share=0.0, dark_a=60e-12, asd=0.0, white_a=5e-12)
    columns, _ = points_of(trace(rng, blank, Chopping(cycles=10, half_s=10.0, period_s=0.22, reading_s=0.2)))
    spot = replace(SPOT, resolution_a=0.0)
    told = {"reading_time_s": 0.2, "sample_sensitivity": SENSITIVITY, "same_beam": False}
    found = evaluate(*columns, spot=spot, dose=dose_of(20e-6), **told)
    check(found.ratio, drawn(rng, found.apparent) / drawn(rng, SENSITIVITY))


@pytest.mark.parametrize("unity_u_rel", [0.15, 0.25])
def test_a_quotient_that_is_not_linear_enough_would_be_noticed(unity_u_rel):
    rng, unity = np.random.default_rng(4), Value(11.4, unity_u_rel * 11.4, "C Gy^-1 m^-2")
    with pytest.raises(AssertionError):
        check(gain(SENSITIVITY, unity)[0], 8e3 / drawn(rng, unity))
