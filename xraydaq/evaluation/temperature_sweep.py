"""Conductivity against temperature: from the file to the analysis and the figure."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from instruments.keithley2400.ranges import current_accuracy
from xraydaq.analysis.cell_constant import CellConstant, Size, interdigitated, single_gap
from xraydaq.analysis.temperature_sweep import TemperatureSweepResult
from xraydaq.analysis.temperature_sweep import evaluate as evaluate_arrays
from xraydaq.analysis.values import NotEnoughData
from xraydaq.evaluation.told import headings, parameters_of, reading_time_s
from xraydaq.storage import StoredRun

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = ("elapsed", "voltage", "current", "temperature", "status", "point", "pulse")
USUAL_OFFSET_U_K = 0.3
"""Of the crystal against its sensor, where the bench file says nothing."""


def evaluate(stored: StoredRun) -> TemperatureSweepResult:
    """Evaluate a run; the meter's gain is that of its largest range, its resolution that of the smallest used."""
    columns, nplc = stored.columns, parameters_of(stored)["nplc"]
    ranges_a = columns["current_range"][np.isfinite(columns["current_range"])]
    if not len(ranges_a):
        raise NotEnoughData("no reading was taken")
    largest, smallest = (current_accuracy(float(each), nplc) for each in (ranges_a.max(), ranges_a.min()))
    stage = stored.header.resolved["bench"].get("stage") or {}
    return evaluate_arrays(
        *(columns[name] for name in COLUMNS),
        cell=cell_of(stored.header.sample),
        reading_time_s=reading_time_s(stored),
        temperature_offset_u_k=stage.get("offset_u_k", USUAL_OFFSET_U_K),
        gain_u_rel=largest.gain_u_rel,
        offset_u_a=smallest.offset_u_a,
        resolution_a=smallest.resolution_a,
    )


def cell_of(sample: Mapping[str, Any]) -> CellConstant:
    """Get the cell constant of a sample's electrodes; raises KeyError for a length the sample does not tell."""
    for name in ("finger_width_m", "finger_length_m"):
        if sample.get(name) is None:
            raise KeyError(f"{name.removesuffix('_m')} of the sample")
    thickness_m = sample.get("thickness_m")
    width, length = Size(sample["finger_width_m"]), Size(sample["finger_length_m"])
    gap, thickness = Size(sample["gap_m"], sample["gap_u_m"]), None if thickness_m is None else Size(thickness_m)
    if sample.get("electrodes", "interdigitated") != "interdigitated":
        return single_gap(width=width, gap=gap, length=length, thickness=thickness)
    gaps = int(sample["finger_count"]) - 1
    return interdigitated(width=width, gap=gap, length=length, gaps=gaps, thickness=thickness)


def figure(result: TemperatureSweepResult, stored: StoredRun, *, width: str = "single") -> "Figure":
    """Draw the Arrhenius plot and what the reported model leaves."""
    from xraydaq.report import temperature_sweep

    return temperature_sweep.figure(result, **headings(stored), width=width)
