"""The chopped traces of a dose-rate sweep: one step per visit of a dose rate, one per blank run, one spectrum for all.

The spectrum is that of the blank runs, unless one is given.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from xraydaq.analysis.blank_spectrum import blank_spectrum
from xraydaq.analysis.chopped import Windows, together
from xraydaq.analysis.noise import NoisePsd
from xraydaq.analysis.photocurrent_step import Step, photocurrent_step
from xraydaq.analysis.values import Booleans, Floats, NotEnoughData, Value

LONGEST_GAP_S = 60.0  # between readings of one visit
LEAST_BLANK_WINDOWS = 20


@dataclass(frozen=True)
class Trace:
    """Columns of a whole sweep in order of time, one entry per reading; `blank` runs have the same times, no beam.

    `temperature_k`: of the crystal, None if not measured.
    """

    elapsed_s: Floats
    current_a: Floats
    status: Floats
    beam_on: Floats
    point: Floats
    blank: Booleans
    temperature_k: Floats | None = None

    def usable(self, rows: slice) -> tuple[Floats, Floats]:
        """Return time in s and current in A of the readings of some rows that nothing is wrong with."""
        good = np.isfinite(self.current_a[rows]) & (self.status[rows] == 0)
        return self.elapsed_s[rows][good], self.current_a[rows][good]

    def visits(self) -> list[tuple[int, bool, slice]]:
        """Return (point, whether blank, rows) for each stretch of rows that belong together."""
        new = (np.diff(self.point) != 0) | (np.diff(self.blank.astype(np.int8)) != 0)
        new |= np.diff(self.elapsed_s) > LONGEST_GAP_S
        edges = [0, *(int(row) + 1 for row in np.flatnonzero(new)), len(self.point)]
        stretches = [slice(first, last) for first, last in pairwise(edges)]
        found = [(int(self.point[rows.start]), bool(self.blank[rows.start]), rows) for rows in stretches]
        return [(point, blank, rows) for point, blank, rows in found if point >= 0 or blank]


@dataclass(frozen=True)
class Timing:
    """How the windows are cut, in s."""

    discard_s: float
    guard_s: float
    reading_time_s: float
    baseline_order: int = 3


@dataclass(frozen=True)
class Visit:
    """One visit of a dose rate: its point, the moment of its middle, its step."""

    point: int
    time_s: float
    step: Step


@dataclass(frozen=True)
class SweepSteps:
    """Steps of all visits and blank runs; `failed`: visits without a step, by reason."""

    visits: tuple[Visit, ...]
    blanks: tuple[Step, ...]
    psd: NoisePsd | None
    psd_given: bool
    failed: dict[str, int]

    def points_visited(self) -> NDArray[np.int64]:
        """Return the indices of the points with a step, each once."""
        return np.unique(np.array([visit.point for visit in self.visits], dtype=np.int64))

    def noise(self) -> tuple[Value, Windows, bool]:
        """Return the scatter of a reading without beam, its windows, and whether they are of dedicated blank runs."""
        if self.blanks:
            windows = together([step.windows for step in self.blanks])
            return windows.scatter(), windows, True
        windows = together([visit.step.windows for visit in self.visits])
        windows = windows.keep(~windows.on, "beam on")
        return windows.scatter(), windows, False

    def photon_noise_a2_per_gy_s(self, dose_rate_gy_s: Floats) -> float:
        """Return the variance of a step per dose rate that the beam adds: the median over the visits."""
        steps = [visit.step for visit in self.visits]
        excess_a2 = np.array([step.s_on.value**2 - step.s_off.value**2 for step in steps])
        readings = np.array([step.readings * step.cycles_used for step in steps])
        doses = dose_rate_gy_s[[visit.point for visit in self.visits]]
        return max(float(np.median(excess_a2 / readings / doses)), 0.0)


def sweep_steps(trace: Trace, timing: Timing, psd: NoisePsd | None) -> SweepSteps:
    """Evaluate every visit and blank run. Raises NotEnoughData when no visit gives a step."""
    stretches = trace.visits()
    given = psd is not None
    if psd is None:
        psd = blank_spectrum([trace.usable(rows) for _, blank, rows in stretches if blank], timing.reading_time_s)
    visits, blanks, failed = [], [], dict[str, int]()
    for point, blank, rows in stretches:
        try:
            step = _step_of(trace, rows, timing, psd)
        except NotEnoughData as error:
            reason = "blank run: too short" if blank else f"visit: {str(error).split(',')[0]}"
            failed[reason] = failed.get(reason, 0) + 1
            continue
        if blank:
            blanks.append(step)
        else:
            visits.append(Visit(point, float(trace.elapsed_s[rows].mean()), step))
    if not visits:
        raise NotEnoughData(f"no visit of a dose rate gives a step: {failed or 'there is none'}")
    return SweepSteps(tuple(visits), tuple(blanks), psd, given, failed)


def _step_of(trace: Trace, rows: slice, timing: Timing, psd: NoisePsd | None) -> Step:
    return photocurrent_step(
        trace.elapsed_s[rows],
        trace.current_a[rows],
        trace.beam_on[rows],
        status=trace.status[rows],
        psd=psd,
        discard_s=timing.discard_s,
        guard_s=timing.guard_s,
        baseline_order=timing.baseline_order,
        reading_time_s=timing.reading_time_s,
    )
