"""From a stored run to the result of its analysis and its figure: one module per procedure, of the same name.

Each module has ``evaluate(stored) -> Result`` and ``figure(result, stored, *, width) -> Figure``.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from xraydaq.errors import ConfigError, StorageError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from xraydaq.analysis.outcome import Result
    from xraydaq.storage import StoredRun

PROCEDURES = (
    "bias_stability",
    "temperature_sweep",
    "dose_calibration",
    "dose_rate_sweep",
    "field_sweep",
    "photoresponse",
    "sclc_sweep",
    "noise_spectrum",
)
"""Procedures whose runs can be evaluated."""


def evaluate_stored(stored: "StoredRun") -> "Result":
    """Evaluate a stored run by the analysis of its procedure.

    Raises:
        ConfigError: there is no analysis for this procedure.
        StorageError: the run does not tell what its analysis must know.
        NotEnoughData: the readings do not allow it.
    """
    module = _module(stored)
    try:
        result: Result = module.evaluate(stored)
    except (KeyError, TypeError) as error:
        raise StorageError(f"{stored.path}: the run does not tell {error}, which its analysis needs") from error
    return result


def figure_of(result: "Result", stored: "StoredRun", *, width: str = "single") -> "Figure":
    """Draw the figure of an evaluated run; `width` "single" (86 mm) or "double" (178 mm)."""
    figure: Figure = _module(stored).figure(result, stored, width=width)
    return figure


def _module(stored: "StoredRun") -> Any:
    procedure = stored.header.procedure
    if procedure not in PROCEDURES:
        raise ConfigError(f"{stored.path}: there is no analysis for the procedure {procedure!r}")
    return import_module(f"xraydaq.evaluation.{procedure}")
