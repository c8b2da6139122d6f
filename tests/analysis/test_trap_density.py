import math

import pytest
from scipy.integrate import quad

from xraydaq.analysis.outcome import Budget
from xraydaq.analysis.trap_density import (
    areal_trap_density,
    convention_factor,
    diffusion_floor_v,
    near_diffusion_limit,
    printed_without_charge,
    trap_filled_limit_v,
    with_uncertainty,
)
from xraydaq.analysis.values import Value

GAP_M, EPS_R = 50e-6, 32.0


@pytest.mark.parametrize(("per_cm2", "limit_v"), [(1.63e10, 3.6196), (5.68e9, 1.2613), (1.8e9, 0.3997)])
def test_published_densities_and_their_limits_belong_together_once_the_charge_is_restored(per_cm2, limit_v):
    assert trap_filled_limit_v(1e4 * per_cm2, GAP_M, EPS_R, "both_sides") == pytest.approx(limit_v, abs=5e-5)
    assert areal_trap_density(limit_v, GAP_M, EPS_R, "both_sides") == pytest.approx(1e4 * per_cm2, rel=2e-4, abs=0)


def test_one_volt_is_the_density_that_cancels_the_field_at_the_edge_of_the_cathode():
    assert areal_trap_density(1.0, GAP_M, EPS_R, "both_sides") == pytest.approx(4.5033e13, rel=2e-5, abs=0)
    # fields at a distance d from the edge, by differences of the potentials of sheet and bias
    half, eps, near = GAP_M / 2, 2 * EPS_R * 8.8541878e-12, 1e-6 * GAP_M
    sheet = [1.602176634e-19 * 4.5033e13 * math.sqrt(half**2 - x**2) / eps for x in (half - near, half - 2 * near)]
    applied = [math.asin(x / half) / math.pi for x in (half - near, half - 2 * near)]
    assert sheet[0] - sheet[1] == pytest.approx(-(applied[0] - applied[1]), rel=1e-4, abs=0)


def test_air_above_the_crystal_makes_the_density_smaller_by_64_over_33():
    both, air = (areal_trap_density(2.0, GAP_M, EPS_R, kind) for kind in ("both_sides", "crystal_air"))
    assert both / air == pytest.approx(64 / 33, rel=1e-6, abs=0) == convention_factor(EPS_R)


@pytest.mark.parametrize("kind", ["both_sides", "crystal_air"])
def test_density_scales_with_the_limit_and_against_the_gap(kind):
    one = areal_trap_density(1.0, GAP_M, EPS_R, kind)
    assert areal_trap_density(3.0, GAP_M, EPS_R, kind) == pytest.approx(3 * one, rel=1e-6, abs=0)
    assert areal_trap_density(1.0, 2 * GAP_M, EPS_R, kind) == pytest.approx(one / 2, rel=1e-6, abs=0)
    assert trap_filled_limit_v(one, GAP_M, EPS_R, kind) == pytest.approx(1.0, rel=1e-6, abs=0)


@pytest.mark.parametrize("kind", ["both_sides", "crystal_air"])
def test_uncertainty_of_the_density_is_that_of_small_changes_of_what_it_is_made_of(kind):
    limit, gap, eps = Value(3.62, 0.05, "V"), Value(GAP_M, 3e-6, "m"), Value(EPS_R, 2.88, "1")
    density, budget = with_uncertainty(limit, Budget("V", {"scatter": 0.03, "estimator": 0.04}), gap, eps, kind)

    def changed(source, step):
        u = {"limit": limit.u, "gap": gap.u, "eps": eps.u}[source] * step
        v, g, e = limit.value + u * (source == "limit"), GAP_M + u * (source == "gap"), EPS_R + u * (source == "eps")
        return (areal_trap_density(v, g, e, kind) - density.value) / step

    shares = [changed(source, 1e-4) for source in ("limit", "gap", "eps")]
    assert density.u == pytest.approx(math.hypot(*shares), rel=1e-3, abs=0)
    assert set(budget.shares) == {"scatter", "estimator", "gap", "relative permittivity"}
    assert budget.largest == "relative permittivity"
    if kind == "both_sides":
        assert density.u / density.value == pytest.approx(math.hypot(0.06, 0.09, 0.05 / 3.62), rel=1e-6, abs=0)


def test_the_printed_form_without_the_charge_is_a_number_no_bias_reaches():
    assert printed_without_charge(1.63e14, GAP_M, EPS_R) == pytest.approx(2.26e19, rel=2e-3, abs=0)


def test_floor_of_diffusion_is_the_limit_of_the_carriers_that_come_in_by_themselves():
    """With this density in the middle, Poisson's equation without current reaches infinity at the contacts."""
    e, eps, kt = 1.602176634e-19, EPS_R * 8.8541878e-12, 1.380649e-23 * 298.15
    middle_m3 = diffusion_floor_v(298.15) * 2 * eps / (e * GAP_M**2)
    # psi'' = (e^2 n0/(eps kT)) exp(psi), once integrated: psi' = sqrt(2 a (exp(psi) - 1)); substitution psi = y^2
    slope = math.sqrt(2 * e * e * middle_m3 / (eps * kt))
    half_m = quad(lambda y: 2 * y / (slope * math.sqrt(math.expm1(y * y))), 0, 8)[0]
    assert half_m == pytest.approx(GAP_M / 2, rel=1e-6, abs=0)
    assert diffusion_floor_v(298.15) == pytest.approx(0.2536, abs=1e-4)
    assert diffusion_floor_v(596.3) == pytest.approx(2 * diffusion_floor_v(298.15), rel=1e-6, abs=0)


def test_only_the_smallest_of_the_published_limits_is_near_the_floor():
    assert [near_diffusion_limit(limit_v, 298.15) for limit_v in (3.6196, 1.2613, 0.3997)] == [False, False, True]


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf])
def test_impossible_quantities_are_refused_by_name(bad):
    for name, values in {"limit_v": (bad, 1, 1), "gap_m": (1, bad, 1), "relative_permittivity": (1, 1, bad)}.items():
        with pytest.raises(ValueError, match=name):
            areal_trap_density(*values, "both_sides")
    with pytest.raises(ValueError, match="temperature"):
        diffusion_floor_v(bad)


def test_an_unknown_convention_is_refused():
    with pytest.raises(ValueError, match="both_sides, crystal_air"):
        areal_trap_density(1.0, GAP_M, EPS_R, "vacuum")
