"""The temperature stage in a run: held at one temperature or taken to another, and read once a second."""

import math
from dataclasses import replace

from instruments.lakeshore335 import ControlSettings, HeaterRange, LakeShore335, StabilityCriterion, StabilityWatch
from procedures.base import BenchProcedure
from xraydaq.config.models import StageTable
from xraydaq.errors import InstrumentError, RunFailed, SafetyTrip
from xraydaq.safety import WayBack

READ_EVERY_S = 1.0
READ_AGAIN_S = 0.5
"""After a bad reading, so that the third in a row comes within two seconds of the first."""

BAD_READINGS = 3
"""So many in a row, and nobody knows how hot the heater makes it."""

OVERSHOOT_K = 1.0
"""A stage held at its limit swings past it a little."""

LONGEST_S = 2 * 3600.0
"""What has not become stable by then will not."""

EQUILIBRIUM = StabilityCriterion(band_k=0.1, window_s=60.0, spread_k=0.03, slope_k_per_min=0.05, dwell_s=0.0)
"""Of a step: within 0.1 K and below 0.05 K/min over a minute, and the crystal given five of its lags."""


class Stage:
    """Takes the crystal to temperatures for a procedure. Without a temperature to hold there is nothing to control."""

    def __init__(self, procedure: BenchProcedure, hold_k: float | None) -> None:
        self._run = procedure
        self._hold_k = hold_k
        bench = procedure.context.bench
        found = bench.instruments.get("temperature")
        self._controller = found if isinstance(found, LakeShore335) else None
        self._table = procedure.context.config.bench.stage or StageTable.model_validate({})
        self._read_s = -math.inf
        self._last_k = math.nan
        self._bad_in_a_row = 0
        self._heated = False

    def prepare(self, way_back: WayBack) -> None:
        """Register heater-off, then set the control loop up with the heater off."""
        if self._controller is None:
            return
        way_back.add("heater off", self._controller.safe_off)
        table = self._table
        self._controller.configure(
            ControlSettings(
                heater_range=HeaterRange[table.heater_range.upper()],
                proportional=table.proportional,
                integral=table.integral,
                derivative_percent=table.derivative_percent,
            )
        )

    def temperature_k(self) -> float:
        """Get a reading of the sensor that is not older than a second; nan without a sensor or a good reading.

        Raises:
            SafetyTrip: the stage is heated, and its sensor gives no readings any more or is over the limit.
        """
        if self._controller is None:
            return math.nan
        now_s = self._run.context.clock.now()
        if now_s - self._read_s >= self._period_s:
            self._read_s = now_s
            self._last_k = self._reading_k()
            self._judge(self._last_k)
        return self._last_k

    def hold(self) -> None:
        """Go to the temperature of the recipe and wait for it; nothing where the recipe names none."""
        if self._hold_k is not None:
            self.go_to(self._hold_k)

    def go_to(self, target_k: float) -> None:
        """Ramp to a temperature and return when the crystal is in equilibrium there.

        Raises:
            RunFailed: it did not become stable.
            SafetyTrip: as `temperature_k`.
        """
        controller, clock = self._require_controller(), self._run.context.clock
        criterion = replace(EQUILIBRIUM, crystal_lag_s=self._table.crystal_lag_s)
        self._heated = True
        controller.start_ramp(target_k, self._table.ramp_rate_k_per_s * 60)
        watch, deadline_s, ramping = StabilityWatch(criterion, target_k), clock.now() + LONGEST_S, True
        missing: tuple[str, ...] = ()
        while clock.now() < deadline_s:
            self._run.wait(self._period_s)
            temperature_k = self.temperature_k()
            ramping = ramping and controller.ramping
            verdict = watch.feed(clock.now(), temperature_k, good=not math.isnan(temperature_k), ramping=ramping)
            if verdict.stable:
                return
            missing = verdict.missing
        raise RunFailed(f"{target_k:g} K not reached in {LONGEST_S / 3600:g} h: {', '.join(missing)}")

    @property
    def _period_s(self) -> float:
        return READ_AGAIN_S if self._bad_in_a_row else READ_EVERY_S

    def _reading_k(self) -> float:
        try:
            reading = self._require_controller().read()
        except InstrumentError as error:
            self._run.context.note("bad_reading", str(error), "warning")
            return math.nan
        return reading.temperature_k if reading.good else math.nan

    def _judge(self, temperature_k: float) -> None:
        controller = self._require_controller()
        was_bad, self._bad_in_a_row = self._bad_in_a_row, self._bad_in_a_row + 1 if math.isnan(temperature_k) else 0
        if not self._heated:
            return
        if self._bad_in_a_row >= BAD_READINGS:
            raise SafetyTrip(f"{BAD_READINGS} temperature readings in a row failed while the stage is heated")
        if was_bad and not self._bad_in_a_row and controller.heater_range is HeaterRange.OFF:
            raise SafetyTrip("the controller switched the heater off after a bad reading of its sensor")
        if temperature_k > controller.max_temperature_k + OVERSHOOT_K:
            limit = f"allowed: up to {controller.max_temperature_k:g} K"
            raise SafetyTrip(f"{controller.name}: the stage is at {temperature_k:.2f} K; {limit}")

    def _require_controller(self) -> LakeShore335:
        if self._controller is None:
            raise RunFailed("the bench has no temperature controller")
        return self._controller
