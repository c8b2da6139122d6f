import numpy as np
import pytest

from tests.analysis.synthetic import DEVICES, make_run
from xraydaq.analysis.bias_stability import evaluate
from xraydaq.errors import StorageError
from xraydaq.report import bias_stability, save, table


@pytest.fixture(params=DEVICES)
def run(request):
    return make_run(DEVICES[request.param], 3, duration_s=2000, area_u_rel=0.01, gap_u_rel=0.02)


@pytest.fixture
def result(run):
    return evaluate(*run.columns, **run.settings)


def drawn(result, run, **options):
    return bias_stability.figure(result, run.columns[0], run.columns[1], title="Sample, 5 V", **options)


def texts(figure):
    return " ".join(text.get_text() for axes in figure.axes for text in axes.texts)


def test_the_table_fits_a_terminal_and_says_what_matters(result):
    text = table.render(result, simulated=True)
    assert max(len(line) for line in text.splitlines()) <= 80
    for words in ("mean dark current", "nA cm^-1 s^-1 V^-1", "k = 1", f"verdict: {result.verdict}", "simulated bench"):
        assert words in text
    for flag in result.flags:
        assert flag.split()[0] in text


def test_a_real_bench_is_said_to_be_unverified(result, run):
    assert "not verified on hardware" in table.render(result, simulated=False)
    assert "not verified on hardware" in texts(drawn(result, run, simulated=False))
    assert "simulated" not in table.render(result)


def test_a_title_with_dollar_signs_is_written_as_it_is(result, run, tmp_path):
    figure = bias_stability.figure(result, *run.columns[:2], title=r"cost $\nonsense$ 5")
    save(figure, tmp_path / "priced")
    assert r"$\nonsense$" in figure.axes[0].get_title(loc="left")


@pytest.mark.parametrize("width", ["single", "double"])
def test_a_long_title_and_the_notice_stay_inside_the_figure_and_apart(result, run, width):
    title = "Dark current at 5 V for 800 min, atomistic passivation, second crystal of the batch, after a week of rest"
    columns = run.columns[:2]
    figure = bias_stability.figure(result, *columns, title=title, simulated=False, width=width)
    figure.draw_without_rendering()
    upper, lower = figure.axes
    (notice,) = lower.texts
    boxes = [artist.get_window_extent() for artist in (upper._left_title, notice, lower.xaxis.label)]
    for box in boxes:
        assert figure.bbox.x0 <= box.x0 < box.x1 <= figure.bbox.x1
        assert figure.bbox.y0 <= box.y0 < box.y1 <= figure.bbox.y1
    assert not any(one.overlaps(other) for one, other in ((boxes[0], boxes[1]), (boxes[1], boxes[2])))


@pytest.mark.parametrize(("width", "millimetres"), [("single", 86), ("double", 178)])
def test_a_figure_has_the_width_of_a_column_and_names_its_axes(result, run, width, millimetres):
    figure = drawn(result, run, simulated=True, width=width)
    upper, lower = figure.axes
    assert figure.get_figwidth() * 25.4 == pytest.approx(millimetres)
    assert upper.get_ylabel() in ("Dark current (nA)", "Dark current (µA)")
    assert lower.get_xlabel() == "Time since bias on (min)"
    assert "simulated bench" in texts(figure)


def test_the_figure_shows_the_current_without_the_offset(result, run):
    upper = drawn(result, run, simulated=True).axes[0]
    mean_line = next(line for line in upper.lines if line.get_label() == "readings, mean")
    unit = 1e-6 if "µA" in upper.get_ylabel() else 1e-9
    assert np.mean(mean_line.get_ydata()) * unit == pytest.approx(result.mean_current.value, rel=0.02)


def test_columns_of_another_run_are_refused(result, run):
    with pytest.raises(ValueError, match="were evaluated"):
        bias_stability.figure(result, run.columns[0][1:], run.columns[1][1:])


def test_a_figure_is_saved_twice_over_and_never_overwritten(result, run, tmp_path):
    figure = drawn(result, run, simulated=True)
    png, pdf = save(figure, tmp_path / "dark current 5.0 V")
    assert png.read_bytes().startswith(b"\x89PNG")
    assert pdf.read_bytes().startswith(b"%PDF")
    before = png.read_bytes()
    pdf.unlink()
    with pytest.raises(StorageError, match="never overwritten"):
        save(figure, tmp_path / "dark current 5.0 V")
    assert png.read_bytes() == before
    assert not pdf.exists()


def test_a_gap_in_the_run_is_a_gap_in_the_figure(run):
    elapsed_s, current_a, voltage_v, status = (column.copy() for column in run.columns)
    status[1000:1200] = 16
    result = evaluate(elapsed_s, current_a, voltage_v, status, **run.settings)
    figure = bias_stability.figure(result, elapsed_s, current_a)
    mean_line = next(line for line in figure.axes[0].lines if line.get_label() == "readings, mean")
    assert np.isnan(mean_line.get_ydata()).sum() > 10
