"""What must be true for a beam to be switched on and to stay on; each rule returns why not, empty if nothing speaks
against it. Limits of time and temperature: of the bench; numbers without a source are this program's own choice.
"""

import math

from xraydaq.safety.guard_events import (
    DARK_CURRENT_A,
    DARK_VOLTAGE_V,
    Arm,
    DoseSeen,
    GuardLimits,
    Seen,
    SetBeam,
    StartWarmUp,
    TubeSeen,
)

ROUNDING = 1 + 1e-9
"""50e3 V times 200e-6 A is not exactly 10 W as a float."""

SETTLED_AFTER_S = 2.0
"""From a change of the set-points; until then the monitors follow."""

STARTS_WITHIN_S = 1.0
HV_OFF_WITHIN_S = 1.0
NO_CURRENT_WITHIN_S = 3.0
DARK_WITHIN_S = 10.0
"""After off: high voltage disabled, current gone, voltage decayed. Not published; an older tube took 6 s of 15 kV."""

MONITOR_SHARE = 0.05
LEAST_VOLTAGE_V, LEAST_CURRENT_A = 250.0, 0.5e-6
"""Of a deviation of the monitors: below it lie their noise and their last digits."""

OFF_SET_POINT_FOR_S = 3.0
NEVER_AT_SET_POINT_FOR_S = 10.0
"""Also if the set-points go on changing before the monitors have settled."""

LOST_AFTER_S = 1.0
"""Without a readable reply: until then it was perhaps one garbled one."""

SIGMAS = 5.0
WARM_UPS = ("daily", "monthly")
WENT_OFF = "X-rays went off by themselves: "

CLOCK_SLACK_S = 0.05
"""Two threads may hand in their times in the other order."""


def bad_limits(limits: GuardLimits) -> str:
    """Tell why nothing can be guarded by these limits: one that is no number would be no limit."""
    times = ("lease_s", "status_within_s", "look_every_s", "arm_for_s")
    for name in ("max_voltage_v", "max_current_a", "max_power_w", "max_on_s", "max_dose_gy", *times):
        if not 0 < getattr(limits, name) < math.inf:
            return f"{name} of {getattr(limits, name):g}: it must be above 0, and a number"
    if not 0 <= limits.countdown_s < math.inf:
        return f"countdown_s of {limits.countdown_s:g}: it must be 0 or above"
    if not 0 < limits.board_warn_k <= limits.board_trip_k < math.inf or not 0 <= limits.cooled_by_k < math.inf:
        return "limits of the board's temperature: above 0 K, warning at most at the trip, cooled by 0 K or more"
    return ""


def over_limits(limits: GuardLimits, voltage_v: float, current_a: float, power_w: float) -> str:
    """Compare a beam with the largest allowed values; a value that is no number is over every limit."""
    for label, value, largest, unit in (
        ("voltage", voltage_v, limits.max_voltage_v, "V"),
        ("current", current_a, limits.max_current_a, "A"),
        ("power", power_w, limits.max_power_w, "W"),
    ):
        if not 0 < value <= largest * ROUNDING:
            return f"tube {label} {value:g} {unit}; allowed: above 0, at most {largest:g} {unit}"
    return ""


def cannot_set(limits: GuardLimits, wanted: SetBeam) -> str:
    """Tell why this beam may not be set, whoever wants it."""
    if not 0 <= wanted.dose_rate_gy_s < math.inf:
        return f"dose rate of {wanted.dose_rate_gy_s:g} Gy/s: nothing can be taken off a budget of dose by it"
    return over_limits(limits, wanted.voltage_v, wanted.current_a, wanted.voltage_v * wanted.current_a)


def cannot_warm_up(limits: GuardLimits, wanted: StartWarmUp) -> str:
    """Tell why this warm-up may not be started, whoever wants it."""
    if wanted.kind not in WARM_UPS:
        return f"warm-up {wanted.kind!r}; allowed: {', '.join(WARM_UPS)}"
    return over_limits(limits, wanted.voltage_v, wanted.current_a, wanted.power_w)


def cannot_arm(limits: GuardLimits, arm: Arm) -> str:
    """Tell why somebody may not arm."""
    if not arm.name.strip() or not arm.name.isprintable():
        return "armed by nobody: a name is needed, of letters that can be written"
    if not arm.attended and not limits.unattended:
        return "a beam while nobody is there: the bench does not allow it"
    for label, value, largest, unit in (
        ("on-time", arm.on_s, limits.max_on_s, "s"),
        ("dose", arm.dose_gy, limits.max_dose_gy, "Gy"),
    ):
        if not 0 <= value <= largest * ROUNDING:
            return f"{label} of {value:g} {unit} asked for; the bench allows {largest:g} {unit}"
    return ""


def nonsense(seen: Seen, now_s: float) -> str:
    """Tell why nothing is known by a look; empty if it can be judged."""
    tube = seen.tube
    if not all(math.isfinite(value) for value in (tube.voltage_v, tube.current_a, tube.board_k)):
        return "a monitor of it is no number"
    if not -math.inf < seen.asked_s <= now_s + CLOCK_SLACK_S:
        return "its state was asked for in the future"
    return ""


def unfit(tube: TubeSeen) -> str:
    """Tell why a tube may not be on, whatever is wanted of it."""
    if tube.fault:
        return tube.fault
    if tube.interlock:
        return tube.interlock
    return "the checks of the device are switched off" if tube.overridden else ""


def board(tube: TubeSeen) -> str:
    """Put the temperature of the tube's board in words; the housing's is not known."""
    return f"the tube's board has {tube.board_k - 273.15:.0f} degC"


def ran_away(tube: TubeSeen, off_for_s: float) -> str:
    """Tell what a tube that was switched off so long ago shows although it should not; for ever if it never was on."""
    after = f"{off_for_s:.1f} s after they were switched off"
    if off_for_s == math.inf:
        after = "although nothing was switched on"
    if tube.hv_enabled and off_for_s > HV_OFF_WITHIN_S:
        return f"X-rays are on: high voltage is enabled {after}"
    if tube.current_a >= DARK_CURRENT_A and off_for_s > NO_CURRENT_WITHIN_S:
        return f"X-rays are on: {tube.current_a * 1e6:.1f} uA flow {after}"
    if tube.voltage_v >= DARK_VOLTAGE_V and off_for_s > DARK_WITHIN_S:
        return f"X-rays may be on: {tube.voltage_v / 1e3:.1f} kV are there {after}"
    return ""


def is_dark(tube: TubeSeen) -> bool:
    """Tell whether nothing is on: high voltage disabled and both monitors near zero."""
    return not tube.hv_enabled and tube.voltage_v < DARK_VOLTAGE_V and tube.current_a < DARK_CURRENT_A


def is_at(tube: TubeSeen, voltage_v: float, current_a: float) -> bool:
    """Tell whether both monitors show the set-points."""
    return abs(tube.voltage_v - voltage_v) <= max(MONITOR_SHARE * voltage_v, LEAST_VOLTAGE_V) and abs(
        tube.current_a - current_a
    ) <= max(MONITOR_SHARE * current_a, LEAST_CURRENT_A)


def is_not_over(tube: TubeSeen, voltage_v: float, current_a: float) -> bool:
    """Tell whether neither monitor shows more than the largest values of a warm-up."""
    return is_at(tube, min(tube.voltage_v, voltage_v), min(tube.current_a, current_a))


def is_reading(dose: DoseSeen) -> bool:
    """Tell whether a reading of the chamber says anything."""
    return not math.isnan(dose.rate_gy_s) and 0 <= dose.sigma_gy_s < math.inf


def shows_dose(dose: DoseSeen) -> bool:
    """Tell whether a reading of the chamber is more than its background; one that is no number is not."""
    return is_reading(dose) and dose.rate_gy_s > SIGMAS * dose.sigma_gy_s
