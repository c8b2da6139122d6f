"""Does the analyser take its settings, and is its input within its range? With it, is the preamplifier heard?"""

from instruments.agilent35670a import Agilent35670A
from instruments.agilent35670a.settings import RANGES_DBVRMS, NoiseSettings
from instruments.agilent35670a.spectrum import Spectrum
from xraydaq.bench.doctor.check import Finding, Probe
from xraydaq.bench.doctor.place import Place

SPAN_HZ, LINES, AVERAGES = 1600.0, 100, 2
"""Records of 62.5 ms."""


def look_at_input(analyser: Agilent35670A, range_dbvrms: int) -> Spectrum:
    """Take a short spectrum on a fixed range, from 0 Hz: a constant voltage counts."""
    analyser.configure(
        NoiseSettings(span_hz=SPAN_HZ, range_dbvrms=range_dbvrms, averages=AVERAGES, lines=LINES, coupling="DC")
    )
    return analyser.measure()


class AnalyserExam:
    """Resets the analyser and takes a spectrum on its least sensitive range."""

    def __init__(self, _place: Place, analyser: Agilent35670A) -> None:
        self._analyser = analyser

    def probes(self) -> tuple[Probe, ...]:
        """Get the questions."""
        return (
            Probe(
                "settings taken, error queue empty",
                self._configure,
                "Look at the analyser's own message, switch it off and on, and ask again.",
            ),
            Probe("input", self._input, "Take the cable off input 1: more than 31 V peak is on it."),
        )

    def leave(self) -> None:
        """Stop measuring and switch the current for sensors off."""
        self._analyser.safe_off()

    def _configure(self) -> Finding:
        # every setting is sent with a look at the error queue, and read back
        self._analyser.configure(NoiseSettings(span_hz=SPAN_HZ, range_dbvrms=RANGES_DBVRMS[-1], averages=1))
        return Finding(True, "each was accepted and read back")

    def _input(self) -> Finding:
        spectrum = look_at_input(self._analyser, RANGES_DBVRMS[-1])
        filled = "half range reached" if spectrum.half_range_reached else "below half range"
        return Finding(
            not spectrum.overload, f"{'OVERLOAD' if spectrum.overload else filled} on {spectrum.range_dbvrms} dBVrms"
        )
