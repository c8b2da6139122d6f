"""The analog side of an SR570: from the current at its input to the voltage at its output.

Everything is in means over equal windows. Poles are updated as for an input that is constant within a window, which is
exact for slow poles and leaves fast ones without effect.
"""

import math
from collections import deque
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from instruments.sim.amplifier_noise import AmplifierNoise
from instruments.sim.sr570.state import HIGHEST_SENSITIVITY_INDEX, State, one_two_five

Floats = NDArray[np.float64]

FULL_SCALE_V = 5.0
RAIL_V = 10.0
"""Where the stages before the filter limit (assumed): what a capacitor can be charged to by an overload."""
GAIN_ERROR, OFFSET_V = 5e-3, 10e-3
CORNER_HZ = 2.0
TIME_CONSTANTS_TO_SETTLE = 7.6
"""A transient that starts at the rail is down to 0.1 % of full scale after the waiting time of the table."""
RESET_OVERLOAD_S = 0.5


class CurrentSource(Protocol):
    """What hangs at the input.

    Times never go back, with one exception: a bias may be set at a moment from before which windows are still to be
    asked for. They must see it at its own moment, unless whoever digitises samples them first
    (`SimSr570.before_change`).
    """

    def currents_a(self, start_s: float, spacing_s: float, count: int) -> Floats:
        """Get the mean current of each of `count` windows from `start_s` on."""

    def set_bias(self, time_s: float, bias_v: float) -> None:
        """Change the voltage across it."""


@dataclass(frozen=True)
class Change:
    """Other settings from a moment on; `discharges` when the overload is reset."""

    time_s: float
    state: State
    discharges: bool = False


class _Pole:
    """A first-order low pass with memory; the high pass is what it leaves."""

    def __init__(self, value: float = 0.0) -> None:
        self.value = value

    def run(self, volts: Floats, corner_hz: float, spacing_s: float) -> Floats:
        """Get its value at the end of each window."""
        from scipy.signal import lfilter  # slow to import, and many tests never need it

        kept = math.exp(-2 * math.pi * corner_hz * spacing_s)
        found, _ = lfilter([1 - kept], [1, -kept], volts, zi=[kept * self.value])
        self.value = float(found[-1])
        return np.asarray(found, dtype=float)

    def taken_from(self, volts: Floats, corner_hz: float, spacing_s: float) -> Floats:
        """Get what it leaves of the mean of each window."""
        before = self.value
        ends = self.run(volts, corner_hz, spacing_s)
        return volts - (np.concatenate([[before], ends[:-1]]) + ends) / 2


class Output:
    """The output of one unit, whose gains and offset are its own."""

    def __init__(self, source: CurrentSource, state: State, *, seed: int, offset_polarity: int) -> None:
        rng = np.random.default_rng([seed, 570])
        self._source = source
        self._gains = 1 + GAIN_ERROR * rng.uniform(-1, 1, HIGHEST_SENSITIVITY_INDEX + 1)
        self._offset_v = OFFSET_V * rng.uniform(-1, 1)
        self._offset_polarity = offset_polarity
        self._rng = rng
        self._noise = AmplifierNoise(np.random.default_rng([seed, 571]), CORNER_HZ)
        self._state = state
        self._changes: deque[Change] = deque()
        self._gain_pole = _Pole()
        self._high_poles, self._low_poles = (_Pole(), _Pole()), (_Pole(), _Pole())
        self._spike_v, self._spike_s = 0.0, -math.inf
        self._discharging_until_s = -math.inf
        self._is_first = True
        self.overload_latched = False

    def truth(self) -> dict[str, object]:
        """Get how far it is off: the gain of each sensitivity, and the offset at the output."""
        gain_errors = {f"{one_two_five(index):g}": float(gain) - 1 for index, gain in enumerate(self._gains)}
        return {"gain_error_of_a_per_v": gain_errors, "offset_v": float(self._offset_v)}

    def change(self, change: Change) -> None:
        """Note what happens to the settings; takes effect on windows from that moment on."""
        self._changes.append(change)

    def voltages_v(self, start_s: float, spacing_s: float, count: int) -> Floats:
        """Get the mean output voltage of each window."""
        currents_a = np.asarray(self._source.currents_a(start_s, spacing_s, count), dtype=float)
        noise = self._noise.means(start_s, spacing_s, count)
        found = np.empty(count)
        at = 0
        while at < count:
            to = self._next_change(start_s + at * spacing_s, start_s, spacing_s, count)
            piece = slice(at, to)
            found[piece] = self._piece(currents_a[piece], noise[piece], start_s + at * spacing_s, spacing_s)
            at = to
        return found

    def _next_change(self, now_s: float, start_s: float, spacing_s: float, count: int) -> int:
        """Apply what is due and get the index of the window at which the next change acts."""
        while self._changes and self._changes[0].time_s <= now_s + 1e-6 * spacing_s:
            self._apply(self._changes.popleft())
        if not self._changes:
            return count
        return min(math.ceil((self._changes[0].time_s - start_s) / spacing_s - 1e-6), count)

    def _apply(self, change: Change) -> None:
        before, self._state = self._state, change.state
        disturbing = ("sensitivity", "gain_mode", "filter_type")
        if any(getattr(before, name) != getattr(change.state, name) for name in disturbing):
            self._spike_v, self._spike_s = RAIL_V * float(self._rng.choice([-1, 1])), change.time_s
        if change.discharges:
            self._discharging_until_s = change.time_s + RESET_OVERLOAD_S
            self.overload_latched = False

    def _piece(self, currents_a: Floats, noise: Floats, start_s: float, spacing_s: float) -> Floats:
        """Go from current to voltage while no setting changes."""
        state = self._state
        input_a = currents_a + state.noise_a_per_rthz * noise + self._offset_polarity * state.offset_a
        gain_v_per_a = self._gains[state.sensitivity] * state.gain_share / state.sensitivity_a_per_v
        ideal_v = gain_v_per_a * input_a
        if self._is_first:
            self._settle(float(ideal_v[0]))
        staged = self._gain_pole.run(ideal_v, state.bandwidth_hz, spacing_s)
        limited = np.asarray(np.clip(staged, -RAIL_V, RAIL_V), dtype=float)
        times_s = np.asarray(start_s + spacing_s * np.arange(len(staged)), dtype=float)
        volts = self._filter(limited, times_s, spacing_s)
        if state.inverted:
            volts = -volts
        volts += self._offset_v + self._spike(times_s)
        is_over = (np.abs(volts) > FULL_SCALE_V) | (np.abs(staged) > RAIL_V)
        self.overload_latched |= bool(np.any(is_over & (times_s >= self._discharging_until_s)))
        return np.zeros(len(volts)) if state.blanked else np.clip(volts, -FULL_SCALE_V, FULL_SCALE_V)

    def _settle(self, volts: float) -> None:
        """Start as if the input had always been what it is."""
        self._is_first = False
        bounded = min(max(volts, -RAIL_V), RAIL_V)
        self._gain_pole.value = volts
        for index, pole in enumerate((*self._high_poles, *self._low_poles)):
            pole.value = 0.0 if index == 1 or (index > 1 and self._state.filters_hz[0]) else bounded

    def _filter(self, volts: Floats, times_s: Floats, spacing_s: float) -> Floats:
        """Pass the filter; while its capacitors are shorted nothing comes out, and then they hold what is there."""
        shorted = int(np.searchsorted(times_s, self._discharging_until_s))
        if shorted:
            self._short(float(volts[shorted - 1]))
        rest = volts[shorted:]
        high_hz, low_hz = self._state.filters_hz
        if len(rest):
            for pole, corner_hz in zip(self._high_poles, high_hz, strict=False):
                rest = pole.taken_from(rest, corner_hz, spacing_s)
            for pole, corner_hz in zip(self._low_poles, low_hz, strict=False):
                rest = pole.run(rest, corner_hz, spacing_s)
        return np.concatenate([np.zeros(shorted), rest])

    def _short(self, present_v: float) -> None:
        high_hz, _ = self._state.filters_hz
        for index, pole in enumerate(self._high_poles):
            pole.value = present_v if index == 0 else 0.0
        for pole in self._low_poles:
            pole.value = 0.0 if high_hz else present_v

    def _spike(self, times_s: Floats) -> Floats:
        """Get what a change of gain, mode or filter leaves at the output."""
        age_s = times_s - self._spike_s
        return self._spike_v * np.exp(-TIME_CONSTANTS_TO_SETTLE * age_s / self._state.settling_s)
