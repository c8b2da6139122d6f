"""Is the source-measure unit at rest, and is what it is connected to neither shorted nor live?"""

from instruments.keithley2400 import Keithley2400
from instruments.keithley2400.settings import SourceVoltageSettings
from instruments.wire.keithley2400 import Reading, parse_number
from xraydaq.bench.doctor.check import Finding, Probe
from xraydaq.bench.doctor.place import Place

TEST_BIAS_V = 0.1
COMPLIANCE_A = 1e-6
NEAR_ZERO = 0.01
"""Of the range: thirty times the offset of the 1 uA range (0.3 nA, SPEC-2400), far below what a live cable gives."""

INPUT_FIX = "Take the crystal off: if this stays, the cable or the fixture is shorted; if not, the crystal is."


class SmuExam:
    """Reads at 0 V and at a small bias, if the output was found off. `leave` switches it off in any case."""

    def __init__(self, place: Place, smu: Keithley2400) -> None:
        self._limits = place.bench.limits
        self._smu = smu
        self._found_off = False

    def probes(self) -> tuple[Probe, ...]:
        """Get the questions."""
        return (
            Probe(
                "error queue",
                self._queue,
                "The messages are removed now: ask again, and look for another program that speaks with it.",
            ),
            Probe(
                "output off",
                self._output,
                "Find out who left it on; it is off now, so ask again.",
            ),
            Probe(
                "current at 0 V",
                self._at_zero,
                "Something else drives current into the input: cover the crystal, end the beam, check the cable.",
            ),
            Probe("compliance", self._at_test_bias, INPUT_FIX),
        )

    def leave(self) -> None:
        """Switch the output off and verify it."""
        self._smu.safe_off()

    def _queue(self) -> Finding:
        failures = [message for message in self._smu.read_errors() if message.is_failure]
        text = "; ".join(f'{message.code}, "{message.text}"' for message in failures)
        return Finding(not failures, text or "empty")

    def _output(self) -> Finding:
        self._found_off = not self._smu.output_enabled
        if not self._found_off:
            self._smu.safe_off()
        return Finding(self._found_off, "found off" if self._found_off else "found ON")

    def _at_zero(self) -> Finding:
        if not self._found_off:
            return Finding(None, "the output was found on")
        self._configure()
        self._smu.output_enabled = True
        reading = self._smu.read()
        near = abs(reading.current_a) <= NEAR_ZERO * self._compliance_a
        return Finding(near and not reading.in_compliance, _said(reading))

    def _at_test_bias(self) -> Finding:
        if not self._found_off:
            return Finding(None, "the output was found on")
        self._smu.bias_v = min(TEST_BIAS_V, self._limits.max_bias_v)
        reading = self._smu.read()
        self._smu.bias_v = 0.0
        return Finding(not reading.in_compliance, _said(reading))

    @property
    def _compliance_a(self) -> float:
        return min(COMPLIANCE_A, self._limits.max_current_a)

    def _configure(self) -> None:
        frequency_hz = parse_number(self._smu.ask(":SYST:LFR?"))  # as somebody set it for this place
        self._smu.configure(
            SourceVoltageSettings(
                source_range_v=TEST_BIAS_V,
                current_range_a=self._compliance_a,
                compliance_a=self._compliance_a,
                nplc=1.0,
                line_frequency_hz=frequency_hz,
            )
        )


def _said(reading: Reading) -> str:
    limited = ", IN COMPLIANCE" if reading.in_compliance else ""
    return f"{reading.current_a:.2e} A at {reading.voltage_v:g} V{limited}"
