"""After a blind programme the truth is opened: how far each result lies from it, in units of its uncertainty."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from xraydaq.analysis.values import Value
from xraydaq.reproduce.measured import Measured
from xraydaq.reproduce.programme import TREATMENTS
from xraydaq.storage import StoredRun

MEAN_ALLOWED, SPREAD_ALLOWED = 0.5, 0.35
LEAST_PULLS = 10


@dataclass(frozen=True)
class Pull:
    """A result against the truth of the simulated world; `quantity` is the same for all treatments."""

    quantity: str
    key: str
    measured: Value
    truth: float

    @property
    def value(self) -> float:
        """Get (measured - truth) / u."""
        return (self.measured.value - self.truth) / self.measured.u


TRUTHS = {
    "activation_energy": ("activation_energy_above_transition", "conductivity {}", "activation_high_j"),
    "transition": ("transition_temperature", "conductivity {}", "crossover_k"),
    "trap density": ("trap_density", "traps {}", "trap_density_per_m2"),
    "noise density": ("1_over_f_noise_density_at_1_hz", "noise", "noise_at_bias_a_per_rthz"),
    "noise exponent": ("noise_exponent_gamma", "noise", "noise_exponent"),
    "sensitivity": ("sensitivity", "dose sweep", "sensitivity_c_gy_m2"),
    "field scale": ("field_scale", "field", "field_scale_v_m"),
}
"""Quantity -> name of the result, key of the job (with a treatment in it where there are three), name of the truth."""


def pulls_of(measured: Measured) -> list[Pull]:
    """Open the truth of every run of the programme that has one, and compare."""
    found = []
    for quantity, (name, pattern, truth_name) in TRUTHS.items():
        keys = [pattern.format(treatment) for treatment in TREATMENTS] if "{}" in pattern else [pattern]
        for key in keys:
            value, truth = measured.value(key, name), truth_of(measured.runs.get(key), truth_name)
            if value is not None and truth is not None and 0 < value.u < math.inf:
                found.append(Pull(quantity, key, value, truth))
    return found


def truth_of(run: StoredRun | None, name: str) -> float | None:
    """Get a number of the truth of a run's simulated world, wherever it stands in it."""
    return None if run is None or run.twin_truth is None else _find(run.twin_truth, name)


def _find(truth: Mapping[str, Any], name: str) -> float | None:
    if name in truth:
        return float(truth[name])
    inner = (_find(each, name) for each in truth.values() if isinstance(each, Mapping))
    return next((each for each in inner if each is not None), None)


def pulls_text(pulls: Sequence[Pull]) -> str:
    """Write the pulls of one or many programmes, and their mean and spread by quantity where there are enough."""
    lines = [f"{each.quantity:18}  {each.key:24}  {each.value:+6.2f}" for each in pulls]
    for quantity in dict.fromkeys(each.quantity for each in pulls):
        values = np.array([each.value for each in pulls if each.quantity == quantity])
        if len(values) >= LEAST_PULLS:
            lines.append(f"{quantity:18}  {len(values)} pulls: mean {values.mean():+.2f}, spread {spread(values):.2f}")
    return "\n".join(lines) + "\n"


def spread(values: "np.typing.NDArray[np.float64]") -> float:
    """Get the standard deviation of pulls."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else math.nan


def dishonest(pulls: Sequence[Pull], programmes: int) -> list[str]:
    """Name every quantity whose pulls do not have mean 0 +- 0.5 and spread 1 +- 0.35, or of which some are missing.

    `programmes`: how many were run; each must give a pull for every job that has a truth.
    """
    said = []
    for quantity, (_, pattern, _) in TRUTHS.items():
        values = np.array([each.value for each in pulls if each.quantity == quantity])
        expected = programmes * (len(TREATMENTS) if "{}" in pattern else 1)
        if len(values) < expected:
            said.append(f"{quantity}: {len(values)} pulls instead of {expected}")
            continue
        mean, width = float(values.mean()), spread(values)
        if not (abs(mean) <= MEAN_ALLOWED and abs(width - 1) <= SPREAD_ALLOWED):
            said.append(f"{quantity}: {len(values)} pulls with mean {mean:+.2f} and spread {width:.2f}")
    return said
