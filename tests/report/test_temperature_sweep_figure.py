import numpy as np
import pytest

from tests.analysis.temperature_synthetic import ATOMISTIC, CELL, PLAIN, make_sweep, replace
from xraydaq.analysis.temperature_sweep import evaluate
from xraydaq.report import table
from xraydaq.report.temperature_sweep import figure

KELVIN = np.concatenate((np.arange(240.0, 321.0, 4.0), np.arange(318.0, 239.0, -8.0)))
TITLE = "Conductivity of one gap at 20 V, atomistic passivation, second crystal of the batch"


@pytest.fixture(scope="module")
def result():
    return evaluate(*make_sweep(replace(ATOMISTIC, noise=5e-3), 31, kelvin=KELVIN), cell=CELL)


def words(drawn):
    return " ".join(text.get_text() for axes in drawn.axes for text in axes.texts)


@pytest.mark.parametrize(("width", "millimetres"), [("single", 86), ("double", 178)])
def test_the_figure_has_the_width_of_a_column_and_everything_inside(result, width, millimetres):
    drawn = figure(result, title=TITLE, simulated=False, width=width)
    assert drawn.get_figwidth() * 25.4 == pytest.approx(millimetres, rel=1e-6, abs=0)
    drawn.draw_without_rendering()
    upper, lower = drawn.axes
    for artist in (
        drawn._suptitle,
        *lower.texts,
        *upper.texts,
        upper.get_legend(),
        lower.xaxis.label,
        upper.yaxis.label,
    ):
        box = artist.get_window_extent()
        assert drawn.bbox.x0 <= box.x0 < box.x1 <= drawn.bbox.x1
        assert drawn.bbox.y0 <= box.y0 < box.y1 <= drawn.bbox.y1
    assert "not verified on hardware" in words(drawn)


def test_points_of_both_directions_lie_where_they_were_measured(result):
    upper, lower = figure(result, simulated=True).axes
    heating, cooling = (container.lines[0] for container in upper.containers[:2])
    assert len(heating.get_xdata()) == 21
    assert len(cooling.get_xdata()) == 10
    assert heating.get_xdata()[0] == pytest.approx(1e3 / 240.0, rel=1e-3, abs=0)
    expected = result.curves["conductivity"][0][0] * result.curves["temperature"][0][0] / 1e2
    assert heating.get_ydata()[0] == pytest.approx(expected, rel=1e-6, abs=0)
    left = lower.containers[0].lines[0].get_ydata()
    assert np.max(np.abs(left)) < 5  # percent, with noise of half a percent


def test_the_energies_in_the_figure_are_those_of_the_result(result):
    text = words(figure(result, simulated=True))
    assert str(result.activation_high.to("eV")) in text
    assert str(result.transition) in text
    assert "simulated bench" in text


def test_one_line_is_drawn_where_two_regimes_cannot_be_told():
    single = evaluate(*make_sweep(PLAIN, 32, kelvin=np.arange(290.0, 321.0, 5.0)), cell=CELL)
    drawn = figure(single, simulated=True)
    labels = [text.get_text() for text in drawn.axes[0].get_legend().get_texts()]
    assert "one line" in labels
    assert str(single.activation_single.to("eV")) in words(drawn)


def test_the_table_fits_a_terminal_and_states_the_geometry(result):
    text = table.render(result, simulated=True)
    assert max(len(line) for line in text.splitlines()) <= 80
    for part in ("activation energy above transition", "one gap between two strips", "95 %", "k = 1"):
        assert part in text
