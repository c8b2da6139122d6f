import numpy as np
import pytest

from tests.analysis.sclc_synthetic import Gap, make_sweeps
from xraydaq.analysis.sclc_sweep import evaluate
from xraydaq.report import save, sclc_sweep


@pytest.fixture(scope="module")
def result():
    return make_sweeps(Gap(limit_v=1.26, ohmic_s=2e-8), 3, per_decade=20).evaluated(evaluate)


def words(figure):
    return " ".join(text.get_text() for axes in figure.axes for text in axes.texts)


@pytest.mark.parametrize(("width", "millimetres"), [("single", 86), ("double", 178)])
def test_the_sweep_figure_has_the_width_of_a_column_and_names_its_axes(result, width, millimetres):
    figure = sclc_sweep.figure(result, title="Sample, up and down", simulated=True, width=width)
    upper, lower = figure.axes
    assert figure.get_figwidth() * 25.4 == pytest.approx(millimetres, rel=1e-6, abs=0)
    assert upper.get_ylabel() == "Current (µA)"
    assert (lower.get_xlabel(), lower.get_ylabel()) == ("Bias (V)", "Slope d ln I / d ln V")
    assert upper.get_title(loc="left") == "Sample, up and down"
    assert "simulated bench" in words(figure)
    assert "$V_T$ = 1.2" in words(figure)


def test_the_points_of_the_sweep_figure_are_the_readings_and_the_lines_meet_them(result):
    upper = sclc_sweep.figure(result).axes[0]
    drawn = {line.get_label(): line.get_data() for line in upper.get_lines()}
    first = result.sweeps[0]
    unit_a = 1e-6
    np.testing.assert_allclose(drawn["readings, up"], (first.points.bias_v, first.points.current_a / unit_a))
    assert {"readings, down", "filling model", "ohmic, slope 1", "square law, slope 2"} < set(drawn)
    for name, slope in (("ohmic, slope 1", 1.0), ("square law, slope 2", 2.0)):
        bias_v, current = drawn[name]
        assert np.diff(np.log(current)) / np.diff(np.log(bias_v)) == pytest.approx(slope, rel=1e-6, abs=0)
        middle_v = float(np.sqrt(bias_v.prod()))
        there = np.interp(middle_v, first.points.bias_v, first.points.current_a / unit_a)
        assert np.exp(np.log(current).mean()) == pytest.approx(there, rel=0.3, abs=0)


def test_the_limit_is_a_band_of_twice_its_uncertainty(result):
    upper = sclc_sweep.figure(result).axes[0]
    limit = result.trap_filled_limit
    low_v, high_v = upper.patches[0].get_x(), upper.patches[0].get_x() + upper.patches[0].get_width()
    assert (low_v, high_v) == pytest.approx((limit.value - 2 * limit.u, limit.value + 2 * limit.u), rel=1e-6, abs=0)


def test_a_sweep_without_a_limit_is_drawn_without_one(tmp_path):
    ohmic = Gap(limit_v=1e-6, ratio=1.0, ohmic_s=5e-9, injection_a_v2=1e-15)
    figure = sclc_sweep.figure(make_sweeps(ohmic, 8, per_decade=15).evaluated(evaluate), simulated=False)
    assert "$V_T$" not in words(figure)
    assert "not verified on hardware" in words(figure)
    png, pdf = save(figure, tmp_path / "sweep")
    assert png.read_bytes().startswith(b"\x89PNG")
    assert pdf.exists()
