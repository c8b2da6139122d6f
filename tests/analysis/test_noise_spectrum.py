from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad

from tests.analysis.spectrum_synthetic import SPANS, Truth, noise, spectra, spectrum
from xraydaq.analysis.noise_figures import allan_factor
from xraydaq.analysis.noise_spectrum import AllanReference, NominalBackground, Spectrum, evaluate
from xraydaq.analysis.values import NotEnoughData, Value

LOD = Truth(h=(3.55e-12) ** 2, sensitivity=1e-7, pole_hz=2e3, preamplifier=1e-13)


def result_of(truth=None, seed=1, given=None, **told):
    truth = Truth() if truth is None else truth
    given = spectra(truth, np.random.default_rng(seed)) if given is None else given
    settings = {"current_a": truth.current_a, "temperature_k": 298.0, "gain_u_rel": 0.0, "mains_hz": 0.0}
    return evaluate(given, **settings | told)


def flags(result):
    return " | ".join(result.flags)


def changed(given, factor, span_hz=None):
    """The same spectra with another density, all of them or those of one span."""
    chosen = [span_hz is None or each.span_hz == span_hz for each in given]
    return [
        replace(each, asd_v_rthz=each.asd_v_rthz * factor) if hit else each
        for each, hit in zip(given, chosen, strict=True)
    ]


def test_level_and_exponent_of_many_devices_scatter_as_their_uncertainties_say():
    rng, pulls = np.random.default_rng(30), []
    behind = spectra(Truth(), rng, kinds=("open_input",))
    for _ in range(50):
        h, gamma = 1e-20 * rng.lognormal(sigma=0.5), rng.uniform(0.9, 1.2)
        truth = Truth(h=h, gamma=gamma, current_a=150e-9 * rng.lognormal(sigma=0.3))
        result = result_of(truth, given=spectra(truth, rng, kinds=("device",)) + behind)
        levels = ((result.density_1_hz, 1.0), (result.density_10_hz, 10.0))
        off = [(value.value - np.sqrt(truth.device(f_hz))) / value.u for value, f_hz in levels]
        pulls.append((*off, (result.gamma.value - gamma) / result.gamma.u))
    pulls = np.array(pulls)
    assert np.all(np.abs(pulls.mean(axis=0)) < 0.5), pulls.mean(axis=0)
    assert np.all(np.abs(pulls.std(axis=0) - 1) < 0.35), pulls.std(axis=0)


@pytest.mark.parametrize(
    ("truth", "spans"), [(Truth(), SPANS), (LOD, SPANS[:1])], ids=["1e-10 at 1 uA/V", "3.55e-12 at 100 nA/V"]
)
def test_both_noise_levels_are_recovered_within_three_percent_and_without_a_flag(truth, spans):
    result = result_of(truth, given=spectra(truth, np.random.default_rng(1), spans))
    assert result.flicker_1_hz.value == pytest.approx(np.sqrt(truth.h), rel=0.03, abs=0)
    assert result.gamma.value == pytest.approx(1.0, abs=0.03)
    assert result.flags == ()
    assert result.background_share_top.value < 1 / 9


def test_too_coarse_a_sensitivity_is_flagged():
    result = result_of(replace(LOD, sensitivity=1e-6, pole_hz=2e4, preamplifier=6e-13))
    assert "more sensitive setting" in flags(result)
    assert abs(result.gamma.value - 1) < 3 * result.gamma.u


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_corner_of_25_hz_is_recovered_to_five_percent(seed):
    truth = Truth(white=4e-22)
    result = result_of(truth, seed)
    exact = truth.h / truth.device(1e9)
    assert result.corner.value == pytest.approx(exact, rel=0.05, abs=0)
    assert abs(result.corner.value - exact) < 3 * result.corner.u
    assert abs(result.white.value - np.sqrt(truth.device(1e9))) < 3 * result.white.u


def test_without_white_noise_there_is_a_limit_above_the_truth_and_no_level():
    result = result_of()
    labels = [label for label, *_ in result.rows()]
    assert "white level" not in labels
    assert "white level upper limit" in labels
    assert result.white_limit.value > np.sqrt(2 * 1.602e-19 * 150e-9)


def test_white_noise_alone_is_said_to_be_white():
    truth = Truth(h=1e-40, white=1e-22)
    result = result_of(truth)
    assert "the spectrum is white" in flags(result)
    assert "white" in result.verdict
    assert abs(result.density_10_hz.value - 1e-11) < 3 * result.density_10_hz.u


def test_shot_and_johnson_noise_are_those_of_the_current_and_the_resistance():
    result = result_of(Truth(current_a=100e-9), conductance_s=1 / 50e6, temperature_k=300.0)
    assert result.shot.value == pytest.approx(1.79e-13, rel=2e-3, abs=0)
    assert result.johnson.value == pytest.approx(1.82e-14, rel=2e-3, abs=0)
    assert result.over_shot.value == pytest.approx(result.density_1_hz.value / 1.79e-13, rel=2e-3, abs=0)


def test_johnson_noise_is_counted_once_whichever_background_is_measured():
    """A device of 10 kOhm has 1.3 pA/√Hz, which an open input does not show and the device at 0 V does."""
    johnson = 4 * 1.380649e-23 * 298 / 1e4
    truth = Truth(h=1e-22, current_a=0.0, white=johnson)
    opened = spectra(truth, np.random.default_rng(8))
    at_zero = [
        replace(each, kind="zero_bias", bias_v=0.0)
        for each in spectra(replace(truth, h=1e-30), np.random.default_rng(9), kinds=("device",))
    ]
    one = result_of(truth, given=opened, conductance_s=1e-4)
    other = result_of(truth, given=[each for each in opened if each.kind == "device"] + at_zero, conductance_s=1e-4)
    assert (one.background, other.background) == ("open_input", "zero_bias")
    for result in (one, other):
        assert abs(result.density_10_hz.value - np.sqrt(truth.device(10.0))) < 3 * result.density_10_hz.u
        assert not result.fit.white_seen
    assert other.background_share_top.value > 3 * one.background_share_top.value


@pytest.mark.parametrize("factor", [1e-3, 1e3])
def test_the_density_scales_with_the_sensitivity_and_the_exponent_does_not(factor):
    given = spectra(Truth(), np.random.default_rng(1))
    scaled = [replace(each, sensitivity_a_per_v=each.sensitivity_a_per_v * factor) for each in given]
    one, other = (result_of(given=each, current_a=np.nan) for each in (given, scaled))
    assert other.density_1_hz.value == pytest.approx(one.density_1_hz.value * factor, rel=1e-6, abs=0)
    assert other.density_1_hz.u == pytest.approx(one.density_1_hz.u * factor, rel=1e-4, abs=0)
    assert other.gamma.value == pytest.approx(one.gamma.value, abs=1e-6)


def test_the_order_of_the_spectra_and_the_sign_of_the_bias_do_not_matter():
    given = spectra(Truth(), np.random.default_rng(1))
    reversed_bias = [replace(each, bias_v=-each.bias_v) for each in given]
    one, turned, negative = (
        result_of(),
        result_of(given=given[::-1]),
        result_of(given=reversed_bias, current_a=-150e-9),
    )
    for result in (turned, negative):
        assert result.gamma.value == pytest.approx(one.gamma.value, abs=1e-9)
        assert result.johnson.value == pytest.approx(one.johnson.value, rel=1e-6, abs=0)


def test_the_pole_of_the_preamplifier_is_corrected():
    truth = Truth(pole_hz=500.0, white=4e-22)
    result = result_of(truth, given=spectra(truth, np.random.default_rng(2), kinds=("device",)))
    assert result.band_hz[1] <= 250
    assert result.white.value**2 == pytest.approx(truth.device(1e9) + truth.preamplifier**2, rel=0.05, abs=0)
    assert result.dropped["above half the preamplifier's pole"] > 500


def test_the_gain_is_a_share_of_its_own_in_the_uncertainty():
    exact, usual = result_of(), result_of(gain_u_rel=0.01)
    shares = usual.budgets["noise density at 1 Hz"].shares
    assert usual.density_1_hz.u == pytest.approx(
        np.hypot(exact.density_1_hz.u, 0.01 * exact.density_1_hz.value), rel=1e-6, abs=0
    )
    assert shares["gain of preamplifier and analyser"] == pytest.approx(
        0.01 * exact.density_1_hz.value, rel=1e-6, abs=0
    )
    assert usual.gamma == exact.gamma


def test_mains_harmonics_and_a_fan_are_left_out():
    rng, truth = np.random.default_rng(4), Truth()

    def pickup(time_s):
        mains = sum(3e-5 * np.sin(2 * np.pi * 50 * n * time_s) / n for n in range(1, 8))
        return mains + 2e-5 * np.sin(2 * np.pi * 87.3 * time_s)

    given = [spectrum(truth, rng, span, added=pickup if span[0] > 50 else None) for span in SPANS]
    given += spectra(truth, rng, kinds=("open_input",))
    result = result_of(given=given, mains_hz=50.0)
    assert abs(result.gamma.value - 1) < 3 * result.gamma.u
    assert "single tones left out: 87.25 Hz" in flags(result)
    assert result.dropped["mains"] >= 3 * 7
    assert 0 < result.dropped["tones"] <= 8


def test_an_offset_of_a_volt_does_not_reach_the_fit():
    rng, truth = np.random.default_rng(5), Truth()
    given = [spectrum(truth, rng, span, offset_v=1.0) for span in SPANS] + spectra(truth, rng, kinds=("open_input",))
    result = result_of(given=given)
    assert abs(result.gamma.value - 1) < 3 * result.gamma.u
    assert result.flags == ()


def test_volts_per_line_instead_of_a_density_do_not_join():
    given = spectra(Truth(), np.random.default_rng(6))
    per_line = [replace(each, asd_v_rthz=each.asd_v_rthz * np.sqrt(1.5 * each.spacing_hz)) for each in given]
    assert "do not join" in flags(result_of(given=per_line))
    assert "do not join" not in flags(result_of(given=given))


def test_another_sensitivity_in_one_of_two_spans_does_not_join_and_is_refused_where_it_is_told():
    given = spectra(Truth(), np.random.default_rng(6))
    assert "do not join" in flags(result_of(given=changed(given, 2.0, 400.0)))
    told = [replace(each, sensitivity_a_per_v=5e-7) if each.span_hz > 100 else each for each in given]
    with pytest.raises(ValueError, match="sensitivity_a_per_v"):
        result_of(given=told)


@pytest.mark.parametrize(("factor", "agrees"), [(1.0, True), (np.sqrt(2), False), (np.sqrt(0.5), False)])
def test_peak_and_two_sided_densities_do_not_agree_with_the_allan_deviation(factor, agrees):
    given = changed(spectra(Truth(), np.random.default_rng(6)), factor)
    reference = AllanReference(10.0, Value(1.1774e-10, 1e-12, "A"))
    result = result_of(given=given, allan=reference)
    assert ("Allan deviation" in flags(result)) != agrees
    assert result.allan_ratio.value == pytest.approx(1 / factor, rel=0.05, abs=0)


def test_the_allan_deviation_of_another_current_is_brought_to_this_one():
    reference = AllanReference(10.0, Value(2 * 1.1774e-10, 1e-12, "A"), current_a=300e-9)
    assert result_of(allan=reference).allan_ratio.value == pytest.approx(1, abs=0.05)


def test_the_noise_over_the_current_carries_the_uncertainty_of_both():
    result = result_of(current_u_a=15e-9)
    assert result.over_current.value == pytest.approx(result.flicker_1_hz.value / 150e-9, rel=1e-6, abs=0)
    relative = (result.flicker_1_hz.u / result.flicker_1_hz.value, 0.1)
    assert result.over_current.u / result.over_current.value == pytest.approx(np.hypot(*relative), rel=1e-6, abs=0)
    assert np.isnan(result_of(current_a=np.nan).over_current.value)


@pytest.mark.parametrize("gamma", [0.7, 0.999, 1.0, 1.0005, 1.3, 2.0])
def test_the_allan_deviation_of_a_power_law_is_that_of_its_integral(gamma):
    def variance(log_x):
        x = np.exp(log_x)
        return 2 * np.pi ** (gamma - 1) * np.sin(x) ** 4 * x ** (-1 - gamma)

    edges = np.concatenate((np.linspace(-12, 2, 15), np.log(np.arange(3, 160) * np.pi)))
    pieces = sum(quad(variance, low, high, limit=200)[0] for low, high in pairwise(edges))
    rest = 2 * np.pi ** (gamma - 1) * 3 / 8 * np.exp(edges[-1]) ** (-1 - gamma) / (1 + gamma)
    assert allan_factor(gamma) == pytest.approx(pieces + rest, rel=1e-4, abs=0)


def test_the_allan_deviation_of_1_over_f_noise_is_that_of_its_level_at_every_time():
    assert allan_factor(1.0) == pytest.approx(2 * np.log(2), rel=1e-5, abs=0)


def test_a_density_in_decibel_is_refused():
    given = spectra(Truth(), np.random.default_rng(6))[0]
    with pytest.raises(ValueError, match="decibel"):
        replace(given, asd_v_rthz=20 * np.log10(given.asd_v_rthz))


def test_an_input_that_is_coupled_ac_is_noticed():
    given = spectra(Truth(), np.random.default_rng(7))
    coupled = [
        replace(each, asd_v_rthz=each.asd_v_rthz * each.frequency_hz / np.hypot(each.frequency_hz, 1.0))
        for each in given
    ]
    assert "coupled AC" in flags(result_of(given=coupled))


def test_a_current_that_still_settles_is_noticed():
    rng, truth = np.random.default_rng(7), Truth()
    wandering = spectrum(truth, rng, added=lambda time_s: noise(rng, len(time_s), 64.0, lambda f: 3e-9 / f**3))
    given = [wandering, *spectra(truth, rng)[1:]]
    assert "settling" in flags(result_of(given=given))


@pytest.mark.parametrize("name", ["sensitivity_a_per_v", "pole_hz", "bias_v"])
def test_a_spectrum_without_its_settings_is_refused(name):
    with pytest.raises(ValueError, match=r"sensitivity|pole"):
        replace(spectra(Truth(), np.random.default_rng(6))[0], **{name: np.nan})


def test_a_background_that_was_not_measured_is_said_so():
    device = spectra(Truth(), np.random.default_rng(6), kinds=("device",))
    none, nominal = result_of(given=device), result_of(given=device, nominal=NominalBackground(6e-13, 30e-9))
    assert "background not measured: the white level holds" in flags(none)
    assert "data sheet" in flags(nominal)
    measured = result_of(given=device + spectra(Truth(), np.random.default_rng(8), kinds=("open_input",)))
    assert nominal.gamma.value == pytest.approx(measured.gamma.value, abs=measured.gamma.u)
    assert measured.gamma.u < nominal.gamma.u


def test_a_background_of_another_sensitivity_is_not_used():
    given = spectra(Truth(), np.random.default_rng(6))
    other = [replace(each, sensitivity_a_per_v=1e-7) if each.kind == "open_input" else each for each in given]
    result = result_of(given=other)
    assert "another sensitivity: 2 not used" in flags(result)
    assert result.background == ""


def test_a_figure_outside_the_band_is_not_given():
    wide = [spectrum(Truth(), np.random.default_rng(6), (1600.0, 400))]
    labels = [label for label, *_ in result_of(given=wide).rows()]
    assert "noise density at 1 Hz" not in labels
    assert "1/f noise density at 1 Hz" in labels


def test_an_open_input_taken_for_the_device_is_refused_and_so_is_no_device():
    given = spectra(Truth(), np.random.default_rng(6), kinds=("open_input",))
    nothing = spectra(Truth(h=1e-40, current_a=0.0), np.random.default_rng(7), kinds=("device",))
    with pytest.raises(NotEnoughData, match="stand out"):
        result_of(given=nothing + given, current_a=np.nan)
    with pytest.raises(ValueError, match="no spectrum of the device"):
        result_of(given=given)


def test_the_result_is_told_in_words_and_names_that_fit_a_file():
    result = result_of()
    assert isinstance(result.fit.lines, int)
    assert "shot noise" in result.verdict
    assert set(result.quantities()) >= {"noise_density_at_1_hz", "noise_exponent_gamma", "white_level_upper_limit"}
    assert {len(array) for array, _ in result.curves.values()} == {result.fit.lines}
    assert Spectrum.__doc__


def test_a_current_that_drifts_between_the_spans_does_not_bend_the_spectrum():
    """Noise in proportion to the current, which was 10 % lower during the second span."""
    given = spectra(Truth(), np.random.default_rng(1))
    drifting = [
        replace(each, asd_v_rthz=each.asd_v_rthz * (0.9 if each.span_hz > 100 else 1.0))
        if each.kind == "device"
        else each
        for each in given
    ]
    told = [replace(each, current_a=150e-9 * (0.9 if each.span_hz > 100 else 1.0)) for each in drifting]
    steady, bent, mended = (result_of(given=each) for each in (given, drifting, told))
    assert abs(bent.gamma.value - 1) > 5 * bent.gamma.u
    assert mended.gamma.value == pytest.approx(steady.gamma.value, abs=1e-3)
    drift_u = mended.budgets["noise exponent gamma"].shares["drift of the current between spans"]
    assert drift_u == pytest.approx(abs(bent.gamma.value - mended.gamma.value) / 2, rel=1e-3, abs=0)
    assert mended.gamma.u == pytest.approx(np.hypot(steady.gamma.u, drift_u), rel=0.05, abs=0)
