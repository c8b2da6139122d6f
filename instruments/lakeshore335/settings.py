"""Settings of the control loop, checked before they are sent, and what a reading is."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

from instruments.wire.lakeshore335 import INPUTS, SensorStatus
from xraydaq.errors import LimitError

RATE_LIMITS_K_PER_MIN = (0.1, 100.0)  # Model 335 manual, RAMP; 0 would mean a step, which is never wanted here
RESOLUTION = {"temperature": 2e-3, "pid": 0.06, "rate": 0.06, "percent": 0.06}
"""How far a value may read back off: the last digit of the replies in EPICS and the manual, and half of one."""

RELATIVE_RESOLUTION = 0.02
"""At most this share of a value that is not zero, so that 0.15 K/min read back as 0.1 or 0.2 is an error."""


class HeaterRange(IntEnum):
    """Range of output 1 or 2 in current mode; each is a tenth of the power of the next (331 manual)."""

    OFF = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3


@dataclass(frozen=True, slots=True)
class ControlSettings:
    """What the loop works with. Defaults of P, I and D are said to be those from the factory (not verified)."""

    heater_range: HeaterRange
    """Used when a ramp is started; `configure` itself leaves the heater off."""

    proportional: float = 50.0
    integral: float = 20.0
    derivative_percent: float = 0.0
    filter_enabled: bool = False
    filter_points: int = 8
    filter_window_percent: float = 10.0
    trip_margin_k: float = 5.0
    """The controller itself switches all outputs off this far above the limit of the driver (``TLIMIT``)."""

    def __post_init__(self) -> None:
        if self.heater_range not in (HeaterRange.LOW, HeaterRange.MEDIUM, HeaterRange.HIGH):
            raise LimitError(f"heater range {self.heater_range!r}; allowed: LOW, MEDIUM, HIGH")
        # Model 335 manual, PID and ZONE; the limits of FILTER (2 to 64, 1 to 10 %) are not verified
        _within("proportional", self.proportional, 0.1, 1000, "")
        _within("integral", self.integral, 0.1, 1000, "")
        _within("derivative", self.derivative_percent, 0, 200, " %")
        if type(self.filter_points) is not int:
            raise LimitError(f"filter points {self.filter_points!r}; allowed: whole numbers")
        _within("filter points", self.filter_points, 2, 64, "")
        _within("filter window", self.filter_window_percent, 1, 10, " %")
        _within("trip margin", self.trip_margin_k, 0.5, 50, " K")


@dataclass(frozen=True, slots=True)
class TemperatureReading:
    """One reading with its status; `temperature_k` is nan unless the status is good."""

    temperature_k: float
    status: SensorStatus
    sensor: Literal["A", "B", "C", "D"]
    time_s: float
    """When the answer had come, on the clock of the bench."""

    @property
    def good(self) -> bool:
        """Get whether the controller calls the reading valid."""
        return self.status == 0 and self.temperature_k > 0


def inputs_of(model: str) -> tuple[str, ...]:
    """Get the inputs a model has."""
    return INPUTS if model == "MODEL336" else INPUTS[:2]


def _within(name: str, value: float, least: float, most: float, unit: str) -> None:
    if not least <= value <= most:
        raise LimitError(f"{name} {value}{unit}; allowed: {least:g} to {most:g}{unit}")
