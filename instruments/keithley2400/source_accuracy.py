"""One-year accuracy of the voltage source of the Keithley 2400 (Model 2400 Series Specifications, at 23 +- 5 degC).

Not verified on hardware. Limits without a stated distribution are rectangular (JCGM 100:2008, 4.3.7).
"""

import math

from instruments.keithley2400.ranges import VOLTAGE_RANGES_V, voltage_range_v, voltage_step_v

_GAIN_LIMIT = 0.02e-2
_OFFSET_LIMITS_V = (600e-6, 600e-6, 2.4e-3, 24e-3)


def bias_uncertainty_v(bias_v: float, source_range_v: float) -> float:
    """Get the standard uncertainty of a programmed level in a source range, its rounding included; nan of nan.

    Raises:
        LimitError: no range holds `source_range_v`.
    """
    offset_v = _OFFSET_LIMITS_V[VOLTAGE_RANGES_V.index(voltage_range_v(source_range_v))]
    rounding_v = voltage_step_v(source_range_v) / math.sqrt(12)
    return math.hypot((_GAIN_LIMIT * abs(bias_v) + offset_v) / math.sqrt(3), rounding_v)
