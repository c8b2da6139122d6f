from functools import cache

import pytest

from tests.analysis.synthetic_sweep import FLAT, Sweep, evaluated
from xraydaq.report.dose_rate_sweep import figure


@cache
def result(extrapolated=False):
    if not extrapolated:
        return evaluated(Sweep(bend=5000.0, blanks=4), 1)
    doses = (100e-9, 300e-9, 1e-6, 3e-6, 20.3e-6)
    return evaluated(Sweep(doses=doses, filters_mm=(2,) * 5, blanks=4, device=FLAT), 1)


def words_of(drawn):
    legends = [text for axes in drawn.axes if axes.get_legend() for text in axes.get_legend().get_texts()]
    return " ".join(text.get_text() for text in (*legends, *(t for axes in drawn.axes for t in axes.texts)))


@pytest.mark.parametrize(("width", "millimetres"), [("single", 86), ("double", 178)])
def test_the_figure_has_the_width_of_a_column_and_names_its_axes(width, millimetres):
    drawn = figure(result(), title="Photocurrent, 5 V", simulated=True, width=width)
    assert drawn.get_figwidth() * 25.4 == pytest.approx(millimetres, rel=1e-6, abs=0)
    response, residual, ratio = drawn.axes
    assert response.get_ylabel() == "Photocurrent (nA)"
    assert residual.get_xlabel() == ratio.get_xlabel() == "Dose rate, air kerma (nGy/s)"


def test_it_shows_gain_quality_limit_and_bench():
    words = words_of(figure(result(), simulated=True))
    for each in ("gain", "HVL 0.97 mm Al", "exponent", "detection limit", "SNR 3", "blank runs", "simulated bench"):
        assert each in words
    assert "not verified on hardware" in words_of(figure(result(), simulated=False))


def test_an_extrapolated_limit_is_drawn_as_an_estimate():
    assert result(extrapolated=True).limits.snr.extrapolated
    assert "estimate (extrapolated)" in words_of(figure(result(extrapolated=True)))


def test_points_of_each_filter_and_the_crossing_are_where_the_result_says():
    drawn = figure(result())
    ratio = drawn.axes[2]
    crossing = ratio.collections
    limit = result().limits.snr.limit.value * 1e9
    segments = [path.vertices for each in crossing for path in each.get_paths() if len(path.vertices) == 2]
    assert any(
        vertices[:, 0] == pytest.approx(limit, rel=1e-6, abs=0) and vertices[1, 1] == 3.0 for vertices in segments
    )
    names = [text.get_text() for text in drawn.axes[0].get_legend().get_texts()]
    assert {"2 mm Al", "10 mm Al", "30 mm Al"} <= set(names)
