"""After a blind programme the truth is opened: how far each result lies from it, in units of its uncertainty."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from xraydaq.analysis.values import Value
from xraydaq.reproduce import truth
from xraydaq.reproduce.measured import Measured
from xraydaq.reproduce.programme import TREATMENTS
from xraydaq.reproduce.shelf import KEY as SHELF
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


@dataclass(frozen=True)
class Known:
    """Which result has a truth: its name, the key of its job ({} for a treatment where there are three), the truth.

    `truth`: the name of a number in the truth of the run, or how to get it from the run, or the number itself.
    """

    result: str
    job: str
    truth: str | float | Callable[[StoredRun], float]

    def job_keys(self) -> Sequence[str]:
        """Get the keys of its jobs."""
        return [self.job.format(treatment) for treatment in TREATMENTS] if "{}" in self.job else [self.job]

    def of(self, run: StoredRun | None) -> float | None:
        """Get the truth of a run, None where it has none."""
        if isinstance(self.truth, float):
            return self.truth
        if run is None or run.twin_truth is None:
            return None
        return _find(run.twin_truth, self.truth) if isinstance(self.truth, str) else self.truth(run)


TRUTHS = {
    "activation energy": Known("activation_energy_above_transition", "conductivity {}", "activation_high_j"),
    "same, below": Known("activation_energy_below_transition", "conductivity {}", "activation_low_j"),
    "transition": Known("transition_temperature", "conductivity {}", "crossover_k"),
    "trap density": Known("trap_density", "traps {}", "trap_density_per_m2"),
    "dark current": Known("mean_dark_current", "dark {}", truth.mean_dark_current_a),
    "dark drift": Known("drift_metric", "dark {}", truth.drift_metric),
    "noise density": Known("1_over_f_noise_density_at_1_hz", "noise", "noise_at_bias_a_per_rthz"),
    "noise exponent": Known("noise_exponent_gamma", "noise", "noise_exponent"),
    "sensitivity": Known("sensitivity", "dose sweep", "sensitivity_c_gy_m2"),
    "sensitivity slope": Known("sensitivity_slope_unweighted", "dose sweep", truth.slope_c_gy_m2),
    "detection limit": Known("detection_limit_snr_3", "dose sweep", truth.detection_limit_gy_s),
    "field scale": Known("field_scale", "field", "field_scale_v_m"),
    "air ionisation": Known("apparent_sensitivity", "air", "sensitivity_c_gy_m2"),
    "shelf stability": Known("change_over_the_span", SHELF, 0.0),
}
"""By quantity; no crystal of the simulated bench ages on the shelf."""


def pulls_of(measured: Measured) -> list[Pull]:
    """Open the truth of every run of the programme that has one, and compare."""
    return [pull for quantity, known in TRUTHS.items() for pull in _pulls(measured, quantity, known)]


def _pulls(measured: Measured, quantity: str, known: Known) -> Iterator[Pull]:
    for key in known.job_keys():
        value = measured.value(key, known.result)
        if value is None or not 0 < value.u < math.inf:
            continue
        true = known.of(measured.runs.get(key))
        if true is not None:
            yield Pull(quantity, key, value, true)


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
    for quantity, known in TRUTHS.items():
        values = np.array([each.value for each in pulls if each.quantity == quantity])
        expected = programmes * len(known.job_keys())
        if len(values) < expected:
            said.append(f"{quantity}: {len(values)} pulls instead of {expected}")
            continue
        mean, width = float(values.mean()), spread(values)
        if not (abs(mean) <= MEAN_ALLOWED and abs(width - 1) <= SPREAD_ALLOWED):
            said.append(f"{quantity}: {len(values)} pulls with mean {mean:+.2f} and spread {width:.2f}")
    return said
