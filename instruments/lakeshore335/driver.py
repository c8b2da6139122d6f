"""Driver of the Lake Shore 335 temperature controller, one output and its sensor. NEVER VERIFIED ON HARDWARE.

Facts are from the Model 335 User's Manual, Lake Shore's own Python driver ("LSDRV") and the EPICS ip module; a comment
says so where one is not verified in a document. The 336 speaks the same words and is accepted. The 331 has other forms
of RANGE and HTR? and none of OUTMODE, and is refused.
"""

import logging
import math

from pymeasure.adapters.adapter import Adapter

from instruments.connect import Line
from instruments.lakeshore335.link import Link
from instruments.lakeshore335.settings import (
    RATE_LIMITS_K_PER_MIN,
    RESOLUTION,
    ControlSettings,
    HeaterRange,
    TemperatureReading,
    inputs_of,
)
from instruments.lakeshore335.setup import Setting, check_taken, check_units, loop_settings
from instruments.wire.lakeshore335 import (
    INPUTS,
    HeaterFault,
    format_number,
    parse_code,
    parse_number,
    parse_sensor_status,
    temperature_k,
)
from instruments.wire.replies import Identity
from xraydaq.clock import Clock
from xraydaq.errors import InstrumentError, LimitError, Refused, XraydaqError

log = logging.getLogger(__name__)

LINE = Line(baud=57600, data_bits=7, parity="odd", serial_end="\n", serial_reply_end="\n")
"""USB is a virtual serial port, 57600 baud, 7 data bits, odd parity (LSDRV). LF out; replies end with CR LF, and the
CR is dropped with the line's end."""

MODELS = ("MODEL335", "MODEL336")
OFF_PERCENT = 0.1
"""``HTR?`` of a heater that is off: reported as 0.005 and not 0 (QCoDeS), shown in steps of 0.1 (EPICS)."""

OFF_TRIES = 3
OFF_LOOKS = 3
UPDATE_S = 0.2
"""Two updates of the loop, which runs at 10 Hz (not verified)."""


class LakeShore335:
    """Control the temperature of a stage: ramps, readings with their status, heater ranges.

    Not verified on hardware. Construction sends nothing. `retries` of the link are logged as warnings.
    """

    def __init__(
        self, adapter: Adapter, *, clock: Clock, max_temperature_k: float, min_temperature_k: float = 1.0,
        output: int = 1, sensor: str = "A", name: str = "Lake Shore 335",
    ) -> None:  # fmt: skip
        if not 0 < min_temperature_k < max_temperature_k < math.inf:
            raise LimitError(
                f"{name}: limits {min_temperature_k} K to {max_temperature_k} K; allowed: above 0 K, rising"
            )
        if output not in (1, 2) or sensor not in INPUTS:
            raise LimitError(f"{name}: output {output!r}, sensor {sensor!r}; allowed: 1, 2 and {', '.join(INPUTS)}")
        self.name = name
        self.min_temperature_k = min_temperature_k
        self.max_temperature_k = max_temperature_k
        self.output = output
        self.sensor = sensor
        self._clock = clock
        self._link = Link(adapter, clock, name)
        self._identity: Identity | None = None
        self._configured: ControlSettings | None = None
        self._target_k: float | None = None

    @property
    def retries(self) -> int:
        """Get how many questions had to be asked twice so far."""
        return self._link.retries

    @property
    def target_k(self) -> float | None:
        """Get the target of the last ramp in kelvin, as remembered here: `setpoint_k` shows the moving value."""
        return self._target_k

    def identify(self) -> Identity:
        """Get the identity.

        Raises:
            InstrumentError: another instrument, or none, or one without the sensor input that was asked for.
        """
        identity = self._link.identity()
        model = identity.model.upper().replace(" ", "")
        if model not in MODELS:
            raise InstrumentError(
                f"{self.name}: this driver is for a MODEL335 or MODEL336, the answer is {identity.text!r}"
            )
        if self.sensor not in inputs_of(model):
            raise InstrumentError(f"{self.name}: {identity.model} has no input {self.sensor}")
        self._identity = identity
        return identity

    def configure(self, settings: ControlSettings) -> None:
        """Set everything the loop depends on, the heater being off, and read it back.

        Most settings survive power-off in the controller, so none is trusted.

        Raises:
            Refused: the heater is on, or a setting was refused.
            InstrumentError: a setting reads back as something else, or setpoints are not in kelvin.
        """
        self._require_identity()
        if self.heater_range is not HeaterRange.OFF:
            raise Refused(f"{self.name}: the heater is on; switch it off before the settings are changed")
        self._configured = None
        check_units(self._link, self.sensor)
        trip_k = self.max_temperature_k + settings.trip_margin_k
        for setting in loop_settings(settings, self.output, self.sensor, trip_k):
            self._link.set(setting.command)
            check_taken(self._link, setting)
        self._configured = settings

    def settings(self) -> dict[str, str]:
        """Get the settings as the controller spells them; changes nothing (``HTRST?``, which clears, is left out)."""
        per_output = ("OUTMODE?", "HTRSET?", "PID?", "MOUT?", "RAMP?", "SETP?", "RANGE?")
        per_input = ("INTYPE?", "INCRV?", "FILTER?", "TLIMIT?")
        queries = [*(f"{each} {self.sensor}" for each in per_input), *(f"{each} {self.output}" for each in per_output)]
        return {query: self._link.query(query)[0] for query in queries}

    def read(self, sensor: str | None = None) -> TemperatureReading:
        """Take a reading and its status in one message; `sensor` is another input than that of the loop.

        Raises:
            InstrumentError: no proper answer. A bad status is no error but a reading without a temperature.
        """
        channel = self.sensor if sensor is None else sensor
        if channel not in INPUTS:
            raise LimitError(f"{self.name}: input {channel!r}; allowed: {', '.join(INPUTS)}")
        shown, status_text = self._link.query(f"KRDG? {channel}", f"RDGST? {channel}")
        status = parse_sensor_status(status_text)
        value_k = temperature_k(parse_number(shown), status)
        return TemperatureReading(value_k, status, channel, self._clock.now())  # type: ignore[arg-type]  # checked

    @property
    def setpoint_k(self) -> float:
        """Get the present setpoint in kelvin; while ramping it moves (not verified: ``SETP?`` during a ramp)."""
        return parse_number(self._link.query(f"SETP? {self.output}")[0])

    @property
    def ramping(self) -> bool:
        """Get whether the setpoint is on its way."""
        return parse_code(self._link.query(f"RAMPST? {self.output}")[0], 0, 1) == 1

    @property
    def heater_range(self) -> HeaterRange:
        """Get the range of the heater; OFF means no power."""
        return HeaterRange(parse_code(self._link.query(f"RANGE? {self.output}")[0], *HeaterRange))

    @property
    def heater_percent(self) -> float:
        """Get the heater output in percent of the full scale of its range."""
        return parse_number(self._link.query(f"HTR? {self.output}")[0])

    def take_heater_fault(self) -> HeaterFault:
        """Get what is wrong with the heater, 0 if nothing; reading clears it in the controller, so it is asked once.

        Raises:
            InstrumentError: no proper answer; a fault may have been cleared unseen.
        """
        return HeaterFault(parse_code(self._link.take(f"HTRST? {self.output}"), 0, 1, 2))

    def start_ramp(self, target_k: float, rate_k_per_min: float) -> None:
        """Ramp from the present temperature to `target_k`; switches the heater to the range of the settings.

        The controller ramps from its setpoint and not from the temperature (Model 335 manual, RAMP): after idle time
        a stale setpoint would be driven at with full power. So the setpoint is brought to the reading first.
        A failure or an interruption from the first command on switches the heater off as `shutdown` does, and is
        passed on.

        Raises:
            LimitError: target or rate out of range; nothing was sent.
            InstrumentError: the sensor is not good, or a setting did not take.
        """
        settings = self._require_configured()
        self._check_ramp(target_k, rate_k_per_min)
        start_k = self._present_k()
        self._target_k = None
        try:
            self._ramp(settings.heater_range, start_k, target_k, rate_k_per_min)
        except BaseException:
            self.shutdown()
            raise
        self._target_k = target_k

    def safe_off(self) -> None:
        """Switch the heater off and verify it; a second call is harmless.

        The first bytes are the command itself. Nothing is asked before, because that could fail or wait. Not from
        another thread while `configure` or `start_ramp` runs: it would write on, and switch on again.

        Raises:
            InstrumentError: the heater could not be shown to be off.
        """
        failure = "it stayed on"
        for _ in range(OFF_TRIES):
            try:
                self._link.send_at_once(f"RANGE {self.output},0")
                if self._is_off():
                    self._target_k = None
                    return
            except InstrumentError as error:
                failure = str(error)
        raise InstrumentError(f"{self.name}: THE HEATER MAY BE ON, it could not be switched off: {failure}")

    heater_off = safe_off

    def shutdown(self) -> None:
        """Switch the heater off as far as possible. Never raises: call `safe_off` where a failure must be known."""
        try:
            self.safe_off()
        except XraydaqError as error:
            log.error("%s", error)

    def close(self) -> None:
        """Close the connection and leave the controller as it is; a second call does nothing."""
        self._link.close()

    def _is_off(self) -> bool:
        if self.heater_range is not HeaterRange.OFF:
            return False
        for _ in range(OFF_LOOKS):
            if abs(self.heater_percent) <= OFF_PERCENT:
                return True
            self._clock.sleep(UPDATE_S)
        return False

    def _ramp(self, heater_range: HeaterRange, start_k: float, target_k: float, rate_k_per_min: float) -> None:
        output = self.output
        self._link.set(f"RAMP {output},0,{format_number(rate_k_per_min)}")
        self._link.set(f"SETP {output},{format_number(start_k)}")
        self._check_setpoint(start_k, start_k)
        ramp = Setting("RAMP", str(output), (1, rate_k_per_min), RESOLUTION["rate"])
        self._link.set(ramp.command)
        check_taken(self._link, ramp)
        self._link.set(f"RANGE {output},{heater_range.value}")
        if self.heater_range is not heater_range:
            raise InstrumentError(f"{self.name}: the heater did not go to range {heater_range.name}")
        self._link.set(f"SETP {output},{format_number(target_k)}")
        self._check_setpoint(start_k, target_k)

    def _check_setpoint(self, start_k: float, target_k: float) -> None:
        """See that the setpoint lies between both; how far it has moved is not known to the second."""
        found_k = self.setpoint_k
        tolerance_k = RESOLUTION["temperature"]
        if not min(start_k, target_k) - tolerance_k <= found_k <= max(start_k, target_k) + tolerance_k:
            raise InstrumentError(
                f"{self.name}: the setpoint is {found_k} K after {start_k} K to {target_k} K was set"
            )

    def _check_ramp(self, target_k: float, rate_k_per_min: float) -> None:
        if not self.min_temperature_k <= target_k <= self.max_temperature_k:
            raise LimitError(
                f"{self.name}: target {target_k} K; allowed: {self.min_temperature_k} K to {self.max_temperature_k} K"
            )
        least, most = RATE_LIMITS_K_PER_MIN
        if not least <= rate_k_per_min <= most:
            raise LimitError(f"{self.name}: rate {rate_k_per_min} K/min; allowed: {least} to {most} K/min")

    def _present_k(self) -> float:
        reading = self.read()
        if not reading.good:
            raise InstrumentError(
                f"{self.name}: sensor {self.sensor} is not good: {reading.status!r}; no ramp started"
            )
        if not reading.temperature_k <= self.max_temperature_k:
            raise LimitError(
                f"{self.name}: the stage is at {reading.temperature_k} K; allowed: up to {self.max_temperature_k} K"
            )
        return reading.temperature_k

    def _require_identity(self) -> Identity:
        return self.identify() if self._identity is None else self._identity

    def _require_configured(self) -> ControlSettings:
        if self._configured is None:
            raise Refused(f"{self.name}: configure() first; what the loop would do now is not known")
        return self._configured
