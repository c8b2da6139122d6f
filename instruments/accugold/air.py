"""Air density: a vented chamber measures the mass of air in it, so its reading needs a factor, exactly once.

``k_TP = (T / T_ref) (P_ref / P)`` with absolute temperatures (IAEA TRS 457). Two reference conditions are in use,
20 degC and 22 degC at 101.325 kPa, 0.7 % apart; the calibration certificate says which one.
"""

from dataclasses import dataclass

from xraydaq.errors import LimitError

TEMPERATURE_LIMITS_K = (273.15, 323.15)
PRESSURE_LIMITS_PA = (50e3, 110e3)
STALE_S = 3600.0


@dataclass(frozen=True, slots=True)
class Air:
    """The air in the chamber."""

    temperature_k: float
    pressure_pa: float

    def __post_init__(self) -> None:
        least_k, most_k = TEMPERATURE_LIMITS_K
        least_pa, most_pa = PRESSURE_LIMITS_PA
        if not least_k <= self.temperature_k <= most_k:
            raise LimitError(f"air at {self.temperature_k} K; allowed: {least_k} K to {most_k} K")
        if not least_pa <= self.pressure_pa <= most_pa:
            raise LimitError(f"air at {self.pressure_pa} Pa; allowed: {least_pa:g} Pa to {most_pa:g} Pa")


AT_20_DEGC = Air(293.15, 101325.0)
AT_22_DEGC = Air(295.15, 101325.0)


def k_tp(air: Air, reference: Air) -> float:
    """Get the factor that brings a reading in `air` to the reference conditions."""
    return (air.temperature_k / reference.temperature_k) * (reference.pressure_pa / air.pressure_pa)
