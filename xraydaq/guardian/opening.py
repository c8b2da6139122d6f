"""Opens the tube of a bench behind its guardian: inline in a simulated world, as a process of its own otherwise."""

from collections.abc import Iterator
from contextlib import contextmanager

from instruments.minix2 import MiniX2
from instruments.sim.bench import SimBench
from xraydaq.bench.drivers import stated
from xraydaq.bench.opening import open_role
from xraydaq.clock import Clock
from xraydaq.config import Bench
from xraydaq.config.models import SafetyTable
from xraydaq.errors import Refused
from xraydaq.guardian.guard import TubeGuard
from xraydaq.guardian.inline import InlineGuard
from xraydaq.safety.guard_events import GuardLimits

INLINE_LOOKS_S = 1.0
"""Without a thread of its own the guardian looks when the procedure does: twice a second, or after a long reading."""

LOOKS_S = 0.5


@contextmanager
def guarded_tube(bench: Bench, simulation: SimBench | None, clock: Clock) -> Iterator[TubeGuard]:
    """Open the role "tube" behind its guardian; at the end the beam is off.

    Raises:
        InstrumentError, BusyError: as `open_role`.
        Refused: no guardian can stand before this tube.
    """
    if simulation is None:
        raise Refused("no guardian process for tubes outside this program yet")
    with open_role("tube", bench, simulation, clock) as tube:
        assert isinstance(tube, MiniX2)
        yield InlineGuard(tube, guard_limits(bench), clock)


def guard_limits(bench: Bench) -> GuardLimits:
    """Get what a bench file allows its tube. Nobody stands at a simulated bench: no countdown, nobody to attend."""
    safety = bench.safety or SafetyTable.model_validate({})
    simulated = bench.simulated
    return GuardLimits(
        max_voltage_v=stated(bench.limits.max_tube_voltage_v),
        max_current_a=stated(bench.limits.max_tube_current_a),
        max_power_w=stated(bench.limits.max_tube_power_w),
        max_on_s=safety.max_on_time_s,
        max_dose_gy=safety.max_dose_gy,
        unattended=safety.unattended_beam or simulated,
        arm_for_s=safety.arm_for_s,
        countdown_s=0.0 if simulated else safety.countdown_s,
        look_every_s=INLINE_LOOKS_S if simulated else LOOKS_S,
    )
