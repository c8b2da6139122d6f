"""What the evaluation of a temperature sweep gives."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from xraydaq.analysis.arrhenius import TwoRegimes
from xraydaq.analysis.arrhenius_profile import Interval
from xraydaq.analysis.cell_constant import CellConstant
from xraydaq.analysis.conductance_points import Conductance
from xraydaq.analysis.outcome import Result
from xraydaq.analysis.thermal_budget import CHANGE, HIGH, LINE, LOW, SIGMA
from xraydaq.analysis.thermal_regimes import Regimes
from xraydaq.analysis.values import Value

LABELS = {
    HIGH: "activation energy above transition",
    LOW: "activation energy below transition",
    CHANGE: "transition temperature",
    LINE: "activation energy of one line",
    SIGMA: "conductivity at 298.15 K",
}
METHOD = (
    "Pulses of bias: I = c + a t^-n + b t with one n for the run, minus the current just before; G: mean over both "
    "signs of c/V; sigma = G/C_g. Two regimes in ln(sigma T) against 1/kT, branches in parallel and a broken line, "
    "weighted with the uncertainty of the temperature, chosen by BIC. u: scatter (what exceeds the u of the points is "
    "taken as 1/f noise), temperature scale, pulse model. Intervals: 95 %, profile likelihood, widened by what all "
    "points share."
)


@dataclass(frozen=True, kw_only=True)
class TemperatureSweepResult(Result):
    """Activation energies in J, transition in K, conductivity in S/m; nan where it is not reported.

    `activation_single` is the energy of one straight line through all points, the result where two regimes cannot be
    told apart. `intervals`: 95 %, in SI, by the names in `LABELS`; `sharpness`: of the nested model, 1 parallel, 5 and
    more sharp. `up`, `down`: the reported model fitted to the points of one direction, None where they do not suffice.
    """

    activation_high: Value
    activation_low: Value
    transition: Value
    activation_single: Value
    conductivity_298: Value
    exponent: Value
    intervals: Mapping[str, Interval]
    sharpness: float
    interval_sharpness: Interval
    regimes: Regimes
    cell: CellConstant
    up: TwoRegimes | None
    down: TwoRegimes | None
    points: tuple[Conductance, ...] = field(repr=False)
    method: str = METHOD

    @property
    def model(self) -> str:
        """Get the name of what is reported: "parallel", "sharp" or "single line"."""
        return self.regimes.name

    @property
    def delta_bic(self) -> float:
        """Get BIC(sharp) - BIC(parallel), positive where parallel describes the points better."""
        return self.regimes.delta_bic

    def rows(self) -> list[tuple[str, Value, str]]:
        """Return (label, value in SI, unit to show it in)."""
        two = [(HIGH, self.activation_high, "eV"), (LOW, self.activation_low, "eV"), (CHANGE, self.transition, "K")]
        one = [(LINE, self.activation_single, "eV")]
        shown = [*(two if self.regimes.chosen else one), (SIGMA, self.conductivity_298, "S/cm")]
        rows = [(LABELS[name], value, unit) for name, value, unit in shown]
        rows += [("cell constant", self.cell.value, "mm"), ("absorption exponent", self.exponent, "1")]
        return rows + [row for name, fit in self._compared().items() for row in _lines(name, fit)]

    def texts(self) -> dict[str, str]:
        """Return what is not a number."""
        return super().texts() | {"model": self.model}

    def quantities(self) -> dict[str, Value]:
        """Return every value by a name that fits a file, in SI units, with criterion and ends of intervals."""
        plain = {"delta_bic_sharp_minus_parallel": self.delta_bic, "sharpness": self.sharpness}
        named = {name: Value(value, 0.0, "1") for name, value in plain.items()}
        for name, unit in ((HIGH, "J"), (LOW, "J"), (CHANGE, "K")):
            ends = self.intervals[name]
            named[f"{name}_95_percent_low"] = Value(ends.low, 0.0, unit)
            named[f"{name}_95_percent_high"] = Value(ends.high, 0.0, unit)
        return super().quantities() | named

    def _compared(self) -> dict[str, TwoRegimes]:
        fits = {"up": self.up, "down": self.down, "parallel": self.regimes.parallel, "sharp": self.regimes.sharp}
        return {name: fit for name, fit in fits.items() if fit is not None}


def _lines(name: str, fit: TwoRegimes) -> list[tuple[str, Value, str]]:
    return [
        (f"{name}: energy above", fit.activation_high, "eV"),
        (f"{name}: energy below", fit.activation_low, "eV"),
        (f"{name}: transition", fit.transition, "K"),
    ]
