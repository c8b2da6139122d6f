"""The guardian in the procedure's own thread: on simulated time, where no other process could keep pace."""

from collections.abc import Callable

from instruments.minix2 import MiniX2, WarmUpProgress
from instruments.wire.minix2 import Identity, WarmUpKind
from xraydaq.clock import Clock
from xraydaq.errors import InstrumentError, Refused, SafetyTrip
from xraydaq.guardian.mount import Mount, silent
from xraydaq.safety.guard_events import Arm, BeamView, DoseSeen, GuardLimits, Off, Renew, SetBeam, Stop, Tell


class InlineGuard:
    """A `TubeGuard` that runs when it is called, and only then: the tube's own watchdog stands behind it."""

    def __init__(
        self, tube: MiniX2, limits: GuardLimits, clock: Clock, *, record: Callable[[Tell], None] = silent
    ) -> None:  # fmt: skip
        self._tube = tube
        self._mount = Mount(tube, limits, clock, record=record)

    def identify(self) -> Identity:
        return self._tube.identify()

    def settings(self) -> dict[str, str]:
        return self._tube.settings()

    def prepare(self) -> None:
        self._mount.prepare()

    def arm(self, arm: Arm) -> BeamView:
        self._mount.look()
        refused = self._mount.request(arm)
        if refused:
            raise Refused(f"no beam: {refused}")
        return self.view()

    def look(self) -> BeamView:
        self._mount.look()
        refused = self._mount.request(Renew())
        if refused:
            raise SafetyTrip(refused)
        return self.view()

    def view(self) -> BeamView:
        return self._mount.view()

    def on(self, voltage_v: float, current_a: float, dose_rate_gy_s: float = 0.0) -> BeamView:
        self._mount.look()
        self._allowed(self._mount.request(SetBeam(voltage_v, current_a, dose_rate_gy_s)))
        return self.view()

    def command_off(self) -> None:
        self._mount.request(Off())

    def safe_off(self) -> None:
        self._mount.request(Off())
        self._tube.safe_off()
        self._mount.look()

    off = safe_off

    def stop(self, who: str) -> bool:
        self._mount.request(Stop(who))
        return self.is_dark()

    def is_dark(self) -> bool:
        self._mount.look()
        return self.view().is_dark

    def warm_up_due(self) -> WarmUpKind | None:
        return self._mount.warm_up_due

    def warm_up(self, kind: WarmUpKind) -> WarmUpProgress:
        self._mount.look()
        self._allowed(self._mount.warm_up(kind))
        return self._mount.warm_up_progress()

    def warm_up_progress(self) -> WarmUpProgress:
        return self._mount.warm_up_progress()

    def dose(self, seen: DoseSeen) -> None:
        self._mount.request(seen)

    def close(self) -> None:
        try:
            self.safe_off()
        except InstrumentError:
            self._tube.close()
            raise
        self._tube.close()

    def _allowed(self, refused: str) -> None:
        if not refused:
            return
        if self._mount.trip:
            raise SafetyTrip(self._mount.trip)
        raise Refused(f"no beam: {refused}")
