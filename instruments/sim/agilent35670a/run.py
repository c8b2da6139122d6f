"""One measurement in time: range the input, let the filters settle, take records until there are enough."""

import math
from collections.abc import Callable

import numpy as np

from instruments.sim.agilent35670a.channel import Channel, Stream
from instruments.sim.agilent35670a.settings import (
    HIGHEST_RANGE_DB,
    LOWEST_RANGE_DB,
    RANGE_STEP_DB,
    Settings,
    full_scale_v,
)
from instruments.sim.agilent35670a.spectrum import Average
from instruments.sim.agilent35670a.status import AVERAGING, MEASURING, RANGING, SETTLING

RANGE_S = 0.08
"""One step of autorange."""
RANGE_SAMPLES = 256
PROCESSING_S = 0.03
START_S = 0.05
"""From the command to the first sample, besides the settling of one record."""
FINE_SAMPLES_AT_ONCE = 2**20
LEAD_SHARE = 0.125
"""What the anti-alias filter needs of the time before a record, at most, as a share of it."""

Seen = Callable[[bool, bool], None]


class Run:
    """A measurement under `settings`, whose range it changes when autorange is on; `seen` is told of each look.

    It ends after `wanted` records more (infinity: never). `next_s` is when its phase may change.
    """

    def __init__(
        self, settings: Settings, channel: Channel, start_s: float, average: Average, wanted: float, seen: Seen,
        *, only_range: bool = False,
    ) -> None:  # fmt: skip
        self.settings = settings
        self.average = average
        self.is_done = False
        self._channel = channel
        self._wanted = wanted
        self._seen = seen
        self._only_range = only_range
        self._taken = 0
        self._good = 0
        self._stream_begin = 0
        self._first_s = math.inf
        self._stream: Stream | None = None
        self._has_stepped_up = False
        self.phase = RANGING if settings.range_auto or only_range else SETTLING
        self.next_s = start_s + (RANGE_S if self.phase == RANGING else self._settling_s)

    @property
    def condition(self) -> int:
        """Get the bits of the operation register."""
        if self.phase != MEASURING:
            return self.phase
        return MEASURING | (AVERAGING if self.settings.average else 0)

    @property
    def _settling_s(self) -> float:
        return START_S + self.settings.record_s

    # phases -------------------------------------------------------------------------------------------------------
    def step(self) -> None:
        """Do what is due at `next_s`."""
        now_s = self.next_s
        if self.phase == RANGING:
            self._range(now_s)
        elif self.phase == SETTLING:
            self.phase, self._stream = MEASURING, Stream(self._channel, self.settings, now_s)
            self._first_s = now_s
            self._expect()
        else:
            self.progress(now_s)

    def _range(self, now_s: float) -> None:
        spacing_s = RANGE_S / RANGE_SAMPLES
        volts = self._channel.sense(now_s - RANGE_S, spacing_s, RANGE_SAMPLES, self.settings)
        peak_v = float(np.abs(volts).max())
        self._look(peak_v)
        if self._adjust(peak_v, steps=1):
            self.next_s = now_s + RANGE_S
        elif self._only_range:
            self.is_done = True
        else:
            self.phase, self.next_s = SETTLING, now_s + self._settling_s

    def _adjust(self, peak_v: float, steps: int) -> bool:
        """Go up or down by at most so many steps; tells whether the range has changed."""
        settings = self.settings
        before = settings.range_db
        for _ in range(steps):
            if peak_v > settings.full_scale_v and settings.range_db < HIGHEST_RANGE_DB:
                settings.range_db += RANGE_STEP_DB
                self._has_stepped_up = True
            elif peak_v < settings.full_scale_v / 2 and self._may_go_down:
                settings.range_db -= RANGE_STEP_DB
        return settings.range_db != before

    @property
    def _may_go_down(self) -> bool:
        """A range that was too small is not tried again by the same measurement, unless it never ends."""
        settings = self.settings
        blocked = self._has_stepped_up and math.isfinite(self._wanted)
        return settings.range_direction == "EITH" and settings.range_db > LOWEST_RANGE_DB and not blocked

    def _look(self, peak_v: float) -> bool:
        full_v = full_scale_v(self.settings.range_db)
        self._seen(peak_v > full_v, peak_v > full_v / 2)
        return peak_v > full_v

    # records ------------------------------------------------------------------------------------------------------
    @property
    def _spacing_s(self) -> float:
        return self.settings.record_s / self.settings.samples

    def _end_s(self, taken: int) -> float:
        """Get when so many records are there."""
        return self._first_s + ((taken - 1) * self.settings.hop + self.settings.samples) * self._spacing_s

    def _expect(self) -> None:
        """Find out when it can be over at the earliest."""
        missing = self._wanted - self._good
        self.next_s = self._end_s(self._taken + int(missing)) + PROCESSING_S if math.isfinite(missing) else math.inf

    def progress(self, now_s: float) -> None:
        """Take the records that are complete at `now_s`."""
        if self.phase != MEASURING or self.is_done:
            return
        due = self._due(now_s)
        while self._taken < due and not self.is_done and self.phase == MEASURING:
            self._take(min(due - self._taken, self._at_once))
        if not self.is_done and self.phase == MEASURING:
            self._expect()

    def _due(self, now_s: float) -> int:
        settings = self.settings
        passed = (now_s - PROCESSING_S - self._first_s) / self._spacing_s + 1e-3
        due = 0 if passed < settings.samples else int((passed - settings.samples) // settings.hop) + 1
        if math.isfinite(self._wanted):
            return min(due, self._taken + int(self._wanted) - self._good)
        self._skip_to(due - 1)  # nobody will ever see those before the last
        return due

    def _skip_to(self, record: int) -> None:
        """Leave out records that will be replaced, if their samples can be left out as a whole."""
        start_s = self._end_s(record + 1) - self.settings.record_s
        if self._stream is None or start_s < self._stream.end_s + LEAD_SHARE * self.settings.record_s:
            return
        self._taken = self._stream_begin = record
        self._stream = Stream(self._channel, self.settings, start_s)

    @property
    def _at_once(self) -> int:
        settings = self.settings
        if not settings.is_real_time:
            return 1
        return max(FINE_SAMPLES_AT_ONCE // (max(settings.hop, settings.samples // 8) * self._channel.oversampling), 1)

    def _take(self, count: int) -> None:
        settings = self.settings
        if self._stream is None or not settings.is_real_time:
            start_s = self._end_s(self._taken + 1) - settings.record_s
            self._stream, at = Stream(self._channel, settings, start_s), 0
        else:
            at = (self._taken - self._stream_begin) * settings.hop
        records, peaks = self._stream.records(at, count, settings.hop, settings.samples)
        self._taken += count
        overloaded = peaks > settings.full_scale_v
        for peak_v in (float(peaks.max()), float(peaks[-1])):
            self._look(peak_v)
        if self._ranged_again(float(peaks[-1])):
            return
        good = records[~overloaded] if settings.rejects_overload else records
        if len(good):
            self.average.add(good)
        self._good += len(good)
        self.is_done = self._good >= self._wanted

    def _ranged_again(self, peak_v: float) -> bool:
        """Change the range after a record that is not averaged; it is taken again when there is an end to come to."""
        settings = self.settings
        if not settings.range_auto or settings.average or not self._adjust(peak_v, steps=1):
            return False
        if math.isfinite(self._wanted):
            self.phase, self.next_s = SETTLING, self._end_s(self._taken) + RANGE_S + self._settling_s
            self._taken = self._stream_begin = 0
            self._stream = None
            return True
        return False

    def sample_to(self, time_s: float) -> None:
        """Sample what is past, so that the world may change at `time_s`: nothing is asked for from before it again."""
        self.progress(time_s)
        lead_s = LEAD_SHARE * self.settings.record_s
        if self.is_done:
            return
        if self.phase == RANGING:
            self.next_s = time_s + RANGE_S
        elif self.phase == SETTLING:
            self.next_s = max(self.next_s, time_s + lead_s)
        elif self.settings.is_real_time and self._stream is not None:
            self._first_s += self._stream.slip_to(time_s)
            self._expect()
        else:
            start_s = max(self._end_s(self._taken + 1) - self.settings.record_s, time_s + lead_s)
            self._first_s = start_s - self._taken * self.settings.hop * self._spacing_s
            self._expect()
