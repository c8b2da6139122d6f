"""What the guardian is told and what it decides: frozen values between its rules and the tube."""

from dataclasses import dataclass, field
from enum import StrEnum

DARK_VOLTAGE_V, DARK_CURRENT_A = 1e3, 2e-6
"""Below both nothing is on: the least set-points of these tubes lie far above, 10 kV and 5 uA."""


class BeamState(StrEnum):
    """What may be said of the beam; unknown is treated as on."""

    OFF = "off"
    ARMED = "armed"
    ON = "on"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class GuardLimits:
    """The guardian's own copy of what a bench allows, in SI. Nothing that it is told later can widen it."""

    max_voltage_v: float
    max_current_a: float
    max_power_w: float
    max_on_s: float
    """X-rays on under one arming."""

    max_dose_gy: float
    """Air kerma at the sample under one arming, as whoever switches on states its rate."""

    unattended: bool = False
    """Whether the beam may be on while nobody is there."""

    arm_for_s: float = 12 * 3600.0
    countdown_s: float = 0.0
    """From arming to the first beam."""

    lease_s: float = 2.0
    status_within_s: float = 1.0
    """How old the interlock's state may be to switch on, and how long a beam may go unseen beyond one look."""

    look_every_s: float = 0.5
    """How often the tube is looked at, at least."""

    board_warn_k: float = 318.15
    board_trip_k: float = 323.15
    cooled_by_k: float = 10.0


@dataclass(frozen=True, slots=True)
class Arm:
    """A person takes the responsibility for a beam, for a time and a budget."""

    name: str
    attended: bool
    on_s: float
    dose_gy: float
    expects_dose: bool = False
    """Whether an ion chamber is in the beam and is read."""


@dataclass(frozen=True, slots=True)
class Disarm:
    """No more beam is wanted."""


@dataclass(frozen=True, slots=True)
class Renew:
    """The procedure's own loop is alive."""


@dataclass(frozen=True, slots=True)
class SetBeam:
    """Switch on, or change what is on; `dose_rate_gy_s` at the sample as far as known, for the budget."""

    voltage_v: float
    current_a: float
    dose_rate_gy_s: float = 0.0


@dataclass(frozen=True, slots=True)
class StartWarmUp:
    """Start a warm-up of the tube; the largest voltage, current and power of its steps."""

    kind: str
    voltage_v: float
    current_a: float
    power_w: float


@dataclass(frozen=True, slots=True)
class Off:
    """Switch off, as part of the work."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Emergency stop: off, and nothing switches on again until somebody arms anew."""

    who: str


@dataclass(frozen=True, slots=True)
class TubeSeen:
    """What the tube shows at one look."""

    hv_enabled: bool
    voltage_v: float
    current_a: float
    interlock: str
    """Empty if it is closed and its loop current is as it should be; else what is wrong."""

    fault: str
    """Present fault in words, empty if there is none."""

    last_fault: str
    """Of the fault before it in words, empty if there is none."""

    overridden: bool
    warming_up: bool
    board_k: float
    warm_up_due: str = ""
    """Kind of the warm-up that the tube needs before any other beam, empty if none."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The tube was looked at; `asked_s` is when its state was asked for."""

    tube: TubeSeen
    asked_s: float


@dataclass(frozen=True, slots=True)
class Unreadable:
    """What the tube says could not be read: nothing is known of it."""

    why: str


@dataclass(frozen=True, slots=True)
class SwitchedOff:
    """How switching off went: `failure` is empty if the tube has taken the command."""

    failure: str = ""


@dataclass(frozen=True, slots=True)
class SwitchFailed:
    """Switching on was tried and failed; the driver has commanded off."""

    why: str


@dataclass(frozen=True, slots=True)
class DoseSeen:
    """A reading of the chamber in the beam over its background; both in Gy/s. `integration_s` is its time."""

    rate_gy_s: float
    sigma_gy_s: float
    integration_s: float


@dataclass(frozen=True, slots=True)
class Woke:
    """The computer stood still for a while."""

    gap_s: float


@dataclass(frozen=True, slots=True)
class ClientGone:
    """Whoever held the lease is not there any more."""

    why: str = "its program ended"


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed."""


Event = (
    Arm | Disarm | Renew | SetBeam | StartWarmUp | Off | Stop | Seen | Unreadable | SwitchedOff | SwitchFailed
    | DoseSeen | Woke | ClientGone | Tick
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class DoOff:
    """Command the tube off now, whatever the state of its line."""

    reason: str


@dataclass(frozen=True, slots=True)
class DoBeam:
    """Set the tube, which switches it on."""

    voltage_v: float
    current_a: float


@dataclass(frozen=True, slots=True)
class DoWarmUp:
    """Start the tube's warm-up, which switches it on."""

    kind: str


@dataclass(frozen=True, slots=True)
class Tell:
    """A line for the guardian's log, and for whoever watches: severity ``info``, ``warning`` or ``error``."""

    kind: str
    text: str
    severity: str = "info"


Action = DoOff | DoBeam | DoWarmUp | Tell


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done, in this order, and why a request is refused; empty if it is not."""

    actions: tuple[Action, ...] = ()
    refused: str = ""


@dataclass(frozen=True, slots=True)
class BeamView:
    """What whoever watches may know; `trip` is why nothing may switch on until somebody arms anew."""

    state: BeamState
    voltage_set_v: float
    current_set_a: float
    voltage_v: float
    current_a: float
    trip: str
    armed_by: str
    countdown_s: float
    on_s: float
    on_left_s: float
    dose_gy: float
    seen_age_s: float
    board_k: float
    fault: str
    told: tuple[Tell, ...] = field(default=())
    """What happened since it was asked last."""

    @property
    def is_dark(self) -> bool:
        """Tell whether it is shown that nothing is on: also the high voltage has decayed."""
        known_off = self.state in (BeamState.OFF, BeamState.ARMED)
        return known_off and self.voltage_v < DARK_VOLTAGE_V and self.current_a < DARK_CURRENT_A
