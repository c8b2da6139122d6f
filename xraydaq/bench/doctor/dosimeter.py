"""Does the dosimeter see nothing when there is nothing, and can it be zeroed?"""

import math

from instruments.accugold import BridgeDosimeter
from xraydaq.bench.doctor.check import Finding, Probe
from xraydaq.bench.doctor.place import Place

READ_S = 5.0
MOST_WITHOUT_BEAM_GY_S = 1e-8
"""36 uGy/h: far above the natural background (some 1e-11 Gy/s) and the leakage of an ion chamber (assumed to be
1e-9 Gy/s at most), far below any beam that is worth measuring."""

DOSE_FIX = (
    "Leave the room, switch the tube's mains off and find the source; if there is none, dry or replace the chamber."
)
NO_BEAM = "the tube does not show that the beam is off"


class DosimeterExam:
    """Reads with the beam off before it zeroes: a zero would hide a dose that has no beam."""

    def __init__(self, place: Place, dosimeter: BridgeDosimeter) -> None:
        self._place = place
        self._dosimeter = dosimeter
        self._is_quiet = False

    def probes(self) -> tuple[Probe, ...]:
        """Get the questions."""
        return (
            Probe("dose without beam", self._background, DOSE_FIX),
            Probe("zero", self._zero, "Check the chamber's plug and run the background correction by hand."),
        )

    def leave(self) -> None:
        """End the measurement."""
        self._dosimeter.safe_off()

    def _background(self) -> Finding:
        if "rate" not in self._able("modes"):
            return Finding(None, "this bridge waits for an export: read once by hand with the beam off")
        if not self._place.beam_is_off():
            return Finding(None, NO_BEAM)
        self._dosimeter.configure(mode="rate")
        self._dosimeter.start("beam off")
        self._place.clock.sleep(READ_S)
        rate_gy_s = self._dosimeter.rate_gy_s()
        self._dosimeter.stop()
        self._is_quiet = abs(rate_gy_s) <= MOST_WITHOUT_BEAM_GY_S  # never with nan: over rate, unknown and high
        shown = "over rate, or none," if math.isnan(rate_gy_s) else f"{rate_gy_s:.1e} Gy/s"
        return Finding(self._is_quiet, f"{shown} with the beam off; up to {MOST_WITHOUT_BEAM_GY_S:g} Gy/s is good")

    def _zero(self) -> Finding:
        if self._able("zero") == "0":
            return Finding(None, "this bridge cannot: run it in the maker's program")
        if not self._is_quiet:
            return Finding(None, "not run: no dose without a beam was not shown above")
        self._dosimeter.zero()
        return Finding(self._place.beam_is_off(), "done, the beam being off")

    def _able(self, key: str) -> str:
        return self._dosimeter.settings().get(f"CAPS? {key}", "")
