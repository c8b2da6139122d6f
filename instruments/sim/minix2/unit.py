"""What is built into one controller and its tube: the tables in its memory, and what no document states."""

from dataclasses import dataclass, field

TABLE_BYTES = 94
WARM_UP_BYTES = 48
STEPS_OF_A_KIND = 6
INTERLOCK_MA_PER_COUNT = 12.44e-3


@dataclass(frozen=True, slots=True)
class TubeTable:
    """The tube and interlock table as stored; numbers are in the units of its fields."""

    raw: bytes

    def __post_init__(self) -> None:
        if len(self.raw) != TABLE_BYTES:
            raise ValueError(f"a tube table has {TABLE_BYTES} bytes, not {len(self.raw)}")

    @property
    def part_number(self) -> bytes:
        """Get the part number without its padding."""
        return self.raw[:20].rstrip(b"\0")

    @property
    def kv_limits(self) -> tuple[float, float]:
        """Get the range of the voltage."""
        return float(self.raw[32]), float(self.raw[33])

    @property
    def ua_limits(self) -> tuple[float, float]:
        """Get the range of the current."""
        return float(self.raw[34]), float(int.from_bytes(self.raw[35:37], "big"))

    @property
    def kv_per_v(self) -> float:
        """Get the scale of the voltage monitor."""
        return int.from_bytes(self.raw[44:46], "big") / 256

    @property
    def ua_per_v(self) -> float:
        """Get the scale of the current monitor."""
        return int.from_bytes(self.raw[46:48], "big") / 256

    @property
    def interlock_limits_ma(self) -> tuple[float, float]:
        """Get the loop current below which the interlock is open, and above which it is shorted."""
        low, high = (int.from_bytes(self.raw[at : at + 2], "big") for at in (49, 51))
        return low * INTERLOCK_MA_PER_COUNT, high * INTERLOCK_MA_PER_COUNT

    @property
    def supply_limits_v(self) -> tuple[float, float]:
        """Get the range of the input supply."""
        return self.raw[53] / 16, self.raw[54] / 16

    @property
    def accessory_mode(self) -> int:
        """Get 0 on with the tube, 1 inverted, 2 flash."""
        return self.raw[55]


def tube_table(
    *, part_number: str = "SYNTH-50KV-10W-AG", serial: str = "T0001", kv: tuple[int, int] = (10, 50),
    ua: tuple[int, int] = (5, 200), power_w: float = 10.0, kv_per_v: float = 12.5, ua_per_v: float = 50.0,
    description: str = "SYNTHETIC TEST TUBE",
) -> TubeTable:  # fmt: skip
    """Build the table of a tube; the interlock window is 1600 to 2400 counts, the supply 9 to 13 V."""
    raw = part_number.encode().ljust(20, b"\0") + serial.encode().ljust(12, b"\0")
    raw += bytes([*kv, ua[0]]) + ua[1].to_bytes(2, "big") + bytes([round(power_w * 4)]) + bytes(6)
    raw += round(kv_per_v * 256).to_bytes(2, "big") + round(ua_per_v * 256).to_bytes(2, "big")
    raw += bytes([250]) + (1600).to_bytes(2, "big") + (2400).to_bytes(2, "big") + bytes([9 * 16, 13 * 16, 0])
    return TubeTable(raw + bytes(6) + description.encode().ljust(32, b"\0"))


def warm_up_table(kv: list[int], ua: list[int], daily_s: list[int], monthly_s: list[int]) -> bytes:
    """Build the table from one sequence of outputs and its two sets of durations."""
    steps = [zip(kv, ua, seconds, strict=True) for seconds in (daily_s, monthly_s)]
    return b"".join(bytes([v, a]) + s.to_bytes(2, "big") for kind in steps for v, a, s in kind)


WARM_UP_10W = warm_up_table(
    [25, 30, 40, 40, 50, 20], [20, 50, 50, 100, 200, 200], [5] * 6, [300, 300, 300, 600, 600, 600]
)
WARM_UP_4W = warm_up_table(
    [25, 30, 40, 40, 50, 20], [20, 50, 50, 100, 80, 200], [5] * 6, [300, 300, 300, 600, 600, 600]
)


@dataclass(frozen=True, slots=True)
class Unit:
    """One controller. Whatever is marked "assumed" is in no published document."""

    tube: TubeTable = field(default_factory=tube_table)
    warm_up: bytes = WARM_UP_10W
    firmware: tuple[int, int, int] = (6, 0, 5)
    """Major, minor, build."""

    start_utc_s: float = 1_710_408_413.0
    """Date at which it is switched on."""

    last_off_utc_s: float | None = 1_710_404_813.0
    """Date at which its tube was last switched off, by its own time stamp; None for a new tube."""

    run_time_s: float = 86400.0
    interlock_ma: float = 25.0
    supply_v: float = 12.0
    stopped_talking_s: float | None = 2.0
    """Silence after which a tube that is on is switched off, fault 10 (assumed); None: never."""

    unplug_trip_s: float | None = 0.1
    """From the loss of USB to fault 9 (assumed); None: not noticed."""

    ramp_kv_s: float = 100.0
    """Assumed."""

    ramp_ua_s: float = 400.0
    """Assumed."""

    grace_s: float = 2.0
    """From a change to the first comparison of monitor and set-point (assumed)."""

    fault_refreshes: int = 3
    """Refreshes in a row that must be outside before it trips (assumed)."""

    kv_monitor_gain: float = 1.002
    ua_monitor_gain: float = 0.997
    """Gain errors of the monitors (assumed)."""

    stall_s: float = 0.1
    """After a text configuration nothing is handled for so long; 80 to 400 ms on a DP5, assumed here."""

    reply_s: float = 2e-3
    """From a request to its reply (assumed)."""

    restarts_when_closed: bool = False
    """Whether set-points survive an open interlock, so that closing it brings the beam back (unknown)."""

    shows_warm_up_done: bool = False
    """Whether code 11 stands as the present code until the next set command, or only as the previous one (unknown)."""

    zero_text: str = "0.000"
    """What a read-back gives for a set-point of zero (unknown)."""
