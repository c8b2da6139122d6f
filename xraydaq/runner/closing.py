"""From a closed journal to the result file, its analysis and its figure; also run again on any stored run."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from xraydaq import __version__
from xraydaq.analysis.outcome import Result, file_name
from xraydaq.clock import Clock, RealClock
from xraydaq.errors import EXIT_BUG, EXIT_DONE, StorageError, XraydaqError
from xraydaq.evaluation import evaluate_stored, figure_of
from xraydaq.storage import Quantity, RecoveryReport, StoredAnalysis, StoredRun, add_analysis, read_run, recover
from xraydaq.storage.model import iso_utc

log = logging.getLogger(__name__)

# how the file writes a unit that its reader (UDUNITS) knows otherwise; everything else is written as it is
FILE_UNITS = {"1": "", "A/√Hz": "A Hz^-0.5"}

T = TypeVar("T")


@dataclass(frozen=True)
class Closed:
    """What a finished run leaves: the file, its numbers and its figure.

    `problem` says why numbers or the figure are missing, `exit_code` whether that is somebody's fault: too few
    readings are not.
    """

    result_path: Path | None
    result: Result | None
    figures: tuple[Path, ...]
    problem: str = ""
    simulated: bool | None = None
    served: bool = False
    """The simulators of a simulated bench lived in another process."""
    exit_code: int = EXIT_DONE


def close_run(folder: Path, wall: Clock | None = None) -> Closed:
    """Analyse the journal in `folder`, build the result file and draw the figure.

    A run that cannot be analysed (too short, for one) still gets its result file, and so does one whose figure fails.

    Raises:
        BusyError: another process is building the result.
        StorageError: the result cannot be written. The journal is as it was.
    """
    from xraydaq.storage.result import build_owned, right_to_build

    folder = folder.resolve()
    with right_to_build(folder):
        stored = read_run(folder)
        analysed, problem, code = _tried("analysis", lambda: _analysed(stored, wall))
        kept = [] if analysed is None else [analysed[1]]
        # a result that is there was built by a recovery that was faster
        path = stored.path if _is_result(stored) else build_owned(folder, kept)
    if analysed is None:
        return Closed(path, None, (), problem, stored.header.simulated, stored.header.served_simulation, code)
    return _with_figure(path, analysed[0], stored, 1)


def analyse_again(path: Path, wall: Clock | None = None) -> Closed:
    """Analyse a stored run once more; the new analysis stands beside the earlier ones in the file.

    Raises:
        XraydaqError: there is no result file, or the run cannot be analysed; the file is as it was.
    """
    stored = read_run(path)
    if not _is_result(stored):
        folder = stored.path.parent
        hint = "wait for its end" if stored.state == "running" else f"build it with: xraydaq recover {folder}"
        raise StorageError(f"{folder}: the run is {stored.state} and has no result file yet; {hint}")
    result, kept = _analysed(stored, wall)
    number = add_analysis(stored.path, kept)
    return _with_figure(stored.path, result, stored, number)


def recover_run(folder: Path, wall: Clock | None = None) -> tuple[RecoveryReport, Closed | None]:
    """Recover a run that was cut off and analyse what there is of it; None when nothing was to be built.

    Raises:
        BusyError: the run belongs to a living process.
        StorageError: the result cannot be written.
    """
    report = recover(folder)
    if report.result is None or not report.built:
        return report, None
    path = report.result
    closed, problem, code = _tried("analysis", lambda: analyse_again(path, wall))
    return report, Closed(path, None, (), problem, exit_code=code) if closed is None else closed


def _analysed(stored: StoredRun, wall: Clock | None) -> tuple[Result, StoredAnalysis]:
    result = evaluate_stored(stored)
    return result, stored_analysis(result, stored, wall)


def stored_analysis(result: Result, stored: StoredRun, wall: Clock | None = None) -> StoredAnalysis:
    """Put a result into the form the file keeps: SI values, what each uncertainty is made of, curves, words."""
    quantities = {
        name: Quantity(each.value, each.u, _file_unit(each.unit)) for name, each in result.quantities().items()
    }
    shares = {
        f"u_of_{file_name(label)}_from_{file_name(source)}": Quantity(u, unit=_file_unit(budget.unit))
        for label, budget in result.budgets.items()
        for source, u in budget.shares.items()
    }
    return StoredAnalysis(
        name=stored.header.procedure,
        program="xraydaq",
        version=__version__,
        date=iso_utc((RealClock() if wall is None else wall).utc()),
        inputs={name: float(value) for name, value in result.inputs.items() if not isinstance(value, str)},
        results=quantities | shares,
        text=result.texts() | {"method_version": result.version},
        curves={name: (values, _file_unit(unit)) for name, (values, unit) in result.curves.items()},
    )


def draw(result: Result, stored: StoredRun, folder: Path, number: int = 1) -> tuple[Path, ...]:
    """Draw the figure of a run into `folder` and return the files written: ``<id>.png``, ``<id>.2.png``, and .pdf.

    `number` is that of the analysis in the file, so that every analysis has a figure of its own.

    Raises:
        StorageError: one of the files exists, or cannot be written.
    """
    from xraydaq.report import save

    header, figure = stored.header, figure_of(result, stored)
    suffix = "" if number == 1 else f".{number}"
    return save(figure, folder / f"{header.run_id or stored.path.stem}{suffix}")


def _with_figure(path: Path, result: Result, stored: StoredRun, number: int) -> Closed:
    files, problem, code = _tried("figure", lambda: draw(result, stored, path.parent, number))
    header = stored.header
    return Closed(path, result, files or (), problem, header.simulated, header.served_simulation, code)


def _tried(what: str, work: Callable[[], T]) -> tuple[T | None, str, int]:
    """Do what comes after the readings; whatever goes wrong in it must not cost the result file."""
    try:
        return work(), "", EXIT_DONE
    except StorageError as error:
        return None, f"no {what}: {error}", error.exit_code
    except XraydaqError as error:
        return None, f"no {what}: {error}", EXIT_DONE
    except Exception as error:
        log.exception("the %s failed; this is a bug in xraydaq", what)
        return None, f"no {what}: bug: {type(error).__name__}: {error}", EXIT_BUG


def _is_result(stored: StoredRun) -> bool:
    return stored.path.suffix == ".h5"


def _file_unit(unit: str) -> str:
    return FILE_UNITS.get(unit, unit)
