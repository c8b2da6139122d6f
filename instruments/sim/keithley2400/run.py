"""One pass through the trigger model, from leaving idle to being idle again (User's Manual, section 11)."""

import math
from collections import deque
from collections.abc import Callable

from instruments.sim.keithley2400.formats import NOT_AVAILABLE, OVERFLOW
from instruments.sim.keithley2400.meter import Meter, Sample
from instruments.sim.keithley2400.ranges import CURRENT, holding
from instruments.sim.keithley2400.settings import LOW_POWER_CURRENT, Kept, Settings
from instruments.sim.scpi import CONFLICT, ScpiError

LATENCY_S, END_S = 1e-4, 4e-4
RANGE_CHANGE_S = 0.03
POWER = 826
AUTO_DELAYS_S = {1e-6: 3e-3, 10e-6: 2e-3}
"""Assumed; 1 ms on every other range."""

ALWAYS = ("IMM", "TIM")
Reading = tuple[float, float, float, float, float]


class Run:
    """Takes readings as time passes; `keep` is given each and says whether to go on."""

    def __init__(
        self, settings: Settings, kept: Kept, meter: Meter, start_s: float,
        keep: Callable[[Reading, Sample], bool], stamp: Callable[[float], float],
    ) -> None:  # fmt: skip
        self._settings, self._kept, self._meter = settings, kept, meter
        self._keep, self._stamp = keep, stamp
        self._left = round(settings.arm.count * settings.trigger.count)
        self._levels = sweep_levels(settings)
        self._index = 0
        self._filter: deque[Sample] = deque(maxlen=settings.filter_count)
        self._window_start_s = math.nan
        self._is_measuring = False
        self.next_s = math.inf
        """When the source will be set or the reading under way be complete; inf while waiting for a trigger."""
        self.is_done = False
        if settings.arm.source in ALWAYS and settings.trigger.source == "IMM":
            self._begin(start_s)

    def trigger(self, time_s: float) -> None:
        """A bus trigger (``*TRG``): starts a run that waits for one."""
        if self._settings.arm.source == "BUS" and math.isinf(self.next_s) and not self.is_done:
            self._begin(time_s)

    def advance(self, now_s: float) -> None:
        """Set the source and complete every reading due by `now_s`, in the order of time."""
        while not self.is_done and self.next_s <= now_s:
            if self._is_measuring:
                self._complete()
            else:
                self._set_source(self.next_s)

    def _begin(self, time_s: float) -> None:
        self._is_measuring = False
        self.next_s = time_s + LATENCY_S + self._settings.trigger.delay_s

    def _set_source(self, set_s: float) -> None:
        settings = self._settings
        if self._levels:
            settings.source.level = self._levels[self._index % len(self._levels)]
            settings.source.range = holding(settings.source.ranges, max(map(abs, self._levels)))
        elif settings.source.triggered_level is not None:
            settings.source.level, settings.source.triggered_level = settings.source.triggered_level, None
        self._meter.apply(settings, set_s, is_on=True)
        self._measure_from(set_s + source_delay_s(settings))

    def _measure_from(self, start_s: float) -> None:
        self._is_measuring = True
        self._window_start_s = start_s
        self.next_s = start_s + conversions_s(self._settings, self._kept) + END_S

    def _complete(self) -> None:
        settings, end_s = self._settings, self.next_s
        averaged = settings.filter_count if settings.filter and settings.filter_kind == "REP" else 1
        window_s = averaged * settings.nplc / self._kept.line_frequency
        sample = self._meter.convert(settings, self._window_start_s, window_s, averaged=averaged)
        if self._walk_range(end_s):
            return
        if settings.filter and settings.filter_kind == "MOV":
            sample = self._moving(sample)
        goes_on = self._keep(self._reading(sample, end_s), sample)
        self._index += 1
        self._left -= 1
        if not goes_on or self._left <= 0:
            self._finish(end_s)
        elif settings.arm.source == "BUS" and self._index % round(settings.trigger.count) == 0:
            self.next_s = math.inf
        else:
            self._begin(self._next_start_s(end_s))

    def _next_start_s(self, end_s: float) -> float:
        settings = self._settings
        new_arm = self._index % round(settings.trigger.count) == 0
        if new_arm and settings.arm.source == "TIM":
            return max(end_s, self._window_start_s + settings.arm.timer_s)
        return end_s

    def _finish(self, end_s: float) -> None:
        self.is_done, self.next_s = True, end_s
        if self._settings.clear_auto:
            self._settings.output = False
            self._meter.apply(self._settings, end_s)

    def _walk_range(self, end_s: float) -> bool:
        """Go one range up or down when auto-ranging wants it; the reading is then taken again."""
        sense = self._settings.sense_curr
        if not sense.range_auto or self._settings.source_function != "VOLT":
            return False
        wanted = self._meter.needed_range(self._settings)
        at, to = (next(i for i, each in enumerate(CURRENT) if each.name == r.name) for r in (sense.range, wanted))
        if at == to:
            return False
        sense.range = CURRENT[at + (1 if to > at else -1)]
        self._filter.clear()
        self._measure_from(end_s + RANGE_CHANGE_S)
        return True

    def _moving(self, sample: Sample) -> Sample:
        self._filter.append(sample)
        amps = sum(each.amps for each in self._filter) / len(self._filter)
        volts = sum(each.volts for each in self._filter) / len(self._filter)
        return Sample(volts, amps, sample.overflow, sample.in_compliance, sample.in_range_compliance)

    def _reading(self, sample: Sample, end_s: float) -> Reading:
        settings = self._settings
        sources_volts = settings.source_function == "VOLT"
        volts = settings.volt.level if sources_volts else NOT_AVAILABLE
        amps = NOT_AVAILABLE if sources_volts else settings.curr.level
        if "VOLT" in settings.functions:
            volts = sample.volts
        if "CURR" in settings.functions:
            amps = math.copysign(OVERFLOW, sample.amps) if sample.overflow else sample.amps
        ohms = NOT_AVAILABLE
        if "RES" in settings.functions:
            ohms = sample.volts / sample.amps if sample.amps else OVERFLOW
        return volts, amps, ohms, self._stamp(end_s), float(status_word(settings, sample))


def check_sweep(settings: Settings) -> None:
    """Refuse a logarithmic sweep through zero, and levels that the power limit does not allow."""
    source = settings.source
    if source.mode == "SWE" and settings.sweep_spacing == "LOG" and not source.start * source.stop > 0:
        raise ScpiError(CONFLICT)
    highest = max(map(abs, sweep_levels(settings)), default=0.0)
    sources_volts = settings.source_function == "VOLT"
    if sources_volts and highest > source.ranges[-2].full_scale and source.protection > LOW_POWER_CURRENT:
        raise ScpiError(POWER)


def sweep_levels(settings: Settings) -> list[float]:
    """Get the source levels of a sweep or list; empty for a fixed source."""
    source = settings.source
    if source.mode == "LIST":
        return list(source.points)
    if source.mode != "SWE":
        return []
    count = settings.sweep_points
    if settings.sweep_spacing == "LOG":
        ratio = (source.stop / source.start) ** (1 / (count - 1))
        levels = [source.start * ratio**index for index in range(count)]
    else:
        step = (source.stop - source.start) / (count - 1)
        levels = [source.start + step * index for index in range(count)]
    return levels if settings.sweep_direction == "UP" else levels[::-1]


def source_delay_s(settings: Settings) -> float:
    """Get the wait from setting the source to the first conversion."""
    if settings.delay_auto:
        return AUTO_DELAYS_S.get(settings.sense_curr.range.name, 1e-3)
    return settings.delay_s


def conversions_s(settings: Settings, kept: Kept) -> float:
    """Get the time of the conversions of one reading."""
    repeats = settings.filter_count if settings.filter and settings.filter_kind == "REP" else 1
    zeroes = 3 if settings.autozero else 1
    return max(len(settings.functions), 1) * settings.nplc / kept.line_frequency * zeroes * repeats


def status_word(settings: Settings, sample: Sample) -> int:
    """Get the 24-bit status of a reading (User's Manual, section 18, data elements)."""
    sources_volts = settings.source_function == "VOLT"
    bits = (
        (0, sample.overflow), (1, settings.filter), (2, settings.terminals == "FRON"), (3, sample.in_compliance),
        (10, settings.ohms_auto), (11, "VOLT" in settings.functions), (12, "CURR" in settings.functions),
        (13, "RES" in settings.functions), (14, sources_volts), (15, not sources_volts),
        (16, sample.in_range_compliance), (22, settings.remote_sense),
    )  # fmt: skip
    return sum(1 << bit for bit, is_set in bits if is_set)
