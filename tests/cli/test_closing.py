import numpy as np
import pytest

from xraydaq.analysis.bias_stability import BiasStabilityResult
from xraydaq.clock import JumpingClock
from xraydaq.errors import BusyError, StorageError
from xraydaq.runner import closing
from xraydaq.runner.closing import analyse_again, close_run
from xraydaq.storage import read_run, recover
from xraydaq.storage.result import right_to_build


@pytest.mark.parametrize("state", ["finished", "stopped", "failed"])
def test_a_run_gets_result_analysis_and_figures_whatever_its_end_was(stored_run, state):
    folder = stored_run(state=state)
    closed = close_run(folder)
    assert closed.result_path == folder / f"{folder.name}.h5"
    assert (closed.problem, closed.exit_code, closed.simulated) == ("", 0, True)
    assert [path.name for path in closed.figures] == [f"{folder.name}.png", f"{folder.name}.pdf"]
    assert all(path.stat().st_size > 1000 for path in closed.figures)
    stored = read_run(closed.result_path)
    assert (stored.state, list(stored.analyses)) == (state, [1])


def test_the_file_keeps_value_uncertainty_unit_inputs_method_and_what_the_uncertainty_is_made_of(stored_run):
    closed = close_run(stored_run(), JumpingClock(start_utc_s=0.0))
    kept = read_run(closed.result_path).analyses[1]
    mean = closed.result.mean_current
    assert (kept.results["mean_dark_current"].value, kept.results["mean_dark_current"].u) == (mean.value, mean.u)
    assert kept.results["mean_dark_current"].unit == "A"
    assert kept.results["drift_metric"].unit == "A m^-1 s^-1 V^-1"
    shares = [each.value for name, each in kept.results.items() if name.startswith("u_of_mean_current_from_")]
    assert np.sqrt(np.square(shares).sum()) == pytest.approx(mean.u)
    assert kept.inputs["bias_v"] == 5.0
    assert kept.inputs["gap_u_m"] == 3e-6
    assert kept.text["method"] == closed.result.method
    assert kept.text["method_version"] == closed.result.version
    assert kept.date == "1970-01-01T00:00:00.000000+00:00"
    assert (kept.name, kept.program) == ("bias_stability", "xraydaq")
    np.testing.assert_array_equal(kept.curves["trend_current"][0], closed.result.curves["trend_current"][0])


def test_a_run_that_is_too_short_gets_its_result_file_and_says_why_there_are_no_numbers(stored_run):
    closed = close_run(stored_run(rows=70))
    assert closed.result is None
    assert closed.problem.startswith("no analysis: ")
    assert (closed.exit_code, closed.figures) == (0, ())
    assert read_run(closed.result_path).rows == 70


def test_a_figure_that_cannot_be_written_costs_neither_result_nor_analysis(stored_run):
    folder = stored_run()
    (folder / f"{folder.name}.pdf").write_text("somebody's own file")
    closed = close_run(folder)
    assert closed.problem == f"no figure: {folder / folder.name}.pdf exists; a figure is never overwritten"
    assert closed.exit_code == StorageError.exit_code
    assert isinstance(closed.result, BiasStabilityResult)
    assert list(read_run(closed.result_path).analyses) == [1]
    assert (folder / f"{folder.name}.pdf").read_text() == "somebody's own file"


def test_a_mistake_in_the_analysis_costs_no_result_file_and_is_not_hidden(stored_run, monkeypatch, caplog):
    def broken(stored):
        raise ZeroDivisionError("as if")

    monkeypatch.setattr(closing, "evaluate_stored", broken)
    closed = close_run(stored_run())
    assert (closed.problem, closed.exit_code) == ("no analysis: bug: ZeroDivisionError: as if", 70)
    assert read_run(closed.result_path).rows > 600
    assert "this is a bug" in caplog.text


def test_a_second_analysis_stands_beside_the_first_with_a_figure_of_its_own(stored_run):
    first = close_run(stored_run())
    pictures = [path.read_bytes() for path in first.figures]
    second = analyse_again(first.result_path)
    assert [path.name for path in second.figures] == [
        f"{first.result_path.stem}.2.png",
        f"{first.result_path.stem}.2.pdf",
    ]
    assert [path.read_bytes() for path in first.figures] == pictures
    analyses = read_run(first.result_path).analyses
    assert list(analyses) == [1, 2]
    assert repr(analyses[1].results) == repr(analyses[2].results)


def test_a_run_that_was_recovered_meanwhile_is_closed_without_harm(stored_run):
    folder = stored_run()
    recover(folder)
    closed = close_run(folder)
    assert closed.result is not None
    assert closed.result_path == folder / f"{folder.name}.h5"


def test_nobody_else_builds_a_result_while_the_run_is_being_closed(stored_run, monkeypatch):
    folder = stored_run()
    seen = []

    def somebody_comes(stored, evaluate=closing.evaluate_stored):
        with pytest.raises(BusyError):
            recover(folder)
        seen.append(stored.rows)
        return evaluate(stored)

    monkeypatch.setattr(closing, "evaluate_stored", somebody_comes)
    assert close_run(folder).problem == ""
    assert len(seen) == 1
    with right_to_build(folder):
        pass


def test_a_run_without_result_is_not_analysed_again_but_told_how_to_get_one(stored_run):
    folder = stored_run(state=None)
    with pytest.raises(StorageError, match=f"interrupted and has no result file yet; .*xraydaq recover {folder}"):
        analyse_again(folder)
