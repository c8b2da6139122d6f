import numpy as np
import pytest

from tests.analysis.spectrum_synthetic import Truth, spectra
from xraydaq.analysis.noise_spectrum import evaluate
from xraydaq.report import noise_spectrum, save


@pytest.fixture(scope="module")
def result():
    given = spectra(Truth(white=4e-22), np.random.default_rng(1))
    return evaluate(given, current_a=150e-9, temperature_k=298.0, mains_hz=0.0)


def words(figure):
    return " ".join(text.get_text() for axes in figure.axes for text in axes.texts)


@pytest.mark.parametrize(("width", "millimetres"), [("single", 86), ("double", 178)])
def test_the_noise_figure_has_the_width_of_a_column_and_names_its_axes(result, width, millimetres):
    figure = noise_spectrum.figure(result, title="Sample, 5 V", simulated=True, width=width)
    upper, lower = figure.axes
    assert figure.get_figwidth() * 25.4 == pytest.approx(millimetres, rel=1e-6, abs=0)
    assert upper.get_ylabel() == "Current noise (pA/√Hz)"
    assert (lower.get_xlabel(), lower.get_ylabel()) == ("Frequency (Hz)", "Power / fit")
    assert upper.get_title(loc="left") == "Sample, 5 V"
    assert "simulated bench" in words(figure)


def test_every_name_in_the_noise_figure_stands_inside_it(result):
    figure = noise_spectrum.figure(result, simulated=False)
    figure.draw_without_rendering()
    names = [text for axes in figure.axes for text in axes.texts]
    assert {"open input", "shot noise", "Johnson noise"} <= {text.get_text() for text in names}
    for text in names:
        box = text.get_window_extent()
        assert figure.bbox.x0 <= box.x0 < box.x1 <= figure.bbox.x1
        assert figure.bbox.y0 <= box.y0 < box.y1 <= figure.bbox.y1
    assert "not verified on hardware" in words(figure)


def test_the_dots_of_the_noise_figure_are_the_density_of_the_device_with_the_background(result):
    upper = noise_spectrum.figure(result).axes[0]
    f_hz, density = upper.containers[0].lines[0].get_data()
    truth = Truth(white=4e-22)
    expected = np.sqrt(truth.device(f_hz) + truth.preamplifier**2) / 1e-12
    assert density == pytest.approx(expected, rel=0.3, abs=0)
    assert density[f_hz > 5] == pytest.approx(expected[f_hz > 5], rel=0.05, abs=0)


def test_a_noise_figure_without_background_current_or_temperature_is_drawn(tmp_path):
    given = spectra(Truth(), np.random.default_rng(1), kinds=("device",))
    figure = noise_spectrum.figure(evaluate(given, mains_hz=0.0))
    assert "noise" not in words(figure)
    png, _ = save(figure, tmp_path / "noise")
    assert png.read_bytes().startswith(b"\x89PNG")
