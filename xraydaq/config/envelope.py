"""What the instruments can do at all, as far as a configuration must respect it.

Keithley 2400: ranges and envelope from its published specification, range rules from its user's manual.
"""

CURRENT_RANGES_A = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
"""Measure and compliance ranges; each holds 105 % of its name."""

OVERRANGE = 1.05
MAX_BIAS_V = 210.0
MAX_CURRENT_A = 1.05
LOW_VOLTAGE_V = 21.0
"""Above this bias the current is limited to `HIGH_VOLTAGE_CURRENT_A` (22 W envelope)."""

HIGH_VOLTAGE_CURRENT_A = 0.105
REPLY_CHARACTERS = 70
"""Length of a reading of five elements with its terminator; ten bit times each on a serial line."""

OVERHEAD_S = 0.02
"""Trigger, source delay, and bus time of one reading, generously."""


def smallest_range_a(current_a: float, *, full_scale: float = 1.0) -> float:
    """Get the smallest current range whose `full_scale` (share of its name) holds `current_a`; nan when none does."""
    return next((each for each in CURRENT_RANGES_A if current_a <= each * full_scale * (1 + 1e-12)), float("nan"))


def reading_time_s(nplc: float, line_frequency_hz: float, *, serial_baud: int | None = None) -> float:
    """Get the time one reading takes at most, from trigger to the last character of its reply."""
    reply_s = 0.0 if serial_baud is None else REPLY_CHARACTERS * 10 / serial_baud
    return nplc / line_frequency_hz + OVERHEAD_S + reply_s
