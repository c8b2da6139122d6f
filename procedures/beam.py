"""The X-ray beam in a run: off is registered before anything else, and the guardian is shown a sign of life twice a
second by this procedure's own loop: when it hangs, the guardian switches off. Not verified on hardware.
"""

import math
from dataclasses import dataclass

from procedures.base import BenchProcedure
from xraydaq.config.calibration import dose_rate
from xraydaq.errors import Refused, RunFailed, SafetyTrip
from xraydaq.guardian.guard import TubeGuard
from xraydaq.safety import WayBack
from xraydaq.safety.guard_events import BeamView
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

GUARDIAN = "guardian"
"""Kind of the events that tell what the guardian said."""


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
        assert isinstance(tube, TubeGuard)
        self.tube = tube
        self.output = Output()
        self._foil_m: float | None = None

    @property
    def is_on(self) -> bool:
        """Get whether the beam is commanded on."""
        return self.output.voltage_set_v > 0

    @property
    def total_al_m(self) -> float:
        """Get all aluminium in the beam; nan as long as nobody confirmed it."""
        return math.nan if self._foil_m is None else self._run.context.config.bench.total_al_m(self._foil_m)

    def prepare(self, way_back: WayBack) -> None:
        """Register X-rays off, see that they are off, and arm. To be called before any other part is prepared.

        Raises:
            Refused: nobody takes the responsibility for the beam, or the guardian does not allow it.
            InstrumentError: the beam could not be shown to be off.
        """
        way_back.add("X-rays off", self._cut, otherwise=lambda: self.tube.stop("the way back, whose own step failed"))
        self.tube.prepare()
        if self._run.context.arm is None:
            raise Refused("no beam: nobody armed it")
        countdown_s = self.tube.arm(self._run.context.arm).countdown_s
        self._run.tend(self._look)
        if countdown_s > 0:
            self._run.phase("countdown", f"X-rays in {countdown_s:g} s")
            self._run.wait(countdown_s)

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
            Refused: the guardian does not allow it: interlock, fault, budget, arming.
            InstrumentError: the tube did not obey; off was commanded.
            SafetyTrip: it went off by itself when it was on before.
        """
        self._look()
        self.output = Output(voltage_v, current_a, self.output.voltage_v, self.output.current_a)
        self._noted(self.tube.on(voltage_v, current_a, self._dose_rate_gy_s(current_a)))

    def off(self) -> None:
        """Switch X-rays off and wait until they are seen to be.

        Raises:
            InstrumentError: the beam could not be shown to be off.
            SafetyTrip: it had gone off by itself before.
        """
        self._cut()
        self._look()

    def chop_off(self) -> None:
        """Switch X-rays off without waiting: readings go on while the high voltage decays, and every look watches it.

        Raises:
            InstrumentError: the command was not acknowledged; the guardian goes on commanding off.
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
        self.output = Output(0.0, 0.0, self.output.voltage_v, self.output.current_a)

    def _own_warm_up(self, kind: str) -> None:
        try:
            self.tube.warm_up("monthly" if kind == "monthly" else "daily")
            while (progress := self.tube.warm_up_progress()).running:
                self._run.wait(1.0)
        except SafetyTrip as error:
            raise SafetyTrip(f"the {kind} warm-up of the tube was cut short: {error}") from error
        finally:
            self._cut()
        if not progress.complete:
            raise RunFailed(f"the {kind} warm-up of the tube was cut short: the tube names no fault")

    def _look(self) -> None:
        """Show a sign of life, and see what the tube does.

        Raises:
            SafetyTrip: the guardian has switched off, or nothing is known of the tube.
        """
        self._noted(self.tube.look())

    def _noted(self, view: BeamView) -> None:
        self.output.voltage_v, self.output.current_a = view.voltage_v, view.current_a
        for told in view.told:
            if told.severity != "info":
                self._run.context.note(GUARDIAN, f"{told.kind}: {told.text}", told.severity)

    def _dose_rate_gy_s(self, current_a: float) -> float:
        """Get the air kerma rate at the sample by the calibration, for the guardian's budget; 0 if none is known."""
        calibration = self._run.context.config.calibration
        if calibration is None or not math.isfinite(self.total_al_m):
            return 0.0
        return dose_rate(calibration, current_a, self.total_al_m)[0]
