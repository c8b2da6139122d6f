"""What the ion chamber in the beam has to say: dose while X-rays are on, and none while they are off."""

import math

from xraydaq.safety import guard_rules as rules
from xraydaq.safety.guard_events import DoseSeen

WITHIN_S = 5.0
"""Beyond the chamber's integration time, for a dose to show after switching on, or to be gone after switching off."""

LONGEST_INTEGRATION_S = 60.0
"""No chamber is believed to take longer, so that none can put its own rule off."""

STRAYS = 2


class Chamber:
    """The last readings. A reading that is no number shows no dose while X-rays are on, and proves nothing else."""

    def __init__(self) -> None:
        self.stray = ""
        """Why the beam, commanded off, may be on all the same; until a reading shows none."""

        self._strays = 0
        self._shown_s = -math.inf
        self._dark_for_s: float | None = None
        """Integration time of the last reading while on, if it showed none."""

    def switched_on(self) -> None:
        """Forget the beam before."""
        self._shown_s, self._dark_for_s, self._strays = -math.inf, None, 0

    def read_on(self, dose: DoseSeen, now_s: float) -> None:
        """Take a reading while X-rays are on."""
        if rules.shows_dose(dose):
            self._shown_s, self._dark_for_s = now_s, None
        else:
            self._dark_for_s = _integration_s(dose)

    def missing(self, now_s: float, on_since_s: float) -> str:
        """Tell whether the last reading showed none, and no other did within the time that is allowed."""
        if self._dark_for_s is None:
            return ""
        due_s = max(self._shown_s, on_since_s + self._dark_for_s) + WITHIN_S
        return "" if now_s < due_s else "no dose while X-rays are on: shutter? chamber? range?"

    def read_off(self, dose: DoseSeen, now_s: float, off_since_s: float) -> None:
        """Take a reading while X-rays are commanded off."""
        if not now_s - off_since_s > _integration_s(dose) + WITHIN_S:
            return
        if rules.shows_dose(dose):
            self._strays += 1
        elif rules.is_reading(dose):
            self._strays, self.stray = 0, ""
        if self._strays >= STRAYS:
            self.stray = f"the chamber shows {dose.rate_gy_s:.3g} Gy/s while X-rays are off"


def _integration_s(dose: DoseSeen) -> float:
    return dose.integration_s if 0 <= dose.integration_s <= LONGEST_INTEGRATION_S else 0.0
