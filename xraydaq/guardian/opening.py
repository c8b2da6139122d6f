"""Opens the tube of a bench behind its guardian: inline in a simulated world, as a process of its own otherwise."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from instruments.minix2 import MiniX2
from instruments.sim.bench import SimBench
from xraydaq.bench.drivers import stated, tube_serial_on_usb
from xraydaq.bench.opening import cabled, open_role
from xraydaq.clock import Clock
from xraydaq.config import Bench
from xraydaq.errors import XraydaqError
from xraydaq.guardian.caretaker import cared_for
from xraydaq.guardian.guard import TubeGuard
from xraydaq.guardian.inline import InlineGuard
from xraydaq.guardian.orphans import switch_off_at_last
from xraydaq.safety.guard_events import GuardLimits
from xraydaq.safety.processes import runtime_folder
from xraydaq.safety.sessions import Owned, Session, announced

INLINE_LOOKS_S = 1.0
"""Without a thread of its own the guardian looks when the procedure does: twice a second, or after a long reading."""

LOOKS_S = 0.5
LEFT_ON = ("smu", "temperature")
"""Roles that a dead run may leave on, in the order in which they are switched off."""


@dataclass(frozen=True)
class Watch:
    """Who watches over a run: `open_tube` opens its tube."""

    bench: Bench
    roles: Sequence[str]
    what: str
    """Names the run to a person."""

    log: Path
    """The guardian's own."""

    alarm: Callable[[str], None]
    """Is given what a person must know or do at once."""

    def open_tube(self, bench: Bench, simulation: SimBench | None, clock: Clock) -> AbstractContextManager[TubeGuard]:
        """Open the role "tube" behind its guardian; at the end the beam is off.

        Raises:
            InstrumentError, BusyError: as `open_role`.
            SafetyTrip: the guardian did not start.
        """
        if simulation is not None:
            return guarded_inline(bench, simulation, clock)
        return _guarded_by_process(self, clock)

    @contextmanager
    def on_real_time(self, clock: Clock, is_left_on: Callable[[], bool] = lambda: False) -> Iterator[None]:
        """Let others know which instruments this process has, and have them switched off if it dies.

        Where `is_left_on` says so at the end, when the run has closed its lines, source and heater are switched off
        once more over new ones: a connection that broke does not come back by itself.
        """
        session = Session(
            pid=os.getpid(),
            since_utc_s=clock.utc(),
            what=self.what,
            control=str(self.control) if "tube" in self.roles else None,
            guardian_pid=None,
            instruments=self.owned(cabled(self.bench)),
        )
        # the guardian of a tube does what a caretaker does for a run without one
        caretaker = nullcontext() if "tube" in self.roles else cared_for(self.owned(LEFT_ON), self.what, self.log)
        with announced(session), caretaker:
            try:
                yield
            finally:
                if is_left_on():
                    switch_off_at_last(self.owned(LEFT_ON), clock, self.what, self._tell)

    def _tell(self, kind: str, text: str, _severity: str) -> None:
        self.alarm(f"{kind}: {text}")

    @property
    def control(self) -> Path:
        """Get the socket at which the guardian takes orders."""
        return runtime_folder("guardians") / f"{os.getpid()}.sock"

    def owned(self, roles: Sequence[str]) -> tuple[Owned, ...]:
        """Get those of these roles that the run has, in this order."""
        found = ((name, self.bench.roles[name]) for name in roles if name in self.roles and name in self.bench.roles)
        return tuple(Owned(name, role.driver, role.resource, role.baud, role.frame) for name, role in found)


@contextmanager
def guarded_inline(bench: Bench, simulation: SimBench | None, clock: Clock) -> Iterator[TubeGuard]:
    """Open a simulated tube behind the guardian's rules, in this thread."""
    with open_role("tube", bench, simulation, clock) as tube:
        assert isinstance(tube, MiniX2)
        yield InlineGuard(tube, guard_limits(bench), clock)


@contextmanager
def _guarded_by_process(watch: Watch, clock: Clock) -> Iterator[TubeGuard]:
    from xraydaq.guardian.client import RemoteGuard
    from xraydaq.guardian.setup import Setup, Wanted

    role = watch.bench.roles["tube"]
    setup = Setup(
        what=watch.what,
        resource=role.resource,
        usb_serial=tube_serial_on_usb(role),
        baud=role.baud,
        frame=role.frame,
        wanted=Wanted(role.model or "", role.serial or "", role.firmware or ""),
        limits=guard_limits(watch.bench),
        control=str(watch.control),
        log=str(watch.log.absolute()),
        others=watch.owned(LEFT_ON),
    )
    guard = RemoteGuard(setup, clock, alarm=watch.alarm)
    try:
        yield guard
    finally:
        try:
            guard.close()
        except XraydaqError as error:  # the way back has been taken, and the run says how it went; this is after it
            watch.alarm(str(error))


def guard_limits(bench: Bench) -> GuardLimits:
    """Get what a bench file allows its tube. Nobody stands at a simulated bench: no countdown, nobody to attend."""
    safety = bench.allowed
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
