"""The setting that is measured again and again during a calibration: does the tube drift, does a setting come back?"""

from dataclasses import dataclass

import numpy as np

from xraydaq.analysis.dose_readings import Visits
from xraydaq.analysis.values import Floats, Value

LEAST_FOR_LINE = 3
SURE = 3.0


@dataclass(frozen=True, eq=False)
class Repeats:
    """Visits to the reference setting, relative to their mean."""

    time_s: Floats
    relative: Floats
    slope: Value
    """s^-1; nan with fewer than three visits."""

    agreement: Value
    """Largest difference from the first visit; nan with fewer than two."""

    standard_deviation: float
    return_scatter: float
    """Relative scatter of the visits beyond that of the readings."""

    @property
    def drifts(self) -> bool:
        """Tell whether the slope is more than chance; nan is not."""
        return abs(self.slope.value) > SURE * self.slope.u


def repeats_of(found: Visits) -> Repeats:
    """Compare the visits marked as reference, which are all of one setting."""
    mine = found.is_reference
    time_s, rate = found.time_s[mine], found.rate_gy_s[mine]
    nothing = Value(np.nan, np.nan, "1")
    if len(rate) < 2:
        relative = rate / rate.mean() if len(rate) else rate
        return Repeats(time_s, relative, Value(np.nan, np.nan, "s^-1"), nothing, 0.0, 0.0)
    relative = rate / rate.mean()
    own_u = found.u_gy_s[mine] / rate
    spread = float(np.std(relative, ddof=1))
    differences = np.abs(relative[1:] / relative[0] - 1)
    worst = int(np.argmax(differences))
    agreement = Value(float(differences[worst]), float(np.hypot(own_u[0], own_u[worst + 1])), "1")
    beyond = float(np.sqrt(max(0.0, spread**2 - float(np.mean(own_u**2)))))
    return Repeats(time_s, relative, _slope(time_s, relative, own_u), agreement, spread, beyond)


def _slope(time_s: Floats, relative: Floats, own_u: Floats) -> Value:
    """Slope of the least-squares line; u from the scatter around it, not below that of the readings."""
    if len(relative) < LEAST_FOR_LINE:
        return Value(np.nan, np.nan, "s^-1")
    centred = time_s - time_s.mean()
    slope = float(centred @ relative / (centred @ centred))
    left = relative - 1 - slope * centred
    dof = len(relative) - 2
    per_row = max(float(left @ left) / dof, float(np.mean(own_u**2)))
    return Value(slope, float(np.sqrt(per_row / (centred @ centred))), "s^-1", float(dof))
