import numpy as np
import pytest

from xraydaq.analysis.attenuation import ELECTRONVOLT_J, KEV_J, MAPBI3
from xraydaq.analysis.theory import evaluate
from xraydaq.analysis.theory_result import Carriers
from xraydaq.analysis.trend import evaluate as evaluate_trend
from xraydaq.analysis.values import Value
from xraydaq.report import comparison, theory, trend
from xraydaq.report.beams import tracked_beams
from xraydaq.report.table import render

S_UNIT = "C Gy^-1 m^-2"


def own(name, s, limit, **more):
    return comparison.Own(name, Value(s, 0.04 * s, S_UNIT), Value(limit, 0.17 * limit, "Gy/s"), **more)


def texts_of(axes):
    _, labels = axes.get_legend_handles_labels()
    return labels


@pytest.fixture(scope="module")
def gained():
    return evaluate(
        MAPBI3,
        Value(1.6 * ELECTRONVOLT_J, 0.03 * ELECTRONVOLT_J, "J"),
        energies_j=[22.16 * KEV_J],
        thicknesses_m=[1e-3, 1e-4],
        table=tracked_beams(),
        beams=[(50e3, 2e-3)],
        carriers=Carriers(50e-6, 5.0, 50e-4, 672.8e-9),
        sensitivities=[Value(7100.0, 250.0, S_UNIT)],
    )


def test_one_detector_stands_where_its_numbers_are_with_its_error_bars_beside_the_literature():
    drawn = comparison.figure([own("atomistic", 7100.0, 33e-9)], title="Comparison", simulated=True)
    (axes,) = drawn.axes
    assert texts_of(axes) == ["Song et al. 2020, atomistic", "MAPbBr2.94Cl0.06", "α-Se (printed ratios)", "atomistic"]
    points = {line.get_label(): line.get_xydata()[0] for line in axes.lines if len(line.get_xydata()) == 1}
    np.testing.assert_allclose(points["α-Se (printed ratios)"], [5400.0, 20.286], rtol=1e-3)
    (bars,) = axes.containers
    np.testing.assert_allclose(bars.lines[0].get_xydata(), [[33.0, 7.1e5]])
    across, up = (each.get_segments()[0] for each in bars.lines[2])
    np.testing.assert_allclose(across[:, 0], [33.0 * 0.83, 33.0 * 1.17])
    np.testing.assert_allclose(up[:, 1], [7.1e5 * 0.96, 7.1e5 * 1.04])
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")


def test_an_extrapolated_limit_is_hollow_and_says_so_and_one_that_is_no_number_is_left_out():
    detectors = [own("far", 7100.0, 1.5e-9, extrapolated=True), own("none", 7100.0, float("nan"))]
    (axes,) = comparison.figure(detectors, simulated=None).axes
    assert [text for text in texts_of(axes) if "2020" not in text][-1] == "far (limit extrapolated)"
    assert len(axes.containers) == 1
    lines = comparison.table(detectors).splitlines()
    assert "extrapolated: an estimate" in next(line for line in lines if line.startswith("far"))
    assert "not known" in next(line for line in lines if line.startswith("none"))


def test_a_bar_that_reaches_below_zero_is_drawn_in_logarithms():
    detector = comparison.Own("poor", Value(100.0, 300.0, S_UNIT), Value(1e-7, 2e-7, "Gy/s"))
    drawn = comparison.figure([detector])
    drawn.canvas.draw()
    segments = [each.get_segments()[0] for each in drawn.axes[0].containers[0].lines[2]]
    assert np.min(segments) > 0


def test_the_theory_is_told_in_80_columns_with_gain_beam_and_half_value_layer(gained):
    text = theory.table(gained)
    assert all(len(line) <= 80 for line in text.splitlines())
    row = next(line for line in text.splitlines() if line.split()[:5] == ["50", "2", "1.36", "1", "mm"])
    assert "1140 ± 120  710000 ± 25000" in row
    assert "621 ± " in row
    assert "22.16       141.4       70.7     1.000" in text


@pytest.mark.parametrize("width", ["single", "double"])
def test_the_figure_of_the_theory_shows_every_layer_and_the_measured_value_at_its_filter(gained, width):
    drawn = theory.figure(gained, title="Gain", simulated=False, width=width)
    drawn.canvas.draw()
    left, right = drawn.axes
    assert texts_of(left) == ["1 mm", "100 µm"]
    np.testing.assert_allclose(right.containers[0].lines[0].get_xydata(), [[2.0, 7.1e5]])
    assert any("not verified on hardware" in text.get_text() for text in right.texts)


def test_the_figure_of_a_trend_shows_the_reference_only_where_there_is_one():
    hours, s = np.linspace(0, 650, 14), np.full(14, 7100.0)
    plain = evaluate_trend(hours, s, 0.01 * s)
    assert len(trend.figure(plain, simulated=True).axes) == 1
    reference = 1 - 0.05 * hours / 650
    corrected = evaluate_trend(hours, s * reference, 0.01 * s, reference_ratio=reference, reference_u=0.002 * s / s)
    upper, lower = trend.figure(corrected, title="Trend", simulated=True).axes
    np.testing.assert_allclose(lower.containers[0].lines[0].get_ydata(), 100 * (reference - 1), atol=1e-9)
    assert {"as measured", "bench drift divided out", "line and 2σ band"} == set(texts_of(upper))
    text = render(corrected)
    assert all(len(line) <= 80 for line in text.splitlines())
    assert "! the bench drifts: -5.0 %" in text
