"""Words of the SRS SR570 current preamplifier: commands only, because it never says anything.

The command letters and ranges are those in use in the public drivers of MX, EPICS (module ip) and pymeasure 0.16.
Every argument is a whole number; most are indices into the ladders below. Bias (`BSLV`, millivolts) and offset
current (`IOLV`, an index) are different things with similar letters: a published driver sends the one for the other.
"""

import math
from collections.abc import Sequence
from itertools import product
from typing import Literal

from xraydaq.errors import LimitError

GainMode = Literal["low_noise", "high_bandwidth", "low_drift"]
Filter = Literal["high_pass_6db", "high_pass_12db", "band_pass_6db", "low_pass_6db", "low_pass_12db", "none"]

SENSITIVITIES_A_V = tuple(float(f"{digit}e{power}") for power, digit in product(range(-12, -2), (1, 2, 5)))[:28]
"""`SENS` 0 to 27: 1 pA/V to 1 mA/V."""

OFFSETS_A = tuple(float(f"{digit}e{power}") for power, digit in product(range(-12, -2), (1, 2, 5)))
"""`IOLV` 0 to 29: 1 pA to 5 mA."""

LOW_PASS_HZ = tuple(float(f"{digit}e{power}") for power, digit in product(range(-2, 6), (3, 10)))
"""`LFRQ` 0 to 15: 0.03 Hz to 1 MHz. The letters mean the corner of the low-pass."""

HIGH_PASS_HZ = LOW_PASS_HZ[:12]
"""`HFRQ` 0 to 11: 0.03 Hz to 10 kHz."""

GAIN_MODES: tuple[GainMode, ...] = ("low_noise", "high_bandwidth", "low_drift")
FILTERS: tuple[Filter, ...] = (
    "high_pass_6db",
    "high_pass_12db",
    "band_pass_6db",
    "low_pass_6db",
    "low_pass_12db",
    "none",
)
LARGEST_BIAS_V = 5.0

RANGES = {
    "SENS": (0, 27),
    "SUCM": (0, 1),
    "IOON": (0, 1),
    "IOLV": (0, 29),
    "IOSN": (0, 1),
    "IOUC": (0, 1),
    "BSON": (0, 1),
    "BSLV": (-5000, 5000),
    "FLTT": (0, 5),
    "LFRQ": (0, 15),
    "HFRQ": (0, 11),
    "GNMD": (0, 2),
    "INVT": (0, 1),
    "BLNK": (0, 1),
}
"""Allowed arguments. Nothing outside is sent, because the instrument refuses in silence."""

BARE = ("ROLD", "*RST")


def format_command(letters: str, argument: int | None = None) -> str:
    """Spell a command, such as ``SENS 12``.

    Raises:
        LimitError: not a command of the instrument, or an argument that it would ignore.
    """
    if argument is None and letters in BARE:
        return letters
    if letters not in RANGES or argument is None:
        raise LimitError(f"SR570: {letters} {argument} is no command")
    low, high = RANGES[letters]
    # True would be spelt "True"
    if type(argument) is not int or not low <= argument <= high:
        raise LimitError(f"SR570: {letters} {argument}; allowed: whole numbers from {low} to {high}")
    return f"{letters} {argument}"


def step_index(value: float, steps: Sequence[float], what: str, unit: str) -> int:
    """Get the index of a step; a value between two steps is refused, not rounded.

    Raises:
        LimitError: not a step.
    """
    for index, step in enumerate(steps):
        if math.isclose(value, step, rel_tol=1e-6):
            return index
    ladder = f"{_leading(steps)} from {steps[0]:g} to {steps[-1]:g} {unit}"
    raise LimitError(f"SR570: {what} {value:g} {unit}; allowed: steps of {ladder}")


def bias_millivolts(bias_v: float) -> int:
    """Get the argument of `BSLV`; finer than a millivolt is refused, not rounded.

    Raises:
        LimitError: beyond 5 V, or no whole number of millivolts.
    """
    if not abs(bias_v) <= LARGEST_BIAS_V:
        raise LimitError(f"SR570: bias {bias_v} V; allowed: -5 V to 5 V")
    millivolts = round(bias_v * 1000)
    if not math.isclose(millivolts / 1000, bias_v, rel_tol=1e-9, abs_tol=1e-9):
        raise LimitError(f"SR570: bias {bias_v} V; allowed: steps of 1 mV")
    return millivolts


def _leading(steps: Sequence[float]) -> str:
    digits = sorted({f"{step:.0e}"[0] for step in steps})
    return "-".join(digits)
