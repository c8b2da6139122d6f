"""How a detector follows an X-ray beam that is switched: two exponentials and a delay, fitted to averaged readings.

A reading is the mean of the current over its integration time, so the model is integrated over it; a rise time read
off the samples would be that of the meter. Terms: IEEE Std 181-2011 (transition 10-90 %, delay); residual signal after
beam-off: the lag effects of IEC 62220-1-1:2015. u from leaving out one edge at a time (J. W. Tukey, "Bias and
confidence in not-quite large samples", Ann. Math. Stat. 29 (1958) 614), with sqrt((n - 1)/(n - 3)) for few edges (JCGM
101:2008, 6.4.9.4): the white-noise u of one fit would be several times too small under 1/f noise.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.optimize import nnls

from xraydaq.analysis.edge_fit import EdgeFit, descend, fit_edges
from xraydaq.analysis.switching import Window
from xraydaq.analysis.two_exponentials import remaining, transition
from xraydaq.analysis.values import Floats, NotEnoughData, Value

LAG_TIMES_S = (1.0, 2.0, 5.0, 10.0)
LEAST_EDGES = 4
SEEN = 3.0  # u above which the slow share is taken as there
APART = 2.0  # factor between two time constants that a fit can tell from one
WORST_SHARE = 0.09  # a hidden slow part of a tenth would move the 90 % level into it
CLEAR_MISFIT = 6.0  # times the usual scatter of such a mean
CLEARLY = 10.0  # difference of the information criterion
FREE = 0.5  # u of a lag from which the fit says nothing of it
NEIGHBOURS = 1.25  # readings from t/1.25 to 1.25 t stand for those at t


@dataclass(frozen=True)
class EdgeResponse:
    """Response to edges of one kind; times in s, lags and the slow share as fractions of the whole step.

    `resolved` is False where the fast time constant is surely shorter than the time between readings: that is then its
    upper limit, `transition` the one that follows from it, their u nan. `slow_seen` is False where no slow part stands
    out from the noise: `slow` is then nan, and u of `transition` covers what may be hidden; `transition` is nan where
    that is too much.
    """

    transition: Value
    fast: Value
    slow: Value
    slow_share: Value
    delay: Value
    lags: tuple[Value, ...]
    resolved: bool
    slow_seen: bool
    fit: EdgeFit = field(compare=False, repr=False)
    points: tuple[Floats, Floats, Floats] = field(compare=False, repr=False)
    """Time after the beam changed (s), mean reading and fitted mean reading there, as fractions of the step."""

    @property
    def misfit(self) -> float:
        """Get the largest thing the fit leaves, as a share of the step: a mean over as many readings as edges."""
        left = (self.points[1] - self.points[2])[self.points[0] > 0]
        means = np.convolve(left, np.full(self.edges, 1 / self.edges), mode="valid")
        scatter = 1.4826 * float(np.median(np.abs(left - np.median(left)))) / math.sqrt(self.edges)
        largest = float(np.max(np.abs(means)))
        return largest if largest > CLEAR_MISFIT * scatter else 0.0

    @property
    def edges(self) -> int:
        """Get how many edges the response is of."""
        return len(self.fit.delays_s)

    def remaining(self, time_s: Floats) -> Floats:
        """Return the part of the step that the device still lacks `time_s` after the beam changed, delay excluded."""
        return remaining(np.asarray(time_s, dtype=np.float64), self.fit.taus_s, self.fit.slow_share)


def edge_response(windows: Sequence[Window]) -> EdgeResponse:
    """Fit common time constants, a delay and a straight baseline per edge to edges of one kind (4 or more).

    Raises NotEnoughData for fewer edges.
    """
    if len(windows) < LEAST_EDGES:
        raise NotEnoughData(f"{len(windows)} usable edges, {LEAST_EDGES} are needed")
    both = _Estimate(windows, exponentials=2)
    share = both.value(lambda fit: fit.slow_share, "1")
    fast_s, slow_s = both.fit.taus_s
    slow_seen = 0 < share.value < 1 and share.value > SEEN * share.u and slow_s > APART * fast_s
    best, other = (both, both) if slow_seen else _simplest(both, _Estimate(windows, exponentials=1))
    fast, transition_ = best.value(lambda fit: fit.taus_s[0], "s"), best.value(_transition_of, "s")
    if not slow_seen:
        fast, transition_ = _widened(fast, transition_, best, other, windows)
    period_s = float(np.median([window.period_s for window in windows]))
    resolved = fast.value + 2 * fast.u >= period_s
    if not resolved:
        fast = Value(period_s, np.nan, "s")
        taus_s = (period_s, max(best.fit.taus_s[-1], period_s))
        transition_ = Value(transition(taus_s, best.fit.slow_share), np.nan, "s")
    return EdgeResponse(
        transition=transition_,
        fast=fast,
        slow=both.value(lambda fit: fit.taus_s[1], "s") if slow_seen else Value(np.nan, np.nan, "s"),
        slow_share=share if abs(share.value) < 1 else Value(np.nan, np.nan, "1"),
        delay=best.value(lambda fit: float(fit.delays_s.mean()), "s"),
        lags=tuple(_lag(both, windows, t_s, slow_seen) for t_s in LAG_TIMES_S),
        resolved=resolved,
        slow_seen=slow_seen,
        fit=best.fit,
        points=_points(windows, best.fit),
    )


def _simplest(both: "_Estimate", single: "_Estimate") -> tuple["_Estimate", "_Estimate"]:
    """Return one exponential, unless two describe the edges clearly better (an inflection, for one), and the other.

    Bayesian information criterion (G. Schwarz, "Estimating the dimension of a model", Ann. Stat. 6 (1978) 461), for
    one time constant more and one amplitude of every edge.
    """
    count = sum(len(left) for left in both.fit.left)
    more = 1 + len(both.fit.left)
    gain = count * math.log(max(single.fit.left_over, 1e-300) / max(both.fit.left_over, 1e-300))
    clearly = gain - more * math.log(count) > CLEARLY
    return (both, single) if clearly else (single, both)


class _Estimate:
    """A fit to all edges and those that leave out one each."""

    def __init__(self, windows: Sequence[Window], *, exponentials: int) -> None:
        self.fit, weights = _weighted(windows, exponentials)
        self.without = []
        for k in range(len(windows)):
            rest, weights_of_rest = [*windows[:k], *windows[k + 1 :]], [*weights[:k], *weights[k + 1 :]]
            start = np.delete(self.fit.parameters(), exponentials + k)
            self.without.append(descend(rest, weights_of_rest, start, exponentials))

    def value(self, number: Callable[[EdgeFit], float], unit: str) -> Value:
        one_less = np.array([number(fit) for fit in self.without])
        return Value(number(self.fit), jackknife(one_less), unit, float(len(one_less) - 1))


def jackknife(one_less: Floats) -> float:
    """Return the standard uncertainty from estimates that leave out one of n edges each, widened for few edges."""
    n = len(one_less)
    u = math.sqrt((n - 1) / n * float(np.sum((one_less - one_less.mean()) ** 2)))
    return u * math.sqrt((n - 1) / (n - 3))


def _transition_of(fit: EdgeFit) -> float:
    return transition(fit.taus_s, fit.slow_share)


def _widened(
    fast: Value, found: Value, best: "_Estimate", other: "_Estimate", windows: Sequence[Window]
) -> tuple[Value, Value]:
    """Add to u what the other form says instead, and to that of one exponential what a hidden slow part would do."""
    fast = replace(fast, u=math.hypot(fast.u, other.fit.taus_s[0] - best.fit.taus_s[0]))
    apart_s = _transition_of(other.fit) - found.value
    apart_s = apart_s if math.isfinite(apart_s) else 0.0
    if len(best.fit.taus_s) == 2:
        return fast, replace(found, u=math.hypot(found.u, apart_s))
    hidden = _hidden_share(best, other, windows)
    if not hidden < WORST_SHARE:
        return fast, Value(math.nan, math.nan, found.unit)
    later_s = fast.value * (math.log((1 - hidden) / (0.1 - hidden)) - math.log(10))
    return fast, replace(found, u=math.hypot(found.u, later_s, apart_s))


def _hidden_share(single: "_Estimate", both: "_Estimate", windows: Sequence[Window]) -> float:
    """Return how large a slow part one exponential may leave out.

    The larger of what is left when it has died away, and of the slow share of two exponentials that differ.
    """
    (fast_s,) = single.fit.taus_s
    last_s = min(window.after_s for window in windows) / NEIGHBOURS
    parts = [_left_at(single, windows, times * fast_s) for times in (5, 10, 20) if times * fast_s < last_s]
    share = both.value(lambda fit: fit.slow_share, "1")
    if abs(share.value) < 1 and both.fit.taus_s[1] > APART * both.fit.taus_s[0]:
        parts.append(share)
    return max((math.hypot(part.value, part.u) for part in parts), default=math.inf)


def _weighted(windows: Sequence[Window], exponentials: int) -> tuple[EdgeFit, list[Floats]]:
    """Fit twice: the second time with the noise of means of n readings, s0^2 + s1^2/n, as the first fit left it.

    s0 is 1/f noise, which no averaging reduces, s1 white noise.
    """
    first = fit_edges(windows, [np.ones(len(window.mean_a)) for window in windows], exponentials)
    left = np.concatenate(first.left)
    rows = np.concatenate([window.rows for window in windows])
    if not left.any():
        return first, [np.ones(len(window.mean_a)) for window in windows]
    slow, white = nnls(np.column_stack((np.ones(len(rows)), 1 / rows)), left**2 / np.mean(left**2))[0]
    weights = [1 / np.sqrt(slow + white / window.rows) for window in windows]
    return descend(windows, weights, first.parameters(), exponentials), weights


def _lag(both: _Estimate, windows: Sequence[Window], time_s: float, slow_seen: bool) -> Value:
    """Return what is left of the step by two exponentials; nan if the fit says nothing of it.

    Where the slow one does not stand out, its form is not known either: the readings at that time then count too.
    """
    lag = both.value(lambda fit: float(remaining(np.array([time_s]), fit.taus_s, fit.slow_share)[0]), "1")
    if not slow_seen:
        around = _left_at(both, windows, time_s)
        lag = replace(lag, u=math.hypot(lag.u, around.value, around.u))
    return lag if lag.u < FREE else Value(math.nan, math.nan, "1")


def _left_at(best: _Estimate, windows: Sequence[Window], time_s: float) -> Value:
    """Return what readings around a time are off the fit, as a share of the step."""
    by_edge = []
    for window, left_a, amplitude_a in zip(windows, best.fit.left, best.fit.amplitudes, strict=True):
        near = (window.at_s > time_s / NEIGHBOURS) & (window.at_s < time_s * NEIGHBOURS)
        sign = -1.0 if window.rising else 1.0
        by_edge.append(sign * float(left_a[near].mean()) / amplitude_a if near.any() else math.nan)
    n = len(by_edge)
    u = float(np.std(by_edge, ddof=1)) / math.sqrt(n) * math.sqrt((n - 1) / (n - 3))
    return Value(float(np.mean(by_edge)), u, "1", float(n - 1))


def _points(windows: Sequence[Window], fit: EdgeFit) -> tuple[Floats, Floats, Floats]:
    """Readings around the edges as fractions of the step, baseline removed, in order of time."""
    rows = []
    for k, window in enumerate(windows):
        level, slope = fit.coefficients[k, :2]
        sign = 1.0 if window.rising else -1.0
        net_a = sign * (window.mean_a - level - slope * window.at_s / window.after_s)
        modelled_a = net_a - sign * fit.left[k]
        at_s = window.at_s + window.reading_time_s / 2 - fit.delays_s[k]
        rows.append(np.vstack((at_s, net_a / fit.amplitudes[k], modelled_a / fit.amplitudes[k])))
    ordered = np.hstack(rows)
    ordered = ordered[:, np.argsort(ordered[0], kind="stable")]
    return ordered[0], ordered[1], ordered[2]
