"""Driver of the Keithley 2400 as a voltage source that measures current. NEVER VERIFIED ON HARDWARE.

Facts are from the Series 2400 SourceMeter User's Manual, 2400S-900-01 ("UM") and SPEC-2400; a comment says so where
one is not verified in a document. GPIB, RS-232 and raw TCP sockets; only the adapter differs.
"""

import logging
import math
from collections.abc import Sequence

from pymeasure.adapters.adapter import Adapter
from pymeasure.instruments.keithley.keithley2400 import Keithley2400 as Upstream

from instruments.connect import Line
from instruments.keithley2400.acquire import acquire, undo
from instruments.keithley2400.closed import CLOSED, check_raw_query, check_raw_write, closing
from instruments.keithley2400.errors import complaints, drain, set_checked
from instruments.keithley2400.link import Link
from instruments.keithley2400.runs import Burst, LinearSweep, ListSweep, Run
from instruments.keithley2400.settings import (
    BITS_PER_CHARACTER,
    READ_BACK,
    READ_ELEMENTS,
    ROW_CHARACTERS,
    SETTINGS,
    SourceVoltageSettings,
    check_function,
    configuration,
    differences,
)
from instruments.keithley2400.stale import StaleGuard
from instruments.wire.keithley2400 import (
    Reading,
    format_number,
    parse_boolean,
    parse_identity,
    parse_number,
    parse_readings,
)
from instruments.wire.keithley2400.text import (
    ErrorMessage,
)
from instruments.wire.replies import Identity, bad_text
from xraydaq.clock import Clock
from xraydaq.errors import InstrumentError, InstrumentTimeout, LimitError, Refused, WireError, XraydaqError

log = logging.getLogger(__name__)

LINE = Line(
    baud=9600,
    serial_end="\r",
    serial_reply_end="\r",
    flow_control="xon_xoff",
)
"""On RS-232 a command acts when its CR arrives and a reply ends with CR, LF, or both, as chosen in the menu: an LF
before or after is dropped with the empty line it makes. XON/XOFF is needed if the menu says so, else harmless, as
replies are text. On GPIB, and on sockets by custom, LF. (UM, RS-232 interface)"""

QUERIES_PER_MESSAGE = 6
OFF_TRIES = 3
OFF = ":ABOR;:OUTP OFF"
READ_SLACK_S = 1.0
COARSEST_LEVEL_STEP_V = 5e-3
"""Of the 200 V range, for a source that was not configured here."""


@closing(CLOSED)
class Keithley2400(Upstream):
    """Control a Keithley 2400 that biases a sample and measures its current.

    Not verified on hardware. Construction sends nothing. What the base class offers beyond this is closed: `CLOSED`.

    An exchange that fails leaves the connection out of step; the next one gets back into step first, so that a late
    answer is never taken for another question's.
    """

    def __init__(
        self, adapter: Adapter, *, clock: Clock, max_bias_v: float, name: str = "Keithley 2400 SourceMeter"
    ) -> None:
        if not max_bias_v >= 0:
            raise LimitError(f"{name}: a bias limit of {max_bias_v} V; allowed: 0 V or more")
        # upstream's own constructor would send a data format, so it is passed over
        super(Upstream, self).__init__(adapter, name)  # type: ignore[no-untyped-call]  # pymeasure is untyped
        self.max_bias_v = max_bias_v
        self._clock = clock
        self._link = Link(adapter, name)
        self._stale = StaleGuard()
        self._configured: SourceVoltageSettings | None = None
        self._read_timeout_s = math.nan

    # upstream's searches a list of 700 reserved names, of properties none of which is dynamic, at each access: 10 us
    __getattribute__ = object.__getattribute__

    def identify(self) -> Identity:
        """Get the identity.

        Nothing is reset. Only if there is no proper answer, a measurement left running is aborted to be heard.

        Raises:
            InstrumentError: another instrument, or none.
        """
        self._link.discard()
        try:
            identity = self._link.ask("*IDN?", parse_identity)
        except (InstrumentTimeout, WireError) as error:
            log.warning("%s: asked for its identity again: %s", self.name, error)
            self._link.resynchronise()
            identity = self._link.ask("*IDN?", parse_identity)
        if not identity.model.upper().startswith("MODEL 2400"):
            raise InstrumentError(f"{self.name}: this driver is for a MODEL 2400, the answer is {identity.text!r}")
        return identity

    def configure(self, settings: SourceVoltageSettings) -> None:
        """Set every setting a reading depends on, level 0 V, and read back what matters.

        Raises:
            Refused: the output is on; ranges must not switch under bias.
            InstrumentError: a setting was refused, or reads back as something else.
        """
        if self.output_enabled:
            raise Refused(f"{self.name}: the output is on; switch it off before the settings are changed")
        self._configured = None
        for message in self.read_errors():
            log.warning('%s: left in the error queue before: %s, "%s"', self.name, message.code, message.text)
        for command in configuration(settings):
            set_checked(self._link, command)
        found = dict(zip(READ_BACK, self._link.query(*READ_BACK), strict=True))
        if problems := differences(settings, found):
            raise InstrumentError(f"{self.name}: settings did not take: {'; '.join(problems)}")
        self._stale.restart()
        transfer_s = ROW_CHARACTERS * BITS_PER_CHARACTER / self._link.baud
        self._read_timeout_s = READ_SLACK_S + 3 * settings.cycle_s + transfer_s
        self._configured = settings

    def settings(self) -> dict[str, str]:
        """Get the settings as the instrument spells them, by query (`SETTINGS`)."""
        found: dict[str, str] = {}
        for first in range(0, len(SETTINGS), QUERIES_PER_MESSAGE):
            queries = SETTINGS[first : first + QUERIES_PER_MESSAGE]
            found.update(zip(queries, self._link.query(*queries), strict=True))
        return found

    def read_errors(self) -> tuple[ErrorMessage, ...]:
        """Get and remove everything in the error queue, status messages included.

        Raises:
            InstrumentError: it does not become empty.
        """
        return drain(self._link)

    @property
    def bias_v(self) -> float:
        """Control the level of the voltage source in volt (float, at most `max_bias_v` and the source range)."""
        return parse_number(self._link.query(":SOUR:VOLT?")[0])

    @bias_v.setter
    def bias_v(self, bias_v: float) -> None:
        self._check_level(bias_v)
        self._set_level(bias_v)

    def lower_bias(self, bias_v: float) -> None:
        """Set a level on a way down to zero, which may begin above `max_bias_v` where another program left the source.

        Raises:
            LimitError: it is above the limit, and further from zero than the present level.
            InstrumentError: the level could not be set.
        """
        if abs(bias_v) <= self.max_bias_v:
            self.bias_v = bias_v
            return
        found_v = self.bias_v
        # a level that was set shows rounded, and may have to be set again
        if not (bias_v * found_v > 0 and abs(bias_v) <= abs(found_v) + self._level_step_v):
            raise LimitError(
                f"{self.name}: bias {bias_v} V exceeds the limit of {self.max_bias_v} V and is not on the way to 0 V "
                f"from the present {found_v} V"
            )
        self._set_level(bias_v)

    def _set_level(self, bias_v: float) -> None:
        command = f":SOUR:VOLT {format_number(bias_v)}"
        self._link.send(command)
        found_v = self.bias_v
        if not abs(found_v - bias_v) <= self._level_step_v + 1e-6 * abs(bias_v):
            raise InstrumentError(f"{self.name}: {command} left the level at {found_v} V: {complaints(self._link)}")

    @property
    def _level_step_v(self) -> float:
        return COARSEST_LEVEL_STEP_V if self._configured is None else self._configured.level_step_v

    @property
    def output_enabled(self) -> bool:
        """Control whether the output is on (bool); setting False is `safe_off`."""
        return parse_boolean(self._link.query(":OUTP?")[0])

    @output_enabled.setter
    def output_enabled(self, enabled: bool) -> None:
        if not enabled:
            self.safe_off()
            return
        self._require_configured()
        self._link.send(":OUTP ON")
        if not self.output_enabled:
            raise InstrumentError(f"{self.name}: the output stayed off: {complaints(self._link)}")

    def read(self) -> Reading:  # type: ignore[override]  # upstream's returns raw text; nothing here calls it
        """Take one reading: one question, one answer.

        Raises:
            InstrumentTimeout: no answer (with the output off the instrument is silent: UM, error +803).
            WireError: an answer that is not one reading, or one that was taken before it was asked for.
            ConnectionFailed: the connection is lost.
            InstrumentError: the instrument measures something else by now.
        """
        self._require_configured()
        return self._link.ask(":READ?", self._parse_reading, self._read_timeout_s)

    def burst(self, count: int, *, delay_s: float = 0.0) -> tuple[Reading, ...]:
        """Take up to 2500 readings as fast as the settings allow, `delay_s` apart; the output must be on.

        Time stamps count from the start of the burst: the instrument's clock is reset, for its seven digits.

        Raises: as `read`; LimitError if `count` or `delay_s` is out of range.
        """
        return self._acquire(Burst(count, delay_s))

    def sweep(self, levels_v: Sequence[float], *, delay_s: float | None = None) -> tuple[Reading, ...]:
        """Take one reading at each of up to 2500 levels, `delay_s` after it is set (None: automatic delay).

        The level before is restored at the end, in one step. Time stamps as in `burst`.

        Raises: as `burst`; LimitError before anything is sent if one level is out of range.
        """
        levels = tuple(float(level_v) for level_v in levels_v)
        return self._acquire(ListSweep(levels, delay_s))

    def linear_sweep(
        self, start_v: float, stop_v: float, points: int, *, delay_s: float | None = None
    ) -> tuple[Reading, ...]:
        """Take one reading at each of up to 2500 equal steps, both ends included; otherwise as `sweep`."""
        return self._acquire(LinearSweep(start_v, stop_v, points, delay_s))

    def current_uncertainty_a(self, current_a: float) -> float:
        """Get the standard uncertainty of one current reading (SPEC-2400, one year); nan of nan."""
        return self._require_configured().accuracy.uncertainty_a(current_a)

    def resynchronise(self) -> None:
        """Abort what is under way, drop what was said, and show by an echo that answers belong to questions again.

        Raises:
            InstrumentError: it cannot be shown.
        """
        self._link.resynchronise()

    def safe_off(self) -> None:
        """Switch the output off and verify it; a second call is harmless.

        The first bytes are one message, ":ABOR;:OUTP OFF". While the instrument measures it holds everything back but
        abort-class commands (UM, trigger model): after :ABOR, the off that follows acts at once in either case.
        Nothing is asked or cleared before, because that could fail or wait. If off cannot be verified, device clear
        frees an input buffer that holds half a command, and off is sent again.

        Raises:
            InstrumentError: the output could not be shown to be off.
        """
        failure = "it stayed on"
        for _ in range(OFF_TRIES):
            try:
                self._link.send_at_once(OFF)
                if not self.output_enabled:
                    return
            except InstrumentError as error:
                failure = str(error)
            self._link.in_step = False
        raise InstrumentError(f"{self.name}: THE OUTPUT MAY BE ON, it could not be switched off: {failure}")

    def shutdown(self) -> None:
        """Switch the output off as far as possible. Never raises: call `safe_off` where a failure must be known."""
        try:
            self.safe_off()
        except XraydaqError as error:
            log.error("%s", error)
            return
        super(Upstream, self).shutdown()

    def close(self) -> None:
        """Close the connection and leave the instrument as it is; a second call does nothing."""
        self._link.close()

    def write(self, command: str, **_: object) -> None:
        """Send a command that changes the display or beeps; everything else has a member of its own here."""
        check_raw_write(command)
        self._link.send(command)

    def ask(self, command: str, query_delay: float | None = None) -> str:  # noqa: ARG002  # upstream's signature
        """Ask for one setting and return the answer as it is; queries that measure are refused."""
        check_raw_query(command)
        return self._link.query(command)[0]

    def _acquire(self, run: Run) -> tuple[Reading, ...]:
        settings = self._require_configured()
        for level_v in run.levels_v:
            self._check_level(level_v)
        if not self.output_enabled:
            raise Refused(f"{self.name}: the output is off; the instrument would not answer")
        level_v = self.bias_v
        self._configured = None  # until everything is set back: half of a sweep must not be read as a reading
        self._stale.restart()
        try:
            readings = acquire(self._link, settings, run)
        except BaseException:
            self._undo_after_failure(run, level_v, settings)
            raise
        undo(self._link, settings, run, level_v)
        self._configured = settings
        return readings

    def _undo_after_failure(self, run: Run, level_v: float, settings: SourceVoltageSettings) -> None:
        try:
            self._link.resynchronise()
            undo(self._link, settings, run, level_v)
        except InstrumentError as error:
            log.error("%s: settings of a burst or sweep are still in force: %s", self.name, error)
            return
        self._configured = settings

    def _check_level(self, level_v: float) -> None:
        if not abs(level_v) <= self.max_bias_v:
            raise LimitError(f"{self.name}: bias {level_v} V exceeds the limit of {self.max_bias_v} V")
        settings = self._configured
        if settings is not None and not abs(level_v) <= settings.largest_level_v:
            raise LimitError(f"{self.name}: bias {level_v} V; the {settings.source_range:g} V range is set")

    def _require_configured(self) -> SourceVoltageSettings:
        if self._configured is None:
            raise Refused(f"{self.name}: configure() first; what it would measure now is not known")
        return self._configured

    def _parse_reading(self, line: str) -> Reading:
        settings = self._require_configured()
        readings = parse_readings(line, READ_ELEMENTS)
        if len(readings) != 1:
            raise bad_text(f"{len(readings)} readings instead of one", line)
        (reading,) = readings
        self._stale.check(line, reading.time_s, now_s=self._clock.now(), conversion_s=settings.conversion_s)
        check_function(self.name, reading)
        return reading
