"""The guardian's rules mounted on a tube: what the tube shows goes in, what is decided is done."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from instruments.minix2 import MiniX2, WarmUpProgress
from instruments.minix2.ready import spoken
from instruments.wire.minix2 import FaultCode, TubeStatus, TubeTable, WarmUpKind
from xraydaq.clock import Clock
from xraydaq.errors import InstrumentError, LimitError, Refused, XraydaqError
from xraydaq.safety.guard_core import Guard
from xraydaq.safety.guard_events import (
    BeamView,
    Decision,
    DoBeam,
    DoOff,
    DoWarmUp,
    Event,
    GuardLimits,
    Off,
    Seen,
    StartWarmUp,
    SwitchedOff,
    SwitchFailed,
    Tell,
    Tick,
    TubeSeen,
    Unreadable,
)

ZERO_C_K = 273.15


def silent(_: Tell) -> None:
    """Keep no log."""


class Mount:
    """One tube, its guardian, one thread. `record` is given every line of the guardian's log."""

    def __init__(
        self, tube: MiniX2, limits: GuardLimits, clock: Clock, *, record: Callable[[Tell], None] = silent
    ) -> None:  # fmt: skip
        self.tube = tube
        self._clock = clock
        self._record = record
        self._guard = Guard(limits, clock.now())
        self._table: TubeTable | None = None
        self._progress: WarmUpProgress | None = None
        self._due: WarmUpKind | None = None

    def prepare(self) -> None:
        """Command off before anything is asked, then see that the tube is off and its own checks are on.

        Raises:
            InstrumentError: another instrument, or it could not be shown to be off.
        """
        self.request(Off())
        self.tube.prepare()
        self._table = self.tube.tube_table()
        self._due = self.tube.warm_up_due()
        self.look()

    def look(self, *, patient: bool = True) -> None:
        """Look at the tube once and do what follows; in the beam, or if impatient, it is not asked twice."""
        patient = patient and not self._guard.is_on
        asked_s = self._clock.now()
        try:
            status = self.tube.status() if patient else self.tube.status_now()
            event: Event = Seen(self._seen(status), asked_s)
            self._follow_warm_up()
        except InstrumentError as error:
            event = Unreadable(str(error))
        self.request(event)

    def _follow_warm_up(self) -> None:
        if self._progress is None or not self._progress.running:
            return
        try:
            self._progress = self.tube.warm_up_progress()
        except Refused:  # an off command has ended it
            self._progress = replace(self._progress, running=False, step=None, remaining_s=0)
        if self._progress.complete and self._due in (self._progress.kind, "daily"):
            self._due = None

    def tick(self) -> None:
        """Do what is due by time alone."""
        self.request(Tick())

    def request(self, event: Event) -> str:
        """Hand an event to the rules, do what they decide, and get why they refuse it; empty if they do not.

        Raises:
            LimitError: over a limit of the tube; nothing was set.
            InstrumentError: the tube did not obey; off was commanded.
        """
        decision = self._guard.handle(event, self._clock.now())
        self._do(decision)
        return decision.refused

    def warm_up(self, kind: WarmUpKind) -> str:
        """Ask for a warm-up by the largest values of its steps, as `request`."""
        steps = self.tube.warm_up_table().steps(kind)
        return self.request(
            StartWarmUp(
                kind,
                max(step.voltage_v for step in steps),
                max(step.current_a for step in steps),
                max(step.voltage_v * step.current_a for step in steps),
            )
        )

    @property
    def warm_up_due(self) -> WarmUpKind | None:
        """Get which warm-up the tube still needs; one that was cut short counts for nothing."""
        return self._due

    def warm_up_progress(self) -> WarmUpProgress:
        """Get how far the warm-up was at the last look.

        Raises:
            Refused: none was started.
        """
        if self._progress is None:
            raise Refused("no warm-up was started")
        return self._progress

    @property
    def trip(self) -> str:
        """Get why nothing may switch on; empty if nothing speaks against it."""
        return self._guard.trip

    def view(self) -> BeamView:
        """Get what whoever watches may know."""
        return self._guard.view(self._clock.now())

    def _do(self, decision: Decision) -> None:
        for action in decision.actions:
            match action:
                case DoOff():
                    self._off()
                case DoBeam(voltage_v, current_a):
                    self._switch(partial(self.tube.set_output, voltage_v, current_a, settle=False))
                case DoWarmUp():
                    kind: WarmUpKind = "monthly" if action.kind == "monthly" else "daily"
                    self._switch(partial(self._start_warm_up, kind))
                case Tell():
                    self._record(action)

    def _off(self) -> None:
        """Command off once and tell the rules how it went; that it is to be done again they say at the next event."""
        failure = ""
        try:
            self.tube.write_off()
        except InstrumentError as error:
            failure = str(error)
        for action in self._guard.handle(SwitchedOff(failure), self._clock.now()).actions:
            if isinstance(action, Tell):
                self._record(action)

    def _start_warm_up(self, kind: WarmUpKind) -> None:
        self._progress = self.tube.warm_up(kind)

    def _switch(self, switch: Callable[[], object]) -> None:
        """Switch on; whatever goes wrong ends with an off, and with the rules knowing of it."""
        try:
            switch()
        except LimitError:
            self.request(Off())
            raise
        except XraydaqError as error:
            self.request(SwitchFailed(str(error)))
            raise

    def _seen(self, status: TubeStatus) -> TubeSeen:
        return TubeSeen(
            hv_enabled=status.hv_enabled,
            voltage_v=status.voltage_v,
            current_a=status.current_a,
            interlock=self._interlock(status),
            fault=_named(status.fault),
            last_fault=_named(status.previous_fault),
            overridden=status.overridden,
            warming_up=status.warm_up is not None,
            board_k=status.board_temperature_c + ZERO_C_K,
            warm_up_due=self._due or "",
        )

    def _interlock(self, status: TubeStatus) -> str:
        table = self._table
        if not status.interlock_closed:
            return spoken(status.fault)
        if (
            table is None
            or table.min_interlock_current_a <= status.interlock_current_a <= table.max_interlock_current_a
        ):
            return ""
        return (
            f"interlock current {status.interlock_current_a:.4f} A; allowed: "
            f"{table.min_interlock_current_a:.4f} to {table.max_interlock_current_a:.4f} A"
        )


def _named(fault: FaultCode) -> str:
    return spoken(fault) if fault.is_fault else ""
