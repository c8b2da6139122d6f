"""What a dose calibration gives."""

from dataclasses import dataclass, field

from xraydaq.analysis.dose_model import DoseModel
from xraydaq.analysis.dose_prediction import Prediction
from xraydaq.analysis.dose_readings import Visits
from xraydaq.analysis.half_value_layer import HalfValueLayer
from xraydaq.analysis.outcome import Result
from xraydaq.analysis.values import Floats, Value

METHOD = (
    "Leakage: line between the readings with the beam off before and after. Kerma rate: mean over the readings of a "
    "visit to a setting. Model K = k(Al) (I + u0) by generalised least squares over all filters and currents, u "
    "scaled by the root of chi2/dof where that is above one; how well a setting comes back is the scatter of the "
    "repeated reference. Half-value layer: monotone interpolation of ln K over aluminium."
)


@dataclass(frozen=True, eq=False)
class FilterResult:
    """The beam behind one thickness of aluminium."""

    al_m: float
    kerma: Value
    """Kerma rate per tube current in Gy/s/A; u of the statistics of this filter alone."""

    total_u: float
    """With what all filters have in common, in Gy/s/A."""

    half_value_layer: HalfValueLayer
    chi2_per_dof: float
    """Of a straight line in the current; nan for a filter with a single visit."""

    linear: bool
    predicted_over_measured: float

    @property
    def label(self) -> str:
        """Get the name of the filter, "1.5 mm Al"."""
        return f"{self.al_m * 1e3:g} mm Al"


@dataclass(frozen=True, kw_only=True, eq=False)
class DoseCalibrationResult(Result):
    """Kerma rate of every filter, the offset of the tube current, drift, and the check against a tube model."""

    filters: tuple[FilterResult, ...]
    current_offset: Value
    common_relative_u: float
    """Of what shifts all kerma rates alike: `shares`."""

    shares: dict[str, float]
    repeatability: Value
    """Relative scatter of readings within a visit."""

    drift: Value
    """Relative slope of the repeated reference setting, s^-1; nan without three visits to it."""

    repeat_agreement: Value
    """Largest relative difference of a repeat of the reference from its first visit."""

    prediction: Prediction | None
    model: DoseModel = field(repr=False)
    visits: Visits = field(repr=False)
    reference_time_s: Floats = field(repr=False)
    reference: Floats = field(repr=False)
    """Visits to the reference setting, relative to their mean."""

    method: str = METHOD

    def rows(self) -> list[tuple[str, Value, str]]:
        """Return (label, value in SI, unit to show it in)."""
        found: list[tuple[str, Value, str]] = []
        for each in self.filters:
            whole = Value(each.kerma.value, each.total_u, each.kerma.unit)
            found.append((f"kerma per current behind {each.label}", whole, "nGy/s/uA"))
        found += [
            (f"half-value layer behind {each.label}", each.half_value_layer.value, "mm") for each in self.filters
        ]
        found += [
            ("offset of the tube current", self.current_offset, "uA"),
            ("scatter within a setting", self.repeatability, "%"),
            ("repeat of the reference", self.repeat_agreement, "%"),
            ("drift of the reference", self.drift, "%/h"),
        ]
        if self.prediction is not None:
            found.append(("predicted over measured kerma", self.prediction.ratio, "1"))
        return found
