"""Dose and beam must agree: a chamber that reads nothing in the beam, or something without one, ends the run.

Not verified on hardware.
"""

import math
import statistics

from xraydaq.errors import SafetyTrip

SIGMAS = 5.0
BACKGROUND_READINGS = 10
"""The first dark readings are the background; later ones are judged by it."""

LEAST_FOR_SCATTER = 3
LEAST_LIT_GY_S = 0.2e-9
"""A tenth of the chamber's range: what little scatter of a few readings must not pass for a dose."""

LEAST_DARK_GY_S = 2e-9
"""Nominal lower end of a 180 cm^3 chamber: below it readings of no dose differ by chance."""

IN_A_ROW = 2


class DoseWatch:
    """Judges readings one by one; a reading without a value says nothing."""

    def __init__(self) -> None:
        self._dark_gy_s: list[float] = []
        self._over = 0
        self._share = 1.0
        self._seen = False

    def lit(self, rate_gy_s: float, nominal_gy_s: float) -> None:
        """Judge a reading in the beam; `nominal_gy_s` is nan where nobody knows what to expect.

        What the first one with a dose gave of its nominal rate is expected of all: settings too low for this chamber
        are not judged.

        Raises:
            SafetyTrip: it is inside the background although a dose was to be expected.
        """
        if not math.isfinite(rate_gy_s):
            return
        net_gy_s, bound_gy_s = rate_gy_s - self._background_gy_s, self._bound_gy_s(LEAST_LIT_GY_S)
        if net_gy_s > bound_gy_s:
            if not self._seen and nominal_gy_s > 0:
                self._seen, self._share = True, net_gy_s / nominal_gy_s
        elif not nominal_gy_s * self._share <= 2 * bound_gy_s:
            raise SafetyTrip(
                f"no dose: shutter? chamber? range? With the beam on the chamber reads {net_gy_s * 1e9:.2g} nGy/s "
                "over its background"
            )

    def dark(self, rate_gy_s: float) -> bool:
        """Judge a reading with the beam off; get whether it shows a dose, so that another must follow at once.

        Raises:
            SafetyTrip: it was the second in a row.
        """
        if not math.isfinite(rate_gy_s):
            return False
        net_gy_s = rate_gy_s - self._background_gy_s
        if not net_gy_s > self._bound_gy_s(LEAST_DARK_GY_S):
            self._over = 0
            if len(self._dark_gy_s) < BACKGROUND_READINGS:
                self._dark_gy_s.append(rate_gy_s)
            return False
        self._over += 1
        if self._over >= IN_A_ROW:
            raise SafetyTrip(
                f"dose without beam: with the beam off the chamber reads {net_gy_s * 1e9:.2g} nGy/s over its "
                f"background, {IN_A_ROW} times in a row; leave the room"
            )
        return True

    @property
    def _background_gy_s(self) -> float:
        """Zero before the first reading: the background was corrected just then."""
        return statistics.fmean(self._dark_gy_s) if self._dark_gy_s else 0.0

    def _bound_gy_s(self, least_gy_s: float) -> float:
        if len(self._dark_gy_s) < LEAST_FOR_SCATTER:
            return least_gy_s
        return max(SIGMAS * statistics.stdev(self._dark_gy_s), least_gy_s)
