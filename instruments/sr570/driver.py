"""Driver of the SRS SR570 current preamplifier, a listener that never answers. NEVER VERIFIED ON HARDWARE.

What is in force is not known, only what was sent: every value here is *as set*. How far it may be believed is
`confidence`: `unknown` until everything was written, `assumed` after that, `witnessed` after a known current came out
of the output as it should.
"""

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Literal

from pymeasure.adapters.adapter import Adapter
from pyvisa.errors import Error as VisaError

from instruments.connect import Line
from instruments.sr570.settings import MODEL, UNKNOWN, Identity, Sr570Settings, commands, settling_s, with_bias
from instruments.sr570.witness import GainWitness, take_witness
from instruments.wire.sr570 import bias_millivolts, format_command
from xraydaq.clock import Clock
from xraydaq.errors import InstrumentError, LimitError, Refused, XraydaqError

log = logging.getLogger(__name__)

LINE = Line(baud=9600, stop_bits=2, serial_end="\r\n", serial_reply_end="\r\n", bus_end="\r\n")
"""9600 baud, 8 data bits, no parity, two stop bits, no handshake, commands end with CR LF (BLISS; SR560 manual). A
socket can only be a gateway to the serial line, so the same bytes go there."""

GAP_S = 0.02  # between commands, as in the EPICS database; a unit that is never asked cannot slow its host down
REPEAT_S = 0.05
RESET_S = 1.0  # engineering estimate
RESET_OVERLOAD_S = 0.5  # SR560 manual, ROLD

_TROUBLE = (VisaError, OSError)

Confidence = Literal["unknown", "assumed", "witnessed"]


class Sr570:
    """Control an SR570. Construction sends nothing.

    With `repeat` every command is sent twice, 50 ms apart: all of them may be, and a lost one does no harm then.
    `positive_offset` is the argument of `IOSN` that drives a positive offset current; published programs disagree, so
    it must be found by trial on each bench.
    """

    def __init__(
        self,
        adapter: Adapter,
        *,
        clock: Clock,
        max_bias_v: float,
        repeat: bool = True,
        positive_offset: Literal[0, 1] = 1,
        name: str = "SR570 preamplifier",
    ) -> None:
        if not max_bias_v >= 0:
            raise LimitError(f"{name}: a bias limit of {max_bias_v} V; allowed: 0 V or more")
        if positive_offset not in (0, 1):
            raise LimitError(f"{name}: positive_offset {positive_offset}; allowed: 0, 1")
        self.name = name
        self.max_bias_v = max_bias_v
        self._adapter = adapter
        self._clock = clock
        self._repeat = repeat
        self._positive_offset = positive_offset
        self._lock = threading.Lock()  # two threads must not mix the letters of two commands
        self._closed = False
        self._configured: Sr570Settings | None = None
        self._sent: dict[str, int] = {}
        self._settled_s = clock.now()
        self._confidence: Confidence = "unknown"

    @property
    def confidence(self) -> Confidence:
        """Get how far the settings may be believed."""
        return self._confidence

    @property
    def configured(self) -> Sr570Settings | None:
        """Get the settings as set; None before `configure` and after a failure."""
        return self._configured

    def identify(self) -> Identity:
        """Get what can be known of the instrument, which is nothing; no byte is sent."""
        return Identity("Stanford Research Systems (assumed)", MODEL, UNKNOWN, UNKNOWN)

    def configure(self, settings: Sr570Settings, *, settle: bool = True) -> None:
        """Set everything, bias last, with the output blanked meanwhile; wait until it has settled unless told not to.

        As long as the state is unknown, the instrument is reset first. A failure or an interruption on the way, the
        settling included, switches off as `shutdown` does and is passed on.

        Raises:
            LimitError: the bias exceeds the limit; nothing was sent.
            InstrumentError: the line failed; the state is unknown then.
        """
        self._check_bias(settings.bias_v)
        known = self._confidence != "unknown"
        self._forget()
        try:
            if not known:
                self._reset()
            self._write_all(settings)
            self._configured, self._confidence = settings, "assumed"
            self._changed(settle=settle)
        except BaseException:
            self._give_up()
            raise

    def set_bias(self, bias_v: float | None, *, settle: bool = True) -> None:
        """Set the bias in volt, None for off, and leave everything else as set.

        A failure or an interruption switches off, as in `configure`.

        Raises: as `configure`; Refused before it.
        """
        settings = self._require_configured()
        self._check_bias(bias_v)
        # built before anything is sent, so that a bias the instrument does not have is refused here
        changed = with_bias(settings, bias_v)
        before = self._confidence
        self._forget()
        try:
            self._write_bias(bias_v)
            self._configured, self._confidence = changed, before
            self._changed(settle=settle)
        except BaseException:
            self._give_up()
            raise

    def reset_overload(self) -> None:
        """Discharge the capacitors of the filters, which remember an overload.

        Raises:
            InstrumentError: the line failed.
        """
        self._send("ROLD")
        self._clock.sleep(RESET_OVERLOAD_S)

    @property
    def settling_s(self) -> float:
        """Get the seconds until the last change has settled; a procedure may wait for them itself."""
        return max(self._settled_s - self._clock.now(), 0.0)

    def settle(self) -> None:
        """Wait until the last change has settled."""
        self._clock.sleep_until(self._settled_s)

    def witness_gain(
        self, measure_v: Callable[[], float], *, resistance_ohm: float, step_v: float = 0.01, tolerance: float = 0.02
    ) -> GainWitness:
        """Step the bias over a known resistance and compare the step of the output voltage with the settings.

        `measure_v` reads the output of the preamplifier. After a failure the bias is set back, or switched off if it
        cannot be set back. The witness decides `confidence`: `witnessed` if it agrees, else `unknown`, so that the
        next `configure` begins with a reset.

        Raises:
            Refused: before `configure`, or while the output is blanked.
            LimitError: the step exceeds the bias limit or would saturate the output.
            InstrumentError: the line failed, or the output is saturated.
        """
        settings = self._require_configured()
        if self._sent.get("BLNK") != 0:
            raise Refused(f"{self.name}: the output is blanked; configure() first")
        self._check_bias((settings.bias_v or 0.0) + step_v)
        witness = take_witness(self, settings, measure_v, resistance_ohm, step_v, tolerance)
        self._confidence = "witnessed" if witness.agrees else "unknown"
        return witness

    def settings(self) -> dict[str, str]:
        """Get the arguments that were sent last, with the word "as set", and the confidence; nothing is asked."""
        return {"confidence": self._confidence} | {
            letters: f"{argument} as set" for letters, argument in sorted(self._sent.items())
        }

    def safe_off(self) -> None:
        """Switch the bias off and blank the output; a second call is harmless.

        Each command is sent whatever becomes of the others. That they were sent is all that can be shown. Not from
        another thread while `configure`, `set_bias` or `witness_gain` runs: it would write on, and switch on again.

        Raises:
            InstrumentError: a command could not be sent.
        """
        failures = []
        for letters, argument in (("BSON", 0), ("BSLV", 0), ("BLNK", 1)):
            try:
                self._set(letters, argument)
            except InstrumentError as error:
                failures.append(str(error))
        if failures:
            self._forget()
            raise InstrumentError(f"{self.name}: THE BIAS MAY BE ON, it could not be switched off: {failures[0]}")
        if self._configured is not None:
            self._configured = with_bias(self._configured, None)

    def shutdown(self) -> None:
        """Switch the bias off as far as possible. Never raises: call `safe_off` where a failure must be known."""
        try:
            self.safe_off()
        except XraydaqError as error:
            log.error("%s", error)

    def close(self) -> None:
        """Close the connection and leave the instrument as it is; a second call does nothing."""
        if not self._closed:
            self._closed = True
            with suppress(*_TROUBLE):
                self._adapter.close()

    def _reset(self) -> None:
        self._sent.clear()
        self._send("*RST")
        self._clock.sleep(RESET_S)

    def _write_all(self, settings: Sr570Settings) -> None:
        for letters, argument in (
            ("BLNK", 1),
            ("BSON", 0),
            *commands(settings, positive_offset=self._positive_offset),
        ):
            self._set(letters, argument)
        self._write_bias(settings.bias_v)
        self._set("BLNK", 0)

    def _write_bias(self, bias_v: float | None) -> None:
        self._set("BSLV", 0 if bias_v is None else bias_millivolts(bias_v))
        self._set("BSON", int(bias_v is not None))

    def _set(self, letters: str, argument: int) -> None:
        self._sent.pop(letters, None)
        self._send(format_command(letters, argument))
        self._sent[letters] = argument

    def _send(self, command: str) -> None:
        for pause_s in (REPEAT_S, GAP_S) if self._repeat else (GAP_S,):
            try:
                with self._lock:
                    self._adapter.write(command)
            except _TROUBLE as error:
                raise InstrumentError(f"{self.name}: the connection failed at {command}: {error}") from error
            self._clock.sleep(pause_s)

    def _changed(self, *, settle: bool) -> None:
        self._settled_s = self._clock.now() + settling_s(self._require_configured())
        if settle:
            self.settle()

    def _give_up(self) -> None:
        """Switch off after a change that broke off: how much of it has arrived is not known."""
        self._forget()
        self.shutdown()

    def _forget(self) -> None:
        self._configured, self._confidence = None, "unknown"

    def _check_bias(self, bias_v: float | None) -> None:
        if bias_v is not None and not abs(bias_v) <= self.max_bias_v:
            raise LimitError(f"{self.name}: bias {bias_v} V exceeds the limit of {self.max_bias_v} V")

    def _require_configured(self) -> Sr570Settings:
        if self._configured is None:
            raise Refused(f"{self.name}: configure() first; what it amplifies by is not known")
        return self._configured
