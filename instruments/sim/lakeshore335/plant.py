"""What a temperature controller is wired to."""

from typing import Protocol


class Plant(Protocol):
    """A heater and the control sensor beside it."""

    def set_heater_w(self, time_s: float, power_w: float) -> None:
        """Drive the heater from `time_s` on."""

    def sensor_k(self, time_s: float) -> float:
        """Let time pass to `time_s` and get the true temperature of the sensor."""
