import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xraydaq.analysis.attenuation import (
    ELECTRONVOLT_J,
    KEV_J,
    MAPBI3,
    Absorber,
    attenuation_m1,
    mass_fractions,
    quantum_efficiency,
)
from xraydaq.analysis.beam_quality import absorbed_share, model_spectrum
from xraydaq.analysis.charge_yield import (
    air_energy_absorption_m2_kg,
    gain,
    pair_energy,
    transit_time_s,
    unity_gain_sensitivity_c_gy_m2,
)
from xraydaq.analysis.theory import evaluate
from xraydaq.analysis.theory_result import Carriers
from xraydaq.analysis.values import Value
from xraydaq.config.reference import literature
from xraydaq.errors import ConfigError, LimitError
from xraydaq.report.beams import tracked_beams

UC_PER_GY_CM2 = 1e-2
W_J = 4.63 * ELECTRONVOLT_J
LAYERS_M = (50e-6, 100e-6, 200e-6, 500e-6, 1e-3)

# keV, mu in 1/cm, quantum efficiency of the layers: MAPbI3 of 4.16 g/cm^3 after the tables of Elam et al.
TABLE = [
    (10.0, 597.5, (0.950, 0.998, 1.000, 1.0, 1.0)),
    (15.0, 296.1, (0.773, 0.948, 0.997, 1.0, 1.0)),
    (20.0, 185.2, (0.604, 0.843, 0.975, 1.000, 1.0)),
    (22.16, 141.4, (0.507, 0.757, 0.941, 0.999, 1.0)),
    (24.94, 103.7, (0.405, 0.646, 0.874, 0.994, 1.0)),
    (30.0, 64.1, (0.274, 0.473, 0.723, 0.959, 0.998)),
    (33.1, 49.5, (0.219, 0.391, 0.629, 0.916, 0.993)),
    (33.3, 122.8, (0.459, 0.707, 0.914, 0.998, 1.0)),
    (40.0, 76.5, (0.318, 0.535, 0.783, 0.978, 1.000)),
    (50.0, 42.7, (0.192, 0.348, 0.574, 0.882, 0.986)),
]
CARRIERS = Carriers(gap_m=50e-6, bias_v=5.0, mobility_m2_vs=50e-4, lifetime_s=672.8e-9)


@pytest.fixture(scope="module")
def beams():
    return tracked_beams()


@pytest.mark.parametrize(("energy_kev", "mu_cm1", "efficiencies"), TABLE)
def test_attenuation_and_quantum_efficiency_are_those_of_the_tables_to_one_percent(energy_kev, mu_cm1, efficiencies):
    mu_m1 = attenuation_m1(MAPBI3, energy_kev * KEV_J)
    assert mu_m1 / 100 == pytest.approx(mu_cm1, rel=0.01, abs=0)
    for layer_m, expected in zip(LAYERS_M, efficiencies, strict=True):
        assert quantum_efficiency(mu_m1, layer_m) == pytest.approx(expected, rel=0.01, abs=0)


def test_the_mass_of_the_formula_is_shared_among_its_elements():
    fractions = mass_fractions("CH6NPbI3")
    assert sum(fractions.values()) == pytest.approx(1.0, abs=1e-12)
    assert fractions["I"] == pytest.approx(3 * 126.904 / 619.98, rel=1e-4, abs=0)
    assert fractions == pytest.approx(mass_fractions("CH3NH3PbI3"), rel=1e-6, abs=0)


@given(st.floats(1e-7, 5e-3), st.floats(1e-7, 5e-3), st.floats(5.0, 100.0))
@settings(max_examples=40, deadline=None)
def test_two_layers_let_through_what_one_of_their_sum_does(first_m, second_m, energy_kev):
    mu_m1 = attenuation_m1(MAPBI3, energy_kev * KEV_J)
    through = [1 - quantum_efficiency(mu_m1, each) for each in (first_m, second_m, first_m + second_m)]
    assert through[0] * through[1] == pytest.approx(through[2], rel=1e-9, abs=1e-15)


def test_attenuation_is_proportional_to_density_and_keeps_the_shape_given():
    energy_j = np.array([[10.0, 20.0], [30.0, 40.0]]) * KEV_J
    once = attenuation_m1(MAPBI3, energy_j)
    assert once.shape == (2, 2)
    twice = attenuation_m1(Absorber(MAPBI3.formula, 2 * MAPBI3.density_kg_m3), energy_j)
    np.testing.assert_allclose(twice, 2 * once)


@pytest.mark.parametrize("energy_kev", [0.5, 900.0, math.nan, -20.0])
def test_an_energy_outside_the_tables_is_refused(energy_kev):
    with pytest.raises(LimitError, match="1 to 800 keV"):
        attenuation_m1(MAPBI3, energy_kev * KEV_J)


@pytest.mark.parametrize("formula", ["Xx2", "", "ch3", "CH3)"])
def test_what_is_no_formula_is_refused_with_an_example(formula):
    with pytest.raises(ConfigError, match="CH6NPbI3"):
        mass_fractions(formula)


@pytest.mark.parametrize(("gap_ev", "w_ev"), [(1.60, 4.63), (2.30, 6.03), (1.51, 4.45), (2.18, 5.79)])
def test_the_pair_energy_follows_the_gap(gap_ev, w_ev):
    w, budget = pair_energy(Value(gap_ev * ELECTRONVOLT_J, 0.03 * ELECTRONVOLT_J, "J"))
    assert w.to("eV").value == pytest.approx(w_ev, abs=1e-9)
    assert w.u == pytest.approx(budget.combined, rel=1e-6, abs=0)
    assert w.u > 2 * 0.03 * ELECTRONVOLT_J


def test_the_ratio_of_pair_energies_of_iodide_and_bromide_means_thirty_percent_more_carriers():
    iodide, bromide = (pair_energy(Value(ev * ELECTRONVOLT_J, 0.0, "J"))[0].value for ev in (1.60, 2.30))
    assert iodide / bromide == pytest.approx(0.768, abs=5e-4)
    assert bromide / iodide == pytest.approx(1.30, abs=0.005)


def test_a_layer_that_absorbs_all_of_the_silver_line_has_550_microcoulomb_per_gray_and_square_centimetre():
    s0 = unity_gain_sensitivity_c_gy_m2(np.array([22.16 * KEV_J]), np.ones(1), np.ones(1), W_J)
    assert s0 / UC_PER_GY_CM2 == pytest.approx(550.0, rel=0.005, abs=0)


@given(st.floats(1e-6, 1e12), st.floats(0.2, 5.0))
@settings(max_examples=30, deadline=None)
def test_unity_gain_does_not_depend_on_the_number_of_photons_and_falls_as_the_pair_energy(photons, factor):
    energy_j, eta = np.array([15.0, 25.0, 40.0]) * KEV_J, np.array([1.0, 0.6, 0.3])
    shape = np.array([1.0, 3.0, 2.0])
    once = unity_gain_sensitivity_c_gy_m2(energy_j, shape, eta, W_J)
    assert unity_gain_sensitivity_c_gy_m2(energy_j, photons * shape, eta, W_J) == pytest.approx(once, rel=1e-6, abs=0)
    assert unity_gain_sensitivity_c_gy_m2(energy_j, shape, eta, factor * W_J) == pytest.approx(
        once / factor, rel=1e-6, abs=0
    )


def test_a_spectrum_without_photons_and_an_energy_without_kerma_are_refused():
    with pytest.raises(LimitError, match="no dose"):
        unity_gain_sensitivity_c_gy_m2(np.array([20.0 * KEV_J]), np.zeros(1), np.ones(1), W_J)
    with pytest.raises(LimitError, match="kerma"):
        air_energy_absorption_m2_kg(2.0 * KEV_J)


# total Al in mm, S0 of 1 mm and 0.2 mm in uC/Gy/cm^2, HVL in mm: 50 kV, 30 cm
BEAMS = [
    (0.5, 617, 526, 0.642),
    (2.0, 1144, 926, 1.363),
    (3.4, 1499, 1180, 1.793),
    (10.0, 2675, 2000, 3.533),
    (35.0, 3821, 2657, 5.244),
]


@pytest.mark.parametrize(("al_mm", "s0_1mm", "s0_0p2mm", "hvl_mm"), BEAMS)
def test_unity_gain_of_a_filtered_beam_is_that_of_the_table(beams, al_mm, s0_1mm, s0_0p2mm, hvl_mm):
    for layer_m, expected in ((1e-3, s0_1mm), (0.2e-3, s0_0p2mm)):
        quality = beams.at(50e3, al_mm * 1e-3, thickness_m=layer_m, pair_energy_j=W_J)
        assert quality.unity_gain_c_gy_m2 / UC_PER_GY_CM2 == pytest.approx(expected, rel=2e-3, abs=0)
    assert quality.half_value_layer_m * 1e3 == pytest.approx(hvl_mm, rel=2e-3, abs=0)


@pytest.mark.parametrize(("al_mm", "s0_1mm", "s0_0p2mm", "_hvl_mm"), BEAMS)
def test_the_model_spectrum_gives_the_table_to_its_stated_uncertainty(al_mm, s0_1mm, s0_0p2mm, _hvl_mm):
    energy_j, photons = model_spectrum(al_mm * 1e-3)
    eta = quantum_efficiency(attenuation_m1(MAPBI3, energy_j), 1e-3)
    own = unity_gain_sensitivity_c_gy_m2(energy_j, photons, eta, W_J)
    assert own / UC_PER_GY_CM2 == pytest.approx(s0_1mm, rel=0.02, abs=0)
    ratio = absorbed_share(MAPBI3, al_mm * 1e-3, 0.2e-3) / absorbed_share(MAPBI3, al_mm * 1e-3, 1e-3)
    assert ratio == pytest.approx(s0_0p2mm / s0_1mm, rel=5e-3, abs=0)


def test_unity_gain_of_any_layer_grows_with_thickness_through_the_tabulated_ones(beams):
    layers_m = [0.1e-3, 0.199e-3, 0.2e-3, 0.3e-3, 0.99e-3, 1e-3, 2e-3]
    s0 = [beams.at(50e3, 3e-3, thickness_m=each, pair_energy_j=W_J).unity_gain_c_gy_m2 for each in layers_m]
    assert s0 == sorted(s0)
    with pytest.raises(LimitError, match="any layer at 50 kV"):
        beams.at(40e3, 3e-3, thickness_m=0.5e-3, pair_energy_j=W_J)


@pytest.mark.parametrize(("voltage_v", "al_m"), [(51e3, 2e-3), (50e3, 40e-3), (50e3, 0.1e-3), (50e3, math.nan)])
def test_a_beam_outside_the_table_is_refused(beams, voltage_v, al_m):
    with pytest.raises(LimitError, match="the beam table holds"):
        beams.at(voltage_v, al_m, thickness_m=1e-3, pair_energy_j=W_J)


def test_the_printed_lifetime_explains_a_gain_of_seven():
    assert transit_time_s(50e-6, 50e-4, 5.0) == pytest.approx(1.0e-7, rel=1e-6, abs=0)
    assert 672.8e-9 / transit_time_s(50e-6, 50e-4, 5.0) == pytest.approx(6.73, rel=1e-3, abs=0)
    assert 672.8e-9 / transit_time_s(50e-6, 165e-4, 5.0) == pytest.approx(22.2, rel=1e-3, abs=0)


@given(st.floats(0.5, 2.0), st.floats(-3.0, 3.0))
@settings(max_examples=20, deadline=None)
def test_the_uncertainty_of_the_gain_holds_the_scatter_of_its_inputs(scale, exponent):
    s, s0 = Value(7100.0 * scale, 250.0, "C Gy^-1 m^-2"), Value(11.4, 1.2, "C Gy^-1 m^-2")
    found, budget = gain(s, s0)
    rng = np.random.default_rng(7)
    drawn = rng.normal(s.value, s.u, 20_000) / rng.normal(s0.value, s0.u, 20_000)
    low, high = np.percentile(drawn, [15.87, 84.13])
    assert (high - low) / 2 == pytest.approx(found.u, rel=0.05, abs=0)
    assert budget.combined == pytest.approx(found.u, rel=1e-6, abs=0)
    unit = 10.0**exponent
    in_other_units = gain(Value(s.value * unit, s.u * unit, "x"), Value(s0.value * unit, s0.u * unit, "x"))[0]
    assert (in_other_units.value, in_other_units.u) == pytest.approx((found.value, found.u), rel=1e-6, abs=0)


def test_the_printed_sensitivity_is_a_gain_of_hundreds_that_its_lifetime_does_not_explain(beams):
    result = evaluate(
        MAPBI3,
        Value(1.60 * ELECTRONVOLT_J, 0.03 * ELECTRONVOLT_J, "J"),
        energies_j=[22.16 * KEV_J, 40.0 * KEV_J],
        thicknesses_m=[1e-3, 100e-6],
        table=beams,
        beams=[(50e3, 2e-3), (50e3, 10e-3)],
        carriers=CARRIERS,
        sensitivities=[Value(7.1e5 * UC_PER_GY_CM2, 0.0, "C Gy^-1 m^-2")] * 2,
    )
    assert [beam.gain[0].value for beam in result.beams] == pytest.approx([621, 265], rel=5e-3, abs=0)
    assert result.beams[0].lifetime[0].to("µs").value == pytest.approx(62.1, rel=5e-3, abs=0)
    assert any("larger than lifetime over transit time" in flag for flag in result.flags)
    assert any("iodine K" in flag for flag in result.flags)
    numbers = result.quantities()
    assert numbers["gain_50_kv_2_mm_al_1_mm"] == result.beams[0].gain[0]
    assert len(numbers) == len(result.rows())
    assert str(result.beams[0].quality) == "50 kV, 2 mm Al, HVL 1.36 mm Al"


def test_a_sensitivity_at_unity_gain_raises_no_flag(beams):
    result = evaluate(
        MAPBI3,
        Value(1.60 * ELECTRONVOLT_J, 0.03 * ELECTRONVOLT_J, "J"),
        energies_j=[22.16 * KEV_J],
        thicknesses_m=[1e-3],
        table=beams,
        beams=[(50e3, 2e-3)],
        carriers=CARRIERS,
        sensitivities=[Value(1144 * UC_PER_GY_CM2, 20 * UC_PER_GY_CM2, "C Gy^-1 m^-2")],
    )
    assert result.flags == ()
    assert "no photoconductive gain" in result.verdict


def test_the_detectors_of_the_literature_follow_from_what_is_printed():
    by_name = {each.name: each for each in literature()}
    selenium = by_name["α-Se"]
    assert selenium.sensitivity_c_gy_m2 / UC_PER_GY_CM2 == pytest.approx(7.1e5 / 35000, rel=1e-6, abs=0)
    assert selenium.detection_limit_gy_s == pytest.approx(1.5e-9 * 3600, rel=1e-6, abs=0)
    assert by_name["MAPbBr2.94Cl0.06"].sensitivity_c_gy_m2 / UC_PER_GY_CM2 == pytest.approx(84000, rel=1e-6, abs=0)
