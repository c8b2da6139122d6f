"""What a reader must know about a trace before believing its figures."""

from collections.abc import Iterator

import numpy as np
from scipy.stats import t as student_t

from xraydaq.analysis.current_density import Offset
from xraydaq.analysis.drift import EndPoints, Line
from xraydaq.analysis.long_trace import cell_rows
from xraydaq.analysis.noise import NoisePsd
from xraydaq.analysis.settling import Settling
from xraydaq.analysis.shape import Shape
from xraydaq.analysis.trace import Phases
from xraydaq.analysis.values import Booleans, Floats, Value

FOLLOWS = 0.7  # correlation of current and temperature
BY_CHANCE = 0.0027  # probability of a correlation that is not real (3 sigma)
STEEPEST_EV = 5.0  # activation energy that no current has: what changes by more per kelvin has another reason
BOLTZMANN_EV_K = 8.617333e-5
LONGEST_GAP_S = 60.0  # from a reading of the current to the nearest one of the temperature


def remarks(
    *,
    phases: Phases,
    zero: Offset,
    psd: NoisePsd,
    points: EndPoints | None,
    fit: Line,
    form: Shape,
    settling: Settling,
    mean: Value,
    resolution_a: float,
) -> tuple[str, ...]:
    """Return one sentence for everything that limits the result."""
    return (*_of_the_rows(phases, zero, psd, mean, resolution_a), *_of_the_shape(points, fit, form, settling))


def _of_the_rows(phases: Phases, zero: Offset, psd: NoisePsd, mean: Value, resolution_a: float) -> Iterator[str]:
    if phases.dropped:
        reasons = ", ".join(f"{reason} {count}" for reason, count in phases.dropped.items())
        yield f"rows dropped: {reasons}; {phases.dropped_at_bias} of them at bias, {int(phases.bias.sum())} used"
    if not zero.measured:
        yield "baseline missing: the offset of the meter is not removed, its uncertainty is in u"
    if not zero.settled:
        yield "baseline not settled: the current at 0 V still changes"
    if not resolution_a <= abs(mean.value) / 3:
        yield f"resolution of {resolution_a:.3g} A exceeds a third of the signal"
    if not abs(mean.value) > 3 * mean.u:
        yield "mean current not distinguished from zero: no relative figures"
    if not psd.fitted:
        yield "noise not fitted (too few rows, or readings that never change): 1/f noise assumed"


def _of_the_shape(points: EndPoints | None, fit: Line, form: Shape, settling: Settling) -> Iterator[str]:
    if points is None:
        yield "bias phase shorter than 240 s or without readings at its ends: no drift metric"
    if form.turns_s is not None:
        yield f"trace turns round {form.turns_s:.0f} s after bias: the drift metric depends on its end points"
    if fit.chi2_per_dof > 2:
        yield f"slope: a straight line does not describe the trace (chi2/dof {fit.chi2_per_dof:.3g})"
    if not settling.settled:
        yield "not settled: the current still changes by more than 5 % within the last 10 % of the trace"


def of_the_temperature(temperature_k: Floats | None, used: Booleans, net_a: Floats) -> tuple[str, ...]:
    """Return a flag for a missing temperature, or for one that the current follows (r after straight lines)."""
    few = slice(None, None, cell_rows(len(net_a)))  # a correlation needs no millions of readings
    net_a = net_a[few]
    kelvin = np.full(len(net_a), np.nan)
    if temperature_k is not None:
        kelvin = np.asarray(temperature_k, dtype=np.float64)[np.flatnonzero(used)[few]]
    row = np.arange(len(net_a), dtype=np.float64)
    return _followed(kelvin, net_a, row, np.zeros(len(net_a)))


def of_dark_readings(
    time_s: Floats, dark_a: Floats, elapsed_s: Floats, temperature_k: Floats | None, level: Floats | None = None
) -> tuple[str, ...]:
    """Return the same for means of readings without beam, with the temperature of the rows around each.

    `time_s`, `dark_a`, `level`: one entry per mean; `level` tells biases apart, each of which has a dark current of
    its own. `elapsed_s`, `temperature_k`: one entry per row of the run, None where no temperature was measured.
    """
    kelvin = np.full(len(time_s), np.nan)
    known = np.zeros(0, dtype=np.bool_) if temperature_k is None else np.isfinite(temperature_k)
    if temperature_k is not None and known.any():
        at_s, measured_k = elapsed_s[known], temperature_k[known]
        order = np.argsort(at_s, kind="stable")
        at_s, measured_k = at_s[order], measured_k[order]
        after = np.clip(np.searchsorted(at_s, time_s), 1, max(len(at_s) - 1, 1)) % len(at_s)
        gap_s = np.minimum(np.abs(time_s - at_s[after - 1]), np.abs(time_s - at_s[after]))
        kelvin = np.where(gap_s <= LONGEST_GAP_S, np.interp(time_s, at_s, measured_k), np.nan)
    return _followed(kelvin, dark_a, time_s, np.zeros(len(time_s)) if level is None else level)


def _followed(kelvin: Floats, current_a: Floats, time: Floats, level: Floats) -> tuple[str, ...]:
    """Correlate what a constant per level and one straight line in time leave of relative current and temperature.

    A correlation that so few values have by chance is none (t = r sqrt(dof/(1 - r^2)): R. A. Fisher, Biometrika 10
    (1915) 507). Neither is one of millikelvins with a current that settles: it would take more than an activated
    current can do, dI/I = E_a/(k T^2) dT.
    """
    known = np.isfinite(kelvin) & np.isfinite(current_a)
    if not known.sum() > len(known) / 2:
        return ("temperature of the crystal not measured: a drift of the current may be a drift of temperature",)
    kelvin, current_a, time = kelvin[known], current_a[known], time[known]
    levels, number = np.unique(level[known], return_inverse=True)
    mean_a = np.bincount(number, weights=np.abs(current_a)) / np.bincount(number)
    relative = current_a / np.where(mean_a > 0, mean_a, 1.0)[number]
    constants = (number[:, None] == np.arange(len(levels))).astype(np.float64)
    line = (time - time.mean()) / max(float(np.ptp(time)), 1e-300)
    design = np.column_stack((constants, line))
    left = [y - design @ np.linalg.lstsq(design, y, rcond=None)[0] for y in (relative, kelvin - kelvin.mean())]
    size = float(np.sqrt((left[0] @ left[0]) * (left[1] @ left[1])))
    dof = len(time) - design.shape[1] - 1
    if not (size > 0 and dof > 0):
        return ()
    r = float(np.clip(left[0] @ left[1] / size, -1.0, 1.0))
    t = float(student_t.isf(BY_CHANCE / 2, dof))
    if not abs(r) > max(FOLLOWS, t / float(np.sqrt(dof + t**2))):
        return ()
    per_k = abs(float(left[0] @ left[1])) / float(left[1] @ left[1])
    if per_k > STEEPEST_EV / (BOLTZMANN_EV_K * float(kelvin.mean()) ** 2):
        return ()
    return (f"current follows the temperature of the crystal, r = {r:.2f}",)
