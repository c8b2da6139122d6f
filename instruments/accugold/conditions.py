"""What must be remembered where the instrument cannot be asked: the air, and when the background was corrected."""

from instruments.accugold.air import STALE_S, Air
from instruments.wire.accugold import DoseFlag
from xraydaq.clock import Clock

ZERO_LASTS_S = 3600.0
ZERO_DRIFT_K = 2.0
"""Common practice for electrometers; the maker states no figure for the Accu-Gold+ in public."""


class Conditions:
    """Air and background correction with their age."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._air: Air | None = None
        self._air_s = 0.0
        self._zero_s: float | None = None
        self._zero_air: Air | None = None

    @property
    def air(self) -> Air | None:
        """Get the air, None if nobody told it within the last hour."""
        return self._air if self._clock.now() - self._air_s <= STALE_S else None

    def set_air(self, air: Air) -> None:
        """Remember the air as of now."""
        self._air, self._air_s = air, self._clock.now()

    def zeroed(self) -> None:
        """Remember that the background was corrected now."""
        self._zero_s, self._zero_air = self._clock.now(), self.air

    def flags(self, air: Air | None) -> DoseFlag:
        """Get whether a measurement in `air` needs a new background correction."""
        if self._zero_s is None or not self._clock.now() - self._zero_s <= ZERO_LASTS_S:
            return DoseFlag.ZERO_MISSING
        before = self._zero_air
        drifted = air is not None and before is not None and abs(air.temperature_k - before.temperature_k)
        return DoseFlag.ZERO_MISSING if drifted > ZERO_DRIFT_K else DoseFlag(0)
