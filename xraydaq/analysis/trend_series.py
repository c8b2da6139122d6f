"""The runs of a trend: those that can be used, their reference divided out, and how their errors hang together."""

from dataclasses import dataclass

import numpy as np

from xraydaq.analysis.trend_line import Fit, fit
from xraydaq.analysis.values import Booleans, Floats, NotEnoughData

LEAST_RUNS = 3


@dataclass(frozen=True)
class Series:
    """Usable runs: relative uncertainties, logarithm of the corrected sensitivity and its covariance."""

    hours: Floats
    sensitivity: Floats
    own_u: Floats
    reference: Floats
    reference_u: Floats
    group: Floats
    has_reference: bool
    dropped: int

    @classmethod
    def of(
        cls,
        hours: Floats,
        sensitivity: Floats,
        u: Floats,
        ratio: Floats | None,
        ratio_u: Floats | None,
        index: Floats | None,
    ) -> "Series":
        """Take the runs of which everything is finite and positive; see `trend.evaluate`."""
        hours = np.asarray(hours, dtype=np.float64)
        count = len(hours)
        columns = [
            hours,
            np.asarray(sensitivity, dtype=np.float64),
            np.asarray(u, dtype=np.float64),
            np.ones(count) if ratio is None else np.asarray(ratio, dtype=np.float64),
            np.zeros(count) if ratio_u is None else np.asarray(ratio_u, dtype=np.float64),
            np.arange(count, dtype=np.float64) if index is None else np.asarray(index, dtype=np.float64),
        ]
        if any(len(column) != count for column in columns):
            raise ValueError(
                f"{', '.join(str(len(column)) for column in columns)} values given for one series of runs"
            )
        used: Booleans = np.all(np.isfinite(columns), axis=0) & (columns[1] > 0) & (columns[3] > 0)
        used &= (columns[2] >= 0) & (columns[4] >= 0)
        if used.sum() < LEAST_RUNS or not np.ptp(hours[used]) > 0:
            raise NotEnoughData(f"{used.sum()} usable runs; a trend needs {LEAST_RUNS} on more than one date")
        hours, s, s_u, r, r_u, group = (column[used] for column in columns)
        return cls(hours, s, s_u / s, r, r_u / r, group, ratio is not None, int(count - used.sum()))

    @property
    def corrected(self) -> Floats:
        """Get ln(S/r)."""
        return np.asarray(np.log(self.sensitivity / self.reference))

    @property
    def shared(self) -> Floats:
        """Get the covariance that the references bring: common to the runs of one reading of it."""
        same = np.equal.outer(self.group, self.group)
        return np.where(same, np.outer(self.reference_u, self.reference_u), 0.0)

    @property
    def covariance(self) -> Floats:
        """Get the covariance of `corrected`."""
        return np.diag(self.own_u**2) + self.shared

    def reference_line(self) -> Fit | None:
        """Fit the reference itself, each reading of it once; None with fewer than three dates."""
        _, first = np.unique(self.group, return_index=True)
        hours = self.hours[first]
        if not self.has_reference or len(first) < LEAST_RUNS or not np.ptp(hours) > 0:
            return None
        return fit(hours, np.log(self.reference[first]), np.diag(self.reference_u[first] ** 2))
