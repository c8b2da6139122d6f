"""One run: one process, one folder, one result file."""

from xraydaq.runner.run import Outcome, RunOptions, run

__all__ = ["Outcome", "RunOptions", "run"]
