"""Driver of the Agilent (HP) 35670A as an analyser of noise density on input 1. NEVER VERIFIED ON HARDWARE.

PROG is "GPIB Programming with the Agilent 35670A"; a comment says so where a fact is in no document. What the
instrument would do in silence is refused or prevented here: rounding of spans, ranging and calibration in the middle
of the averages, decibels for densities, frequencies without values.
"""

import logging
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from pymeasure.adapters.adapter import Adapter

from instruments.agilent35670a.link import Link, describe
from instruments.agilent35670a.ranging import find_range, ranging_settings
from instruments.agilent35670a.run import Run
from instruments.agilent35670a.settings import SETTINGS, NoiseSettings, configuration, expectations
from instruments.agilent35670a.spectrum import Spectrum, make_spectrum
from instruments.connect import Line
from instruments.wire.agilent35670a import Identity, parse_identity, parse_rows, parse_whole
from xraydaq.clock import Clock
from xraydaq.errors import InstrumentError, InstrumentTimeout, Refused, StoppedByUser, WireError, XraydaqError

log = logging.getLogger(__name__)

LINE = Line(bus_end="\n")
"""GPIB, or a gateway to it; the serial port of the instrument is for printers (PROG). LF in, LF with EOI out."""

RESET_TIMEOUT_S = 20.0  # engineering estimate: 3 to 6 s
COMPLETE_TIMEOUT_S = 20.0
CALIBRATION_TIMEOUT_S = 120.0  # engineering estimate: 10 to 30 s
TRACE_TIMEOUT_S = 20.0
OFF_TRIES = 3
FASTEST_LOOK_S, SLOWEST_LOOK_S = 0.1, 1.0


class Agilent35670A:
    """Control a 35670A that measures noise. Construction sends nothing.

    `measure` is `start`, `finished` until it says so, `fetch`; a procedure that waits itself uses these three.
    """

    def __init__(self, adapter: Adapter, *, clock: Clock, name: str = "35670A signal analyser") -> None:
        self.name = name
        self._clock = clock
        self._link = Link(adapter, name)
        self._reset_done = False
        self._configured: NoiseSettings | None = None
        self._run: Run | None = None

    def identify(self) -> Identity:
        """Get the identity; nothing is changed. What another program left unread is dropped, and asked once more.

        Raises:
            InstrumentError: another instrument, or none.
        """
        try:
            identity = self._link.ask("*IDN?", parse_identity)
        except (InstrumentTimeout, WireError) as error:
            log.warning("%s: asked for its identity again: %s", self.name, error)
            identity = self._link.ask("*IDN?", parse_identity)
        if identity.model != "35670A":
            raise InstrumentError(f"{self.name}: this driver is for a 35670A, the answer is {identity.text!r}")
        return identity

    def configure(self, settings: NoiseSettings) -> None:
        """Set everything a spectrum depends on and read it back; the first time after a reset.

        Raises:
            InstrumentError: a setting was refused, or reads back as something else.
        """
        self._configured = self._run = None
        self._link.send("ABOR")
        self._reset_once()
        if left := self._link.drain():
            log.warning("%s: left in the error queue before: %s", self.name, describe(left))
        for command in configuration(settings):
            self._link.set_checked(command)
        # several of them are overlapped: they are accepted before they are done (PROG)
        self._complete(COMPLETE_TIMEOUT_S)
        self._check_settings(settings)
        self._configured = settings

    def calibrate(self) -> None:
        """Calibrate once, about half a minute; automatic calibration stays off.

        Raises:
            Refused: a measurement is under way.
            InstrumentError: the calibration failed.
        """
        if self._run is not None and self._run.duration_s is None:
            raise Refused(f"{self.name}: a measurement is under way; a calibration would clear its averages")
        self._run = None  # what was measured before it is not to be fetched after it
        self._link.set_checked("CAL:AUTO OFF")
        failed = self._link.ask("*CAL?", parse_whole, CALIBRATION_TIMEOUT_S)
        if failed:
            raise InstrumentError(f"{self.name}: the calibration failed ({failed})")

    def find_range(
        self, settings: NoiseSettings, *, headroom_db: int = 6, should_stop: Callable[[], bool] | None = None
    ) -> int:
        """Let the analyser find the range of the present signal and add room for what comes later.

        A short span is used, as the range concerns the whole input band. Configure afterwards.

        Raises:
            InstrumentError: it finds none. StoppedByUser: as `should_stop` says.
        """
        self.configure(ranging_settings(settings))
        self._configured = None
        return find_range(self._link, headroom_db, should_stop)

    def start(self) -> None:
        """Start the averages afresh.

        Raises:
            Refused: before `configure`.
            InstrumentError: it was refused, or the connection is lost.
        """
        settings = self._require_configured()
        self._run = None
        self._run = Run(self._link, self._clock, settings)

    def finished(self) -> bool:
        """Look whether the averages are complete; does not wait.

        Raises:
            Refused: before `start`.
            InstrumentError: they cannot be valid any more, or should have been complete long ago.
        """
        return self._require_run().finished()

    @property
    def progress(self) -> float:
        """Get how much of the expected time has passed, 0 to 1."""
        run = self._require_run()
        return min(run.elapsed_s / self._require_configured().shortest_s, 1.0)

    def fetch(self) -> Spectrum:
        """Get the spectrum of a finished measurement.

        Raises:
            Refused: it is not finished.
            InstrumentError: a setting was changed meanwhile, or the trace is not what was asked for.
        """
        settings, run = self._require_configured(), self._require_run()
        if run.duration_s is None:
            raise Refused(f"{self.name}: the measurement is not finished")
        self._check_settings(settings)
        density = self._trace("CALC1:DATA?", settings)
        frequency_hz = self._trace("CALC1:X:DATA?", settings)
        if messages := self._link.drain():
            raise InstrumentError(f"{self.name}: the measurement ended with {describe(messages)}")
        return make_spectrum(
            self.name,
            settings,
            frequency_hz,
            density,
            voltage_events=run.voltage_events,
            duration_s=run.duration_s,
        )

    def measure(
        self,
        on_progress: Callable[[float], None] | None = None,
        should_stop: Callable[[], bool] | None = None,
    ) -> Spectrum:
        """Take one spectrum; that of a shorted input gives the analyser's own floor.

        `on_progress` is told the part of the expected time that has passed. Whatever fails, the averages are aborted.

        Raises: as `start`, `finished`, `fetch`; StoppedByUser when `should_stop` says so.
        """
        look_s = min(max(self._require_configured().shortest_s / 100, FASTEST_LOOK_S), SLOWEST_LOOK_S)
        try:
            self.start()
            while not self.finished():
                if should_stop is not None and should_stop():
                    raise StoppedByUser(f"{self.name}: stopped during the averages")
                if on_progress is not None:
                    on_progress(self.progress)
                self._clock.sleep(look_s)
            spectrum = self.fetch()
        except BaseException:
            self._abort_after_failure()
            raise
        if on_progress is not None:
            on_progress(1.0)
        return spectrum

    def abort(self) -> None:
        """Stop measuring; what was averaged is lost.

        Raises:
            InstrumentError: the connection is lost.
        """
        self._run = None
        self._link.send("ABOR")

    def settings(self) -> dict[str, str]:
        """Get the settings as the instrument spells them, by query (`SETTINGS`)."""
        return {query: self._link.ask(query, str) for query in SETTINGS}

    def safe_off(self) -> None:
        """Stop measuring, switch the current for sensors at input 1 off and verify it; a second call is harmless.

        Raises:
            InstrumentError: it could not be shown to be off.
        """
        self._run = None
        failure = "it stayed on"
        for _ in range(OFF_TRIES):
            try:
                self._link.send_at_once("ABOR")
                self._link.send_at_once("INP1:BIAS OFF")
                if self._link.ask("INP1:BIAS?", parse_whole) == 0:
                    return
            except InstrumentError as error:
                failure = str(error)
            self._link.in_step = False
        raise InstrumentError(f"{self.name}: the current for sensors could not be shown to be off: {failure}")

    def shutdown(self) -> None:
        """Switch off as far as possible. Never raises: call `safe_off` where a failure must be known."""
        try:
            self.safe_off()
        except XraydaqError as error:
            log.error("%s", error)

    def close(self) -> None:
        """Close the connection and leave the instrument as it is; a second call does nothing."""
        self._link.close()

    def _reset_once(self) -> None:
        if not self._reset_done:
            self._link.send("*RST")
            self._complete(RESET_TIMEOUT_S)
            self._link.send("*CLS")
            self._reset_done = True

    def _complete(self, timeout_s: float) -> None:
        self._link.ask("*OPC?", parse_whole, timeout_s)

    def _check_settings(self, settings: NoiseSettings) -> None:
        found = {query: (agrees, self._link.ask(query, str)) for query, agrees in expectations(settings).items()}
        problems = [f"{query} answers {text}" for query, (agrees, text) in found.items() if not agrees(text)]
        if problems:
            raise InstrumentError(f"{self.name}: settings are not those that were asked for: {'; '.join(problems)}")

    def _trace(self, query: str, settings: NoiseSettings) -> NDArray[np.float64]:
        if settings.format == "ascii":
            return self._link.ask(query, parse_rows, TRACE_TIMEOUT_S)
        return self._link.ask_block(query, TRACE_TIMEOUT_S)

    def _abort_after_failure(self) -> None:
        self._run = None
        try:
            self._link.send("ABOR")
        except InstrumentError as error:
            log.error("%s: the averages could not be aborted: %s", self.name, error)

    def _require_configured(self) -> NoiseSettings:
        if self._configured is None:
            raise Refused(f"{self.name}: configure() first; what it would measure now is not known")
        return self._configured

    def _require_run(self) -> Run:
        if self._run is None:
            raise Refused(f"{self.name}: start() first")
        return self._run
