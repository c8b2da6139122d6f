import numpy as np
import pytest

from tests.analysis.switched_synthetic import Chopping, points_of, trace
from tests.analysis.test_air_ionisation import result_of as blank_result
from tests.analysis.test_field_sweep import PLATEAU, SCALE, UP_AND_DOWN_V, UP_V, law, swept
from tests.analysis.test_field_sweep import result_of as field_result
from tests.analysis.test_photoresponse import QUIET
from tests.analysis.test_photoresponse import result_of as response_result
from xraydaq.report import air_ionisation, field_sweep, photoresponse, save


@pytest.fixture(scope="module")
def swept_result():
    return field_result(swept(1), UP_AND_DOWN_V)


@pytest.fixture(scope="module")
def response():
    columns, commands = points_of(trace(np.random.default_rng(4), QUIET, Chopping(cycles=4, half_s=14.0)))
    return columns, response_result(columns, commands)


def words(figure):
    return " ".join(text.get_text() for axes in figure.axes for text in axes.texts)


def legends(figure):
    return " ".join(
        text.get_text() for axes in figure.axes if axes.get_legend() for text in axes.get_legend().get_texts()
    )


def inside(figure):
    figure.draw_without_rendering()
    return all(
        figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1 and figure.bbox.y0 <= box.y0 and box.y1 <= figure.bbox.y1
        for axes in figure.axes
        for text in (*axes.texts, axes.xaxis.label, axes.yaxis.label)
        if text.get_text()
        for box in (text.get_window_extent(),)
    )


@pytest.mark.parametrize(("width", "millimetres"), [("single", 86), ("double", 178)])
def test_the_field_figure_shows_points_both_ways_on_the_law(swept_result, width, millimetres):
    figure = field_sweep.figure(swept_result, title="Sample", simulated=True, width=width)
    upper, lower = figure.axes
    assert figure.get_figwidth() * 25.4 == pytest.approx(millimetres, rel=1e-6, abs=0)
    assert lower.get_xlabel() == "Nominal field, bias over gap (V/mm)"
    assert inside(figure)
    assert "simulated bench" in words(figure)
    up, down = (container.lines[0].get_data() for container in upper.containers)
    assert list(up[0]) == pytest.approx([v / 0.05 for v in UP_V], rel=1e-6, abs=0)
    assert list(up[1]) == pytest.approx([law(v) / 1e3 for v in UP_V], rel=0.02, abs=0)
    assert list(down[0]) == list(up[0][::-1])
    line_x, line_y = upper.lines[0].get_data()
    u = line_x * 1e3 / SCALE
    assert line_y == pytest.approx(PLATEAU * u * (1 - np.exp(-1 / u)) / 1e3, rel=0.02, abs=0)
    assert "V/mm, plateau 1.6e6" in legends(figure)


@pytest.mark.parametrize(("width", "millimetres"), [("single", 86), ("double", 178)])
def test_the_response_figure_shows_the_trace_and_both_edges(response, width, millimetres):
    columns, result = response
    figure = photoresponse.figure(
        result, columns[0], columns[1], columns[4], title="Sample", simulated=False, width=width
    )
    shown, rise, fall = figure.axes
    assert figure.get_figwidth() * 25.4 == pytest.approx(millimetres, rel=1e-6, abs=0)
    assert inside(figure)
    assert "not verified on hardware" in words(figure)
    assert shown.get_ylabel() == "Current (nA)"
    assert shown.lines[0].get_ydata().max() == pytest.approx(650, rel=0.01, abs=0)
    for axes, begins, ends in ((rise, 0, 100), (fall, 100, 0)):
        time_s, part = axes.lines[1].get_data()
        assert part[-1] == pytest.approx(ends, abs=1)
        assert part[0] == pytest.approx(abs(begins - 100 * (1 - QUIET.missing(time_s[0]))), abs=2)
        dots_s, dots = axes.lines[0].get_data()
        later = dots_s > 0.3
        expected = abs(begins - 100 * (1 - QUIET.missing(dots_s[later])))
        assert dots[later] == pytest.approx(expected, abs=0.5)
    assert "fall 90–10 %" in fall.get_legend().get_title().get_text()


def test_the_figure_of_the_blank_compares_with_a_step_of_the_display(tmp_path):
    result = blank_result(1)
    figure = air_ionisation.figure(result, title="Glass", simulated=True, width="single")
    (axes,) = figure.axes
    assert inside(figure)
    assert len(axes.lines[0].get_ydata()) == result.step.cycles_used == 10
    assert axes.lines[0].get_ydata().mean() == pytest.approx(result.step.step.value / 1e-12, rel=0.2, abs=0)
    assert axes.lines[2].get_ydata()[0] == pytest.approx(10.0, rel=1e-6, abs=0)
    png, _ = save(figure, tmp_path / "blank")
    assert png.read_bytes().startswith(b"\x89PNG")
