"""What people and procedures may ask of the guardian, and why it is refused; an empty answer is consent."""

from xraydaq.safety import guard_rules as rules
from xraydaq.safety.guard_budget import Budget
from xraydaq.safety.guard_chamber import Chamber
from xraydaq.safety.guard_events import Arm, DoBeam, DoWarmUp, GuardLimits, SetBeam, StartWarmUp
from xraydaq.safety.guard_switch import NOT_OFF, Switch
from xraydaq.safety.guard_watch import Beam, Watch


class Requests:
    """Grants or refuses. What is refused changes nothing: a beam that is on stays as it was."""

    def __init__(self, limits: GuardLimits, watch: Watch, budget: Budget, chamber: Chamber, switch: Switch) -> None:
        self._limits = limits
        self._watch, self._budget, self._chamber, self._switch = watch, budget, chamber, switch

    def arm(self, arm: Arm, now_s: float) -> str:
        """Let somebody take the responsibility: for a tube that is fit and shown to be off."""
        why = rules.cannot_arm(self._limits, arm) or self._watch.not_fit(now_s)
        if not why and (self._switch.may_be_on(now_s) or not self._watch.shows_dark):
            why = NOT_OFF
        if not why:
            self._budget.begin(arm, now_s)
            self._switch.rearm()
            self._switch.tell("armed", f"by {arm.name}: {arm.on_s:g} s of beam, {arm.dose_gy:g} Gy")
        return why

    def set_beam(self, wanted: SetBeam, now_s: float) -> str:
        """Switch on, or change what is on; a warm-up has to be over, and may not be wanting."""
        why = rules.cannot_set(self._limits, wanted) or self._cannot_switch_on(now_s)
        why = why or self._watch.warm_up_stands_before
        if not why:
            beam = Beam(wanted.voltage_v, wanted.current_a)
            self._begin(beam, DoBeam(wanted.voltage_v, wanted.current_a), wanted.dose_rate_gy_s, now_s)
            self._switch.tell("beam on", f"{wanted.voltage_v / 1e3:g} kV, {wanted.current_a * 1e6:g} uA")
        return why

    def warm_up(self, wanted: StartWarmUp, now_s: float) -> str:
        """Start a warm-up; what it gives as dose is not known."""
        why = rules.cannot_warm_up(self._limits, wanted) or self._cannot_switch_on(now_s)
        if not why and self._watch.beam.is_on:
            why = "the beam is on"
        if not why:
            self._begin(Beam(wanted.voltage_v, wanted.current_a, wanted.kind), DoWarmUp(wanted.kind), 0.0, now_s)
            self._switch.tell("warm-up", f"the tube's own {wanted.kind} warm-up")
        return why

    def renew(self, now_s: float) -> str:
        """Renew the lease, unless there is nothing left that it could be for."""
        why = self._switch.trip or self._watch.lost(now_s)
        if not why:
            self._budget.renew(now_s)
        return why

    def _begin(self, beam: Beam, action: DoBeam | DoWarmUp, dose_rate_gy_s: float, now_s: float) -> None:
        if not self._watch.beam.is_on:
            self._chamber.switched_on()
        self._switch.begin(beam, action, now_s)
        self._budget.spend(dose_rate_gy_s)
        self._budget.renew(now_s)

    def _cannot_switch_on(self, now_s: float) -> str:
        if self._switch.trip:
            return f"tripped: {self._switch.trip}"
        why = self._budget.cannot_begin(now_s) or self._watch.not_fit(now_s)
        is_off = self._watch.shows_hv_off and not self._switch.may_be_on(now_s)
        return why or ("" if self._watch.beam.is_on or is_off else NOT_OFF)
