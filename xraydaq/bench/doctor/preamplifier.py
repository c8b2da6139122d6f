"""Does the preamplifier do as it is told? It cannot answer: the analyser behind it tells."""

from dataclasses import replace

from instruments.agilent35670a import Agilent35670A
from instruments.sr570 import Sr570, Sr570Settings
from xraydaq.bench.doctor.analyser import look_at_input
from xraydaq.bench.doctor.check import Finding, Probe
from xraydaq.bench.doctor.place import Place

SETTINGS = Sr570Settings(sensitivity_a_v=1e-6, gain_mode="low_noise")
OFFSET_A = 1e-6
"""1 V at the output, of whatever sign; it flows into the amplifier's input and not through the crystal."""

RANGE_DBVRMS = -11
"""Full scale 0.4 V peak: well above the output's own offset (millivolts), well below 1 V."""

CABLE_FIX = "Check the serial cable (straight, no null modem), 9600 baud, and the cable from its output to input 1."
OVERLOAD_FIX = (
    "Too much current flows into its input: cover the crystal, look for a leak in the cable, then take the cable off."
)


class PreamplifierExam:
    """Has the output blanked, then driven by a known offset current, then left to the input current."""

    def __init__(self, place: Place, preamplifier: Sr570) -> None:
        self._preamplifier = preamplifier
        found = place.opened.get("analyser")
        self._analyser = found if isinstance(found, Agilent35670A) else None

    def probes(self) -> tuple[Probe, ...]:
        """Get the questions."""
        return (
            Probe("bias off, blanked", self._blanked, CABLE_FIX),
            Probe("overload", self._quiet, OVERLOAD_FIX),
            Probe("heard at the analyser", self._heard, CABLE_FIX),
        )

    def leave(self) -> None:
        """Send that bias is off and the output blanked."""
        self._preamplifier.safe_off()

    def _blanked(self) -> Finding:
        self._preamplifier.safe_off()
        return self._overload_is(False, "blanked")

    def _quiet(self) -> Finding:
        if self._analyser is not None:
            self._preamplifier.configure(SETTINGS)
        return self._overload_is(False, "no bias, no offset current")

    def _heard(self) -> Finding:
        if self._analyser is not None:
            self._preamplifier.configure(replace(SETTINGS, offset_a=OFFSET_A))
        return self._overload_is(True, f"{OFFSET_A:g} A at {SETTINGS.sensitivity_a_v:g} A/V")

    def _overload_is(self, wanted: bool, what: str) -> Finding:
        if self._analyser is None:
            return Finding(None, "cannot answer: as set; no analyser that would show it")
        overload = look_at_input(self._analyser, RANGE_DBVRMS).overload
        side = "above" if overload else "below"
        return Finding(overload is wanted, f"{what}: output {side} 0.4 V peak, by the analyser")
