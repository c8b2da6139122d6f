"""From a closed journal to the result file, its analysis and its figure; also run again on any stored run."""

from dataclasses import dataclass
from pathlib import Path

from instruments.keithley2400_ranges import current_accuracy
from xraydaq.analysis.bias_stability import BiasStabilityResult, evaluate
from xraydaq.errors import ConfigError, XraydaqError
from xraydaq.storage import StoredAnalysis, StoredRun, add_analysis, build_result, read_run


@dataclass(frozen=True)
class Closed:
    """What a finished run leaves: the file, its numbers and its figure; `problem` says why numbers are missing."""

    result_path: Path
    result: BiasStabilityResult | None
    figures: tuple[Path, ...]
    problem: str = ""


def close_run(folder: Path) -> Closed:
    """Analyse the journal in `folder`, build the result file and draw the figure.

    A run that cannot be analysed (too short, for one) still gets its result file.
    """
    stored = read_run(folder)
    try:
        result = evaluate_stored(stored)
    except XraydaqError as error:
        return Closed(build_result(folder), None, (), str(error))
    path = build_result(folder, [stored_analysis(result, stored)])
    return Closed(path, result, draw(result, stored, folder))


def analyse_again(path: Path) -> Closed:
    """Analyse a stored run once more; the new analysis stands beside the earlier ones in the file."""
    stored = read_run(path)
    result = evaluate_stored(stored)
    add_analysis(stored.path, stored_analysis(result, stored))
    return Closed(stored.path, result, draw(result, stored, stored.path.parent))


def evaluate_stored(stored: StoredRun) -> BiasStabilityResult:
    """Evaluate a stored run by the analysis of its procedure.

    Raises:
        ConfigError: there is no analysis for this procedure.
        AnalysisError: the data do not allow it.
    """
    header = stored.header
    if header.procedure != "bias_stability":
        raise ConfigError(f"{stored.path}: there is no analysis for the procedure {header.procedure!r}")
    wanted, sample, columns = header.resolved["recipe"]["parameters"], header.sample, stored.columns
    reading_time_s = wanted["nplc"] / wanted["line_frequency_hz"]
    accuracy = current_accuracy(wanted["current_range_a"], wanted["nplc"])
    return evaluate(
        columns["elapsed"],
        columns["current"],
        columns["voltage"],
        columns["status"],
        bias_v=wanted["bias_v"],
        gap_m=sample["gap_m"],
        gap_u_m=sample["gap_u_m"],
        area_m2=sample["area_m2"],
        area_u_m2=sample["area_u_m2"],
        reading_time_s=reading_time_s,
        gain_u_rel=accuracy.gain_u_rel,
        offset_u_a=accuracy.offset_u_a,
        resolution_a=accuracy.resolution_a,
    )


def stored_analysis(result: BiasStabilityResult, stored: StoredRun) -> StoredAnalysis:
    """Put a result into the form the file keeps."""
    raise NotImplementedError


def draw(result: BiasStabilityResult, stored: StoredRun, folder: Path) -> tuple[Path, ...]:
    """Draw the figure of a run into `folder` and return the files written."""
    raise NotImplementedError
