"""The sensitivity that a stored run has been found to have, and the beam it belongs to."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from xraydaq.analysis.values import Value
from xraydaq.config.source import display
from xraydaq.errors import ConfigError
from xraydaq.storage import StoredAnalysis, StoredRun

UNIT = "C Gy^-1 m^-2"
PREFERRED = ("sensitivity", "sensitivity_slope_weighted", "sensitivity_slope_unweighted")
"""The first that is there is taken."""

SHARE_OF_U = "u_of_"
OWN_SHARES = ("_steps_and_dose_model", "_drift_over_the_sweep", "_statistics_of_the_step", "_steps_and_fit")
"""Ends of the names of shares of u that differ from run to run."""


@dataclass(frozen=True)
class Sensitivity:
    """One run: sensitivity in C Gy^-1 m^-2 with the name of its estimator, the beam where the run tells it."""

    path: Path
    sample: str
    start_utc_s: float
    name: str
    sensitivity: Value
    own_u: float
    """The part of u that other runs do not share: statistics, drift within the run."""

    tube_voltage_v: float | None
    total_al_m: tuple[float, ...]
    simulated: bool


def sensitivity_in(stored: StoredRun, name: str | None = None) -> Sensitivity:
    """Get the sensitivity from the last analysis of a run.

    Raises:
        ConfigError: its last analysis holds no sensitivity (of this name).
    """
    if not stored.analyses:
        raise ConfigError(
            f"{display(stored.path)}: not analysed; analyse it with: xraydaq analyse {display(stored.path)}"
        )
    analysis = stored.analyses[max(stored.analyses)]
    chosen = _chosen(stored, analysis, name)
    quantity = analysis.results[chosen]
    voltage_v, al_m = _beam(stored)
    return Sensitivity(
        path=stored.path,
        sample=str(stored.header.sample.get("name", "")),
        start_utc_s=stored.header.start_utc_s,
        name=chosen,
        sensitivity=Value(quantity.value, quantity.u, UNIT),
        own_u=_own_u(analysis, chosen),
        tube_voltage_v=voltage_v,
        total_al_m=al_m,
        simulated=stored.header.simulated,
    )


def _chosen(stored: StoredRun, analysis: StoredAnalysis, name: str | None) -> str:
    there = [
        each
        for each, quantity in analysis.results.items()
        if quantity.unit == UNIT and not each.startswith((SHARE_OF_U, "s0", "unity"))
    ]
    for each in PREFERRED if name is None else (name,):
        if each in there:
            return each
    wanted = "no sensitivity" if name is None else f"no sensitivity {name!r}"
    raise ConfigError(f"{display(stored.path)}: {wanted} in its last analysis; there: {', '.join(there) or 'none'}")


def _own_u(analysis: StoredAnalysis, name: str) -> float:
    """Get the part of u that differs from run to run; all of it where the analysis does not tell its shares."""
    own = [
        quantity.u if math.isfinite(quantity.u) else quantity.value
        for key, quantity in analysis.results.items()
        if key.startswith(f"{SHARE_OF_U}{name}_from_") and key.endswith(OWN_SHARES)
    ]
    return math.hypot(*own) if own else analysis.results[name].u


def _beam(stored: StoredRun) -> tuple[float | None, tuple[float, ...]]:
    """Get tube voltage and filters of the readings with the beam on; None and () where they are not told."""
    columns = stored.columns
    if not {"beam_on", "total_aluminium", "tube_voltage_set"} <= columns.keys():
        return None, ()
    lit = columns["beam_on"] > 0
    filters_m = np.unique(columns["total_aluminium"][lit].round(7))
    voltages_v = columns["tube_voltage_set"][lit]
    known_v = voltages_v[voltages_v > 0]
    return (float(np.median(known_v)) if len(known_v) else None), tuple(filters_m[np.isfinite(filters_m)].tolist())
