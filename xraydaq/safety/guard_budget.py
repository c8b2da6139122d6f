"""What one arming allows: a time and a dose, and a beam only as long as the procedure shows that it lives."""

import math

from xraydaq.safety.guard_events import Arm, GuardLimits


class Budget:
    """Who armed, until when, and what is used up of it. Spends from switching on until the tube has taken off."""

    def __init__(self, limits: GuardLimits) -> None:
        self._limits = limits
        self.arm: Arm | None = None
        self.on_s = 0.0
        self.dose_gy = 0.0
        self._armed_s = -math.inf
        self._lease_until_s = -math.inf
        self._is_spending = False
        self._dose_rate_gy_s = 0.0

    def begin(self, arm: Arm, now_s: float) -> None:
        """Take an arming in place of any before it; nothing of it is used up."""
        self.arm, self._armed_s = arm, now_s
        self.on_s = self.dose_gy = 0.0

    def end(self) -> None:
        """Forget who armed; what was used up stays to be read."""
        self.arm = None

    def renew(self, now_s: float) -> None:
        """Renew the lease."""
        self._lease_until_s = now_s + self._limits.lease_s

    def spend(self, dose_rate_gy_s: float) -> None:
        """Count from now on."""
        self._is_spending, self._dose_rate_gy_s = True, dose_rate_gy_s

    def rest(self) -> None:
        """Count no longer: the tube has taken off, or shows that its high voltage is."""
        self._is_spending = False

    def count(self, passed_s: float) -> None:
        """Use up a time that has passed."""
        if self._is_spending:
            self.on_s += passed_s
            self.dose_gy += self._dose_rate_gy_s * passed_s

    @property
    def left_s(self) -> float:
        """Get the on-time that is left."""
        return 0.0 if self.arm is None else max(self.arm.on_s - self.on_s, 0.0)

    def countdown_s(self, now_s: float) -> float:
        """Get for how long nothing may switch on although it is armed."""
        return 0.0 if self.arm is None else max(self._armed_s + self._limits.countdown_s - now_s, 0.0)

    def has_expired(self, now_s: float) -> bool:
        """Tell whether whoever armed did so too long ago."""
        return self.arm is not None and not now_s < self._armed_s + self._limits.arm_for_s

    def cannot_begin(self, now_s: float) -> str:
        """Tell why no beam may begin or change."""
        if self.arm is None:
            return "nobody has armed the beam"
        countdown_s = self.countdown_s(now_s)
        if countdown_s > 0:
            return f"the countdown runs for another {countdown_s:.1f} s"
        return self._used_up(self.arm)

    def must_end(self, now_s: float) -> str:
        """Tell why a beam that is on must end."""
        if not now_s < self._lease_until_s:
            return f"the procedure did not renew its lease within {self._limits.lease_s:g} s"
        if self.arm is None or self.has_expired(now_s):
            return "the arming has expired"
        return self._used_up(self.arm)

    def _used_up(self, arm: Arm) -> str:
        if not self.on_s < arm.on_s:
            return f"the on-time of {arm.on_s:g} s of this arming is used up"
        if self.dose_gy > 0 and not self.dose_gy < arm.dose_gy:  # no dose is known: nothing of it is used up
            return f"the dose of {arm.dose_gy:g} Gy of this arming is used up"
        return ""
