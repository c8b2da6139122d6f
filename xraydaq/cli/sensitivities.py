"""The sensitivity of a run that a person names."""

from pathlib import Path

from xraydaq.cli.names import run_path
from xraydaq.evaluation.sensitivity import Sensitivity, sensitivity_in
from xraydaq.storage import read_run


def sensitivity_of(text: str, root: Path, name: str | None = None) -> Sensitivity:
    """Get the sensitivity from the last analysis of a run.

    Raises:
        ConfigError: no such run, or its last analysis holds no sensitivity (of this name).
    """
    return sensitivity_in(read_run(run_path(text, root)), name)
