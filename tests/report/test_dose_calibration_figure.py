"""The figure of a dose calibration shows every filter with its uncertainty and says where it comes from."""

import numpy as np
import pytest

from tests.analysis.calibration_synthetic import AL_M, Tube, kerma_gy_s_a, measure
from xraydaq.analysis.dose_calibration import DoseRecord, evaluate
from xraydaq.report.dose_calibration import figure
from xraydaq.report.files import save
from xraydaq.report.notices import SIMULATED


def result_of(*, table=True, reference=True):
    columns = measure(1, tube=Tube())
    if not reference:
        columns["reference"] = np.zeros(len(columns["elapsed_s"]))
    table_m = np.linspace(0.5e-3, 35e-3, 40)
    model = {"table_al_m": table_m, "table_gy_s_a": kerma_gy_s_a(table_m)} if table else {}
    return evaluate(**columns, record=DoseRecord(50e3, 0.3, "removed", True, "by program"), **model)


@pytest.mark.parametrize(("width", "wide_mm"), [("single", 86), ("double", 178)])
def test_it_has_the_width_of_a_column_and_every_axis_a_unit(width, wide_mm):
    drawn = figure(result_of(), title="50 kV", simulated=True, width=width)
    assert drawn.get_figwidth() * 25.4 == pytest.approx(wide_mm, rel=1e-6, abs=0)
    assert len(drawn.axes) == 4
    for axes in drawn.axes:
        assert "(" in axes.get_xlabel()
        assert "(" in axes.get_ylabel()
    assert drawn.get_supxlabel() == SIMULATED


def test_every_filter_is_drawn_at_its_value_with_two_standard_uncertainties():
    result = result_of()
    kerma = figure(result).axes[0]
    (points,) = kerma.containers
    line, _, (bars,) = points.lines
    assert line.get_xdata() == pytest.approx(AL_M * 1e3, rel=1e-6, abs=0)
    spans = [segment[1, 1] - segment[0, 1] for segment in bars.get_segments()]
    assert spans == pytest.approx([4 * each.total_u * 1e3 for each in result.filters], rel=1e-6, abs=0)


def test_without_a_tube_model_and_repeats_it_is_drawn_all_the_same(tmp_path):
    drawn = figure(result_of(table=False, reference=False), width="single")
    assert len(drawn.axes[0].get_lines()) == 3  # points and the two caps: no curve of a model
    assert all(path.stat().st_size > 10_000 for path in save(drawn, tmp_path / "bare"))
