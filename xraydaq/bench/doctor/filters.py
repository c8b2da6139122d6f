"""Does the bench file say which aluminium there is, and is enough of it always in the beam?"""

from xraydaq.bench.doctor.check import Finding, Probe
from xraydaq.config import Bench
from xraydaq.units import format_quantity

LEAST_FIXED_M = 0.5e-3
"""Keeps the 3 keV lines of a silver anode out."""


def filter_probes(bench: Bench) -> tuple[Probe, ...]:
    """Get the questions; the holder has no cable."""
    fix = "Write the aluminium into the table [filters] of the bench file: at least 0.5 mm fixed, and a list of foils."
    return (Probe("list", lambda: _list(bench), fix),)


def _list(bench: Bench) -> Finding:
    filters = bench.filters
    if filters is None:
        return Finding(False, "the bench file has no table [filters]")
    foils = ", ".join(format_quantity(each, "m") for each in filters.foils_m)
    good = filters.fixed_m >= LEAST_FIXED_M and len(set(filters.foils_m)) == len(filters.foils_m) > 0
    return Finding(good, f"{format_quantity(filters.fixed_m, 'm')} fixed, foils {foils or 'none'}")
