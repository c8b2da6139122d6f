"""What a reader must know about a trace before believing its figures."""

from collections.abc import Iterator

import numpy as np

from xraydaq.analysis.current_density import Offset
from xraydaq.analysis.drift import EndPoints, Line
from xraydaq.analysis.long_trace import cell_rows
from xraydaq.analysis.noise import NoisePsd
from xraydaq.analysis.settling import Settling
from xraydaq.analysis.shape import Shape
from xraydaq.analysis.trace import Phases
from xraydaq.analysis.values import Booleans, Floats, Value

FOLLOWS = 0.7  # correlation of current and temperature


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
    known = np.isfinite(kelvin)
    if not known.mean() > 0.5:
        return ("temperature of the crystal not measured: a drift of the current may be a drift of temperature",)
    row = np.flatnonzero(known)
    left = [y - np.polyval(np.polyfit(row, y, 1), row) for y in (net_a[known] / np.abs(net_a).max(), kelvin[known])]
    size = float(np.sqrt((left[0] @ left[0]) * (left[1] @ left[1])))
    r = float(left[0] @ left[1]) / size if size > 0 else 0.0
    return (f"current follows the temperature of the crystal, r = {r:.2f}",) if abs(r) > FOLLOWS else ()
