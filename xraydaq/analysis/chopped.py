"""Windows of a chopped trace: what is left of each half period after the edge has settled and before the next one.

Which readings: discard after the edge, guard before the next. Scatter of a window: the standard deviation of its
readings, of what a straight line leaves where the trace drifts by more than half of it over a window. The drift is
judged over all windows of the trace: 1/f noise slopes one window up and the next one down, and is not to be removed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from xraydaq.analysis.values import Booleans, Floats, NotEnoughData, Value
from xraydaq.storage.model import STATUS_FLAGS

LEAST_READINGS = 5
COLUMNS = ("time_s", "length_s", "mean_a", "sd_a", "readings", "on", "early_a", "late_a", "detrended")
SPOILS_A_WINDOW = STATUS_FLAGS["overflow"] | STATUS_FLAGS["compliance"] | STATUS_FLAGS["range_change"]
DRIFT_SEEN = 0.5  # usual drift over a window in units of the standard deviation, above which a line is removed


@dataclass(frozen=True)
class Windows:
    """One entry per window, in order of time: middle, length, mean, scatter per reading, readings, commanded state.

    `early_a`, `late_a`: means of the two halves of the window. `dropped`: windows not used, by reason.
    """

    time_s: Floats
    length_s: Floats
    mean_a: Floats
    sd_a: Floats
    readings: Floats
    on: Booleans
    early_a: Floats = field(repr=False)
    late_a: Floats = field(repr=False)
    detrended: Booleans = field(repr=False)
    dropped: Mapping[str, int]
    period_s: float

    def keep(self, kept: Booleans, reason: str) -> "Windows":
        """Return the windows marked, and count the others under `reason`."""
        columns = {name: getattr(self, name)[kept] for name in COLUMNS}
        lost = int((~kept).sum())
        dropped = dict(self.dropped) | ({reason: self.dropped.get(reason, 0) + lost} if lost else {})
        return Windows(**columns, dropped=dropped, period_s=self.period_s)

    def scatter(self, on: bool | None = None) -> Value:
        """Return the pooled standard deviation in A of one reading in a window; `on` None takes every window.

        Its u follows from the scatter of the variances of the windows: under 1/f noise that is several times what
        counting the readings would give.
        """
        chosen = np.ones(len(self.on), dtype=np.bool_) if on is None else self.on == on
        variance, free = self.sd_a[chosen] ** 2, self.readings[chosen] - 1
        if not len(variance):
            return Value(np.nan, np.nan, "A")
        mean = float(np.average(variance, weights=free))
        if len(variance) < 4 or not mean > 0:
            return Value(float(np.sqrt(mean)), float(np.sqrt(mean / (2 * free.sum()))), "A", float(free.sum()))
        u_mean = float(np.std(variance, ddof=1)) / float(np.sqrt(len(variance)))
        dof = min(2 * (mean / u_mean) ** 2, float(free.sum())) if u_mean > 0 else float(free.sum())
        return Value(float(np.sqrt(mean)), float(np.sqrt(mean / (2 * dof))), "A", dof)


def together(parts: Sequence[Windows]) -> Windows:
    """Return the windows of several traces as one list."""
    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in COLUMNS}
    reasons = {reason for part in parts for reason in part.dropped}
    dropped = {reason: sum(part.dropped.get(reason, 0) for part in parts) for reason in sorted(reasons)}
    return Windows(**columns, dropped=dropped, period_s=float(np.median([part.period_s for part in parts])))


def windows_of(
    elapsed_s: Floats,
    current_a: Floats,
    beam_on: Floats,
    *,
    discard_s: float,
    guard_s: float,
    reading_time_s: float,
    edges_s: Floats | None = None,
    status: Floats | None = None,
) -> Windows:
    """Cut a trace at the changes of `beam_on` (0/1 per reading) into windows; arrays of one length, in order of time.

    `elapsed_s`: start of each reading. `edges_s`: moment of each change, where it is known better than by the first
    reading after it. Readings that are not finite are left out; one that was limited, overflowed or met a change of
    range costs its window. Raises NotEnoughData if the columns cannot be cut.
    """
    starts = _edge_rows(elapsed_s, beam_on)
    edge_s = _edge_times(elapsed_s, starts, edges_s)
    flags = np.zeros(len(elapsed_s), dtype=np.int64) if status is None else _flags(status)
    period_s = float(np.median(np.diff(elapsed_s)))
    longest_s = _usual_length(edge_s, discard_s, guard_s)
    found: list[tuple[float, ...]] = []
    dropped: dict[str, int] = {}
    for index, first in enumerate(starts[:-1]):
        rows = np.arange(first, starts[index + 1])
        from_s, to_s = edge_s[index] + discard_s, edge_s[index + 1] - guard_s
        if index == 0:  # a longer wait before the first edge: only the part next to it
            from_s = max(from_s, to_s - longest_s)
        if index == len(starts) - 2:
            to_s = min(to_s, from_s + longest_s)
        rows = rows[(elapsed_s[rows] >= from_s - 1e-9) & (elapsed_s[rows] + reading_time_s <= to_s + 1e-9)]
        if bool((flags[rows] & SPOILS_A_WINDOW).any()):
            dropped["limited or range changed"] = dropped.get("limited or range changed", 0) + 1
            continue
        rows = rows[np.isfinite(current_a[rows]) & (flags[rows] == 0)]
        if len(rows) < LEAST_READINGS:
            dropped["too few readings"] = dropped.get("too few readings", 0) + 1
            continue
        found.append((*_figures(elapsed_s[rows], current_a[rows], reading_time_s), float(beam_on[first] > 0.5)))
    if not found:
        raise NotEnoughData(
            f"no window with {LEAST_READINGS} readings {discard_s:g} s after and {guard_s:g} s before an edge"
        )
    return _windows(np.array(found, dtype=np.float64).T, dropped, period_s)


def _windows(figures: Floats, dropped: Mapping[str, int], period_s: float) -> Windows:
    time_s, length_s, mean_a, sd_a, flat_a, drift_a, readings, early_a, late_a, on = figures
    usual_a, by_chance_a = abs(float(np.mean(drift_a))), 3 * float(np.std(drift_a)) / float(np.sqrt(len(drift_a)))
    drifts = usual_a > max(DRIFT_SEEN * float(np.sqrt(np.mean(sd_a**2))), by_chance_a)
    return Windows(
        time_s=time_s,
        length_s=length_s,
        mean_a=mean_a,
        sd_a=flat_a if drifts else sd_a,
        readings=readings,
        on=on > 0.5,
        early_a=early_a,
        late_a=late_a,
        detrended=np.full(len(on), drifts),
        dropped=dropped,
        period_s=period_s,
    )


def _edge_rows(elapsed_s: Floats, beam_on: Floats) -> list[int]:
    if len(elapsed_s) < 2 or not bool(np.all(np.diff(elapsed_s) > 0)):
        raise NotEnoughData("elapsed time does not increase from row to row")
    if not bool(np.isin(beam_on, (0.0, 1.0)).all()):
        raise NotEnoughData("the commanded state of the beam must be 0 or 1 in every row")
    changes = np.flatnonzero(np.diff(beam_on)) + 1
    return [0, *(int(row) for row in changes), len(elapsed_s)]


def _edge_times(elapsed_s: Floats, starts: list[int], edges_s: Floats | None) -> Floats:
    """Return beginning and end of every half period; the outer two are those of the trace."""
    if edges_s is None:
        inner = elapsed_s[starts[1:-1]]
    else:
        inner = np.asarray(edges_s, dtype=np.float64)
        if len(inner) != len(starts) - 2:
            raise NotEnoughData(f"{len(inner)} edges given, the commanded state changes {len(starts) - 2} times")
    return np.concatenate(([elapsed_s[0]], inner, [elapsed_s[-1] + 1.0 + np.median(np.diff(elapsed_s))]))


def _usual_length(edge_s: Floats, discard_s: float, guard_s: float) -> float:
    inner = np.diff(edge_s[1:-1])
    return max(float(np.median(inner)) - discard_s - guard_s, 0.0) if len(inner) else np.inf


def _flags(status: Floats) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    known = np.isfinite(status)
    return np.where(known, np.where(known, status, 0).astype(np.int64), STATUS_FLAGS["bad_reply"])


def _figures(time_s: Floats, current_a: Floats, reading_time_s: float) -> tuple[float, ...]:
    """Return middle, length, mean, scatter, that about a straight line, its drift, readings, mean of either half."""
    rows = len(time_s)
    from_middle_s = time_s - time_s.mean()
    slope = float(from_middle_s @ current_a) / float(from_middle_s @ from_middle_s)
    left_a = current_a - current_a.mean() - slope * from_middle_s
    half = rows // 2
    return (
        float(time_s.mean()) + reading_time_s / 2,
        float(time_s[-1] - time_s[0]) + reading_time_s,
        float(current_a.mean()),
        float(current_a.std(ddof=1)),
        float(np.sqrt(left_a @ left_a / (rows - 2))),
        slope * float(time_s[-1] - time_s[0]),
        float(rows),
        float(current_a[:half].mean()),
        float(current_a[rows - half :].mean()),
    )
