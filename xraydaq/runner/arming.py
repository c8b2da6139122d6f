"""Who arms the beam of a run, and how much of it: asked for before any port is opened."""

from typing import TYPE_CHECKING

from procedures.base import Plan
from xraydaq.config import RunConfig
from xraydaq.errors import Refused
from xraydaq.safety.guard_events import Arm

if TYPE_CHECKING:
    from xraydaq.runner.run import RunOptions

MORE_TIME, MORE_S = 1.25, 120.0
MORE_DOSE = 1.5
"""Over what the plan says: warm-ups of the tube come on top, and a calibration is known to some percent."""

SIMULATION = "simulated bench"


def arming(config: RunConfig, plan: Plan, options: "RunOptions") -> Arm | None:
    """Get the arming of a run; None where it has no beam.

    Raises:
        Refused: nobody arms, or nobody is there and the bench does not allow it, or the plan is over its budget.
    """
    bench, safety = config.bench, config.bench.allowed
    if not plan.beam_s > 0:
        return None
    if plan.beam_s > safety.max_on_time_s:
        raise Refused(
            f"X-rays on for {plan.beam_s:.0f} s are planned; max_on_time of the bench {bench.name!r} is "
            f"{safety.max_on_time_s:.0f} s"
        )
    if plan.dose_gy > safety.max_dose_gy:
        raise Refused(
            f"an air kerma of {plan.dose_gy:g} Gy is planned; max_dose of the bench {bench.name!r} is "
            f"{safety.max_dose_gy:g} Gy"
        )
    on_s = min(MORE_TIME * plan.beam_s + MORE_S, safety.max_on_time_s)
    dose_gy = min(MORE_DOSE * plan.dose_gy, safety.max_dose_gy) if plan.dose_gy > 0 else safety.max_dose_gy
    if bench.simulated:
        return Arm(options.arm_as or SIMULATION, True, on_s, dose_gy)
    attended = options.ask is not None
    if not options.arm_as.strip():
        raise Refused(
            "this run switches X-rays on: a person takes the responsibility with --arm-as NAME, is there while they "
            "are on, and has read the page on radiation safety"
        )
    if not attended and not safety.unattended_beam:
        raise Refused(
            f"nobody is at the terminal, and the bench {bench.name!r} does not allow a beam while nobody is there "
            "(key unattended_beam of [safety])"
        )
    return Arm(options.arm_as.strip(), attended, on_s, dose_gy)
