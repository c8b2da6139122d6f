"""What is set on an SR570, how it is sent, and how long it takes to settle. Not verified on hardware."""

import math
from dataclasses import dataclass, replace

from instruments.wire.sr570 import (
    FILTERS,
    GAIN_MODES,
    HIGH_PASS_HZ,
    LOW_PASS_HZ,
    OFFSETS_A,
    SENSITIVITIES_A_V,
    Filter,
    GainMode,
    bias_millivolts,
    step_index,
)
from xraydaq.errors import LimitError

MODEL = "SR570 (cannot answer)"
UNKNOWN = "unknown (cannot answer)"

_LOW_PASS = ("low_pass_6db", "low_pass_12db", "band_pass_6db")
_HIGH_PASS = ("high_pass_6db", "high_pass_12db", "band_pass_6db")
_TWO_POLES = ("low_pass_12db", "high_pass_12db")

_SETTLING_S = {  # high bandwidth, low noise; measured on units at a beamline (apstools, tests of the SR570)
    1e-12: (2.5, 3.0),
    2e-12: (2.0, 2.5),
    5e-12: (2.0, 2.0),
    1e-11: (0.5, 2.0),
    2e-11: (0.5, 1.75),
    5e-11: (0.5, 1.5),
    1e-10: (0.5, 1.25),
    2e-10: (0.5, 0.5),
    5e-10: (0.5, 0.5),
}
_SETTLING_ABOVE_S = (0.5, 0.5)
ONE_POLE = 5 / (2 * math.pi)
"""Five time constants, times the corner frequency."""

TWO_POLES = 1.5 * ONE_POLE
"""The same remainder, exp(-5), takes 7.1 time constants of two equal poles; 7.5 are waited for."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who is at the other end; of an SR570 nothing can be known."""

    manufacturer: str
    model: str
    serial: str
    firmware: str


@dataclass(frozen=True, slots=True)
class Sr570Settings:
    """Every setting that a voltage at the output depends on; values between the steps are refused.

    The verniers are always off (calibrated). `bias_v` and `offset_a` are off when None.
    """

    sensitivity_a_v: float
    gain_mode: GainMode = "low_noise"
    filter: Filter = "none"
    low_pass_hz: float | None = None
    """Corner of the low-pass, given if and only if `filter` has one."""

    high_pass_hz: float | None = None
    bias_v: float | None = None
    """Voltage on the input, that is on the sample. Whole millivolts."""

    offset_a: float | None = None
    """Current added at the input; the sign is a setting of the driver (`positive_offset`)."""

    inverted: bool = False

    def __post_init__(self) -> None:
        """Refuse what the instrument does not have.

        Raises:
            LimitError: with what was asked and what is allowed.
        """
        step_index(self.sensitivity_a_v, SENSITIVITIES_A_V, "sensitivity", "A/V")
        for value, allowed, name in ((self.gain_mode, GAIN_MODES, "gain mode"), (self.filter, FILTERS, "filter")):
            if value not in allowed:
                raise LimitError(f"SR570: {name} {value!r}; allowed: {', '.join(allowed)}")
        self._check_corner(self.low_pass_hz, self.filter in _LOW_PASS, LOW_PASS_HZ, "low-pass corner")
        self._check_corner(self.high_pass_hz, self.filter in _HIGH_PASS, HIGH_PASS_HZ, "high-pass corner")
        if self.bias_v is not None:
            bias_millivolts(self.bias_v)
        if self.offset_a is not None:
            step_index(abs(self.offset_a), OFFSETS_A, "offset current", "A")

    def _check_corner(self, corner_hz: float | None, wanted: bool, steps: tuple[float, ...], what: str) -> None:
        if (corner_hz is not None) != wanted:
            raise LimitError(f"SR570: {what} {corner_hz} with filter {self.filter}; give it if the filter has one")
        if corner_hz is not None:
            step_index(corner_hz, steps, what, "Hz")


def commands(settings: Sr570Settings, *, positive_offset: int) -> tuple[tuple[str, int], ...]:
    """Get what is sent for the settings, bias and blanking aside: everything, also what is off."""
    low, high, offset = settings.low_pass_hz, settings.high_pass_hz, settings.offset_a
    sign = positive_offset if offset is None or offset > 0 else 1 - positive_offset
    return (
        ("SUCM", 0),
        ("SENS", step_index(settings.sensitivity_a_v, SENSITIVITIES_A_V, "sensitivity", "A/V")),
        ("GNMD", GAIN_MODES.index(settings.gain_mode)),
        ("FLTT", FILTERS.index(settings.filter)),
        ("LFRQ", len(LOW_PASS_HZ) - 1 if low is None else step_index(low, LOW_PASS_HZ, "low-pass corner", "Hz")),
        ("HFRQ", 0 if high is None else step_index(high, HIGH_PASS_HZ, "high-pass corner", "Hz")),
        ("INVT", int(settings.inverted)),
        ("IOON", 0),
        ("IOUC", 0),
        ("IOSN", sign),
        ("IOLV", 0 if offset is None else step_index(abs(offset), OFFSETS_A, "offset current", "A")),
        ("IOON", int(offset is not None)),
    )


def settling_s(settings: Sr570Settings) -> float:
    """Get how long the output takes after a change: the gain stage, then five time constants of the filter."""
    column = 0 if settings.gain_mode == "high_bandwidth" else 1
    steps = [pair for step, pair in _SETTLING_S.items() if math.isclose(step, settings.sensitivity_a_v, rel_tol=1e-6)]
    gain_s = (steps[0] if steps else _SETTLING_ABOVE_S)[column]
    factor = TWO_POLES if settings.filter in _TWO_POLES else ONE_POLE
    corners_hz = [corner for corner in (settings.low_pass_hz, settings.high_pass_hz) if corner is not None]
    return gain_s + sum(factor / corner_hz for corner_hz in corners_hz)


def with_bias(settings: Sr570Settings, bias_v: float | None) -> Sr570Settings:
    """Get the same settings with another bias."""
    return replace(settings, bias_v=bias_v)
