"""Ranges and one-year accuracy of the Keithley 2400 (Model 2400 Series Specifications, SPEC-2400, at 23 +- 5 degC).

Not verified on hardware. SPEC-2400 gives limits, not standard deviations; a limit without a stated distribution is a
rectangular one (JCGM 100:2008, 4.3.7), so that the standard uncertainty is the limit divided by the root of three.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

from xraydaq.errors import LimitError

OVERRANGE = 1.05
"""Every range holds 105 % of its name, and a range query answers with that full scale."""

VOLTAGE_RANGES_V = (0.2, 2.0, 20.0, 200.0)
VOLTAGE_STEPS_V = (5e-6, 5e-5, 5e-4, 5e-3)
"""Programming resolution of the voltage source in each range."""

CURRENT_RANGES_A = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
_GAIN_LIMITS = (0.029e-2, 0.027e-2, 0.025e-2, 0.027e-2, 0.035e-2, 0.055e-2, 0.22e-2)
_OFFSET_LIMITS_A = (300e-12, 700e-12, 6e-9, 60e-9, 600e-9, 6e-6, 570e-6)
_RESOLUTION = 1e-5  # of range, in every row of the table

MAX_CURRENT_A = 1.05
LOW_VOLTAGE_V = 21.0
HIGH_VOLTAGE_CURRENT_A = 0.105
"""On the 200 V source range the highest current range is 100 mA (UM 2400S-900-01, ranges)."""

SMALLEST_COMPLIANCE = 1e-3
"""Compliance below this share of the measure range is refused with +822 (UM, compliance)."""

MIN_COMPLIANCE_A = 1e-9
NPLC_LIMITS = (0.01, 10.0)


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Standard uncertainties of a current measurement in one range."""

    gain_u_rel: float
    offset_u_a: float
    resolution_a: float

    def uncertainty_a(self, current_a: float) -> float:
        """Get the standard uncertainty of one current; nan of nan."""
        return math.hypot(self.gain_u_rel * current_a, self.offset_u_a)


@lru_cache
def current_accuracy(range_a: float, nplc: float) -> Accuracy:
    """Get the accuracy of current readings.

    Short integration adds 0.005 % of range below 1 PLC and 0.05 % below 0.1 PLC, ten times as much in the 1 A range,
    and costs a digit below 0.1 PLC (recalled from the data sheet; not verified in a document). Between the tabulated
    integration times the worse neighbour is taken.

    Raises:
        LimitError: no range holds `range_a`, or an integration time the instrument does not have.
    """
    name_a = current_range_a(range_a)
    if not NPLC_LIMITS[0] <= nplc <= NPLC_LIMITS[1]:
        raise LimitError(f"integration time of {nplc} PLC; allowed: {NPLC_LIMITS[0]} to {NPLC_LIMITS[1]}")
    index = CURRENT_RANGES_A.index(name_a)
    speed = 0.0 if nplc >= 1 else 5e-5 if nplc >= 0.1 else 5e-4
    offset_limit_a = _OFFSET_LIMITS_A[index] + speed * name_a * (10 if name_a == CURRENT_RANGES_A[-1] else 1)
    return Accuracy(
        gain_u_rel=_GAIN_LIMITS[index] / math.sqrt(3),
        offset_u_a=offset_limit_a / math.sqrt(3),
        resolution_a=_RESOLUTION * name_a * (1 if nplc >= 0.1 else 10),
    )


def current_range_a(current_a: float) -> float:
    """Get the name of the range the instrument selects: the smallest that holds `current_a`.

    Raises:
        LimitError: none does; nan included.
    """
    return _smallest(CURRENT_RANGES_A, current_a, "A")


def voltage_range_v(voltage_v: float) -> float:
    """Get the name of the source range the instrument selects: the smallest that holds `voltage_v`.

    Raises:
        LimitError: none does; nan included.
    """
    return _smallest(VOLTAGE_RANGES_V, voltage_v, "V")


def voltage_step_v(voltage_v: float) -> float:
    """Get the programming resolution in the range that holds `voltage_v`."""
    return VOLTAGE_STEPS_V[VOLTAGE_RANGES_V.index(voltage_range_v(voltage_v))]


def _smallest(ranges: tuple[float, ...], value: float, unit: str) -> float:
    # the tolerance lets 105 % of a name, computed in floating point, through
    for name in ranges:
        if 0 < value <= name * OVERRANGE * (1 + 1e-12):
            return name
    raise LimitError(
        f"no range of the Keithley 2400 holds {value} {unit}; allowed: above 0 to {ranges[-1] * OVERRANGE}"
    )
