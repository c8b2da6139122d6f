"""A control output: setpoint ramp, PID and heater.

The output is ``P (e + 1/Ti * integral of e - Td * dT/dt) + manual`` in percent of the full power of the range, with
``Ti = 1000 s / I`` and ``Td = D/100 * Ti/4``. That P counts in percent per kelvin of power is assumed, and that the
derivative is that of the reading.
"""

import math

from instruments.sim.lakeshore335.settings import OutputSettings

OFF, CLOSED_LOOP, ZONE, OPEN_LOOP = 0, 1, 2, 3
RANGE_SHARE = (0.0, 0.01, 0.1, 1.0)
MAX_CURRENT_A = (0.0, 0.707, 1.0, 1.141, 1.732)
COMPLIANCE_V = 50.0
DERIVATIVE_TIME_S = 0.5
HEATER_OK, HEATER_OPEN, HEATER_SHORT = 0, 1, 2


class Loop:
    """One output. `heater_fault` is what is wrong with the heater or its cable."""

    def __init__(self, settings: OutputSettings, heater_ohm: float) -> None:
        self.settings = settings
        self.heater_ohm = heater_ohm
        self.heater_fault = HEATER_OK
        self.heater_status = HEATER_OK
        self.ramp_on = False
        self.ramp_done = False
        self.setpoint_k = settings.target_k
        self.output_percent = 0.0
        self._integral_k = self._slope_k_per_s = 0.0
        self._last_k: float | None = None
        self.power_up()

    @property
    def range(self) -> int:
        """Control the heater range, 0 is off."""
        return self.settings.range

    @range.setter
    def range(self, number: int) -> None:
        if self.settings.range == 0 or number == 0:
            self._forget()
        self.settings.range = number

    @property
    def is_ramping(self) -> bool:
        """Tell whether the setpoint is on its way."""
        return self.setpoint_k != self.settings.target_k

    def power_up(self) -> None:
        """Start from what is stored."""
        self.ramp_on = self.ramp_done = False
        self.heater_status = HEATER_OK
        self.setpoint_k = self.settings.target_k
        if not self.settings.power_up_on:
            self.settings.range = 0
        self._forget()

    def set_target(self, target_k: float) -> None:
        """Go to a setpoint: from the present setpoint at the rate, or at once."""
        self.settings.target_k = target_k
        self.ramp_done = False
        if not self.ramp_on or self.settings.ramp_k_per_min == 0:
            self.setpoint_k = target_k

    def set_ramp(self, on: bool, k_per_min: float) -> None:
        """Switch the ramp; one that is under way and is switched off ends at its target at once (assumed)."""
        self.ramp_on, self.settings.ramp_k_per_min = on, k_per_min
        if not on or k_per_min == 0:
            self.setpoint_k = self.settings.target_k

    def tick(self, step_s: float, reading_k: float | None) -> float:
        """Let one control step pass and get the power in watt; no valid reading in closed loop switches off."""
        self._move_setpoint(step_s)
        if self.settings.range == 0 or self.settings.mode == OFF:
            self._forget()
        elif self.settings.mode == OPEN_LOOP:
            self.output_percent = self.settings.manual_percent
        elif reading_k is None:
            self.range = 0
        else:
            self._control(step_s, reading_k)
        self._look_at_heater()
        return self.full_power_w * self.output_percent / 100

    @property
    def full_power_w(self) -> float:
        """Get the full power of the present range into the heater that is connected, within the compliance voltage."""
        settings = self.settings
        limit_a = MAX_CURRENT_A[settings.heater_max_current] or settings.heater_user_current_a
        current_a = min(limit_a, COMPLIANCE_V / self.heater_ohm)
        return RANGE_SHARE[settings.range] * current_a**2 * self.heater_ohm

    @property
    def shown_percent(self) -> float:
        """Get the output as it is displayed: of full-scale current or power."""
        if self.settings.heater_display == 2:
            return self.output_percent
        return 100 * math.sqrt(self.output_percent / 100)

    def take_heater_status(self) -> int:
        """Read the heater's error; reading clears it."""
        status, self.heater_status = self.heater_status, HEATER_OK
        return status

    def _move_setpoint(self, step_s: float) -> None:
        if not self.is_ramping:
            return
        step_k = self.settings.ramp_k_per_min / 60 * step_s
        distance_k = self.settings.target_k - self.setpoint_k
        if abs(distance_k) <= step_k:
            self.setpoint_k = self.settings.target_k
            self.ramp_done = True
        else:
            self.setpoint_k += step_k if distance_k > 0 else -step_k

    def _control(self, step_s: float, reading_k: float) -> None:
        settings = self.settings
        error_k = self.setpoint_k - reading_k
        integral_s = 1000 / settings.integral
        derivative_s = settings.derivative_percent / 100 * integral_s / 4
        if self._last_k is not None:
            slope_k_per_s = (reading_k - self._last_k) / step_s
            share = step_s / (DERIVATIVE_TIME_S + step_s)
            self._slope_k_per_s += share * (slope_k_per_s - self._slope_k_per_s)
        self._last_k = reading_k
        integral_k = self._integral_k + error_k * step_s / integral_s
        wanted = settings.proportional * (error_k + integral_k - derivative_s * self._slope_k_per_s)
        wanted += settings.manual_percent
        self.output_percent = min(max(wanted, 0.0), 100.0)
        # The integral stands still while the output is at an end and the error would drive it further out.
        if wanted == self.output_percent or (wanted > 0) != (error_k > 0):
            self._integral_k = integral_k

    def _look_at_heater(self) -> None:
        """A broken heater is noticed while it is driven, and the output goes off."""
        if self.heater_fault != HEATER_OK and self.output_percent > 0:
            self.heater_status = self.heater_fault
            self.range = 0

    def _forget(self) -> None:
        self.output_percent = 0.0
        self._integral_k = self._slope_k_per_s = 0.0
        self._last_k = None
