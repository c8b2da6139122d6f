"""What an evaluation of a dose-rate sweep is told besides the readings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from xraydaq.analysis.dose_lines import Points
from xraydaq.analysis.photocurrent_step import Step
from xraydaq.analysis.sweep_steps import SweepSteps, Trace
from xraydaq.analysis.values import Booleans, Floats, NotEnoughData
from xraydaq.storage.model import STATUS_FLAGS

PENUMBRA = {"penumbra on the crystal": 0.0173}  # +-3 %, rectangular
SHARED_DOF = 8.0  # what the noise of the other visits counts for in that of one
DITHERED = 0.3  # scatter of a reading in steps of the display, above which a mean is finer than a step


@dataclass(frozen=True)
class Dose:
    """What was set, per point (n entries): dose rate in Gy/s with statistical u, total aluminium in m, and its beam.

    A point whose dose rate is nan (outside the calibration) is not used. `reference` marks the visits of the
    reference point; `unity_gain_c_gy_m2`: unity-gain sensitivity of the beam quality, `half_value_layer_m`: of the
    beam, both nan where not known. `common_u_rel`: relative u of all dose rates, by source. `kerma_ratio`: measured
    over predicted kerma rate of the calibration, None if not known; `field_covers_chamber`: as its record says.
    """

    dose_rate_gy_s: Floats
    dose_rate_u_gy_s: Floats
    total_al_m: Floats
    reference: Booleans
    unity_gain_c_gy_m2: Floats
    half_value_layer_m: Floats
    common_u_rel: Mapping[str, float] = field(default_factory=dict)
    kerma_ratio: float | None = None
    field_covers_chamber: bool = True

    def check(self) -> None:
        """Raise ValueError for columns of different lengths or a dose rate that cannot be."""
        columns = (
            self.dose_rate_u_gy_s, self.total_al_m, self.reference, self.unity_gain_c_gy_m2, self.half_value_layer_m
        )  # fmt: skip
        if any(np.shape(column) != np.shape(self.dose_rate_gy_s) for column in columns):
            raise ValueError("the columns of the points must have one length")
        known = np.isfinite(self.dose_rate_gy_s)
        if not (self.dose_rate_gy_s[known] > 0).all() or not (self.dose_rate_u_gy_s[known] >= 0).all():
            raise ValueError("a dose rate must be above zero, its uncertainty must not be below zero")
        if not all(u >= 0 for u in self.common_u_rel.values()):
            raise ValueError(f"an uncertainty of the dose is below zero: {dict(self.common_u_rel)}")


@dataclass(frozen=True)
class Spot:
    """The irradiated spot in m^2, and what else is common to all photocurrents: relative u by source, and the meter.

    `gain_u_rel`: of the meter; `resolution_a`: one step of its display.
    """

    area_m2: float
    area_u_m2: float
    common_u_rel: Mapping[str, float] = field(default_factory=lambda: dict(PENUMBRA))
    gain_u_rel: float = 0.0
    resolution_a: float = 0.0

    def check(self) -> None:
        """Raise ValueError for an area or an uncertainty that cannot be."""
        if not (self.area_m2 > 0 and np.isfinite(self.area_m2)):
            raise ValueError(f"the area of the spot must be finite and above zero, not {self.area_m2}")
        for name in ("area_u_m2", "gain_u_rel", "resolution_a"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must not be below zero, not {getattr(self, name)}")


def trace_of(
    elapsed_s: Floats,
    current_a: Floats,
    status: Floats,
    beam_on: Floats,
    point: Floats,
    blank: Floats,
    temperature_k: Floats | None = None,
) -> Trace:
    """Return the columns as one trace, without the readings of parts that were measured again after an interruption.

    Raises NotEnoughData unless they have one length.
    """
    kelvin = np.full(len(elapsed_s), np.nan) if temperature_k is None else temperature_k
    given = (elapsed_s, current_a, status, beam_on, point, blank, kelvin)
    columns: list[Floats] = [np.asarray(column, dtype=np.float64) for column in given]
    if any(column.shape != columns[0].shape or column.ndim != 1 for column in columns):
        raise NotEnoughData("time, current, status, beam, point, blank and temperature must be columns of one length")
    kept = (np.nan_to_num(columns[2]).astype(np.int64) & STATUS_FLAGS["abandoned"]) == 0
    time_s, read_a, flags, on, at, blanks, kelvin = (column[kept] for column in columns)
    return Trace(time_s, read_a, flags, on, at, blanks > 0.5, kelvin if np.isfinite(kelvin).any() else None)


def points_of(steps: SweepSteps, dose: Dose, resolution_a: float) -> tuple[Points, Booleans]:
    """Return the visits with a dose rate as points in order of time, and which of them are the reference.

    The scale of the noise of a visit, chi2/dof, is known from few windows: it is drawn towards the usual one of all
    visits, as variances of small groups are (G. K. Smyth, Stat. Appl. Genet. Mol. Biol. 3 (2004) 3). A step of the
    display counts as an uncertainty where the noise is too small to spread readings over several.
    """
    wanted = [visit for visit in steps.visits if np.isfinite(dose.dose_rate_gy_s[visit.point])]
    at = np.array([visit.point for visit in wanted], dtype=np.int64)
    if not len(at):
        raise NotEnoughData("no visit has a dose rate inside the calibration")
    coarse = [visit.step.s_off.value < DITHERED * resolution_a for visit in wanted]
    u_a = np.hypot(_moderated_u([visit.step for visit in wanted]), np.where(coarse, resolution_a / np.sqrt(12), 0.0))
    points = Points(
        np.array([visit.step.step.value for visit in wanted]), u_a, dose.dose_rate_gy_s[at], dose.dose_rate_u_gy_s[at],
        dose.total_al_m[at], np.array([visit.time_s for visit in wanted]),
    )  # fmt: skip
    return points, np.asarray(dose.reference[at], dtype=np.bool_)


def _moderated_u(steps: Sequence[Step]) -> Floats:
    own = np.array([step.chi2_per_dof for step in steps])
    u_a = np.array([step.step.u for step in steps])
    if any(step.method != "gls" for step in steps) or not (own > 0).all():
        return u_a
    dof = np.array([step.step.dof for step in steps], dtype=np.float64)
    moderated = (SHARED_DOF * float(np.median(own)) + dof * own) / (SHARED_DOF + dof)
    return np.asarray(u_a * np.sqrt(moderated / own), dtype=np.float64)
