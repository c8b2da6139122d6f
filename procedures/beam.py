"""The X-ray beam in a run: off is registered before anything else, and the tube is looked at twice a second.

The beam is on only while this procedure's own loop runs: when it hangs, the tube's host falls silent and the tube
trips by itself. Not verified on hardware.
"""

import math
from dataclasses import dataclass

from instruments.minix2 import DARK_WITHIN_S, HV_OFF_WITHIN_S, MiniX2, is_dark
from instruments.minix2.ready import spoken
from instruments.minix2.watch import DARK_CURRENT_A
from instruments.wire.minix2 import FaultCode, TubeStatus
from procedures.base import BenchProcedure
from xraydaq.errors import InstrumentError, RunFailed, SafetyTrip
from xraydaq.safety import WayBack
from xraydaq.storage import Column

COLUMNS = (
    Column("beam_on", "", "X-rays commanded on (1) or off (0)", dtype="u4"),
    Column("tube_voltage", "V", "tube voltage by its monitor"),
    Column("tube_current", "A", "tube current by its monitor"),
    Column("tube_voltage_set", "V", "tube voltage as set, 0 while off"),
    Column("tube_current_set", "A", "tube current as set, 0 while off"),
    Column("total_aluminium", "m", "all aluminium in the beam, the fixed filter included"),
)
"""What is known of the beam at a reading."""

NO_CURRENT_WITHIN_S = 3.0
"""Only the voltage may take its time to fall: a current that is still shown makes X-rays."""


@dataclass(slots=True)
class Output:
    """What the tube is told and what it says; zero is off."""

    voltage_set_v: float = 0.0
    current_set_a: float = 0.0
    voltage_v: float = 0.0
    current_a: float = 0.0


class Beam:
    """Switches X-rays for a procedure and keeps the tube in sight."""

    def __init__(self, procedure: BenchProcedure) -> None:
        self._run = procedure
        tube = procedure.context.bench.instruments["tube"]
        assert isinstance(tube, MiniX2)
        self.tube = tube
        self.output = Output()
        self._foil_m: float | None = None
        self._off_s = -math.inf
        self._warming = False
        self._kept: FaultCode | None = None
        """The last fault that the tube knew of when it was switched on, until a look has judged how it went off."""

    @property
    def is_on(self) -> bool:
        """Get whether the beam is commanded on."""
        return self.output.voltage_set_v > 0

    @property
    def total_al_m(self) -> float:
        """Get all aluminium in the beam; nan as long as nobody confirmed it."""
        return math.nan if self._foil_m is None else self._run.context.config.bench.total_al_m(self._foil_m)

    def prepare(self, way_back: WayBack) -> None:
        """Register X-rays off, then see that they are off. To be called before any other part is prepared."""
        way_back.add("X-rays off", self._cut)
        self.tube.prepare()
        self._run.tend(self._look)

    def mount(self, foil_m: float) -> None:
        """Have a foil mounted behind the fixed filter, the beam being off; 0 takes every foil out.

        Raises:
            Refused: the beam is not shown to be off, or nobody mounted it.
        """
        if self._foil_m is not None and abs(foil_m - self._foil_m) < 1e-9:
            return
        self.off()
        filters = self._run.context.bench.filters
        if filters is None:
            raise RunFailed("the bench has no filters")
        self._foil_m = None
        filters.mount(foil_m)
        self._foil_m = foil_m

    def warm_up(self, voltage_v: float, current_a: float, duration_s: float) -> None:
        """Take the tube through the warm-up it asks for, then let it run at a setting; leaves it off."""
        kind = self.tube.warm_up_due()
        if kind is not None:
            self._run.phase("warm-up", f"the tube's own {kind} warm-up")
            self._own_warm_up(kind)
        if duration_s > 0:
            self._run.phase("warm-up", f"{voltage_v / 1e3:g} kV, {current_a * 1e6:g} uA for {duration_s:g} s")
            self.on(voltage_v, current_a)
            self._run.wait(duration_s)
            self.off()

    def on(self, voltage_v: float, current_a: float) -> None:
        """Switch X-rays on; the tube's own ramp takes a fraction of a second.

        Raises:
            LimitError: over a limit of bench or tube.
            Refused: the interlock is not closed, or a fault is shown.
            InstrumentError: the tube did not obey; off was commanded.
            SafetyTrip: it went off by itself when it was on before.
        """
        self._look()
        self.output = Output(voltage_v, current_a, self.output.voltage_v, self.output.current_a)
        self._kept = self.tube.set_output(voltage_v, current_a, settle=False).previous_fault

    def off(self) -> None:
        """Switch X-rays off and wait until they are seen to be.

        Raises:
            InstrumentError: the beam could not be shown to be off.
            SafetyTrip: it had gone off by itself before.
        """
        self._cut()
        if self._kept is not None:
            self._look()

    def chop_off(self) -> None:
        """Switch X-rays off without waiting: readings go on while the high voltage decays, and every look watches it.

        Raises:
            InstrumentError: the command was not acknowledged, and the beam could not be shown to be off.
        """
        self.tube.command_off()
        self._ended()

    def values(self) -> dict[str, float]:
        """Get the columns by name."""
        output = self.output
        return {
            "beam_on": int(self.is_on),
            "tube_voltage": output.voltage_v,
            "tube_current": output.current_a,
            "tube_voltage_set": output.voltage_set_v,
            "tube_current_set": output.current_set_a,
            "total_aluminium": self.total_al_m,
        }

    def _cut(self) -> None:
        self.tube.safe_off()
        self._ended()

    def _ended(self) -> None:
        if self.is_on:
            self._off_s = self._run.context.clock.now()
        self.output = Output(0.0, 0.0, self.output.voltage_v, self.output.current_a)

    def _own_warm_up(self, kind: str) -> None:
        kept = self.tube.status().previous_fault
        self.tube.warm_up("monthly" if kind == "monthly" else "daily")
        self._warming = True
        try:
            while (progress := self.tube.warm_up_progress()).running:
                self._run.wait(1.0)
            if not progress.complete:
                fault = _fault_since(self.tube.status(), kept)
                kind_of_end = RunFailed if fault is None else SafetyTrip
                raise kind_of_end(f"the {kind} warm-up of the tube was cut short: {_named(fault)}")
        finally:
            self._warming = False
            self._cut()

    def _look(self) -> None:
        """Read the tube: it must do what it was told.

        Raises:
            SafetyTrip: a beam that should be on is off, or one that should be off is on.
        """
        try:
            status = self.tube.status()
        except InstrumentError as error:
            raise SafetyTrip(f"the tube does not answer: {error}") from error
        self.output.voltage_v, self.output.current_a = status.voltage_v, status.current_a
        if self._warming:
            return
        self._watch_trips(status)
        if not self.is_on:
            self._watch_decay(status)

    def _watch_trips(self, status: TubeStatus) -> None:
        """Also a trip that was over before this look, or came just before the off, ends the run."""
        if not self.is_on and self._kept is None:
            return
        fault = _fault_since(status, self._kept)
        if fault is not None or (self.is_on and not status.hv_enabled):
            raise SafetyTrip(f"X-rays went off by themselves: {_named(fault)}")
        if not self.is_on:
            self._kept = None

    def _watch_decay(self, status: TubeStatus) -> None:
        since_off_s = self._run.context.clock.now() - self._off_s
        allowed_s = NO_CURRENT_WITHIN_S if status.current_a >= DARK_CURRENT_A else DARK_WITHIN_S
        if not is_dark(status) and not since_off_s < (HV_OFF_WITHIN_S if status.hv_enabled else allowed_s):
            raise SafetyTrip(f"X-rays are on {since_off_s:.1f} s after they were switched off")


def _fault_since(status: TubeStatus, kept: FaultCode | None) -> FaultCode | None:
    """Get a fault that is there, or that came and went since the tube knew of `kept` as its last."""
    if status.fault.is_fault:
        return status.fault
    gone = status.previous_fault
    return gone if gone.is_fault and kept is not None and gone is not kept else None


def _named(fault: FaultCode | None) -> str:
    return "the tube names no fault" if fault is None else spoken(fault)
