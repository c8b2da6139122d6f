"""A guardian, the time, and what the tube shows: for tests that look at its decisions only."""

from dataclasses import replace

from xraydaq.safety.guard_core import Guard
from xraydaq.safety.guard_events import (
    Arm,
    Decision,
    DoBeam,
    DoOff,
    DoseSeen,
    DoWarmUp,
    Event,
    GuardLimits,
    Renew,
    Seen,
    SetBeam,
    StartWarmUp,
    SwitchedOff,
    Tell,
    Tick,
    TubeSeen,
)

LIMITS = GuardLimits(
    max_voltage_v=50e3, max_current_a=200e-6, max_power_w=10.0, max_on_s=600.0, max_dose_gy=10.0, arm_for_s=3600.0
)
ADA = Arm("Ada", attended=True, on_s=300.0, dose_gy=1.0)
BEAM = SetBeam(40e3, 100e-6)
WARM_UP = StartWarmUp("daily", 50e3, 200e-6, 10.0)
STEP_S = 0.25
ROOM_K = 298.0
DARK = TubeSeen(
    hv_enabled=False, voltage_v=0.0, current_a=0.0, interlock="", fault="", last_fault="", overridden=False,
    warming_up=False, board_k=ROOM_K,
)  # fmt: skip
SHINING = replace(DARK, hv_enabled=True, voltage_v=40e3, current_a=100e-6)
NO_DOSE, DOSE = DoseSeen(0.0, 1e-6, 1.0), DoseSeen(1e-3, 1e-6, 1.0)


class Scene:
    """Looks at a tube that obeys, unless `tube` is set to something else."""

    def __init__(self, **limits: object) -> None:
        self.now_s = 1000.0
        self.guard = Guard(replace(LIMITS, **limits), self.now_s)  # type: ignore[arg-type]
        self.tube: TubeSeen | None = None
        self.done: list[tuple[float, object]] = []
        self.told: list[tuple[float, Tell]] = []
        self.shows = DARK

    def give(self, event: Event, *, taken: bool = True) -> Decision:
        """Hand in an event now; off is taken by the tube, and said so."""
        decision = self.guard.handle(event, self.now_s)
        for action in decision.actions:
            match action:
                case DoBeam(voltage_v, current_a):
                    self.shows = replace(SHINING, voltage_v=voltage_v, current_a=current_a)
                case DoWarmUp():
                    self.shows = replace(SHINING, warming_up=True)
                case DoOff():
                    self.shows = DARK
                case Tell():
                    self.told.append((self.now_s, action))
                    continue
            self.done.append((self.now_s, action))
        if any(isinstance(each, DoOff) for each in decision.actions) and taken:
            self.guard.handle(SwitchedOff(), self.now_s)
        return decision

    def look(self, asked_s: float | None = None, **changed: object) -> Decision:
        """Look at the tube, which shows this and that differently from what it should."""
        tube = replace(self.shows if self.tube is None else self.tube, **changed)  # type: ignore[arg-type]
        return self.give(Seen(tube, self.now_s if asked_s is None else asked_s))

    def live(self, for_s: float, *, looks: bool = True, renews: bool = True, **changed: object) -> None:
        """Let time pass in steps of a quarter of a second."""
        for _ in range(round(for_s / STEP_S)):
            self.now_s += STEP_S
            if looks:
                self.look(**changed)
            if renews:
                self.give(Renew())
            self.give(Tick())

    def arm(self, arm: Arm = ADA) -> "Scene":
        """Arm a tube that is seen to be dark."""
        self.look()
        assert self.give(arm).refused == ""
        return self

    def on(self, wanted: SetBeam | StartWarmUp = BEAM, arm: Arm = ADA) -> "Scene":
        """Arm, switch on, and let it settle."""
        self.arm(arm)
        assert self.give(wanted).refused == ""
        self.live(3.0)
        assert self.guard.is_on
        assert not self.guard.trip
        return self

    def offs_since(self, time_s: float) -> list[float]:
        """Get how long after a time off was commanded."""
        return [when_s - time_s for when_s, what in self.done if isinstance(what, DoOff) and when_s >= time_s]

    def kinds(self) -> list[str]:
        """Get what was told, in order."""
        return [tell.kind for _, tell in self.told]


def tripped_at_once(decision: Decision) -> bool:
    """Tell whether off is the first thing to be done, and nothing else is to be done to the tube."""
    first, *rest = decision.actions
    return isinstance(first, DoOff) and all(isinstance(each, Tell) for each in rest)
