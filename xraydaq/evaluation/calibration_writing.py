"""What ``xraydaq calibration`` does, loaded only when it is called."""

from pathlib import Path

from xraydaq.analysis.dose_calibration_result import DoseCalibrationResult
from xraydaq.config import check_file
from xraydaq.config.calibration import DoseCalibration
from xraydaq.config.calibration_text import calibration_text
from xraydaq.config.source import display
from xraydaq.errors import ConfigError, StorageError
from xraydaq.evaluation import evaluate_stored
from xraydaq.evaluation.calibration_file import calibration_of
from xraydaq.storage import read_run


def write_calibration(run: Path, out: Path, *, name: str = "", accept_untraceable: bool = False) -> str:
    """Evaluate a run, write its calibration file, and return what a person reads.

    Raises:
        ConfigError: the run is of another procedure, or what was written is no good calibration.
        Refused: the run does not say what a dose depends on, or the dose is not traceable.
        StorageError: the file exists or cannot be written.
    """
    result = evaluate_stored(stored := read_run(run))
    if not isinstance(result, DoseCalibrationResult):
        raise ConfigError(f"{display(run)}: a run of {stored.header.procedure}; allowed: one of dose_calibration")
    calibration = calibration_of(stored, result, name=name, accept_untraceable=accept_untraceable)
    _write_new(out, calibration_text(calibration))
    if problems := check_file(out).problems:
        out.unlink()
        raise ConfigError(*problems)
    lines = [_summary(calibration), *(f"! {flag}" for flag in result.flags), f"file    {display(out)}"]
    return "\n".join(lines)


def _summary(calibration: DoseCalibration) -> str:
    return (
        f"{calibration.name}: {len(calibration.filters)} filters, {100 * calibration.common_relative_u:.2g} % (k = 1) "
        f"common to all, valid until {calibration.valid_until.isoformat()}"
        + (", of a simulated bench" if calibration.simulated else "")
    )


def _write_new(out: Path, text: str) -> None:
    try:
        with out.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise StorageError(f"{display(out)} exists; a calibration is never overwritten") from None
    except OSError as error:
        raise StorageError(f"{display(out)} cannot be written: {error.strerror}") from error
