"""What a procedure may ask of the tube's guardian; nobody but the guardian speaks with the tube."""

from typing import Protocol, runtime_checkable

from instruments.minix2 import WarmUpProgress
from instruments.wire.minix2 import Identity, WarmUpKind
from xraydaq.safety.guard_events import Arm, BeamView, DoseSeen


@runtime_checkable
class TubeGuard(Protocol):
    """A guarded tube. `look` is the procedure's own sign of life: two seconds without one and the beam is off."""

    def identify(self) -> Identity:
        """Get the identity of the tube."""

    def settings(self) -> dict[str, str]:
        """Get what a run records of the tube; changes nothing."""

    def prepare(self) -> None:
        """See that the tube is off, and its own checks are on.

        Raises:
            InstrumentError: another instrument, or it could not be shown to be off.
        """

    def arm(self, arm: Arm) -> BeamView:
        """Let somebody take the responsibility for the beam.

        Raises:
            Refused: the guardian does not allow it.
        """

    def look(self) -> BeamView:
        """Renew the lease and get what is known of the beam.

        Raises:
            SafetyTrip: the guardian has switched off, or nothing is known of the tube.
        """

    def view(self) -> BeamView:
        """Get what is known of the beam without a sign of life."""

    def on(self, voltage_v: float, current_a: float, dose_rate_gy_s: float = 0.0) -> BeamView:
        """Switch X-rays on, or change what is on; the monitors follow within some tenths of a second.

        Raises:
            LimitError: over a limit of the tube; nothing was set.
            Refused: the guardian does not allow it.
            InstrumentError: the tube did not obey; off was commanded.
            SafetyTrip: it had gone off by itself before.
        """

    def command_off(self) -> None:
        """Command off and return when the tube has taken it, while its high voltage still decays.

        Raises:
            InstrumentError: it has not taken it; the guardian goes on commanding off.
        """

    def safe_off(self) -> None:
        """Switch off and wait until nothing is shown to be on.

        Raises:
            InstrumentError: the beam could not be shown to be off.
        """

    def stop(self, who: str) -> bool:
        """Stop in an emergency: off, and a trip; get whether it was shown to be off.

        In a process of its own the guardian takes it from any thread and while another request is open.
        """

    def is_dark(self) -> bool:
        """Tell whether nothing is shown to be on."""

    def warm_up_due(self) -> WarmUpKind | None:
        """Get which warm-up the tube asks for."""

    def warm_up(self, kind: WarmUpKind) -> WarmUpProgress:
        """Start the tube's own warm-up, which switches it on.

        Raises:
            Refused, LimitError, InstrumentError, SafetyTrip: as `on`.
        """

    def warm_up_progress(self) -> WarmUpProgress:
        """Get how far it is."""

    def dose(self, seen: DoseSeen) -> None:
        """Tell what the chamber in the beam reads, so that it can be compared with what the tube is said to do."""

    def close(self) -> None:
        """Give the tube up; it is off."""
