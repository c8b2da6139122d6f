import tomllib
from dataclasses import replace

import numpy as np
import pytest

from tests.analysis.temperature_synthetic import ATOMISTIC, CELL, make_sweep
from xraydaq.analysis.temperature_sweep import evaluate
from xraydaq.analysis.values import Value
from xraydaq.config import load_bench, shipped_configs
from xraydaq.errors import StorageError
from xraydaq.reproduce.blind import TRUTHS, Pull, dishonest, pulls_of
from xraydaq.reproduce.measured import Measured, read_back
from xraydaq.reproduce.pages import panels_of, write_report
from xraydaq.reproduce.programme import SHELF_DATES_H, Job, programme
from xraydaq.reproduce.running import bench_for, changed, run_job
from xraydaq.reproduce.table import AGREES, DIFFERS, MISSING, compared, rows_of, text_of
from xraydaq.reproduce.tensions import coefficient, tensions_of
from xraydaq.storage import read_run

START_UTC_S = 1.8e9
TRAPS = next(job for job in programme() if job.key == "traps atomistic")


@pytest.fixture(scope="module")
def traps(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reproduction")
    (folder / "benches").mkdir()
    job = replace(TRAPS, overrides=("points_per_decade=10",), twin={"blind_seed": 3})
    done = run_job(job, bench_for(job, folder), folder, 5, START_UTC_S)
    assert done.problem == ""
    return folder, read_back({job.key: done.file})


def test_the_programme_names_every_run_once_and_recipes_and_samples_that_exist():
    jobs = programme()
    assert len({job.key for job in jobs}) == len(jobs)
    for job in jobs:
        assert (shipped_configs() / "recipes" / f"{job.recipe}.toml").is_file(), job
        assert (shipped_configs() / "samples" / f"{job.sample}.toml").is_file(), job
        assert (shipped_configs() / "benches" / f"{job.bench}.toml").is_file(), job
    assert max(SHELF_DATES_H) == 650
    assert all(job.twin["blind_seed"] == 4 for job in programme(4))


def test_a_changed_world_is_a_bench_file_of_its_own_that_differs_in_nothing_else(tmp_path):
    (tmp_path / "benches").mkdir()
    path = bench_for(Job("x", "sclc_sweep", "atomistic", twin={"noise": "lod", "blind_seed": 4}), tmp_path)
    shipped = (shipped_configs() / "benches" / "simulated.toml").read_text(encoding="utf-8")
    before, after = tomllib.loads(shipped), tomllib.loads(path.read_text(encoding="utf-8"))
    assert after.pop("twin") == before.pop("twin") | {"noise": "lod", "blind_seed": 4}
    assert after == before
    assert load_bench(path).twin.blind_seed == 4
    assert changed(shipped, {}) == shipped


def test_a_job_runs_from_the_wire_to_a_line_of_the_table(traps):
    _, measured = traps
    rows = {row.key: row for row in rows_of(measured)}
    assert rows["traps atomistic"].verdict in (AGREES, DIFFERS)  # a blind crystal need not be the paper's
    assert rows["traps mai"].verdict == MISSING
    assert "trap density, atomistic" in text_of(list(rows.values()))


def test_the_truth_of_a_blind_run_is_that_of_its_crystal_and_not_the_paper_s(traps):
    _, measured = traps
    (pull,) = pulls_of(measured)
    truth = read_run(measured.runs["traps atomistic"].path).twin_truth["crystal"]["trap_density_per_m2"]
    assert pull.truth == truth
    assert abs(truth / 1.8e13 - 1) > 0.01
    assert abs(pull.value) < 3


def test_the_report_has_table_figures_tensions_and_answers_and_is_never_overwritten(traps, tmp_path):
    _, measured = traps
    rows, panels = rows_of(measured), panels_of(measured)
    html, pdf = write_report(tmp_path, rows, measured, panels)
    text = html.read_text(encoding="utf-8")
    for words in (
        "trap density, atomistic",
        "data:image/png;base64",
        "do not fit together",
        "What reviewers ask",
        "simulated",
    ):
        assert words in text
    assert pdf.read_bytes().startswith(b"%PDF")
    before = html.read_bytes()
    with pytest.raises(StorageError, match=r"report\.html"):
        write_report(tmp_path, rows, measured, panels)
    assert html.read_bytes() == before


def test_a_run_that_cannot_be_made_is_told_and_leaves_no_result(tmp_path):
    job = replace(TRAPS, overrides=("highest_bias=500 V",))
    done = run_job(job, bench_for(job, tmp_path), tmp_path, 1, START_UTC_S)
    assert done.file is None
    assert done.exit_code == 2
    assert "over the limit" in done.problem


@pytest.mark.parametrize(("value", "verdict"), [(1.0, AGREES), (1.19, AGREES), (1.21, DIFFERS), (np.nan, MISSING)])
def test_a_line_agrees_within_two_standard_uncertainties(value, verdict):
    assert (
        compared("k", "q", "1 eV", "eV", "J", Value(value * 1.602176634e-19, 0.1 * 1.602176634e-19, "J")).verdict
        == verdict
    )


def pulls(mean, spread, programmes=20):
    draws = np.random.default_rng(7).standard_normal(3 * programmes)
    draws = (draws - draws.mean()) / draws.std(ddof=1)
    found = []
    for quantity, known in TRUTHS.items():
        count = programmes * len(known.job_keys())
        of_it = draws[:count] - draws[:count].mean()
        of_it /= of_it.std(ddof=1)
        found += [Pull(quantity, "k", Value(mean + spread * draw, 1.0, "1"), 0.0) for draw in of_it]
    return found


@pytest.mark.parametrize(
    ("mean", "spread", "honest"),
    [(0.0, 1.0, True), (0.49, 1.3, True), (0.6, 1.0, False), (-0.6, 1.0, False), (0.0, 0.6, False), (0.0, 1.4, False)],
)
def test_pulls_are_honest_only_around_zero_and_about_as_wide_as_they_say(mean, spread, honest):
    assert (dishonest(pulls(mean, spread), 20) == []) == honest


def test_a_quantity_that_was_not_measured_is_not_honest():
    whole = pulls(0.0, 1.0)
    without = [each for each in whole if each.quantity != "transition"]
    assert dishonest(without, 20) == ["transition: 0 pulls instead of 60"]
    assert dishonest([], 20)


def test_the_temperature_coefficient_of_the_published_energies_is_16_percent_per_kelvin():
    """With an uncertainty of the transition of 0.3 K, which moves the share of the high branch most of all."""
    crystal = replace(ATOMISTIC, high_ev=1.784, low_ev=0.30, change_k=295.0)
    result = evaluate(*make_sweep(crystal, 1, kelvin=np.arange(240.0, 321.0, 4.0)), cell=CELL)
    at_u = replace(result, transition=replace(result.transition, u=0.3))
    found = coefficient(Measured({}, {"conductivity atomistic": at_u}), "atomistic")
    assert found.value == pytest.approx(0.16, abs=0.005)
    assert 0.0020 < found.u < 0.0035  # s(1 - s) dE^2/(k T)^2/k per kelvin of T_c: 0.9 %, times 0.3 K


def test_every_tension_is_told_even_when_nothing_was_measured():
    told = list(tensions_of(Measured({})))
    assert len(told) == 7
    assert all("no result" in " ".join(each.measured) for each in told)
